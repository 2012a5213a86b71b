//! Commands: what members sign, and what anybody may ask for once it is due.
//!
//! Invariant: a signature covers the domain, the chain, the member's next number and an expiry, so that a command counts
//! once, on one chain, for a time. Fields are declared in ascending order: that makes the bytes canonical.

use serde::{Deserialize, Serialize};
use troupe_chain::{DidKey, Hash};

use crate::canonical::{Id, NotCanonical, SignatureBytes, from_bytes, to_bytes};
use crate::governance::Motion;
use crate::jobs::{Fault, JobResult, JobSpec, Offer};
use crate::mandate::Asked;
use crate::state::{Mana, Millis, VERSION};
use crate::trust::{Context, Level};

/// What is signed before the command's bytes.
pub const DOMAIN: &str = "troupe.commons/v1\n";
/// The most bytes of a message.
pub const MAX_MESSAGE: usize = 64 << 10;
/// How far ahead a command's expiry may be.
pub const MAX_VALIDITY: Millis = 7 * 86_400_000;

/// A message to the commons.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Message {
    /// A member's command.
    Signed(Box<Signed>),
    /// Something that is due, whoever says so.
    Due(Due),
    /// What an actor asks for under a member's mandate.
    Asked(Box<Asked>),
}

/// A command with its signature.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signed {
    /// The command.
    pub command: Command,
    /// By the key that the command names, over [`DOMAIN`] and the command's bytes.
    pub signature: SignatureBytes,
}

/// Something that is due.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Due {
    /// What.
    pub tick: Tick,
}

/// What time alone brings about. Anybody may say that it has come; saying so too early is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tick {
    /// A job's bids are in: it goes to the best.
    Award(Id),
    /// A proposal's time is over: the ballots are counted.
    Close(Id),
    /// A proposal that passed takes effect.
    Execute(Id),
    /// A job's time is over.
    Expire(Id),
    /// A hold's time is over.
    Lapse(Id),
    /// Nobody disputed a receipt: it is paid.
    Settle(Id),
}

/// What a member asks for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Command {
    /// The member's key, as a DID.
    pub by: String,
    /// The chain that it is for.
    pub chain: Id,
    /// What is asked for.
    #[serde(rename = "do")]
    pub act: Act,
    /// Until when it counts.
    pub expires: Millis,
    /// One more than that of the member's last command.
    pub number: u64,
    /// The version, 1.
    pub v: u64,
}

/// What can be asked for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[expect(missing_docs, reason = "`docs/spec/commons.md` says what each field is")]
pub enum Act {
    /// An executor gives an assigned job back, and says whether another may do better.
    Abandon { fault: Fault, job: Id },
    /// The submitter is content with a receipt: it is paid at once.
    Accept { job: Id },
    /// Votes, for oneself and for members who delegated.
    Ballot {
        choice: Vec<String>,
        #[serde(rename = "for", default, skip_serializing_if = "Vec::is_empty")]
        members: Vec<Id>,
        proposal: Id,
    },
    /// Offers to run a job.
    Bid(Offer),
    /// Takes back a job that was not awarded.
    Cancel { job: Id },
    /// Binds an executor of a replicated job to a result that is not shown yet.
    Commit { digest: Id, job: Id },
    /// Gives from one's budget.
    Credit { amount: Mana, to: Id },
    /// Lets another member vote in one's place; nobody if absent.
    Delegate {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        to: Option<Id>,
    },
    /// The submitter does not believe a receipt.
    Dispute { job: Id },
    /// Sets mana aside, for an arbiter to say where it goes.
    Hold { amount: Mana, arbiter: Id, to: Id, until: Millis },
    /// An invited member becomes active.
    Join {},
    /// Ends one's membership.
    Leave {},
    /// Lets a chain act for one, or takes that back if no acts are named.
    Mandate {
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        acts: Vec<String>,
        chain: Id,
        mana: Mana,
        until: Millis,
    },
    /// Opens a proposal for voting.
    Open { proposal: Id },
    /// An arbiter pays from a hold; the rest goes back.
    Post { amount: Mana, hold: Id },
    /// Proposes something to be voted on.
    Propose(Motion),
    /// An executor's signed result.
    Receipt {
        job: Id,
        result: JobResult,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        salt: Option<Id>,
    },
    /// Asks that a member who named one for it have another key.
    Recover { did: String, member: Id },
    /// Names who may do so.
    Recovery {
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        members: Vec<Id>,
        quorum: u64,
    },
    /// Changes one's key; the proof is the new key's signature.
    Rotate { did: String, proof: SignatureBytes },
    /// Gives mana to the commons itself.
    Spend { amount: Mana },
    /// Supports a proposal, so that it may be opened.
    Sponsor { proposal: Id },
    /// Submits jobs: all of them or none.
    Submit { jobs: Vec<JobSpec> },
    /// Gives mana to another member.
    Transfer { amount: Mana, to: Id },
    /// Says how far one trusts another member.
    Trust { context: Context, level: Level, to: Id },
    /// Objects to a proposal that passed, before it is executed.
    Veto { proposal: Id },
    /// An arbiter gives a hold back.
    Void { hold: Id },
}

impl Act {
    /// Whether it is also done while the commons is frozen: voting, and keys.
    pub(crate) fn is_governance(&self) -> bool {
        use Act as A;
        matches!(
            self,
            A::Ballot { .. }
                | A::Delegate { .. }
                | A::Open { .. }
                | A::Propose(_)
                | A::Recover { .. }
                | A::Recovery { .. }
                | A::Rotate { .. }
                | A::Sponsor { .. }
                | A::Veto { .. }
        )
    }
}

impl Command {
    /// The bytes that are signed.
    pub fn text(&self) -> Vec<u8> {
        signed_text(&to_bytes(self))
    }

    /// Puts a signature to it.
    pub fn signed(self, signature: [u8; 64]) -> Message {
        Message::Signed(Box::new(Signed { command: self, signature: SignatureBytes(signature) }))
    }

    /// A command by a member, to be signed with their key.
    pub fn new(by: &DidKey, chain: Hash, number: u64, expires: Millis, act: Act) -> Self {
        Self { by: by.to_string(), chain: Id(chain), act, expires, number, v: VERSION }
    }
}

fn signed_text(command: &[u8]) -> Vec<u8> {
    [DOMAIN.as_bytes(), command].concat()
}

impl Message {
    /// The message's bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        to_bytes(self)
    }

    /// Reads a message's bytes.
    ///
    /// # Errors
    /// [`NotCanonical`]. Whether the signature holds is not looked at.
    pub fn read(bytes: &[u8]) -> Result<Self, NotCanonical> {
        if bytes.len() > MAX_MESSAGE {
            return Err(NotCanonical(format!("{} bytes are more than {MAX_MESSAGE}", bytes.len())));
        }
        // Told apart by hand, so that a mistake is described rather than "matches no variant".
        if bytes.starts_with(b"{\"tick\"") {
            from_bytes(bytes).map(Self::Due)
        } else if bytes.starts_with(b"{\"act\"") {
            from_bytes(bytes).map(|asked| Self::Asked(Box::new(asked)))
        } else {
            from_bytes(bytes).map(|signed| Self::Signed(Box::new(signed)))
        }
    }
}

impl Signed {
    /// Whether the key that the command names signed it. Needs no state.
    pub fn is_signed(&self) -> bool {
        let key: Result<DidKey, _> = self.command.by.parse();
        key.is_ok_and(|key| key.verify(&self.command.text(), &self.signature.0))
    }
}
