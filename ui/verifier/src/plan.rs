//! How a browser starts a component: browsers know core modules only, so this reads the rest and says, in order, what is
//! to be instantiated with what, and which core function lies behind each function of an export.
//!
//! It reads what toolchains make of one core module for the worlds of actors: modules, instances, aliases, functions
//! lifted and lowered with UTF-8 and one memory, and components that only hand functions on. Anything else is said, and
//! is not run; so is an import beyond `runtime` and `types`. The plan is JSON. Deliberately absent: types. The page knows
//! those of its worlds, and whoever began the actor has compared them.

use std::collections::BTreeMap;

use wasmparser::{
    CanonicalFunction, CanonicalOption, ComponentAlias, ComponentExternalKind, ComponentInstance,
    ComponentTypeRef, ExternalKind, Instance, Parser, Payload,
};

use crate::answer::Refusal;

/// The interfaces that the page answers.
const INTERFACES: [&str; 2] = ["ntwk:simple-actor/runtime", "troupe:actor/runtime@0.1.0"];
/// Interfaces of types alone.
const TYPES: [&str; 2] = ["ntwk:simple-actor/types", "troupe:actor/types@0.1.0"];

/// The plan as an operation's answer.
pub(crate) fn plan(component: &[u8]) -> Result<String, Refusal> {
    plan_of(component).map_err(Refusal::unknown)
}

/// The plan for a component; or why there is none.
pub(crate) fn plan_of(component: &[u8]) -> Result<String, String> {
    let mut reader = Reader::default();
    reader.read(component)?;
    Ok(reader.written())
}

/// A core function, as JSON.
type CoreFunction = String;

/// What a component function is.
#[derive(Clone)]
enum Function {
    /// Of an interface that is imported.
    Imported { interface: String, name: String },
    /// A core function of this component: JSON.
    Lifted(String),
}

/// What a component instance has.
#[derive(Clone, Default)]
struct Functions {
    /// The interface, if it is imported.
    interface: Option<String>,
    named: BTreeMap<String, Function>,
}

#[derive(Default)]
struct Reader {
    modules: Vec<String>,
    steps: Vec<String>,
    core_functions: Vec<CoreFunction>,
    core_others: BTreeMap<&'static str, Vec<String>>,
    functions: Vec<Function>,
    instances: Vec<Functions>,
    /// Of each nested component: what its exports are called among what it is given.
    components: Vec<BTreeMap<String, String>>,
    exports: BTreeMap<String, BTreeMap<String, String>>,
}

fn refused(what: impl std::fmt::Display) -> String {
    format!("{what}: use `troupe verify`")
}

impl Reader {
    fn read(&mut self, bytes: &[u8]) -> Result<(), String> {
        let mut within = 0_usize;
        for payload in Parser::new(0).parse_all(bytes) {
            let payload = payload.map_err(|error| format!("not a component: {error}"))?;
            match payload {
                Payload::End(_) => within = within.saturating_sub(1),
                Payload::ModuleSection { unchecked_range, .. } => {
                    if within == 0 {
                        self.modules.push(format!("[{},{}]", unchecked_range.start, unchecked_range.end));
                    }
                    within += 1;
                }
                Payload::ComponentSection { unchecked_range, .. } => {
                    if within == 0 {
                        let nested =
                            bytes.get(unchecked_range.start..unchecked_range.end).unwrap_or_default();
                        self.components.push(handed_on(nested)?);
                    }
                    within += 1;
                }
                _ if within > 0 => {}
                payload => self.section(payload)?,
            }
        }
        Ok(())
    }

    fn section(&mut self, payload: Payload<'_>) -> Result<(), String> {
        let bad = |error: wasmparser::BinaryReaderError| format!("not a component: {error}");
        match payload {
            Payload::ComponentImportSection(section) => {
                for import in section {
                    let import = import.map_err(bad)?;
                    self.import(import.name.name, import.ty)?;
                }
            }
            Payload::InstanceSection(section) => {
                for instance in section {
                    let step = self.core_instance(&instance.map_err(bad)?)?;
                    self.steps.push(step);
                }
            }
            Payload::ComponentAliasSection(section) => {
                for alias in section {
                    self.alias(alias.map_err(bad)?)?;
                }
            }
            Payload::ComponentCanonicalSection(section) => {
                for function in section {
                    self.canonical(function.map_err(bad)?)?;
                }
            }
            Payload::ComponentInstanceSection(section) => {
                for instance in section {
                    let functions = self.instance(instance.map_err(bad)?)?;
                    self.instances.push(functions);
                }
            }
            Payload::ComponentExportSection(section) => {
                for export in section {
                    let export = export.map_err(bad)?;
                    self.export(export.name.name, export.kind, export.index)?;
                }
            }
            Payload::ComponentStartSection { .. } => return Err(refused("it has a start function")),
            _ => {}
        }
        Ok(())
    }

    fn import(&mut self, name: &str, ty: ComponentTypeRef) -> Result<(), String> {
        if !matches!(ty, ComponentTypeRef::Instance(_))
            || !(INTERFACES.contains(&name) || TYPES.contains(&name))
        {
            return Err(refused(format!("it imports {name}")));
        }
        self.instances.push(Functions { interface: Some(name.to_owned()), named: BTreeMap::new() });
        Ok(())
    }

    fn core_instance(&self, instance: &Instance<'_>) -> Result<String, String> {
        match instance {
            Instance::Instantiate { module_index, args } => {
                let args = args.iter().map(|arg| format!("{}:{}", quoted(arg.name), arg.index));
                let args: Vec<_> = args.collect();
                Ok(format!("{{\"module\":{module_index},\"with\":{{{}}}}}", args.join(",")))
            }
            Instance::FromExports(exports) => {
                let mut items = Vec::new();
                for export in exports.iter() {
                    let item = match export.kind {
                        ExternalKind::Func => get(&self.core_functions, export.index)?,
                        kind => get(
                            self.core_others.get(kind_name(kind)?).map_or(&[][..], |list| list),
                            export.index,
                        )?,
                    };
                    items.push(format!("{}:{item}", quoted(export.name)));
                }
                Ok(format!("{{\"exports\":{{{}}}}}", items.join(",")))
            }
        }
    }

    fn alias(&mut self, alias: ComponentAlias<'_>) -> Result<(), String> {
        match alias {
            ComponentAlias::CoreInstanceExport { kind, instance_index, name } => {
                let item = format!("{{\"of\":{instance_index},\"name\":{}}}", quoted(name));
                match kind {
                    ExternalKind::Func => self.core_functions.push(item),
                    kind => self.core_others.entry(kind_name(kind)?).or_default().push(item),
                }
            }
            ComponentAlias::InstanceExport { kind: ComponentExternalKind::Func, instance_index, name } => {
                let instance = get(&self.instances, instance_index)?;
                let function = match (&instance.interface, instance.named.get(name)) {
                    (_, Some(function)) => function.clone(),
                    (Some(interface), None) => {
                        Function::Imported { interface: interface.clone(), name: name.to_owned() }
                    }
                    (None, None) => return Err(refused(format!("an instance has no function {name}"))),
                };
                self.functions.push(function);
            }
            ComponentAlias::InstanceExport { kind: ComponentExternalKind::Type, .. }
            | ComponentAlias::Outer { .. } => {}
            ComponentAlias::InstanceExport { name, .. } => {
                return Err(refused(format!("it takes {name} apart")));
            }
        }
        Ok(())
    }

    fn canonical(&mut self, function: CanonicalFunction) -> Result<(), String> {
        match function {
            CanonicalFunction::Lift { core_func_index, options, .. } => {
                let core = get(&self.core_functions, core_func_index)?.clone();
                let options = self.options(&options)?;
                self.functions.push(Function::Lifted(format!("{{\"core\":{core}{options}}}")));
            }
            CanonicalFunction::Lower { func_index, options } => {
                let options = self.options(&options)?;
                let Function::Imported { interface, name } = get(&self.functions, func_index)? else {
                    return Err(refused("it calls a function of its own through its interface"));
                };
                let (interface, name) = (quoted(interface), quoted(name));
                self.core_functions.push(format!("{{\"lower\":{name},\"interface\":{interface}{options}}}"));
            }
            _ => return Err(refused("it uses resources or asynchronous functions")),
        }
        Ok(())
    }

    fn options(&self, options: &[CanonicalOption]) -> Result<String, String> {
        let mut written = String::new();
        for option in options {
            let (name, item) = match option {
                CanonicalOption::UTF8 => continue,
                CanonicalOption::Memory(index) => {
                    ("memory", get(self.core_others.get("memory").map_or(&[][..], |list| list), *index)?)
                }
                CanonicalOption::Realloc(index) => ("realloc", get(&self.core_functions, *index)?),
                CanonicalOption::PostReturn(index) => ("after", get(&self.core_functions, *index)?),
                _ => return Err(refused("its functions are lifted in a way that the page does not know")),
            };
            written.push_str(&format!(",\"{name}\":{item}"));
        }
        Ok(written)
    }

    fn instance(&self, instance: ComponentInstance<'_>) -> Result<Functions, String> {
        let mut named = BTreeMap::new();
        match instance {
            ComponentInstance::Instantiate { component_index, args } => {
                let given = |name: &str| {
                    let functions = |kind| matches!(kind, ComponentExternalKind::Func);
                    args.iter().find(|arg| arg.name == name && functions(arg.kind))
                };
                for (export, import) in get(&self.components, component_index)? {
                    let argument = given(import).ok_or_else(|| refused(format!("{import} is not given")))?;
                    named.insert(export.clone(), get(&self.functions, argument.index)?.clone());
                }
            }
            ComponentInstance::FromExports(exports) => {
                for export in exports.iter().filter(|export| export.kind == ComponentExternalKind::Func) {
                    named.insert(export.name.name.to_owned(), get(&self.functions, export.index)?.clone());
                }
            }
        }
        Ok(Functions { interface: None, named })
    }

    fn export(&mut self, name: &str, kind: ComponentExternalKind, index: u32) -> Result<(), String> {
        match kind {
            ComponentExternalKind::Instance => {
                let instance = get(&self.instances, index)?.clone();
                let lifted = instance.named.iter().filter_map(|(name, function)| match function {
                    Function::Lifted(json) => Some((name.clone(), json.clone())),
                    Function::Imported { .. } => None,
                });
                self.exports.insert(name.to_owned(), lifted.collect());
                // An export is a new name for what it exports, with an index of its own.
                self.instances.push(instance);
            }
            ComponentExternalKind::Func => {
                let function = get(&self.functions, index)?.clone();
                self.functions.push(function);
            }
            ComponentExternalKind::Type => {}
            _ => return Err(refused(format!("it exports {name}, which is neither functions nor types"))),
        }
        Ok(())
    }

    fn written(&self) -> String {
        let exports = self.exports.iter().map(|(name, functions)| {
            let functions = functions.iter().map(|(name, json)| format!("{}:{json}", quoted(name)));
            format!("{}:{{{}}}", quoted(name), functions.collect::<Vec<_>>().join(","))
        });
        format!(
            "{{\"modules\":[{}],\"instances\":[{}],\"exports\":{{{}}}}}",
            self.modules.join(","),
            self.steps.join(","),
            exports.collect::<Vec<_>>().join(",")
        )
    }
}

/// Reads a component that only hands functions on: its exports, each with the name of what it was given.
fn handed_on(bytes: &[u8]) -> Result<BTreeMap<String, String>, String> {
    let bad = |error: wasmparser::BinaryReaderError| format!("not a component: {error}");
    let (mut functions, mut exports) = (Vec::new(), BTreeMap::new());
    for payload in Parser::new(0).parse_all(bytes) {
        match payload.map_err(bad)? {
            Payload::ComponentImportSection(section) => {
                for import in section {
                    let import = import.map_err(bad)?;
                    match import.ty {
                        ComponentTypeRef::Func(_) => functions.push(import.name.name.to_owned()),
                        ComponentTypeRef::Type(_) => {}
                        _ => return Err(refused(format!("a part of it imports {}", import.name.name))),
                    }
                }
            }
            Payload::ComponentExportSection(section) => {
                for export in section {
                    let export = export.map_err(bad)?;
                    if export.kind == ComponentExternalKind::Func {
                        let function: String = get(&functions, export.index)?.clone();
                        exports.insert(export.name.name.to_owned(), function.clone());
                        functions.push(function);
                    }
                }
            }
            Payload::ModuleSection { .. }
            | Payload::InstanceSection(_)
            | Payload::ComponentSection { .. }
            | Payload::ComponentInstanceSection(_)
            | Payload::ComponentCanonicalSection(_)
            | Payload::ComponentStartSection { .. } => {
                return Err(refused("it is made of several components"));
            }
            _ => {}
        }
    }
    Ok(exports)
}

fn kind_name(kind: ExternalKind) -> Result<&'static str, String> {
    match kind {
        ExternalKind::Memory => Ok("memory"),
        ExternalKind::Table => Ok("table"),
        ExternalKind::Global => Ok("global"),
        _ => Err(refused("its modules pass on something that is neither function, memory, table nor global")),
    }
}

fn get<T>(list: &[T], index: u32) -> Result<&T, String> {
    list.get(index as usize)
        .ok_or_else(|| format!("not a component: there is nothing with the index {index}"))
}

/// A name as JSON.
fn quoted(name: &str) -> String {
    let mut written = String::from("\"");
    for c in name.chars() {
        match c {
            '"' | '\\' => written.extend(['\\', c]),
            c if c.is_control() => written.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => written.push(c),
        }
    }
    written.push('"');
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_actors_and_the_stocks_in_rust_and_c_have_a_plan() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        for (file, interface, functions) in [
            ("actors/counter/counter.wasm", "ntwk:simple-actor/actor", 4),
            ("actors/credit/credit.wasm", "troupe:actor/handler@0.1.0", 4),
            ("sdk/stock/rust/stock.wasm", "troupe:actor/handler@0.1.0", 4),
            ("sdk/stock/c/stock.wasm", "troupe:actor/migration@0.1.0", 1),
        ] {
            let bytes = std::fs::read(folder.join(file)).expect("a component");
            let mut reader = Reader::default();
            reader.read(&bytes).expect(file);
            assert_eq!(reader.exports[interface].len(), functions, "{file}");
            assert_eq!(reader.modules.len(), 3, "{file}");
        }
    }

    #[test]
    fn an_import_beyond_the_runtime_is_named() {
        let component = wat::parse_str("(component (import \"wasi:clocks/wall-clock@0.2.0\" (instance)))");
        let refused = plan_of(&component.expect("text")).expect_err("an import");
        assert_eq!(refused, "it imports wasi:clocks/wall-clock@0.2.0: use `troupe verify`");
    }

    #[test]
    fn what_is_no_component_is_said() {
        assert!(plan_of(b"\0asm").expect_err("nothing").starts_with("not a component"));
    }
}
