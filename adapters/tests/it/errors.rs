//! Everything that can be wrong with a file is said with its place, and never by a panic.

use genovo_adapters::data::{
    BadRow, Column, Compression, DataError, DataSpec, Field, Tally, TimeFormat, open,
};
use genovo_engine::settings::DataKind;
use genovo_engine::units::Nanoseconds;

use crate::{drain, file, read, spec};

const QUOTES: &str = "ts_ns,bid,ask,bid_size,ask_size\n";

fn error(bytes: impl AsRef<[u8]>, spec: &DataSpec) -> DataError {
    read(bytes, spec).expect_err("the file is bad")
}

fn bad_row(bytes: impl AsRef<[u8]>, spec: &DataSpec) -> BadRow {
    match error(bytes, spec) {
        DataError::Row(row) => *row,
        other => panic!("{other}"),
    }
}

/// The error's text without the directory of the file.
fn said(error: impl ToString, path: &std::path::Path) -> String {
    error.to_string().replace(path.to_str().unwrap(), "FILE")
}

fn says(bytes: impl AsRef<[u8]>, spec: &DataSpec) -> String {
    let file = file(bytes);
    let error = crate::read_path(file.path(), spec).expect_err("the file is bad");
    said(error, file.path())
}

#[test]
fn a_bad_price_is_shown_with_everything_that_a_picture_needs() {
    let text = format!(
        "{QUOTES}1399040999581000000,1290.5,1290.8,,\n1399040999583691000,1290.57,1290.823,,\n\
         1399041000002543000,1290.572,1290.83B,,\n"
    );
    let row = bad_row(&text, &spec(DataKind::Quotes));
    assert_eq!((row.line, row.good_rows), (4, 2));
    assert_eq!(row.column.as_deref(), Some("ask"));
    assert_eq!(row.text, "1290.83B");
    assert_eq!(&row.line_text[row.span.clone()], "1290.83B");
    assert_eq!(row.line_text, "1399041000002543000,1290.572,1290.83B,,");
    assert_eq!(
        row.before,
        [
            (2, "1399040999581000000,1290.5,1290.8,,".to_string()),
            (3, "1399040999583691000,1290.57,1290.823,,".to_string())
        ]
    );
    assert_eq!(
        said(&row, &row.file),
        "1290.83B is not a price: expected digits with at most 9 decimals (FILE, line 4, column ask)"
    );
}

#[test]
fn rows_are_refused_for_these_reasons() {
    let quotes = spec(DataKind::Quotes);
    let trades = spec(DataKind::Trades);
    let bars = spec(DataKind::Bars);
    let trade = |row: &str| format!("ts_ns,price,size,side\n{row}\n");
    let bar = |row: &str| format!("ts_ns,open,high,low,close,volume\n{row}\n");
    let quote = |row: &str| format!("{QUOTES}{row}\n");
    for (text, spec, expected) in [
        (
            quote("5,,2,,"),
            &quotes,
            "an empty field is not a price: expected a number, found nothing (FILE, line 2, column bid)",
        ),
        (
            quote("5,NaN,2,,"),
            &quotes,
            "NaN is not a price: expected digits with at most 9 decimals (FILE, line 2, column bid)",
        ),
        (
            quote("5,1,-inf,,"),
            &quotes,
            "-inf is not a price: expected digits with at most 9 decimals (FILE, line 2, column ask)",
        ),
        (
            quote("5,1,5e9,,"),
            &quotes,
            "5e9 is not a price: expected a number from about -4.6 to 4.6 billion (FILE, line 2, column ask)",
        ),
        (quote("5,1,0.0000000001,,"), &quotes, "0.0000000001 is not a price: expected at most 9 decimals"),
        (
            quote("5,1,2,-3,"),
            &quotes,
            "-3 is not a size: expected no minus sign (FILE, line 2, column bid_size)",
        ),
        (
            quote("5,1,2,,x"),
            &quotes,
            "x is not a size: expected digits with at most 9 decimals (FILE, line 2, column ask_size)",
        ),
        (quote("5s,1,2,,"), &quotes, "5s is not a time: expected whole nanoseconds since 1970"),
        (quote("5,1,2,"), &quotes, "5,1,2, has too few columns: expected 5 columns, found 4 (FILE, line 2)"),
        (
            quote("5,1,2,,,"),
            &quotes,
            "5,1,2,,, has too many columns: expected 5 columns, found 6 (FILE, line 2)",
        ),
        (
            quote("5,1,2,\"3,"),
            &quotes,
            "\"3, does not end in this line: expected a closing quotation mark; line breaks",
        ),
        (
            quote("5,1,2,\"3\"4,"),
            &quotes,
            "\"3\"4 goes on after its closing quotation mark: expected a delimiter or the end of the line",
        ),
        (
            quote("5,\"1,5\",2,,"),
            &quotes,
            "\"1,5\" is not a price: expected digits with at most 9 decimals (FILE, line 2, column bid)",
        ),
        (
            trade("5,1,0,"),
            &trades,
            "0 is not the size of a trade: expected more than zero (FILE, line 2, column size)",
        ),
        (
            trade("5,1,1,up"),
            &trades,
            "up is not a side: expected buy or sell, b or s, 1 or -1, or nothing (FILE, line 2, column side)",
        ),
        (bar("5,1,2,1.5,1,"), &bars, "1.5 is not the low of this bar: expected no price of the bar below it"),
        (bar("5,3,2,1,1,"), &bars, "2 is not the high of this bar: expected no price of the bar above it"),
        (
            bar("5,1,2,1,1,-1"),
            &bars,
            "-1 is not a size: expected no minus sign (FILE, line 2, column volume)",
        ),
    ] {
        let said = says(&text, spec);
        assert!(said.starts_with(expected), "{text}: {said}\nnot {expected}");
    }
}

#[test]
fn text_that_is_not_utf8_or_steers_a_terminal_is_shown_harmlessly() {
    let row = bad_row(b"ts_ns,bid,ask\n5,1\xff,2\n", &spec(DataKind::Quotes));
    assert_eq!((row.text.as_str(), row.expected.as_str()), ("1\u{fffd}", "UTF-8 text"));
    assert_eq!(&row.line_text[row.span.clone()], "1\u{fffd}");
    let row = bad_row(b"ts_ns,bid,ask\n5,\x1b[2J1,2\n", &spec(DataKind::Quotes));
    assert_eq!(row.text, "\u{fffd}[2J1");
}

#[test]
fn a_long_row_is_cut_around_the_fault() {
    let text = format!("note,ts_ns,bid,ask,more\n{},5,oops,2,{}\n", "x".repeat(5000), "ü".repeat(5000));
    let row = bad_row(text, &spec(DataKind::Quotes));
    assert!(row.line_text.len() < 400, "{}", row.line_text.len());
    assert_eq!(&row.line_text[row.span.clone()], "oops");
    assert!(row.line_text.starts_with('…') && row.line_text.ends_with('…'));
}

#[test]
fn an_error_is_said_again_and_good_rows_come_before_it() {
    let file = file(format!("{QUOTES}1,1,2,,\n2,1,2,,\n3,1,,,\n4,1,2,,\n"));
    let mut open = open(file.path(), &spec(DataKind::Quotes)).unwrap();
    let (events, first) = drain(&mut open, 100);
    let (none, again) = drain(&mut open, 100);
    assert_eq!((events.len(), none.len()), (2, 0));
    assert!(first.is_some());
    assert_eq!(first, again);
    assert_eq!(first.unwrap().good_rows(), 2);
}

#[test]
fn bad_rows_can_be_left_out_and_are_counted() {
    let mut text = QUOTES.to_string();
    for i in 0..100 {
        text += &if i % 4 == 3 { format!("{i},x,2,,\n") } else { format!("{i},1,2,,\n") };
    }
    let mut spec = spec(DataKind::Quotes);
    spec.skip_bad_rows = true;
    let file = file(text);
    let mut open = open(file.path(), &spec).unwrap();
    let (events, error) = drain(&mut open, 7);
    assert_eq!((events.len(), error), (75, None));
    assert_eq!((open.tally.rows(), open.tally.skipped()), (75, 25));
    let kept = open.tally.first_skipped();
    assert_eq!(kept.len(), Tally::SKIPPED_KEPT);
    assert_eq!((kept[0].line, kept[1].line, kept[1].good_rows), (5, 9, 6));
}

#[test]
fn a_bad_first_row_does_not_decide_how_times_are_written() {
    let mut spec = spec(DataKind::Quotes);
    spec.skip_bad_rows = true;
    let text = "time,bid,ask\nUTC,USD,USD\n1399041000,1,2\n1399041001,1,2\n";
    assert_eq!(read(text, &spec).unwrap().len(), 2);
}

#[test]
fn a_file_of_bad_rows_only_is_no_data() {
    let mut spec = spec(DataKind::Quotes);
    spec.skip_bad_rows = true;
    assert_eq!(
        says(format!("{QUOTES}5,x,2,,\n"), &spec),
        "FILE has no rows that can be read (1 bad row left out)"
    );
}

#[test]
fn files_with_nothing_in_them() {
    let quotes = spec(DataKind::Quotes);
    assert_eq!(says("", &quotes), "FILE is empty");
    assert_eq!(says("\n\r\n\n", &quotes), "FILE is empty");
    assert_eq!(says("\u{feff}", &quotes), "FILE is empty");
    assert_eq!(says(QUOTES, &quotes), "FILE has no rows");
    assert_eq!(says("ts_ns,bid,ask", &quotes), "FILE has no rows");
}

#[test]
fn a_missing_column_names_what_is_there_and_what_was_tried() {
    let DataError::MissingColumn(missing) = error("ts_ns,bdi,ask\n1,2,3\n", &spec(DataKind::Quotes)) else {
        panic!("another error");
    };
    assert_eq!((missing.field, missing.similar.as_deref()), (Field::Bid, Some("bdi")));
    assert_eq!(missing.header, ["ts_ns", "bdi", "ask"]);
    assert!(missing.tried.contains(&"best_bid".to_string()));

    let mut named = spec(DataKind::Quotes);
    named.columns.insert(Field::Ask, Column::Name("aks".to_string()));
    assert_eq!(
        says("ts_ns,bid,ask\n1,2,3\n", &named),
        "FILE has no column for `ask`: tried aks; there are ts_ns, bid, ask (did you mean `ask`?)"
    );
    let said = says("1399040999583691000,1290.57,1290.823\n", &spec(DataKind::Quotes));
    assert!(said.contains("line 1 looks like data"), "{said}");
    let said = says("ts_ns,bid,ask,bid\n1,2,3,4\n", &spec(DataKind::Quotes));
    assert_eq!(said, "FILE: columns 2 and 4 are both called `bid`: give the number of the one for `bid`");
}

#[test]
fn a_header_of_many_or_long_names_is_shown_in_part() {
    let names: Vec<String> = (0..100).map(|i| format!("column_{i}_{}", "é".repeat(i * 10))).collect();
    let said = says(format!("{}\n1\n", names.join(",")), &spec(DataKind::Quotes));
    assert!(said.ends_with("…, and 76 more"), "{said}");
    assert!(said.len() < 2000, "{}", said.len());
}

#[test]
fn a_spec_that_contradicts_itself_is_refused() {
    let text = "ts_ns,bid,ask\n1,2,3\n";
    let check = |change: fn(&mut DataSpec), expected: &str| {
        let mut spec = spec(DataKind::Quotes);
        change(&mut spec);
        assert_eq!(says(text, &spec), format!("FILE: {expected}"));
    };
    check(|spec| spec.tiles = 0, "`tiles` is 0; 1 is the data itself");
    check(|spec| spec.kind = DataKind::Journal, "a journal is not a CSV file of market data");
    check(|spec| spec.delimiter = Some(b'x'), "`x` cannot part columns; possible are `,`, `;`, tab and `|`");
    check(
        |spec| {
            spec.columns.insert(Field::Open, Column::Number(1));
        },
        "`open` is not a column of quotes",
    );
    check(
        |spec| {
            spec.columns.insert(Field::Bid, Column::Number(9));
        },
        "there is no column 9 for `bid`: a row has 3",
    );
    check(|spec| spec.header = false, "a file without a header needs the number of the column for `time`");
    check(
        |spec| {
            spec.kind = DataKind::Bars;
            spec.bar_interval = None;
        },
        "bars need `bar_interval` or `bar_known_after`",
    );
    check(
        |spec| {
            spec.kind = DataKind::Bars;
            spec.bar_known_after = Some(Nanoseconds(-1));
        },
        "a bar is known after its open time, so that must be more than 0",
    );
    assert_eq!(
        says("ts,bid,ask\n5,2,3\n", &spec(DataKind::Quotes)),
        "FILE: cannot tell the unit of `5`: give that of the column for `time`"
    );
}

#[test]
fn a_time_beyond_what_can_be_counted_is_refused() {
    let mut quotes = spec(DataKind::Quotes);
    quotes.time = Some(TimeFormat::Seconds);
    let row = bad_row("ts,bid,ask\n9999999999,1,2\n", &quotes);
    assert_eq!(row.expected, "a time from 1677-09-21 to 2262-04-11");
}

#[test]
fn a_compressed_file_that_ends_early_is_damaged() {
    let text = QUOTES.to_string() + &(0..50_000).map(|i| format!("{i},{},2,,\n", i * 7)).collect::<String>();
    let zst = zstd::encode_all(text.as_bytes(), 1).unwrap();
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut gz, text.as_bytes()).unwrap();
    let gz = gz.finish().unwrap();
    for (bytes, packed) in [(zst, Compression::Zstd), (gz, Compression::Gzip)] {
        for length in [bytes.len() - 1, bytes.len() / 2, 20] {
            match error(&bytes[..length], &spec(DataKind::Quotes)) {
                DataError::Damaged { compression, good_rows, .. } => {
                    assert_eq!(compression, packed);
                    assert_eq!(good_rows > 0, length > 20, "{length}");
                }
                other => panic!("{other}"),
            }
        }
        let mut flipped = bytes.clone();
        let middle = bytes.len() / 2;
        flipped[middle..middle + 8].fill(0xa5);
        assert!(read(&flipped, &spec(DataKind::Quotes)).is_err());
        let mut longer = bytes;
        longer.extend_from_slice(b"no frame");
        assert!(matches!(error(&longer, &spec(DataKind::Quotes)), DataError::Damaged { .. }));
    }
}

#[test]
fn what_is_no_text_is_named() {
    let quotes = spec(DataKind::Quotes);
    for (bytes, expected) in [
        (&b"\xff\xfet\0s\0"[..], "its text is UTF-16: save it as UTF-8"),
        (b"\x7fELF\x02\x01\0\0\0", "byte 7 of it is 0, which no text has"),
        (b"ts\xff,bid,ask\n1,2,3\n", "line 1 is not UTF-8 text"),
    ] {
        assert_eq!(says(bytes, &quotes), format!("FILE is not a CSV file: {expected}"));
    }
}

#[test]
fn a_line_without_an_end_is_refused() {
    let endless = "7".repeat(3 << 20);
    assert!(matches!(error(&endless, &spec(DataKind::Quotes)), DataError::LineTooLong { line: 1, .. }));
    let later = format!("{QUOTES}1,1,2,,\n{endless}\n");
    assert!(matches!(
        error(&later, &spec(DataKind::Quotes)),
        DataError::LineTooLong { line: 3, good_rows: 1, .. }
    ));
    // A line that fits the buffer all the same is a bad row like others.
    let wide = format!("{QUOTES}1,1,2,,{}\n", "7".repeat((1 << 20) + 1));
    assert!(read(&wide, &spec(DataKind::Quotes)).is_err());
}

#[test]
fn what_cannot_be_opened() {
    let quotes = spec(DataKind::Quotes);
    let missing = open(std::path::Path::new("/no/such/file.csv"), &quotes).err().unwrap();
    assert_eq!(missing.to_string(), "cannot read /no/such/file.csv: No such file or directory (os error 2)");
    let directory = tempfile::tempdir().unwrap();
    assert!(matches!(open(directory.path(), &quotes).err(), Some(DataError::Empty { .. })));
}
