//! The same functions for components.

use troupe_chain::{Abort, Machine, Outside, Text};
use troupe_component::Met;
use troupe_component::abi::{BYTES_A_FUEL, FUNCTIONS, HostError, Param, ReadAnswer, wit};
use troupe_testing::{Call, Guest, World};

use super::{Book, OTHER, PRINCIPAL, all_grants, load, sent};
use crate::common::{SANDBOX, context, small, told};

/// An actor that takes its message as an id, calls a function with it, and has as its state the first byte of what it
/// gets: 0 or 1, and 8 bytes on the value or the error.
fn guest(name: &str, params: &str, args: &str) -> Guest {
    guest_with(&wit(), name, params, args)
}

fn guest_with(interface: &str, name: &str, params: &str, args: &str) -> Guest {
    let nested = |wit: &str, package: &str| {
        let (_, rest) = wit.split_once(';').unwrap();
        format!("package {package} {{ {rest} }}\n")
    };
    let world = "package test:asking;\nworld asking { include troupe:actor/actor@0.1.0; import troupe:commons/host@0.1.0; }\n";
    let wits = [
        world.to_owned(),
        nested(World::Actor.wit(), "troupe:actor@0.1.0"),
        nested(interface, "troupe:commons@0.1.0"),
    ];
    Guest::new(World::Actor)
        .wit(wits.concat(), "asking")
        .import(&format!(
            "(import \"troupe:commons/host@0.1.0\" \"{name}\" (func $ask (param {params} i32)))"
        ))
        .body(
            Call::Handle,
            format!("(call $ask {args} (i32.const 32)) (call $ok (i32.const 32) (i32.const 9))"),
        )
}

const MESSAGE: &str = "(local.get $m) (local.get $mlen)";

/// What an id leads to: the value, or the error.
fn asked(
    name: &str,
    params: &str,
    args: &str,
    id: &str,
    grants: &[String],
) -> (Result<u64, HostError>, Vec<String>) {
    let component = load(&guest(name, params, args).component(), grants);
    let step = component.apply(&context(), &mut Book::default(), id.as_bytes(), b"s").unwrap();
    let troupe_chain::Outcome::Accepted(accepted) = &step.outcome else { panic!("{}", told(&step)) };
    let [tag, .., low] = accepted.state[..] else { panic!() };
    // An i64 stands 8 bytes on; 9 bytes reach its first, which is all that these tests use.
    let came = match tag {
        0 => Ok(u64::from(low)),
        _ => Err(HostError::ALL[usize::from(low)]),
    };
    (came, sent(&step))
}

#[test]
fn a_component_reads_and_acts_as_a_core_module_does() {
    let other = OTHER.to_string();
    let read = asked("account-get-mana", "i32 i32", MESSAGE, &other, &all_grants());
    assert_eq!(read, (Ok(8), Vec::new()));
    let spend = |id: &str, grants: &[String]| {
        asked("account-spend-mana", "i32 i32 i64", &format!("{MESSAGE} (i64.const 5)"), id, grants)
    };
    let act = format!("{{\"act\":{{\"spend\":{{\"amount\":5}}}},\"for\":\"{PRINCIPAL}\"}}");
    assert_eq!(spend("", &all_grants()), (Ok(0), vec![act]));
    assert_eq!(spend(&other, &all_grants()), (Err(HostError::Denied), Vec::new()));
    assert_eq!(spend("", &[]), (Err(HostError::Denied), Vec::new()));
    assert_eq!(spend(&"a".repeat(300), &all_grants()), (Err(HostError::TooLarge), Vec::new()));
    let submit = asked("submit-mesh-job", "i32 i32", MESSAGE, "[]", &all_grants());
    assert_eq!(submit, (Err(HostError::Malformed), Vec::new()));
    let proof = asked("verify-zk-proof", "i32 i32", MESSAGE, "{}", &all_grants());
    assert_eq!(proof, (Err(HostError::NotAvailable), Vec::new()));
}

/// A commons that answers everything with so many bytes.
struct Long(u64);

impl Outside for Long {
    fn call(&mut self, _: &Text, _: &[u8]) -> Result<Vec<u8>, Abort> {
        Ok(ReadAnswer::Bytes(vec![b' '; self.0 as usize]).encode())
    }
}

#[test]
fn bytes_that_a_component_gets_cost_as_those_that_a_core_module_takes() {
    let component = load(&guest("get-pending-mesh-jobs", "", "").component(), &all_grants());
    let fuel = |bytes: u64| {
        let step = component.apply(&context(), &mut Long(bytes), b"", b"s").unwrap();
        let troupe_chain::Outcome::Accepted(accepted) = &step.outcome else { panic!("{}", told(&step)) };
        assert_eq!(accepted.state[0], 0, "it is no error");
        step.fuel.0
    };
    let one = fuel(1);
    assert_eq!(fuel(BYTES_A_FUEL), one, "a part counts as all of it");
    assert_eq!(fuel(BYTES_A_FUEL + 1), one + 1);
    assert_eq!(fuel(100 * BYTES_A_FUEL), one + 99);
}

#[test]
fn every_function_of_the_interface_links() {
    let mut every = guest("account-get-mana", "i32 i32", MESSAGE);
    for function in FUNCTIONS {
        let Some(name) = function.wit_name().filter(|name| name != "account-get-mana") else { continue };
        let flat = |param: &Param| if matches!(param, Param::Amount(_)) { "i64 " } else { "i32 i32 " };
        let params: String = function.params.iter().map(flat).collect();
        let import = format!("(import \"troupe:commons/host@0.1.0\" \"{name}\" (func (param {params} i32)))");
        every = every.import(&import);
    }
    let loaded = SANDBOX.load(&every.component(), &small()).unwrap();
    let import = loaded.imports().iter().find(|import| import.name.starts_with("troupe:commons/")).unwrap();
    assert_eq!(import.met, Met::Recorded);
}

#[test]
fn a_function_with_another_type_is_named() {
    let other = wit().replace("account: string, amount: u64", "account: string, amount: u32");
    assert_ne!(other, wit());
    let guest =
        guest_with(&other, "account-spend-mana", "i32 i32 i32", "(i32.const 0) (i32.const 0) (i32.const 0)");
    let refused = SANDBOX.load(&guest.component(), &small()).map(|_| ()).unwrap_err().to_string();
    assert!(refused.contains("account-spend-mana` has another signature"), "{refused}");
}
