//! Text to words: names with their dots, numbers, texts in quotes, single marks.

use super::PtxError;

/// A word of PTX.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word<'t> {
    /// A name, an opcode or a directive, with its dots: `%tid.x`, `ld.global.f32`, `.reg`.
    Name(&'t str),
    /// What begins with a digit.
    Number(&'t str),
    /// What stood between quotes.
    Quoted(&'t str),
    /// Any other mark.
    Mark(char),
}

/// A word and the line on which it stands, from 1.
pub type Placed<'t> = (Word<'t>, u32);

fn belongs_to_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$' | b'%' | b'.')
}

/// Splits a text; comments and space are left out.
pub fn words(text: &str) -> Result<Vec<Placed<'_>>, PtxError> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let (mut at, mut line) = (0, 1);
    while at < bytes.len() {
        let byte = bytes[at];
        let start = at;
        match byte {
            b'\n' => {
                line += 1;
                at += 1;
            }
            b' ' | b'\t' | b'\r' => at += 1,
            b'/' if bytes.get(at + 1) == Some(&b'/') => {
                while at < bytes.len() && bytes[at] != b'\n' {
                    at += 1;
                }
            }
            b'/' if bytes.get(at + 1) == Some(&b'*') => {
                let opened = line;
                at += 2;
                loop {
                    match bytes.get(at) {
                        None => return Err(PtxError::new(opened, "a comment that does not end")),
                        Some(b'*') if bytes.get(at + 1) == Some(&b'/') => break,
                        Some(b'\n') => line += 1,
                        Some(_) => {}
                    }
                    at += 1;
                }
                at += 2;
            }
            b'"' => {
                at += 1;
                while at < bytes.len() && bytes[at] != b'"' && bytes[at] != b'\n' {
                    at += 1;
                }
                if bytes.get(at) != Some(&b'"') {
                    return Err(PtxError::new(line, "a text in quotes that does not end"));
                }
                found.push((Word::Quoted(&text[start + 1..at]), line));
                at += 1;
            }
            b'0'..=b'9' => {
                while at < bytes.len() && (bytes[at].is_ascii_alphanumeric() || bytes[at] == b'.') {
                    at += 1;
                }
                found.push((Word::Number(&text[start..at]), line));
            }
            _ if belongs_to_name(byte) => {
                while at < bytes.len() {
                    if belongs_to_name(bytes[at]) {
                        at += 1;
                    } else if bytes[at..].starts_with(b"::")
                        && bytes.get(at + 2).is_some_and(|next| belongs_to_name(*next))
                    {
                        // `.shared::cta`, `.L1::evict_last`
                        at += 2;
                    } else {
                        break;
                    }
                }
                found.push((Word::Name(&text[start..at]), line));
            }
            0x21..=0x7e => {
                found.push((Word::Mark(char::from(byte)), line));
                at += 1;
            }
            _ => return Err(PtxError::new(line, format!("byte {byte:#04x}, where PTX has only ASCII"))),
        }
    }
    Ok(found)
}

/// An integer as PTX writes it: decimal, `0x`, octal, `0b`, with or without `U`.
pub fn integer(text: &str) -> Option<u64> {
    let text = text.strip_suffix('U').unwrap_or(text);
    if let Some(digits) = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        u64::from_str_radix(digits, 16).ok()
    } else if let Some(digits) = text.strip_prefix("0b").or_else(|| text.strip_prefix("0B")) {
        u64::from_str_radix(digits, 2).ok()
    } else if text.len() > 1 && text.starts_with('0') {
        u64::from_str_radix(&text[1..], 8).ok()
    } else {
        text.parse().ok()
    }
}
