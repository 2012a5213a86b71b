//! Who somebody is: keys with a DID, files that keep them under a passphrase, keyrings of such files, and signatures over
//! HTTP requests.
//!
//! What is signed is decided elsewhere; this crate says with which key, and whether a request is its sender's. Deliberately absent:
//! clocks (a caller says what time it is), the network, and every kind of key but Ed25519.
//!
//! ```
//! use troupe_identity::{SecretKey, Signer};
//!
//! let key = SecretKey::from_seed(&[7; 32]);
//! let signature = key.sign(b"this")?;
//! assert!(key.did().verify(b"this", &signature));
//! assert!(key.did().to_string().starts_with("did:key:z6Mk"));
//! # Ok::<(), troupe_identity::NotSigned>(())
//! ```

#[cfg(feature = "pkcs11")]
mod device;
mod document;
mod file;
pub mod http;
mod key;
mod keyring;
pub mod private;
mod resolve;
pub mod sealed;
mod web;

#[cfg(feature = "pkcs11")]
pub use device::{DeviceError, DeviceSigner, FoundToken, Token};
pub use document::KeyDocument;
pub use file::{BadKeyFile, FileSigner, open, seal};
pub use key::{NoEntropy, NotSigned, SecretKey, Signer};
pub use keyring::{BadIdName, IdName, IdRecord, Kept, KeyRecord, Keyring, KeyringError};
pub use private::PrivateFileError;
pub use resolve::{Fetch, MAX_DOCUMENT_BYTES, NotResolved, Resolved, resolve};
pub use sealed::{MAX_KEY_FILE_BYTES, Passphrase, SealError, WORK_FACTOR};
pub use troupe_chain::{BadDid, DidKey};
pub use web::{BadWebDid, WebDid};
