//! [`MailSink`]: a mail server that remembers what it was handed, and refuses on demand.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinSet};

/// What the server does with mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Mood {
    /// Takes it.
    #[default]
    Takes,
    /// Refuses every recipient for good: 550.
    Refuses,
    /// Has no time now: 451.
    Busy,
    /// Says nothing after the connection.
    Silent,
    /// Closes after DATA without an answer.
    Closes,
}

/// A message as it was handed over.
#[derive(Clone, Debug)]
pub struct Mail {
    /// `MAIL FROM`.
    pub from: String,
    /// Every `RCPT TO`.
    pub to: Vec<String>,
    /// Headers and body, without the dots that SMTP adds.
    pub data: String,
}

impl Mail {
    /// A header's value, unfolded.
    pub fn header(&self, name: &str) -> Option<String> {
        let (head, _) = self.data.split_once("\r\n\r\n")?;
        let head = head.replace("\r\n ", " ").replace("\r\n\t", " ");
        let mut lines = head.split("\r\n").filter_map(|line| line.split_once(": "));
        lines.find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, v)| v.to_owned())
    }

    /// Names of all headers, in lower case.
    pub fn headers(&self) -> Vec<String> {
        let head = self.data.split("\r\n\r\n").next().unwrap_or_default();
        let lines = head.split("\r\n").filter(|line| !line.starts_with([' ', '\t']));
        lines.filter_map(|line| Some(line.split_once(':')?.0.to_ascii_lowercase())).collect()
    }
}

#[derive(Default)]
struct Book {
    mood: Mood,
    mails: Vec<Mail>,
    /// Everything that clients said.
    said: Vec<String>,
}

/// A real SMTP server on a free port of 127.0.0.1, without TLS; stops when dropped.
pub struct MailSink {
    address: SocketAddr,
    book: Arc<Mutex<Book>>,
    count: watch::Sender<usize>,
    server: AbortHandle,
}

impl MailSink {
    /// Starts to listen; needs a Tokio runtime.
    ///
    /// # Errors
    /// No port could be had.
    #[expect(clippy::disallowed_methods, reason = "a fake has no supervisor; it ends on drop")]
    pub async fn start() -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let (book, count) = (Arc::<Mutex<Book>>::default(), watch::Sender::new(0));
        let serving = serve(listener, book.clone(), count.clone());
        Ok(Self { address, book, count, server: tokio::spawn(serving).abort_handle() })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it does from now on.
    pub fn be(&self, mood: Mood) {
        self.book.lock().unwrap_or_else(PoisonError::into_inner).mood = mood;
    }

    /// Every message so far.
    pub fn mails(&self) -> Vec<Mail> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner).mails.clone()
    }

    /// Every line that clients said outside of messages.
    pub fn said(&self) -> Vec<String> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner).said.clone()
    }

    /// Waits for so many messages.
    ///
    /// # Errors
    /// The time is up: what had come by then.
    pub async fn wait_for(&self, n: usize, timeout: Duration) -> Result<Vec<Mail>, Vec<Mail>> {
        let mut count = self.count.subscribe();
        match tokio::time::timeout(timeout, count.wait_for(|have| *have >= n)).await {
            Ok(Ok(_)) => Ok(self.mails()),
            _ => Err(self.mails()),
        }
    }
}

impl Drop for MailSink {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn serve(listener: TcpListener, book: Arc<Mutex<Book>>, count: watch::Sender<usize>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((stream, _)) = accepted else { continue };
                let (book, count) = (book.clone(), count.clone());
                connections.spawn(async move { drop(talk(stream, &book, &count).await) });
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn talk(
    mut stream: TcpStream,
    book: &Mutex<Book>,
    count: &watch::Sender<usize>,
) -> io::Result<()> {
    let lock = || book.lock().unwrap_or_else(PoisonError::into_inner);
    let mood = lock().mood;
    if mood == Mood::Silent {
        std::future::pending::<()>().await;
    }
    let (read, mut write) = stream.split();
    let mut lines = BufReader::new(read).lines();
    write.write_all(b"220 sink ESMTP\r\n").await?;
    let (mut from, mut to) = (String::new(), Vec::new());
    while let Some(line) = lines.next_line().await? {
        lock().said.push(line.clone());
        let verb = line.split([' ', ':']).next().unwrap_or_default().to_ascii_uppercase();
        let answer: &[u8] = match verb.as_str() {
            "EHLO" => b"250-sink\r\n250-8BITMIME\r\n250 SMTPUTF8\r\n",
            "HELO" | "NOOP" | "RSET" => b"250 ok\r\n",
            "MAIL" if mood == Mood::Busy => b"451 not now\r\n",
            "MAIL" => {
                from = address(&line);
                b"250 ok\r\n"
            }
            "RCPT" if mood == Mood::Refuses => b"550 no such box\r\n",
            "RCPT" => {
                to.push(address(&line));
                b"250 ok\r\n"
            }
            "DATA" => {
                write.write_all(b"354 go on\r\n").await?;
                let mut data = String::new();
                while let Some(line) = lines.next_line().await? {
                    if line == "." {
                        break;
                    }
                    data.push_str(line.strip_prefix('.').unwrap_or(&line));
                    data.push_str("\r\n");
                }
                let mail =
                    Mail { from: std::mem::take(&mut from), to: std::mem::take(&mut to), data };
                let have = {
                    let mut book = lock();
                    book.mails.push(mail);
                    book.mails.len()
                };
                count.send_replace(have);
                if mood == Mood::Closes {
                    return Ok(());
                }
                b"250 taken\r\n"
            }
            "QUIT" => {
                write.write_all(b"221 bye\r\n").await?;
                return Ok(());
            }
            _ => b"502 unknown\r\n",
        };
        write.write_all(answer).await?;
    }
    Ok(())
}

/// What stands between `<` and `>`.
fn address(line: &str) -> String {
    let rest = line.split_once('<').map_or("", |(_, rest)| rest);
    rest.split('>').next().unwrap_or_default().to_owned()
}
