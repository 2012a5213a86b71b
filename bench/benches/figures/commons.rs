//! The commons on a node: commands a second, in memory and durable, and replay. What one command costs the machine as
//! accounts grow, the example `speed` of `troupe-commons` measures.
//!
//! `TROUPE_BENCH_COMMANDS` says how many commands are replayed: a million take minutes.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use troupe::host::{Host, Settings};
use troupe::machines::AllMachines;
use troupe::troupe_chain::{Hash, Sender, verify};
use troupe::troupe_commons::{Act, Charter, Command, Founder, Id, members};
use troupe::troupe_identity::{SecretKey, Signer as _};
use troupe::troupe_runtime::{Actor, StoreHistory};
use troupe::troupe_store::{DiskStore, MemoryStore, Store};
use troupe_bench::medians;

use crate::{report, table};

/// The members who act, and the commands of each in a round.
const MEMBERS: u64 = 100;
const EACH: u64 = 40;
const ROUNDS: usize = 5;
/// Commands that are replayed, unless the environment says otherwise.
const REPLAYED: u64 = 20_000;
/// Far enough for every command of a run.
const VALID: u64 = 3_600_000;

pub(crate) fn measure() -> anyhow::Result<()> {
    table();
    let [signature, memory, durable] =
        medians(ROUNDS, [&mut || signatures(), &mut || commands(false), &mut || commands(true)])?;
    let rate = |seconds: f64| format!("{:.0}/s", (MEMBERS * EACH) as f64 / seconds);
    report("checking one signature after the other", rate(signature), 1.0, "");
    report("commands taken by a node, in memory", rate(memory), signature / memory, "");
    report("commands taken by a node, durable", rate(durable), memory / durable, "");
    replay()
}

fn key(number: u64) -> SecretKey {
    let mut seed = [0; 32];
    seed[..8].copy_from_slice(&number.to_le_bytes());
    SecretKey::from_seed(&seed)
}

fn charter(members: u64) -> Charter {
    let founder = |number| Founder { did: key(number).did().to_string(), mana: 1_000_000 };
    let founders = (0..members).map(founder).collect();
    Charter { founders, name: "Figures".into(), parameters: [("mana-rate".to_owned(), 0)].into(), v: 1 }
}

fn transfer(key: &SecretKey, chain: Hash, number: u64, at: u64, to: Id) -> anyhow::Result<Bytes> {
    let act = Act::Transfer { amount: 1, to };
    let command = Command::new(key.did(), chain, number, at + VALID, act);
    let signature = key.sign(&command.text())?;
    Ok(command.signed(signature).to_bytes().into())
}

fn now() -> anyhow::Result<u64> {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?;
    Ok(u64::try_from(since.as_millis())?)
}

/// How long as many signatures take as a round has commands.
fn signatures() -> anyhow::Result<f64> {
    let key = key(0);
    let text = vec![b'x'; 300];
    let signature = key.sign(&text)?;
    let began = Instant::now();
    for _ in 0..MEMBERS * EACH {
        anyhow::ensure!(black_box(key.did().verify(black_box(&text), &signature)));
    }
    Ok(began.elapsed().as_secs_f64())
}

fn host(store: Arc<dyn Store>) -> anyhow::Result<(Host, Actor)> {
    let mut settings = Settings::new(store);
    settings.options.mailbox = usize::try_from(MEMBERS * EACH)?;
    settings.options.snapshot_every = 64;
    let host = settings.open()?;
    let actor = host.actors.start_blocking(host.prepare_commons(&charter(1000))?)?;
    Ok((host, actor))
}

/// How long a node takes for a round of commands of many members, all of them under way at once.
fn commands(durable: bool) -> anyhow::Result<f64> {
    let folder = durable.then(|| tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))).transpose()?;
    let store: Arc<dyn Store> = match &folder {
        Some(folder) => Arc::new(DiskStore::open(folder.path())?),
        None => Arc::new(MemoryStore::new()),
    };
    let (host, actor) = host(store)?;
    let at = now()?;
    let mut messages = Vec::new();
    for number in 1..=EACH {
        for by in 0..MEMBERS {
            let to = members::id_of(key((by + number) % 1000).did());
            let to = if (by + number) % 1000 == by { members::id_of(key(999).did()) } else { to };
            messages.push(transfer(&key(by), actor.id(), number, at, to)?);
        }
    }
    let began = Instant::now();
    let post = |message| actor.post(Sender::Http { key: None }, message);
    let answers = messages.into_iter().map(post).collect::<Result<Vec<_>, _>>()?;
    for answer in answers {
        answer.blocking_recv()??;
    }
    let seconds = began.elapsed().as_secs_f64();
    host.actors.shutdown();
    Ok(seconds)
}

/// Commands of a chain a second when all of it is run again, from genesis and on one thread.
fn replay() -> anyhow::Result<()> {
    let wanted = std::env::var("TROUPE_BENCH_COMMANDS").ok().and_then(|wanted| wanted.parse().ok());
    let wanted: u64 = wanted.unwrap_or(REPLAYED);
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let store: Arc<dyn Store> = Arc::new(DiskStore::open(folder.path())?);
    let (host, actor) = host(Arc::clone(&store))?;
    let at = now()?;
    let keys: Vec<SecretKey> = (0..1000).map(key).collect();
    let began = Instant::now();
    let mut sent = 0;
    while sent < wanted {
        let mut answers = Vec::new();
        for _ in 0..(wanted - sent).min(MEMBERS * EACH) {
            let (by, number) = (sent % 1000, sent / 1000 + 1);
            let to = members::id_of(keys[((by + 1) % 1000) as usize].did());
            let message = transfer(&keys[by as usize], actor.id(), number, at, to)?;
            answers.push(actor.post(Sender::Http { key: None }, message)?);
            sent += 1;
        }
        for answer in answers {
            answer.blocking_recv()??;
        }
    }
    let live = began.elapsed().as_secs_f64();
    host.actors.shutdown();
    let history = StoreHistory::new(Arc::clone(&store), actor.id())?;
    let history = history.ok_or_else(|| anyhow::anyhow!("the chain is gone"))?;
    let machines = AllMachines::new(host.sandbox.clone());
    let began = Instant::now();
    let replayed = verify(&history, &machines, |_| {}).map_err(|error| anyhow::anyhow!("{error}"))?;
    let seconds = began.elapsed().as_secs_f64();
    anyhow::ensure!(replayed.messages == wanted, "{} commands", replayed.messages);
    let rate = wanted as f64 / seconds;
    report(
        &format!("{wanted} commands replayed from a disk, {seconds:.0} s"),
        format!("{rate:.0}/s"),
        live / seconds,
        "× taken live",
    );
    Ok(())
}
