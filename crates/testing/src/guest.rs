//! The text of a guest: the shared prelude, the world's functions for results, and a body for each call.

use crate::component::component_from_wat;
use crate::world::{Call, World};

/// Where the constants begin, in the guest's memory.
const CONSTANTS: usize = 64;
/// What a page of WebAssembly memory holds.
const PAGE: usize = 65536;

/// A guest in the making.
///
/// Until told otherwise its first state is empty, it accepts every message and every state, and leaves the state as it
/// was. Instructions can use what `wat/prelude.wat` and the world's file beside it define: `$alloc`, `$filled`,
/// `$concat`, `$marked`; `$ok`, `$accept`, `$refuse`, `$log`, `$send`, and `$reply` in [`World::Actor`].
#[derive(Clone, Debug)]
pub struct Guest {
    world: World,
    imports: String,
    fields: String,
    constants: Vec<u8>,
    calls: Vec<Function>,
    realloc: String,
    post_return: String,
    start: String,
    wit: String,
    world_name: String,
}

/// The core function behind a call.
#[derive(Clone, Debug)]
struct Function {
    call: Call,
    parameters: String,
    before: String,
    body: String,
}

/// A place in a guest where code can be put, to see what the host makes of it there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    /// At the beginning of a call.
    Call(Call),
    /// In the start function, which runs as the component is instantiated.
    Start,
    /// In what runs after each call, once the host has read the result.
    PostReturn,
    /// In the allocation of memory, which the host asks for as it passes a message or a state that is not empty.
    Realloc,
}

impl Place {
    /// Every place.
    pub const ALL: [Self; 7] = [
        Self::Call(Call::Init),
        Self::Call(Call::MessageContract),
        Self::Call(Call::Handle),
        Self::Call(Call::StateContract),
        Self::Start,
        Self::PostReturn,
        Self::Realloc,
    ];
}

impl Guest {
    /// Begins a guest that leaves its state as it is.
    pub fn new(world: World) -> Self {
        let calls = Call::ALL.map(|call| Function {
            call,
            parameters: world.parameters(call),
            before: String::new(),
            body: match call {
                Call::Init => "(call $ok (i32.const 0) (i32.const 0))",
                Call::Handle => "(call $ok (local.get $s) (local.get $slen))",
                Call::MessageContract | Call::StateContract => "(call $accept)",
            }
            .to_owned(),
        });
        Self {
            world,
            imports: String::new(),
            fields: String::new(),
            constants: Vec::new(),
            calls: calls.into(),
            realloc: String::new(),
            post_return: String::new(),
            start: String::new(),
            wit: world.wit().to_owned(),
            world_name: world.name().to_owned(),
        }
    }

    /// Sets the instructions of a call, which leave its result, an `i32`. Locals may be declared first.
    pub fn body(mut self, call: Call, instructions: impl Into<String>) -> Self {
        let instructions = instructions.into();
        self.calls.iter_mut().filter(|function| function.call == call).for_each(|function| {
            function.body.clone_from(&instructions);
        });
        self
    }

    /// Puts instructions that leave nothing before those that stand at a place. The body of a call that has locals
    /// cannot be preceded.
    pub fn at(mut self, place: Place, instructions: &str) -> Self {
        match place {
            Place::Call(call) => {
                let functions = self.calls.iter_mut().filter(|function| function.call == call);
                functions.for_each(|function| function.before.push_str(instructions));
            }
            Place::Start => self.start.push_str(instructions),
            Place::PostReturn => self.post_return.push_str(instructions),
            Place::Realloc => self.realloc.push_str(instructions),
        }
        self
    }

    /// Adds module fields: functions, globals, tables.
    pub fn field(mut self, text: &str) -> Self {
        self.fields.push_str(text);
        self.fields.push('\n');
        self
    }

    /// Adds a core import that the world does not have; [`Guest::wit`] has to say what it is.
    pub fn import(mut self, text: &str) -> Self {
        self.imports.push_str(text);
        self.imports.push('\n');
        self
    }

    /// Imports the effects of [`World::Actor`]: `$request`, `$set-timer`, `$set-cron`, `$cancel`, `$spawn`, `$stop` and
    /// `$exit`. What they give is best put at 32.
    pub fn effects(self) -> Self {
        self.import(World::EFFECTS)
    }

    /// Imports the web, `$fetch`, and so takes the world `web-actor`.
    pub fn web(self) -> Self {
        self.import(World::WEB).wit(World::Actor.wit(), "web-actor")
    }

    /// Exports how to carry over a state `$s`, `$slen`, and so takes the world `migrating-actor`.
    pub fn migrating(self, instructions: &str) -> Self {
        let (interface, parameters) = ("troupe:actor/migration@0.1.0", World::migrate());
        self.wit(World::Actor.wit(), "migrating-actor").field(&format!(
            "(export \"cabi_post_{interface}#migrate\" (func $reset))
             (func (export \"{interface}#migrate\") {parameters} (result i32)
               {instructions})"
        ))
    }

    /// Exports what it takes, as this text, and so takes the world `described-actor`.
    pub fn describing(mut self, text: &str) -> Self {
        let text = self.constant(text.as_bytes());
        self.describing_by(&format!("(call $described {text})")).field(
            "(func $described (param i32 i32) (result i32)
               (i32.store (i32.const 32) (local.get 0))
               (i32.store (i32.const 36) (local.get 1))
               (i32.const 32))",
        )
    }

    /// Exports what it takes by instructions that give the address of a text's address and length.
    pub fn describing_by(self, instructions: &str) -> Self {
        let interface = "troupe:actor/description@0.1.0";
        self.wit(World::Actor.wit(), "described-actor").field(&format!(
            "(export \"cabi_post_{interface}#schema\" (func $reset))
             (func (export \"{interface}#schema\") (result i32)
               {instructions})"
        ))
    }

    /// Puts bytes into the guest's memory, and gives the instructions for their address and length.
    pub fn constant(&mut self, bytes: &[u8]) -> String {
        let at = CONSTANTS + self.constants.len();
        self.constants.extend_from_slice(bytes);
        format!("(i32.const {at}) (i32.const {})", bytes.len())
    }

    /// Changes the WIT that the component is made with, and the world in it.
    pub fn wit(mut self, wit: impl Into<String>, world: impl Into<String>) -> Self {
        self.wit = wit.into();
        self.world_name = world.into();
        self
    }

    /// Takes a call away from the core module.
    pub fn without(mut self, call: Call) -> Self {
        self.calls.retain(|function| function.call != call);
        self
    }

    /// Changes the parameters of a call.
    pub fn parameters(mut self, call: Call, parameters: &str) -> Self {
        let functions = self.calls.iter_mut().filter(|function| function.call == call);
        functions.for_each(|function| parameters.clone_into(&mut function.parameters));
        self
    }

    /// The core module, in text.
    pub fn text(&self) -> String {
        let heap = (CONSTANTS + self.constants.len()).next_multiple_of(16);
        let prelude = include_str!("wat/prelude.wat")
            .replace("{{pages}}", &(heap / PAGE + 1).to_string())
            .replace("{{heap}}", &heap.to_string())
            .replace("{{realloc}}", &self.realloc)
            .replace("{{post-return}}", &self.post_return);
        let mut text = format!("(module\n{}{}", self.imports, self.world.imports());
        text += &prelude;
        text += self.world.results();
        if !self.constants.is_empty() {
            let escaped: String = self.constants.iter().map(|byte| format!("\\{byte:02x}")).collect();
            text += &format!("  (data (i32.const {CONSTANTS}) \"{escaped}\")\n");
        }
        if !self.start.is_empty() {
            text += &format!("  (func $start {})\n  (start $start)\n", self.start);
        }
        text += &self.fields;
        let exported = self.world.exported();
        for Function { call, parameters, before, body } in &self.calls {
            let name = call.name();
            text += &format!("  (export \"cabi_post_{exported}#{name}\" (func $reset))\n");
            text += &format!("  (func (export \"{exported}#{name}\") {parameters} (result i32)\n");
            text += &format!("    {before}{body})\n");
        }
        text + ")\n"
    }

    /// The component.
    ///
    /// # Panics
    ///
    /// If the text does not make one; the text is then part of the message.
    pub fn component(&self) -> Vec<u8> {
        let text = self.text();
        component_from_wat(&self.wit, &self.world_name, &text)
            .unwrap_or_else(|error| panic!("failed to make a component: {error:#}\n{text}"))
    }

    /// The world that it is made for.
    pub fn world(&self) -> World {
        self.world
    }
}
