//! `troupe serve`: a node of many actors, until Ctrl-C.
//!
//! Invariant: an actor of the file is begun once, by its name. One that is there already is never changed by a start:
//! what differs is said, with the command that changes it.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::num::NonZero;
use std::path::PathBuf;
use std::sync::Arc;

use serde_json::json;
use troupe::access::RateLimit;
use troupe::commons::NAME as COMMONS;
use troupe::environment::Testing;
use troupe::executor::Executors;
use troupe::host::{Host, Settings, SetupError};
use troupe::http::Site;
use troupe::manifest::{Layers, Name, NodeConfig, NodeSettings, Profile, StorePlace, TlsFiles};
use troupe_chain::{Code, Hash};
use troupe_commons::Charter;
use troupe_runtime::{Actor, SendError, Status};

use super::begin::{self, Begin};
use super::code::CodeArgs;
use super::commons;
use super::config;
use super::executor::ExecutorArgs;
use super::failure::{Done, Failure};
use super::parse::{self, Deadline};
use super::screen::{BOLD, DIM, HELP, Screen, plural, short};
use super::server::{self, ListenArgs, LogPrinter};
use super::signer;
use super::signing::SigningArgs;

/// Run a node of many actors behind an HTTP server
///
/// Goes on with every actor that the store holds, and begins those that the file names and the store does not have.
/// Arguments beat the file.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    troupe serve\n  \
    troupe serve --config troupe.toml\n  \
    troupe serve --charter charter.toml\n  \
    troupe serve --execute --as ada --as bea --as cyn\n  \
    troupe serve --store /var/lib/troupe --addr 127.0.0.1:9000 --memory 1GiB\n  \
    troupe serve --addr 0.0.0.0:8443 --tokens tokens.json --tls-cert cert.pem --tls-key key.pem\n\n\
    Then, in another terminal:\n  \
    troupe start counter.wasm --name counter\n  \
    troupe send counter '{\"add\":1}'\n  \
    troupe ps")]
pub(crate) struct Serve {
    /// The file that says how the node runs and which actors it has [default: none]
    #[arg(long, value_name = "troupe.toml")]
    config: Option<PathBuf>,
    /// What the node is for: production, development or testing
    #[arg(long, value_name = "PROFILE")]
    profile: Option<Profile>,
    /// The charter of the node's commons, begun if the store has none
    #[arg(long, value_name = "CHARTER")]
    charter: Option<PathBuf>,
    #[command(flatten)]
    listen: ListenArgs,
    /// Folder of the store, or `memory` for one that is gone in the end [default: troupe.store]
    #[arg(long, value_name = "PATH|memory")]
    store: Option<PathBuf>,
    /// How long one message may take, such as 10s, or none [default: 10s]
    #[arg(long, value_name = "TIME", value_parser = parse::deadline, help_heading = "Limits")]
    deadline: Option<Deadline>,
    /// How many messages may wait for one actor [default: 1024]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..), help_heading = "Limits")]
    mailbox: Option<u32>,
    /// The most actors [default: 1000000]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..), help_heading = "Limits")]
    max_actors: Option<u64>,
    /// Requests that one client may make a second; 0 is no limit [default: 0]
    #[arg(long, value_name = "N", help_heading = "Limits")]
    rate_limit: Option<u32>,
    /// States that are kept in memory, of all actors together [default: 256MiB]
    #[arg(long, value_name = "SIZE", value_parser = parse::size, help_heading = "Tuning")]
    memory: Option<u64>,
    /// Keep a state at least every N entries [default: 1]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..), help_heading = "Tuning")]
    snapshot_every: Option<u64>,
    /// Threads that run actors [default: one for each core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1024), help_heading = "Tuning")]
    threads: Option<u32>,
    #[command(flatten)]
    executor: ExecutorArgs,
    #[command(flatten)]
    signing: SigningArgs,
    #[command(flatten)]
    code: CodeArgs,
}

pub(super) fn serve(screen: &Screen, command: Serve) -> Done {
    let layers = command.layers()?;
    config::require_none(screen, &layers)?;
    let mut config = layers.config;
    let testing = (config.profile == Some(Profile::Testing)).then(Testing::default);
    let identity = signer::of_node(&config.identity)?;
    let acts = identity.as_ref().map(|signer| signer.did().to_string());
    // First what is cheap to get wrong: nothing is stored if an actor's file or the port is.
    let declared = declared(&config)?;
    let charter = charter(&config)?;
    let usual =
        || if testing.is_some() { StorePlace::Memory } else { StorePlace::Folder("troupe.store".into()) };
    let place = config.store.take().unwrap_or_else(usual);

    let (node, execute) = (config.node.clone(), config.executor.take());
    let signing = SigningArgs::of(&config.log)?;
    let door = command.listen.or(config).open()?;
    door.warn(screen);
    let signing = signing.unlock(&place)?;
    let store = server::open_store(&place)?;
    let printer = LogPrinter::many(screen, &store);
    let mut settings = Settings::new(store);
    command.code.apply(screen, None, &mut settings)?;
    apply(&node, &mut settings);
    if let Some(testing) = &testing {
        testing.apply(&mut settings);
    }
    settings.options.log = Arc::new(move |records| printer.print(records));
    let host = settings.open().map_err(|error| server::explain(&error, "", &server::shown(&place)))?;
    let mut begun = begin_all(screen, &host, declared, &server::shown(&place))?;
    if let Some(charter) = charter
        && begin_commons(&host, &charter, &server::shown(&place))?
    {
        begun.push(COMMONS.to_owned());
    }
    let executors = ExecutorArgs::begin(screen, &host, execute, identity)?;
    let watched = executors.as_ref().map(Executors::watched).unwrap_or_default();
    let actors = host.actors.clone();
    let checkpoints = signing.begin(screen, &actors)?;
    let log = Some(Arc::clone(checkpoints.log()));
    door.serve(screen, |url, policy| {
        introduce(screen, &host, &place, (&begun, acts.as_deref()), url)?;
        let rate = NonZero::new(node.rate_limit).map(RateLimit::new);
        Ok(Site::new(host, None).guarded(policy, rate).signing(log).executing(watched))
    })?;
    drop(executors);
    let (known, ..) = actors.usage();
    screen.note(format_args!("stopped with {}", plural(known, "actor")));
    Ok(())
}

impl Serve {
    /// What the file, the environment and the arguments say together.
    pub(super) fn layers(&self) -> Result<Layers, Failure> {
        let variable = |name: &str| std::env::var(name).ok();
        let mut layers = Layers::read(self.config.as_deref(), variable).map_err(|faults| {
            let told: Vec<_> = faults.iter().map(ToString::to_string).collect();
            Failure::cannot(told.join("\n"))
                .help("what a profile has against the rest is looked at once all can be read")
        })?;
        let (listen, own) = (&self.listen, &mut layers);
        own.argue("profile", "--profile", self.profile, |config, profile| config.profile = Some(profile));
        let store = self.store.as_deref().map(server::store_place);
        own.argue("storage.path", "--store", store, |config, place| config.store = Some(place));
        let charter = self.charter.clone();
        own.argue("governance.charter", "--charter", charter, |config, file| config.charter = Some(file));
        own.argue("network.listen", "--addr", listen.addr.clone(), |config, addr| config.listen = Some(addr));
        own.argue("network.tokens", "--tokens", listen.tokens.clone(), |config, file| {
            config.tokens = Some(file)
        });
        let public = listen.public_read.then_some(true);
        own.argue("network.public-read", "--public-read", public, |config, public| {
            config.public_read = public
        });
        let behind = listen.behind_proxy.then_some(true);
        own.argue("network.behind-proxy", "--behind-proxy", behind, |config, behind| {
            config.behind_proxy = behind
        });
        let tls =
            listen.tls_cert.clone().zip(listen.tls_key.clone()).map(|(cert, key)| TlsFiles { cert, key });
        own.argue("network.tls-cert", "--tls-cert", tls.clone(), |config, tls| config.tls = Some(tls));
        own.argue("network.tls-key", "--tls-key", tls, |config, tls| config.tls = Some(tls));
        own.argue("node.deadline", "--deadline", self.deadline, |config, time| config.node.deadline = time.0);
        own.argue("node.mailbox", "--mailbox", self.mailbox, |config, number| config.node.mailbox = number);
        own.argue("node.max-actors", "--max-actors", self.max_actors, |config, number| {
            config.node.max_actors = number
        });
        own.argue("node.rate-limit", "--rate-limit", self.rate_limit, |config, rate| {
            config.node.rate_limit = rate
        });
        own.argue("node.memory", "--memory", self.memory, |config, bytes| config.node.memory = bytes);
        let every = self.snapshot_every;
        own.argue("node.snapshot-every", "--snapshot-every", every, |config, every| {
            config.node.snapshot_every = every
        });
        own.argue("node.threads", "--threads", self.threads, |config, threads| config.node.threads = threads);
        self.executor.argue(&mut layers);
        self.signing.argue(&mut layers);
        Ok(layers)
    }
}

fn apply(node: &NodeSettings, settings: &mut Settings) {
    settings.deadline = node.deadline;
    let options = &mut settings.options;
    options.mailbox = usize::try_from(node.mailbox).unwrap_or(usize::MAX);
    options.memory = node.memory;
    options.snapshot_every = node.snapshot_every;
    options.max_actors = node.max_actors;
    options.delivery_timeout = u64::try_from(node.delivery_timeout.as_millis()).unwrap_or(u64::MAX);
    if node.threads > 0 {
        options.threads = usize::try_from(node.threads).unwrap_or(usize::MAX);
    }
}

/// The charter of the commons that is to be begun, with the parameters of the file where it says none.
fn charter(config: &NodeConfig) -> Result<Option<Charter>, Failure> {
    let Some(path) = &config.charter else { return Ok(None) };
    let mut charter = commons::begin::load(path)?;
    for (name, value) in &config.parameters {
        charter.parameters.entry(name.clone()).or_insert(*value);
    }
    Ok(Some(charter))
}

/// Begins the commons, unless the store has one; whether it did.
fn begin_commons(host: &Host, charter: &Charter, shown: &str) -> Result<bool, Failure> {
    let failed = |error: &dyn std::fmt::Display| Failure::cannot(error).while_("the commons");
    if host.commons().map_err(|error| failed(&error))?.is_some() {
        return Ok(false);
    }
    let explain = |error: SetupError| server::explain(&error, COMMONS, shown);
    let new = host.prepare_commons(charter).map_err(explain)?;
    host.actors.start_blocking(new).map_err(|error| failed(&error))?;
    Ok(true)
}

/// The actors of the file, each with a name: its own, or that of its component's file.
fn declared(config: &NodeConfig) -> Result<Vec<(Name, Begin)>, Failure> {
    let mut names = HashSet::new();
    let mut declared = Vec::new();
    for manifest in &config.actors {
        let mut begin = begin::from_manifest(manifest)?;
        let name = begin.name.clone().or_else(|| Name::new(begin.stem.clone()?).ok());
        let Some(name) = name else {
            let what = format!("the actor of {} has no name to find it by at the next start", begin.shown);
            return Err(Failure::cannot(what).help("give it one: name = \"…\" with a-z, 0-9, -, _ and ."));
        };
        if !names.insert(name.clone()) {
            let what = format!("two actors of the file are named `{name}`");
            return Err(
                Failure::cannot(what).help("without `name`, an actor is named as its component's file")
            );
        }
        begin.name = Some(name.clone());
        declared.push((name, begin));
    }
    Ok(declared)
}

/// Begins the actors that are not there, and says what of the others is not as the file has it.
fn begin_all(
    screen: &Screen,
    host: &Host,
    declared: Vec<(Name, Begin)>,
    place: &str,
) -> Result<Vec<String>, Failure> {
    let mut begun = Vec::new();
    for (name, begin) in declared {
        match host.actors.find(name.as_str()) {
            Ok(actor) => compare(screen, &name, &actor, &begin)?,
            Err(SendError::Unknown) => {
                let shown = begin.shown.clone();
                host.start_blocking(begin.start()).map_err(|error| {
                    server::explain(&error, &shown, place).while_(format_args!("actor `{name}`"))
                })?;
                begun.push(name.to_string());
            }
            Err(error) => return Err(Failure::cannot(error).while_(format_args!("actor `{name}`"))),
        }
    }
    Ok(begun)
}

/// Whether an actor is what the file says, as far as that can be changed.
fn compare(screen: &Screen, name: &Name, actor: &Actor, begin: &Begin) -> Done {
    let cannot = |error: SendError| Failure::cannot(error).while_(format_args!("actor `{name}`"));
    if actor.record().map_err(cannot)?.status() == Status::Stopped {
        screen.warn(format_args!("`{name}` is stopped; once it is removed, the next start begins it anew"));
        return Ok(());
    }
    let rules = Arc::clone(&actor.view().map_err(cannot)?.tip.rules);
    let (mut differs, mut arguments) = (Vec::new(), String::new());
    if rules.code != Code::Component(begin.hash()) {
        let runs = match &rules.code {
            Code::Component(name) => short(name),
            Code::Native(name) => name.to_string(),
        };
        differs.push(format!("its component is {runs}, in the file it is {}", short(begin.hash())));
        let _ = write!(arguments, " {}", parse::shell_word(&begin.shown));
    }
    if rules.grants != begin.grants {
        differs.push("its grants are others than in the file".to_owned());
        for grant in &begin.grants {
            let _ = write!(arguments, " --grant {}", parse::shell_word(grant.as_str()));
        }
    }
    for (limit, value) in &begin.limits {
        let is = rules.limits.iter().find(|(name, _)| name.as_str() == limit).map(|(_, value)| *value);
        if is != Some(*value) {
            let is = is.map_or("not set".to_owned(), |is| is.to_string());
            differs.push(format!("its limit `{limit}` is {is}, in the file it is {value}"));
            let _ = write!(arguments, " --limit {limit}={value}");
        }
    }
    // The bytes of a file come with a manifest.
    if rules.grants != begin.grants && begin.grants.iter().any(|grant| grant.as_str().starts_with("file:")) {
        arguments = String::from(" actor.toml, a manifest that says all of it");
    }
    if !differs.is_empty() {
        let differs = differs.join("; ");
        screen.warn(format_args!("`{name}` goes on as it is: {differs}"));
        screen.note(format_args!("{HELP}help:{HELP:#} to change it: troupe upgrade {name}{arguments}"));
    }
    let genesis = actor.genesis().map_err(cannot)?;
    if genesis.fork.is_none() && genesis.config != begin.config.as_deref().map(Hash::of) {
        screen.warn(format_args!(
            "`{name}` was begun with another config than the file has, which cannot be changed: \
             give the new one another name, or `troupe remove {name}` first"
        ));
    }
    Ok(())
}

fn introduce(
    screen: &Screen,
    host: &Host,
    place: &StorePlace,
    (begun, identity): (&[String], Option<&str>),
    url: &str,
) -> Done {
    let (actors, ..) = host.actors.usage();
    let store = server::shown(place);
    if screen.json {
        let value =
            json!({ "url": url, "actors": actors, "begun": begun, "store": store, "identity": identity });
        return Ok(screen.json(&value)?);
    }
    if let Some(identity) = identity {
        screen.field("identity", identity)?;
    }
    let gone = if *place == StorePlace::Memory { ": gone when this ends" } else { "" };
    screen.field("store", format_args!("{store}{gone}"))?;
    let new = if begun.is_empty() { String::new() } else { format!(", begun now: {}", begun.join(", ")) };
    screen.field("actors", format_args!("{actors}{new}"))?;
    let node =
        if url == format!("http://{}", server::ADDR) { String::new() } else { format!(" --node {url}") };
    if actors == 0 {
        screen.field("start", format_args!("troupe start COMPONENT --name NAME{node}"))?;
    } else {
        screen.field("look", format_args!("troupe ps{node}"))?;
    }
    screen.field("send", format_args!("troupe send NAME '{{…}}'{node}   {DIM}(Ctrl-C stops){DIM:#}"))?;
    Ok(screen.line(format_args!("listening on {BOLD}{url}{BOLD:#}"))?)
}
