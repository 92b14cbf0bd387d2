//! Query parameters: each known, readable and given once.

use std::fmt;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use serde::de::value::{MapDeserializer, StringDeserializer};
use serde::de::{self, DeserializeOwned, Deserializer, IntoDeserializer, Visitor};

use super::problem::Problem;

/// What names the tenant; read where callers are told apart, not by handlers.
const TENANT: [&str; 2] = ["org_id", "project_id"];

/// Query parameters read into `T`; a parameter that `T` does not have is refused, also where `T`
/// would not mind. `org_id` and `project_id` may always be there and never reach `T`.
#[derive(Clone, Copy, Debug)]
pub struct Query<T>(pub T);

impl<S, T> FromRequestParts<S> for Query<T>
where
    S: Send + Sync,
    T: DeserializeOwned,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        read(parts.uri.query().unwrap_or_default()).map(Self)
    }
}

/// Reads the part of a URI after `?`.
fn read<T: DeserializeOwned>(query: &str) -> Result<T, Problem> {
    let mut pairs: Vec<(String, Value)> = Vec::new();
    for part in query.split('&').filter(|part| !part.is_empty()) {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        if TENANT.contains(&name) {
            continue;
        }
        let name = decode(name).ok_or_else(|| invalid("The query has a name that is no UTF-8."))?;
        let value = decode(value).ok_or_else(|| {
            invalid(format!("The parameter {name:?} is no percent-encoded UTF-8."))
        })?;
        if pairs.iter().any(|(other, _)| *other == name) {
            return Err(invalid(format!("The parameter {name:?} is there twice.")));
        }
        pairs.push((name, Value(value)));
    }
    let pairs = MapDeserializer::<_, Error>::new(pairs.into_iter());
    serde_path_to_error::deserialize(pairs).map_err(|error| {
        let path = error.path().to_string();
        match error.into_inner() {
            Error::Missing(name) => invalid(format!("The parameter {name:?} is missing.")),
            Error::Unknown { name, known } => {
                let name = name.unwrap_or(path);
                let known =
                    if known.is_empty() { String::new() } else { format!(" It may be {known}.") };
                Problem::bad_request(
                    "unknown_parameter",
                    format!("There is no parameter {name:?} here.{known}"),
                )
            }
            Error::Invalid(why) => invalid(format!("The parameter {path:?} is wrong: {why}.")),
        }
    })
}

fn invalid(detail: impl Into<String>) -> Problem {
    Problem::bad_request("invalid_parameter", detail)
}

/// Percent-decoding as forms do it, `+` for a space; `None` for a broken escape or no UTF-8.
fn decode(text: &str) -> Option<String> {
    let mut bytes = text.bytes();
    let mut out = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'+' => b' ',
            b'%' => {
                let mut digit = || char::from(bytes.next()?).to_digit(16);
                u8::try_from(digit()? * 16 + digit()?).ok()?
            }
            other => other,
        });
    }
    String::from_utf8(out).ok()
}

#[derive(Debug)]
enum Error {
    Missing(&'static str),
    Unknown { name: Option<String>, known: String },
    Invalid(String),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(name) => write!(f, "{name} is missing"),
            Self::Unknown { .. } => f.write_str("unknown parameter"),
            Self::Invalid(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for Error {}

impl de::Error for Error {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::Invalid(message.to_string())
    }

    fn missing_field(field: &'static str) -> Self {
        Self::Missing(field)
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        Self::Unknown { name: Some(field.to_owned()), known: expected.join(", ") }
    }
}

/// One value, which becomes what the field asks for.
struct Value(String);

impl<'de> IntoDeserializer<'de, Error> for Value {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

macro_rules! parsed {
    ($($method:ident $visit:ident $what:literal;)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            match self.0.parse() {
                Ok(value) => visitor.$visit(value),
                Err(_) => Err(Error::Invalid(format!(concat!("{:?} is no ", $what), self.0))),
            }
        }
    )*};
}

impl<'de> Deserializer<'de> for Value {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_string(self.0)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        StringDeserializer::<Error>::new(self.0).deserialize_enum(name, variants, visitor)
    }

    /// Called for what `T` has no field for.
    fn deserialize_ignored_any<V: Visitor<'de>>(self, _visitor: V) -> Result<V::Value, Error> {
        Err(Error::Unknown { name: None, known: String::new() })
    }

    parsed! {
        deserialize_bool visit_bool "true or false";
        deserialize_i8 visit_i8 "whole number in range";
        deserialize_i16 visit_i16 "whole number in range";
        deserialize_i32 visit_i32 "whole number in range";
        deserialize_i64 visit_i64 "whole number in range";
        deserialize_u8 visit_u8 "whole number in range";
        deserialize_u16 visit_u16 "whole number in range";
        deserialize_u32 visit_u32 "whole number in range";
        deserialize_u64 visit_u64 "whole number in range";
        deserialize_f32 visit_f32 "number";
        deserialize_f64 visit_f64 "number";
    }

    serde::forward_to_deserialize_any! {
        char str string bytes byte_buf unit unit_struct seq tuple tuple_struct map struct identifier
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Deserialize, Debug, PartialEq, Default)]
    #[serde(deny_unknown_fields)]
    struct Asked {
        #[serde(default)]
        limit: Option<u32>,
        #[serde(default)]
        status: Option<Status>,
        #[serde(default)]
        text: String,
        #[serde(default)]
        all: bool,
    }

    #[derive(Deserialize, Debug, PartialEq)]
    #[serde(rename_all = "snake_case")]
    enum Status {
        InProgress,
    }

    #[derive(Deserialize, Debug)]
    struct Lenient {
        #[expect(dead_code, reason = "only its presence is asked for")]
        id: String,
    }

    #[test]
    fn parameters_become_what_their_fields_ask_for() {
        let asked: Asked =
            read("limit=7&org_id=a&status=in_progress&text=%ED%95%9C+b%26&project_id=b&all=true")
                .unwrap();
        assert_eq!(
            asked,
            Asked {
                limit: Some(7),
                status: Some(Status::InProgress),
                text: "한 b&".into(),
                all: true
            }
        );
        assert_eq!(read::<Asked>("").unwrap(), Asked::default());
    }

    #[test]
    fn what_is_unknown_or_wrong_is_refused_by_name() {
        for (query, code, names) in [
            ("limt=7", "unknown_parameter", "limt"),
            ("limt", "unknown_parameter", "limt"),
            ("org%5Fid=a", "unknown_parameter", "org_id"),
            ("limit=seven", "invalid_parameter", "limit"),
            ("limit=-1", "invalid_parameter", "limit"),
            ("limit=", "invalid_parameter", "limit"),
            ("limit=1&limit=1", "invalid_parameter", "limit"),
            ("limit=1&%6Cimit=2", "invalid_parameter", "limit"),
            ("status=gone", "invalid_parameter", "status"),
            ("text=%zz", "invalid_parameter", "text"),
            ("text=%ff", "invalid_parameter", "text"),
            ("text=%f", "invalid_parameter", "text"),
        ] {
            let problem = read::<Asked>(query).unwrap_err();
            assert_eq!((problem.status, problem.code), (400, code), "{query}: {}", problem.detail);
            assert!(problem.detail.contains(names), "{query}: {}", problem.detail);
        }
        assert_eq!(read::<Lenient>("id=1&x=2").unwrap_err().code, "unknown_parameter");
        let missing = read::<Lenient>("").unwrap_err();
        assert_eq!(missing.code, "invalid_parameter");
        assert!(missing.detail.contains("\"id\""));
    }
}
