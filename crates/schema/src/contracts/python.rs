//! Python: dataclasses and annotated types, for the package `troupe_actor`.
//!
//! Python's SDK reads the members of a message as the fields of a dataclass, under their own names, and keeps every field of
//! a state. So a name that is none in Python, and a member of a state that may be absent, have no code.

use std::collections::BTreeSet;

use super::names::{grouped, is_python_field, pascal, quoted};
use super::shape::{Form, Member, Shape, Shapes, Size, Type};
use crate::BadSchema;

pub(super) fn write(shapes: &Shapes, made: &str) -> Result<String, BadSchema> {
    let writing = Writing { shapes };
    let mut body = String::new();
    for one in &shapes.types {
        body.push_str(&writing.of_type(one)?);
    }
    for root in &shapes.roots {
        let name = pascal(root.part);
        if root.part == "state" {
            writing.whole(&root.shape, &format!("/{}", root.part))?;
        }
        if shapes.types.iter().all(|one| one.name != name) {
            body.push_str(&format!("\n{name} = {}\n", writing.shape(&root.shape)));
        }
    }
    // Two empty lines around a class, and not more.
    while body.contains("\n\n\n\n") {
        body = body.replace("\n\n\n\n", "\n\n\n");
    }
    let body = format!("{}\n", body.trim_end());
    let uses = |word: &str| body.contains(word);
    let mut head = format!("\"\"\"The contracts of an actor.\n\n{made}\n");
    head.push_str("`State` is the dataclass that the actor's class is made from: `@actor class Name(State)`. A method takes the\n");
    head.push_str("members of its message with these types, or the whole: `def handle(self, message: Message)`.\n\"\"\"\n\n");
    if uses("@dataclass") {
        head.push_str("from dataclasses import dataclass\n");
    }
    let typing: Vec<&str> = ["Annotated", "Any", "Literal"]
        .into_iter()
        .filter(|word| uses(&format!("{word}[")) || (*word == "Any" && has_any(&body)))
        .collect();
    if !typing.is_empty() {
        head.push_str(&format!("from typing import {}\n", typing.join(", ")));
    }
    let ours: Vec<&str> =
        ["Length", "Matches", "Range"].into_iter().filter(|word| uses(&format!("{word}("))).collect();
    if !ours.is_empty() {
        head.push_str(&format!("\nfrom troupe_actor import {}\n", ours.join(", ")));
    }
    Ok(head + &body)
}

fn has_any(body: &str) -> bool {
    body.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').any(|word| word == "Any")
}

struct Writing<'s> {
    shapes: &'s Shapes,
}

impl Writing<'_> {
    fn of_type(&self, one: &Type) -> Result<String, BadSchema> {
        let name = &one.name;
        Ok(match &one.form {
            Form::Alias(shape) => format!("\n{name} = {}\n", self.shape(shape)),
            Form::Words(words) => {
                let words: Vec<_> = words.iter().map(|word| text(word)).collect();
                format!("\n{name} = Literal[{}]\n", words.join(", "))
            }
            Form::Choice(all) => {
                let all: Vec<_> = all.iter().map(|one| self.shape(one)).collect();
                format!("\n{name} = {}\n", all.join(" | "))
            }
            Form::Object(members) => self.dataclass(name, members, &one.path)?,
            Form::Tagged(all) => {
                let mut code = String::new();
                let mut names = Vec::new();
                let mut taken: BTreeSet<String> =
                    self.shapes.types.iter().map(|one| one.name.clone()).collect();
                for (key, body) in all {
                    let mut class = format!("{name}{}", pascal(key));
                    while !taken.insert(class.clone()) {
                        class.push('_');
                    }
                    let member = Member { name: key.clone(), required: true, shape: body.clone() };
                    code.push_str(&self.dataclass(&class, std::slice::from_ref(&member), &one.path)?);
                    names.push(class);
                }
                format!("{code}\n\n{name} = {}\n", names.join(" | "))
            }
        })
    }

    fn dataclass(&self, name: &str, members: &[Member], path: &str) -> Result<String, BadSchema> {
        let mut fields = String::new();
        // Fields that may be absent come after those that may not.
        let (first, last): (Vec<&Member>, Vec<_>) = members.iter().partition(|member| member.required);
        for Member { name, required, shape } in first.into_iter().chain(last) {
            if !is_python_field(name) {
                let what = format!("`{name}` cannot be the name of a field in Python");
                return Err(BadSchema { path: path.to_owned(), what });
            }
            let absent = match (required, self.shapes.behind(shape)) {
                (true, _) => "",
                (false, Shape::Nullable(_) | Shape::Null | Shape::Any) => " = None",
                // `null` is refused, so that None says that it is absent.
                (false, _) => " = None  # type: ignore[assignment]",
            };
            fields.push_str(&format!("    {name}: {}{absent}\n", self.shape(shape)));
        }
        if members.is_empty() {
            fields.push_str("    pass\n");
        }
        Ok(format!("\n\n@dataclass\nclass {name}:\n{fields}\n"))
    }

    fn shape(&self, shape: &Shape) -> String {
        let annotated = |kind: &str, said: Vec<String>| match said.is_empty() {
            true => kind.to_owned(),
            false => format!("Annotated[{kind}, {}]", said.join(", ")),
        };
        match shape {
            Shape::Any => "Any".to_owned(),
            Shape::Null => "None".to_owned(),
            Shape::Boolean => "bool".to_owned(),
            Shape::Integer { least, most } => annotated("int", range(least.map(grouped), most.map(grouped))),
            Shape::Number { least, most } => {
                let text = |limit: f64| format!("{limit:?}");
                annotated("float", range(least.map(text), most.map(text)))
            }
            Shape::Text { size, pattern } => {
                let pattern = pattern.iter().map(|one| format!("Matches({})", raw(&one.expression(escape))));
                annotated("str", length(*size).into_iter().chain(pattern).collect())
            }
            Shape::List { size, item } => annotated(&format!("list[{}]", self.shape(item)), length(*size)),
            Shape::Map { name, item } => format!("dict[{}, {}]", self.shape(name), self.shape(item)),
            Shape::Nullable(inner) => format!("{} | None", self.shape(inner)),
            Shape::Named(at) => self.shapes.name(*at).to_owned(),
        }
    }

    /// Whether each member of a state must be there.
    fn whole(&self, shape: &Shape, path: &str) -> Result<(), BadSchema> {
        match shape {
            Shape::List { item: inner, .. } | Shape::Map { item: inner, .. } | Shape::Nullable(inner) => {
                self.whole(inner, path)
            }
            Shape::Named(at) => match self.shapes.types.get(*at).map(|one| &one.form) {
                Some(Form::Alias(shape)) => self.whole(shape, path),
                Some(Form::Choice(all)) => all.iter().try_for_each(|one| self.whole(one, path)),
                Some(Form::Tagged(all)) => {
                    all.iter().try_for_each(|(name, one)| self.whole(one, &format!("{path}/{name}")))
                }
                Some(Form::Object(members)) => members.iter().try_for_each(|member| {
                    let path = format!("{path}/{}", member.name);
                    match member.required {
                        true => self.whole(&member.shape, &path),
                        false => Err(BadSchema {
                            path,
                            what: "a state in Python has each of its members: say that it is `required`"
                                .to_owned(),
                        }),
                    }
                }),
                _ => Ok(()),
            },
            _ => Ok(()),
        }
    }
}

fn range(least: Option<String>, most: Option<String>) -> Vec<String> {
    match (least, most) {
        (None, None) => Vec::new(),
        (Some(least), None) => vec![format!("Range({least})")],
        (least, Some(most)) => vec![format!("Range({}, {most})", least.unwrap_or("None".to_owned()))],
    }
}

fn length(size: Size) -> Vec<String> {
    match size {
        _ if size.is_any() => Vec::new(),
        Size { least, most: None } => vec![format!("Length({least})")],
        Size { least, most: Some(most) } => vec![format!("Length({least}, {most})")],
    }
}

fn text(text: &str) -> String {
    quoted(text, '"', escape)
}

/// A pattern, as a raw string where that is the same.
fn raw(pattern: &str) -> String {
    match pattern.contains(['"', '\n']) || !pattern.contains('\\') {
        true => text(pattern),
        false => format!("r\"{pattern}\""),
    }
}

/// As a string and a pattern know it.
fn escape(c: char) -> String {
    format!("\\U{:08x}", u32::from(c))
}
