//! Prices, quantities, money, ratios and time as integers. One unit is 1e-9 of the thing everywhere.
//!
//! Text becomes an integer here, never through a float, and what does not fit is refused. Arithmetic exists only
//! where it means something (`Price − Price`, `Price × Quantity → Money`), and an overflow stops the program:
//! release builds keep overflow checks.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Mul, Neg, Sub, SubAssign};
use std::str::FromStr;

/// Units of 1e-9 in one whole.
pub const SCALE: i64 = 1_000_000_000;

macro_rules! unit_type {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash,
            rkyv::Archive, rkyv::Serialize, rkyv::Deserialize,
        )]
        pub struct $name(pub $inner);

        impl $name {
            /// Nothing of it.
            pub const ZERO: $name = $name(0);

            /// The size without its sign.
            #[inline]
            pub const fn abs(self) -> $name {
                $name(self.0.abs())
            }

            /// The nearest float. For features, statistics and plots; never for accounting.
            #[inline]
            pub fn as_f64(self) -> f64 {
                nearest(self.0.into()) / SCALE as f64
            }
        }

        impl Add for $name {
            type Output = $name;
            #[inline]
            fn add(self, other: $name) -> $name {
                $name(self.0 + other.0)
            }
        }

        impl Sub for $name {
            type Output = $name;
            #[inline]
            fn sub(self, other: $name) -> $name {
                $name(self.0 - other.0)
            }
        }

        impl Neg for $name {
            type Output = $name;
            #[inline]
            fn neg(self) -> $name {
                $name(-self.0)
            }
        }

        impl AddAssign for $name {
            #[inline]
            fn add_assign(&mut self, other: $name) {
                self.0 += other.0;
            }
        }

        impl SubAssign for $name {
            #[inline]
            fn sub_assign(&mut self, other: $name) {
                self.0 -= other.0;
            }
        }

        impl Sum for $name {
            fn sum<I: Iterator<Item = $name>>(items: I) -> $name {
                items.fold($name::ZERO, Add::add)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write_fixed(f, self.0 as i128)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<$name, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                text.parse().map_err(|error| serde::de::Error::custom(format!("`{text}`: {error}")))
            }
        }

        impl FromStr for $name {
            type Err = UnitError;
            fn from_str(text: &str) -> Result<$name, UnitError> {
                $name::parse(text.as_bytes())
            }
        }
    };
}

unit_type! {
    /// What one unit of an instrument costs, or a difference of two such prices. Signed: spreads and oil go negative.
    Price(i64)
}
unit_type! {
    /// How much of an instrument: a size, or a position with its sign.
    Quantity(i64)
}
unit_type! {
    /// An amount of the account's currency.
    Money(i128)
}
unit_type! {
    /// A figure of a statistic, in whatever unit its series has.
    Figure(i128)
}
unit_type! {
    /// A pure number such as a rate or a share: 0.02 is 2 %.
    Ratio(i64)
}

/// Why a text is not a number of the unit asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnitError {
    /// Nothing there.
    #[error("expected a number, found nothing")]
    Empty,
    /// A character that no number has; the index counts bytes from 0.
    #[error("expected digits with at most 9 decimals")]
    NotANumber {
        /// Where the first wrong byte stands.
        at: usize,
    },
    /// More than nine decimals that matter.
    #[error("more than 9 decimals; the finest unit is 0.000000001")]
    TooFine,
    /// Beyond what the unit can hold.
    #[error("out of range (about ±4.6 billion for a price or a quantity)")]
    OutOfRange,
}

/// Prices and quantities end here, so that the sum or difference of two never overflows.
pub const FIXED_MAX: i64 = i64::MAX / 2;

impl Price {
    /// Reads decimal text such as `1290.838`.
    #[inline]
    pub fn parse(text: &[u8]) -> Result<Price, UnitError> {
        parse_i64(text).map(Price)
    }

    /// The nearest price to a float, half to even; `None` when it is no number or out of range.
    pub fn from_f64(value: f64) -> Option<Price> {
        fixed_from_f64(value).map(Price)
    }

    /// A share of this price, half to even at 1e-9; the largest price of its sign where the share is absurd.
    #[inline]
    pub fn share(self, share: Ratio) -> Price {
        let price = div_half_even_by_scale(i128::from(self.0) * i128::from(share.0));
        Price(price.clamp(-i128::from(FIXED_MAX), i128::from(FIXED_MAX)) as i64)
    }

    /// The middle of two prices as a float.
    #[inline]
    pub fn mid_f64(bid: Price, ask: Price) -> f64 {
        (bid.0 + ask.0) as f64 / (2 * SCALE) as f64
    }
}

impl Quantity {
    /// Reads decimal text such as `0.010`.
    #[inline]
    pub fn parse(text: &[u8]) -> Result<Quantity, UnitError> {
        parse_i64(text).map(Quantity)
    }

    /// The largest multiple of `lot` that is no further from zero than this; a lot of zero leaves it as it is.
    pub fn round_down_to(self, lot: Quantity) -> Quantity {
        if lot.0 <= 0 { self } else { Quantity(self.0 / lot.0 * lot.0) }
    }

    /// 1, 0 or −1.
    #[inline]
    pub fn signum(self) -> i64 {
        self.0.signum()
    }
}

impl Ratio {
    /// All of it: 100 %.
    pub const ONE: Ratio = Ratio(SCALE);

    /// Reads decimal text such as `0.02`.
    pub fn parse(text: &[u8]) -> Result<Ratio, UnitError> {
        parse_i64(text).map(Ratio)
    }
}

impl Figure {
    /// Reads decimal text such as `328.604`.
    pub fn parse(text: &[u8]) -> Result<Figure, UnitError> {
        parse_fixed(text).map(Figure)
    }
}

impl Money {
    /// The largest amount that is kept, some 5 · 10²⁴ of the currency: beyond it everything is this much, and whoever
    /// books it says so. Sums of thousands of such amounts stay within 128 bits.
    pub const MAX: Money = Money(1 << 112);

    /// This amount, or the largest of its sign.
    fn bounded(amount: i128) -> Money {
        Money(amount.clamp(-Money::MAX.0, Money::MAX.0))
    }

    /// Whether it is the largest amount that is kept, or beyond.
    pub fn is_beyond(self) -> bool {
        self.0 >= Money::MAX.0 || self.0 <= -Money::MAX.0
    }

    /// The sum, for figures over a whole run, which nobody books: where it is beyond 256 times the largest amount it is
    /// that much, so that a few of them can be added up.
    pub fn add_bounded(self, other: Money) -> Money {
        const MOST: i128 = 256 * Money::MAX.0;
        Money(self.0.saturating_add(other.0).clamp(-MOST, MOST))
    }

    /// `self × numerator / denominator` of any size, half to even at 1e-9, or the largest amount of its sign. The
    /// denominator must not be zero.
    pub fn times_wide(self, numerator: i128, denominator: i128) -> Money {
        Money::bounded(mul_div_half_even(self.0, numerator, denominator))
    }

    /// `self × numerator / denominator`, half to even at 1e-9. The denominator must not be zero.
    pub fn times_share(self, numerator: i64, denominator: i64) -> Money {
        self.times_wide(i128::from(numerator), i128::from(denominator))
    }

    /// Reads decimal text such as `100000.00`.
    pub fn parse(text: &[u8]) -> Result<Money, UnitError> {
        parse_fixed(text).map(Money)
    }

    /// The nearest amount to a float, half to even; what is no number, or beyond an amount, becomes the largest of its
    /// sign.
    pub fn from_f64(value: f64) -> Money {
        match value.is_nan() {
            true => Money(i128::MAX),
            false => Money(whole(round_ties_even(value * SCALE as f64))),
        }
    }

    /// Rounded half to even to `digits` decimals of the currency (2 for USD). More than 9 digits change nothing.
    #[inline]
    pub fn round_to(self, digits: u8) -> Money {
        match digits {
            0..9 => {
                let unit = 10_i128.pow(9 - u32::from(digits));
                Money(div_half_even(self.0, unit) * unit)
            }
            _ => self,
        }
    }

    /// This amount times a ratio, half to even at 1e-9.
    #[inline]
    pub fn times(self, ratio: Ratio) -> Money {
        /// Apart, so that the short way becomes part of its callers.
        #[cold]
        #[inline(never)]
        fn wide(amount: Money, ratio: Ratio) -> Money {
            amount.times_share(ratio.0, SCALE)
        }
        match i64::try_from(self.0) {
            Ok(amount) => Money(div_half_even_by_scale(i128::from(amount) * i128::from(ratio.0))),
            Err(_) => wide(self, ratio),
        }
    }

    /// The share `part / whole` of this amount, half to even at 1e-9. `whole` must not be zero.
    pub fn share(self, part: Quantity, whole: Quantity) -> Money {
        self.times_share(part.0, whole.0)
    }
}

impl Mul<Quantity> for Price {
    type Output = Money;
    /// Exact at 1e-18 in 128 bits, then rounded half to even to 1e-9.
    #[inline]
    fn mul(self, quantity: Quantity) -> Money {
        Money(div_half_even_by_scale(i128::from(self.0) * i128::from(quantity.0)))
    }
}

/// A point of time: nanoseconds since 1970-01-01 00:00 UTC. The field that holds it says whose clock it is.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    rkyv::Archive,
    rkyv::Serialize,
    rkyv::Deserialize,
    serde::Serialize,
    serde::Deserialize,
)]
#[serde(transparent)]
pub struct Timestamp(pub i64);

/// A length of time in nanoseconds, possibly negative.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    rkyv::Archive,
    rkyv::Serialize,
    rkyv::Deserialize,
    serde::Serialize,
    serde::Deserialize,
)]
#[serde(transparent)]
pub struct Nanoseconds(pub i64);

impl Timestamp {
    /// Before everything.
    pub const MIN: Timestamp = Timestamp(i64::MIN);
    /// After everything.
    pub const MAX: Timestamp = Timestamp(i64::MAX);
}

impl Nanoseconds {
    /// No time at all.
    pub const ZERO: Nanoseconds = Nanoseconds(0);
    /// One second.
    pub const SECOND: Nanoseconds = Nanoseconds(1_000_000_000);
    /// One day of 86,400 seconds.
    pub const DAY: Nanoseconds = Nanoseconds(86_400 * 1_000_000_000);
}

impl Add<Nanoseconds> for Timestamp {
    type Output = Timestamp;
    /// Ends at the first or last representable time instead of overflowing: a stamp in a file may be anything.
    #[inline]
    fn add(self, length: Nanoseconds) -> Timestamp {
        Timestamp(self.0.saturating_add(length.0))
    }
}

impl Sub for Timestamp {
    type Output = Nanoseconds;
    /// Ends at the longest representable length instead of overflowing.
    #[inline]
    fn sub(self, other: Timestamp) -> Nanoseconds {
        Nanoseconds(self.0.saturating_sub(other.0))
    }
}

/// `numerator / denominator`, half to even. The denominator must be positive.
#[inline]
pub fn div_half_even(numerator: i128, denominator: i128) -> i128 {
    debug_assert!(denominator > 0);
    // Most prices times quantities fit 64 bits, where a division is many times cheaper.
    if let (Ok(n), Ok(d)) = (i64::try_from(numerator), i64::try_from(denominator)) {
        let (quotient, rest) = (n.div_euclid(d), n.rem_euclid(d));
        let up = rest > d - rest || (rest == d - rest && quotient & 1 == 1);
        return i128::from(quotient) + i128::from(up);
    }
    let (quotient, rest) = (numerator.div_euclid(denominator), numerator.rem_euclid(denominator));
    let up = rest > denominator - rest || (rest == denominator - rest && quotient & 1 == 1);
    quotient + i128::from(up)
}

/// `numerator / SCALE`, half to even: what [`div_half_even`] says, without a division as far as 2⁹².
#[inline]
fn div_half_even_by_scale(numerator: i128) -> i128 {
    /// Apart, so that the short way needs no room for it.
    #[cold]
    #[inline(never)]
    fn wide(numerator: i128) -> i128 {
        div_half_even(numerator, i128::from(SCALE))
    }
    const UNIT: u64 = SCALE as u64;
    const RECIPROCAL: u128 = (1 << 93) / SCALE as u128;
    let size = numerator.unsigned_abs();
    if size >> 92 != 0 {
        return wide(numerator);
    }
    // Half a unit more, rounded down, is the nearest; of a tie the one above.
    let size = size + u128::from(UNIT / 2);
    // Too low by two at most: what is cut off of the size counts for 2²⁹ / SCALE = 0.54 at most, of the reciprocal for
    // less than one, of the product for less than one. So the rest is below three units, and fits 64 bits.
    let mut quotient = ((u128::from((size >> 29) as u64) * RECIPROCAL) >> 64) as u64;
    let mut rest = (size as u64).wrapping_sub(quotient.wrapping_mul(UNIT));
    for _ in 0..2 {
        let more = rest >= UNIT;
        rest -= if more { UNIT } else { 0 };
        quotient += u64::from(more);
    }
    let tie = rest == 0;
    let size = i128::from(quotient - (u64::from(tie) & quotient & 1));
    if numerator < 0 { -size } else { size }
}

/// The nearest float. Most numbers fit 64 bits, from where the way is short.
#[inline]
fn nearest(number: i128) -> f64 {
    /// Apart, so that nobody computes both ways and takes one.
    #[cold]
    #[inline(never)]
    fn wide(number: i128) -> f64 {
        number as f64
    }
    match i64::try_from(number) {
        Ok(number) => number as f64,
        Err(_) => wide(number),
    }
}

/// [`f64::round_ties_even`] of what becomes an integer (a zero has no sign), without the call that it is in a build for
/// any x86-64.
#[inline]
fn round_ties_even(value: f64) -> f64 {
    // Between 2⁵² and 2⁵³ floats are the integers, so that adding this much rounds.
    const WHOLE: f64 = 1.5 * (1_u64 << 52) as f64;
    if value.abs() < (1_u64 << 51) as f64 { (value + WHOLE) - WHOLE } else { value.round_ties_even() }
}

/// A whole float as an integer; the largest of its sign where there is none.
#[inline]
fn whole(float: f64) -> i128 {
    // −2⁶³ and 2⁶³ are floats.
    const END: f64 = (1_u64 << 63) as f64;
    if (-END..END).contains(&float) { i128::from(float as i64) } else { float as i128 }
}

/// `a × b / c`, half to even, exact however large the product is; a quotient beyond 128 bits is the largest, or lowest,
/// that there is. `c` must not be zero.
pub fn mul_div_half_even(a: i128, b: i128, c: i128) -> i128 {
    if let Some(product) = a.checked_mul(b)
        && c > 0
    {
        return div_half_even(product, c);
    }
    let negative = (a < 0) != (b < 0) && (c > 0) || (a < 0) == (b < 0) && (c < 0);
    let size = wide_mul_div(a.unsigned_abs(), b.unsigned_abs(), c.unsigned_abs());
    let size = size.and_then(|size| i128::try_from(size).ok());
    match (size, negative) {
        (Some(size), false) => size,
        (Some(size), true) => -size,
        (None, false) => i128::MAX,
        (None, true) => i128::MIN,
    }
}

/// `a × b / c`, half to even, by a product of 256 bits; `None` where the quotient is beyond 128.
#[cold]
fn wide_mul_div(a: u128, b: u128, c: u128) -> Option<u128> {
    const HALF: u32 = 64;
    let low = |x: u128| x & u128::from(u64::MAX);
    let (a_low, a_high, b_low, b_high) = (low(a), a >> HALF, low(b), b >> HALF);
    // Each of these is below 2^128, and so is each sum with what is carried into it.
    let lowest = a_low * b_low;
    let first = a_high * b_low + (lowest >> HALF);
    let second = a_low * b_high + low(first);
    let product_low = (second << HALF) | low(lowest);
    let mut rest = a_high * b_high + (first >> HALF) + (second >> HALF);
    if rest >= c {
        return None;
    }
    // Long division, bit by bit: the rest is below c, and c is at most 2^127.
    let mut quotient = 0_u128;
    for bit in (0..128).rev() {
        rest = rest << 1 | product_low >> bit & 1;
        quotient <<= 1;
        if rest >= c {
            rest -= c;
            quotient |= 1;
        }
    }
    let twice = rest << 1;
    let up = twice > c || (twice == c && quotient & 1 == 1);
    quotient.checked_add(u128::from(up))
}

fn fixed_from_f64(value: f64) -> Option<i64> {
    let scaled = round_ties_even(value * SCALE as f64);
    (scaled.abs() <= FIXED_MAX as f64).then_some(scaled as i64)
}

#[inline]
fn parse_i64(text: &[u8]) -> Result<i64, UnitError> {
    // The usual short number without sign or exponent: at most 18 digits never overflow.
    if text.len() <= 18 {
        let (mut value, mut decimals, mut point) = (0_i64, 0_usize, false);
        for &byte in text {
            let digit = byte.wrapping_sub(b'0');
            if digit <= 9 {
                value = value * 10 + i64::from(digit);
                decimals += usize::from(point);
            } else if byte == b'.' && !point {
                point = true;
            } else {
                return parse_rare(text);
            }
        }
        let digits = text.len() - usize::from(point);
        if digits > 0 && decimals <= 9 {
            return match value.checked_mul(POWERS[9 - decimals]) {
                Some(value) if value <= FIXED_MAX => Ok(value),
                _ => Err(UnitError::OutOfRange),
            };
        }
    }
    parse_rare(text)
}

const POWERS: [i64; 10] =
    [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000, 1_000_000_000];

#[cold]
fn parse_rare(text: &[u8]) -> Result<i64, UnitError> {
    let value = parse_fixed(text)?;
    match i64::try_from(value) {
        Ok(value) if (-FIXED_MAX..=FIXED_MAX).contains(&value) => Ok(value),
        _ => Err(UnitError::OutOfRange),
    }
}

/// Signs, exponents and long numbers: exact, in units of 1e-9.
fn parse_fixed(text: &[u8]) -> Result<i128, UnitError> {
    if text.is_empty() {
        return Err(UnitError::Empty);
    }
    let (negative, mut at) = match text[0] {
        b'-' => (true, 1),
        b'+' => (false, 1),
        _ => (false, 0),
    };
    let (mut value, mut exponent, mut digits, mut point) = (0_i128, 0_i32, 0, false);
    while at < text.len() {
        match text[at] {
            byte @ b'0'..=b'9' => {
                value = value
                    .checked_mul(10)
                    .and_then(|value| value.checked_add(i128::from(byte - b'0')))
                    .ok_or(UnitError::OutOfRange)?;
                exponent -= i32::from(point);
                digits += 1;
            }
            b'.' if !point => point = true,
            b'e' | b'E' if digits > 0 => {
                exponent += parse_exponent(&text[at + 1..]).ok_or(UnitError::NotANumber { at })?;
                at = text.len();
                continue;
            }
            _ => return Err(UnitError::NotANumber { at }),
        }
        at += 1;
    }
    if digits == 0 {
        return Err(UnitError::NotANumber { at: text.len() - 1 });
    }
    let mut shift = exponent + 9;
    while shift < 0 && value % 10 == 0 && value != 0 {
        value /= 10;
        shift += 1;
    }
    if value != 0 {
        if shift < 0 {
            return Err(UnitError::TooFine);
        }
        let factor = 10_i128.checked_pow(shift as u32).ok_or(UnitError::OutOfRange)?;
        value = value.checked_mul(factor).ok_or(UnitError::OutOfRange)?;
    }
    Ok(if negative { -value } else { value })
}

/// At most three digits with a sign: more is out of range for any unit.
fn parse_exponent(text: &[u8]) -> Option<i32> {
    let (sign, digits) = match text.first()? {
        b'-' => (-1, &text[1..]),
        b'+' => (1, &text[1..]),
        _ => (1, text),
    };
    if digits.is_empty() || digits.len() > 3 {
        return None;
    }
    digits
        .iter()
        .try_fold(0, |value, &byte| byte.is_ascii_digit().then(|| value * 10 + i32::from(byte - b'0')))
        .map(|value| sign * value)
}

fn write_fixed(f: &mut fmt::Formatter<'_>, value: i128) -> fmt::Result {
    let scale = SCALE as u128;
    let (whole, rest) = (value.unsigned_abs() / scale, value.unsigned_abs() % scale);
    let decimals = f.precision();
    let text = match (rest, decimals) {
        (0, None) => format!("{whole}"),
        (_, None) => format!("{whole}.{rest:09}").trim_end_matches('0').to_string(),
        (_, Some(places)) if places < 9 => {
            let unit = 10_i128.pow(9 - places as u32);
            let rounded = div_half_even(value.abs(), unit) as u128;
            let power = 10_u128.pow(places as u32);
            match places {
                0 => format!("{rounded}"),
                _ => format!("{}.{:0places$}", rounded / power, rounded % power),
            }
        }
        (_, Some(places)) => format!("{whole}.{rest:09}{}", "0".repeat(places - 9)),
    };
    f.pad_integral(value >= 0 || text.bytes().all(|b| b == b'0' || b == b'.'), "", &text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn prices_read_exactly_or_are_refused() {
        let cases: &[(&str, Result<i64, UnitError>)] = &[
            ("1290.838", Ok(1_290_838_000_000)),
            ("0.000000001", Ok(1)),
            ("-37.63", Ok(-37_630_000_000)),
            ("+5", Ok(5_000_000_000)),
            (".5", Ok(500_000_000)),
            ("5.", Ok(5_000_000_000)),
            ("1e-05", Ok(10_000)),
            ("2.5E3", Ok(2_500_000_000_000)),
            ("1.0000000000000000000", Ok(1_000_000_000)),
            ("0.0000000000", Ok(0)),
            ("4611686018.427387903", Ok(FIXED_MAX)),
            ("4611686018.427387904", Err(UnitError::OutOfRange)),
            ("99999999999999999", Err(UnitError::OutOfRange)),
            ("1e999", Err(UnitError::OutOfRange)),
            ("0.0000000001", Err(UnitError::TooFine)),
            ("", Err(UnitError::Empty)),
            (".", Err(UnitError::NotANumber { at: 0 })),
            ("-", Err(UnitError::NotANumber { at: 0 })),
            ("1290.83B", Err(UnitError::NotANumber { at: 7 })),
            ("NaN", Err(UnitError::NotANumber { at: 0 })),
            ("inf", Err(UnitError::NotANumber { at: 0 })),
            ("1.2.3", Err(UnitError::NotANumber { at: 3 })),
            ("1e", Err(UnitError::NotANumber { at: 1 })),
            ("１", Err(UnitError::NotANumber { at: 0 })),
        ];
        for (text, expected) in cases {
            assert_eq!(Price::parse(text.as_bytes()).map(|price| price.0), *expected, "{text}");
        }
    }

    #[test]
    fn display_is_exact_and_precision_rounds_half_even() {
        assert_eq!(Price(1_290_838_000_000).to_string(), "1290.838");
        assert_eq!(Price(-1).to_string(), "-0.000000001");
        assert_eq!(format!("{:.2}", Money(84_445_815_000_000)), "84445.82");
        assert_eq!(format!("{:.2}", Money(84_445_805_000_000)), "84445.80");
        assert_eq!(format!("{:.2}", Money(-4_000_000)), "0.00");
        assert_eq!(format!("{:.0}", Money(2_500_000_000)), "2");
        assert_eq!(format!("{:>8.1}", Price(1_250_000_000)), "     1.2");
    }

    #[test]
    fn money_rounds_half_even_to_the_currency() {
        for (input, expected) in
            [("0.005", "0"), ("0.015", "0.02"), ("-0.005", "0"), ("-0.015", "-0.02"), ("1.234", "1.23")]
        {
            assert_eq!(input.parse::<Money>().unwrap().round_to(2).to_string(), expected, "{input}");
        }
        assert_eq!("1.5".parse::<Money>().unwrap().round_to(0).to_string(), "2");
        assert_eq!(Money(1).round_to(12), Money(1));
    }

    proptest! {
        #[test]
        fn text_and_back(value in -FIXED_MAX..=FIXED_MAX) {
            prop_assert_eq!(Price::parse(Price(value).to_string().as_bytes()), Ok(Price(value)));
        }

        #[test]
        fn any_bytes_give_a_value_or_an_error(text in proptest::collection::vec(any::<u8>(), 0..40)) {
            if let Ok(price) = Price::parse(&text) {
                prop_assert!(price.0.abs() <= FIXED_MAX);
            }
        }

        #[test]
        fn wide_division_agrees_with_the_narrow_one(a in any::<i64>(), b in any::<i64>(), c in 1..i64::MAX) {
            let narrow = div_half_even(i128::from(a) * i128::from(b), i128::from(c));
            // The same product, forced through the long way by a common factor that cancels.
            let k = 1_i128 << 60;
            if let (Some(wide_a), Some(wide_c)) = (i128::from(a).checked_mul(k), i128::from(c).checked_mul(k)) {
                prop_assert_eq!(mul_div_half_even(wide_a, i128::from(b), wide_c), narrow);
                prop_assert_eq!(mul_div_half_even(wide_a, -i128::from(b), -wide_c), narrow);
            }
        }

        #[test]
        fn a_product_of_any_size_is_divided_exactly(
            a: i128,
            b: i128,
            c in prop_oneof![any::<i128>(), any::<i64>().prop_map(i128::from), -50..50_i128],
            shift in 0..127_u32,
            odd: bool,
        ) {
            // Smaller ones too, and ties: c is an even number, and a multiple of its half is divided by it.
            let (a, c) = (a >> shift, if c == 0 { 1 } else { c });
            let (a, c) = if odd && c % 2 == 0 { ((c / 2).saturating_mul(a >> 64 | 1), c) } else { (a, c) };
            let found = mul_div_half_even(a, b, c);
            let product = big::times(a.unsigned_abs(), b.unsigned_abs());
            let size = c.unsigned_abs();
            let beyond = big::times(size, 1 << 127);
            if found == i128::MAX || found == i128::MIN {
                // Nothing nearer can be said.
                prop_assert!(big::compare(&big::plus(&product, &big::times(size, 1)), &beyond).is_ge());
                return Ok(());
            }
            let zero = a == 0 || b == 0 || found == 0;
            prop_assert!(zero || (found < 0) == (((a < 0) != (b < 0)) != (c < 0)));
            // 2 · |a·b − found·c| ≤ c, and where they are equal, found is even.
            let back = big::times(found.unsigned_abs(), size);
            let (larger, smaller) = if big::compare(&product, &back).is_ge() {
                (product, back)
            } else {
                (back, product)
            };
            // larger + larger against smaller + smaller + c: no subtraction is needed.
            let right = big::plus(&big::plus(&smaller, &smaller), &big::times(size, 1));
            let order = big::compare(&big::plus(&larger, &larger), &right);
            prop_assert!(order.is_le(), "{a} * {b} / {c} = {found}");
            prop_assert!(order.is_lt() || found & 1 == 0, "{a} * {b} / {c} = {found}");
        }

        #[test]
        fn the_short_ways_agree_with_the_long_ones(
            a: i64,
            b: i64,
            shift in 0..64_u32,
            amount: i128,
            less in 0..128_u32,
            half in -1_000_000_000_000_i64..1_000_000_000_000,
            whole_part in 0..1_u64 << 63,
            rest in prop_oneof![0..3_i64, SCALE / 2 - 2..SCALE / 2 + 3, SCALE - 3..SCALE],
        ) {
            let scale = i128::from(SCALE);
            // Where a quotient one too low, or a tie, would show: up to 2⁹², and beyond.
            let edge = i128::from(whole_part >> shift) * scale + i128::from(rest);
            for numerator in [edge, -edge, edge << 1, (1 << 92) - 1 - edge, (1 << 92) + edge] {
                prop_assert_eq!(div_half_even_by_scale(numerator), div_half_even(numerator, scale));
            }
            let product = i128::from(a >> shift) * i128::from(b);
            for numerator in [product, -product, i128::from(half) * scale + scale / 2, amount >> less] {
                prop_assert_eq!(div_half_even_by_scale(numerator), div_half_even(numerator, scale));
            }
            let amount = Money(amount >> less.max(15));
            prop_assert_eq!(amount.times(Ratio(b)), amount.times_share(b, SCALE));
            prop_assert_eq!(amount.as_f64().to_bits(), (amount.0 as f64 / SCALE as f64).to_bits());
            let float = f64::from_bits(b as u64);
            for float in [float, amount.0 as f64, a as f64, (a >> shift) as f64 / 2.0, b as f64 / 1e9] {
                prop_assert_eq!(whole(float), float as i128);
                let (rounded, asked) = (round_ties_even(float), float.round_ties_even());
                prop_assert!(rounded == asked || rounded.is_nan() && asked.is_nan(), "{float:e}: {rounded:e}");
            }
        }

        #[test]
        fn half_even_is_the_nearest(n in -1_000_000_i128..1_000_000, d in 1_i128..1000) {
            let q = div_half_even(n, d);
            let twice_error = (2 * (n - q * d)).abs();
            prop_assert!(twice_error <= d);
            prop_assert!(twice_error < d || q % 2 == 0);
        }
    }

    /// Arithmetic on numbers of any length, digit by digit: base 2^32, the lowest digit first.
    mod big {
        use std::cmp::Ordering;

        pub fn times(a: u128, b: u128) -> Vec<u32> {
            let digits = |x: u128| [0, 32, 64, 96].map(|shift| u64::from((x >> shift) as u32));
            let mut product = vec![0_u32; 9];
            for (i, a) in digits(a).into_iter().enumerate() {
                let mut carry = 0;
                for (j, b) in digits(b).into_iter().enumerate() {
                    carry += u64::from(product[i + j]) + a * b;
                    product[i + j] = carry as u32;
                    carry >>= 32;
                }
                product[i + 4] += carry as u32;
            }
            product
        }

        pub fn plus(a: &[u32], b: &[u32]) -> Vec<u32> {
            let mut carry = 0;
            let digits = a.iter().zip(b).map(|(a, b)| {
                carry += u64::from(*a) + u64::from(*b);
                let digit = carry as u32;
                carry >>= 32;
                digit
            });
            digits.collect()
        }

        pub fn compare(a: &[u32], b: &[u32]) -> Ordering {
            a.iter().rev().cmp(b.iter().rev())
        }
    }
}
