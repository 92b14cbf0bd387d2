//! What is acknowledged is on disk: between a request and its 202 the write-ahead log is written
//! and synchronised, seen from outside by `strace`; and those who wait share that.
//!
//! Needs `strace` and the right to trace a process of one's own.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

mod process;

use std::collections::HashMap;
use std::fs::File;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Barrier};
use std::time::Instant;

use process::{Http, PATIENCE, SERVICE_KEY, Server};
use serde_json::json;

const ONE_BY_ONE: usize = 20;
const AT_ONCE: usize = 64;

#[test]
fn a_202_comes_after_its_fsync_and_many_share_one() {
    let dir = tempfile::tempdir().unwrap();
    let mut server = Server::spawn(dir.path(), 0, &[("EGRESS_ALLOW", "127.0.0.1:9")]);
    let address = server.ready();
    let trace = dir.path().join("trace");
    let mut strace = attach(server.child.id(), &trace);

    let mut http = Http::connect(address).unwrap();
    for number in 0..ONE_BY_ONE {
        send(&mut http, &format!("single-{number:02}."));
    }
    let barrier = Arc::new(Barrier::new(AT_ONCE));
    let clients: Vec<_> = (0..AT_ONCE)
        .map(|number| {
            let mut http = Http::connect(address).unwrap();
            let barrier = barrier.clone();
            std::thread::spawn(move || {
                barrier.wait();
                send(&mut http, &format!("shared-{number:02}."));
            })
        })
        .collect();
    for client in clients {
        client.join().unwrap();
    }
    server.stop();
    strace.wait().unwrap();

    let calls = parse(&std::fs::read_to_string(&trace).unwrap());
    let of_wal = |name: &str| -> Vec<&Call> {
        let wanted = |call: &&Call| call.name == name && call.text.contains("nexus.db-wal>");
        calls.iter().filter(wanted).collect()
    };
    let (writes, syncs) = (of_wal("pwrite64"), [of_wal("fdatasync"), of_wal("fsync")].concat());
    assert!(!writes.is_empty() && !syncs.is_empty(), "the trace shows no write-ahead log");
    let mut from = f64::MAX;
    let mut to: f64 = 0.0;
    for number in 0..ONE_BY_ONE + AT_ONCE {
        let single = number < ONE_BY_ONE;
        let name = if single {
            format!("single-{number:02}.")
        } else {
            format!("shared-{:02}.", number - ONE_BY_ONE)
        };
        let (request, answer) = exchange(&calls, &name);
        let written = writes.iter().filter(|w| w.from >= request.from && w.to <= answer.from);
        let saved =
            written.clone().any(|w| syncs.iter().any(|s| s.from >= w.to && s.to <= answer.from));
        assert!(
            saved,
            "{name}: read at {:.6}, answered at {:.6}, {} writes of the log between and no sync \
             after one of them",
            request.from,
            answer.from,
            written.count()
        );
        if !single {
            (from, to) = (from.min(request.from), to.max(answer.to));
        }
    }
    let shared = syncs.iter().filter(|s| s.from >= from && s.to <= to).count();
    eprintln!("{AT_ONCE} commands at once, {shared} syncs");
    assert!(shared < AT_ONCE, "{AT_ONCE} commands at once took {shared} syncs");
}

/// Sends a command that waits for a person, so that nothing but its acceptance is written.
fn send(http: &mut Http, name: &str) {
    let params = json!({"url": "http://127.0.0.1:9/", "payload": {}});
    let body = json!({"command_type": "share.webhook", "params": params, "correlation_id": name});
    let body = body.to_string();
    let (status, answer) =
        http.call("POST", "/sidecar/command", SERVICE_KEY, "", Some(&body)).unwrap();
    assert_eq!(status, 202, "{answer}");
    assert!(answer.contains(name), "{answer}");
}

/// Starts `strace` on a process and waits until it holds all its threads.
fn attach(pid: u32, trace: &Path) -> Child {
    let told = trace.with_extension("told");
    let calls = "read,recvfrom,recvmsg,write,writev,sendto,sendmsg,pwrite64,fdatasync,fsync";
    let mut strace = Command::new("strace")
        // All threads, times in microseconds with durations, paths of descriptors, whole texts.
        .args(["-f", "-ttt", "-T", "-y", "-s", "4096", "-e", &format!("trace={calls}")])
        .arg("-o")
        .arg(trace)
        .args(["-p", &pid.to_string()])
        .stdout(Stdio::null())
        .stderr(File::create(&told).unwrap())
        .spawn()
        .unwrap_or_else(|error| panic!("strace cannot be run; install it: {error}"));
    let started = Instant::now();
    loop {
        let says = std::fs::read_to_string(&told).unwrap_or_default();
        if says.contains("attached") {
            return strace;
        }
        let ended = strace.try_wait().unwrap();
        assert!(
            ended.is_none() && started.elapsed() < PATIENCE,
            "strace cannot attach to a process of this user; this test needs ptrace \
             (kernel.yama.ptrace_scope, seccomp, CAP_SYS_PTRACE in a container): {says}"
        );
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
}

/// A system call: when it began and was over, in seconds.
struct Call {
    name: String,
    text: String,
    from: f64,
    to: f64,
}

/// Reads what `strace` wrote: `<pid> <time> name(…) = n <duration>`, or two lines where another
/// thread came in between: `name(… <unfinished ...>` and `<... name resumed>…`.
fn parse(trace: &str) -> Vec<Call> {
    let mut open: HashMap<&str, (f64, String)> = HashMap::new();
    let mut calls = Vec::new();
    for line in trace.lines() {
        let Some((pid, rest)) = line.split_once(' ') else { continue };
        let Some((at, rest)) = rest.trim_start().split_once(' ') else { continue };
        let Ok(at) = at.parse::<f64>() else { continue };
        if let Some(start) = rest.strip_suffix(" <unfinished ...>") {
            open.insert(pid, (at, start.to_owned()));
            continue;
        }
        let (from, text) = match rest.strip_prefix("<... ") {
            None => (at, rest.to_owned()),
            Some(resumed) => {
                let Some((from, start)) = open.remove(pid) else { continue };
                let end = resumed.split_once("resumed>").map_or("", |(_, end)| end);
                (from, start + end)
            }
        };
        let Some((name, _)) = text.split_once('(') else { continue };
        let taken = text.rsplit_once('<').and_then(|(_, t)| t.strip_suffix('>'));
        let taken: f64 = taken.and_then(|t| t.parse().ok()).unwrap_or_default();
        calls.push(Call { name: name.to_owned(), from, to: from + taken, text });
    }
    calls
}

/// The call that read a request and the call that wrote its answer.
fn exchange<'a>(calls: &'a [Call], name: &str) -> (&'a Call, &'a Call) {
    let find = |names: &[&str], start: &str| {
        let wanted = |call: &&Call| {
            names.contains(&call.name.as_str())
                && call.text.contains(start)
                && call.text.contains(name)
        };
        calls
            .iter()
            .find(wanted)
            .unwrap_or_else(|| panic!("no {start} with {name} among {} calls", calls.len()))
    };
    let request = find(&["read", "recvfrom", "recvmsg"], "POST /sidecar/command");
    let answer = find(&["write", "writev", "sendto", "sendmsg"], "HTTP/1.1 202");
    (request, answer)
}
