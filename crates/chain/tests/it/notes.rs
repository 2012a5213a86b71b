//! Signed notes, checkpoints and cosignatures, against those that others published and another implementation.

use signed_note::{Note, StandardSigner, StandardVerifier, VerifierList};
use troupe_chain::Hash;
use troupe_chain::note::{
    BadKey, Checkpoint, KeyKind, KeyName, MAX_SIGNATURES, NodeLeaf, NoteSignature, PublicKey, SecretKey,
    SignedCheckpoint, SignedNote, Submission,
};
use troupe_chain::tree::{TreeHash, TreeHead};

/// Keys and a note of the documentation of Go's `golang.org/x/mod/sumdb/note`.
const PETER: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
const PETER_SECRET: &str = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz";
const PETER_NOTE: &str = "If you think cryptography is the answer to your problem,\n\
    then you don't know what your problem is.\n\n\
    \u{2014} PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

fn name(text: &str) -> KeyName {
    text.parse().expect("a name")
}

fn log_key() -> SecretKey {
    SecretKey::from_seed(name("node.example/log"), KeyKind::Log, &[7; 32])
}

fn head() -> TreeHead {
    TreeHead { size: 42, root: TreeHash::of_leaf(b"any") }
}

fn checkpoint() -> SignedCheckpoint {
    Checkpoint::new(name("node.example/log"), head()).sign(&log_key())
}

#[test]
fn a_note_that_go_signed_is_verified_and_signed_again_byte_for_byte() {
    let note = SignedNote::parse(PETER_NOTE.as_bytes()).expect("a note");
    let key: PublicKey = PETER.parse().expect("a key");
    assert_eq!(note.verified_by(&key), Some(0));
    assert_eq!(note.to_string(), PETER_NOTE);
    let secret = SecretKey::from_text(PETER_SECRET).expect("a key");
    assert_eq!(secret.public().to_string(), PETER);
    assert_eq!(secret.to_text().as_str(), PETER_SECRET);
    assert_eq!(secret.sign(&note.text, 0), note.signatures[0]);
}

#[test]
fn no_part_of_a_key_and_no_changed_key_is_a_key() {
    for from in 0..PETER.len() {
        for to in from..=PETER.len() {
            assert_eq!(PETER[from..to].parse::<PublicKey>().is_ok(), to - from == PETER.len());
        }
        let mut changed = PETER.as_bytes().to_vec();
        changed[from] += 1;
        let changed = String::from_utf8(changed).expect("ASCII");
        assert!(changed.parse::<PublicKey>().is_err(), "{changed}");
    }
    // Go's tests have these two: a key of another length, and of an unknown type, each with the id that it would have.
    let long = "PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY==";
    assert_eq!(long.parse::<PublicKey>(), Err(BadKey::Form));
    let unknown = "PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
    assert_eq!(unknown.parse::<PublicKey>(), Err(BadKey::Kind(0x65)));
}

#[test]
fn a_point_of_small_order_is_no_key() {
    // The neutral element, which verifies what nobody signed.
    let mut bytes = [0_u8; 32];
    bytes[0] = 1;
    use sha2_11::Digest as _;
    let id = sha2_11::Sha256::new().chain_update(b"weak\n\x01").chain_update(bytes).finalize();
    use base64::Engine as _;
    let key = base64::engine::general_purpose::STANDARD.encode([[1].as_slice(), &bytes].concat());
    let text = format!("weak+{:02x}{:02x}{:02x}{:02x}+{key}", id[0], id[1], id[2], id[3]);
    assert_eq!(text.parse::<PublicKey>(), Err(BadKey::NoPoint));
}

#[test]
fn another_implementation_verifies_what_we_sign_and_we_what_it_signs() {
    let ours = checkpoint();
    let verifier = StandardVerifier::new(&log_key().public().to_string()).expect("a key");
    let theirs = Note::from_bytes(ours.to_string().as_bytes()).expect("a note");
    let known = VerifierList::new(vec![Box::new(verifier)]);
    let (verified, unverified) = theirs.verify(&known).expect("signed");
    assert_eq!((verified.len(), unverified.len()), (1, 0));

    let text = ours.note().text.as_bytes();
    let signer = StandardSigner::new(&log_key().to_text()).expect("a key");
    let mut theirs = Note::new(text, &[]).expect("text");
    theirs.add_sigs(&[&signer]).expect("signs");
    assert_eq!(theirs.to_bytes(), ours.to_string().as_bytes());
    let read = SignedCheckpoint::parse(&theirs.to_bytes()).expect("a checkpoint");
    assert!(read.is_signed_by(log_key().public()));
}

#[test]
fn the_published_example_of_a_checkpoint_reads_back_as_it_is() {
    // C2SP tlog-witness, an example of a submission without its proof.
    let text = "old 20852014\n\
        PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=\n\
        jrJZDmY8Y7SyJE0MWLpLozkIVMSMZcD5kvuKxPC3swk=\n\n\
        example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n\
        \u{2014} example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n\
        \u{2014} example.com/behind-the-sofa opLqBQsREYCgu6xQkYQwJr9fo45a62DN9EdmHXnZdXNqlcVGlCum2Wks+49/V6267UEjw6QUXTS5Rovnzv++qbSzm9Q=\n";
    let read = Submission::parse(text.as_bytes()).expect("a submission");
    assert_eq!((read.old, read.proof.len()), (20_852_014, 2));
    assert_eq!(read.checkpoint.head().size, 20_852_163);
    assert_eq!(read.checkpoint.note().signatures.len(), 2);
    assert_eq!(read.to_string(), text);
}

#[test]
fn a_cosignature_is_over_the_checkpoint_and_its_time() {
    let witness = SecretKey::from_seed(name("witness.example/w1"), KeyKind::Witness, &[8; 32]);
    let mut signed = checkpoint();
    let text = signed.note().text.clone();
    signed.add(witness.sign(&text, 1_679_315_147));
    let read = SignedCheckpoint::parse(signed.to_string().as_bytes()).expect("a checkpoint");
    assert_eq!(read.cosigned_by(witness.public()), Some(1_679_315_147));
    assert!(read.is_signed_by(log_key().public()));

    // What is signed is what tlog-cosignature says, so the same key as a plain one verifies that text.
    let plain = SecretKey::from_seed(name("witness.example/w1"), KeyKind::Log, &[8; 32]);
    let message = format!("cosignature/v1\ntime 1679315147\n{text}");
    let signature = witness.sign(&text, 1_679_315_147);
    assert_eq!(plain.sign(&message, 0).bytes, signature.bytes[8..]);

    // Another time is not signed, and a time beyond 2^63-1 is none.
    let mut later = signature.clone();
    later.bytes[7] ^= 1;
    assert_eq!(witness.public().verify(&text, &later), None);
    assert_eq!(witness.public().verify(&text, &witness.sign(&text, u64::MAX)), None);
    // A key of one kind does not vouch for the other.
    assert_eq!(plain.public().verify(&text, &signature), None);
}

#[test]
fn a_key_whose_signature_is_wrong_once_is_not_believed_at_all() {
    let good = checkpoint();
    let mut bad = good.note().clone();
    let mut forged = bad.signatures[0].clone();
    forged.bytes[0] ^= 1;
    bad.signatures.push(forged);
    assert_eq!(bad.verified_by(log_key().public()), None);
    assert_eq!(good.note().verified_by(log_key().public()), Some(0));
}

#[test]
fn signatures_of_unknown_keys_are_passed_over() {
    let mut signed = checkpoint();
    let unknown = NoteSignature { name: name("node.example/log"), id: [0; 4], bytes: vec![1; 2420] };
    signed.add(unknown);
    let read = SignedCheckpoint::parse(signed.to_string().as_bytes()).expect("a checkpoint");
    assert!(read.is_signed_by(log_key().public()));
}

#[test]
fn what_is_no_note_is_refused_with_its_line() {
    let good = checkpoint().to_string();
    let wrong = |text: &str, part: &str| {
        let error = SignedCheckpoint::parse(text.as_bytes()).expect_err(text).to_string();
        assert!(error.contains(part), "{error}");
    };
    wrong("", "line 1");
    wrong(&good.replace("\n\n", "\n"), "line 1");
    wrong(&good.replace("\n42\n", "\n042\n"), "line 2: expected the size");
    wrong(&good.replace("\n42\n", "\n+42\n"), "line 2");
    wrong(&good.replace("\n42\n", "\n9223372036854775808\n"), "line 2");
    wrong(&good.replace("node.example/log\n42", "node example\n42"), "line 1");
    wrong(&good.replace("\u{2014} ", "- "), "line 5: expected a signature");
    wrong(good.trim_end(), "line 5");
    wrong(&good.replace("\n42\n", "\n42\r\n"), "control characters");
    wrong(&format!("{good}\n"), "line");
    wrong(&good.replacen("=\n", "==\n", 1), "line 3: expected the root");
    let signature = good.lines().last().expect("a line");
    let many = format!("{good}{}", format!("{signature}\n").repeat(MAX_SIGNATURES));
    wrong(&many, "no more than 64 signatures");
    wrong(&"x\n".repeat(40_000), "at most 65536");
}

#[test]
fn a_leaf_of_the_node_is_canonical_json() {
    let leaf = NodeLeaf { chain: Hash::of(b"chain"), head: head() };
    let bytes = leaf.to_bytes();
    let value: serde_json::Value = serde_json::from_slice(&bytes).expect("JSON");
    assert_eq!(value["chain"], Hash::of(b"chain").to_string());
    assert_eq!(
        (value["root"].as_str(), value["size"].as_u64()),
        (Some(head().root.to_hex().as_str()), Some(42))
    );
    assert_eq!(NodeLeaf::parse(&bytes), Ok(leaf));
    let spaced = String::from_utf8(bytes).expect("ASCII").replace(',', ", ");
    assert!(NodeLeaf::parse(spaced.as_bytes()).is_err());
}

#[test]
fn a_secret_key_is_not_shown() {
    let shown = format!("{:?}", log_key());
    assert!(shown.contains("node.example/log") && !shown.contains(&log_key().to_text()[40..]));
}
