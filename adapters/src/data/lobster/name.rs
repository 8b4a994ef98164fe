//! `AAPL_2012-06-21_34200000_57600000_message_10.csv`: symbol, day, beginning and end in milliseconds since midnight,
//! levels.

use crate::data::time::midnight;

/// The name of a file of messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Name {
    pub symbol: String,
    /// As it is written: 2012-06-21.
    pub day: String,
    /// When the day began, in nanoseconds since 1970 by the exchange's clock.
    pub midnight: i64,
    /// What stands before and behind `message`.
    parts: (String, String),
}

impl Name {
    pub(super) fn parse(name: &str) -> Option<Name> {
        let (before, behind) = name.rsplit_once("_message_")?;
        // The symbol may have underscores of its own.
        let mut parts = before.rsplitn(4, '_');
        let (end, begin, day, symbol) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let levels = behind.split('.').next()?;
        if ![end, begin, levels].into_iter().all(digits) || symbol.is_empty() {
            return None;
        }
        let mut numbers = day.splitn(3, '-').map(|text| digits(text).then(|| text.parse::<i64>().ok())?);
        let (year, month, date) = (numbers.next()??, numbers.next()??, numbers.next()??);
        let midnight = (year <= 9_999).then(|| midnight(year, month, date))??;
        let parts = (before.to_string(), behind.to_string());
        Some(Name { symbol: symbol.to_string(), day: day.to_string(), midnight, parts })
    }

    /// The name of the file of what the book showed.
    pub(super) fn book(&self) -> String {
        format!("{}_orderbook_{}", self.parts.0, self.parts.1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read() {
        let name = Name::parse("AAPL_2012-06-21_34200000_57600000_message_10.csv.zst").unwrap();
        assert_eq!((name.symbol.as_str(), name.day.as_str()), ("AAPL", "2012-06-21"));
        assert_eq!(name.midnight, 1_340_236_800 * 1_000_000_000);
        assert_eq!(name.book(), "AAPL_2012-06-21_34200000_57600000_orderbook_10.csv.zst");
        assert_eq!(Name::parse("BRK_B_2012-06-21_1_2_message_1.csv").unwrap().symbol, "BRK_B");
        for bad in [
            "",
            "message.csv",
            "AAPL_2012-06-21_34200000_57600000_orderbook_10.csv",
            "AAPL_2012-02-30_34200000_57600000_message_10.csv",
            "AAPL_2012-06_34200000_57600000_message_10.csv",
            "AAPL_99999999999999999999-06-21_1_2_message_10.csv",
            "_2012-06-21_34200000_57600000_message_10.csv",
            "AAPL_2012-06-21_x_57600000_message_10.csv",
            "AAPL_2012-06-21_34200000_57600000_message_.csv",
        ] {
            assert_eq!(Name::parse(bad), None, "{bad}");
        }
    }
}
