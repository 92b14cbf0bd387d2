//! Somebody who listens to a tenant's stream from the first report on and misses nothing.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};

use serde_json::Value;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::client::Client;
use crate::view::View;
use crate::world::PATIENCE;

/// A report as it came.
#[derive(Clone, Debug)]
pub struct Report {
    /// Its number.
    pub number: u64,
    /// `<epoch>.<number>`.
    pub cursor: String,
    /// Its data.
    pub data: Value,
}

impl Report {
    /// The value that this report gave an item, if it did.
    pub fn value(&self, collection: &str, id: &str) -> Option<&Value> {
        let changes = self.data["changes"].as_array().unwrap();
        let change = changes.iter().rev().find(|c| c["collection"] == collection && c["id"] == id);
        change.map(|change| &change["value"])
    }
}

#[derive(Default)]
struct Log {
    start: Option<(String, u64, View)>,
    reports: Vec<Report>,
    ids: HashSet<String>,
    byes: Vec<String>,
    /// How far each task's history was looked through by [`Follower::until`].
    looked: HashMap<String, usize>,
    broken: Option<String>,
}

/// Follows one tenant's stream over breaks and restarts. What it demands of every report, it
/// demands in every test: numbers without a gap, ids that are met once, one epoch.
pub struct Follower {
    client: Client,
    log: Arc<Mutex<Log>>,
    moved: watch::Sender<u64>,
    task: Mutex<Option<JoinHandle<()>>>,
}

impl Follower {
    /// Starts to follow; returns when the first snapshot is there.
    pub(crate) async fn start(client: Client) -> Self {
        let follower = Self {
            client,
            log: Arc::default(),
            moved: watch::Sender::new(0),
            task: Mutex::default(),
        };
        follower.resume();
        let mut moved = follower.moved.subscribe();
        let waited = tokio::time::timeout(PATIENCE, moved.wait_for(|count| *count > 0)).await;
        waited.expect("the stream begins").unwrap();
        follower
    }

    /// Begins to listen again after a restart of the server.
    pub(crate) fn resume(&self) {
        let (client, log, moved) = (self.client.clone(), self.log.clone(), self.moved.clone());
        let task = tokio::spawn(async move {
            while listen(&client, &log, &moved).await {}
            moved.send_modify(|count| *count += 1);
        });
        if let Some(older) = self.task.lock().unwrap().replace(task) {
            older.abort();
        }
    }

    /// Where it stands: epoch and number.
    pub fn position(&self) -> (String, u64) {
        let log = self.log.lock().unwrap();
        let (epoch, first, _) = log.start.as_ref().unwrap();
        (epoch.clone(), first + log.reports.len() as u64)
    }

    /// The cursor where it stands.
    pub fn cursor(&self) -> String {
        let (epoch, number) = self.position();
        format!("{epoch}.{number}")
    }

    /// Every report so far.
    pub fn reports(&self) -> Vec<Report> {
        self.log.lock().unwrap().reports.clone()
    }

    /// Why streams ended so far.
    pub fn byes(&self) -> Vec<String> {
        self.log.lock().unwrap().byes.clone()
    }

    /// The view that its snapshot and the reports up to a number make.
    pub fn view_at(&self, number: u64) -> View {
        let log = self.log.lock().unwrap();
        let (_, first, view) = log.start.as_ref().unwrap();
        let mut view = view.clone();
        let count = usize::try_from(number - first).unwrap();
        log.reports[..count].iter().for_each(|report| view.apply(&report.data));
        view
    }

    /// The view as it stands.
    pub fn view(&self) -> View {
        self.view_at(self.position().1)
    }

    /// Waits until the report with that number is there.
    pub async fn reach(&self, number: u64) {
        self.wait(&format!("report {number}"), |log| {
            let first = log.start.as_ref().unwrap().1;
            (first + log.reports.len() as u64 >= number).then_some(())
        })
        .await;
    }

    /// Waits for the first report, from the `from`th on, that fits.
    pub async fn find(
        &self,
        what: &str,
        from: usize,
        fits: impl Fn(&Report) -> bool,
    ) -> (usize, Report) {
        self.wait(what, |log| {
            let found = log.reports.iter().enumerate().skip(from).find(|(_, r)| fits(r));
            found.map(|(at, report)| (at, report.clone()))
        })
        .await
    }

    /// Waits until a task has had a status, and returns its value then. A second call for the same
    /// task looks on from there: statuses are named in the order in which they come.
    pub async fn until(&self, task_id: &str, status: &str) -> Value {
        let from = self.log.lock().unwrap().looked.get(task_id).copied().unwrap_or(0);
        let value = |report: &Report| {
            let value = report.value("tasks", task_id).cloned();
            value.filter(|value| value["status"] == status)
        };
        let (at, report) =
            self.find(&format!("{task_id} {status}"), from, |r| value(r).is_some()).await;
        self.log.lock().unwrap().looked.insert(task_id.to_owned(), at + 1);
        value(&report).unwrap()
    }

    /// Every status that a task has had, in order.
    pub fn statuses(&self, task_id: &str) -> Vec<String> {
        let mut statuses: Vec<String> = Vec::new();
        for report in self.reports() {
            if let Some(value) = report.value("tasks", task_id) {
                statuses.push(value["status"].as_str().unwrap().to_owned());
            }
        }
        statuses.dedup();
        statuses
    }

    async fn wait<T>(&self, what: &str, mut found: impl FnMut(&Log) -> Option<T>) -> T {
        let mut moved = self.moved.subscribe();
        let looking = async {
            loop {
                moved.borrow_and_update();
                {
                    let log = self.log.lock().unwrap();
                    if let Some(broken) = &log.broken {
                        panic!("the stream broke its promise: {broken}");
                    }
                    if let Some(found) = found(&log) {
                        return found;
                    }
                }
                moved.changed().await.unwrap();
            }
        };
        match tokio::time::timeout(PATIENCE, looking).await {
            Ok(found) => found,
            Err(_) => panic!("{what} did not come; last reports: {:#?}", self.tail()),
        }
    }

    fn tail(&self) -> Vec<String> {
        let reports = self.reports();
        let from = reports.len().saturating_sub(6);
        reports[from..].iter().map(|report| report.data.to_string()).collect()
    }

    /// Fails if the stream broke a promise; stops to listen.
    pub(crate) fn stop(&self) {
        if let Some(task) = self.task.lock().unwrap().take() {
            task.abort();
        }
        if let Some(broken) = &self.log.lock().unwrap().broken {
            panic!("the stream broke its promise: {broken}");
        }
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        if let Some(task) = self.task.lock().unwrap().take() {
            task.abort();
        }
    }
}

/// Listens to one stream to its end; says whether to open another.
async fn listen(client: &Client, log: &Mutex<Log>, moved: &watch::Sender<u64>) -> bool {
    let cursor = {
        let log = log.lock().unwrap();
        log.start
            .as_ref()
            .map(|(epoch, first, _)| format!("{epoch}.{}", first + log.reports.len() as u64))
    };
    let mut request = client.request("GET", "/agent/reports/stream");
    if let Some(cursor) = &cursor {
        request = request.header("last-event-id", cursor);
    }
    let Ok(response) = request.send().await else { return false };
    if response.status() != 200 {
        log.lock().unwrap().broken = Some(format!("opening answered {}", response.status()));
        return false;
    }
    let mut stream = crate::sse::Stream::new(response);
    let mut first = true;
    while let Some(event) = stream.next().await {
        let broken = take(&mut log.lock().unwrap(), &event, cursor.as_deref(), first);
        first = false;
        let over = broken.is_some() || event.data["reconnect"] == false;
        let shutdown = event.event == "bye" && event.data["reason"] == "shutdown";
        log.lock().unwrap().broken = broken;
        moved.send_modify(|count| *count += 1);
        if over || shutdown {
            return false;
        }
    }
    true
}

/// Takes one event; says what is wrong with it, if anything is.
fn take(
    log: &mut Log,
    event: &crate::sse::Event,
    sent: Option<&str>,
    first: bool,
) -> Option<String> {
    let wrong = |what: &str| Some(format!("{what}: {event:?}"));
    match event.event.as_str() {
        "" if first && event.id.as_deref() == sent && sent.is_some() => None,
        "snapshot" if first && sent.is_none() => {
            let cursor = event.id.clone().unwrap_or_default();
            let (epoch, number) = cursor.split_once('.')?;
            let number = number.parse().ok()?;
            log.start = Some((epoch.to_owned(), number, View::of_snapshot(&event.data)));
            None
        }
        "report" => {
            let (epoch, start, _) = log.start.as_ref()?;
            let number = start + log.reports.len() as u64 + 1;
            let cursor = format!("{epoch}.{number}");
            if event.id.as_deref() != Some(&cursor) || event.data["cursor"] != *cursor {
                return wrong(&format!("{cursor} should follow"));
            }
            let id = event.data["report_id"].as_str().unwrap_or_default();
            if !id.starts_with("rpt_") || !log.ids.insert(id.to_owned()) {
                return wrong("a report's id is new");
            }
            if event.data.to_string().len() > 64 << 10 {
                return wrong("a report is at most 64 KiB");
            }
            log.reports.push(Report { number, cursor, data: event.data.clone() });
            None
        }
        "ping" if event.id.is_none() => None,
        "bye" => {
            log.byes.push(event.data["reason"].as_str().unwrap_or_default().to_owned());
            None
        }
        _ => wrong("an event that should not come"),
    }
}
