//! Plays a scenario, step by step, up to the first that is otherwise than expected.

use serde_json::{Map, Value};
use troupe_chain::{EffectId, EffectRef, FailureCode, Hash, Machine, Sender};

use crate::compare::{Compared, Wrong};
use crate::diff::Change;
use crate::file::{Scenario, Suite};
use crate::outside::Answers;
use crate::stage::{Came, Stage, Timer, notice_body};
use crate::step::{Expect, From, Step, Time};

/// What came of a scenario.
#[derive(Debug)]
pub struct Played {
    /// How many steps were played, `init` not counted.
    pub steps: usize,
    /// How many were not, because one before was otherwise than expected.
    pub left: usize,
    /// Everything that is otherwise than expected.
    pub findings: Vec<Finding>,
}

impl Played {
    /// Whether everything is as expected.
    pub fn passed(&self) -> bool {
        self.findings.is_empty()
    }
}

/// Something that is otherwise than expected.
#[derive(Debug, Clone)]
pub struct Finding {
    /// The line of the file.
    pub line: usize,
    /// The step's name, where it has one.
    pub name: Option<String>,
    /// The key of the step that it is about.
    pub key: &'static str,
    /// What is wrong.
    pub what: String,
    /// Where values differ.
    pub changes: Vec<Change>,
    /// What may be written into the file instead, if the file says so.
    pub write: Option<Found>,
    /// The step, by its number; none for `init`.
    pub(crate) step: Option<usize>,
}

/// What was found, to be written into a file.
#[derive(Debug, Clone)]
pub enum Found {
    /// A state or a reply.
    Value(Option<Vec<u8>>),
    /// What was asked of the runtime.
    Effects(Vec<Map<String, Value>>),
    /// The message was refused.
    Refused(String),
    /// The actor failed.
    Failed(FailureCode),
}

/// Plays a scenario of a suite.
pub fn run(suite: &Suite, scenario: &Scenario, machine: &dyn Machine) -> Played {
    let mut player = Player { suite, scenario, findings: Vec::new() };
    let total = scenario.steps.len();
    let Some(mut stage) = player.begin(machine) else {
        return Played { steps: 0, left: total, findings: player.findings };
    };
    let mut steps = 0;
    if player.may_go_on() {
        for (index, step) in scenario.steps.iter().enumerate() {
            player.step(&mut stage, index, step);
            steps = index + 1;
            if !player.may_go_on() {
                break;
            }
        }
    }
    Played { steps, left: total - steps, findings: player.findings }
}

struct Player<'a> {
    suite: &'a Suite,
    scenario: &'a Scenario,
    findings: Vec<Finding>,
}

impl Player<'_> {
    /// What is only not written yet does not change what comes after.
    fn may_go_on(&self) -> bool {
        self.findings.iter().all(|finding| finding.write.is_some())
    }

    fn tell(&mut self, step: Option<usize>, wrong: Wrong) {
        let Wrong { span, key, what, changes, write } = wrong;
        let line = self.suite.line(span.start);
        let name = step.and_then(|index| self.scenario.steps[index].name.clone());
        self.findings.push(Finding { line, name, key, what, changes, write, step });
    }

    fn compare(
        &mut self,
        index: Option<usize>,
        expect: &Expect,
        span: std::ops::Range<usize>,
        came: &[Came],
        state: Option<&[u8]>,
    ) {
        let exact = self.scenario.setup.exact;
        for wrong in (Compared { expect, span, came, state, exact }).wrong() {
            self.tell(index, wrong);
        }
    }

    /// Answers that were not asked for, or were not there.
    fn answers(&mut self, index: Option<usize>, expect: &Expect, answers: &Answers<'_>) {
        let span = expect.answers_span.clone();
        if let Some(wrong) = &answers.wrong {
            self.tell(index, Wrong::new(span, "answers", wrong.clone()));
        } else if answers.unused() > 0 {
            let what = format!("nobody asked for the last {}", answers.unused());
            self.tell(index, Wrong::new(span, "answers", what));
        }
    }

    fn begin<'m>(&mut self, machine: &'m dyn Machine) -> Option<Stage<'m>> {
        let Scenario { setup, init, parent, span, .. } = self.scenario;
        let mut answers = Answers::new(&init.answers);
        let from = if *parent { Sender::Parent(somebody("parent")) } else { Sender::Http { key: None } };
        let begun =
            Stage::begin(machine, (setup.clock, setup.seed), from, setup.config.as_deref(), &mut answers);
        match begun {
            Err(abort) => {
                match answers.wrong {
                    Some(_) => self.answers(None, init, &answers),
                    None => self.tell(None, Wrong::new(span.clone(), "init", format!("no outcome: {abort}"))),
                }
                None
            }
            Ok((stage, came)) => {
                let state = stage.as_ref().map(|stage| stage.state.clone());
                self.compare(None, init, span.clone(), &[came], state.as_deref());
                self.answers(None, init, &answers);
                if stage.is_none() && self.findings.is_empty() && !self.scenario.steps.is_empty() {
                    let what = "init fails as expected, so no step can follow";
                    self.tell(None, Wrong::new(self.scenario.steps[0].span.clone(), "step", what));
                }
                stage
            }
        }
    }

    fn step(&mut self, stage: &mut Stage<'_>, index: usize, step: &Step) {
        let index = Some(index);
        let mut answers = Answers::new(&step.expect.answers);
        let mut came = Vec::new();
        if let Err(what) = play(stage, step, &mut answers, &mut came) {
            match answers.wrong {
                Some(_) => self.answers(index, &step.expect, &answers),
                None => self.tell(index, Wrong::new(step.span.clone(), "step", what)),
            }
            return;
        }
        self.compare(index, &step.expect, step.span.clone(), &came, Some(&stage.state));
        self.answers(index, &step.expect, &answers);
    }
}

fn play(
    stage: &mut Stage<'_>,
    step: &Step,
    answers: &mut Answers<'_>,
    came: &mut Vec<Came>,
) -> Result<(), String> {
    let to = match step.time {
        Time::Now => stage.now,
        Time::After(after) => stage.now.saturating_add(after),
        Time::At(at) if at < stage.now => {
            return Err(format!(
                "time does not go back: it is {} already, in milliseconds since 1970",
                stage.now
            ));
        }
        Time::At(at) => at,
    };
    // A timer that a step waits for goes off by itself, unless it comes late.
    if let From::Timer(set) = step.from.value {
        return ring(stage, set, (step.time, to), answers, came);
    }
    stage.pass(to, answers, came)?;
    if let Some(reason) = &stage.stopped {
        return Err(format!("the actor has stopped: {reason}"));
    }
    let (from, message) = match (&step.from.value, &step.message) {
        (From::Notice(about, of), message) => {
            let of = match of {
                Some(of) => *of,
                None => stage.requests.first().map(|request| request.id).ok_or(
                    "no request is without a reply; name the effect that the notice is about with `of = [seq, n]`",
                )?,
            };
            stage.requests.retain(|request| request.id != of);
            let message = message.clone().unwrap_or_else(|| notice_body(*about, ""));
            (Sender::Notice { of, about: *about, chain: None, entry: None }, message)
        }
        (_, None) => return Ok(()),
        (From::Reply(to), Some(message)) => {
            let at = match to {
                Some(to) => stage.requests.iter().position(|request| request.id == *to),
                None => (!stage.requests.is_empty()).then_some(0),
            };
            let at = at.ok_or("there is no such request, or it has its reply already")?;
            let request = stage.requests.remove(at);
            let chain = Hash::of(request.to.as_str().as_bytes());
            (Sender::Reply { to: request.id, chain, entry: chain }, message.clone())
        }
        (from, Some(message)) => (sender(from), message.clone()),
    };
    came.push(stage.deliver(from, &message, answers, None).map_err(|abort| abort.to_string())?);
    Ok(())
}

/// Waits for a timer and lets it go off, after everything that is due before it.
fn ring(
    stage: &mut Stage<'_>,
    set: Option<EffectId>,
    (time, to): (Time, u64),
    answers: &mut Answers<'_>,
    came: &mut Vec<Came>,
) -> Result<(), String> {
    let due = |timer: &&Timer| (timer.due.unwrap_or(u64::MAX), timer.set);
    let timer = match set {
        Some(set) => stage.timers.iter().find(|timer| timer.set == set),
        None => stage.timers.iter().min_by_key(due),
    };
    let Some(Timer { set, due, .. }) = timer.cloned() else { return Err("no such timer is set".into()) };
    match due {
        None => {
            stage.pass(to, answers, came)?;
            came.extend(stage.ring(set, answers).map_err(|abort| abort.to_string())?);
            Ok(())
        }
        Some(due) if time != Time::Now && due > to => {
            Err(format!("the timer is due {} ms after the time of this step", due - to))
        }
        Some(_) => {
            // With a time it goes off late, and so does whatever is due before it.
            stage.now = to;
            stage.pass_until(set, answers, came)
        }
    }
}

pub(crate) fn sender(from: &From) -> Sender {
    match from {
        From::Did(did) => Sender::Did { did: did.clone(), sig: did.clone() },
        From::Actor => Sender::Actor(somebody("actor")),
        From::Parent => Sender::Parent(somebody("parent")),
        From::Http | From::Timer(_) | From::Reply(_) | From::Notice(..) => Sender::Http { key: None },
    }
}

/// An effect of an actor that is not there.
fn somebody(name: &str) -> EffectRef {
    let chain = Hash::of(name.as_bytes());
    EffectRef { chain, entry: chain, n: 0 }
}
