//! From a file to its text: what packs it is told by its first bytes.

use std::fmt;
use std::fs::File;
use std::io::{self, BufReader, Cursor, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::{DataError, Tally};

/// How a file is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// Not at all.
    Plain,
    /// gzip, one member or several.
    Gzip,
    /// Zstandard, one frame or several.
    Zstd,
    /// A zip archive.
    Zip,
    /// Inside of a Parquet file, column by column.
    Parquet,
}

impl fmt::Display for Compression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Compression::Plain => "plain",
            Compression::Gzip => "gzip",
            Compression::Zstd => "zstd",
            Compression::Zip => "zip",
            Compression::Parquet => "Parquet",
        })
    }
}

/// A file's text as a stream.
pub(crate) struct Input {
    pub(crate) text: Box<dyn Read + Send>,
    pub(crate) compression: Compression,
    pub(crate) file_size: u64,
}

/// Bytes taken from the file at once.
const FILE_BUFFER: usize = 256 << 10;

/// Opens a file and unpacks it as it is read; memory stays bounded whatever the file claims.
pub(crate) fn open(path: &Path, tally: Arc<Tally>) -> Result<Input, DataError> {
    let unreadable = |error: io::Error| DataError::unreadable(path, &error);
    let file = File::open(path).map_err(unreadable)?;
    let file_size = file.metadata().map_err(unreadable)?.len();
    let mut file = Counted { file, tally };
    let mut magic = Vec::with_capacity(8);
    file.by_ref().take(8).read_to_end(&mut magic).map_err(unreadable)?;
    if let Some(found) = other_format(&magic) {
        return Err(DataError::NotText { file: path.to_owned(), found: found.to_string() });
    }
    let compression = compression(&magic);
    let bytes = Cursor::new(magic).chain(file);
    let text: Box<dyn Read + Send> = match compression {
        // An archive is no stream: those who read one open its files themselves.
        Compression::Plain | Compression::Zip | Compression::Parquet => Box::new(bytes),
        Compression::Gzip => {
            Box::new(flate2::bufread::MultiGzDecoder::new(BufReader::with_capacity(FILE_BUFFER, bytes)))
        }
        Compression::Zstd => {
            let bytes = BufReader::with_capacity(FILE_BUFFER, bytes);
            Box::new(zstd::stream::read::Decoder::with_buffer(bytes).map_err(unreadable)?)
        }
    };
    Ok(Input { text, compression, file_size })
}

fn compression(magic: &[u8]) -> Compression {
    match magic {
        [0x1f, 0x8b, ..] => Compression::Gzip,
        // The second is a skippable frame, with which some packers begin.
        [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Compression::Zstd,
        _ => Compression::Plain,
    }
}

/// Formats that people hand over by mistake.
fn other_format(magic: &[u8]) -> Option<&'static str> {
    match magic {
        [b'B', b'Z', b'h', b'1'..=b'9', ..] => Some("it is packed with bzip2: use gzip, zstd or none"),
        [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Some("it is packed with xz: use gzip, zstd or none"),
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => Some("its text is UTF-16: save it as UTF-8"),
        _ => None,
    }
}

/// Counts what is taken from the file.
pub(crate) struct Counted {
    pub(crate) file: File,
    pub(crate) tally: Arc<Tally>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buffer)?;
        self.tally.bytes.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}
