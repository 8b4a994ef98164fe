//! Readable values: `2 %`, `5 ms`, `100,000 USD`. Exact integers, never a float on the way.
//!
//! Every reader answers with the value or with one line that says what is wrong and what would be right.

use genovo_engine::settings::{Frequency, RiskDistance, Slippage, TouchRule, Trigger};
use genovo_engine::units::{Money, Nanoseconds, Price, Quantity, Ratio, SCALE, UnitError};

/// What a reader says about a text that it cannot read.
pub type Wrong = String;

/// Units of time, each with its length in nanoseconds. The first name of a length is the one that is printed.
const LENGTHS: &[(&str, i64)] = &[
    ("ns", 1),
    ("us", 1_000),
    ("µs", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("min", 60_000_000_000),
    ("h", 3_600_000_000_000),
    ("day", 86_400_000_000_000),
    ("days", 86_400_000_000_000),
    ("week", 604_800_000_000_000),
    ("weeks", 604_800_000_000_000),
];

/// A whole number that is not negative, such as `12` or `100,000`.
pub fn whole(text: &str) -> Result<u64, Wrong> {
    let plain = bare(text, "a whole number")?;
    plain.parse().map_err(|_| "expected a whole number such as `12`".to_string())
}

/// A share: `2 %`, `5 bp` or `0.02`.
pub fn ratio(text: &str) -> Result<Ratio, Wrong> {
    let (number, unit) = split(text)?;
    let exponent = match unit {
        "" => "",
        "%" => "e-2",
        "bp" | "bps" => "e-4",
        _ => return Err(format!("unknown unit `{unit}`: write `2 %`, `5 bp` or `0.02`")),
    };
    fixed(Ratio::parse((number + exponent).as_bytes()))
}

/// A length of time: `5 ms`, `15 min`, `1 day`. Zero needs no unit.
pub fn length(text: &str) -> Result<Nanoseconds, Wrong> {
    let (number, unit) = split(text)?;
    let value = fixed(Money::parse(number.as_bytes()))?.0;
    if unit.is_empty() {
        return match value {
            0 => Ok(Nanoseconds::ZERO),
            _ => Err(format!("has no unit: write `{number} ms`, `{number} s` or `{number} min`")),
        };
    }
    let Some((_, factor)) = LENGTHS.iter().find(|(name, _)| *name == unit) else {
        let right = match did_you_mean(unit, LENGTHS.iter().map(|(name, _)| *name)) {
            Some(name) => format!("did you mean `{number} {name}`?"),
            None => "use ns, us, ms, s, min, h, day or week".to_string(),
        };
        return Err(format!("unknown unit `{unit}`: {right}"));
    };
    let scaled = value.checked_mul(i128::from(*factor)).ok_or("is longer than 292 years")?;
    if scaled % i128::from(SCALE) != 0 {
        return Err("is finer than a nanosecond".to_string());
    }
    let nanoseconds = i64::try_from(scaled / i128::from(SCALE)).map_err(|_| "is longer than 292 years")?;
    Ok(Nanoseconds(nanoseconds))
}

/// An amount of money and its currency if it names one: `100,000 USD` or `100`.
pub fn money(text: &str) -> Result<(Money, Option<&str>), Wrong> {
    let (number, currency) = split(text)?;
    let amount = fixed(Money::parse(number.as_bytes()))?;
    if currency.is_empty() {
        return Ok((amount, None));
    }
    currency_name(currency)?;
    Ok((amount, Some(currency)))
}

/// The name of a currency: 2 to 10 capital letters and digits.
pub fn currency_name(text: &str) -> Result<&str, Wrong> {
    let good = |name: &str| {
        (2..=10).contains(&name.len())
            && name.starts_with(|c: char| c.is_ascii_uppercase())
            && name.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
    };
    match text {
        name if good(name) => Ok(name),
        name if good(&name.to_uppercase()) => Err(format!("write the currency as `{}`", name.to_uppercase())),
        _ => Err(format!("`{text}` is no currency: write one such as `USD`")),
    }
}

/// A price without a unit, such as `1290.838`.
pub fn price(text: &str) -> Result<Price, Wrong> {
    fixed(Price::parse(bare(text, "a price")?.as_bytes()))
}

/// A quantity without a unit, such as `0.010`.
pub fn quantity(text: &str) -> Result<Quantity, Wrong> {
    fixed(Quantity::parse(bare(text, "a quantity")?.as_bytes()))
}

/// A time of day, by the clock that its key names: `21:00` or `21:00:30`.
pub fn time_of_day(text: &str) -> Result<Nanoseconds, Wrong> {
    let wrong = || "expected a time of day such as `21:00`".to_string();
    let parts: Vec<&str> = text.trim().split(':').collect();
    if !(2..=3).contains(&parts.len()) {
        return Err(wrong());
    }
    let mut seconds = 0;
    for (index, limit) in [24, 60, 60].into_iter().enumerate() {
        let part = parts.get(index).copied().unwrap_or("00");
        if part.len() != 2 || !part.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(wrong());
        }
        let value: i64 = part.parse().map_err(|_| wrong())?;
        if value >= limit {
            return Err(wrong());
        }
        seconds = seconds * 60 + value;
    }
    Ok(Nanoseconds(seconds * 1_000_000_000))
}

/// When a strategy decides: `on_signal`, `every_tick`, `every 100 ticks`, `bar_close`, `1 s`.
pub fn trigger(text: &str) -> Result<Trigger, Wrong> {
    let text = text.trim();
    let rest = text.strip_prefix("every ").unwrap_or(text);
    match rest {
        "on_signal" => return Ok(Trigger::OnSignal),
        "every_tick" | "tick" => return Ok(Trigger::EveryTick),
        "bar_close" => return Ok(Trigger::BarClose),
        _ => {}
    }
    if let Some(count) = rest.strip_suffix("ticks").or_else(|| rest.strip_suffix("tick")) {
        return match whole(count)?.try_into() {
            Ok(count) if count > 0 => Ok(Trigger::EveryNTicks(count)),
            _ => Err("expected 1 to 4,294,967,295 ticks".to_string()),
        };
    }
    if !rest.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '.')) {
        let words = ["on_signal", "every_tick", "bar_close"];
        let guess = did_you_mean(rest, words).map(|word| format!("did you mean `{word}`? "));
        let all = "one of `on_signal`, `every_tick`, `every 100 ticks`, `bar_close`, `1 s`";
        return Err(guess.unwrap_or_default() + all);
    }
    match length(rest)? {
        interval if interval > Nanoseconds::ZERO => Ok(Trigger::Every(interval)),
        _ => Err("must be above zero".to_string()),
    }
}

/// A risk distance: `2 atr`, or a share of the price such as `0.5 %`. The average's period is set elsewhere.
pub fn distance(text: &str, period: u32) -> Result<RiskDistance, Wrong> {
    let positive =
        |times: Ratio| (times > Ratio::ZERO).then_some(times).ok_or("must be above zero".to_string());
    if let Some(times) = text.trim().strip_suffix("atr") {
        let times = fixed(Ratio::parse(bare(times, "a multiple")?.as_bytes()))?;
        return Ok(RiskDistance::AverageTrueRange { period, times: positive(times)? });
    }
    match ratio(text) {
        Ok(share) => Ok(RiskDistance::ShareOfPrice(positive(share)?)),
        Err(_) => Err("write `2 atr`, or a share of the price such as `0.5 %`".to_string()),
    }
}

/// So many in a time: `100 per 1 s`.
pub fn frequency(text: &str) -> Result<Frequency, Wrong> {
    let example = "write how many in which time, such as `100 per 1 s`";
    let (count, per) = text.split_once(" per ").ok_or(example)?;
    let (count, per) = (whole(count)?, length(per)?);
    match u32::try_from(count) {
        Ok(count @ 1..=Frequency::COUNT_MAX) if per > Nanoseconds::ZERO => Ok(Frequency { count, per }),
        Ok(1..=Frequency::COUNT_MAX) => Err("the time must be above zero".to_string()),
        _ => Err(format!("expected 1 to {} in a time", Frequency::COUNT_MAX)),
    }
}

/// A frequency as a scenario writes it.
pub fn show_frequency(frequency: Frequency) -> String {
    format!("{} per {}", frequency.count, show_length(frequency.per))
}

/// A displayed size: `unlimited`, or a quantity above zero.
pub fn size(text: &str) -> Result<Option<Quantity>, Wrong> {
    if text.trim() == "unlimited" {
        return Ok(None);
    }
    match quantity(text) {
        Ok(size) if size > Quantity::ZERO => Ok(Some(size)),
        Ok(_) => Err("must be above zero".to_string()),
        Err(_) => Err("write `unlimited`, or a quantity such as `500`".to_string()),
    }
}

/// What a touch does: `never`, `always`, or a probability such as `30 %`.
pub fn touch(text: &str) -> Result<TouchRule, Wrong> {
    match text.trim() {
        "never" => return Ok(TouchRule::Never),
        "always" => return Ok(TouchRule::Always),
        _ => {}
    }
    match ratio(text) {
        Ok(share) if (Ratio::ZERO..=Ratio::ONE).contains(&share) => Ok(TouchRule::Probability(share)),
        Ok(_) => Err("a probability lies between `0 %` and `100 %`".to_string()),
        Err(_) => Err("write `never`, `always`, or a probability such as `30 %`".to_string()),
    }
}

/// Slippage: `1 tick`, or `0.1 % square root`.
pub fn slippage(text: &str) -> Result<Slippage, Wrong> {
    let text = text.trim();
    if let Some(count) = text.strip_suffix("ticks").or_else(|| text.strip_suffix("tick")) {
        let count = whole(count)?.try_into().map_err(|_| "too many ticks".to_string())?;
        return Ok(Slippage::Ticks(count));
    }
    match text.strip_suffix("square root").map(ratio) {
        Some(Ok(share)) if share >= Ratio::ZERO => Ok(Slippage::SquareRoot(share)),
        Some(Ok(_)) => Err("must not be negative".to_string()),
        Some(Err(wrong)) => Err(wrong),
        None => Err("write `1 tick`, or `0.1 % square root`".to_string()),
    }
}

/// A length of time in its largest whole unit: `5 ms`, `1 day`.
pub fn show_length(length: Nanoseconds) -> String {
    let whole = |factor: i64| length.0 % factor == 0;
    let shown = LENGTHS.iter().rev().filter(|(name, _)| !matches!(*name, "day" | "week" | "weeks" | "us"));
    match shown.into_iter().find(|(_, factor)| length.0 != 0 && whole(*factor)) {
        None => "0 ms".to_string(),
        Some(("days", factor)) if length.0 == *factor => "1 day".to_string(),
        Some((name, factor)) => format!("{} {name}", length.0 / factor),
    }
}

/// A share in percent: `2 %`.
pub fn show_ratio(ratio: Ratio) -> String {
    format!("{} %", Money(i128::from(ratio.0) * 100))
}

/// An amount with separated thousands: `100,000`.
pub fn show_amount(amount: Money) -> String {
    let text = amount.to_string();
    let (sign, digits) = text.strip_prefix('-').map_or(("", text.as_str()), |digits| ("-", digits));
    let (integer, decimals) = match digits.find('.') {
        Some(point) => digits.split_at(point),
        None => (digits, ""),
    };
    let mut grouped = String::new();
    for (index, digit) in integer.chars().enumerate() {
        if index > 0 && (integer.len() - index) % 3 == 0 {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    format!("{sign}{grouped}{decimals}")
}

/// The same with exactly so many decimals, rounded half to even: `100,000.00`.
pub fn show_money(amount: Money, digits: u8) -> String {
    let decimals = usize::from(digits.min(9));
    let rounded = amount.round_to(digits);
    let sign = if rounded < Money::ZERO { "-" } else { "" };
    let text = format!("{:.decimals$}", rounded.abs());
    let (integer, rest) = text.split_at(text.find('.').unwrap_or(text.len()));
    let whole = Money(integer.parse::<i128>().unwrap_or_default() * i128::from(SCALE));
    format!("{sign}{}{rest}", show_amount(whole))
}

/// When a strategy decides, as a scenario writes it.
pub fn show_trigger(trigger: Trigger) -> String {
    match trigger {
        Trigger::EveryTick => "every_tick".to_string(),
        Trigger::EveryNTicks(count) => format!("every {count} ticks"),
        Trigger::Every(interval) => show_length(interval),
        Trigger::BarClose => "bar_close".to_string(),
        Trigger::OnSignal => "on_signal".to_string(),
    }
}

/// The candidate that a misspelt word most likely means.
pub fn did_you_mean<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let lower = word.to_lowercase();
    let scored = candidates.into_iter().map(|name| {
        let close = strsim::jaro_winkler(&lower, &name.to_lowercase());
        let edits = strsim::damerau_levenshtein(&lower, &name.to_lowercase());
        (name, close, edits)
    });
    scored
        .filter(|(name, close, edits)| *close >= 0.84 || *edits <= 1 && name.len() > 1)
        .max_by(|a, b| a.1.total_cmp(&b.1))
        .map(|(name, ..)| name)
}

/// A number and what stands behind it. Thousands separators are taken out of the number.
fn split(text: &str) -> Result<(String, &str), Wrong> {
    let text = text.trim();
    let end = text
        .find(|c: char| !(c.is_ascii_digit() || matches!(c, '+' | '-' | '.' | ',' | '_')))
        .unwrap_or(text.len());
    if end == 0 && !text.is_empty() {
        return Err(format!("`{text}` is no number"));
    }
    Ok((without_separators(&text[..end])?, text[end..].trim()))
}

/// A number with nothing behind it.
fn bare(text: &str, noun: &str) -> Result<String, Wrong> {
    match split(text)? {
        (number, "") => Ok(number),
        (number, unit) => Err(format!("{noun} has no unit: write `{number}`, without `{unit}`")),
    }
}

/// `100,000.5` and `100_000.5` to `100000.5`. A comma must separate groups of three: `1,5` may mean 1.5.
fn without_separators(number: &str) -> Result<String, Wrong> {
    let (integer, decimals) = number.split_once('.').unwrap_or((number, ""));
    let digits = integer.trim_start_matches(['+', '-']);
    let mut groups = digits.split(',');
    let first = groups.next().unwrap_or_default();
    let mut rest = groups.peekable();
    let grouped = rest.peek().is_none() || !first.is_empty() && first.len() <= 3;
    if !grouped || !rest.all(|group| group.len() == 3) || decimals.contains(',') {
        return Err(format!("`{number}`: a comma separates groups of three digits, a point the decimals"));
    }
    Ok(number.replace([',', '_'], ""))
}

fn fixed<T>(value: Result<T, UnitError>) -> Result<T, Wrong> {
    value.map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One row a text: what it gives, or a part of what is said about it.
    fn check<'t, T: std::fmt::Debug>(read: impl Fn(&'t str) -> Result<T, Wrong>, rows: &[(&'t str, &str)]) {
        for (text, expected) in rows {
            match read(text) {
                Ok(value) => assert_eq!(format!("{value:?}"), *expected, "{text}"),
                Err(wrong) => assert!(!expected.is_empty() && wrong.contains(expected), "{text}: {wrong}"),
            }
        }
    }

    #[test]
    fn shares() {
        check(
            ratio,
            &[
                ("2 %", "0.02"),
                ("2%", "0.02"),
                ("0.02", "0.02"),
                ("0.018 %", "0.00018"),
                ("-0.005 %", "-0.00005"),
                ("5 bp", "0.0005"),
                ("1,000 %", "10"),
                ("2 percent", "unknown unit `percent`: write `2 %`"),
                ("2 % of equity", "unknown unit `% of equity`"),
                ("0.00000001 %", "more than 9 decimals"),
                ("%", "`%` is no number"),
                ("", "expected a number"),
                ("1,5 %", "a comma separates groups"),
            ],
        );
    }

    #[test]
    fn lengths() {
        check(
            |text| length(text).map(|length| length.0),
            &[
                ("5 ms", "5000000"),
                ("1.5 s", "1500000000"),
                ("15 min", "900000000000"),
                ("1 day", "86400000000000"),
                ("2 days", "172800000000000"),
                ("-1.25 s", "-1250000000"),
                ("250 µs", "250000"),
                ("0", "0"),
                ("16h", "57600000000000"),
                ("5", "has no unit: write `5 ms`"),
                ("5 mss", "did you mean `5 ms`?"),
                ("5 m", "unknown unit `m`"),
                ("0.5 ns", "finer than a nanosecond"),
                ("400000 days", "longer than 292 years"),
                ("soon", "`soon` is no number"),
            ],
        );
    }

    #[test]
    fn amounts() {
        check(
            money,
            &[
                ("100,000 USD", r#"(100000, Some("USD"))"#),
                ("1_000_000 USDT", r#"(1000000, Some("USDT"))"#),
                ("100", "(100, None)"),
                ("0.005 USD", r#"(0.005, Some("USD"))"#),
                ("100 usd", "write the currency as `USD`"),
                ("100 $", "`$` is no currency"),
                ("100,00 USD", "a comma separates groups"),
                ("1,0000", "a comma separates groups"),
                (",100", "a comma separates groups"),
                ("USD", "`USD` is no number"),
            ],
        );
        check(quantity, &[("0.010", "0.01"), ("500 oz", "has no unit: write `500`, without `oz`")]);
        check(quantity, &[("many", "`many` is no number"), ("5000000000", "out of range")]);
        check(price, &[("1,290.838", "1290.838"), ("1290.83B", "without `B`"), ("-37.63", "-37.63")]);
        check(
            whole,
            &[("48", "48"), ("100,000", "100000"), ("-1", "whole"), ("1.5", "whole"), ("", "number")],
        );
        check(
            size,
            &[("unlimited", "None"), ("500", "Some(500)"), ("0", "above zero"), ("all", "unlimited")],
        );
    }

    #[test]
    fn times_of_day() {
        check(
            |text| time_of_day(text).map(|time| time.0 / 1_000_000_000),
            &[
                ("21:00", "75600"),
                ("00:00", "0"),
                ("23:59:59", "86399"),
                ("24:00", "such as"),
                ("9:00", "such as"),
                ("+1:00", "such as"),
                ("21", "such as"),
            ],
        );
    }

    #[test]
    fn rules() {
        check(
            trigger,
            &[
                ("on_signal", "OnSignal"),
                ("every_tick", "EveryTick"),
                ("every 100 ticks", "EveryNTicks(100)"),
                ("100 ticks", "EveryNTicks(100)"),
                ("bar_close", "BarClose"),
                ("1 s", "Every(Nanoseconds(1000000000))"),
                ("every 1 s", "Every(Nanoseconds(1000000000))"),
                ("bar_closed", "did you mean `bar_close`?"),
                ("0 s", "above zero"),
                ("0 ticks", "expected 1"),
                ("sometimes", "one of"),
            ],
        );
        check(
            |text| distance(text, 14),
            &[
                ("2 atr", "AverageTrueRange { period: 14, times: 2 }"),
                ("2.5atr", "AverageTrueRange { period: 14, times: 2.5 }"),
                ("0.5 %", "ShareOfPrice(0.005)"),
                ("0 atr", "above zero"),
                ("2 sigma", "write `2 atr`"),
            ],
        );
        check(
            touch,
            &[
                ("never", "Never"),
                ("always", "Always"),
                ("30 %", "Probability(0.3)"),
                ("130 %", "between"),
                ("often", "write `never`"),
            ],
        );
        check(
            slippage,
            &[
                ("1 tick", "Ticks(1)"),
                ("0 ticks", "Ticks(0)"),
                ("0.1 % square root", "SquareRoot(0.001)"),
                ("-1 % square root", "negative"),
                ("a lot", "write `1 tick`"),
            ],
        );
    }

    #[test]
    fn values_are_shown_as_they_are_written() {
        for text in ["5 ms", "15 min", "1 day", "3 days", "16 h", "250 µs", "1 ns", "90 s", "0 ms", "-2 s"] {
            assert_eq!(show_length(length(text).unwrap()), text);
        }
        for text in ["2 %", "0.018 %", "100 %", "-0.005 %", "0 %"] {
            assert_eq!(show_ratio(ratio(text).unwrap()), text);
        }
        for text in ["100", "1,000", "100,000", "1,234,567.89", "-1,000.5", "0"] {
            assert_eq!(show_amount(money(text).unwrap().0), text);
        }
        for text in ["on_signal", "every_tick", "bar_close", "every 100 ticks", "1 s"] {
            assert_eq!(show_trigger(trigger(text).unwrap()), text);
        }
        let shown = |text: &str, digits| show_money(money(text).unwrap().0, digits);
        assert_eq!(shown("100000", 2), "100,000.00");
        assert_eq!(shown("-1234.565", 2), "-1,234.56");
        assert_eq!(shown("-0.001", 2), "0.00");
        assert_eq!(shown("999.5", 0), "1,000");
    }

    #[test]
    fn misspellings_are_guessed_and_strangers_are_not() {
        let keys = ["max_per_trade", "max_total", "min_position", "distance", "atr_period"];
        assert_eq!(did_you_mean("max_per_trad", keys), Some("max_per_trade"));
        assert_eq!(did_you_mean("Max_Total", keys), Some("max_total"));
        assert_eq!(did_you_mean("distanse", keys), Some("distance"));
        assert_eq!(did_you_mean("colour", keys), None);
    }
}
