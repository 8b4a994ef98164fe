//! Numbers and times as a reader wants them: thousands separated, a real minus sign, UTC.

use genovo_engine::units::{Money, Price, Quantity, Timestamp};
use jiff::fmt::strtime;
use jiff::tz::TimeZone;

/// The minus sign U+2212, as wide as a plus.
pub const MINUS: char = '−';

/// `84,445.81`, `−15,554.19`: rounded half to even to the currency's digits.
pub fn money(amount: Money, digits: u8) -> String {
    separated(&format!("{:.*}", usize::from(digits), amount))
}

/// Like [`money`], with a plus sign for what is above zero.
pub fn money_signed(amount: Money, digits: u8) -> String {
    let text = money(amount, digits);
    if amount.0 > 0 && text.bytes().any(|byte| matches!(byte, b'1'..=b'9')) {
        format!("+{text}")
    } else {
        text
    }
}

/// `1,312,635`.
pub fn count(number: u64) -> String {
    separated(&number.to_string())
}

/// `500`, `1,000`, `0.01`: exact.
pub fn quantity(quantity: Quantity) -> String {
    separated(&quantity.to_string())
}

/// `1287.637`: exact, unseparated, as quotes are written.
pub fn price(price: Price) -> String {
    price.to_string().replace('-', "−")
}

/// `15.6 %` of a share of one.
pub fn percent(share: f64, decimals: usize) -> String {
    format!("{} %", decimal(share * 100.0, decimals))
}

/// `+1.6 %`, `−0.9 %`.
pub fn percent_signed(share: f64, decimals: usize) -> String {
    let text = percent(share, decimals);
    if share > 0.0 && text.bytes().any(|byte| matches!(byte, b'1'..=b'9')) {
        format!("+{text}")
    } else {
        text
    }
}

/// `0.61`, `−3.20`, `1,234.5`; never `−0.00`.
pub fn decimal(value: f64, decimals: usize) -> String {
    let text = format!("{value:.decimals$}");
    let nothing = text.bytes().all(|byte| matches!(byte, b'-' | b'0' | b'.'));
    separated(if nothing { text.trim_start_matches('-') } else { &text })
}

/// Puts a comma between thousands and the real minus sign in front.
fn separated(text: &str) -> String {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let whole = digits.find('.').unwrap_or(digits.len());
    let mut out = String::with_capacity(text.len() + whole / 3 + 3);
    if negative {
        out.push(MINUS);
    }
    for (i, c) in digits.char_indices() {
        if i > 0 && i < whole && (whole - i).is_multiple_of(3) && digits.as_bytes()[i - 1].is_ascii_digit() {
            out.push(',');
        }
        out.push(c);
    }
    out
}

/// `9.6 MB`: decimal units.
pub fn bytes(number: u64) -> String {
    match number {
        0..1_000 => format!("{number} B"),
        1_000..1_000_000 => format!("{:.1} kB", number as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", number as f64 / 1e6),
        _ => format!("{:.1} GB", number as f64 / 1e9),
    }
}

/// `7 May 16:21`; with the year when asked, `7 May 2014 16:21`.
pub fn minute(time: Timestamp, with_year: bool) -> String {
    stamp(time, if with_year { "%-d %b %Y %H:%M" } else { "%-d %b %H:%M" })
}

/// `2014-05-07 16:21:04`.
pub fn second(time: Timestamp) -> String {
    stamp(time, "%Y-%m-%d %H:%M:%S")
}

/// `2014-05-07`.
pub fn day(time: Timestamp) -> String {
    stamp(time, "%Y-%m-%d")
}

fn stamp(time: Timestamp, pattern: &str) -> String {
    let zoned = moment(time).to_zoned(TimeZone::UTC);
    strtime::format(pattern, &zoned).unwrap_or_else(|_| moment(time).to_string())
}

/// The same point of time for the calendar library; every 64-bit nanosecond is within its range.
pub fn moment(time: Timestamp) -> jiff::Timestamp {
    jiff::Timestamp::from_nanosecond(i128::from(time.0)).expect("64 bits of nanoseconds end in 2262")
}

/// `18 s`, `12 min`, `3 h 20 min`, `4 d 2 h`.
pub fn duration(seconds: f64) -> String {
    let minutes = (seconds / 60.0).round() as i64;
    match minutes {
        _ if seconds < 0.0995 => format!("{} ms", decimal(seconds * 1e3, 1)),
        _ if seconds < 9.95 => format!("{} s", decimal(seconds, 1)),
        _ if seconds < 59.5 => format!("{} s", decimal(seconds, 0)),
        ..60 => format!("{minutes} min"),
        60..1_440 => format!("{} h {} min", minutes / 60, minutes % 60),
        _ => format!("{} d {} h", count((minutes / 1_440) as u64), minutes % 1_440 / 60),
    }
}

/// `1 trade`, `2 trades`.
pub fn plural(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(number), if number == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        assert_eq!(money("84445.81".parse().unwrap(), 2), "84,445.81");
        assert_eq!(money("-15554.19".parse().unwrap(), 2), "−15,554.19");
        assert_eq!(money("-0.001".parse().unwrap(), 2), "0.00");
        assert_eq!(money_signed("0.001".parse().unwrap(), 2), "0.00");
        assert_eq!(money_signed("1234567.5".parse().unwrap(), 0), "+1,234,568");
        assert_eq!(count(999), "999");
        assert_eq!(count(1_312_635), "1,312,635");
        assert_eq!(quantity("-1000.25".parse().unwrap()), "−1,000.25");
        assert_eq!(percent(0.1555, 1), "15.6 %");
        assert_eq!(percent_signed(-0.009, 1), "−0.9 %");
        assert_eq!(decimal(-0.001, 2), "0.00");
        assert_eq!(bytes(9_600_000), "9.6 MB");
    }

    #[test]
    fn times_read_well() {
        let time = Timestamp(1_399_479_664_000_000_000);
        assert_eq!(minute(time, false), "7 May 16:21");
        assert_eq!(minute(time, true), "7 May 2014 16:21");
        assert_eq!(second(time), "2014-05-07 16:21:04");
        for (seconds, text) in [
            (0.0005, "0.5 ms"),
            (1.64, "1.6 s"),
            (18.2, "18 s"),
            (720.0, "12 min"),
            (12_000.0, "3 h 20 min"),
            (353_000.0, "4 d 2 h"),
        ] {
            assert_eq!(duration(seconds), text);
        }
    }
}
