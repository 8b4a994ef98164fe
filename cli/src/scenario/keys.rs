//! The one table of a scenario's keys: it drives reading, suggestions, `genovo check --keys`, the guide.

pub use super::unit::Unit;

/// A section of a scenario.
#[derive(Debug)]
pub struct Section {
    /// Its name without brackets; dotted when it lies inside another, empty for the top of the file.
    pub name: &'static str,
    /// Whether it may appear several times, as `[[name]]`.
    pub many: bool,
    /// One line of help.
    pub about: &'static str,
    /// Its keys in the order in which they are shown.
    pub keys: &'static [Key],
}

/// A key of a section.
#[derive(Debug)]
pub struct Key {
    /// Its name.
    pub name: &'static str,
    /// What its value is.
    pub unit: Unit,
    /// Which values of the unit are possible.
    pub bound: Bound,
    /// What holds when the scenario is silent.
    pub default: Fallback,
    /// One line of help.
    pub about: &'static str,
}

/// Which values are possible.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// All of them.
    Any,
    /// Zero and above.
    NotNegative,
    /// Above zero.
    Positive,
    /// Above zero, up to 100 %.
    Share,
}

/// What holds when the scenario is silent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fallback {
    /// Nothing: it must be said.
    Required,
    /// This value, as a scenario would write it.
    Is(&'static str),
    /// What these words say.
    Otherwise(&'static str),
}

use Bound::{Any, NotNegative, Positive, Share};
use Fallback::{Is, Otherwise, Required};

const fn key(name: &'static str, unit: Unit, bound: Bound, default: Fallback, about: &'static str) -> Key {
    Key { name, unit, bound, default, about }
}

const USUAL: Fallback = Otherwise("found by its usual names");
const FLAW: Unit = Unit::Word(&["keep", "drop", "halt"]);

/// Every section, in the order in which they are shown.
pub const SECTIONS: &[Section] = &[
    Section {
        name: "",
        many: false,
        about: "What the run is.",
        keys: &[
            key(
                "name",
                Unit::Text,
                Any,
                Otherwise("the file's name"),
                "short name; the journal's folder begins with it",
            ),
            key("title", Unit::Text, Any, Otherwise("the strategy"), "what it does, in a few words"),
            key("seed", Unit::Whole, Any, Is("1"), "seed of everything random"),
            key(
                "extends",
                Unit::Path,
                Any,
                Otherwise("nothing"),
                "scenario whose keys hold unless this one says otherwise",
            ),
        ],
    },
    Section {
        name: "account",
        many: false,
        about: "The account that trades.",
        keys: &[
            key("cash", Unit::Money, Positive, Required, "what it starts with, such as `100,000 USD`"),
            key("currency", Unit::Currency, Any, Otherwise("that of `cash`"), "currency of the account"),
            key(
                "digits",
                Unit::Whole,
                Any,
                Is("2"),
                "decimals of the currency, 0 to 9: fees and results are rounded to them",
            ),
            key(
                "kind",
                Unit::Word(&["margin", "cash"]),
                Any,
                Is("margin"),
                "`cash` pays in full and never sells short",
            ),
        ],
    },
    Section {
        name: "instruments",
        many: true,
        about: "What is traded.",
        keys: &[
            key("symbol", Unit::Text, Any, Required, "its name"),
            key("tick", Unit::Price, Positive, Required, "smallest step of its price"),
            key("lot", Unit::Quantity, Positive, Is("1"), "smallest step of a quantity"),
            key(
                "multiplier",
                Unit::Quantity,
                Positive,
                Is("1"),
                "account currency per price unit and quantity unit",
            ),
            key(
                "margin",
                Unit::Ratio,
                NotNegative,
                Is("100 %"),
                "share of the notional needed to open a position",
            ),
            key(
                "maintenance",
                Unit::Ratio,
                NotNegative,
                Otherwise("as `margin`"),
                "share of the notional needed to hold it",
            ),
            key("commission", Unit::Table, Any, Otherwise("none"), "what a fill costs"),
            key(
                "currency",
                Unit::Currency,
                Any,
                Otherwise("the account's"),
                "what its prices and commission are in; another one than the account's needs a rate",
            ),
            key(
                "calendar",
                Unit::Text,
                Any,
                Otherwise("always open"),
                "when it trades: `XNYS`, `fx`, `24x7`, or a name of [[calendars]]",
            ),
            key(
                "actions",
                Unit::Path,
                Any,
                Otherwise("none"),
                "LEAN factor file of its splits and dividends; its prices are then as they were traded",
            ),
        ],
    },
    Section {
        name: "instruments.commission",
        many: false,
        about: "What a fill costs: the sum of all parts, and no less than the minimum.",
        keys: &[
            key("taker", Unit::Ratio, Any, Is("0 %"), "share of the notional when the fill took liquidity"),
            key(
                "maker",
                Unit::Ratio,
                Any,
                Is("0 %"),
                "share of the notional when it gave liquidity; below zero for a rebate",
            ),
            key(
                "per_unit",
                Unit::Money,
                NotNegative,
                Is("0"),
                "for each unit of quantity: a share, a contract",
            ),
            key("minimum", Unit::Money, NotNegative, Is("0"), "least that a fill costs"),
        ],
    },
    Section {
        name: "rates",
        many: true,
        about: "By which instruments' quotes other currencies become the account's, at the middle.",
        keys: &[
            key("currency", Unit::Currency, Any, Required, "the other currency"),
            key(
                "instrument",
                Unit::Text,
                Any,
                Required,
                "symbol of the instrument whose quotes are the rate",
            ),
            key(
                "inverse",
                Unit::Flag,
                Any,
                Is("false"),
                "whether its quotes say how much of the other currency one of the account's is",
            ),
        ],
    },
    Section {
        name: "calendars",
        many: true,
        about: "Calendars of one's own, by the clock of their time zone.",
        keys: &[
            key("name", Unit::Text, Any, Required, "what instruments call it"),
            key("time_zone", Unit::Text, Any, Required, "its time zone, such as `Europe/London`"),
            key("open", Unit::Text, Any, Required, "when a session opens, such as `08:00`"),
            key(
                "close",
                Unit::Text,
                Any,
                Required,
                "when it closes; not after `open`: the session begins on the day before",
            ),
            key(
                "days",
                Unit::Text,
                Any,
                Is("Mon-Fri"),
                "days with a session, such as `Mon-Fri` or `Sun, Mon`",
            ),
            key("holidays", Unit::Text, Any, Otherwise("none"), "days without one: `2014-12-25, 2014-12-26`"),
            key(
                "early_closes",
                Unit::Text,
                Any,
                Otherwise("none"),
                "days that close early: `2014-12-24 12:30`",
            ),
        ],
    },
    Section {
        name: "data",
        many: true,
        about: "The market data. Sources are merged by arrival time; ties go to the one written first.",
        keys: &[
            key(
                "path",
                Unit::Path,
                Any,
                Required,
                "file, folder of files, or the folder of a market journal",
            ),
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
    },
    Section {
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
    },
    Section {
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
    },
    Section {
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
    },
    Section {
        name: "news",
        many: true,
        about: "Headlines, for features and strategies: \
                a file of published_at, headline, source, sentiment, weight, symbol.",
        keys: &[
            key("path", Unit::Path, Any, Required, "file: CSV, plain or packed by zstd or gzip"),
            key("latency", Unit::Length, NotNegative, Is("0 ms"), "from publication to the arrival here"),
        ],
    },
    Section {
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
    },
    Section {
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
    },
    Section {
        name: "strategy",
        many: false,
        about: "Who decides. Its other keys are the strategy's own; genovo check --strategies lists them.",
        keys: &[
            key("kind", Unit::Text, Any, Required, "name of the strategy"),
            key(
                "decide",
                Unit::Trigger,
                Any,
                Otherwise("as the strategy likes it"),
                "when it decides: `on_signal`, `every_tick`, `every 100 ticks`, `bar_close`, `1 s`",
            ),
        ],
    },
    Section {
        name: "features",
        many: false,
        about: "Columns of the catalogue that every decision sees and journals. Without this section there are none.",
        keys: &[
            key(
                "columns",
                Unit::Text,
                Any,
                Is("all"),
                "families, columns and `.txt` files of their names, with commas, or `none`; see `genovo features list`",
            ),
            key(
                "timeframes",
                Unit::Text,
                Any,
                Otherwise("the bars of the scenario, else 1 min, and 5, 15 and 60 times that"),
                "four lengths of bars, shortest first: `1 min`, `500 ticks`, `1000 volume`, `1000000 money`",
            ),
            key(
                "price",
                Unit::Word(&["mid", "bid", "ask", "trade"]),
                Any,
                Otherwise("that of [bars], else `mid` with quotes, else `trade`"),
                "price that these bars show",
            ),
            key(
                "scale",
                Unit::Word(&["robust", "normal", "none"]),
                Any,
                Is("robust"),
                "by median and quartiles of the last 512 values, by their ranks, or not at all",
            ),
            key(
                "benchmark",
                Unit::Text,
                Any,
                Otherwise("none"),
                "symbol of the instrument that others are compared with",
            ),
            key(
                "slots",
                Unit::Whole,
                Positive,
                Otherwise("all columns are given, none is selected"),
                "how many of the columns a model is given; `selection` or `reselect` says which",
            ),
            key(
                "selection",
                Unit::Path,
                Any,
                Otherwise("none"),
                "file of selected columns: names, or `known_at,column` for several selections",
            ),
            key(
                "reselect",
                Unit::Text,
                Any,
                Otherwise("never"),
                "select columns anew every so many of the shortest bars: `500 bars`",
            ),
            key(
                "reselect_window",
                Unit::Whole,
                Positive,
                Is("2000"),
                "bars that such a selection looks back at",
            ),
            key(
                "reselect_horizon",
                Unit::Whole,
                Positive,
                Is("10"),
                "bars ahead of the return that columns are to say something about",
            ),
            key(
                "reselect_by",
                Unit::Text,
                Any,
                Otherwise("the first instrument"),
                "symbol of the instrument whose bars and returns count",
            ),
            key(
                "reselect_after",
                Unit::Length,
                NotNegative,
                Is("30 s"),
                "from the bar to the selection taking effect: the time that there is to compute it",
            ),
        ],
    },
    Section {
        name: "feature",
        many: true,
        about: "A column of one's own, over those of the catalogue and the bar; it stands behind those of [features].",
        keys: &[
            key("id", Unit::Text, Any, Required, "its name"),
            key(
                "expr",
                Unit::Text,
                Any,
                Required,
                "expression such as `rsi_14@5m - mean(rsi_14@5m, 20)`; see the guide to features",
            ),
            key(
                "on",
                Unit::Text,
                Any,
                Otherwise("the shortest timeframe"),
                "timeframe of [features] at whose closed bars it is computed",
            ),
        ],
    },
    Section {
        name: "risk",
        many: false,
        about: "The limits.",
        keys: &[
            key(
                "limits",
                Unit::Path,
                Any,
                Otherwise("none"),
                "file of limits in the keys of this section; the scenario may only tighten them",
            ),
            key("max_per_trade", Unit::Ratio, Share, Is("2 %"), "share of equity one trade may lose"),
            key(
                "max_total",
                Unit::Ratio,
                Share,
                Is("5 %"),
                "share of equity all open positions together may lose",
            ),
            key(
                "min_position",
                Unit::Money,
                NotNegative,
                Is("100"),
                "smallest position that is opened, by notional",
            ),
            key(
                "distance",
                Unit::Distance,
                Any,
                Otherwise("`2 atr` with bars, else `1 %`"),
                "how far the price is assumed to move against a position without a stop",
            ),
            key("atr_period", Unit::Whole, Positive, Is("14"), "bars in the average true range"),
            key("kill_switch", Unit::Flag, Any, Is("false"), "nothing is opened at all"),
            key(
                "max_order_value",
                Unit::Money,
                Positive,
                Otherwise("off"),
                "an order that is worth more opens nothing",
            ),
            key(
                "max_order_quantity",
                Unit::Quantity,
                Positive,
                Otherwise("off"),
                "an order for more opens nothing",
            ),
            key(
                "price_collar",
                Unit::Ratio,
                Positive,
                Otherwise("off"),
                "how much worse than the market a limit may be",
            ),
            key(
                "max_order_rate",
                Unit::Frequency,
                Any,
                Otherwise("off"),
                "most orders and replacements in a time",
            ),
            key(
                "max_executions",
                Unit::Frequency,
                Any,
                Otherwise("off"),
                "most fills of one side in a time; then nothing is opened until the operator says so",
            ),
            key(
                "duplicate_within",
                Unit::Length,
                Positive,
                Otherwise("off"),
                "time within which the same order again opens nothing",
            ),
            key(
                "stale_after",
                Unit::Length,
                Positive,
                Otherwise("off"),
                "silence of a market after which nothing is opened in it",
            ),
            key(
                "prevent_self_trade",
                Unit::Flag,
                Any,
                Is("false"),
                "refuse an order that would meet one of our own",
            ),
            key(
                "max_position",
                Unit::Money,
                Positive,
                Otherwise("off"),
                "largest position in one instrument, by notional",
            ),
            key(
                "max_gross_exposure",
                Unit::Money,
                Positive,
                Otherwise("off"),
                "largest sum of all positions, long and short added",
            ),
            key(
                "max_net_exposure",
                Unit::Money,
                Positive,
                Otherwise("off"),
                "largest sum of all positions, long less short",
            ),
            key(
                "max_leverage",
                Unit::Ratio,
                Positive,
                Otherwise("off"),
                "largest sum of all positions as a multiple of equity, such as `3` or `300 %`",
            ),
            key(
                "max_margin",
                Unit::Ratio,
                Share,
                Otherwise("off"),
                "share of equity that initial margins may tie up",
            ),
            key(
                "max_correlated",
                Unit::Ratio,
                Positive,
                Otherwise("off"),
                "largest exposure as a multiple of equity, what moves together added",
            ),
            key(
                "max_var",
                Unit::Ratio,
                Share,
                Otherwise("off"),
                "share of equity at risk over the horizon at the confidence",
            ),
            key(
                "max_cvar",
                Unit::Ratio,
                Share,
                Otherwise("off"),
                "share of equity lost on average beyond the value at risk",
            ),
            key(
                "soft_drawdown",
                Unit::Ratio,
                Share,
                Otherwise("off"),
                "fall from the highest equity at which orders begin to shrink; needs `hard_drawdown`",
            ),
            key(
                "hard_drawdown",
                Unit::Ratio,
                Share,
                Otherwise("off"),
                "fall from the highest equity at which all is closed and trading halts",
            ),
            key(
                "max_daily_loss",
                Unit::Ratio,
                Share,
                Otherwise("off"),
                "share of a day's first equity after whose loss nothing is opened until the next day",
            ),
            key(
                "stress_at",
                Unit::Ratio,
                Positive,
                Otherwise("off"),
                "multiple of its usual volatility that makes a market stressed, such as `2`",
            ),
            key(
                "stressed_size",
                Unit::Ratio,
                NotNegative,
                Is("0 %"),
                "share of an order that is left in a stressed market",
            ),
            key(
                "fixed_fraction",
                Unit::Ratio,
                Positive,
                Otherwise("off"),
                "sizing: what a position is worth at most, as a share of equity",
            ),
            key(
                "volatility_target",
                Unit::Ratio,
                Share,
                Otherwise("off"),
                "sizing: the standard deviation of a position over the horizon at most, as a share of equity",
            ),
            key(
                "allocation",
                Unit::Word(&["off", "equal_risk", "inverse_volatility", "hierarchical_risk_parity"]),
                Any,
                Is("off"),
                "how equity is shared among the instruments, anew at each sample",
            ),
            key(
                "allocated",
                Unit::Ratio,
                Positive,
                Otherwise("100 %"),
                "what is shared, as a multiple of equity",
            ),
            key(
                "sample",
                Unit::Length,
                Positive,
                Is("1 day"),
                "how far apart prices are sampled for volatility and correlation",
            ),
            key("decay", Unit::Ratio, Share, Is("94 %"), "weight of the past at each sample"),
            key("confidence", Unit::Ratio, Share, Is("99 %"), "confidence of the value at risk"),
            key("horizon", Unit::Whole, Positive, Is("1"), "samples over which a loss is counted"),
        ],
    },
    Section {
        name: "venue",
        many: false,
        about: "The simulated venue.",
        keys: &[
            key(
                "latency",
                Unit::Length,
                NotNegative,
                Is("5 ms"),
                "from our sending an order to its arrival at the venue",
            ),
            key(
                "response_latency",
                Unit::Length,
                NotNegative,
                Is("0 ms"),
                "from the venue's answer to its arrival here",
            ),
            key(
                "size_when_absent",
                Unit::Size,
                Any,
                Is("unlimited"),
                "displayed size where the data has none",
            ),
            key(
                "touch",
                Unit::Touch,
                Any,
                Is("never"),
                "whether a mere touch fills a resting limit order: `never`, `always`, or a probability",
            ),
            key(
                "queue",
                Unit::Word(&["risk_averse", "log", "power_1", "power_2", "power_3"]),
                Any,
                Is("risk_averse"),
                "in a book by price: what of a level's decrease was ahead of a resting order",
            ),
            key(
                "slippage",
                Unit::Slippage,
                Any,
                Is("1 tick"),
                "beyond the displayed size, and on bars and trades: `1 tick`, or `0.1 % square root`",
            ),
            key(
                "day_end",
                Unit::TimeOfDay,
                Any,
                Is("21:00"),
                "when the trading day ends without a calendar, in UTC",
            ),
            key(
                "when_closed",
                Unit::Word(&["deny", "queue"]),
                Any,
                Is("deny"),
                "an order for a closed market is denied, or waits for it to open",
            ),
        ],
    },
    Section {
        name: "quality",
        many: false,
        about: "What is done about flawed data: `keep` and flag it, `drop` it, or `halt` trading.",
        keys: &[
            key("crossed", FLAW, Any, Is("drop"), "bid above ask"),
            key("locked", FLAW, Any, Is("keep"), "bid equal to ask"),
            key("out_of_order", FLAW, Any, Is("drop"), "a stamp before the last one"),
            key("duplicate", FLAW, Any, Is("keep"), "the same row again"),
            key("gap", FLAW, Any, Is("keep"), "silence longer than `gap_after`"),
            key(
                "gap_after",
                Unit::Length,
                NotNegative,
                Is("15 min"),
                "how long silence may last; 0 never flags",
            ),
            key("outlier", FLAW, Any, Is("keep"), "a move more than `outlier_times` the usual"),
            key(
                "outlier_times",
                Unit::Whole,
                Any,
                Is("100"),
                "how many times the usual move is too far; 0 never flags",
            ),
        ],
    },
    Section {
        name: "execution",
        many: false,
        about: "How the machine runs it. Changes no result, and is no part of a run's identity.",
        keys: &[
            key(
                "mode",
                Unit::Word(&["auto", "inline", "pipelined"]),
                Any,
                Is("auto"),
                "one thread, or stages joined by queues",
            ),
            key(
                "cpu",
                Unit::Word(&["auto", "scalar", "avx2", "avx512"]),
                Any,
                Is("auto"),
                "instruction set of the kernels",
            ),
            key("backend", Unit::Word(&["auto", "cpu", "cuda"]), Any, Is("auto"), "where the kernels run"),
            key(
                "checkpoint_every",
                Unit::Whole,
                Any,
                Is("1000000"),
                "events between two checkpoints of a live session; 0 takes none",
            ),
        ],
    },
];

/// The section of this name.
pub fn section(name: &str) -> Option<&'static Section> {
    SECTIONS.iter().find(|section| section.name == name)
}

impl Section {
    /// The key of this name.
    pub fn key(&self, name: &str) -> Option<&'static Key> {
        self.keys.iter().find(|key| key.name == name)
    }

    /// As a scenario writes it: `[risk]`, `[[instruments]]`.
    pub fn heading(&self) -> String {
        match (self.name, self.many) {
            ("", _) => "the top of the file".to_string(),
            (name, true) => format!("[[{name}]]"),
            (name, false) => format!("[{name}]"),
        }
    }
}

impl Key {
    /// Its help with its default, in one line.
    pub fn help(&self) -> String {
        match self.default {
            Required => self.about.to_string(),
            Is(value) => format!("{} (default {value})", self.about),
            Otherwise(words) => format!("{} (default: {words})", self.about),
        }
    }
}
