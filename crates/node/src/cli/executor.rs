//! `troupe serve --execute`: the executor of a node, from arguments and `[executor]`.

use std::sync::Arc;

use troupe::executor::{Executing, ExecutorConfig};
use troupe::host::Host;
use troupe::manifest::ExecutorSettings;
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
    /// Puts the executor to work, if there is to be one: as whom the arguments or the file name, else as the node itself.
    pub(super) fn begin(
        &self,
        screen: &Screen,
        host: &Host,
        file: Option<ExecutorSettings>,
        node: Option<Box<dyn Signer>>,
    ) -> Result<Option<Executing>, Failure> {
        if !self.execute && file.is_none() {
            return Ok(None);
        }
        let file = file.unwrap_or_default();
        let signer = match (file.signer.as_deref(), node) {
            _ if self.signer.is_named() => self.signer.open()?,
            (Some(named), _) => self.signer.named(named)?,
            (None, Some(node)) => node,
            (None, None) => self.signer.open()?,
        };
        let mut config = ExecutorConfig::default();
        let capacity = self.capacity.or(file.capacity);
        config.capacity = capacity.and_then(|n| usize::try_from(n).ok()).unwrap_or(config.capacity);
        config.price = self.job_price.or(file.price).unwrap_or(config.price);
        config.capabilities = [file.capabilities, self.capabilities.clone()].concat();
        config.capabilities.sort();
        config.capabilities.dedup();
        for (name, value) in file.ceiling.iter().chain(&self.ceiling) {
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
