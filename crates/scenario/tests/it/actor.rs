//! An actor that does what its messages say.

use serde_json::{Value, json};
use troupe_chain::{
    Abort, Accepted, Asked, Context, Effect, EffectId, Failed, FailureCode, Fuel, Level, LogLine, Machine,
    Outcome, Outside, Rejection, Sender, Step, Text,
};
use troupe_component::outside::{FETCH, Request, Response};

/// Its state is `{"from":KIND,"last":MESSAGE,"seen":N}`.
pub(crate) struct Echo;

fn step(outcome: Outcome, log: Vec<LogLine>) -> Step {
    Step { outcome, fuel: Fuel(100), calls: Vec::new(), log }
}

fn text(value: &Value) -> Text {
    Text::new(value.as_str().unwrap_or_default()).unwrap()
}

fn effect(said: &Value) -> Asked {
    let message = said["message"].to_string().into_bytes();
    let number = |key: &str| said[key].as_u64().unwrap_or_default();
    match said["kind"].as_str().unwrap_or_default() {
        "send" => Asked::send(text(&said["to"]), message),
        "request" => Asked::request(text(&said["to"]), message, number("timeout")),
        "timer" => Asked::timer(number("after"), message),
        "cron" => Asked::cron(text(&said["cron"]), message),
        "cancel" => Asked::bare(Effect::Cancel(EffectId { seq: number("seq"), n: number("n") })),
        "exit" => Asked::bare(Effect::Exit { reason: text(&said["reason"]) }),
        other => panic!("no effect {other}"),
    }
}

impl Machine for Echo {
    fn init(&self, _: &Context, _: &mut dyn Outside, config: Option<&[u8]>) -> Result<Step, Abort> {
        if config == Some(b"\"fail\"") {
            let failed = Failed { code: FailureCode::Refused, detail: "asked to fail".into() };
            return Ok(step(Outcome::Failed(failed), Vec::new()));
        }
        let state = br#"{"seen":0}"#.to_vec();
        Ok(step(Outcome::Accepted(Accepted { state, reply: None, effects: Vec::new() }), Vec::new()))
    }

    fn apply(
        &self,
        context: &Context,
        outside: &mut dyn Outside,
        message: &[u8],
        state: &[u8],
    ) -> Result<Step, Abort> {
        let Ok(message) = serde_json::from_slice::<Value>(message) else {
            return Ok(step(Outcome::Rejected(Rejection { reason: "not JSON".into() }), Vec::new()));
        };
        if message["fail"] == true {
            let failed = Failed { code: FailureCode::Unreachable, detail: "a panic".into() };
            return Ok(step(Outcome::Failed(failed), Vec::new()));
        }
        let from = match context.from {
            Sender::Http { .. } => "http",
            Sender::Did { .. } => "did",
            Sender::Actor(_) => "actor",
            Sender::Timer { .. } => "timer",
            Sender::Reply { .. } => "reply",
            Sender::Notice { about, .. } => about.as_str(),
            Sender::Parent(_) => "parent",
        };
        let mut reply = json!({"at": context.at.0, "seq": context.seq});
        if let Some(url) = message["fetch"].as_str() {
            let request = Request { method: "GET".into(), url: url.into(), headers: Vec::new(), body: None };
            let answer = outside.call(&Text::new(FETCH).unwrap(), &request.encode())?;
            reply["fetched"] = match Response::decode(&answer).unwrap() {
                Ok(response) => String::from_utf8(response.body).unwrap().into(),
                Err(error) => error.into(),
            };
        }
        let seen = serde_json::from_slice::<Value>(state).unwrap()["seen"].as_u64().unwrap_or_default() + 1;
        let effects =
            message["do"].as_array().map(|list| list.iter().map(effect).collect()).unwrap_or_default();
        let state = json!({"from": from, "last": message["say"], "seen": seen}).to_string().into_bytes();
        let log = LogLine { level: Level::Info, line: format!("seen {seen}") };
        let reply = Some(reply.to_string().into_bytes());
        Ok(step(Outcome::Accepted(Accepted { state, reply, effects }), vec![log]))
    }

    fn migrate(&self, _: &Context, _: &mut dyn Outside, _: &[u8]) -> Result<Step, Abort> {
        unreachable!("no scenario migrates")
    }
}
