//! `actor.toml`: what an actor is begun with, and what is done when it fails.
//!
//! Invariant: paths are relative to the folder of the file, and what they lead to is there.

use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use toml::de::{DeTable, DeValue};
use troupe_chain::{Files, Hash, Text};
use troupe_chain::{OnFailure, Supervision};
use troupe_component::{Limits, MAX_FILE_BYTES, MAX_FILES};

use crate::config::canonical_json;
use crate::fault::{Fault, Source, unknown};
use crate::grant::{
    args_grant, commons_grant, env_grant, file_grant, granted_together, http_grant, principal_grant,
};
use crate::name::Name;
use crate::section::{At, Section, bounded, parse, read, type_of};

/// The largest file that a `config-file` may be.
const MAX_CONFIG: u64 = 16 << 20;
/// The most hosts that an actor may be granted.
const MAX_GRANTS: usize = 256;
/// The largest number of failures or restarts that can be asked for.
const MAX_COUNT: u64 = 1_000;
/// The longest time that failures are counted over, and the longest wait.
const MAX_WAIT: Duration = Duration::from_hours(24 * 30);

/// The keys of a manifest.
pub(crate) const KEYS: &[&str] =
    &["build", "component", "config", "config-file", "grants", "limits", "name", "supervision"];
const BUILD_KEYS: &[&str] = &["command", "lang"];
const SUPERVISION_KEYS: &[&str] =
    &["backoff", "failures", "max-backoff", "max-restarts", "on-failure", "within"];

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

/// What a table `grants` says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Granted {
    /// The grants in ascending order, as genesis lists them.
    pub grants: Vec<Text>,
    /// The bytes of the files among them.
    pub files: Files,
}

/// Reads `grants`, and the files that it names.
///
/// # Errors
/// A [`Fault`] with its place.
pub fn grants(section: &Section<'_>) -> Result<Granted, Fault> {
    let Some(granted) =
        section.section("grants", &["http", "files", "env", "args", "commons", "commons-for"])?
    else {
        return Ok(Granted::default());
    };
    let mut grants = Vec::new();
    for At { value, span } in granted.texts("http", MAX_GRANTS)? {
        let grant = http_grant(value)
            .map_err(|what| section.source.fault(span.clone(), format_args!("`http`: {what}")))?;
        if grants.contains(&grant) {
            let what = format_args!("`http`: {value:?} is the same as another: {grant}");
            return Err(section.source.fault(span, what));
        }
        grants.push(grant);
    }
    for (name, At { value, span }) in granted.text_table("env", MAX_GRANTS)? {
        let grant = env_grant(name, value)
            .map_err(|what| section.source.fault(span, format_args!("`env.{name}`: {what}")))?;
        grants.push(grant);
    }
    let args: Vec<_> = granted.any_texts("args", MAX_GRANTS)?.into_iter().map(|at| at.value).collect();
    if !args.is_empty() {
        let grant = args_grant(&args)
            .map_err(|what| section.source.fault(granted.key_span("args"), format_args!("`args`: {what}")))?;
        grants.push(grant);
    }
    for At { value, span } in granted.texts("commons", MAX_GRANTS)? {
        let grant = commons_grant(value)
            .map_err(|what| section.source.fault(span.clone(), format_args!("`commons`: {what}")))?;
        grants.push(grant);
    }
    if let Some(At { value, span }) = granted.text("commons-for")? {
        let grant = principal_grant(value)
            .map_err(|what| section.source.fault(span.clone(), format_args!("`commons-for`: {what}")))?;
        grants.push(grant);
    }
    let files = files(&granted, &mut grants)?;
    grants.sort();
    Ok(Granted { grants, files })
}

/// Reads `files`: local files by the paths under which the actor finds them.
fn files(granted: &Section<'_>, grants: &mut Vec<Text>) -> Result<Files, Fault> {
    let (mut files, mut room) = (Files::new(), MAX_FILE_BYTES);
    for (path, At { value, span }) in granted.text_table("files", MAX_FILES)? {
        let fault = |what: String| granted.source.fault(span.clone(), format_args!("`files`: {what}"));
        let local = granted.resolve(value);
        let bytes = bounded(&local, room).map_err(|reason| fault(format!("{} {reason}", local.display())))?;
        room -= bytes.len() as u64;
        let name = Hash::of(&bytes);
        grants.push(file_grant(&name, path).map_err(&fault)?);
        granted_together(grants).map_err(&fault)?;
        files.insert(name, bytes.into());
    }
    Ok(files)
}

fn supervision(section: &Section<'_>) -> Result<Supervision, Fault> {
    let mut supervision = Supervision::default();
    let Some(table) = section.section("supervision", SUPERVISION_KEYS)? else { return Ok(supervision) };
    let names: Vec<_> = OnFailure::ALL.iter().map(|one| one.as_str()).collect();
    let on_failure = |text: &str| OnFailure::parse(text).ok_or_else(|| unknown("action", text, &names));
    if let Some(at) = table.read("on-failure", on_failure)? {
        supervision.on_failure = at.value;
    }
    let count = |key: &str, min: u64| table.number(key, (min, MAX_COUNT));
    supervision.failures = count("failures", 1)?.unwrap_or(supervision.failures);
    supervision.max_restarts = count("max-restarts", 0)?.unwrap_or(supervision.max_restarts);
    let within = table.read("within", |text| wait(text, 1))?;
    supervision.within = within.map_or(supervision.within, |at| at.value);
    let backoff = table.read("backoff", |text| wait(text, 0))?;
    let max_backoff = table.read("max-backoff", |text| wait(text, 0))?;
    supervision.backoff = backoff.as_ref().map_or(supervision.backoff, |at| at.value);
    supervision.max_backoff = max_backoff.as_ref().map_or(supervision.max_backoff, |at| at.value);
    if supervision.backoff > supervision.max_backoff {
        let time = |ms| humantime::format_duration(Duration::from_millis(ms));
        let what = format_args!(
            "`backoff` of {} is longer than `max-backoff` of {}",
            time(supervision.backoff),
            time(supervision.max_backoff)
        );
        return Err(match max_backoff.or(backoff) {
            Some(at) => table.source.fault(at.span, what),
            None => table.fault(what),
        });
    }
    Ok(supervision)
}

/// A duration in milliseconds.
fn wait(text: &str, min: u64) -> Result<u64, String> {
    let duration = crate::units::duration(text)?;
    let ms = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    if ms < min || duration > MAX_WAIT {
        let longest = humantime::format_duration(MAX_WAIT);
        return Err(format!("expected a duration from {min}ms to {longest}"));
    }
    Ok(ms)
}

#[cfg(test)]
mod tests {
    use std::fs;

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
