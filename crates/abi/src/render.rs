//! The table as other people read it: a page, a C header, a WIT interface. Tests compare them with the files.

use std::fmt::Write;

use crate::{
    Capability, Does, FUNCTIONS, HostError, HostFunction, MAX_DOCUMENT, MAX_ID, MODULE, Number, Param,
};

/// The table of `docs/spec/host-abi.md`.
pub fn markdown() -> String {
    let mut page = String::from("| no. | function | capability | fuel | mana | what it does |\n");
    page.push_str("| --- | --- | --- | --- | --- | --- |\n");
    for function in FUNCTIONS {
        let capability = function.capability.map_or("none".to_owned(), |it| format!("`{}`", it.as_str()));
        let mana = function.mana.map_or("none".to_owned(), |it| format!("`{it}`"));
        let (index, name, fuel, doc) = (function.index, function.name, function.fuel, function.doc);
        let signature = function.core_signature();
        let _ = writeln!(
            page,
            "| {index} | `{name}`<br>`{signature}` | {capability} | {fuel} | {mana} | {doc} |"
        );
    }
    page.push_str("\n| number | error | when |\n| --- | --- | --- |\n");
    for error in HostError::ALL {
        let _ = writeln!(page, "| {} | `{}` | {} |", error.number(), error.as_str(), error.doc());
    }
    page
}

/// The header `sdk/c/troupe_commons.h`.
pub fn c_header() -> String {
    let mut header = String::from(
        "/* What a core module that runs as a job may ask of its host: docs/spec/host-abi.md.\n   \
         Made of the table in crates/abi/src/table.rs; a test compares. */\n\
         #ifndef TROUPE_COMMONS_H\n#define TROUPE_COMMONS_H\n\n#include <stdint.h>\n\n",
    );
    let _ = writeln!(header, "#define TROUPE_MAX_ID {MAX_ID}\n#define TROUPE_MAX_DOCUMENT {MAX_DOCUMENT}\n");
    for error in HostError::ALL {
        let name = error.as_str().replace('-', "_").to_uppercase();
        let _ = writeln!(header, "/* {} */\n#define TROUPE_{name} ({})", error.doc(), error.number());
    }
    for function in FUNCTIONS {
        let (index, name, doc) = (function.index, function.name, function.doc);
        let mut params: Vec<String> = Vec::new();
        for param in function.params {
            params.extend(param.c());
        }
        let params = if params.is_empty() { "void".to_owned() } else { params.join(", ") };
        let result = if function.returns == Number::I32 { "int32_t" } else { "int64_t" };
        let _ = write!(
            header,
            "\n/* {index}: {doc} */\n__attribute__((import_module(\"{MODULE}\"), import_name(\"{name}\")))\n\
             extern {result} {name}({params});\n"
        );
    }
    header.push_str("\n#endif\n");
    header
}

/// The interface `wit/commons/host.wit`.
pub fn wit() -> String {
    let mut wit = String::from(
        "package troupe:commons@0.1.0;\n\n\
         /// What an actor may ask of the commons, as far as its chain was granted it.\n///\n\
         /// Made of the table in crates/abi/src/table.rs; a test compares. Acts are for the principal that the\n\
         /// chain was granted, and leave once the entry is committed; what they give is their number among its effects.\n\
         interface host {\n    /// Why a call is refused.\n    enum error {\n",
    );
    for error in HostError::ALL {
        let _ = writeln!(wit, "        /// {}\n        {},", error.doc(), error.as_str());
    }
    wit.push_str("    }\n");
    for function in FUNCTIONS {
        let Some(name) = function.wit_name() else { continue };
        let params: Vec<_> =
            function.params.iter().map(|param| format!("{}: {}", param.name(), param.wit())).collect();
        let _ = writeln!(
            wit,
            "\n    /// {}\n    {name}: func({}) -> {};",
            function.doc,
            params.join(", "),
            function.wit_result("error")
        );
    }
    wit.push_str(
        "}\n\n/// What imports it, for whoever makes bindings.\nworld commons {\n    import host;\n}\n",
    );
    wit
}

impl HostFunction {
    /// Its type for core modules, as WebAssembly text has it.
    pub fn core_signature(&self) -> String {
        let mut text = String::new();
        for param in self.params {
            let types = if matches!(param, Param::Amount(_)) { "i64" } else { "i32 i32" };
            let _ = write!(text, "{}{types}", if text.is_empty() { "" } else { " " });
        }
        let result = if self.returns == Number::I32 { "i32" } else { "i64" };
        format!("({text}) -> {result}")
    }

    /// What a component gets of it.
    pub(crate) fn wit_result(&self, error: &str) -> String {
        let ok = if self.does == Does::ReadsBytes { "list<u8>" } else { "u64" };
        format!("result<{ok}, {error}>")
    }
}

impl Param {
    /// Its type in WIT.
    pub(crate) fn wit(self) -> &'static str {
        match self {
            Self::Id(_) => "string",
            Self::Amount(_) => "u64",
            Self::Document(_) | Self::Bytes(_) | Self::Room(_) => "list<u8>",
        }
    }

    fn c(self) -> Vec<String> {
        let name = self.name();
        match self {
            Self::Amount(_) => vec![format!("int64_t {name}")],
            Self::Room(_) => vec![format!("void *{name}"), "uint32_t cap".to_owned()],
            Self::Id(_) | Self::Document(_) | Self::Bytes(_) => {
                vec![format!("const void *{name}"), format!("uint32_t {name}_len")]
            }
        }
    }
}

impl Capability {
    /// It as a grant of a chain.
    pub fn grant(self) -> String {
        format!("commons:{}", self.as_str())
    }
}
