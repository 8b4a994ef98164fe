//! Reading a tail: frame by frame as far as it is whole, while another writes it or after a crash.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use super::frame::{self, FILE_HEADER_BYTES, FRAME_HEADER_BYTES, FileHeader, Found, FrameHeader};
use crate::chapter::read_at;
use crate::error::{Damage, Error, Intact};

/// How many bytes are read from a file at once.
const WINDOW: usize = 256 * 1024;

/// The path of a tail's file.
pub fn file_path(directory: &Path, file: u32) -> PathBuf {
    directory.join(format!("{file:06}.tail"))
}

/// Reads the frames of a chapter's tail.
#[derive(Debug)]
pub struct TailReader {
    directory: PathBuf,
    chapter: u32,
    nonce: Option<u64>,
    file: u32,
    open: Option<Open>,
    at: u64,
    number: u64,
    window: Vec<u8>,
    window_at: u64,
    /// Where the payload of the last frame lies in the window.
    payload: std::ops::Range<usize>,
}

#[derive(Debug)]
struct Open {
    path: PathBuf,
    file: File,
    header: FileHeader,
}

/// What comes next in a tail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// A frame with events; [`TailReader::payload`] has them.
    Frame(FrameHeader),
    /// No whole frame: what is written ends here, or is being written.
    End,
}

impl TailReader {
    /// Reads the tail in `directory` from its first frame on, which begins with the event of this number.
    pub fn new(directory: &Path, chapter: u32, first_number: u64) -> TailReader {
        TailReader {
            directory: directory.to_owned(),
            chapter,
            nonce: None,
            file: 1,
            open: None,
            at: FILE_HEADER_BYTES as u64,
            number: first_number,
            window: Vec::new(),
            window_at: 0,
            payload: 0..0,
        }
    }

    /// The next frame. After [`Step::End`] it can be asked again.
    pub fn next(&mut self) -> Result<Step, Error> {
        self.payload = 0..0;
        loop {
            if !self.open()? {
                return Ok(Step::End);
            }
            let header = match self.look()? {
                Found::Frame(header) => header,
                Found::Nothing | Found::Torn => return Ok(Step::End),
            };
            if header.number != self.number {
                let problem = format!("has event {} where event {} belongs", header.number, self.number);
                return Err(self.damage(problem));
            }
            if header.events == 0 {
                self.file += 1;
                self.open = None;
                self.at = FILE_HEADER_BYTES as u64;
                continue;
            }
            let start = (self.at - self.window_at) as usize + FRAME_HEADER_BYTES;
            self.payload = start..start + header.payload as usize;
            self.at += header.frame_bytes() as u64;
            self.number = header.next_number();
            return Ok(Step::Frame(header));
        }
    }

    /// The canonical bytes of the events of the last frame; none after [`Step::End`].
    pub fn payload(&self) -> &[u8] {
        &self.window[self.payload.clone()]
    }

    /// The number of the event that comes next.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// Damage at this place.
    pub fn damage(&self, problem: impl Into<String>) -> Error {
        let path = file_path(&self.directory, self.file);
        let problem = format!("byte {}: {}", self.at, problem.into());
        let events = self.number - 1;
        let intact = Intact { events, ..Intact::default() };
        Error::Damaged(Box::new(Damage { intact, ..Damage::new(&path, problem) }))
    }

    /// Opens the file that is to be read; whether there is one.
    fn open(&mut self) -> Result<bool, Error> {
        if self.open.is_some() {
            return Ok(true);
        }
        let path = file_path(&self.directory, self.file);
        let Some((file, header)) = open_file(&path)? else { return Ok(false) };
        let nonce = *self.nonce.get_or_insert(header.nonce);
        if (header.chapter, header.file, header.nonce) != (self.chapter, self.file, nonce) {
            return Err(Error::damaged(&path, "belongs to another place or another chapter"));
        }
        self.open = Some(Open { path, file, header });
        self.window.clear();
        self.window_at = self.at;
        Ok(true)
    }

    /// What stands at the place that is to be read.
    fn look(&mut self) -> Result<Found, Error> {
        let Some(Open { path, file, header }) = &self.open else { return Ok(Found::Nothing) };
        let nonce = header.nonce;
        let left = header.bytes.saturating_sub(self.at);
        // A frame that was not there a moment ago may be there now: what is no frame is always read anew.
        let mut offset = (self.at - self.window_at) as usize;
        let mut fresh = false;
        loop {
            let there = self.window.len().saturating_sub(offset);
            let frame = self.window.get(offset..).and_then(frame_length);
            let needed = frame.unwrap_or(FRAME_HEADER_BYTES).min(left as usize);
            let found =
                if there >= needed { frame::look(&self.window[offset..], nonce) } else { Found::Torn };
            if fresh && there >= needed || matches!(found, Found::Frame(_)) {
                return Ok(found);
            }
            let wanted = needed.max(WINDOW).min(left as usize);
            self.window.resize(wanted, 0);
            self.window_at = self.at;
            offset = 0;
            let read = read_up_to(file, self.at, &mut self.window).map_err(Error::io("read", path))?;
            if read < wanted {
                let problem =
                    format!("has {} bytes, its header says {}", self.at + read as u64, header.bytes);
                return Err(Error::damaged(path, problem));
            }
            fresh = true;
        }
    }
}

/// The length of the frame whose header these bytes begin with, if they have one.
fn frame_length(bytes: &[u8]) -> Option<usize> {
    let head = bytes.get(..FRAME_HEADER_BYTES)?;
    let payload = u32::from_le_bytes([head[40], head[41], head[42], head[43]]);
    Some(frame::frame_bytes(payload as usize))
}

/// Reads what there is from `at` on; how many bytes that were.
fn read_up_to(file: &File, at: u64, buffer: &mut [u8]) -> io::Result<usize> {
    match read_at(file, at, buffer) {
        Ok(()) => Ok(buffer.len()),
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => {
            let length = file.metadata()?.len();
            Ok(length.saturating_sub(at).min(buffer.len() as u64 - 1) as usize)
        }
        Err(error) => Err(error),
    }
}

/// Opens a file of a tail and reads its header; `None` when it is not there.
fn open_file(path: &Path) -> Result<Option<(File, FileHeader)>, Error> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Error::io("open", path)(error)),
    };
    let mut bytes = [0; FILE_HEADER_BYTES];
    let read = read_up_to(&file, 0, &mut bytes).map_err(Error::io("read", path))?;
    let header = FileHeader::read(&bytes[..read]).map_err(|problem| Error::damaged(path, problem))?;
    let length = file.metadata().map_err(Error::io("look at", path))?.len();
    if length != header.bytes {
        return Err(Error::damaged(path, format!("has {length} bytes, its header says {}", header.bytes)));
    }
    Ok(Some((file, header)))
}

/// What a tail holds, found by reading all of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TailEnd {
    /// The chapter's random number; 0 when there is no file.
    pub nonce: u64,
    /// The file in which the next frame belongs.
    pub file: u32,
    /// Its length.
    pub file_bytes: u64,
    /// Where in it.
    pub at: u64,
    /// The number of the event that comes next.
    pub number: u64,
    /// Bytes of all whole frames and headers, the measure of a chapter's size.
    pub bytes: u64,
    /// What lies behind the last whole frame and is none.
    pub torn: Option<Torn>,
    /// The last file that is there; 0 for none.
    pub last_file: u32,
}

/// Bytes behind the last whole frame: a write that a crash cut short.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Torn {
    /// In which file.
    pub file: PathBuf,
    /// From which byte on.
    pub at: u64,
    /// Up to the last byte that is not zero.
    pub bytes: u64,
}

/// Reads a tail to its end and calls `visit` with every frame. It ends at the first place where no whole frame is;
/// when what follows proves that there once was one, that is damage.
pub fn scan(
    directory: &Path,
    chapter: u32,
    first_number: u64,
    mut visit: impl FnMut(&FrameHeader, &[u8]) -> Result<(), Error>,
) -> Result<TailEnd, Error> {
    let mut reader = TailReader::new(directory, chapter, first_number);
    let mut bytes = 0;
    while let Step::Frame(header) = reader.next()? {
        visit(&header, reader.payload())?;
        bytes += header.frame_bytes() as u64;
    }
    let mut end = TailEnd {
        nonce: reader.nonce.unwrap_or(0),
        file: reader.file,
        file_bytes: reader.open.as_ref().map_or(0, |open| open.header.bytes),
        at: reader.at,
        number: reader.number,
        bytes,
        torn: None,
        last_file: reader.file - 1,
    };
    if let Some(Open { path, file, header }) = &reader.open {
        end.last_file = reader.file;
        let mut rest = vec![0; header.bytes.saturating_sub(reader.at) as usize];
        let read = read_up_to(file, reader.at, &mut rest).map_err(Error::io("read", path))?;
        if read < rest.len() {
            return Err(reader.damage("the file ends before its header says"));
        }
        if let Some(last) = rest.iter().rposition(|byte| *byte != 0) {
            end.torn = Some(Torn { file: path.clone(), at: reader.at, bytes: last as u64 + 1 });
            let mut from = 0;
            while let Some((at, found)) = frame::search(&rest, from, end.nonce) {
                if found.safe >= reader.number {
                    return Err(lost(&reader, path, reader.at + at as u64));
                }
                from = at + frame::ALIGNMENT;
            }
        }
    }
    // A file is used only once all before it is safe: a frame in a later one proves that this one was longer.
    while let Some((file, header)) = open_file(&file_path(directory, end.last_file + 1))? {
        end.last_file += 1;
        let path = file_path(directory, end.last_file);
        let mut all = vec![0; header.bytes.saturating_sub(FILE_HEADER_BYTES as u64) as usize];
        read_up_to(&file, FILE_HEADER_BYTES as u64, &mut all).map_err(Error::io("read", &path))?;
        if let Some((at, _)) = frame::search(&all, 0, header.nonce) {
            return Err(lost(&reader, &path, (FILE_HEADER_BYTES + at) as u64));
        }
    }
    Ok(end)
}

fn lost(reader: &TailReader, path: &Path, at: u64) -> Error {
    reader.damage(format!(
        "event {} was safe and is gone: no whole frame is here, but byte {at} of {} has a later one",
        reader.number(),
        path.display()
    ))
}
