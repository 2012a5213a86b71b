//! The documents say what is: their links lead somewhere, and their tables are whole.

use serde_json::Value;

/// The links of a Markdown text that point into the repository.
fn links(text: &str) -> Vec<&str> {
    let targets = text.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(target, _)| target);
    let inside = |target: &&str| !target.contains("://") && !target.starts_with('#');
    targets.filter(inside).map(|target| target.split('#').next().unwrap_or_default()).collect()
}

#[test]
fn links_lead_somewhere() {
    let mut found = Vec::new();
    for (path, text) in super::files().into_iter().filter(|(path, _)| path.ends_with(".md")) {
        let folder = super::root().join(&path);
        let folder = folder.parent().expect("a folder");
        for link in links(&text).into_iter().filter(|link| !folder.join(link).exists()) {
            found.push(format!("{path}: there is no {link}"));
        }
    }
    super::none(&found);
}

#[test]
fn links_are_recognised() {
    let text = "[a](b.md) [c](https://c.example) [d](#e) [f](../g/h.md#i)";
    assert_eq!(links(text), ["b.md", "../g/h.md"]);
}

/// A variant as clap names its command.
fn kebab(name: &str) -> String {
    let mut text = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() && !text.is_empty() {
            text.push('-');
        }
        text.extend(letter.to_lowercase());
    }
    text
}

/// Every path of the HTTP interface, and every command.
#[test]
fn the_readme_lists_every_path_and_every_command() {
    let readme = super::read("README.md");
    let openapi: Value = serde_json::from_str(&super::read("crates/api/openapi.json")).expect("JSON");
    let mut found = Vec::new();
    for (path, methods) in openapi["paths"].as_object().expect("paths") {
        // What an actor has at the root it has under its name, too; one line is enough.
        let path = match path.strip_prefix("/actors/{actor}") {
            Some("") => "/",
            Some(rest) => rest,
            None => path,
        };
        for method in methods.as_object().expect("methods").keys() {
            let entry = format!("`{} {path}`", method.to_uppercase());
            if !readme.contains(&entry) {
                found.push(format!("README.md does not list {entry}"));
            }
        }
    }
    let args = super::read("crates/node/src/cli/args.rs");
    let commands =
        args.split("enum Command {").nth(1).and_then(|rest| rest.split('}').next()).expect("commands");
    for command in commands.lines().filter_map(|line| line.trim().split_once('(')) {
        let entry = format!("`troupe {}", kebab(command.0));
        if !readme.contains(&entry) {
            found.push(format!("README.md does not list {entry}`"));
        }
    }
    super::none(&found);
}

/// Every code of an error, of HTTP and of a chain, is in the glossary.
#[test]
fn the_glossary_lists_every_code() {
    let glossary = super::read("docs/glossary.md");
    let mut found = Vec::new();
    for path in ["crates/api/src/types.rs", "crates/chain/src/failure.rs"] {
        let text = super::read(path);
        let codes = text.split("codes! {").last().and_then(|rest| rest.split("\n}").next()).expect("codes");
        for code in
            codes.lines().filter(|line| line.contains(" = \"")).filter_map(|line| line.split('"').nth(1))
        {
            if !glossary.contains(&format!("`{code}`")) {
                found.push(format!("docs/glossary.md does not list `{code}` of {path}"));
            }
        }
    }
    super::none(&found);
}

/// The SDKs' bindings are generated and kept; each says of which WIT.
#[test]
fn the_bindings_of_the_sdks_are_of_the_wit_that_is_there() {
    let sum = super::output("sha256sum", &["wit/actor/actor.wit"]);
    let sum = sum.split(' ').next().expect("a sum");
    let bindings = [
        "sdk/rust/src/bindings.rs",
        "sdk/c/bindings/component_type.h",
        "sdk/c/bindings/whole_web_actor.c",
        "sdk/c/bindings/whole_web_actor.h",
    ];
    let stale = |path: &&str| !super::read(path).contains(&format!("SHA-256 {sum}\n"));
    let found: Vec<_> = bindings.iter().filter(|path| stale(path)).collect();
    assert!(
        found.is_empty(),
        "made of another wit/actor/actor.wit: {found:?}; sdk/README.md says how to make them"
    );
}
