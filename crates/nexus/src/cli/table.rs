//! Columns that stay in line, also with Hangul in them.

use super::out::{Line, Out, Style, visible};

/// Prints rows under a heading; nothing at all when there is no row.
pub fn print(out: &Out, heading: &[&str], rows: &[Vec<(Style, String)>]) {
    let mut widths: Vec<usize> = heading.iter().map(|text| width(text)).collect();
    let rows: Vec<Vec<(Style, String)>> = rows
        .iter()
        .map(|row| row.iter().map(|(style, text)| (*style, visible(text))).collect())
        .collect();
    for row in &rows {
        for (most, (_, text)) in widths.iter_mut().zip(row) {
            *most = (*most).max(width(text));
        }
    }
    let last = widths.len().saturating_sub(1);
    let pad = |index: usize, text: &str| {
        let blanks = if index == last { 0 } else { widths[index].saturating_sub(width(text)) };
        format!("{text}{}", " ".repeat(blanks))
    };
    if rows.is_empty() {
        return;
    }
    let line = heading
        .iter()
        .enumerate()
        .fold(Line::default(), |line, (index, text)| line.and(Style::Dim, pad(index, text)));
    out.line(&line);
    for row in &rows {
        let line = row.iter().take(widths.len()).enumerate().fold(
            Line::default(),
            |line, (index, (style, text))| {
                // An empty cell still takes its place.
                let text = if text.is_empty() { "-" } else { text };
                line.and(*style, pad(index, text))
            },
        );
        out.line(&line);
    }
}

/// Columns that a text takes: two for Hangul, Han, kana, full-width forms and most emoji.
fn width(text: &str) -> usize {
    text.chars()
        .map(|c| match u32::from(c) {
            0x1100..=0x115f
            | 0x2e80..=0x303e
            | 0x3041..=0xa4cf
            | 0xac00..=0xd7a3
            | 0xf900..=0xfaff
            | 0xfe30..=0xfe6f
            | 0xff00..=0xff60
            | 0xffe0..=0xffe6
            | 0x1f300..=0x1faff
            | 0x20000..=0x3fffd => 2,
            _ => 1,
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use nexus_kit::settings::Lang;

    #[test]
    fn hangul_stays_in_line() {
        let out = Out::memory(Lang::Ko, false);
        let row =
            |a: &str, b: &str| vec![(Style::Plain, a.to_owned()), (Style::Plain, b.to_owned())];
        print(&out, &["id", "제목"], &[row("가나", "x"), row("abc", "y\n")]);
        assert_eq!(out.kept().0, "id   제목\n가나 x\nabc  y\\n\n");
    }
}
