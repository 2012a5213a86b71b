//! What a step came to, compared with what its file expects.

use std::ops::Range;

use serde_json::Value;
use troupe_chain::{Asked, LogLine, Outcome};

use crate::diff::{self, Change, shown, shown_bytes};
use crate::effects;
use crate::run::Found;
use crate::stage::Came;
use crate::step::{Expect, Line};
use crate::value::{Json, Wanted};

/// Something that is otherwise than expected, at a place of the file.
pub(crate) struct Wrong {
    pub(crate) span: Range<usize>,
    pub(crate) key: &'static str,
    pub(crate) what: String,
    pub(crate) changes: Vec<Change>,
    /// What may be written instead, where the file allows that.
    pub(crate) write: Option<Found>,
}

impl Wrong {
    pub(crate) fn new(span: Range<usize>, key: &'static str, what: impl Into<String>) -> Self {
        Self { span, key, what: what.into(), changes: Vec::new(), write: None }
    }
}

/// What is compared: a step's expectations, what it came to, and the state after it.
pub(crate) struct Compared<'a> {
    pub(crate) expect: &'a Expect,
    /// The step as a whole.
    pub(crate) span: Range<usize>,
    pub(crate) came: &'a [Came],
    pub(crate) state: Option<&'a [u8]>,
    pub(crate) exact: bool,
}

impl Compared<'_> {
    /// Everything that is otherwise than expected.
    pub(crate) fn wrong(&self) -> Vec<Wrong> {
        let mut wrong = Vec::new();
        let told = self.outcome(&mut wrong);
        self.fuel(&mut wrong);
        self.logs(&mut wrong);
        if told {
            return wrong;
        }
        if let Some(state) = self.state {
            self.value("state", self.expect.state.as_ref(), Some(state), &mut wrong);
            self.parts("state-part", &self.expect.state_part, Some(state), &mut wrong);
        }
        if let Some(Outcome::Accepted(accepted)) = self.came.last().map(|came| &came.step.outcome) {
            let reply = accepted.reply.as_deref();
            self.value("reply", self.expect.reply.as_ref(), reply, &mut wrong);
            self.parts("reply-part", &self.expect.reply_part, reply, &mut wrong);
        } else if let Some(Wanted::Json(Json { span, .. })) = &self.expect.reply
            && self.came.is_empty()
        {
            wrong.push(Wrong::new(span.clone(), "reply", "nothing was handled, so there is no reply"));
        }
        self.sends(&mut wrong);
        wrong
    }

    /// Whether each message was accepted, refused or failed as expected; true if the rest says no more.
    fn outcome(&self, wrong: &mut Vec<Wrong>) -> bool {
        for (index, came) in self.came.iter().enumerate() {
            let is_last = index + 1 == self.came.len();
            let prefix = came.what.as_ref().map(|what| format!("{what}: ")).unwrap_or_default();
            let (refused, failed) = match is_last {
                true => (self.expect.refused.as_ref(), self.expect.failed.as_ref()),
                false => (None, None),
            };
            let span = self.span.clone();
            let found = match (&came.step.outcome, refused, failed) {
                (Outcome::Accepted(_), None, None) => continue,
                (Outcome::Rejected(reason), Some(at), _) => {
                    if at.value.as_ref().is_none_or(|text| reason.reason.contains(text)) {
                        continue;
                    }
                    wrong.push(Wrong {
                        changes: vec![reason_change(at.value.as_deref(), &reason.reason)],
                        ..Wrong::new(at.span.clone(), "refused", "refused, with another reason")
                    });
                    return true;
                }
                (Outcome::Failed(error), _, Some(at)) => {
                    let fits = |text: &String| error.code.as_str() == text || error.detail.contains(text);
                    if at.value.as_ref().is_none_or(fits) {
                        continue;
                    }
                    wrong.push(Wrong {
                        changes: vec![reason_change(at.value.as_deref(), &error.to_string())],
                        ..Wrong::new(at.span.clone(), "failed", "failed, with another reason")
                    });
                    return true;
                }
                (Outcome::Accepted(accepted), Some(at), _) => {
                    let what =
                        format!("accepted, and should be refused; state {}", shown_bytes(&accepted.state));
                    Wrong::new(at.span.clone(), "refused", what)
                }
                (Outcome::Accepted(accepted), _, Some(at)) => {
                    let what = format!("accepted, and should fail; state {}", shown_bytes(&accepted.state));
                    Wrong::new(at.span.clone(), "failed", what)
                }
                (Outcome::Rejected(reason), ..) => {
                    let what = format!("{prefix}refused: {}", reason.reason);
                    let write = is_last.then(|| Found::Refused(reason.reason.clone()));
                    Wrong { write, ..Wrong::new(span, "outcome", what) }
                }
                (Outcome::Failed(error), ..) => {
                    let write = is_last.then_some(Found::Failed(error.code));
                    Wrong { write, ..Wrong::new(span, "outcome", format!("{prefix}failed: {error}")) }
                }
            };
            let nothing_else = self.expect.refused.is_none() && self.expect.failed.is_none();
            let write = found.write.filter(|_| self.expect.snapshot && nothing_else);
            wrong.push(Wrong { write, ..found });
            return true;
        }
        if self.came.is_empty()
            && let Some(at) = self.expect.refused.as_ref().or(self.expect.failed.as_ref())
        {
            wrong.push(Wrong::new(at.span.clone(), "outcome", "nothing was handled: no timer came due"));
        }
        false
    }

    /// Whether what the file does not say may be written: of what was accepted, that is.
    fn writes_missing(&self) -> bool {
        self.expect.snapshot && self.expect.refused.is_none() && self.expect.failed.is_none()
    }

    fn value(
        &self,
        key: &'static str,
        wanted: Option<&Wanted>,
        found: Option<&[u8]>,
        wrong: &mut Vec<Wrong>,
    ) {
        let write = || Found::Value(found.map(<[u8]>::to_vec));
        let shown = || found.map_or_else(|| "none".to_owned(), shown_bytes);
        let mut one = match wanted {
            None if self.writes_missing() && found.is_some() => {
                let what = format!("not written yet; found {}", shown());
                Wrong { write: Some(write()), ..Wrong::new(self.span.clone(), key, what) }
            }
            None => return,
            Some(Wanted::Unknown(span)) => {
                let what = format!("not written yet; found {}", shown());
                wrong.push(Wrong { write: Some(write()), ..Wrong::new(span.clone(), key, what) });
                return;
            }
            Some(Wanted::Nothing(span)) => match found {
                None => return,
                Some(found) => {
                    Wrong::new(span.clone(), key, format!("expected none, found {}", shown_bytes(found)))
                }
            },
            Some(Wanted::Text(at)) => {
                if found == Some(&at.value) {
                    return;
                }
                let expected = Some(shown_bytes(&at.value));
                let changes = vec![Change { path: String::new(), expected, found: found.map(shown_bytes) }];
                Wrong { changes, ..Wrong::new(at.span.clone(), key, "other bytes") }
            }
            Some(Wanted::Json(json)) => match self.json(key, json, found) {
                None => return,
                Some(wrong) => wrong,
            },
        };
        if self.expect.snapshot {
            one.write = Some(write());
        }
        wrong.push(one);
    }

    fn json(&self, key: &'static str, json: &Json, found: Option<&[u8]>) -> Option<Wrong> {
        let span = json.span.clone();
        let whole = |found: Option<String>| Change {
            path: String::new(),
            expected: Some(shown_bytes(&json.bytes)),
            found,
        };
        let Some(found) = found else {
            let what = format!("there is no {key}");
            return Some(Wrong { changes: vec![whole(None)], ..Wrong::new(span, key, what) });
        };
        let Ok(value) = serde_json::from_slice::<Value>(found) else {
            let changes = vec![whole(Some(shown_bytes(found)))];
            return Some(Wrong { changes, ..Wrong::new(span, key, format!("the {key} is not JSON")) });
        };
        let changes = diff::changes(&json.value, &value);
        if !changes.is_empty() {
            return Some(Wrong { changes, ..Wrong::new(span, key, format!("another {key}")) });
        }
        (self.exact && json.verbatim && json.bytes != found).then(|| {
            let changes = vec![whole(Some(shown_bytes(found)))];
            Wrong { changes, ..Wrong::new(span, key, "the same JSON in other bytes") }
        })
    }

    fn parts(
        &self,
        key: &'static str,
        parts: &[(String, Json)],
        found: Option<&[u8]>,
        wrong: &mut Vec<Wrong>,
    ) {
        let value = found.and_then(|found| serde_json::from_slice::<Value>(found).ok());
        for (pointer, json) in parts {
            let part = value.as_ref().and_then(|value| value.pointer(pointer));
            let changes = match part {
                Some(part) => diff::changes(&json.value, part)
                    .into_iter()
                    .map(|change| Change { path: format!("{pointer}{}", change.path), ..change })
                    .collect(),
                None => {
                    vec![Change { path: pointer.clone(), expected: Some(shown(&json.value)), found: None }]
                }
            };
            if !changes.is_empty() {
                let what = format!("another {pointer}");
                wrong.push(Wrong { changes, ..Wrong::new(json.span.clone(), key, what) });
            }
        }
    }

    fn sends(&self, wrong: &mut Vec<Wrong>) {
        let asked: Vec<&Asked> = self
            .came
            .iter()
            .filter_map(|came| match &came.step.outcome {
                Outcome::Accepted(accepted) => Some(&accepted.effects),
                _ => None,
            })
            .flatten()
            .collect();
        let write = || Found::Effects(asked.iter().map(|asked| effects::found(asked)).collect());
        let unknown = |span: Range<usize>| {
            let effects: Vec<_> = asked.iter().map(|asked| Value::Object(effects::found(asked))).collect();
            let what = format!("not written yet; found {}", shown(&Value::Array(effects)));
            Wrong { write: Some(write()), ..Wrong::new(span, "sends", what) }
        };
        match &self.expect.sends {
            None if self.writes_missing() && !asked.is_empty() => wrong.push(unknown(self.span.clone())),
            None => {}
            Some(at) => match &at.value {
                None => wrong.push(unknown(at.span.clone())),
                Some(expected) => {
                    let changes = effects::changes(expected, &asked);
                    if !changes.is_empty() {
                        let write = self.expect.snapshot.then(write);
                        let other = Wrong::new(at.span.clone(), "sends", "other effects");
                        wrong.push(Wrong { changes, write, ..other });
                    }
                }
            },
        }
    }

    fn logs(&self, wrong: &mut Vec<Wrong>) {
        let Some(at) = &self.expect.logs else { return };
        let found: Vec<&LogLine> = self.came.iter().flat_map(|came| &came.step.log).collect();
        let fits = |line: &Line, found: &LogLine| {
            found.line.contains(&line.text) && line.level.is_none_or(|level| level == found.level.as_str())
        };
        let same = at.value.len() == found.len()
            && at.value.iter().zip(&found).all(|(line, found)| fits(line, found));
        if same {
            return;
        }
        let mut changes = Vec::new();
        for index in 0..at.value.len().max(found.len()) {
            let (line, log) = (at.value.get(index), found.get(index));
            if let (Some(line), Some(log)) = (line, log)
                && fits(line, log)
            {
                continue;
            }
            let expected = line.map(|line| match line.level {
                Some(level) => format!("{level}: {}", line.text),
                None => line.text.clone(),
            });
            let found = log.map(|log| format!("{}: {}", log.level.as_str(), log.line));
            changes.push(Change { path: format!("/{index}"), expected, found });
        }
        wrong.push(Wrong { changes, ..Wrong::new(at.span.clone(), "logs", "another log") });
    }

    fn fuel(&self, wrong: &mut Vec<Wrong>) {
        let Some(at) = &self.expect.max_fuel else { return };
        let fuel = self.came.last().map_or(0, |came| came.step.fuel.0);
        if fuel > at.value {
            let what = format!("used {fuel}, and may use {}", at.value);
            wrong.push(Wrong::new(at.span.clone(), "max-fuel", what));
        }
    }
}

fn reason_change(expected: Option<&str>, found: &str) -> Change {
    let expected = expected.map(|text| format!("… {text} …"));
    Change { path: String::new(), expected, found: Some(found.to_owned()) }
}
