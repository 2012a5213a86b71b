//! JavaScript: schemas of the keywords that the package `troupe-actor` keeps, for `actor({ schema, … })`.

use super::names::{capitals, grouped, quoted};
use super::pattern::Pattern;
use super::shape::{Form, Shape, Shapes, Size};

/// The longest line.
const WIDTH: usize = 100;

/// An expression of JavaScript.
enum Code {
    Plain(String),
    Object(Vec<(String, Code)>),
    List(Vec<Code>),
}

pub(super) fn write(shapes: &Shapes, made: &str) -> String {
    let mut code = format!("// {made}\n");
    let writing = Writing { shapes };
    for one in shapes.types.iter().filter(|one| one.shared) {
        let value = writing.form(&one.form).printed(0);
        code.push_str(&format!("\nconst {} = {value}\n", capitals(&one.name)));
    }
    let mut schema = Vec::new();
    let mut messages = None;
    for root in &shapes.roots {
        match shapes.form(&root.shape) {
            Some(Form::Tagged(all)) if root.part == "message" => messages = Some(all),
            _ => schema.push((root.part.to_owned(), writing.shape(&root.shape))),
        }
    }
    if let Some(all) = messages {
        code.push_str("\n/** Each message's schema: `actor({ messages: { name: { schema: messages.name, handle() {} } } })`. */\n");
        let all = all.iter().map(|(name, body)| (key(name), writing.shape(body))).collect();
        code.push_str(&format!("export const messages = {}\n", Code::Object(all).printed(0)));
    }
    code.push_str("\n/** For `actor({ schema })`. */\n");
    code.push_str(&format!("export const schema = {}\n", Code::Object(schema).printed(0)));
    code
}

struct Writing<'s> {
    shapes: &'s Shapes,
}

impl Writing<'_> {
    fn shape(&self, shape: &Shape) -> Code {
        let limits = |keys: [&str; 2], least: Option<String>, most: Option<String>| {
            let both = keys.into_iter().zip([least, most]);
            both.filter_map(|(key, limit)| Some((key.to_owned(), Code::Plain(limit?)))).collect::<Vec<_>>()
        };
        let sizes = |keys, size: Size| {
            let least = (size.least > 0).then(|| size.least.to_string());
            limits(keys, least, size.most.map(|most| most.to_string()))
        };
        match shape {
            Shape::Any => Code::Plain("true".to_owned()),
            Shape::Null => of("null", []),
            Shape::Boolean => of("boolean", []),
            Shape::Integer { least, most } => {
                of("integer", limits(["minimum", "maximum"], least.map(grouped), most.map(grouped)))
            }
            Shape::Number { least, most } => {
                let text = |limit: &f64| format!("{limit:?}");
                of(
                    "number",
                    limits(["minimum", "maximum"], least.as_ref().map(text), most.as_ref().map(text)),
                )
            }
            Shape::Text { size, pattern } => {
                let pattern =
                    pattern.iter().map(|pattern| ("pattern".to_owned(), Code::Plain(regex(pattern))));
                of("string", sizes(["minLength", "maxLength"], *size).into_iter().chain(pattern))
            }
            Shape::List { size, item } => {
                let items = [("items".to_owned(), self.shape(item))];
                of("array", items.into_iter().chain(sizes(["minItems", "maxItems"], *size)))
            }
            Shape::Map { name, item } => {
                let any =
                    matches!(self.shapes.behind(name), Shape::Text { size, pattern: None } if size.is_any());
                let names = (!any).then(|| ("propertyNames".to_owned(), self.shape(name)));
                of("object", names.into_iter().chain([("additionalProperties".to_owned(), self.shape(item))]))
            }
            Shape::Nullable(inner) => either([of("null", []), self.shape(inner)]),
            Shape::Named(at) => match self.shapes.types.get(*at) {
                Some(one) if one.shared => Code::Plain(capitals(&one.name)),
                Some(one) => self.form(&one.form),
                None => Code::Plain("true".to_owned()),
            },
        }
    }

    fn form(&self, form: &Form) -> Code {
        match form {
            Form::Alias(shape) => self.shape(shape),
            Form::Words(words) => {
                let words = words.iter().map(|word| Code::Plain(text(word))).collect();
                Code::Object(vec![("enum".to_owned(), Code::List(words))])
            }
            Form::Object(members) => {
                let named = members.iter().map(|one| (key(&one.name), self.shape(&one.shape))).collect();
                let required =
                    members.iter().filter(|one| one.required).map(|one| Code::Plain(text(&one.name)));
                object(named, required.collect())
            }
            Form::Tagged(all) => either(all.iter().map(|(name, body)| {
                object(vec![(key(name), self.shape(body))], vec![Code::Plain(text(name))])
            })),
            Form::Choice(all) => either(all.iter().map(|one| self.shape(one))),
        }
    }
}

fn of(kind: &str, more: impl IntoIterator<Item = (String, Code)>) -> Code {
    let kind = ("type".to_owned(), Code::Plain(text(kind)));
    Code::Object([kind].into_iter().chain(more).collect())
}

fn object(named: Vec<(String, Code)>, required: Vec<Code>) -> Code {
    let mut more = vec![("properties".to_owned(), Code::Object(named))];
    if !required.is_empty() {
        more.push(("required".to_owned(), Code::List(required)));
    }
    more.push(("additionalProperties".to_owned(), Code::Plain("false".to_owned())));
    of("object", more)
}

fn either(all: impl IntoIterator<Item = Code>) -> Code {
    Code::Object(vec![("anyOf".to_owned(), Code::List(all.into_iter().collect()))])
}

fn regex(pattern: &Pattern) -> String {
    text(&format!("^{}$", pattern.expression(escape)))
}

fn text(text: &str) -> String {
    quoted(text, '\'', escape)
}

/// As a string and a pattern with the flag `u` know it.
fn escape(c: char) -> String {
    format!("\\u{{{:x}}}", u32::from(c))
}

/// The key of an object.
fn key(name: &str) -> String {
    let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    match name.chars().next() {
        // `__proto__: {}` would be the prototype, and `['__proto__']: {}` is a member.
        _ if name == "__proto__" => "['__proto__']".to_owned(),
        Some(c) if plain && !c.is_ascii_digit() => name.to_owned(),
        _ => text(name),
    }
}

impl Code {
    fn printed(&self, depth: usize) -> String {
        let line = self.line();
        if line.len() + 2 * depth <= WIDTH {
            return line;
        }
        let (inner, outer) = ("  ".repeat(depth + 1), "  ".repeat(depth));
        match self {
            Self::Plain(text) => text.clone(),
            Self::Object(members) => {
                let lines: String = members
                    .iter()
                    .map(|(key, value)| format!("{inner}{key}: {},\n", value.printed(depth + 1)))
                    .collect();
                format!("{{\n{lines}{outer}}}")
            }
            Self::List(list) => {
                let lines: String =
                    list.iter().map(|value| format!("{inner}{},\n", value.printed(depth + 1))).collect();
                format!("[\n{lines}{outer}]")
            }
        }
    }

    fn line(&self) -> String {
        match self {
            Self::Plain(text) => text.clone(),
            Self::Object(members) if members.is_empty() => "{}".to_owned(),
            Self::Object(members) => {
                let all: Vec<_> =
                    members.iter().map(|(key, value)| format!("{key}: {}", value.line())).collect();
                format!("{{ {} }}", all.join(", "))
            }
            Self::List(list) => format!("[{}]", list.iter().map(Self::line).collect::<Vec<_>>().join(", ")),
        }
    }
}
