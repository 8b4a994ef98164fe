//! The files of a journal and how they are written and read.
//!
//! ```text
//! journal/
//!   identity.toml            who wrote it
//!   chapter-000001/
//!     tail/                  events as they came, while the chapter is open; gone once it is sealed
//!     checkpoints/           states of the engine, to go on from
//!     store/                 sled: block by first sequence, indexes beside it
//!     chapter.blocks         "GENOVO BLOCKS 1\n", then the same blocks one after the other
//!     seal.toml              written last: hashes of all of it
//!   lock, reserve            while it is written live
//! ```

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use genovo_engine::ids::Hash;

use crate::block::{BLOCK_HEADER_BYTES, BlockHeader};
use crate::disk::Disk;
use crate::error::Error;

/// What `chapter.blocks` begins with.
pub const BLOCKS_MAGIC: &[u8; 16] = b"GENOVO BLOCKS 1\n";

/// The paths of a journal and one of its chapters.
#[derive(Clone, Debug)]
pub struct Paths {
    /// The chapter's number, counted from 1.
    pub number: u32,
    /// The journal.
    pub journal: PathBuf,
    /// `identity.toml`.
    pub identity: PathBuf,
    /// `chapter-000001/`.
    pub chapter: PathBuf,
    /// Its `tail/`.
    pub tail: PathBuf,
    /// Its `checkpoints/`.
    pub checkpoints: PathBuf,
    /// Its `store/`.
    pub store: PathBuf,
    /// Its `chapter.blocks`.
    pub blocks: PathBuf,
    /// Its `seal.toml`.
    pub seal: PathBuf,
}

impl Paths {
    /// The paths below `journal` with its first chapter.
    pub fn new(journal: &Path) -> Paths {
        Paths::chapter(journal, 1)
    }

    /// The paths below `journal` with the chapter of this number.
    pub fn chapter(journal: &Path, number: u32) -> Paths {
        let chapter = journal.join(format!("chapter-{number:06}"));
        Paths {
            number,
            journal: journal.to_owned(),
            identity: journal.join("identity.toml"),
            tail: chapter.join("tail"),
            checkpoints: chapter.join("checkpoints"),
            store: chapter.join("store"),
            blocks: chapter.join("chapter.blocks"),
            seal: chapter.join("seal.toml"),
            chapter,
        }
    }

    /// The paths of every chapter that is there, in order; one that is missing between them is damage.
    pub fn chapters(journal: &Path) -> Result<Vec<Paths>, Error> {
        let first = Paths::new(journal);
        if !first.identity.exists() && !first.chapter.exists() {
            return Err(Error::NotAJournal { path: journal.to_owned(), missing: "identity.toml" });
        }
        let mut numbers = Vec::new();
        for entry in fs::read_dir(journal).map_err(Error::io("list", journal))? {
            let name = entry.map_err(Error::io("list", journal))?.file_name();
            let number = name.to_str().and_then(|name| name.strip_prefix("chapter-"));
            numbers.extend(number.and_then(|number| number.parse::<u32>().ok()));
        }
        numbers.sort_unstable();
        for (number, expected) in numbers.iter().zip(1..) {
            let missing = Paths::chapter(journal, expected).chapter;
            if *number != expected || !missing.is_dir() {
                return Err(Error::damaged(&missing, "is missing"));
            }
        }
        Ok(numbers.into_iter().map(|number| Paths::chapter(journal, number)).collect())
    }

    /// The paths of all chapters of a sealed journal.
    pub fn sealed_chapters(journal: &Path) -> Result<Vec<Paths>, Error> {
        let chapters = Paths::chapters(journal)?;
        let incomplete =
            |seal: &Path| Error::Incomplete { journal: journal.to_owned(), seal: seal.to_owned() };
        if chapters.is_empty() {
            return Err(incomplete(&Paths::new(journal).seal));
        }
        match chapters.iter().find(|paths| !paths.seal.exists()) {
            Some(open) => Err(incomplete(&open.seal)),
            None => Ok(chapters),
        }
    }
}

/// Writes a file so that it is there whole or not at all, whatever happens: beside it, to the disk, renamed.
pub fn write_whole(disk: &dyn Disk, path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    let beside = PathBuf::from(beside);
    if beside.exists() {
        disk.remove_file(&beside).map_err(Error::io("remove", &beside))?;
    }
    let file = disk.create(&beside).map_err(Error::io("create", &beside))?;
    file.write_at(0, bytes).map_err(Error::io("write", &beside))?;
    file.sync_all().map_err(Error::io("sync", &beside))?;
    drop(file);
    disk.rename(&beside, path).map_err(Error::io("rename to", path))?;
    make_known(disk, path.parent().unwrap_or(Path::new(".")))
}

/// Makes the names in a directory survive a power loss.
pub fn make_known(disk: &dyn Disk, path: &Path) -> Result<(), Error> {
    disk.sync_directory(path).map_err(Error::io("sync", path))
}

/// Makes a directory for a new journal; fails if something is in it.
pub fn expect_empty(journal: &Path) -> Result<(), Error> {
    fs::create_dir_all(journal).map_err(Error::io("create", journal))?;
    match fs::read_dir(journal).map_err(Error::io("list", journal))?.next() {
        Some(_) => Err(Error::NotEmpty { path: journal.to_owned() }),
        None => Ok(()),
    }
}

/// Brings every file below `directory`, and the names of all of them, to the disk.
///
/// Several at a time: a file system that waits for the disk waits once for those that it is asked for
/// together.
pub fn sync_files(disk: &dyn Disk, directory: &Path) -> Result<(), Error> {
    const AT_A_TIME: usize = 16;
    let files = files_below(directory)?;
    let mut directories: Vec<&Path> = files.iter().filter_map(|file| file.parent()).collect();
    directories.dedup();
    let sync = |files: &[PathBuf]| {
        files.iter().try_for_each(|file| {
            let path = directory.join(file);
            disk.sync_file(&path).map_err(Error::io("sync", &path))
        })
    };
    std::thread::scope(|scope| {
        let share = files.len().div_ceil(AT_A_TIME).max(1);
        let threads: Vec<_> = files.chunks(share).map(|files| scope.spawn(move || sync(files))).collect();
        threads.into_iter().try_for_each(|thread| {
            thread
                .join()
                .unwrap_or_else(|_| Err(Error::damaged(directory, "a thread that synced its files stopped")))
        })
    })?;
    directories.into_iter().try_for_each(|below| make_known(disk, &directory.join(below)))?;
    make_known(disk, directory)
}

/// Every file below `directory`, as paths relative to it, sorted.
pub fn files_below(directory: &Path) -> Result<Vec<PathBuf>, Error> {
    let mut files = Vec::new();
    let mut directories = vec![PathBuf::new()];
    while let Some(below) = directories.pop() {
        let path = directory.join(&below);
        for entry in fs::read_dir(&path).map_err(Error::io("list", &path))? {
            let entry = entry.map_err(Error::io("list", &path))?;
            let kind = entry.file_type().map_err(Error::io("look at", &entry.path()))?;
            let name = below.join(entry.file_name());
            if kind.is_dir() { directories.push(name) } else { files.push(name) }
        }
    }
    files.sort();
    Ok(files)
}

/// A file's length and hash.
pub fn hash_file(path: &Path) -> Result<(u64, Hash), Error> {
    let mut file = File::open(path).map_err(Error::io("open", path))?;
    let mut hasher = blake3::Hasher::new();
    let mut buffer = vec![0; 256 * 1024];
    let mut length = 0;
    loop {
        let read = file.read(&mut buffer).map_err(Error::io("read", path))?;
        if read == 0 {
            return Ok((length, Hash(*hasher.finalize().as_bytes())));
        }
        length += read as u64;
        hasher.update(&buffer[..read]);
    }
}

/// Fills `buffer` from the place `at`, whoever else reads the file.
pub fn read_at(file: &File, at: u64, buffer: &mut [u8]) -> std::io::Result<()> {
    #[cfg(unix)]
    return std::os::unix::fs::FileExt::read_exact_at(file, buffer, at);
    #[cfg(not(unix))]
    {
        use std::io::{Seek, SeekFrom};
        // Readers on such a system each have their own handle.
        let mut file = file;
        file.seek(SeekFrom::Start(at))?;
        file.read_exact(buffer)
    }
}

/// `chapter.blocks`, opened for reading.
#[derive(Debug)]
pub struct BlockFile {
    path: PathBuf,
    file: File,
    length: u64,
}

impl BlockFile {
    /// Opens the file and checks what it begins with.
    pub fn open(path: &Path) -> Result<BlockFile, Error> {
        let file = File::open(path).map_err(Error::io("open", path))?;
        let length = file.metadata().map_err(Error::io("look at", path))?.len();
        let mut magic = [0; BLOCKS_MAGIC.len()];
        if length < magic.len() as u64 {
            return Err(Error::damaged(path, "is shorter than what it begins with"));
        }
        read_at(&file, 0, &mut magic).map_err(Error::io("read", path))?;
        if magic != *BLOCKS_MAGIC {
            return Err(Error::damaged(path, "does not begin as a file of blocks does"));
        }
        Ok(BlockFile { path: path.to_owned(), file, length })
    }

    /// Where the first block begins.
    pub fn start(&self) -> u64 {
        BLOCKS_MAGIC.len() as u64
    }

    /// The file's path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The file's length.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// The header of the block at `at`; `None` at the end of the file.
    pub fn header(&self, at: u64) -> Result<Option<BlockHeader>, Error> {
        if at == self.length {
            return Ok(None);
        }
        let mut bytes = [0; BLOCK_HEADER_BYTES];
        if self.length.saturating_sub(at) < bytes.len() as u64 {
            return Err(Error::damaged(&self.path, "ends within a block's header"));
        }
        read_at(&self.file, at, &mut bytes).map_err(Error::io("read", &self.path))?;
        let header =
            BlockHeader::read(&bytes).map_err(|error| Error::damaged(&self.path, error.to_string()))?;
        if header.block_bytes() > self.length - at {
            return Err(Error::damaged(&self.path, "ends within a block"));
        }
        Ok(Some(header))
    }

    /// The bytes of the block at `at`, in place of what `block` held. `length` was checked by
    /// [`BlockFile::header`].
    pub fn block(&self, at: u64, length: u64, block: &mut Vec<u8>) -> Result<(), Error> {
        if length > self.length.saturating_sub(at) {
            return Err(Error::damaged(&self.path, "ends within a block"));
        }
        block.resize(length as usize, 0);
        read_at(&self.file, at, block).map_err(Error::io("read", &self.path))
    }
}
