//! Rust: types with serde and checks of what types cannot say, for the crate `troupe-actor`.
//!
//! A value is read by serde, which knows the form; `check_…` then looks at limits. The alternatives of a choice differ in
//! their form, so that the one that serde takes is the one whose limits count.

mod checks;
mod parts;

use self::parts::{BETWEEN, HEAD, MATCHES, OBJECTS, PRESENT, SIZED, WITHIN, WRONG};
use super::names::{pascal, rust_field, snake};
use super::shape::{Form, Member, Shape, Shapes, Type};
use crate::BadSchema;

pub(super) fn write(shapes: &Shapes, made: &str) -> Result<String, BadSchema> {
    let writing = Writing { shapes };
    let mut body = String::new();
    for one in &shapes.types {
        body.push_str(&writing.of_type(one)?);
    }
    for root in &shapes.roots {
        let (part, name, kind) = (root.part, pascal(root.part), writing.kind(&root.shape));
        if shapes.types.iter().all(|one| one.name != name) {
            body.push_str(&format!("\npub type {name} = {kind};\n"));
        }
        let check = writing.check(&root.shape, part);
        let (value, does) = match &check {
            Some(check) => (part.to_owned(), format!("    {check}?;\n    Ok(())\n")),
            None => (format!("_{part}"), "    Ok(())\n".to_owned()),
        };
        body.push_str(&format!(
            "\n/// What the schema of `{part}` says beside the form.\n///\n/// # Errors\n/// What does not fit, with its path.\n\
             pub fn check_{part}({value}: &{kind}) -> Result<(), Reason> {{\n{does}}}\n"
        ));
    }
    body.push_str(
        "\n/// The schemas, for people.\npub fn describe() -> Description {\n    Description::default()\n",
    );
    for root in &shapes.roots {
        body.push_str(&format!("        .{}({})\n", root.part, raw(&root.schema)));
    }
    body.push_str("}\n");
    let structs: Vec<&str> = shapes
        .types
        .iter()
        .filter(|one| matches!(one.form, Form::Object(_)))
        .map(|one| one.name.as_str())
        .collect();
    let calls = |name: &str| body.contains(&format!("{name}("));
    let mut helpers = String::new();
    for (used, helper) in [
        (body.contains("\"present\""), PRESENT),
        (body.contains("Fits") || calls("between") || calls("sized") || calls("matches"), WRONG),
        (calls("within"), WITHIN),
        (calls("between"), BETWEEN),
        (calls("sized"), SIZED),
        (calls("matches"), MATCHES),
    ] {
        if used {
            helpers.push_str(helper);
        }
    }
    let objects = match structs.is_empty() {
        true => String::new(),
        false => format!("{OBJECTS}\nobjects!({});\n", structs.join(", ")),
    };
    let map = if body.contains("BTreeMap<") { "use std::collections::BTreeMap;\n\n" } else { "" };
    let derived = shapes.types.iter().any(|one| !matches!(one.form, Form::Alias(_)));
    let serde = if derived { "use serde::{Deserialize, Serialize};\n" } else { "" };
    Ok(format!(
        "// {made}\n{HEAD}\n{map}{serde}use troupe_actor::{{Description, Reason}};\n{body}{objects}{helpers}"
    ))
}

struct Writing<'s> {
    shapes: &'s Shapes,
}

impl Writing<'_> {
    fn of_type(&self, one: &Type) -> Result<String, BadSchema> {
        let name = &one.name;
        let derive = |default: bool, form: &str| {
            let default = if default { "Default, " } else { "" };
            format!(
                "\n#[derive(Clone, Debug, {default}PartialEq, Serialize, Deserialize)]\n#[serde({form})]\n"
            )
        };
        let unique = |names: Vec<String>| match (1..names.len()).find(|at| names[..*at].contains(&names[*at]))
        {
            None => Ok(()),
            Some(at) => Err(BadSchema {
                path: one.path.clone(),
                what: format!("two of its names are `{}` in Rust", names[at]),
            }),
        };
        let mut code = match &one.form {
            Form::Alias(shape) => format!("\npub type {name} = {};\n", self.kind(shape)),
            Form::Words(words) => {
                unique(words.iter().map(|word| pascal(word)).collect())?;
                let variants: String = words
                    .iter()
                    .map(|word| format!("    #[serde(rename = {word:?})]\n    {},\n", pascal(word)))
                    .collect();
                let derive = "\n#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]\n";
                format!("{derive}pub enum {name} {{\n{variants}}}\n")
            }
            Form::Object(members) => {
                unique(members.iter().map(|member| rust_field(&member.name)).collect())?;
                let fields: String = members.iter().map(|member| self.field(member)).collect();
                let default =
                    members.iter().all(|member| !member.required || self.has_default(&member.shape));
                let derive = derive(default, "remote = \"Self\", deny_unknown_fields");
                match fields.is_empty() {
                    true => format!("{derive}pub struct {name} {{}}\n"),
                    false => format!("{derive}pub struct {name} {{\n{fields}}}\n"),
                }
            }
            Form::Tagged(all) => {
                unique(all.iter().map(|(tag, _)| pascal(tag)).collect())?;
                let variant = |(tag, body): &(String, Shape)| {
                    format!("    #[serde(rename = {tag:?})]\n    {}({}),\n", pascal(tag), self.kind(body))
                };
                let variants: String = all.iter().map(variant).collect();
                let derive = "\n#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]\n";
                format!("{derive}pub enum {name} {{\n{variants}}}\n")
            }
            Form::Choice(all) => {
                let variant = |one: &Shape| format!("    {}({}),\n", self.variant(one), self.kind(one));
                let variants: String = all.iter().map(variant).collect();
                format!("{}pub enum {name} {{\n{variants}}}\n", derive(false, "untagged"))
            }
        };
        if !self.is_checked(&one.form) {
            return Ok(code);
        }
        code.push_str(&match &one.form {
            Form::Alias(shape) => {
                let check = self.check(shape, "value").unwrap_or_default();
                format!(
                    "\nfn fits_{}(value: &{}) -> Fits {{\n    {check}\n}}\n",
                    snake(name),
                    self.borrowed(shape)
                )
            }
            Form::Object(members) => {
                let lines: String = members.iter().filter_map(|member| self.line(member)).collect();
                format!(
                    "\nimpl {name} {{\n    fn fits(&self) -> Fits {{\n{lines}        Ok(())\n    }}\n}}\n"
                )
            }
            Form::Tagged(all) => {
                let arm = |(tag, body): &(String, Shape)| self.arm(&pascal(tag), body, Some(tag));
                self.arms(name, all.iter().map(arm).collect())
            }
            Form::Choice(all) => {
                self.arms(name, all.iter().map(|one| self.arm(&self.variant(one), one, None)).collect())
            }
            Form::Words(_) => String::new(),
        });
        Ok(code)
    }

    fn arms(&self, name: &str, arms: String) -> String {
        format!(
            "\nimpl {name} {{\n    fn fits(&self) -> Fits {{\n        match self {{\n{arms}        }}\n    }}\n}}\n"
        )
    }

    fn arm(&self, variant: &str, body: &Shape, tag: Option<&str>) -> String {
        match (self.check(body, "value"), tag) {
            (None, _) => format!("            Self::{variant}(_) => Ok(()),\n"),
            (Some(check), None) => format!("            Self::{variant}(value) => {check},\n"),
            (Some(check), Some(tag)) => {
                format!("            Self::{variant}(value) => within({:?}, {check}),\n", format!(".{tag}"))
            }
        }
    }

    fn field(&self, Member { name, required, shape }: &Member) -> String {
        let field = rust_field(name);
        let nullable = matches!(self.shapes.behind(shape), Shape::Nullable(_));
        let mut serde = Vec::new();
        if field.trim_start_matches("r#") != name {
            serde.push(format!("rename = {name:?}"));
        }
        let kind = match (required, nullable) {
            (true, true) => {
                // So that it must be there, if only as `null`.
                serde.push("deserialize_with = \"Option::deserialize\"".to_owned());
                self.kind(shape)
            }
            (true, false) => self.kind(shape),
            (false, true) => {
                serde.push("default".to_owned());
                self.kind(shape)
            }
            (false, false) => {
                serde.push(
                    "default, deserialize_with = \"present\", skip_serializing_if = \"Option::is_none\""
                        .to_owned(),
                );
                format!("Option<{}>", self.kind(shape))
            }
        };
        let serde = match serde.is_empty() {
            true => String::new(),
            false => format!("    #[serde({})]\n", serde.join(", ")),
        };
        format!("{serde}    pub {field}: {kind},\n")
    }

    fn kind(&self, shape: &Shape) -> String {
        match shape {
            Shape::Any => "serde_json::Value".to_owned(),
            Shape::Null => "()".to_owned(),
            Shape::Boolean => "bool".to_owned(),
            Shape::Integer { least, .. } => if is_signed(*least) { "i64" } else { "u64" }.to_owned(),
            Shape::Number { .. } => "f64".to_owned(),
            Shape::Text { .. } => "String".to_owned(),
            Shape::List { item, .. } => format!("Vec<{}>", self.kind(item)),
            Shape::Map { name, item } => format!("BTreeMap<{}, {}>", self.kind(name), self.kind(item)),
            Shape::Nullable(inner) => format!("Option<{}>", self.kind(inner)),
            Shape::Named(at) => self.shapes.name(*at).to_owned(),
        }
    }

    /// What a reference is to: `str` and slices, as is usual.
    fn borrowed(&self, shape: &Shape) -> String {
        match shape {
            Shape::Text { .. } => "str".to_owned(),
            Shape::List { item, .. } => format!("[{}]", self.kind(item)),
            shape => self.kind(shape),
        }
    }

    fn variant(&self, shape: &Shape) -> String {
        match shape {
            Shape::Named(at) => self.shapes.name(*at).to_owned(),
            shape => pascal(self.shapes.kind(shape)),
        }
    }

    fn has_default(&self, shape: &Shape) -> bool {
        match self.shapes.form(shape) {
            Some(Form::Words(_) | Form::Tagged(_) | Form::Choice(_)) => false,
            Some(Form::Alias(shape)) => self.has_default(shape),
            Some(Form::Object(members)) => {
                members.iter().all(|member| !member.required || self.has_default(&member.shape))
            }
            None => true,
        }
    }
}

fn is_signed(least: Option<i128>) -> bool {
    least.is_none_or(|least| least < 0)
}

/// A literal of text without escapes, if that can be read.
fn raw(text: &str) -> String {
    if text.chars().any(char::is_control) {
        return format!("{text:?}");
    }
    let mut fence = String::new();
    while text.contains(&format!("\"{fence}")) {
        fence.push('#');
    }
    match fence.is_empty() && !text.contains('\\') {
        true => format!("\"{text}\""),
        false => format!("r{fence}\"{text}\"{fence}"),
    }
}
