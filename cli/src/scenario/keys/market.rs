//! Sections of what is traded, by whom and when.

use super::Bound::{Any, NotNegative, Positive};
use super::Fallback::{Is, Otherwise, Required};
use super::{Section, Unit, key};

pub const TOP: Section = Section {
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
};

pub const ACCOUNT: Section = Section {
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
        key(
            "positions",
            Unit::Word(&["netting", "hedging"]),
            Any,
            Is("netting"),
            "`hedging`: every order that opens makes a position of its own, long and short side by side",
        ),
        key(
            "hedged_margin",
            Unit::Word(&["larger", "both"]),
            Any,
            Otherwise("`larger`, in a hedging account"),
            "what margin is needed for, where both sides of an instrument are held: the larger one, or both",
        ),
        key(
            "margin_call",
            Unit::Ratio,
            Positive,
            Otherwise("`stop_out` where that is said, else off"),
            "equity, as a multiple of the maintenance margin, at or below which nothing is opened",
        ),
        key(
            "stop_out",
            Unit::Ratio,
            Positive,
            Otherwise("off"),
            "equity, as a multiple of the maintenance margin, at or below which positions are closed",
        ),
    ],
};

pub const INSTRUMENTS: Section = Section {
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
            "financing",
            Unit::Table,
            Any,
            Otherwise("that of [financing]"),
            "what holding a position over the rollover costs",
        ),
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
};

pub const COMMISSION: Section = Section {
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
        key("per_unit", Unit::Money, NotNegative, Is("0"), "for each unit of quantity: a share, a contract"),
        key("minimum", Unit::Money, NotNegative, Is("0"), "least that a fill costs"),
    ],
};

pub const INSTRUMENT_FINANCING: Section = Section {
    name: "instruments.financing",
    many: false,
    about: "What holding a position over the rollover costs, where it is not what [financing] says.",
    keys: &[
        key("long", Unit::Ratio, Any, Otherwise("that of [financing]"), "what a long position pays a year"),
        key("short", Unit::Ratio, Any, Otherwise("that of [financing]"), "what a short position pays a year"),
        key(
            "borrow",
            Unit::Ratio,
            NotNegative,
            Otherwise("that of [financing]"),
            "what a short position pays a year for what is borrowed",
        ),
    ],
};

pub const FINANCING: Section = Section {
    name: "financing",
    many: false,
    about: "What holding positions over the rollover costs, as shares of their value in a year.",
    keys: &[
        key("long", Unit::Ratio, Any, Is("0 %"), "what a long position pays; below zero what it receives"),
        key("short", Unit::Ratio, Any, Is("0 %"), "what a short position pays; below zero what it receives"),
        key(
            "borrow",
            Unit::Ratio,
            NotNegative,
            Is("0 %"),
            "what a short position pays on top of it for what is borrowed",
        ),
        key("rollover", Unit::TimeOfDay, Any, Is("17:00"), "time of the rollover, by `clock`"),
        key(
            "clock",
            Unit::Word(&["new_york", "utc"]),
            Any,
            Is("new_york"),
            "whose time of day; New York's has daylight saving time",
        ),
        key(
            "triple",
            Unit::Word(&["Mon", "Tue", "Wed", "Thu", "Fri", "none"]),
            Any,
            Is("Wed"),
            "day whose rollover counts three days, with none on Saturday and Sunday; `none`: each day counts one",
        ),
        key(
            "days_in_year",
            Unit::Word(&["360", "365"]),
            Any,
            Is("360"),
            "days by which a year's share is divided",
        ),
    ],
};

pub const RATES: Section = Section {
    name: "rates",
    many: true,
    about: "By which instruments' quotes other currencies become the account's, at the middle.",
    keys: &[
        key("currency", Unit::Currency, Any, Required, "the other currency"),
        key("instrument", Unit::Text, Any, Required, "symbol of the instrument whose quotes are the rate"),
        key(
            "inverse",
            Unit::Flag,
            Any,
            Is("false"),
            "whether its quotes say how much of the other currency one of the account's is",
        ),
    ],
};

pub const CALENDARS: Section = Section {
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
        key("days", Unit::Text, Any, Is("Mon-Fri"), "days with a session, such as `Mon-Fri` or `Sun, Mon`"),
        key("holidays", Unit::Text, Any, Otherwise("none"), "days without one: `2014-12-25, 2014-12-26`"),
        key("early_closes", Unit::Text, Any, Otherwise("none"), "days that close early: `2014-12-24 12:30`"),
    ],
};
