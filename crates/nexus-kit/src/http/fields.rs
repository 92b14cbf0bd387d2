//! From a JSON value to a typed one, naming each field that is wrong.

use nexus_core::json::{self, JsonError};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::problem::{FieldError, Problem};

/// Longest message about a field: serde quotes the value, and values can be long.
const MAX_MESSAGE: usize = 300;

/// Most fields that one refusal names.
const MAX_ERRORS: usize = 32;

/// Reads strict JSON into `T`; fields that `T` does not have are refused whether or not its author
/// thought of `deny_unknown_fields`.
pub(super) fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let value = json::parse(bytes).map_err(|error| {
        let detail = match &error {
            JsonError::Syntax(_) | JsonError::TooDeep => format!("The body is {error}."),
            JsonError::DuplicateKey(_) | JsonError::UnsafeInteger(_) => {
                format!("In the body, {error}.")
            }
        };
        Problem::bad_request(error.code(), detail)
    })?;
    from_value(value).map_err(|errors| {
        Problem::unprocessable("invalid_fields", "Some fields are wrong; errors names each.")
            .with_errors(errors)
    })
}

/// As [`read`], from a value.
pub(super) fn from_value<T: DeserializeOwned>(value: Value) -> Result<T, Vec<FieldError>> {
    // serde would take a list for a struct, its items as fields in their order.
    if !value.is_object() {
        return Err(vec![FieldError { path: String::new(), message: "not an object".to_owned() }]);
    }
    let mut unknown = Vec::new();
    let mut track = serde_path_to_error::Track::new();
    let tracked = serde_path_to_error::Deserializer::new(value, &mut track);
    let result: Result<T, _> = serde_ignored::deserialize(tracked, |path| {
        if unknown.len() < MAX_ERRORS {
            unknown.push(FieldError { path: ignored(&path), message: "unknown field".to_owned() });
        }
    });
    match result {
        Ok(typed) if unknown.is_empty() => Ok(typed),
        Ok(_) => Err(unknown),
        Err(error) => {
            let message = error.to_string();
            let mut path = pointer(&track.path());
            // These are found at the object; the field is in the message.
            if let Some(field) = quoted(&message, "missing field `") {
                path.push_str(&token(field));
            } else if let Some(field) = quoted(&message, "unknown field `") {
                let token = token(field);
                if !path.ends_with(&token) {
                    path.push_str(&token);
                }
            }
            unknown.push(FieldError { path, message: shorten(message) });
            Err(unknown)
        }
    }
}

fn quoted<'a>(message: &'a str, start: &str) -> Option<&'a str> {
    message.strip_prefix(start)?.split_once('`').map(|(field, _)| field)
}

fn shorten(mut message: String) -> String {
    if let Some((end, _)) = message.char_indices().nth(MAX_MESSAGE) {
        message.truncate(end);
        message.push('…');
    }
    message
}

/// One step of a JSON Pointer.
fn token(key: &str) -> String {
    format!("/{}", key.replace('~', "~0").replace('/', "~1"))
}

fn pointer(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    path.iter().fold(String::new(), |mut out, segment| {
        match segment {
            Segment::Seq { index } => out.push_str(&token(&index.to_string())),
            Segment::Map { key } => out.push_str(&token(key)),
            // A variant is the key of its object; one that is a plain string has no step.
            Segment::Enum { .. } | Segment::Unknown => {}
        }
        out
    })
}

fn ignored(path: &serde_ignored::Path<'_>) -> String {
    use serde_ignored::Path;
    match path {
        Path::Root => String::new(),
        Path::Seq { parent, index } => ignored(parent) + &token(&index.to_string()),
        Path::Map { parent, key } => ignored(parent) + &token(key),
        Path::Some { parent }
        | Path::NewtypeStruct { parent }
        | Path::NewtypeVariant { parent } => ignored(parent),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;
    use serde_json::json;

    #[test]
    fn what_is_not_strict_json_is_said_in_a_sentence() {
        let detail = |text: &str| read::<Value>(text.as_bytes()).unwrap_err().detail;
        assert_eq!(detail(r#"{"a":1,"a":2}"#), "In the body, an object has the key \"a\" twice.");
        assert!(detail(r#"{"a":9007199254740993}"#).starts_with("In the body, the integer 9007"));
        assert!(detail("{").starts_with("The body is not JSON: "));
        assert!(detail(&"[".repeat(99)).starts_with("The body is nested deeper than "));
    }

    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "only read")]
    struct Lax {
        name: String,
        count: Option<u8>,
        #[serde(default)]
        rules: Vec<Rule>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only read")]
    struct Rule {
        op: Op,
    }

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Op {
        Equals,
    }

    #[test]
    fn every_wrong_field_is_named() {
        let paths = |value: Value| -> Vec<String> {
            let errors = from_value::<Lax>(value).unwrap_err();
            errors.into_iter().map(|error| error.path).collect()
        };
        assert!(from_value::<Lax>(json!({"name": "a", "count": 3})).is_ok());
        assert!(from_value::<Lax>(json!({"name": "a", "rules": [{"op": "equals"}]})).is_ok());
        assert_eq!(paths(json!({})), ["/name"]);
        assert_eq!(paths(json!({"name": 1})), ["/name"]);
        assert_eq!(paths(json!({"name": "a", "count": 300})), ["/count"]);
        assert_eq!(paths(json!({"name": "a", "x/y": 1, "z": 2})), ["/x~1y", "/z"]);
        assert_eq!(paths(json!({"name": "a", "rules": [{"op": "equals"}, {}]})), ["/rules/1/op"]);
        assert_eq!(paths(json!({"name": "a", "rules": [{"op": "no"}]})), ["/rules/0/op"]);
        assert_eq!(
            paths(json!({"name": "a", "rules": [{"op": "equals", "why": 1}]})),
            ["/rules/0/why"]
        );
        assert_eq!(paths(json!([1])), [""]);
    }

    #[test]
    fn messages_are_short() {
        let errors = from_value::<Lax>(json!({"name": "a", "count": "한".repeat(5_000)}));
        assert!(errors.unwrap_err()[0].message.chars().count() <= MAX_MESSAGE + 1);
    }
}
