//! People with keys, and what they sign.

use std::time::{SystemTime, UNIX_EPOCH};

use troupe_chain::Hash;
use troupe_commons::{Act, Charter, Command as Signed, Founder, Id, Message, members};
use troupe_identity::{SecretKey, Signer};

/// Somebody, by a number.
pub(crate) struct Person {
    pub(crate) key: SecretKey,
    pub(crate) id: Id,
}

pub(crate) fn person(number: u8) -> Person {
    let key = SecretKey::from_seed(&[number; 32]);
    Person { id: members::id_of(key.did()), key }
}

impl Person {
    pub(crate) fn did(&self) -> String {
        self.key.did().to_string()
    }

    /// What this person signs for a chain, as their command of this number.
    pub(crate) fn message(&self, chain: Hash, number: u64, expires: u64, act: Act) -> Message {
        let command = Signed::new(self.key.did(), chain, number, expires, act);
        let signature = self.key.sign(&command.text()).unwrap();
        command.signed(signature)
    }
}

/// The charter of persons 1 to `founders`, each with 1,000 mana.
pub(crate) fn charter(founders: u8, parameters: &[(&str, u64)]) -> Charter {
    Charter {
        founders: (1..=founders).map(|number| Founder { did: person(number).did(), mana: 1000 }).collect(),
        name: "Harbour".into(),
        parameters: parameters.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect(),
        v: 1,
    }
}

pub(crate) fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    u64::try_from(since.as_millis()).unwrap()
}
