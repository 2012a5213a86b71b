//! Contracts as source code: in each language they decide as the schemas do.

mod c;
mod javascript;
mod python;
mod refused;
mod rust;

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::Value;
use troupe_schema::contracts::{Language, contracts};
use troupe_schema::generate::{Random, fitting, mutated};
use troupe_schema::{Description, PARTS, Schema};

/// A description, and where its file is.
struct Sample {
    name: &'static str,
    text: &'static str,
}

const STOCK: Sample =
    Sample { name: "stock", text: include_str!("../../../../../sdk/stock/stock.schema.json") };
/// Most of what there is code for.
const MIXED: Sample = Sample { name: "mixed", text: include_str!("mixed.schema.json") };
/// Numbers with fractions and limits, which C has no code for.
const NUMBERS: Sample = Sample {
    name: "numbers",
    text: r#"{"message": {"type": "number", "minimum": -1.5, "maximum": 2.5}, "state": {"type": "object",
        "required": ["rate"], "additionalProperties": false, "properties": {"rate": {"type": "number", "minimum": 0}}},
        "config": {"type": ["object", "null"], "additionalProperties": false, "properties": {}}}"#,
};

/// A part of a description with a value, and whether its schema takes it.
struct Case {
    part: &'static str,
    value: Value,
    fits: bool,
}

impl Sample {
    fn code(&self, language: Language, short: &str) -> String {
        let made = format!("troupe schema contracts {}.schema.json --lang {short}", self.name);
        contracts(self.text, language, &made).unwrap()
    }

    /// Values that fit, or nearly do.
    fn cases(&self) -> Vec<Case> {
        let Description { message, state, config, reply } = Description::parse(self.text).unwrap();
        let mut random = Random::new(7);
        let mut cases = Vec::new();
        for (part, schema) in PARTS.into_iter().zip([message, state, config, reply]) {
            let Some(schema) = schema else { continue };
            for _ in 0..300 {
                let value = fitting(&schema, &mut random);
                let other = mutated(&value, &mut random);
                let another = mutated(&other, &mut random);
                cases.extend([value, other, another].map(|value| case(part, &schema, value)));
            }
        }
        for part in ["message", "state"] {
            let fits = cases.iter().filter(|case| case.part == part && case.fits).count();
            assert!(fits > 100, "{}: {fits} values fit {part}", self.name);
        }
        assert!(cases.iter().filter(|case| !case.fits).count() > 300, "{}: too much fits", self.name);
        cases
    }

    /// Holds what a program decides against what the schemas say. It reads a part, a tab and a value on each line, and
    /// writes `ok` or a reason on one.
    fn agrees(&self, program: &mut Command) {
        let cases = self.cases();
        let mut input = String::new();
        for Case { part, value, .. } in &cases {
            writeln!(input, "{part}\t{value}").unwrap();
        }
        let mut child = program.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let writing = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
        let output = child.wait_with_output().unwrap();
        let _ = writing.join().unwrap();
        assert!(output.status.success(), "{program:?} ended with {}", output.status);
        let output = String::from_utf8(output.stdout).unwrap();
        let lines: Vec<&str> = output.lines().collect();
        assert_eq!(lines.len(), cases.len(), "{}: lines", self.name);
        self.compare(
            &cases,
            lines.iter().map(|line| if *line == "ok" { Ok(()) } else { Err((*line).to_owned()) }),
        );
    }

    fn compare(&self, cases: &[Case], decided: impl Iterator<Item = Result<(), String>>) {
        for (Case { part, value, fits }, decided) in cases.iter().zip(decided) {
            assert_eq!(decided.is_ok(), *fits, "{}: {part} {value}: {decided:?}", self.name);
        }
    }
}

fn case(part: &'static str, schema: &Schema, value: Value) -> Case {
    let fits = schema.accepts(&value);
    Case { part, value, fits }
}

/// A folder of this repository.
fn repository(folder: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..").join(folder).canonicalize().unwrap()
}

/// Whether a program is there; says so if not.
fn has(program: &str) -> bool {
    let found = Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    let found = found.is_ok_and(|status| status.success());
    if !found {
        eprintln!("NOT TESTED: there is no {program}");
    }
    found
}
