//! What each core module has, counted in its bytes before anything is compiled: functions, globals, tables, memory.
//!
//! Imported ones count as much as its own. Whatever cannot be read is named when it is compiled.

use wasmparser::{Encoding, Parser, Payload, TypeRef};

/// Bytes of a page of linear memory; other page sizes are not enabled.
pub const PAGE: u64 = 64 << 10;

/// A core module that has more from the start than a limit allows.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("it needs {needs} from the start, the limit `{limit}` is {allowed}")]
pub struct TooMuch {
    /// The limit.
    pub limit: &'static str,
    /// What it has.
    pub needs: u64,
    /// What it may have.
    pub allowed: u64,
}

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

/// Holds each core module in these bytes to limits, by their names: the module itself, or all that are in a component.
///
/// # Errors
/// [`TooMuch`] for the first limit that one goes beyond.
pub fn check_counts(bytes: &[u8], limit: &dyn Fn(&str) -> u64) -> Result<(), TooMuch> {
    let mut nest: Vec<Option<Counts>> = Vec::new();
    for payload in Parser::new(0).parse_all(bytes) {
        let Ok(payload) = payload else { return Ok(()) };
        match payload {
            Payload::Version { encoding, .. } => {
                nest.push((encoding == Encoding::Module).then(Counts::default));
            }
            Payload::End(_) => {
                if let Some(Some(counts)) = nest.pop() {
                    counts.check(limit)?;
                }
            }
            payload => {
                let added = nest.last_mut().and_then(Option::as_mut).map(|counts| counts.add(payload));
                if let Some(Err(_)) = added {
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

    fn check(&self, limit: &dyn Fn(&str) -> u64) -> Result<(), TooMuch> {
        for (name, needs) in [
            ("functions", self.functions),
            ("globals", self.globals),
            ("tables", self.tables),
            ("memory", self.memory),
            ("table", self.table),
        ] {
            let allowed = limit(name);
            if needs > allowed {
                return Err(TooMuch { limit: name, needs, allowed });
            }
        }
        Ok(())
    }
}
