//! What a keyring says of a name in the open: which keys it has, and where they are. No secret is in it.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use troupe_chain::DidKey;

#[cfg(feature = "pkcs11")]
use crate::device::Token;

/// The version of the format.
const VERSION: u64 = 1;

/// A key of a name: its DID, and where its secret is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyRecord {
    /// When it was made or imported, in milliseconds since 1970.
    pub created: u64,
    /// Its DID.
    #[serde(with = "did")]
    pub did: DidKey,
    /// Where its secret is.
    #[serde(rename = "in")]
    pub kept: Kept,
}

/// Where the secret of a key is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Kept {
    /// In a file of the keyring's folder, encrypted with a passphrase.
    File {
        /// The file's name.
        name: String,
    },
    /// In a device that never gives it away.
    Pkcs11 {
        /// The key's identifier in the device, in hex.
        id: String,
        /// The library that talks to the device.
        module: PathBuf,
        /// The device's serial number, which tells it from others of that label. Records of before have none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        serial: Option<String>,
        /// The device's label.
        token: String,
    },
}

#[cfg(feature = "pkcs11")]
impl Kept {
    /// The device that the key is in, if it is in one.
    pub fn device(&self) -> Option<Token> {
        let Self::Pkcs11 { module, serial, token, .. } = self else { return None };
        let (module, label, serial) = (module.clone(), Some(token.clone()), serial.clone());
        Some(Token { module, label, serial, slot: None })
    }
}

/// All that a keyring knows of a name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IdRecord {
    /// Keys that were replaced, the oldest first. The first key that a name ever had makes the member's id.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub former: Vec<KeyRecord>,
    /// The key that signs.
    pub key: KeyRecord,
    /// The key that is to take its place, once that is known wherever the name is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<KeyRecord>,
    v: u64,
}

impl IdRecord {
    /// The record of a name with one key.
    pub(super) fn new(key: KeyRecord) -> Self {
        Self { former: Vec::new(), key, next: None, v: VERSION }
    }

    /// The first key that the name had.
    pub fn first(&self) -> &KeyRecord {
        self.former.first().unwrap_or(&self.key)
    }

    /// Reads a record. `None` if it is none of this version.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok().filter(|record: &Self| record.v == VERSION)
    }

    /// The bytes of a record.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let text =
            serde_json::to_string_pretty(self).unwrap_or_else(|error| unreachable!("plain data: {error}"));
        (text + "\n").into_bytes()
    }
}

/// A DID as text.
mod did {
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};
    use troupe_chain::DidKey;

    pub(super) fn serialize<S: Serializer>(did: &DidKey, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(did)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<DidKey, D::Error> {
        String::deserialize(from)?.parse().map_err(D::Error::custom)
    }
}
