//! C: functions over the reader of `troupe_actor.h`, in a header of their own.
//!
//! Each type of the schemas is a function that says what is wrong with a value. The reader has no numbers with fractions,
//! so that limits of these have no code.

mod parts;

use self::parts::{HEAD, MATCHES, SIZED};
use super::names::snake;
use super::pattern::Pattern;
use super::shape::{Form, Shape, Shapes, Size, Type};
use crate::BadSchema;

pub(super) fn write(shapes: &Shapes, made: &str) -> Result<String, BadSchema> {
    if let Some(root) = shapes.roots.iter().find(|root| root.schema.contains("\\u0000")) {
        let what = "a text of C ends where it has the character 0".to_owned();
        return Err(BadSchema { path: format!("/{}", root.part), what });
    }
    let writing = Writing { shapes };
    let mut body = String::new();
    for one in &shapes.types {
        body.push_str(&writing.of_type(one)?);
    }
    for root in &shapes.roots {
        let (part, checks) =
            (root.part, writing.checks(&root.shape, root.part, "NULL", 1, &format!("/{}", root.part))?);
        body.push_str(&format!(
            "\nstatic inline troupe_reason contract_{part}(const troupe_json *{part}) {{\n"
        ));
        if part == "config" {
            body.push_str("  static const troupe_json none = {.kind = TROUPE_NULL};\n");
            body.push_str("  if (config->kind == TROUPE_NOTHING) config = &none;\n");
        }
        body.push_str(&format!(
            "  if ({part}->kind == TROUPE_NOT_JSON) return troupe_literal(\"is not JSON\");\n{checks}  return TROUPE_OK;\n}}\n"
        ));
    }
    body.push_str("\n#define CONTRACT_SCHEMA \\\n");
    for (index, root) in shapes.roots.iter().enumerate() {
        let before = if index == 0 { "{" } else { "," };
        body.push_str(&format!("  {} \\\n", literal(&format!("{before}\"{}\":{}", root.part, root.schema))));
    }
    body.push_str("  \"}\"\n\n#endif\n");
    let sized = if body.contains("contract_characters(") { SIZED } else { "" };
    let matches = if body.contains("contract_matches(") { MATCHES } else { "" };
    Ok(format!("// {made}\n{HEAD}{sized}{matches}{body}"))
}

struct Writing<'s> {
    shapes: &'s Shapes,
}

impl Writing<'_> {
    fn of_type(&self, one: &Type) -> Result<String, BadSchema> {
        let name = snake(&one.name);
        let wrong = |what: &str| format!("return contract_wrong(at, {});", literal(what));
        let mut before = String::new();
        let checks = match &one.form {
            Form::Alias(shape) => self.checks(shape, "json", "at", 1, &one.path)?,
            Form::Words(words) => {
                let tests: Vec<_> =
                    words.iter().map(|word| format!("!contract_is(json->text, {})", literal(word))).collect();
                let shown: Vec<_> = words.iter().map(|word| format!("{word:?}")).collect();
                format!(
                    "  if (json->kind != TROUPE_STRING || ({}))\n    {}\n",
                    tests.join(" && "),
                    wrong(&format!("is not one of {}", shown.join(", ")))
                )
            }
            Form::Object(members) => {
                let mut checks =
                    format!("  if (json->kind != TROUPE_OBJECT) {}\n", wrong("is not an object"));
                checks.push_str("  for (const troupe_json *each = json->first; each; each = each->next) {\n");
                checks.push_str("    contract_place within = {at, each->key, 0};\n");
                for member in members {
                    checks.push_str(&format!(
                        "    if (contract_is(each->key, {})) {{\n",
                        literal(&member.name)
                    ));
                    checks.push_str(&self.checks(&member.shape, "each", "&within", 3, &one.path)?);
                    checks.push_str("      continue;\n    }\n");
                }
                checks.push_str("    return contract_wrong(&within, \"is not known here\");\n  }\n");
                for member in members.iter().filter(|member| member.required) {
                    let name = literal(&member.name);
                    checks.push_str(&format!(
                        "  if (troupe_get(json, {name})->kind == TROUPE_NOTHING)\n    \
                         return contract_wrong(&(contract_place){{at, troupe_literal({name}), 0}}, \"is missing\");\n"
                    ));
                }
                checks
            }
            Form::Tagged(all) => {
                let tags: Vec<_> = all.iter().map(|(tag, _)| tag.as_str()).collect();
                let mut checks = format!(
                    "  if (!troupe_is_object(json, 1)) {}\n",
                    wrong(&format!("is not an object with one of {}", tags.join(", ")))
                );
                checks.push_str("  const troupe_json *each = json->first;\n");
                checks.push_str("  contract_place within = {at, each->key, 0};\n");
                for (tag, body) in all {
                    checks.push_str(&format!("  if (contract_is(each->key, {})) {{\n", literal(tag)));
                    checks.push_str(&self.checks(body, "each", "&within", 2, &one.path)?);
                    checks.push_str("    return TROUPE_OK;\n  }\n");
                }
                checks.push_str("  return contract_wrong(&within, \"is not known here\");\n");
                before.push_str(&function(&name, &checks));
                return Ok(before);
            }
            Form::Choice(all) => {
                let mut checks = "  troupe_reason wrong = TROUPE_OK;\n".to_owned();
                for (index, alternative) in all.iter().enumerate() {
                    let call = match alternative {
                        Shape::Named(at) => snake(self.shapes.name(*at)),
                        shape => {
                            let call = format!("{name}_{}", index + 1);
                            let body =
                                self.checks(shape, "json", "at", 1, &one.path)? + "  return TROUPE_OK;\n";
                            before.push_str(&function(&call, &body));
                            call
                        }
                    };
                    checks.push_str(&format!(
                        "  if ({}) {{\n    wrong = check_{call}(json, at);\n    if (!wrong.ptr) return wrong;\n  }}\n",
                        self.is_kind(alternative)
                    ));
                }
                checks.push_str(&format!(
                    "  if (!wrong.ptr) {}\n  return wrong;\n",
                    wrong("is of no kind that there is")
                ));
                before.push_str(&function(&name, &checks));
                return Ok(before);
            }
        };
        Ok(before + &function(&name, &(checks + "  return TROUPE_OK;\n")))
    }

    fn is_kind(&self, shape: &Shape) -> String {
        let kind = match self.shapes.kind(shape) {
            "any" => return "true".to_owned(),
            "boolean" => "BOOL",
            "null" => "NULL",
            "string" => "STRING",
            "number" => "NUMBER",
            "array" => "ARRAY",
            _ => "OBJECT",
        };
        format!("json->kind == TROUPE_{kind}")
    }

    /// Statements that return what is wrong with `json`, which is at the place `at`.
    fn checks(
        &self,
        shape: &Shape,
        json: &str,
        at: &str,
        depth: usize,
        path: &str,
    ) -> Result<String, BadSchema> {
        let indent = "  ".repeat(depth);
        let unless = |test: String, what: &str| {
            format!("{indent}if (!({test})) return contract_wrong({at}, {});\n", literal(what))
        };
        let kind = |kind: &str, what: &str| {
            format!(
                "{indent}if ({json}->kind != TROUPE_{kind}) return contract_wrong({at}, \"is not {what}\");\n"
            )
        };
        Ok(match shape {
            Shape::Any => String::new(),
            Shape::Null => kind("NULL", "null"),
            Shape::Boolean => kind("BOOL", "a boolean"),
            Shape::Integer { least, most } => integer(*least, *most, json, &unless),
            Shape::Number { least: None, most: None } => kind("NUMBER", "a number"),
            Shape::Number { .. } => {
                let what = "there is no code in C for limits of numbers that may have a fraction".to_owned();
                return Err(BadSchema { path: path.to_owned(), what });
            }
            Shape::Text { size, pattern } => {
                let mut checks = kind("STRING", "a string");
                checks.push_str(&sized(*size, &format!("contract_characters({json}->text)"), &unless));
                if let Some(pattern) = pattern {
                    checks.push_str(&unless(
                        matching(pattern, json),
                        &format!("does not match {}", pattern.source),
                    ));
                }
                checks
            }
            Shape::List { size, item } => {
                let (each, place) = (format!("each{depth}"), format!("within{depth}"));
                let checks = self.checks(item, &each, &format!("&{place}"), depth + 1, path)?;
                let mut code = kind("ARRAY", "an array") + &sized(*size, &format!("{json}->count"), &unless);
                if !checks.is_empty() {
                    code.push_str(&format!("{indent}contract_place {place} = {{{at}, {{NULL, 0}}, 0}};\n"));
                    code.push_str(&format!(
                        "{indent}for (const troupe_json *{each} = {json}->first; {each}; {each} = {each}->next, {place}.index++) {{\n\
                         {checks}{indent}}}\n"
                    ));
                }
                code
            }
            Shape::Map { name, item } => {
                let (each, place, key) =
                    (format!("each{depth}"), format!("within{depth}"), format!("name{depth}"));
                let at_place = format!("&{place}");
                let any =
                    matches!(self.shapes.behind(name), Shape::Text { size, pattern: None } if size.is_any());
                let mut checks = String::new();
                if !any {
                    checks.push_str(&format!(
                        "{indent}  const troupe_json *{key} = &(troupe_json){{.kind = TROUPE_STRING, .text = {each}->key}};\n"
                    ));
                    checks.push_str(&self.checks(name, &key, &at_place, depth + 1, path)?);
                }
                checks.push_str(&self.checks(item, &each, &at_place, depth + 1, path)?);
                let mut code = kind("OBJECT", "an object");
                if !checks.is_empty() {
                    code.push_str(&format!(
                        "{indent}for (const troupe_json *{each} = {json}->first; {each}; {each} = {each}->next) {{\n\
                         {indent}  contract_place {place} = {{{at}, {each}->key, 0}};\n{checks}{indent}}}\n"
                    ));
                }
                code
            }
            Shape::Nullable(inner) => {
                let checks = self.checks(inner, json, at, depth + 1, path)?;
                format!("{indent}if ({json}->kind != TROUPE_NULL) {{\n{checks}{indent}}}\n")
            }
            Shape::Named(named) => {
                let wrong = format!("wrong{depth}");
                format!(
                    "{indent}troupe_reason {wrong} = check_{}({json}, {at});\n{indent}if ({wrong}.ptr) return {wrong};\n",
                    snake(self.shapes.name(*named))
                )
            }
        })
    }
}

fn function(name: &str, body: &str) -> String {
    format!(
        "\nstatic inline troupe_reason check_{name}(const troupe_json *json, const contract_place *at) {{\n{body}}}\n"
    )
}

fn integer(
    least: Option<i128>,
    most: Option<i128>,
    json: &str,
    unless: &dyn Fn(String, &str) -> String,
) -> String {
    let said = match (least, most) {
        (None, None) => "is not an integer of 64 bits".to_owned(),
        (Some(least), None) => format!("is not an integer from {least}"),
        (None, Some(most)) => format!("is not an integer up to {most}"),
        (Some(least), Some(most)) => format!("is not an integer from {least} to {most}"),
    };
    let test = match least {
        Some(least) if least >= 0 => {
            let most = most.map_or("UINT64_MAX".to_owned(), |most| format!("UINT64_C({most})"));
            format!("troupe_unsigned({json}, UINT64_C({least}), {most}, NULL)")
        }
        _ => {
            let signed = |limit: i128| match limit == i128::from(i64::MIN) {
                true => "INT64_MIN".to_owned(),
                false => format!("INT64_C({limit})"),
            };
            let least = least.map_or("INT64_MIN".to_owned(), signed);
            let most = most.map_or("INT64_MAX".to_owned(), signed);
            format!("troupe_signed({json}, {least}, {most}, NULL)")
        }
    };
    unless(test, &said)
}

fn sized(size: Size, of: &str, unless: &dyn Fn(String, &str) -> String) -> String {
    let mut checks = String::new();
    if size.least > 0 {
        checks
            .push_str(&unless(format!("{of} >= {}", size.least), &format!("is shorter than {}", size.least)));
    }
    if let Some(most) = size.most {
        checks.push_str(&unless(format!("{of} <= {most}"), &format!("is longer than {most}")));
    }
    checks
}

fn matching(pattern: &Pattern, json: &str) -> String {
    if pattern.steps.is_empty() {
        return format!("{json}->text.len == 0");
    }
    let steps: Vec<_> = pattern
        .steps
        .iter()
        .map(|step| {
            let character = |c: char| match c {
                '\'' | '\\' => format!("'\\{c}'"),
                ' '..='~' => format!("'{c}'"),
                _ => format!("0x{:x}", u32::from(c)),
            };
            let ranges: Vec<_> = step
                .class
                .iter()
                .map(|(first, last)| format!("{{{}, {}}}", character(*first), character(*last)))
                .collect();
            let most = step.most.map_or("UINT32_MAX".to_owned(), |most| most.to_string());
            let count = step.class.len();
            format!("{{(const uint32_t[][2]){{{}}}, {count}, {}, {most}}}", ranges.join(", "), step.least)
        })
        .collect();
    let count = steps.len();
    format!("contract_matches({json}->text, (const contract_step[]){{{}}}, {count})", steps.join(", "))
}

/// A string literal of C. Octal escapes end after three digits, and a question mark begins no trigraph.
fn literal(text: &str) -> String {
    let mut literal = String::from("\"");
    for byte in text.bytes() {
        match byte {
            b'"' | b'\\' | b'?' => literal.extend(['\\', char::from(byte)]),
            b' '..=b'~' => literal.push(char::from(byte)),
            _ => literal.push_str(&format!("\\{byte:03o}")),
        }
    }
    literal.push('"');
    literal
}
