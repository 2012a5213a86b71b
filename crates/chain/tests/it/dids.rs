//! Names of keys are those of the did:key method's own vectors, and each key has one.

use ed25519_dalek::{Signer as _, SigningKey};
use troupe_chain::{BadDid, DidKey};

/// Seeds that are 0, 1 and 2, big-endian, with their names: the vectors `ed25519-x25519.json` of the did:key method.
const VECTORS: [&str; 3] = [
    "did:key:z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp",
    "did:key:z6MkjchhfUsD6mmvni8mCdXHw216Xrm9bQe2mBH1P5RDjVJG",
    "did:key:z6MknGc3ocHs3zdPiJbnaaqDi58NGb4pk1Sp9WxWufuXSdxf",
];

fn key(seed: u8) -> SigningKey {
    let mut bytes = [0; 32];
    bytes[31] = seed;
    SigningKey::from_bytes(&bytes)
}

#[test]
fn names_are_those_of_the_method() {
    for (seed, name) in (0..).zip(VECTORS) {
        let public = key(seed).verifying_key().to_bytes();
        assert_eq!(DidKey::from_bytes(&public).unwrap().to_string(), name);
        assert_eq!(name.parse::<DidKey>().unwrap().as_bytes(), &public);
    }
}

#[test]
fn what_is_no_name_of_an_ed25519_key_is_refused() {
    let x25519 = "did:key:z6LSbysY2xFMRpGMhb7tFTLMpeuPRaqaWM1yECx2AtzE3KCc";
    let cut = &VECTORS[0][..55];
    let zero = VECTORS[0].replace("Wp", "W0");
    let long = format!("{}p", VECTORS[0]);
    for text in [x25519, cut, &zero, &long, "did:web:example.org", ""] {
        assert!(matches!(text.parse::<DidKey>(), Err(BadDid::Form(_))), "{text}");
    }
}

#[test]
fn points_that_verify_anything_and_other_spellings_are_no_keys() {
    let mut identity = [0; 32];
    identity[0] = 1;
    // y = p + 3: the point with y = 3, written in a second way, where it exists.
    let mut beyond = [0xff; 32];
    beyond[0] = 0xf0;
    beyond[31] = 0x7f;
    for bytes in [identity, [0; 32], beyond] {
        assert_eq!(DidKey::from_bytes(&bytes), Err(BadDid::NoPoint));
    }
}

#[test]
fn only_what_was_signed_verifies() {
    let signer = key(1);
    let did: DidKey = VECTORS[1].parse().unwrap();
    let signature = signer.sign(b"this").to_bytes();
    assert!(did.verify(b"this", &signature));
    assert!(!did.verify(b"that", &signature));
    let mut other = signature;
    other[63] ^= 0x10;
    assert!(!did.verify(b"this", &other));
    assert!(!VECTORS[0].parse::<DidKey>().unwrap().verify(b"this", &signature));
}
