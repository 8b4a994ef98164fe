//! The small machines of which indicators are made: a ring, averages, extremes, sums.
//!
//! Sums over a window are taken anew from the ring each time, oldest first: they cannot drift, and the windows are
//! short. Nothing here allocates after it was made.

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
