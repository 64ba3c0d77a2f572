//! Tables for people: aligned columns, no colours, no lines but one under the head.

use crate::stats::{Effect, Estimate};
use std::fmt::Write;

/// A table that is filled row by row. The first column is aligned left, the others right.
#[derive(Clone, Debug, Default)]
pub struct Table {
    head: Vec<String>,
    rows: Vec<Option<Vec<String>>>,
}

impl Table {
    /// A table with these column titles.
    pub fn new<S: Into<String>>(head: impl IntoIterator<Item = S>) -> Table {
        Table { head: head.into_iter().map(Into::into).collect(), rows: Vec::new() }
    }

    /// Adds a row; missing cells at its end are empty.
    pub fn row(&mut self, cells: Vec<String>) {
        self.rows.push(Some(cells));
    }

    /// Adds a line, before totals.
    pub fn rule(&mut self) {
        self.rows.push(None);
    }

    /// The table as text, each line ended.
    pub fn render(&self) -> String {
        let n_columns = self.rows.iter().flatten().map(Vec::len).chain([self.head.len()]).max().unwrap_or(0);
        let mut widths = vec![0; n_columns];
        for cells in self.rows.iter().flatten().chain([&self.head]) {
            for (width, cell) in widths.iter_mut().zip(cells) {
                *width = (*width).max(cell.chars().count());
            }
        }
        let rule = "─".repeat(widths.iter().sum::<usize>() + 2 * n_columns.saturating_sub(1));
        let mut text = String::new();
        self.write_row(&mut text, &self.head, &widths);
        let _ = writeln!(text, "{rule}");
        for row in &self.rows {
            match row {
                Some(cells) => self.write_row(&mut text, cells, &widths),
                None => {
                    let _ = writeln!(text, "{rule}");
                }
            }
        }
        text
    }

    fn write_row(&self, text: &mut String, cells: &[String], widths: &[usize]) {
        let mut line = String::new();
        for (column, width) in widths.iter().enumerate() {
            let cell = cells.get(column).map_or("", String::as_str);
            let padding = " ".repeat(width - cell.chars().count());
            if column == 0 {
                let _ = write!(line, "{cell}{padding}");
            } else {
                let _ = write!(line, "  {padding}{cell}");
            }
        }
        let _ = writeln!(text, "{}", line.trim_end());
    }
}

/// A time in the unit that suits it, with three digits.
pub fn time(ns: f64) -> String {
    let (value, unit) = match ns {
        ns if ns.is_nan() => return "–".to_string(),
        ns if ns >= 1e9 => (ns / 1e9, "s"),
        ns if ns >= 1e6 => (ns / 1e6, "ms"),
        ns if ns >= 1e3 => (ns / 1e3, "µs"),
        ns => (ns, "ns"),
    };
    format!("{} {unit}", digits(value))
}

/// Three significant digits.
pub fn digits(value: f64) -> String {
    match value.abs() {
        v if v >= 99.95 => format!("{value:.0}"),
        v if v >= 9.995 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

/// A ratio with its interval: `1.94 [1.90, 1.97]`.
pub fn estimate(estimate: &Estimate) -> String {
    if estimate.has_interval() {
        format!("{:.2} [{:.2}, {:.2}]", estimate.value, estimate.low, estimate.high)
    } else {
        format!("{:.2} [one round]", estimate.value)
    }
}

/// An effect that may be missing.
pub fn effect(effect: Option<&Effect>) -> String {
    effect.map_or_else(|| "–".to_string(), |effect| estimate(&effect.estimate()))
}

/// A share in per cent with its interval.
pub fn share(effect: Option<&Effect>) -> String {
    let Some(effect) = effect else { return "–".to_string() };
    let Estimate { value, low, high, .. } = effect.estimate();
    if low.is_finite() {
        format!("{:.0} % [{:.0}, {:.0}]", value * 100.0, low * 100.0, high * 100.0)
    } else {
        format!("{:.0} %", value * 100.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up() {
        let mut table = Table::new(["name", "µs", "ratio"]);
        table.row(vec!["a".into(), "1".into(), "10.0".into()]);
        table.rule();
        table.row(vec!["longer".into(), "12345".into()]);
        let text = table.render();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "name       µs  ratio");
        assert_eq!(lines[2], "a           1   10.0");
        assert_eq!(lines[4], "longer  12345");
        assert_eq!(lines[1], lines[3]);
    }

    #[test]
    fn numbers() {
        assert_eq!(time(12_345_678.0), "12.3 ms");
        assert_eq!(time(999.6), "1000 ns");
        assert_eq!(time(0.5), "0.50 ns");
        assert_eq!(time(f64::NAN), "–");
        assert_eq!(digits(9.996), "10.0");
        assert_eq!(
            estimate(&Estimate { value: 1.5, low: 1.25, high: 1.75, n_blocks: 5 }),
            "1.50 [1.25, 1.75]"
        );
    }
}
