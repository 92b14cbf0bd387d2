//! `nexus dlq|hold|alarm …` and `nexus operations …`: what failed for good, and what is done about it.

pub mod help_ko;
pub mod look;
pub mod operate;
pub mod operations;
pub mod select;
mod text;
pub mod triage;

use clap::Subcommand;

use super::context::{Ctx, Done};

/// Verbs of the dead letters.
#[derive(Debug, Subcommand)]
pub enum DlqVerb {
    /// List dead letters, what failed last first
    Peek(look::ListArgs),
    /// Count dead letters by code, type, age and policy
    Stats(look::StatsArgs),
    /// List what dead letters have in common
    Causes(look::ListArgs),
    /// Say what the policy would do, and do nothing
    Triage(triage::TriageArgs),
    /// What is to be done about each failure code
    #[command(subcommand)]
    Policy(triage::PolicyVerb),
    /// Put dead letters back to work
    Requeue(operate::RequeueArgs),
    /// Move dead letters to hold
    Route(operate::MoveArgs),
    /// Move dead letters to alarm
    Alarm(operate::MoveArgs),
    /// Do what the policy says: alarm, hold, requeue
    Apply(operate::ApplyArgs),
    /// Delete dead letters for good
    Purge(operate::TakeArgs),
}

/// Verbs of what is held.
#[derive(Debug, Subcommand)]
pub enum HoldVerb {
    /// List held tasks, what failed last first
    Peek(look::ListArgs),
    /// Count held tasks by code, type, age and policy
    Stats(look::StatsArgs),
    /// List what held tasks have in common
    Causes(look::ListArgs),
    /// Put held tasks back to work
    Requeue(operate::RequeueArgs),
    /// Delete held tasks for good
    Purge(operate::TakeArgs),
}

/// Verbs of what raised an alarm.
#[derive(Debug, Subcommand)]
pub enum AlarmVerb {
    /// List the tasks of the alarm box, what failed last first
    Peek(look::ListArgs),
    /// Count the tasks of the alarm box by code, type, age and policy
    Stats(look::StatsArgs),
    /// List what the tasks of the alarm box have in common
    Causes(look::ListArgs),
    /// Say that the cause is gone: such tasks may be requeued
    Resolve(triage::ResolveArgs),
    /// Put tasks of the alarm box back to work
    Requeue(operate::RequeueArgs),
    /// Say that somebody has seen them
    Ack(operate::AckArgs),
    /// Delete tasks of the alarm box for good
    Purge(operate::TakeArgs),
}

/// Does something about dead letters.
pub async fn dlq(ctx: &Ctx, verb: &DlqVerb) -> Done {
    match verb {
        DlqVerb::Peek(args) => look::peek(ctx, "dlq", args).await,
        DlqVerb::Stats(args) => look::stats(ctx, "dlq", args).await,
        DlqVerb::Causes(args) => look::causes(ctx, "dlq", args).await,
        DlqVerb::Triage(args) => triage::triage(ctx, args).await,
        DlqVerb::Policy(verb) => triage::policy(ctx, verb).await,
        DlqVerb::Requeue(args) => operate::requeue(ctx, "dlq", args).await,
        DlqVerb::Route(args) => operate::shift(ctx, "route", args).await,
        DlqVerb::Alarm(args) => operate::shift(ctx, "alarm", args).await,
        DlqVerb::Apply(args) => operate::apply(ctx, args).await,
        DlqVerb::Purge(args) => operate::purge(ctx, "dlq", args).await,
    }
}

/// Does something about what is held.
pub async fn hold(ctx: &Ctx, verb: &HoldVerb) -> Done {
    match verb {
        HoldVerb::Peek(args) => look::peek(ctx, "hold", args).await,
        HoldVerb::Stats(args) => look::stats(ctx, "hold", args).await,
        HoldVerb::Causes(args) => look::causes(ctx, "hold", args).await,
        HoldVerb::Requeue(args) => operate::requeue(ctx, "hold", args).await,
        HoldVerb::Purge(args) => operate::purge(ctx, "hold", args).await,
    }
}

/// Does something about alarms.
pub async fn alarm(ctx: &Ctx, verb: &AlarmVerb) -> Done {
    match verb {
        AlarmVerb::Peek(args) => look::peek(ctx, "alarm", args).await,
        AlarmVerb::Stats(args) => look::stats(ctx, "alarm", args).await,
        AlarmVerb::Causes(args) => look::causes(ctx, "alarm", args).await,
        AlarmVerb::Resolve(args) => triage::resolve(ctx, args).await,
        AlarmVerb::Requeue(args) => operate::requeue(ctx, "alarm", args).await,
        AlarmVerb::Ack(args) => operate::acknowledge(ctx, args).await,
        AlarmVerb::Purge(args) => operate::purge(ctx, "alarm", args).await,
    }
}
