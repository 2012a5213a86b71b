//! A core module with the bounds of its chain written into it, for an engine that has no way to set them.
//!
//! Browsers let a module grow its memory as far as the module itself says, and tell nobody. So the memory gets the lower
//! maximum of the module's and of the chain's, and each `memory.grow` notes in globals of its own whether the chain's limit
//! denied it, and whether it came to nothing although it was allowed. A start function becomes an export, so that it runs
//! when the exports that the host needs are there. Names of functions and other custom sections are left out.

use std::ops::Range;

use troupe_abi::HostFunction;
use wasmparser::{BinaryReader, FunctionBody, Operator, Parser, Payload};

use super::shape::{Faulty, Shape, is_plain};

/// The exports that are added: an i32 that is not 0 once a growth was denied by the limit, or failed within it; and what
/// was the start function.
const ADDED: [&str; 3] = ["troupe:denied", "troupe:exhausted", "troupe:start"];
/// What a page of linear memory holds.
const PAGE: u64 = 64 << 10;

// As the binary format has them: types, sections, kinds of exports, instructions.
const I32: u8 = 0x7f;
const I64: u8 = 0x7e;
const MEMORIES: u8 = 5;
const GLOBALS: u8 = 6;
const EXPORTS: u8 = 7;
const CODE: u8 = 10;
const DATA: u8 = 11;
const FUNCTION: u8 = 0;
const GLOBAL: u8 = 3;
const END: u8 = 0x0b;
const GET: u8 = 0x23;
const SET: u8 = 0x24;
const SIZE: u8 = 0x3f;
const GROW: u8 = 0x40;
const CONST_I32: u8 = 0x41;
const CONST_I64: u8 = 0x42;
const EQ_I32: u8 = 0x46;
const GT_U_I64: u8 = 0x56;
const LE_U_I64: u8 = 0x58;
const AND: u8 = 0x71;
const OR: u8 = 0x72;
const ADD_I64: u8 = 0x7c;
const EXTEND_U: u8 = 0xad;

/// A module that is ready to be run.
#[derive(Debug)]
pub(crate) struct Bounded {
    /// Its bytes.
    pub(crate) bytes: Vec<u8>,
    /// The functions of the host that it imports.
    pub(crate) imports: Vec<&'static HostFunction>,
}

/// Writes a limit of so many bytes of memory into a module that runs as a job.
///
/// # Errors
/// Why it is not run here.
pub(crate) fn bound(module: &[u8], memory: u64) -> Result<Bounded, String> {
    let limit = memory / PAGE;
    let (shape, memory) = Shape::of(module, &ADDED).map_err(|error| error.to_string())?;
    let pages = memory.maximum.map_or(limit, |maximum| maximum.min(limit));
    if memory.initial > pages {
        return Err("it needs more memory from the start than its limit".to_owned());
    }
    let bounds = Bounds { limit, pages, globals: shape.globals, start: shape.start };
    let bytes = bounds.written(module, memory.initial).map_err(|error| error.to_string())?;
    Ok(Bounded { bytes, imports: shape.imports })
}

/// What is written into a module.
struct Bounds {
    /// The most pages of memory by the chain's limit.
    limit: u64,
    /// The same by the module, too.
    pages: u64,
    /// How many globals it has: those that are added come next.
    globals: u32,
    start: Option<u32>,
}

impl Bounds {
    fn written(&self, module: &[u8], initial: u64) -> Faulty<Vec<u8>> {
        let mut written = b"\0asm\x01\0\0\0".to_vec();
        let (mut bodies, mut has_globals) = (Vec::new(), false);
        for payload in Parser::new(0).parse_all(module) {
            let payload = payload?;
            let section = payload.as_section().map(|(id, range)| (id, slice(module, range)));
            match payload {
                Payload::MemorySection(_) => {
                    let mut content = vec![1, 1];
                    content.extend(unsigned(initial));
                    content.extend(unsigned(self.pages));
                    add_section(&mut written, MEMORIES, &content);
                }
                Payload::GlobalSection(_) => {
                    has_globals = true;
                    let (_, content) = section.unwrap_or_default();
                    add_section(&mut written, GLOBALS, &self.globals(content)?);
                }
                Payload::ExportSection(_) => {
                    if !has_globals {
                        add_section(&mut written, GLOBALS, &self.globals(&[0])?);
                    }
                    let (_, content) = section.unwrap_or_default();
                    add_section(&mut written, EXPORTS, &self.exports(content)?);
                }
                Payload::CodeSectionStart { .. } => {}
                Payload::CodeSectionEntry(body) => {
                    let body = self.body(module, &body)?;
                    bodies.push(body);
                    continue;
                }
                Payload::StartSection { .. } | Payload::CustomSection(_) => {}
                _ => {
                    if let Some((id, content)) = section {
                        if id == DATA {
                            add_code(&mut written, &mut bodies);
                        }
                        add_section(&mut written, id, content);
                    }
                }
            }
        }
        add_code(&mut written, &mut bodies);
        Ok(written)
    }

    /// Globals with those that are added: what is asked for, what it would be, denied, exhausted.
    fn globals(&self, content: &[u8]) -> Faulty<Vec<u8>> {
        let (count, rest) = counted(content)?;
        let mut globals = unsigned(u64::from(count) + 4);
        globals.extend(rest);
        for (ty, zero) in [(I32, CONST_I32), (I64, CONST_I64), (I32, CONST_I32), (I32, CONST_I32)] {
            globals.extend([ty, 1, zero, 0, END]);
        }
        Ok(globals)
    }

    fn exports(&self, content: &[u8]) -> Faulty<Vec<u8>> {
        let (count, rest) = counted(content)?;
        let mut added = vec![(ADDED[0], GLOBAL, self.globals + 2), (ADDED[1], GLOBAL, self.globals + 3)];
        added.extend(self.start.map(|start| (ADDED[2], FUNCTION, start)));
        let mut exports = unsigned(u64::from(count) + added.len() as u64);
        exports.extend(rest);
        for (name, kind, index) in added {
            exports.extend(unsigned(name.len() as u64));
            exports.extend(name.as_bytes());
            exports.push(kind);
            exports.extend(unsigned(index.into()));
        }
        Ok(exports)
    }

    /// A function's body, in which each growth of memory notes how it went.
    fn body(&self, module: &[u8], body: &FunctionBody<'_>) -> Faulty<Vec<u8>> {
        let (mut written, mut from) = (Vec::new(), body.range().start);
        let mut operators = body.get_operators_reader()?;
        while !operators.eof() {
            let (operator, at) = operators.read_with_offset()?;
            match operator {
                Operator::MemoryGrow { .. } => {
                    written.extend(slice(module, from..at));
                    written.extend(self.growth());
                    from = operators.original_position();
                }
                Operator::TableGrow { .. } => return Err("it grows a table".into()),
                operator if !is_plain(&operator) => return Err(format!("it has {operator:?}").into()),
                _ => {}
            }
        }
        written.extend(slice(module, from..body.range().end));
        Ok(written)
    }

    /// `memory.grow`, and what is noted of it.
    fn growth(&self) -> Vec<u8> {
        let [by, wanted, denied, exhausted] = [0, 1, 2, 3].map(|n| unsigned((self.globals + n).into()));
        let get = |global: &[u8]| [&[GET][..], global].concat();
        let set = |global: &[u8]| [&[SET][..], global].concat();
        let pages = |count: u64| [&[CONST_I64][..], &signed(count)].concat();
        [
            set(&by),
            // What it would be: as 64 bits, so that nothing overflows.
            [get(&by), vec![EXTEND_U, SIZE, 0, EXTEND_U, ADD_I64], set(&wanted)].concat(),
            [get(&wanted), pages(self.limit), vec![GT_U_I64], get(&denied), vec![OR], set(&denied)].concat(),
            [get(&by), vec![GROW, 0], set(&by)].concat(),
            // -1 although it was allowed: that is this machine's doing.
            [get(&by), vec![CONST_I32, 0x7f, EQ_I32], get(&wanted), pages(self.pages), vec![LE_U_I64, AND]]
                .concat(),
            [get(&exhausted), vec![OR], set(&exhausted), get(&by)].concat(),
        ]
        .concat()
    }
}

fn slice(module: &[u8], range: Range<usize>) -> &[u8] {
    module.get(range).unwrap_or_default()
}

fn add_section(written: &mut Vec<u8>, id: u8, content: &[u8]) {
    written.push(id);
    written.extend(unsigned(content.len() as u64));
    written.extend(content);
}

/// Adds the code that was gathered: data comes behind it.
fn add_code(written: &mut Vec<u8>, bodies: &mut Vec<Vec<u8>>) {
    if bodies.is_empty() {
        return;
    }
    let mut content = unsigned(bodies.len() as u64);
    for body in bodies.drain(..) {
        content.extend(unsigned(body.len() as u64));
        content.extend(body);
    }
    add_section(written, CODE, &content);
}

/// How many items a section says it has, and the rest of it.
fn counted(content: &[u8]) -> Faulty<(u32, &[u8])> {
    let mut reader = BinaryReader::new(content, 0);
    let count = reader.read_var_u32()?;
    Ok((count, content.get(reader.original_position()..).unwrap_or_default()))
}

/// LEB128 of a number without a sign.
fn unsigned(mut number: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let [low, ..] = (number & 0x7f).to_le_bytes();
        number >>= 7;
        if number == 0 {
            bytes.push(low);
            return bytes;
        }
        bytes.push(low | 0x80);
    }
}

/// LEB128 of an i64 that is not negative: it ends where the sign's bit is 0.
fn signed(number: u64) -> Vec<u8> {
    let mut bytes = unsigned(number);
    if let Some(last) = bytes.last_mut().filter(|last| **last & 0x40 != 0) {
        *last |= 0x80;
        bytes.push(0);
    }
    bytes
}

#[cfg(test)]
mod tests {
    use wasmparser::MemoryType;

    use super::*;

    const RUN_AND_MEMORY: &str =
        "(memory (export \"memory\") 1) (func (export \"run\") (result i64) (i64.const 0))";

    fn bounded(fields: &str, limit: u64) -> Result<Bounded, String> {
        bound(&wat::parse_str(format!("(module {fields})")).expect("text"), limit)
    }

    /// The one memory that a module has, and the names of its exports.
    fn shape(bytes: &[u8]) -> (MemoryType, Vec<String>) {
        wasmparser::validate(bytes).expect("it is valid");
        let (mut memory, mut exports) = (None, Vec::new());
        for payload in Parser::new(0).parse_all(bytes) {
            match payload.expect("it was validated") {
                Payload::MemorySection(section) => memory = section.into_iter().next(),
                Payload::ExportSection(section) => {
                    exports.extend(section.into_iter().flatten().map(|export| export.name.to_owned()));
                }
                Payload::StartSection { .. } => panic!("it starts by itself"),
                _ => {}
            }
        }
        (memory.expect("a memory").expect("it was validated"), exports)
    }

    #[test]
    fn a_memory_gets_the_lower_maximum_and_a_start_function_is_exported() {
        let all = "(import \"icn\" \"host_account_spend_mana\" (func (param i32 i32 i64) (result i32)))
            (memory (export \"memory\") 1 MAX) (global i32 (i32.const 7)) (data (i32.const 0) \"data\")
            (func $start (local i64) (drop (memory.grow (memory.grow (i32.const 1))))) (start $start)
            (func (export \"run\") (result i64)
              (block (drop (memory.grow (i32.const 1))) (br 0) (drop (memory.grow (i32.const 2)))) (i64.const 0))";
        for (declared, limit, pages) in [("", 3, 3), ("9", 3, 3), ("2", 3, 2), ("", 64, 64)] {
            let made = bounded(&all.replace("MAX", declared), limit * PAGE).expect("it is bounded");
            let (memory, exports) = shape(&made.bytes);
            assert_eq!((memory.initial, memory.maximum), (1, Some(pages)));
            assert_eq!(exports, ["memory", "run", "troupe:denied", "troupe:exhausted", "troupe:start"]);
            assert_eq!(made.imports.len(), 1);
        }
        let (_, exports) = shape(&bounded(RUN_AND_MEMORY, PAGE).expect("it is bounded").bytes);
        assert_eq!(exports, ["memory", "run", "troupe:denied", "troupe:exhausted"]);
    }

    #[test]
    fn what_is_no_job_or_would_not_run_everywhere_alike_is_refused() {
        let no_memory = "(func (export \"run\") (result i64) (i64.const 0))";
        let no_run = "(memory (export \"memory\") 1)";
        for (fields, says) in [
            (no_run, "exports no function `run`"),
            (no_memory, "no memory `memory`"),
            (&format!("(memory 1) {no_memory}"), "no memory `memory`"),
            (&format!("{no_run} (func (export \"run\"))"), "exports no function `run`"),
            (&format!("(memory (export \"memory\") 2) {no_memory}"), "more memory"),
            (&format!("(memory (export \"memory\") i64 1) {no_memory}"), "another memory"),
            (&format!("{no_run} (memory 1) {no_memory}"), "another memory"),
            (&format!("(import \"icn\" \"memory\" (memory 1)) {no_memory}"), "imports memory"),
            (
                "(import \"env\" \"host_take_input\" (func (param i32 i32) (result i32)))",
                "imports host_take_input",
            ),
            (
                "(import \"icn\" \"host_take_input\" (func (param i64 i32) (result i32)))",
                "imports host_take_input",
            ),
            ("(import \"icn\" \"host_nothing\" (func (param i32 i32) (result i32)))", "imports host_nothing"),
            (
                &format!(
                    "{RUN_AND_MEMORY} (table 1 funcref) (func (drop (table.grow (ref.null func) (i32.const 1))))"
                ),
                "grows a table",
            ),
            (&format!("{RUN_AND_MEMORY} (func (drop (i32.atomic.load (i32.const 0))))"), "I32AtomicLoad"),
            (&format!("{RUN_AND_MEMORY} (func (export \"troupe:denied\"))"), "exports troupe:denied"),
            (&format!("{RUN_AND_MEMORY} (tag)"), "exceptions"),
        ] {
            let refused = bounded(fields, PAGE).expect_err(fields);
            assert!(refused.contains(says), "{fields}: {refused}");
        }
        assert!(bound(b"\0asm", PAGE).is_err());
    }
}
