//! The lines by which measured programs report: `lab KEY=VALUE KEY=VALUE …` on standard output.

use std::collections::BTreeMap;

/// One reported line, as key and value.
pub type Fields = BTreeMap<String, String>;

/// All `lab` lines of a program's output, in order; other lines belong to the program.
pub fn reports(stdout: &str) -> Vec<Fields> {
    stdout
        .lines()
        .filter_map(|line| line.strip_prefix("lab "))
        .map(|line| {
            line.split_whitespace()
                .filter_map(|word| word.split_once('='))
                .map(|(key, value)| (key.to_string(), value.to_string()))
                .collect()
        })
        .collect()
}

/// The value of `key` as a number, if the line has it.
pub fn number<T: std::str::FromStr>(fields: &Fields, key: &str) -> Option<T> {
    fields.get(key)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_only_lab_lines() {
        let found = reports("hello\nlab iteration=3 wall_ns=1200\nlaboratory x=1\nlab ready\n");
        assert_eq!(found.len(), 1 + 1);
        assert_eq!(number::<u64>(&found[0], "wall_ns"), Some(1200));
        assert!(found[1].is_empty());
    }
}
