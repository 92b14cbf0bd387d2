//! A whole server and everything around it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use nexus::Running;
use nexus_core::tenant::Tenant;
use nexus_core::time::Time;
use nexus_fakes::webhook::{Received, WebhookSink};
use nexus_kit::clock::Clock;
use nexus_kit::entropy::Entropy;
use nexus_kit::settings::{Secret, Settings};
use nexus_testdb::TestDatabase;
use nexus_work::agent::Agent;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::agent::{Hands, TestAgent};
use crate::audit::{self, Entry};
use crate::client::{Address, Client};
use crate::follower::Follower;
use crate::outside::OutsideAgent;
use crate::view::View;

/// `NEXUS_API_KEY` of every world.
pub const SERVICE_KEY: &str = "service-key-of-a-test-0123456789";

/// `ADMIN_API_KEY` of every world.
pub const ADMIN_KEY: &str = "admin-key-of-a-test-0123456789ab";

/// How long a test waits for what must come; far more than it takes.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// When the test clock starts: 2026-01-01T00:00:00Z in milliseconds.
pub const START: i64 = 1_767_225_600_000;

type Change = Arc<dyn Fn(&mut Settings) + Send + Sync>;

/// How a world is to be.
#[derive(Clone)]
pub struct Builder {
    change: Change,
    more: Vec<Arc<dyn Agent>>,
    system_clock: bool,
    postgres: bool,
    seed: u64,
}

impl Default for Builder {
    fn default() -> Self {
        Self {
            change: Arc::new(|_| {}),
            more: Vec::new(),
            system_clock: false,
            postgres: false,
            seed: 1,
        }
    }
}

impl Builder {
    /// Changes the settings.
    pub fn settings(mut self, change: impl Fn(&mut Settings) + Send + Sync + 'static) -> Self {
        let before = self.change;
        self.change = Arc::new(move |settings| {
            before(settings);
            change(settings);
        });
        self
    }

    /// Adds an agent.
    pub fn agent(mut self, agent: Arc<dyn Agent>) -> Self {
        self.more.push(agent);
        self
    }

    /// Runs by the machine's clock.
    pub fn system_clock(mut self) -> Self {
        self.system_clock = true;
        self
    }

    /// On Postgres, whatever the other tests run on.
    pub fn on_postgres(mut self) -> Self {
        self.postgres = true;
        self
    }

    /// Another seed for ids and tokens.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Starts the world.
    pub async fn start(self) -> World {
        World::build(self).await
    }
}

/// A server with its surroundings; see the crate's words.
pub struct World {
    builder: Builder,
    dir: TempDir,
    /// On Postgres; without it the world stands on SQLite.
    pub(crate) database: Option<TestDatabase>,
    clock: Clock,
    entropy: Entropy,
    http: reqwest::Client,
    address: Address,
    running: Option<Running>,
    followers: Mutex<BTreeMap<String, Arc<Follower>>>,
    /// Who listens besides them, each in its own class.
    readers: Mutex<Vec<(Client, Arc<Follower>)>>,
    finished: bool,
    panics: u64,
    /// What steers the test agent.
    pub hands: Arc<Hands>,
    /// Receives webhooks; `EGRESS_ALLOW` names it.
    pub sink: WebhookSink,
}

impl World {
    /// A world like most: a test clock, one tenant `default:default`.
    pub async fn start() -> Self {
        Self::builder().start().await
    }

    /// For another kind of world.
    pub fn builder() -> Builder {
        Builder::default()
    }

    async fn build(builder: Builder) -> Self {
        let clock = match builder.system_clock {
            true => Clock::system(),
            false => Clock::test(Time::from_millis(START)),
        };
        let http = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .expect("a client can be built");
        let mut world = Self {
            dir: tempfile::tempdir().expect("a temporary directory"),
            database: match builder.postgres {
                true => Some(TestDatabase::of_pool()),
                false => TestDatabase::of_engine(),
            },
            clock,
            entropy: Entropy::seeded(builder.seed),
            http,
            address: Arc::new(Mutex::new(([127, 0, 0, 1], 0).into())),
            running: None,
            followers: Mutex::default(),
            readers: Mutex::default(),
            finished: false,
            panics: 0,
            hands: Arc::default(),
            sink: WebhookSink::start().await.expect("a free port"),
            builder,
        };
        world.boot().await;
        world.follow("default:default").await;
        world
    }

    async fn boot(&mut self) {
        let mut agents = self.builder.more.clone();
        agents.push(Arc::new(TestAgent(self.hands.clone())));
        let (settings, clock, entropy) =
            (self.settings(), self.clock.restarted(), self.entropy.clone());
        let running = nexus::start(settings, clock, entropy, agents).await;
        let running = running.unwrap_or_else(|error| panic!("the server starts: {error}"));
        *self.address.lock().unwrap() = running.address;
        self.running = Some(running);
    }

    /// The settings that the server runs with.
    pub fn settings(&self) -> Settings {
        let mut settings = Settings::default();
        settings.http.bind = ([127, 0, 0, 1], 0).into();
        settings.http.shutdown = Duration::from_secs(3);
        // Tests open streams in circles, and end servers without waiting.
        settings.stream.opens_per_minute = 1_000_000;
        settings.stream.drain = Duration::ZERO;
        settings.keys.service = Secret::new(SERVICE_KEY);
        settings.keys.admin = Secret::new(ADMIN_KEY);
        settings.store.data_dir = self.data_dir();
        if let Some(database) = &self.database {
            settings.store.database_url = Secret::new(database.url());
            settings.store.writers = 3;
        }
        settings.people.password_memory_kib = 8;
        settings.people.password_passes = 1;
        settings.egress.allow = vec![self.sink.address().to_string()];
        settings.egress.timeout = Duration::from_secs(5);
        (self.builder.change)(&mut settings);
        settings
    }

    /// Where the server keeps everything.
    pub fn data_dir(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    /// The folder of `default:default`'s files, made if it is not there.
    pub fn files(&self) -> PathBuf {
        let folder = self.data_dir().join("files/default/default");
        std::fs::create_dir_all(&folder).unwrap();
        folder
    }

    pub(crate) fn running(&self) -> &Running {
        self.running.as_ref().expect("the server runs")
    }

    pub(crate) fn client(&self, key: &str) -> Client {
        Client {
            http: self.http.clone(),
            address: self.address.clone(),
            key: Some(key.to_owned()),
            tenant: Some(("default".to_owned(), "default".to_owned())),
        }
    }

    /// Whoever has `NEXUS_API_KEY`, in `default:default`.
    pub fn service(&self) -> Client {
        self.client(SERVICE_KEY)
    }

    /// Whoever has `ADMIN_API_KEY`, in `default:default`.
    pub fn admin(&self) -> Client {
        self.client(ADMIN_KEY)
    }

    /// An agent of `default:default` with a key of its own for these types.
    pub async fn agent(&self, types: &[&str]) -> OutsideAgent {
        self.agent_of("default:default", types).await
    }

    /// An agent of a tenant with a key of its own for these types.
    pub async fn agent_of(&self, tenant: &str, types: &[&str]) -> OutsideAgent {
        let body = json!({"kind": "agent", "title": "an agent", "types": types});
        let made = self.admin().of(tenant).post("/keys", &body).await;
        let made = made.expect(201).clone();
        OutsideAgent {
            client: self.client(made["key"].as_str().unwrap()).of(tenant),
            key_id: made["key_id"].as_str().unwrap().to_owned(),
            types: types.iter().map(|name| (*name).to_owned()).collect(),
        }
    }

    /// A service key of a tenant's own: its id, and a client that has it.
    pub async fn tenant_key(&self, tenant: &str) -> (String, Client) {
        let body = json!({"kind": "service", "title": "a program"});
        let made = self.admin().of(tenant).post("/keys", &body).await;
        let made = made.expect(201).clone();
        let client = self.client(made["key"].as_str().unwrap()).of(tenant);
        (made["key_id"].as_str().unwrap().to_owned(), client)
    }

    /// Registers a type that outside agents perform, at this level.
    pub async fn register(&self, command_type: &str, risk: &str) {
        let body = json!({"params_schema": {"type": "object"}, "risk": risk});
        let path = format!("/commands/types/{command_type}?confirm={command_type}");
        self.admin().put(&path, &body).await.expect(200);
    }

    /// Makes a tenant `{org}:{project}` and listens to its stream.
    pub async fn tenant(&self, tenant: &str) {
        let (org, project) = tenant.split_once(':').expect("org:project");
        let body = json!({"org_id": org, "project_id": project});
        self.admin().without_tenant().post("/tenants", &body).await.expect(201);
        self.follow(tenant).await;
    }

    async fn follow(&self, tenant: &str) {
        let follower = Arc::new(Follower::start(self.admin().of(tenant)).await);
        self.followers.lock().unwrap().insert(tenant.to_owned(), follower);
    }

    /// Somebody else who listens, and sees what they may see; the fold law is checked for them too.
    pub async fn follow_as(&self, client: Client) -> Arc<Follower> {
        let follower = Arc::new(Follower::start(client.clone()).await);
        self.readers.lock().unwrap().push((client, follower.clone()));
        follower
    }

    /// Who listens to `default:default`.
    pub fn follower(&self) -> Arc<Follower> {
        self.follower_of("default:default")
    }

    /// Who listens to a tenant.
    pub fn follower_of(&self, tenant: &str) -> Arc<Follower> {
        self.followers.lock().unwrap()[tenant].clone()
    }

    /// Sends a command by the service key and returns its task's id.
    pub async fn send(&self, command_type: &str, params: Value) -> String {
        self.service().command(command_type, params).await
    }

    /// Sends a command and waits until it has this status.
    pub async fn run(&self, command_type: &str, params: Value, status: &str) -> String {
        let task_id = self.send(command_type, params).await;
        self.until(&task_id, status).await;
        task_id
    }

    /// Sends `share.webhook` to a path of the sink and returns task and ask.
    pub async fn webhook(&self, path: &str, payload: Value) -> (String, String) {
        let params = json!({"url": self.sink.url(path), "payload": payload});
        let task_id = self.send("share.webhook", params).await;
        let ask_id = self.ask_of(&task_id).await;
        (task_id, ask_id)
    }

    /// Waits until the stream has said that a task has a status; see [`Follower::until`].
    pub async fn until(&self, task_id: &str, status: &str) -> Value {
        self.follower().until(task_id, status).await
    }

    /// The id of the ask that a task waits for.
    pub async fn ask_of(&self, task_id: &str) -> String {
        let value = self.until(task_id, "waiting_approval").await;
        value["ask_id"].as_str().expect("a waiting task names its ask").to_owned()
    }

    /// The platform admin says yes.
    pub async fn approve(&self, ask_id: &str) {
        self.admin().decide(ask_id, "approve").await.accepted();
    }

    /// The platform admin says no.
    pub async fn deny(&self, ask_id: &str) {
        self.admin().decide(ask_id, "deny").await.accepted();
    }

    /// Ends every connection to the database and lets no new one in, or lets them in again.
    pub fn database_away(&self, away: bool) {
        self.database.as_ref().expect("a world on Postgres").let_in(!away);
    }

    /// Moves the test clock.
    pub fn advance(&self, duration: Duration) {
        self.clock.advance(duration);
    }

    /// Moves the test clock by seconds.
    pub fn advance_seconds(&self, seconds: u64) {
        self.advance(Duration::from_secs(seconds));
    }

    /// Sets the wall clock by so many seconds, forwards or back, while no time goes by.
    pub fn set_wall(&self, seconds: i64) {
        self.clock.set_wall(seconds);
    }

    /// What the clock says.
    pub fn now(&self) -> Time {
        self.clock.now()
    }

    /// Waits for that many webhooks, and returns all.
    pub async fn received(&self, count: usize) -> Vec<Received> {
        let waited = self.sink.wait_for(count, PATIENCE).await;
        waited.unwrap_or_else(|came| panic!("{count} webhooks should come, {} did", came.len()))
    }

    /// A fresh snapshot: its cursor and the view.
    pub async fn snapshot(&self) -> (String, View) {
        self.snapshot_of("default:default").await
    }

    /// A fresh snapshot of a tenant.
    pub async fn snapshot_of(&self, tenant: &str) -> (String, View) {
        self.snapshot_as(&self.admin().of(tenant)).await
    }

    /// A fresh snapshot as somebody sees it.
    pub async fn snapshot_as(&self, client: &Client) -> (String, View) {
        let mut stream = client.stream(None).await;
        let event = stream.expect("snapshot").await;
        (event.id.unwrap(), View::of_snapshot(&event.data))
    }

    /// The audit entries of a tenant, or of `platform`.
    pub fn audit(&self, chain: &str) -> Vec<Entry> {
        audit::entries(&self.settings().store, chain)
    }

    /// The audit entries of a chain with an action.
    pub fn audited(&self, chain: &str, action: &str) -> Vec<Entry> {
        self.audit(chain).into_iter().filter(|entry| entry.action == action).collect()
    }

    /// Waits for an entry; see [`World::until_audit`].
    pub async fn until_audited(&self, chain: &str, fits: impl Fn(&Entry) -> bool) -> Entry {
        self.until_audit(chain, |entries| entries.iter().find(|entry| fits(entry)).cloned()).await
    }

    /// Waits until a chain is as it should be. Refusals are written beside the answer and are on no
    /// stream, so this looks again and again.
    pub async fn until_audit<T>(&self, chain: &str, fits: impl Fn(&[Entry]) -> Option<T>) -> T {
        let looking = async {
            loop {
                if let Some(found) = fits(&self.audit(chain)) {
                    return found;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        match tokio::time::timeout(PATIENCE, looking).await {
            Ok(found) => found,
            Err(_) => panic!("not audited in {chain}: {:#?}", self.audit(chain)),
        }
    }

    /// Waits until a metric, with its labels, has a value that fits.
    pub async fn until_metric(&self, name: &str, fits: impl Fn(f64) -> bool) -> f64 {
        let looking = async {
            loop {
                if let Some(value) = self.metric(name)
                    && fits(value)
                {
                    return value;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        match tokio::time::timeout(PATIENCE, looking).await {
            Ok(value) => value,
            Err(_) => panic!("{name} is {:?}", self.metric(name)),
        }
    }

    /// What a metric, with its labels, says now.
    pub fn metric(&self, name: &str) -> Option<f64> {
        let text = self.running().app.metrics.render();
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '))?;
        line.parse().ok()
    }

    /// Stops the server as `SIGTERM` does and names what had to be cut off.
    pub async fn stop(&mut self) -> Vec<&'static str> {
        self.stopping().await
    }

    /// The same, while the test moves the clock with what it keeps of it.
    pub fn stopping(&mut self) -> impl Future<Output = Vec<&'static str>> + use<> {
        let running = self.running.take().expect("the server runs");
        self.panics += panics(&running);
        running.stop()
    }

    /// The clock of this world.
    pub fn clock(&self) -> Clock {
        self.clock.clone()
    }

    /// Starts the stopped server again on the same data.
    pub async fn start_again(&mut self) {
        self.boot().await;
        self.followers.lock().unwrap().values().for_each(|follower| follower.resume());
        self.readers.lock().unwrap().iter().for_each(|(_, follower)| follower.resume());
    }

    /// Stops and starts again.
    pub async fn restart(&mut self) {
        self.stop().await;
        self.start_again().await;
    }

    /// Changes the settings of the next start.
    pub fn change_settings(&mut self, change: impl Fn(&mut Settings) + Send + Sync + 'static) {
        self.builder = self.builder.clone().settings(change);
    }

    /// Stops and starts again with other settings.
    pub async fn restart_with(&mut self, change: impl Fn(&mut Settings) + Send + Sync + 'static) {
        self.change_settings(change);
        self.restart().await;
    }

    /// Starts the stopped server again where the log begins a new life, and listens from there on.
    pub async fn start_again_afresh(&mut self) {
        self.boot().await;
        let tenants: Vec<_> = self.followers.lock().unwrap().keys().cloned().collect();
        for tenant in tenants {
            self.follow(&tenant).await;
        }
    }

    /// Folds into the base what has left the window, as the server does now and then.
    pub async fn trim(&self) {
        let app = &self.running.as_ref().expect("the server runs").app;
        let tenants: Vec<_> = self.followers.lock().unwrap().keys().cloned().collect();
        for tenant in tenants {
            let tenant = Tenant::parse(&tenant).unwrap();
            app.trimmer.trim(&app.db, &tenant).await.expect("the log can be trimmed");
        }
    }

    /// What every test must hold: the fold law, whole audit chains, no panic in the server.
    pub async fn finish(mut self) {
        self.finished = true;
        if self.running.is_some() {
            self.check_fold_law().await;
        }
        self.hands.release("*");
        self.followers.lock().unwrap().values().for_each(|follower| follower.stop());
        self.readers.lock().unwrap().iter().for_each(|(_, follower)| follower.stop());
        if self.running.is_some() {
            self.stop().await;
        }
        let verdicts = nexus::audit_verify(&self.settings(), None, None).unwrap();
        for verdict in &verdicts {
            assert_eq!(verdict.broken, None, "the audit chain of {}", verdict.tenant);
        }
        assert!(!verdicts.is_empty());
        assert_eq!(self.panics, 0, "the server panicked");
    }

    /// For every tenant: what the follower has folded is what a newcomer gets.
    pub async fn check_fold_law(&self) {
        let followers = self.followers.lock().unwrap().clone();
        let admins = followers.into_iter().map(|(tenant, f)| (self.admin().of(&tenant), f));
        let readers = self.readers.lock().unwrap().clone();
        for (client, follower) in admins.chain(readers) {
            let (cursor, fresh) = self.snapshot_as(&client).await;
            let (epoch, number) = cursor.split_once('.').unwrap();
            let number = number.parse().unwrap();
            follower.reach(number).await;
            assert_eq!(follower.position().0, epoch);
            let folded = follower.view_at(number);
            let whose = &client.tenant;
            assert!(
                folded == fresh,
                "the fold law of {whose:?}: {:#?}",
                folded.differences(&fresh)
            );
        }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if !self.finished && !std::thread::panicking() {
            panic!("a test ends with world.finish().await, which checks what every test must hold");
        }
    }
}

fn panics(running: &Running) -> u64 {
    let text = running.app.metrics.render();
    let lines = text.lines().filter(|line| line.starts_with("nexus_panics_total"));
    lines.filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok()).sum()
}
