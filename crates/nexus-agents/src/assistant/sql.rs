//! Runs, steps and conversations in the store.

use nexus_core::tenant::Tenant;
use nexus_core::time::Time;
use nexus_kit::args;
use nexus_kit::db::{DbError, Read, Row, Tx};

use super::run::{Phase, Run, Step, StepState};
use super::words::Lang;

/// Messages of a conversation that are kept.
const KEPT_MESSAGES: u64 = 200;

fn unreadable(what: &str) -> DbError {
    DbError::Failed(format!("a stored {what} cannot be read"))
}

fn run(row: &Row<'_>) -> Result<Run, DbError> {
    Ok(Run {
        run_id: row.text(0)?,
        seq: row.count(1)?,
        goal: row.text(2)?,
        language: Lang::parse(&row.text(3)?),
        session_id: row.text(4)?,
        task_id: row.text(5)?,
        requested_by: row.text(6)?,
        correlation_id: row.text(7)?,
        phase: Phase::parse(&row.text(8)?).ok_or_else(|| unreadable("phase"))?,
        paused: row.flag(9)?,
        stopping: row.opt_text(10)?,
        summary: row.opt_text(11)?,
        created_at: row.time(12)?,
        updated_at: row.time(13)?,
        deadline_at: row.time(14)?,
        finished_at: row.opt_time(15)?,
        requested_by_name: row.opt_text(16)?,
    })
}

fn step(row: &Row<'_>) -> Result<Step, DbError> {
    Ok(Step {
        number: row.count(0)?,
        command_type: row.text(1)?,
        params: row.text(2)?,
        inputs: row.opt_text(3)?,
        state: StepState::parse(&row.text(4)?).ok_or_else(|| unreadable("step"))?,
        risk: row.opt_text(5)?,
        task_id: row.opt_text(6)?,
        ask_id: row.opt_text(7)?,
        started_at: row.opt_time(8)?,
        finished_at: row.opt_time(9)?,
        failure_code: row.opt_text(10)?,
        error: row.opt_text(11)?,
    })
}

/// A run with its steps.
pub(super) fn load(
    q: &Read,
    tenant: &Tenant,
    run_id: &str,
) -> Result<Option<(Run, Vec<Step>)>, DbError> {
    let found = q.opt(
        "SELECT run_id, seq, goal, language, session_id, task_id, requested_by, correlation_id,
                phase, paused, stopping, summary, created_at, updated_at, deadline_at, finished_at,
                requested_by_name
         FROM autopilot_run WHERE tenant = $1 AND run_id = $2",
        args![tenant, run_id],
        run,
    )?;
    let Some(found) = found else { return Ok(None) };
    let steps = q.all(
        "SELECT step, command_type, params, inputs, state, risk, task_id, ask_id, started_at,
                finished_at, failure_code, error
         FROM autopilot_step WHERE tenant = $1 AND run_id = $2 ORDER BY step",
        args![tenant, run_id],
        step,
    )?;
    Ok(Some((found, steps)))
}

/// The run that a task is a step of.
pub(super) fn run_of_task(
    q: &Read,
    tenant: &Tenant,
    task_id: &str,
) -> Result<Option<String>, DbError> {
    q.opt(
        "SELECT run_id FROM autopilot_step WHERE tenant = $1 AND task_id = $2",
        args![tenant, task_id],
        |row| row.text(0),
    )
}

/// The runs of a tenant that have not ended.
pub(super) fn open_runs(q: &Read, tenant: &Tenant) -> Result<Vec<String>, DbError> {
    q.all(
        "SELECT run_id FROM autopilot_run WHERE tenant = $1 AND open = 1 ORDER BY deadline_at",
        args![tenant],
        |row| row.text(0),
    )
}

/// The runs of a tenant that have taken too long by `now` and are not being ended for it yet.
pub(super) fn over_time(q: &Read, tenant: &Tenant, now: Time) -> Result<Vec<String>, DbError> {
    q.all(
        "SELECT run_id FROM autopilot_run
         WHERE tenant = $1 AND open = 1 AND deadline_at <= $2 AND stopping IS NULL
         ORDER BY deadline_at LIMIT 100",
        args![tenant, now],
        |row| row.text(0),
    )
}

pub(super) fn insert(tx: &mut Tx<'_>, tenant: &Tenant, run: &Run) -> Result<(), DbError> {
    tx.exec(
        "INSERT INTO autopilot_run (tenant, run_id, seq, goal, language, session_id, task_id,
             requested_by, correlation_id, phase, paused, open, created_at, updated_at, deadline_at,
             requested_by_name)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 0, 1, $11, $11, $12, $13)",
        args![
            tenant,
            &run.run_id,
            run.seq,
            &run.goal,
            run.language.as_str(),
            &run.session_id,
            &run.task_id,
            &run.requested_by,
            &run.correlation_id,
            run.phase.as_str(),
            run.created_at,
            run.deadline_at,
            run.requested_by_name.as_ref(),
        ],
    )?;
    Ok(())
}

/// Writes what changes in the life of a run, with its steps.
pub(super) fn save(
    tx: &mut Tx<'_>,
    tenant: &Tenant,
    run: &Run,
    steps: &[Step],
) -> Result<(), DbError> {
    tx.exec(
        "UPDATE autopilot_run SET phase = $3, paused = $4, stopping = $5, summary = $6, open = $7,
             updated_at = $8, finished_at = $9
         WHERE tenant = $1 AND run_id = $2",
        args![
            tenant,
            &run.run_id,
            run.phase.as_str(),
            run.paused,
            run.stopping.as_ref(),
            run.summary.as_ref(),
            !run.over(),
            run.updated_at,
            run.finished_at,
        ],
    )?;
    for step in steps {
        save_step(tx, tenant, &run.run_id, step)?;
    }
    Ok(())
}

fn save_step(tx: &mut Tx<'_>, tenant: &Tenant, run_id: &str, step: &Step) -> Result<(), DbError> {
    tx.exec(
        "INSERT INTO autopilot_step (tenant, run_id, step, command_type, params, inputs, state, risk,
             task_id, ask_id, started_at, finished_at, failure_code, error)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
         ON CONFLICT (tenant, run_id, step) DO UPDATE SET state = $7, risk = $8, task_id = $9,
             ask_id = $10, started_at = $11, finished_at = $12, failure_code = $13, error = $14",
        args![
            tenant,
            run_id,
            step.number,
            &step.command_type,
            &step.params,
            step.inputs.as_ref(),
            step.state.as_str(),
            step.risk.as_ref(),
            step.task_id.as_ref(),
            step.ask_id.as_ref(),
            step.started_at,
            step.finished_at,
            step.failure_code.as_ref(),
            step.error.as_ref(),
        ],
    )?;
    Ok(())
}

/// What somebody said in a conversation.
pub(super) struct Said<'a> {
    pub session_id: &'a str,
    /// The report that brings it.
    pub seq: u64,
    /// `user` or `assistant`.
    pub role: &'a str,
    pub text: &'a str,
    pub run_id: &'a str,
    pub requested_by: &'a str,
}

pub(super) fn say(tx: &mut Tx<'_>, tenant: &Tenant, said: &Said<'_>) -> Result<(), DbError> {
    let now = tx.now();
    tx.exec(
        "INSERT INTO chat_message (tenant, session_id, seq, role, text, run_id, requested_by, at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        args![
            tenant,
            said.session_id,
            said.seq,
            said.role,
            said.text,
            said.run_id,
            said.requested_by,
            now
        ],
    )?;
    Ok(())
}

/// The language of a conversation so far.
pub(super) fn language(
    q: &Read,
    tenant: &Tenant,
    session_id: &str,
) -> Result<Option<Lang>, DbError> {
    q.opt(
        "SELECT r.language FROM chat_message m
         JOIN autopilot_run r ON r.tenant = m.tenant AND r.run_id = m.run_id
         WHERE m.tenant = $1 AND m.session_id = $2 ORDER BY m.seq DESC LIMIT 1",
        args![tenant, session_id],
        |row| Ok(Lang::parse(&row.text(0)?)),
    )
}

/// Forgets what is older than `before`, and what a conversation has beyond its bound.
pub(super) fn forget(
    tx: &mut Tx<'_>,
    tenant: &Tenant,
    session_id: &str,
    before: Time,
) -> Result<(), DbError> {
    tx.exec("DELETE FROM chat_message WHERE tenant = $1 AND at < $2", args![tenant, before])?;
    tx.exec(
        "DELETE FROM chat_message WHERE tenant = $1 AND session_id = $2 AND seq <
             (SELECT seq FROM chat_message WHERE tenant = $1 AND session_id = $2
              ORDER BY seq DESC LIMIT 1 OFFSET $3)",
        args![tenant, session_id, KEPT_MESSAGES - 1],
    )?;
    tx.exec(
        "DELETE FROM autopilot_step WHERE tenant = $1 AND run_id IN
             (SELECT run_id FROM autopilot_run
              WHERE tenant = $1 AND finished_at IS NOT NULL AND finished_at < $2)",
        args![tenant, before],
    )?;
    tx.exec(
        "DELETE FROM autopilot_run
         WHERE tenant = $1 AND finished_at IS NOT NULL AND finished_at < $2",
        args![tenant, before],
    )?;
    Ok(())
}
