//! What the first lines of a file say: its columns and how it writes its times.

use std::path::Path;
use std::sync::Arc;

use genovo_engine::units::{Nanoseconds, Timestamp};

use super::columns;
use super::row::Rows;
use crate::data::error::printable;
use crate::data::text::fields;
use crate::data::text::input_failed;
use crate::data::text::lines::{Lines, LinesError, line_at};
use crate::data::time::Clock;
use crate::data::{Compression, DataError, DataSpec, Field, Tally, TimeFormat, input};

/// Takes the header, if the spec says that there is one, and looks at the rows after it: the names of the
/// columns, and the reader of the rows.
pub(super) fn read(
    path: &Path,
    compression: Compression,
    spec: &DataSpec,
    lines: &mut Lines,
) -> Result<(Vec<String>, Rows), DataError> {
    let file = || path.to_owned();
    let first = next_line(path, compression, lines)?.ok_or_else(|| DataError::Empty { file: file() })?;
    check_text(path, &first)?;
    let delimiter = spec.delimiter.unwrap_or_else(|| columns::delimiter_of(&first));
    let first_names = names(&first, delimiter).map_err(|found| DataError::NotText { file: file(), found })?;
    let count = first_names.len();
    let header = if spec.header { first_names } else { Vec::new() };
    if spec.header {
        take_first_line(lines);
    }
    let columns = columns::resolve(path, spec, &header, count)?;

    if next_line(path, compression, lines)?.is_none() {
        return Err(DataError::NoRows { file: file(), skipped: 0 });
    }
    let (block, _) = lines.block().map_err(|error| input_failed(path, compression, error, 1, 0))?;
    let clock = |place: usize, format: Option<TimeFormat>, field: Field| {
        let by_name = || header.get(place).and_then(|name| TimeFormat::named_by(name));
        match format.or_else(by_name).map_or_else(|| time_format(block, delimiter, place), Ok) {
            Ok(format) => Ok(Clock { format, utc_offset: spec.utc_offset }),
            Err(value) => {
                let message =
                    format!("cannot tell the unit of `{value}`: give that of the column for `{field}`");
                Err(DataError::Spec { file: file(), message })
            }
        }
    };
    let time_clock = clock(columns.time, spec.time, Field::Time)?;
    let arrival_clock = match columns.arrival {
        Some(place) => clock(place, spec.arrival, Field::Arrival)?,
        None => time_clock,
    };
    let rows = Rows {
        columns,
        delimiter,
        clock: time_clock,
        arrival_clock,
        instrument: spec.instrument,
        feed_latency: spec.feed_latency,
        clock_offset: spec.clock_offset,
        bar_known_after: spec.bar_known().unwrap_or(Nanoseconds::ZERO),
        received: Timestamp::MIN,
        ends: vec![0; count].into_boxed_slice(),
        plain: Vec::new(),
    };
    Ok((header, rows))
}

/// The next line that is not blank, which stays; `None` at the end.
pub(in crate::data) fn next_line(
    path: &Path,
    compression: Compression,
    lines: &mut Lines,
) -> Result<Option<Vec<u8>>, DataError> {
    first_line(lines).map_err(|error| input_failed(path, compression, error, lines.taken() + 1, 0))
}

/// The format of the times in a column, or a value that does not show its unit.
pub(in crate::data) fn shown_time(
    lines: &mut Lines,
    delimiter: u8,
    place: usize,
) -> Result<TimeFormat, String> {
    match lines.block() {
        Ok((block, _)) => time_format(block, delimiter, place),
        Err(_) => Ok(TimeFormat::Text),
    }
}

/// The first lines that are not blank, for whoever wants to look before a spec is known.
pub(in crate::data) fn first_lines(
    path: &Path,
    count: usize,
) -> Result<(Compression, Vec<Vec<u8>>), DataError> {
    let input = input::open(path, Arc::new(Tally::default()))?;
    let mut lines = Lines::new(input.text);
    let mut first = Vec::new();
    while first.len() < count {
        match first_line(&mut lines) {
            Ok(Some(line)) => first.push(line),
            Ok(None) => break,
            Err(error) => return Err(input_failed(path, input.compression, error, lines.taken() + 1, 0)),
        }
        take_first_line(&mut lines);
    }
    match first.first() {
        None => Err(DataError::Empty { file: path.to_owned() }),
        Some(line) => check_text(path, line).map(|()| (input.compression, first)),
    }
}

/// A line's fields as text; `None` when its quotation marks do not match or it is not UTF-8.
pub(in crate::data) fn cut(line: &[u8], delimiter: u8) -> Option<Vec<String>> {
    names(line, delimiter).ok()
}

/// Text has no zero bytes; what has them is a binary file.
fn check_text(path: &Path, line: &[u8]) -> Result<(), DataError> {
    match memchr::memchr(0, line) {
        None => Ok(()),
        Some(at) => {
            let found = format!("byte {} of it is 0, which no text has", at + 1);
            Err(DataError::NotText { file: path.to_owned(), found })
        }
    }
}

/// Takes blank lines and returns a copy of the first other one, which stays; `None` at the end of the file.
fn first_line(lines: &mut Lines) -> Result<Option<Vec<u8>>, LinesError> {
    loop {
        let at_start = lines.taken() == 0;
        let (block, _) = lines.block()?;
        if block.is_empty() {
            return Ok(None);
        }
        if at_start && block.starts_with(BYTE_ORDER_MARK) {
            lines.take(BYTE_ORDER_MARK.len(), 0);
            continue;
        }
        let (line, next) = line_at(block, 0);
        if !line.is_empty() {
            return Ok(Some(block[line].to_vec()));
        }
        lines.take(next, 1);
    }
}

/// What some editors put before UTF-8 text.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Takes the line that [`first_line`] returned.
pub(in crate::data) fn take_first_line(lines: &mut Lines) {
    if let Ok((block, _)) = lines.block() {
        let (_, next) = line_at(block, 0);
        lines.take(next, 1);
    }
}

/// The format of the times in a column: that of the first row that shows one. Else a number whose unit
/// nothing shows, or, when no row has a time at all, text: the rows' own errors then say what is wrong.
fn time_format(block: &[u8], delimiter: u8, place: usize) -> Result<TimeFormat, String> {
    const ROWS: usize = 100;
    let (mut plain, mut ends) = (Vec::new(), Vec::new());
    let (mut at, mut ambiguous) = (0, None);
    for _ in 0..ROWS {
        if at == block.len() {
            break;
        }
        let (line, next) = line_at(block, at);
        at = next;
        if fields::split_quoted(&block[line], delimiter, &mut plain, &mut ends).is_err()
            || ends.len() <= place
        {
            continue;
        }
        let start = if place == 0 { 0 } else { ends[place - 1] as usize + 1 };
        let value = &plain[start..ends[place] as usize];
        if let Some(format) = TimeFormat::shown_by(value) {
            return Ok(format);
        }
        if ambiguous.is_none() && !value.is_empty() && value.iter().all(u8::is_ascii_digit) {
            ambiguous = Some(printable(value));
        }
    }
    ambiguous.map_or(Ok(TimeFormat::Text), Err)
}

/// The fields of a line as text, or what is wrong with it.
fn names(line: &[u8], delimiter: u8) -> Result<Vec<String>, String> {
    let (mut plain, mut ends) = (Vec::new(), Vec::new());
    fields::split_quoted(line, delimiter, &mut plain, &mut ends)
        .map_err(|error| format!("`{}` in line 1 {}", printable(&line[error.span]), error.problem))?;
    let text = String::from_utf8(plain).map_err(|_| "line 1 is not UTF-8 text".to_string())?;
    let mut start = 0;
    Ok(ends
        .into_iter()
        .map(|end| {
            let name = text[start..end as usize].trim().to_string();
            start = end as usize + 1;
            name
        })
        .collect())
}
