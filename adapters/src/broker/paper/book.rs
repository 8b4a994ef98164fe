//! The paper broker's book: what it was asked and what it answered, on disk before anybody hears of it.
//!
//! ```text
//! file    "GENOVO PAPER BOOK 1\n" · frame · frame · …
//! frame   length u32 · checksum 8 bytes · record            little-endian
//! record  market u64 · tag u8 · time i64 · canonical bytes of an event
//! checksum = the first 8 bytes of BLAKE3(checksum of the frame before ‖ record)
//! ```
//!
//! `market` is how many market events of the session the broker had seen, so that the same market shown again meets
//! the same requests in the same places and gives the same answers. The book belongs to one process at a time.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use genovo_engine::canonical::{self, Input};
use genovo_engine::event::Event;
use genovo_engine::units::Timestamp;

const MAGIC: &[u8] = b"GENOVO PAPER BOOK 1\n";
const FRAME: usize = 12;
const RECORD: usize = 17;
/// No record comes near it: a longer one is damage.
const RECORD_MAX: usize = 1 << 20;

/// What survives when the machine, not only the program, goes down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// What a killed process has written.
    Process,
    /// What a power failure leaves: every write waits for the disk.
    Disk,
}

/// What a record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Tag {
    /// An order, or a cancel, came in; `time` is when it takes effect.
    Asked = 1,
    /// The broker answered.
    Answered = 2,
    /// The clock reached `time` and made requests take effect.
    Clock = 3,
}

/// One record.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// Market events seen before it.
    pub market: u64,
    /// What it is.
    pub tag: Tag,
    /// See [`Tag`].
    pub time: Timestamp,
    /// The request, the answer, or for the clock a timer.
    pub event: Event,
}

/// Why a book cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum BookError {
    /// The system says no.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Another process has it.
    #[error("{} belongs to a running process", path.display())]
    Locked {
        /// Which book.
        path: PathBuf,
    },
    /// It is no book of this version.
    #[error("{} is no paper book of version 1", path.display())]
    NotABook {
        /// Which file.
        path: PathBuf,
    },
    /// A record was changed.
    #[error("{}: the record at byte {at} is damaged: {problem}", path.display())]
    Damaged {
        /// Which book.
        path: PathBuf,
        /// Where the frame begins.
        at: u64,
        /// What is wrong.
        problem: String,
    },
    /// The market that was shown is not the one that the book was written on.
    #[error("{}: the market is not the one that this book was written on: {problem}", path.display())]
    OtherMarket {
        /// Which book.
        path: PathBuf,
        /// What differs.
        problem: String,
    },
}

/// How long a lock is waited for. A program that this process is starting has a share in every lock for the moment
/// until it is that program: in one that was just given back, too.
const PATIENCE: Duration = Duration::from_millis(500);

/// The open book.
#[derive(Debug)]
pub struct Book {
    path: PathBuf,
    file: File,
    durability: Durability,
    checksum: [u8; 8],
    frame: Vec<u8>,
}

impl Book {
    /// Opens the book, or begins it, and reads what is in it. A last record that was cut off while it was written is
    /// taken away: nobody ever heard of it.
    pub fn open(path: &Path, durability: Durability) -> Result<(Book, Vec<Record>), BookError> {
        let io = |action| move |source| BookError::Io { action, path: path.to_owned(), source };
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
            .map_err(io("open"))?;
        let begun = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) if begun.elapsed() < PATIENCE => {
                    thread::sleep(Duration::from_millis(1));
                }
                Err(TryLockError::WouldBlock) => return Err(BookError::Locked { path: path.to_owned() }),
                Err(TryLockError::Error(source)) => return Err(io("lock")(source)),
            }
        }
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(io("read"))?;
        let mut book = Book { path: path.to_owned(), file, durability, checksum: [0; 8], frame: Vec::new() };
        if bytes.len() < MAGIC.len() && MAGIC.starts_with(&bytes) {
            book.file.seek(SeekFrom::Start(0)).map_err(io("write"))?;
            book.file.write_all(MAGIC).map_err(io("write"))?;
            book.sync()?;
            if let Some(folder) = path.parent() {
                File::open(folder).and_then(|folder| folder.sync_all()).map_err(io("sync the folder of"))?;
            }
            return Ok((book, Vec::new()));
        }
        let Some(frames) = bytes.strip_prefix(MAGIC) else {
            return Err(BookError::NotABook { path: path.to_owned() });
        };
        let (records, whole) = book.read(frames)?;
        let end = (MAGIC.len() + whole) as u64;
        book.file.set_len(end).map_err(io("cut"))?;
        book.file.seek(SeekFrom::Start(end)).map_err(io("read"))?;
        Ok((book, records))
    }

    /// Every whole record, and how many bytes they take.
    fn read(&mut self, frames: &[u8]) -> Result<(Vec<Record>, usize), BookError> {
        let (mut records, mut at) = (Vec::new(), 0);
        while at < frames.len() {
            let damaged = |problem: &str| BookError::Damaged {
                path: self.path.clone(),
                at: (MAGIC.len() + at) as u64,
                problem: problem.to_string(),
            };
            let rest = &frames[at..];
            let Some((head, body)) = rest.split_first_chunk::<FRAME>() else { break };
            let length = u32::from_le_bytes([head[0], head[1], head[2], head[3]]) as usize;
            if length > body.len() {
                // Cut off, unless the record is there and only its length was changed.
                let whole = |length: usize| head[4..] == checksum(self.checksum, &body[..length]);
                if length > RECORD_MAX || (RECORD..=body.len()).any(whole) {
                    return Err(damaged("its length is not the record's"));
                }
                break;
            }
            let body = &body[..length];
            let checksum = checksum(self.checksum, body);
            if head[4..] != checksum {
                if at + FRAME + length == frames.len() {
                    break;
                }
                return Err(damaged("its checksum differs"));
            }
            records.push(decode(body).ok_or_else(|| damaged("it cannot be read"))?);
            self.checksum = checksum;
            at += FRAME + length;
        }
        Ok((records, at))
    }

    /// Writes records at the end; they survive what the durability promises once this returns.
    pub fn write(&mut self, records: &[Record]) -> Result<(), BookError> {
        self.frame.clear();
        for record in records {
            let start = self.frame.len();
            self.frame.extend_from_slice(&[0; FRAME]);
            self.frame.extend_from_slice(&record.market.to_le_bytes());
            self.frame.push(record.tag as u8);
            self.frame.extend_from_slice(&record.time.0.to_le_bytes());
            canonical::encode(&record.event, &mut self.frame);
            let length = self.frame.len() - start - FRAME;
            self.checksum = checksum(self.checksum, &self.frame[start + FRAME..]);
            self.frame[start..start + 4].copy_from_slice(&(length as u32).to_le_bytes());
            self.frame[start + 4..start + FRAME].copy_from_slice(&self.checksum);
        }
        let path = &self.path;
        self.file.write_all(&self.frame).map_err(|source| BookError::Io {
            action: "write",
            path: path.clone(),
            source,
        })?;
        match self.durability {
            Durability::Process => Ok(()),
            Durability::Disk => self.sync(),
        }
    }

    fn sync(&self) -> Result<(), BookError> {
        let failed = |source| BookError::Io { action: "sync", path: self.path.clone(), source };
        self.file.sync_data().map_err(failed)
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// Reads a book without opening it for writing, as an auditor does: every whole record.
pub fn read(path: &Path) -> Result<Vec<Record>, BookError> {
    let io = |source| BookError::Io { action: "read", path: path.to_owned(), source };
    let bytes = std::fs::read(path).map_err(io)?;
    let frames = bytes.strip_prefix(MAGIC).ok_or_else(|| BookError::NotABook { path: path.to_owned() })?;
    let mut book = Book {
        path: path.to_owned(),
        file: File::open(path).map_err(io)?,
        durability: Durability::Process,
        checksum: [0; 8],
        frame: Vec::new(),
    };
    Ok(book.read(frames)?.0)
}

fn checksum(before: [u8; 8], record: &[u8]) -> [u8; 8] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&before);
    hasher.update(record);
    let mut checksum = [0; 8];
    checksum.copy_from_slice(&hasher.finalize().as_bytes()[..8]);
    checksum
}

fn decode(record: &[u8]) -> Option<Record> {
    let (head, bytes) = record.split_first_chunk::<RECORD>()?;
    let long = |at: usize| head[at..at + 8].try_into().map(u64::from_le_bytes).ok();
    let tag = match head[8] {
        1 => Tag::Asked,
        2 => Tag::Answered,
        3 => Tag::Clock,
        _ => return None,
    };
    let mut input = Input::new(bytes);
    let event = canonical::decode(&mut input).ok()?;
    input.rest().is_empty().then_some(())?;
    Some(Record { market: long(0)?, tag, time: Timestamp(long(9)? as i64), event })
}

#[cfg(test)]
mod tests {
    use super::*;
    use genovo_engine::event::{Fact, OrderNotice};
    use genovo_engine::ids::{InstrumentId, OrderId};

    fn record(number: u64) -> Record {
        let fact = Fact::OrderAccepted(OrderNotice { order: OrderId(number) });
        let event = Event::unnumbered(Timestamp(5), Timestamp(6), InstrumentId(1), fact);
        Record { market: number, tag: Tag::Answered, time: Timestamp(-3), event }
    }

    fn written(path: &Path) -> Vec<Record> {
        let records: Vec<Record> = (1..=5).map(record).collect();
        let (mut book, none) = Book::open(path, Durability::Disk).unwrap();
        assert!(none.is_empty());
        book.write(&records[..2]).unwrap();
        book.write(&records[2..]).unwrap();
        records
    }

    #[test]
    fn it_reads_what_it_wrote_and_belongs_to_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("book");
        let records = written(&path);
        let (book, read_back) = Book::open(&path, Durability::Process).unwrap();
        assert_eq!(read_back, records);
        assert!(matches!(Book::open(&path, Durability::Process), Err(BookError::Locked { .. })));
        assert_eq!(read(&path).unwrap(), records, "an auditor needs no lock");
        // Who has it for a moment longer is waited for.
        let releasing = thread::spawn(move || {
            thread::sleep(Duration::from_millis(20));
            drop(book);
        });
        Book::open(&path, Durability::Process).unwrap();
        releasing.join().unwrap();
    }

    #[test]
    fn wherever_it_is_cut_off_the_whole_records_are_kept_and_it_goes_on() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("book");
        let records = written(&path);
        let bytes = std::fs::read(&path).unwrap();
        for length in 0..=bytes.len() {
            std::fs::write(&path, &bytes[..length]).unwrap();
            let (mut book, kept) = Book::open(&path, Durability::Process).unwrap();
            assert_eq!(kept, records[..kept.len()], "cut at {length}");
            book.write(&[record(9)]).unwrap();
            drop(book);
            let (_, again) = Book::open(&path, Durability::Process).unwrap();
            assert_eq!(again.len(), kept.len() + 1, "cut at {length}");
        }
    }

    #[test]
    fn a_changed_bit_is_found_or_is_the_last_record() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("book");
        let records = written(&path);
        let bytes = std::fs::read(&path).unwrap();
        let frame = (bytes.len() - MAGIC.len()) / 5;
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1 << (at % 8);
            std::fs::write(&path, &changed).unwrap();
            match Book::open(&path, Durability::Process) {
                Err(BookError::NotABook { .. }) => assert!(at < MAGIC.len()),
                Err(BookError::Damaged { .. }) => {}
                Ok((_, kept)) => {
                    assert_eq!(kept, records[..kept.len()], "byte {at}");
                    assert_eq!(kept.len(), 4, "byte {at}");
                    assert!(at >= bytes.len() - frame, "byte {at}");
                }
                Err(error) => panic!("byte {at}: {error}"),
            }
        }
    }
}
