//! A node as a process, and what people ask of it.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use serde_json::{Value, json};
use troupe_chain::Hash;
use troupe_commons::governance::{Action, Motion};
use troupe_commons::jobs::JobSpec;
use troupe_commons::{Act, Charter, Id, Message, WHOLE};
use troupe_identity::http;

use crate::person::{now, person};
use crate::wire::Wire;

/// What opens the key files of persons.
pub(crate) const PASSPHRASE: &str = "in a test";

/// `troupe serve` as a process, with a commons.
pub(crate) struct Node {
    child: Child,
    out: BufReader<ChildStdout>,
    pub(crate) addr: SocketAddr,
}

/// Compiled code, kept from one run of the tests to the next.
pub(crate) fn cache() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("code")
}

impl Node {
    /// Starts a node on the store in `folder`, with a commons of this charter if it has none.
    pub(crate) fn start(folder: &Path, charter: &Charter) -> Self {
        let path = folder.join("charter.json");
        fs::write(&path, serde_json::to_vec(charter).unwrap()).unwrap();
        Self::serve(folder, &["--charter".as_ref(), path.as_os_str()])
    }

    pub(crate) fn serve(folder: &Path, arguments: &[&std::ffi::OsStr]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_troupe"));
        command.args(["serve", "--addr", "127.0.0.1:0", "--store"]).arg(folder.join("store"));
        command.args(arguments).arg("--cache").arg(cache());
        let errors = File::create(folder.join("stderr")).unwrap();
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(errors);
        let mut child = command.spawn().unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        let addr = loop {
            line.clear();
            if out.read_line(&mut line).unwrap() == 0 {
                panic!("{}", fs::read_to_string(folder.join("stderr")).unwrap_or_default());
            }
            if let Some(url) = line.strip_prefix("listening on http://") {
                break url.trim().parse().unwrap();
            }
        };
        Self { child, out, addr }
    }

    /// Runs the binary, which asks this node, with the passphrase of the keys of persons.
    pub(crate) fn run(&self, arguments: &[&str]) -> (i32, String, String) {
        let node = format!("http://{}", self.addr);
        troupe_with(arguments, &[("TROUPE_NODE", &node), ("TROUPE_PASSPHRASE", PASSPHRASE)])
    }

    pub(crate) fn wire(&self) -> Wire {
        Wire::connect(self.addr).unwrap()
    }

    pub(crate) fn get(&self, path: &str) -> Value {
        self.wire().get(path).unwrap().status(200).json()
    }

    pub(crate) fn chain(&self) -> Hash {
        self.get("/commons")["chain"].as_str().unwrap().parse().unwrap()
    }

    /// Posts a body that a person signs the request for.
    pub(crate) fn bring(&self, path: &str, headers: &str, body: &[u8]) -> crate::wire::Answer {
        let headers = format!("{headers}{}", signature(path, body));
        self.wire().ask("POST", path, &headers, body).unwrap()
    }

    /// Posts a command as it is; what was answered.
    pub(crate) fn post(&self, message: &Message) -> crate::wire::Answer {
        self.bring("/commons", "", &message.to_bytes())
    }

    /// A command that must be taken, with the number that the node says; its reply.
    pub(crate) fn act(&self, number: u8, act: Act) -> Value {
        let person = person(number);
        let next = self.get(&format!("/commons/members/{}", person.id))["next"].as_u64().unwrap();
        let answer = self.post(&person.message(self.chain(), next, now() + 60_000, act));
        answer.status(200).json()["reply"].clone()
    }

    /// Kills it, as `kill -9` does.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = &self.out;
    }
}

/// The header fields by which a request is signed: by whom its command names, else by the first person.
pub(crate) fn signature(path: &str, body: &[u8]) -> String {
    let by = match Message::read(body) {
        Ok(Message::Signed(signed)) => signed.command.by,
        _ => String::new(),
    };
    signature_by((1..=20).find(|number| person(*number).did() == by).unwrap_or(1), path, body)
}

/// The header fields by which a person signs a request.
pub(crate) fn signature_by(number: u8, path: &str, body: &[u8]) -> String {
    let request = http::Request { method: "POST", authority: "localhost", path, query: None, fields: &[] };
    let (seconds, nonce) = (now() / 1000, http::new_nonce().unwrap());
    let signed = http::sign(&person(number).key, &request, body, (seconds, seconds + 60), &nonce).unwrap();
    format!(
        "Content-Digest: {}\r\nSignature-Input: {}\r\nSignature: {}\r\n",
        signed.content_digest, signed.signature_input, signed.signature
    )
}

/// Runs the binary; its exit code, its output, and what it says to standard error.
pub(crate) fn troupe(arguments: &[&str]) -> (i32, String, String) {
    troupe_with(arguments, &[])
}

fn troupe_with(arguments: &[&str], variables: &[(&str, &str)]) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_troupe"));
    command.args(arguments).stdin(Stdio::null()).env("XDG_CACHE_HOME", cache()).env_remove("TROUPE_AS");
    let output = command.envs(variables.iter().copied()).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

/// A job that one executor runs within ten minutes, for at most 10 mana and a million units of fuel.
pub(crate) fn spec(component: Id, input: Id) -> JobSpec {
    JobSpec {
        bundle: None,
        capabilities: Vec::new(),
        component,
        deadline: now() + 600_000,
        inputs: vec![input],
        limits: [("fuel".to_owned(), 1_000_000)].into(),
        price: 10,
        quorum: 1,
        replicas: 1,
        reputation: None,
        resume: None,
        scope: None,
        term: None,
    }
}

/// What members vote on in tests: for a minute, half of them, more than half of those for it.
pub(crate) fn motion(action: Action) -> Motion {
    Motion { action, duration: 60_000, options: vec![], quorum: WHOLE / 2, text: None, threshold: WHOLE / 2 }
}

/// Verifies all that a folder's store says of the commons.
#[track_caller]
pub(crate) fn verify(folder: &Path) -> Value {
    let store = folder.join("store").display().to_string();
    let (code, out, errors) = troupe(&["verify", &store, "--json"]);
    assert_eq!(code, 0, "{out}{errors}");
    let verified: Value = serde_json::from_str(out.lines().next().unwrap()).unwrap();
    assert_eq!(verified["verified"], json!(true), "{verified}");
    verified
}
