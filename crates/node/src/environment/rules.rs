//! What each profile requires of a configuration, and refuses in it.
//!
//! Invariant: every rule is looked at, whatever the others came to; a configuration without a profile breaks none of theirs.
//! What only shows when something is done (whether a passphrase opens a key) is not looked at here.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use troupe_identity::sealed::is_encrypted;
use troupe_identity::{IdName, Kept, Keyring, MAX_KEY_FILE_BYTES};
use troupe_manifest::{MAX_EXECUTORS, NodeConfig, Profile, StorePlace};

/// Something that a configuration has against its profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The setting.
    pub key: String,
    /// What is wrong.
    pub what: String,
    /// What to do about it.
    pub remedy: String,
}

/// What beside the file counts.
#[derive(Debug, Clone, Default)]
pub struct Surroundings {
    /// The user's keys.
    pub keyring: Option<Keyring>,
    /// Whether the environment has the passphrase of the identity.
    pub passphrase: bool,
    /// Whether it has that of the key that signs the node's log.
    pub log_passphrase: bool,
}

/// What was found so far.
struct Found(Vec<Violation>);

impl Found {
    fn add(&mut self, key: &str, what: impl Into<String>, remedy: impl Into<String>) {
        self.0.push(Violation { key: key.to_owned(), what: what.into(), remedy: remedy.into() });
    }
}

/// All that a configuration has against its profile, in the order of the sections.
pub fn violations(config: &NodeConfig, around: &Surroundings) -> Vec<Violation> {
    let mut found = Found(Vec::new());
    match config.profile {
        None => {}
        Some(Profile::Production) => {
            identity(config, around, &mut found);
            durable(config, &mut found);
            members(config, around, &mut found);
            signed(config, around, &mut found);
            guarded(config, &mut found);
        }
        Some(Profile::Development) => {
            identity(config, around, &mut found);
            members(config, around, &mut found);
        }
        Some(Profile::Testing) => alone(config, &mut found),
    }
    executors(config, &mut found);
    parameters(config, &mut found);
    found.0
}

/// What a profile does not require, and advises.
pub fn advice(config: &NodeConfig) -> Vec<Violation> {
    let mut found = Found(Vec::new());
    if config.profile == Some(Profile::Production) && config.log.witnesses.is_empty() {
        found.add(
            "log.witnesses",
            "nobody cosigns the node's log: whoever has its key could show one history to some and another to others",
            "witnesses = [\"URL=KEY\"] in [log]; `troupe witness` runs one, elsewhere",
        );
    }
    found.0
}

/// A key that a person keeps, with a passphrase that only they read.
fn identity(config: &NodeConfig, around: &Surroundings, found: &mut Found) {
    match &config.identity.key {
        Some(key) => encrypted("identity.key", key, around, found),
        None => found.add(
            "identity.key",
            "the node has no key of its own",
            "`troupe id new NAME` makes one; then key = \"NAME\" in [identity]",
        ),
    }
    match &config.identity.passphrase_file {
        Some(path) => private("identity.passphrase-file", path, found),
        None if around.passphrase || config.identity.key.is_none() => {}
        None => found.add(
            "identity.passphrase-file",
            "nobody is there to be asked for the key's passphrase when the node starts",
            "passphrase-file = \"FILE\" in [identity], or TROUPE_PASSPHRASE",
        ),
    }
}

/// A key that is there, and that nobody uses without its passphrase.
fn encrypted(setting: &str, key: &str, around: &Surroundings, found: &mut Found) {
    match key_file_of(key, around.keyring.as_ref()) {
        Err(what) => found.add(setting, what, "`troupe id list` shows the keys that there are"),
        Ok(None) => {}
        Ok(Some(path)) => {
            let shown = path.display();
            match read_key_file(&path) {
                Ok(bytes) if is_encrypted(&bytes) => {}
                Ok(_) => {
                    let what = format!("{shown} is no encrypted key");
                    found.add(setting, what, "`troupe id export NAME --secret FILE` writes one");
                }
                Err(error) => {
                    let what = format!("{shown} cannot be read: {error}");
                    found.add(setting, what, "whoever runs the node must be able to read its key");
                }
            }
            private(setting, &path, found);
        }
    }
}

/// The bytes of a key file; of a longer one, which is none, the beginning.
fn read_key_file(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(MAX_KEY_FILE_BYTES as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The file of a key that is given by name or path; none if it is in a device.
///
/// # Errors
/// Why there is no such key.
pub fn key_file_of(key: &str, keyring: Option<&Keyring>) -> Result<Option<PathBuf>, String> {
    if key.contains(['.', '/']) {
        let path = PathBuf::from(key);
        return if path.is_file() { Ok(Some(path)) } else { Err(format!("{key} is not there")) };
    }
    let name: IdName = key.parse().map_err(|error: troupe_identity::BadIdName| error.to_string())?;
    let keyring = keyring.ok_or("this user has no folder for keys")?;
    let record = keyring.find(&name).map_err(|error| error.to_string())?;
    match &record.key.kept {
        Kept::Pkcs11 { .. } => Ok(None),
        Kept::File { .. } => keyring.path_of(&name, &record.key).map(Some).map_err(|error| error.to_string()),
    }
}

/// The keys of the members for whom it runs jobs are kept as its own.
fn members(config: &NodeConfig, around: &Surroundings, found: &mut Found) {
    const FILE: &str = "executor.passphrase-file";
    let Some(executor) = &config.executor else { return };
    for key in &executor.signers {
        encrypted("executor.as", key, around, found);
    }
    for path in &executor.passphrase_files {
        private(FILE, path, found);
    }
    if executor.passphrase_files.is_empty() && !executor.signers.is_empty() && !around.passphrase {
        found.add(
            FILE,
            "nobody is there to be asked for the passphrase of an executor's key when the node starts",
            "passphrase-file = \"FILE\" in [executor], or TROUPE_PASSPHRASE",
        );
    }
}

/// Each member is named once, and each key has its passphrase, in any profile.
fn executors(config: &NodeConfig, found: &mut Found) {
    let Some(executor) = &config.executor else { return };
    let (keys, files) = (&executor.signers, &executor.passphrase_files);
    for (n, key) in keys.iter().enumerate() {
        if keys[..n].contains(key) {
            let what = format!("`{key}` is there twice, and a member runs a job once");
            found.add("executor.as", what, "name each member once");
        }
    }
    if keys.len() > MAX_EXECUTORS {
        let what = format!("it would run jobs for {} members, and there may be {MAX_EXECUTORS}", keys.len());
        found.add("executor.as", what, "name fewer");
    }
    if files.len() > 1 && files.len() != keys.len() {
        let what =
            format!("there are {} files, and the keys of `executor.as` are {}", files.len(), keys.len());
        found.add(
            "executor.passphrase-file",
            what,
            "one file for all of them, or one for each in their order",
        );
    }
}

/// What was answered is there after any crash.
fn durable(config: &NodeConfig, found: &mut Found) {
    match config.store {
        Some(StorePlace::Folder(_)) => {}
        Some(StorePlace::Memory) => found.add(
            "storage.path",
            "a store in memory is gone when the node ends",
            "path = \"FOLDER\" in [storage]",
        ),
        None => {
            found.add("storage.path", "it is not said where the store is", "path = \"FOLDER\" in [storage]")
        }
    }
    if config.node.deadline.is_none() {
        found.add(
            "node.deadline",
            "without a deadline one message may take as long as its fuel lasts",
            "deadline = \"10s\" in [node]",
        );
    }
}

/// What the node signs of its chains, it alone signs: its key is encrypted, and the passphrase is at hand and nobody else's.
fn signed(config: &NodeConfig, around: &Surroundings, found: &mut Found) {
    const KEY: &str = "log.key-passphrase-file";
    match &config.log.key_passphrase_file {
        Some(path) => private(KEY, path, found),
        None if around.log_passphrase => {}
        None => found.add(
            KEY,
            "the key that signs the node's log is not encrypted, or nobody is there to be asked for its passphrase",
            "key-passphrase-file = \"FILE\" in [log], or TROUPE_KEY_PASSPHRASE",
        ),
    }
    let Some(StorePlace::Folder(store)) = &config.store else { return };
    // What cannot be read, the start says.
    if let Ok(Some(false)) = troupe_log::is_key_encrypted(&store.join(troupe_log::NODE_KEY_FILE)) {
        let store = store.display();
        let what = format!(
            "{store}/{} is not encrypted: whoever reads it signs as the node",
            troupe_log::NODE_KEY_FILE
        );
        found.add(KEY, what, format!("troupe key encrypt {store}"));
    }
}

/// Whoever comes from another machine comes over HTTPS, with a token, and not too often.
fn guarded(config: &NodeConfig, found: &mut Found) {
    if let Some(tls) = &config.tls {
        private("network.tls-key", &tls.key, found);
    }
    if config.behind_proxy && config.tokens.is_none() {
        found.add(
            "network.behind-proxy",
            "whoever comes through the proxy needs a token, and there are none",
            "`troupe token create --name NAME --scope read,send` makes a file; then tokens = \"FILE\" in [network]",
        );
    }
    if is_local(config.listen.as_deref()) {
        return;
    }
    if config.tls.is_none() {
        found.add(
            "network.listen",
            "other machines reach the node, and not over HTTPS: whoever is on the way reads tokens and messages",
            "tls-cert = \"FILE\" and tls-key = \"FILE\" in [network]",
        );
    }
    if config.tokens.is_none() {
        found.add(
            "network.listen",
            "other machines reach the node, and nobody there could be told apart",
            "`troupe token create --name NAME --scope read,send` makes a file; then tokens = \"FILE\" in [network]",
        );
    }
    if config.node.rate_limit == 0 {
        found.add(
            "node.rate-limit",
            "a client from elsewhere may ask as often as it can",
            "rate-limit = 100 in [node]",
        );
    }
}

/// Nothing is kept, nobody else is reached, and no key is used that is worth something.
fn alone(config: &NodeConfig, found: &mut Found) {
    if let Some(StorePlace::Folder(path)) = &config.store {
        let what = format!("a test keeps nothing, and {} would stay", path.display());
        found.add("storage.path", what, "path = \"memory\" in [storage], or none");
    }
    if config.identity.key.is_some() {
        found.add(
            "identity.key",
            "a test has a fixed key, and needs none that is worth something",
            "leave it out",
        );
    }
    if !is_local(config.listen.as_deref()) {
        found.add(
            "network.listen",
            "a test is reached from this machine alone",
            "listen = \"127.0.0.1:0\" in [network]",
        );
    }
    if !config.log.witnesses.is_empty() {
        found.add("log.witnesses", "a test asks nobody else", "leave them out");
    }
}

/// What the commons begins with is within its bounds, in any profile.
fn parameters(config: &NodeConfig, found: &mut Found) {
    for (name, value) in &config.parameters {
        let key = format!("parameters.{name}");
        let Some(parameter) = troupe_commons::parameters::Parameter::find(name) else {
            let what = format!("there is no parameter `{name}`");
            found.add(&key, what, "docs/spec/commons.md lists them, with their bounds");
            continue;
        };
        if !(parameter.min..=parameter.max).contains(value) {
            let what = format!(
                "it is {value}, but must be from {} to {} {}",
                parameter.min, parameter.max, parameter.unit
            );
            found.add(&key, what, format!("the default is {}", parameter.default));
        }
    }
}

/// Whether only this machine reaches an address. A name may lead anywhere, but for `localhost`.
fn is_local(listen: Option<&str>) -> bool {
    let Some(listen) = listen else { return true };
    let address = listen.parse::<SocketAddr>().map(|address| address.ip());
    let host = listen.rsplit_once(':').map_or(listen, |(host, _)| host);
    address.as_ref().is_ok_and(IpAddr::is_loopback) || host == "localhost"
}

#[cfg(unix)]
fn private(key: &str, path: &Path, found: &mut Found) {
    use std::os::unix::fs::PermissionsExt as _;
    let open = fs::metadata(path).is_ok_and(|metadata| metadata.permissions().mode() & 0o077 != 0);
    if open {
        let path = path.display();
        found.add(key, format!("others than its owner may read {path}"), format!("chmod 600 {path}"));
    }
}

#[cfg(not(unix))]
fn private(_: &str, _: &Path, _: &mut Found) {}
