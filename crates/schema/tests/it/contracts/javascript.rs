//! Through the package `troupe-actor`, in Node.

use std::process::Command;

use troupe_schema::contracts::Language;

use super::{MIXED, NUMBERS, STOCK, has, repository};

const PROGRAM: &str = r"
import { createInterface } from 'node:readline'
const [contracts, sdk] = process.argv.slice(2)
const { schema, messages } = await import(contracts)
const { actor, keep, route } = await import(sdk)

const init = () => null
const handle = () => {}
const each = (schemas) => Object.fromEntries(Object.entries(schemas).map(([name, schema]) => [name, { schema, handle }]))
const made = actor(messages ? { init, schema, messages: each(messages) } : { init, schema, handle })

function decide(part, value) {
  if (part !== 'message') return keep(made.checks[part], value, part)
  const { check, name } = route(made, value, { from: { kind: 'http' } })
  keep(check, name === undefined ? value : value[name], 'message')
}

for await (const line of createInterface({ input: process.stdin, crlfDelay: Infinity })) {
  const at = line.indexOf('\t')
  try {
    decide(line.slice(0, at), JSON.parse(line.slice(at + 1)))
    console.log('ok')
  } catch (error) {
    console.log(JSON.stringify(error.message))
  }
}
";

#[test]
fn javascript_decides_as_the_schema_does() {
    if !has("node") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("decide.mjs");
    std::fs::write(&program, PROGRAM).unwrap();
    for sample in [STOCK, MIXED, NUMBERS] {
        let contracts = folder.path().join(format!("{}.mjs", sample.name));
        std::fs::write(&contracts, sample.code(Language::JavaScript, "js")).unwrap();
        let sdk = repository("sdk/js/src").join("actor.js");
        sample.agrees(Command::new("node").arg(&program).arg(&contracts).arg(sdk));
    }
}
