//! What generated Rust has beside types: written if it is used.

pub(super) const HEAD: &str = "\
//
// Types of what the actor takes and is, and checks of what types cannot say. For `impl Actor for State`, `accept` calls
// `check_message`, `check` calls `check_state`, and `describe` calls `describe`.
";

/// Reading and writing of structs; serde would take an array for one, too.
pub(super) const OBJECTS: &str = r#"
/// Structs are read from objects and not, as serde has it, from arrays, too.
macro_rules! objects {
    ($($name:ident),*) => {$(
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                Self::serialize(self, serializer)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Members;

                impl<'de> serde::de::Visitor<'de> for Members {
                    type Value = $name;

                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        f.write_str("an object")
                    }

                    fn visit_map<A: serde::de::MapAccess<'de>>(self, map: A) -> Result<$name, A::Error> {
                        $name::deserialize(serde::de::value::MapAccessDeserializer::new(map))
                    }
                }

                deserializer.deserialize_map(Members)
            }
        }
    )*};
}
"#;

pub(super) const PRESENT: &str = r"
/// A member that may be absent, and is not null.
fn present<'de, D: serde::Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}
";

pub(super) const WRONG: &str = r#"
/// What does not fit, and where.
struct Wrong {
    path: String,
    what: String,
}

type Fits = Result<(), Wrong>;

impl std::fmt::Display for Wrong {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.path.trim_start_matches('.') {
            "" => f.write_str(&self.what),
            path => write!(f, "{path}: {}", self.what),
        }
    }
}

fn wrong(what: impl std::fmt::Display) -> Fits {
    Err(Wrong { path: String::new(), what: what.to_string() })
}
"#;

pub(super) const BETWEEN: &str = r#"
fn between<N: PartialOrd + std::fmt::Display>(number: N, least: Option<N>, most: Option<N>) -> Fits {
    match (least, most) {
        (Some(least), _) if number < least => wrong(format_args!("is less than {least}")),
        (_, Some(most)) if number > most => wrong(format_args!("is more than {most}")),
        _ => Ok(()),
    }
}
"#;

pub(super) const SIZED: &str = r#"
fn sized(size: usize, least: u64, most: Option<u64>) -> Fits {
    match most {
        _ if (size as u64) < least => wrong(format_args!("is shorter than {least}")),
        Some(most) if size as u64 > most => wrong(format_args!("is longer than {most}")),
        _ => Ok(()),
    }
}
"#;

pub(super) const MATCHES: &str = r#"
/// Between `least` and `most` characters of a class, given as ranges.
struct Step(&'static [(char, char)], usize, Option<usize>);

/// Whether a text is made of these steps; it is never in doubt where one ends.
fn matches(text: &str, steps: &[Step], pattern: &str) -> Fits {
    let mut rest = text.chars().peekable();
    for Step(class, least, most) in steps {
        let mut count = 0;
        while most.is_none_or(|most| count < most)
            && rest.next_if(|c| class.iter().any(|(first, last)| (first..=last).contains(&c))).is_some()
        {
            count += 1;
        }
        if count < *least {
            return wrong(format_args!("does not match {pattern}"));
        }
    }
    if rest.next().is_some() { wrong(format_args!("does not match {pattern}")) } else { Ok(()) }
}
"#;

pub(super) const WITHIN: &str = r#"
/// A check of what is within, under the name that it has there.
fn within(name: impl std::fmt::Display, fits: Fits) -> Fits {
    fits.map_err(|Wrong { path, what }| Wrong { path: format!("{name}{path}"), what })
}
"#;
