//! An actor that uses the standard library as any program does: it prints, looks at clocks, sleeps, hashes with random
//! keys, and reads files. Its state is what its last message led to, as JSON.

#[rustfmt::skip]
#[allow(missing_docs, clippy::all)]
#[path = "../../../../actors/quakes/src/bindings.rs"]
mod bindings;

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bindings::exports::troupe::actor::handler::{Context, Guest, Outcome};

struct StdActor;

impl Guest for StdActor {
    fn init(_: Context, _: Option<Vec<u8>>) -> Result<Vec<u8>, String> {
        Ok(b"{}".to_vec())
    }

    fn message_contract(_: Context, message: Vec<u8>, _: Vec<u8>) -> Result<(), String> {
        let known: HashMap<&[u8], ()> =
            [&b"{\"do\":\"look\"}"[..], b"{\"do\":\"exit\"}", b"{\"do\":\"panic\"}"].map(|name| (name, ())).into();
        known.get(&*message).copied().ok_or_else(|| "expected {\"do\":\"look\"}, exit or panic".to_owned())
    }

    fn handle(_: Context, message: Vec<u8>, _: Vec<u8>) -> Result<Outcome, String> {
        match &*message {
            b"{\"do\":\"exit\"}" => std::process::exit(3),
            b"{\"do\":\"panic\"}" => panic!("told to"),
            _ => {}
        }
        let began = Instant::now();
        let at = SystemTime::now().duration_since(UNIX_EPOCH).map_err(|error| error.to_string())?;
        std::thread::sleep(Duration::from_millis(1500));
        let slept = began.elapsed().as_millis();
        let random = RandomState::new().hash_one("the same each time");
        let read = std::fs::read("/etc/passwd").map_err(|error| error.kind());
        let written = std::fs::write("/tmp/a", b"a").map_err(|error| error.kind());
        let files = std::fs::read_dir("/").map(Iterator::count).map_err(|error| error.kind());
        let args: Vec<_> = std::env::args().collect();
        let home = std::env::var("HOME").unwrap_or_default();
        println!("looked at {}", at.as_millis());
        eprintln!("without a newline at the end: {read:?}");
        let state = format!(
            "{{\"args\":{args:?},\"at\":{},\"files\":\"{files:?}\",\"home\":{home:?},\"random\":{random},\
             \"read\":\"{read:?}\",\"slept\":{slept},\"written\":\"{written:?}\"}}",
            at.as_millis()
        );
        Ok(Outcome { state: state.clone().into_bytes(), reply: Some(state.into_bytes()) })
    }

    fn state_contract(_: Vec<u8>) -> Result<(), String> {
        Ok(())
    }
}

bindings::export!(StdActor with_types_in bindings);
