//! A publisher that speaks HTTP, for servers that take reports that way. It has a thread of its own,
//! on the clients' core.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use nexus_bench::http::parse;
use nexus_bench::{Error, report};

/// How reports are put into requests.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Form {
    /// A request for each, several under way at once.
    Single(&'static str),
    /// One request with an array of them.
    Array(&'static str),
}

/// See the file's words.
pub struct Publisher {
    orders: Option<Sender<(usize, u64)>>,
    failed: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Publisher {
    /// Connects and starts the thread.
    ///
    /// # Errors
    /// Nobody listens.
    pub fn start(address: SocketAddr, form: Form) -> Result<Self, Error> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        let (orders, taken) = channel();
        let failed = Arc::new(AtomicBool::new(false));
        let flag = failed.clone();
        let thread = std::thread::Builder::new().name("publisher".to_owned()).spawn(move || {
            if run(stream, form, &taken).is_err() {
                flag.store(true, Ordering::Relaxed);
            }
        })?;
        Ok(Self { orders: Some(orders), failed, thread: Some(thread) })
    }

    /// Publishes so many reports to a tenant, as soon as those before are accepted.
    ///
    /// # Errors
    /// The server has refused one.
    pub fn publish(&self, tenant: usize, count: u64) -> Result<(), Error> {
        if self.failed.load(Ordering::Relaxed) {
            return Err("a report was refused by the server".into());
        }
        let orders = self.orders.as_ref().ok_or("the publisher has ended")?;
        Ok(orders.send((tenant, count)).map_err(|_| "the publisher has ended")?)
    }
}

impl Drop for Publisher {
    fn drop(&mut self) {
        drop(self.orders.take());
        if let Some(thread) = self.thread.take() {
            // What it had to say is in `failed`.
            let _ = thread.join();
        }
    }
}

fn run(mut stream: TcpStream, form: Form, orders: &Receiver<(usize, u64)>) -> Result<(), Error> {
    let mut last: Vec<u64> = Vec::new();
    let mut buffer = Vec::new();
    while let Ok((tenant, count)) = orders.recv() {
        if last.len() <= tenant {
            last.resize(tenant + 1, 0);
        }
        let stamp = report::now();
        let from = last[tenant];
        last[tenant] += count;
        let bodies = (from + 1..=from + count).map(|number| report::body(number, stamp));
        let (requests, answers) = match form {
            Form::Single(path) => {
                let requests = bodies.map(|body| request(path, tenant, &body));
                (requests.collect::<String>(), count)
            }
            Form::Array(path) => {
                let array = format!("[{}]", bodies.collect::<Vec<_>>().join(","));
                (request(path, tenant, &array), 1)
            }
        };
        stream.write_all(requests.as_bytes())?;
        for _ in 0..answers {
            answer(&mut stream, &mut buffer)?;
        }
    }
    Ok(())
}

fn request(path: &str, tenant: usize, body: &str) -> String {
    format!(
        "POST {path}{tenant} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// Reads one answer; everything but 2xx is an error.
fn answer(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Result<(), Error> {
    loop {
        if let Some((status, head, body)) = parse(buffer)?
            && buffer.len() >= head + body
        {
            buffer.drain(..head + body);
            return match status {
                200..300 => Ok(()),
                _ => Err(format!("a report was answered with {status}").into()),
            };
        }
        let mut more = [0; 16 << 10];
        match stream.read(&mut more)? {
            0 => return Err("the server closed the connection".into()),
            read => buffer.extend_from_slice(&more[..read]),
        }
    }
}
