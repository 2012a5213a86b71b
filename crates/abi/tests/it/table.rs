//! The table says each thing once, and what was said stays.

use std::path::PathBuf;

use troupe_abi::{FUNCTIONS, HostError, c_header, markdown, wit};

const BEGIN: &str = "<!-- the table -->\n";
const END: &str = "<!-- end of the table -->\n";

#[test]
fn numbers_names_and_signatures_stay_as_they_are() {
    let found: Vec<_> =
        FUNCTIONS.iter().map(|it| format!("{} {} {}", it.index, it.name, it.core_signature())).collect();
    let expected = [
        "1 host_take_input (i32 i32) -> i32",
        "2 host_put_output (i32 i32) -> i32",
        "3 host_take_result (i32 i32) -> i32",
        "4 host_take_state (i32 i32) -> i32",
        "5 host_put_state (i32 i32) -> i32",
        "10 host_account_get_mana (i32 i32) -> i64",
        "11 host_account_spend_mana (i32 i32 i64) -> i32",
        "12 host_account_credit_mana (i32 i32 i64) -> i32",
        "16 host_submit_mesh_job (i32 i32) -> i64",
        "17 host_create_governance_proposal (i32 i32) -> i64",
        "18 host_open_governance_voting (i32 i32) -> i32",
        "19 host_cast_governance_vote (i32 i32) -> i32",
        "20 host_close_governance_proposal_voting (i32 i32) -> i32",
        "21 host_execute_governance_proposal (i32 i32) -> i32",
        "22 host_get_pending_mesh_jobs () -> i64",
        "23 host_anchor_receipt (i32 i32) -> i64",
        "24 host_get_reputation (i32 i32) -> i64",
        "25 host_verify_zk_proof (i32 i32) -> i32",
        "26 host_generate_zk_proof (i32 i32) -> i64",
    ];
    assert_eq!(found, expected);
    let errors: Vec<_> =
        HostError::ALL.iter().map(|error| format!("{} {}", error.number(), error.as_str())).collect();
    let expected = [
        "-1 denied",
        "-2 bad-pointer",
        "-3 too-large",
        "-4 malformed",
        "-5 not-found",
        "-6 not-available",
        "-7 exhausted",
    ];
    assert_eq!(errors, expected);
}

#[test]
fn the_page_the_header_and_the_interface_are_those_of_the_table() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
    let page = root.join("docs/spec/host-abi.md");
    let text = std::fs::read_to_string(&page).unwrap();
    let (before, rest) = text.split_once(BEGIN).unwrap();
    let (_, after) = rest.split_once(END).unwrap();
    let files = [
        (page, format!("{before}{BEGIN}{}{END}{after}", markdown())),
        (root.join("sdk/c/troupe_commons.h"), c_header()),
        (root.join("wit/commons/host.wit"), wit()),
    ];
    for (path, made) in files {
        if std::env::var_os("TROUPE_BLESS").is_some() {
            std::fs::write(&path, &made).unwrap();
        }
        let kept = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(kept == made, "{} is not what the table makes; TROUPE_BLESS=1 writes it", path.display());
    }
}
