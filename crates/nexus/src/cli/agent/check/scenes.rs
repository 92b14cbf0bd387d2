//! What is played with an agent, one task after the other.

use std::time::Duration;

use serde_json::Value;

use super::findings::{Check, Verdict};
use super::stage::{Ended, Scene, Stage};

/// How long the server is away.
const AWAY: Duration = Duration::from_secs(2);

/// With what it is played.
pub struct Script {
    /// Params of most tasks.
    pub params: Value,
    /// Params of the tasks that must take a while.
    pub long_params: Value,
    /// Longest wait for anything that must come.
    pub patience: Duration,
    /// What ends the agent, if the check started it: its process.
    pub process: Option<i32>,
}

/// How far a task came.
enum Came {
    /// Nobody claimed it.
    Unclaimed,
    /// Nobody said its end.
    Endless,
    /// To its end.
    Ended(Ended),
}

/// Plays everything; what is seen stands in the stage's findings.
pub async fn play(stage: &Stage, script: &Script, begins: &(dyn Fn(Check) + Sync)) {
    begins(Check::Claim);
    let first = act(stage, script, Scene::Plain, &script.params).await;
    if let Came::Unclaimed = first {
        let why = silence(stage, script, "no claim");
        stage.memory().findings.fail(Check::Claim, why);
        return;
    }
    plain(stage, script, first, Check::UnknownFields);
    stage.memory().findings.pass(Check::Size);
    for (scene, check) in [(Scene::Unavailable, Check::Unavailable), (Scene::Lost, Check::Lost)] {
        begins(check);
        let came = act(stage, script, scene, &script.params).await;
        if !matches!(came, Came::Ended(_)) {
            let why = silence(stage, script, "the end was not said again");
            stage.memory().findings.fail(check, why);
        }
    }
    begins(Check::Stale);
    stale(stage, script).await;
    begins(Check::Approved);
    let came = act(stage, script, Scene::Approved, &script.params).await;
    plain(stage, script, came, Check::Approved);
    begins(Check::Digest);
    match act(stage, script, Scene::Digest, &script.params).await {
        Came::Ended(_) => stage.memory().findings.pass(Check::Digest),
        _ => {
            let why = silence(stage, script, "no `failed`");
            stage.memory().findings.fail(Check::Digest, why);
        }
    }
    begins(Check::Heartbeat);
    long(stage, script).await;
    begins(Check::Cancel);
    cancel(stage, script).await;
    begins(Check::Away);
    stage.away.send_replace(true);
    tokio::time::sleep(AWAY).await;
    stage.away.send_replace(false);
    let came = act(stage, script, Scene::Plain, &script.params).await;
    plain(stage, script, came, Check::Away);
    for check in [Check::Schema, Check::Proof, Check::Signature] {
        let mut memory = stage.memory();
        match check {
            Check::Signature if stage.secret.is_empty() => {
                memory.findings.skip(check, "--unsigned");
            }
            _ if memory.callbacks == 0 => memory.findings.skip(check, "no callback"),
            _ => memory.findings.pass(check),
        }
    }
    begins(Check::Sigterm);
    end(stage, script).await;
}

/// One task from its offer to its end.
async fn act(stage: &Stage, script: &Script, scene: Scene, params: &Value) -> Came {
    let id = stage.offer(scene, params);
    let claimed = stage.until(script.patience, |memory| memory.acts.get(&id).map(drop)).await;
    if claimed.is_none() {
        stage.withdraw();
        return Came::Unclaimed;
    }
    let ended = stage.until(script.patience, |memory| memory.acts.get(&id)?.ended.clone()).await;
    ended.map_or(Came::Endless, Came::Ended)
}

/// A check that holds when the task succeeds.
fn plain(stage: &Stage, script: &Script, came: Came, check: Check) {
    let fault = match came {
        Came::Ended(ended) if ended.status == "succeeded" => None,
        Came::Ended(ended) => Some(format!("{}: {}", ended.status, ended.message)),
        Came::Unclaimed => Some(silence(stage, script, "no claim")),
        Came::Endless => Some(silence(stage, script, "neither `succeeded` nor `failed`")),
    };
    let mut memory = stage.memory();
    match fault {
        None => memory.findings.pass(check),
        Some(fault) => memory.findings.fail(check, fault),
    }
}

/// What did not come, and for how long; or that there is nobody any more from whom it could.
fn silence(stage: &Stage, script: &Script, what: &str) -> String {
    match &stage.memory().gone {
        Some(how) => format!("{what}; the agent ended: {how}"),
        None => format!("{what} in {} s", script.patience.as_secs()),
    }
}

async fn stale(stage: &Stage, script: &Script) {
    let id = stage.offer(Scene::Stale, &script.params);
    let refused = |memory: &super::stage::Memory| {
        let refused = !memory.acts.get(&id)?.refused.is_empty();
        refused.then_some(memory.claims)
    };
    let Some(claims) = stage.until(script.patience, refused).await else {
        stage.withdraw();
        let why = silence(stage, script, "no callback");
        return stage.memory().findings.fail(Check::Stale, why);
    };
    let again = |memory: &super::stage::Memory| (memory.claims > claims).then_some(());
    if stage.until(script.patience, again).await.is_none() {
        let why = silence(stage, script, "no claim after 409 stale_attempt");
        return stage.memory().findings.fail(Check::Stale, why);
    }
    stage.memory().findings.pass(Check::Stale);
}

async fn long(stage: &Stage, script: &Script) {
    let id = stage.offer(Scene::Long, &script.long_params);
    let seen = |memory: &super::stage::Memory| {
        let act = memory.acts.get(&id)?;
        (act.beats > 0 || act.ended.is_some()).then_some(act.beats)
    };
    let Some(beats) = stage.until(script.patience, seen).await else {
        stage.withdraw();
        let why = silence(stage, script, "no heartbeat");
        return stage.memory().findings.fail(Check::Heartbeat, why);
    };
    if beats == 0 {
        return stage.memory().findings.skip(Check::Heartbeat, "--long-params");
    }
    let ended = |memory: &super::stage::Memory| memory.acts.get(&id)?.ended.clone();
    match stage.until(script.patience, ended).await {
        Some(_) => stage.memory().findings.pass(Check::Heartbeat),
        None => {
            let why = silence(stage, script, "neither `succeeded` nor `failed`");
            stage.memory().findings.fail(Check::Heartbeat, why);
        }
    }
}

async fn cancel(stage: &Stage, script: &Script) {
    let id = stage.offer(Scene::Cancel, &script.long_params);
    let seen = |memory: &super::stage::Memory| {
        let act = memory.acts.get(&id)?;
        (act.told || act.ended.is_some()).then_some(act.told)
    };
    match stage.until(script.patience, seen).await {
        None => {
            stage.withdraw();
            let why = silence(stage, script, "no heartbeat");
            return stage.memory().findings.fail(Check::Cancel, why);
        }
        Some(false) => {
            let mut memory = stage.memory();
            let deaf = matches!(memory.findings.of(Check::Heartbeat), Verdict::Failed(_));
            let why = if deaf { "heartbeat" } else { "--long-params" };
            return memory.findings.skip(Check::Cancel, why);
        }
        Some(true) => {}
    }
    let ended = |memory: &super::stage::Memory| memory.acts.get(&id)?.ended.clone();
    match stage.until(script.patience, ended).await {
        Some(_) => stage.memory().findings.pass(Check::Cancel),
        None => {
            let why = silence(stage, script, "no `failed` after the heartbeat said cancel");
            stage.memory().findings.fail(Check::Cancel, why);
        }
    }
}

/// Ends the agent as a machine does that goes down.
async fn end(stage: &Stage, script: &Script) {
    let Some(process) = script.process.and_then(rustix::process::Pid::from_raw) else {
        return stage.memory().findings.skip(Check::Sigterm, "-- COMMAND");
    };
    let gone = stage.memory().gone.clone();
    if let Some(how) = gone {
        return stage.memory().findings.skip(Check::Sigterm, how);
    }
    let told = rustix::process::kill_process(process, rustix::process::Signal::TERM);
    if let Err(error) = told {
        return stage.memory().findings.fail(Check::Sigterm, error.to_string());
    }
    match stage.until(script.patience, |memory| memory.gone.clone()).await {
        Some(_) => stage.memory().findings.pass(Check::Sigterm),
        None => {
            let why = silence(stage, script, "no end");
            stage.memory().findings.fail(Check::Sigterm, why);
        }
    }
}
