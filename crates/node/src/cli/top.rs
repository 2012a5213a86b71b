//! `troupe top`: what the actors of a node do, as they do it.
//!
//! Invariant: the terminal is left as it was found, whichever way it ends. Deliberately absent: anything but looking.

use std::collections::HashMap;
use std::io::{IsTerminal, Read, Write};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::sync::mpsc;

use super::failure::{Done, Failure};
use super::node::{Listed, Node, NodeArgs};
use super::screen::{Screen, count, excerpt, plural, short};
use super::table::{Align, Table};

/// How often it is drawn.
const EVERY: Duration = Duration::from_secs(1);
/// How many actors are shown where nobody looks at a terminal.
const MAX_PIPED: usize = 50;

/// Show the busiest actors of a node, again every second
///
/// On a terminal it is drawn in place; q or Ctrl-C ends it. Otherwise it is printed once.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    troupe top\n  \
    troupe top --once\n  \
    troupe top --json | jq '.actors[0]'")]
pub(crate) struct Top {
    /// Print it once
    #[arg(long)]
    once: bool,
    #[command(flatten)]
    node: NodeArgs,
}

/// How much an actor had done when it was last looked at.
#[derive(Clone, Copy)]
struct Before {
    handled: u64,
    fuel: u64,
}

/// An actor and what it did in the last second.
struct Busy {
    listed: Listed,
    handled: Option<u64>,
    fuel: Option<u64>,
}

pub(super) fn top(screen: &Screen, command: &Top) -> Done {
    let node = command.node.connect()?;
    let mut before = HashMap::new();
    let first = look(&node, &mut before, None)?;
    if screen.json {
        let actors: Vec<_> = first.iter().map(|busy| &busy.listed).collect();
        return Ok(screen.json(&json!({ "actors": actors }))?);
    }
    if command.once || !screen.is_terminal() {
        for line in drawn(&node, &first, MAX_PIPED, screen.width()) {
            screen.line(line)?;
        }
        return Ok(());
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::cannot(format_args!("cannot start: {error}")))?;
    let terminal = Terminal::take();
    let done = runtime.block_on(redraw(screen, &node, first, before));
    drop(terminal);
    done
}

async fn redraw(screen: &Screen, node: &Node, first: Vec<Busy>, mut before: HashMap<String, Before>) -> Done {
    let mut keys = keys();
    let mut busy = first;
    let mut looked = Instant::now();
    loop {
        let size = terminal_size::terminal_size_of(std::io::stdout());
        let height = size.map_or(24, |(_, height)| usize::from(height.0));
        let mut text = String::from("\x1b[H");
        for line in drawn(node, &busy, height.saturating_sub(4), screen.width()).iter().take(height - 1) {
            text.push_str(line);
            text.push_str("\x1b[K\r\n");
        }
        text.push_str("\x1b[J");
        let mut out = std::io::stdout().lock();
        out.write_all(text.as_bytes())?;
        out.flush()?;
        drop(out);
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            _ = tokio::signal::ctrl_c() => return Ok(()),
            key = keys.recv() => if let Some(b'q' | b'Q' | 3 | 27) = key { return Ok(()) },
        }
        if looked.elapsed() >= EVERY / 2 {
            busy = look(node, &mut before, Some(looked.elapsed()))?;
            looked = Instant::now();
        }
    }
}

/// What is typed, a byte at a time.
fn keys() -> mpsc::UnboundedReceiver<u8> {
    let (typed, keys) = mpsc::unbounded_channel();
    // It waits in `read` until the process ends.
    std::thread::spawn(move || {
        for byte in std::io::stdin().lock().bytes() {
            let Ok(byte) = byte else { break };
            if typed.send(byte).is_err() {
                return;
            }
        }
        // At the end of input nothing more is typed; what waits for it goes on waiting.
        std::thread::sleep(Duration::MAX);
    });
    keys
}

/// The busiest first; what was done since is told once there was a time before.
fn look(
    node: &Node,
    before: &mut HashMap<String, Before>,
    since: Option<Duration>,
) -> Result<Vec<Busy>, Failure> {
    let mut busy: Vec<_> = listed(node)?.into_iter().map(|listed| of(listed, before, since)).collect();
    *before = busy
        .iter()
        .map(|one| {
            let Listed { actor, handled, fuel, .. } = &one.listed;
            (actor.clone(), Before { handled: *handled, fuel: *fuel })
        })
        .collect();
    busy.sort_by(|one, other| order(other).cmp(&order(one)).then(one.listed.actor.cmp(&other.listed.actor)));
    Ok(busy)
}

fn listed(node: &Node) -> Result<Vec<Listed>, Failure> {
    #[derive(serde::Deserialize)]
    struct Answer {
        actors: Vec<Listed>,
    }
    Ok(node.get::<Answer>("/top")?.actors)
}

fn order(busy: &Busy) -> (u64, u64, u64) {
    (busy.handled.unwrap_or_default(), busy.listed.waiting, busy.listed.handled)
}

fn of(listed: Listed, before: &HashMap<String, Before>, since: Option<Duration>) -> Busy {
    let a_second = |now: u64, then: u64| -> Option<u64> {
        // An actor that left memory counts from nothing again.
        let ms = u64::try_from(since?.as_millis()).unwrap_or(u64::MAX).max(1);
        Some(now.saturating_sub(then).saturating_mul(1000) / ms)
    };
    let then = before.get(&listed.actor).copied();
    let handled = then.and_then(|then| a_second(listed.handled, then.handled));
    let fuel = then.and_then(|then| a_second(listed.fuel, then.fuel));
    Busy { listed, handled, fuel }
}

fn drawn(node: &Node, busy: &[Busy], rows: usize, width: usize) -> Vec<String> {
    use Align::{Left, Right};
    let waiting: u64 = busy.iter().map(|one| one.listed.waiting).sum();
    let rate: u64 = busy.iter().filter_map(|one| one.handled).sum();
    let url = node.client.url();
    let head = format!(
        "{url}   {}, {} waiting, {}/s",
        plural(busy.len() as u64, "actor"),
        count(waiting),
        count(rate)
    );
    let mut table = Table::new(&[
        ("NAME", Left),
        ("ID", Left),
        ("STATUS", Left),
        ("WAITING", Right),
        ("HANDLED", Right),
        ("/S", Right),
        ("FAILED", Right),
        ("FUEL/S", Right),
    ]);
    let maybe = |number: Option<u64>| number.map_or("-".to_owned(), count);
    for Busy { listed, handled, fuel } in busy.iter().take(rows) {
        table.row(vec![
            excerpt(listed.name.as_deref().unwrap_or("-"), 40),
            short(&listed.actor),
            listed.status.clone(),
            count(listed.waiting),
            count(listed.handled),
            maybe(*handled),
            count(listed.failed),
            maybe(*fuel),
        ]);
    }
    // The headings have colours, which take no room.
    let lines = table.lines();
    let cut =
        lines.iter().enumerate().map(|(at, line)| if at == 0 { line.clone() } else { excerpt(line, width) });
    [excerpt(&head, width), String::new()].into_iter().chain(cut).collect()
}

/// A terminal that shows no cursor, and hands over each key as it is typed.
struct Terminal {
    is_raw: bool,
}

impl Terminal {
    fn take() -> Self {
        let is_raw = std::io::stdin().is_terminal() && stty(&["-icanon", "-echo"]);
        print_raw("\x1b[?25l\x1b[2J");
        Self { is_raw }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        if self.is_raw {
            stty(&["icanon", "echo"]);
        }
        print_raw("\x1b[?25h");
    }
}

/// Whether the terminal took it; without that, a key counts once Enter follows it.
fn stty(how: &[&str]) -> bool {
    let mut command = Command::new("stty");
    command.args(how).stdin(Stdio::inherit()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

fn print_raw(text: &str) {
    let mut out = std::io::stdout().lock();
    // If nobody can read it, nothing is lost.
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}
