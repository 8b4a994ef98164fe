//! Times as files write them, read exactly: no float, no time-zone database.

use genovo_engine::units::{Nanoseconds, Timestamp};

/// How a file writes its times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeFormat {
    /// Nanoseconds since 1970-01-01 00:00 UTC.
    Nanoseconds,
    /// Microseconds since then, possibly with decimals.
    Microseconds,
    /// Milliseconds since then, possibly with decimals.
    Milliseconds,
    /// Seconds since then, possibly with decimals.
    Seconds,
    /// A date and usually a time of day: `2014-05-02T14:30:00.002543Z`, `2014-05-02 14:30`, `20140502
    /// 143000002`.
    ///
    /// The date is `YYYY-MM-DD` (or with `/` or `.`) or `YYYYMMDD`; the time `HH:MM`, `HH:MM:SS` or `HHMMSS`
    /// with up to nine decimals, or milliseconds without a point; the zone `Z`, `UTC`, `±HH:MM` or none.
    Text,
}

impl TimeFormat {
    /// `ns`, `us`, `ms`, `s` or `text`.
    pub const fn name(self) -> &'static str {
        match self {
            TimeFormat::Nanoseconds => "ns",
            TimeFormat::Microseconds => "us",
            TimeFormat::Milliseconds => "ms",
            TimeFormat::Seconds => "s",
            TimeFormat::Text => "text",
        }
    }

    /// The format with this name.
    pub fn from_name(name: &str) -> Option<TimeFormat> {
        use TimeFormat::*;
        [Nanoseconds, Microseconds, Milliseconds, Seconds, Text]
            .into_iter()
            .find(|format| format.name() == name)
    }

    /// What a column's name says: `ts_ns`, `time_us`, `open_time_ms`.
    pub(crate) fn named_by(column: &str) -> Option<TimeFormat> {
        let (_, unit) = column.rsplit_once('_')?;
        TimeFormat::from_name(&unit.to_ascii_lowercase()).filter(|format| !matches!(format, TimeFormat::Text))
    }

    /// What a value shows. `None` when it is no time, or an integer that could be several things.
    ///
    /// An integer is told by its size: each unit has the years 2001 to 5138 to itself up to milliseconds, and
    /// from 1973 on for the finer ones.
    pub(crate) fn shown_by(value: &[u8]) -> Option<TimeFormat> {
        let value = value.trim_ascii();
        if civil(value).is_some() {
            return Some(TimeFormat::Text);
        }
        let whole = value.split(|&byte| byte == b'.').next().unwrap_or(value);
        let digits = whole.strip_prefix(b"-").unwrap_or(whole);
        let format = match digits.len() {
            10 | 11 => TimeFormat::Seconds,
            13 | 14 => TimeFormat::Milliseconds,
            15..=17 => TimeFormat::Microseconds,
            18 | 19 => TimeFormat::Nanoseconds,
            _ => return None,
        };
        epoch(value, format).is_ok().then_some(format)
    }

    /// Whether a date and time says its own zone.
    pub(crate) fn has_zone(value: &[u8]) -> bool {
        matches!(civil(value.trim_ascii()), Some((_, Some(_))))
    }

    /// Nanoseconds in one unit of an epoch format, and the decimals that a unit then has.
    const fn unit(self) -> (i64, usize) {
        match self {
            TimeFormat::Nanoseconds | TimeFormat::Text => (1, 0),
            TimeFormat::Microseconds => (1_000, 3),
            TimeFormat::Milliseconds => (1_000_000, 6),
            TimeFormat::Seconds => (1_000_000_000, 9),
        }
    }

    const fn expected(self) -> &'static str {
        match self {
            TimeFormat::Nanoseconds => "whole nanoseconds since 1970, such as 1398902400043142000",
            TimeFormat::Microseconds => "microseconds since 1970, such as 1398902400043142",
            TimeFormat::Milliseconds => "milliseconds since 1970, such as 1398902400043",
            TimeFormat::Seconds => "seconds since 1970, such as 1398902400.043142",
            TimeFormat::Text => "a date and time such as 2014-05-01 00:00:00.043 or 20140501 000000043",
        }
    }
}

const OUT_OF_RANGE: &str = "a time from 1677-09-21 to 2262-04-11";

/// Reads the times of one column.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    pub(crate) format: TimeFormat,
    pub(crate) utc_offset: Nanoseconds,
}

impl Clock {
    /// The time, or what was expected instead.
    #[inline]
    pub(crate) fn read(&self, text: &[u8]) -> Result<Timestamp, &'static str> {
        if self.format == TimeFormat::Nanoseconds
            && let Some(value) = short_integer(text)
        {
            return self.to_utc(value);
        }
        self.read_any(text.trim_ascii())
    }

    fn read_any(&self, text: &[u8]) -> Result<Timestamp, &'static str> {
        if self.format != TimeFormat::Text {
            return self.to_utc(epoch(text, self.format)?);
        }
        let (time, zone) = civil(text).ok_or(TimeFormat::Text.expected())?;
        let time = time - i128::from(zone.unwrap_or(self.utc_offset.0));
        i64::try_from(time).map(Timestamp).map_err(|_| OUT_OF_RANGE)
    }

    #[inline]
    fn to_utc(self, value: i64) -> Result<Timestamp, &'static str> {
        value.checked_sub(self.utc_offset.0).map(Timestamp).ok_or(OUT_OF_RANGE)
    }
}

/// Up to 19 digits without a sign, eight at a time.
#[inline]
fn short_integer(text: &[u8]) -> Option<i64> {
    if text.is_empty() || text.len() > 19 {
        return None;
    }
    let mut chunks = text.chunks_exact(8);
    let mut value = 0_u64;
    for chunk in &mut chunks {
        value = value * 100_000_000 + eight_digits(chunk.try_into().expect("chunks of eight"))?;
    }
    for &byte in chunks.remainder() {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        value = value * 10 + u64::from(digit);
    }
    i64::try_from(value).ok()
}

/// Eight digits at once: three multiplications join neighbours to pairs, fours and the whole.
#[inline]
fn eight_digits(text: [u8; 8]) -> Option<u64> {
    let word = u64::from_le_bytes(text);
    // In a digit the high half is 3, and adding 6 does not carry out of the low half.
    let high = 0xf0f0_f0f0_f0f0_f0f0;
    let digits_only = word & high == 0x3030_3030_3030_3030
        && word.wrapping_add(0x0606_0606_0606_0606) & high == 0x3030_3030_3030_3030;
    if !digits_only {
        return None;
    }
    let digits = word & 0x0f0f_0f0f_0f0f_0f0f;
    let pairs = (digits.wrapping_mul(10).wrapping_add(digits >> 8)) & 0x00ff_00ff_00ff_00ff;
    let fours = (pairs.wrapping_mul(100).wrapping_add(pairs >> 16)) & 0x0000_ffff_0000_ffff;
    Some(fours.wrapping_mul(10_000).wrapping_add(fours >> 32) & 0xffff_ffff)
}

/// An epoch number with sign and decimals, in nanoseconds.
fn epoch(text: &[u8], format: TimeFormat) -> Result<i64, &'static str> {
    let (scale, places) = format.unit();
    let wrong = || format.expected();
    let (negative, number) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    let (whole, decimals) = match number.iter().position(|&byte| byte == b'.') {
        Some(point) => (&number[..point], &number[point + 1..]),
        None => (number, &number[number.len()..]),
    };
    if whole.iter().chain(decimals).any(|&b| matches!(b, b'e' | b'E')) {
        return Err("digits, not a float with an exponent: it has lost the last digits of the time");
    }
    if whole.is_empty() || !whole.iter().chain(decimals).all(u8::is_ascii_digit) {
        return Err(wrong());
    }
    if decimals.iter().skip(places).any(|&digit| digit != b'0') {
        return Err("no more decimals than a nanosecond has");
    }
    let digit = |value: i128, byte: u8| value * 10 + i128::from(byte - b'0');
    if whole.len() > 30 {
        return Err(OUT_OF_RANGE);
    }
    let whole = whole.iter().fold(0, |value, &byte| digit(value, byte));
    let rest = (0..places).fold(0, |value, i| digit(value, decimals.get(i).copied().unwrap_or(b'0')));
    let value = whole * i128::from(scale) + rest;
    i64::try_from(if negative { -value } else { value }).map_err(|_| OUT_OF_RANGE)
}

/// A date and time: nanoseconds since 1970 by its own clock, and how far that clock is ahead of UTC if it
/// says so.
fn civil(text: &[u8]) -> Option<(i128, Option<i64>)> {
    let mut text = Cursor(text);
    let year = text.number(4)?;
    let (month, day) = match text.0.first()? {
        &mark @ (b'-' | b'/' | b'.') => {
            text.skip(mark)?;
            let month = text.number(2)?;
            text.skip(mark)?;
            (month, text.number(2)?)
        }
        _ => (text.number(2)?, text.number(2)?),
    };
    if !(1..=12).contains(&month) || day < 1 || day > days_in_month(year, month) {
        return None;
    }
    let days = days_since_1970(year, month, day);
    let (mut seconds, mut nanoseconds, mut zone) = (0, 0, None);
    if let [b'T' | b't' | b' ', rest @ ..] = text.0 {
        text = Cursor(rest);
        let hour = text.number(2)?;
        let colons = text.skip(b':').is_some();
        let minute = text.number(2)?;
        let has_seconds = if colons { text.skip(b':').is_some() } else { text.is_digit() };
        let second = if has_seconds { text.number(2)? } else { 0 };
        if hour > 23 || minute > 59 || second > 59 {
            return None;
        }
        seconds = hour * 3600 + minute * 60 + second;
        if has_seconds {
            if text.skip(b'.').is_some() || text.skip(b',').is_some() {
                nanoseconds = text.decimals()?;
            } else if !colons && text.is_digit() {
                nanoseconds = text.number(3)? * 1_000_000;
            }
        }
        zone = text.zone()?;
    }
    if !text.0.is_empty() {
        return None;
    }
    let seconds = i128::from(days) * 86_400 + i128::from(seconds);
    Some((seconds * 1_000_000_000 + i128::from(nanoseconds), zone))
}

/// What is left of a text.
struct Cursor<'a>(&'a [u8]);

impl Cursor<'_> {
    fn is_digit(&self) -> bool {
        self.0.first().is_some_and(u8::is_ascii_digit)
    }

    fn skip(&mut self, byte: u8) -> Option<()> {
        self.0 = self.0.strip_prefix(&[byte])?;
        Some(())
    }

    /// Exactly so many digits.
    fn number(&mut self, digits: usize) -> Option<i64> {
        let (number, rest) = self.0.split_at_checked(digits)?;
        self.0 = rest;
        number
            .iter()
            .try_fold(0, |value, byte| byte.is_ascii_digit().then(|| value * 10 + i64::from(byte - b'0')))
    }

    /// One to nine decimals of a second, as nanoseconds; zeros beyond are harmless.
    fn decimals(&mut self) -> Option<i64> {
        let count = self.0.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let (decimals, rest) = self.0.split_at(count);
        self.0 = rest;
        if count == 0 || decimals.iter().skip(9).any(|&digit| digit != b'0') {
            return None;
        }
        let digit = |i: usize| decimals.get(i).map_or(0, |byte| i64::from(byte - b'0'));
        Some((0..9).fold(0, |value, i| value * 10 + digit(i)))
    }

    /// `Z`, `UTC`, `±HH:MM`, `±HHMM`, `±HH`, or nothing; in nanoseconds ahead of UTC.
    fn zone(&mut self) -> Option<Option<i64>> {
        self.0 = self.0.trim_ascii_start();
        let sign = match self.0 {
            [] => return Some(None),
            b"Z" | b"z" | b"UTC" | b"GMT" => {
                self.0 = &[];
                return Some(Some(0));
            }
            [b'+', ..] => 1,
            [b'-', ..] => -1,
            _ => return None,
        };
        self.0 = &self.0[1..];
        let hours = self.number(2)?;
        let _ = self.skip(b':');
        let minutes = if self.0.is_empty() { 0 } else { self.number(2)? };
        let fits = hours <= 23 && minutes <= 59;
        fits.then_some(Some(sign * (hours * 60 + minutes) * 60 * 1_000_000_000))
    }
}

const fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

/// The midnight that begins a day, in nanoseconds since 1970 by the clock of whoever wrote the date.
pub(crate) fn midnight(year: i64, month: i64, day: i64) -> Option<i64> {
    let exists = (1..=12).contains(&month) && (1..=days_in_month(year, month)).contains(&day);
    exists.then(|| days_since_1970(year, month, day).checked_mul(Nanoseconds::DAY.0))?
}

/// Years are counted from March, so that the leap day is a year's last; 146,097 days are 400 years.
const fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(format: TimeFormat, text: &str) -> Result<i64, &'static str> {
        Clock { format, utc_offset: Nanoseconds::ZERO }.read(text.as_bytes()).map(|time| time.0)
    }

    #[test]
    fn every_format_reads_the_same_instant() {
        use TimeFormat::*;
        let cases = [
            (Nanoseconds, "1399041000002543000"),
            (Nanoseconds, " 1399041000002543000 "),
            (Nanoseconds, "1399041000002543000.000"),
            (Microseconds, "1399041000002543"),
            (Microseconds, "1399041000002543.000"),
            (Milliseconds, "1399041000002.543"),
            (Seconds, "1399041000.002543"),
            (Seconds, "+1399041000.0025430000000"),
            (Text, "2014-05-02T14:30:00.002543Z"),
            (Text, "2014-05-02 14:30:00.002543"),
            (Text, "2014-05-02 14:30:00.002543000+00:00"),
            (Text, "2014-05-02 10:30:00.002543-04:00"),
            (Text, "2014-05-02T20:00:00.002543+0530"),
            (Text, "2014/05/02 14:30:00,002543 UTC"),
            (Text, "20140502 143000.002543"),
            (Text, "20140502 14:30:00.002543"),
        ];
        for (format, text) in cases {
            assert_eq!(read(format, text), Ok(1_399_041_000_002_543_000), "{text}");
        }
        assert_eq!(read(Text, "20140502 143000002"), Ok(1_399_041_000_002_000_000));
        assert_eq!(read(Text, "2014.05.02 14:30"), Ok(1_399_041_000_000_000_000));
        assert_eq!(read(Text, "2014-05-02"), Ok(1_398_988_800_000_000_000));
        assert_eq!(read(Text, "20000229"), Ok(951_782_400_000_000_000));
        assert_eq!(read(Seconds, "-1.5"), Ok(-1_500_000_000));
        assert_eq!(read(Nanoseconds, "9223372036854775807"), Ok(i64::MAX));
    }

    #[test]
    fn a_fixed_offset_is_taken_off_unless_the_text_has_its_own_zone() {
        let est = Clock { format: TimeFormat::Text, utc_offset: Nanoseconds(-5 * 3600 * 1_000_000_000) };
        let noon = Ok(Timestamp(1_483_376_400_000_000_000));
        assert_eq!(est.read(b"20170102 120000"), noon);
        assert_eq!(est.read(b"2017-01-02 17:00Z"), noon);
    }

    #[test]
    fn what_is_no_time_is_refused() {
        use TimeFormat::*;
        for (format, text) in [
            (Nanoseconds, ""),
            (Nanoseconds, "9223372036854775808"),
            (Nanoseconds, "99999999999999999999999999999999999999999999"),
            (Nanoseconds, "1399041000002543000.5"),
            (Nanoseconds, "1.39904e18"),
            (Nanoseconds, "12:30"),
            (Seconds, "1399041000.0000000001"),
            (Seconds, "9223372037"),
            (Seconds, "."),
            (Text, "2014-02-30"),
            (Text, "1900-02-29"),
            (Text, "2014-13-01"),
            (Text, "2014-05/02"),
            (Text, "2014-05-02 24:00"),
            (Text, "2014-05-02 23:59:60"),
            (Text, "2014-05-02 14:30:00."),
            (Text, "2014-05-02 14:30:00+25:00"),
            (Text, "2014-05-02 14:30 EST"),
            (Text, "9999-01-01"),
            (Text, "0001-01-01"),
        ] {
            assert!(read(format, text).is_err(), "{text}");
        }
    }

    #[test]
    fn names_and_values_show_the_unit() {
        use TimeFormat::*;
        for (value, expected) in [
            ("1399041000002543000", Some(Nanoseconds)),
            ("1399041000002543", Some(Microseconds)),
            ("1399041000002.25", Some(Milliseconds)),
            ("1399041000", Some(Seconds)),
            ("20140502", Some(Text)),
            ("2014-05-02", Some(Text)),
            ("20140502 143000", Some(Text)),
            ("1399041000x", None),
            ("5", None),
            ("", None),
        ] {
            assert_eq!(TimeFormat::shown_by(value.as_bytes()), expected, "{value}");
        }
        for (name, expected) in [
            ("ts_ns", Some(Nanoseconds)),
            ("Open_Time_MS", Some(Milliseconds)),
            ("time_s", Some(Seconds)),
            ("alarms", None),
            ("ns", None),
            ("a_text", None),
        ] {
            assert_eq!(TimeFormat::named_by(name), expected, "{name}");
        }
    }

    proptest! {
        #[test]
        fn eight_at_a_time_agrees_with_str_parse(text in "[0-9]{1,20}|[0-9 .:/-]{0,20}") {
            let plain = text.parse::<i64>().ok().filter(|_| text.len() <= 19 && !text.starts_with('-'));
            prop_assert_eq!(short_integer(text.as_bytes()), plain);
        }

        #[test]
        fn any_bytes_give_a_time_or_an_error(text in proptest::collection::vec(any::<u8>(), 0..40)) {
            for format in ["ns", "us", "ms", "s", "text"].map(|name| TimeFormat::from_name(name).unwrap()) {
                let _ = Clock { format, utc_offset: Nanoseconds(1) }.read(&text);
            }
        }

        #[test]
        fn days_count_on(day in -200_000_i64..200_000) {
            // The calendar read off a day's number by walking, beside the closed form.
            let (mut year, mut left) = (1970, day);
            let length = |year: i64| (1..=12).map(|month| days_in_month(year, month)).sum::<i64>();
            while left < 0 { year -= 1; left += length(year); }
            while left >= length(year) { left -= length(year); year += 1; }
            let mut month = 1;
            while left >= days_in_month(year, month) { left -= days_in_month(year, month); month += 1; }
            prop_assert_eq!(days_since_1970(year, month, left + 1), day);
        }
    }
}
