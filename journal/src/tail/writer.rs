//! Writing a tail: frames go where the last one ended, into files that were prepared before they were needed.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use genovo_engine::ids::Sequence;

use super::frame::{self, FILE_HEADER_BYTES, FRAME_HEADER_BYTES, FileHeader, FrameHeader};
use super::scan::{TailEnd, file_path};
use crate::chapter::{Paths, make_known};
use crate::disk::{Disk, DiskFile};
use crate::error::Error;
use crate::live::reserve::Reserve;
use crate::live::{CommitMode, LiveOptions};

/// Zeros are written in pieces of this size. The page cache keeps a file in folios as large as the writes that made
/// them, and every small write into one walks all its blocks: into a megabyte it takes twice as long as into this.
const PIECE: usize = 64 * 1024;

/// Events on their way to the tail: a frame of which the header is still open.
#[derive(Debug, Default)]
pub struct FrameBuffer {
    bytes: Vec<u8>,
    events: u32,
    first_sequence: Sequence,
    /// The last event ends the chapter.
    pub ends_chapter: bool,
}

impl FrameBuffer {
    /// Nothing yet, with room for so many bytes and an event more.
    pub fn with_room(bytes: usize) -> FrameBuffer {
        FrameBuffer { bytes: Vec::with_capacity(bytes + bytes / 8), ..FrameBuffer::default() }
    }

    /// The room that an event's canonical bytes are appended to.
    #[inline]
    pub fn payload(&mut self) -> &mut Vec<u8> {
        if self.bytes.len() < FRAME_HEADER_BYTES {
            self.bytes.resize(FRAME_HEADER_BYTES, 0);
        }
        &mut self.bytes
    }

    /// Counts the event that was appended.
    #[inline]
    pub fn took(&mut self, sequence: Sequence) {
        if self.events == 0 {
            self.first_sequence = sequence;
        }
        self.events += 1;
    }

    /// Takes back what was appended since the room was `length` bytes long.
    pub fn forget_from(&mut self, length: usize) {
        self.bytes.truncate(length);
    }

    /// How long it is.
    #[inline]
    pub fn bytes(&self) -> usize {
        self.bytes.len()
    }

    /// Whether it holds no event.
    pub fn is_empty(&self) -> bool {
        self.events == 0
    }

    /// Forgets the events and keeps the room.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.events = 0;
        self.ends_chapter = false;
    }
}

/// The tail that is written.
#[derive(Debug)]
pub struct TailWriter {
    disk: Arc<dyn Disk>,
    reserve: Arc<Reserve>,
    options: LiveOptions,
    journal: PathBuf,
    chapter: u32,
    nonce: u64,
    file_number: u32,
    file: Box<dyn DiskFile>,
    file_bytes: u64,
    at: u64,
    next: Option<JoinHandle<Result<Box<dyn DiskFile>, Error>>>,
    /// The number of the event that comes next.
    number: u64,
    /// The number of the last event that is safe by the commit mode.
    safe: u64,
    /// Bytes of frames in this chapter.
    chapter_bytes: u64,
    failed: bool,
}

impl TailWriter {
    /// Begins a chapter whose first event has this number; its directory is made.
    pub fn create(
        disk: Arc<dyn Disk>,
        reserve: Arc<Reserve>,
        options: LiveOptions,
        journal: &Path,
        chapter: u32,
        number: u64,
    ) -> Result<TailWriter, Error> {
        let paths = Paths::chapter(journal, chapter);
        make_directory(&*disk, &paths.tail)?;
        make_known(&*disk, &paths.chapter)?;
        make_known(&*disk, journal)?;
        let nonce = random();
        let header = FileHeader { nonce, chapter, file: 1, bytes: options.file_bytes };
        let file = prepare_with_reserve(&disk, &reserve, &paths.tail, header)?;
        let mut writer = TailWriter {
            disk,
            reserve,
            options,
            journal: journal.to_owned(),
            chapter,
            nonce,
            file_number: 1,
            file,
            file_bytes: options.file_bytes,
            at: FILE_HEADER_BYTES as u64,
            next: None,
            number,
            safe: number - 1,
            chapter_bytes: 0,
            failed: false,
        };
        writer.prepare_next();
        Ok(writer)
    }

    /// Goes on where a tail ended: what was torn is made zeros again, on the disk, before anything is appended.
    pub fn resume(
        disk: Arc<dyn Disk>,
        reserve: Arc<Reserve>,
        options: LiveOptions,
        journal: &Path,
        chapter: u32,
        end: &TailEnd,
    ) -> Result<TailWriter, Error> {
        let paths = Paths::chapter(journal, chapter);
        // Files behind the one that is written hold no frame; they are made again when their turn comes.
        for file in (end.file + 1..=end.last_file).rev() {
            let path = file_path(&paths.tail, file);
            disk.remove_file(&path).map_err(Error::io("remove", &path))?;
        }
        make_known(&*disk, &paths.tail)?;
        let path = file_path(&paths.tail, end.file);
        let (file, file_bytes, nonce) = match end.file <= end.last_file {
            true => {
                let file = disk.open(&path).map_err(Error::io("open", &path))?;
                if let Some(torn) = &end.torn {
                    write_zeros(&*file, torn.at, torn.bytes).map_err(Error::io("write", &path))?;
                }
                // What is there may never have reached the disk: a process that was killed waits for nobody.
                file.sync_all().map_err(Error::io("sync", &path))?;
                (file, end.file_bytes, end.nonce)
            }
            false => {
                let nonce = if end.nonce == 0 { random() } else { end.nonce };
                let header = FileHeader { nonce, chapter, file: end.file, bytes: options.file_bytes };
                (prepare_with_reserve(&disk, &reserve, &paths.tail, header)?, options.file_bytes, nonce)
            }
        };
        let mut writer = TailWriter {
            disk,
            reserve,
            options,
            journal: journal.to_owned(),
            chapter,
            nonce,
            file_number: end.file,
            file,
            file_bytes,
            at: end.at,
            next: None,
            number: end.number,
            safe: end.number - 1,
            chapter_bytes: end.bytes,
            failed: false,
        };
        writer.prepare_next();
        Ok(writer)
    }

    /// Writes a frame; afterwards a killed process loses nothing of it.
    pub fn write(&mut self, frame: &mut FrameBuffer) -> Result<(), Error> {
        if self.failed {
            return Err(Error::Stopped { path: self.journal.clone() });
        }
        let written = self.write_frame(frame).and_then(|()| match frame.ends_chapter {
            true => self.next_chapter(),
            false => Ok(()),
        });
        self.failed |= written.is_err();
        written
    }

    /// Brings everything written to the disk. After an error nothing is ever written again: what the system then
    /// knows of the file cannot be trusted.
    pub fn sync(&mut self) -> Result<(), Error> {
        if self.failed {
            return Err(Error::Stopped { path: self.journal.clone() });
        }
        if self.safe + 1 == self.number && self.options.commit == CommitMode::Disk {
            return Ok(());
        }
        let synced = self.file.sync_data().map_err(|source| self.sync_failed(source));
        self.failed |= synced.is_err();
        self.safe = self.number - 1;
        synced
    }

    /// Lets go of what was prepared; nothing is written after it.
    pub fn close(&mut self) {
        self.failed = true;
        self.drop_next();
    }

    /// The number of the event that comes next.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// The chapter that is written.
    pub fn chapter(&self) -> u32 {
        self.chapter
    }

    /// Bytes of all frames in it.
    pub fn chapter_bytes(&self) -> u64 {
        self.chapter_bytes
    }

    fn write_frame(&mut self, frame: &mut FrameBuffer) -> Result<(), Error> {
        let payload = frame.bytes.len() - FRAME_HEADER_BYTES;
        let length = frame::frame_bytes(payload) as u64;
        if self.at + length + FRAME_HEADER_BYTES as u64 > self.file_bytes {
            self.next_file(length)?;
        }
        let next = self.number + u64::from(frame.events);
        let safe = match self.options.commit {
            // One write follows another: whoever sees this frame sees all before it, and it is safe itself.
            CommitMode::Process => next - 1,
            CommitMode::Disk => self.safe,
        };
        let header = FrameHeader {
            number: self.number,
            first_sequence: frame.first_sequence,
            safe,
            payload: payload as u32,
            events: frame.events,
        };
        frame::finish(&mut frame.bytes, self.nonce, &header);
        self.file.write_at(self.at, &frame.bytes).map_err(|source| self.write_failed(source))?;
        self.at += length;
        self.chapter_bytes += length;
        self.number = next;
        Ok(())
    }

    /// Ends the file; what follows goes into the next one, which has room for a frame of `length` bytes.
    fn next_file(&mut self, length: u64) -> Result<(), Error> {
        self.end_file()?;
        let room = self.options.file_bytes - (FILE_HEADER_BYTES + FRAME_HEADER_BYTES) as u64;
        let prepared = self.next.take().map(join);
        self.file_number += 1;
        let tail = Paths::chapter(&self.journal, self.chapter).tail;
        self.file_bytes = self.options.file_bytes.max(self.options.file_bytes - room + length);
        let header = FileHeader {
            nonce: self.nonce,
            chapter: self.chapter,
            file: self.file_number,
            bytes: self.file_bytes,
        };
        self.file = match prepared {
            Some(file) if length <= room => file?,
            Some(file) => {
                drop(file?);
                let path = file_path(&tail, self.file_number);
                self.disk.remove_file(&path).map_err(Error::io("remove", &path))?;
                prepare_with_reserve(&self.disk, &self.reserve, &tail, header)?
            }
            None => prepare_with_reserve(&self.disk, &self.reserve, &tail, header)?,
        };
        self.at = FILE_HEADER_BYTES as u64;
        self.prepare_next();
        Ok(())
    }

    /// Writes the mark that the file ends here. Whoever sees a frame in a later file may rely on all before it.
    fn end_file(&mut self) -> Result<(), Error> {
        let safe = match self.options.commit {
            CommitMode::Process => self.number - 1,
            // What stands before the mark is on the disk only when the mark is: of itself it proves nothing.
            CommitMode::Disk => self.safe,
        };
        let header =
            FrameHeader { number: self.number, first_sequence: Sequence::NONE, safe, payload: 0, events: 0 };
        let mut end = Vec::new();
        frame::finish(&mut end, self.nonce, &header);
        self.file.write_at(self.at, &end).map_err(|source| self.write_failed(source))?;
        if self.options.commit == CommitMode::Disk {
            self.file.sync_data().map_err(|source| self.sync_failed(source))?;
            self.safe = self.number - 1;
        }
        Ok(())
    }

    /// The chapter is complete: brings it to the disk and begins the next one.
    fn next_chapter(&mut self) -> Result<(), Error> {
        self.end_file()?;
        self.file.sync_data().map_err(|source| self.sync_failed(source))?;
        self.drop_next();
        let next = TailWriter::create(
            Arc::clone(&self.disk),
            Arc::clone(&self.reserve),
            self.options,
            &self.journal,
            self.chapter + 1,
            self.number,
        )?;
        *self = next;
        Ok(())
    }

    /// Prepares the file after this one while this one fills.
    fn prepare_next(&mut self) {
        let tail = Paths::chapter(&self.journal, self.chapter).tail;
        let header = FileHeader {
            nonce: self.nonce,
            chapter: self.chapter,
            file: self.file_number + 1,
            bytes: self.options.file_bytes,
        };
        let (disk, reserve) = (Arc::clone(&self.disk), Arc::clone(&self.reserve));
        let thread = thread::Builder::new().name("genovo-next".to_owned());
        self.next = thread.spawn(move || prepare_with_reserve(&disk, &reserve, &tail, header)).ok();
    }

    /// Lets go of the file that was prepared in vain.
    fn drop_next(&mut self) {
        if let Some(Ok(file)) = self.next.take().map(join) {
            drop(file);
            let tail = Paths::chapter(&self.journal, self.chapter).tail;
            let _ = self.disk.remove_file(&file_path(&tail, self.file_number + 1));
        }
    }

    fn path(&self) -> PathBuf {
        file_path(&Paths::chapter(&self.journal, self.chapter).tail, self.file_number)
    }

    fn write_failed(&self, source: std::io::Error) -> Error {
        Error::io("write", &self.path())(source)
    }

    fn sync_failed(&self, source: std::io::Error) -> Error {
        Error::SyncFailed { path: self.path(), source }
    }
}

impl Drop for TailWriter {
    fn drop(&mut self) {
        self.drop_next();
    }
}

fn join(thread: JoinHandle<Result<Box<dyn DiskFile>, Error>>) -> Result<Box<dyn DiskFile>, Error> {
    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// Makes a file of a tail; on a full disk the reserve is given up for it.
fn prepare_with_reserve(
    disk: &Arc<dyn Disk>,
    reserve: &Reserve,
    tail: &Path,
    header: FileHeader,
) -> Result<Box<dyn DiskFile>, Error> {
    match prepare(&**disk, tail, header) {
        Err(Error::Io { source, path, .. }) if source.kind() == ErrorKind::StorageFull => {
            reserve.release(&**disk)?;
            prepare(&**disk, tail, header).map_err(|_| Error::DiskFull { path })
        }
        result => result,
    }
}

/// Makes a file of zeros with a header, on the disk before it has its name.
fn prepare(disk: &dyn Disk, tail: &Path, header: FileHeader) -> Result<Box<dyn DiskFile>, Error> {
    let path = file_path(tail, header.file);
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    let beside = PathBuf::from(beside);
    if beside.exists() {
        disk.remove_file(&beside).map_err(Error::io("remove", &beside))?;
    }
    let file = disk.create(&beside).map_err(Error::io("create", &beside))?;
    let written = write_zeros(&*file, 0, header.bytes)
        .and_then(|()| file.write_at(0, &header.to_bytes()))
        .and_then(|()| file.sync_all());
    if let Err(source) = written {
        let _ = disk.remove_file(&beside);
        return Err(Error::io("prepare", &path)(source));
    }
    disk.rename(&beside, &path).map_err(Error::io("rename to", &path))?;
    make_known(disk, tail)?;
    Ok(file)
}

fn write_zeros(file: &dyn DiskFile, mut at: u64, mut bytes: u64) -> std::io::Result<()> {
    let zeros = vec![0; PIECE.min(bytes as usize)];
    while bytes > 0 {
        let piece = bytes.min(PIECE as u64);
        file.write_at(at, &zeros[..piece as usize])?;
        at += piece;
        bytes -= piece;
    }
    Ok(())
}

pub(crate) fn make_directory(disk: &dyn Disk, path: &Path) -> Result<(), Error> {
    disk.create_directory(path).map_err(Error::io("create", path))
}

/// A number that no other chapter has: from the clock, the process and the keys that the system gives its hash maps.
fn random() -> u64 {
    use std::hash::{BuildHasher, Hasher, RandomState};
    let mut hasher = RandomState::new().build_hasher();
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    hasher.write_u128(now.as_nanos());
    hasher.write_u32(std::process::id());
    hasher.finish().max(1)
}
