//! Checkpoints: states of the engine, kept beside the chapter so that a resume need not begin at the first event.
//!
//! ```text
//!  0  "GENOVO STATE 1\n" 0    16  sequence u64    24  bytes of the state u64
//! 32  BLAKE3 of the 32 bytes before and the state    64  the state
//! ```
//!
//! What a state holds is its writer's affair. It is no part of the truth: one that is damaged is passed by, and without
//! any the events are all there is to know.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use genovo_engine::ids::{Hash, Sequence};

use crate::chapter::{Paths, make_known, write_whole};
use crate::disk::Disk;
use crate::error::{Damage, Error};

const MAGIC: &[u8; 16] = b"GENOVO STATE 1\n\0";
const HEADER_BYTES: usize = 64;
/// How many are kept: the newest, and one to fall back to.
const KEPT: usize = 2;

/// A state and the event after which it was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// The last event that the state knows of.
    pub sequence: Sequence,
    /// The state, as it was given.
    pub state: Vec<u8>,
}

/// A checkpoint that is there, whole or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckpointFile {
    /// The last event that it knows of, by its name.
    pub sequence: Sequence,
    path: PathBuf,
}

impl CheckpointFile {
    /// Reads it. One that is not whole is damage, and names itself.
    pub fn read(&self) -> Result<Checkpoint, Error> {
        match read(&self.path, self.sequence)? {
            Ok(state) => Ok(Checkpoint { sequence: self.sequence, state }),
            Err(problem) => Err(Error::damaged(&self.path, problem)),
        }
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// Keeps a state: whole or not at all. Older ones go, but for one.
pub(crate) fn write(disk: &dyn Disk, paths: &Paths, sequence: Sequence, state: &[u8]) -> Result<(), Error> {
    let mut bytes = Vec::with_capacity(HEADER_BYTES + state.len());
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(&sequence.0.to_le_bytes());
    bytes.extend_from_slice(&(state.len() as u64).to_le_bytes());
    bytes.extend_from_slice(&hash(&bytes, state).0);
    bytes.extend_from_slice(state);
    if !paths.checkpoints.exists() {
        disk.create_directory(&paths.checkpoints).map_err(Error::io("create", &paths.checkpoints))?;
        make_known(disk, &paths.chapter)?;
    }
    write_whole(disk, &path(paths, sequence), &bytes)?;
    for (_, old) in all(&paths.journal)?.into_iter().rev().skip(KEPT) {
        disk.remove_file(&old).map_err(Error::io("remove", &old))?;
    }
    Ok(())
}

/// Those that know of no event after `end`, the newest first.
pub(crate) fn until(journal: &Path, end: Sequence) -> Result<Vec<CheckpointFile>, Error> {
    let known = all(journal)?.into_iter().rev().filter(|(sequence, _)| *sequence <= end);
    Ok(known.map(|(sequence, path)| CheckpointFile { sequence, path }).collect())
}

/// The newest whole state that knows of no event after `end`.
pub(crate) fn latest(journal: &Path, end: Sequence) -> Result<Option<Checkpoint>, Error> {
    for file in until(journal, end)? {
        match file.read() {
            Ok(checkpoint) => return Ok(Some(checkpoint)),
            Err(Error::Damaged(_)) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}

/// Removes those that know of events after `end`. Such events were never kept: others will come in their place.
pub(crate) fn forget_after(disk: &dyn Disk, journal: &Path, end: Sequence) -> Result<(), Error> {
    for (_, path) in all(journal)?.into_iter().filter(|(sequence, _)| *sequence > end) {
        disk.remove_file(&path).map_err(Error::io("remove", &path))?;
        if let Some(folder) = path.parent() {
            disk.sync_directory(folder).map_err(Error::io("sync", folder))?;
        }
    }
    Ok(())
}

/// The first checkpoint of a chapter that is not whole.
pub(crate) fn verify(paths: &Paths) -> Result<Option<Damage>, Error> {
    for (sequence, path) in of_chapter(paths)? {
        if let Err(problem) = read(&path, sequence)? {
            return Ok(Some(Damage::new(&path, problem)));
        }
    }
    Ok(None)
}

/// The state in a file, or what is wrong with it.
fn read(path: &Path, sequence: Sequence) -> Result<Result<Vec<u8>, &'static str>, Error> {
    let mut bytes = fs::read(path).map_err(Error::io("read", path))?;
    let Some(head) = bytes.first_chunk::<HEADER_BYTES>() else {
        return Ok(Err("is shorter than what it begins with"));
    };
    let whole = head[..16] == *MAGIC
        && head[16..24] == sequence.0.to_le_bytes()
        && head[24..32] == ((bytes.len() - HEADER_BYTES) as u64).to_le_bytes()
        && head[32..] == hash(&head[..32], &bytes[HEADER_BYTES..]).0;
    if !whole {
        return Ok(Err("is not as it was written: its own hash does not fit"));
    }
    bytes.drain(..HEADER_BYTES);
    Ok(Ok(bytes))
}

fn hash(head: &[u8], state: &[u8]) -> Hash {
    let mut hasher = blake3::Hasher::new();
    hasher.update(head).update(state);
    Hash(*hasher.finalize().as_bytes())
}

fn path(paths: &Paths, sequence: Sequence) -> PathBuf {
    paths.checkpoints.join(format!("{:020}.state", sequence.0))
}

/// Every checkpoint of a journal by its sequence.
fn all(journal: &Path) -> Result<Vec<(Sequence, PathBuf)>, Error> {
    let mut found = Vec::new();
    for paths in Paths::chapters(journal)? {
        found.append(&mut of_chapter(&paths)?);
    }
    found.sort();
    Ok(found)
}

fn of_chapter(paths: &Paths) -> Result<Vec<(Sequence, PathBuf)>, Error> {
    let entries = match fs::read_dir(&paths.checkpoints) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(Error::io("list", &paths.checkpoints)(error)),
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry.map_err(Error::io("list", &paths.checkpoints))?;
        let name = entry.file_name();
        let number = name.to_str().and_then(|name| name.strip_suffix(".state"));
        found.extend(number.and_then(|number| number.parse().ok()).map(|n| (Sequence(n), entry.path())));
    }
    found.sort();
    Ok(found)
}
