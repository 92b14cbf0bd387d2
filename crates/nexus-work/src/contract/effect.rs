//! Acting on the outside world: the executor's own check, and the intent before the first byte.

use nexus_core::approval::{AskStatus, digest};
use nexus_core::json::sha256_hex;
use nexus_core::task::Status;
use nexus_core::tenant::Tenant;
use nexus_kit::db::Tx;

use super::callback::check_current;
use crate::Work;
use crate::approvals::sql as asks;
use crate::error::WorkError;
use crate::policy::sql::switches;
use crate::tasks::sql as tasks;

/// Which attempt speaks.
#[derive(Clone, Debug)]
pub(crate) struct Speaker {
    pub tenant: Tenant,
    pub task_id: String,
    pub attempt: u32,
    pub token: String,
}

/// Writes the intent to act on `target` with exactly these bytes, if the attempt is current, the
/// tenant is not paused, nobody called the task off, and the task is exactly what was approved.
pub(crate) async fn intend(
    work: &Work,
    speaker: &Speaker,
    target: &str,
    payload: &[u8],
) -> Result<(), WorkError> {
    let (speaker, target, payload) = (speaker.clone(), target.to_owned(), payload.to_vec());
    work.app
        .db
        .write(&speaker.tenant.clone(), move |tx| intend_in(tx, &speaker, &target, &payload))
        .await
}

fn intend_in(
    tx: &mut Tx<'_>,
    speaker: &Speaker,
    target: &str,
    payload: &[u8],
) -> Result<(), WorkError> {
    let tenant = &speaker.tenant;
    let task = tasks::load(tx, tenant, &speaker.task_id)?.ok_or(WorkError::NoTask)?;
    check_current(&task, speaker.attempt, &speaker.token)?;
    debug_assert_eq!(task.status, Status::Running);
    if task.lease_until.is_none_or(|until| until <= tx.expiry()) || task.cancel_requested {
        return Err(WorkError::StaleAttempt);
    }
    if switches(tx, tenant)?.paused {
        return Err(WorkError::Paused);
    }
    let ask = match &task.ask_id {
        Some(ask_id) => asks::load(tx, tenant, ask_id)?,
        None => None,
    };
    let approved = ask.is_some_and(|ask| {
        ask.status == AskStatus::Approved
            && ask.task_id == speaker.task_id
            && ask.digest == digest(&task.params, &ask.bound)
    });
    if !approved {
        return Err(WorkError::Precondition(
            "nobody approved exactly this; nothing was sent".to_owned(),
        ));
    }
    tasks::insert_intent(tx, &task, target, &sha256_hex(payload), payload)?;
    Ok(())
}
