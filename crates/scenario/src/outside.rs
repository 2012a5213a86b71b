//! The web as a step says that it answers.

use toml::de::{DeTable, DeValue};
use troupe_chain::{Abort, Outside, Text};
use troupe_component::outside::{FETCH, Request, Response};
use troupe_manifest::Fault;
use troupe_manifest::strict::{At, Section, Source};

use crate::value;

/// The most answers that a step may give.
const MAX_ANSWERS: usize = 1000;
const KEYS: &[&str] = &["body", "body-text", "error", "headers", "method", "status", "url"];

/// An answer, and what must have been asked for it.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    method: Option<String>,
    url: Option<String>,
    output: Vec<u8>,
}

/// Reads the answers of a step.
pub(crate) fn read(section: &Section<'_>) -> Result<Vec<Answer>, Fault> {
    let tables = section.tables("answers", MAX_ANSWERS)?;
    tables.into_iter().map(|At { value, span }| answer(section.source, value, span)).collect()
}

fn answer(source: &Source<'_>, table: &DeTable<'_>, span: std::ops::Range<usize>) -> Result<Answer, Fault> {
    let section = Section::new(source, table, span, KEYS)?;
    let owned = |key| Ok::<_, Fault>(section.text(key)?.map(|at: At<&str>| at.value.to_owned()));
    let (method, url) = (owned("method")?, owned("url")?);
    let output = match owned("error")? {
        Some(error) => Response::encode_error(&error),
        None => {
            let status = section.number("status", (100, 999))?.unwrap_or(200);
            let body = match value::text(&section, "body-text")? {
                Some(text) => text.value,
                None => match section.value("body") {
                    Some(At { value, span }) => value::json(source, "body", value, span)?.bytes,
                    None => Vec::new(),
                },
            };
            let status = u16::try_from(status).unwrap_or(u16::MAX);
            Response { status, headers: headers(&section)?, body }.encode()
        }
    };
    Ok(Answer { method, url, output })
}

fn headers(section: &Section<'_>) -> Result<Vec<(String, String)>, Fault> {
    let Some(At { value, span }) = section.value("headers") else { return Ok(Vec::new()) };
    let DeValue::Table(table) = value else {
        return Err(section.source.fault(span, "`headers` must be a table of names and values"));
    };
    let header = |(name, value): (&toml::Spanned<_>, &toml::Spanned<DeValue<'_>>)| match value.get_ref() {
        DeValue::String(text) => {
            let name: &toml::de::DeString<'_> = name.get_ref();
            Ok((name.to_string(), text.to_string()))
        }
        _ => Err(section.source.fault(value.span(), "the value of a header must be a string")),
    };
    table.iter().map(header).collect()
}

/// The outside while a step is played: the answers in their order, and nothing else.
pub(crate) struct Answers<'a> {
    left: &'a [Answer],
    /// What was asked that has no answer.
    pub(crate) wrong: Option<String>,
}

impl<'a> Answers<'a> {
    pub(crate) fn new(left: &'a [Answer]) -> Self {
        Self { left, wrong: None }
    }

    /// How many answers nobody asked for.
    pub(crate) fn unused(&self) -> usize {
        self.left.len()
    }
}

impl Outside for Answers<'_> {
    fn call(&mut self, function: &Text, input: &[u8]) -> Result<Vec<u8>, Abort> {
        let mut wrong = |what: String| {
            self.wrong.get_or_insert(what.clone());
            Err(Abort::Host(what))
        };
        let request = match Request::decode(input) {
            Ok(request) if function.as_str() == FETCH => request,
            _ => return wrong(format!("the actor called `{function}`, which no scenario can answer")),
        };
        let asked = format!("{} {}", request.method, request.url);
        let Some((answer, rest)) = self.left.split_first() else {
            return wrong(format!("the actor asked {asked}, and the step has no more answers"));
        };
        let differs = |said: &Option<String>, asked: &str| said.as_ref().is_some_and(|said| said != asked);
        if differs(&answer.method, &request.method) || differs(&answer.url, &request.url) {
            let part = |said: &Option<String>, asked: &str| said.clone().unwrap_or_else(|| asked.to_owned());
            let said =
                format!("{} {}", part(&answer.method, &request.method), part(&answer.url, &request.url));
            return wrong(format!("the actor asked {asked}, and the next answer is for {said}"));
        }
        self.left = rest;
        Ok(answer.output.clone())
    }
}
