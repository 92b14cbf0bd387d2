//! `.env` files: `NAME=value` lines.
//!
//! Read by hand because a value here is a value: the usual readers replace `$word` by what the
//! process environment says, which cuts a secret short without a word, and take the quotes out of
//! JSON.

/// The lines of a file: each a name with its value, or the number of a line that is neither.
pub(super) fn parse(text: &str) -> Vec<Result<(String, String), usize>> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let lines = text.lines().enumerate().filter_map(|(index, line)| {
        let line = line.trim();
        let empty = line.is_empty() || line.starts_with('#');
        (!empty).then(|| entry(line).ok_or(index + 1))
    });
    lines.collect()
}

fn entry(line: &str) -> Option<(String, String)> {
    let line = line.strip_prefix("export ").unwrap_or(line);
    let (name, value) = line.split_once('=')?;
    let name = name.trim();
    let plain = !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    if !plain {
        return None;
    }
    let value = value.trim();
    let value = match value.chars().next() {
        Some('\'') => {
            let (inside, rest) = value[1..].split_once('\'')?;
            ended(rest).then(|| inside.to_owned())?
        }
        Some('"') => quoted(&value[1..])?,
        // A `#` begins a comment after a blank only: it is a letter of many a password.
        Some('#') | None => String::new(),
        _ => {
            let comment = value.find(" #").or_else(|| value.find("\t#"));
            value[..comment.unwrap_or(value.len())].trim_end().to_owned()
        }
    };
    Some((name.to_owned(), value))
}

/// What stands between double quotes, of which the first is gone.
fn quoted(text: &str) -> Option<String> {
    let mut value = String::new();
    let mut rest = text.chars();
    loop {
        match rest.next()? {
            '"' => return ended(rest.as_str()).then_some(value),
            '\\' => value.push(match rest.next()? {
                'n' => '\n',
                't' => '\t',
                c @ ('"' | '\\' | '$') => c,
                _ => return None,
            }),
            c => value.push(c),
        }
    }
}

fn ended(rest: &str) -> bool {
    rest.is_empty()
        || rest.starts_with([' ', '\t']) && {
            let rest = rest.trim_start();
            rest.is_empty() || rest.starts_with('#')
        }
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn a_value_is_what_is_written() {
        for (line, value) in [
            ("A=b", "b"),
            ("  export A = b c  # why", "b c"),
            ("A=", ""),
            ("A= # nothing", ""),
            ("A=a$HOME#1", "a$HOME#1"),
            ("A={\"default\":60}", "{\"default\":60}"),
            ("A='a \"b\" #c' # d", "a \"b\" #c"),
            ("A=\"a\\n\\\"b\\\" \\$c\"", "a\n\"b\" $c"),
            ("A=<data dir>/x", "<data dir>/x"),
            ("A=a=b", "a=b"),
        ] {
            assert_eq!(parse(line), [Ok(("A".to_owned(), value.to_owned()))], "{line}");
        }
        assert_eq!(parse("\u{feff}# c\r\n\r\nA=1\r\n").len(), 1);
    }

    #[test]
    fn what_is_no_value_is_named_by_its_line() {
        for line in ["A", "=b", "1A=b", "A B=c", "A='b", "A=\"b", "A='b'c", "A=\"\\x\"", "A-B=c"] {
            assert_eq!(parse(&format!("# first\n{line}\n")), [Err(2)], "{line}");
        }
    }
}
