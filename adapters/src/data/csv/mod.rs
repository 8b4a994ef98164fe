//! CSV files of quotes, trades and bars as a source of events.
//!
//! What the first lines say (`head`, `columns`) is found out once; `row` makes the events.

use std::path::Path;
use std::sync::Arc;

use super::text::TextSource;
use super::text::lines::Lines;
use super::{DataError, DataSpec, OpenFile, Tally, input};

mod columns;
mod head;
mod row;

pub(super) use columns::delimiter_of;
pub(super) use head::{cut, first_lines, next_line, shown_time, take_first_line as take_line};

/// Opens a file and reads its header.
pub(super) fn open(path: &Path, spec: &DataSpec, tally: Arc<Tally>) -> Result<OpenFile, DataError> {
    let input = input::open(path, tally.clone())?;
    let mut lines = Lines::new(input.text);
    let (header, rows) = head::read(path, input.compression, spec, &mut lines)?;
    let time_format = rows.clock.format;
    let file = path.to_owned();
    let source =
        TextSource::new(file, input.compression, header.clone(), lines, rows, spec.skip_bad_rows, tally);
    Ok(OpenFile {
        source: Box::new(source),
        bytes: input.file_size,
        compression: input.compression,
        time_format,
        header,
    })
}
