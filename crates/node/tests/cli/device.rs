//! Keys in a device: a SoftHSM with a token of its own for each test. `cargo xtask test device` gets it and runs these.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::node::{Ran, ran};

const PIN: &str = "314159";

/// A token in a folder, and keys beside it.
struct Device {
    folder: tempfile::TempDir,
    module: PathBuf,
}

impl Device {
    fn new() -> Self {
        let places = ["/usr/lib/softhsm/libsofthsm2.so", "/usr/lib64/pkcs11/libsofthsm2.so"];
        let module = places.map(PathBuf::from).into_iter().find(|path| path.exists());
        let device = Self {
            folder: tempfile::tempdir().expect("a folder"),
            module: module.expect("SoftHSM is installed"),
        };
        let tokens = device.folder.path().join("tokens");
        fs::create_dir(&tokens).expect("a folder");
        fs::write(device.config(), format!("directories.tokendir = {}\n", tokens.display()))
            .expect("written");
        device.add("office");
        device
    }

    /// Sets up another token.
    fn add(&self, label: &str) {
        let init = ["--init-token", "--free", "--label", label, "--pin", PIN, "--so-pin", "271828"];
        let made = Command::new("softhsm2-util")
            .args(init)
            .env("SOFTHSM2_CONF", self.config())
            .output()
            .expect("it runs");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    }

    fn config(&self) -> PathBuf {
        self.folder.path().join("softhsm2.conf")
    }

    fn id(&self, args: &[&str]) -> Ran {
        self.id_with(args, PIN)
    }

    fn id_with(&self, args: &[&str], pin: &str) -> Ran {
        let mut command = Command::new(env!("CARGO_BIN_EXE_troupe"));
        command.arg("id").args(args).current_dir(self.folder.path()).stdin(Stdio::null());
        command.env("TROUPE_KEYS", self.folder.path().join("keys")).env("TROUPE_PASSPHRASE", pin);
        command.env("SOFTHSM2_CONF", self.config()).env("RUST_LOG", "trace").env_remove("TROUPE_AS");
        ran(command.output().expect("the binary runs"))
    }

    fn new_key(&self, name: &str) -> Ran {
        self.id(&["--json", "new", name, "--pkcs11", path(&self.module), "--token", "office"])
    }
}

fn path(path: &Path) -> &str {
    path.to_str().expect("a path in UTF-8")
}

fn did(ran: &Ran) -> String {
    ran.json()["did"].as_str().expect("a DID").to_owned()
}

#[test]
#[ignore = "needs SoftHSM: `cargo xtask test device` gets it"]
fn a_key_is_made_in_the_device_and_signs_there() {
    let device = Device::new();
    let made = did(&device.new_key("anna").code(0));
    let checked = device.id(&["--json", "check", "--as", "anna"]).code(0);
    assert_eq!(did(&checked), made);
    device.id(&["list"]).code(0).says("token office");
    device.id(&["export", "anna"]).code(0).says(&made);
    let secret = device.id(&["export", "anna", "--secret", "anna.age"]).code(2).complains("in a device");
    assert!(!secret.err.contains(PIN) && !device.folder.path().join("anna.age").exists());
}

#[test]
#[ignore = "needs SoftHSM: `cargo xtask test device` gets it"]
fn a_key_is_rotated_within_the_device() {
    let device = Device::new();
    let first = did(&device.new_key("anna").code(0));
    let next = device.id(&["--json", "rotate", "anna"]).code(0).json()["next"].as_str().unwrap().to_owned();
    assert_ne!(next, first);
    assert_eq!(did(&device.id(&["--json", "check", "--as", "anna"]).code(0)), first);
    device.id(&["rotate", "anna", "--finish"]).code(0);
    assert_eq!(did(&device.id(&["--json", "check", "--as", "anna"]).code(0)), next);
}

#[test]
#[ignore = "needs SoftHSM: `cargo xtask test device` gets it"]
fn what_a_device_refuses_is_said_with_what_to_do() {
    let device = Device::new();
    device.new_key("anna").code(0);
    device.id_with(&["check", "--as", "anna"], "161803").code(2).complains("the PIN is wrong");
    let module = path(&device.module);
    let other = ["new", "ben", "--pkcs11", module, "--token", "home"];
    device.id(&other).code(2).complains("no token \"home\"; it has office").complains("--token LABEL");
    let config = device.config();
    let wrong = ["new", "ben", "--pkcs11", path(&config), "--token", "office"];
    device.id(&wrong).code(2).complains("softhsm2.conf").complains("libsofthsm2.so");
    device.id(&["new", "ben", "--token", "office"]).code(2).complains("--pkcs11");
    fs::remove_dir_all(device.folder.path().join("tokens")).unwrap();
    fs::create_dir(device.folder.path().join("tokens")).unwrap();
    device.id(&["check", "--as", "anna"]).code(2).complains("it has none");
}

/// The serial number and the slot of each token called `office`, as they are told to whoever names too little.
fn told(ran: &Ran) -> Vec<(String, String)> {
    let parts = ran.err.split("office (serial ").skip(1);
    let token = |part: &str| {
        let (serial, rest) = part.split_once(", slot ").expect("a slot");
        (serial.to_owned(), rest.split(')').next().expect("an end").to_owned())
    };
    parts.map(token).collect()
}

#[test]
#[ignore = "needs SoftHSM: `cargo xtask test device` gets it"]
fn one_of_several_tokens_is_chosen_and_stays_chosen() {
    let device = Device::new();
    let new = |name, more: &[&str]| {
        let args = [&["--json", "new", name, "--pkcs11", path(&device.module)], more].concat();
        device.id(&args)
    };
    // The only one needs no name.
    new("anna", &[]).code(0);
    device.add("office");
    device.add("home");
    new("ben", &[]).code(2).complains("more than one token").complains("home (serial ").complains("--slot N");
    let same = new("ben", &["--token", "office"]).code(2).complains("more than one token");
    let there = told(&same);
    let [(serial, _), (_, slot)] = &there[..] else { panic!("two tokens of {there:?}") };
    let in_place = |made: &Ran| made.json()["in"].as_str().expect("a place").to_owned();
    assert!(in_place(&new("ben", &["--token", "office", "--serial", serial]).code(0)).contains(serial));
    let (other, _) = &there[1];
    assert!(in_place(&new("cy", &["--slot", slot]).code(0)).contains(other));
    assert!(in_place(&new("dan", &["--token", "home"]).code(0)).contains("token home"));
    for name in ["anna", "ben", "cy", "dan"] {
        device.id(&["check", "--as", name]).code(0);
    }
    // The next key is made in the same one.
    device.id(&["rotate", "cy"]).code(0);
    device.id(&["rotate", "cy", "--finish"]).code(0);
    assert!(in_place(&device.id(&["--json", "show", "cy"]).code(0)).contains(other));
    new("eve", &["--token", "home", "--serial", serial])
        .code(2)
        .complains("has no token")
        .complains("with serial");
}
