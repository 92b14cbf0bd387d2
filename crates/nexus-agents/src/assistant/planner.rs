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
        let planned = match draft {
            Draft::Command { command_type, params, texts } => {
                look(work, tenant, &mut steps, &command_type, params, texts).await?
            }
            Draft::Search(query) => search(work, tenant, &mut steps, &query).await?,
        };
        if let Some((command_type, why)) = planned {
            let number = steps.len() + 1;
            return Ok(Plan::Refused(words::refused(lang, number, &command_type, &why)));
        }
    }
    if steps.len() > most {
        return Ok(Plan::Refused(words::too_many(lang, steps.len(), most)));
    }
    Ok(Plan::Steps(steps))
}

/// Adds a step if the door would take it; otherwise says which type is refused, and why.
async fn look(
    work: &Work,
    tenant: &Tenant,
    steps: &mut Vec<Step>,
    command_type: &str,
    params: Value,
    texts: bool,
) -> Result<Option<(String, String)>, WorkError> {
    let refused = |why: String| Ok(Some((command_type.to_owned(), why)));
    if command_type.starts_with(NEVER) {
        return refused(said(WorkError::UnknownType(command_type.to_owned())));
    }
    let examined = match examine(work, tenant, command_type, params, texts).await {
        Ok(examined) => examined,
        Err(error @ (WorkError::Store(_) | WorkError::Stale)) => return Err(error),
        Err(error) => return refused(said(error)),
    };
    if let Some(why) = examined.disabled {
        return refused(why);
    }
    let number = steps.len() as u64 + 1;
    let mut step = Step::planned(number, command_type, examined.params.to_string());
    step.risk = Some(examined.risk.as_str().to_owned());
    steps.push(step);
    Ok(None)
}

/// Adds a search and, with what it finds first, an addition to the queue.
async fn search(
    work: &Work,
    tenant: &Tenant,
    steps: &mut Vec<Step>,
    query: &str,
) -> Result<Option<(String, String)>, WorkError> {
    let params = json!({"query": query});
    let refused = look(work, tenant, steps, "youtube.search", params, false).await?;
    if refused.is_some() {
        return Ok(refused);
    }
    // The params that the hit brings do not change how the step is rated: any video stands for it.
    let found = steps.len();
    let any = json!({"video_id": "AAAAAAAAAAA"});
    let refused = look(work, tenant, steps, "youtube.queue.add", any, false).await?;
    if let Some(step) = steps.get_mut(found) {
        step.params = "{}".to_owned();
        let from = |pointer: &str| json!({"step": found, "pointer": pointer});
        let inputs =
            json!({"video_id": from("/items/0/video_id"), "title": from("/items/0/title")});
        step.inputs = Some(inputs.to_string());
    }
    Ok(refused)
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
