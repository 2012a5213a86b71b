//! A native machine that does what its messages say.
//!
//! A message is one command, or several with ` & ` between them. The state is text: what was added, and in round brackets
//! what came from anywhere but outside, with who sent it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use troupe_chain::{
    Abort, Accepted, Asked, Code, Context, Effect, EffectId, Failed, FailureCode, Fuel, Leaf, Level, LogLine,
    Machine, OnFailure, Outcome, Outside, Rejection, Sender, Spawn, Step, Supervision, Text,
};

use crate::held::Gate;

/// Does what the first word of each command says; what comes after it are its arguments.
#[derive(Clone)]
pub(crate) struct Script {
    /// How often a message was applied.
    pub(crate) applied: Arc<AtomicU64>,
    /// What `hold` waits for.
    pub(crate) hold: Gate,
    pub(crate) takes_notices: bool,
    pub(crate) draws: bool,
    /// Whether its states name leaves, which it has never.
    pub(crate) forgets: bool,
}

impl Default for Script {
    fn default() -> Self {
        let (applied, hold) = (Arc::default(), Gate::default());
        Self { applied, hold, takes_notices: true, draws: false, forgets: false }
    }
}

/// What commands have led to so far.
struct Doing<'a> {
    state: Vec<u8>,
    reply: Option<Vec<u8>>,
    effects: Vec<Asked>,
    context: &'a Context,
}

enum Ends {
    Failed(FailureCode),
    Rejected(String),
    Aborted(Abort),
}

impl Machine for Script {
    fn init(&self, context: &Context, _: &mut dyn Outside, config: Option<&[u8]>) -> Result<Step, Abort> {
        let config = std::str::from_utf8(config.unwrap_or_default()).unwrap();
        let doing = Doing { state: Vec::new(), reply: None, effects: Vec::new(), context };
        let mut step = match config.strip_prefix("do ") {
            Some(commands) => self.run(doing, commands, "init"),
            None if matches!(config, "die" | "late" | "no" | "busy") => self.run(doing, config, "init"),
            None => self.run(doing, &format!("add {config}"), "init"),
        }?;
        if let Outcome::Accepted(accepted) = &mut step.outcome {
            accepted.reply = None;
        }
        Ok(step)
    }

    fn apply(
        &self,
        context: &Context,
        _: &mut dyn Outside,
        message: &[u8],
        state: &[u8],
    ) -> Result<Step, Abort> {
        self.applied.fetch_add(1, Ordering::SeqCst);
        let message = std::str::from_utf8(message).unwrap();
        let mut doing = Doing { state: state.to_vec(), reply: None, effects: Vec::new(), context };
        let commands = match &context.from {
            Sender::Http { .. } | Sender::Did { .. } => message,
            Sender::Actor(_) => doing.record("actor", message),
            Sender::Timer { .. } => doing.record("timer", message),
            Sender::Reply { .. } => {
                doing.record("reply", message);
                ""
            }
            Sender::Notice { about, .. } => {
                doing.record("notice", about.as_str());
                ""
            }
            Sender::Parent(_) => doing.record("parent", message),
        };
        self.run(doing, commands, message)
    }

    fn migrate(&self, context: &Context, _: &mut dyn Outside, state: &[u8]) -> Result<Step, Abort> {
        let doing = Doing { state: state.to_vec(), reply: None, effects: Vec::new(), context };
        let commands = if state.ends_with(b"!") { "die" } else { "add ^" };
        let mut step = self.run(doing, commands, "migrate")?;
        if let Outcome::Accepted(accepted) = &mut step.outcome {
            accepted.reply = None;
        }
        Ok(step)
    }

    fn leaves(&self, _: Option<&[u8]>, _: &[u8]) -> Result<Vec<Leaf>, Abort> {
        if self.forgets { Err(Abort::Host("they are forgotten".into())) } else { Ok(Vec::new()) }
    }

    fn kept_states(&self) -> Option<u64> {
        self.forgets.then_some(8)
    }

    fn takes_notices(&self) -> bool {
        self.takes_notices
    }

    fn draws(&self) -> bool {
        self.draws
    }
}

impl Script {
    fn run(&self, mut doing: Doing<'_>, commands: &str, line: &str) -> Result<Step, Abort> {
        let ends = commands.split(" & ").filter(|one| !one.is_empty()).find_map(|one| {
            let (verb, rest) = one.split_once(' ').unwrap_or((one, ""));
            self.command(&mut doing, verb, rest).err()
        });
        let outcome = match ends {
            None => {
                let Doing { state, reply, effects, .. } = doing;
                Outcome::Accepted(Accepted { state, reply, effects })
            }
            Some(Ends::Failed(code)) => Outcome::Failed(Failed { code, detail: "as told".into() }),
            Some(Ends::Rejected(reason)) => Outcome::Rejected(Rejection { reason }),
            Some(Ends::Aborted(abort)) => return Err(abort),
        };
        let log = vec![LogLine { level: Level::Info, line: line.to_owned() }];
        Ok(Step { outcome, fuel: Fuel(line.len() as u64), calls: Vec::new(), log })
    }

    fn command(&self, doing: &mut Doing<'_>, verb: &str, rest: &str) -> Result<(), Ends> {
        let words: Vec<&str> = rest.split(' ').collect();
        let number = |at: usize| words[at].parse::<u64>().unwrap();
        let bytes = |from: usize| words[from..].join(" ").into_bytes();
        match verb {
            "add" => {
                doing.state.extend_from_slice(rest.as_bytes());
                doing.reply = Some(doing.state.clone());
            }
            "time" => doing.state = doing.context.at.0.to_string().into_bytes(),
            "roll" => doing.state = doing.context.seed.unwrap().to_string().into_bytes(),
            "keep" => {}
            "echo" => doing.reply = Some(rest.as_bytes().to_vec()),
            "send" => doing.effects.push(Asked::send(text(words[0]), bytes(1))),
            "request" => doing.effects.push(Asked::request(text(words[0]), bytes(2), number(1))),
            "timer" => doing.effects.push(Asked::timer(number(0), bytes(1))),
            "cron" => {
                let (when, message) = rest.split_once('|').unwrap();
                doing.effects.push(Asked::cron(text(when), message.into()));
            }
            "cancel" => {
                let id = EffectId { seq: number(0), n: number(1) };
                doing.effects.push(Asked::bare(Effect::Cancel(id)));
            }
            "spawn" => doing.spawn(words[0], words[1], &words[2..].join(" ")),
            "stop" => doing.effects.push(Asked::bare(Effect::Stop { child: text(rest) })),
            "exit" => doing.effects.push(Asked::bare(Effect::Exit { reason: text(rest) })),
            "no" => return Err(Ends::Rejected(rest.to_owned())),
            "die" => return Err(Ends::Failed(FailureCode::Unreachable)),
            "out-of-fuel" => return Err(Ends::Failed(FailureCode::Fuel)),
            "hold" => self.hold.enter(),
            "late" => return Err(Ends::Aborted(Abort::OutOfTime(7))),
            "busy" => return Err(Ends::Aborted(Abort::Busy("no room".into()))),
            "panic" => panic!("the machine panics, as it was told"),
            // Something to be read, not to be done.
            _ => {}
        }
        Ok(())
    }
}

impl Doing<'_> {
    fn record<'m>(&mut self, who: &str, message: &'m str) -> &'m str {
        self.state.extend_from_slice(format!("({who} {message})").as_bytes());
        message
    }

    /// `-` is no name; a policy is its name, and numbers with colons between.
    fn spawn(&mut self, name: &str, policy: &str, config: &str) {
        let mut policy = policy.split(':');
        let on_failure = OnFailure::parse(policy.next().unwrap()).unwrap();
        let mut supervision = Supervision { on_failure, backoff: 0, ..Supervision::default() };
        for number in policy {
            let (name, value) = number.split_once('=').unwrap();
            let value = value.parse().unwrap();
            match name {
                "failures" => supervision.failures = value,
                "within" => supervision.within = value,
                "backoff" => supervision.backoff = value,
                "max-restarts" => supervision.max_restarts = value,
                other => panic!("no number {other}"),
            }
        }
        let spawn = Spawn {
            code: Code::Native(text("script@1")),
            config: None,
            grants: Vec::new(),
            name: (name != "-").then(|| text(name)),
            supervision,
        };
        let config = (!config.is_empty()).then(|| config.as_bytes().to_vec());
        self.effects.push(Asked::spawn(spawn, config));
    }
}

fn text(text: &str) -> Text {
    Text::new(text).unwrap()
}
