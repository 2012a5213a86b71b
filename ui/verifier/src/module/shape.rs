//! What a core module has, as far as it decides whether it is a job that every engine runs alike.
//!
//! Deliberately absent: validation, which the browser does. What is refused is said, and is not run.

use troupe_abi::{HostFunction, MEMORY, MODULE, Number, Param, RUN};
use wasmparser::{ExternalKind, FuncType, MemoryType, Operator, Parser, Payload, TypeRef, ValType};

/// What is the matter with a module, beside what a validator says.
pub(super) type Faulty<T> = Result<T, Box<dyn std::error::Error>>;

/// What a module has.
#[derive(Default)]
pub(super) struct Shape {
    pub(super) memory: Option<MemoryType>,
    types: Vec<FuncType>,
    /// The type of each function, by number.
    functions: Vec<u32>,
    /// How many globals it has.
    pub(super) globals: u32,
    pub(super) start: Option<u32>,
    runs: bool,
    exports_memory: bool,
    /// The functions of the host that it imports.
    pub(super) imports: Vec<&'static HostFunction>,
}

impl Shape {
    /// Reads a module that exports none of `reserved`, and hands out its memory beside.
    pub(super) fn of(module: &[u8], reserved: &[&str]) -> Faulty<(Self, MemoryType)> {
        let mut shape = Self::default();
        for payload in Parser::new(0).parse_all(module) {
            shape.read(payload?, reserved)?;
        }
        match shape.memory.take().filter(|_| shape.runs && shape.exports_memory) {
            Some(memory) => Ok((shape, memory)),
            None => {
                Err(format!("it exports no function `{RUN}` that returns an i64, or no memory `{MEMORY}`")
                    .into())
            }
        }
    }

    fn read(&mut self, payload: Payload<'_>, reserved: &[&str]) -> Faulty<()> {
        match payload {
            Payload::TypeSection(section) => {
                self.types = section.into_iter_err_on_gc_types().collect::<Result<_, _>>()?;
            }
            Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    let import = import?;
                    let TypeRef::Func(ty) = import.ty else { return Err(not_run("imports", import.name)) };
                    let function = HostFunction::named(import.name).filter(|_| import.module == MODULE);
                    self.functions.push(ty);
                    let known =
                        |function: &&HostFunction| self.ty(ty).is_some_and(|ty| is_type(function, ty));
                    match function.filter(known) {
                        Some(function) => self.imports.push(function),
                        None => return Err(not_run("imports", import.name)),
                    }
                }
            }
            Payload::FunctionSection(section) => {
                for ty in section {
                    self.functions.push(ty?);
                }
            }
            Payload::MemorySection(section) => {
                for memory in section {
                    let memory = memory?;
                    if memory.memory64
                        || memory.shared
                        || memory.page_size_log2.is_some()
                        || self.memory.is_some()
                    {
                        return Err("it has another memory than one of 32 bits".into());
                    }
                    self.memory = Some(memory);
                }
            }
            Payload::TagSection(_) => return Err("it has exceptions".into()),
            Payload::GlobalSection(section) => self.globals = section.count(),
            Payload::StartSection { func, .. } => self.start = Some(func),
            Payload::ExportSection(section) => {
                for export in section {
                    let export = export?;
                    match (export.name, export.kind) {
                        (RUN, ExternalKind::Func) => {
                            let ty = self.functions.get(export.index as usize).and_then(|ty| self.ty(*ty));
                            self.runs =
                                ty.is_some_and(|ty| ty.params().is_empty() && ty.results() == [ValType::I64]);
                        }
                        (MEMORY, ExternalKind::Memory) => self.exports_memory = true,
                        (name, _) if reserved.contains(&name) => return Err(not_run("exports", name)),
                        _ => {}
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn ty(&self, index: u32) -> Option<&FuncType> {
        self.types.get(index as usize)
    }
}

/// Whether browsers and the sandbox have proposals alike, and both have them.
macro_rules! is_plain {
    (mvp) => {
        true
    };
    (bulk_memory) => {
        true
    };
    (reference_types) => {
        true
    };
    (saturating_float_to_int) => {
        true
    };
    (sign_extension) => {
        true
    };
    (tail_call) => {
        true
    };
    ($other:ident) => {
        false
    };
}

macro_rules! define_is_plain {
    ($(@$proposal:ident $op:ident $({ $($arg:ident: $ty:ty),* })? => $visit:ident ($($ann:tt)*))*) => {
        /// Whether every engine has this instruction, and does the same.
        pub(super) fn is_plain(operator: &Operator<'_>) -> bool {
            match operator {
                $(Operator::$op { .. } => is_plain!($proposal),)*
                _ => false,
            }
        }
    };
}

wasmparser::for_each_visit_operator!(define_is_plain);

fn not_run(what: &str, name: &str) -> Box<dyn std::error::Error> {
    format!("it {what} {name}").into()
}

fn is_type(function: &HostFunction, ty: &FuncType) -> bool {
    let params = function.params.iter().flat_map(|param| match param {
        Param::Amount(_) => &[ValType::I64][..],
        _ => &[ValType::I32, ValType::I32],
    });
    let result = if function.returns == Number::I64 { ValType::I64 } else { ValType::I32 };
    params.eq(ty.params()) && ty.results() == [result]
}
