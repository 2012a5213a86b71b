//! A command at a pseudo-terminal, which the test types into and reads from.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::process::Child;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use crate::node::command;

/// How long the command may say nothing: a test that waits for what never comes ends.
const PATIENCE: Duration = Duration::from_secs(120);

pub(crate) struct Terminal {
    child: Child,
    keys: File,
    shown: Receiver<Vec<u8>>,
    /// All that was shown since a text was waited for.
    screen: String,
}

impl Terminal {
    pub(crate) fn start(folder: &Path, args: &[&str]) -> Self {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a pseudo-terminal");
        grantpt(&master).expect("is ours");
        unlockpt(&master).expect("unlocks");
        let name = ptsname(&master, Vec::new()).expect("has a name");
        let end = || {
            let flags = rustix::fs::OFlags::NOCTTY.bits().cast_signed();
            let path = OsStr::from_bytes(name.as_bytes());
            File::options().read(true).write(true).custom_flags(flags).open(path).expect("opens")
        };
        let mut command = command(folder, args);
        command.env("TERM", "xterm").env("NO_COLOR", "1").env("COLUMNS", "100");
        let child = command.stdin(end()).stdout(end()).stderr(end()).spawn().expect("the binary runs");
        // It has the other ends, too: reading ends when the process does.
        drop(command);
        let keys = File::from(master);
        let mut reader = keys.try_clone().expect("a second handle");
        let (sender, shown) = channel();
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(read @ 1..) = reader.read(&mut bytes) {
                if sender.send(bytes[..read].to_vec()).is_err() {
                    break;
                }
            }
        });
        Self { child, keys, shown, screen: String::new() }
    }

    /// Waits until a text is shown, and hands out all that was shown up to its end.
    #[track_caller]
    pub(crate) fn wait_for(&mut self, text: &str) -> String {
        loop {
            if let Some(at) = self.screen.find(text) {
                let rest = self.screen.split_off(at + text.len());
                return std::mem::replace(&mut self.screen, rest);
            }
            match self.shown.recv_timeout(PATIENCE) {
                Ok(bytes) => self.screen.push_str(&String::from_utf8_lossy(&bytes)),
                Err(_) => panic!("no {text:?} in:\n{}", self.screen),
            }
        }
    }

    pub(crate) fn types(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).expect("types");
    }

    /// Waits until the command ends; its exit code, and what it showed last.
    pub(crate) fn end(mut self) -> (Option<i32>, String) {
        let code = self.child.wait().expect("ends").code();
        while let Ok(bytes) = self.shown.recv_timeout(PATIENCE) {
            self.screen.push_str(&String::from_utf8_lossy(&bytes));
        }
        (code, std::mem::take(&mut self.screen))
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
