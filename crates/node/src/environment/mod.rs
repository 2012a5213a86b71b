//! What a node is for: production, development or testing, each with what it must have and may not.
//!
//! By types: [`Production`] and [`Development`] take a [`RealSigner`] and no other, production a store on disk and no other,
//! and [`Testing`] takes nothing from outside. By a file: [`violations`] says all that a configuration has against its
//! profile. Both come to an [`Environment`], which opens a node.
//!
//! ```
//! use troupe::environment::Testing;
//!
//! let testing = Testing::default();
//! let host = testing.environment().open()?;
//! assert_eq!(host.actors.usage().0, 0);
//! # Ok::<(), troupe::host::SetupError>(())
//! ```

mod context;
mod rules;
mod testing;

use std::sync::Arc;

use troupe_identity::{DeviceSigner, FileSigner, Signer};
use troupe_manifest::Profile;
use troupe_store::{DiskStore, MemoryStore, Store};

use crate::host::{Host, Settings, SetupError};

pub use context::{FixedSystemInfo, NetworkDouble, Said, TestingContext, TestingError};
pub use rules::{Surroundings, Violation, advice, key_file_of, violations};
pub use testing::{TESTING_EPOCH, Testing};

/// A signer whose key is kept by a person: in an encrypted file, or in a device. A key in memory is none.
pub trait RealSigner: Signer + sealed::Sealed {}

impl RealSigner for FileSigner {}
impl RealSigner for DeviceSigner {}

mod sealed {
    pub trait Sealed {}
    impl Sealed for troupe_identity::FileSigner {}
    impl Sealed for troupe_identity::DeviceSigner {}
}

/// A node that is set up for what it is for.
#[derive(Clone)]
pub struct Environment {
    /// What it is for.
    pub profile: Profile,
    /// Whose key it acts with.
    pub identity: Arc<dyn Signer>,
    /// How it is run.
    pub settings: Settings,
}

impl Environment {
    /// Opens the node.
    ///
    /// # Errors
    /// [`SetupError`].
    pub fn open(self) -> Result<Host, SetupError> {
        self.settings.open()
    }
}

/// A node that people rely on: a key that a person keeps, and a store on disk.
///
/// A key in memory is refused by the compiler, and so is a store in memory:
///
/// ```compile_fail
/// use troupe::environment::{Production, Testing};
///
/// fn double(store: troupe_store::DiskStore) {
///     Production::new(Testing::key(1), store);
/// }
/// ```
pub struct Production(Environment);

impl Production {
    /// With this key and this store.
    pub fn new(identity: impl RealSigner + 'static, store: DiskStore) -> Self {
        let settings = Settings::new(Arc::new(store));
        Self(Environment { profile: Profile::Production, identity: Arc::new(identity), settings })
    }

    /// The environment.
    pub fn environment(self) -> Environment {
        self.0
    }
}

/// A node for trying things: a key that a person keeps, and a store in memory unless there is one on disk.
pub struct Development(Environment);

impl Development {
    /// With this key.
    pub fn new(identity: impl RealSigner + 'static) -> Self {
        let settings = Settings::new(Arc::new(MemoryStore::new()));
        Self(Environment { profile: Profile::Development, identity: Arc::new(identity), settings })
    }

    /// Keeps what happens in this store.
    #[must_use]
    pub fn with_store(mut self, store: Arc<dyn Store>) -> Self {
        self.0.settings.store = store;
        self
    }

    /// The environment.
    pub fn environment(self) -> Environment {
        self.0
    }
}
