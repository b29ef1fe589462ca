//! Tables for people: columns as wide as what stands in them, numbers to the right.

use super::output::bold;

pub struct Table {
    head: Vec<&'static str>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A head that begins with `#` is a column of numbers.
    pub fn new(head: impl Into<Vec<&'static str>>) -> Table {
        Table { head: head.into(), rows: Vec::new() }
    }

    pub fn row(&mut self, cells: impl Into<Vec<String>>) {
        self.rows.push(cells.into());
    }

    pub fn print(&self) {
        for (place, line) in self.lines().iter().enumerate() {
            say!("{}", if place == 0 { bold(line) } else { line.clone() });
        }
    }

    fn lines(&self) -> Vec<String> {
        let names: Vec<String> = self.head.iter().map(|name| name.trim_start_matches('#').to_owned()).collect();
        let all = || std::iter::once(&names).chain(&self.rows);
        let width = |column: usize| {
            all().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or_default()
        };
        let widths: Vec<usize> = (0..names.len()).map(width).collect();
        let line = |row: &Vec<String>| {
            let cells = row.iter().zip(&widths).zip(&self.head).map(|((cell, width), head)| {
                let gap = " ".repeat(width.saturating_sub(cell.chars().count()));
                if head.starts_with('#') { format!("{gap}{cell}") } else { format!("{cell}{gap}") }
            });
            cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
        };
        all().map(line).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_and_numbers_stand_to_the_right() {
        let mut table = Table::new(["NAME", "#PEOPLE"]);
        table.row(["cms".to_owned(), "165,000".to_owned()]);
        table.row(["charter-é".to_owned(), "7".to_owned()]);
        assert_eq!(table.lines(), ["NAME        PEOPLE", "cms        165,000", "charter-é        7"]);
    }
}
