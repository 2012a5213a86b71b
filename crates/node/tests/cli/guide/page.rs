//! A page: its code blocks, and whether what comes out is as it shows.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::terminal::{PATIENCE, Terminal};

/// How often a build may be given again: its tools come from registries, which do not always answer.
const BUILDS: usize = 2;

/// What a code block is for, from the words after its fence.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Block<'a> {
    /// Commands and what they show.
    Console,
    /// A file, and where it goes.
    File(&'a str),
    /// For the eye alone.
    Text,
}

impl<'a> Block<'a> {
    /// The block, and whether it takes the tools of a language; `None` if it is none that a page may have.
    pub(super) fn parse(words: &'a str) -> Option<(Self, bool)> {
        let (words, toolchain) =
            words.strip_suffix(" toolchain").map_or((words, false), |words| (words, true));
        let block = match words.split_once(" file=") {
            Some((_, path)) => Self::File(path),
            None if words == "console" => Self::Console,
            None if words == "text" => Self::Text,
            None => return None,
        };
        Some((block, toolchain))
    }
}

/// Runs a page from its top; gives the page with what came out, and what was otherwise.
pub(super) fn run(page: &str, tools: Option<PathBuf>) -> (String, Vec<String>) {
    let with_tools = tools.is_some();
    let mut terminal = Terminal::new(tools);
    let (mut written, mut wrong) = (String::new(), Vec::new());
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        push(&mut written, line);
        let Some(words) = line.strip_prefix("```") else { continue };
        let body: Vec<_> = lines.by_ref().take_while(|line| *line != "```").collect();
        match Block::parse(words) {
            Some((Block::Console, toolchain)) if with_tools || !toolchain => {
                console(&mut terminal, &body, &mut written, &mut wrong);
            }
            Some((block, toolchain)) => {
                if let (Block::File(path), true) = (block, with_tools || !toolchain) {
                    terminal.write(path, &format!("{}\n", body.join("\n")));
                }
                body.iter().for_each(|line| push(&mut written, line));
            }
            None => wrong.push(format!("```{words} is neither console, nor a file, nor text")),
        }
        push(&mut written, "```");
    }
    (written, wrong)
}

fn push(page: &mut String, line: &str) {
    page.push_str(line);
    page.push('\n');
}

/// Gives the commands of a block, and compares.
fn console(terminal: &mut Terminal, body: &[&str], written: &mut String, wrong: &mut Vec<String>) {
    let mut lines = body.iter().peekable();
    while let Some(line) = lines.next() {
        push(written, line);
        let Some(command) = line.strip_prefix("$ ").or((*line == "^C").then_some(line)) else {
            wrong.push(format!("a console block begins with a command, not with {line}"));
            continue;
        };
        let mut shown = String::new();
        while let Some(next) = lines.next_if(|next| !next.starts_with("$ ") && **next != "^C") {
            push(&mut shown, next);
        }
        let began = Instant::now();
        let mut output = terminal.run(command);
        for _ in 0..BUILDS {
            if !command.starts_with("troupe build") || matches(&shown, &output) {
                break;
            }
            output = terminal.run(command);
        }
        let may_come = only_looks(command) && !shown.is_empty();
        while !matches(&shown, &output) && may_come && began.elapsed() < PATIENCE {
            std::thread::sleep(Duration::from_millis(100));
            output = terminal.run(command);
        }
        if !output.is_empty() && !output.ends_with('\n') {
            output.push('\n');
        }
        let is_right = matches(&shown, &output);
        if !is_right {
            wrong.push(format!("$ {command}\nshown:\n{shown}came out:\n{output}"));
        }
        written.push_str(if is_right { &shown } else { &output });
    }
}

/// Whether a command only looks, so that it can be given again.
fn only_looks(line: &str) -> bool {
    ["troupe state", "troupe ps", "troupe log"].iter().any(|look| line.starts_with(look))
        || (line.contains("curl") && line.contains("/state"))
}

/// Whether an output is as a page shows it.
fn matches(shown: &str, output: &str) -> bool {
    let (shown, output): (Vec<_>, Vec<_>) = (shown.lines().collect(), output.lines().collect());
    lines_match(&shown, &output)
}

fn lines_match(shown: &[&str], output: &[&str]) -> bool {
    match (shown, output) {
        (["⋮", shown @ ..], _) => (0..=output.len()).any(|skip| lines_match(shown, &output[skip..])),
        ([line, shown @ ..], [came, output @ ..]) => {
            line_matches(line.trim_end(), came.trim_end()) && lines_match(shown, output)
        }
        _ => shown.is_empty() && output.is_empty(),
    }
}

fn line_matches(shown: &str, output: &str) -> bool {
    let Some((first, rest)) = shown.split_once('…') else { return shown == output };
    let Some(mut output) = output.strip_prefix(first) else { return false };
    let mut parts: Vec<_> = rest.split('…').collect();
    let last = parts.pop().unwrap_or_default();
    for part in parts {
        let Some((_, after)) = output.split_once(part) else { return false };
        output = after;
    }
    output.ends_with(last)
}

#[test]
fn dots_in_a_shown_output_stand_for_anything() {
    assert!(matches("a …\nb\n", "a 1\nb \n") && matches("…x…z", "1x2xz") && matches("", ""));
    assert!(!matches("a …", "b 1") && !matches("a", "a\nb") && !matches("…x", "xy"));
    assert!(matches("a\n⋮\nb", "a\nb") && matches("a\n⋮\nb", "a\n1\n2\nb") && matches("⋮", ""));
    assert!(!matches("a\n⋮\nb", "a\n1") && !matches("⋮\nb", "a"));
}

#[test]
fn a_block_is_known_by_the_words_after_its_fence() {
    assert_eq!(Block::parse("console"), Some((Block::Console, false)));
    assert_eq!(Block::parse("rust file=src/lib.rs toolchain"), Some((Block::File("src/lib.rs"), true)));
    assert_eq!(Block::parse("text"), Some((Block::Text, false)));
    assert_eq!(Block::parse("rust"), None);
}
