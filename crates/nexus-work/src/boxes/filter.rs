//! Which of the tasks in a box are meant: the same words in a query string and in a body's `filter`.

use std::time::Duration;

use nexus_core::cause;
use nexus_core::failure::FailureCode;
use nexus_core::text::folded;
use nexus_core::time::Time;
use nexus_kit::http::problem::{FieldError, Problem};
use serde::de::{self, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

/// Fewest and most characters of a text that is searched for.
const TEXT_CHARS: std::ops::RangeInclusive<usize> = 2..=200;

/// Most types, and most causes, that one filter names.
const MOST_NAMES: usize = 50;

/// Longest age that is asked for, in seconds: ten years.
const MOST_SECONDS: u64 = 3650 * 86_400;

/// A filter as somebody sends it. Everything that is given must hold; nothing given means all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct FilterIn {
    /// Failure codes: a list, or one text with commas.
    #[serde(skip_serializing_if = "Names::is_empty")]
    #[schema(value_type = Vec<String>)]
    pub failure_code: Names,
    /// Command types: a list, or one text with commas.
    #[serde(skip_serializing_if = "Names::is_empty")]
    #[schema(value_type = Vec<String>)]
    pub task_type: Names,
    /// Failed at least so many seconds ago.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub older_than: Option<u64>,
    /// Failed less than so many seconds ago.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub newer_than: Option<u64>,
    /// Stands in the error or in the agent's own code, upper and lower case alike; 2 to 200
    /// characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Causes, as `GET /{box}/causes` names them: a list, or one text with commas.
    #[serde(skip_serializing_if = "Names::is_empty")]
    #[schema(value_type = Vec<String>)]
    pub cause: Names,
}

/// Names that were sent as a list, or as one text with commas.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Names(pub Vec<String>);

impl Names {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Those of one text with commas.
    pub fn split(text: &str) -> Self {
        Self(text.split(',').map(|name| name.trim().to_owned()).collect())
    }
}

impl<'de> Deserialize<'de> for Names {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OneOrMany;
        impl<'de> Visitor<'de> for OneOrMany {
            type Value = Names;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a list of names, or one text with commas")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Names, E> {
                Ok(Names::split(text))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Names, A::Error> {
                let mut names = Vec::new();
                while let Some(name) = seq.next_element()? {
                    names.push(name);
                }
                Ok(Names(names))
            }
        }
        deserializer.deserialize_any(OneOrMany)
    }
}

/// A filter as it is applied: read, checked, and at a moment, so that what it lets through does not
/// depend on when it is asked again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Any of these codes; all where there are none.
    pub codes: Vec<FailureCode>,
    /// Any of these types; all where there are none.
    pub types: Vec<String>,
    /// Any of these causes; all where there are none.
    pub causes: Vec<String>,
    /// Failed at this moment or before.
    pub until: Option<Time>,
    /// Failed after this moment.
    pub after: Option<Time>,
    /// Stands in the searched text; folded as that is.
    pub text: Option<String>,
    /// Put to work fewer times than this.
    pub runs_below: Option<u32>,
    /// Besides `codes`: any of these codes, where the task was put to work so often already.
    pub or_worn: Option<(Vec<FailureCode>, u32)>,
}

impl Filter {
    /// Whether it lets everything through.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Those codes that it lets through and of which something holds.
    pub fn of_codes(&self, holds: impl Fn(FailureCode) -> bool) -> Vec<FailureCode> {
        let named = |code: &FailureCode| self.codes.is_empty() || self.codes.contains(code);
        FailureCode::ALL.iter().copied().filter(|code| named(code) && holds(*code)).collect()
    }
}

impl FilterIn {
    /// Whether it lets everything through.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The filter at this moment. `place` is where it stands in the request, such as `/filter`.
    ///
    /// # Errors
    /// 400 `invalid_filter` with every field that is wrong.
    pub fn at(&self, now: Time, place: &str) -> Result<Filter, Problem> {
        let mut wrong = Vec::new();
        let mut refuse = |field: &str, message: String| {
            wrong.push(FieldError { path: format!("{place}/{field}"), message });
        };
        let mut codes = Vec::new();
        for name in &self.failure_code.0 {
            match FailureCode::parse(name) {
                Some(code) => codes.push(code),
                None => refuse("failure_code", format!("there is no failure code {name:?}")),
            }
        }
        for (field, names) in [("task_type", &self.task_type), ("cause", &self.cause)] {
            if names.0.len() > MOST_NAMES {
                refuse(field, format!("at most {MOST_NAMES}"));
            }
        }
        if self.task_type.0.iter().any(|name| name.is_empty() || name.len() > 128) {
            refuse("task_type", "a type has 1 to 128 bytes".to_owned());
        }
        if self.cause.0.iter().any(|name| !cause::is_id(name)) {
            refuse("cause", "a cause is cau_ and 16 hex digits".to_owned());
        }
        for (field, age) in [("older_than", self.older_than), ("newer_than", self.newer_than)] {
            if age.is_some_and(|age| age > MOST_SECONDS) {
                refuse(field, format!("at most {MOST_SECONDS} seconds"));
            }
        }
        let text = self.text.as_deref().map(str::trim);
        if text.is_some_and(|text| !TEXT_CHARS.contains(&text.chars().count())) {
            let (least, most) = (TEXT_CHARS.start(), TEXT_CHARS.end());
            refuse("text", format!("{least} to {most} characters"));
        }
        if !wrong.is_empty() {
            return Err(
                Problem::bad_request("invalid_filter", "The filter is wrong.").with_errors(wrong)
            );
        }
        let ago = |seconds: u64| now.minus(Duration::from_secs(seconds));
        Ok(Filter {
            codes,
            types: self.task_type.0.clone(),
            causes: self.cause.0.clone(),
            until: self.older_than.map(ago),
            after: self.newer_than.map(ago),
            text: text.map(folded),
            ..Filter::default()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const NOW: Time = Time::from_millis(1_000_000_000);

    fn filter(body: serde_json::Value) -> Result<Filter, Problem> {
        serde_json::from_value::<FilterIn>(body).unwrap().at(NOW, "/filter")
    }

    fn refused(body: serde_json::Value) -> Vec<String> {
        let problem = filter(body).unwrap_err();
        assert_eq!((problem.status, problem.code), (400, "invalid_filter"));
        problem.errors.into_iter().map(|error| error.path).collect()
    }

    #[test]
    fn lists_and_texts_with_commas_mean_the_same() {
        let list =
            filter(json!({"failure_code": ["AGENT_ERROR", "AGENT_CRASHED"], "task_type": ["a.b"]}));
        let text =
            filter(json!({"failure_code": "AGENT_ERROR, AGENT_CRASHED", "task_type": "a.b"}));
        assert_eq!(list.unwrap(), text.unwrap());
    }

    #[test]
    fn ages_are_taken_at_one_moment() {
        let filter = filter(json!({"older_than": 60, "newer_than": 3600})).unwrap();
        assert_eq!(filter.until, Some(Time::from_millis(999_940_000)));
        assert_eq!(filter.after, Some(Time::from_millis(996_400_000)));
    }

    #[test]
    fn nothing_given_is_empty_and_anything_is_not() {
        assert!(filter(json!({})).unwrap().is_empty() && FilterIn::default().is_empty());
        for body in [
            json!({"failure_code": "AGENT_ERROR"}),
            json!({"task_type": "a.b"}),
            json!({"cause": "cau_0123456789abcdef"}),
            json!({"older_than": 0}),
            json!({"newer_than": 1}),
            json!({"text": "오류"}),
        ] {
            assert!(!filter(body.clone()).unwrap().is_empty(), "{body}");
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert_eq!(refused(json!({"failure_code": "AGENT_EROR"})), ["/filter/failure_code"]);
        assert_eq!(refused(json!({"failure_code": ""})), ["/filter/failure_code"]);
        assert_eq!(refused(json!({"task_type": ["a.b", ""]})), ["/filter/task_type"]);
        assert_eq!(refused(json!({"task_type": vec!["a.b"; 51]})), ["/filter/task_type"]);
        assert_eq!(refused(json!({"cause": "412 of 430"})), ["/filter/cause"]);
        assert_eq!(refused(json!({"older_than": u64::MAX})), ["/filter/older_than"]);
        assert_eq!(refused(json!({"text": " 오 "})), ["/filter/text"]);
        assert_eq!(refused(json!({"text": "x".repeat(201)})), ["/filter/text"]);
        assert_eq!(refused(json!({"text": "x", "cause": "x"})).len(), 2, "all at once");
        assert!(serde_json::from_value::<FilterIn>(json!({"txet": "x"})).is_err());
    }
}
