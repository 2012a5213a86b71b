//! The host ABI: each function, and guests that mean ill.

mod attacks;
mod calls;
mod component;
mod module;

use troupe_chain::{Abort, Hash, Machine, Outside, Step, Text};
use troupe_component::abi::{
    Capability, FUNCTIONS, HostError, HostFunction, Number, Param, ReadAnswer, ReadRequest,
};
use troupe_component::{Grants, Limits, WasmComponent};

use crate::common::{SANDBOX, context, text};

/// The member for whom guests of these tests act.
pub(super) const PRINCIPAL: Hash = Hash::from_bytes([7; 32]);
/// Somebody else.
pub(super) const OTHER: Hash = Hash::from_bytes([8; 32]);

/// A commons in which members have as much as their ids' first byte says, and calls are counted.
#[derive(Default)]
pub(super) struct Book(pub(super) usize);

impl Outside for Book {
    fn call(&mut self, function: &Text, input: &[u8]) -> Result<Vec<u8>, Abort> {
        self.0 += 1;
        let request = ReadRequest::decode(input).unwrap();
        let answer = match (function.as_str(), request.of) {
            ("icn.host_get_pending_mesh_jobs", None) => ReadAnswer::Bytes(b"[\"job\"]".into()),
            ("icn.host_account_get_mana" | "icn.host_get_reputation", Some(of)) => {
                match of.as_bytes().first() {
                    Some(0) | None => ReadAnswer::Refused(HostError::NotFound),
                    Some(first) => ReadAnswer::Value(u64::from(*first)),
                }
            }
            other => panic!("{other:?}"),
        };
        Ok(answer.encode())
    }
}

/// Every capability, and the principal.
pub(super) fn all_grants() -> Vec<String> {
    let mut grants: Vec<String> = Capability::ALL.iter().map(|capability| capability.grant()).collect();
    grants.push(format!("commons-for:{PRINCIPAL}"));
    grants
}

pub(super) fn limits() -> Limits {
    Limits { calls: 1000, ..Limits::for_jobs() }
}

/// A module whose `run` is these instructions, with every function imported as `$NAME` and `data` in its memory at 1024.
pub(super) fn wat(instructions: &str, data: &[u8]) -> Vec<u8> {
    let imports: String = FUNCTIONS.iter().map(import).collect();
    let data: String = data.iter().map(|byte| format!("\\{byte:02x}")).collect();
    let module = format!(
        "(module {imports} (memory (export \"memory\") 1) (data (i32.const 1024) \"{data}\")
           (func $say (param i64) (i64.store (i32.const 0) (local.get 0))
             (drop (call $host_put_output (i32.const 0) (i32.const 8))))
           (func (export \"run\") (result i64) {instructions} (i64.const 0)))"
    );
    wat::parse_str(module).unwrap()
}

fn import(function: &HostFunction) -> String {
    let (params, result) = function
        .core_signature()
        .split_once(" -> ")
        .map(|(params, result)| (params.trim_matches(['(', ')']).to_owned(), result.to_owned()))
        .unwrap();
    let name = function.name;
    format!("(import \"icn\" \"{name}\" (func ${name} (param {params}) (result {result})))\n")
}

/// Instructions that call a function and leave its number as an i64.
pub(super) fn call(function: &HostFunction, args: &str) -> String {
    let call = format!("(call ${} {args})", function.name);
    match function.returns {
        Number::I32 => format!("(i64.extend_i32_s {call})"),
        Number::I64 => call,
    }
}

/// Arguments of a function: each pointer and length is this one, each amount 5.
pub(super) fn args(function: &HostFunction, stretch: (u32, u32)) -> String {
    let arg = |param: &Param| match param {
        Param::Amount(_) => "(i64.const 5)".to_owned(),
        _ => format!("(i32.const {}) (i32.const {})", stretch.0, stretch.1),
    };
    function.params.iter().map(arg).collect::<Vec<_>>().join(" ")
}

pub(super) fn load(bytes: &[u8], grants: &[String]) -> WasmComponent {
    let grants: Vec<_> = grants.iter().map(|grant| text(grant)).collect();
    SANDBOX.load_granted(bytes, &limits(), &Grants::parse(&grants).unwrap()).unwrap()
}

pub(super) fn run(module: &WasmComponent, outside: &mut dyn Outside, message: &[u8]) -> Step {
    module.apply(&context(), outside, message, b"null").unwrap()
}

/// The output of an accepted step.
pub(super) fn output(step: &Step) -> Vec<u8> {
    match &step.outcome {
        troupe_chain::Outcome::Accepted(accepted) => accepted.reply.clone().unwrap_or_default(),
        other => panic!("{other:?}"),
    }
}

/// What one call of a function leads to, with all that can be granted, and its effects as text.
pub(super) fn ask(function: &HostFunction, data: &[u8]) -> (i64, Vec<String>) {
    let stretch = (1024, u32::try_from(data.len()).unwrap());
    let say = format!("(call $say {})", call(function, &args(function, stretch)));
    let step = run(&load(&wat(&say, data), &all_grants()), &mut Book::default(), b"in");
    (number(&step), sent(&step))
}

/// The number that a module said.
pub(super) fn number(step: &Step) -> i64 {
    i64::from_le_bytes(output(step).try_into().unwrap())
}

/// What was sent to the commons.
pub(super) fn sent(step: &Step) -> Vec<String> {
    let told = |asked: troupe_chain::Asked| {
        let troupe_chain::Effect::Send { to, .. } = &asked.effect else { panic!("{asked:?}") };
        assert_eq!(to.as_str(), "commons");
        String::from_utf8(asked.payload.unwrap()).unwrap()
    };
    crate::common::effects(step).into_iter().map(told).collect()
}
