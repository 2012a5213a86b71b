//! Whatever reads as a proof is written again as the same bytes, and none is believed that nobody signed.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use troupe_chain::note::{KeyKind, ProofFile, SecretKey, Trust};

/// A key that has signed nothing.
static TRUST: LazyLock<Trust> = LazyLock::new(|| {
    let key = SecretKey::from_seed("node.example/log".parse().expect("a name"), KeyKind::Log, &[0x5a; 32]);
    Trust { node: key.public().clone(), witnesses: Vec::new(), quorum: 0 }
});

fuzz_target!(|bytes: &[u8]| {
    if let Ok(file) = ProofFile::parse(bytes) {
        // An entry need not be text to be read; only what is checked must be.
        if std::str::from_utf8(&file.entry).is_ok() {
            assert_eq!(file.to_string().as_bytes(), bytes);
        }
        assert!(file.check(&TRUST).is_err());
    }
});
