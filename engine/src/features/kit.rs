//! The small machines of which indicators are made: a ring, averages, extremes, sums.
//!
//! Sums over a window are of its values alone, added oldest first: they cannot drift. A [`Ring`] takes them anew each
//! time; [`Sums`] has those of all windows that have begun under way, so that a new value is one addition to each,
//! which are independent of one another. Nothing here allocates after it was made.

/// The last `length` values.
#[derive(Clone, Debug)]
pub struct Ring {
    values: Vec<f64>,
    next: usize,
    full: bool,
}

crate::state! { Ring { [values], next, full } if |it| it.next < it.values.len() }

impl Ring {
    /// Room for `length` values, at least 1.
    pub fn new(length: usize) -> Ring {
        Ring { values: vec![0.0; length.max(1)], next: 0, full: false }
    }

    /// Adds a value and hands out the one that it displaces, once the ring is full.
    pub fn push(&mut self, value: f64) -> Option<f64> {
        let old = std::mem::replace(&mut self.values[self.next], value);
        let was_full = self.full;
        self.next += 1;
        if self.next == self.values.len() {
            self.next = 0;
            self.full = true;
        }
        was_full.then_some(old)
    }

    /// Whether as many values came as fit.
    pub fn is_full(&self) -> bool {
        self.full
    }

    /// How many values there are.
    pub fn len(&self) -> usize {
        if self.full { self.values.len() } else { self.next }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The value `back` pushes ago, 0 being the last; `None` where there is none.
    pub fn back(&self, back: usize) -> Option<f64> {
        if back >= self.len() {
            return None;
        }
        let length = self.values.len();
        Some(self.values[(self.next + length - 1 - back) % length])
    }

    /// The oldest value.
    pub fn oldest(&self) -> Option<f64> {
        self.back(self.len().checked_sub(1)?)
    }

    /// The values, oldest first, as two runs.
    pub fn runs(&self) -> (&[f64], &[f64]) {
        if self.full {
            (&self.values[self.next..], &self.values[..self.next])
        } else {
            (&self.values[..self.next], &[])
        }
    }

    /// The values, oldest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = f64> + '_ {
        let (first, second) = self.runs();
        first.iter().chain(second).copied()
    }

    /// Their sum, oldest first.
    pub fn sum(&self) -> f64 {
        let (first, second) = self.runs();
        let mut sum = 0.0;
        for value in first.iter().chain(second) {
            sum += value;
        }
        sum
    }

    /// Their mean, once the ring is full.
    pub fn mean(&self) -> Option<f64> {
        self.full.then(|| self.sum() / self.values.len() as f64)
    }

    /// Mean and the sums of the squared, cubed and fourth powers of what each value is from it, once full.
    pub fn moments(&self) -> Option<Moments> {
        let mean = self.mean()?;
        let (mut second, mut third, mut fourth) = (0.0, 0.0, 0.0);
        let (first, last) = self.runs();
        for run in [first, last] {
            for value in run {
                let from = value - mean;
                let square = from * from;
                second += square;
                third += square * from;
                fourth += square * square;
            }
        }
        Some(Moments { count: self.values.len() as f64, mean, second, third, fourth })
    }

    /// The highest value, once full.
    pub fn highest(&self) -> Option<f64> {
        self.full.then(|| {
            self.iter().fold(f64::NEG_INFINITY, |best, value| if value > best { value } else { best })
        })
    }

    /// The lowest value, once full.
    pub fn lowest(&self) -> Option<f64> {
        self.full
            .then(|| self.iter().fold(f64::INFINITY, |best, value| if value < best { value } else { best }))
    }
}

/// The sum of the last `length` values, oldest first: to the bit what [`Ring::sum`] is, sooner.
#[derive(Clone, Debug)]
pub struct Sums {
    /// Of the window that begins at each place the sum so far.
    under_way: Vec<f64>,
    /// What each place keeps of its bits: one keeps none, where a window begins. Twice as long, so that it can be
    /// anywhere. (Written by itself, that place would wait for the addition of all together to read it.)
    keep: Vec<u64>,
    next: usize,
    full: bool,
}

impl Sums {
    /// Over windows of `length` values, at least 1.
    pub fn new(length: usize) -> Sums {
        let length = length.max(1);
        let mut keep = vec![u64::MAX; 2 * length - 1];
        keep[length - 1] = 0;
        Sums { under_way: vec![0.0; length], keep, next: 0, full: false }
    }

    /// Takes a value; the sum of the window that it ends, once there is one.
    #[inline(always)]
    pub fn push(&mut self, value: f64) -> Option<f64> {
        // At the next place a window begins with this value.
        let keep = &self.keep[self.under_way.len() - 1 - self.next..];
        for (sum, keep) in self.under_way.iter_mut().zip(keep) {
            *sum = f64::from_bits(sum.to_bits() & keep) + value;
        }
        self.next += 1;
        if self.next == self.under_way.len() {
            self.next = 0;
            self.full = true;
        }
        // The window that ends is the oldest, whose place is the next one's.
        self.full.then(|| self.under_way[self.next])
    }

    /// Takes a value; the mean of the window that it ends.
    #[inline(always)]
    pub fn mean(&mut self, value: f64) -> Option<f64> {
        let count = self.under_way.len() as f64;
        self.push(value).map(|sum| sum / count)
    }
}

/// The last `length` values in one piece: every value is there twice, so that no window wraps.
#[derive(Clone, Debug)]
pub struct Piece {
    values: Vec<f64>,
    length: usize,
    next: usize,
    full: bool,
}

impl Piece {
    /// Room for `length` values, at least 1.
    pub fn new(length: usize) -> Piece {
        let length = length.max(1);
        Piece { values: vec![0.0; 2 * length], length, next: 0, full: false }
    }

    /// Takes a value.
    #[inline]
    pub fn push(&mut self, value: f64) {
        self.values[self.next] = value;
        self.values[self.next + self.length] = value;
        self.next += 1;
        if self.next == self.length {
            self.next = 0;
            self.full = true;
        }
    }

    /// The window, oldest first, once it is full.
    #[inline]
    pub fn window(&self) -> Option<&[f64]> {
        self.full.then(|| &self.values[self.next..][..self.length])
    }

    /// The highest of prices, once full.
    #[inline]
    pub fn highest(&self) -> Option<f64> {
        self.window().map(|window| extreme(window, f64::NEG_INFINITY, |one, other| one > other))
    }

    /// The lowest of prices, once full.
    #[inline]
    pub fn lowest(&self) -> Option<f64> {
        self.window().map(|window| extreme(window, f64::INFINITY, |one, other| one < other))
    }
}

/// The best of values that are no zeros of two signs, four at a time: of these every order has the same bits.
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

/// Mean and powers about it of the last `length` values: to the bit what [`Ring::moments`] says.
#[derive(Clone, Debug)]
pub struct Spread {
    piece: Piece,
    sums: Sums,
}

impl Spread {
    /// Over windows of `length` values.
    pub fn new(length: usize) -> Spread {
        Spread { piece: Piece::new(length), sums: Sums::new(length) }
    }

    /// Takes a value; its window and the window's mean, once there is one.
    #[inline(always)]
    pub fn push(&mut self, value: f64) -> Option<(&[f64], f64)> {
        self.piece.push(value);
        let mean = self.sums.mean(value)?;
        Some((self.piece.window()?, mean))
    }

    /// Takes a value; the window's moments, once there is one. Those that are not asked for are not computed.
    #[inline(always)]
    pub fn moments(&mut self, value: f64) -> Option<Moments> {
        let (window, mean) = self.push(value)?;
        let (mut second, mut third, mut fourth) = (0.0, 0.0, 0.0);
        for value in window {
            let from = value - mean;
            let square = from * from;
            second += square;
            third += square * from;
            fourth += square * square;
        }
        Some(Moments { count: window.len() as f64, mean, second, third, fourth })
    }
}

/// Sums of powers about the mean.
#[derive(Clone, Copy, Debug)]
pub struct Moments {
    /// How many values.
    pub count: f64,
    /// Their mean.
    pub mean: f64,
    /// Σ (x − mean)².
    pub second: f64,
    /// Σ (x − mean)³.
    pub third: f64,
    /// Σ (x − mean)⁴.
    pub fourth: f64,
}

impl Moments {
    /// Variance with divisor n − 1.
    pub fn sample_variance(&self) -> f64 {
        self.second / (self.count - 1.0)
    }

    /// Variance with divisor n.
    pub fn variance(&self) -> f64 {
        self.second / self.count
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

    #[test]
    fn sums_under_way_have_the_bits_of_sums_taken_anew() {
        for length in [1, 2, 3, 7, 20, 64] {
            let mut ring = Ring::new(length);
            let (mut sums, mut means) = (Sums::new(length), Sums::new(length));
            let (mut spread, mut piece) = (Spread::new(length), Piece::new(length));
            let mut bits = 1_u64;
            for step in 0..400_u64 {
                bits = bits.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(step);
                // Of very different sizes, so that every order of sums has bits of its own.
                let value = (bits >> 20) as f64 * f64::from(1_u32 << (bits % 31)) - 1e15;
                ring.push(value);
                piece.push(value);
                let full = ring.is_full();
                assert_eq!(sums.push(value).map(f64::to_bits), full.then(|| ring.sum().to_bits()));
                assert_eq!(means.mean(value), ring.mean());
                let all = |it: Moments| [it.count, it.mean, it.second, it.third, it.fourth].map(f64::to_bits);
                assert_eq!(spread.moments(value).map(all), ring.moments().map(all), "{length} at {step}");
                assert_eq!((piece.highest(), piece.lowest()), (ring.highest(), ring.lowest()));
                let window: Option<Vec<f64>> = piece.window().map(<[f64]>::to_vec);
                assert_eq!(window, full.then(|| ring.iter().collect()));
            }
        }
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
