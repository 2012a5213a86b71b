//! Everything that a chain can run on here: components, in the sandbox, and the machines that are part of this program.

use std::sync::Arc;

use troupe_chain::{Code, Engine, Files, Machine, Machines, Rules, Text};
use troupe_commons::{Commons, MACHINE, WORLD};
use troupe_component::Sandbox;

/// Finds the machine for any rules. A native machine is made anew each time, so that what it keeps is one chain's.
#[derive(Clone)]
pub struct AllMachines {
    sandbox: Sandbox,
}

impl AllMachines {
    /// Those whose components run in this sandbox.
    pub fn new(sandbox: Sandbox) -> Self {
        Self { sandbox }
    }

    /// What components run in.
    pub fn sandbox(&self) -> &Sandbox {
        &self.sandbox
    }
}

impl Machines for AllMachines {
    type Machine = Arc<dyn Machine>;

    fn engine(&self) -> &Engine {
        self.sandbox.engine()
    }

    fn machine(&self, rules: &Rules, code: &[u8], files: &Files) -> Result<Arc<dyn Machine>, String> {
        let Code::Native(name) = &rules.code else {
            return Ok(Arc::new(self.sandbox.machine(rules, code, files)?));
        };
        if name.as_str() != MACHINE {
            return Err(format!("the native machine `{name}` is not known here; there is `{MACHINE}`"));
        }
        if rules.world.as_str() != WORLD {
            return Err(format!("the chain says world `{}`, and `{MACHINE}` is of `{WORLD}`", rules.world));
        }
        if !rules.grants.is_empty() {
            return Err(format!("`{MACHINE}` asks nothing of the outside: it takes no grants"));
        }
        Ok(Arc::new(Commons::default()))
    }

    fn world(&self, rules: &Rules, code: &[u8]) -> Result<Text, String> {
        self.sandbox.world(rules, code)
    }
}
