//! `seal.toml`: the last file of a chapter to be written, and the first to be read.
//!
//! It holds the chain's head and the hash of every file, and ends with the hash of itself. A chapter without
//! it is incomplete.

use std::path::Path;

use genovo_engine::ids::{Hash, Sequence};

use crate::chapter::{Paths, files_below, hash_file, write_whole};
use crate::disk::Disk;
use crate::error::{Damage, Error};
use crate::toml::{self, Line, put_number, put_text};

/// The layout of directories and files that this build writes.
pub const FORMAT: u64 = 1;

const TITLE: &str = "# The seal of a genovo journal's chapter; `genovo audit verify` checks it.\n";

/// What lies before a chapter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Before {
    /// Events in all chapters before it.
    pub events: u64,
    /// The sequence of the last of them.
    pub last_sequence: Sequence,
    /// The chain's hash after it.
    pub head: Hash,
}

/// What was sealed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seal {
    /// Which chapter, counted from 1.
    pub chapter: u32,
    /// What lies before it; nothing before the first.
    pub before: Before,
    /// Whether another chapter follows: this one's last event closed it.
    pub continues: bool,
    /// Events in the chapter.
    pub events: u64,
    /// Blocks in the chapter.
    pub blocks: u64,
    /// The first event's sequence; [`Sequence::NONE`] without events.
    pub first_sequence: Sequence,
    /// The last event's sequence.
    pub last_sequence: Sequence,
    /// The last hash of the content chain.
    pub head_hash: Hash,
    /// The hash of `identity.toml`.
    pub identity: Hash,
    /// Every file of the chapter but this one, sorted by name.
    pub files: Vec<FileSeal>,
}

/// A file as it was sealed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileSeal {
    /// Its path below the chapter, with `/`.
    pub name: String,
    /// Its length.
    pub bytes: u64,
    /// Its hash.
    pub hash: Hash,
}

impl Default for Seal {
    fn default() -> Seal {
        Seal {
            chapter: 1,
            before: Before::default(),
            continues: false,
            events: 0,
            blocks: 0,
            first_sequence: Sequence::NONE,
            last_sequence: Sequence::NONE,
            head_hash: Hash::default(),
            identity: Hash::default(),
            files: Vec::new(),
        }
    }
}

impl Seal {
    /// What lies before the next chapter.
    pub(crate) fn after(&self) -> Before {
        Before {
            events: self.before.events.saturating_add(self.events),
            last_sequence: if self.events == 0 { self.before.last_sequence } else { self.last_sequence },
            head: self.head_hash,
        }
    }

    /// The seal's text.
    pub fn to_text(&self) -> String {
        let Seal { chapter, before, continues, events, blocks, first_sequence, last_sequence, .. } = self;
        let Seal { head_hash, identity, files, .. } = self;
        let mut text = String::from(TITLE);
        put_number("format", FORMAT, &mut text);
        if *chapter > 1 {
            put_number("chapter", u64::from(*chapter), &mut text);
            put_number("events_before", before.events, &mut text);
            put_number("sequence_before", before.last_sequence.0, &mut text);
            put_text("head_before", &before.head.to_string(), &mut text);
        }
        if *continues {
            put_number("next_chapter", u64::from(chapter.saturating_add(1)), &mut text);
        }
        put_number("events", *events, &mut text);
        put_number("blocks", *blocks, &mut text);
        put_number("first_sequence", first_sequence.0, &mut text);
        put_number("last_sequence", last_sequence.0, &mut text);
        put_text("head_hash", &head_hash.to_string(), &mut text);
        put_text("identity", &identity.to_string(), &mut text);
        for file in files {
            text.push_str("\n[[file]]\n");
            put_text("name", &file.name, &mut text);
            put_number("bytes", file.bytes, &mut text);
            put_text("hash", &file.hash.to_string(), &mut text);
        }
        let own = Hash(*blake3::hash(text.as_bytes()).as_bytes());
        text.push_str("\n[[seal]]\n");
        put_text("hash_of_all_above", &own.to_string(), &mut text);
        text
    }

    pub(crate) fn write(&self, disk: &dyn Disk, path: &Path) -> Result<(), Error> {
        write_whole(disk, path, self.to_text().as_bytes())
    }

    /// Reads a seal. Only the very text that its contents give is one, so a flipped bit anywhere is found.
    pub fn read(path: &Path) -> Result<Seal, Error> {
        let bytes = std::fs::read(path).map_err(Error::io("read", path))?;
        let text = std::str::from_utf8(&bytes).map_err(|_| Error::damaged(path, "is not UTF-8"))?;
        let lines =
            toml::read(text).map_err(|line| Error::damaged(path, format!("line {line} cannot be read")))?;
        if let Some(Line::Number(key, found)) = lines.first()
            && key == "format"
            && *found != FORMAT
        {
            let path = path.to_owned();
            return Err(Error::Unsupported { path, what: "seal format", found: *found, known: FORMAT });
        }
        let seal = Seal::from_lines(&lines);
        match seal {
            Some(seal) if seal.to_text() == text => Ok(seal),
            _ => Err(Error::damaged(path, "is not as it was written: its own hash does not fit")),
        }
    }

    /// The seal, if it is that of this chapter and of what comes after `before`.
    pub(crate) fn expect(self, paths: &Paths, before: &Before) -> Result<Seal, Error> {
        if self.chapter != paths.number {
            let problem = format!("seals chapter {}", self.chapter);
            return Err(Error::damaged(&paths.seal, problem));
        }
        if self.before != *before {
            let mut damage =
                Damage::new(&paths.seal, "does not follow the chapter before it: the hashes do not join");
            damage.sealed = Some(self.before.head);
            damage.recomputed = Some(before.head);
            return Err(Error::Damaged(Box::new(damage)));
        }
        Ok(self)
    }

    fn from_lines(lines: &[Line]) -> Option<Seal> {
        let mut seal = Seal::default();
        for line in lines {
            match line {
                Line::Table(name) if name == "file" => seal.files.push(FileSeal::default()),
                Line::Table(name) if name == "seal" => {}
                Line::Table(_) => return None,
                Line::Number(key, value) => match (key.as_str(), seal.files.last_mut()) {
                    ("format", None) => {}
                    ("chapter", None) => seal.chapter = u32::try_from(*value).ok()?,
                    ("events_before", None) => seal.before.events = *value,
                    ("sequence_before", None) => seal.before.last_sequence = Sequence(*value),
                    ("next_chapter", None) => seal.continues = true,
                    ("events", None) => seal.events = *value,
                    ("blocks", None) => seal.blocks = *value,
                    ("first_sequence", None) => seal.first_sequence = Sequence(*value),
                    ("last_sequence", None) => seal.last_sequence = Sequence(*value),
                    ("bytes", Some(file)) => file.bytes = *value,
                    _ => return None,
                },
                Line::Text(key, value) => match (key.as_str(), seal.files.last_mut()) {
                    ("head_before", None) => seal.before.head = Hash::parse(value)?,
                    ("head_hash", None) => seal.head_hash = Hash::parse(value)?,
                    ("identity", None) => seal.identity = Hash::parse(value)?,
                    ("name", Some(file)) => file.name = value.clone(),
                    ("hash", Some(file)) => file.hash = Hash::parse(value)?,
                    ("hash_of_all_above", _) => {}
                    _ => return None,
                },
            }
        }
        Some(seal)
    }

    /// The seals of all files that a chapter has now.
    pub(crate) fn hash_files(paths: &Paths) -> Result<Vec<FileSeal>, Error> {
        let mut files = Vec::new();
        for file in files_below(&paths.chapter)? {
            // The tail goes once there is a seal; a checkpoint has a hash of its own and may be removed.
            if file == Path::new("seal.toml") || file.starts_with("tail") || file.starts_with("checkpoints") {
                continue;
            }
            let (bytes, hash) = hash_file(&paths.chapter.join(&file))?;
            files.push(FileSeal { name: name_of(&file), bytes, hash });
        }
        Ok(files)
    }

    /// Compares every file with its seal; the damages in the order of their weight: the blocks first, then
    /// the store, then who wrote it.
    pub(crate) fn check_files(&self, paths: &Paths) -> Result<FileCheck, Error> {
        let mut check = FileCheck::default();
        if !self.files.iter().any(|file| paths.chapter.join(&file.name) == paths.blocks) {
            check.blocks = Some(Damage::new(&paths.seal, "names no chapter.blocks"));
        }
        for file in &self.files {
            let path = paths.chapter.join(&file.name);
            let found = match hash_file(&path) {
                Ok((_, hash)) if hash == file.hash => continue,
                Ok((bytes, hash)) => {
                    let problem = match bytes == file.bytes {
                        true => "is not as it was sealed".to_owned(),
                        false => format!("has {bytes} bytes, sealed were {}", file.bytes),
                    };
                    Damage { sealed: Some(file.hash), recomputed: Some(hash), ..Damage::new(&path, problem) }
                }
                Err(_) if !path.exists() => Damage::new(&path, "is missing"),
                Err(error) => return Err(error),
            };
            let slot = if path == paths.blocks { &mut check.blocks } else { &mut check.store };
            slot.get_or_insert(found);
        }
        if paths.store.exists() {
            // Sled would read a file that nobody sealed.
            for file in files_below(&paths.store)? {
                let name = format!("store/{}", name_of(&file));
                if !self.files.iter().any(|sealed| sealed.name == name) {
                    let path = paths.store.join(&file);
                    check.store.get_or_insert_with(|| Damage::new(&path, "was not there when it was sealed"));
                }
            }
        }
        match hash_file(&paths.identity) {
            Ok((_, hash)) if hash == self.identity => {}
            Ok((_, hash)) => {
                check.identity = Some(Damage {
                    sealed: Some(self.identity),
                    recomputed: Some(hash),
                    ..Damage::new(&paths.identity, "is not as it was sealed")
                });
            }
            Err(_) if !paths.identity.exists() => {
                check.identity = Some(Damage::new(&paths.identity, "is missing"));
            }
            Err(error) => return Err(error),
        }
        Ok(check)
    }
}

/// The first damaged file of each sort.
#[derive(Debug, Default)]
pub(crate) struct FileCheck {
    pub blocks: Option<Damage>,
    pub store: Option<Damage>,
    pub identity: Option<Damage>,
}

fn name_of(file: &Path) -> String {
    let parts: Vec<_> = file.iter().map(|part| part.to_string_lossy()).collect();
    parts.join("/")
}
