//! `troupe completions`: what a shell needs to complete the command line.

use clap::{CommandFactory, ValueEnum};
use clap_complete::Shell;

use super::args::Args;
use super::{Done, Screen};

/// Print shell completions
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    troupe completions bash > ~/.local/share/bash-completion/completions/troupe\n  \
    troupe completions zsh > ~/.zfunc/_troupe\n  \
    troupe completions fish > ~/.config/fish/completions/troupe.fish")]
pub(crate) struct Completions {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

pub(super) fn completions(screen: &Screen, command: &Completions) -> Done {
    let mut script = Vec::new();
    clap_complete::generate(command.shell, &mut Args::command(), "troupe", &mut script);
    if screen.json {
        let name = command.shell.to_possible_value().map(|value| value.get_name().to_owned());
        let script = String::from_utf8_lossy(&script);
        return Ok(screen.json(&serde_json::json!({ "shell": name, "script": script }))?);
    }
    Ok(screen.bytes(&script)?)
}
