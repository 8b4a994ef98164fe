//! A day of LOBSTER: a file of messages, and beside it the file of what the book showed after each of them.
//!
//! ```text
//! AAPL_2012-06-21_34200000_57600000_message_10.csv      34200.004241176,1,16113575,18,5853300,1
//! AAPL_2012-06-21_34200000_57600000_orderbook_10.csv    5859400,200,5853300,18,5859800,200,5853000,150, …
//! ```
//!
//! Messages name orders, so the book is one by order; what was there before the first message, or comes back from
//! beyond the levels shown, is known by the second file alone, as orders without a name. `name` reads the names,
//! `window` makes the two files one book, `row` reads the lines. Layout: LOBSTER's "data structure" page,
//! lobsterdata.com.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use genovo_engine::settings::DataKind;

use super::csv::first_lines;
use super::spec::kind_name;
use super::text::TextSource;
use super::text::lines::Lines;
use super::{DataError, DataSpec, Description, Format, OpenFile, Tally, TimeFormat, input};

mod name;
mod row;
mod window;

use name::Name;
use row::{Rows, Shown};

/// Whether a file that begins so is one of messages: seconds since midnight, a kind from 1 to 7, an order.
pub(super) fn is_beginning(bytes: &[u8]) -> bool {
    let mut fields = bytes.split(|&byte| byte == b',');
    let (Some(time), Some(kind), Some(order)) = (fields.next(), fields.next(), fields.next()) else {
        return false;
    };
    let digits = |text: &[u8]| !text.is_empty() && text.iter().all(u8::is_ascii_digit);
    let (seconds, fraction) = match time.iter().position(|&byte| byte == b'.') {
        Some(dot) => (&time[..dot], &time[dot + 1..]),
        None => return false,
    };
    (1..=5).contains(&seconds.len())
        && digits(seconds)
        && (4..=12).contains(&fraction.len())
        && digits(fraction)
        && matches!(kind, [b'1'..=b'7'])
        && digits(order.strip_prefix(b"-").unwrap_or(order))
        && fields.next().is_some()
}

/// The file of what the book showed, if it lies beside the messages.
pub(super) fn book_beside(path: &Path) -> Option<PathBuf> {
    let name = Name::parse(path.file_name()?.to_str()?)?;
    let exact = path.with_file_name(name.book());
    // Each of the two may be packed, or not.
    let plain = name.book();
    let plain = plain.trim_end_matches(".zst").trim_end_matches(".gz");
    let others = ["", ".zst", ".gz"].map(|end| path.with_file_name(format!("{plain}{end}")));
    std::iter::once(exact).chain(others).find(|book| book.is_file())
}

/// Opens a file of messages.
pub(super) fn open(path: &Path, spec: &DataSpec, tally: Arc<Tally>) -> Result<OpenFile, DataError> {
    let refused = |message: String| DataError::Spec { file: path.to_owned(), message };
    if !matches!(spec.kind, DataKind::Books | DataKind::Trades) {
        let kind = kind_name(spec.kind);
        return Err(refused(format!("a file of LOBSTER holds books and trades, no {kind}")));
    }
    let name = named(path)?;
    let shown = match spec.kind {
        DataKind::Books => {
            let book = book_beside(path).ok_or_else(|| DataError::NotRead {
                file: path.to_owned(),
                found: "what its book showed is not beside it".to_string(),
                help: format!("put `{}` there, or read it as trades", name.book()),
            })?;
            let text = input::open(&book, Arc::new(Tally::default()))?.text;
            Some(Shown::new(book, text))
        }
        _ => None,
    };
    let input = input::open(path, tally.clone())?;
    let rows = Rows::new(spec, name.midnight, shown);
    let lines = Lines::new(input.text);
    let header: Vec<String> = row::COLUMNS.iter().map(ToString::to_string).collect();
    let source = TextSource::new(
        path.to_owned(),
        input.compression,
        header.clone(),
        lines,
        rows,
        spec.skip_bad_rows,
        tally,
    );
    Ok(OpenFile {
        source: Box::new(source),
        bytes: input.file_size,
        compression: input.compression,
        time_format: TimeFormat::Text,
        header,
    })
}

/// What the file's name says, which nothing in it does.
fn named(path: &Path) -> Result<Name, DataError> {
    let name = path.file_name().and_then(|name| name.to_str()).and_then(Name::parse);
    name.ok_or_else(|| DataError::NotRead {
        file: path.to_owned(),
        found: "it looks like messages of LOBSTER, whose day stands in the name alone".to_string(),
        help: "name it as it came: AAPL_2012-06-21_34200000_57600000_message_10.csv".to_string(),
    })
}

/// What a file says of itself.
pub(super) fn describe(path: &Path) -> Result<Description, DataError> {
    let name = named(path)?;
    let (_, lines) = first_lines(path, 1)?;
    let first = lines.first().map_or(&b""[..], |line| line);
    let book = book_beside(path);
    let kinds = match book {
        Some(_) => vec![DataKind::Books, DataKind::Trades],
        None => vec![DataKind::Trades],
    };
    let mut said = vec![
        format!("messages of LOBSTER: {} on {}", name.symbol, name.day),
        "times are those of New York, prices ten-thousandths".to_string(),
    ];
    said.push(match book {
        Some(_) => "can be read as books or trades".to_string(),
        None => format!("as books it needs `{}` beside it", name.book()),
    });
    Ok(Description {
        format: Format::Lobster,
        kinds,
        bar_interval: None,
        bar_known_after: None,
        market: None,
        select: None,
        symbol: Some(name.symbol),
        columns: row::COLUMNS.iter().map(ToString::to_string).collect(),
        examples: first.split(|&byte| byte == b',').map(super::error::printable).collect(),
        said,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_told_by_how_they_begin() {
        for good in ["34200.004241176,1,16113575,18,58", "57599.9999,7,-1,0,1,-1\n", "0.0001,5,0,1,2,1"] {
            assert!(is_beginning(good.as_bytes()), "{good}");
        }
        for bad in [
            "",
            "34200,1,16113575,18",
            "34200.004241176,8,16113575,18",
            "34200.004241176,1,abc,18",
            "34200.004241176,1,16113575",
            "1398924000.0001,1,16113575,18",
            "time,bid,ask",
        ] {
            assert!(!is_beginning(bad.as_bytes()), "{bad}");
        }
    }
}
