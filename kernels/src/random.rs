//! Random numbers without a running stream: **Exact**, and pure functions of what they are for.
//!
//! A draw is named by (seed, purpose, id, draw): the run's seed, what the number is for, which thing it is
//! for, and the how-manieth draw for that thing. The same name gives the same number, in whatever order,
//! on whatever thread or machine, and a draw more in one place moves none elsewhere.
//!
//! Generator: Philox4x32-10 of Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3"
//! (SC 2011): a bijection of 128-bit counters for each 64-bit key, good statistics, not for cryptography.

use crate::scalar::f64::normal_quantile;

/// The multipliers of the paper's table 2.
const MULTIPLIERS: [u32; 2] = [0xd251_1f53, 0xcd9e_8d57];
/// What each round adds to the key (Weyl sequences of the golden ratio and of √3 - 1).
const KEY_STEPS: [u32; 2] = [0x9e37_79b9, 0xbb67_ae85];

/// Philox4x32-10: the random words that belong to `counter` under `key`. Words are the paper's order.
///
/// ```
/// let words = genovo_kernels::random::philox4x32([0; 4], [0; 2]);
/// assert_eq!(words, [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]);
/// ```
#[inline]
pub fn philox4x32(counter: [u32; 4], key: [u32; 2]) -> [u32; 4] {
    let ([mut a, mut b, mut c, mut d], [mut k0, mut k1]) = (counter, key);
    for _ in 0..10 {
        let first = u64::from(MULTIPLIERS[0]) * u64::from(a);
        let second = u64::from(MULTIPLIERS[1]) * u64::from(c);
        (a, b, c, d) =
            ((second >> 32) as u32 ^ b ^ k0, second as u32, (first >> 32) as u32 ^ d ^ k1, first as u32);
        (k0, k1) = (k0.wrapping_add(KEY_STEPS[0]), k1.wrapping_add(KEY_STEPS[1]));
    }
    [a, b, c, d]
}

/// Names a family of draws; each method takes the number of the draw within it.
///
/// All methods of one key and draw number read the same 128 bits: for two independent numbers take two
/// draw numbers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RandomKey {
    /// The seed of the run.
    pub seed: u64,
    /// What the numbers are for: one constant for each use in the program.
    pub purpose: u32,
    /// Which thing they are for: a sequence, an order, a row.
    pub id: u64,
}

impl RandomKey {
    /// The seed as Philox's key, low word first.
    #[inline]
    fn philox_key(self) -> [u32; 2] {
        [self.seed as u32, (self.seed >> 32) as u32]
    }

    /// 128 random bits. Counter words: draw, purpose, id's low half, id's high half.
    #[inline]
    pub fn words(self, draw: u32) -> [u32; 4] {
        let counter = [draw, self.purpose, self.id as u32, (self.id >> 32) as u32];
        philox4x32(counter, self.philox_key())
    }

    /// 64 random bits: the first two words, low word first.
    #[inline]
    pub fn bits(self, draw: u32) -> u64 {
        let [low, high, ..] = self.words(draw);
        join(low, high)
    }

    /// Uniform in [0, 1): one of the 2^53 multiples of 2^-53, all equally likely.
    #[inline]
    pub fn uniform(self, draw: u32) -> f64 {
        (self.bits(draw) >> 11) as f64 * UNIFORM_STEP
    }

    /// Uniform among 0, 1, … `count` - 1, every one exactly equally likely.
    ///
    /// Lemire's multiplication ("Fast random integer generation in an interval", 2019): the high half of
    /// bits · count, refusing the few low halves that would favour some results. The second half of the
    /// block is the second try; after that the block itself is the next counter, so even a refusal leaves
    /// the result a pure function of its name.
    ///
    /// # Panics
    /// When `count` is 0: there is nothing to choose from.
    #[inline]
    pub fn below(self, draw: u32, count: u64) -> u64 {
        assert!(count > 0, "a random choice among nothing");
        let refused = count.wrapping_neg() % count; // 2^64 modulo count
        let mut words = self.words(draw);
        loop {
            let [a, b, c, d] = words;
            for bits in [join(a, b), join(c, d)] {
                let product = u128::from(bits) * u128::from(count);
                if product as u64 >= refused {
                    return (product >> 64) as u64;
                }
            }
            words = philox4x32(words, self.philox_key());
        }
    }

    /// Standard normal, mean 0 and variance 1: Φ⁻¹ at the middle of one of 2^52 equal parts of (0, 1).
    ///
    /// Symmetric, never infinite; the farthest value is ±8.21.
    #[inline]
    pub fn normal(self, draw: u32) -> f64 {
        let part = self.bits(draw) >> 12;
        normal_quantile((2 * part + 1) as f64 * UNIFORM_STEP)
    }
}

/// 2^-53.
const UNIFORM_STEP: f64 = 1.0 / 9007199254740992.0;

#[inline(always)]
fn join(low: u32, high: u32) -> u64 {
    (u64::from(high) << 32) | u64::from(low)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The three `philox4x32 10` lines of Random123's `tests/kat_vectors` (D. E. Shaw Research, 3-clause
    /// BSD): counter, key, expected.
    #[test]
    fn known_answers_of_random123() {
        for (counter, key, expected) in [
            ([0; 4], [0; 2], [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8]),
            ([u32::MAX; 4], [u32::MAX; 2], [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd]),
            (
                [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
                [0xa4093822, 0x299f31d0],
                [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
            ),
        ] {
            assert_eq!(philox4x32(counter, key), expected);
        }
    }

    #[test]
    fn the_name_of_a_draw_fills_key_and_counter() {
        // The third known answer once more, by name.
        let key = RandomKey { seed: 0x299f_31d0_a409_3822, purpose: 0x85a3_08d3, id: 0x0370_7344_1319_8a2e };
        assert_eq!(key.words(0x243f_6a88), [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]);
        assert_eq!(key.bits(0x243f_6a88), 0x94fd_cceb_d16c_fe09);
    }

    const KEY: RandomKey = RandomKey { seed: 7, purpose: 1, id: 42 };

    #[test]
    fn uniform_covers_its_range_evenly() {
        let mut cells = [0u32; 16];
        for draw in 0..160_000 {
            let u = KEY.uniform(draw);
            assert!((0.0..1.0).contains(&u));
            cells[(u * 16.0) as usize] += 1;
        }
        // Standard deviation of a cell: √(10000 · 15/16) ≈ 97; six of them.
        for count in cells {
            assert!(count.abs_diff(10_000) < 582, "{cells:?}");
        }
    }

    #[test]
    fn below_is_even_where_a_plain_product_is_not() {
        // 3 · 2^62 results share 2^64 bit patterns: without refusal multiples of 3 came twice as often.
        let count = 3u64 << 62;
        let multiples = (0..90_000).filter(|draw| KEY.below(*draw, count).is_multiple_of(3)).count();
        // Standard deviation √(90000 · 2/9) ≈ 141; six of them.
        assert!(multiples.abs_diff(30_000) < 849, "{multiples}");
        // A quarter of all tries is refused here, so blocks where both halves are refused occur too.
        let refused = count.wrapping_neg() % count;
        let accepts = |low, high| (u128::from(join(low, high)) * u128::from(count)) as u64 >= refused;
        let chained = (0..1000).filter(|draw| {
            let [a, b, c, d] = KEY.words(*draw);
            !accepts(a, b) && !accepts(c, d)
        });
        assert!(chained.count() > 10);
    }

    #[test]
    fn below_meets_every_small_result() {
        assert!((0..100).all(|draw| KEY.below(draw, 1) == 0));
        let mut seen = [0u32; 6];
        for draw in 0..6000 {
            seen[KEY.below(draw, 6) as usize] += 1;
        }
        for count in seen {
            assert!(count.abs_diff(1000) < 174, "{seen:?}"); // six standard deviations
        }
        assert_eq!(KEY.below(3, u64::MAX), ((u128::from(KEY.bits(3)) * u128::from(u64::MAX)) >> 64) as u64);
    }

    #[test]
    #[should_panic(expected = "a random choice among nothing")]
    fn below_refuses_an_empty_choice() {
        KEY.below(0, 0);
    }

    #[test]
    fn normal_has_the_moments_of_a_normal() {
        let n = 200_000;
        let draws: Vec<f64> = (0..n).map(|draw| KEY.normal(draw)).collect();
        let moment = |power: u32| {
            draws.iter().map(|x| (0..power).fold(1.0, |product, _| product * x)).sum::<f64>() / f64::from(n)
        };
        // Six standard errors each: √(var/n) with var 1, 2, 15 and 96.
        assert!(moment(1).abs() < 0.0135, "{}", moment(1));
        assert!((moment(2) - 1.0).abs() < 0.019, "{}", moment(2));
        assert!(moment(3).abs() < 0.052, "{}", moment(3));
        assert!((moment(4) - 3.0).abs() < 0.132, "{}", moment(4));
    }

    #[test]
    fn neighbouring_names_share_nothing() {
        let draws = [
            KEY.bits(0),
            KEY.bits(1),
            RandomKey { seed: 8, ..KEY }.bits(0),
            RandomKey { purpose: 2, ..KEY }.bits(0),
            RandomKey { id: 43, ..KEY }.bits(0),
            RandomKey { id: 42 << 32, ..KEY }.bits(0),
            RandomKey { seed: 7 << 32, ..KEY }.bits(0),
        ];
        for (i, a) in draws.iter().enumerate() {
            for b in &draws[..i] {
                // 64 coin tosses: 32 ± 4 differ; six standard deviations.
                assert!((8..=56).contains(&(a ^ b).count_ones()), "{draws:x?}");
            }
        }
    }
}
