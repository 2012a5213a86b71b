//! Columns for a person: as wide as what is in them, numbers to the right.

use super::failure::Done;
use super::screen::{DIM, Screen};

/// Where a column's text stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Align {
    Left,
    Right,
}

/// Rows under headings.
pub(super) struct Table {
    heads: Vec<(&'static str, Align)>,
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(super) fn new(heads: &[(&'static str, Align)]) -> Self {
        Self { heads: heads.to_vec(), rows: Vec::new() }
    }

    pub(super) fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }

    /// The lines, the headings first.
    pub(super) fn lines(&self) -> Vec<String> {
        let width = |column: usize, head: &str| {
            let cells = self.rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).chain([head.len()]).max().unwrap_or_default()
        };
        let widths: Vec<_> = self.heads.iter().enumerate().map(|(at, (head, _))| width(at, head)).collect();
        let line = |cells: &mut dyn Iterator<Item = &str>| {
            let cells = cells.zip(&widths).zip(&self.heads);
            let padded = cells.map(|((cell, width), (_, align))| match align {
                Align::Left => format!("{cell:<width$}"),
                Align::Right => format!("{cell:>width$}"),
            });
            padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
        };
        let heads = line(&mut self.heads.iter().map(|(head, _)| *head));
        let rows = self.rows.iter().map(|row| line(&mut row.iter().map(String::as_str)));
        [format!("{DIM}{heads}{DIM:#}")].into_iter().chain(rows).collect()
    }

    pub(super) fn print(&self, screen: &Screen) -> Done {
        for line in self.lines() {
            screen.line(line)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_what_is_in_them() {
        let mut table = Table::new(&[("name", Align::Left), ("seq", Align::Right)]);
        table.row(vec!["counter".into(), "7".into()]);
        table.row(vec!["ü".into(), "12345".into()]);
        assert_eq!(table.lines()[1..], ["counter      7", "ü        12345"]);
        assert!(table.lines()[0].contains("name       seq"));
    }
}
