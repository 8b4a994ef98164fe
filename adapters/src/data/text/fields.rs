//! A line cut into its fields.
//!
//! Both cuts give the same: a text and, for each field, where it ends. Field `i` reaches from one past the
//! end of field `i − 1` to its own end.

use std::ops::Range;

use super::lines::LINE_MAX;

const LOW_BITS: u64 = 0x7f7f_7f7f_7f7f_7f7f;

/// Ends of the fields of a line without quotation marks. Returns how many fields there are; those beyond
/// `ends.len()` are counted only.
#[inline]
pub(crate) fn split_plain(line: &[u8], delimiter: u8, ends: &mut [u32]) -> usize {
    debug_assert!(line.len() <= LINE_MAX);
    let pattern = u64::from(delimiter) * 0x0101_0101_0101_0101;
    let mut count = 0;
    let mut note = |at: usize| {
        if let Some(end) = ends.get_mut(count) {
            *end = at as u32;
        }
        count += 1;
    };
    let mut chunks = line.chunks_exact(8);
    let mut at = 0;
    for chunk in &mut chunks {
        let word = u64::from_le_bytes(chunk.try_into().expect("chunks of eight")) ^ pattern;
        // The high bit of every byte that is zero now, exactly: a delimiter was there.
        let mut found = !((word & LOW_BITS).wrapping_add(LOW_BITS) | word | LOW_BITS);
        while found != 0 {
            note(at + found.trailing_zeros() as usize / 8);
            found &= found - 1;
        }
        at += 8;
    }
    for (i, &byte) in chunks.remainder().iter().enumerate() {
        if byte == delimiter {
            note(at + i);
        }
    }
    note(line.len());
    count
}

/// Why a line with quotation marks cannot be cut, with the bytes at fault.
pub(crate) struct QuoteError {
    pub(crate) span: Range<usize>,
    pub(crate) problem: &'static str,
    pub(crate) expected: &'static str,
}

/// Cuts a line by RFC 4180: a field that begins with a quotation mark ends at the next single one. `plain`
/// receives the line without the marks, for which `ends` then holds.
pub(crate) fn split_quoted(
    line: &[u8],
    delimiter: u8,
    plain: &mut Vec<u8>,
    ends: &mut Vec<u32>,
) -> Result<(), QuoteError> {
    plain.clear();
    ends.clear();
    let mut at = 0;
    loop {
        at = copy_field(line, at, delimiter, plain)?;
        ends.push(plain.len() as u32);
        if at == line.len() {
            return Ok(());
        }
        plain.push(delimiter);
        at += 1;
    }
}

/// Where field number `index` lies in the line as written, quotation marks included.
pub(crate) fn raw_field(line: &[u8], delimiter: u8, index: usize) -> Range<usize> {
    let mut at = 0;
    for _ in 0..index {
        at = match copy_field(line, at, delimiter, &mut Vec::new()) {
            Ok(end) if end < line.len() => end + 1,
            _ => return 0..line.len(),
        };
    }
    let end = copy_field(line, at, delimiter, &mut Vec::new()).unwrap_or(line.len());
    at..end
}

/// Appends the field that begins at `at` to `plain` and returns where it ends.
fn copy_field(line: &[u8], at: usize, delimiter: u8, plain: &mut Vec<u8>) -> Result<usize, QuoteError> {
    let rest = &line[at..];
    if rest.first() != Some(&b'"') {
        let length = rest.iter().position(|&byte| byte == delimiter).unwrap_or(rest.len());
        plain.extend_from_slice(&rest[..length]);
        return Ok(at + length);
    }
    let mut here = at + 1;
    loop {
        match line[here..].iter().position(|&byte| byte == b'"') {
            None => {
                return Err(QuoteError {
                    span: at..line.len(),
                    problem: "does not end in this line",
                    expected: "a closing quotation mark; line breaks inside quotes are not read",
                });
            }
            Some(length) => {
                plain.extend_from_slice(&line[here..here + length]);
                here += length + 1;
            }
        }
        match line.get(here) {
            None => return Ok(here),
            Some(b'"') => {
                plain.push(b'"');
                here += 1;
            }
            Some(&byte) if byte == delimiter => return Ok(here),
            Some(_) => {
                return Err(QuoteError {
                    span: at..here + 1,
                    problem: "goes on after its closing quotation mark",
                    expected: "a delimiter or the end of the line",
                });
            }
        }
    }
}
