//! What the supervisor of a check remembers and how it judges: the contract's other side, with faults
//! of its own on purpose.

use std::collections::HashMap;
use std::ops::{Deref, DerefMut};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hyper::HeaderMap;
use jsonschema::Validator;
use nexus_core::approval;
use nexus_core::id::{AskId, CorrelationId, TaskId};
use nexus_core::json::{canonical, hex, parse, sha256_hex};
use nexus_core::time::Time;
use nexus_kit::clock::Clock;
use nexus_kit::entropy::Entropy;
use nexus_kit::settings::Secret;
use nexus_work::contract::signature;
use serde_json::{Map, Value, json};
use tokio::sync::watch;

use super::findings::{Check, Findings};

/// What is played with a task.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Scene {
    /// All goes well.
    Plain,
    /// The first time, the end is answered 503.
    Unavailable,
    /// The first time, the end is not answered.
    Lost,
    /// Everything is answered that the attempt is over.
    Stale,
    /// A person approved it.
    Approved,
    /// A person approved something else.
    Digest,
    /// It takes a while.
    Long,
    /// It is called off.
    Cancel,
}

/// What a request is answered.
pub enum Answer {
    /// JSON with this status.
    Json(u16, Value),
    /// Nothing: the connection ends.
    Nothing,
}

impl Answer {
    fn refused(status: u16, code: &str, detail: &str) -> Self {
        Self::Json(status, json!({"status": status, "code": code, "title": code, "detail": detail}))
    }
}

/// How an attempt ended, as its agent said.
#[derive(Clone, Debug)]
pub struct Ended {
    /// `succeeded` or `failed`.
    pub status: String,
    /// Why it failed.
    pub message: String,
    digest: String,
}

/// A task that was handed out.
pub struct Act {
    scene: Scene,
    attempt: Value,
    token: Value,
    lease_until: Time,
    /// Heartbeats so far.
    pub beats: u32,
    /// It was told to stop.
    pub told: bool,
    /// What was answered that the attempt is over.
    pub refused: Vec<String>,
    /// The end that was not taken at first, and its id.
    held: Option<(String, Option<String>)>,
    /// The end that was taken.
    pub ended: Option<Ended>,
}

/// What is remembered.
#[derive(Default)]
pub struct Memory {
    /// What came of the checks.
    pub findings: Findings,
    /// The task that the next claim gets.
    offered: Option<(String, Value, Scene)>,
    /// The tasks that were handed out.
    pub acts: HashMap<String, Act>,
    /// How many claims there were.
    pub claims: u64,
    /// How many callbacks there were.
    pub callbacks: u64,
    /// Ids of signed callbacks, and what they were of.
    ids: HashMap<String, String>,
    agent: String,
    /// How the agent's process ended.
    pub gone: Option<String>,
}

/// What is remembered, while it is changed.
pub struct Remembering<'a> {
    memory: MutexGuard<'a, Memory>,
    moved: &'a watch::Sender<u64>,
}

impl Deref for Remembering<'_> {
    type Target = Memory;

    fn deref(&self) -> &Memory {
        &self.memory
    }
}

impl DerefMut for Remembering<'_> {
    fn deref_mut(&mut self) -> &mut Memory {
        &mut self.memory
    }
}

impl Drop for Remembering<'_> {
    fn drop(&mut self) {
        // Still locked: whoever wakes by this sees what was changed.
        self.moved.send_modify(|count| *count = count.wrapping_add(1));
    }
}

/// The supervisor of a check.
pub struct Stage {
    /// The agent's key.
    pub key: String,
    /// With what it must sign.
    pub secret: Secret,
    /// Whether the server is away.
    pub away: watch::Sender<bool>,
    url: String,
    task_type: String,
    lease: Duration,
    clock: Clock,
    entropy: Entropy,
    schema: Validator,
    memory: Mutex<Memory>,
    moved: watch::Sender<u64>,
}

impl Stage {
    /// A supervisor at `url` that hands out tasks of one type.
    pub fn new(
        url: String,
        task_type: String,
        lease: Duration,
        signed: bool,
    ) -> Result<Self, String> {
        let entropy = Entropy::system();
        let schema: Value = serde_json::from_str(nexus_work::contract::schemas::CALLBACK)
            .map_err(|error| error.to_string())?;
        let schema = jsonschema::draft202012::options()
            .should_validate_formats(true)
            .build(&schema)
            .map_err(|error| error.to_string())?;
        let secret = if signed { hex(&entropy.bytes::<24>()) } else { String::new() };
        Ok(Self {
            key: format!("nxs_check_{}", hex(&entropy.bytes::<16>())),
            secret: Secret::new(secret),
            away: watch::Sender::new(false),
            url,
            task_type,
            lease,
            clock: Clock::system(),
            entropy,
            schema,
            memory: Mutex::default(),
            moved: watch::Sender::new(0),
        })
    }

    /// What is remembered, to look at or to change; whoever waits looks again afterwards.
    pub fn memory(&self) -> Remembering<'_> {
        let memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        Remembering { memory, moved: &self.moved }
    }

    /// Waits until something can be seen; `None` when the time is up or the agent's process ended.
    pub async fn until<T>(
        &self,
        limit: Duration,
        look: impl Fn(&Memory) -> Option<T>,
    ) -> Option<T> {
        let mut moved = self.moved.subscribe();
        let looking = async {
            loop {
                moved.borrow_and_update();
                {
                    let memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
                    let seen = look(&memory);
                    if seen.is_some() || memory.gone.is_some() {
                        return seen;
                    }
                }
                if moved.changed().await.is_err() {
                    return None;
                }
            }
        };
        tokio::time::timeout(limit, looking).await.ok().flatten()
    }

    /// Offers a task to whoever claims next; returns its id.
    pub fn offer(&self, scene: Scene, params: &Value) -> String {
        let now = self.clock.now();
        let task_id = TaskId::new(now, &self.entropy.bytes()).to_string();
        let mut envelope = json!({
            "version": 1,
            "task_id": task_id,
            "attempt": 1,
            "attempt_token": hex(&self.entropy.bytes::<24>()),
            "tenant": "default:default",
            "task_type": self.task_type,
            "params": params,
            "correlation_id": CorrelationId::new(now, &self.entropy.bytes()).to_string(),
            "risk": "GREEN",
            "callback_url": format!("{}/agent/callback", self.url),
            "traceparent": format!(
                "00-{}-{}-01",
                hex(&self.entropy.bytes::<16>()),
                hex(&self.entropy.bytes::<8>())
            ),
            "added_in_a_later_version": {"nested": [1, 2]},
        });
        if matches!(scene, Scene::Approved | Scene::Digest) {
            let digest = match scene {
                Scene::Approved => approval::digest(&canonical(params), &[]),
                _ => approval::digest(r#"{"something":"else"}"#, &[]),
            };
            envelope["risk"] = json!("RED");
            envelope["approval"] = json!({
                "ask_id": AskId::new(now, &self.entropy.bytes()).to_string(),
                "approver": "nexus agent check", "digest": digest, "bound": [],
            });
        }
        self.memory().offered = Some((task_id.clone(), envelope, scene));
        task_id
    }

    /// Takes back what nobody claimed.
    pub fn withdraw(&self) {
        self.memory().offered = None;
    }

    /// Reads a claim: how long it waits, or its refusal.
    pub fn read_claim(&self, body: &[u8]) -> Result<Duration, Answer> {
        let mut memory = self.memory();
        memory.claims += 1;
        match claim(body, &self.task_type) {
            Ok((agent, wait)) => {
                memory.findings.pass(Check::Claim);
                if wait == 0 {
                    memory.findings.fail(Check::LongPoll, "wait_seconds: 0");
                }
                memory.findings.pass(Check::LongPoll);
                memory.agent = agent;
                Ok(Duration::from_secs(wait))
            }
            Err(fault) => {
                let refused = Answer::refused(422, "invalid_fields", &fault);
                memory.findings.fail(Check::Claim, fault);
                Err(refused)
            }
        }
    }

    /// Hands out what is offered, when something is or the time is up.
    pub async fn hand_out(&self, wait: Duration) -> Answer {
        let mut moved = self.moved.subscribe();
        let taking = async {
            loop {
                moved.borrow_and_update();
                if let Some(envelope) = self.take() {
                    return Some(envelope);
                }
                if moved.changed().await.is_err() {
                    return None;
                }
            }
        };
        let taken = tokio::time::timeout(wait, taking).await.ok().flatten();
        let tasks: Vec<Value> = taken.or_else(|| self.take()).into_iter().collect();
        Answer::Json(200, json!({"tasks": tasks}))
    }

    fn take(&self) -> Option<Value> {
        let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        let (task_id, mut envelope, scene) = memory.offered.take()?;
        let now = self.clock.now();
        let lease_until = now.plus(self.lease);
        for (name, at) in [
            ("issued_at", now),
            ("deadline", now.plus(Duration::from_secs(300))),
            ("lease_until", lease_until),
        ] {
            envelope[name] = json!(at.to_string());
        }
        let act = Act {
            scene,
            attempt: envelope["attempt"].clone(),
            token: envelope["attempt_token"].clone(),
            lease_until,
            beats: 0,
            told: false,
            refused: Vec::new(),
            held: None,
            ended: None,
        };
        memory.acts.insert(task_id, act);
        drop(memory);
        self.moved.send_modify(|count| *count = count.wrapping_add(1));
        Some(envelope)
    }

    /// Takes a heartbeat.
    pub fn beat(&self, task_id: &str, body: &[u8]) -> Answer {
        let mut memory = self.memory();
        let Memory { acts, findings, .. } = &mut *memory;
        let fields = parse(body).ok().unwrap_or_default();
        let Some(act) = acts.get_mut(task_id) else {
            findings.fail(Check::Proof, format!("heartbeat: /task_id: {task_id}"));
            return Answer::refused(404, "unknown_task", "no such task");
        };
        if let Some(fault) = proof(act, &fields) {
            findings.fail(Check::Proof, format!("heartbeat: {fault}"));
            return Answer::refused(409, "stale_attempt", &fault);
        }
        let others = names(&fields).find(|name| !["attempt", "attempt_token"].contains(name));
        if let Some(other) = others {
            findings.fail(Check::Heartbeat, format!("heartbeat: /{other}: unknown field"));
            return Answer::refused(422, "invalid_fields", "unknown field");
        }
        if act.scene == Scene::Stale || act.ended.is_some() {
            return Answer::refused(409, "stale_attempt", "the attempt is over");
        }
        let now = self.clock.now();
        judge_lease(act, now, findings);
        act.beats += 1;
        act.told |= act.scene == Scene::Cancel;
        act.lease_until = now.plus(self.lease);
        Answer::Json(200, json!({"cancel": act.told, "lease_until": act.lease_until.to_string()}))
    }

    /// Takes a callback.
    pub fn call_back(&self, headers: &HeaderMap, body: &[u8]) -> Answer {
        let mut memory = self.memory();
        memory.callbacks += 1;
        let Memory { acts, findings, ids, agent, .. } = &mut *memory;
        let digest = sha256_hex(body);
        let now = self.clock.now();
        let mut id = None;
        if !self.secret.is_empty() {
            match signature::verify(&self.secret, headers, body, now) {
                Ok(signed) => {
                    let of = ids.entry(signed.clone()).or_insert_with(|| digest.clone());
                    if *of != digest {
                        let seen = format!("webhook-id {signed}: two different callbacks");
                        findings.fail(Check::Signature, seen);
                    }
                    id = Some(signed);
                }
                Err(error) => {
                    findings.fail(Check::Signature, error.to_string());
                    return Answer::refused(401, "bad_signature", &error.to_string());
                }
            }
        }
        let said = match parse(body) {
            Ok(said) => said,
            Err(error) => {
                findings.fail(Check::Schema, error.to_string());
                return Answer::refused(400, "bad_json", &error.to_string());
            }
        };
        if let Some(error) = self.schema.iter_errors(&said).next() {
            let fault = format!("{}: {error}", error.instance_path());
            findings.fail(Check::Schema, fault.clone());
            return Answer::refused(422, "invalid_fields", &fault);
        }
        let Some(act) = acts.get_mut(said["task_id"].as_str().unwrap_or_default()) else {
            findings.fail(Check::Proof, format!("callback: /task_id: {}", said["task_id"]));
            return Answer::refused(404, "unknown_task", "no such task");
        };
        let other_name = said["agent"] != **agent;
        let named = || format!("/agent: {} is not {agent:?}, which claimed it", said["agent"]);
        if let Some(fault) = proof(act, &said).or_else(|| other_name.then(named)) {
            findings.fail(Check::Proof, format!("callback: {fault}"));
            return Answer::refused(409, "stale_attempt", &fault);
        }
        judge_lease(act, now, findings);
        judge(act, findings, &said, Sent { digest, id })
    }
}

/// A callback's bytes and the id that it was sent under.
struct Sent {
    digest: String,
    id: Option<String>,
}

/// Judges a callback that is well formed, as its scene goes.
fn judge(act: &mut Act, findings: &mut Findings, said: &Value, sent: Sent) -> Answer {
    let accepted = Answer::Json(202, json!({"status": "accepted"}));
    let status = said["status"].as_str().unwrap_or_default();
    if let Some(ended) = &act.ended {
        if ended.digest == sent.digest {
            return accepted;
        }
        findings.fail(Check::Proof, format!("callback: /status: {status} after the end"));
        return Answer::refused(409, "stale_attempt", "the attempt is over");
    }
    if act.scene == Scene::Stale {
        if act.refused.contains(&sent.digest) {
            findings.fail(Check::Stale, "the same callback again after 409 stale_attempt");
        }
        act.refused.push(sent.digest);
        return Answer::refused(409, "stale_attempt", "the attempt is over");
    }
    let end = matches!(status, "succeeded" | "failed");
    let repeats = match act.scene {
        Scene::Unavailable => Some(Check::Unavailable),
        Scene::Lost => Some(Check::Lost),
        _ => None,
    };
    if let Some(check) = repeats {
        match &act.held {
            None if end => {
                act.held = Some((sent.digest, sent.id));
                return match check {
                    Check::Lost => Answer::Nothing,
                    _ => Answer::refused(503, "unavailable", "a fault on purpose: try again"),
                };
            }
            Some((digest, _)) if *digest != sent.digest => {
                findings.fail(check, "other bytes the second time");
            }
            Some((_, id)) if *id != sent.id => {
                findings.fail(check, "another webhook-id the second time");
            }
            Some(_) => findings.pass(check),
            None => {}
        }
    }
    if !end {
        return accepted;
    }
    match act.scene {
        Scene::Digest if status == "succeeded" => {
            findings.fail(Check::Digest, "succeeded, though approval.digest was another's");
        }
        Scene::Cancel if status == "succeeded" && act.told => {
            findings.fail(Check::Cancel, "succeeded, though a heartbeat said cancel");
        }
        _ => {}
    }
    let message = said["error"]["message"].as_str().unwrap_or_default().to_owned();
    act.ended = Some(Ended { status: status.to_owned(), message, digest: sent.digest });
    accepted
}

/// Says if an agent is heard of only after its lease; faults on purpose make nobody late.
fn judge_lease(act: &Act, now: Time, findings: &mut Findings) {
    let unhindered = !matches!(act.scene, Scene::Unavailable | Scene::Lost | Scene::Stale);
    if unhindered && now > act.lease_until {
        let late = now.since(act.lease_until).as_millis();
        findings.fail(Check::Heartbeat, format!("none before the lease ended ({late} ms late)"));
    }
}

/// What does not prove the attempt.
fn proof(act: &Act, fields: &Value) -> Option<String> {
    for (name, wanted) in [("attempt", &act.attempt), ("attempt_token", &act.token)] {
        if &fields[name] != wanted {
            return Some(format!("/{name}: not the envelope's"));
        }
    }
    None
}

fn names(fields: &Value) -> impl Iterator<Item = &str> {
    fields.as_object().into_iter().flat_map(Map::keys).map(String::as_str)
}

/// Reads a claim: the agent's name and how long it waits, or what is wrong with it.
fn claim(body: &[u8], task_type: &str) -> Result<(String, u64), String> {
    let fields = parse(body).map_err(|error| error.to_string())?;
    if !fields.is_object() {
        return Err("not a JSON object".to_owned());
    }
    let known = ["agent", "types", "max", "wait_seconds"];
    if let Some(other) = names(&fields).find(|name| !known.contains(name)) {
        return Err(format!("/{other}: unknown field"));
    }
    let agent = fields["agent"].as_str().unwrap_or_default();
    let named = (1..=64).contains(&agent.len())
        && agent.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'));
    if !named {
        return Err("/agent: 1 to 64 of A-Z a-z 0-9 . _ -".to_owned());
    }
    let types = fields["types"].as_array().map(Vec::as_slice).unwrap_or_default();
    if let Some(other) = types.iter().find(|name| *name != task_type) {
        return Err(format!("/types: {other}, but the key is for {task_type} alone"));
    }
    if types.is_empty() {
        return Err(format!("/types: {task_type} is missing"));
    }
    let number = |name: &str, range: std::ops::RangeInclusive<u64>, default: u64| {
        let value = fields.get(name).map_or(Some(default), Value::as_u64);
        let fault = || format!("/{name}: {} to {}", range.start(), range.end());
        value.filter(|value| range.contains(value)).ok_or_else(fault)
    };
    number("max", 1..=64, 1)?;
    Ok((agent.to_owned(), number("wait_seconds", 0..=30, 0)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_it_hands_out_is_an_envelope() {
        let stage =
            Stage::new("http://127.0.0.1:1".into(), "a.b".into(), Duration::from_secs(3), true);
        let stage = stage.unwrap();
        let schema: Value = serde_json::from_str(nexus_work::contract::schemas::ENVELOPE).unwrap();
        let schema = jsonschema::draft202012::new(&schema).unwrap();
        for scene in [Scene::Plain, Scene::Approved, Scene::Digest] {
            stage.offer(scene, &json!({"n": 1}));
            let envelope = stage.take().unwrap();
            assert!(schema.is_valid(&envelope), "{envelope:#}");
            assert_eq!(envelope.get("approval").is_some(), scene != Scene::Plain);
        }
        assert!(stage.take().is_none());
    }

    #[test]
    fn a_claim_is_read_as_a_server_reads_it() {
        let read = |claim_: Value| claim(claim_.to_string().as_bytes(), "a.b");
        let whole = json!({"agent": "me", "types": ["a.b"], "max": 64, "wait_seconds": 30});
        assert_eq!(read(whole.clone()), Ok(("me".to_owned(), 30)));
        assert_eq!(read(json!({"agent": "me", "types": ["a.b"]})), Ok(("me".to_owned(), 0)));
        for (name, value) in [
            ("agent", json!("")),
            ("agent", json!("me too")),
            ("types", json!([])),
            ("types", json!(["a.c"])),
            ("types", json!("a.b")),
            ("max", json!(0)),
            ("max", json!("1")),
            ("wait_seconds", json!(31)),
            ("since", json!(1)),
        ] {
            let mut wrong = whole.clone();
            wrong[name] = value;
            let fault = read(wrong).unwrap_err();
            assert!(fault.starts_with(&format!("/{name}: ")), "{fault}");
        }
        assert!(claim(b"[]", "a.b").is_err() && claim(b"{", "a.b").is_err());
    }
}
