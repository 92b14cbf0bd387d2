//! The planner without a model: reads the message and looks at every step as the door would, before
//! the first one runs.

use nexus_core::tenant::Tenant;
use nexus_kit::http::problem::Problem;
use nexus_work::{Work, WorkError, examine};
use serde_json::{Value, json};

use super::parse::{Draft, Parsed, parse};
use super::run::{Run, Step};
use super::words;

/// What a message leads to.
pub(super) enum Plan {
    /// Only words: an answer, which is all that was asked for.
    Answer(String),
    /// Only words: why nothing was run.
    Refused(String),
    /// These steps.
    Steps(Vec<Step>),
}

/// Types that no step has: an assistant that talks to itself never ends.
const NEVER: &str = "chat.";

/// Plans a run.
///
/// # Errors
/// When the store fails.
pub(super) async fn plan(
    work: &Work,
    tenant: &Tenant,
    run: &Run,
    most: usize,
) -> Result<Plan, WorkError> {
    let lang = run.language;
    let drafts = match parse(&run.goal) {
        Parsed::Help => return Ok(Plan::Answer(words::help(lang))),
        Parsed::Plain => return Ok(Plan::Answer(words::plain(lang))),
        Parsed::Bad(line, why) => return Ok(Plan::Refused(words::bad(lang, line, &why))),
        Parsed::Steps(drafts) => drafts,
    };
    let mut steps: Vec<Step> = Vec::new();
    for draft in drafts {
        let number = steps.len() as u64 + 1;
        let (command_type, params, texts) = match draft {
            Draft::Command { command_type, params, texts } => (command_type, params, texts),
            Draft::Search(query) => ("youtube.search".to_owned(), json!({"query": query}), false),
        };
        if command_type.starts_with(NEVER) {
            let why = WorkError::UnknownType(command_type.clone());
            return Ok(Plan::Refused(words::refused(
                lang,
                steps.len() + 1,
                &command_type,
                &said(why),
            )));
        }
        let examined = match examine(work, tenant, &command_type, params, texts).await {
            Ok(examined) => examined,
            Err(error @ (WorkError::Store(_) | WorkError::Stale)) => return Err(error),
            Err(error) => {
                let why = said(error);
                return Ok(Plan::Refused(words::refused(
                    lang,
                    steps.len() + 1,
                    &command_type,
                    &why,
                )));
            }
        };
        if let Some(why) = &examined.disabled {
            return Ok(Plan::Refused(words::refused(lang, steps.len() + 1, &command_type, why)));
        }
        let mut step = Step::planned(number, &command_type, examined.params.to_string());
        step.risk = Some(examined.risk.as_str().to_owned());
        steps.push(step);
    }
    if steps.len() > most {
        return Ok(Plan::Refused(words::too_many(lang, steps.len(), most)));
    }
    Ok(Plan::Steps(steps))
}

/// A refusal of the door in one line, with the fields that are wrong.
pub(super) fn said(error: WorkError) -> String {
    let problem = Problem::from(error);
    let mut said = problem.detail.clone();
    for field in &problem.errors {
        said.push_str(&format!(" {}: {}.", field.path, field.message));
    }
    said
}

/// A step's params with what comes from earlier results put in; nothing where that is not there.
pub(super) fn params(step: &Step, result_of: impl Fn(u64) -> Option<Value>) -> Option<Value> {
    let mut params: Value = serde_json::from_str(&step.params).ok()?;
    let Some(inputs) = &step.inputs else { return Some(params) };
    let inputs: serde_json::Map<String, Value> = serde_json::from_str(inputs).ok()?;
    for (name, from) in inputs {
        let found = result_of(from["step"].as_u64()?)?;
        params[name] = found.pointer(from["pointer"].as_str()?)?.clone();
    }
    Some(params)
}
