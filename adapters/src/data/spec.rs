//! What a data file means: whose data, which columns, which clock.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use genovo_engine::ids::InstrumentId;
use genovo_engine::settings::DataKind;
use genovo_engine::units::Nanoseconds;

use super::lean::Market;
use super::{Format, TimeFormat};

/// The description of a data file.
#[derive(Clone, Debug, PartialEq)]
pub struct DataSpec {
    /// Whose data it is.
    pub instrument: InstrumentId,
    /// What it holds: quotes, trades or bars.
    pub kind: DataKind,
    /// Which column holds what. A field that is not named here is looked for under its usual names.
    pub columns: BTreeMap<Field, Column>,
    /// Whether line 1 names the columns. If not, columns are given by number.
    pub header: bool,
    /// What parts the columns: `,`, `;`, tab or `|`. `None`: the one that line 1 shows.
    pub delimiter: Option<u8>,
    /// How times are written. `None`: what the column's name or the first row shows.
    pub time: Option<TimeFormat>,
    /// How arrival times are written. `None`: found like `time`.
    pub arrival: Option<TimeFormat>,
    /// How far the file's clock is ahead of UTC: −5 hours for "EST fixed". A time with its own zone ignores
    /// it.
    pub utc_offset: Nanoseconds,
    /// How long after `time_event` a row arrives, when the file has no arrival time of its own.
    pub feed_latency: Nanoseconds,
    /// Added to every arrival time that the file has: the offset of the capture's clock.
    pub clock_offset: Nanoseconds,
    /// Count and leave out rows that cannot be read instead of refusing the file.
    pub skip_bad_rows: bool,
    /// How often the file is repeated, each time shifted past its end. 1 is the file itself.
    pub tiles: u32,
    /// Which of several instruments in a file: the contract of a LEAN archive, a symbol of a DBN
    /// file. `None`: it has but one.
    pub select: Option<String>,
    /// Of which market a LEAN file is. `None`: as its folders say.
    pub market: Option<Market>,
    /// For a folder: the map file of LEAN that says which ticker's folder has which days.
    pub map: Option<PathBuf>,
    /// For bars: how long a bar lasts. `None`: as the file says.
    pub bar_interval: Option<Nanoseconds>,
    /// For bars: how long after its open time a bar is known. `None`: `bar_interval`.
    pub bar_known_after: Option<Nanoseconds>,
}

impl DataSpec {
    /// A file with a header, the usual names, no latency and UTC times.
    pub fn new(instrument: InstrumentId, kind: DataKind) -> DataSpec {
        DataSpec {
            instrument,
            kind,
            columns: BTreeMap::new(),
            header: true,
            delimiter: None,
            time: None,
            arrival: None,
            utc_offset: Nanoseconds::ZERO,
            feed_latency: Nanoseconds::ZERO,
            clock_offset: Nanoseconds::ZERO,
            skip_bad_rows: false,
            tiles: 1,
            select: None,
            market: None,
            map: None,
            bar_interval: None,
            bar_known_after: None,
        }
    }

    /// How long after its open time a bar is known.
    pub fn bar_known(&self) -> Option<Nanoseconds> {
        self.bar_known_after.or(self.bar_interval)
    }

    /// Says what contradicts itself, or the format of the file.
    pub(crate) fn check(&self, format: Format) -> Result<(), String> {
        if let DataKind::Journal | DataKind::Actions | DataKind::Signals | DataKind::Outside = self.kind {
            return Err(format!("{} is not a {format} file of market data", kind_name(self.kind)));
        }
        if self.tiles == 0 {
            return Err("`tiles` is 0; 1 is the data itself".to_string());
        }
        if let Some(length) = self.bar_known().filter(|_| self.kind == DataKind::Bars)
            && length <= Nanoseconds::ZERO
        {
            return Err("a bar is known after its open time, so that must be more than 0".to_string());
        }
        if self.kind == DataKind::Books && matches!(format, Format::Csv | Format::Parquet) {
            return Err(format!("a {format} file of this shape is not read as books"));
        }
        match format {
            Format::Csv => self.check_columns(),
            Format::Dbn | Format::Parquet | Format::Binance | Format::Lobster if self.market.is_some() => {
                Err(format!("a {format} file has no market: `market` is for LEAN files"))
            }
            Format::Parquet if !self.header || self.delimiter.is_some() => {
                Err("a Parquet file has names for its columns, and nothing between them".to_string())
            }
            Format::Parquet => self.check_roles(),
            Format::Lobster if self.select.is_some() => {
                Err("a LOBSTER file is of one instrument: `select` is for files of several".to_string())
            }
            Format::Dbn | Format::Lean | Format::Binance | Format::Lobster => {
                self.check_without_columns(format)
            }
        }
    }

    fn check_columns(&self) -> Result<(), String> {
        if self.market.is_some() {
            return Err("a CSV file has no market: `market` is for LEAN files".to_string());
        }
        if self.select.is_some() {
            return Err(
                "a CSV file is read as one instrument's: `select` is for files of several".to_string()
            );
        }
        if let Some(delimiter) = self.delimiter
            && !DELIMITERS.contains(&delimiter)
        {
            return Err(format!(
                "`{}` cannot part columns; possible are `,`, `;`, tab and `|`",
                delimiter.escape_ascii()
            ));
        }
        if self.kind == DataKind::Bars && self.bar_known().is_none() {
            return Err("bars need `bar_interval` or `bar_known_after`".to_string());
        }
        self.check_roles()?;
        if !self.header {
            for field in Field::of(self.kind) {
                if field.is_required() && !self.columns.contains_key(field) {
                    return Err(format!(
                        "a file without a header needs the number of the column for `{field}`"
                    ));
                }
            }
        }
        Ok(())
    }

    /// Whether every field named is one of the kind's, and every column one that can be.
    fn check_roles(&self) -> Result<(), String> {
        let kind = kind_name(self.kind);
        for (field, column) in &self.columns {
            if !Field::of(self.kind).contains(field) {
                return Err(format!("`{field}` is not a column of {kind}"));
            }
            match column {
                Column::Number(0) => return Err(format!("column 0 for `{field}`: columns count from 1")),
                Column::Name(name) if !self.header => {
                    return Err(format!(
                        "the column `{name}` has a name but the file has no header: give its number"
                    ));
                }
                Column::Name(_) | Column::Number(_) => {}
            }
        }
        Ok(())
    }

    /// A format that says itself what stands where leaves nothing of that to be said.
    fn check_without_columns(&self, format: Format) -> Result<(), String> {
        let said = [
            ("columns", !self.columns.is_empty()),
            ("header", !self.header),
            ("delimiter", self.delimiter.is_some()),
            ("time_format", self.time.is_some() || self.arrival.is_some()),
            ("utc_offset", self.utc_offset != Nanoseconds::ZERO),
        ];
        match said.into_iter().find(|(_, said)| *said) {
            Some((key, _)) => {
                Err(format!("a {format} file says itself what stands where: leave `{key}` out"))
            }
            None => Ok(()),
        }
    }
}

/// What may part columns.
pub(crate) const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];

pub(crate) fn kind_name(kind: DataKind) -> &'static str {
    match kind {
        DataKind::Quotes => "quotes",
        DataKind::Trades => "trades",
        DataKind::Bars => "bars",
        DataKind::Books => "books",
        DataKind::Journal => "a journal",
        DataKind::Actions => "a factor file",
        DataKind::Signals => "signals",
        DataKind::Outside => "outside",
    }
}

/// Where a field stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Column {
    /// Under this name in the header; upper and lower case are the same unless both occur.
    Name(String),
    /// In this place, counted from 1.
    Number(usize),
}

macro_rules! fields {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $($alias:literal)*;)*) => {
        /// What a column can hold.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Field { $($(#[$doc])* $variant,)* }

        impl Field {
            /// Every field.
            pub const ALL: &'static [Field] = &[$(Field::$variant,)*];

            /// Its name in a mapping.
            pub const fn name(self) -> &'static str {
                match self { $(Field::$variant => $name,)* }
            }

            /// The names under which it is looked for, the likeliest first, in lower case.
            pub const fn usual_names(self) -> &'static [&'static str] {
                match self { $(Field::$variant => &[$($alias,)*],)* }
            }
        }
    };
}

fields! {
    /// When it happened. For bars: when the bar opened.
    Time = "time",
        "ts_ns" "ts_us" "ts_ms" "ts" "timestamp" "ts_event" "time_event" "event_time"
        "time_ns" "time_us" "time_ms" "datetime" "date_time" "transact_time" "open_time" "time" "date";
    /// When it arrived at the capture.
    Arrival = "arrival",
        "time_received" "ts_recv" "ts_received" "local_timestamp" "local_ts" "received"
        "arrival" "arrival_time";
    /// Best bid.
    Bid = "bid",
        "bid" "bid_price" "best_bid" "best_bid_price" "bidprice" "bid_px" "bid_px_00";
    /// Best ask.
    Ask = "ask",
        "ask" "ask_price" "best_ask" "best_ask_price" "askprice" "ask_px" "ask_px_00" "offer";
    /// Displayed at the best bid. Empty is unknown; zero is kept, it says that nothing is displayed.
    BidSize = "bid_size",
        "bid_size" "bidsize" "bid_qty" "best_bid_qty" "bid_amount" "bid_sz" "bid_sz_00" "bid_volume";
    /// Displayed at the best ask. Empty is unknown; zero is kept, it says that nothing is displayed.
    AskSize = "ask_size",
        "ask_size" "asksize" "ask_qty" "best_ask_qty" "ask_amount" "ask_sz" "ask_sz_00" "ask_volume";
    /// A trade's price.
    Price = "price", "price" "px" "trade_price" "last";
    /// A trade's size. Empty is unknown; zero is refused, for then nothing was traded.
    Size = "size", "size" "qty" "quantity" "amount" "trade_size" "volume";
    /// Who crossed the spread: `buy`, `b`, `1` or `sell`, `s`, `-1` in any case. Empty, `n`, `none` and
    /// `unknown` are unknown.
    Side = "side", "side" "aggressor" "aggressor_side" "taker_side";
    /// A bar's first price.
    Open = "open", "open" "o" "open_price";
    /// A bar's highest price.
    High = "high", "high" "h" "high_price";
    /// A bar's lowest price.
    Low = "low", "low" "l" "low_price";
    /// A bar's last price.
    Close = "close", "close" "c" "close_price";
    /// Quantity traded in a bar. Empty is unknown; zero is kept.
    Volume = "volume", "volume" "vol" "v" "tick_volume";
}

impl Field {
    /// The field with this name in a mapping.
    pub fn from_name(name: &str) -> Option<Field> {
        Field::ALL.iter().copied().find(|field| field.name() == name)
    }

    /// The fields that data of this kind can have, the required ones first.
    pub const fn of(kind: DataKind) -> &'static [Field] {
        use Field::*;
        match kind {
            DataKind::Quotes => &[Time, Bid, Ask, BidSize, AskSize, Arrival],
            DataKind::Trades => &[Time, Price, Size, Side, Arrival],
            DataKind::Bars => &[Time, Open, High, Low, Close, Volume, Arrival],
            DataKind::Books
            | DataKind::Journal
            | DataKind::Actions
            | DataKind::Signals
            | DataKind::Outside => &[],
        }
    }

    /// Whether data of its kind is of no use without it.
    pub const fn is_required(self) -> bool {
        use Field::*;
        match self {
            Time | Bid | Ask | Price | Open | High | Low | Close => true,
            Arrival | BidSize | AskSize | Size | Side | Volume => false,
        }
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
