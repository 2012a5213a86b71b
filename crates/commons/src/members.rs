//! Members: who may act, with which key, and what happens when a key is lost.
//!
//! A member's id is the hash of the first key that the member had; it stays when the key changes. Invariant: a key belongs to one
//! member for ever, also after it was replaced, and the number of active members is counted.

use serde::{Deserialize, Serialize};
use troupe_chain::{DidKey, Hash};

use crate::canonical::{Id, SignatureBytes};
use crate::mana;
use crate::refusal::{Code, Refusal, refuse, require};
use crate::state::{Millis, Record, State};

/// The most members whom a member may name for recovery.
pub const MAX_RECOVERERS: usize = 16;
/// The most federations that a member may be in.
pub const MAX_FEDERATIONS: usize = 8;
/// What is hashed before a member's first key.
const ID_DOMAIN: &str = "troupe.member/v1\n";
/// What a new key signs, before chain and member.
const ROTATION_DOMAIN: &str = "troupe.rotation/v1\n";

/// What a member may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// Admitted, and has not joined yet.
    Invited,
    /// Everything.
    Active,
    /// Nothing, until resumed.
    Paused,
    /// Nothing any more.
    Removed,
}

impl Status {
    /// The status as written.
    pub fn name(self) -> &'static str {
        match self {
            Self::Invited => "invited",
            Self::Active => "active",
            Self::Paused => "paused",
            Self::Removed => "removed",
        }
    }
}

/// A member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// Whom the member lets vote in their place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delegate: Option<Id>,
    /// The key in force, as a DID.
    pub did: String,
    /// Federations that the member is in.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub federations: Vec<String>,
    /// The number of the member's last command.
    pub number: u64,
    /// Who may give the member another key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recovery: Option<Recovery>,
    /// The position of the entry since which the member has been active without a break.
    pub since: u64,
    /// What the member may do.
    pub status: Status,
}

impl Record for Member {
    const SECTION: &'static str = "member";
}

/// Who may give a member another key, and who has asked for which.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recovery {
    /// Who has asked for a key, and for which, as a DID.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub asked: Vec<(Id, String)>,
    /// Who may.
    pub members: Vec<Id>,
    /// How many of them must ask for the same.
    pub quorum: u64,
}

/// To whom a key belongs.
#[derive(Serialize, Deserialize)]
struct Key {
    member: Id,
}

impl Record for Key {
    const SECTION: &'static str = "key";
}

#[derive(Default, Serialize, Deserialize)]
struct Count {
    active: u64,
}

impl Record for Count {
    const SECTION: &'static str = "count";
}

const COUNT: &str = "members";

/// The id of the member whose first key this is.
pub fn id_of(first: &DidKey) -> Id {
    Id(Hash::of(format!("{ID_DOMAIN}{first}").as_bytes()))
}

/// The member that a key belongs to, be it in force or replaced.
pub fn of_key(state: &State, did: &str) -> Option<Id> {
    state.get::<Key>(did).map(|key| key.member)
}

/// A member.
pub fn member(state: &State, id: Id) -> Option<Member> {
    state.get(id)
}

/// Every member with their id.
pub fn members(state: &State) -> Vec<(String, Member)> {
    state.all()
}

/// The first members after an id, in the order of their ids.
pub fn page(state: &State, after: Option<&str>, limit: usize) -> Vec<(String, Member)> {
    state.page("", after, limit)
}

/// How many members are active.
pub fn active_members(state: &State) -> u64 {
    state.get::<Count>(COUNT).unwrap_or_default().active
}

/// What the holder of a new key signs to show that they have it.
pub fn rotation_text(chain: Hash, member: Id, did: &DidKey) -> String {
    format!("{ROTATION_DOMAIN}{chain}\n{member}\n{did}\n")
}

pub(crate) fn find(state: &State, id: Id) -> Result<Member, Refusal> {
    let missing = || Refusal { code: Code::NotFound, what: format!("there is no member {id}") };
    state.get(id).ok_or_else(missing)
}

pub(crate) fn find_active(state: &State, id: Id) -> Result<Member, Refusal> {
    let member = find(state, id)?;
    require(member.status == Status::Active, Code::NotActive, "the member is not active")?;
    Ok(member)
}

pub(crate) fn read_did(did: &str) -> Result<DidKey, Refusal> {
    did.parse().map_err(|error: troupe_chain::BadDid| Refusal { code: Code::Bounds, what: error.to_string() })
}

pub(crate) fn put(state: &mut State, id: Id, member: &Member) {
    state.put(id, member);
}

/// Makes somebody a member who has not joined yet.
pub(crate) fn invite(state: &mut State, did: &str) -> Result<Id, Refusal> {
    let key = read_did(did)?;
    require(of_key(state, did).is_none(), Code::Exists, "the key is a member's, or was")?;
    let (id, did) = (id_of(&key), did.to_owned());
    let status = Status::Invited;
    let (delegate, federations, recovery) = (None, Vec::new(), None);
    state.put(&did, &Key { member: id });
    state.put(id, &Member { delegate, did, federations, number: 0, recovery, since: 0, status });
    Ok(id)
}

/// Changes what a member may do, with what follows from it: the count, and whether mana regenerates.
pub(crate) fn set_status(
    state: &mut State,
    id: Id,
    (seq, at): (u64, Millis),
    allowed_from: &[Status],
    to: Status,
) -> Result<(), Refusal> {
    let mut member = find(state, id)?;
    if !allowed_from.contains(&member.status) {
        return refuse(Code::Phase, format!("the member is {}", member.status.name()));
    }
    let mut count: Count = state.get(COUNT).unwrap_or_default();
    match (member.status == Status::Active, to == Status::Active) {
        (false, true) => {
            count.active += 1;
            member.since = seq;
            mana::set_regenerating(state, id, at, true);
        }
        (true, false) => {
            count.active -= 1;
            mana::set_regenerating(state, id, at, false);
        }
        _ => {}
    }
    member.status = to;
    state.put(COUNT, &count);
    state.put(id, &member);
    Ok(())
}

/// Gives a member another key, whose holder has shown that they have it.
pub(crate) fn rotate(
    state: &mut State,
    chain: Hash,
    id: Id,
    did: &str,
    proof: &SignatureBytes,
) -> Result<(), Refusal> {
    let key = read_did(did)?;
    let shown = key.verify(rotation_text(chain, id, &key).as_bytes(), &proof.0);
    require(shown, Code::Signature, "the new key did not sign for this member of this chain")?;
    replace_key(state, id, did)
}

fn replace_key(state: &mut State, id: Id, did: &str) -> Result<(), Refusal> {
    require(of_key(state, did).is_none(), Code::Exists, "the key is a member's, or was")?;
    let mut member = find(state, id)?;
    did.clone_into(&mut member.did);
    if let Some(recovery) = &mut member.recovery {
        recovery.asked.clear();
    }
    state.put(did, &Key { member: id });
    state.put(id, &member);
    Ok(())
}

/// Names who may give a member another key; nobody if the list is empty.
pub(crate) fn set_recovery(state: &mut State, id: Id, members: &[Id], quorum: u64) -> Result<(), Refusal> {
    let mut member = find(state, id)?;
    let distinct = members.is_sorted_by(|a, b| a < b) && !members.contains(&id);
    require(distinct, Code::Bounds, "name other members, in ascending order")?;
    require(members.len() <= MAX_RECOVERERS, Code::Bounds, "16 members at most")?;
    let fits = members.is_empty() || (1..=members.len() as u64).contains(&quorum);
    require(fits, Code::Bounds, "the quorum is 1 to as many as are named")?;
    members.iter().try_for_each(|id| find_active(state, *id).map(drop))?;
    let named = || Recovery { asked: Vec::new(), members: members.to_vec(), quorum };
    member.recovery = (!members.is_empty()).then(named);
    state.put(id, &member);
    Ok(())
}

/// Asks, as one of those who may, that a member have another key; done once enough have asked for the same. True then.
pub(crate) fn recover(state: &mut State, by: Id, id: Id, did: &str) -> Result<bool, Refusal> {
    read_did(did)?;
    let mut member = find(state, id)?;
    let Some(recovery) = member.recovery.as_mut().filter(|recovery| recovery.members.contains(&by)) else {
        return refuse(Code::NotAllowed, "the member did not name you for recovery");
    };
    recovery.asked.retain(|(asked_by, _)| *asked_by != by);
    recovery.asked.push((by, did.to_owned()));
    let same = recovery.asked.iter().filter(|(_, asked)| asked == did).count() as u64;
    let enough = same >= recovery.quorum;
    state.put(id, &member);
    if enough {
        replace_key(state, id, did)?;
    }
    Ok(enough)
}
