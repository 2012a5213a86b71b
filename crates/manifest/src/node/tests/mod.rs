//! What a configuration may say, which mistakes are found, and which layer beats which.

use std::fs;

use super::*;
use crate::ComponentRef;

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("actors")).unwrap();
    for file in ["actors/quakes.wasm", "counter.wasm", "cert.pem", "key.pem", "tokens.json"] {
        fs::write(folder.path().join(file), "").unwrap();
    }
    let manifest = "component = \"quakes.wasm\"\nname = \"quakes\"\n";
    fs::write(folder.path().join("actors/actor.toml"), manifest).unwrap();
    fs::write(folder.path().join("bad.toml"), "component = 1\n").unwrap();
    folder
}

#[test]
fn a_whole_configuration_is_read() {
    let folder = folder();
    let at = |path: &str| folder.path().join(path);
    let text = r#"
        store = "data"
        listen = "[::1]:8080"
        tokens = "tokens.json"
        public-read = true
        tls-cert = "cert.pem"
        tls-key = "key.pem"
        [log]
        name = "node.example/log"
        key-passphrase-file = "key.pem"
        witnesses = ["http://127.0.0.1:8090=w+01020304+AbCd"]
        [executor]
        as = ["ada", "keys/bea.age"]
        passphrase-file = ["key.pem", "cert.pem"]
        capacity = 4
        capabilities = ["gpu"]
        limits.memory = "2GiB"
        [node]
        deadline = "none"
        mailbox = 7
        memory = "1GiB"
        snapshot-every = 10
        threads = 2
        delivery-timeout = "1m"
        max-actors = 5
        rate-limit = 100
        [[actor]]
        manifest = "actors/actor.toml"
        [[actor]]
        component = "counter.wasm"
        config.start = 3
    "#;
    fs::write(at("troupe.toml"), text).unwrap();
    let config = NodeConfig::load(at("troupe.toml")).unwrap();
    assert_eq!(config.store, Some(StorePlace::Folder(at("data"))));
    assert_eq!(config.listen.as_deref(), Some("[::1]:8080"));
    assert_eq!((config.tokens, config.public_read), (Some(at("tokens.json")), true));
    assert_eq!(config.tls, Some(TlsFiles { cert: at("cert.pem"), key: at("key.pem") }));
    let log = LogSettings {
        name: Some("node.example/log".to_owned()),
        key_passphrase_file: Some(at("key.pem")),
        witnesses: vec!["http://127.0.0.1:8090=w+01020304+AbCd".to_owned()],
    };
    assert_eq!(config.log, log);
    let executor = ExecutorSettings {
        signers: vec!["ada".to_owned(), at("keys/bea.age").display().to_string()],
        passphrase_files: vec![at("key.pem"), at("cert.pem")],
        capacity: 4,
        price: 1,
        capabilities: vec!["gpu".to_owned()],
        ceiling: vec![("memory".to_owned(), 2 << 30)],
    };
    assert_eq!(config.executor, Some(executor));
    let node = NodeSettings {
        deadline: None,
        mailbox: 7,
        memory: 1 << 30,
        snapshot_every: 10,
        threads: 2,
        delivery_timeout: Duration::from_mins(1),
        max_actors: 5,
        rate_limit: 100,
    };
    assert_eq!(config.node, node);
    let [quakes, counter] = config.actors.try_into().unwrap();
    assert_eq!(quakes.component, ComponentRef::Path(at("actors/quakes.wasm")));
    assert_eq!(counter.component, ComponentRef::Path(at("counter.wasm")));
    assert_eq!(counter.config.as_deref(), Some(&b"{\"start\":3}"[..]));
}

#[test]
fn a_node_runs_jobs_for_one_member_or_for_a_list_of_them() {
    let signers = |text: &str| {
        let config = NodeConfig::parse(text, "troupe.toml").unwrap();
        config.executor.map(|executor| executor.signers)
    };
    assert_eq!(signers("[executor]\nas = \"ada\""), Some(vec!["ada".to_owned()]));
    let several = ["ada", "bea", "cyn"].map(str::to_owned).to_vec();
    assert_eq!(signers("[executor]\nas = [\"ada\", \"bea\", \"cyn\"]"), Some(several.clone()));
    assert_eq!(signers("[executor]\ncapacity = 1"), Some(Vec::new()));
    let many: Vec<_> = (0..17).map(|n| format!("\"member-{n}\"")).collect();
    let fault = NodeConfig::parse(&format!("[executor]\nas = [{}]", many.join(", ")), "troupe.toml");
    assert!(fault.unwrap_err().what().contains("17 elements; there may be 16"));
    let variable = |name: &str| (name == "TROUPE_EXECUTOR_AS").then(|| "ada, bea,cyn".to_owned());
    let layers = Layers::read(None, variable).unwrap();
    assert_eq!(layers.config.executor.map(|executor| executor.signers), Some(several));
}

#[test]
fn an_empty_file_means_the_defaults() {
    assert_eq!(NodeConfig::parse("", "troupe.toml"), Ok(NodeConfig::default()));
    let memory = NodeConfig::parse("store = \"memory\"\n[node]", "troupe.toml").unwrap();
    assert_eq!(memory, NodeConfig { store: Some(StorePlace::Memory), ..NodeConfig::default() });
}

#[test]
fn every_mistake_is_a_fault_at_its_place() {
    let folder = folder();
    for (text, line, column, what) in [
        ("stroe = \"x\"", 1, 1, "did you mean `store`?"),
        ("store = true", 1, 9, "must be a string, not true or false"),
        ("profile = \"prod\"", 1, 11, "expected production, development or testing"),
        ("[storage]\nstore = \"x\"", 2, 1, "there are path"),
        ("store = \"x\"\n[storage]\npath = \"y\"", 1, 1, "there twice"),
        ("listen = \"a:1\"\n[network]\nlisten = \"a:2\"", 1, 1, "there twice"),
        ("[network]\nmode = \"mesh\"", 2, 8, "expected local"),
        ("[identity]\nkeys = \"anna\"", 2, 1, "did you mean `key`?"),
        ("[identity]\npassphrase-file = \"no\"", 2, 19, "No such file"),
        ("[governance]\ncharter = \"no.toml\"", 2, 11, "No such file"),
        ("[parameters]\ntimelock = \"1h\"", 2, 12, "a whole number"),
        ("parameters = 1", 1, 14, "must be a table"),
        ("listen = \"8080\"", 1, 10, "HOST:PORT"),
        ("listen = \"::1:8080\"", 1, 10, "[::1]:8080"),
        ("listen = \"a:65536\"", 1, 10, "HOST:PORT"),
        ("public-read = \"yes\"", 1, 15, "must be true or false, not a string"),
        ("tokens = \"no.json\"", 1, 10, "troupe token create"),
        ("tls-cert = \"no.pem\"", 1, 12, "no.pem: No such file"),
        ("tls-cert = \"cert.pem\"", 1, 1, "needs `tls-key` too"),
        ("\ntls-key = \"key.pem\"", 2, 1, "needs `tls-cert` too"),
        ("[log]\nwitnesses = [\"http://x\"]", 2, 14, "expected URL=KEY"),
        ("[log]\nwitness = []", 2, 1, "did you mean `witnesses`?"),
        ("[log]\nkey-passphrase-file = \"no.pem\"", 2, 23, "no.pem: No such file"),
        ("[executor]\ncapacity = 0", 2, 12, "must be from 1 to"),
        ("[executor]\nas = 7", 2, 6, "a string or a list of strings, not a whole number"),
        ("[executor]\nas = [\"ada\", 7]", 2, 14, "a list of strings"),
        ("[executor]\nas = []", 2, 6, "`as` is empty"),
        ("[executor]\nas = [\"ada\", \"\"]", 2, 14, "`as` is empty"),
        ("[executor]\nas = [\"ada\", \"bea\", \"ada\"]", 2, 21, "`as` has \"ada\" twice"),
        ("[executor]\npassphrase-file = \"no\"", 2, 19, "no: No such file"),
        ("[node]\nmail-box = 3", 2, 1, "did you mean `mailbox`?"),
        ("[node]\nmailbox = 0", 2, 11, "must be from 1 to"),
        ("[node]\nmailbox = 99999999999999999999999", 2, 11, "must be from 1 to"),
        ("[node]\ndeadline = \"0s\"", 2, 12, "lets nothing pass"),
        ("[node]\ndeadline = \"400d\"", 2, 12, "up to 1day"),
        ("[node]\ndelivery-timeout = \"none\"", 2, 20, "must end"),
        ("[node]\nmemory = 1", 2, 10, "must be from 1048576 to"),
        ("[actor]\ncomponent = \"counter.wasm\"", 1, 1, "`actor` must be a list, not a table"),
        ("actor = [1]", 1, 10, "a list of tables, not a whole number"),
        ("[[actor]]\nmanifset = \"x\"", 2, 1, "did you mean `manifest`?"),
        ("[[actor]]\nmanifest = \"no.toml\"", 2, 12, "no.toml: No such file"),
        ("[[actor]]\nmanifest = \"actors/actor.toml\"\nname = \"b\"", 3, 1, "there is no key `name`"),
        ("\n[[actor]]\nname = \"b\"", 2, 1, "`component` is missing"),
        (
            "[[actor]]\nmanifest = \"actors/actor.toml\"\n[[actor]]\nmanifest = \"actors/actor.toml\"",
            3,
            1,
            "another actor is named `quakes` too",
        ),
    ] {
        let fault = NodeConfig::parse(text, folder.path().join("troupe.toml")).unwrap_err();
        assert!(fault.what().contains(what), "{text:?}: {fault}");
        assert_eq!(fault.place(), Some((line, column)), "{text:?}: {fault}");
    }
}

#[test]
fn a_fault_in_a_manifest_is_shown_in_the_manifest() {
    let folder = folder();
    let text = "[[actor]]\nmanifest = \"bad.toml\"";
    let fault = NodeConfig::parse(text, folder.path().join("troupe.toml")).unwrap_err();
    assert_eq!((fault.file(), fault.place()), (&*folder.path().join("bad.toml"), Some((1, 13))));
}

#[test]
fn the_sections_say_what_the_top_of_the_file_said_before() {
    let folder = folder();
    let file = folder.path().join("troupe.toml");
    let before = "store = \"data\"\nlisten = \"a:1\"\ntokens = \"tokens.json\"\npublic-read = true\n\
                  tls-cert = \"cert.pem\"\ntls-key = \"key.pem\"\n";
    let now = "[network]\nlisten = \"a:1\"\ntokens = \"tokens.json\"\npublic-read = true\n\
               tls-cert = \"cert.pem\"\ntls-key = \"key.pem\"\nmode = \"local\"\n[storage]\npath = \"data\"\n";
    let read = NodeConfig::parse(now, &file).unwrap();
    assert_eq!(read, NodeConfig::parse(before, &file).unwrap());
    assert_eq!(read.store, Some(StorePlace::Folder(folder.path().join("data"))));
}

#[test]
fn a_profile_an_identity_and_parameters_are_read() {
    let folder = folder();
    let text = "profile = \"production\"\n[identity]\nkey = \"anna\"\npassphrase-file = \"key.pem\"\n\
                [governance]\ncharter = \"bad.toml\"\n[parameters]\ntimelock = 5\nveto = 1_000\n";
    let read = NodeConfig::parse(text, folder.path().join("troupe.toml")).unwrap();
    assert_eq!(read.profile, Some(Profile::Production));
    assert_eq!(read.identity.key.as_deref(), Some("anna"));
    assert_eq!(read.identity.passphrase_file, Some(folder.path().join("key.pem")));
    assert_eq!(read.charter, Some(folder.path().join("bad.toml")));
    let parameters = BTreeMap::from([("timelock".to_owned(), 5), ("veto".to_owned(), 1000)]);
    assert_eq!(read.parameters, parameters);
    let path =
        NodeConfig::parse("[identity]\nkey = \"anna.age\"", folder.path().join("troupe.toml")).unwrap();
    assert_eq!(path.identity.key.map(PathBuf::from), Some(folder.path().join("anna.age")));
}

#[test]
fn every_mistake_is_found_at_once() {
    let text =
        "profile = \"x\"\nlisten = \"x\"\n[node]\nmailbox = 0\nthreads = 5000\n[network]\nmode = \"mesh\"\n";
    let faults = Loaded::parse(text, Path::new("troupe.toml")).unwrap_err();
    let mut lines: Vec<_> = faults.iter().map(|fault| fault.place().unwrap().0).collect();
    lines.sort_unstable();
    assert_eq!(lines, [1, 2, 4, 5, 7]);
}

/// A key that is added to a section is a setting, or part of a list whose rows are shown.
#[test]
fn every_key_of_the_file_is_shown() {
    let sections = super::read::SECTIONS.iter();
    let keys = sections.flat_map(|(section, keys)| keys.iter().map(move |key| format!("{section}.{key}")));
    for key in keys.filter(|key| key != "executor.limits") {
        assert!(super::Setting::find(&key).is_some(), "{key}");
    }
}

/// Layers of a file and of variables.
fn layers(text: &str, variables: &[(&str, &str)]) -> Result<Layers, Vec<Fault>> {
    let folder = folder();
    let file = folder.path().join("troupe.toml");
    fs::write(&file, text).unwrap();
    let variable = |name: &str| {
        let found = variables.iter().find(|(variable, _)| *variable == name);
        found.map(|(_, value)| (*value).to_owned())
    };
    Layers::read(Some(&file), variable)
}

#[test]
fn a_variable_beats_the_file_and_an_argument_beats_both() {
    let text = "listen = \"a:1\"\n[node]\nthreads = 1\nmailbox = 2\n[parameters]\nveto = 7\n";
    let variables =
        [("TROUPE_NODE_THREADS", "3"), ("TROUPE_NETWORK_LISTEN", "b:2"), ("TROUPE_NODE_DEADLINE", "none")];
    let mut layers = layers(text, &variables).unwrap();
    layers.argue("network.listen", "--addr", Some("c:3"), |config, value| config.listen = Some(value.into()));
    layers.argue("node.mailbox", "--mailbox", None, |config, value| config.node.mailbox = value);
    assert_eq!(
        (layers.config.node.threads, layers.config.node.mailbox, layers.config.node.deadline),
        (3, 2, None)
    );
    assert_eq!(layers.config.listen.as_deref(), Some("c:3"));
    let variable = |name: &str| Origin::Variable(name.to_owned());
    for (key, origin) in [
        ("network.listen", Origin::Argument("--addr")),
        ("node.threads", variable("TROUPE_NODE_THREADS")),
        ("node.deadline", variable("TROUPE_NODE_DEADLINE")),
        ("node.mailbox", Origin::File(4)),
        ("node.memory", Origin::Default),
        ("parameters.veto", Origin::File(6)),
    ] {
        assert_eq!(layers.origin(key), origin, "{key}");
        assert!(layers.rows().iter().any(|row| row.key == key && row.origin == origin), "{key}");
    }
    assert!(layers.fault("node.mailbox", "x").to_string().contains("troupe.toml:4:11: x"));
    assert_eq!(layers.fault("node.threads", "x").to_string(), "TROUPE_NODE_THREADS: x");
}

#[test]
fn a_mistake_in_a_variable_names_it() {
    let variables =
        [("TROUPE_NODE_THREADS", "many"), ("TROUPE_PROFILE", "\"x"), ("TROUPE_NETWORK_TLS_CERT", "a.pem")];
    let faults = layers("[node]\nmailbox = 0", &variables).unwrap_err();
    for name in ["TROUPE_NODE_THREADS", "TROUPE_PROFILE", "TROUPE_NETWORK_TLS_CERT", "troupe.toml"] {
        assert!(faults.iter().any(|fault| fault.file().ends_with(name)), "{name}: {faults:?}");
    }
}

#[test]
fn every_setting_can_be_said_in_each_way_and_is_shown() {
    let folder = folder();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let said = |key: &str| match key {
        "profile" => "testing".to_owned(),
        "network.mode" => "local".to_owned(),
        "network.behind-proxy" | "network.public-read" => "true".to_owned(),
        "network.listen" => "a:1".to_owned(),
        "log.witnesses" => "http://a=b, http://c=d".to_owned(),
        "node.deadline" | "node.delivery-timeout" => "7s".to_owned(),
        "node.memory" => "7340032".to_owned(),
        "executor.capacity" | "executor.price" => "7".to_owned(),
        key if key.starts_with("node.") => "7".to_owned(),
        "network.tokens" => path("tokens.json"),
        "network.tls-cert" | "governance.charter" => path("cert.pem"),
        "network.tls-key"
        | "executor.passphrase-file"
        | "identity.passphrase-file"
        | "log.key-passphrase-file" => path("key.pem"),
        _ => "seven".to_owned(),
    };
    let variable = |name: &str| {
        SETTINGS.iter().find(|setting| setting.variable() == name).map(|setting| said(setting.key))
    };
    let layers = Layers::read(None, variable).unwrap();
    for row in layers.rows() {
        assert_eq!(row.value, Some(said(&row.key)), "{}", row.key);
        assert_eq!(row.origin, Origin::Variable(Setting::find(&row.key).unwrap().variable()));
    }
}
