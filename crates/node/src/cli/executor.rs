//! `troupe serve --execute`: the executors of a node, from arguments and `[executor]`.

use std::path::PathBuf;
use std::sync::Arc;

use troupe::executor::{ExecutorConfig, Executors, NotBegun, Tell};
use troupe::host::Host;
use troupe::manifest::{ExecutorSettings, Layers, NodeConfig};
use troupe_identity::Signer;

use super::failure::Failure;
use super::parse;
use super::screen::Screen;
use super::signer;

/// Whether and how a node runs jobs of its commons.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct ExecutorArgs {
    /// Run jobs of the commons, for each member whose key --as names
    #[arg(long, help_heading = "Executor")]
    execute: bool,
    /// How many jobs each of them runs at the same time [default: 2]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1024), help_heading = "Executor")]
    capacity: Option<u32>,
    /// Mana that each asks for a million units of fuel [default: 1]
    #[arg(long, value_name = "MANA", help_heading = "Executor")]
    job_price: Option<u64>,
    /// Something that each can do and a job may ask for
    #[arg(long = "can", value_name = "CAPABILITY", help_heading = "Executor")]
    capabilities: Vec<String>,
    /// How far a submitter may raise a limit, such as memory=2147483648
    #[arg(long = "ceiling", value_name = "NAME=VALUE", value_parser = parse::limit, help_heading = "Executor")]
    ceiling: Vec<(String, u64)>,
    /// A key to sign with: a name that `troupe id list` shows, or a key file; with --execute, give it again for each member
    #[arg(long = "as", value_name = "NAME|FILE", env = "TROUPE_AS", help_heading = "Identity")]
    signers: Vec<String>,
    /// The file with the passphrase of these keys; or give it again, for each key in its order [default: what TROUPE_PASSPHRASE
    /// has, else it is asked for]
    #[arg(long = "passphrase-file", value_name = "FILE", help_heading = "Identity")]
    passphrase_files: Vec<PathBuf>,
}

impl ExecutorArgs {
    /// What the arguments say over the file, if there are to be executors.
    pub(super) fn argue(&self, layers: &mut Layers) {
        if self.execute {
            layers.config.executor.get_or_insert_default();
        }
        if layers.config.executor.is_none() {
            return;
        }
        let signers = Some(&self.signers).filter(|said| !said.is_empty());
        layers.argue("executor.as", "--as or TROUPE_AS", signers, |config, said| {
            of(config).signers.clone_from(said);
        });
        let files = Some(&self.passphrase_files).filter(|said| !said.is_empty());
        layers.argue("executor.passphrase-file", "--passphrase-file", files, |config, said| {
            of(config).passphrase_files.clone_from(said);
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

    /// Puts executors to work, if there are to be any: for whom the settings name, else for the node itself.
    pub(super) fn begin(
        screen: &Screen,
        host: &Host,
        settings: Option<ExecutorSettings>,
        node: Option<Box<dyn Signer>>,
    ) -> Result<Option<Executors>, Failure> {
        let Some(settings) = settings else { return Ok(None) };
        let config = configured(&settings)?;
        let signers = match (&settings.signers[..], node) {
            ([], Some(node)) => vec![node],
            ([], None) => return Err(signer::missing()),
            (named, _) => open(named, &settings.passphrase_files)?,
        };
        let several = signers.len() > 1;
        let dids: Vec<_> = signers.iter().map(|signer| signer.did().to_string()).collect();
        let screen = *screen;
        let told = |(n, signer): (usize, Box<dyn Signer>)| {
            let name = settings.signers.get(n).filter(|_| several);
            let who = name.map(|name| format!(" {name}")).unwrap_or_default();
            let tell: Tell = Arc::new(move |what: &str| screen.note(format_args!("executor{who}: {what}")));
            (signer, tell)
        };
        let executors = Executors::begin(host, &config, signers.into_iter().enumerate().map(told).collect());
        let executors = executors.map_err(|error| {
            let failure = Failure::cannot(format_args!("the executors: {error}"));
            match error {
                NotBegun::Twice(_) => failure.help("`executor.as`, or --as, names each member once"),
                NotBegun::Thread(..) => failure,
            }
        })?;
        screen.note(format_args!("executor: runs jobs as {}", dids.join(", ")));
        Ok(Some(executors))
    }
}

/// How each of the executors works.
fn configured(settings: &ExecutorSettings) -> Result<ExecutorConfig, Failure> {
    let mut config = ExecutorConfig {
        capacity: usize::try_from(settings.capacity).unwrap_or(usize::MAX),
        price: settings.price,
        capabilities: settings.capabilities.clone(),
        ..ExecutorConfig::default()
    };
    config.capabilities.sort();
    config.capabilities.dedup();
    for (name, value) in &settings.ceiling {
        let set = config.ceiling.set(name, *value);
        set.map_err(|error| Failure::cannot(error).while_("the executors' ceiling"))?;
    }
    Ok(config)
}

/// Opens keys with the passphrases of one file, or of a file for each.
fn open(named: &[String], files: &[PathBuf]) -> Result<Vec<Box<dyn Signer>>, Failure> {
    let file = |n: usize| match files {
        [one] => Some(one.clone()),
        each => each.get(n).cloned(),
    };
    let open = |(n, name): (usize, &String)| {
        let signer = signer::open_with(name, file(n));
        signer.map_err(|failure| failure.while_(format_args!("the executor `{name}`")))
    };
    named.iter().enumerate().map(open).collect()
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
