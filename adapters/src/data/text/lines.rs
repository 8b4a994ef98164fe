//! Whole lines out of a stream, a buffer full at a time.

use std::io::{self, Read};
use std::ops::Range;

use memchr::{memchr, memrchr};

/// The longest line that is read.
pub(crate) const LINE_MAX: usize = 1 << 20;

/// Text taken at once. Fits the second-level cache, so that a row is parsed while its bytes are near.
const BUFFER: usize = 256 << 10;

/// Bytes before the current line that stay at hand, to show what came before a bad row.
const KEPT: usize = 1 << 10;

/// A stream cut into blocks of whole lines.
///
/// ```text
/// buffer   | kept | taken lines | block(): whole lines | begun line | free |
///                               ^ start                ^ whole      ^ filled
/// ```
pub(crate) struct Lines {
    input: Box<dyn Read + Send>,
    buffer: Vec<u8>,
    start: usize,
    whole: usize,
    filled: usize,
    ended: bool,
    has_quotes: bool,
    /// Where the file's first line stands, if it is still in the buffer.
    at_first_line: bool,
    /// Lines taken so far.
    taken: u64,
}

/// Why there is no next block.
pub(crate) enum LinesError {
    /// The stream failed.
    Input(io::Error),
    /// A line is longer than [`LINE_MAX`].
    TooLong,
}

impl Lines {
    pub(crate) fn new(input: Box<dyn Read + Send>) -> Lines {
        Lines {
            input,
            buffer: vec![0; BUFFER],
            start: 0,
            whole: 0,
            filled: 0,
            ended: false,
            has_quotes: false,
            at_first_line: true,
            taken: 0,
        }
    }

    /// Lines that are in memory, at least one, and whether a quotation mark occurs in any of them. Empty at
    /// the end. The last line of the file may lack its line feed.
    #[inline]
    pub(crate) fn block(&mut self) -> Result<(&[u8], bool), LinesError> {
        if self.start == self.whole {
            self.refill()?;
        }
        Ok((&self.buffer[self.start..self.whole], self.has_quotes))
    }

    /// Takes `bytes` of the block, which hold `lines` lines.
    #[inline]
    pub(crate) fn take(&mut self, bytes: usize, lines: u64) {
        self.start += bytes;
        self.taken += lines;
    }

    /// Lines taken so far: the number of the last one.
    #[inline]
    pub(crate) fn taken(&self) -> u64 {
        self.taken
    }

    /// Up to `count` lines before the byte `at` of the block, as far as they are at hand; the nearest comes
    /// last.
    pub(crate) fn before(&self, at: usize, count: usize) -> Vec<&[u8]> {
        let mut lines = Vec::new();
        let mut end = self.start + at;
        while lines.len() < count && end > 0 {
            let body = end - 1;
            let begin = match memrchr(b'\n', &self.buffer[..body]) {
                Some(feed) => feed + 1,
                None if self.at_first_line => 0,
                None => break,
            };
            lines.push(&self.buffer[begin..body]);
            end = begin;
        }
        lines.reverse();
        lines
    }

    #[cold]
    fn refill(&mut self) -> Result<(), LinesError> {
        let from = self.start.saturating_sub(KEPT);
        self.at_first_line &= from == 0;
        self.buffer.copy_within(from..self.filled, 0);
        self.start -= from;
        self.filled -= from;
        self.whole = self.start;
        let mut searched = self.start;
        while !self.ended {
            if self.filled == self.buffer.len() {
                if self.filled - self.start > LINE_MAX {
                    return Err(LinesError::TooLong);
                }
                self.buffer.resize(self.buffer.len() * 2, 0);
            }
            let read = match self.input.read(&mut self.buffer[self.filled..]) {
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(LinesError::Input(error)),
            };
            self.filled += read;
            self.ended = read == 0;
            if let Some(feed) = memrchr(b'\n', &self.buffer[searched..self.filled]) {
                self.whole = searched + feed + 1;
                break;
            }
            searched = self.filled;
        }
        if self.ended {
            self.whole = self.filled;
        }
        self.has_quotes = memchr(b'"', &self.buffer[self.start..self.whole]).is_some();
        Ok(())
    }
}

/// The line that begins at `at` in a block, and where the next one begins. Neither line feed nor carriage
/// return belong to it.
#[inline]
pub(crate) fn line_at(block: &[u8], at: usize) -> (Range<usize>, usize) {
    let (mut end, next) = match memchr(b'\n', &block[at..]) {
        Some(feed) => (at + feed, at + feed + 1),
        None => (block.len(), block.len()),
    };
    if end > at && block[end - 1] == b'\r' {
        end -= 1;
    }
    (at..end, next)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives its text in pieces of the lengths in a list, over and over.
    struct Dribble {
        text: Vec<u8>,
        at: usize,
        pieces: Vec<usize>,
        reads: usize,
    }

    impl Read for Dribble {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            if self.reads % 5 == 4 {
                self.reads += 1;
                return Err(io::ErrorKind::Interrupted.into());
            }
            let piece = self.pieces[self.reads % self.pieces.len()];
            let length = piece.min(buffer.len()).min(self.text.len() - self.at);
            buffer[..length].copy_from_slice(&self.text[self.at..self.at + length]);
            self.at += length;
            self.reads += 1;
            Ok(length)
        }
    }

    /// All lines, each with the two before it that are at hand.
    fn collect(text: &[u8], pieces: &[usize]) -> Vec<(Vec<u8>, Vec<Vec<u8>>)> {
        let dribble = Dribble { text: text.to_vec(), at: 0, pieces: pieces.to_vec(), reads: 0 };
        let mut lines = Lines::new(Box::new(dribble));
        let mut all = Vec::new();
        loop {
            let Ok((block, _)) = lines.block() else { panic!("no error was to come") };
            if block.is_empty() {
                return all;
            }
            let (line, next) = line_at(block, 0);
            let line = block[line].to_vec();
            let before = lines.before(0, 2).into_iter().map(<[u8]>::to_vec).collect();
            all.push((line, before));
            lines.take(next, 1);
        }
    }

    #[test]
    fn lines_do_not_depend_on_how_the_stream_is_cut() {
        let mut text = Vec::new();
        for i in 0..3_000_usize {
            text.extend_from_slice("x".repeat(i * 7919 % 211).as_bytes());
            text.extend_from_slice(if i % 3 == 0 { b"\r\n" } else { b"\n" });
        }
        text.extend_from_slice(b"the last line, unended");
        let expected: Vec<&[u8]> =
            text.split(|&byte| byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line)).collect();
        for pieces in [&[1][..], &[7, 1, 300], &[BUFFER], &[usize::MAX]] {
            let lines = collect(&text, pieces);
            assert_eq!(lines.iter().map(|(line, _)| &line[..]).collect::<Vec<_>>(), expected, "{pieces:?}");
            // Short lines always have their two predecessors, whatever the buffer held.
            for (i, (_, before)) in lines.iter().enumerate() {
                assert_eq!(before.len(), i.min(2), "line {i}, pieces {pieces:?}");
            }
        }
    }
}
