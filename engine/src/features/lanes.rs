//! Sums over windows, eight at a time: lane `k` adds what comes of the values `k`, `k + 8`, `k + 16`, … of a window,
//! and the lanes are added last, two by two. So a sum is a function of its window alone, with the same bits on every
//! processor and whatever came before; its error grows with an eighth of the length, and vectors can add it.

use std::ops::Deref;

use genovo_kernels::scalar::fused::{self, Work};

/// How many lanes.
pub const LANES: usize = 8;

/// Which lanes are kept where the last eight values are only so many.
static MASKS: [[u64; LANES]; LANES] = {
    let mut masks = [[0; LANES]; LANES];
    let mut count = 1;
    while count < LANES {
        let mut lane = 0;
        while lane < count {
            masks[count][lane] = u64::MAX;
            lane += 1;
        }
        count += 1;
    }
    masks
};

/// Values, oldest first, behind which [`LANES`] more can be read, whatever they are.
#[derive(Clone, Copy, Debug)]
pub struct Window<'a> {
    padded: &'a [f64],
    length: usize,
}

impl Deref for Window<'_> {
    type Target = [f64];

    #[inline]
    fn deref(&self) -> &[f64] {
        self.values()
    }
}

impl<'a> Window<'a> {
    /// The first `length` of these values; there must be [`LANES`] more.
    #[inline]
    pub fn new(padded: &'a [f64], length: usize) -> Window<'a> {
        assert!(padded.len() >= length + LANES, "a window is padded");
        Window { padded, length }
    }

    /// The values, for as long as their ring is not changed.
    #[inline]
    pub fn values(self) -> &'a [f64] {
        &self.padded[..self.length]
    }

    /// Without the oldest `count` values.
    #[inline]
    pub fn skip(self, count: usize) -> Window<'a> {
        let count = if count < self.length { count } else { self.length };
        Window { padded: &self.padded[count..], length: self.length - count }
    }

    /// The sum.
    #[inline]
    pub fn sum(self) -> f64 {
        let [sum] = self.sums(|value| [value]);
        sum
    }

    /// The sums of what comes of each value.
    #[inline]
    pub fn sums<const K: usize>(self, terms: impl Fn(f64) -> [f64; K]) -> [f64; K] {
        self.sums_with(self, |value, _| terms(value))
    }

    /// The sums of what comes of each value and the other window's of the same place, while both have one.
    #[inline]
    pub fn sums_with<const K: usize>(
        self,
        other: Window<'_>,
        terms: impl Fn(f64, f64) -> [f64; K],
    ) -> [f64; K] {
        let length = if other.length < self.length { other.length } else { self.length };
        let mut lanes = [[0.0; LANES]; K];
        fused::run(Sums { one: self.padded, other: other.padded, length, terms, lanes: &mut lanes });
        lanes.map(|[a, b, c, d, e, f, g, h]| ((a + e) + (c + g)) + ((b + f) + (d + h)))
    }
}

/// The lanes go through memory: that makes vectors of them.
struct Sums<'a, const K: usize, F> {
    one: &'a [f64],
    other: &'a [f64],
    length: usize,
    terms: F,
    lanes: &'a mut [[f64; LANES]; K],
}

impl<const K: usize, F: Fn(f64, f64) -> [f64; K]> Work for Sums<'_, K, F> {
    #[inline(always)]
    fn run(self) {
        let mut lanes = [[0.0; LANES]; K];
        let (one, other) = (self.one.as_chunks::<LANES>().0, self.other.as_chunks::<LANES>().0);
        let (whole, rest) = (self.length / LANES, self.length % LANES);
        for (one, other) in one[..whole].iter().zip(&other[..whole]) {
            for lane in 0..LANES {
                let terms = (self.terms)(one[lane], other[lane]);
                for (lanes, term) in lanes.iter_mut().zip(terms) {
                    lanes[lane] += term;
                }
            }
        }
        if rest > 0
            && let (Some(one), Some(other)) = (one.get(whole), other.get(whole))
        {
            let mask = &MASKS[rest];
            for lane in 0..LANES {
                let terms = (self.terms)(one[lane], other[lane]);
                for (lanes, term) in lanes.iter_mut().zip(terms) {
                    lanes[lane] += f64::from_bits(term.to_bits() & mask[lane]);
                }
            }
        }
        *self.lanes = lanes;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The obvious way.
    fn slow(terms: &[f64]) -> f64 {
        let mut lanes = [0.0; LANES];
        for (place, term) in terms.iter().enumerate() {
            lanes[place % LANES] += term;
        }
        let halves: Vec<f64> = (0..4).map(|lane| lanes[lane] + lanes[lane + 4]).collect();
        (halves[0] + halves[2]) + (halves[1] + halves[3])
    }

    proptest! {
        #[test]
        fn lanes_are_those_of_the_obvious_way(
            values in prop::collection::vec(-1e3_f64..1e3, 0..70),
            lag in 0_usize..20,
            pad in prop::sample::select(vec![0.0, 7.5, f64::NAN, f64::INFINITY]),
        ) {
            let length = values.len();
            let mut padded = values.clone();
            padded.extend([pad; LANES]);
            let window = Window::new(&padded, length);
            prop_assert_eq!(window.sum().to_bits(), slow(&values).to_bits());
            let [square, cube] = window.sums(|value| [value * value, value * value * value]);
            let terms = |f: fn(f64) -> f64| values.iter().map(|value| f(*value)).collect::<Vec<_>>();
            prop_assert_eq!(square.to_bits(), slow(&terms(|x| x * x)).to_bits());
            prop_assert_eq!(cube.to_bits(), slow(&terms(|x| x * x * x)).to_bits());
            let later = window.skip(lag);
            prop_assert_eq!(&later[..], &values[lag.min(length)..]);
            let [product] = window.sums_with(later, |one, other| [one * other]);
            let products: Vec<f64> = values.iter().zip(later.iter()).map(|(a, b)| a * b).collect();
            prop_assert_eq!(product.to_bits(), slow(&products).to_bits());
        }
    }
}
