//! A disk that loses power: whatever was not brought to it may be gone, torn, or there before what came first.
//!
//! Every operation is done in a real directory and written down. [`PowerDisk::cut`] makes another directory as it could
//! be found after a power loss at some operation: contents and names that were synced are there; of what was written or
//! renamed since, any part may be, in any order, torn at sectors or at bytes. Files that others write beside it (sled)
//! are known to it by what they held when they were last synced.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use genovo_journal::{Disk, DiskFile};

use super::Random;

const SECTOR: usize = 512;

/// A disk below a directory.
#[derive(Clone, Debug)]
pub struct PowerDisk {
    root: PathBuf,
    log: Arc<Mutex<Log>>,
}

#[derive(Debug, Default)]
struct Log {
    operations: Vec<Operation>,
    files: usize,
    /// Which file a path names now.
    names: BTreeMap<PathBuf, usize>,
    syncs: u64,
    /// The sync that fails, counted from 1.
    failing_sync: Option<u64>,
    /// Bytes that new files may still take.
    room: Option<u64>,
}

#[derive(Clone, Debug)]
enum Operation {
    Write {
        file: usize,
        at: u64,
        bytes: Arc<[u8]>,
    },
    SyncFile {
        file: usize,
    },
    /// A file that was there before.
    Adopt {
        path: PathBuf,
        file: usize,
        bytes: Arc<[u8]>,
    },
    /// A file that someone else writes, as it was when it was synced.
    SyncForeign {
        path: PathBuf,
        bytes: Arc<[u8]>,
    },
    Link {
        path: PathBuf,
        node: Node,
    },
    Unlink {
        path: PathBuf,
    },
    Rename {
        from: PathBuf,
        to: PathBuf,
    },
    /// With the names of others that are in it.
    SyncDirectory {
        path: PathBuf,
        foreign: Vec<(PathBuf, Node)>,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Node {
    Directory,
    File(usize),
    Foreign,
}

#[derive(Debug)]
struct PowerFile {
    file: usize,
    real: fs::File,
    log: Arc<Mutex<Log>>,
}

impl PowerDisk {
    /// A disk below `root`, which is on it already.
    pub fn new(root: &Path) -> PowerDisk {
        PowerDisk { root: root.to_owned(), log: Arc::default() }
    }

    /// How many operations there were.
    pub fn operations(&self) -> usize {
        self.log.lock().unwrap().operations.len()
    }

    /// From now on, the `n`th sync fails, once.
    pub fn fail_sync(&self, n: u64) {
        let mut log = self.log.lock().unwrap();
        log.failing_sync = Some(log.syncs + n);
    }

    /// From now on, so many bytes can be added to files.
    pub fn leave_room(&self, bytes: u64) {
        self.log.lock().unwrap().room = Some(bytes);
    }

    /// Makes `target` as the disk could be found after a power loss that follows so many operations.
    pub fn cut(&self, operations: usize, seed: u64, target: &Path) {
        let log = self.log.lock().unwrap();
        let mut after = After::default();
        for operation in &log.operations[..operations] {
            after.apply(operation);
        }
        drop(log);
        after.lose_power(&mut Random::new(seed));
        after.write(&self.root, target);
    }

    fn log(&self, operation: Operation) {
        self.log.lock().unwrap().operations.push(operation);
    }
}

impl Log {
    fn sync(&mut self) -> io::Result<()> {
        self.syncs += 1;
        match self.failing_sync == Some(self.syncs) {
            true => Err(io::Error::other("the disk has an error")),
            false => Ok(()),
        }
    }
}

impl DiskFile for PowerFile {
    fn write_at(&self, at: u64, bytes: &[u8]) -> io::Result<()> {
        let length = self.real.metadata()?.len();
        let more = (at + bytes.len() as u64).saturating_sub(length);
        let mut log = self.log.lock().unwrap();
        if let Some(room) = &mut log.room {
            *room = room.checked_sub(more).ok_or(io::ErrorKind::StorageFull)?;
        }
        log.operations.push(Operation::Write { file: self.file, at, bytes: bytes.into() });
        drop(log);
        DiskFile::write_at(&self.real, at, bytes)
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut log = self.log.lock().unwrap();
        log.sync()?;
        log.operations.push(Operation::SyncFile { file: self.file });
        Ok(())
    }

    fn sync_all(&self) -> io::Result<()> {
        self.sync_data()
    }
}

impl Disk for PowerDisk {
    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let real = fs::File::options().write(true).create_new(true).open(path)?;
        let mut log = self.log.lock().unwrap();
        let file = log.files;
        log.files += 1;
        log.names.insert(path.to_owned(), file);
        log.operations.push(Operation::Link { path: path.to_owned(), node: Node::File(file) });
        drop(log);
        Ok(Box::new(PowerFile { file, real, log: Arc::clone(&self.log) }))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let real = fs::File::options().write(true).open(path)?;
        let mut log = self.log.lock().unwrap();
        let file = match log.names.get(path) {
            Some(file) => *file,
            None => {
                let file = log.files;
                log.files += 1;
                log.names.insert(path.to_owned(), file);
                let bytes = fs::read(path)?.into();
                log.operations.push(Operation::Adopt { path: path.to_owned(), file, bytes });
                file
            }
        };
        drop(log);
        Ok(Box::new(PowerFile { file, real, log: Arc::clone(&self.log) }))
    }

    fn create_directory(&self, path: &Path) -> io::Result<()> {
        let missing: Vec<&Path> = path.ancestors().take_while(|above| *above != self.root).collect();
        fs::create_dir_all(path)?;
        for path in missing.into_iter().rev() {
            self.log(Operation::Link { path: path.to_owned(), node: Node::Directory });
        }
        Ok(())
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)?;
        let mut log = self.log.lock().unwrap();
        if let Some(file) = log.names.remove(from) {
            log.names.insert(to.to_owned(), file);
        }
        log.operations.push(Operation::Rename { from: from.to_owned(), to: to.to_owned() });
        Ok(())
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        let length = fs::metadata(path)?.len();
        fs::remove_file(path)?;
        let mut log = self.log.lock().unwrap();
        log.names.remove(path);
        if let Some(room) = &mut log.room {
            *room += length;
        }
        log.operations.push(Operation::Unlink { path: path.to_owned() });
        Ok(())
    }

    fn remove_directory(&self, path: &Path) -> io::Result<()> {
        // As `rm -r` does: what is in it first.
        for entry in fs::read_dir(path)? {
            let entry = entry?;
            match entry.file_type()?.is_dir() {
                true => self.remove_directory(&entry.path())?,
                false => self.remove_file(&entry.path())?,
            }
        }
        fs::remove_dir(path)?;
        self.log(Operation::Unlink { path: path.to_owned() });
        Ok(())
    }

    fn sync_file(&self, path: &Path) -> io::Result<()> {
        let ours = {
            let mut log = self.log.lock().unwrap();
            log.sync()?;
            log.names.get(path).copied()
        };
        self.log(match ours {
            Some(file) => Operation::SyncFile { file },
            None => Operation::SyncForeign { path: path.to_owned(), bytes: fs::read(path)?.into() },
        });
        Ok(())
    }

    fn sync_directory(&self, path: &Path) -> io::Result<()> {
        let mut foreign = Vec::new();
        let mut log = self.log.lock().unwrap();
        log.sync()?;
        for entry in fs::read_dir(path)? {
            let entry = entry?;
            let path = entry.path();
            if !log.names.contains_key(&path) {
                let node = if entry.file_type()?.is_dir() { Node::Directory } else { Node::Foreign };
                foreign.push((path, node));
            }
        }
        log.operations.push(Operation::SyncDirectory { path: path.to_owned(), foreign });
        Ok(())
    }
}

/// What is on the disk, and what is not there yet.
#[derive(Default)]
struct After {
    contents: BTreeMap<usize, Contents>,
    foreign: BTreeMap<PathBuf, Arc<[u8]>>,
    /// Names that are on the disk.
    names: BTreeMap<PathBuf, Node>,
    /// Names as they are for whoever runs.
    seen: BTreeMap<PathBuf, Node>,
    /// What happened to the names in a directory since it was synced.
    pending: BTreeMap<PathBuf, Vec<Operation>>,
}

#[derive(Default)]
struct Contents {
    safe: Vec<u8>,
    pending: Vec<(u64, Arc<[u8]>)>,
}

impl Contents {
    fn keep(&mut self, at: u64, bytes: &[u8]) {
        let end = at as usize + bytes.len();
        self.safe.resize(self.safe.len().max(end), 0);
        self.safe[at as usize..end].copy_from_slice(bytes);
    }
}

impl After {
    fn apply(&mut self, operation: &Operation) {
        match operation {
            Operation::Write { file, at, bytes } => {
                self.contents.entry(*file).or_default().pending.push((*at, Arc::clone(bytes)));
            }
            Operation::SyncFile { file } => {
                let contents = self.contents.entry(*file).or_default();
                for (at, bytes) in std::mem::take(&mut contents.pending) {
                    contents.keep(at, &bytes);
                }
            }
            Operation::Adopt { path, file, bytes } => {
                self.contents.entry(*file).or_default().keep(0, bytes);
                self.names.insert(path.clone(), Node::File(*file));
                self.seen.insert(path.clone(), Node::File(*file));
            }
            Operation::SyncForeign { path, bytes } => {
                self.foreign.insert(path.clone(), Arc::clone(bytes));
            }
            Operation::Link { path, .. }
            | Operation::Unlink { path }
            | Operation::Rename { to: path, .. } => {
                let directory = path.parent().unwrap().to_owned();
                self.pending.entry(directory).or_default().push(operation.clone());
                name(&mut self.seen, operation, &BTreeMap::new());
            }
            Operation::SyncDirectory { path, foreign } => {
                for operation in self.pending.remove(path).unwrap_or_default() {
                    name(&mut self.names, &operation, &self.seen);
                }
                for (path, node) in foreign {
                    self.names.insert(path.clone(), *node);
                    self.seen.insert(path.clone(), *node);
                }
            }
        }
    }

    /// Decides what of the pending is there.
    fn lose_power(&mut self, random: &mut Random) {
        for contents in self.contents.values_mut() {
            let mut pending = std::mem::take(&mut contents.pending);
            match random.below(4) {
                // All was just on its way out.
                0 => pending.clear(),
                // In any order, so that the later of two may be the one that is kept.
                1 => {
                    for place in (1..pending.len()).rev() {
                        pending.swap(place, random.below(place as u64 + 1) as usize);
                    }
                }
                _ => {}
            }
            for (at, bytes) in pending {
                match random.below(4) {
                    0 => {}
                    1 => contents.keep(at, &bytes),
                    2 => {
                        let length = random.below(bytes.len() as u64 + 1) as usize;
                        contents.keep(at, &bytes[..length]);
                    }
                    _ => keep_sectors(contents, at, &bytes, random),
                }
            }
        }
        for operations in std::mem::take(&mut self.pending).into_values() {
            let how = random.below(4);
            let until = random.below(operations.len() as u64 + 1) as usize;
            for (place, operation) in operations.iter().enumerate() {
                let there = match how {
                    0 => false,
                    1 => true,
                    2 => place < until,
                    _ => random.below(2) == 0,
                };
                if there {
                    name(&mut self.names, operation, &self.seen);
                }
            }
        }
    }

    /// Writes what is there.
    fn write(&self, root: &Path, target: &Path) {
        let mut directories = BTreeSet::from([root.to_owned()]);
        fs::create_dir_all(target).unwrap();
        for (path, node) in &self.names {
            // A file is found only if all directories above it are.
            if !directories.contains(path.parent().unwrap()) {
                continue;
            }
            let there = target.join(path.strip_prefix(root).unwrap());
            match node {
                Node::Directory => {
                    directories.insert(path.clone());
                    fs::create_dir_all(there).unwrap();
                }
                Node::File(file) => {
                    let contents = self.contents.get(file);
                    fs::write(there, contents.map_or(&[][..], |contents| &contents.safe)).unwrap();
                }
                Node::Foreign => {
                    fs::write(there, self.foreign.get(path).map_or(&[][..], |bytes| bytes)).unwrap();
                }
            }
        }
    }
}

fn keep_sectors(contents: &mut Contents, at: u64, bytes: &[u8], random: &mut Random) {
    let mut start = 0;
    while start < bytes.len() {
        let in_sector = SECTOR - (at as usize + start) % SECTOR;
        let end = bytes.len().min(start + in_sector);
        if random.below(2) == 0 {
            contents.keep(at + start as u64, &bytes[start..end]);
        }
        start = end;
    }
}

/// Does to names what an operation does. A rename may be on the disk though the name that it renames is not.
fn name(names: &mut BTreeMap<PathBuf, Node>, operation: &Operation, seen: &BTreeMap<PathBuf, Node>) {
    match operation {
        Operation::Link { path, node } => {
            names.insert(path.clone(), *node);
        }
        Operation::Unlink { path } => {
            names.remove(path);
        }
        Operation::Rename { from, to } => {
            if let Some(node) = names.remove(from).or_else(|| seen.get(to).copied()) {
                names.insert(to.clone(), node);
            }
        }
        Operation::Write { .. }
        | Operation::SyncFile { .. }
        | Operation::Adopt { .. }
        | Operation::SyncForeign { .. }
        | Operation::SyncDirectory { .. } => {}
    }
}
