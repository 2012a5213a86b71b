//! Calls to the outside: only what is granted, recorded as answered, and the same again from the record.

use std::time::Duration;

use troupe_chain::{Abort, Files, Hash, Machine, Nowhere, Outside, Step, Text};
use troupe_component::outside::{FETCH, Request, Response};
use troupe_component::{Allocation, Grants, Limits, WasmComponent};
use troupe_testing::{Call, World, guests};

use crate::common::{Record, SANDBOX, context, sandbox, small, text, told, whole};

/// Answers every request with its address, and counts.
struct Echo(usize);

impl Outside for Echo {
    fn call(&mut self, function: &Text, input: &[u8]) -> Result<Vec<u8>, Abort> {
        self.0 += 1;
        assert_eq!(function.as_str(), FETCH);
        let request = Request::decode(input).unwrap();
        assert_eq!((request.method.as_str(), request.headers, request.body), ("GET", Vec::new(), None));
        if request.url.ends_with("/slow") {
            std::thread::sleep(Duration::from_millis(120));
        }
        if request.url.ends_with("/gone") {
            return Ok(Response::encode_error("connection refused"));
        }
        if request.url.ends_with("/abort") {
            return Err(Abort::Busy("no socket".into()));
        }
        if request.url.ends_with("/garbage") {
            return Ok(b"{}".into());
        }
        let body = request.url.into_bytes();
        Ok(Response { status: 200, headers: vec![("a".into(), "b".into())], body }.encode())
    }
}

fn load(guest: &[u8], grant: &str, limits: &Limits) -> WasmComponent {
    SANDBOX.load_granted(guest, limits, &Grants::parse(&[text(grant)]).unwrap()).unwrap()
}

fn fetches() -> WasmComponent {
    load(&guests::fetches(), "http:example.net", &small())
}

fn ask(guest: &WasmComponent, outside: &mut dyn Outside, message: &str) -> Result<Step, Abort> {
    guest.apply(&context(), outside, message.as_bytes(), b"s")
}

#[test]
fn an_answer_reaches_the_guest_and_the_record() {
    let mut outside = Echo(0);
    let step = ask(&fetches(), &mut outside, "2http://example.net/a").unwrap();
    assert_eq!((told(&step).as_str(), outside.0), ("ok 200http://example.net/a", 2));
    let [first, second] = &step.calls[..] else { panic!("{step:?}") };
    assert_eq!(first, second);
    assert_eq!(
        (first.function.as_str(), Request::decode(&first.input).unwrap().url),
        (FETCH, "http://example.net/a".into())
    );
    assert_eq!(Response::decode(&first.output).unwrap().unwrap().body, b"http://example.net/a");
    let step = ask(&fetches(), &mut outside, "1http://example.net/gone").unwrap();
    assert_eq!((told(&step).as_str(), step.calls.len()), ("ok error connection refused", 1));
}

#[test]
fn what_is_not_granted_is_refused_without_asking_or_recording() {
    let mut outside = Echo(0);
    let cases = [
        ("https://example.org/", "`example.org` is not granted on port 443"),
        ("http://example.net:81/", "`example.net` is not granted on port 81"),
        (
            "ftp://example.net/",
            "the address \"ftp://example.net/\" cannot be asked: it begins with neither `http://` nor `https://`",
        ),
    ];
    for (url, why) in cases {
        let step = ask(&fetches(), &mut outside, &format!("9{url}")).unwrap();
        assert_eq!((told(&step), step.calls.len()), (format!("ok error {why}"), 0));
    }
    assert_eq!(outside.0, 0);
}

#[test]
fn the_record_leads_to_the_same_again_fuel_included() {
    let guest = fetches();
    for message in ["3http://example.net/a", "1http://example.net/gone", "0http://example.net/a"] {
        let step = ask(&guest, &mut Echo(0), message).unwrap();
        let calls = step.calls.clone();
        assert!(!calls.is_empty());
        let again = ask(&guest, &mut Record::of(calls), message);
        assert_eq!(whole(&Ok(step)), whole(&again));
    }
}

#[test]
fn a_failure_after_a_call_keeps_the_call() {
    let step = ask(&fetches(), &mut Echo(0), "0http://example.net/a").unwrap();
    assert_eq!((told(&step).as_str(), step.calls.len()), ("failed trap:unreachable", 1));
}

#[test]
fn no_answer_and_no_sense_in_it_are_no_outcome() {
    let aborted = ask(&fetches(), &mut Echo(0), "1http://example.net/abort").unwrap_err();
    assert_eq!(aborted, Abort::Busy("no socket".into()));
    let aborted = ask(&fetches(), &mut Echo(0), "1http://example.net/garbage").unwrap_err();
    assert!(matches!(&aborted, Abort::Host(why) if why.contains("cannot be read")), "{aborted}");
    let aborted = ask(&fetches(), &mut Nowhere, "1http://example.net/").unwrap_err();
    assert!(matches!(&aborted, Abort::Host(why) if why.contains("nothing outside answers")), "{aborted}");
}

/// Breaks as it is asked.
struct Broken;

impl Outside for Broken {
    fn call(&mut self, _: &Text, _: &[u8]) -> Result<Vec<u8>, Abort> {
        panic!("the outside broke")
    }
}

#[test]
#[should_panic(expected = "the outside broke")]
fn an_outside_that_panics_does_not_leave_the_guest_waiting() {
    let _ = ask(&fetches(), &mut Broken, "1http://example.net/");
}

#[test]
fn a_call_in_a_contract_traps_and_is_never_made() {
    for call in Call::ALL {
        let guest = load(&guests::fetches_in(call), "http:example.net", &small());
        let mut outside = Echo(0);
        let first = Machine::init(&guest, &context(), &mut outside, None).unwrap();
        let step = ask(&guest, &mut outside, "m").unwrap();
        match call {
            Call::Init => assert_eq!((told(&first).as_str(), first.calls.len(), outside.0), ("ok ", 1, 1)),
            Call::Handle => assert_eq!((told(&step).as_str(), step.calls.len(), outside.0), ("ok s", 1, 1)),
            Call::MessageContract => {
                assert!(told(&step).starts_with("rejected trap:send-in-contract"), "{step:?}");
                assert_eq!(outside.0, 0);
            }
            Call::StateContract => {
                assert_eq!((told(&step).as_str(), outside.0), ("failed trap:send-in-contract", 0))
            }
        }
    }
}

#[test]
fn calls_and_answers_have_limits() {
    let with = |limit: &str, value, message| {
        let mut limits = small();
        limits.set(limit, value).unwrap();
        let guest = load(&guests::fetches(), "http:example.net", &limits);
        let step = ask(&guest, &mut Echo(0), message).unwrap();
        (told(&step).split(' ').take(2).collect::<Vec<_>>().join(" "), step.calls.len())
    };
    let (twice, ok) = ("2http://example.net/", "ok 200http://example.net/".to_owned());
    assert_eq!(with("calls", 1, twice), ("failed too-large:calls".into(), 1));
    assert_eq!(with("calls", 2, twice), (ok.clone(), 2));
    let step = ask(&fetches(), &mut Echo(0), twice).unwrap();
    let answers = step.calls.iter().map(|call| call.output.len() as u64).sum::<u64>();
    let requests = step.calls.iter().map(|call| call.input.len() as u64).sum::<u64>();
    // What was answered is recorded, even where it is too much.
    assert_eq!(with("answer", answers - 1, twice), ("failed too-large:answer".into(), 2));
    assert_eq!(with("answer", answers, twice), (ok.clone(), 2));
    assert_eq!(with("send", requests - 1, twice), ("failed too-large:send".into(), 1));
    assert_eq!(with("send", requests, twice), (ok, 2));
}

#[test]
fn the_time_that_an_answer_takes_is_not_the_guests() {
    let sandbox = sandbox(Allocation::OnDemand, Some(Duration::from_millis(100)));
    let grants = Grants::parse(&[text("http:example.net")]).unwrap();
    let guest = sandbox.load_granted(&guests::fetches(), &Limits::default(), &grants).unwrap();
    let step = ask(&guest, &mut Echo(0), "3http://example.net/slow").unwrap();
    assert_eq!(told(&step), "ok 200http://example.net/slow");
}

#[test]
fn the_web_is_imported_only_where_a_host_is_granted() {
    let refused = SANDBOX.load(&guests::fetches(), &small()).map(|_| ()).unwrap_err().to_string();
    let hint = "the import `troupe:actor/http@0.1.0` is not granted: grant it with `http = [\"HOST\"]` under [grants]";
    assert!(refused.contains(hint), "{refused}");
    // A grant that is not used costs nothing: the outside is not even there.
    let echo = load(&guests::echo(World::Actor), "http:example.net", &small());
    assert_eq!(told(&ask(&echo, &mut Nowhere, "m").unwrap()), "ok m");
}

#[test]
fn a_machine_is_found_by_what_the_rules_grant() {
    let bytes = guests::fetches();
    let mut rules = troupe_chain::Rules {
        code: troupe_chain::Code::Component(Hash::of(&bytes)),
        world: text(troupe_component::World::Actor.name()),
        limits: small().to_entry(),
        grants: vec![text("http:*.example.net")],
        engine: SANDBOX.engine().clone(),
    };
    let find = |rules: &_| troupe_chain::Machines::machine(&*SANDBOX, rules, &bytes, &Files::new());
    let step = ask(&find(&rules).unwrap(), &mut Echo(0), "1https://a.example.net/").unwrap();
    assert_eq!(told(&step), "ok 200https://a.example.net/");
    rules.grants = vec![text("clock")];
    let refused = find(&rules).map(|_| ()).unwrap_err();
    assert_eq!(
        refused,
        "`clock` cannot be granted: it begins with none of `http:`, `private:`, `file:`, `env:`, `args:` and `commons:`"
    );
    rules.grants = Vec::new();
    assert!(find(&rules).is_err());
}
