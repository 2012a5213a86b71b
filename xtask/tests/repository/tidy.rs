//! How files look, as far as no compiler says it.

/// A file of more lines wants to be two.
const MAX_LINES: usize = 600;
/// Written by wit-bindgen.
const GENERATED: &[&str] =
    &["actors/counter/src/bindings.rs", "actors/quakes/src/bindings.rs", "sdk/rust/src/bindings.rs"];
/// Kept byte by byte as they are.
const VERBATIM: &[&str] = &[
    "docs/spec/golden/",
    "docs/spec/vectors/bad/",
    "docs/spec/vectors/bundles/",
    "docs/spec/vectors/good/",
    "docs/spec/vectors/fraud/",
    "docs/spec/vectors/proofs/",
    "actors/quakes/data/",
    "docs/guide/data/",
    "crates/component/wit/deps/",
];
/// Words that say that something is not finished, or was left behind.
const LEFT_BEHIND: &[&str] =
    &["TO\u{44}O", "FI\u{58}ME", "XX\u{58}", "db\u{67}!(", "todo\u{21}(", "unimplemented\u{21}("];
/// Folders that only one machine has.
const MACHINE_PATHS: &[&str] = &["/ro\u{6f}t/", "/ho\u{6d}e/", "/Us\u{65}rs/", "/wo\u{72}k/", "/op\u{74}/"];
/// Names that say that nobody found a better one.
const WEAK_NAMES: &[&str] = &["Manager", "Helper", "Util", "Utils", "Impl", "Enhanced"];
/// The hosts that an address may name: specifications, projects, and this machine.
const HOSTS: &[&str] = &[
    "127.0.0.1",
    "apache.org",
    "c2sp.org",
    "docs.rs",
    "earthquake.usgs.gov",
    "github.com",
    "json.schemastore.org",
    "learn.golem.cloud",
    "spec.openapis.org",
    "spinframework.dev",
    "w3id.org",
    "www.apache.org",
    "www.rfc-editor.org",
    "www.usgs.gov",
    "www.w3.org",
];

fn faults(path: &str, text: &str) -> Vec<String> {
    if VERBATIM.iter().any(|verbatim| path.starts_with(verbatim)) {
        return Vec::new();
    }
    let mut found = Vec::new();
    let mut say = |line: usize, what: &str| found.push(format!("{path}:{line}: {what}"));
    if !text.is_empty() && !text.ends_with('\n') {
        say(text.lines().count(), "no newline at the end");
    }
    for (number, line) in (1..).zip(text.split_inclusive('\n')) {
        let line = line.trim_end_matches('\n');
        if line.contains('\t') {
            say(number, "a tab");
        }
        if line.ends_with([' ', '\t', '\r']) {
            say(number, "space at the end");
        }
        for word in LEFT_BEHIND.iter().filter(|word| line.contains(**word)) {
            say(number, &format!("`{word}`"));
        }
        for folder in MACHINE_PATHS.iter().filter(|folder| line.contains(**folder)) {
            say(number, &format!("`{folder}`, a path of one machine"));
        }
        for host in hosts(line).filter(|host| !HOSTS.contains(host)) {
            say(number, &format!("`{host}`, a host that is not in the list"));
        }
    }
    if path.ends_with(".rs") && !GENERATED.contains(&path) {
        found.extend(rust_faults(path, text));
    }
    found
}

fn rust_faults(path: &str, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut say = |line: usize, what: &str| found.push(format!("{path}:{line}: {what}"));
    if !text.starts_with("//!") {
        say(1, "does not open with `//!`: what is this file for?");
    }
    let lines = text.lines().count();
    if lines > MAX_LINES {
        say(lines, &format!("more than {MAX_LINES} lines"));
    }
    let tests = path.contains("/tests/") || path.contains("/benches/") || path.contains("/examples/");
    let code = text.split("#[cfg(test)]").next().unwrap_or_default();
    for (number, line) in (1..).zip(code.lines()) {
        let line = line.trim_start();
        if line.starts_with("//") {
            continue;
        }
        if !tests && line.contains(".unwrap()") {
            say(number, "`unwrap` outside tests");
        }
        if let Some(name) = defined(line).filter(|name| WEAK_NAMES.iter().any(|weak| name.ends_with(weak))) {
            say(number, &format!("`{name}`: say what it is"));
        }
    }
    found
}

/// The name of the type that a line defines.
fn defined(line: &str) -> Option<&str> {
    let rest = line.strip_prefix("pub ").or_else(|| line.strip_prefix("pub(crate) ")).unwrap_or(line);
    let rest = ["struct ", "enum ", "trait ", "type "].iter().find_map(|kind| rest.strip_prefix(kind))?;
    rest.split(|c: char| !c.is_alphanumeric()).next()
}

/// The hosts of the addresses in a line. Made-up ones, under `example` or without a dot, are nobody's.
fn hosts(line: &str) -> impl Iterator<Item = &str> {
    let addresses = line.split("://").skip(1);
    let host = |rest: &'_ str| rest.find(|c: char| !(c.is_ascii_alphanumeric() || "-.".contains(c)));
    addresses.map(move |rest| rest[..host(rest).unwrap_or(rest.len())].trim_end_matches('.')).filter(|host| {
        !host.is_empty() && host.contains('.') && !host.split('.').any(|part| part == "example")
    })
}

#[test]
fn files_are_tidy() {
    let found: Vec<_> = super::files().iter().flat_map(|(path, text)| faults(path, text)).collect();
    super::none(&found);
}

#[test]
fn every_crate_is_documented_and_linted() {
    let mut found = Vec::new();
    for (path, text) in super::files() {
        let Some(folder) = path.strip_suffix("/Cargo.toml").filter(|path| path.starts_with("crates/")) else {
            continue;
        };
        if !text.contains("[lints]\nworkspace = true") {
            found.push(format!("{path}: does not take the workspace's lints"));
        }
        // A front page says what the crate is for in more than its title.
        let front = super::read(&format!("{folder}/src/lib.rs"));
        if front.lines().take_while(|line| line.starts_with("//!")).count() < 3 {
            found.push(format!("{folder}/src/lib.rs: the crate's front page is too short"));
        }
    }
    super::none(&found);
}

#[test]
fn an_untidy_file_is_found() {
    let check = |path: &str, text: &str, expect: &str| {
        let found = faults(path, text);
        assert_eq!(found, [format!("{path}:{expect}")], "{text:?}");
    };
    check("a.md", "one\ttwo\n", "1: a tab");
    check("a.md", "one\ntwo \n", "2: space at the end");
    check("a.md", "one", "1: no newline at the end");
    check("a.md", &format!("{}: later\n", LEFT_BEHIND[0]), &format!("1: `{}`", LEFT_BEHIND[0]));
    let path = MACHINE_PATHS[0];
    check("a.md", &format!("see {path}x\n"), &format!("1: `{path}`, a path of one machine"));
    check(
        "a.toml",
        "url = \"http:\u{2f}/mirror.lan:81/x\"\n",
        "1: `mirror.lan`, a host that is not in the list",
    );
    check("a.rs", "fn main() {}\n", "1: does not open with `//!`: what is this file for?");
    check("a.rs", &format!("//! A.\n{}", "\n".repeat(MAX_LINES)), "601: more than 600 lines");
    check("src/a.rs", "//! A.\nfn f() { g().unwrap(); }\n", "2: `unwrap` outside tests");
    check("src/a.rs", "//! A.\npub struct ChainManager;\n", "2: `ChainManager`: say what it is");
}

#[test]
fn a_tidy_file_is_not() {
    let check = |path: &str, text: &str| assert_eq!(faults(path, text), [""; 0]);
    check("a.md", "See https://github.com/x, or http://node.example:80/.\n");
    check("tests/a.rs", "//! A.\n");
    check("x/tests/a.rs", "//! A.\nfn f() { g().unwrap(); }\n");
    check("src/a.rs", "//! A.\n#[cfg(test)]\nmod tests { fn f() { g().unwrap(); } }\n");
}
