//! The vectors of `docs/spec/vectors`: they are made here, and what is stored must be what is made.
//!
//! They change only with the format. `TROUPE_BLESS=1 cargo test -p troupe-store vectors` writes them anew; whoever does
//! so answers for the difference.

mod bad_entries;
mod bundles;
mod entries;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use troupe_store::bundle::{Bundle, BundleError};

use crate::forms::Judged;
use crate::tally::Tallies;
use bad_entries::bad_entries;
use bundles::{bad_bundles, good_bundles};
use entries::good_entries;

/// Files by path within the folder of vectors.
type Tree = BTreeMap<String, Vec<u8>>;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/spec/vectors")
}

#[test]
fn stored_vectors_are_what_is_made_today() {
    let mut made = Tree::new();
    let entries = json!({"good": good_entries(&mut made), "bad": bad_entries(&mut made)});
    let bundles = json!({"good": good_bundles(&mut made), "bad": bad_bundles(&mut made)});
    let index = serde_json::to_string_pretty(&json!({"entries": entries, "bundles": bundles})).expect("JSON");
    made.insert("vectors.json".into(), (index + "\n").into_bytes());
    if std::env::var_os("TROUPE_BLESS").is_some() {
        for (path, bytes) in &made {
            let path = root().join(path);
            fs::create_dir_all(path.parent().expect("a folder")).expect("made");
            fs::write(path, bytes).expect("written");
        }
    }
    for (path, bytes) in &made {
        let stored = fs::read(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
        assert!(stored == *bytes, "{path} is not what is made today");
    }
    for stored in files_of(&root()) {
        let known = made.contains_key(&stored) || ["README.md", "check.py"].contains(&stored.as_str());
        // These are made by the tests of `troupe-chain` and of `troupe-commons`.
        let known = known || ["proofs/", "fraud/", "commons/"].iter().any(|other| stored.starts_with(other));
        assert!(known, "{stored} is made no more");
    }
}

#[test]
fn stored_bundles_come_to_what_the_index_says() {
    let index: Value =
        serde_json::from_slice(&fs::read(root().join("vectors.json")).expect("stored")).expect("JSON");
    for vector in index["bundles"]["good"].as_array().expect("a list") {
        let judged = judge(&root().join(vector["path"].as_str().expect("a path")));
        let Judged::Verified(report, summary) = judged else { panic!("{vector}: {judged:?}") };
        assert_eq!(vector["head"], report.head.to_string());
        assert_eq!(vector["chain"], report.chain.to_string());
        assert_eq!(
            (vector["size"].as_u64(), vector["missing"].as_u64()),
            (Some(summary.size), Some(summary.missing))
        );
    }
    for vector in index["bundles"]["bad"].as_array().expect("a list") {
        let judged = judge(&root().join(vector["path"].as_str().expect("a path")));
        let (verdict, seq) = match &judged {
            Judged::Verified(..) => panic!("{vector} is verified"),
            Judged::False { seq, .. } => ("false", *seq),
            Judged::CannotCheck { .. } => ("could not be checked", None),
        };
        assert_eq!(vector["verdict"], verdict, "{vector}: {judged:?}");
        if verdict == "false" {
            assert_eq!(vector["seq"], json!(seq), "{vector}: {judged:?}");
            let stage = judged.why().split_once(':').map(|(stage, _)| stage);
            assert_eq!(vector["stage"].as_str(), stage, "{vector}: {judged:?}");
        }
    }
}

fn judge(path: &Path) -> Judged {
    let bundle = match Bundle::open(path) {
        Ok(bundle) => bundle,
        Err(error) => return error.into(),
    };
    match troupe_chain::verify(&bundle, &Tallies::default(), |_| {}) {
        Ok(report) => Judged::Verified(report, *bundle.summary()),
        Err(error) => BundleError::from(error).into(),
    }
}

fn files_of(folder: &Path) -> Vec<String> {
    let mut files = Vec::new();
    for found in fs::read_dir(folder).expect("a folder") {
        let found = found.expect("a name");
        let name = found.file_name().to_string_lossy().into_owned();
        if found.file_type().expect("a type").is_dir() {
            files.extend(files_of(&found.path()).into_iter().map(|within| format!("{name}/{within}")));
        } else {
            files.push(name);
        }
    }
    files
}
