//! A first look at a file that nobody has described: what it seems to hold, and why it seems so.
//!
//! A guess is a proposal for a person to confirm. Reading never guesses: it does what a [`DataSpec`] says.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use genovo_engine::ids::InstrumentId;
use genovo_engine::settings::DataKind;
use genovo_engine::units::{Nanoseconds, Price, Timestamp};

use super::csv::{cut, first_lines};
use super::spec::{DELIMITERS, kind_name};
use super::time::Clock;
use super::{
    Column, Compression, DataError, DataSpec, Description, Field, Market, Tally, TimeFormat, folder,
};

/// What a file seems to be.
#[derive(Clone, Debug)]
pub struct Guess {
    /// The proposal. Every field that was found is in its mapping.
    pub spec: DataSpec,
    /// What the proposal rests on, one finding a line.
    pub reasons: Vec<String>,
    /// What the file does not tell and a person must, or should, say.
    pub questions: Vec<String>,
    /// The instrument that a column or the file's name shows.
    pub symbol: Option<String>,
    /// How it is packed.
    pub compression: Compression,
    /// Every column in the order of the file.
    pub columns: Vec<ColumnGuess>,
    /// The first row that the proposal cannot read, if there is one among those looked at.
    pub first_error: Option<DataError>,
}

/// What a column seems to hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColumnGuess {
    /// Its name, or its number when there is no header.
    pub name: String,
    /// The field it is read as; `None` when it is left alone.
    pub field: Option<Field>,
    /// Its first value.
    pub example: String,
}

/// How many rows are looked at.
const ROWS: usize = 200;

/// Looks at the first rows of a file.
pub fn guess(path: &Path) -> Result<Guess, DataError> {
    guess_with(path, None, None)
}

/// Looks at the first rows of a file of which a person has said these.
pub fn guess_with(path: &Path, market: Option<&Market>, select: Option<&str>) -> Result<Guess, DataError> {
    let path = &folder::first(path, None, None)?;
    match super::describe(path, market, select)? {
        Some(said) => described(path, said),
        None => guess_csv(path),
    }
}

/// What a file that describes itself says, with its first row.
fn described(path: &Path, said: Description) -> Result<Guess, DataError> {
    let kind = said.kinds[0];
    let mut spec = DataSpec::new(InstrumentId(1), kind);
    spec.market = said.market;
    spec.select = said.select;
    if kind == DataKind::Bars {
        (spec.bar_interval, spec.bar_known_after) = (said.bar_interval, said.bar_known_after);
    }
    let mut reasons = vec![format!("format: {}, by its first bytes", said.format)];
    reasons.extend(said.said);
    let open = super::open_file(path, &spec, Arc::new(Tally::default()))?;
    let examples = said.examples.into_iter().chain(std::iter::repeat(String::new()));
    let columns = said.columns.into_iter().zip(examples);
    let columns = columns.map(|(name, example)| {
        let field = Field::from_name(&name).filter(|field| Field::of(kind).contains(field));
        ColumnGuess { name, field, example }
    });
    let first_error = first_error(path, &spec);
    if first_error.is_none() {
        reasons.push("the first rows can be read so".to_string());
    }
    Ok(Guess {
        spec,
        reasons,
        questions: Vec::new(),
        symbol: said.symbol,
        compression: open.compression,
        columns: columns.collect(),
        first_error,
    })
}

fn guess_csv(path: &Path) -> Result<Guess, DataError> {
    let (compression, lines) = first_lines(path, ROWS)?;
    let mut reasons = vec![format!("packing: {compression}, by its first bytes")];
    let mut questions = Vec::new();

    let (delimiter, table) = table(&lines);
    let Some(width) = table.first().map(Vec::len) else {
        let found = "none of its first lines can be cut into columns".to_string();
        return Err(DataError::NotText { file: path.to_owned(), found });
    };
    reasons.push(format!("delimiter: {}, it gives {width} columns", delimiter_name(delimiter)));

    let header = has_header(&table);
    let (names, rows) = if header { (table[0].clone(), &table[1..]) } else { (Vec::new(), &table[..]) };
    reasons.push(match header {
        true => "header: line 1 holds names only".to_string(),
        false => "no header: line 1 holds values".to_string(),
    });
    if rows.is_empty() {
        return Err(DataError::NoRows { file: path.to_owned(), skipped: 0 });
    }

    let (kind, places) = match by_names(&names, rows) {
        Some(found) => {
            reasons.push(format!("{}: by the names of the columns", kind_name(found.0)));
            found
        }
        None => {
            let found = by_values(rows);
            reasons.push(format!("{}: by the values only", kind_name(found.0)));
            questions.push("columns were told by their values: check each".to_string());
            found
        }
    };

    let mut spec = DataSpec::new(InstrumentId(1), kind);
    spec.header = header;
    spec.delimiter = Some(delimiter);
    for (&field, &place) in &places {
        let unique = names.iter().filter(|name| names.get(place) == Some(name)).count() == 1;
        let column = if unique { Column::Name(names[place].clone()) } else { Column::Number(place + 1) };
        spec.columns.insert(field, column);
    }
    for field in Field::of(kind) {
        if field.is_required() && !places.contains_key(field) {
            questions.push(format!("which column is `{field}`?"));
        }
    }
    spec.time = times(Field::Time, &places, &names, rows, &mut reasons, &mut questions);
    spec.arrival = times(Field::Arrival, &places, &names, rows, &mut reasons, &mut questions);
    if kind == DataKind::Bars {
        spec.bar_interval = bar_interval(&spec, &places, rows);
        match spec.bar_interval {
            Some(length) => {
                let seconds = Price(length.0);
                reasons.push(format!("a bar lasts {seconds} s: the usual distance of two open times"));
                questions.push("a stamp is taken as the open time of its bar: is it?".to_string());
            }
            None => questions.push("how long is a bar?".to_string()),
        }
    }

    let name_of = |place: usize| names.get(place).cloned().unwrap_or_else(|| (place + 1).to_string());
    let field_of = |place: usize| places.iter().find(|(_, at)| **at == place).map(|(field, _)| *field);
    let example = |place: usize| rows[0].get(place).cloned().unwrap_or_default();
    let columns = (0..width)
        .map(|place| ColumnGuess { name: name_of(place), field: field_of(place), example: example(place) })
        .collect();
    let first_error = first_error(path, &spec);
    if first_error.is_none() {
        reasons.push(format!("the first {} rows can be read so", rows.len()));
    }
    if names.iter().any(|name| is_of_a_book(name)) {
        questions.push("this looks like an order book, which is not read as one".to_string());
    }
    let symbol = symbol_in_rows(&names, rows).or_else(|| symbol_in_name(path));
    Ok(Guess { spec, reasons, questions, symbol, compression, columns, first_error })
}

/// The delimiter that cuts the most lines into equally many columns, and the lines cut by it.
fn table(lines: &[Vec<u8>]) -> (u8, Vec<Vec<String>>) {
    let cut_by = |delimiter: u8| -> Vec<Vec<String>> {
        lines.iter().filter_map(|line| cut(line, delimiter)).collect()
    };
    let (mut best, mut best_rank) = (b',', (0, 0));
    for delimiter in DELIMITERS {
        let rows = cut_by(delimiter);
        let width = rows.last().map_or(0, Vec::len);
        let equal = rows.iter().filter(|row| row.len() == width && width > 1).count();
        if (equal, width) > best_rank {
            (best, best_rank) = (delimiter, (equal, width));
        }
    }
    (best, cut_by(best))
}

fn delimiter_name(delimiter: u8) -> &'static str {
    match delimiter {
        b';' => "semicolon",
        b'\t' => "tab",
        b'|' => "bar",
        _ => "comma",
    }
}

fn is_value(text: &str) -> bool {
    is_number(text) || TimeFormat::shown_by(text.as_bytes()).is_some()
}

fn is_number(text: &str) -> bool {
    Price::parse(text.as_bytes()).is_ok()
}

fn has_header(table: &[Vec<String>]) -> bool {
    table[0].iter().all(|cell| !is_value(cell)) && table[0].iter().any(|cell| !cell.is_empty())
}

type Places = BTreeMap<Field, usize>;

/// The first kind of data whose required fields all have usual names, time perhaps told by its values.
fn by_names(names: &[String], rows: &[Vec<String>]) -> Option<(DataKind, Places)> {
    let place_of = |field: &Field| {
        let mut usual = field.usual_names().iter();
        usual.find_map(|usual| names.iter().position(|name| name.eq_ignore_ascii_case(usual)))
    };
    [DataKind::Bars, DataKind::Quotes, DataKind::Trades].into_iter().find_map(|kind| {
        let fields = Field::of(kind).iter();
        let mut places: Places =
            fields.filter_map(|field| place_of(field).map(|place| (*field, place))).collect();
        if !places.contains_key(&Field::Time)
            && let Some(place) = time_column(rows)
        {
            places.insert(Field::Time, place);
        }
        let complete = Field::of(kind).iter().all(|field| !field.is_required() || places.contains_key(field));
        complete.then_some((kind, places))
    })
}

fn column(rows: &[Vec<String>], place: usize) -> impl Iterator<Item = &str> {
    rows.iter().filter_map(move |row| row.get(place).map(String::as_str))
}

/// The first column that holds times and nothing else.
fn time_column(rows: &[Vec<String>]) -> Option<usize> {
    (0..rows[0].len())
        .find(|&place| column(rows, place).all(|text| TimeFormat::shown_by(text.as_bytes()).is_some()))
}

/// A kind whose order of columns fits the values: open, high, low, close; bid, ask and their sizes; price and
/// size.
fn by_values(rows: &[Vec<String>]) -> (DataKind, Places) {
    let time = time_column(rows);
    let numbers: Vec<usize> = (0..rows[0].len())
        .filter(|&place| Some(place) != time && column(rows, place).all(is_number))
        .collect();
    let price = |row: &[String], i: usize| {
        numbers.get(i).and_then(|&place| row.get(place)).and_then(|text| text.parse::<Price>().ok())
    };
    let mostly = |fits: &dyn Fn(&[String]) -> Option<bool>| {
        rows.iter().filter(|row| fits(row) == Some(true)).count() * 10 >= rows.len() * 9
    };
    let bars = mostly(&|row| {
        let (open, high, low, close) = (price(row, 0)?, price(row, 1)?, price(row, 2)?, price(row, 3)?);
        Some(high >= open.max(close) && low <= open.min(close) && low > Price::ZERO)
    });
    // A bid lies below its ask, and not by much.
    let quotes = mostly(&|row| {
        let (bid, ask) = (price(row, 0)?, price(row, 1)?);
        Some(bid <= ask && (ask - bid).0 <= ask.0 / 10)
    });
    let (kind, fields): (_, &[Field]) = if bars {
        (DataKind::Bars, &[Field::Open, Field::High, Field::Low, Field::Close, Field::Volume])
    } else if quotes {
        (DataKind::Quotes, &[Field::Bid, Field::Ask, Field::BidSize, Field::AskSize])
    } else {
        (DataKind::Trades, &[Field::Price, Field::Size])
    };
    let mut places: Places = fields.iter().copied().zip(numbers.iter().copied()).collect();
    places.extend(time.map(|place| (Field::Time, place)));
    (kind, places)
}

/// How a column writes its times.
fn times(
    field: Field,
    places: &Places,
    names: &[String],
    rows: &[Vec<String>],
    reasons: &mut Vec<String>,
    questions: &mut Vec<String>,
) -> Option<TimeFormat> {
    let place = *places.get(&field)?;
    let by_name = names.get(place).and_then(|name| TimeFormat::named_by(name));
    let by_value = || column(rows, place).find_map(|text| TimeFormat::shown_by(text.as_bytes()));
    let format = by_name.or_else(by_value);
    match format {
        None => questions.push(format!("in which unit is `{field}`?")),
        Some(TimeFormat::Text) => {
            reasons.push(format!("`{field}` is a date and time"));
            if !column(rows, place).all(|text| TimeFormat::has_zone(text.as_bytes())) {
                questions.push(format!("`{field}` without a zone is taken as UTC: is it?"));
            }
        }
        Some(unit) => {
            let how = if by_name.is_some() { "by its name" } else { "by the size of its numbers" };
            reasons.push(format!("`{field}` counts {} since 1970, {how}", unit.name()));
        }
    }
    format
}

/// The most frequent distance of two open times, the shortest of several.
fn bar_interval(spec: &DataSpec, places: &Places, rows: &[Vec<String>]) -> Option<Nanoseconds> {
    let clock = Clock { format: spec.time?, utc_offset: spec.utc_offset };
    let place = *places.get(&Field::Time)?;
    let stamps: Vec<Timestamp> =
        column(rows, place).filter_map(|text| clock.read(text.as_bytes()).ok()).collect();
    let mut distances = BTreeMap::<Nanoseconds, usize>::new();
    for pair in stamps.windows(2) {
        let distance = pair[1] - pair[0];
        if distance > Nanoseconds::ZERO {
            *distances.entry(distance).or_default() += 1;
        }
    }
    distances.into_iter().rev().max_by_key(|(_, count)| *count).map(|(distance, _)| distance)
}

/// The first row that cannot be read, among those looked at.
fn first_error(path: &Path, spec: &DataSpec) -> Option<DataError> {
    match super::open_file(path, spec, Arc::new(Tally::default())) {
        Ok(mut open) => open.source.read_rows(&mut Vec::new(), ROWS).err(),
        Err(error) => Some(error),
    }
}

/// Names that only files of order books have.
fn is_of_a_book(name: &str) -> bool {
    ["is_snapshot", "update_type", "asks[0].price", "ask_px_01", "first_update_id"].contains(&name)
}

/// The instrument that a column names, the same in every row.
fn symbol_in_rows(names: &[String], rows: &[Vec<String>]) -> Option<String> {
    let usual = ["symbol", "ticker", "instrument"];
    let place = names.iter().position(|name| usual.iter().any(|usual| name.eq_ignore_ascii_case(usual)))?;
    let first = column(rows, place).next().filter(|first| !first.is_empty())?;
    column(rows, place).all(|symbol| symbol == first).then(|| first.to_string())
}

/// `xauusd_oanda_2014.csv.zst` is about XAUUSD: the first word of a name, when it is one.
fn symbol_in_name(path: &Path) -> Option<String> {
    let name = path.file_name()?.to_str()?;
    let word = name.split(|c: char| !c.is_ascii_alphanumeric()).next()?;
    let usual = (2..=12).contains(&word.len()) && word.starts_with(|c: char| c.is_ascii_alphabetic());
    let generic = ["quotes", "trades", "bars", "ticks", "data", "prices", "market"];
    (usual && !generic.contains(&word.to_ascii_lowercase().as_str())).then(|| word.to_ascii_uppercase())
}
