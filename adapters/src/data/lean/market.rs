//! Where a LEAN file comes from, and with it how it writes prices and by which clock.

use std::fmt;
use std::path::Path;

use genovo_engine::units::{Nanoseconds, Timestamp};
use jiff::civil::DateTime;
use jiff::tz::{TimeZone, TimeZoneDatabase};

/// A security type and a market as LEAN's folders name them: `equity/usa`, `forex/oanda`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Market {
    security: &'static str,
    market: &'static str,
}

/// Security types, their markets and the clocks of the markets' files. A type with `*` is the same everywhere.
const KNOWN: &[(&str, &str, Zone)] = &[
    ("equity", "usa", Zone::Named("America/New_York")),
    ("forex", "oanda", Zone::Fixed(0)),
    ("forex", "fxcm", Zone::Fixed(-5)),
    ("cfd", "oanda", Zone::Fixed(0)),
    ("cfd", "fxcm", Zone::Fixed(-5)),
    ("future", "cme", Zone::Fixed(0)),
    ("crypto", "*", Zone::Fixed(0)),
    ("cryptofuture", "*", Zone::Fixed(0)),
];

/// The markets of crypto-currencies that paths are searched for.
const CRYPTO: &[&str] =
    &["coinbase", "gdax", "binance", "binanceus", "bitfinex", "bitstamp", "bybit", "kraken", "dydx", "ftx"];

#[derive(Clone, Copy, Debug)]
enum Zone {
    Named(&'static str),
    /// Hours ahead of UTC.
    Fixed(i64),
}

impl Market {
    /// Reads `equity/usa` or `equity-usa`.
    pub fn parse(text: &str) -> Result<Market, String> {
        let lower = text.to_ascii_lowercase();
        let parted = lower.split_once(['/', '-']);
        parted.and_then(|(security, market)| Market::of_words(security, market)).ok_or_else(|| {
            let known: Vec<String> =
                KNOWN.iter().map(|(security, market, _)| format!("{security}/{market}")).collect();
            format!(
                "`{text}` is no market whose clock is known; known are {} (* is any of {})",
                known.join(", "),
                CRYPTO.join(", ")
            )
        })
    }

    /// The market that a path's folders name, as LEAN lays them out: `…/equity/usa/minute/…`, or `equity-usa`.
    pub fn of_path(path: &Path) -> Option<Market> {
        let folder = path.parent()?.to_string_lossy().to_ascii_lowercase();
        let words: Vec<&str> = folder.split(|c: char| !c.is_ascii_alphanumeric()).collect();
        words.windows(2).rev().find_map(|pair| Market::of_words(pair[0], pair[1]))
    }

    fn of_words(security: &str, market: &str) -> Option<Market> {
        KNOWN.iter().find_map(|(known, named, _)| {
            let named = match *named {
                "*" => CRYPTO.iter().find(|named| **named == market)?,
                named => (named == market).then_some(named)?,
            };
            (*known == security).then_some(Market { security: known, market: named })
        })
    }

    fn zone(&self) -> Zone {
        let mut known = KNOWN.iter();
        let known = known.find(|(security, market, _)| {
            *security == self.security && (*market == self.market || *market == "*")
        });
        known.map_or(Zone::Fixed(0), |(_, _, zone)| *zone)
    }

    /// Its zone in words.
    pub(super) fn zone_name(&self) -> String {
        match self.zone() {
            Zone::Named(name) => name.to_string(),
            Zone::Fixed(0) => "UTC".to_string(),
            Zone::Fixed(hours) => format!("UTC{hours:+}, all year"),
        }
    }

    /// Whether prices are written as whole numbers of 1/10,000.
    pub(super) fn scales_prices(&self) -> bool {
        self.security == "equity"
    }

    /// Whether the files have no sizes, and say 0.
    pub(super) fn lacks_sizes(&self) -> bool {
        matches!(self.security, "forex" | "cfd")
    }

    /// How long after its stamp a daily bar is known: a US session stamped 00:00 closes at 16:00.
    pub(super) fn daily_known_after(&self) -> Nanoseconds {
        match self.security {
            "equity" => Nanoseconds(16 * 3_600 * Nanoseconds::SECOND.0),
            _ => Nanoseconds::DAY,
        }
    }

    /// Its clock.
    pub(super) fn clock(&self) -> LocalClock {
        let zone = match self.zone() {
            // The database comes with the program, so that every machine reads a file alike.
            Zone::Named(name) => TimeZoneDatabase::bundled().get(name).expect("the bundled database has it"),
            Zone::Fixed(hours) => {
                TimeZone::fixed(jiff::tz::Offset::from_hours(hours as i8).expect("a few hours"))
            }
        };
        LocalClock { zone, day: i64::MIN, offset: None }
    }
}

impl fmt::Display for Market {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.security, self.market)
    }
}

/// Wall-clock times of one zone to UTC.
pub(in crate::data) struct LocalClock {
    zone: TimeZone,
    /// The day of the last time asked for, since 1970.
    day: i64,
    /// How far that day is ahead of UTC, when it is so all day.
    offset: Option<i64>,
}

impl LocalClock {
    /// The clock of the exchanges of the United States.
    pub(in crate::data) fn of_new_york() -> LocalClock {
        let zone = TimeZoneDatabase::bundled().get("America/New_York");
        LocalClock { zone: zone.expect("the bundled database has it"), day: i64::MIN, offset: None }
    }

    /// The UTC time of a wall-clock time in nanoseconds since 1970 by its own clock. Of a time that occurs
    /// twice the first is meant, as one that is left out is moved on by the gap.
    #[inline]
    pub(in crate::data) fn utc_of(&mut self, wall: i64) -> Option<Timestamp> {
        let day = wall.div_euclid(Nanoseconds::DAY.0);
        if day != self.day {
            self.day = day;
            let begins = self.offset_at(day * Nanoseconds::DAY.0);
            let ends = self.offset_at(day.saturating_add(1).saturating_mul(Nanoseconds::DAY.0));
            self.offset = begins.filter(|_| begins == ends);
        }
        let offset = match self.offset {
            Some(offset) => offset,
            None => self.offset_at(wall)?,
        };
        wall.checked_sub(offset).map(Timestamp)
    }

    fn offset_at(&self, wall: i64) -> Option<i64> {
        let utc = jiff::Timestamp::from_nanosecond(i128::from(wall)).ok()?;
        let civil: DateTime = utc.to_zoned(TimeZone::UTC).datetime();
        let there = self.zone.to_ambiguous_timestamp(civil).compatible().ok()?;
        let offset = i128::from(wall) - there.as_nanosecond();
        i64::try_from(offset).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600_000_000_000;

    #[test]
    fn folders_name_the_market() {
        let of = |path: &str| Market::of_path(Path::new(path)).map(|market| market.to_string());
        assert_eq!(of("data/equity/usa/minute/aapl/20131007_trade.zip").as_deref(), Some("equity/usa"));
        assert_eq!(
            of("bars/lean-minute/forex-fxcm/eurusd/20140501_quote.zip").as_deref(),
            Some("forex/fxcm")
        );
        assert_eq!(of("x/crypto-coinbase/btcusd/20180404_trade.zip").as_deref(), Some("crypto/coinbase"));
        assert_eq!(of("equity-usa.zip"), None);
        assert!(Market::parse("equity/mars").unwrap_err().contains("forex/oanda"));
        assert_eq!(Market::parse("Equity-USA").unwrap().to_string(), "equity/usa");
    }

    #[test]
    fn new_york_changes_its_clock() {
        let mut clock = Market::parse("equity/usa").unwrap().clock();
        let mut hours_to_utc = |day: i64, hour: i64| {
            let wall = day * 24 * HOUR + hour * HOUR;
            (clock.utc_of(wall).unwrap().0 - wall) / HOUR
        };
        // 2013-10-07 is day 15,985; 2014-01-07 day 16,077; the clock springs on 2014-03-09, day 16,138, at 2:00.
        assert_eq!(hours_to_utc(15_985, 9), 4);
        assert_eq!(hours_to_utc(16_077, 9), 5);
        assert_eq!((hours_to_utc(16_138, 1), hours_to_utc(16_138, 3)), (5, 4));
        assert_eq!(hours_to_utc(15_985, 16), 4);
        let mut fxcm = Market::parse("forex/fxcm").unwrap().clock();
        assert_eq!(fxcm.utc_of(0), Some(Timestamp(5 * HOUR)));
        assert_eq!(fxcm.utc_of(i64::MAX), None);
    }
}
