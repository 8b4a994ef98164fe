//! The zip archive around LEAN's text: its table of contents, and one of its files as a stream.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;

use zip::CompressionMethod;

use crate::data::input::Counted;
use crate::data::{Compression, DataError, Tally};

/// A file inside the archive.
#[derive(Clone, Debug)]
pub(super) struct Member {
    pub(super) name: String,
    start: u64,
    packed: u64,
    checksum: u32,
    deflated: bool,
}

/// What the archive holds.
pub(super) fn members(path: &Path) -> Result<Vec<Member>, DataError> {
    let file = File::open(path).map_err(|error| DataError::unreadable(path, &error))?;
    let mut archive =
        zip::ZipArchive::new(BufReader::new(file)).map_err(|error| damaged(path, error.to_string()))?;
    let mut members = Vec::new();
    for index in 0..archive.len() {
        let member = archive.by_index_raw(index).map_err(|error| damaged(path, error.to_string()))?;
        if member.is_dir() {
            continue;
        }
        let name = member.name().map_err(|error| damaged(path, error.to_string()))?.into_owned();
        let refused = |found: String, help: &str| {
            Err(DataError::NotRead { file: path.to_owned(), found, help: help.to_string() })
        };
        if member.encrypted() {
            return refused(
                format!("`{name}` in it is encrypted"),
                "unpack it and pack it without a password",
            );
        }
        let deflated = match member.compression() {
            CompressionMethod::Stored => false,
            method if method == CompressionMethod::DEFLATE => true,
            method => {
                let found = format!("`{name}` in it is packed by {method}");
                return refused(found, "LEAN packs by deflate: pack it so");
            }
        };
        let start =
            member.data_start().ok_or_else(|| damaged(path, format!("`{name}` has no place in it")))?;
        let (packed, checksum) = (member.compressed_size(), member.crc32());
        members.push(Member { name, start, packed, checksum, deflated });
    }
    Ok(members)
}

fn damaged(path: &Path, message: String) -> DataError {
    DataError::Damaged { file: path.to_owned(), compression: Compression::Zip, message, good_rows: 0 }
}

impl Member {
    /// Bytes that it takes in the archive.
    pub(super) fn packed(&self) -> u64 {
        self.packed
    }

    /// Its text. What is read is compared with the checksum at the end.
    pub(super) fn open(&self, path: &Path, tally: Arc<Tally>) -> Result<Box<dyn Read + Send>, DataError> {
        let unreadable = |error: io::Error| DataError::unreadable(path, &error);
        let mut file = File::open(path).map_err(unreadable)?;
        file.seek(SeekFrom::Start(self.start)).map_err(unreadable)?;
        let packed = BufReader::with_capacity(64 << 10, Counted { file, tally }.take(self.packed));
        let checked = |text| Checked { text, seen: flate2::Crc::new(), checksum: self.checksum };
        Ok(match self.deflated {
            true => Box::new(checked(Box::new(flate2::bufread::DeflateDecoder::new(packed)))),
            false => Box::new(checked(Box::new(packed))),
        })
    }
}

/// Compares a stream with its checksum when it ends.
struct Checked {
    text: Box<dyn Read + Send>,
    seen: flate2::Crc,
    checksum: u32,
}

impl Read for Checked {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.text.read(buffer)?;
        self.seen.update(&buffer[..read]);
        if read == 0 && !buffer.is_empty() && self.seen.sum() != self.checksum {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "the checksum differs"));
        }
        Ok(read)
    }
}
