//! What the steps came to: the table at the end, and the counts that it adds up.

use std::time::Duration;

/// How many tests ran.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
    pub(crate) skipped: u64,
}

impl Counts {
    /// Adds what a line says, if it is the summary of cargo-nextest or of a test binary.
    pub(crate) fn read(&mut self, line: &str) {
        // Indented, it is what nextest shows of a test that failed, and counts already.
        let result = line.strip_prefix("test result:");
        let nextest = || {
            line.trim_start().strip_prefix("Summary [").and_then(|rest| rest.split_once("run:")).map(|s| s.1)
        };
        let Some(counts) = result.or_else(nextest) else { return };
        let words: Vec<&str> = counts.split([' ', ',', ';', '.']).filter(|word| !word.is_empty()).collect();
        for pair in words.windows(2) {
            let Ok(number) = pair[0].parse::<u64>() else { continue };
            match pair[1] {
                "passed" => self.passed += number,
                "failed" | "timed" | "exec" => self.failed += number,
                "skipped" | "ignored" => self.skipped += number,
                _ => {}
            }
        }
    }

    fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

/// What a step came to.
pub(crate) enum Verdict {
    Passed,
    /// A part of it, or all of it, could not be done here; why.
    Skipped(String),
    Failed(String),
}

/// A step that ran.
pub(crate) struct Row {
    pub(crate) step: &'static str,
    pub(crate) verdict: Verdict,
    pub(crate) counts: Counts,
    pub(crate) took: Duration,
}

/// The table, with the totals in its last two lines.
pub(crate) fn table(rows: &[Row]) -> String {
    let mut text = String::new();
    let mut tests = Counts::default();
    let mut steps = Counts::default();
    let mut took = Duration::ZERO;
    for row in rows {
        tests.add(row.counts);
        took += row.took;
        let (word, note) = match &row.verdict {
            Verdict::Passed => (&mut steps.passed, String::new()),
            Verdict::Skipped(why) => (&mut steps.skipped, why.clone()),
            Verdict::Failed(why) => (&mut steps.failed, why.clone()),
        };
        *word += 1;
        let verdict = match &row.verdict {
            Verdict::Passed => "passed",
            Verdict::Skipped(_) => "SKIPPED",
            Verdict::Failed(_) => "FAILED",
        };
        let Counts { passed, failed, .. } = row.counts;
        let ran = if passed + failed > 0 { format!("{} tests", passed + failed) } else { String::new() };
        let line = format!("{:<12} {verdict:<8} {:>8} {ran:>12}  {note}", row.step, seconds(row.took));
        text += line.trim_end();
        text.push('\n');
    }
    text += &format!("\n{}, in {}\n", totals("steps", steps), seconds(took));
    text += &format!("{}\n", totals("tests", tests));
    text
}

fn totals(what: &str, Counts { passed, failed, skipped }: Counts) -> String {
    format!("{} {what}: {passed} passed, {failed} failed, {skipped} skipped", passed + failed + skipped)
}

fn seconds(time: Duration) -> String {
    match time.as_secs() {
        0..60 => format!("{:.1} s", time.as_secs_f64()),
        seconds => format!("{} min {:02} s", seconds / 60, seconds % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, passed: u64, failed: u64, skipped: u64) {
        let mut counts = Counts::default();
        counts.read(line);
        assert_eq!(counts, Counts { passed, failed, skipped }, "{line}");
    }

    #[test]
    fn summaries_of_tests_are_counted_and_other_lines_are_not() {
        check("     Summary [   1.234s] 213 tests run: 213 passed, 0 skipped", 213, 0, 0);
        check(
            "     Summary [   1.2s] 213 tests run: 210 passed (2 slow), 2 failed, 1 timed out, 4 skipped",
            210,
            3,
            4,
        );
        check("     Summary [   0.1s] 1 test run: 1 passed, 0 skipped", 1, 0, 0);
        let result =
            "test result: ok. 3 passed; 1 failed; 2 ignored; 0 measured; 9 filtered out; finished in 0.2s";
        check(result, 3, 1, 2);
        check("running 3 tests", 0, 0, 0);
        check("3 passed", 0, 0, 0);
        check("    test result: FAILED. 0 passed; 1 failed; 0 ignored", 0, 0, 0);
    }

    #[test]
    fn the_table_ends_with_totals() {
        let row = |step, verdict, passed, failed, took| {
            let counts = Counts { passed, failed, skipped: 0 };
            Row { step, verdict, counts, took: Duration::from_secs(took) }
        };
        let rows = [
            row("format", Verdict::Passed, 0, 0, 1),
            row("tests", Verdict::Failed("cargo failed: exit status: 1".into()), 9, 1, 83),
            row("fuzz", Verdict::Skipped("no compiler".into()), 0, 0, 0),
        ];
        let table = table(&rows);
        let lines: Vec<&str> = table.lines().collect();
        assert_eq!(
            lines,
            [
                "format       passed      1.0 s",
                "tests        FAILED   1 min 23 s     10 tests  cargo failed: exit status: 1",
                "fuzz         SKIPPED     0.0 s               no compiler",
                "",
                "3 steps: 1 passed, 1 failed, 1 skipped, in 1 min 24 s",
                "10 tests: 9 passed, 1 failed, 0 skipped",
            ]
        );
    }
}
