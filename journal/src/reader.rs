//! The reader: a sealed journal, opened without changing a byte of it.
//!
//! Events are read from `chapter.blocks`, which any number of readers share; the store answers through a
//! private copy (`docs/decisions/0002-how-a-sealed-store-is-read.md`). Memory stays at a block a reader and
//! an entry a block.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use genovo_engine::event::{Event, Fact, Kind, RunStarted};
use genovo_engine::ids::{Hash, OrderId, Sequence};
use genovo_engine::units::{Quantity, Timestamp};

use crate::block::{BlockHeader, BlockReader, KindSet};
use crate::chapter::{BlockFile, Paths};
use crate::disk::RealDisk;
use crate::error::Error;
use crate::group::{GROUP_EVENTS_MAX, Group, Optional};
use crate::identity::Identity;
use crate::index::{self, IndexBuilder};
use crate::seal::{Before, Seal};
use crate::store::{Store, StoreCopy};
use crate::verify::Follower;
use crate::writer::{Sealed, close_and_compare, write_seal};

/// A sealed journal. Cloning it is cheap; every iterator holds on to it.
#[derive(Clone, Debug)]
pub struct Journal {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    path: PathBuf,
    identity: Identity,
    chapters: Vec<Chapter>,
    blocks: Vec<Entry>,
}

#[derive(Debug)]
struct Chapter {
    paths: Paths,
    seal: Seal,
    file: BlockFile,
}

/// Where a block lies and what it holds.
#[derive(Clone, Copy, Debug)]
struct Entry {
    /// Its place in the chapters.
    chapter: u32,
    at: u64,
    length: u64,
    first_sequence: Sequence,
    last_sequence: Sequence,
    first_number: u64,
    kinds: KindSet,
    first_time: Timestamp,
    last_time: Timestamp,
    content: Hash,
}

/// A journal in a few numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Summary {
    /// Events in it.
    pub events: u64,
    /// Blocks in it.
    pub blocks: u64,
    /// Bytes of `chapter.blocks`.
    pub blocks_bytes: u64,
    /// Bytes of all files of the store.
    pub store_bytes: u64,
    /// The last hash of the content chain.
    pub head_hash: Hash,
    /// The first event's sequence; [`Sequence::NONE`] without events.
    pub first_sequence: Sequence,
    /// The last event's sequence.
    pub last_sequence: Sequence,
    /// The earliest `time_received`, if there are events.
    pub first_time: Option<Timestamp>,
    /// The latest `time_received`.
    pub last_time: Option<Timestamp>,
}

impl Journal {
    /// Opens a sealed journal: every file is compared with its sealed hash, and the blocks' headers with the
    /// seal.
    ///
    /// An unsealed journal is [`Error::Incomplete`]. If only the store differs, the error is
    /// [`Error::StoreDamaged`] and [`Journal::rebuild`] can help.
    pub fn open(journal: &Path) -> Result<Journal, Error> {
        let opened = Journal::open_chapters(journal, &Paths::sealed_chapters(journal)?, Before::default())?;
        match opened.inner.chapters.last() {
            Some(last) if last.seal.continues => {
                let seal = Paths::chapter(journal, last.paths.number + 1).seal;
                Err(Error::Incomplete { journal: journal.to_owned(), seal })
            }
            _ => Ok(opened),
        }
    }

    /// One sealed chapter, of which only the blocks and the seal are compared.
    pub(crate) fn open_blocks(journal: &Path, paths: &Paths, before: Before) -> Result<Journal, Error> {
        match Journal::open_chapters(journal, std::slice::from_ref(paths), before) {
            Err(Error::StoreDamaged { .. }) => {
                let seal = Seal::read(&paths.seal)?.expect(paths, &before)?;
                let file = BlockFile::open(&paths.blocks)?;
                let mut blocks = Vec::new();
                read_entries(&file, &seal, 0, &mut blocks)?;
                let identity = Identity::read(&paths.identity)?;
                let chapters = vec![Chapter { paths: paths.clone(), seal, file }];
                let path = journal.to_owned();
                Ok(Journal { inner: Arc::new(Inner { path, identity, chapters, blocks }) })
            }
            opened => opened,
        }
    }

    /// Opens some sealed chapters, the first of which comes after `before`.
    pub(crate) fn open_chapters(journal: &Path, all: &[Paths], mut before: Before) -> Result<Journal, Error> {
        let (mut chapters, mut blocks) = (Vec::new(), Vec::new());
        let mut store = None;
        for paths in all {
            let seal = Seal::read(&paths.seal)?.expect(paths, &before)?;
            let check = seal.check_files(paths)?;
            if let Some(damage) = check.blocks.or(check.identity) {
                return Err(Error::Damaged(Box::new(damage)));
            }
            store = store.or(check.store);
            let file = BlockFile::open(&paths.blocks)?;
            read_entries(&file, &seal, chapters.len() as u32, &mut blocks)?;
            before = seal.after();
            chapters.push(Chapter { paths: paths.clone(), seal, file });
        }
        if let Some(damage) = store {
            return Err(Error::StoreDamaged { path: damage.file });
        }
        let identity = Identity::read(&Paths::new(journal).identity)?;
        let path = journal.to_owned();
        Ok(Journal { inner: Arc::new(Inner { path, identity, chapters, blocks }) })
    }

    /// Makes the stores that differ from their seals anew from `chapter.blocks`, or all if none differs, and seals
    /// them again. The chain and its head stay what they were.
    pub fn rebuild(journal: &Path) -> Result<Sealed, Error> {
        let mut chapters = Vec::new();
        for paths in Paths::sealed_chapters(journal)? {
            let seal = Seal::read(&paths.seal)?;
            let check = seal.check_files(&paths)?;
            if let Some(damage) = check.blocks {
                return Err(Error::Damaged(Box::new(damage)));
            }
            chapters.push((paths, seal, check.store.is_some()));
        }
        let all = chapters.iter().all(|(_, _, differs)| !differs);
        for (paths, seal, differs) in chapters {
            if differs || all {
                rebuild_chapter(&paths, seal)?;
            }
        }
        let Summary { events, blocks, blocks_bytes, store_bytes, head_hash, .. } =
            Journal::open(journal)?.summary();
        Ok(Sealed { head_hash, events, blocks, blocks_bytes, store_bytes })
    }

    /// The directory.
    pub fn path(&self) -> &Path {
        &self.inner.path
    }

    /// Who wrote it.
    pub fn identity(&self) -> &Identity {
        &self.inner.identity
    }

    /// What was sealed, chapter by chapter.
    pub fn seals(&self) -> impl Iterator<Item = &Seal> {
        self.inner.chapters.iter().map(|chapter| &chapter.seal)
    }

    /// The journal in a few numbers.
    pub fn summary(&self) -> Summary {
        let Inner { chapters, blocks, .. } = &*self.inner;
        let files = chapters.iter().flat_map(|chapter| &chapter.seal.files);
        let all: u64 = files.map(|file| file.bytes).sum();
        let blocks_bytes: u64 = chapters.iter().map(|chapter| chapter.file.length()).sum();
        Summary {
            events: self.seals().map(|seal| seal.events).sum(),
            blocks: blocks.len() as u64,
            blocks_bytes,
            store_bytes: all.saturating_sub(blocks_bytes),
            head_hash: chapters.last().map(|last| last.seal.head_hash).unwrap_or_default(),
            first_sequence: blocks.first().map(|first| first.first_sequence).unwrap_or_default(),
            last_sequence: blocks.last().map(|last| last.last_sequence).unwrap_or_default(),
            first_time: blocks.iter().map(|entry| entry.first_time).min(),
            last_time: blocks.iter().map(|entry| entry.last_time).max(),
        }
    }

    /// How the run began; `None` if the journal begins with something else.
    pub fn run_started(&self) -> Result<Option<RunStarted>, Error> {
        Ok(match self.events().next().transpose()?.map(|event| event.fact) {
            Some(Fact::RunStarted(started)) => Some(*started),
            _ => None,
        })
    }

    /// Every event in order, a block at a time.
    pub fn events(&self) -> Events {
        self.events_of(0, Sequence::NONE)
    }

    /// The events from `sequence` on.
    pub fn events_from(&self, sequence: Sequence) -> Events {
        let block = self.inner.blocks.partition_point(|entry| entry.last_sequence < sequence);
        self.events_of(block, sequence)
    }

    /// The blocks that may hold a kind that `wanted` names, event by event; others are passed by unread.
    pub fn events_of_kinds(&self, wanted: &[Kind]) -> impl Iterator<Item = Result<Event, Error>> + use<> {
        let wanted = wanted.to_vec();
        let mut events = self.events();
        events.wanted = wanted.clone();
        events.filter(move |event| match event {
            Ok(event) => wanted.contains(&event.fact.kind()),
            Err(_) => true,
        })
    }

    /// How many blocks from the start have the same events in both.
    pub(crate) fn agrees_until(&self, other: &Journal) -> usize {
        let pairs = self.inner.blocks.iter().zip(&other.inner.blocks);
        pairs.take_while(|(a, b)| a.content == b.content).count()
    }

    /// The events after so many blocks.
    pub(crate) fn events_after(&self, blocks: usize) -> Events {
        self.events_of(blocks, Sequence::NONE)
    }

    fn events_of(&self, block: usize, from: Sequence) -> Events {
        let reader = BlockReader::default();
        let wanted = Vec::new();
        Events { journal: self.clone(), next: block, from, wanted, reader, bytes: Vec::new() }
    }

    /// The events as columns, a block at a time.
    pub fn block_columns(&self) -> ColumnBlocks {
        ColumnBlocks {
            journal: self.clone(),
            next: 0,
            reader: BlockReader::default(),
            bytes: Vec::new(),
            sequences: Vec::new(),
            times: Vec::new(),
            received: Vec::new(),
            instruments: Vec::new(),
        }
    }

    /// The event at `sequence`.
    pub fn get(&self, sequence: Sequence) -> Result<Option<Event>, Error> {
        let event = self.events_from(sequence).next().transpose()?;
        Ok(event.filter(|event| event.header.sequence == sequence))
    }

    /// The event with this number, counted from 1.
    pub fn by_number(&self, number: u64) -> Result<Option<Event>, Error> {
        let after = self.inner.blocks.partition_point(|entry| entry.first_number <= number);
        let Some(block) = after.checked_sub(1) else { return Ok(None) };
        let skip = number - self.inner.blocks[block].first_number;
        match usize::try_from(skip) {
            Ok(skip) if skip < GROUP_EVENTS_MAX => {
                self.events_of(block, Sequence::NONE).nth(skip).transpose()
            }
            _ => Ok(None),
        }
    }

    /// The number of the event at `sequence`, counted from 1.
    pub fn number_of(&self, sequence: Sequence) -> Result<Option<u64>, Error> {
        let block = self.inner.blocks.partition_point(|entry| entry.last_sequence < sequence);
        let Some(entry) = self.inner.blocks.get(block) else { return Ok(None) };
        let mut reader = BlockReader::default();
        self.read_block(block, &mut reader, &mut Vec::new())?;
        let sequences = &reader.group().sequences;
        let row = sequences.iter().position(|&at| at as u64 == sequence.0);
        Ok(row.map(|row| entry.first_number + row as u64))
    }

    /// The first sequence of the block in which `time` is reached, by `time_received`.
    pub fn sequence_at(&self, time: Timestamp) -> Option<Sequence> {
        let reached = self.inner.blocks.iter().find(|entry| entry.last_time >= time)?;
        Some(reached.first_sequence)
    }

    /// The sequences of all events that name an order, from the store's index.
    pub fn order_events(&self, order: OrderId) -> Result<Vec<Sequence>, Error> {
        let mut sequences = Vec::new();
        for chapter in &self.inner.chapters {
            let mut copy = StoreCopy::open(&chapter.paths.store)?;
            if let Some(store) = copy.store() {
                sequences.append(&mut index::order_events(store, order)?);
            }
        }
        Ok(sequences)
    }

    fn read_block(&self, block: usize, reader: &mut BlockReader, bytes: &mut Vec<u8>) -> Result<(), Error> {
        let Inner { chapters, blocks, .. } = &*self.inner;
        let Some(entry) = blocks.get(block) else { return Ok(()) };
        let file = &chapters[entry.chapter as usize].file;
        file.block(entry.at, entry.length, bytes)?;
        reader.read(bytes).map_err(|error| {
            Error::damaged(file.path(), format!("block {} of {}: {error}", block + 1, blocks.len()))
        })?;
        Ok(())
    }
}

/// Makes a chapter's store anew.
fn rebuild_chapter(paths: &Paths, seal: Seal) -> Result<(), Error> {
    let beside = paths.chapter.join("store.new");
    if beside.exists() {
        std::fs::remove_dir_all(&beside).map_err(Error::io("remove", &beside))?;
    }
    let mut store = Store::open(&beside)?;
    let mut index = IndexBuilder::default();
    let mut follower = Follower::of(&seal);
    let file = BlockFile::open(&paths.blocks)?;
    let (mut at, mut block) = (file.start(), Vec::new());
    while let Some(header) = file.header(at)? {
        file.block(at, header.block_bytes(), &mut block)?;
        follower.follow_with(&block, &paths.blocks, |event| index.event(event))?;
        store.insert(header.first_sequence, &block)?;
        at += header.block_bytes();
    }
    follower.expect_end(&seal, &paths.blocks)?;
    close_and_compare(&RealDisk, store, index, paths, &beside)?;
    if paths.store.exists() {
        std::fs::remove_dir_all(&paths.store).map_err(Error::io("remove", &paths.store))?;
    }
    std::fs::rename(&beside, &paths.store).map_err(Error::io("rename to", &paths.store))?;
    write_seal(&RealDisk, paths, seal).map(|_| ())
}

/// Adds the headers of all blocks of a chapter, if they fit one another and the seal.
fn read_entries(file: &BlockFile, seal: &Seal, chapter: u32, blocks: &mut Vec<Entry>) -> Result<(), Error> {
    let before = blocks.len();
    let (mut at, mut number, mut head) = (file.start(), seal.before.events, seal.before.head);
    while let Some(header) = file.header(at)? {
        let BlockHeader { first_sequence, last_sequence, first_number, kinds, first_time, last_time, .. } =
            header;
        let rises = blocks.last().is_none_or(|last| last.last_sequence < first_sequence);
        if !rises || first_sequence > last_sequence {
            return Err(Error::damaged(file.path(), format!("sequences do not rise at {first_sequence}")));
        }
        if first_number != number + 1 || header.previous != head.0[..16] {
            return Err(Error::damaged(
                file.path(),
                format!("a block is missing before sequence {first_sequence}"),
            ));
        }
        let length = header.block_bytes();
        blocks.push(Entry {
            chapter,
            at,
            length,
            first_sequence,
            last_sequence,
            first_number,
            kinds,
            first_time,
            last_time,
            content: header.content,
        });
        at += length;
        number = header.last_number();
        head = header.content;
    }
    let count = (blocks.len() - before) as u64;
    if number != seal.after().events || count != seal.blocks || head != seal.head_hash {
        return Err(Error::damaged(file.path(), "holds other blocks than were sealed"));
    }
    Ok(())
}

/// The events of a journal in order; ends after an error.
pub struct Events {
    journal: Journal,
    next: usize,
    from: Sequence,
    /// Blocks with none of these are passed by; empty for all.
    wanted: Vec<Kind>,
    reader: BlockReader,
    bytes: Vec<u8>,
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Events").field("journal", &self.journal.path()).field("next", &self.next).finish()
    }
}

impl Iterator for Events {
    type Item = Result<Event, Error>;

    #[inline]
    fn next(&mut self) -> Option<Result<Event, Error>> {
        loop {
            while let Some(event) = self.reader.next_event() {
                if event.header.sequence >= self.from {
                    return Some(Ok(event));
                }
            }
            if let Err(error) = self.next_block()? {
                return Some(Err(error));
            }
        }
    }
}

impl Events {
    /// Appends the next events to `batch`, `limit` at most. Appending none means that there are no more.
    pub fn fill(&mut self, batch: &mut Vec<Event>, limit: usize) -> Result<(), Error> {
        loop {
            let start = batch.len();
            if self.reader.fill(batch, limit) {
                if self.from > Sequence::NONE {
                    let before = batch[start..].partition_point(|event| event.header.sequence < self.from);
                    batch.drain(start..start + before);
                }
                if batch.len() > start {
                    return Ok(());
                }
            }
            match self.next_block() {
                Some(read) => read?,
                None => return Ok(()),
            }
        }
    }

    /// Reads the next block that is wanted; `None` at the end.
    #[cold]
    fn next_block(&mut self) -> Option<Result<(), Error>> {
        loop {
            let entry = self.journal.inner.blocks.get(self.next)?;
            let block = self.next;
            self.next += 1;
            if self.wanted.is_empty() || self.wanted.iter().any(|&kind| entry.kinds.may_hold(kind)) {
                let read = self.journal.read_block(block, &mut self.reader, &mut self.bytes);
                if read.is_err() {
                    self.next = usize::MAX;
                }
                return Some(read);
            }
        }
    }
}

/// The blocks of a journal as columns.
pub struct ColumnBlocks {
    journal: Journal,
    next: usize,
    reader: BlockReader,
    bytes: Vec<u8>,
    sequences: Vec<i64>,
    times: Vec<i64>,
    received: Vec<i64>,
    instruments: Vec<i64>,
}

impl ColumnBlocks {
    /// The next block; `None` at the end. It lends its buffers, so one block is looked at at a time.
    #[allow(clippy::should_implement_trait)] // It lends, which an iterator cannot.
    pub fn next(&mut self) -> Result<Option<BlockColumns<'_>>, Error> {
        if self.next >= self.journal.inner.blocks.len() {
            return Ok(None);
        }
        let block = self.next;
        self.next = usize::MAX;
        self.journal.read_block(block, &mut self.reader, &mut self.bytes)?;
        self.next = block + 1;
        let group = self.reader.group();
        let quotes = group.quotes.bids.len();
        if quotes > 0 && quotes < group.len() {
            let is_quote = |row: &usize| group.kinds[*row] == Kind::QuoteChanged as u8;
            let gather = |from: &[i64], to: &mut Vec<i64>| {
                to.clear();
                to.extend((0..from.len()).filter(is_quote).map(|row| from[row]));
            };
            gather(&group.sequences, &mut self.sequences);
            gather(&group.times, &mut self.times);
            gather(&group.received, &mut self.received);
            gather(&group.instruments, &mut self.instruments);
        }
        Ok(Some(BlockColumns { blocks: self, group: self.reader.group() }))
    }
}

/// One block as columns.
pub struct BlockColumns<'a> {
    blocks: &'a ColumnBlocks,
    group: &'a Group,
}

impl<'a> BlockColumns<'a> {
    /// How many events of any kind the block holds.
    pub fn events(&self) -> usize {
        self.group.len()
    }

    /// The quotes in it.
    pub fn quotes(&self) -> QuoteColumns<'a> {
        let Group { quotes, sequences, times, received, instruments, .. } = self.group;
        let only = quotes.bids.len() == self.group.len();
        let none = quotes.bids.is_empty();
        let pick = |all: &'a [i64], some: &'a [i64]| match (only, none) {
            (true, _) => all,
            (_, true) => &[],
            _ => some,
        };
        QuoteColumns {
            sequences: pick(sequences, &self.blocks.sequences),
            times: pick(times, &self.blocks.times),
            received: pick(received, &self.blocks.received),
            instruments: pick(instruments, &self.blocks.instruments),
            bids: &quotes.bids,
            asks: &quotes.asks,
            bid_sizes: SizeColumn(&quotes.bid_sizes),
            ask_sizes: SizeColumn(&quotes.ask_sizes),
        }
    }
}

/// The quotes of a block, one entry a quote in every column. Numbers are as in the units: 1e-9, nanoseconds.
#[derive(Clone, Copy)]
pub struct QuoteColumns<'a> {
    /// Sequences.
    pub sequences: &'a [i64],
    /// `time_event`.
    pub times: &'a [i64],
    /// `time_received`.
    pub received: &'a [i64],
    /// Instruments.
    pub instruments: &'a [i64],
    /// What buyers pay.
    pub bids: &'a [i64],
    /// What sellers ask.
    pub asks: &'a [i64],
    /// How much is bid for.
    pub bid_sizes: SizeColumn<'a>,
    /// How much is offered.
    pub ask_sizes: SizeColumn<'a>,
}

/// Sizes, some of which the data may lack.
#[derive(Clone, Copy)]
pub struct SizeColumn<'a>(&'a Optional);

impl SizeColumn<'_> {
    /// The size in this row, `None` where the data has none or there is no such row.
    pub fn get(&self, row: usize) -> Option<Quantity> {
        self.0.get(row)
    }
}
