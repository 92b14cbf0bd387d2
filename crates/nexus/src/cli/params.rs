//! `key=value` on a command line, as params of a command.

use nexus_kit::settings::Lang;
use serde_json::{Map, Value};

use super::text;

/// Params from `--params` and `key=value` words; a word wins over `--params`.
pub fn params(whole: Option<&str>, words: &[String], lang: Lang) -> Result<Value, String> {
    let mut object = match whole {
        None => Map::new(),
        Some(text) => match json_argument(text).map_err(|why| text::bad_params(lang, &why))? {
            Value::Object(object) => object,
            _ => return Err(text::params_not_object(lang)),
        },
    };
    let mut named: Vec<&str> = Vec::new();
    for word in words {
        let (key, value) = word.split_once('=').ok_or_else(|| text::not_key_value(lang, word))?;
        let (key, json) = match key.strip_suffix(':') {
            Some(key) => (key, true),
            None => (key, false),
        };
        if key.is_empty() {
            return Err(text::not_key_value(lang, word));
        }
        if named.contains(&key) {
            return Err(text::key_twice(lang, key));
        }
        named.push(key);
        let value = if json {
            json_argument(value).map_err(|why| text::bad_value(lang, key, &why))?
        } else if let Some(path) = value.strip_prefix('@') {
            let text = std::fs::read_to_string(path)
                .map_err(|why| text::bad_value(lang, key, &format!("{path}: {why}")))?;
            Value::String(text)
        } else {
            guess(value)
        };
        object.insert(key.to_owned(), value);
    }
    Ok(Value::Object(object))
}

/// Reads JSON from `-` (standard input), `@path`, or the text itself.
pub fn json_argument(text: &str) -> Result<Value, String> {
    let bytes = match text.strip_prefix('@') {
        Some(path) => std::fs::read(path).map_err(|error| format!("{path}: {error}"))?,
        None if text == "-" => {
            let mut bytes = Vec::new();
            std::io::Read::read_to_end(&mut std::io::stdin().lock(), &mut bytes)
                .map_err(|error| error.to_string())?;
            bytes
        }
        None => text.as_bytes().to_vec(),
    };
    nexus_core::json::parse(&bytes).map_err(|error| error.to_string())
}

/// A number, truth, null, object or list is one; everything else is a text, and so is a number that
/// another program would round.
fn guess(text: &str) -> Value {
    match nexus_core::json::parse(text.as_bytes()) {
        Ok(Value::String(_)) | Err(_) => Value::String(text.to_owned()),
        Ok(value) => value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(words: &[&str]) -> Result<Value, String> {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        params(None, &words, Lang::En)
    }

    #[test]
    fn a_value_is_what_it_looks_like() {
        let read = read(&[
            "a=1",
            "b=true",
            "c=null",
            "d=[1,2]",
            "e={\"x\":1}",
            "f=hello world",
            "g=a=b",
            "h=",
            "i=01012345678",
            "j=9007199254740993",
            "k=\"quoted\"",
            "l:=\"quoted\"",
            "m=1.5",
            "n={broken",
            "o=-",
            "한글=값",
        ]);
        assert_eq!(
            read.unwrap(),
            json!({
                "a": 1, "b": true, "c": null, "d": [1, 2], "e": {"x": 1}, "f": "hello world",
                "g": "a=b", "h": "", "i": "01012345678", "j": "9007199254740993",
                "k": "\"quoted\"", "l": "quoted", "m": 1.5, "n": "{broken", "o": "-", "한글": "값",
            })
        );
    }

    #[test]
    fn files_and_whole_params() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("t.json");
        std::fs::write(&path, "{\"n\":1}\n").unwrap();
        let at = format!("@{}", path.display());
        assert_eq!(read(&[&format!("t={at}")]).unwrap(), json!({"t": "{\"n\":1}\n"}));
        assert_eq!(read(&[&format!("t:={at}")]).unwrap(), json!({"t": {"n": 1}}));
        let both = params(Some(&at), &["m=2".into()], Lang::En);
        assert_eq!(both.unwrap(), json!({"n": 1, "m": 2}));
    }

    #[test]
    fn what_cannot_be_read_is_refused() {
        for words in
            [&["novalue"][..], &["=x"], &[":=1"], &["a=1", "a=2"], &["a:={"], &["a=@/nope/x"]]
        {
            assert!(read(words).is_err(), "{words:?}");
        }
        assert!(params(Some("[1]"), &[], Lang::En).is_err());
        assert!(params(Some("{\"a\":1,\"a\":2}"), &[], Lang::Ko).is_err());
    }
}
