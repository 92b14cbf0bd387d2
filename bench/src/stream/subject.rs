//! The servers that are measured: how each is started, listened to and published into.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use clap::ValueEnum;
use nexus_bench::order::Order;
use nexus_bench::server::{make_tenants, settings};
use nexus_bench::{Error, http};
use serde::Serialize;
use tempfile::TempDir;

use crate::args::Args;
use crate::pin::Cores;
use crate::process::Process;
use crate::publisher::{Form, Publisher};
use crate::reader::Count;

/// Bounds of NEXUS that would stand in the way of one machine playing thousands of clients.
const RAISED: [(&str, &str); 3] = [
    ("STREAM_MAX_PER_TENANT", "100000"),
    ("STREAM_OPENS_PER_MINUTE", "1000000"),
    ("NEXUS_MAX_CONNECTIONS", "100000"),
];

/// A server that can be measured.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, ValueEnum)]
pub enum Kind {
    /// NEXUS in the process that can publish without the store
    Nexus,
    /// The built program, `nexus serve`
    NexusServe,
    /// axum's `Sse`, an event for each report and subscriber
    Axum,
    /// axum with shared bytes and 2 ms batches
    AxumBatched,
    /// nginx with nchan
    Nchan,
    /// The durable-streams server, without its log
    DurableStreams,
    /// The durable-streams server with its log
    DurableStreamsWal,
}

impl Kind {
    /// What it is called in the tables.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Nexus => "NEXUS",
            Self::NexusServe => "nexus serve",
            Self::Axum => "axum Sse",
            Self::AxumBatched => "axum, shared, 2 ms",
            Self::Nchan => "nginx nchan",
            Self::DurableStreams => "durable-streams, memory",
            Self::DurableStreamsWal => "durable-streams, wal",
        }
    }

    /// The program, if it is there.
    pub fn program(self, args: &Args) -> Option<PathBuf> {
        match self {
            Self::Nexus => beside("nexus-stream-server"),
            Self::NexusServe => args.server.clone().or_else(|| beside("nexus")),
            Self::Axum | Self::AxumBatched => beside("axum-stream-server"),
            Self::Nchan => {
                let module = Path::new(NCHAN).exists();
                args.nginx.clone().or_else(|| in_path("nginx")).filter(|_| module)
            }
            Self::DurableStreams | Self::DurableStreamsWal => {
                args.durable_streams.clone().or_else(|| in_path("durable-streams-server"))
            }
        }
    }

    /// By what its deliveries are counted.
    pub const fn count(self) -> Count {
        match self {
            Self::Nexus | Self::NexusServe | Self::Axum | Self::AxumBatched => Count::Ids,
            Self::Nchan | Self::DurableStreams | Self::DurableStreamsWal => Count::Marks,
        }
    }

    /// The number after which a fresh stream begins, where its first frame does not say it.
    pub const fn first(self) -> Option<u64> {
        match self {
            Self::Nexus | Self::NexusServe => None,
            _ => Some(0),
        }
    }
}

/// nchan's module for Debian's nginx.
const NCHAN: &str = "/usr/lib/nginx/modules/ngx_nchan_module.so";

fn beside(name: &str) -> Option<PathBuf> {
    std::env::current_exe().ok().map(|own| own.with_file_name(name)).filter(|path| path.exists())
}

fn in_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|dir| dir.join(name)).find(|program| program.exists())
}

/// Where a stream begins.
#[derive(Clone, Debug)]
pub enum From {
    /// With what comes next; NEXUS begins with a snapshot.
    Now,
    /// After this place.
    Cursor(String),
    /// With the oldest report that there is.
    Oldest,
}

/// A server that runs.
pub struct Subject {
    /// Which.
    pub kind: Kind,
    /// Where it listens.
    pub address: SocketAddr,
    /// Its process.
    pub process: Process,
    publisher: Option<Publisher>,
    /// Where its data is.
    pub data: TempDir,
}

impl Subject {
    /// Starts a server on an empty directory and makes its tenants.
    ///
    /// # Errors
    /// It does not start.
    pub fn start(kind: Kind, args: &Args, cores: Cores, tenants: usize) -> Result<Self, Error> {
        let place = args.dir.clone().unwrap_or_else(std::env::temp_dir);
        let data = tempfile::tempdir_in(place)?;
        let mut subject = Self::start_on(kind, args, cores, data, tenants)?;
        match kind {
            Kind::Nexus | Kind::NexusServe => {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
                runtime.block_on(make_tenants(subject.address, tenants))?;
            }
            Kind::DurableStreams | Kind::DurableStreamsWal => {
                for tenant in 0..tenants {
                    create(subject.address, tenant)?;
                }
            }
            Kind::Axum | Kind::AxumBatched | Kind::Nchan => {}
        }
        let form = match kind {
            Kind::Nchan => Some(Form::Single("/pub/")),
            Kind::DurableStreams | Kind::DurableStreamsWal => Some(Form::Array("/p")),
            _ => None,
        };
        if let Some(form) = form {
            subject.publisher = Some(Publisher::start(subject.address, form)?);
        }
        Ok(subject)
    }

    /// Stops it and starts it again on the same data.
    ///
    /// # Errors
    /// It does not start.
    pub fn again(self, args: &Args, cores: Cores) -> Result<Self, Error> {
        let Self { kind, process, publisher, data, .. } = self;
        drop((publisher, process));
        Self::start_on(kind, args, cores, data, 0)
    }

    fn start_on(
        kind: Kind,
        args: &Args,
        cores: Cores,
        data: TempDir,
        tenants: usize,
    ) -> Result<Self, Error> {
        let program = kind.program(args).ok_or("its program is not there")?;
        let mut command = Command::new(program.canonicalize()?);
        let dir = data.path();
        let mut address = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?;
        match kind {
            Kind::Nexus | Kind::NexusServe => {
                command.env_clear().envs(settings(dir, address)).envs(RAISED);
                if kind == Kind::NexusServe {
                    command.arg("serve");
                }
            }
            Kind::Axum | Kind::AxumBatched => {
                let mode = if kind == Kind::Axum { "each" } else { "batched" };
                command.args(["--mode", mode, "--tenants", &tenants.to_string()]);
            }
            Kind::Nchan => {
                let file = dir.join("nginx.conf");
                std::fs::write(&file, nginx(dir, address))?;
                command.arg("-p").arg(dir).arg("-c").arg(file);
            }
            Kind::DurableStreams | Kind::DurableStreamsWal => {
                let wal = kind == Kind::DurableStreamsWal;
                command.args(["--port", &address.port().to_string(), "--data-dir"]).arg(dir);
                command.args(["--durability", if wal { "wal" } else { "memory" }]);
            }
        }
        let orders = matches!(kind, Kind::Nexus | Kind::Axum | Kind::AxumBatched);
        let mut process = Process::start(command, dir, cores, orders)?;
        if orders {
            address = process.says("listening")?.parse()?;
        }
        process.listens(address)?;
        Ok(Self { kind, address, process, publisher: None, data })
    }

    /// Publishes so many reports to a tenant, in one batch.
    ///
    /// # Errors
    /// The server is gone, or refused one.
    pub fn publish(&mut self, tenant: usize, count: u64) -> Result<(), Error> {
        match &self.publisher {
            Some(publisher) => publisher.publish(tenant, count),
            None => self.process.order(Order::Publish(tenant, count)),
        }
    }

    /// The bytes that open a stream.
    pub fn subscribe(&self, tenant: usize, from: &From) -> Vec<u8> {
        let get = |path: String, headers: String| {
            format!("GET {path} HTTP/1.1\r\nhost: 127.0.0.1\r\n{headers}\r\n").into_bytes()
        };
        match self.kind {
            Kind::Nexus | Kind::NexusServe => {
                let query = match from {
                    From::Cursor(cursor) => format!("?last_event_id={cursor}"),
                    From::Now | From::Oldest => String::new(),
                };
                let path = format!("/agent/reports/stream{query}");
                http::request("GET", &path, Some(tenant), None)
            }
            Kind::Axum | Kind::AxumBatched => get(format!("/{tenant}"), String::new()),
            Kind::Nchan => {
                let accept = "accept: text/event-stream\r\n";
                match from {
                    From::Now => get(format!("/sub/{tenant}"), accept.to_owned()),
                    From::Oldest => get(format!("/old/{tenant}"), accept.to_owned()),
                    From::Cursor(cursor) => {
                        let headers = format!("{accept}last-event-id: {cursor}\r\n");
                        get(format!("/old/{tenant}"), headers)
                    }
                }
            }
            Kind::DurableStreams | Kind::DurableStreamsWal => {
                let offset = match from {
                    From::Now => "now",
                    From::Oldest => "-1",
                    From::Cursor(cursor) => cursor,
                };
                get(format!("/p{tenant}?offset={offset}&live=sse"), String::new())
            }
        }
    }

    /// The place at which a tenant's log stands, for [`From::Cursor`]; of nchan, which knows places
    /// only by their messages, after the first message.
    ///
    /// # Errors
    /// The server does not say.
    pub fn cursor(&self, tenant: usize) -> Result<String, Error> {
        let (from, before, after) = match self.kind {
            Kind::Nexus | Kind::NexusServe => (From::Now, "\nid: ", '\n'),
            Kind::Nchan => (From::Oldest, "\nid: ", '\n'),
            _ => (From::Now, "\"streamNextOffset\":\"", '"'),
        };
        let mut stream = TcpStream::connect(self.address)?;
        stream.set_read_timeout(Some(Duration::from_secs(10)))?;
        stream.write_all(&self.subscribe(tenant, &from))?;
        let mut seen = String::new();
        let mut more = [0; 4096];
        loop {
            let found = seen.split_once(before).and_then(|(_, rest)| rest.split_once(after));
            if let Some((cursor, _)) = found {
                return Ok(cursor.trim().to_owned());
            }
            match stream.read(&mut more)? {
                0 => return Err(format!("a stream ended without a cursor: {seen}").into()),
                read => seen.push_str(&String::from_utf8_lossy(&more[..read])),
            }
        }
    }
}

/// Makes a stream of durable-streams.
fn create(address: SocketAddr, tenant: usize) -> Result<(), Error> {
    let mut stream = TcpStream::connect(address)?;
    let request = format!(
        "PUT /p{tenant} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n\
         content-length: 0\r\nconnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    if answer.starts_with("HTTP/1.1 20") { Ok(()) } else { Err(answer.into()) }
}

/// nginx's configuration: one worker, and as many messages kept as NEXUS keeps reports, and some.
fn nginx(dir: &Path, address: SocketAddr) -> String {
    let dir = dir.display();
    format!(
        "daemon off; user root; worker_processes 1; worker_rlimit_nofile 100000;
         load_module {NCHAN}; pid {dir}/nginx.pid; error_log stderr warn;
         events {{ worker_connections 20000; }}
         http {{
           access_log off; keepalive_requests 1000000000; keepalive_timeout 1h; tcp_nodelay on;
           client_body_temp_path {dir}/body; proxy_temp_path {dir}/proxy;
           fastcgi_temp_path {dir}/fastcgi; uwsgi_temp_path {dir}/uwsgi; scgi_temp_path {dir}/scgi;
           nchan_shared_memory_size 512m;
           server {{
             listen {address} backlog=4096;
             location ~ ^/pub/(\\d+)$ {{
               nchan_publisher; nchan_channel_id $1;
               nchan_message_buffer_length 4096; nchan_message_timeout 1h;
             }}
             location ~ ^/sub/(\\d+)$ {{
               nchan_subscriber eventsource; nchan_channel_id $1;
               nchan_subscriber_first_message newest;
             }}
             location ~ ^/old/(\\d+)$ {{
               nchan_subscriber eventsource; nchan_channel_id $1;
               nchan_subscriber_first_message oldest;
             }}
           }}
         }}"
    )
}
