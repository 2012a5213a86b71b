//! The one table of what a guest may ask of the commons and of its job: from it come the linkers, the WIT interface, the
//! C header and the page `docs/spec/host-abi.md`.
//!
//! Invariant: an index and a name, once given, stay; a test has them by heart.

use crate::act::Act;

/// The module that core modules import the functions from.
pub const MODULE: &str = "icn";
/// The interface that components import the functions from.
pub const INTERFACE: &str = "troupe:commons/host@0.1.0";
/// The most bytes of an id.
pub const MAX_ID: u32 = 256;
/// The most bytes of a document, as much as a message to the commons may have.
pub const MAX_DOCUMENT: u32 = 48 << 10;
/// How many bytes are copied for a unit of fuel, beside what a call costs.
pub const BYTES_A_FUEL: u64 = 64;

/// A function of the host.
#[derive(Debug)]
pub struct HostFunction {
    /// Its number, which stays.
    pub index: u32,
    /// Its name in [`MODULE`].
    pub name: &'static str,
    /// What it takes.
    pub params: &'static [Param],
    /// What a core module gets.
    pub returns: Number,
    /// What must be granted.
    pub capability: Option<Capability>,
    /// What it does.
    pub does: Does,
    /// Units of fuel for each call, beside those of the bytes.
    pub fuel: u64,
    /// The parameter of the commons that says what the principal pays, once the act is taken.
    pub mana: Option<&'static str>,
    /// What it is for.
    pub doc: &'static str,
}

/// An argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Param {
    /// Text of at most [`MAX_ID`] bytes: a pointer and a length; `string` for components.
    Id(&'static str),
    /// A JSON object of at most [`MAX_DOCUMENT`] bytes: a pointer and a length; `list<u8>` for components.
    Document(&'static str),
    /// A number of at most 2^53-1: an i64; `u64` for components.
    Amount(&'static str),
    /// Bytes of the guest's, bounded by a limit of the job: a pointer and a length.
    Bytes(&'static str),
    /// Room for bytes: a pointer and a capacity.
    Room(&'static str),
}

/// A number as WebAssembly has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Number {
    /// 32 bits.
    I32,
    /// 64 bits.
    I64,
}

/// What a function does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Does {
    /// Moves bytes between the guest and its job.
    Carries(Carried),
    /// Asks the commons; the entry records the answer.
    ReadsValue,
    /// The same, where the answer is bytes.
    ReadsBytes,
    /// Asks for an act of the principal, which leaves once the entry is committed.
    Acts(Act),
    /// Nothing yet.
    NotHere,
}

/// What is moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Carried {
    /// The message, to the guest.
    Input,
    /// A part of the reply, from the guest.
    Output,
    /// What the last call that leads to bytes led to, to the guest.
    Result,
    /// The state, to the guest.
    State,
    /// The next state, from the guest.
    NextState,
}

macro_rules! capabilities {
    ($($(#[doc = $doc:literal])+ $variant:ident = $text:literal,)+) => {
        /// What a chain may be granted of the commons, as `commons:CAPABILITY`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Capability { $($(#[doc = $doc])+ $variant,)+ }

        impl Capability {
            /// Every capability.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// It as a grant has it, after `commons:`.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }
        }
    };
}

capabilities! {
    /// Reads balances.
    ManaRead = "mana-read",
    /// Spends the principal's mana.
    ManaSpend = "mana-spend",
    /// Gives from the principal's budget.
    ManaCredit = "mana-credit",
    /// Submits jobs for the principal.
    JobsSubmit = "jobs-submit",
    /// Reads which jobs are open.
    JobsRead = "jobs-read",
    /// Sends receipts for the principal.
    Receipts = "receipts",
    /// Proposes, and opens proposals.
    Propose = "propose",
    /// Casts the principal's ballot.
    Vote = "vote",
    /// Closes and executes proposals whose time has come.
    Conclude = "conclude",
    /// Reads scores.
    ReputationRead = "reputation-read",
}

use Capability as C;
use Does as D;
use Number::{I32, I64};
use Param as P;

macro_rules! function {
    ($index:literal $name:literal $params:expr, $returns:expr, $capability:expr, $does:expr, $fuel:literal, $mana:expr,
     $doc:literal) => {
        HostFunction {
            index: $index,
            name: $name,
            params: &$params,
            returns: $returns,
            capability: $capability,
            does: $does,
            fuel: $fuel,
            mana: $mana,
            doc: $doc,
        }
    };
}

/// Every function, in ascending order of its number.
#[rustfmt::skip]
pub const FUNCTIONS: &[HostFunction] = &[
    function!(1 "host_take_input" [P::Room("into")], I32, None, D::Carries(Carried::Input), 100, None,
        "Copies the beginning of the input into the room, as far as it goes; returns how long the input is."),
    function!(2 "host_put_output" [P::Bytes("bytes")], I32, None, D::Carries(Carried::Output), 100, None,
        "Adds bytes to the output; returns how long it is now. At most as much as the limit `reply` allows."),
    function!(3 "host_take_result" [P::Room("into")], I32, None, D::Carries(Carried::Result), 100, None,
        "Copies the beginning of what the last call led to whose result is bytes; returns how long that is."),
    function!(4 "host_take_state" [P::Room("into")], I32, None, D::Carries(Carried::State), 100, None,
        "Copies the beginning of the state that the last message left; returns how long it is."),
    function!(5 "host_put_state" [P::Bytes("bytes")], I32, None, D::Carries(Carried::NextState), 100, None,
        "Sets the state that the next message finds, so that a job of several messages goes on; returns 0."),
    function!(10 "host_account_get_mana" [P::Id("account")], I64, Some(C::ManaRead), D::ReadsValue, 2_000, None,
        "The balance of a member, named by id; of the principal if the name is empty."),
    function!(11 "host_account_spend_mana" [P::Id("account"), P::Amount("amount")], I32, Some(C::ManaSpend),
        D::Acts(Act::Spend), 2_000, None,
        "Spends mana of the principal, whose account it must be, on the fees of the commons."),
    function!(12 "host_account_credit_mana" [P::Id("account"), P::Amount("amount")], I32, Some(C::ManaCredit),
        D::Acts(Act::Credit), 2_000, None,
        "Gives a member mana from the budget that governance gave to the principal."),
    function!(16 "host_submit_mesh_job" [P::Document("job")], I64, Some(C::JobsSubmit), D::Acts(Act::Submit), 5_000,
        Some("job-fee"), "Submits a job."),
    function!(17 "host_create_governance_proposal" [P::Document("proposal")], I64, Some(C::Propose),
        D::Acts(Act::Propose), 5_000, Some("proposal-fee"), "Makes a proposal."),
    function!(18 "host_open_governance_voting" [P::Id("proposal")], I32, Some(C::Propose), D::Acts(Act::Open), 2_000,
        None, "Opens a proposal for voting."),
    function!(19 "host_cast_governance_vote" [P::Document("ballot")], I32, Some(C::Vote), D::Acts(Act::Ballot), 2_000,
        Some("ballot-fee"), "Casts the principal's ballot, and nobody else's."),
    function!(20 "host_close_governance_proposal_voting" [P::Id("proposal")], I32, Some(C::Conclude),
        D::Acts(Act::Close), 2_000, None, "Has the ballots counted of a proposal whose time is over."),
    function!(21 "host_execute_governance_proposal" [P::Id("proposal")], I32, Some(C::Conclude),
        D::Acts(Act::Execute), 2_000, None, "Has a proposal take effect that passed and whose timelock is over."),
    function!(22 "host_get_pending_mesh_jobs" [], I64, Some(C::JobsRead), D::ReadsBytes, 5_000, None,
        "The ids of jobs that take bids, as a JSON array; at most 100."),
    function!(23 "host_anchor_receipt" [P::Document("receipt")], I64, Some(C::Receipts), D::Acts(Act::Anchor), 5_000,
        None, "Sends the receipt of a job that was awarded to the principal."),
    function!(24 "host_get_reputation" [P::Id("member")], I64, Some(C::ReputationRead), D::ReadsValue, 2_000, None,
        "The score of a member, named by id; of the principal if the name is empty."),
    function!(25 "host_verify_zk_proof" [P::Document("proof")], I32, None, D::NotHere, 100, None,
        "Not available here."),
    function!(26 "host_generate_zk_proof" [P::Document("request")], I64, None, D::NotHere, 100, None,
        "Not available here."),
];

impl HostFunction {
    /// Finds a function by its name.
    pub fn named(name: &str) -> Option<&'static Self> {
        FUNCTIONS.iter().find(|function| function.name == name)
    }

    /// Its place in [`FUNCTIONS`].
    pub fn place(&self) -> usize {
        FUNCTIONS.iter().position(|function| function.index == self.index).unwrap_or(0)
    }

    /// Its name in [`INTERFACE`]; `None` for what components have in another way.
    pub fn wit_name(&self) -> Option<String> {
        match self.does {
            Does::Carries(_) => None,
            _ => Some(self.name.trim_start_matches("host_").replace('_', "-")),
        }
    }

    /// Whether its answer comes from outside.
    pub fn reads(&self) -> bool {
        matches!(self.does, Does::ReadsValue | Does::ReadsBytes)
    }
}

impl Param {
    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            Self::Id(name)
            | Self::Document(name)
            | Self::Amount(name)
            | Self::Bytes(name)
            | Self::Room(name) => name,
        }
    }
}
