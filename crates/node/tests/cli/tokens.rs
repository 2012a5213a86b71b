//! Tokens from the command line.

use crate::node::troupe;

#[test]
fn a_token_is_made_listed_and_revoked() {
    let folder = tempfile::tempdir().unwrap();
    let made = ["--json", "token", "create", "--name", "ci", "--scope", "send,read"];
    let made = troupe(folder.path(), &made).code(0).json();
    let (id, token) = (made["id"].as_str().unwrap(), made["token"].as_str().unwrap());
    assert!(token.starts_with(&format!("troupe_{id}_")), "{token}");
    assert_eq!(made["scopes"], serde_json::json!(["read", "send"]));
    let listed = troupe(folder.path(), &["token", "list"]).code(0).says(id).says("read,send").says("ci");
    assert!(!listed.out.contains(&token[20..]));
    assert_eq!(troupe(folder.path(), &["token", "list", "--json"]).code(0).json()["id"], id);
    troupe(folder.path(), &["token", "revoke", id]).code(0).says(id);
    troupe(folder.path(), &["token", "list"]).code(0).complains("has no tokens");
    troupe(folder.path(), &["token", "revoke", id]).code(2).complains("there is no token");
}

#[test]
fn wrong_use_is_said_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    troupe(folder.path(), &["token", "list"])
        .code(2)
        .complains("tokens.json")
        .complains("troupe token create");
    troupe(folder.path(), &["token", "create", "--name", "x"]).code(2).complains("--scope");
    let scope = ["token", "create", "--name", "x", "--scope", "read,write"];
    troupe(folder.path(), &scope).code(2).complains("there are read, send and manage");
    let name = ["token", "create", "--name", "", "--scope", "read"];
    troupe(folder.path(), &name).code(2).complains("1 to 64 characters");
    troupe(folder.path(), &["token", "revoke", "x"]).code(2).complains("12 hex digits");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "nothing may be left behind");
}
