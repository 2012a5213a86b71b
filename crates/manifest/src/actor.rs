//! `actor.toml`: what an actor is begun with, and what is done when it fails.
//!
//! Invariant: paths are relative to the folder of the file, and what they lead to is there.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use toml::de::{DeTable, DeValue};
use troupe_chain::{Files, Hash, Supervision, Text};
use troupe_component::Limits;

use crate::config::canonical_json;
use crate::fault::{Fault, Source};
use crate::granted::{Granted, grants};
use crate::name::Name;
use crate::section::{At, Section, bounded, parse, read, type_of};
use crate::supervision::supervision;

/// The largest file that a `config-file` may be.
const MAX_CONFIG: u64 = 16 << 20;

/// The keys of a manifest.
pub(crate) const KEYS: &[&str] =
    &["build", "component", "config", "config-file", "grants", "limits", "name", "supervision"];
const BUILD_KEYS: &[&str] = &["command", "lang"];

/// What an actor is begun with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// Its code.
    pub component: ComponentRef,
    /// What the node calls it, if not by its id alone.
    pub name: Option<Name>,
    /// The configuration for `init`: the bytes of a file, or a table as canonical JSON.
    pub config: Option<Bytes>,
    /// Limits that differ from the default, each in its range, in the order of their names.
    pub limits: Vec<(String, u64)>,
    /// What it may reach outside and read, in ascending order, as genesis lists it.
    pub grants: Vec<Text>,
    /// The bytes of the files among them.
    pub files: Files,
    /// What is done when it fails again and again.
    pub supervision: Supervision,
}

/// Where a component is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ComponentRef {
    /// In a file.
    Path(PathBuf),
    /// In the node's store, under its name.
    Hash(Hash),
}

impl Manifest {
    /// Reads a manifest, and the configuration that it names. The component must be there, but is not read.
    ///
    /// # Errors
    /// A [`Fault`] with its place.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, Fault> {
        let path = path.as_ref();
        Self::parse(&read(path)?, path)
    }

    /// Reads the text of a manifest as if it stood in `file`, which need not exist.
    ///
    /// # Errors
    /// As [`Manifest::load`].
    pub fn parse(text: &str, file: impl AsRef<Path>) -> Result<Self, Fault> {
        let source = Source { file: file.as_ref(), text };
        let table = parse(&source)?;
        // What is missing is missing at the top.
        Self::read(&Section::new(&source, table.get_ref(), 0..0, KEYS)?)
    }

    /// Reads a table with the keys of a manifest.
    pub(crate) fn read(section: &Section<'_>) -> Result<Self, Fault> {
        // How it is built is for `troupe build`; here it only has to be well-formed.
        section.section("build", BUILD_KEYS)?;
        let Granted { grants, files } = grants(section)?;
        let component = component(section)?;
        let name = section.read("name", |name| Name::new(name).map_err(|error| error.to_string()))?;
        Ok(Self {
            component,
            name: name.map(|at| at.value),
            config: config(section)?,
            limits: limits(section)?,
            grants,
            files,
            supervision: supervision(section)?,
        })
    }
}

fn component(section: &Section<'_>) -> Result<ComponentRef, Fault> {
    let At { value, span } = section
        .text("component")?
        .ok_or_else(|| section.fault("`component` is missing: the path of a .wasm file"))?;
    if let Some(name) = Hash::from_hex(value.as_bytes()) {
        return Ok(ComponentRef::Hash(name));
    }
    let path = section.resolve(value);
    section.is_file("component", &path, span)?;
    Ok(ComponentRef::Path(path))
}

/// Reads `config` or `config-file`: the bytes for `init`.
///
/// # Errors
/// A [`Fault`] with its place.
pub fn config(section: &Section<'_>) -> Result<Option<Bytes>, Fault> {
    let source = section.source;
    let table: Option<&DeTable<'_>> = match section.value("config") {
        None => None,
        Some(At { value: DeValue::Table(table), .. }) => Some(table),
        Some(At { value, span }) => {
            let what = format_args!(
                "`config` must be a table, not {}; to give the path of a JSON file use `config-file`",
                type_of(value)
            );
            return Err(source.fault(span, what));
        }
    };
    let Some(At { value: path, span }) = section.file("config-file")? else {
        return table.map(|table| canonical_json(source, table).map(Bytes::from)).transpose();
    };
    if table.is_some() {
        let what = "there is `config` too: one of `config` and `config-file` says it";
        return Err(source.fault(section.key_span("config-file"), what));
    }
    let shown = path.display();
    let bytes = bounded(&path, MAX_CONFIG)
        .map_err(|reason| source.fault(span.clone(), format_args!("`config-file`: {shown} {reason}")))?;
    if let Err(error) = serde_json::from_slice::<&serde_json::value::RawValue>(&bytes) {
        return Err(source.fault(span, format_args!("`config-file`: {shown} is not JSON: {error}")));
    }
    Ok(Some(bytes.into()))
}

/// Reads `limits`: those that differ from the default, in the order of their names.
///
/// # Errors
/// A [`Fault`] with its place.
pub fn limits(section: &Section<'_>) -> Result<Vec<(String, u64)>, Fault> {
    let names: Vec<_> = Limits::RANGES.iter().map(|(name, ..)| *name).collect();
    let Some(limits) = section.section("limits", &names)? else { return Ok(Vec::new()) };
    let set = Limits::RANGES.iter().filter_map(|(name, min, max)| {
        let value = limits.size(name, (*min, *max)).transpose()?;
        Some(value.map(|value| ((*name).to_owned(), value)))
    });
    set.collect()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use troupe_chain::OnFailure;

    use super::*;

    fn folder() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("quakes.wasm"), "").unwrap();
        fs::write(folder.path().join("config.json"), "{ \"b\": 1, \"a\": 2 }").unwrap();
        folder
    }

    fn parse(folder: &tempfile::TempDir, text: &str) -> Result<Manifest, Fault> {
        Manifest::parse(text, folder.path().join("actor.toml"))
    }

    #[test]
    fn a_whole_manifest_is_read() {
        let folder = folder();
        let text = r#"
            component = "quakes.wasm"
            name = "quakes"
            [config]
            min = 5
            alerts = "alerts"
            [limits]
            state = "8MiB"
            fuel = 1000000000
            [grants]
            http = ["*.Example.net", "private:127.0.0.1:9000", "api.example.org"]
            env = { LANG = "C", A = "" }
            args = ["tool", "-v", "-v", "é"]
            [supervision]
            on-failure = "restart"
            failures = 3
            within = "2m"
            backoff = "500ms"
            max-backoff = "1h"
            max-restarts = 7
        "#;
        let manifest = parse(&folder, text).unwrap();
        assert_eq!(manifest.component, ComponentRef::Path(folder.path().join("quakes.wasm")));
        assert_eq!(manifest.name.as_ref().map(Name::as_str), Some("quakes"));
        assert_eq!(manifest.config.as_deref(), Some(&br#"{"alerts":"alerts","min":5}"#[..]));
        assert_eq!(manifest.limits, [("fuel".to_owned(), 1_000_000_000), ("state".to_owned(), 8 << 20)]);
        let grants: Vec<_> = manifest.grants.iter().map(Text::as_str).collect();
        let expect = [
            "args:[\"tool\",\"-v\",\"-v\",\"\\u00e9\"]",
            "env:A=",
            "env:LANG=C",
            "http:*.example.net",
            "http:api.example.org",
            "private:127.0.0.1:9000",
        ];
        assert_eq!(grants, expect);
        let expect = Supervision {
            on_failure: OnFailure::Restart,
            failures: 3,
            within: 120_000,
            backoff: 500,
            max_backoff: 3_600_000,
            max_restarts: 7,
        };
        assert_eq!(manifest.supervision, expect);
    }

    #[test]
    fn only_the_component_is_needed() {
        let hash = Hash::of(b"code");
        let manifest = Manifest::parse(&format!("component = \"{hash}\""), "actor.toml").unwrap();
        assert_eq!(
            manifest,
            Manifest {
                component: ComponentRef::Hash(hash),
                name: None,
                config: None,
                limits: Vec::new(),
                grants: Vec::new(),
                files: Files::new(),
                supervision: Supervision::default(),
            }
        );
    }

    #[test]
    fn a_config_file_is_kept_byte_by_byte() {
        let manifest =
            parse(&folder(), "component = \"quakes.wasm\"\nconfig-file = \"config.json\"").unwrap();
        assert_eq!(manifest.config.as_deref(), Some(&b"{ \"b\": 1, \"a\": 2 }"[..]));
    }

    #[test]
    fn an_unknown_key_is_shown_with_its_place_and_the_nearest_one() {
        let fault = Manifest::parse("component = \"x\"\n\n  [limts]\nfuel = 1", "a/actor.toml").unwrap_err();
        let expect = "a/actor.toml:3:4: there is no key `limts`; did you mean `limits`?\n   \
                      |\n 3 |   [limts]\n   |    ^^^^^";
        assert_eq!(fault.to_string(), expect);
        assert_eq!(fault.place(), Some((3, 4)));
    }

    #[test]
    fn every_mistake_is_a_fault_at_its_place() {
        let folder = folder();
        for (text, line, column, what) in [
            ("", 1, 1, "`component` is missing"),
            ("component = ", 1, 13, "string values must be quoted"),
            ("component = 3", 1, 13, "`component` must be a string, not a whole number"),
            ("component = \"\"", 1, 13, "`component` is empty"),
            ("component = \"no.wasm\"", 1, 13, "no.wasm: No such file"),
            ("component = \".\"", 1, 13, "is not a file"),
            ("component = \"quakes.wasm\"\ncomponent = \"b\"", 2, 1, "duplicate key"),
            ("#\nname = \"Q\"", 2, 8, "`name`: a name has only"),
            ("#\nconfig = \"c.json\"", 2, 10, "use `config-file`"),
            ("#\nconfig = { at = 2026-11-21 }", 2, 17, "no dates"),
            ("#\nconfig-file = \"quakes.wasm\"", 2, 15, "is not JSON"),
            ("#\nconfig-file = \"no.json\"", 2, 15, "no.json: No such file"),
            ("#\nconfig = {}\nconfig-file = \"config.json\"", 3, 1, "there is `config` too"),
            ("#\n[limits]\nful = 1", 3, 1, "did you mean `fuel`?"),
            ("#\n[limits]\nstack = 1", 3, 9, "`stack` is 1, but must be from 65536 to 1048576"),
            ("#\n[limits]\nfuel = -1", 3, 8, "`fuel` is -1, but must be from 1"),
            ("#\n[limits]\nfuel = 1e9", 3, 8, "not a number with a fraction"),
            ("#\n[limits]\nstate = \"8 furlongs\"", 3, 9, "furlongs"),
            ("#\nlimits = 3", 2, 10, "`limits` must be a table"),
            ("#\n[grants]\nhttps = []", 3, 1, "did you mean `http`?"),
            ("#\n[grants]\nhttp = \"a.org\"", 3, 8, "must be a list, not a string"),
            ("#\n[grants]\nhttp = [\"a.org\", 1]", 3, 18, "must be a list of strings"),
            ("#\n[grants]\nhttp = [\"a.org\", \"10.0.0.1\"]", 3, 18, "private:10.0.0.1"),
            ("#\n[grants]\nhttp = [\"a.org\", \"a.org\"]", 3, 18, "twice"),
            ("#\n[grants]\nhttp = [\"a.org\", \"A.org\"]", 3, 18, "the same as another: http:a.org"),
            ("#\n[grants]\nenv = [\"A=1\"]", 3, 7, "`env` must be a table, not a list"),
            ("#\n[grants]\nenv = { A = 1 }", 3, 13, "`env.A` must be a string, not a whole number"),
            ("#\n[grants]\nenv = { \"A=B\" = \"1\" }", 3, 17, "a variable's name"),
            ("#\n[grants]\nenv = { A = \"ü\" }", 3, 13, "printable"),
            ("#\n[grants]\ncommons = [\"mana\"]", 3, 12, "no such capability"),
            ("#\n[grants]\ncommons-for = \"me\"", 3, 15, "a member's id"),
            ("#\n[grants]\nargs = [1]", 3, 9, "must be a list of strings"),
            ("#\n[grants]\nargs = \"-v\"", 3, 8, "must be a list, not a string"),
            ("#\n[supervision]\non-failure = \"restrat\"", 3, 14, "did you mean `restart`?"),
            ("#\n[supervision]\nfailures = 0", 3, 12, "from 1 to 1000"),
            ("#\n[supervision]\nwithin = \"0s\"", 3, 10, "from 1ms to"),
            ("#\n[supervision]\nwithin = 60", 3, 10, "must be a string"),
            ("#\n[supervision]\nbackoff = \"soon\"", 3, 11, "such as 10s"),
            ("#\n[supervision]\nbackoff = \"2m\"", 3, 11, "longer than `max-backoff` of 1m"),
            ("#\n[supervision]\nmax-backoff = \"1ms\"", 3, 15, "longer than `max-backoff` of 1ms"),
        ] {
            let text = text.replacen('#', "component = \"quakes.wasm\"", 1);
            let fault = parse(&folder, &text).unwrap_err();
            assert!(fault.what().contains(what), "{text:?}: {fault}");
            assert_eq!(fault.place(), Some((line, column)), "{text:?}: {fault}");
        }
    }

    #[test]
    fn a_file_that_cannot_be_read_is_a_fault_without_a_place() {
        let folder = folder();
        let path = folder.path().join("actor.toml");
        let fault = Manifest::load(&path).unwrap_err();
        assert!(fault.place().is_none() && fault.what().contains("No such file"), "{fault}");
        fs::write(&path, b"a = 1\n\xff").unwrap();
        assert_eq!(Manifest::load(&path).unwrap_err().what(), "line 2 is not UTF-8");
        fs::write(&path, "#".repeat((1 << 20) + 1)).unwrap();
        assert!(Manifest::load(&path).unwrap_err().what().contains("larger than"));
    }

    #[test]
    fn no_text_makes_the_reader_panic() {
        let folder = folder();
        let text = "component = \"quakes.wasm\"\r\nname = 'ü'\n[config]\na.b = [1, {c = 2.5}]\n[limits]\nfuel = 0x7\n\
                    [grants]\nhttp = [\"*.a.org\"]\n[supervision]\nwithin = \"1m\"";
        for (at, c) in text.char_indices() {
            let (before, after) = (&text[..at], &text[at + c.len_utf8()..]);
            for put in ["", "\"", "ü", "\n", "\0", "[", "=", ".", "9", "{"] {
                let _ = parse(&folder, &format!("{before}{put}{after}")).map_err(|fault| fault.to_string());
            }
            let _ = parse(&folder, before).map_err(|fault| fault.to_string());
        }
    }

    #[test]
    fn what_nests_too_deep_is_a_fault_and_no_overflow() {
        let (open, close) = ("[".repeat(10_000), "]".repeat(10_000));
        let keys = "a.".repeat(100_000);
        for text in [
            format!("config.a = {open}1{close}"),
            format!("config.{keys}a = 1"),
            format!("[config.{keys}a]\nb = 1"),
        ] {
            let fault =
                Manifest::parse(&format!("component = \"quakes.wasm\"\n{text}"), "actor.toml").unwrap_err();
            assert!(
                ["recursion limit", "max recursion depth"].iter().any(|what| fault.what().contains(what))
            );
        }
    }
}
