//! What an actor's messages run on: its machine, its state, and the world outside.

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

use bytes::Bytes;
use troupe_chain::{Hash, Machine, Outside, Rules, Tip};

use crate::cell::{Cell, weight};
use crate::core::Core;
use crate::open::{Recovered, code_of, files_of, genesis_of, recover, rules_changes};
use crate::outside::CallBase;
use crate::rows::{ACTOR, Due, REST, Record, actor_key, get};
use crate::sequencer::Loaded;
use crate::{OpenError, SendError};

impl Core {
    /// Loads what an actor's next message starts from; `None` if its chain is not begun.
    pub(crate) fn load(&self, cell: &Cell) -> Result<Option<Loaded>, OpenError> {
        let store = &*self.store;
        let Some(head) = store.head(&cell.id)? else { return Ok(None) };
        let genesis = genesis_of(store, &cell.id)?;
        let find = |rules: &Rules| self.machine_for(rules, None).map_err(OpenError::NoMachine);
        let recovered = recover(store, &cell.id, head.seq, &genesis, &self.machines, find)?;
        let Recovered { view, machine, written } = recovered;
        if view.tip.entry != head.entry {
            return Err(OpenError::Broken(format!(
                "the head should be {}, found {}",
                head.entry, view.tip.entry
            )));
        }
        let mut view = view;
        let machine = machine.map_or_else(|| find(&view.tip.rules), Ok)?;
        view.tip.rules = self.intern(&view.tip.rules);
        let tip = view.tip.clone();
        let record = get::<Record>(store, &actor_key(ACTOR, &cell.id))?.unwrap_or_default();
        let rests = get::<Due>(store, &actor_key(REST, &cell.id))?.is_some();
        let stored = match &tip.state {
            _ if machine.kept_states().is_some() => written.is_of(&view.state),
            Some(state) => store.blob(&cell.id, state)?.is_some(),
            None => false,
        };
        self.loaded_bytes.fetch_add(weight(&view.state), Ordering::Relaxed);
        let loaded = Loaded {
            new_engine: tip.rules.engine != *self.machines.engine(),
            max_message: self.max_message(&tip.rules),
            tip,
            state: view.state.clone(),
            machine,
            record,
            rests,
            generation: cell.generation.load(Ordering::Acquire),
            rules_changes: rules_changes(store, &cell.id)?.len() as u64,
            since_snapshot: if stored { 0 } else { u64::MAX },
            written,
            closing: Default::default(),
            keys: Default::default(),
        };
        cell.set_view(view);
        cell.hold(loaded.hold());
        Ok(Some(loaded))
    }

    /// The limit `message` of rules.
    pub(crate) fn max_message(&self, rules: &Rules) -> u64 {
        let limit = rules.limits.iter().find(|(name, _)| name.as_str() == "message");
        limit.map_or(self.options.max_message, |(_, limit)| *limit)
    }

    /// Finds or makes the machine that rules ask for; `code` saves reading it.
    pub(crate) fn machine_for(
        &self,
        rules: &Rules,
        code: Option<&Bytes>,
    ) -> Result<Arc<dyn Machine>, String> {
        let same = |known: &Rules| {
            known.code == rules.code
                && known.limits == rules.limits
                && known.world == rules.world
                && known.grants == rules.grants
        };
        let find = || {
            let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            known.iter().find(|(known, _)| same(known)).map(|(_, machine)| Arc::clone(machine))
        };
        if let Some(machine) = find() {
            return Ok(machine);
        }
        let code = match code {
            Some(code) => code.clone(),
            None => code_of(&*self.store, rules).map_err(|error| error.to_string())?,
        };
        let files = files_of(&*self.store, rules).map_err(|error| error.to_string())?;
        let machine = self.machines.machine(rules, &code, &files)?;
        if machine.kept_states().is_some() {
            // What it keeps is one chain's.
            return Ok(machine);
        }
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= 1024 {
            known.remove(0);
        }
        known.push((Arc::new(rules.clone()), Arc::clone(&machine)));
        Ok(machine)
    }

    /// The same rules, shared with other actors that have them.
    pub(crate) fn intern(&self, rules: &Arc<Rules>) -> Arc<Rules> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let same = known.iter().find(|(known, _)| **known == **rules);
        same.map_or_else(|| Arc::clone(rules), |(known, _)| Arc::clone(known))
    }

    /// The state after an entry of any chain, by name where it is stored: with the chain, or as what belongs to none.
    pub(crate) fn state_of(&self, chain: &Hash, seq: u64, name: &Hash) -> Result<Bytes, SendError> {
        let host = |error: OpenError| SendError::Host(error.to_string());
        let stored = match self.store.blob(chain, name).map_err(|error| host(error.into()))? {
            None => self.store.shared(name).map_err(|error| host(error.into()))?,
            stored => stored,
        };
        if let Some(state) = stored {
            return Ok(state);
        }
        let genesis = genesis_of(&*self.store, chain).map_err(host)?;
        let find = |rules: &Rules| self.machine_for(rules, None).map_err(OpenError::NoMachine);
        let recovered = recover(&*self.store, chain, seq, &genesis, &self.machines, find);
        let recovered = recovered.map_err(|error| match error {
            OpenError::Redacted { redaction, .. } => SendError::Redacted(redaction),
            error => host(error),
        })?;
        Ok(recovered.view.state)
    }

    /// The outside for one transition.
    pub(crate) fn outside_of<'a>(
        &'a self,
        rules: &'a Rules,
        tip: &Tip,
        message: Hash,
    ) -> Box<dyn Outside + 'a> {
        match &self.options.outside {
            Some(world) if !rules.grants.is_empty() => {
                let base = CallBase { chain: tip.chain, parent: tip.entry, message };
                world.open(&rules.grants, base)
            }
            _ => Box::new(troupe_chain::Nowhere),
        }
    }
}
