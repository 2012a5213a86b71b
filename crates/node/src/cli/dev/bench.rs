//! Looks at the sources, builds, and puts what was built in the place of what runs.

use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};
use troupe::host::{ComponentSource, Host, Start};
use troupe_chain::{Hash, Text};
use troupe_runtime::{Actor, SendError};
use troupe_workshop::{BuildError, MANIFEST, Project, Sources};

use super::show;
use crate::cli::begin::{self, BeginArgs};
use crate::cli::build::{self, ToolArgs};
use crate::cli::failure::Failure;
use crate::cli::screen::{BAD, BOLD, DIM, GOOD, HELP, Screen, WARN, short, size};
use crate::cli::server;

/// How often the sources are looked at.
const LOOK: Duration = Duration::from_millis(250);
/// For how long they must stay as they are before a build: an editor writes several files, or one in several steps.
const SETTLE: Duration = Duration::from_millis(100);

/// The place where one actor is worked on.
pub(super) struct Bench {
    screen: Screen,
    host: Host,
    folder: PathBuf,
    tools: ToolArgs,
    reset: bool,
    /// What runs, once something does.
    actor: Option<Actor>,
    runtime: tokio::runtime::Runtime,
}

/// What came of something that was built.
enum Came {
    Begun,
    Resumed,
    Reloaded,
    Unchanged,
}

impl Bench {
    pub(super) fn new(
        screen: Screen,
        host: Host,
        folder: PathBuf,
        tools: ToolArgs,
        reset: bool,
    ) -> Result<Self, Failure> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| Failure::cannot(format_args!("cannot start: {error}")))?;
        Ok(Self { screen, host, folder, tools, reset, actor: None, runtime })
    }

    /// Works until the process ends.
    pub(super) fn work(mut self) {
        let mut built_from: Option<Sources> = None;
        loop {
            let now = settled(&self.folder);
            let changed = match &built_from {
                None => Some(None),
                Some(before) => now.changed(before).map(|path| Some(path.to_owned())),
            };
            if let Some(path) = changed {
                self.turn(path.as_deref());
                built_from = Some(now);
            }
            sleep(LOOK);
        }
    }

    /// Builds and reloads, and says what came of it.
    fn turn(&mut self, changed: Option<&Path>) {
        let what = changed.map_or_else(
            || "building".to_owned(),
            |path| {
                let shown = path.strip_prefix(&self.folder).unwrap_or(path).display();
                let how = if path.exists() { "changed" } else { "is gone" };
                format!("{shown} {how}, building")
            },
        );
        self.event("building", &json!({ "changed": changed }), &format!("{DIM}{what}{DIM:#}"));
        if let Err(failure) = self.build_and_reload() {
            let goes_on =
                if self.actor.is_some() { "the code from before goes on" } else { "nothing runs yet" };
            self.event(
                "failed",
                &json!({ "error": failure.to_string() }),
                &format!("{BAD}not reloaded{BAD:#} {failure}"),
            );
            if !self.screen.json {
                for help in failure.helps() {
                    self.screen.note(format_args!("{HELP}help:{HELP:#} {help}"));
                }
                self.screen.note(format_args!("{DIM}{goes_on}; save a file to try again{DIM:#}"));
            }
        }
    }

    fn build_and_reload(&mut self) -> Result<(), Failure> {
        let project = build::open(&self.folder)?;
        let built = self.tools.build(&self.screen, &project).map_err(|error| match error {
            BuildError::Sources { ref what, ref help } => {
                help.iter().fold(Failure::is_false(what), |failure, help| failure.help(help))
            }
            error => build::explain(&project, &error),
        })?;
        let manifest = self.folder.join(MANIFEST);
        let path = if manifest.is_file() { manifest } else { built.component };
        let begin = begin::read(&path.display().to_string(), &BeginArgs::default())?;
        let ComponentSource::Bytes(bytes) = begin.component.clone() else {
            return Err(Failure::cannot(format_args!(
                "{MANIFEST} names a component by its hash, not the one that is built"
            )));
        };
        let (name, shown) = (name_of(&project)?, begin.shown.clone());
        let start = Start { name: Some(name.clone()), ..begin.start() };
        let came = self.reload(&name, start).map_err(|error| error.into_failure(&shown))?;
        let (hash, took) = (Hash::of(&bytes), built.took.as_secs_f64());
        let came = match came {
            Came::Begun => "begun",
            Came::Resumed => "resumed",
            Came::Reloaded => "reloaded",
            Came::Unchanged => "unchanged",
        };
        let line = format!(
            "{GOOD}{came}{GOOD:#} {BOLD}{name}{BOLD:#} {DIM}built in {took:.1} s, {}, {}{DIM:#}",
            size(bytes.len() as u64),
            short(hash)
        );
        self.event(came, &json!({ "component": hash.to_string(), "seconds": took }), &line);
        Ok(())
    }

    /// Puts a component in the place of the one that runs.
    fn reload(&mut self, name: &Text, start: Start) -> Result<Came, NotReloaded> {
        let known = self.actor.clone().or_else(|| self.host.actors.find(name.as_str()).ok());
        let new = self.host.prepare(start)?;
        let Some(actor) = known else {
            let actor = self.host.actors.start_blocking(new)?;
            return Ok(self.goes_on(actor, 0, Came::Begun));
        };
        let rules = new.genesis.rules();
        let view = actor.view()?;
        let resumed = self.actor.is_none();
        if *view.tip.rules == rules {
            return Ok(if resumed {
                self.goes_on(actor, view.tip.seq, Came::Resumed)
            } else {
                Came::Unchanged
            });
        }
        if self.reset {
            let reason =
                Text::new("begun anew by troupe dev").map_err(|error| SendError::Host(error.to_string()))?;
            self.runtime.block_on(actor.remove(reason))?;
            let actor = self.host.actors.start_blocking(new)?;
            return Ok(self.goes_on(actor, 0, Came::Begun));
        }
        if resumed {
            self.goes_on(actor.clone(), view.tip.seq, Came::Resumed);
        }
        let code: Bytes = new.code.unwrap_or_default();
        self.runtime.block_on(actor.upgrade(rules, code))?;
        Ok(Came::Reloaded)
    }

    /// Shows what an actor commits from now on.
    fn goes_on(&mut self, actor: Actor, shown: u64, came: Came) -> Came {
        show::follow(self.screen, actor.clone(), shown);
        self.actor = Some(actor);
        came
    }

    /// Says something: a line for a person, an object for a program.
    fn event(&self, event: &str, more: &Value, line: &str) {
        if !self.screen.json {
            return self.screen.note(line);
        }
        let mut value = json!({ "event": event });
        for (key, more) in more.as_object().into_iter().flatten() {
            value[key] = more.clone();
        }
        // Whoever closed standard output sees no more of it.
        let _ = self.screen.json(&value);
    }
}

/// The sources, once they stay as they are.
fn settled(folder: &Path) -> Sources {
    let mut now = Sources::look(folder);
    loop {
        sleep(SETTLE);
        let next = Sources::look(folder);
        if next == now {
            return now;
        }
        now = next;
    }
}

/// The project's name as the node takes it.
fn name_of(project: &Project) -> Result<Text, Failure> {
    Text::new(project.name.as_str())
        .map_err(|error| Failure::cannot(format_args!("`{}` is no name for an actor: {error}", project.name)))
}

/// Why what was built does not run.
enum NotReloaded {
    Setup(troupe::host::SetupError),
    Send(SendError),
}

impl From<troupe::host::SetupError> for NotReloaded {
    fn from(error: troupe::host::SetupError) -> Self {
        Self::Setup(error)
    }
}

impl From<SendError> for NotReloaded {
    fn from(error: SendError) -> Self {
        Self::Send(error)
    }
}

impl NotReloaded {
    fn into_failure(self, shown: &str) -> Failure {
        match self {
            Self::Setup(error) => server::explain(&error, shown, ""),
            Self::Send(error @ SendError::NotCarriedOver(_)) => {
                Failure::is_false(format_args!("{WARN}the new code does not take the state{WARN:#}: {error}"))
                    .help("give it a `migrate`, or begin anew: troupe dev --reset")
            }
            Self::Send(error) => Failure::is_false(error),
        }
    }
}
