//! The report: a table a case for people, and everything for programs.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::args::Case;

/// Everything that was measured.
#[derive(Debug, Serialize)]
pub struct Report {
    /// Cores of this machine.
    pub cores: usize,
    /// Whether the server had one of its own, and the clients another.
    pub apart: bool,
    /// Load of the machine at the start: of one, five and fifteen minutes.
    pub load_before: String,
    /// And at the end.
    pub load_after: String,
    /// The programs that were measured, and what they say their version is.
    pub servers: BTreeMap<String, String>,
    /// What was wanted and is not installed.
    pub missing: Vec<String>,
    /// What could not be measured, and why.
    pub failures: Vec<String>,
    /// What was measured.
    pub rows: Vec<Row>,
}

/// A server in a case.
#[derive(Debug, Serialize)]
pub struct Row {
    /// The question.
    pub case: Case,
    /// Who answered.
    pub server: String,
    /// The answers.
    pub values: Vec<Value>,
    /// CPU seconds of the server's threads, by name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub threads: BTreeMap<String, f64>,
}

/// One number.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Value {
    /// What it is, with its unit.
    pub name: &'static str,
    /// How much; none where a server does not say.
    pub value: Option<f64>,
    /// Digits behind the point.
    #[serde(skip)]
    pub digits: usize,
    /// Whether NEXUS is compared with the others in it.
    #[serde(skip)]
    pub compared: bool,
}

/// A number.
pub fn value(name: &'static str, value: f64, digits: usize) -> Value {
    Value { name, value: Some(value), digits, compared: false }
}

/// A number in which NEXUS is compared with the others.
pub fn compared(name: &'static str, value: f64, digits: usize) -> Value {
    Value { name, value: Some(value), digits, compared: true }
}

/// The report in Markdown.
pub fn markdown(report: &Report) -> String {
    let place = if report.apart { "server and clients on a core each" } else { "one core for all" };
    let mut out = format!(
        "{} cores, {place}; load {} before, {} after. Behind a number: NEXUS's, divided by it.\n",
        report.cores, report.load_before, report.load_after
    );
    for (server, version) in &report.servers {
        out.push_str(&format!("- {server}: {version}\n"));
    }
    for missing in &report.missing {
        out.push_str(&format!("- missing: {missing}\n"));
    }
    for failure in &report.failures {
        out.push_str(&format!("- failed: {failure}\n"));
    }
    let mut cases: Vec<Case> = report.rows.iter().map(|row| row.case).collect();
    cases.dedup();
    for case in cases {
        let rows: Vec<&Row> = report.rows.iter().filter(|row| row.case == case).collect();
        out.push_str(&format!("\n{case:?}\n\n{}", table(&rows)));
    }
    out
}

/// The rows of a case. The first is of NEXUS.
fn table(rows: &[&Row]) -> String {
    let Some(first) = rows.first() else { return String::new() };
    let names: Vec<&str> = first.values.iter().map(|value| value.name).collect();
    let mut out =
        format!("| server | {} |\n|---|{}\n", names.join(" | "), "---:|".repeat(names.len()));
    for (at, row) in rows.iter().enumerate() {
        let cells = row.values.iter().zip(&first.values).map(|(own, of_first)| {
            let Some(value) = own.value else { return "–".to_owned() };
            let number = format!("{value:.*}", own.digits);
            match of_first.value {
                Some(first) if own.compared && at > 0 && value != 0.0 => {
                    format!("{number} ({:.2})", first / value)
                }
                _ => number,
            }
        });
        let cells: Vec<String> = cells.collect();
        out.push_str(&format!("| {} | {} |\n", row.server, cells.join(" | ")));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_others_are_compared_with_the_first() {
        let row = |server: &str, number: f64| Row {
            case: Case::Burst,
            server: server.to_owned(),
            values: vec![compared("a second", number, 0), value("p50 ms", 0.25, 2)],
            threads: BTreeMap::new(),
        };
        let rows = [row("NEXUS", 300.0), row("other", 200.0)];
        let text = table(&[&rows[0], &rows[1]]);
        assert!(text.contains("| NEXUS | 300 | 0.25 |"), "{text}");
        assert!(text.contains("| other | 200 (1.50) | 0.25 |"), "{text}");
    }
}
