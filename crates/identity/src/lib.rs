//! Who somebody is: keys with a DID, files that keep them under a passphrase, and signatures over HTTP requests.
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

mod file;
pub mod http;
mod key;
pub mod private;
pub mod sealed;

pub use file::{BadKeyFile, FileSigner, open, seal};
pub use key::{NoEntropy, NotSigned, SecretKey, Signer};
pub use private::PrivateFileError;
pub use sealed::{MAX_KEY_FILE_BYTES, Passphrase, SealError, WORK_FACTOR};
pub use troupe_chain::{BadDid, DidKey};
