//! A node that has one actor: begun, or found again in its store.
//!
//! Invariant: an actor that the store holds goes on only if it is what was asked for.

use std::sync::Arc;

use bytes::Bytes;
use troupe_chain::{Code, Files, Genesis, Hash, Rules, Supervision, Text};
use troupe_runtime::{Actor, OpenError};
use troupe_store::Store;

use super::{ComponentSource, Host, Settings, SetupError, Start};

/// What to run, where a node has one actor only.
#[derive(Clone)]
pub struct Setup {
    /// How the node is run.
    pub settings: Settings,
    /// The component's bytes.
    pub component: Bytes,
    /// The configuration for `init`.
    pub config: Option<Bytes>,
    /// Limits that differ from the default, by name. An actor that is resumed keeps those of its genesis.
    pub limits: Vec<(String, u64)>,
    /// Capabilities. An actor that is resumed keeps those of its genesis.
    pub grants: Vec<Text>,
    /// The bytes of the files that they grant, as far as the store does not have them.
    pub files: Files,
    /// What is done about its failures, once it is begun.
    pub supervision: Supervision,
    /// Its name on the node, once it is begun.
    pub name: Option<Text>,
}

/// A node that has one actor, with all that it was made of.
pub struct Running {
    /// The node.
    pub host: Host,
    /// The actor.
    pub actor: Actor,
    /// Its first entry.
    pub genesis: Genesis,
    /// The bytes of its component.
    pub component: Bytes,
    /// Whether it was found in the store, rather than begun.
    pub resumed: bool,
}

impl Setup {
    /// The usual way to run a component.
    pub fn new(component: impl Into<Bytes>, store: Arc<dyn Store>) -> Self {
        Self {
            settings: Settings::new(store),
            component: component.into(),
            config: None,
            limits: Vec::new(),
            grants: Vec::new(),
            files: Files::new(),
            supervision: Supervision::default(),
            name: None,
        }
    }

    /// Begins the actor, or goes on with the one that the store holds.
    ///
    /// # Errors
    /// [`SetupError`].
    pub fn open(self) -> Result<Running, SetupError> {
        let store = Arc::clone(&self.settings.store);
        let chains = store.chains()?;
        let known = match chains.as_slice() {
            [] => None,
            [(chain, _)] => Some(*chain),
            several => Some(self.only_heir(several).ok_or(SetupError::Several(several.len()))?),
        };
        if let Some(chain) = known {
            let genesis = troupe_runtime::genesis_of(&*store, &chain)?;
            self.check_same(&chain, &genesis, &troupe_runtime::rules_of(&*store, &chain)?)?;
        }
        let host = self.settings.clone().open()?;
        let actor = match known {
            Some(chain) => host.actors.get(chain)?,
            None => host.start_blocking(Start {
                component: ComponentSource::Bytes(self.component.clone()),
                config: self.config.clone(),
                limits: self.limits.clone(),
                grants: self.grants.clone(),
                files: self.files.clone(),
                name: self.name.clone(),
                governed: false,
                supervision: self.supervision,
            })?,
        };
        // Whether it can go on at all shows now, and not with the first message.
        actor.view()?;
        let genesis = actor.genesis()?;
        Ok(Running { host, actor, genesis, component: self.component, resumed: known.is_some() })
    }

    /// Of several chains, the one that all others were taken back to.
    fn only_heir(&self, chains: &[(Hash, troupe_store::Head)]) -> Option<Hash> {
        let genesis = |chain: &Hash| troupe_runtime::genesis_of(&*self.settings.store, chain).ok();
        let forked: Vec<Hash> =
            chains.iter().filter_map(|(chain, _)| genesis(chain)?.fork.map(|fork| fork.chain)).collect();
        let mut last = chains.iter().filter(|(chain, _)| !forked.contains(chain));
        match (last.next(), last.next()) {
            (Some((chain, _)), None) if forked.len() + 1 == chains.len() => Some(*chain),
            _ => None,
        }
    }

    /// Whatever was asked for must be what the stored actor was begun with, or upgraded to.
    fn check_same(&self, chain: &Hash, genesis: &Genesis, rules: &Rules) -> Result<(), SetupError> {
        let differs = |what: &str, stored: String, given: String| {
            Err(SetupError::Differs { chain: *chain, what: what.to_owned(), stored, given })
        };
        let component = Hash::of(&self.component);
        if rules.code != Code::Component(component) {
            let stored = match &rules.code {
                Code::Component(name) => name.to_string(),
                Code::Native(name) => name.to_string(),
            };
            return differs("component", stored, component.to_string());
        }
        if let Some(config) = self.config.as_deref().map(Hash::of)
            && genesis.config != Some(config)
            && genesis.fork.is_none()
        {
            let stored = genesis.config.map_or("none".into(), |name| name.to_string());
            return differs("config", stored, config.to_string());
        }
        for (name, value) in &self.limits {
            let stored = Text::new(name.as_str()).ok().and_then(|name| rules.limits.get(&name));
            if stored != Some(value) {
                let stored = stored.map_or("none".into(), u64::to_string);
                return differs(&format!("limit `{name}`"), stored, value.to_string());
            }
        }
        if !self.grants.is_empty() && self.grants != rules.grants {
            let list = |grants: &[Text]| {
                let list = grants.iter().map(Text::as_str).collect::<Vec<_>>().join(", ");
                if list.is_empty() { "none".to_owned() } else { list }
            };
            return differs("list of grants", list(&rules.grants), list(&self.grants));
        }
        Ok(())
    }
}

impl Running {
    /// What an HTTP server before it serves: this actor at the root.
    pub fn site(&self) -> Arc<crate::http::Site> {
        Arc::new(self.into())
    }

    /// The files that the actor is granted.
    ///
    /// # Errors
    /// [`OpenError`] if one of them is missing.
    pub fn files(&self) -> Result<Files, OpenError> {
        troupe_runtime::files_of(&**self.host.actors.store(), &self.genesis.rules())
    }

    /// Stops the node: what waits is handled and committed first.
    pub fn stop(&self) {
        self.host.actors.shutdown();
    }
}
