//! The small machines of which indicators are made: a ring, averages, moments, extremes.
//!
//! Sums over a window are of its values alone ([`super::lanes`]): they cannot drift, and a window says the same
//! whenever it began. Nothing here allocates after it was made.

use super::lanes::{LANES, Window};
use crate::canonical::Input;
use crate::state::{State, StateError, expect_tag, tag};

/// The last `length` values, in one piece: every value is there twice, so that no window wraps.
#[derive(Clone, Debug)]
pub struct Ring {
    values: Vec<f64>,
    length: usize,
    next: usize,
    full: bool,
}

const TAG: u32 = tag("Ring [values] next full");

/// Each value once.
impl State for Ring {
    fn save(&self, out: &mut Vec<u8>) {
        TAG.save(out);
        self.values[..self.length].save(out);
        self.next.save(out);
        self.full.save(out);
    }

    fn load(&mut self, input: &mut Input<'_>) -> Result<(), StateError> {
        expect_tag(TAG, "Ring", input)?;
        self.values[..self.length].load(input)?;
        self.values.copy_within(..self.length, self.length);
        self.next.load(input)?;
        self.full.load(input)?;
        if self.next < self.length { Ok(()) } else { Err(StateError::Impossible("Ring")) }
    }
}

impl Ring {
    /// Room for `length` values, at least 1.
    pub fn new(length: usize) -> Ring {
        let length = length.max(1);
        Ring { values: vec![0.0; 2 * length + LANES], length, next: 0, full: false }
    }

    /// Adds a value and hands out the one that it displaces, once the ring is full.
    #[inline]
    pub fn push(&mut self, value: f64) -> Option<f64> {
        let old = std::mem::replace(&mut self.values[self.next], value);
        self.values[self.next + self.length] = value;
        let was_full = self.full;
        self.next += 1;
        if self.next == self.length {
            self.next = 0;
            self.full = true;
        }
        was_full.then_some(old)
    }

    /// Whether as many values came as fit.
    #[inline]
    pub fn is_full(&self) -> bool {
        self.full
    }

    /// How many values there are.
    #[inline]
    pub fn len(&self) -> usize {
        if self.full { self.length } else { self.next }
    }

    /// How many fit.
    pub fn capacity(&self) -> usize {
        self.length
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The value `back` pushes ago, 0 being the last; `None` where there is none.
    #[inline]
    pub fn back(&self, back: usize) -> Option<f64> {
        let window = self.window();
        window.len().checked_sub(back + 1).map(|place| window[place])
    }

    /// The oldest value.
    #[inline]
    pub fn oldest(&self) -> Option<f64> {
        self.window().first().copied()
    }

    /// The values, oldest first.
    #[inline]
    pub fn window(&self) -> Window<'_> {
        let from = if self.full { self.next } else { 0 };
        Window::new(&self.values[from..], self.len())
    }

    /// The values, oldest first, once there are as many as fit.
    #[inline]
    pub fn whole(&self) -> Option<Window<'_>> {
        self.full.then(|| self.window())
    }

    /// The values, oldest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = f64> + '_ {
        self.window().values().iter().copied()
    }

    /// Their sum.
    #[inline]
    pub fn sum(&self) -> f64 {
        self.window().sum()
    }

    /// Their mean, once the ring is full.
    #[inline]
    pub fn mean(&self) -> Option<f64> {
        self.full.then(|| self.sum() / self.length as f64)
    }

    /// Mean and squares about it, once full.
    #[inline]
    pub fn spread(&self) -> Option<Spread> {
        let window = self.whole()?;
        let pivot = window[self.length / 2];
        let [first, second] = window.sums(|value| {
            let from = value - pivot;
            [from, from * from]
        });
        Some(Spread::new(self.length, pivot, first, second))
    }

    /// The highest of values that are no zeros of two signs, once full.
    #[inline]
    pub fn highest(&self) -> Option<f64> {
        self.whole().map(|window| extreme(&window, f64::NEG_INFINITY, |one, other| one > other))
    }

    /// The lowest of values that are no zeros of two signs, once full.
    #[inline]
    pub fn lowest(&self) -> Option<f64> {
        self.whole().map(|window| extreme(&window, f64::INFINITY, |one, other| one < other))
    }
}

/// The best of values, four at a time: of all but zeros of two signs every order has the same bits.
#[inline(always)]
fn extreme(values: &[f64], worst: f64, better: impl Fn(f64, f64) -> bool) -> f64 {
    let best = |one: f64, other: f64| if better(one, other) { one } else { other };
    let (fours, rest) = values.as_chunks::<4>();
    let mut lanes = [worst; 4];
    for four in fours {
        for (lane, value) in lanes.iter_mut().zip(four) {
            *lane = best(*value, *lane);
        }
    }
    let all = best(best(lanes[0], lanes[1]), best(lanes[2], lanes[3]));
    rest.iter().fold(all, |all, value| best(*value, all))
}

/// Mean and sum of squares about it, of one pass over what values are from the one in their middle.
///
/// What near numbers are from each other is exact, which what they are from their rounded mean is not; and for that
/// one of them is the pivot, the mean is within √(n − 1) standard deviations of it: nothing can cancel but to that.
#[derive(Clone, Copy, Debug)]
pub struct Spread {
    /// How many values.
    pub count: f64,
    /// One of them.
    pub pivot: f64,
    /// What their mean is from that.
    pub shift: f64,
    /// Σ (x − mean)².
    pub second: f64,
}

impl Spread {
    #[inline]
    fn new(count: usize, pivot: f64, first: f64, second: f64) -> Spread {
        // What is no number stays none.
        let count = count as f64;
        let shift = first / count;
        Spread { count, pivot, shift, second: larger(0.0, second - first * shift) }
    }

    /// The mean.
    #[inline]
    pub fn mean(&self) -> f64 {
        self.pivot + self.shift
    }

    /// What a value is from the mean.
    #[inline]
    pub fn from_mean(&self, value: f64) -> f64 {
        (value - self.pivot) - self.shift
    }

    /// Variance with divisor n.
    #[inline]
    pub fn variance(&self) -> f64 {
        self.second / self.count
    }

    /// How many standard deviations a value is from the mean.
    #[inline]
    pub fn z(&self, value: f64) -> Option<f64> {
        ratio(self.from_mean(value), self.variance().sqrt())
    }
}

/// Exponential average with a given weight, seeded by the mean of the first `seed` values.
#[derive(Clone, Debug)]
pub struct Ema {
    weight: f64,
    seed: u32,
    seen: u32,
    value: f64,
}

crate::state! { Ema { seen, value } }

impl Ema {
    /// Over `length` values: weight 2 / (length + 1), seeded by the mean of the first `length`.
    pub fn new(length: u32) -> Ema {
        let length = length.max(1);
        Ema { weight: 2.0 / (f64::from(length) + 1.0), seed: length, seen: 0, value: 0.0 }
    }

    /// Over `length` values, seeded by the first.
    pub fn from_first(length: u32) -> Ema {
        Ema { seed: 1, ..Ema::new(length) }
    }

    /// Wilder's: weight 1 / length, seeded by the mean of the first `length`.
    pub fn wilder(length: u32) -> Ema {
        let length = length.max(1);
        Ema { weight: 1.0 / f64::from(length), seed: length, seen: 0, value: 0.0 }
    }

    /// With this weight, seeded by the first value.
    pub fn weighted(weight: f64) -> Ema {
        Ema { weight, seed: 1, seen: 0, value: 0.0 }
    }

    /// Takes a value; the average once it is seeded.
    #[inline]
    pub fn push(&mut self, value: f64) -> Option<f64> {
        if self.seen < self.seed {
            self.seen += 1;
            self.value += value;
            if self.seen < self.seed {
                return None;
            }
            self.value /= f64::from(self.seed);
        } else {
            self.value = self.weight * value + (1.0 - self.weight) * self.value;
        }
        Some(self.value)
    }

    /// The average, if it is seeded.
    pub fn value(&self) -> Option<f64> {
        (self.seen >= self.seed).then_some(self.value)
    }
}

/// The larger of two numbers, the second where they are equal.
#[inline]
pub fn larger(a: f64, b: f64) -> f64 {
    if a > b { a } else { b }
}

/// The smaller of two numbers, the second where they are equal.
#[inline]
pub fn smaller(a: f64, b: f64) -> f64 {
    if a < b { a } else { b }
}

/// a / b, `None` where b is 0 or the quotient is not finite.
#[inline]
pub fn ratio(a: f64, b: f64) -> Option<f64> {
    if b == 0.0 {
        return None;
    }
    let quotient = a / b;
    quotient.is_finite().then_some(quotient)
}

/// Slope and value at the end of the least-squares line through equally spaced values, oldest first.
pub fn line(values: impl Iterator<Item = f64>, count: usize) -> (f64, f64) {
    let n = count as f64;
    let middle = (n - 1.0) / 2.0;
    let (mut sum, mut product) = (0.0, 0.0);
    for (index, value) in values.enumerate() {
        sum += value;
        product += (index as f64 - middle) * value;
    }
    let spread = n * (n * n - 1.0) / 12.0;
    let slope = if spread == 0.0 { 0.0 } else { product / spread };
    (slope, sum / n + slope * middle)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values whose squares are beyond every float have no spread, and not one of zero.
    #[test]
    fn what_is_too_far_apart_to_square_has_no_number() {
        let mut ring = Ring::new(20);
        for step in 0..20 {
            ring.push(1e200 * (1.0 + f64::from(step) / 100.0));
        }
        let spread = ring.spread().expect("it is full");
        assert!(!spread.variance().is_finite(), "{spread:?}");
        assert!(spread.z(1e200).is_none_or(|z| !z.is_finite()), "{spread:?}");
    }

    #[test]
    fn a_ring_keeps_the_last_values_in_order() {
        let mut ring = Ring::new(3);
        assert!(ring.is_empty());
        assert_eq!([ring.push(1.0), ring.push(2.0), ring.push(3.0)], [None; 3]);
        assert_eq!(ring.push(4.0), Some(1.0));
        assert_eq!(ring.iter().collect::<Vec<_>>(), [2.0, 3.0, 4.0]);
        assert_eq!((ring.back(0), ring.back(2), ring.back(3)), (Some(4.0), Some(2.0), None));
        assert_eq!(
            (ring.sum(), ring.mean(), ring.highest(), ring.lowest()),
            (9.0, Some(3.0), Some(4.0), Some(2.0))
        );
        assert_eq!(ring.oldest(), Some(2.0));
    }

    /// Numbers whose every order of sums has bits of its own.
    fn wild(step: u64) -> f64 {
        let bits = step.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (bits >> 20) as f64 * f64::from(1_u32 << (bits % 31)) - 1e15
    }

    #[test]
    fn a_window_is_the_last_values_and_says_the_same_wherever_it_lies() {
        for length in [1, 2, 3, 7, 8, 20, 64] {
            let (mut ring, mut all) = (Ring::new(length), Vec::new());
            for step in 0..400_u64 {
                all.push(wild(step));
                ring.push(wild(step));
                let last = &all[all.len().saturating_sub(length)..];
                assert_eq!(&ring.window()[..], last);
                assert_eq!(ring.iter().collect::<Vec<_>>(), last);
                // Another ring that has seen these values alone.
                let mut other = Ring::new(length);
                last.iter().for_each(|value| _ = other.push(*value));
                assert_eq!(ring.sum().to_bits(), other.sum().to_bits());
                let all = |it: Spread| [it.mean(), it.second].map(f64::to_bits);
                assert_eq!(ring.spread().map(all), other.spread().map(all));
                let best = |fold: fn(f64, f64) -> f64| last.iter().copied().reduce(fold);
                let full = ring.is_full();
                assert_eq!(ring.highest(), best(f64::max).filter(|_| full));
                assert_eq!(ring.lowest(), best(f64::min).filter(|_| full));
                assert_eq!(ring.back(length / 2), last.iter().rev().nth(length / 2).copied());
            }
        }
    }

    #[test]
    fn a_ring_is_saved_and_loaded() {
        for pushed in [0, 2, 5, 11] {
            let (mut ring, mut loaded) = (Ring::new(5), Ring::new(5));
            (0..pushed).for_each(|step| _ = ring.push(wild(step)));
            let mut bytes = Vec::new();
            ring.save(&mut bytes);
            loaded.load(&mut Input::new(&bytes)).unwrap();
            for step in 0..12 {
                assert_eq!(ring.push(wild(step)), loaded.push(wild(step)));
                assert_eq!(&ring.window()[..], &loaded.window()[..]);
            }
        }
        let mut bytes = Vec::new();
        Ring::new(4).save(&mut bytes);
        assert!(Ring::new(5).load(&mut Input::new(&bytes)).is_err());
    }

    #[test]
    fn equal_values_have_no_spread() {
        let mut ring = Ring::new(30);
        (0..40).for_each(|_| _ = ring.push(0.1 + 0.2));
        let it = ring.spread().unwrap();
        assert_eq!([it.second, it.from_mean(0.1 + 0.2)], [0.0; 2]);
        assert_eq!(it.z(0.3), None);
    }

    #[test]
    fn averages_start_where_they_say() {
        let mut ema = Ema::new(3);
        assert_eq!([ema.push(1.0), ema.push(2.0), ema.push(6.0)], [None, None, Some(3.0)]);
        assert_eq!(ema.push(5.0), Some(4.0));
        let mut wilder = Ema::wilder(2);
        assert_eq!([wilder.push(2.0), wilder.push(4.0), wilder.push(5.0)], [None, Some(3.0), Some(4.0)]);
        assert_eq!(Ema::from_first(9).push(7.0), Some(7.0));
    }

    #[test]
    fn a_straight_line_has_its_slope() {
        let (slope, end) = line((0..9).map(|x| 3.0 + 0.5 * f64::from(x)), 9);
        assert_eq!((slope, end), (0.5, 7.0));
    }
}
