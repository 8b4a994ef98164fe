//! Sums over a moving window of time, exact and without allocation: the window is 60 equal parts of the clock, the one
//! under way among them.
//!
//! Sums are integers, so that what goes out is what went in. A number with a fraction goes in as [`fixed`].

use crate::canonical::Input;
use crate::state::{State, StateError, expect_tag, tag};
use crate::units::Timestamp;

/// Parts of a window.
pub const PARTS: usize = 60;

/// `K` sums over one window.
#[derive(Clone, Debug)]
pub struct Buckets<const K: usize> {
    width: i64,
    /// The number of the part under way since 1970; `None` before the first event.
    current: Option<i64>,
    first: i64,
    parts: Vec<[i128; K]>,
    totals: [i128; K],
}

impl<const K: usize> Buckets<K> {
    /// A window of so many seconds.
    pub fn seconds(seconds: i64) -> Buckets<K> {
        let width = seconds * 1_000_000_000 / PARTS as i64;
        Buckets { width, current: None, first: 0, parts: vec![[0; K]; PARTS], totals: [0; K] }
    }

    /// Lets parts pass that are older than the window.
    #[inline]
    pub fn advance(&mut self, now: Timestamp) {
        // The part under way has not ended, as nearly always.
        let ended = |current: i64| now.0 >= current.saturating_add(1).saturating_mul(self.width);
        if self.current.is_none_or(ended) {
            self.pass(now);
        }
    }

    fn pass(&mut self, now: Timestamp) {
        let number = now.0.div_euclid(self.width);
        let Some(current) = self.current else {
            self.current = Some(number);
            self.first = number;
            return;
        };
        if number <= current {
            return;
        }
        if number - current >= PARTS as i64 {
            self.parts.fill([0; K]);
            self.totals = [0; K];
        } else {
            for passed in current + 1..=number {
                let part = &mut self.parts[passed.rem_euclid(PARTS as i64) as usize];
                for (total, value) in self.totals.iter_mut().zip(part) {
                    *total -= *value;
                    *value = 0;
                }
            }
        }
        self.current = Some(number);
    }

    /// Adds to sum `k` at the time to which the window was advanced.
    #[inline]
    pub fn add(&mut self, k: usize, value: i128) {
        if let Some(current) = self.current {
            self.parts[current.rem_euclid(PARTS as i64) as usize][k] += value;
            self.totals[k] += value;
        }
    }

    /// Whether events came for as long as the window is.
    pub fn is_full(&self) -> bool {
        self.current.is_some_and(|current| current - self.first >= PARTS as i64 - 1)
    }

    /// The sums over the window, once it is full.
    pub fn totals(&self) -> Option<&[i128; K]> {
        self.is_full().then_some(&self.totals)
    }

    /// The parts, oldest first.
    pub fn parts(&self) -> impl Iterator<Item = &[i128; K]> {
        let newest = self.current.unwrap_or(0).rem_euclid(PARTS as i64) as usize;
        (1..=PARTS).map(move |age| &self.parts[(newest + age) % PARTS])
    }
}

const TAG: u32 = tag("Buckets current first parts totals");

impl<const K: usize> State for Buckets<K> {
    fn save(&self, out: &mut Vec<u8>) {
        TAG.save(out);
        self.current.save(out);
        self.first.save(out);
        self.parts[..].save(out);
        self.totals.save(out);
    }

    fn load(&mut self, input: &mut Input<'_>) -> Result<(), StateError> {
        expect_tag(TAG, "Buckets", input)?;
        self.current.load(input)?;
        self.first.load(input)?;
        self.parts[..].load(input)?;
        self.totals.load(input)
    }
}

/// A number at 1e-9, cut towards zero; what is not finite or beyond ±9e18 counts as 0.
#[inline]
pub fn fixed(value: f64) -> i128 {
    let scaled = value * 1e9;
    if scaled.abs() < 9e27 { scaled as i128 } else { 0 }
}

/// Back from [`fixed`].
#[inline]
pub fn unfixed(value: i128) -> f64 {
    float(value) / 1e9
}

/// The nearest f64; sooner where the number has 64 bits, as nearly always.
#[inline]
pub fn float(value: i128) -> f64 {
    match i64::try_from(value) {
        Ok(value) => value as f64,
        Err(_) => value as f64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Beside the obvious way: keep everything, sum what is young enough.
        #[test]
        fn totals_are_those_of_a_recount(steps in prop::collection::vec((0_i64..3_000_000_000, -50_i64..50), 1..300)) {
            let mut window = Buckets::<1>::seconds(60);
            let (mut now, mut all) = (1_700_000_000_000_000_000, Vec::new());
            for (step, value) in steps {
                now += step;
                window.advance(Timestamp(now));
                window.add(0, i128::from(value));
                let second = now.div_euclid(1_000_000_000);
                all.push((second, value));
                let expected: i64 = all.iter().filter(|(at, _)| *at > second - 60).map(|(_, value)| value).sum();
                prop_assert_eq!(window.totals[0], i128::from(expected));
                let parts: i128 = window.parts().map(|part| part[0]).sum();
                prop_assert_eq!(parts, i128::from(expected));
                prop_assert_eq!(window.is_full(), second - all[0].0 >= 59);
            }
        }
    }

    #[test]
    fn a_long_silence_empties_the_window() {
        let mut window = Buckets::<1>::seconds(10);
        window.advance(Timestamp(5));
        window.add(0, 7);
        window.advance(Timestamp(3_600_000_000_000));
        assert_eq!(window.totals(), Some(&[0]));
    }
}
