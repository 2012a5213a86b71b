//! The OpenAPI document says what the node does: its codes, its paths, and nothing that points nowhere.

use serde_json::Value;
use troupe_api::{ErrorCode, OPENAPI};

fn document() -> Value {
    serde_json::from_str(OPENAPI).expect("the document is JSON")
}

#[test]
fn every_error_code_is_listed_with_its_status() {
    let document = document();
    let listed: Vec<_> = document["components"]["schemas"]["ErrorCode"]["oneOf"]
        .as_array()
        .unwrap()
        .iter()
        .map(|code| code["const"].as_str().unwrap())
        .collect();
    let codes: Vec<_> = ErrorCode::ALL.iter().map(|code| code.as_str()).collect();
    assert_eq!(listed, codes);
    for code in ErrorCode::ALL {
        let text = document["components"]["responses"][code.status().to_string()]["description"].as_str();
        assert!(text.is_some_and(|text| text.contains(&format!("`{code}`"))), "{code}");
    }
}

#[test]
fn every_path_is_listed() {
    let document = document();
    let paths: Vec<_> = document["paths"].as_object().unwrap().keys().map(String::as_str).collect();
    let of_actor = [
        "/state",
        "/chain",
        "/chain/{entry}",
        "/blobs",
        "/blobs/{hash}",
        "/component",
        "/schema",
        "/events",
        "/socket",
        "/log",
        "/stop",
        "/pause",
        "/resume",
        "/upgrade",
        "/fork",
        "/rewind",
        "/redactions",
    ];
    let of_node = [
        "/",
        "/actors",
        "/actors/{actor}",
        "/components",
        "/components/{hash}",
        "/files",
        "/dag",
        "/dag/{cid}",
        "/top",
        "/commons",
        "/commons/begin",
        "/commons/members",
        "/commons/members/{member}",
        "/commons/accounts",
        "/commons/accounts/{account}",
        "/commons/holds",
        "/commons/holds/{hold}",
        "/commons/proposals",
        "/commons/proposals/{proposal}",
        "/commons/jobs",
        "/commons/jobs/{job}",
        "/commons/jobs/{job}/events",
        "/commons/jobs/{job}/receipts",
        "/commons/proposals/{proposal}/ballots",
        "/commons/parameters",
        "/commons/parameters/{parameter}",
        "/commons/reputation/{member}",
        "/commons/trust",
        "/commons/proof",
        "/key",
        "/witnesses",
        "/checkpoint",
        "/leaves",
        "/proof/inclusion",
        "/proof/consistency",
        "/actors/{actor}/checkpoint",
        "/actors/{actor}/proof",
        "/actors/{actor}/proof/inclusion",
        "/actors/{actor}/proof/consistency",
        "/healthz",
        "/readyz",
        "/metrics",
        "/openapi.json",
        "/ui",
        "/ui/",
        "/ui/{file}",
    ];
    let below = of_actor.iter().map(|path| format!("/actors/{{actor}}{path}"));
    let mut expected: Vec<_> =
        of_actor.iter().chain(&of_node).map(|path| (*path).to_owned()).chain(below).collect();
    expected.sort_unstable();
    assert_eq!(paths, expected);
}

#[test]
fn every_reference_leads_somewhere() {
    fn walk(value: &Value, document: &Value) {
        match value {
            Value::Object(fields) => {
                if let Some(Value::String(target)) = fields.get("$ref") {
                    assert!(document.pointer(&target[1..]).is_some(), "{target}");
                }
                fields.values().for_each(|value| walk(value, document));
            }
            Value::Array(items) => items.iter().for_each(|value| walk(value, document)),
            _ => {}
        }
    }
    let document = document();
    walk(&document, &document);
}
