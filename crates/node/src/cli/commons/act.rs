//! A member's command: signed here, for one chain, one number and a short time, and brought to the node.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use troupe::commons::view::{MemberView, Overview};
use troupe_api::{Answer, ClientError};
use troupe_chain::Hash;
use troupe_commons::{Act, Command, Due, Id, MAX_VALIDITY, Message, Reply, Tick};
use troupe_identity::Signer;

use crate::cli::failure::{Done, Failure};
use crate::cli::node::{Node, NodeArgs, explain};
use crate::cli::parse::now;
use crate::cli::screen::{GOOD, Screen, count};
use crate::cli::signer::SignerArgs;

/// How often a command is signed anew since another of the same member came first.
const MAX_TRIES: u32 = 5;

/// Whose command it is, for how long it counts, and which node gets it.
#[derive(Debug, clap::Args)]
pub(crate) struct ActArgs {
    #[command(flatten)]
    pub(super) signer: SignerArgs,
    /// For how long the command counts if it does not arrive at once, at most 7 days
    #[arg(long, value_name = "TIME", default_value = "5m", value_parser = humantime::parse_duration, help_heading = "Identity")]
    valid: Duration,
    /// The id of the commons' chain, where the node is not to say it
    #[arg(long, value_name = "ID", env = "TROUPE_COMMONS", help_heading = "Identity")]
    chain: Option<Hash>,
    #[command(flatten)]
    pub(super) node: NodeArgs,
}

/// A member at a node, ready to sign.
pub(super) struct Member {
    pub(super) node: Node,
    pub(super) chain: Hash,
    pub(super) id: Id,
    /// The members for whom the node runs jobs.
    pub(super) executors: Vec<String>,
    signer: Arc<dyn Signer>,
    valid: u64,
}

/// What a command came to.
pub(super) struct Taken {
    pub(super) reply: Reply,
    pub(super) answer: Answer,
    /// The number of the command.
    pub(super) number: u64,
}

impl ActArgs {
    /// Opens the key and asks the node for the chain.
    pub(super) fn open(&self) -> Result<Member, Failure> {
        let valid = u64::try_from(self.valid.as_millis()).unwrap_or(u64::MAX);
        if valid == 0 || valid > MAX_VALIDITY {
            return Err(
                Failure::cannot("a command counts for at most 7 days").help("--valid TIME, such as 5m")
            );
        }
        let node = self.node.connect()?;
        let overview: Overview = node.get("/commons")?;
        let chain: Hash = overview.chain.parse().map_err(Failure::cannot)?;
        if let Some(expected) = self.chain.filter(|expected| *expected != chain) {
            return Err(Failure::is_false(format_args!(
                "the commons at {} is {chain}, not {expected}: nothing was signed",
                node.client.url()
            )));
        }
        let signer: Arc<dyn Signer> = self.signer.open()?.into();
        let node = node.signed_by(Arc::clone(&signer));
        let member: MemberView = find(&node, &signer.did().to_string())?;
        let id = member.id.parse().map_err(Failure::cannot)?;
        Ok(Member { node, chain, id, executors: overview.executors, signer, valid })
    }
}

impl Member {
    /// Does something. If another command of the member came first, this one is signed again.
    pub(super) fn act(&self, act: &Act) -> Result<Taken, Failure> {
        let mut tries = 0;
        loop {
            let member: MemberView = self.node.get(&format!("/commons/members/{}", self.id))?;
            let expires = now().saturating_add(self.valid);
            let command = Command::new(self.signer.did(), self.chain, member.next, expires, act.clone());
            let signature = self.signer.sign(&command.text()).map_err(Failure::cannot)?;
            match post(&self.node, &command.signed(signature)) {
                Ok((reply, answer)) => return Ok(Taken { reply, answer, number: member.next }),
                Err(error) if code_of(&error) == Some("number") && tries < MAX_TRIES => tries += 1,
                Err(error) => return Err(refused(&error, member.next)),
            }
        }
    }

    /// Does something, and says so.
    pub(super) fn act_and_say(&self, screen: &Screen, act: &Act, what: impl std::fmt::Display) -> Done {
        let taken = self.act(act)?;
        taken.say(screen, what)
    }

    /// The id of a member that is given by id or key.
    pub(super) fn id_of(&self, id_or_did: &str) -> Result<Id, Failure> {
        id_of(&self.node, id_or_did)
    }

    /// The DID that signs.
    pub(super) fn did(&self) -> String {
        self.signer.did().to_string()
    }
}

impl Taken {
    /// Says what was done.
    pub(super) fn say(&self, screen: &Screen, what: impl std::fmt::Display) -> Done {
        if screen.json {
            return Ok(screen.json(&json!({
                "reply": self.reply, "seq": self.answer.seq, "hash": self.answer.hash, "number": self.number,
            }))?);
        }
        screen.line(format_args!("{GOOD}done{GOOD:#} {what}"))?;
        match &self.reply {
            Reply::Hold(id) => screen.field("hold", id)?,
            Reply::Proposal(id) => screen.field("proposal", id)?,
            Reply::Jobs(ids) => ids.iter().try_for_each(|id| screen.field("job", id))?,
            Reply::Now(phase) => screen.field("now", phase)?,
            Reply::Done {} => {}
        }
        Ok(screen.field("entry", format_args!("{} at seq {}", self.answer.hash, count(self.answer.seq)))?)
    }
}

/// A member by id or key.
pub(super) fn find(node: &Node, id_or_did: &str) -> Result<MemberView, Failure> {
    node.get(&format!("/commons/members/{id_or_did}"))
}

/// The id of a member by id or key.
pub(super) fn id_of(node: &Node, id_or_did: &str) -> Result<Id, Failure> {
    find(node, id_or_did)?.id.parse().map_err(Failure::cannot)
}

/// Says that something is due; nobody signs that.
pub(super) fn due(node: &Node, tick: Tick) -> Result<(Reply, Answer), Failure> {
    post(node, &Message::Due(Due { tick })).map_err(|error| refused(&error, 0))
}

fn post(node: &Node, message: &Message) -> Result<(Reply, Answer), Box<ClientError>> {
    let bytes = message.to_bytes();
    let body = Some(("application/json", bytes.as_slice()));
    let answer = node.client.call("POST", "/commons", body)?;
    let read = || -> Option<(Reply, Answer)> {
        let answer: Answer = serde_json::from_slice(&answer).ok()?;
        let reply = serde_json::from_str(answer.reply.as_ref()?.get()).ok()?;
        Some((reply, answer))
    };
    let url = format!("{}/commons", node.client.url());
    let excerpt = String::from_utf8_lossy(&answer).chars().take(200).collect();
    read().ok_or_else(|| Box::new(ClientError::Unexpected { url, status: 200, excerpt }))
}

/// The commons' own code for a refusal.
fn code_of(error: &ClientError) -> Option<&str> {
    error.problem()?.error.as_deref()
}

fn refused(error: &ClientError, number: u64) -> Failure {
    let failure = match error.problem() {
        // What the commons says, without what HTTP makes of it.
        Some(problem) if problem.error.is_some() => {
            Failure::cannot(format_args!("refused, {}", problem.detail))
        }
        _ => explain(error),
    };
    match code_of(error) {
        Some("not-active") => failure.help("whoever was invited becomes active with `troupe member join`"),
        Some("expired") => failure.help("check this machine's clock, or give the command longer: --valid TIME"),
        Some("unknown-key") => failure.help("`troupe commons members` lists members and their keys"),
        Some("bounds") => failure.help("`troupe commons parameters` lists what may be"),
        Some("mana") => failure.help("`troupe mana balance` says what there is, and how fast it grows"),
        Some("frozen") => failure.help("only votes and keys are taken until a proposal to thaw has passed"),
        None if error.problem().is_none() => failure.help(format_args!(
            "it is not known whether command {number} was taken: `troupe member show` says the number of the last one"
        )),
        _ => failure,
    }
}
