//! All subscribers of a case on one thread and one epoll.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use nexus_bench::{Error, report};
use rustix::event::Timespec;
use rustix::event::epoll::{self, Event, EventData, EventFlags};

use crate::reader::{Count, Reader, Sample};

/// Bytes that one read takes at most.
const READ: usize = 256 << 10;

/// Events that one wait takes at most.
const EVENTS: usize = 512;

/// The place of a connection that is no subscriber's.
const WATCHED: u64 = u64::MAX;

/// Connections that are opened before their answers are read.
const AT_ONCE: usize = 100;

/// A subscriber.
pub struct Subscriber {
    stream: TcpStream,
    /// Its tenant, by number.
    pub tenant: usize,
    /// What it has read.
    pub reader: Reader,
    /// Whether the server has closed the connection.
    pub closed: bool,
}

/// See the file's words.
pub struct Pool {
    epoll: OwnedFd,
    events: Vec<Event>,
    buffer: Vec<u8>,
    /// Those who read.
    pub subscribers: Vec<Subscriber>,
    /// Deliveries with their times, while they are wanted.
    pub samples: Vec<Sample>,
    /// Whether they are.
    pub sampling: bool,
    /// When the last wait found something to read for whoever is watched; see [`Pool::watch`].
    pub watched: Option<u64>,
}

impl Pool {
    /// Without subscribers.
    ///
    /// # Errors
    /// There is no epoll.
    pub fn new() -> Result<Self, Error> {
        Ok(Self {
            epoll: epoll::create(epoll::CreateFlags::CLOEXEC)?,
            events: Vec::with_capacity(EVENTS),
            buffer: vec![0; READ],
            subscribers: Vec::new(),
            samples: Vec::new(),
            sampling: false,
            watched: None,
        })
    }

    /// Notices when there is something to read on a connection that is no subscriber's, in its turn
    /// among the others.
    ///
    /// # Errors
    /// It cannot be watched.
    pub fn watch(&self, stream: &TcpStream) -> Result<(), Error> {
        Ok(epoll::add(&self.epoll, stream, EventData::new_u64(WATCHED), EventFlags::IN)?)
    }

    /// Opens a stream; see [`Reader::new`] for `last`.
    ///
    /// # Errors
    /// Nobody listens.
    pub fn open(
        &mut self,
        address: SocketAddr,
        request: &[u8],
        tenant: usize,
        count: Count,
        last: Option<u64>,
    ) -> Result<(), Error> {
        let mut stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.write_all(request)?;
        stream.set_nonblocking(true)?;
        let place = EventData::new_u64(self.subscribers.len() as u64);
        epoll::add(&self.epoll, &stream, place, EventFlags::IN)?;
        let reader = Reader::new(count, last);
        self.subscribers.push(Subscriber { stream, tenant, reader, closed: false });
        Ok(())
    }

    /// Opens a stream and now and then waits for those that are not up yet, so that a server's
    /// queue of connections does not overflow.
    ///
    /// # Errors
    /// A stream is refused or does not begin.
    pub fn open_in_turn(
        &mut self,
        address: SocketAddr,
        request: &[u8],
        tenant: usize,
        count: Count,
        last: Option<u64>,
    ) -> Result<(), Error> {
        self.open(address, request, tenant, count, last)?;
        if self.subscribers.len().is_multiple_of(AT_ONCE) { self.all_up() } else { Ok(()) }
    }

    /// Waits until every stream is up.
    ///
    /// # Errors
    /// One is refused or does not begin.
    pub fn all_up(&mut self) -> Result<(), Error> {
        let up = |pool: &Self| pool.subscribers.iter().all(|one| one.reader.is_up());
        if self.until(Duration::from_secs(30), up)? {
            Ok(())
        } else {
            Err("a stream did not begin".into())
        }
    }

    /// Reads until this holds; says whether it came to hold in time.
    ///
    /// # Errors
    /// A stream is refused.
    pub fn until(
        &mut self,
        patience: Duration,
        holds: impl Fn(&Self) -> bool,
    ) -> Result<bool, Error> {
        let started = Instant::now();
        while !holds(self) {
            if started.elapsed() > patience {
                return Ok(false);
            }
            self.pump(Duration::from_millis(20))?;
        }
        Ok(true)
    }

    /// Reads for this long.
    ///
    /// # Errors
    /// A stream is refused.
    pub fn rest(&mut self, time: Duration) -> Result<(), Error> {
        self.until(time, |_| false)?;
        Ok(())
    }

    /// Waits at most this long for something to read and reads it, once from each connection.
    ///
    /// # Errors
    /// A stream is refused.
    pub fn pump(&mut self, wait: Duration) -> Result<(), Error> {
        let wait = Timespec {
            tv_sec: i64::try_from(wait.as_secs())?,
            tv_nsec: i64::from(wait.subsec_nanos()),
        };
        self.events.clear();
        self.watched = None;
        match epoll::wait(
            &self.epoll,
            rustix::buffer::spare_capacity(&mut self.events),
            Some(&wait),
        ) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        for event in &self.events {
            if event.data.u64() == WATCHED {
                self.watched = Some(report::now());
                continue;
            }
            let Some(one) = self.subscribers.get_mut(usize::try_from(event.data.u64())?) else {
                continue;
            };
            let samples = if self.sampling { Some(&mut self.samples) } else { None };
            match one.stream.read(&mut self.buffer) {
                Ok(0) => one.closed = true,
                Ok(read) => one.reader.take(&self.buffer[..read], report::now(), samples)?,
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                Err(_) => one.closed = true,
            }
            if one.closed {
                epoll::delete(&self.epoll, &one.stream)?;
            }
        }
        Ok(())
    }

    /// Reports that the slowest subscriber of a tenant has.
    pub fn slowest(&self, tenant: usize) -> u64 {
        let all = self.subscribers.iter().filter(|one| one.tenant == tenant);
        all.map(|one| one.reader.delivered).min().unwrap_or(0)
    }

    /// Deliveries so far.
    pub fn delivered(&self) -> u64 {
        self.subscribers.iter().map(|one| one.reader.delivered).sum()
    }

    /// Deliveries that did not follow the one before.
    pub fn breaks(&self) -> u64 {
        self.subscribers.iter().map(|one| one.reader.breaks).sum()
    }

    /// Subscribers whose stream has ended.
    pub fn ended(&self) -> usize {
        self.subscribers.iter().filter(|one| one.closed || one.reader.is_over()).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    #[test]
    fn every_subscriber_is_read_and_its_end_is_seen() {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let server = std::thread::spawn(move || {
            for last in [3, 2] {
                let (mut stream, _) = listener.accept().unwrap();
                let mut request = [0; 4];
                stream.read_exact(&mut request).unwrap();
                stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").unwrap();
                for number in 1..=last {
                    let frame = format!("event: report\nid: {number}\ndata: {{}}\n\n");
                    stream.write_all(frame.as_bytes()).unwrap();
                }
            }
        });
        let mut pool = Pool::new().unwrap();
        for tenant in [0, 1] {
            pool.open(address, b"GET!", tenant, Count::Ids, Some(0)).unwrap();
        }
        assert!(pool.until(Duration::from_secs(20), |pool| pool.ended() == 2).unwrap());
        assert_eq!((pool.slowest(0), pool.slowest(1)), (3, 2));
        assert_eq!((pool.delivered(), pool.breaks()), (5, 0));
        server.join().unwrap();
    }
}
