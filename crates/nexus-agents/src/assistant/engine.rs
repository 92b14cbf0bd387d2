//! What moves runs on: a follower of the report log.
//!
//! Each report that concerns a run makes it do at most one thing, in the transaction that moves the
//! follower's cursor past that report: take over how a step's task stands, send the next step's
//! command, or end the run. What it does brings a report of its own, which leads to the next. It
//! never believes a report about more than which run to look at: how things stand is read from the
//! rows, so looking twice does nothing twice.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::join_all;
use nexus_core::approval::Decider;
use nexus_core::tenant::Tenant;
use nexus_kit::app::App;
use nexus_kit::db::{DbError, Scope, Tx};
use nexus_kit::log::follow::{self, Ahead, Mark};
use nexus_kit::log::{Meta, Report};
use nexus_kit::supervise::Supervisor;
use nexus_work::{Beside, Command, Standing, Work, WorkError, accept_beside, standing};
use serde_json::Value;

use super::planner::{self, Plan};
use super::reaction::{Begins, Found, Reaction, concerned, load, outrun, say};
use super::run::{Phase, Run, Step, Todo};
use super::{FOLLOWER, sql, words};

/// Reports that one look at a log reads.
const BATCH: u64 = 200;

/// Reports that concern no run, after which the cursor is moved past them all the same: well within
/// what the log keeps.
const LAZY: u64 = 500;

/// How often runs that take too long are looked for.
const TICK: Duration = Duration::from_secs(1);

/// The wait after a look that failed.
const AFTER_ERROR: Duration = Duration::from_millis(200);

/// The autopilot of this process.
pub struct Engine {
    app: App,
    work: Arc<Work>,
    /// Up to where nothing concerned a run, beyond the cursor in the store.
    seen: Mutex<HashMap<Tenant, u64>>,
}

/// Starts to move runs on, also those that an earlier life of this process left.
pub fn start(app: &App, work: &Arc<Work>, supervisor: &Supervisor) {
    let engine = Engine { app: app.clone(), work: work.clone(), seen: Mutex::default() };
    let engine = Arc::new(engine);
    supervisor.forever("autopilot", move |stop| {
        let engine = engine.clone();
        async move {
            tokio::select! {
                () = engine.run() => {}
                () = stop.triggered() => {}
            }
        }
    });
}

impl Engine {
    async fn run(&self) {
        self.watch_all().await;
        let mut tick = self.app.clock.expiry().plus(TICK);
        loop {
            tokio::select! {
                moved = self.app.autopilot.moved() => {
                    join_all(moved.iter().map(|tenant| self.follow(tenant))).await;
                }
                () = self.app.clock.sleep_until(tick) => {
                    tick = self.app.clock.expiry().plus(TICK);
                    self.watch_all().await;
                    let watched = self.app.autopilot.watched();
                    // Also what no commit told of: another node's, or one whose answer was lost.
                    join_all(watched.iter().map(|tenant| self.follow(tenant))).await;
                    join_all(watched.iter().map(|tenant| self.end_late(tenant))).await;
                }
            }
        }
    }

    /// Watches every tenant where the store says that runs are open.
    async fn watch_all(&self) {
        match self.app.db.read(Scope::System, |q| follow::tenants(q, FOLLOWER)).await {
            Ok(tenants) => {
                for tenant in tenants {
                    if self.app.autopilot.times(&tenant).is_none() {
                        self.app.autopilot.watch(&tenant);
                    }
                }
            }
            Err(error) => {
                tracing::warn!(%error, "open runs could not be looked for; tried again shortly")
            }
        }
    }

    /// Acts on everything that lies ahead in a tenant's log.
    async fn follow(&self, tenant: &Tenant) {
        loop {
            match self.step(tenant).await {
                Ok(true) => {}
                Ok(false) => return,
                Err(error) => {
                    tracing::warn!(tenant_id = %tenant, %error, "the autopilot could not move on; it tries again shortly");
                    tokio::time::sleep(AFTER_ERROR).await;
                    self.app.autopilot.reached(tenant);
                    return;
                }
            }
        }
    }

    fn seen(&self, tenant: &Tenant) -> u64 {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.get(tenant).copied().unwrap_or(0)
    }

    fn set_seen(&self, tenant: &Tenant, number: u64) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.insert(tenant.clone(), number);
    }

    /// Acts on the next reports of a log; says whether there may be more.
    async fn step(&self, tenant: &Tenant) -> Result<bool, WorkError> {
        let (whose, seen) = (tenant.clone(), self.seen(tenant));
        let ahead = self.app.db.read(tenant, move |q| {
            let ahead = follow::ahead(q, &whose, FOLLOWER, seen, BATCH)?;
            let concerned = match &ahead {
                Ahead::Reports(_, reports) => concerned(q, &whose, reports)?,
                _ => Vec::new(),
            };
            Ok::<_, WorkError>((ahead, concerned))
        });
        let (ahead, concerned) = ahead.await?;
        match ahead {
            Ahead::NotFollowed => self.leave(tenant).await,
            Ahead::UpToDate(mark) => self.end_if_idle(tenant, mark).await,
            Ahead::Missed(mark, head) => {
                let whose = tenant.clone();
                let open = self.app.db.read(tenant, move |q| sql::open_runs(q, &whose)).await?;
                for run_id in open {
                    let number = mark.number;
                    self.react(tenant, &run_id, mark.clone(), number).await?;
                }
                self.move_to(tenant, mark, head).await?;
                self.set_seen(tenant, 0);
                Ok(true)
            }
            Ahead::Reports(mut mark, reports) => {
                for (number, runs) in concerned {
                    let last = runs.len().saturating_sub(1);
                    for (at, run_id) in runs.iter().enumerate() {
                        // The cursor passes a report with the last thing that it leads to.
                        let to = if at == last { number } else { mark.number };
                        mark = self.react(tenant, run_id, mark, to).await?;
                    }
                }
                let last = reports.last().map_or(mark.number, |(number, _)| *number);
                self.set_seen(tenant, last);
                if last - mark.number >= LAZY {
                    let to = Mark { number: last, ..mark.clone() };
                    self.move_to(tenant, mark, to).await?;
                }
                Ok(true)
            }
        }
    }

    /// Nobody waits for anything here. A writer that watched this tenant and has not committed yet
    /// is ahead of this transaction, so that its row is found or its next watch counted.
    async fn leave(&self, tenant: &Tenant) -> Result<bool, WorkError> {
        let Some(times) = self.app.autopilot.times(tenant) else { return Ok(false) };
        let whose = tenant.clone();
        let found = self.app.db.write(tenant, move |tx| follow::mark(tx, &whose, FOLLOWER)).await?;
        if found.is_none() {
            self.app.autopilot.unwatch(tenant, times);
        }
        Ok(found.is_some())
    }

    /// Ends the following where no run is open any more.
    async fn end_if_idle(&self, tenant: &Tenant, mark: Mark) -> Result<bool, WorkError> {
        let whose = tenant.clone();
        let open = self.app.db.read(tenant, move |q| sql::open_runs(q, &whose)).await?;
        if !open.is_empty() {
            return Ok(false);
        }
        let whose = tenant.clone();
        self.app
            .db
            .write(tenant, move |tx| {
                let idle = sql::open_runs(tx, &whose)?.is_empty();
                if idle { follow::end(tx, FOLLOWER, &mark) } else { Ok(false) }
            })
            .await?;
        self.leave(tenant).await
    }

    async fn move_to(&self, tenant: &Tenant, from: Mark, to: Mark) -> Result<(), WorkError> {
        let moved = self
            .app
            .db
            .write(tenant, move |tx| follow::advance(tx, FOLLOWER, &from, &to.epoch, to.number));
        moved.await?;
        Ok(())
    }

    /// Has runs that take too long end.
    async fn end_late(&self, tenant: &Tenant) {
        let (whose, now) = (tenant.clone(), self.app.clock.expiry());
        let late = self.app.db.read(tenant, move |q| {
            let runs = sql::over_time(q, &whose, now)?;
            Ok::<_, WorkError>((runs, follow::mark(q, &whose, FOLLOWER)?))
        });
        let ended = async {
            let (runs, Some(mut mark)) = late.await? else { return Ok(()) };
            for run_id in runs {
                let number = mark.number;
                mark = self.react(tenant, &run_id, mark, number).await?;
            }
            Ok::<_, WorkError>(())
        };
        if let Err(error) = ended.await {
            tracing::warn!(tenant_id = %tenant, %error, "a run that takes too long was not ended; tried again shortly");
        }
    }

    /// Does what a run needs next, once, and moves the cursor from `mark` to `to` with it. Says where
    /// the cursor is then.
    async fn react(
        &self,
        tenant: &Tenant,
        run_id: &str,
        mark: Mark,
        to: u64,
    ) -> Result<Mark, WorkError> {
        let (whose, id) = (tenant.clone(), run_id.to_owned());
        let found = self.app.db.read(tenant, move |q| load(q, &whose, &id)).await?;
        let Some(mut found) = found else { return Ok(mark) };
        let late = self.app.clock.expiry() >= found.run.deadline_at;
        let advance = found.advance(self.app.clock.now(), late);
        let reaction = Reaction { tenant: tenant.clone(), run_id: run_id.to_owned(), mark, to };
        let done = if advance.changed {
            self.write(&reaction, move |run, steps, task, tx| {
                let late = tx.expiry() >= run.deadline_at;
                let advance = run.advance(steps, task, tx.now(), late);
                advance.changed.then_some(advance.lines)
            })
            .await
        } else {
            match advance.todo {
                Todo::Nothing => return Ok(reaction.mark),
                Todo::Plan => self.plan(&reaction, &found.run).await,
                Todo::Submit(at) => self.submit(&reaction, &found, at).await,
                Todo::Cancel(task_id) => self.cancel(&reaction, &found.run, &task_id).await,
            }
        };
        match done {
            Ok(true) => Ok(Mark { number: to, ..reaction.mark }),
            Ok(false) => Ok(reaction.mark),
            // Somebody else was first; what that did brings a report of its own.
            Err(WorkError::Precondition(_)) => self.found_again(reaction).await,
            Err(error) => Err(error),
        }
    }

    /// Where the cursor is after somebody else was first.
    async fn found_again(&self, reaction: Reaction) -> Result<Mark, WorkError> {
        let whose = reaction.tenant.clone();
        let mark =
            self.app.db.read(&reaction.tenant, move |q| follow::mark(q, &whose, FOLLOWER)).await?;
        Ok(mark.unwrap_or(reaction.mark))
    }

    /// Changes a run in one transaction with its report and the cursor; `change` says what there is
    /// to say, or nothing where there is nothing to change any more.
    async fn write(
        &self,
        reaction: &Reaction,
        change: impl FnOnce(&mut Run, &mut Vec<Step>, Option<&Standing>, &Tx<'_>) -> Option<Vec<String>>
        + Send
        + 'static,
    ) -> Result<bool, WorkError> {
        let reaction = reaction.clone();
        let tenant = reaction.tenant.clone();
        self.app
            .db
            .write(&tenant, move |tx| {
                let place = tx.next_place()?;
                let mut found = reaction.take(tx)?;
                let Found { run, steps, task } = &mut found;
                let lines = change(run, steps, task.as_ref(), tx).ok_or_else(outrun)?;
                sql::save(tx, &reaction.tenant, run, steps)?;
                let mut changes = vec![run.change(steps)];
                changes.extend(say(tx, &place, &reaction.tenant, run, &lines)?);
                let report = Report {
                    kind: "autopilot.run",
                    correlation_id: &run.correlation_id,
                    meta: Meta {
                        agent: Some("assistant"),
                        task_id: Some(&run.task_id),
                        requested_by: Some(&run.requested_by),
                        ..Meta::default()
                    },
                    changes,
                };
                tx.report(&place, &report)?;
                Ok(true)
            })
            .await
    }

    /// Reads the message and writes down its steps, or what there is to say.
    async fn plan(&self, reaction: &Reaction, run: &Run) -> Result<bool, WorkError> {
        let most = self.app.settings.autopilot.max_steps;
        let plan = planner::plan(&self.work, &reaction.tenant, run, most).await?;
        self.write(reaction, move |run, steps, _, tx| {
            if run.phase != Phase::Planned || run.stopping.is_some() {
                return None;
            }
            let now = tx.now();
            run.updated_at = now;
            match plan {
                Plan::Steps(planned) => {
                    run.phase = Phase::Active;
                    *steps = planned;
                    Some(vec![words::plan(run.language, steps)])
                }
                // The answer is all there is to say: no summary of no steps.
                Plan::Answer(text) | Plan::Refused(text) if text.is_empty() => None,
                Plan::Answer(text) => {
                    run.finish(steps, Phase::Succeeded, now);
                    run.summary = Some(text.clone());
                    Some(vec![text])
                }
                Plan::Refused(text) => {
                    run.finish(steps, Phase::Failed, now);
                    run.summary = Some(text.clone());
                    Some(vec![text])
                }
            }
        })
        .await
    }

    /// Sends a step's command; the run names its task in the transaction that accepts it.
    async fn submit(
        &self,
        reaction: &Reaction,
        found: &Found,
        at: usize,
    ) -> Result<bool, WorkError> {
        let (run, step) = (&found.run, &found.steps[at]);
        let results = self.results(reaction, found, step).await?;
        let params = planner::params(step, |number| results.get(&number).cloned());
        let Some(params) = params else {
            let why = words::nothing(run.language).to_owned();
            return self.refuse(reaction, at, "INVALID_PARAMS", why).await;
        };
        let command = Command {
            command_type: step.command_type.clone(),
            params,
            correlation_id: run.correlation_id.clone(),
            risk: None,
            precondition: None,
            priority: 0,
            deadline: None,
            requested_by: run.requested_by.clone(),
            requested_by_name: run.requested_by_name.clone(),
            idempotency: None,
        };
        let beside: Arc<dyn Beside> = Arc::new(Begins { reaction: reaction.clone(), at });
        match accept_beside(&self.work, &reaction.tenant, command, Some(beside)).await {
            Ok(_) => Ok(true),
            Err(WorkError::Store(DbError::ReportTooLarge(bytes))) => {
                let why = format!("it is too large to be shown ({bytes} bytes)");
                self.refuse(reaction, at, "INVALID_PARAMS", why).await
            }
            Err(error @ (WorkError::Store(_) | WorkError::Stale | WorkError::Precondition(_))) => {
                Err(error)
            }
            Err(error) => {
                let code = match &error {
                    WorkError::UnknownType(_) => "UNKNOWN_TASK_TYPE",
                    _ => "INVALID_PARAMS",
                };
                self.refuse(reaction, at, code, planner::said(error)).await
            }
        }
    }

    /// What the earlier steps brought that a step goes on with.
    async fn results(
        &self,
        reaction: &Reaction,
        found: &Found,
        step: &Step,
    ) -> Result<HashMap<u64, Value>, WorkError> {
        if step.inputs.is_none() {
            return Ok(HashMap::new());
        }
        let earlier: Vec<(u64, String)> = found
            .steps
            .iter()
            .filter_map(|step| Some((step.number, step.task_id.clone()?)))
            .collect();
        let whose = reaction.tenant.clone();
        self.app
            .db
            .read(&reaction.tenant, move |q| {
                let mut results = HashMap::new();
                for (number, task_id) in earlier {
                    let result = standing(q, &whose, &task_id)?.and_then(|task| task.result);
                    if let Some(result) = result.and_then(|text| serde_json::from_str(&text).ok()) {
                        results.insert(number, result);
                    }
                }
                Ok::<_, WorkError>(results)
            })
            .await
    }

    /// The door does not take a step: the run fails with it.
    async fn refuse(
        &self,
        reaction: &Reaction,
        at: usize,
        code: &'static str,
        why: String,
    ) -> Result<bool, WorkError> {
        self.write(reaction, move |run, steps, _, tx| {
            if run.over() || Run::current(steps) != Some(at) || steps[at].task_id.is_some() {
                return None;
            }
            let now = tx.now();
            steps[at].fail(code, &why, now);
            let mut lines: Vec<String> =
                words::step(run.language, &steps[at], None).into_iter().collect();
            lines.push(run.finish(steps, Phase::Failed, now));
            Some(lines)
        })
        .await
    }

    /// Calls the current step's task off; how that ends comes as its report.
    async fn cancel(
        &self,
        reaction: &Reaction,
        run: &Run,
        task_id: &str,
    ) -> Result<bool, WorkError> {
        let tenant = &reaction.tenant;
        let actor = Decider {
            name: run.requested_by.clone(),
            display_name: run.requested_by_name.clone(),
            called: Some(Vec::new()),
        };
        match nexus_work::cancel(&self.work, tenant, task_id, &actor).await {
            // It has ended meanwhile; its report says how.
            Ok(()) | Err(WorkError::Transition(_) | WorkError::NoTask) => Ok(false),
            Err(error) => Err(error),
        }
    }
}
