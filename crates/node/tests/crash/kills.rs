//! Hundreds of kills under load: every acknowledged message is in the chain exactly as it was answered.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use troupe_chain::{Body, Entry, Hash};
use troupe_store::{DiskStore, Store};

use crate::process::{Process, verify};
use crate::random::Random;
use crate::wire::Wire;

const CONNECTIONS: u64 = 4;
/// Stores that are tested side by side.
const STORES: u64 = 3;

#[test]
fn every_acknowledged_message_outlives_hundreds_of_kills() {
    let rounds = std::env::var("TROUPE_CRASH_ROUNDS").ok().and_then(|rounds| rounds.parse().ok());
    let rounds = rounds.unwrap_or(300_u64);
    let seed = Random::seed("TROUPE_CRASH_SEED");
    let began = Instant::now();
    let totals = thread::scope(|scope| {
        let stores: Vec<_> = (0..STORES)
            .map(|store| {
                let share = rounds / STORES + u64::from(store < rounds % STORES);
                scope.spawn(move || Witness::new(seed ^ store << 56).run(share))
            })
            .collect();
        let ends = stores.into_iter().map(|store| store.join().expect("every store is sound"));
        ends.reduce(|a, b| [a[0] + b[0], a[1] + b[1], a[2] + b[2], a[3] + b[3]]).expect("a store")
    });
    let [kills, acknowledged, unknown, bytes] = totals;
    eprintln!(
        "{kills} kills, {acknowledged} messages acknowledged, {unknown} recorded without an answer, \
         {} MiB of messages, {:.0} s",
        bytes >> 20,
        began.elapsed().as_secs_f64()
    );
    assert_eq!(kills, rounds);
}

/// What was sent to one store, and what came of it.
struct Witness {
    folder: tempfile::TempDir,
    random: Random,
    /// Messages sent so far; each adds another amount.
    sent: u64,
    /// The amount and size of every message sent, by name.
    messages: HashMap<Hash, Message>,
    acknowledged: Vec<Acknowledged>,
    /// The chain as the last start had it.
    chain: Vec<Link>,
}

#[derive(Clone, Copy)]
struct Message {
    amount: u64,
    /// Spaces behind it, which mean nothing.
    padding: usize,
}

/// An answer, and what it was an answer to.
struct Acknowledged {
    message: Message,
    hash: Hash,
    seq: u64,
    count: u64,
}

struct Link {
    name: Hash,
    /// `None` for genesis and init.
    message: Option<Hash>,
    count: u64,
}

impl Message {
    fn bytes(self) -> Vec<u8> {
        let mut bytes = format!("{{\"add\":{}}}", self.amount).into_bytes();
        bytes.resize(bytes.len() + self.padding, b' ');
        bytes
    }
}

impl Witness {
    fn new(seed: u64) -> Self {
        Self {
            folder: tempfile::tempdir().expect("a folder"),
            random: Random(seed),
            sent: 0,
            messages: HashMap::new(),
            acknowledged: Vec::new(),
            chain: Vec::new(),
        }
    }

    fn folder(&self) -> PathBuf {
        self.folder.path().to_owned()
    }

    /// Kills a node so many times; gives the kills, the messages acknowledged, those recorded without an answer, and
    /// the bytes of the recorded ones.
    fn run(mut self, rounds: u64) -> [u64; 4] {
        let mut start_time = Duration::from_millis(500);
        for _ in 0..rounds {
            let kind = self.random.below(100);
            let began = Instant::now();
            let mut process = Process::start(&self.folder());
            if kind < 25 {
                // While it starts: while it makes the store or the actor, or settles the log's tail.
                let micros = self.random.below(start_time.as_micros() as u64 * 5 / 4);
                thread::sleep(Duration::from_micros(micros));
                process.kill();
                continue;
            }
            let addr = process.address();
            start_time = began.elapsed();
            self.check(addr);
            if kind < 85 {
                let acknowledged = 1 + self.random.below(120);
                self.load(process, addr, acknowledged, 0);
            } else {
                // Large ones, which soon need the next segment and give the index something to do.
                let acknowledged = 1 + self.random.below(60);
                self.load(process, addr, acknowledged, 900_000);
            }
        }
        let mut process = Process::start(&self.folder());
        let addr = process.address();
        self.check(addr);
        assert_eq!(process.stop(), Some(0));
        self.check_all();
        let recorded = self.chain.iter().filter_map(|link| link.message);
        let bytes = recorded.map(|name| self.messages[&name].bytes().len() as u64).sum();
        let acknowledged = self.acknowledged.len() as u64;
        [rounds, acknowledged, (self.chain.len() as u64).saturating_sub(2) - acknowledged, bytes]
    }

    /// Sends from several connections until so many answers came, and a moment later kills the node.
    fn load(&mut self, process: Process, addr: SocketAddr, answers: u64, max_padding: u64) {
        // At once, while other answers are on their way, or somewhere in what follows.
        let latest = [1, 3000][self.random.below(2) as usize];
        let moment = Duration::from_micros(self.random.below(latest));
        let (answered, answer) = mpsc::channel();
        let clients: Vec<_> = (0..CONNECTIONS)
            .map(|client| {
                let answered = answered.clone();
                let (first, seed) = (self.sent + 1 + client, self.random.below(u64::MAX));
                thread::spawn(move || send_until_killed(addr, first, max_padding, Random(seed), &answered))
            })
            .collect();
        drop(answered);
        for _ in 0..answers {
            answer.recv().expect("the node answers until it is killed");
        }
        let began = Instant::now();
        while began.elapsed() < moment {
            std::hint::spin_loop();
        }
        process.kill();
        for client in clients {
            let (sent, acknowledged) = client.join().expect("the client ends");
            for message in sent {
                self.sent = self.sent.max(message.amount);
                self.messages.insert(Hash::of(&message.bytes()), message);
            }
            self.acknowledged.extend(acknowledged);
        }
    }

    /// Reads what the restarted node has beyond what an earlier one had, and compares it with what was answered.
    fn check(&mut self, addr: SocketAddr) {
        let mut wire = Wire::connect(addr).expect("a connection");
        let known = self.chain.len();
        let mut from = known.saturating_sub(1);
        loop {
            let page = wire.get(&format!("/chain?from={from}&limit=10000")).expect("an answer").status(200);
            for line in page.body.split_inclusive(|byte| *byte == b'\n') {
                self.check_entry(from, &line[..line.len() - 1]);
                from += 1;
            }
            if page.header("troupe-next").is_none() {
                break;
            }
        }
        let new: Vec<_> = self.acknowledged.iter().filter(|answer| answer.seq >= known as u64).collect();
        for answer in &new {
            let link = self.chain.get(answer.seq as usize).expect("an acknowledged message is recorded");
            assert_eq!((link.name, link.count), (answer.hash, answer.count), "at seq {}", answer.seq);
            assert_eq!(link.message, Some(Hash::of(&answer.message.bytes())), "at seq {}", answer.seq);
        }
        for answer in new.iter().rev().take(5) {
            let bytes = answer.message.bytes();
            let blob = wire.get(&format!("/blobs/{}", Hash::of(&bytes))).expect("an answer").status(200);
            assert!(blob.body == bytes, "the message at seq {} is as it was sent", answer.seq);
            let entry = wire.get(&format!("/chain/{}", answer.hash)).expect("an answer").status(200);
            assert_eq!(Hash::of(&entry.body), answer.hash);
        }
        let state = wire.get("/state").expect("an answer").status(200);
        let last = self.chain.last().expect("an actor has entries");
        assert_eq!(state.header("troupe-entry"), Some(&*last.name.to_string()));
        assert_eq!(state.json()["count"], last.count);
    }

    fn check_entry(&mut self, seq: usize, bytes: &[u8]) {
        let name = Hash::of(bytes);
        if let Some(link) = self.chain.get(seq) {
            assert_eq!(name, link.name, "the entry at seq {seq} is still what it was");
            return;
        }
        let entry = Entry::decode(bytes).expect("an entry");
        let before = self.chain.last();
        assert_eq!((entry.seq, entry.parent), (seq as u64, before.map(|link| link.name)));
        let mut count = before.map_or(0, |link| link.count);
        let message = match &entry.body {
            Body::Message(body) => Some(body.message),
            Body::Genesis(_) | Body::Init(_) => None,
            other => panic!("a {} at seq {seq}", other.kind()),
        };
        if let Some(name) = message {
            count += self.messages.get(&name).expect("only what was sent is recorded").amount;
            assert_eq!(entry.state(), Some(Hash::of(format!("{{\"count\":{count}}}").as_bytes())));
        }
        self.chain.push(Link { name, message, count });
    }

    /// Looks up every answer of every round in the store, and replays the whole chain.
    fn check_all(&self) {
        let folder = self.folder();
        let report = verify(&folder);
        let recorded = self.chain.len() as u64;
        assert_eq!((&report["verified"], &report["seq"]), (&true.into(), &(recorded - 1).into()));
        assert_eq!(report["messages"], recorded - 2);
        let mut once = std::collections::HashSet::new();
        assert!(self.chain.iter().filter_map(|link| link.message).all(|name| once.insert(name)), "a repeat");
        let store = DiskStore::open(folder.join("store")).expect("a store");
        let (chain, head) = store.chains().expect("chains")[0];
        assert_eq!((head.entry, head.seq), (self.chain[recorded as usize - 1].name, recorded - 1));
        for answer in &self.acknowledged {
            let bytes = answer.message.bytes();
            let entry = store.entry(&chain, answer.seq).expect("readable").expect("an entry");
            assert_eq!(Hash::of(&entry), answer.hash);
            assert_eq!(store.find(&chain, &answer.hash).expect("readable"), Some(answer.seq));
            let blob = store.blob(&chain, &Hash::of(&bytes)).expect("readable").expect("a message");
            assert!(blob == bytes, "the message at seq {} is as it was sent", answer.seq);
        }
    }
}

/// One client: sends a message, waits for the answer, and so on until there is none. Gives what it sent and what was
/// answered.
fn send_until_killed(
    addr: SocketAddr,
    first: u64,
    max_padding: u64,
    mut random: Random,
    answered: &mpsc::Sender<()>,
) -> (Vec<Message>, Vec<Acknowledged>) {
    let (mut sent, mut acknowledged) = (Vec::new(), Vec::new());
    // It may be killed before every client is there.
    let Ok(mut wire) = Wire::connect(addr) else { return (sent, acknowledged) };
    for amount in (first..).step_by(CONNECTIONS as usize) {
        let message = Message { amount, padding: random.below(max_padding + 1) as usize };
        sent.push(message);
        let Ok(answer) = wire.post(message.bytes()) else { break };
        let answer = answer.status(200).json();
        acknowledged.push(Acknowledged {
            message,
            hash: answer["hash"].as_str().expect("a name").parse().expect("a name"),
            seq: answer["seq"].as_u64().expect("a position"),
            count: answer["state"]["count"].as_u64().expect("a count"),
        });
        // Whoever counts may have enough.
        let _ = answered.send(());
    }
    (sent, acknowledged)
}
