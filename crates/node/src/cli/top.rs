//! `troupe top`: what the actors of a node do, as they do it.
//!
//! Invariant: the terminal is left as it was found, whichever way it ends. Deliberately absent: anything but looking.

use std::collections::HashMap;
use std::io::{IsTerminal, Read, Write};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use troupe_api::{Top as Answer, TopActor, TopNode};

use super::failure::{Done, Failure};
use super::node::{Node, NodeArgs};
use super::screen::{Screen, count, excerpt, plural, short, size};
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
    actor: TopActor,
    handled: Option<u64>,
    fuel: Option<u64>,
}

pub(super) fn top(screen: &Screen, command: &Top) -> Done {
    let node = command.node.connect()?;
    if screen.json {
        // As the node says it: it may know more than this program.
        return Ok(screen.json(&node.get::<serde_json::Value>("/top")?)?);
    }
    let mut before = HashMap::new();
    let first = look(&node, &mut before, None)?;
    if command.once || !screen.is_terminal() {
        for line in drawn(node.client.url(), &first, MAX_PIPED, screen.width()) {
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

async fn redraw(screen: &Screen, node: &Node, first: Seen, mut before: HashMap<String, Before>) -> Done {
    let mut keys = keys();
    let mut seen = first;
    let mut looked = Instant::now();
    loop {
        let terminal = terminal_size::terminal_size_of(std::io::stdout());
        let height = terminal.map_or(24, |(_, height)| usize::from(height.0));
        let mut text = String::from("\x1b[H");
        for line in
            drawn(node.client.url(), &seen, height.saturating_sub(4), screen.width()).iter().take(height - 1)
        {
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
            seen = look(node, &mut before, Some((looked.elapsed(), seen.node.accepted)))?;
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

/// What a node does.
struct Seen {
    busy: Vec<Busy>,
    node: TopNode,
    /// Messages in the last second, of all actors.
    rate: Option<u64>,
}

/// The busiest first; what was done since is told once there was a time before.
fn look(
    node: &Node,
    before: &mut HashMap<String, Before>,
    since: Option<(Duration, u64)>,
) -> Result<Seen, Failure> {
    let Answer { actors, node: counters } = node.get("/top")?;
    let time = since.map(|(time, _)| time);
    let mut busy: Vec<_> = actors.into_iter().map(|actor| of(actor, before, time)).collect();
    *before = busy
        .iter()
        .map(|one| {
            let TopActor { actor, handled, fuel, .. } = &one.actor;
            (actor.clone(), Before { handled: *handled, fuel: *fuel })
        })
        .collect();
    busy.sort_by(|one, other| order(other).cmp(&order(one)).then(one.actor.actor.cmp(&other.actor.actor)));
    let rate = since.map(|(time, accepted)| a_second(counters.accepted, accepted, time));
    Ok(Seen { busy, node: counters, rate })
}

fn order(busy: &Busy) -> (u64, u64, u64) {
    (busy.handled.unwrap_or_default(), busy.actor.waiting, busy.actor.handled)
}

/// How much of something there was in a second. What left memory counts from nothing again.
fn a_second(now: u64, then: u64, time: Duration) -> u64 {
    let ms = u64::try_from(time.as_millis()).unwrap_or(u64::MAX).max(1);
    now.saturating_sub(then).saturating_mul(1000) / ms
}

fn of(actor: TopActor, before: &HashMap<String, Before>, since: Option<Duration>) -> Busy {
    let then = before.get(&actor.actor).zip(since);
    let handled = then.map(|(then, time)| a_second(actor.handled, then.handled, time));
    let fuel = then.map(|(then, time)| a_second(actor.fuel, then.fuel, time));
    Busy { actor, handled, fuel }
}

fn drawn(url: &str, seen: &Seen, rows: usize, width: usize) -> Vec<String> {
    use Align::{Left, Right};
    let Seen { busy, node, rate } = seen;
    let maybe = |number: Option<u64>| number.map_or("-".to_owned(), count);
    let head = format!(
        "{url}   {}, {} in memory ({}), {} ready, {} accepted, {}/s",
        plural(node.actors, "actor"),
        count(node.in_memory),
        size(node.memory),
        count(node.ready),
        count(node.accepted),
        maybe(*rate)
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
    for Busy { actor, handled, fuel } in busy.iter().take(rows) {
        table.row(vec![
            excerpt(actor.name.as_deref().unwrap_or("-"), 40),
            short(&actor.actor),
            actor.status.clone(),
            count(actor.waiting),
            count(actor.handled),
            maybe(*handled),
            count(actor.failed),
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
