//! The client for programs against a whole NEXUS, over a line that breaks at any byte, while the
//! server stops and starts again: what it has folded is what the server shows.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use nexus_client::{Api, Credential, Happening, Live, Patience};
use nexus_core::tenant::Tenant;
use nexus_core::view::COLLECTIONS;
use nexus_testkit::{Client, PATIENCE, World};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// A line to the server, wherever it listens now, that breaks after some bytes until it is mended.
struct Line {
    address: SocketAddr,
    breaks: Arc<AtomicUsize>,
    mended: Arc<AtomicBool>,
}

impl Line {
    async fn to(server: Client) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (breaks, mended) = (Arc::<AtomicUsize>::default(), Arc::<AtomicBool>::default());
        let (counted, whole) = (breaks.clone(), mended.clone());
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                // Where it breaks differs from time to time, and is the same in every run.
                let bytes = 900 + counted.load(Ordering::SeqCst) * 1_733 % 9_001;
                let (counted, whole, server) = (counted.clone(), whole.clone(), server.clone());
                tokio::spawn(async move {
                    if let Ok(to) = TcpStream::connect(server.address()).await {
                        carry(socket, to, bytes, &whole).await;
                    }
                    counted.fetch_add(1, Ordering::SeqCst);
                });
            }
        });
        Self { address, breaks, mended }
    }
}

async fn carry(mut client: TcpStream, mut server: TcpStream, bytes: usize, whole: &AtomicBool) {
    let (mut up, mut down) = ([0; 4096], [0; 4096]);
    let mut left = bytes;
    loop {
        tokio::select! {
            read = client.read(&mut up) => match read {
                Ok(count) if count > 0 => server.write_all(&up[..count]).await.unwrap_or_default(),
                _ => return,
            },
            read = server.read(&mut down) => {
                let Ok(count) = read else { return };
                let some = if whole.load(Ordering::SeqCst) { count } else { count.min(left) };
                if client.write_all(&down[..some]).await.is_err() || some < count || count == 0 {
                    return;
                }
                left -= some.min(left);
            }
        }
    }
}

/// What a client has: its cursor, its view, and how often it had to begin with a snapshot.
#[derive(Clone, Debug, Default)]
struct Seen {
    cursor: String,
    view: Value,
    snapshots: usize,
}

/// Follows until nobody looks any more; what is handed out must be gap-free.
async fn follow(mut live: Live, seen: watch::Sender<Seen>, wrong: Arc<Mutex<Vec<String>>>) {
    let mut last = None;
    let mut snapshots = 0;
    while !seen.is_closed() {
        let happening = live.next().await.unwrap();
        let number = match &happening {
            Some(Happening::Snapshot(snapshot)) => {
                snapshots += 1;
                snapshot.cursor.number
            }
            Some(Happening::Report(report)) => {
                let number = report.cursor.number;
                if last != Some(number - 1) {
                    wrong.lock().unwrap().push(format!("{number} after {last:?}"));
                }
                number
            }
            Some(_) => continue,
            None => return,
        };
        last = Some(number);
        let view = serde_json::from_str(&live.view().unwrap().to_json()).unwrap();
        let cursor = live.cursor().unwrap().to_owned();
        seen.send_replace(Seen { cursor, view, snapshots });
    }
}

#[tokio::test]
async fn a_client_on_a_line_that_breaks_has_what_the_server_shows() {
    let mut world = World::start().await;
    let line = Line::to(world.service()).await;
    let key = Credential::Key(world.admin().key.unwrap());
    let tenant = Tenant::parse("default:default").unwrap();
    let api = Api::new(&format!("http://{}", line.address), &tenant, &key).unwrap();
    let moment = Duration::from_millis(5);
    let patience = Patience { backoff: vec![moment], longest: moment, ..Default::default() };
    let (seeing, mut seen) = watch::channel(Seen::default());
    let wrong = Arc::<Mutex<Vec<String>>>::default();
    let following = tokio::spawn(follow(Live::patient(api, patience), seeing, wrong.clone()));
    let first = tokio::time::timeout(PATIENCE, seen.wait_for(|seen| seen.snapshots > 0));
    drop(first.await.expect("the client begins").unwrap());

    for round in 0..24 {
        world
            .run("test.echo", json!({"lines": ["하나", "two"], "result": round}), "succeeded")
            .await;
        if round % 8 == 5 {
            world.restart().await;
        }
    }
    line.mended.store(true, Ordering::SeqCst);
    let (cursor, fresh) = world.snapshot().await;
    let waited = tokio::time::timeout(PATIENCE, seen.wait_for(|seen| seen.cursor == cursor));
    let seen = waited.await.expect("the client arrives").unwrap().clone();
    for collection in COLLECTIONS {
        assert_eq!(seen.view[collection].as_object(), Some(fresh.all(collection)), "{collection}");
    }
    assert_eq!(wrong.lock().unwrap().as_slice(), [] as [&str; 0]);
    assert_eq!(seen.snapshots, 1, "every return was a resumption");
    let breaks = line.breaks.load(Ordering::SeqCst);
    assert!(breaks > 6, "the line broke {breaks} times");
    following.abort();
    world.finish().await;
}
