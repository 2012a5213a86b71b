//! One step of a scenario as its file says it: what comes in, when, from whom, and what is expected.

use std::ops::Range;

use toml::de::{DeInteger, DeTable, DeValue};
use troupe_chain::{EffectId, Level, MAX_INTEGER, Notice, Text};
use troupe_manifest::Fault;
use troupe_manifest::strict::{At, Section, Source, type_of, unknown};
use troupe_manifest::units;

use crate::effects::{self, Expected};
use crate::outside::{self, Answer};
use crate::value::{self, Json, UNKNOWN, Wanted};

/// The most lines of log that a step may expect.
const MAX_LOGS: usize = 10_000;
/// Who a message may be from.
const SENDERS: &[&str] = &["actor", "did:…", "http", "notice", "parent", "reply", "timer"];
/// What every expectation may say.
pub(crate) const EXPECT_KEYS: &[&str] = &[
    "answers",
    "failed",
    "logs",
    "max-fuel",
    "refused",
    "reply",
    "reply-part",
    "reply-text",
    "sends",
    "snapshot",
    "state",
    "state-part",
    "state-text",
];
/// What a step may say beside.
const STEP_KEYS: &[&str] = &["about", "after", "at", "from", "message", "name", "of", "raw"];

/// A step.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    pub(crate) span: Range<usize>,
    pub(crate) name: Option<String>,
    pub(crate) time: Time,
    pub(crate) from: At<From>,
    pub(crate) message: Option<Vec<u8>>,
    pub(crate) expect: Expect,
}

/// When a step is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Time {
    /// At once.
    Now,
    /// At a time in milliseconds since 1970.
    At(u64),
    /// So many milliseconds later.
    After(u64),
}

/// Who a message is from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum From {
    Http,
    Did(Text),
    Actor,
    Parent,
    /// A timer: this one, or the next.
    Timer(Option<EffectId>),
    /// The receiver of a request: of this one, or of the first without a reply.
    Reply(Option<EffectId>),
    /// The runtime, about an effect: this one, or the first request without a reply.
    Notice(Notice, Option<EffectId>),
}

/// What is expected of a step.
#[derive(Debug, Clone, Default)]
pub(crate) struct Expect {
    pub(crate) state: Option<Wanted>,
    pub(crate) state_part: Vec<(String, Json)>,
    pub(crate) reply: Option<Wanted>,
    pub(crate) reply_part: Vec<(String, Json)>,
    pub(crate) sends: Option<At<Option<Vec<Expected>>>>,
    pub(crate) logs: Option<At<Vec<Line>>>,
    pub(crate) refused: Option<At<Option<String>>>,
    pub(crate) failed: Option<At<Option<String>>>,
    pub(crate) max_fuel: Option<At<u64>>,
    pub(crate) answers: Vec<Answer>,
    pub(crate) answers_span: Range<usize>,
    /// Whether what is not written, or is otherwise, may be written as it was found.
    pub(crate) snapshot: bool,
}

/// A line of log: text that it contains, and perhaps its level.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    pub(crate) level: Option<&'static str>,
    pub(crate) text: String,
}

/// Reads a step.
pub(crate) fn read(source: &Source<'_>, table: &DeTable<'_>, span: Range<usize>) -> Result<Step, Fault> {
    let keys: Vec<_> = EXPECT_KEYS.iter().chain(STEP_KEYS).copied().collect();
    let section = Section::new(source, table, span.clone(), &keys)?;
    let message = message(&section)?;
    let from = from(&section)?;
    let time = match (moment(&section, "at")?, time(&section, "after")?) {
        (Some(_), Some(_)) => {
            let what = "there is `at` too: one of `at` and `after` says when";
            return Err(source.fault(section.key_span("after"), what));
        }
        (Some(at), None) => Time::At(at),
        (None, Some(after)) => Time::After(after),
        (None, None) => Time::Now,
    };
    let needs_message = match &from.value {
        From::Timer(_) if message.is_some() => {
            let what = "a timer brings the message that it was set with: leave out this one";
            return Err(source.fault(message_span(&section), what));
        }
        From::Timer(_) | From::Notice(..) => false,
        From::Http => time == Time::Now,
        _ => true,
    };
    if needs_message && message.is_none() {
        return Err(section.fault("a step needs a `message`, or a time (`at`, `after`) that passes"));
    }
    let name = section.text("name")?.map(|at| at.value.to_owned());
    Ok(Step { span, name, time, from, message, expect: expect(&section)? })
}

fn message_span(section: &Section<'_>) -> Range<usize> {
    section.key_span(if section.value("raw").is_some() { "raw" } else { "message" })
}

fn message(section: &Section<'_>) -> Result<Option<Vec<u8>>, Fault> {
    let raw = value::text(section, "raw")?.map(|at| at.value);
    let Some(At { value, span }) = section.value("message") else { return Ok(raw) };
    if raw.is_some() {
        let what = "there is `message` too: one of `message` and `raw` says it";
        return Err(section.source.fault(section.key_span("raw"), what));
    }
    value::json(section.source, "message", value, span).map(|json| Some(json.bytes))
}

/// Reads who a message is from.
fn from(section: &Section<'_>) -> Result<At<From>, Fault> {
    let source = section.source;
    let of = effect_id(section, "of")?;
    let names: Vec<_> = Notice::ALL.iter().map(|one| one.as_str()).collect();
    let about =
        section.read("about", |text| Notice::parse(text).ok_or_else(|| unknown("notice", text, &names)))?;
    let At { value, span } = section.text("from")?.unwrap_or(At { value: "http", span: 0..0 });
    let from = match (value, &about) {
        ("http", _) => From::Http,
        ("actor", _) => From::Actor,
        ("parent", _) => From::Parent,
        ("timer", _) => From::Timer(of),
        ("reply", _) => From::Reply(of),
        ("notice", Some(about)) => From::Notice(about.value, of),
        ("notice", None) => {
            return Err(
                source.fault(span, format_args!("a notice needs `about`: one of {}", names.join(", ")))
            );
        }
        (did, _) if did.starts_with("did:") => match Text::new(did) {
            Ok(did) => From::Did(did),
            Err(error) => return Err(source.fault(span, error)),
        },
        (other, _) => return Err(source.fault(span, unknown("sender", other, SENDERS))),
    };
    if about.is_some() && !matches!(from, From::Notice(..)) {
        return Err(source.fault(section.key_span("about"), "only a notice is `about` something"));
    }
    if of.is_some() && !matches!(from, From::Notice(..) | From::Timer(_) | From::Reply(_)) {
        let what = "`of` names the effect that a timer, reply or notice is of";
        return Err(source.fault(section.key_span("of"), what));
    }
    Ok(At { value: from, span })
}

/// Reads what is expected.
pub(crate) fn expect(section: &Section<'_>) -> Result<Expect, Fault> {
    let sends = match section.value("sends") {
        None => None,
        Some(At { value: DeValue::String(text), span }) if text == UNKNOWN => Some(At { value: None, span }),
        Some(At { span, .. }) => Some(At { value: Some(effects::read(section, "sends")?), span }),
    };
    let max_fuel = section.number("max-fuel", (1, MAX_INTEGER))?;
    let max_fuel = max_fuel.map(|value| At { value, span: section.key_span("max-fuel") });
    let expect = Expect {
        state: value::wanted(section, "state", false)?,
        state_part: value::parts(section, "state-part")?,
        reply: value::wanted(section, "reply", true)?,
        reply_part: value::parts(section, "reply-part")?,
        sends,
        logs: logs(section)?,
        refused: reason(section, "refused")?,
        failed: reason(section, "failed")?,
        max_fuel,
        answers: outside::read(section)?,
        answers_span: section.key_span("answers"),
        snapshot: section.flag("snapshot")?.unwrap_or_default(),
    };
    if let (Some(_), Some(failed)) = (&expect.refused, &expect.failed) {
        let what = "there is `refused` too: a message is refused, or it fails, or neither";
        return Err(section.source.fault(failed.span.clone(), what));
    }
    Ok(expect)
}

/// Text that a reason contains, or `true` for whatever reason.
fn reason(section: &Section<'_>, key: &str) -> Result<Option<At<Option<String>>>, Fault> {
    match section.value(key) {
        Some(At { value: DeValue::Boolean(true), span }) => Ok(Some(At { value: None, span })),
        Some(At { value: DeValue::Boolean(false), span }) => {
            let what = format_args!("leave out `{key}`: a message is expected to be accepted");
            Err(section.source.fault(span, what))
        }
        _ => Ok(section.text(key)?.map(|At { value, span }| At { value: Some(value.to_owned()), span })),
    }
}

fn logs(section: &Section<'_>) -> Result<Option<At<Vec<Line>>>, Fault> {
    let Some(At { value, span }) = section.value("logs") else { return Ok(None) };
    let source = section.source;
    let DeValue::Array(list) = value else {
        return Err(source.fault(span, format_args!("`logs` must be a list, not {}", type_of(value))));
    };
    if list.len() > MAX_LOGS {
        return Err(source.fault(span, format_args!("`logs` may have {MAX_LOGS} lines")));
    }
    let levels = [Level::Debug, Level::Info, Level::Warn, Level::Error].map(Level::as_str);
    let line = |value: &toml::Spanned<DeValue<'_>>| match value.get_ref() {
        DeValue::String(text) => Ok(Line { level: None, text: text.to_string() }),
        DeValue::Table(table) => {
            let line = Section::new(source, table, value.span(), &levels)?;
            let said = levels.iter().filter_map(|level| Some((*level, line.text(level).transpose()?)));
            match said.collect::<Vec<_>>().as_slice() {
                [(level, Ok(text))] => Ok(Line { level: Some(level), text: text.value.to_owned() }),
                [(_, Err(fault))] => Err(fault.clone()),
                _ => Err(line.fault("a line of log has one level, as in { info = \"text\" }")),
            }
        }
        _ => Err(source.fault(value.span(), "a line of log is a string, or { LEVEL = \"text\" }")),
    };
    Ok(Some(At { value: list.iter().map(line).collect::<Result<_, _>>()?, span }))
}

/// Reads `[seq, n]`: the effect number n of the entry at seq.
pub(crate) fn effect_id(section: &Section<'_>, key: &str) -> Result<Option<EffectId>, Fault> {
    let Some(At { value, span }) = section.value(key) else { return Ok(None) };
    let id = match value {
        DeValue::Array(list) => list.iter().map(|value| whole(value.get_ref())).collect::<Option<Vec<_>>>(),
        _ => None,
    };
    match id.as_deref() {
        Some(&[seq, n]) => Ok(Some(EffectId { seq, n })),
        _ => {
            let what = format_args!(
                "`{key}` names an effect as [seq, n]: the position of its entry (init is 1), and its number there, from 0"
            );
            Err(section.source.fault(span, what))
        }
    }
}

/// Reads a duration: text with a unit, or milliseconds.
pub(crate) fn time(section: &Section<'_>, key: &str) -> Result<Option<u64>, Fault> {
    match section.value(key) {
        Some(At { value: DeValue::Integer(_), .. }) => section.number(key, (0, MAX_INTEGER)),
        _ => {
            let ms = |text: &str| {
                let ms = units::duration(text)?.as_millis();
                u64::try_from(ms).map_err(|_| "that is longer than anything can last".to_owned())
            };
            Ok(section.read(key, ms)?.map(|at| at.value))
        }
    }
}

/// Reads a moment: text such as `2026-01-01T00:00:00Z`, or milliseconds since 1970.
pub(crate) fn moment(section: &Section<'_>, key: &str) -> Result<Option<u64>, Fault> {
    match section.value(key) {
        Some(At { value: DeValue::Integer(_), .. }) => section.number(key, (0, MAX_INTEGER)),
        _ => Ok(section.read(key, units::moment)?.map(|at| at.value)),
    }
}

fn whole(value: &DeValue<'_>) -> Option<u64> {
    let DeValue::Integer(number) = value else { return None };
    let number: &DeInteger<'_> = number;
    u64::from_str_radix(number.as_str(), number.radix()).ok().filter(|number| *number <= MAX_INTEGER)
}
