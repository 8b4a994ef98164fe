//! The writer: takes events, keeps blocks, seals.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use genovo_engine::event::Event;
use genovo_engine::ids::{Hash, Sequence};
use genovo_engine::log::{Log, LogError};

use crate::block::BlockWriter;
use crate::chain::{Chain, Fit};
use crate::chapter::{BLOCKS_MAGIC, BlockFile, Paths, expect_empty, hash_file, make_known, sync_files};
use crate::disk::{Disk, RealDisk};
use crate::error::Error;
use crate::group::{EVENT_BYTES_MAX, Group};
use crate::identity::Identity;
use crate::index::IndexBuilder;
use crate::seal::{Before, Seal};
use crate::store::Store;
use crate::storing::Storing;
use crate::verify::{Follower, follow_file};

/// Writes a journal. It is a backtest's log: blocks go to the store as they fill, and only [`Writer::finish`]
/// makes a journal of them. Dropped without it, or after an error, what lies there is incomplete and every
/// reader says so.
///
/// A live journal's blocks are made by the same writer, one for each chapter.
pub struct Writer {
    paths: Paths,
    disk: Arc<dyn Disk>,
    chain: Chain,
    group: Group,
    packer: BlockWriter,
    block: Vec<u8>,
    file: File,
    store: Storing,
    index: IndexBuilder,
    seal: Seal,
    stopped: bool,
}

/// What [`Writer::finish`] sealed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed {
    /// The last hash of the content chain: the journal in 32 bytes.
    pub head_hash: Hash,
    /// Events written.
    pub events: u64,
    /// Blocks written.
    pub blocks: u64,
    /// Bytes of `chapter.blocks`.
    pub blocks_bytes: u64,
    /// Bytes of all files of the store.
    pub store_bytes: u64,
}

impl Writer {
    /// Begins a journal in a directory that is empty or not there yet.
    pub fn create(journal: &Path, identity: &Identity) -> Result<Writer, Error> {
        let paths = Paths::new(journal);
        expect_empty(journal)?;
        identity.write(&RealDisk, &paths.identity)?;
        fs::create_dir(&paths.chapter).map_err(Error::io("create", &paths.chapter))?;
        Writer::chapter(paths, Arc::new(RealDisk), Before::default())
    }

    /// Begins the blocks of a chapter that is there, after those before it.
    pub(crate) fn chapter(paths: Paths, disk: Arc<dyn Disk>, before: Before) -> Result<Writer, Error> {
        let mut file = File::create_new(&paths.blocks).map_err(Error::io("create", &paths.blocks))?;
        file.write_all(BLOCKS_MAGIC).map_err(Error::io("write", &paths.blocks))?;
        let store = Storing::spawn(Store::open(&paths.store)?)?;
        Ok(Writer {
            chain: Chain::after(before.head),
            group: Group::default(),
            packer: BlockWriter::default(),
            block: Vec::new(),
            file,
            store,
            index: IndexBuilder::default(),
            seal: Seal { chapter: paths.number, before, ..Seal::default() },
            stopped: false,
            paths,
            disk,
        })
    }

    /// Takes one event; its sequence is higher than the last one's. After an error nothing more is taken.
    #[inline]
    pub fn append(&mut self, event: &Event) -> Result<(), Error> {
        let sequence = event.header.sequence;
        if self.stopped {
            return Err(Error::Stopped { path: self.paths.journal.clone() });
        }
        if sequence <= self.seal.last_sequence && self.seal.events > 0 {
            return self.stop(Error::OutOfOrder { sequence, after: self.seal.last_sequence });
        }
        let (fit, start) = self.chain.add(event);
        let bytes = self.chain.bytes_from(start);
        if bytes > EVENT_BYTES_MAX {
            return self.stop(Error::EventTooLarge { sequence, bytes, limit: EVENT_BYTES_MAX });
        }
        if fit != Fit::Inside {
            return self.append_at_an_end(event, fit, start);
        }
        self.take(event);
        Ok(())
    }

    /// How many events were taken.
    pub fn events(&self) -> u64 {
        self.seal.events
    }

    /// The hash of the last closed group.
    pub fn head(&self) -> Hash {
        self.chain.head()
    }

    /// Waits until every block that is full lies in the store.
    pub fn settle(&mut self) -> Result<(), Error> {
        match self.store.settle() {
            Ok(()) => Ok(()),
            Err(error) => self.stop(error),
        }
    }

    /// Writes what is open, proves that the store holds every event, and seals.
    ///
    /// Every block is read back from the reopened store and compared byte by byte with `chapter.blocks`,
    /// whose events are decoded, encoded canonically again and compared with the chain. Only then is there a
    /// `seal.toml`.
    pub fn finish(self) -> Result<Sealed, Error> {
        self.finish_chapter(false)
    }

    /// The same for a chapter; `continues` says that another one follows.
    pub(crate) fn finish_chapter(mut self, continues: bool) -> Result<Sealed, Error> {
        if self.stopped {
            return Err(Error::Stopped { path: self.paths.journal });
        }
        if !self.group.is_empty() {
            let previous = self.chain.head();
            let content = self.chain.close();
            self.write_group(previous, content)?;
        }
        let Writer { paths, disk, chain, file, store, index, mut seal, .. } = self;
        drop(file);
        disk.sync_file(&paths.blocks).map_err(Error::io("sync", &paths.blocks))?;
        seal.continues = continues;
        seal.head_hash = chain.head();
        let (_, identity) = hash_file(&paths.identity)?;
        seal.identity = identity;
        close_and_compare(&*disk, store.finish()?, index, &paths, &paths.store)?;
        follow_file(&paths, &seal, &mut Follower::of(&seal))?;
        make_known(&*disk, &paths.chapter)?;
        make_known(&*disk, &paths.journal)?;
        write_seal(&*disk, &paths, seal)
    }

    #[cold]
    fn append_at_an_end(&mut self, event: &Event, fit: Fit, start: usize) -> Result<(), Error> {
        let previous = self.chain.head();
        let mut last = fit == Fit::Last;
        if fit == Fit::Beyond {
            let content = self.chain.close_before(start);
            if let Err(error) = self.write_group(previous, content) {
                return self.stop(error);
            }
            last = self.chain.is_last(event);
        }
        self.take(event);
        if last {
            let previous = self.chain.head();
            let content = self.chain.close();
            if let Err(error) = self.write_group(previous, content) {
                return self.stop(error);
            }
        }
        Ok(())
    }

    #[inline]
    fn take(&mut self, event: &Event) {
        if self.seal.events == 0 {
            self.seal.first_sequence = event.header.sequence;
        }
        self.seal.events += 1;
        self.seal.last_sequence = event.header.sequence;
        self.index.event(event);
        self.group.push(event);
    }

    fn write_group(&mut self, previous: Hash, content: Hash) -> Result<(), Error> {
        // The event that did not fit is not counted yet, so this is the number of the group's first event.
        let first_number = self.seal.before.events + self.seal.events - self.group.len() as u64 + 1;
        let first = self.group.sequence(0).unwrap_or(Sequence::NONE);
        let header = self
            .packer
            .write(&mut self.group, first_number, previous, content, &mut self.block)
            .map_err(|source| Error::Packing { first, source })?;
        self.file.write_all(&self.block).map_err(Error::io("write", &self.paths.blocks))?;
        self.store.insert(header.first_sequence, &mut self.block)?;
        self.seal.blocks += 1;
        self.group.clear();
        Ok(())
    }

    #[cold]
    fn stop(&mut self, error: Error) -> Result<(), Error> {
        self.stopped = true;
        Err(error)
    }
}

impl Log for Writer {
    #[inline]
    fn append(&mut self, event: &Event) -> Result<(), LogError> {
        Writer::append(self, event).map_err(LogError::new)
    }

    /// A backtest's journal promises nothing before its seal: after a crash the run is simply run again.
    fn commit(&mut self) -> Result<(), LogError> {
        Ok(())
    }
}

/// Writes the indexes, closes the store, reopens it once, which writes sled's snapshot, compares it with
/// `chapter.blocks`, and brings its files to the disk.
pub(crate) fn close_and_compare(
    disk: &dyn Disk,
    store: Store,
    index: IndexBuilder,
    paths: &Paths,
    directory: &Path,
) -> Result<(), Error> {
    index.write(&store)?;
    store.close()?;
    let mut store = Store::open(directory)?;
    compare(&mut store, paths)?;
    store.close()?;
    sync_files(disk, directory)
}

/// Compares every block of a store with `chapter.blocks`, byte by byte.
pub(crate) fn compare(store: &mut Store, paths: &Paths) -> Result<(), Error> {
    let file = BlockFile::open(&paths.blocks)?;
    let mut at = file.start();
    let mut expected = Vec::new();
    store.blocks(|first, block| {
        let wrong =
            |problem: &str| Err(Error::damaged(&paths.store, format!("the block at key {first} {problem}")));
        let Some(header) = file.header(at)? else { return wrong("is not in chapter.blocks") };
        file.block(at, header.block_bytes(), &mut expected)?;
        if header.first_sequence != first || expected != block {
            return wrong("is not that of chapter.blocks");
        }
        at += header.block_bytes();
        Ok(())
    })?;
    match at == file.length() {
        true => Ok(()),
        false => Err(Error::damaged(&paths.store, "holds fewer blocks than chapter.blocks")),
    }
}

/// Hashes every file and writes the seal.
pub(crate) fn write_seal(disk: &dyn Disk, paths: &Paths, mut seal: Seal) -> Result<Sealed, Error> {
    seal.files = Seal::hash_files(paths)?;
    seal.write(disk, &paths.seal)?;
    let of_blocks = |name: &str| paths.chapter.join(name) == paths.blocks;
    let bytes = |blocks: bool| {
        seal.files.iter().filter(|file| of_blocks(&file.name) == blocks).map(|file| file.bytes).sum()
    };
    Ok(Sealed {
        head_hash: seal.head_hash,
        events: seal.events,
        blocks: seal.blocks,
        blocks_bytes: bytes(true),
        store_bytes: bytes(false),
    })
}
