//! `troupe serve --execute`: the executor of a node, from arguments and `[executor]`.

use std::sync::Arc;

use troupe::executor::{Executing, ExecutorConfig};
use troupe::host::Host;
use troupe::manifest::{ExecutorSettings, Layers, NodeConfig};
use troupe_identity::Signer;

use super::failure::Failure;
use super::parse;
use super::screen::Screen;
use super::signer::SignerArgs;

/// Whether and how a node runs jobs of its commons.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct ExecutorArgs {
    /// Run jobs of the commons, as the member whose key --as names
    #[arg(long, help_heading = "Executor")]
    execute: bool,
    /// How many jobs at the same time [default: 2]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1024), help_heading = "Executor")]
    capacity: Option<u32>,
    /// Mana that it asks for a million units of fuel [default: 1]
    #[arg(long, value_name = "MANA", help_heading = "Executor")]
    job_price: Option<u64>,
    /// Something that it can do and a job may ask for
    #[arg(long = "can", value_name = "CAPABILITY", help_heading = "Executor")]
    capabilities: Vec<String>,
    /// How far a submitter may raise a limit, such as memory=2147483648
    #[arg(long = "ceiling", value_name = "NAME=VALUE", value_parser = parse::limit, help_heading = "Executor")]
    ceiling: Vec<(String, u64)>,
    #[command(flatten)]
    signer: SignerArgs,
}

impl ExecutorArgs {
    /// What the arguments say over the file, if there is to be an executor.
    pub(super) fn argue(&self, layers: &mut Layers) {
        if self.execute {
            layers.config.executor.get_or_insert_default();
        }
        if layers.config.executor.is_none() {
            return;
        }
        let signer = self.signer.named_by();
        layers.argue("executor.as", "--as or TROUPE_AS", signer, |config, name| {
            of(config).signer = Some(name.to_owned());
        });
        let capabilities = Some(&self.capabilities).filter(|said| !said.is_empty());
        layers.argue("executor.capabilities", "--can", capabilities, |config, said| {
            of(config).capabilities.clone_from(said);
        });
        layers.argue("executor.capacity", "--capacity", self.capacity, |config, n| of(config).capacity = n);
        layers.argue("executor.price", "--job-price", self.job_price, |config, mana| of(config).price = mana);
        for (name, value) in &self.ceiling {
            layers.argue(&format!("executor.limits.{name}"), "--ceiling", Some(value), |config, value| {
                let ceiling = &mut of(config).ceiling;
                ceiling.retain(|(other, _)| other != name);
                ceiling.push((name.clone(), *value));
            });
        }
    }

    /// Puts the executor to work, if there is to be one: as whom the settings name, else as the node itself.
    pub(super) fn begin(
        &self,
        screen: &Screen,
        host: &Host,
        settings: Option<ExecutorSettings>,
        node: Option<Box<dyn Signer>>,
    ) -> Result<Option<Executing>, Failure> {
        let Some(settings) = settings else { return Ok(None) };
        let signer = match (settings.signer.as_deref(), node) {
            (Some(named), _) => self.signer.named(named)?,
            (None, Some(node)) => node,
            (None, None) => self.signer.open()?,
        };
        let mut config = ExecutorConfig {
            capacity: usize::try_from(settings.capacity).unwrap_or(usize::MAX),
            price: settings.price,
            capabilities: settings.capabilities,
            ..ExecutorConfig::default()
        };
        config.capabilities.sort();
        config.capabilities.dedup();
        for (name, value) in &settings.ceiling {
            let set = config.ceiling.set(name, *value);
            set.map_err(|error| Failure::cannot(error).while_("the executor's ceiling"))?;
        }
        let screen = *screen;
        let did = signer.did().to_string();
        let tell = Arc::new(move |what: &str| screen.note(format_args!("executor: {what}")));
        let executing = Executing::begin(host.clone(), signer, config, tell);
        let executing = executing.map_err(|error| Failure::cannot(format_args!("the executor: {error}")))?;
        screen.note(format_args!("executor: runs jobs as {did}"));
        Ok(Some(executing))
    }
}

fn of(config: &mut NodeConfig) -> &mut ExecutorSettings {
    config.executor.get_or_insert_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_executor_of_a_file_has_the_defaults_of_the_library() {
        let (file, library) = (ExecutorSettings::default(), ExecutorConfig::default());
        assert_eq!((file.capacity as usize, file.price), (library.capacity, library.price));
    }
}
