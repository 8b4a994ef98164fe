//! A file that ends: its decoder asks for what a damaged header claims to be there, again and again, and takes nothing
//! for an answer. It is told instead that the file is at its end.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};

use bytes::Bytes;
use parquet::errors::{ParquetError, Result};
use parquet::file::reader::{ChunkReader, Length};

/// How often a reader may ask at the end: to find out that it is there takes one.
const ASKED_MAX: u32 = 64;

/// A Parquet file.
pub(super) struct Bounded(pub File);

impl Length for Bounded {
    fn len(&self) -> u64 {
        Length::len(&self.0)
    }
}

impl ChunkReader for Bounded {
    type T = BufReader<Ending<File>>;

    fn get_read(&self, start: u64) -> Result<Self::T> {
        let mut file = self.0.try_clone()?;
        file.seek(SeekFrom::Start(start))?;
        Ok(BufReader::new(Ending { inner: file, asked: 0 }))
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes> {
        // Room is made for as much as is asked for.
        let end = u64::try_from(length).ok().and_then(|length| start.checked_add(length));
        if end.is_none_or(|end| end > Length::len(self)) {
            return Err(ParquetError::EOF(format!("{length} bytes from {start} on are beyond its end")));
        }
        self.0.get_bytes(start, length)
    }
}

/// A stream whose end is an error for who does not take it for one.
pub(super) struct Ending<R> {
    inner: R,
    asked: u32,
}

impl<R: Read> Read for Ending<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        if read > 0 || buffer.is_empty() {
            self.asked = 0;
            return Ok(read);
        }
        self.asked += 1;
        if self.asked > ASKED_MAX {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "it asks for more than there is"));
        }
        Ok(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_is_an_end_and_then_an_error() {
        let mut ending = Ending { inner: &b"abc"[..], asked: 0 };
        let mut all = Vec::new();
        assert_eq!(ending.read_to_end(&mut all).unwrap(), 3);
        let more = (0..=ASKED_MAX).find_map(|_| ending.read(&mut [0; 8]).err());
        assert_eq!(more.map(|error| error.kind()), Some(io::ErrorKind::UnexpectedEof));
    }

    #[test]
    fn no_room_is_made_for_what_is_not_there() {
        let file = tempfile::tempfile().unwrap();
        file.set_len(10).unwrap();
        let file = Bounded(file);
        assert_eq!(file.get_bytes(2, 8).unwrap().len(), 8);
        for (start, length) in [(2, 9), (11, 0), (u64::MAX, 1), (0, usize::MAX)] {
            assert!(matches!(file.get_bytes(start, length), Err(ParquetError::EOF(_))), "{start} {length}");
        }
    }
}
