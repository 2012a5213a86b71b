//! Checks of what types cannot say, as expressions of the type `Fits`.

use super::{Writing, is_signed, raw};
use crate::contracts::names::{self, rust_field, snake};
use crate::contracts::pattern::Pattern;
use crate::contracts::shape::{Form, Member, Shape, Size};

impl Writing<'_> {
    /// The check of a member, as a statement.
    pub(super) fn line(&self, Member { name, required, shape }: &Member) -> Option<String> {
        let field = rust_field(name);
        let nullable = matches!(self.shapes.behind(shape), Shape::Nullable(_));
        let optional = !required && !nullable;
        let check = match optional {
            true => format!("self.{field}.as_ref().map_or(Ok(()), |value| {})", self.check(shape, "value")?),
            false => self.check(shape, &format!("&self.{field}"))?,
        };
        Some(format!("        within({:?}, {check})?;\n", format!(".{name}")))
    }

    /// The check of a value as an expression, if there is something to check; `value` is a reference.
    pub(super) fn check(&self, shape: &Shape, value: &str) -> Option<String> {
        let bare = value.strip_prefix('&');
        let copied = bare.map_or_else(|| format!("*{value}"), str::to_owned);
        let called = bare.unwrap_or(value);
        match shape {
            Shape::Any | Shape::Null | Shape::Boolean => None,
            Shape::Integer { least, most } => {
                let needed = least.is_some_and(|least| least != 0) || most.is_some();
                let least = least.filter(|least| *least != 0 || is_signed(Some(*least)));
                needed.then(|| {
                    format!(
                        "between({copied}, {}, {})",
                        option(least.map(grouped)),
                        option(most.map(grouped))
                    )
                })
            }
            Shape::Number { least, most } => {
                let text = |limit: &f64| format!("{limit:?}");
                let (least, most) = (least.as_ref().map(text), most.as_ref().map(text));
                (least.is_some() || most.is_some())
                    .then(|| format!("between({copied}, {}, {})", option(least), option(most)))
            }
            Shape::Text { size, pattern } => {
                let sized = (!size.is_any()).then(|| sized(&format!("{called}.chars().count()"), *size));
                let matches = pattern.as_ref().map(|pattern| matching(value, pattern));
                match (sized, matches) {
                    (Some(sized), Some(matches)) => Some(format!("{sized}.and_then(|()| {matches})")),
                    (sized, matches) => sized.or(matches),
                }
            }
            Shape::List { size, item } => {
                let sized = (!size.is_any()).then(|| sized(&format!("{called}.len()"), *size));
                let each = self.check(item, "one").map(|check| {
                    format!(
                        "{called}.iter().enumerate().try_for_each(|(at, one)| within(format_args!(\"[{{at}}]\"), {check}))"
                    )
                });
                match (sized, each) {
                    (Some(sized), Some(each)) => Some(format!("{sized}.and_then(|()| {each})")),
                    (sized, each) => sized.or(each),
                }
            }
            Shape::Map { name, item } => {
                let (name, item) = (self.check(name, "name"), self.check(item, "one"));
                let key = if name.is_some() || item.is_some() { "name" } else { return None };
                let one = if item.is_some() { "one" } else { "_" };
                let checks = match (name, item) {
                    (Some(name), Some(item)) => format!("{name}.and_then(|()| {item})"),
                    (name, item) => name.or(item)?,
                };
                Some(format!(
                    "{called}.iter().try_for_each(|({key}, {one})| within(format_args!(\".{{name}}\"), {checks}))"
                ))
            }
            Shape::Nullable(inner) => {
                let check = self.check(inner, "value")?;
                Some(format!("{called}.as_ref().map_or(Ok(()), |value| {check})"))
            }
            Shape::Named(at) => {
                let one = self.shapes.types.get(*at)?;
                match &one.form {
                    form if !self.is_checked(form) => None,
                    Form::Alias(_) => Some(format!("fits_{}({value})", snake(&one.name))),
                    _ => Some(format!("{called}.fits()")),
                }
            }
        }
    }

    pub(super) fn is_checked(&self, form: &Form) -> bool {
        let is = |shape: &Shape| self.check(shape, "value").is_some();
        match form {
            Form::Words(_) => false,
            Form::Alias(shape) => is(shape),
            Form::Object(members) => members.iter().any(|member| is(&member.shape)),
            Form::Tagged(all) => all.iter().any(|(_, shape)| is(shape)),
            Form::Choice(all) => all.iter().any(is),
        }
    }
}

fn grouped(number: i128) -> String {
    match number == i128::from(i64::MIN) {
        true => "i64::MIN".to_owned(),
        false => names::grouped(number),
    }
}

fn option(limit: Option<String>) -> String {
    limit.map_or_else(|| "None".to_owned(), |limit| format!("Some({limit})"))
}

fn sized(of: &str, size: Size) -> String {
    format!("sized({of}, {}, {})", size.least, option(size.most.map(|most| most.to_string())))
}

fn matching(value: &str, pattern: &Pattern) -> String {
    let steps: Vec<_> = pattern
        .steps
        .iter()
        .map(|step| {
            let ranges: Vec<_> =
                step.class.iter().map(|(first, last)| format!("({first:?}, {last:?})")).collect();
            let most = option(step.most.map(|most| most.to_string()));
            format!("Step(&[{}], {}, {most})", ranges.join(", "), step.least)
        })
        .collect();
    format!("matches({value}, &[{}], {})", steps.join(", "), raw(&pattern.source))
}
