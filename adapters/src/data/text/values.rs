//! A row's fields as values, and what can be wrong with them.

use std::borrow::Cow;

use genovo_engine::event::Side;
use genovo_engine::units::{Price, Quantity, Timestamp, UnitError};

use crate::data::time::Clock;

/// What is wrong with a row.
#[derive(Debug)]
pub(crate) struct Flaw {
    pub(crate) place: Place,
    pub(crate) problem: &'static str,
    pub(crate) expected: Cow<'static, str>,
}

/// Which part of a row is at fault.
#[derive(Debug)]
pub(crate) enum Place {
    /// The column in this place, counted from 0.
    Column(usize),
    /// These bytes, in no column in particular.
    Bytes(std::ops::Range<usize>),
    /// All of it.
    Row,
}

pub(crate) type Read<T> = Result<T, Box<Flaw>>;

/// A row's fields. Inlining is forced: left to itself the compiler makes calls of these, and a row 8 % slower.
pub(crate) struct Row<'a> {
    pub(crate) text: &'a [u8],
    pub(crate) ends: &'a [u32],
}

impl Row<'_> {
    #[inline(always)]
    pub(crate) fn field(&self, place: usize) -> &[u8] {
        let start = if place == 0 { 0 } else { self.ends[place - 1] as usize + 1 };
        &self.text[start..self.ends[place] as usize]
    }

    #[inline(always)]
    pub(crate) fn time(&self, place: usize, clock: &Clock) -> Read<Timestamp> {
        clock.read(self.field(place)).map_err(|expected| self.flaw(place, "is not a time", expected))
    }

    #[inline(always)]
    pub(crate) fn price(&self, place: usize) -> Read<Price> {
        let text = self.field(place);
        Price::parse(text)
            .or_else(|error| trimmed(text, error, Price::parse))
            .map_err(|error| self.flaw(place, "is not a price", needed(error)))
    }

    /// A size that is not there is `None`, one that is zero is zero.
    #[inline(always)]
    pub(crate) fn size(&self, place: Option<usize>) -> Read<Option<Quantity>> {
        let Some(place) = place else { return Ok(None) };
        let text = self.field(place);
        if text.is_empty() {
            return Ok(None);
        }
        match Quantity::parse(text).or_else(|error| trimmed(text, error, Quantity::parse)) {
            Ok(size) if size < Quantity::ZERO => Err(self.flaw(place, "is not a size", "no minus sign")),
            Ok(size) => Ok(Some(size)),
            Err(UnitError::Empty) => Ok(None),
            Err(error) => Err(self.flaw(place, "is not a size", needed(error))),
        }
    }

    #[inline]
    pub(crate) fn side(&self, place: Option<usize>) -> Read<Option<Side>> {
        let Some(place) = place else { return Ok(None) };
        let text = self.field(place).trim_ascii();
        let is = |words: &[&str]| words.iter().any(|word| text.eq_ignore_ascii_case(word.as_bytes()));
        if text.is_empty() || is(&["n", "none", "unknown"]) {
            Ok(None)
        } else if is(&["b", "buy", "1", "+1"]) {
            Ok(Some(Side::Buy))
        } else if is(&["s", "sell", "-1"]) {
            Ok(Some(Side::Sell))
        } else {
            Err(self.flaw(place, "is not a side", "buy or sell, b or s, 1 or -1, or nothing"))
        }
    }

    #[cold]
    pub(crate) fn flaw(&self, place: usize, problem: &'static str, expected: &'static str) -> Box<Flaw> {
        match std::str::from_utf8(self.field(place)) {
            Ok(_) => column(place, problem, expected),
            Err(_) => column(place, problem, "UTF-8 text"),
        }
    }
}

/// What a number must be that is not one.
pub(crate) fn needed(error: UnitError) -> &'static str {
    match error {
        UnitError::Empty => "a number, found nothing",
        UnitError::NotANumber { .. } => "digits with at most 9 decimals",
        UnitError::TooFine => "at most 9 decimals",
        UnitError::OutOfRange => "a number from about -4.6 to 4.6 billion",
    }
}

/// A second try without the blanks around a number.
#[cold]
fn trimmed<T>(
    text: &[u8],
    error: UnitError,
    parse: fn(&[u8]) -> Result<T, UnitError>,
) -> Result<T, UnitError> {
    let inner = text.trim_ascii();
    if inner.len() == text.len() { Err(error) } else { parse(inner) }
}

#[cold]
pub(crate) fn column(place: usize, problem: &'static str, expected: &'static str) -> Box<Flaw> {
    Box::new(Flaw { place: Place::Column(place), problem, expected: expected.into() })
}

#[cold]
pub(crate) fn whole_row(problem: &'static str, expected: &'static str) -> Box<Flaw> {
    Box::new(Flaw { place: Place::Row, problem, expected: expected.into() })
}
