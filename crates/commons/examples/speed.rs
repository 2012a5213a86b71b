//! Measures what commands cost: `cargo run --release -p troupe-commons --example speed [ACCOUNTS] [COMMANDS]`.
//!
//! Commands are transfers among all members, the ones that touch the most leaves for the least work. `signed` is what a node does for
//! each; `unsigned` leaves the signature out, so that it shows what the map costs. Accounts grow by tens up to ACCOUNTS.

use std::time::{Duration, Instant};

use ed25519_dalek::{Signer as _, SigningKey};
use troupe_chain::{Abort, Context, DidKey, Hash, Leaf, Machine, Nowhere, Outcome, Sender, Timestamp};
use troupe_commons::mana::{Account, Owner};
use troupe_commons::{Act, Charter, Command, Commons, Founder, Message, Place, State, members, to_bytes};

type Failed = Box<dyn std::error::Error>;

/// Time that this thread was running where the system tells, so that other load counts less; else time that went by.
struct Clock(Instant, Option<u64>);

impl Clock {
    fn start() -> Self {
        Self(Instant::now(), Self::running())
    }

    fn running() -> Option<u64> {
        std::fs::read_to_string("/proc/thread-self/schedstat").ok()?.split(' ').next()?.parse().ok()
    }

    fn elapsed(&self) -> Duration {
        let ran = self.1.zip(Self::running()).map(|(before, now)| Duration::from_nanos(now - before));
        ran.unwrap_or_else(|| self.0.elapsed())
    }
}

/// When all of it happens.
const AT: u64 = 1_700_000_000_000;
/// How many members sign; making keys and signatures is not measured.
const SIGNERS: usize = 1_000;
/// Commands in each round.
const ROUND: usize = 4_000;

struct Signer {
    key: SigningKey,
    did: DidKey,
    number: u64,
}

fn main() -> Result<(), Failed> {
    let mut arguments = std::env::args().skip(1);
    let accounts: usize = arguments.next().map_or(Ok(1_000_000), |text| text.parse())?;
    let replayed: usize = arguments.next().map_or(Ok(1_000_000), |text| text.parse())?;
    println!(
        "{:>9} {:>14} {:>14} {:>12} {:>12} {:>12}",
        "accounts", "unsigned", "signed", "proof", "absent", "restore"
    );
    let mut size = SIGNERS;
    while size <= accounts {
        let (mut state, mut signers) = state(size)?;
        let unsigned = best(|| transfers(&mut state, &mut signers, size, false))?;
        let signed = best(|| transfers(&mut state, &mut signers, size, true))?;
        let key = Account::key(Owner::Member(members::id_of(&signers[0].did)));
        let bytes = |key: &str| state.prove(key).siblings.len() * 32;
        let restore = restore(&state)?;
        println!(
            "{size:>9} {unsigned:>11} ns {signed:>11} ns {:>10} B {:>10} B {restore:>9.1?}",
            bytes(&key),
            bytes("account/nobody")
        );
        size *= 10;
    }
    replay(replayed)
}

/// The mean of the best of some rounds, in nanoseconds.
fn best(mut round: impl FnMut() -> Result<Duration, Failed>) -> Result<u128, Failed> {
    let mut best = round()?;
    for _ in 0..4 {
        best = best.min(round()?);
    }
    Ok(best.as_nanos() / ROUND as u128)
}

/// A commons with so many members, of whom the first sign.
fn state(size: usize) -> Result<(State, Vec<Signer>), Failed> {
    let signer = |seed: usize| -> Result<Signer, Failed> {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        let key = SigningKey::from_bytes(&bytes);
        let did = DidKey::from_bytes(key.verifying_key().as_bytes())?;
        Ok(Signer { key, did, number: 0 })
    };
    let signers = (0..SIGNERS).map(signer).collect::<Result<Vec<_>, _>>()?;
    let founder = |signer: &Signer| Founder { did: signer.did.to_string(), mana: 1_000_000 };
    let (founders, parameters) = (signers.iter().map(founder).collect(), Default::default());
    let charter = Charter { founders, name: "speed".into(), parameters, v: 1 };
    let machine = Commons::default();
    let context = Context {
        chain: Hash::of(b"chain"),
        from: Sender::Http { key: None },
        at: Timestamp(AT),
        seq: 1,
        seed: None,
    };
    let step = machine.init(&context, &mut Nowhere, Some(&to_bytes(&charter)))?;
    let Outcome::Accepted(accepted) = step.outcome else { return Err("the charter is refused".into()) };
    let state = machine.state(&accepted.state).ok_or("kept")?;
    // The others have no keys that could sign, and the records that members have.
    let mut map = state.map().clone();
    let pattern = |prefix: &str| {
        let found = map.iter().find(|(key, _)| key.starts_with(prefix.as_bytes()));
        found.map(|(_, value)| value.to_vec()).ok_or("a founder")
    };
    let (member, account, key) = (pattern("member/")?, pattern("account/member-")?, pattern("key/")?);
    for other in SIGNERS..size {
        let id = Hash::of(&other.to_le_bytes());
        map.insert(format!("member/{id}").as_bytes(), member.clone());
        map.insert(format!("account/member-{id}").as_bytes(), account.clone());
        map.insert(format!("key/{id}").as_bytes(), key.clone());
    }
    let record = to_bytes(&troupe_commons::StateRecord { root: troupe_commons::Id(map.root()), v: 1 });
    let mut leaves = map.iter().map(|(key, value)| Leaf { key: key.into(), value: Some(value.into()) });
    machine.restore(&record, &mut leaves)?;
    Ok((machine.state(&record).ok_or("kept")?, signers))
}

/// One round of transfers from signers to members anywhere.
fn transfers(
    state: &mut State,
    signers: &mut [Signer],
    size: usize,
    signed: bool,
) -> Result<Duration, Failed> {
    let chain = Hash::of(b"chain");
    let ids: Vec<_> = signers.iter().map(|signer| members::id_of(&signer.did)).collect();
    let count = signers.len();
    let messages: Vec<(Command, Option<Message>)> = (0..ROUND)
        .map(|n| {
            let signer = &mut signers[n % count];
            signer.number += 1;
            let other = n.wrapping_mul(0x9E37_79B9) % size;
            let to = ids.get(other).copied().unwrap_or(troupe_commons::Id(Hash::of(&other.to_le_bytes())));
            let command =
                Command::new(&signer.did, chain, signer.number, AT + 1_000, Act::Transfer { amount: 1, to });
            let signature = signed.then(|| signer.key.sign(&command.text()).to_bytes());
            (command.clone(), signature.map(|signature| command.signed(signature)))
        })
        .collect();
    let began = Clock::start();
    for (seq, (command, message)) in messages.iter().enumerate() {
        let place = Place { chain, at: AT, seq: seq as u64 };
        let applied = match message {
            Some(message) => state.apply(place, &Message::read(&message.to_bytes())?)?,
            None => state.apply_command(place, command)?,
        };
        applied.state.root();
        *state = applied.state;
    }
    Ok(began.elapsed())
}

fn restore(state: &State) -> Result<Duration, Abort> {
    let leaves: Vec<Leaf> =
        state.map().iter().map(|(key, value)| Leaf { key: key.into(), value: Some(value.into()) }).collect();
    let record = state.record();
    let began = Clock::start();
    Commons::default().restore(&record, &mut leaves.into_iter())?;
    Ok(began.elapsed())
}

/// Signed commands through the machine, as a replay has them.
fn replay(commands: usize) -> Result<(), Failed> {
    let (state, mut signers) = state(SIGNERS)?;
    let chain = Hash::of(b"chain");
    let to = members::id_of(&signers[0].did);
    let machine = Commons::default();
    let mut leaves =
        state.map().iter().map(|(key, value)| Leaf { key: key.into(), value: Some(value.into()) });
    let mut bytes = state.record();
    machine.restore(&bytes, &mut leaves)?;
    let (mut spent, mut done) = (Duration::ZERO, 0);
    while done < commands {
        let messages: Vec<Vec<u8>> = signers
            .iter_mut()
            .map(|signer| {
                signer.number += 1;
                let command = Command::new(
                    &signer.did,
                    chain,
                    signer.number,
                    AT + 1_000,
                    Act::Transfer { amount: 1, to },
                );
                let signature = signer.key.sign(&command.text()).to_bytes();
                command.signed(signature).to_bytes()
            })
            .collect();
        let began = Clock::start();
        for message in &messages {
            done += 1;
            let from = Sender::Http { key: None };
            let context = Context { chain, from, at: Timestamp(AT), seq: done as u64, seed: None };
            match machine.apply(&context, &mut Nowhere, message, &bytes)?.outcome {
                Outcome::Accepted(accepted) => bytes = accepted.state,
                other => return Err(format!("{other:?}").into()),
            }
        }
        spent += began.elapsed();
    }
    let each = spent / u32::try_from(done)?;
    println!("{done} signed commands through the machine: {spent:.1?}, {each:?} each");
    Ok(())
}
