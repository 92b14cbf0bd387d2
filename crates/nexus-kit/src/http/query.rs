//! Query strings: every parameter is known, comes once and parses, or the request is refused.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use serde::de::{
    self, DeserializeOwned, DeserializeSeed, Deserializer, IntoDeserializer, MapAccess, Visitor,
};
use url::form_urlencoded;

use super::problem::{FieldError, Problem};

/// The query as `T`, a struct of plain values and options of them. What `T` does not name is
/// refused, which `#[serde(flatten)]` would defeat: query types do without it.
#[derive(Clone, Copy, Debug)]
pub struct Query<T>(pub T);

/// Names the tenant on any route; [`super::principal`] reads it.
const TENANT: [&str; 2] = ["org_id", "project_id"];

impl<S: Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parse(parts.uri.query().unwrap_or_default()).map(Self)
    }
}

/// Reads a query string.
pub fn parse<T: DeserializeOwned>(query: &str) -> Result<T, Problem> {
    let mut pairs: Vec<(String, String)> = Vec::new();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        if TENANT.contains(&&*name) {
            continue;
        }
        if pairs.iter().any(|(known, _)| *known == name) {
            return Err(Fault::Value(name.into_owned(), "given more than once".into()).into());
        }
        pairs.push((name.into_owned(), value.into_owned()));
    }
    T::deserialize(Pairs { rest: pairs.into_iter(), value: None }).map_err(Problem::from)
}

/// Why a query is refused.
#[derive(Debug, thiserror::Error)]
enum Fault {
    #[error("there is no parameter {0:?}")]
    Unknown(String),
    #[error("{0}: {1}")]
    Value(String, String),
    #[error("{0}")]
    Other(String),
}

impl de::Error for Fault {
    fn custom<M: std::fmt::Display>(message: M) -> Self {
        Self::Other(message.to_string())
    }

    fn missing_field(field: &'static str) -> Self {
        Self::Value(field.to_owned(), "missing".to_owned())
    }
}

impl From<Fault> for Problem {
    fn from(fault: Fault) -> Self {
        let (code, path, message) = match &fault {
            Fault::Unknown(name) => ("unknown_parameter", name.as_str(), "unknown parameter"),
            Fault::Value(name, message) => ("invalid_parameter", name.as_str(), message.as_str()),
            Fault::Other(message) => ("invalid_parameter", "", message.as_str()),
        };
        let path = if path.is_empty() { String::new() } else { format!("/{path}") };
        let errors = vec![FieldError { path, message: message.to_owned() }];
        Self::bad_request(code, format!("The query is wrong: {fault}.")).with_errors(errors)
    }
}

/// The pairs that are left, and the value whose name was read last.
struct Pairs {
    rest: std::vec::IntoIter<(String, String)>,
    value: Option<(String, String)>,
}

impl<'de> Deserializer<'de> for Pairs {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_map(self)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        let unknown = |(name, _): &&(String, String)| !fields.contains(&name.as_str());
        match self.rest.as_slice().iter().find(unknown) {
            Some((name, _)) => Err(Fault::Unknown(name.clone())),
            None => visitor.visit_map(self),
        }
    }

    fn deserialize_unit<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Fault> {
        match self.rest.next() {
            Some((name, _)) => Err(Fault::Unknown(name)),
            None => visitor.visit_unit(),
        }
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
        unit_struct newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

impl<'de> MapAccess<'de> for Pairs {
    type Error = Fault;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Fault> {
        self.value = self.rest.next();
        match &self.value {
            Some((name, _)) => seed.deserialize(name.as_str().into_deserializer()).map(Some),
            None => Ok(None),
        }
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Fault> {
        let (name, value) = self.value.take().unwrap_or_default();
        seed.deserialize(Part(value)).map_err(|fault| match fault {
            Fault::Other(message) => Fault::Value(name, message),
            named => named,
        })
    }
}

/// One value.
struct Part(String);

macro_rules! plain {
    ($($method:ident => $type:ty, $what:literal;)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
            match self.0.parse::<$type>() {
                Ok(value) => value.into_deserializer().deserialize_any(visitor),
                Err(_) => Err(Fault::Other(concat!("not ", $what).to_owned())),
            }
        }
    )*};
}

impl<'de> Deserializer<'de> for Part {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_string(self.0)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.0.into_deserializer().deserialize_enum(name, variants, visitor)
    }

    plain! {
        deserialize_bool => bool, "true or false";
        deserialize_i8 => i8, "a whole number in range";
        deserialize_i16 => i16, "a whole number in range";
        deserialize_i32 => i32, "a whole number in range";
        deserialize_i64 => i64, "a whole number in range";
        deserialize_u8 => u8, "a whole number in range";
        deserialize_u16 => u16, "a whole number in range";
        deserialize_u32 => u32, "a whole number in range";
        deserialize_u64 => u64, "a whole number in range";
        deserialize_f64 => f64, "a number";
    }

    serde::forward_to_deserialize_any! {
        i128 u128 f32 char str string bytes byte_buf unit unit_struct seq tuple tuple_struct map
        struct identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::page::{Limit, Place};
    use serde::Deserialize;

    #[derive(Debug, Default, Deserialize, PartialEq)]
    #[serde(rename_all = "snake_case")]
    enum Order {
        #[default]
        Newest,
        Oldest,
    }

    #[derive(Debug, Deserialize)]
    struct Listing {
        status: Option<String>,
        since: Option<i64>,
        #[serde(default)]
        order: Order,
        all: Option<bool>,
        #[serde(default)]
        limit: Limit,
        cursor: Option<Place<(String, u64)>>,
    }

    fn refused(query: &str) -> (&'static str, String) {
        let problem = parse::<Listing>(query).unwrap_err();
        (problem.code, problem.errors[0].path.clone())
    }

    #[test]
    fn known_parameters_are_read() {
        let cursor = Place(("a/b".to_owned(), 7)).to_string();
        let query = format!("status=a+b%2B&since=-5&order=oldest&all=true&limit=7&cursor={cursor}");
        let listing: Listing = parse(&query).unwrap();
        assert_eq!(listing.status.as_deref(), Some("a b+"));
        assert_eq!(listing.since, Some(-5));
        assert_eq!(listing.order, Order::Oldest);
        assert_eq!(listing.all, Some(true));
        assert_eq!(listing.limit.get(), 7);
        assert_eq!(listing.cursor.unwrap().0, ("a/b".to_owned(), 7));
        let empty: Listing = parse("").unwrap();
        assert_eq!((empty.limit.get(), empty.order), (50, Order::Newest));
    }

    #[test]
    fn everything_else_is_refused_by_name() {
        assert_eq!(refused("statsu=x"), ("unknown_parameter", "/statsu".to_owned()));
        assert_eq!(refused("since=soon"), ("invalid_parameter", "/since".to_owned()));
        assert_eq!(refused("since="), ("invalid_parameter", "/since".to_owned()));
        assert_eq!(refused("order=random"), ("invalid_parameter", "/order".to_owned()));
        assert_eq!(refused("all=yes"), ("invalid_parameter", "/all".to_owned()));
        assert_eq!(refused("limit=0"), ("invalid_parameter", "/limit".to_owned()));
        assert_eq!(refused("limit=201"), ("invalid_parameter", "/limit".to_owned()));
        assert_eq!(refused("cursor=%00"), ("invalid_parameter", "/cursor".to_owned()));
        assert_eq!(refused("status=a&status=b"), ("invalid_parameter", "/status".to_owned()));
    }
}
