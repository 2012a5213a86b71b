//! A fraud proof: what reads is written again as the same bytes, and nobody is convicted of what they did not sign.

#![no_main]

use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use troupe_chain::fraud::FraudProof;
use troupe_chain::{Engine, Files, Machine, Machines, Rules};

/// No machine at all: what convicts here is signatures alone.
struct Nothing(Engine);

impl Machines for Nothing {
    type Machine = Arc<dyn Machine>;

    fn engine(&self) -> &Engine {
        &self.0
    }

    fn machine(&self, _: &Rules, _: &[u8], _: &Files) -> Result<Arc<dyn Machine>, String> {
        Err("there are no machines here".into())
    }
}

fuzz_target!(|bytes: &[u8]| {
    let Ok(proof) = FraudProof::parse(bytes) else { return };
    assert_eq!(proof.to_bytes(), bytes);
    let _ = proof.check(&Nothing(Engine::new()));
});
