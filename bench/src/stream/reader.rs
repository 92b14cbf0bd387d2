//! What one subscriber has read: reports counted as the bytes come, without parsing JSON.

use std::sync::LazyLock;

use memchr::memmem::Finder;
use nexus_bench::Error;
use nexus_bench::report::{MARK, MARK_BYTES, mark};

/// What stands before an SSE event's id, which is never its first field.
static ID: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"\nid: "));
static BY_MARK: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(MARK.as_bytes()));

/// Longest head of an answer.
const MAX_HEAD: usize = 16 << 10;

/// Longest value behind what is searched for.
const MAX_VALUE: usize = 48;

/// How far behind its id a report's mark may stand.
const NEAR: usize = 512;

/// By what a server's reports are counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Count {
    /// By the ids of the events, `<number>` or `<epoch>.<number>`.
    Ids,
    /// By the marks in the reports themselves, where events have other ids or none.
    Marks,
}

/// One delivery whose times are known.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    /// Which report, by its mark.
    pub number: u64,
    /// When it was published, in nanoseconds.
    pub sent: u64,
    /// When it was read.
    pub got: u64,
}

/// How a body is cut.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Stage {
    /// The head has not ended.
    Head,
    /// The body is everything that follows.
    Plain,
    /// A chunk's size follows; so much of it is known, if a digit has come.
    Size(Option<usize>),
    /// So many bytes of a chunk are to come.
    Chunk(usize),
    /// The last chunk has come.
    End,
}

/// See the file's words.
#[derive(Debug)]
pub struct Reader {
    count: Count,
    stage: Stage,
    head: Vec<u8>,
    /// The end of what was searched, where something may have begun.
    carry: Vec<u8>,
    /// The newest number.
    last: Option<u64>,
    /// The newest number by mark.
    marked: u64,
    /// Reports that have come.
    pub delivered: u64,
    /// Reports that did not follow the one before.
    pub breaks: u64,
    /// The HTTP status.
    pub status: u16,
}

impl Reader {
    /// A reader of an answer of which nothing has come. `last` is the number after which reports
    /// are expected; without one the first id says it.
    pub fn new(count: Count, last: Option<u64>) -> Self {
        Self {
            count,
            stage: Stage::Head,
            head: Vec::new(),
            carry: Vec::new(),
            last,
            marked: 0,
            delivered: 0,
            breaks: 0,
            status: 0,
        }
    }

    /// Whether the stream is open and its beginning known.
    pub fn is_up(&self) -> bool {
        self.stage != Stage::Head && self.last.is_some()
    }

    /// Whether the server has ended the answer in good order.
    pub fn is_over(&self) -> bool {
        self.stage == Stage::End
    }

    /// Takes what was read at `now`; deliveries go to `samples`, if they are wanted.
    ///
    /// # Errors
    /// It is no answer with a stream.
    pub fn take(
        &mut self,
        mut bytes: &[u8],
        now: u64,
        mut samples: Option<&mut Vec<Sample>>,
    ) -> Result<(), Error> {
        while !bytes.is_empty() {
            match self.stage {
                Stage::Head => {
                    let used = self.head(bytes)?;
                    bytes = &bytes[used..];
                }
                Stage::Plain => {
                    self.search(bytes, now, samples.as_deref_mut());
                    return Ok(());
                }
                Stage::Chunk(left) => {
                    let have = left.min(bytes.len());
                    self.search(&bytes[..have], now, samples.as_deref_mut());
                    bytes = &bytes[have..];
                    self.stage =
                        if have == left { Stage::Size(None) } else { Stage::Chunk(left - have) };
                }
                Stage::Size(known) => {
                    self.stage = size(known, bytes[0])?;
                    bytes = &bytes[1..];
                }
                Stage::End => return Ok(()),
            }
        }
        Ok(())
    }

    /// Takes bytes of the head; says how many of them belong to it.
    fn head(&mut self, bytes: &[u8]) -> Result<usize, Error> {
        let before = self.head.len();
        self.head.extend_from_slice(bytes);
        let Some(end) = self.head.windows(4).position(|four| four == b"\r\n\r\n") else {
            if self.head.len() > MAX_HEAD {
                return Err("an answer's head does not end".into());
            }
            return Ok(bytes.len());
        };
        let head = std::str::from_utf8(&self.head[..end])?.to_ascii_lowercase();
        self.status = head.get(9..12).ok_or("an answer without status")?.parse()?;
        if self.status != 200 {
            let answer = String::from_utf8_lossy(&self.head).into_owned();
            return Err(format!("a stream was refused: {answer}").into());
        }
        let chunked = head.contains("\r\ntransfer-encoding: chunked");
        self.stage = if chunked { Stage::Size(None) } else { Stage::Plain };
        self.head = Vec::new();
        Ok(end + 4 - before)
    }

    fn search(&mut self, bytes: &[u8], now: u64, mut samples: Option<&mut Vec<Sample>>) {
        let finder: &Finder<'_> = match self.count {
            Count::Ids => &ID,
            Count::Marks => &BY_MARK,
        };
        let needle = finder.needle().len();
        if !self.carry.is_empty() && self.search_carry(finder, bytes, now, samples.as_deref_mut()) {
            return;
        }
        for at in finder.find_iter(bytes) {
            if !self.found(&bytes[at..], needle, now, samples.as_deref_mut()) {
                self.carry.extend_from_slice(&bytes[at..]);
                return;
            }
        }
        self.carry.extend_from_slice(&bytes[bytes.len().saturating_sub(needle - 1)..]);
    }

    /// Takes what begins in the carry and ends in these bytes; says whether it needs more than them,
    /// and so has them all.
    fn search_carry(
        &mut self,
        finder: &Finder<'_>,
        bytes: &[u8],
        now: u64,
        mut samples: Option<&mut Vec<Sample>>,
    ) -> bool {
        let needle = finder.needle().len();
        let mut carry = std::mem::take(&mut self.carry);
        let old = carry.len();
        // Most often a few bytes are enough.
        for limit in [MAX_VALUE + needle, NEAR + MAX_VALUE + needle] {
            let more = bytes.len().min(limit);
            carry.truncate(old);
            carry.extend_from_slice(&bytes[..more]);
            let within = carry.len().min(old + needle - 1);
            let from = match finder.find(&carry[..within]) {
                Some(at) if self.found(&carry[at..], needle, now, samples.as_deref_mut()) => {
                    return false;
                }
                Some(at) => at,
                None if more >= needle => return false,
                None => carry.len().saturating_sub(needle - 1),
            };
            if more == bytes.len() {
                carry.drain(..from);
                self.carry = carry;
                return true;
            }
        }
        false
    }

    /// Takes what begins with what was searched for; says whether its value was whole.
    fn found(
        &mut self,
        bytes: &[u8],
        needle: usize,
        now: u64,
        samples: Option<&mut Vec<Sample>>,
    ) -> bool {
        let value = &bytes[needle..];
        let stamp = match self.count {
            Count::Ids => {
                let value_end = memchr::memchr(b'\n', &value[..value.len().min(MAX_VALUE)]);
                let Some(end) = value_end else { return value.len() >= MAX_VALUE };
                let stamp = if samples.is_some() {
                    let near = &value[end..value.len().min(end + NEAR)];
                    match near_mark(near) {
                        Some(stamp) => stamp,
                        None if near.len() == NEAR => None,
                        None => return false,
                    }
                } else {
                    None
                };
                self.number(number(&value[..end]));
                stamp
            }
            Count::Marks => {
                if value.len() < MARK_BYTES {
                    return false;
                }
                let stamp = mark(value);
                self.number(stamp.map(|(number, _)| number));
                stamp
            }
        };
        if let (Some(samples), Some((number, sent))) = (samples, stamp)
            && number > self.marked
        {
            self.marked = number;
            samples.push(Sample { number, sent, got: now });
        }
        true
    }

    fn number(&mut self, number: Option<u64>) {
        match (number, self.last) {
            (Some(number), None) => self.last = Some(number),
            // On resume the first frame says the accepted id again.
            (Some(number), Some(last)) if number == last && self.delivered == 0 => {}
            (Some(number), Some(last)) => {
                self.delivered += 1;
                self.breaks += u64::from(number != last + 1);
                self.last = Some(number);
            }
            (None, _) => self.breaks += 1,
        }
    }
}

/// The mark of the event whose id these bytes follow, or that it has none; nothing if neither can be
/// said yet.
fn near_mark(bytes: &[u8]) -> Option<Option<(u64, u64)>> {
    match (BY_MARK.find(bytes), memchr::memmem::find(bytes, b"\n\n")) {
        (Some(at), end) if end.is_none_or(|end| at < end) => {
            mark(&bytes[at + MARK.len()..]).map(Some)
        }
        (_, Some(_)) => Some(None),
        (_, None) => None,
    }
}

/// The number in `<number>` or `<epoch>.<number>`.
fn number(id: &[u8]) -> Option<u64> {
    let from = memchr::memrchr(b'.', id).map_or(0, |at| at + 1);
    let digits = id.get(from..)?;
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    Some(digits.iter().fold(0, |sum, digit| sum * 10 + u64::from(digit - b'0')))
}

/// What one byte of a chunk's size makes of what is known of it.
fn size(known: Option<usize>, byte: u8) -> Result<Stage, Error> {
    Ok(match (known, char::from(byte).to_digit(16)) {
        (known, Some(digit)) => Stage::Size(Some(known.unwrap_or(0) * 16 + digit as usize)),
        (Some(0), None) if byte == b'\n' => Stage::End,
        (Some(size), None) if byte == b'\n' => Stage::Chunk(size),
        (known, None) if byte == b'\r' || byte == b'\n' => Stage::Size(known),
        _ => return Err("a chunk's size is no number".into()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use nexus_bench::report::body;

    fn frame(number: u64) -> String {
        format!("event: report\nid: abcdefgh.{number}\ndata: {}\n\n", body(number, 7 * number))
    }

    /// An answer in chunks of this size.
    fn answer(text: &str, chunk: usize) -> Vec<u8> {
        let mut out = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
        for piece in text.as_bytes().chunks(chunk) {
            out.extend(format!("{:x}\r\n", piece.len()).bytes());
            out.extend(piece);
            out.extend(b"\r\n");
        }
        out.extend(b"0\r\n\r\n");
        out
    }

    #[test]
    fn reports_are_counted_wherever_reads_and_chunks_are_cut() {
        let mut text = "retry: 1000\n: nexus\n\nid: abcdefgh.4\n\n".to_owned();
        text.extend((5..=9).map(frame));
        for count in [Count::Ids, Count::Marks] {
            for chunk in [1, 2, 7, 50, 400, 10_000] {
                for read in [1, 3, 64, 333, 10_000] {
                    let mut reader = Reader::new(count, Some(4));
                    let mut samples = Vec::new();
                    for bytes in answer(&text, chunk).chunks(read) {
                        reader.take(bytes, 1, None).unwrap();
                    }
                    let mut sampling = Reader::new(count, Some(4));
                    for bytes in answer(&text, chunk).chunks(read) {
                        sampling.take(bytes, 1, Some(&mut samples)).unwrap();
                    }
                    let numbers: Vec<u64> = samples.iter().map(|one| one.number).collect();
                    assert_eq!(numbers, [5, 6, 7, 8, 9], "{count:?} {chunk} {read}");
                    assert_eq!((sampling.delivered, sampling.breaks), (5, 0));
                    assert_eq!(
                        (reader.delivered, reader.breaks),
                        (5, 0),
                        "{count:?} {chunk} {read}"
                    );
                    assert!(reader.is_up() && reader.is_over());
                }
            }
        }
    }

    #[test]
    fn what_is_lost_or_doubled_shows() {
        let text: String = [1, 2, 2, 4].map(frame).concat();
        let mut reader = Reader::new(Count::Ids, Some(0));
        reader.take(&answer(&text, 100_000), 1, None).unwrap();
        assert_eq!((reader.delivered, reader.breaks), (4, 2));
    }

    #[test]
    fn a_sample_is_a_report_with_both_of_its_times() {
        for count in [Count::Ids, Count::Marks] {
            let mut samples = Vec::new();
            let mut reader = Reader::new(count, Some(0));
            reader.take(&answer(&frame(1), 100_000), 99, Some(&mut samples)).unwrap();
            assert_eq!((samples[0].number, samples[0].sent, samples[0].got), (1, 7, 99));
        }
    }
}
