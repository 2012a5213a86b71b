//! What is read of a commons over HTTP, and what its commands are answered.

use serde_json::{Value, json};
use troupe_chain::note::Trust;
use troupe_commons::governance::Action;
use troupe_commons::jobs::JobSpec;
use troupe_commons::mana::{Account, Owner};
use troupe_commons::{Act, Id, RecordProof};

use crate::people::{Node, motion, signature_by, spec};
use crate::person::{charter, now, person};

#[test]
fn a_commons_is_begun_once_and_over_http() {
    let folder = tempfile::tempdir().unwrap();
    let node = Node::serve(folder.path(), &[]);
    let problem = node.wire().get("/commons").unwrap().problem(404, "not-found");
    assert!(problem["detail"].as_str().unwrap().contains("troupe commons begin"), "{problem}");
    let charter = serde_json::to_vec(&charter(2, &[("mana-rate", 0)])).unwrap();
    node.wire().post("{}").unwrap().problem(404, "not-found");
    let begin = |body: &[u8]| node.bring("/commons/begin", "", body);
    begin(br#"{"name":"x","founder":[],"v":1}"#).problem(400, "bad-body");
    begin(br#"{"name":"x","founders":[],"v":1}"#).problem(403, "forbidden");
    let bad = String::from_utf8(charter.clone()).unwrap().replace("mana-rate", "mana-late");
    begin(bad.as_bytes()).problem(422, "cannot-begin");
    node.wire().ask("POST", "/commons/begin", "", &charter).unwrap().problem(401, "unsigned");
    let info = begin(&charter).status(201).json();
    assert_eq!((info["name"].as_str(), info["component"].as_str()), (Some("commons"), Some("commons@1")));
    begin(&charter).problem(409, "name-taken");
    let overview = node.get("/commons");
    assert_eq!((&overview["chain"], &overview["active"]), (&info["actor"], &json!(2)));
    assert_eq!(overview["issued"], 2000);
}

#[test]
fn everything_of_a_commons_is_read_and_lists_are_paged() {
    let folder = tempfile::tempdir().unwrap();
    let node = Node::start(folder.path(), &charter(3, &[("mana-rate", 0)]));
    let (one, two) = (person(1).id, person(2).id);
    assert_eq!(node.act(1, Act::Transfer { amount: 7, to: two }), json!({"done":{}}));
    let account = node.get(&format!("/commons/accounts/member-{two}"));
    assert_eq!((&account["balance"], &account["record"]["balance"]), (&json!(1007), &json!(1007)));
    assert_eq!(node.get(&format!("/commons/accounts/{}", person(2).did()))["balance"], 1007);
    let member = node.get(&format!("/commons/members/{}", person(1).did()));
    assert_eq!((&member["id"], &member["next"], &member["balance"]), (&json!(one), &json!(2), &json!(993)));
    assert_eq!(member["status"], "active");

    // Pages have all of them, each once.
    let (mut ids, mut after) = (Vec::new(), String::new());
    loop {
        let page = node.get(&format!("/commons/members?limit=2{after}"));
        ids.extend(page["items"].as_array().unwrap().iter().map(|item| item["id"].clone()));
        let Some(next) = page["next"].as_str() else { break };
        after = format!("&after={next}");
    }
    let mut all: Vec<Value> = [1, 2, 3].map(|number| json!(person(number).id)).into();
    all.sort_by_key(ToString::to_string);
    assert_eq!(ids, all);
    node.wire().get("/commons/members?limit=0").unwrap().problem(400, "bad-query");

    let until = now() + 600_000;
    let reply = node.act(1, Act::Hold { amount: 5, arbiter: person(3).id, to: two, until });
    let hold = node.get(&format!("/commons/holds/{}", reply["hold"].as_str().unwrap()));
    assert_eq!((&hold["amount"], &hold["to"]), (&json!(5), &json!(two)));
    assert_eq!(node.get("/commons/holds")["items"][0], hold);
    assert_eq!(node.get("/commons/accounts/escrow")["balance"], 5);

    let parameter = Action::Parameter { effective: None, name: "mana-cap".into(), value: 5000 };
    let id = node.act(2, Act::Propose(motion(parameter)))["proposal"].as_str().unwrap().to_owned();
    let proposal: Id = id.parse().unwrap();
    node.act(2, Act::Open { proposal });
    node.act(1, Act::Ballot { choice: vec!["yes".into()], members: vec![], proposal });
    node.act(3, Act::Ballot { choice: vec!["no".into()], members: vec![], proposal });
    let shown = node.get(&format!("/commons/proposals/{id}"));
    assert_eq!(shown["tally"], json!({"no":1,"yes":1}));
    assert_eq!(shown["stage"]["open"]["terms"]["electorate"], 3);
    assert_eq!(node.get("/commons/proposals")["items"][0]["id"], id.as_str());
    let ballots = node.get(&format!("/commons/proposals/{id}/ballots"));
    assert_eq!(ballots["items"].as_array().unwrap().len(), 2);

    let parameter = node.get("/commons/parameters/mana-cap");
    assert_eq!((&parameter["value"], &parameter["unit"]), (&json!(1000), &json!("mana")));
    assert_eq!(parameter["history"].as_array().unwrap().len(), 1);
    assert!(node.get("/commons/parameters")["items"].as_array().unwrap().len() > 20);

    let blob = Id(troupe_chain::Hash::of(b"a blob"));
    let spec = JobSpec { limits: [("fuel".to_owned(), 1000)].into(), ..spec(blob, blob) };
    let job = node.act(1, Act::Submit { jobs: vec![spec] })["jobs"][0].as_str().unwrap().to_owned();
    assert_eq!(node.get(&format!("/commons/jobs/{job}"))["submitter"], json!(one));
    assert_eq!(node.get("/commons/jobs")["items"][0]["id"], job.as_str());

    assert_eq!(node.get(&format!("/commons/reputation/{one}"))["score"], 0);
    let trust =
        |context: &str| node.get(&format!("/commons/trust?from={one}&to={two}{context}"))["level"].clone();
    assert_eq!(trust(""), "none");
    let level = troupe_commons::trust::Level::Full;
    node.act(1, Act::Trust { context: troupe_commons::trust::Context::General, level, to: two });
    assert_eq!((trust(""), trust("&context=infrastructure")), (json!("full"), json!("partial")));
    node.wire().get(&format!("/commons/trust?from={one}")).unwrap().problem(400, "bad-query");
    for missing in ["members/nobody", "parameters/x", &format!("jobs/{}", person(1).id)] {
        node.wire().get(&format!("/commons/{missing}")).unwrap().problem(404, "not-found");
    }
    drop(node);
    crate::people::verify(folder.path());
}

#[test]
fn a_command_that_is_refused_says_its_code_and_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let node = Node::start(folder.path(), &charter(2, &[]));
    let (chain, transfer) = (node.chain(), Act::Transfer { amount: 1, to: person(2).id });
    let refused = |message: &troupe_commons::Message| {
        let problem = node.post(message).problem(422, "rejected");
        let (error, detail) = (problem["error"].as_str().unwrap(), problem["detail"].as_str().unwrap());
        assert!(detail.starts_with(&format!("{error}: ")), "{problem}");
        error.to_owned()
    };
    let sign = |number, expires, act| person(1).message(chain, number, expires, act);
    let good = sign(1, now() + 60_000, transfer.clone());
    node.post(&good).status(200);
    assert_eq!(refused(&good), "number");
    assert_eq!(refused(&sign(2, 1, transfer.clone())), "expired");
    let other = troupe_chain::Hash::of(b"another chain");
    assert_eq!(refused(&person(1).message(other, 2, now() + 60_000, transfer.clone())), "wrong-chain");
    assert_eq!(refused(&person(9).message(chain, 1, now() + 60_000, transfer.clone())), "unknown-key");
    let much = Act::Transfer { amount: 1_000_000, to: person(2).id };
    assert_eq!(refused(&sign(2, now() + 60_000, much)), "mana");
    let text = String::from_utf8(sign(2, now() + 60_000, transfer).to_bytes()).unwrap();
    let forged = text.replace("\"amount\":1,", "\"amount\":2,");
    let problem = node.bring("/commons", "", forged.as_bytes()).problem(422, "rejected");
    assert_eq!(problem["error"], "signature");
    let spaced = format!(" {text}");
    let problem = node.bring("/commons", "", spaced.as_bytes()).problem(422, "rejected");
    assert_eq!(problem["error"], "malformed");
    let long = format!("{{\"command\":\"{}\"}}", "x".repeat(65 << 10));
    node.bring("/commons", "", long.as_bytes()).problem(413, "too-large");
    assert_eq!(node.get(&format!("/commons/members/{}", person(1).id))["next"], 2);
}

#[test]
fn the_same_idempotency_key_gets_the_same_answer() {
    let folder = tempfile::tempdir().unwrap();
    let node = Node::start(folder.path(), &charter(2, &[]));
    let act = Act::Transfer { amount: 1, to: person(2).id };
    let message = person(1).message(node.chain(), 1, now() + 60_000, act).to_bytes();
    let send = || node.bring("/commons", "Idempotency-Key: once\r\n", &message);
    let first = send().status(200).json();
    assert_eq!(send().status(200).json(), first, "and no refusal of its number");
    assert_eq!(node.get("/commons")["seq"], 2);
}

#[test]
fn a_record_is_proved_offline_by_the_file_that_the_node_gives() {
    let folder = tempfile::tempdir().unwrap();
    let node = Node::start(folder.path(), &charter(2, &[("mana-rate", 0)]));
    node.act(1, Act::Transfer { amount: 30, to: person(2).id });
    let key = Account::key(Owner::Member(person(2).id));
    let file = node.wire().get(&format!("/commons/proof?key={key}")).unwrap().status(200).text();
    let proof = RecordProof::parse(file.as_bytes()).unwrap();
    let node_key = node.wire().get("/key").unwrap().status(200).text().trim().parse().unwrap();
    let trust = Trust { node: node_key, witnesses: Vec::new(), quorum: 0 };
    let proved = proof.check(&trust).unwrap();
    assert_eq!(proved.entry.chain, node.chain());
    let record: Account = serde_json::from_slice(&proved.record.unwrap()).unwrap();
    assert_eq!(record.balance, 1030);
    let absent = node.wire().get("/commons/proof?key=account/nobody").unwrap().status(200).text();
    assert!(RecordProof::parse(absent.as_bytes()).unwrap().check(&trust).unwrap().record.is_none());
    for wrong in ["", "?key=", "?key=nothing"] {
        node.wire().get(&format!("/commons/proof{wrong}")).unwrap().problem(400, "bad-query");
    }
}

#[test]
fn what_time_brings_about_needs_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let node = Node::start(folder.path(), &charter(2, &[("mana-rate", 0)]));
    node.act(1, Act::Hold { amount: 5, arbiter: person(2).id, to: person(2).id, until: now() + 3_000 });
    let begun = std::time::Instant::now();
    while node.get("/commons/accounts/escrow")["balance"] != 0 {
        assert!(begun.elapsed().as_secs() < 30, "the hold never lapsed");
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    assert_eq!(node.get(&format!("/commons/accounts/{}", person(1).id))["balance"], 1000);
}

#[test]
fn what_was_done_before_its_time_is_no_letter_that_was_lost() {
    let folder = tempfile::tempdir().unwrap();
    let node = Node::start(folder.path(), &charter(2, &[("mana-rate", 0)]));
    let until = now() + 5_000;
    let hold = node.act(1, Act::Hold { amount: 5, arbiter: person(2).id, to: person(2).id, until });
    node.act(2, Act::Void { hold: hold["hold"].as_str().unwrap().parse().unwrap() });
    let begun = std::time::Instant::now();
    let metrics = loop {
        let metrics = node.wire().get("/metrics").unwrap().status(200).text();
        if metrics.contains("troupe_messages_total{outcome=\"rejected\"} 1\n") {
            break metrics;
        }
        assert!(begun.elapsed().as_secs() < 60, "the timer of the hold never came: {metrics}");
        std::thread::sleep(std::time::Duration::from_millis(50));
    };
    assert!(metrics.contains("\ntroupe_dropped_letters_total 0\n"), "{metrics}");
}

#[test]
fn metrics_say_what_mana_there_is_and_what_was_refused() {
    let folder = tempfile::tempdir().unwrap();
    let node = Node::start(folder.path(), &charter(2, &[("mana-rate", 0)]));
    let act = |amount| Act::Transfer { amount, to: person(2).id };
    node.act(1, act(1));
    node.post(&person(1).message(node.chain(), 9, now() + 60_000, act(1))).problem(422, "rejected");
    node.act(1, Act::Hold { amount: 5, arbiter: person(2).id, to: person(2).id, until: now() + 600_000 });
    let proposal =
        node.act(2, Act::Propose(motion(Action::Text {})))["proposal"].as_str().unwrap().to_owned();
    assert_eq!(proposal.len(), 64);
    let metrics = node.wire().get("/metrics").unwrap().status(200).text();
    for line in [
        "troupe_commons_commands_total 3",
        "troupe_commons_refused_total{code=\"number\"} 1",
        "troupe_commons_refused_total{code=\"mana\"} 0",
        "troupe_commons_members 2",
        "troupe_commons_frozen 0",
        "troupe_mana_issued 2000",
        "troupe_mana_escrow 5",
        "troupe_mana_fees 10",
        "troupe_commons_proposals{stage=\"draft\"} 1",
        "troupe_commons_jobs{stage=\"open\"} 0",
        "troupe_jobs_submitted_total 0",
        "troupe_jobs_active 0",
    ] {
        assert!(metrics.lines().any(|one| one == line), "no `{line}` in:\n{metrics}");
    }
}

#[test]
fn a_command_is_brought_by_whom_it_names_and_by_nobody_else() {
    let folder = tempfile::tempdir().unwrap();
    let node = Node::start(folder.path(), &charter(2, &[]));
    let act = Act::Transfer { amount: 1, to: person(2).id };
    let message = person(1).message(node.chain(), 1, now() + 60_000, act).to_bytes();
    let bring = |headers: &str| node.wire().ask("POST", "/commons", headers, &message).unwrap();
    bring("").problem(401, "unsigned");
    bring(&signature_by(1, "/commons", b"{}")).problem(401, "bad-signature");
    bring(&signature_by(2, "/commons", &message)).problem(403, "forbidden");
    let headers = signature_by(1, "/commons", &message);
    bring(&headers).status(200);
    bring(&headers).problem(409, "replayed");
    assert_eq!(node.get("/commons")["seq"], 2);
}

/// The path of the actor is open to whoever may send, and that gives nobody any power: what counts is in the message.
#[test]
fn who_brings_a_message_to_the_actor_itself_decides_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let node = Node::start(folder.path(), &charter(2, &[]));
    let post = |body: &[u8]| node.wire().ask("POST", "/actors/commons", "", body).unwrap();
    let refused = |body: &[u8]| {
        let problem = post(body).problem(422, "rejected");
        let detail = problem["detail"].as_str().unwrap();
        detail.split(':').next().unwrap().to_owned()
    };
    let act = Act::Transfer { amount: 1, to: person(2).id };
    let good = person(1).message(node.chain(), 1, now() + 60_000, act.clone()).to_bytes();
    let text = String::from_utf8(good.clone()).unwrap();
    assert_eq!(refused(text.replace("\"amount\":1,", "\"amount\":2,").as_bytes()), "signature");
    assert_eq!(refused(text.replace(&person(1).did(), &person(2).did()).as_bytes()), "signature");
    let unsigned = text.split(",\"signature\"").next().unwrap();
    assert_eq!(refused(format!("{unsigned}}}").as_bytes()), "malformed");
    let asked = format!("{{\"act\":{{\"spend\":{{\"amount\":1}}}},\"for\":\"{}\"}}", person(1).id);
    assert_eq!(refused(asked.as_bytes()), "not-allowed");
    let tick = format!("{{\"tick\":{{\"lapse\":\"{}\"}}}}", person(1).id);
    assert_eq!(refused(tick.as_bytes()), "not-found");
    post(&good).status(200);
    assert_eq!(refused(&good), "number");
    assert_eq!(node.get("/commons")["seq"], 2);
}
