//! What the chains of a bank say about its money, read from a store that nobody writes to.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use serde_json::Value;
use troupe_chain::{Body, Entries, Entry, Hash, Notice, Origin, Sender, Unreadable, check_origin};
use troupe_store::Store;

/// The committed actor that is an account.
pub(super) fn account() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../actors/account/account.wasm")
}

/// A message that orders a transfer.
pub(super) fn transfer(to: &str, amount: u64, id: &str) -> String {
    format!(r#"{{"transfer":{{"to":"{to}","amount":{amount},"id":"{id}"}}}}"#)
}

/// What was answered to a transfer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Acknowledged {
    pub(super) id: String,
    pub(super) hash: String,
    pub(super) seq: u64,
}

/// What a bank comes to.
#[derive(Debug, Default)]
pub(super) struct Totals {
    pub(super) entries: u64,
    pub(super) transfers: u64,
    pub(super) deposits: u64,
    pub(super) returned: u64,
    pub(super) balances: i64,
}

/// All that is known of one transfer.
#[derive(Debug, Default)]
struct Transfer {
    /// Names, positions and amounts of the entries that took the order.
    ordered: Vec<(Hash, u64, u64)>,
    /// Amounts of the entries that took the money.
    deposited: Vec<u64>,
    replies: usize,
    returned: usize,
}

/// A store as the place where origins are looked up.
struct Stored<'a>(&'a dyn Store);

impl Stored<'_> {
    fn read(&self, chain: &Hash, seq: u64) -> Option<(Hash, Entry)> {
        let bytes = self.0.entry(chain, seq).expect("readable")?;
        Some((Hash::of(&bytes), Entry::decode(&bytes).expect("an entry")))
    }
}

impl Entries for Stored<'_> {
    fn entry(&self, chain: &Hash, name: &Hash) -> Result<Option<Entry>, Unreadable> {
        let seq = self.0.find(chain, name).expect("readable");
        Ok(seq.and_then(|seq| self.read(chain, seq)).map(|(_, entry)| entry))
    }

    fn at(&self, chain: &Hash, seq: u64) -> Result<Option<(Hash, Entry)>, Unreadable> {
        Ok(self.read(chain, seq))
    }
}

/// Checks every account, every transfer and every origin; `opened` is what all accounts were opened with.
pub(super) fn audit(store: &dyn Store, opened: i64, acknowledged: &[Acknowledged]) -> Totals {
    for kind in [b"o", b"r", b"q"] {
        let left = store.rows(kind, None, 10).expect("readable");
        assert!(left.is_empty(), "all that was under way is done: {left:?}");
    }
    let mut totals = Totals::default();
    let mut transfers: HashMap<String, Transfer> = HashMap::new();
    for (chain, head) in store.chains().expect("readable") {
        totals.entries += head.seq + 1;
        totals.balances += follow(store, &chain, head.seq, &mut transfers);
    }
    assert_eq!(totals.balances, opened, "money is neither made nor lost");
    for (id, transfer) in &transfers {
        let Transfer { ordered, deposited, replies, returned } = transfer;
        assert_eq!(ordered.len(), 1, "{id} was taken once: {transfer:?}");
        assert_eq!(deposited.len() + returned, 1, "{id} arrived once, or came back once: {transfer:?}");
        assert_eq!(deposited.len(), *replies, "{id}: {transfer:?}");
        assert!(deposited.iter().all(|amount| *amount == ordered[0].2), "{id}: {transfer:?}");
        totals.transfers += 1;
        totals.deposits += deposited.len() as u64;
        totals.returned += *returned as u64;
    }
    for Acknowledged { id, hash, seq } in acknowledged {
        let transfer = transfers.get(id).unwrap_or_else(|| panic!("{id} was acknowledged, and is not there"));
        let (name, at, _) = transfer.ordered[0];
        assert_eq!((&name.to_string(), at), (hash, *seq), "{id} is where it was said to be");
    }
    totals
}

/// Reads one account from its first entry to its last, and gives its balance.
fn follow(store: &dyn Store, chain: &Hash, last: u64, transfers: &mut HashMap<String, Transfer>) -> i64 {
    let stored = Stored(store);
    let mut state = None;
    // Transfers on their way, by the position of the entry that sent them.
    let mut out = HashMap::new();
    for seq in 0..=last {
        let (name, entry) = stored.read(chain, seq).unwrap_or_else(|| panic!("{chain} has no {seq}"));
        match check_origin(chain, &entry, &stored) {
            Origin::Resolved | Origin::Nobody => {}
            other => panic!("{chain} at {seq}: {other:?}"),
        }
        state = entry.state().or(state);
        let body = match &entry.body {
            Body::Genesis(_) | Body::Init(_) | Body::Engine(_) => continue,
            Body::Message(body) => body,
            other => panic!("a {} in {chain} at {seq}", other.kind()),
        };
        let message = json(store, chain, &body.message);
        let known = |id: &Value| id.as_str().expect("an id").to_owned();
        match &body.from {
            Sender::Http { .. } => {
                let order = &message["transfer"];
                let id = known(&order["id"]);
                let amount = order["amount"].as_u64().expect("an amount");
                out.insert(seq, id.clone());
                transfers.entry(id).or_default().ordered.push((name, seq, amount));
            }
            Sender::Actor(_) => {
                let deposit = &message["deposit"];
                let amount = deposit["amount"].as_u64().expect("an amount");
                transfers.entry(known(&deposit["id"])).or_default().deposited.push(amount);
            }
            Sender::Reply { to, .. } => {
                let id = out.remove(&to.seq).expect("a reply to what is on its way");
                assert_eq!(message["taken"], *id);
                transfers.entry(id).or_default().replies += 1;
            }
            Sender::Notice { of, about, .. } => {
                let id = out.remove(&of.seq).expect("a notice about what is on its way");
                assert!(
                    matches!(about, Notice::Unknown | Notice::Refused | Notice::Stopped | Notice::Busy),
                    "{id}: {about:?}"
                );
                transfers.entry(id).or_default().returned += 1;
            }
            other => panic!("{chain} has a message from {other:?}"),
        }
    }
    assert!(out.is_empty(), "{chain} knows what became of all that it sent: {out:?}");
    let state = json(store, chain, &state.expect("an account has a state"));
    assert_eq!(
        (&state["out"], &state["doubtful"]["count"]),
        (&Value::Array(Vec::new()), &0.into()),
        "{state}"
    );
    state["balance"].as_i64().expect("a balance")
}

fn json(store: &dyn Store, chain: &Hash, name: &Hash) -> Value {
    let bytes = store.blob(chain, name).expect("readable").unwrap_or_else(|| panic!("{chain} has no {name}"));
    serde_json::from_slice(&bytes).expect("JSON")
}
