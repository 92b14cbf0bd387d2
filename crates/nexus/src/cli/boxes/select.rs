//! Which tasks are meant: the same options for every verb of the boxes.

use clap::Args;
use clap::builder::NonEmptyStringValueParser;
use serde_json::{Map, Value, json};

/// A filter.
#[derive(Clone, Debug, Default, Args)]
pub struct FilterArgs {
    /// With these failure codes, separated by commas
    #[arg(long, value_name = "CODES")]
    pub failure_code: Option<String>,
    /// Of these command types, separated by commas
    #[arg(long, value_name = "TYPES")]
    pub task_type: Option<String>,
    /// That failed at least so many seconds ago
    #[arg(long, value_name = "SECONDS")]
    pub older_than: Option<u64>,
    /// That failed less than so many seconds ago
    #[arg(long, value_name = "SECONDS")]
    pub newer_than: Option<u64>,
    /// With this text in their error
    #[arg(long, value_name = "TEXT")]
    pub text: Option<String>,
    /// With these causes, separated by commas
    #[arg(long, value_name = "CAUSES")]
    pub cause: Option<String>,
}

impl FilterArgs {
    /// As a body's `filter`; nothing where nothing was given.
    pub fn body(&self) -> Option<Value> {
        let mut body = Map::new();
        let texts = [
            ("failure_code", &self.failure_code),
            ("task_type", &self.task_type),
            ("text", &self.text),
            ("cause", &self.cause),
        ];
        for (name, text) in texts {
            if let Some(text) = text {
                body.insert(name.to_owned(), json!(text));
            }
        }
        for (name, age) in [("older_than", self.older_than), ("newer_than", self.newer_than)] {
            if let Some(age) = age {
                body.insert(name.to_owned(), json!(age));
            }
        }
        (!body.is_empty()).then_some(Value::Object(body))
    }
}

/// Tasks by name, by filter, or all.
#[derive(Clone, Debug, Default, Args)]
pub struct SelectArgs {
    /// These tasks
    #[arg(value_name = "TASK_ID", value_parser = NonEmptyStringValueParser::new())]
    pub ids: Vec<String>,
    /// Those that these let through.
    #[command(flatten)]
    pub filter: FilterArgs,
    /// All of the box
    #[arg(long, conflicts_with = "ids")]
    pub all: bool,
    /// The first so many, those that failed first first
    #[arg(long, value_name = "N")]
    pub limit: Option<u64>,
}

impl SelectArgs {
    /// As the body of an operation. The server says what is missing or too much.
    pub fn body(&self) -> Value {
        let mut body = json!({});
        if !self.ids.is_empty() {
            body["ids"] = json!(self.ids);
        }
        if let Some(filter) = self.filter.body() {
            body["filter"] = filter;
        }
        if self.all {
            body["all"] = true.into();
        }
        if let Some(limit) = self.limit {
            body["limit"] = limit.into();
        }
        body
    }
}

/// How it is done.
#[derive(Clone, Debug, Default, Args)]
pub struct HowArgs {
    /// Tasks a second
    #[arg(long, value_name = "N")]
    pub per_second: Option<u64>,
    /// For the record
    #[arg(long, value_name = "TEXT")]
    pub note: Option<String>,
    /// In all tenants; needs ADMIN_API_KEY
    #[arg(long)]
    pub all_tenants: bool,
    /// Only show what it would be
    #[arg(long, conflicts_with = "yes")]
    pub dry_run: bool,
    /// Do not wait for the end
    #[arg(long)]
    pub no_wait: bool,
    /// Do not ask
    #[arg(short, long)]
    pub yes: bool,
}
