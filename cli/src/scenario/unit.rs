//! What the value of a key may be, in words for people.

/// What a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Any text.
    Text,
    /// One of these words.
    Word(&'static [&'static str]),
    /// `true` or `false`.
    Flag,
    /// A whole number.
    Whole,
    /// A share, such as `2 %`.
    Ratio,
    /// A length of time, such as `5 ms`.
    Length,
    /// A time of day, by the clock that its key names, such as `21:00`.
    TimeOfDay,
    /// An amount of money, such as `100 USD`.
    Money,
    /// The name of a currency.
    Currency,
    /// A price.
    Price,
    /// A quantity.
    Quantity,
    /// A file or folder, relative to the scenario that names it.
    Path,
    /// A column of a file, by name or number.
    Column,
    /// When a strategy decides.
    Trigger,
    /// A risk distance.
    Distance,
    /// A displayed size.
    Size,
    /// What a touch does.
    Touch,
    /// Slippage.
    Slippage,
    /// So many in a time.
    Frequency,
    /// Public keys, or the file that has them.
    Keys,
    /// A table with keys of its own.
    Table,
}

impl Unit {
    /// With its article: "a share".
    pub fn noun(self) -> &'static str {
        match self {
            Unit::Text => "a text",
            Unit::Word(_) => "one of the words",
            Unit::Flag => "true or false",
            Unit::Whole => "a whole number",
            Unit::Ratio => "a share",
            Unit::Length => "a length of time",
            Unit::TimeOfDay => "a time of day",
            Unit::Money => "an amount of money",
            Unit::Currency => "a currency",
            Unit::Price => "a price",
            Unit::Quantity => "a quantity",
            Unit::Path => "a path",
            Unit::Column => "a column",
            Unit::Trigger => "a time to decide",
            Unit::Distance => "a risk distance",
            Unit::Size => "a size",
            Unit::Touch => "a touch rule",
            Unit::Slippage => "a slippage",
            Unit::Frequency => "a frequency",
            Unit::Keys => "public keys",
            Unit::Table => "a table",
        }
    }

    /// An example as a scenario writes it; empty for a list of words.
    pub fn example(self) -> &'static str {
        match self {
            Unit::Text => "\"gold\"",
            Unit::Word(_) => "",
            Unit::Flag => "true",
            Unit::Whole => "12",
            Unit::Ratio => "\"2 %\"",
            Unit::Length => "\"5 ms\"",
            Unit::TimeOfDay => "\"21:00\"",
            Unit::Money => "\"100,000 USD\"",
            Unit::Currency => "\"USD\"",
            Unit::Price => "0.01",
            Unit::Quantity => "500",
            Unit::Path => "\"data/quotes.csv.zst\"",
            Unit::Column => "\"best_bid\"",
            Unit::Trigger => "\"on_signal\"",
            Unit::Distance => "\"2 atr\"",
            Unit::Size => "\"unlimited\"",
            Unit::Touch => "\"never\"",
            Unit::Slippage => "\"1 tick\"",
            Unit::Frequency => "\"100 per 1 s\"",
            Unit::Keys => "[\"ed25519:…\"]",
            Unit::Table => "{ … }",
        }
    }
}
