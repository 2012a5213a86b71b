//! Checkpoints and proofs over HTTP, and what they are checked with.

use troupe_api::{Client, ConsistencyProof, ErrorCode, InclusionProof};
use troupe_chain::Hash;
use troupe_chain::note::{NodeLeaf, ProofFile, PublicKey, SignedCheckpoint, Trust};
use troupe_chain::tree::{TreeHash, check_consistency, check_inclusion};

use crate::server::{Server, counter};

fn client(server: &Server) -> Client {
    Client::new(&server.addr.to_string()).expect("a URL")
}

fn hashes(hashes: &[String]) -> Vec<TreeHash> {
    hashes.iter().map(|hash| hash.parse().expect("a hash")).collect()
}

#[test]
fn what_is_committed_is_signed_and_proved_to_whoever_has_the_key() {
    let server = Server::start(counter());
    let client = client(&server);
    let actor = client.actor(&server.running.actor.id().to_string());
    for _ in 0..5 {
        server.wire().post("{\"add\":1}").unwrap().status(200);
    }
    // Nothing is signed yet.
    server.wire().get("/checkpoint").unwrap().problem(404, "not-signed");
    let early = actor.proof(3).unwrap_err();
    assert_eq!(early.problem().map(|problem| problem.code), Some(ErrorCode::NotSigned));
    server.sign();

    let key: PublicKey = client.key().unwrap().parse().unwrap();
    assert_eq!(key, *server.log.key());
    assert_eq!(server.wire().get("/witnesses").unwrap().status(200).text(), "", "it asks none");
    let trust = Trust { node: key.clone(), witnesses: Vec::new(), quorum: 0 };
    for seq in 0..7 {
        let proved = actor.proof(seq).unwrap().check(&trust).unwrap();
        assert_eq!((proved.entry.seq, proved.chain, proved.size), (seq, server.running.actor.id(), 7));
        assert_eq!(proved.name, Hash::of(&actor.entry(&seq.to_string()).unwrap().unwrap()));
    }
    let signed = actor.checkpoint().unwrap();
    assert!(signed.is_signed_by(&key));
    assert_eq!(signed.head().size, 7);
    // What comes later is signed later.
    server.wire().post("{\"add\":1}").unwrap().status(200);
    server
        .wire()
        .get(&format!("/actors/{}/proof?seq=7", signed_chain(&signed)))
        .unwrap()
        .problem(404, "not-signed");
    server.sign();
    actor.proof(7).unwrap().check(&trust).unwrap();
    let proof = actor.consistency(7, 8).unwrap();
    let newer = *actor.checkpoint().unwrap().head();
    assert_eq!(check_consistency(signed.head(), &newer, &hashes(&proof.hashes)), Ok(()));
}

fn signed_chain(signed: &SignedCheckpoint) -> Hash {
    signed.checkpoint().origin.chain().expect("a chain's")
}

#[test]
fn a_follower_can_check_the_nodes_log_leaf_by_leaf() {
    let server = Server::start(counter());
    let client = client(&server);
    let mut heads = Vec::new();
    for _ in 0..4 {
        server.wire().post("{\"add\":1}").unwrap().status(200);
        server.sign();
        heads.push(*client.checkpoint().unwrap().head());
    }
    assert_eq!(heads.iter().map(|head| head.size).collect::<Vec<_>>(), [1, 2, 3, 4]);
    let proof: ConsistencyProof =
        serde_json::from_slice(&server.wire().get("/proof/consistency?from=2").unwrap().status(200).body)
            .unwrap();
    assert_eq!(check_consistency(&heads[1], &heads[3], &hashes(&proof.hashes)), Ok(()));
    let first = server.wire().get("/leaves?limit=3").unwrap().status(200);
    assert_eq!(first.header("troupe-next"), Some("3"));
    let rest = server.wire().get("/leaves?from=3").unwrap().status(200);
    assert_eq!(rest.header("troupe-next"), None);
    let leaves = first.text() + &rest.text();
    for (index, line) in leaves.lines().enumerate() {
        let leaf = NodeLeaf::parse(line.as_bytes()).expect("a leaf");
        assert_eq!(leaf.head.size, index as u64 + 3);
        let path = format!("/proof/inclusion?index={index}&size=4");
        let proof: InclusionProof =
            serde_json::from_slice(&server.wire().get(&path).unwrap().status(200).body).unwrap();
        let hashes = hashes(&proof.hashes);
        assert_eq!(check_inclusion(&leaf.hash(), index as u64, &heads[3], &hashes), Ok(()));
    }
}

#[test]
fn what_cannot_be_proved_says_why() {
    let server = Server::start(counter());
    server.sign();
    let actor = server.running.actor.id();
    for (path, code) in [
        ("/proof/inclusion?index=1", "not-signed"),
        ("/proof/inclusion?size=2", "not-signed"),
        ("/proof/consistency?from=2", "not-signed"),
        (&format!("/actors/{actor}/proof?seq=2"), "not-signed"),
        (&format!("/actors/{actor}/proof/inclusion?seq=9&size=2"), "not-signed"),
        ("/actors/nobody/checkpoint", "not-found"),
    ] {
        server.wire().get(path).unwrap().problem(404, code);
    }
    for path in [
        "/proof/inclusion?seq=1",
        "/proof/inclusion?index=-1",
        "/leaves?limit=0",
        "/proof/consistency?from=x",
    ] {
        server.wire().get(path).unwrap().problem(400, "bad-query");
    }
    // The root's paths are the node's own.
    server.wire().get("/proof").unwrap().problem(404, "not-found");
}

#[test]
fn a_node_that_lies_in_a_proof_is_not_believed() {
    let server = Server::start(counter());
    server.wire().post("{\"add\":1}").unwrap().status(200);
    server.sign();
    let actor = client(&server).actor(&server.running.actor.id().to_string());
    let trust = Trust { node: server.log.key().clone(), witnesses: Vec::new(), quorum: 0 };
    let honest = actor.proof(2).unwrap();
    let other = actor.proof(1).unwrap();
    let lie = ProofFile { entry: other.entry, ..honest };
    assert!(lie.check(&trust).is_err());
}
