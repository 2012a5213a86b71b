//! What a chain was granted of the commons: `commons:CAPABILITY` for each capability, and `commons-for:MEMBER` for the
//! member for whom it acts there.

use troupe_chain::Hash;

use crate::Capability;

/// What is granted of the commons.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CommonsGrants {
    capabilities: Vec<Capability>,
    principal: Option<Hash>,
}

impl CommonsGrants {
    /// Takes a grant; `None` if it is about something else.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn add(&mut self, grant: &str) -> Option<Result<(), &'static str>> {
        if let Some(capability) = grant.strip_prefix("commons:") {
            return Some(self.add_capability(capability));
        }
        grant.strip_prefix("commons-for:").map(|member| self.add_principal(member))
    }

    /// Whether a capability is granted.
    pub fn has(&self, capability: Capability) -> bool {
        self.capabilities.contains(&capability)
    }

    /// The member for whom the chain acts.
    pub fn principal(&self) -> Option<Hash> {
        self.principal
    }

    /// Whether nothing is granted.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    fn add_capability(&mut self, capability: &str) -> Result<(), &'static str> {
        let found = Capability::ALL.iter().find(|known| known.as_str() == capability);
        let found = *found.ok_or("the commons has no such capability: docs/spec/host-abi.md lists them")?;
        if self.has(found) {
            return Err("the capability is granted twice");
        }
        self.capabilities.push(found);
        Ok(())
    }

    fn add_principal(&mut self, member: &str) -> Result<(), &'static str> {
        if self.principal.is_some() {
            return Err("it acts for one member only");
        }
        let member = member.parse().map_err(|_| "it is not `commons-for:` and a member's id")?;
        self.principal = Some(member);
        Ok(())
    }
}
