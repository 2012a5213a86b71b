//! `troupe demo commons`: a cooperative of three, in some seconds, of which anybody recomputes every number.
//!
//! Everything is real: the keys, the signatures, the node with its store on disk and its log, and the votes.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use troupe::checkpoints::Checkpoints;
use troupe::commons::view::{MemberView, ParameterView, ProposalView};
use troupe::host::{Host, Settings};
use troupe::http::Site;
use troupe::manifest::StorePlace;
use troupe_api::{Answer, Client, ClientError};
use troupe_chain::Hash;
use troupe_chain::note::Trust;
use troupe_commons::governance::{Action, Motion, Stage, recount};
use troupe_commons::mana::{Account, Owner};
use troupe_commons::{Act, Charter, Command, Founder, Id, RecordProof, Reply, State, WHOLE, members};
use troupe_identity::{SecretKey, Signer};

use troupe_runtime::{Actor, StoreHistory};
use troupe_store::{DiskOptions, DiskStore, Store};

use super::server::Serving;
use super::{make_folder, this_command};
use crate::cli::failure::{Done, Failure};
use crate::cli::parse::now;
use crate::cli::place::Source;
use crate::cli::screen::{BOLD, DIM, GOOD, Screen, count, plural, short, size};
use crate::cli::signing::SigningArgs;
use crate::cli::{code, verify};

/// For how long the demo's vote is open, in milliseconds.
const VOTE: u64 = 2000;
/// How long to wait for what should happen by itself.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);

/// See a cooperative work: mana, a vote, and a balance proved
///
/// Three members with keys of their own begin a commons, pay each other, have a job run and its receipt replayed, change a
/// parameter by vote, and show a balance to a stranger. Then all of it is run again, and the vote is counted anew.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    troupe demo commons\n  \
    troupe demo commons --keep commons-demo\n  \
    troupe demo commons --json")]
pub(crate) struct Commons {
    /// Keep the store and the proof in a folder, to go on with
    #[arg(long, value_name = "FOLDER")]
    keep: Option<std::path::PathBuf>,
}

/// A member of the demo.
pub(super) struct Person {
    pub(super) name: &'static str,
    pub(super) key: Arc<SecretKey>,
    id: Id,
}

/// The node of the demo, and its members.
pub(super) struct Harbour {
    pub(super) client: Client,
    chain: Hash,
    pub(super) people: [Person; 3],
}

pub(super) fn demo(screen: &Screen, command: &Commons) -> Done {
    let temporary = match &command.keep {
        Some(folder) => make_folder(folder).map(|()| None)?,
        None => Some(tempfile::tempdir()?),
    };
    let folder = command.keep.as_deref().or(temporary.as_ref().map(|folder| folder.path()));
    let folder = folder.unwrap_or(Path::new("."));
    let begun = Instant::now();
    let quiet = Screen { json: false };
    let people = [person("Ada")?, person("Bea")?, person("Cy")?];
    let (host, store) = open(&folder.join("commons.store"))?;
    let actor = begin(&host, &people)?;
    let place = StorePlace::Folder(folder.join("commons.store"));
    let checkpoints = SigningArgs::default().unlock(&place)?.begin(&quiet, &host.actors)?;
    let serving = serve(&host, &checkpoints)?;
    let harbour = Harbour { client: Client::new(serving.url())?, chain: actor.id(), people };
    introduce(screen, &harbour, serving.url())?;

    harbour.pay(screen)?;
    let job = super::job::job(screen, &harbour, &host)?;
    let proposal = harbour.vote(screen)?;
    let proof = folder.join("balance.proof");
    let balance = harbour.prove(screen, &proof)?;
    serving.stop();
    drop(checkpoints);
    host.actors.shutdown();

    let checked = check(screen, &actor, &store, proposal)?;
    if screen.json {
        return Ok(screen.json(&json!({
            "chain": harbour.chain.to_string(), "members": 3, "job": job, "proposal": proposal, "balance": balance,
            "verified": true, "seq": checked.seq, "head": checked.head.to_string(), "tally": checked.tally,
        }))?);
    }
    next(screen, command.keep.as_deref(), begun)
}

fn person(name: &'static str) -> Result<Person, Failure> {
    let key = SecretKey::generate().map_err(Failure::cannot)?;
    Ok(Person { name, id: members::id_of(key.did()), key: Arc::new(key) })
}

fn open(folder: &Path) -> Result<(Host, Arc<dyn Store>), Failure> {
    // It takes a few kilobytes; there is no need to reserve what a long life would.
    let options = DiskOptions { segment_bytes: 16 << 20, ..DiskOptions::default() };
    let store: Arc<dyn Store> = Arc::new(DiskStore::open_with(folder, options)?);
    let mut settings = Settings::new(Arc::clone(&store));
    settings.cache = code::default_cache();
    Ok((settings.open().map_err(Failure::cannot)?, store))
}

fn begin(host: &Host, people: &[Person; 3]) -> Result<Actor, Failure> {
    let founder = |person: &Person| Founder { did: person.key.did().to_string(), mana: 500 };
    let charter = Charter {
        founders: people.iter().map(founder).collect(),
        name: "Harbour".into(),
        // Votes and bids of seconds, and no waiting afterwards: for a demo.
        parameters: [("voting-min", 1000), ("timelock", 0), ("bid-window", 500), ("challenge-window", 0)]
            .map(|(name, value)| (name.to_owned(), value))
            .into(),
        v: 1,
    };
    let new = host.prepare_commons(&charter).map_err(Failure::cannot)?;
    host.actors.start_blocking(new).map_err(Failure::cannot)
}

fn serve(host: &Host, checkpoints: &Checkpoints) -> Result<Serving, Failure> {
    let site = Site::new(host.clone(), None).signing(Some(Arc::clone(checkpoints.log())));
    Serving::start(Arc::new(site))
}

fn introduce(screen: &Screen, harbour: &Harbour, url: &str) -> Done {
    if screen.json {
        return Ok(());
    }
    screen.line(format_args!(
        "{BOLD}A cooperative of three, of which anybody recomputes every number{BOLD:#}"
    ))?;
    screen.line("")?;
    screen.field("commons", format_args!("{}, at {url}", short(harbour.chain)))?;
    for person in &harbour.people {
        screen.field(person.name, person.key.did())?;
    }
    Ok(())
}

impl Harbour {
    /// A member's command, signed and brought to the node.
    pub(super) fn act(&self, by: usize, act: Act) -> Result<Reply, Failure> {
        let person = &self.people[by];
        let member: MemberView = self.get(&format!("/commons/members/{}", person.id))?;
        Ok(self.post(by, &self.signed(by, member.next, act)?.to_bytes())?)
    }

    fn signed(&self, by: usize, number: u64, act: Act) -> Result<troupe_commons::Message, Failure> {
        let key = &self.people[by].key;
        let command = Command::new(key.did(), self.chain, number, now() + 60_000, act);
        let signature = key.sign(&command.text()).map_err(Failure::cannot)?;
        Ok(command.signed(signature))
    }

    fn post(&self, by: usize, message: &[u8]) -> Result<Reply, ClientError> {
        let client = self.client.clone().signed_by(Arc::clone(&self.people[by].key) as Arc<dyn Signer>);
        let answer = client.call("POST", "/commons", Some(("application/json", message)))?;
        let reply = |answer: &[u8]| -> Option<Reply> {
            let answer: Answer = serde_json::from_slice(answer).ok()?;
            serde_json::from_str(answer.reply?.get()).ok()
        };
        let (url, excerpt) = (self.client.url().to_owned(), "an answer without a reply".to_owned());
        reply(&answer).ok_or(ClientError::Unexpected { url, status: 200, excerpt })
    }

    pub(super) fn get<T: serde::de::DeserializeOwned>(&self, path: &str) -> Result<T, Failure> {
        let bytes = self.client.call("GET", path, None)?;
        serde_json::from_slice(&bytes).map_err(Failure::cannot)
    }

    /// Ada pays Bea. Somebody who changes the amount on the way gets nothing.
    fn pay(&self, screen: &Screen) -> Done {
        let (ada, bea) = (&self.people[0], &self.people[1]);
        self.act(0, Act::Transfer { amount: 120, to: bea.id })?;
        let greedy = self.signed(0, 2, Act::Transfer { amount: 1, to: bea.id })?.to_bytes();
        let greedy = String::from_utf8_lossy(&greedy).replace("\"amount\":1,", "\"amount\":300,");
        let refused = match self.post(0, greedy.as_bytes()) {
            Err(ClientError::Problem(problem)) => problem.detail,
            Err(error) => return Err(error.into()),
            Ok(_) => return Err(Failure::is_false("a command was taken that nobody signed")),
        };
        if !screen.json {
            screen.line("")?;
            screen.line(format_args!("{} pays {} 120 mana, and signs that", ada.name, bea.name))?;
            screen.field("refused", format_args!("the same with another amount: {refused}"))?;
        }
        Ok(())
    }

    /// Bea proposes a parameter, all vote, and the node does what the members chose.
    fn vote(&self, screen: &Screen) -> Result<Id, Failure> {
        let action = Action::Parameter { effective: None, name: "mana-rate".into(), value: 200 };
        let (duration, half) = (VOTE, WHOLE / 2);
        let motion =
            Motion { action, duration, options: Vec::new(), quorum: half, text: None, threshold: half };
        let Reply::Proposal(proposal) = self.act(1, Act::Propose(motion))? else {
            return Err(Failure::cannot("the node answered what no commons says of a proposal"));
        };
        self.act(1, Act::Open { proposal })?;
        for (by, choice) in [(0, "yes"), (1, "yes"), (2, "no")] {
            self.act(by, Act::Ballot { choice: vec![choice.into()], members: Vec::new(), proposal })?;
        }
        let begun = Instant::now();
        let view = loop {
            let view: ProposalView = self.get(&format!("/commons/proposals/{proposal}"))?;
            match view.proposal.stage {
                Stage::Executed { .. } => break view,
                Stage::Open { .. } | Stage::Passed { .. } if begun.elapsed() < PATIENCE => {
                    std::thread::sleep(Duration::from_millis(100));
                }
                stage => return Err(Failure::cannot(format_args!("the proposal is {}", stage.name()))),
            }
        };
        let rate: ParameterView = self.get("/commons/parameters/mana-rate")?;
        if !screen.json {
            let votes = |choice: &str| view.proposal.tally.get(choice).copied().unwrap_or_default();
            screen.line("")?;
            screen.line(format_args!(
                "{} proposes that mana regenerates twice as fast: {} yes, {} no",
                self.people[1].name,
                votes("yes"),
                votes("no")
            ))?;
            screen.field("executed", format_args!("mana-rate is {} {} now", count(rate.value), rate.unit))?;
        }
        Ok(proposal)
    }

    /// A file that shows Bea's balance to whoever has the node's key, and is checked with nothing else.
    fn prove(&self, screen: &Screen, path: &Path) -> Result<u64, Failure> {
        let key = Account::key(Owner::Member(self.people[1].id));
        let file = self.client.call("GET", &format!("/commons/proof?key={key}"), None)?;
        std::fs::write(path, &file)
            .map_err(|error| Failure::cannot(format_args!("cannot write {}: {error}", path.display())))?;
        let node = self.client.call("GET", "/key", None)?;
        let node = String::from_utf8_lossy(&node).trim().parse().map_err(Failure::cannot)?;
        let proof = RecordProof::parse(&file).map_err(Failure::cannot)?;
        let trust = Trust { node, witnesses: Vec::new(), quorum: 0 };
        let proved = proof.check(&trust).map_err(Failure::is_false)?;
        let record =
            proved.record.ok_or_else(|| Failure::is_false("the proof shows that there is no account"))?;
        let record: Account = serde_json::from_slice(&record).map_err(Failure::cannot)?;
        if !screen.json {
            screen.line("")?;
            let (name, balance) = (self.people[1].name, count(record.balance));
            screen.line(format_args!(
                "{GOOD}proved{GOOD:#} to a stranger, offline: {name} has {balance} mana"
            ))?;
            let seq = count(proved.entry.entry.seq);
            screen.field("file", format_args!("{}, after entry {seq}", size(file.len() as u64)))?;
        }
        Ok(record.balance)
    }
}

/// What came out when all of it was run again.
struct Checked {
    seq: u64,
    head: Hash,
    tally: Value,
}

/// Verifies the chain as any actor's, and counts the vote from its ballots.
fn check(screen: &Screen, actor: &Actor, store: &Arc<dyn Store>, proposal: Id) -> Result<Checked, Failure> {
    let history = StoreHistory::new(Arc::clone(store), actor.id()).map_err(Failure::cannot)?;
    let history = history.ok_or_else(|| Failure::cannot("the store lost the chain"))?;
    let source = Source::Store(Arc::clone(store), history);
    let machines = verify::machines(screen);
    let replayed = verify::replay(screen, &machines, &source, source.seq()).map_err(|error| {
        Failure::is_false(format_args!("the demo's own history does not verify: {error}"))
    })?;
    let view = troupe_runtime::state_at(&**store, actor.id(), &machines, source.seq());
    let held = view.map_err(Failure::cannot)?.held;
    let state = held.as_ref().and_then(|held| held.downcast_ref::<State>());
    let state = state.ok_or_else(|| Failure::cannot("it is the chain of no commons"))?;
    let ballots = troupe_commons::governance::ballots(state, proposal);
    let tally = recount(ballots.values());
    let report = replayed.report;
    if !screen.json {
        screen.line("")?;
        let commands = plural(report.messages, "message");
        screen.line(format_args!(
            "{GOOD}verified{GOOD:#} by running all of it again: {commands}, every signature among them"
        ))?;
        let counts = tally.iter().map(|(choice, votes)| format!("{votes} {choice}"));
        screen.field(
            "counted",
            format_args!("the vote, from its ballots: {}", counts.collect::<Vec<_>>().join(", ")),
        )?;
        screen.head(report.head, report.seq)?;
    }
    Ok(Checked { seq: report.seq, head: report.head, tally: json!(tally) })
}

fn next(screen: &Screen, kept: Option<&Path>, begun: Instant) -> Done {
    screen.line("")?;
    let seconds = begun.elapsed().as_secs_f64();
    screen.line(format_args!("{BOLD}Try next{BOLD:#} {DIM}(this took {seconds:.1} s){DIM:#}"))?;
    let troupe = this_command();
    let Some(folder) = kept else {
        return Ok(
            screen.line(format_args!("  {troupe} demo commons --keep commons-demo   # to go on with"))?
        );
    };
    let at = |name: &str| folder.join(name).display().to_string();
    for line in [
        format!("{troupe} log {} --actor commons", at("commons.store")),
        format!("{troupe} verify {}", at("commons.store")),
        format!("{troupe} verify-proof {}", at("balance.proof")),
        format!("{troupe} serve --store {}", at("commons.store")),
        format!("{troupe} commons members              # in another terminal"),
    ] {
        screen.line(format_args!("  {line}"))?;
    }
    Ok(())
}
