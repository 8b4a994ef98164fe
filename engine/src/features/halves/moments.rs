//! Powers about the mean and lines, as [parts](super::Part) of a window.

use super::{Columns, Count, Join, Part, numbers};
use crate::features::kit::{larger, ratio};

/// The last value, and what the others are from it.
///
/// What near numbers are from each other is exact, which what they are from their rounded mean is not; and as the last
/// is one of them, the mean is within √(n − 1) standard deviations of it: no power about the mean can lose more by it.
/// What the last value moved by is known at once, so that joining is one addition to what the newer part says.
#[derive(Clone, Copy, Debug)]
pub struct FromLast {
    /// The last value.
    pub last: f64,
    /// Σ (x − last).
    pub sum: f64,
}

impl FromLast {
    /// The mean of `count` values.
    #[inline(always)]
    pub fn mean(&self, count: &Count) -> f64 {
        self.last + self.sum * count.each
    }
}

// SAFETY: it has as many numbers as it says.
unsafe impl Part for FromLast {
    type Value = f64;
    numbers!(last f64, sum);

    #[inline(always)]
    fn of(value: f64) -> FromLast {
        FromLast { last: value, sum: 0.0 }
    }

    #[inline(always)]
    fn join(older: FromLast, newer: FromLast, join: &Join) -> FromLast {
        let step = newer.last - older.last;
        FromLast { last: newer.last, sum: newer.sum + (older.sum - join.older * step) }
    }
}

/// Squares beside it.
#[derive(Clone, Copy, Debug)]
pub struct Squares {
    /// The last value and what the others are from it.
    pub from: FromLast,
    /// Σ (x − last)².
    pub(super) square: f64,
}

impl Squares {
    /// Σ (x − mean)² of `count` values.
    #[inline(always)]
    pub fn second(&self, count: &Count) -> f64 {
        larger(0.0, self.square - self.from.sum * (self.from.sum * count.each))
    }

    /// Variance of `count` values with divisor n.
    #[inline(always)]
    pub fn variance(&self, count: &Count) -> f64 {
        self.second(count) * count.each
    }

    /// Variance of `count` values with divisor n − 1.
    #[inline(always)]
    pub fn sample_variance(&self, count: &Count) -> f64 {
        self.second(count) * count.free
    }

    /// How many standard deviations the last of `count` values is from their mean.
    #[inline(always)]
    pub fn z(&self, count: &Count) -> Option<f64> {
        let sum = self.from.sum;
        ratio(-sum, larger(0.0, count.all * self.square - sum * sum).sqrt())
    }
}

// SAFETY: it has as many numbers as it says.
unsafe impl Part for Squares {
    type Value = f64;
    numbers!(from FromLast, square);

    #[inline(always)]
    fn of(value: f64) -> Squares {
        Squares { from: FromLast::of(value), square: 0.0 }
    }

    #[inline(always)]
    fn join(older: Squares, newer: Squares, join: &Join) -> Squares {
        let step = newer.from.last - older.from.last;
        let moved = older.square - step * (2.0 * older.from.sum - join.older * step);
        Squares { from: FromLast::join(older.from, newer.from, join), square: newer.square + moved }
    }
}

/// A line through the values beside squares.
#[derive(Clone, Copy, Debug)]
pub struct Line {
    /// Squares.
    pub squares: Squares,
    /// Σ (x − last) · age, the last being of age 0.
    pub(super) aged: f64,
}

impl Line {
    /// Σ x · (place − middle place) of `count` values.
    #[inline(always)]
    pub fn moment(&self, count: &Count) -> f64 {
        moment(self.squares.from.sum, self.aged, count)
    }

    /// The slope of the least-squares line through `count` values.
    #[inline(always)]
    pub fn slope(&self, count: &Count) -> f64 {
        self.moment(count) * count.per_place
    }
}

#[inline(always)]
fn moment(sum: f64, aged: f64, count: &Count) -> f64 {
    (count.all - 1.0) * 0.5 * sum - aged
}

#[inline(always)]
fn joined_ages(older: FromLast, [aged, newer]: [f64; 2], last: f64, join: &Join) -> f64 {
    newer + (aged + join.newer * older.sum - join.ages * (last - older.last))
}

// SAFETY: it has as many numbers as it says.
unsafe impl Part for Line {
    type Value = f64;
    numbers!(squares Squares, aged);

    #[inline(always)]
    fn of(value: f64) -> Line {
        Line { squares: Squares::of(value), aged: 0.0 }
    }

    #[inline(always)]
    fn join(older: Line, newer: Line, join: &Join) -> Line {
        let squares = Squares::join(older.squares, newer.squares, join);
        let aged = joined_ages(older.squares.from, [older.aged, newer.aged], squares.from.last, join);
        Line { squares, aged }
    }
}

/// Higher powers beside squares.
#[derive(Clone, Copy, Debug)]
pub struct Powers {
    /// Squares.
    pub squares: Squares,
    /// Σ (x − last)³.
    pub(super) cube: f64,
    /// Σ (x − last)⁴.
    pub(super) fourth: f64,
}

impl Powers {
    /// Σ (x − mean)³ of `count` values.
    #[inline(always)]
    pub fn third(&self, count: &Count) -> f64 {
        let Squares { from: FromLast { sum, .. }, square } = self.squares;
        let mean = sum * count.each;
        self.cube - mean * (3.0 * square - 2.0 * sum * mean)
    }

    /// Σ (x − mean)⁴ of `count` values.
    #[inline(always)]
    pub fn fourth(&self, count: &Count) -> f64 {
        let Squares { from: FromLast { sum, .. }, square } = self.squares;
        let mean = sum * count.each;
        larger(0.0, self.fourth - mean * (4.0 * self.cube - mean * (6.0 * square - 3.0 * sum * mean)))
    }
}

// SAFETY: it has as many numbers as it says.
unsafe impl Part for Powers {
    type Value = f64;
    numbers!(squares Squares, cube fourth);

    #[inline(always)]
    fn of(value: f64) -> Powers {
        Powers { squares: Squares::of(value), cube: 0.0, fourth: 0.0 }
    }

    #[inline(always)]
    fn join(older: Powers, newer: Powers, join: &Join) -> Powers {
        let Squares { from, square } = older.squares;
        let step = newer.squares.from.last - from.last;
        let all = join.older * step;
        let cube = older.cube - step * (3.0 * square - step * (3.0 * from.sum - all));
        let inner = 6.0 * square - step * (4.0 * from.sum - all);
        let fourth = older.fourth - step * (4.0 * older.cube - step * inner);
        Powers {
            squares: Squares::join(older.squares, newer.squares, join),
            cube: newer.cube + cube,
            fourth: newer.fourth + fourth,
        }
    }
}

/// Powers and a line: to the bit what [`Powers`] and [`Line`] say.
#[derive(Clone, Copy, Debug)]
pub struct PowersAndLine {
    /// The powers.
    pub powers: Powers,
    pub(super) aged: f64,
}

impl PowersAndLine {
    /// Σ x · (place − middle place) of `count` values.
    #[inline(always)]
    pub fn moment(&self, count: &Count) -> f64 {
        moment(self.powers.squares.from.sum, self.aged, count)
    }
}

// SAFETY: it has as many numbers as it says.
unsafe impl Part for PowersAndLine {
    type Value = f64;
    numbers!(powers Powers, aged);

    #[inline(always)]
    fn of(value: f64) -> PowersAndLine {
        PowersAndLine { powers: Powers::of(value), aged: 0.0 }
    }

    #[inline(always)]
    fn join(older: PowersAndLine, newer: PowersAndLine, join: &Join) -> PowersAndLine {
        let powers = Powers::join(older.powers, newer.powers, join);
        let last = powers.squares.from.last;
        let aged = joined_ages(older.powers.squares.from, [older.aged, newer.aged], last, join);
        PowersAndLine { powers, aged }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Halves;
    use super::super::tests::{draw, slow};
    use super::*;

    #[test]
    fn powers_and_line_are_powers_and_a_line() {
        for length in [2, 30, 63] {
            let mut both = Halves::<PowersAndLine>::new(length);
            let mut apart = (Halves::<Powers>::new(length), Halves::<Line>::new(length));
            for step in 0..200 {
                let value = 100.0 + draw(step);
                let powers = |it: Powers| [it.squares.from.sum, it.squares.square, it.cube, it.fourth];
                let (found, one, other) = (both.push(value), apart.0.push(value), apart.1.push(value));
                let bits = |numbers: [f64; 4]| numbers.map(f64::to_bits);
                assert_eq!(found.map(|it| bits(powers(it.powers))), one.map(|it| bits(powers(it))));
                let line = |aged: f64, squares: Squares| [aged, squares.square].map(f64::to_bits);
                let as_line = found.map(|it| line(it.aged, it.powers.squares));
                assert_eq!(as_line, other.map(|it| line(it.aged, it.squares)));
            }
        }
    }

    /// Σ (n·x − Σx)^power of whole numbers, which is n^power times the power about the mean, without any rounding.
    fn exact(values: &[i64], power: u32) -> f64 {
        let (count, sum) = (values.len() as i128, values.iter().map(|x| i128::from(*x)).sum::<i128>());
        let total: i128 = values.iter().map(|x| (count * i128::from(*x) - sum).pow(power)).sum();
        (0..power).fold(total as f64, |total, _| total / values.len() as f64)
    }

    /// The usual way: the rounded mean, then powers about it, one value after the other.
    fn two_passes(values: &[f64]) -> [f64; 3] {
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        let power = |x: f64, power: u32| (1..power).fold(x, |product, _| product * x);
        [2, 3, 4].map(|exponent| values.iter().map(|x| power(x - mean, exponent)).sum())
    }

    #[test]
    fn powers_are_nearer_to_the_exact_ones_than_those_about_a_rounded_mean() {
        for (name, level) in [("cents about 100", 10_000), ("cents about 50,000", 5_000_000), ("changes", 0)]
        {
            let (mut ours, mut usual) = ([0.0; 3], [0.0; 3]);
            for seed in 0..2_000_u64 {
                let length = [5, 20, 30, 64][seed as usize % 4];
                // Calm, with a trend, or with a jump.
                let mut price = level;
                let values: Vec<i64> = (0..length)
                    .map(|step| {
                        let change = (draw(seed * 1_000 + step) * 41.0) as i64 - 20;
                        let jump = if seed % 7 == 0 && step == 3 { 500 } else { 0 };
                        price += change / 4 + (seed % 5) as i64 + jump;
                        if level == 0 { change + jump } else { price }
                    })
                    .collect();
                let floats: Vec<f64> = values.iter().map(|value| *value as f64).collect();
                let it = slow::<Powers>(&floats);
                let exact = [2, 3, 4].map(|power| exact(&values, power));
                // A third power has no size of its own: it is measured by what its terms can be.
                let sizes = [exact[0], exact[0] * exact[0].sqrt(), exact[2]];
                let count = &Count::new(floats.len() as u32);
                let found = [it.squares.second(count), it.third(count), it.fourth(count)];
                let other = two_passes(&floats);
                for k in (0..3).filter(|k| sizes[*k] > 0.0) {
                    let error = |value: f64| (value - exact[k]).abs() / sizes[k];
                    assert!(error(found[k]) < 1e-14, "{name} {seed}: {}", error(found[k]));
                    ours[k] += error(found[k]) / 2_000.0;
                    usual[k] += error(other[k]) / 2_000.0;
                }
            }
            println!("{name}: {ours:?}, about a rounded mean {usual:?}");
            for k in 0..3 {
                // Changes about 0 have a mean that is rounded well: there the fourth power is a bit further off.
                let most = if level == 0 { 4e-16 } else { usual[k] };
                assert!(ours[k] <= most, "{name}, power {}: {} and {}", k + 2, ours[k], usual[k]);
            }
        }
    }

    #[test]
    fn equal_values_have_no_spread_and_a_straight_line_has_its_slope() {
        let mut halves = Halves::<Powers>::new(30);
        let last = (0..40).filter_map(|_| halves.push(0.1 + 0.2)).last().unwrap();
        let count = &Count::new(30);
        let powers = [last.squares.second(count), last.third(count), last.fourth(count)];
        assert_eq!((last.squares.from.sum, powers), (0.0, [0.0; 3]));
        let mut halves = Halves::<Line>::new(14);
        let line = (0..40).filter_map(|step| halves.push(3.0 + 0.5 * f64::from(step))).last().unwrap();
        assert!((line.slope(&Count::new(14)) - 0.5).abs() < 1e-15);
        assert_eq!(line.squares.from.sum, -0.5 * 91.0);
    }
}
