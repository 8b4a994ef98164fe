//! Sections of what is read: market data, signals, what the world says, bars.

use super::Bound::{Any, NotNegative, Positive};
use super::Fallback::{Is, Otherwise, Required};
use super::{Fallback, Section, Unit, key};

const USUAL: Fallback = Otherwise("found by its usual names");

pub const DATA: Section = Section {
    name: "data",
    many: true,
    about: "The market data. Sources are merged by arrival time; ties go to the one written first.",
    keys: &[
        key("path", Unit::Path, Any, Required, "file, folder of files, or the folder of a market journal"),
        key(
            "kind",
            Unit::Word(&["quotes", "trades", "bars", "books", "journal"]),
            Any,
            Otherwise("`journal` for one, what the file says, else `quotes`"),
            "what it holds",
        ),
        key("instrument", Unit::Text, Any, Otherwise("the only one"), "whose data it is"),
        key("columns", Unit::Table, Any, Otherwise("their usual names"), "which column plays which role"),
        key(
            "time_format",
            Unit::Word(&["ns", "us", "ms", "s", "text"]),
            Any,
            Otherwise("as the file shows"),
            "how times are written: since 1970 UTC in this unit, or as a date with a time of day",
        ),
        key(
            "utc_offset",
            Unit::Length,
            Any,
            Is("0 h"),
            "how far the file's clock is ahead of UTC; a time with its own zone ignores it",
        ),
        key(
            "delimiter",
            Unit::Word(&[",", ";", "|", "tab"]),
            Any,
            Otherwise("as the first line shows"),
            "what stands between columns",
        ),
        key(
            "header",
            Unit::Flag,
            Any,
            Is("true"),
            "whether the first line names the columns; else they are numbered from 1",
        ),
        key(
            "feed_latency",
            Unit::Length,
            NotNegative,
            Is("0 ms"),
            "from a row's time to its arrival, if the data has no arrival time",
        ),
        key("clock_offset", Unit::Length, Any, Is("0 ms"), "added to every arrival time of the data"),
        key(
            "skip_bad_rows",
            Unit::Flag,
            Any,
            Is("false"),
            "count and leave out rows that cannot be read, instead of stopping",
        ),
        key(
            "tiles",
            Unit::Whole,
            Positive,
            Is("1"),
            "how often the data is repeated, each time shifted past its end",
        ),
        key(
            "interval",
            Unit::Length,
            Positive,
            Otherwise("what the file says; must be said for bars in CSV"),
            "how long a bar of the data lasts",
        ),
        key(
            "known_after",
            Unit::Length,
            Positive,
            Otherwise("what the file says, else as `interval`"),
            "how long after its open time a bar of the data is known",
        ),
        key(
            "market",
            Unit::Text,
            Any,
            Otherwise("as the folders say"),
            "LEAN: security type and market, such as `equity/usa`: its clock and how it writes prices",
        ),
        key(
            "select",
            Unit::Text,
            Any,
            Otherwise("the only one"),
            "which of several instruments in the file: a contract of a LEAN archive, a symbol of a DBN file",
        ),
        key(
            "map_file",
            Unit::Path,
            Any,
            Otherwise("the ticker has not changed"),
            "LEAN, for a folder of daily files: which ticker's folder, beside this one, has which days",
        ),
    ],
};

pub const COLUMNS: Section = Section {
    name: "data.columns",
    many: false,
    about: "Which column plays which role: its name in the first line, or its number from 1.",
    keys: &[
        key("time", Unit::Column, Any, USUAL, "when it happened; for bars, when the bar opened"),
        key("arrival", Unit::Column, Any, USUAL, "when it arrived at the capture; may be missing"),
        key("bid", Unit::Column, Any, USUAL, "quotes: best bid"),
        key("ask", Unit::Column, Any, USUAL, "quotes: best ask"),
        key("bid_size", Unit::Column, Any, USUAL, "quotes: size at the bid; may be missing"),
        key("ask_size", Unit::Column, Any, USUAL, "quotes: size at the ask; may be missing"),
        key("price", Unit::Column, Any, USUAL, "trades: price"),
        key("size", Unit::Column, Any, USUAL, "trades: size; may be missing"),
        key("side", Unit::Column, Any, USUAL, "trades: who crossed the spread; may be missing"),
        key("open", Unit::Column, Any, USUAL, "bars: first price"),
        key("high", Unit::Column, Any, USUAL, "bars: highest price"),
        key("low", Unit::Column, Any, USUAL, "bars: lowest price"),
        key("close", Unit::Column, Any, USUAL, "bars: last price"),
        key("volume", Unit::Column, Any, USUAL, "bars: volume; may be missing"),
    ],
};

pub const SIGNALS: Section = Section {
    name: "signals",
    many: false,
    about: "Signals of another program, for the strategy `external`: a file of known_at, symbol, target.",
    keys: &[
        key("path", Unit::Path, Any, Required, "file: Parquet, or CSV, plain or packed by zstd or gzip"),
        key(
            "target",
            Unit::Word(&["position", "weight"]),
            Any,
            Is("position"),
            "what `target` is, unless its column is called so: a position, or a share of equity such as 0.5",
        ),
        key(
            "time_format",
            Unit::Word(&["ns", "us", "ms", "s", "text"]),
            Any,
            Otherwise("as the file shows"),
            "how `known_at` is written: since 1970 UTC in this unit, or as a date with a time of day",
        ),
        key(
            "utc_offset",
            Unit::Length,
            Any,
            Is("0 h"),
            "how far the file's clock is ahead of UTC; a time with its own zone ignores it",
        ),
        key(
            "latency",
            Unit::Length,
            NotNegative,
            Is("0 ms"),
            "from the time at which a signal was known to its arrival here",
        ),
        key(
            "skip_bad_rows",
            Unit::Flag,
            Any,
            Is("false"),
            "count and leave out rows that cannot be used, instead of stopping",
        ),
    ],
};

pub const STATISTICS: Section = Section {
    name: "statistics",
    many: true,
    about: "Releases of a statistic, for features and strategies: a file of dates and figures as FRED gives them.",
    keys: &[
        key("path", Unit::Path, Any, Required, "file: CSV, plain or packed by zstd or gzip"),
        key(
            "series",
            Unit::Text,
            Any,
            Otherwise("what the file calls its figures, else its own name"),
            "name of the series",
        ),
        key(
            "release_lag",
            Unit::Length,
            NotNegative,
            Otherwise("the file must say when figures were released"),
            "from the beginning of a period to the release of its figure",
        ),
        key(
            "release_time",
            Unit::TimeOfDay,
            Any,
            Otherwise("the end of the day"),
            "time of day (UTC) of releases of which the file says the day alone",
        ),
        key("latency", Unit::Length, NotNegative, Is("0 ms"), "from the release to its arrival here"),
    ],
};

pub const NEWS: Section = Section {
    name: "news",
    many: true,
    about: "Headlines, for features and strategies: \
            a file of published_at, headline, source, sentiment, weight, symbol.",
    keys: &[
        key("path", Unit::Path, Any, Required, "file: CSV, plain or packed by zstd or gzip"),
        key("latency", Unit::Length, NotNegative, Is("0 ms"), "from publication to the arrival here"),
    ],
};

pub const SCHEDULE: Section = Section {
    name: "schedule",
    many: true,
    about: "Events to come, for features and strategies: a file of at, name, importance, known_at, id, symbol.",
    keys: &[
        key("path", Unit::Path, Any, Required, "file: CSV, plain or packed by zstd or gzip"),
        key(
            "known_before",
            Unit::Length,
            NotNegative,
            Otherwise("the file must say since when an event was known"),
            "how long before it takes place an event is known",
        ),
        key("latency", Unit::Length, NotNegative, Is("0 ms"), "from its being known to the arrival here"),
    ],
};

pub const BARS: Section = Section {
    name: "bars",
    many: false,
    about: "Bars built from ticks. Without this section none are built.",
    keys: &[
        key("interval", Unit::Length, Positive, Required, "how long a bar lasts, such as `5 min`"),
        key(
            "price",
            Unit::Word(&["mid", "bid", "ask", "trade"]),
            Any,
            Otherwise("`mid` with quotes, else `trade`"),
            "price that the bars show",
        ),
    ],
};
