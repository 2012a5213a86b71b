//! Random entries that a chain may hold.

use proptest::collection::{btree_map, btree_set, vec};
use proptest::option;
use proptest::prelude::*;
use troupe_chain::{
    Body, Call, Code, Effect, Entry, Failure, FailureCode, Fuel, Genesis, Hash, Init, MAX_INTEGER, Message,
    Sender, Text, Timestamp,
};

fn text() -> impl Strategy<Value = Text> {
    let free = vec(0x20u8..0x7f, 1..12).prop_map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    let long = Just("\\\"".repeat(Text::MAX_LENGTH / 2));
    prop_oneof![9 => free, 1 => long].prop_map(|text| Text::new(text).expect("printable"))
}

pub(crate) fn hash() -> impl Strategy<Value = Hash> {
    any::<[u8; 32]>().prop_map(Hash::from_bytes)
}

fn integer() -> impl Strategy<Value = u64> {
    prop_oneof![0..1000u64, 0..=MAX_INTEGER, Just(MAX_INTEGER)]
}

fn calls() -> impl Strategy<Value = Vec<Call>> {
    let call =
        (text(), hash(), hash()).prop_map(|(function, input, output)| Call { function, input, output });
    vec(call, 0..3)
}

fn effects() -> impl Strategy<Value = Vec<Effect>> {
    vec((text(), hash()).prop_map(|(to, message)| Effect::Send { to, message }), 0..3)
}

fn sender() -> impl Strategy<Value = Sender> {
    prop_oneof![
        option::of(hash()).prop_map(|key| Sender::Http { key }),
        (text(), text()).prop_map(|(did, sig)| Sender::Did { did, sig }),
        (hash(), hash(), integer()).prop_map(|(chain, entry, n)| Sender::Actor { chain, entry, n }),
        (hash(), integer(), integer()).prop_map(|(entry, n, due)| Sender::Timer {
            entry,
            n,
            due: Timestamp(due)
        }),
    ]
}

fn genesis() -> impl Strategy<Value = Body> {
    let code = prop_oneof![hash().prop_map(Code::Component), text().prop_map(Code::Native)];
    let maps = (btree_map(text(), integer(), 1..4), btree_map(text(), text(), 1..4), btree_set(text(), 0..3));
    let rest = (text(), option::of(hash()), option::of(text()), hash());
    (code, maps, rest).prop_map(|(code, (limits, engine, grants), (world, config, owner, nonce))| {
        let grants = grants.into_iter().collect();
        Body::Genesis(Box::new(Genesis { code, world, config, limits, engine, grants, owner, nonce }))
    })
}

fn init() -> impl Strategy<Value = Body> {
    (hash(), integer(), calls(), effects(), option::of(hash())).prop_map(
        |(state, fuel, calls, effects, seed)| {
            Body::Init(Init { state, fuel: Fuel(fuel), calls, effects, seed })
        },
    )
}

fn message() -> impl Strategy<Value = Body> {
    let names = (hash(), hash(), hash(), option::of(hash()), option::of(hash()));
    (names, sender(), integer(), calls(), effects()).prop_map(
        |((message, before, state, reply, seed), from, fuel, calls, effects)| {
            let fuel = Fuel(fuel);
            Body::Message(Box::new(Message {
                message,
                from,
                before,
                state,
                reply,
                fuel,
                calls,
                effects,
                seed,
            }))
        },
    )
}

fn failure() -> impl Strategy<Value = Body> {
    let names = (hash(), hash(), option::of(hash()));
    let code = proptest::sample::select(FailureCode::ALL);
    (names, sender(), integer(), calls(), code).prop_map(
        |((message, before, seed), from, fuel, calls, error)| {
            Body::Failure(Box::new(Failure { message, from, before, error, fuel: Fuel(fuel), calls, seed }))
        },
    )
}

fn engine() -> impl Strategy<Value = Body> {
    btree_map(text(), text(), 1..4).prop_map(Body::Engine)
}

/// Any entry that can be written, also one that stands at a place where its kind may not.
pub(crate) fn entry() -> impl Strategy<Value = Entry> {
    let body = prop_oneof![genesis(), init(), message(), failure(), engine()];
    (hash(), prop_oneof![Just(0), integer()], integer(), body).prop_map(|(parent, seq, at, body)| Entry {
        parent: (seq > 0).then_some(parent),
        seq,
        at: Timestamp(at),
        body,
    })
}
