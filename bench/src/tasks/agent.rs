//! An agent outside: claims up to 64 tasks by long poll and reports each as done, many at once, so that
//! the ends share commits as they would with any agent that works on several tasks.

use std::cell::Cell;
use std::net::SocketAddr;
use std::rc::Rc;

use nexus_bench::Error;
use nexus_bench::http::{Connection, request_by};
use serde::Deserialize;
use tokio::sync::{Notify, mpsc};

/// What it performs.
pub const TYPE: &str = "bench.noop";

/// What the tasks and the clients of a case share; all of them are one thread.
#[derive(Default)]
pub struct Done {
    count: Cell<usize>,
    moved: Notify,
}

impl Done {
    /// So many more have ended.
    pub fn add(&self, count: usize) {
        self.count.set(self.count.get() + count);
        self.moved.notify_waiters();
    }

    /// Waits until so many have ended.
    pub async fn reach(&self, count: usize) {
        while self.count.get() < count {
            self.moved.notified().await;
        }
    }
}

#[derive(Deserialize)]
struct Claims<'a> {
    #[serde(borrow)]
    tasks: Vec<Envelope<'a>>,
}

#[derive(Deserialize)]
struct Envelope<'a> {
    task_id: &'a str,
    attempt: u32,
    attempt_token: &'a str,
}

/// Starts an agent with so many connections for its callbacks, until the runtime ends.
///
/// # Errors
/// The server cannot be reached.
pub async fn start(
    address: SocketAddr,
    key: &str,
    callbacks: usize,
    done: &Rc<Done>,
) -> Result<(), Error> {
    let (sender, receiver) = async_queue();
    for _ in 0..callbacks {
        let connection = Connection::open(address).await?;
        tokio::task::spawn_local(report(connection, receiver.clone(), done.clone()));
    }
    let claiming = Connection::open(address).await?;
    tokio::task::spawn_local(claim(claiming, key.to_owned(), sender));
    Ok(())
}

type Receiver = Rc<tokio::sync::Mutex<mpsc::UnboundedReceiver<Vec<u8>>>>;

fn async_queue() -> (mpsc::UnboundedSender<Vec<u8>>, Receiver) {
    let (sender, receiver) = mpsc::unbounded_channel();
    (sender, Rc::new(tokio::sync::Mutex::new(receiver)))
}

/// Claims without end. A failure ends it, and then the case does not end well either.
async fn claim(
    mut connection: Connection,
    key: String,
    ends: mpsc::UnboundedSender<Vec<u8>>,
) -> Result<(), Error> {
    let body = format!(r#"{{"agent":"bench","types":["{TYPE}"],"max":64,"wait_seconds":20}}"#);
    let asking = request_by(&key, "POST", "/agent/tasks/claim", None, Some(&body));
    loop {
        let (status, answer) = connection.call(&asking).await?;
        if status != 200 {
            return Err(format!("a claim was answered with {status}").into());
        }
        let claims: Claims<'_> = serde_json::from_slice(&answer)?;
        for task in claims.tasks {
            let body = format!(
                r#"{{"task_id":"{}","attempt":{},"attempt_token":"{}","agent":"bench","status":"succeeded","result":null}}"#,
                task.task_id, task.attempt, task.attempt_token
            );
            ends.send(request_by(&key, "POST", "/agent/callback", None, Some(&body)))?;
        }
    }
}

async fn report(mut connection: Connection, ends: Receiver, done: Rc<Done>) -> Result<(), Error> {
    loop {
        let Some(end) = ends.lock().await.recv().await else { return Ok(()) };
        let (status, answer) = connection.call(&end).await?;
        if status != 202 {
            return Err(format!("a callback was answered with {status} {answer:?}").into());
        }
        done.add(1);
    }
}
