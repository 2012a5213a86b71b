//! Imports point down, and what only one layer may know stays there: `ARCHITECTURE.md` draws it.

use serde_json::Value;

/// Each package, and the packages of this repository that it may import.
const LAYERS: &[(&str, &[&str])] = &[
    ("troupe-chain", &[]),
    ("troupe-abi", &["troupe-chain"]),
    ("troupe-store", &["troupe-chain"]),
    ("troupe-log", &["troupe-chain", "troupe-identity", "troupe-store"]),
    ("troupe-commons", &["troupe-chain"]),
    ("troupe-component", &["troupe-abi", "troupe-chain"]),
    ("troupe-api", &["troupe-chain", "troupe-identity"]),
    ("troupe-runtime", &["troupe-chain", "troupe-store"]),
    ("troupe-identity", &["troupe-chain"]),
    ("troupe-manifest", &["troupe-chain", "troupe-component"]),
    ("troupe-schema", &[]),
    ("troupe-scenario", &["troupe-chain", "troupe-component", "troupe-manifest", "troupe-schema"]),
    (
        "troupe",
        &[
            "troupe-api",
            "troupe-chain",
            "troupe-commons",
            "troupe-component",
            "troupe-identity",
            "troupe-log",
            "troupe-manifest",
            "troupe-runtime",
            "troupe-scenario",
            "troupe-schema",
            "troupe-store",
            "troupe-workshop",
        ],
    ),
    ("troupe-workshop", &[]),
    ("troupe-testing", &[]),
    ("troupe-bench", &["troupe", "troupe-testing", "troupe-workshop"]),
    ("verifier", &["troupe-abi", "troupe-chain", "troupe-commons"]),
    ("troupe-sim", &["troupe-chain", "troupe-runtime", "troupe-store"]),
    ("xtask", &[]),
];

/// What only some may import. Benchmarks measure against the bare libraries, so they may all of it.
const OWNED: &[(&str, &[&str])] = &[
    ("axum", &["troupe"]),
    ("clap", &["troupe"]),
    ("cryptoki", &["troupe-identity"]),
    ("fjall", &["troupe-store"]),
    ("hyper", &["troupe"]),
    ("hyper-util", &["troupe"]),
    ("redb", &[]),
    ("rustls", &["troupe"]),
    ("tokio", &["troupe-runtime", "troupe"]),
    ("tokio-rustls", &["troupe"]),
    ("ureq", &["troupe-api"]),
    ("wasmtime", &["troupe-component"]),
    ("wit-component", &["troupe-testing", "troupe-workshop"]),
];

/// All that the verifier stands on.
const CHAIN_IMPORTS: &[&str] = &["base64", "blake3", "bs58", "ed25519-dalek", "sha2", "thiserror", "zeroize"];

/// What a package imports when it is built, and what beside that when it is tested.
struct Package {
    name: String,
    imports: Vec<String>,
    test_imports: Vec<String>,
}

fn package(name: &str, imports: &[&str], test_imports: &[&str]) -> Package {
    let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    Package { name: name.to_owned(), imports: owned(imports), test_imports: owned(test_imports) }
}

fn packages() -> Vec<Package> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    let metadata = super::output(&cargo, &["metadata", "--no-deps", "--format-version", "1", "--locked"]);
    let metadata: Value = serde_json::from_str(&metadata).expect("JSON");
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let read = |of: &Value| {
        let (mut imports, mut test_imports) = (Vec::new(), Vec::new());
        for dependency in of["dependencies"].as_array().expect("a list") {
            let list = if dependency["kind"] == "dev" { &mut test_imports } else { &mut imports };
            list.push(text(&dependency["name"]));
        }
        Package { name: text(&of["name"]), imports, test_imports }
    };
    metadata["packages"].as_array().expect("a list").iter().map(read).collect()
}

fn violations(packages: &[Package]) -> Vec<String> {
    let mut found = Vec::new();
    for Package { name, imports, test_imports } in packages {
        let Some((_, below)) = LAYERS.iter().find(|(layer, _)| layer == name) else {
            found.push(format!("{name} has no place in the graph: give it one in LAYERS"));
            continue;
        };
        let ours = |import: &str| LAYERS.iter().any(|(layer, _)| *layer == import);
        for import in imports {
            if ours(import) && !below.contains(&import.as_str()) {
                found.push(format!("{name} may not import {import}: imports point down"));
            }
            let owner = OWNED.iter().find(|(owned, _)| owned == import);
            if owner.is_some_and(|(_, owners)| name != "troupe-bench" && !owners.contains(&name.as_str())) {
                found.push(format!("{name} may not import {import}"));
            }
            if name == "troupe-chain" && !CHAIN_IMPORTS.contains(&import.as_str()) {
                found.push(format!("{name} may import {} and not {import}", CHAIN_IMPORTS.join(", ")));
            }
        }
        for import in test_imports {
            if ours(import) && import != "troupe-testing" && !below.contains(&import.as_str()) {
                found.push(format!("the tests of {name} may not import {import}: imports point down"));
            }
        }
    }
    for (name, _) in LAYERS {
        if !packages.iter().any(|package| package.name == *name) {
            found.push(format!("{name} is in LAYERS, but there is no such package"));
        }
    }
    found
}

/// Parts of the standard library that reach out of the process, or ask it what time it is.
const OUTSIDE: &[&str] = &["std::env", "std::fs", "std::net", "std::process", "std::thread", "std::time"];

fn reaches_out(path: &str, text: &str) -> Vec<String> {
    let inside = |part: &&&str| text.contains(**part);
    OUTSIDE.iter().filter(inside).map(|part| format!("{path}: the chain may not use {part}")).collect()
}

#[test]
fn imports_point_down_and_what_is_owned_stays_with_its_owner() {
    super::none(&violations(&packages()));
}

#[test]
fn the_chain_cannot_reach_the_world() {
    let sources = super::files().into_iter().filter(|(path, _)| path.starts_with("crates/chain/src/"));
    let found: Vec<_> = sources.flat_map(|(path, text)| reaches_out(&path, &text)).collect();
    super::none(&found);
}

#[test]
fn a_wrong_import_is_found() {
    let check = |changed: Package, expect: &str| {
        let mut all: Vec<_> = LAYERS.iter().map(|(name, _)| package(name, &[], &[])).collect();
        assert_eq!(violations(&all), [""; 0]);
        all.retain(|package| package.name != changed.name);
        all.push(changed);
        assert!(violations(&all).iter().any(|found| found == expect), "{:?}", violations(&all));
    };
    let up = package("troupe-store", &["troupe-runtime"], &[]);
    check(up, "troupe-store may not import troupe-runtime: imports point down");
    let test_up = package("troupe-chain", &[], &["troupe-testing", "troupe"]);
    check(test_up, "the tests of troupe-chain may not import troupe: imports point down");
    check(package("troupe-api", &["wasmtime"], &[]), "troupe-api may not import wasmtime");
    check(package("troupe-component", &["tokio"], &[]), "troupe-component may not import tokio");
    check(package("troupe-runtime", &["axum"], &[]), "troupe-runtime may not import axum");
    check(
        package("troupe-chain", &["blake3", "serde"], &[]),
        "troupe-chain may import base64, blake3, bs58, ed25519-dalek, sha2, thiserror, zeroize and not serde",
    );
    check(package("troupe-new", &[], &[]), "troupe-new has no place in the graph: give it one in LAYERS");
}

#[test]
fn a_clock_in_the_chain_is_found() {
    assert_eq!(reaches_out("a.rs", "use std::time::Instant;"), ["a.rs: the chain may not use std::time"]);
    assert_eq!(reaches_out("a.rs", "use std::fmt;"), [""; 0]);
}
