//! A progress bar on standard error, only where a person looks at it.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::screen::Screen;

/// A bar for `total` steps, or a spinner where nobody knows how many; hidden in a pipe and for programs.
pub(super) fn bar(screen: &Screen, what: &'static str, total: Option<u64>) -> ProgressBar {
    let bar = match total {
        Some(total) => ProgressBar::new(total),
        None => ProgressBar::new_spinner(),
    };
    let target =
        if screen.json { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr_with_hz(15) };
    bar.set_draw_target(target);
    let template = match total {
        Some(_) => "  {msg:<10}{bar:32.cyan/dim} {pos:>7}/{len}  {per_sec:>10}  {eta}",
        None => "  {msg:<10}{spinner} {pos}  {per_sec}",
    };
    // The templates are constant and right; a wrong one would cost looks and nothing else.
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style.progress_chars("━╸─").with_key(
            "per_sec",
            |state: &indicatif::ProgressState, out: &mut dyn std::fmt::Write| {
                let _ = write!(out, "{:.0}/s", state.per_sec());
            },
        ));
    }
    bar.set_message(what);
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}
