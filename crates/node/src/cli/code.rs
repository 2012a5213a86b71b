//! How commands run components: how instances get their memory, where compiled code is kept, and what a person sees
//! while one is compiled.

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use troupe::host::Settings;
use troupe_component::{Allocation, CodeCache, CodeEvent, CodeWatch, Sandbox, SandboxConfig};

use super::failure::Failure;
use super::parse;
use super::screen::{Screen, short, size};

/// The folder for compiled code, within the user's cache folder.
const FOLDER: &str = "troupe/code";

/// How instances get their memory, and where compiled code is kept.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct CodeArgs {
    /// How instances get their memory
    #[arg(long, value_enum, default_value = "pooling", help_heading = "Tuning")]
    allocation: AllocationArg,
    /// Folder for compiled code, or none [default: troupe/code in the user's cache folder]
    #[arg(long, value_name = "FOLDER|none", help_heading = "Tuning")]
    cache: Option<PathBuf>,
    /// How much compiled code is kept, such as 256MiB; what was used the longest ago goes first
    #[arg(long, value_name = "SIZE", default_value = "1GiB", value_parser = parse::size, help_heading = "Tuning")]
    cache_size: u64,
    /// Send traces to an OpenTelemetry collector, such as http://127.0.0.1:4318 (OTLP over HTTP, in JSON)
    #[arg(long, value_name = "URL", help_heading = "Tuning")]
    otlp: Option<String>,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum AllocationArg {
    /// From slots set up once: fast
    Pooling,
    /// From the system each time: little address space
    OnDemand,
}

impl CodeArgs {
    /// Sets up a node; `shown` is what a person calls its component, where it has only one.
    pub(super) fn apply(
        &self,
        screen: &Screen,
        shown: Option<&str>,
        settings: &mut Settings,
    ) -> Result<(), Failure> {
        if let AllocationArg::OnDemand = self.allocation {
            settings.allocation = Allocation::OnDemand;
        }
        let cache = match &self.cache {
            Some(none) if none.as_os_str() == "none" => None,
            Some(folder) => Some(CodeCache::new(folder)),
            None => default_cache(),
        };
        settings.cache = cache.map(|cache| cache.with_max_bytes(self.cache_size));
        settings.watch = watch(screen, shown);
        if let Some(endpoint) = &self.otlp {
            if !endpoint.starts_with("http://") && !endpoint.starts_with("https://") {
                return Err(Failure::cannot(format_args!("`{endpoint}` is no address of a collector"))
                    .help("give it as a URL, such as http://127.0.0.1:4318"));
            }
            let (sink, _) = troupe::otlp::export(endpoint).map_err(Failure::cannot)?;
            settings.options.spans = Some(sink);
        }
        Ok(())
    }
}

/// A sandbox for a command that runs components itself.
pub(super) fn sandbox(screen: &Screen, shown: Option<&str>, deadline: Option<Duration>) -> Sandbox {
    let (cache, watch) = (default_cache(), watch(screen, shown));
    Sandbox::new(SandboxConfig { cache, watch, deadline, ..SandboxConfig::default() })
}

/// A folder of this user's own; none if the environment names none.
pub(super) fn default_cache() -> Option<CodeCache> {
    Some(CodeCache::new(user_cache()?.join(FOLDER)))
}

/// The user's folder for what can be made again.
pub(super) fn user_cache() -> Option<PathBuf> {
    let cache = std::env::var_os("XDG_CACHE_HOME").filter(|path| Path::new(path).is_absolute());
    cache.map(PathBuf::from).or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache")))
}

/// Says what is compiled while somebody waits for it at a terminal, and always what is wrong with the cache.
pub(super) fn watch(screen: &Screen, shown: Option<&str>) -> CodeWatch {
    let (screen, shown) = (*screen, shown.map(str::to_owned));
    // Several may be compiled at once; whoever comes second is not shown.
    let bar: Mutex<Option<ProgressBar>> = Mutex::default();
    CodeWatch::new(move |event| {
        let mut bar = bar.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            CodeEvent::Compiling { component, size: bytes } => {
                let name = shown.clone().unwrap_or_else(|| short(component));
                bar.get_or_insert_with(|| {
                    spinner(&screen, format!("compiling {name} ({}), the first time only", size(*bytes)))
                });
            }
            CodeEvent::Compiled { .. } => {
                if let Some(bar) = bar.take() {
                    bar.finish_and_clear();
                }
            }
            CodeEvent::Refused { path, why } => screen.warn(format_args!(
                "the compiled code at {} is not used, and compiled again: {why}",
                path.display()
            )),
            CodeEvent::NotKept { folder, error } => screen
                .warn(format_args!("the compiled code could not be kept in {}: {error}", folder.display())),
            _ => {}
        }
    })
}

/// A text with the time that has gone by, on standard error, only where a person looks at it.
pub(super) fn spinner(screen: &Screen, text: String) -> ProgressBar {
    let target =
        if screen.json { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr_with_hz(15) };
    let bar = ProgressBar::with_draw_target(None, target);
    // The template is constant and right; a wrong one would cost looks and nothing else.
    if let Ok(style) = ProgressStyle::with_template("  {spinner} {msg}  {elapsed}") {
        bar.set_style(style);
    }
    bar.set_message(text);
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}
