//! What each core module has, counted in its bytes before anything is compiled: functions, globals, tables, memory.
//!
//! Imported ones count as much as its own. Whatever cannot be read is named when it is compiled.

use wasmparser::{Encoding, Parser, Payload, TypeRef};

use crate::Limits;
use crate::limits::NONE;
use crate::load::LoadError;
use crate::needs::{self, PAGE};

/// What one core module has.
#[derive(Debug, Default)]
struct Counts {
    functions: u64,
    globals: u64,
    tables: u64,
    /// Bytes of memory from the start.
    memory: u64,
    /// Elements of tables from the start.
    table: u64,
}

/// Holds each core module in these bytes to the limits: the module itself, or all that are in a component.
///
/// # Errors
/// [`LoadError::Needs`] for the first limit that one goes beyond.
pub(crate) fn check(bytes: &[u8], limits: &Limits) -> Result<(), LoadError> {
    let is_module = Parser::is_core_wasm(bytes);
    if !is_module && [limits.functions, limits.globals, limits.tables].iter().all(|limit| *limit == NONE) {
        return Ok(());
    }
    let mut nest: Vec<Option<Counts>> = Vec::new();
    for payload in Parser::new(0).parse_all(bytes) {
        let Ok(payload) = payload else { return Ok(()) };
        match payload {
            Payload::Version { encoding, .. } => {
                nest.push((encoding == Encoding::Module).then(Counts::default));
            }
            Payload::End(_) => {
                if let Some(Some(counts)) = nest.pop() {
                    counts.check(limits)?;
                }
            }
            payload => {
                if let Some(Some(counts)) = nest.last_mut()
                    && counts.add(payload).is_err()
                {
                    return Ok(());
                }
            }
        }
    }
    Ok(())
}

impl Counts {
    fn add(&mut self, payload: Payload<'_>) -> wasmparser::Result<()> {
        match payload {
            Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    match import?.ty {
                        TypeRef::Func(_) | TypeRef::FuncExact(_) => self.functions += 1,
                        TypeRef::Global(_) => self.globals += 1,
                        TypeRef::Table(ty) => self.table(ty.initial),
                        TypeRef::Memory(ty) => self.memory(ty.initial),
                        TypeRef::Tag(_) => {}
                    }
                }
            }
            Payload::FunctionSection(section) => self.functions += u64::from(section.count()),
            Payload::GlobalSection(section) => self.globals += u64::from(section.count()),
            Payload::TableSection(section) => {
                for table in section {
                    self.table(table?.ty.initial);
                }
            }
            Payload::MemorySection(section) => {
                for memory in section {
                    self.memory(memory?.initial);
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn table(&mut self, elements: u64) {
        self.tables += 1;
        self.table = self.table.saturating_add(elements);
    }

    fn memory(&mut self, pages: u64) {
        self.memory = self.memory.saturating_add(pages.saturating_mul(PAGE));
    }

    fn check(&self, limits: &Limits) -> Result<(), LoadError> {
        needs::check("functions", self.functions, limits.functions)?;
        needs::check("globals", self.globals, limits.globals)?;
        needs::check("tables", self.tables, limits.tables)?;
        needs::check("memory", self.memory, limits.memory)?;
        needs::check("table", self.table, limits.table)
    }
}
