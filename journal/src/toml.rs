//! The little TOML that the journal writes, and reads back: `key = "text"`, `key = number`, `[[table]]`.

use std::fmt::Write;

/// A line that means something.
#[derive(Debug, PartialEq, Eq)]
pub enum Line {
    /// `[[name]]`
    Table(String),
    /// `key = "text"`
    Text(String, String),
    /// `key = number`
    Number(String, u64),
}

/// Every line of `text`; the number of the first line that cannot be read, counted from 1.
pub fn read(text: &str) -> Result<Vec<Line>, usize> {
    let mut lines = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        if !line.is_empty() && !line.starts_with('#') {
            lines.push(read_line(line).ok_or(number + 1)?);
        }
    }
    Ok(lines)
}

fn read_line(line: &str) -> Option<Line> {
    if let Some(name) = line.strip_prefix("[[") {
        return Some(Line::Table(name.strip_suffix("]]")?.to_owned()));
    }
    let (key, value) = line.split_once('=')?;
    let (key, value) = (key.trim().to_owned(), value.trim());
    match value.strip_prefix('"') {
        Some(text) => Some(Line::Text(key, unquote(text.strip_suffix('"')?)?)),
        None => Some(Line::Number(key, value.parse().ok()?)),
    }
}

fn unquote(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => return None,
            '\\' => match chars.next()? {
                'u' => {
                    let digits: String = chars.by_ref().take(4).collect();
                    out.push(char::from_u32(u32::from_str_radix(&digits, 16).ok()?)?);
                }
                plain @ ('"' | '\\') => out.push(plain),
                _ => return None,
            },
            c => out.push(c),
        }
    }
    Some(out)
}

/// Appends `key = "value"`.
pub fn put_text(key: &str, value: &str, out: &mut String) {
    out.push_str(key);
    out.push_str(" = \"");
    for c in value.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c.is_control() => {
                let _ = write!(out, "\\u{:04x}", c as u32);
            }
            c => out.push(c),
        }
    }
    out.push_str("\"\n");
}

/// Appends `key = value`.
pub fn put_number(key: &str, value: u64, out: &mut String) {
    let _ = writeln!(out, "{key} = {value}");
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn texts_and_numbers_come_back(text in any::<String>(), number in any::<u64>()) {
            let mut out = String::new();
            put_text("text", &text, &mut out);
            put_number("number", number, &mut out);
            prop_assert_eq!(
                read(&out),
                Ok(vec![Line::Text("text".into(), text), Line::Number("number".into(), number)])
            );
        }

        #[test]
        fn any_text_is_lines_or_an_error(text in any::<String>()) {
            let _ = read(&text);
        }
    }
}
