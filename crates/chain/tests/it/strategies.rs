//! Random entries that a chain may hold.

use proptest::collection::{btree_map, btree_set, vec};
use proptest::option;
use proptest::prelude::*;
use troupe_chain::{
    Body, Call, Code, Effect, EffectId, EffectRef, Entry, Failure, FailureCode, Fork, Fuel, Genesis, Hash,
    Init, MAX_INTEGER, Message, Notice, OnFailure, Sender, Spawn, Stop, Supervision, Text, Timestamp,
    Upgrade,
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

fn code() -> impl Strategy<Value = Code> {
    prop_oneof![hash().prop_map(Code::Component), text().prop_map(Code::Native)]
}

fn effect_id() -> impl Strategy<Value = EffectId> {
    (integer(), integer()).prop_map(|(seq, n)| EffectId { seq, n })
}

fn reference() -> impl Strategy<Value = EffectRef> {
    (hash(), hash(), integer()).prop_map(|(chain, entry, n)| EffectRef { chain, entry, n })
}

fn supervision() -> impl Strategy<Value = Supervision> {
    let numbers = (integer(), integer(), integer(), integer(), integer());
    (proptest::sample::select(OnFailure::ALL), numbers).prop_map(|(on_failure, numbers)| {
        let (failures, within, backoff, max_backoff, max_restarts) = numbers;
        Supervision { on_failure, failures, within, backoff, max_backoff, max_restarts }
    })
}

fn spawn() -> impl Strategy<Value = Effect> {
    let names = (option::of(hash()), option::of(text()));
    (code(), names, btree_set(text(), 0..3), supervision()).prop_map(
        |(code, (config, name), grants, supervision)| {
            let grants = grants.into_iter().collect();
            Effect::Spawn(Box::new(Spawn { code, config, grants, name, supervision }))
        },
    )
}

fn effects() -> impl Strategy<Value = Vec<Effect>> {
    let effect = prop_oneof![
        (text(), hash()).prop_map(|(to, message)| Effect::Send { to, message }),
        (text(), hash(), integer()).prop_map(|(to, message, timeout)| Effect::Request {
            to,
            message,
            timeout
        }),
        (integer(), hash()).prop_map(|(after, message)| Effect::Timer { after, message }),
        (text(), hash()).prop_map(|(cron, message)| Effect::Cron { cron, message }),
        effect_id().prop_map(Effect::Cancel),
        spawn(),
        text().prop_map(|child| Effect::Stop { child }),
        text().prop_map(|reason| Effect::Exit { reason }),
    ];
    vec(effect, 0..3)
}

fn sender() -> impl Strategy<Value = Sender> {
    let notice = proptest::sample::select(Notice::ALL);
    prop_oneof![
        option::of(hash()).prop_map(|key| Sender::Http { key }),
        (text(), text()).prop_map(|(did, sig)| Sender::Did { did, sig }),
        reference().prop_map(Sender::Actor),
        reference().prop_map(Sender::Parent),
        (effect_id(), integer()).prop_map(|(set, due)| Sender::Timer { set, due: Timestamp(due) }),
        (effect_id(), hash(), hash()).prop_map(|(to, chain, entry)| Sender::Reply { to, chain, entry }),
        (effect_id(), notice, option::of(hash()), option::of(hash()))
            .prop_map(|(of, about, chain, entry)| Sender::Notice { of, about, chain, entry }),
    ]
}

fn genesis() -> impl Strategy<Value = Body> {
    let maps = (btree_map(text(), integer(), 1..4), btree_map(text(), text(), 1..4), btree_set(text(), 0..3));
    let rest = (text(), option::of(hash()), option::of(text()), hash());
    let fork = (hash(), hash(), integer(), hash()).prop_map(|(chain, entry, seq, state)| Fork {
        chain,
        entry,
        seq,
        state,
    });
    (code(), maps, rest, option::of(fork), option::of(reference())).prop_map(
        |(code, (limits, engine, grants), (world, config, owner, nonce), fork, started_by)| {
            let grants = grants.into_iter().collect();
            Body::Genesis(Box::new(Genesis {
                code,
                world,
                config,
                limits,
                engine,
                grants,
                owner,
                nonce,
                fork,
                started_by,
            }))
        },
    )
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

fn upgrade() -> impl Strategy<Value = Body> {
    let rules = (code(), text(), btree_map(text(), integer(), 1..4), btree_set(text(), 0..3));
    (rules, sender(), (hash(), hash(), integer(), option::of(hash())), calls(), effects()).prop_map(
        |((code, world, limits, grants), from, (before, state, fuel, seed), calls, effects)| {
            let (grants, fuel) = (grants.into_iter().collect(), Fuel(fuel));
            Body::Upgrade(Box::new(Upgrade {
                code,
                world,
                limits,
                grants,
                from,
                before,
                state,
                fuel,
                calls,
                effects,
                seed,
            }))
        },
    )
}

fn stop() -> impl Strategy<Value = Body> {
    (sender(), text()).prop_map(|(from, reason)| Body::Stop(Stop { from, reason }))
}

fn engine() -> impl Strategy<Value = Body> {
    btree_map(text(), text(), 1..4).prop_map(Body::Engine)
}

/// Any entry that can be written, also one that stands at a place where its kind may not.
pub(crate) fn entry() -> impl Strategy<Value = Entry> {
    let body = prop_oneof![genesis(), init(), message(), failure(), upgrade(), engine(), stop()];
    (hash(), prop_oneof![Just(0), integer()], integer(), body).prop_map(|(parent, seq, at, body)| Entry {
        parent: (seq > 0).then_some(parent),
        seq,
        at: Timestamp(at),
        body,
    })
}
