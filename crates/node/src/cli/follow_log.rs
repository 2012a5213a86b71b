//! `troupe follow-log`: every leaf of a node's log, against what the node signed, and of several nodes against each other.
//!
//! Invariant: a root is believed once all leaves up to it were seen and lead to it. What was seen before is never given up:
//! a log that is smaller later, or has another root at a size, is said to be false.
//!
//! Deliberately absent: memory between runs. Whoever keeps this running is the memory.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::json;
use troupe_api::Client;
use troupe_chain::Hash;
use troupe_chain::note::{NodeLeaf, PublicKey, SignedCheckpoint};
use troupe_chain::tree::{Frontier, TreeHash, TreeHead, check_consistency};

use super::failure::{Done, Failure};
use super::node::{NodeArgs, explain};
use super::parse::{self, Deadline};
use super::screen::{BAD, BOLD, GOOD, Screen, WARN, count, plural};
use super::signing;

/// Check all leaves of a node's log as it grows, and the logs of several places against each other
///
/// The log of a node says how far the log of each of its chains has grown. This reads all of it, checks that it leads to the
/// root that the node signed, that no chain went back, and, with --chains, that each chain's log goes on from what it was.
/// Several URLs of one log (the node by other ways, a copy of it) must show the same leaves.
///
/// Exit code 0 if so, 1 if not, 2 if it could not be checked.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    troupe follow-log\n  \
    troupe follow-log https://node.example --key 'node.example/log+1a2b3c4d+AbCd…' --chains\n  \
    troupe follow-log https://node.example https://mirror.example --every 30s")]
pub(crate) struct FollowLog {
    /// The URLs of nodes [default: the node]
    #[arg(value_name = "URL")]
    urls: Vec<String>,
    /// The key that must have signed the checkpoints [default: the one that each node names, which shows not whose it is]
    #[arg(long, value_name = "KEY", value_parser = signing::log_key)]
    key: Option<PublicKey>,
    /// Ask for the proof that each chain's log goes on from what it was
    #[arg(long)]
    chains: bool,
    /// Go on, and look again after this time, such as 30s
    #[arg(long, value_name = "TIME", value_parser = parse::deadline)]
    every: Option<Deadline>,
    #[command(flatten)]
    node: NodeArgs,
}

/// A log as far as it was seen.
struct Followed {
    url: String,
    client: Client,
    key: Option<PublicKey>,
    /// The leaves up to here were all seen.
    tree: Frontier,
    /// The roots at some sizes, to compare.
    roots: BTreeMap<u64, TreeHash>,
    chains: BTreeMap<Hash, TreeHead>,
    signed: Option<SignedCheckpoint>,
}

pub(super) fn follow_log(screen: &Screen, command: &FollowLog) -> Done {
    let urls = if command.urls.is_empty() { vec![command.node.node.clone()] } else { command.urls.clone() };
    let mut logs = Vec::new();
    for url in urls {
        let client = command.node.client_of(&url)?;
        let (tree, roots, chains) = Default::default();
        logs.push(Followed { url, client, key: command.key.clone(), tree, roots, chains, signed: None });
    }
    loop {
        let sizes = logs.iter_mut().map(Followed::look).collect::<Result<BTreeSet<_>, _>>()?;
        for log in &mut logs {
            let grown = log.grow(&sizes, command.chains)?;
            say(screen, log, grown)?;
        }
        compare(screen, &logs)?;
        match command.every {
            Some(Deadline(time)) => std::thread::sleep(time.unwrap_or(Duration::from_secs(30))),
            None => return Ok(()),
        }
    }
}

impl Followed {
    /// Fetches the newest checkpoint, and checks its signature and that the log was not set back; returns its size.
    fn look(&mut self) -> Result<u64, Failure> {
        let signed = self.client.checkpoint().map_err(|error| explain(&error))?;
        let key = match &self.key {
            Some(key) => key.clone(),
            // Whose it is, only who knows the operator can tell; it must stay the same.
            None => self.client.key().map_err(|error| explain(&error))?.parse().map_err(Failure::cannot)?,
        };
        if !signed.is_signed_by(&key) {
            return Err(self.is_false(format!("its checkpoint is not signed by {key}")));
        }
        self.key = Some(key);
        let head = *signed.head();
        if head.size < self.tree.size() {
            let what =
                format!("it was set back: it had {} leaves, and says {} now", self.tree.size(), head.size);
            return Err(self.is_false(what));
        }
        self.signed = Some(signed);
        Ok(head.size)
    }

    /// Reads the leaves up to the checkpoint, and keeps the roots at `sizes`; returns how many leaves are new.
    fn grow(&mut self, sizes: &BTreeSet<u64>, ask_chains: bool) -> Result<u64, Failure> {
        let Some(head) = self.signed.as_ref().map(|signed| *signed.head()) else { return Ok(0) };
        let begun = self.tree.size();
        let mut grown: BTreeMap<Hash, TreeHead> = BTreeMap::new();
        self.keep_root(sizes);
        while self.tree.size() < head.size {
            let from = self.tree.size();
            let leaves = self.client.leaves(from).map_err(|error| explain(&error))?;
            if leaves.is_empty() {
                return Err(self.is_false(format!("it signed {} leaves, and has none at {from}", head.size)));
            }
            for leaf in leaves {
                if self.tree.size() == head.size {
                    break;
                }
                self.take(&leaf, &mut grown)?;
                self.keep_root(sizes);
            }
        }
        if self.tree.head() != head {
            let what = format!(
                "its {} leaves lead to the root {}, and it signed {}",
                head.size,
                self.tree.head().root,
                head.root
            );
            return Err(self.is_false(what));
        }
        if ask_chains {
            grown.iter().try_for_each(|(chain, before)| self.check_chain(chain, before))?;
        }
        Ok(self.tree.size() - begun)
    }

    /// Adds a leaf. `grown` gets what was known of its chain before this look.
    fn take(&mut self, leaf: &NodeLeaf, grown: &mut BTreeMap<Hash, TreeHead>) -> Done {
        let at = self.tree.size();
        let before = self.chains.insert(leaf.chain, leaf.head);
        if let Some(before) = before {
            if leaf.head.size <= before.size {
                let what = format!(
                    "leaf {at}: the log of {} has {} entries, and had {} before",
                    leaf.chain, leaf.head.size, before.size
                );
                return Err(self.is_false(what));
            }
            grown.entry(leaf.chain).or_insert(before);
        }
        self.tree.push(leaf.hash(), |_| {});
        Ok(())
    }

    fn keep_root(&mut self, sizes: &BTreeSet<u64>) {
        if sizes.contains(&self.tree.size()) {
            let head = self.tree.head();
            self.roots.insert(head.size, head.root);
        }
    }

    /// Checks that a chain's log goes on from what it was.
    fn check_chain(&self, chain: &Hash, before: &TreeHead) -> Done {
        let Some(now) = self.chains.get(chain) else { return Ok(()) };
        let client = self.client.actor(&chain.to_string());
        let proof = client.consistency(before.size, now.size).map_err(|error| explain(&error))?;
        let hashes = proof.hashes().unwrap_or_default();
        check_consistency(before, now, &hashes).map_err(|error| {
            self.is_false(format!("the log of {chain} does not go on from what it was: {error}"))
        })
    }

    fn is_false(&self, what: String) -> Failure {
        Failure::is_false(format_args!("{}: {what}", self.url))
    }
}

/// Compares logs of one origin at the sizes that both have had.
fn compare(screen: &Screen, logs: &[Followed]) -> Done {
    for (index, one) in logs.iter().enumerate() {
        for other in &logs[index + 1..] {
            let (Some(signed), Some(theirs)) = (&one.signed, &other.signed) else { continue };
            if signed.checkpoint().origin != theirs.checkpoint().origin {
                screen.warn(format_args!(
                    "{} and {} are different logs: they are not compared",
                    one.url, other.url
                ));
                continue;
            }
            let split =
                one.roots.iter().find(|(size, root)| other.roots.get(size).is_some_and(|same| same != *root));
            if let Some((size, root)) = split {
                let what = format!(
                    "{} and {} show two histories: at {} the roots are {root} and {}",
                    one.url,
                    other.url,
                    plural(*size, "leaf").replace("leafs", "leaves"),
                    other.roots.get(size).map_or(String::new(), ToString::to_string),
                );
                screen.note(format_args!("{BAD}FALSE{BAD:#} what they signed:\n{signed}\n{theirs}"));
                return Err(Failure::is_false(what)
                    .help("keep both notes: with both signatures they convince anybody"));
            }
        }
    }
    if logs.len() > 1 && !screen.json {
        screen.field("together", format_args!("{GOOD}no two of them contradict each other{GOOD:#}"))?;
    }
    Ok(())
}

fn say(screen: &Screen, log: &Followed, grown: u64) -> Done {
    let head = log.tree.head();
    let origin = log.signed.as_ref().map_or(String::new(), |signed| signed.checkpoint().origin.to_string());
    if screen.json {
        return Ok(screen.json(&json!({
            "url": log.url, "origin": origin, "verified": true, "size": head.size, "new": grown,
            "root": head.root.to_string(), "chains": log.chains.len(),
        }))?);
    }
    screen.line(format_args!("{GOOD}verified{GOOD:#} {BOLD}{origin}{BOLD:#} at {}", log.url))?;
    let leaves = |number: u64| plural(number, "leaf").replace("leafs", "leaves");
    screen.field("leaves", format_args!("{}, {} new", leaves(head.size), count(grown)))?;
    screen.field("chains", count(log.chains.len() as u64))?;
    screen.field("root", head.root)?;
    if let Some(key) = &log.key {
        screen.field("key", format_args!("{WARN}{key}{WARN:#}"))?;
    }
    Ok(())
}
