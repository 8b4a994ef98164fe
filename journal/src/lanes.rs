//! The passes over a column that packing it takes, with the vector instructions that the machine has.
//!
//! Each pass is one plain loop, compiled three times; the results are the same numbers whichever runs.

/// The least and the largest of some numbers, and whether some, and how many, are negative.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    /// `i64::MAX` when there are no numbers.
    pub min: i64,
    /// `i64::MIN` when there are no numbers.
    pub max: i64,
    /// How many are below zero.
    pub negative: u64,
}

/// A divisor with what is needed to divide by multiplying.
#[derive(Clone, Copy, Debug)]
pub struct Divisor {
    twos: u32,
    low_bits: u64,
    inverse: u64,
    /// The largest quotient that a multiple can have, without its factors of two.
    limit: u64,
}

impl Divisor {
    /// `value` is not zero.
    pub fn new(value: u64) -> Divisor {
        let twos = value.trailing_zeros();
        let odd = value >> twos;
        // Newton's iteration doubles the right low bits each time: 3, 6, 12, 24, 48, 96.
        let mut inverse = odd;
        for _ in 0..5 {
            inverse = inverse.wrapping_mul(2_u64.wrapping_sub(odd.wrapping_mul(inverse)));
        }
        Divisor { twos, low_bits: (1_u64 << twos) - 1, inverse, limit: u64::MAX / odd }
    }

    /// The quotient, and whether nothing is left over; if something is, the quotient means nothing.
    ///
    /// A multiple of an odd number times its inverse is the quotient; any other number gives more than that.
    #[inline(always)]
    pub fn divide(&self, value: i64) -> (i64, bool) {
        let (sign, size) = (value >> 63, value.unsigned_abs());
        let quotient = (size >> self.twos).wrapping_mul(self.inverse);
        let exact = (size & self.low_bits == 0) & (quotient <= self.limit);
        ((quotient as i64 ^ sign).wrapping_sub(sign), exact)
    }
}

/// Makes the sign the lowest bit, so that small numbers of either sign are small.
#[inline(always)]
pub fn fold(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)) as u64
}

/// Compiles a pass for every level and calls the best one that the machine has.
macro_rules! passes {
    ($($(#[$doc:meta])* pub fn $name:ident($($argument:ident: $type:ty),*) $(-> $result:ty)? $body:block)*) => {
        $($(#[$doc])* pub fn $name($($argument: $type),*) $(-> $result)? {
            #[inline(always)]
            fn plain($($argument: $type),*) $(-> $result)? $body

            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx2,bmi1,bmi2,lzcnt")]
                fn avx2($($argument: $type),*) $(-> $result)? {
                    plain($($argument),*)
                }

                #[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,avx512f,avx512bw,avx512dq,avx512vl")]
                fn avx512($($argument: $type),*) $(-> $result)? {
                    plain($($argument),*)
                }

                let bits = is_x86_feature_detected!("avx2")
                    && is_x86_feature_detected!("bmi1")
                    && is_x86_feature_detected!("bmi2")
                    && is_x86_feature_detected!("lzcnt");
                let wide = is_x86_feature_detected!("avx512f")
                    && is_x86_feature_detected!("avx512bw")
                    && is_x86_feature_detected!("avx512dq")
                    && is_x86_feature_detected!("avx512vl");
                if bits && wide {
                    // SAFETY: the machine has every feature that the function was compiled for.
                    return unsafe { avx512($($argument),*) };
                }
                if bits {
                    // SAFETY: as above.
                    return unsafe { avx2($($argument),*) };
                }
            }
            plain($($argument),*)
        })*
    };
}

passes! {
    /// Whether all numbers are the first one.
    pub fn all_same(values: &[i64]) -> bool {
        let Some(&first) = values.first() else { return true };
        values.iter().fold(0, |differs, value| differs | (value ^ first)) == 0
    }

    /// The range of the numbers.
    pub fn range(values: &[i64]) -> Range {
        let (mut min, mut max, mut negative) = (i64::MAX, i64::MIN, 0_i64);
        for &value in values {
            min = if value < min { value } else { min };
            max = if value > max { value } else { max };
            negative -= value >> 63;
        }
        Range { min, max, negative: negative as u64 }
    }

    /// The differences of neighbours, one fewer than numbers, in place of what `steps` held; their range.
    pub fn differences(values: &[i64], steps: &mut Vec<i64>) -> Range {
        let (mut min, mut max, mut negative) = (i64::MAX, i64::MIN, 0_i64);
        steps.resize(values.len().saturating_sub(1), 0);
        for (step, (before, after)) in steps.iter_mut().zip(values.iter().zip(values.iter().skip(1))) {
            let value = after.wrapping_sub(*before);
            *step = value;
            min = if value < min { value } else { min };
            max = if value > max { value } else { max };
            negative -= value >> 63;
        }
        Range { min, max, negative: negative as u64 }
    }

    /// The numbers less `base`, folded if so wanted, in place of what `out` held.
    pub fn offsets(values: &[i64], base: i64, folded: bool, out: &mut Vec<u64>) {
        out.resize(values.len(), 0);
        let pairs = out.iter_mut().zip(values);
        if folded {
            pairs.for_each(|(out, value)| *out = fold(value.wrapping_sub(base)));
        } else {
            pairs.for_each(|(out, value)| *out = value.wrapping_sub(base) as u64);
        }
    }

    /// As [`offsets`], divided by a number before they are folded; whether nothing was left over in any.
    pub fn quotients(values: &[i64], base: i64, by: &Divisor, folded: bool, out: &mut Vec<u64>) -> bool {
        let by = *by;
        let mut all = true;
        out.resize(values.len(), 0);
        let pairs = out.iter_mut().zip(values);
        if folded {
            pairs.for_each(|(out, value)| {
                let (quotient, exact) = by.divide(value.wrapping_sub(base));
                *out = fold(quotient);
                all &= exact;
            });
        } else {
            pairs.for_each(|(out, value)| {
                let (quotient, exact) = by.divide(value.wrapping_sub(base));
                *out = quotient as u64;
                all &= exact;
            });
        }
        all
    }

    /// All bits that are set in any of the numbers.
    pub fn union(values: &[u64]) -> u64 {
        values.iter().fold(0, |all, value| all | value)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn numbers() -> impl Strategy<Value = Vec<i64>> {
        let number = prop_oneof![any::<i64>(), -9..9_i64, Just(i64::MIN), Just(i64::MAX)];
        proptest::collection::vec(number, 0..70)
    }

    proptest! {
        #[test]
        fn passes_do_what_they_say(values in numbers(), base in any::<i64>()) {
            let of = |values: &[i64]| Range {
                min: values.iter().copied().min().unwrap_or(i64::MAX),
                max: values.iter().copied().max().unwrap_or(i64::MIN),
                negative: values.iter().filter(|value| **value < 0).count() as u64,
            };
            prop_assert_eq!(range(&values), of(&values));
            prop_assert_eq!(all_same(&values), values.windows(2).all(|pair| pair[0] == pair[1]));
            let mut steps = vec![7; 3];
            let seen = differences(&values, &mut steps);
            let expected: Vec<i64> = values.windows(2).map(|pair| pair[1].wrapping_sub(pair[0])).collect();
            prop_assert_eq!(&steps, &expected);
            prop_assert_eq!(seen, of(&expected));
            let mut out = vec![7; 3];
            offsets(&values, base, false, &mut out);
            let plain: Vec<u64> = values.iter().map(|value| value.wrapping_sub(base) as u64).collect();
            prop_assert_eq!(&out, &plain);
            prop_assert_eq!(union(&out), plain.iter().fold(0, |all, value| all | value));
        }

        #[test]
        fn division_is_division(value in any::<i64>(), divisor in prop_oneof![1..1_000_000_000_u64, 1..=1_u64 << 63]) {
            let by = Divisor::new(divisor);
            let exact = value.unsigned_abs().is_multiple_of(divisor);
            let (quotient, found) = by.divide(value);
            prop_assert_eq!(found, exact);
            if exact {
                prop_assert_eq!(i128::from(quotient), i128::from(value) / i128::from(divisor));
            }
            let near = (value / divisor.min(i64::MAX as u64) as i64).wrapping_mul(divisor as i64);
            for folded in [false, true] {
                let mut out = Vec::new();
                let all = quotients(&[near, value, near], 0, &by, folded, &mut out);
                prop_assert_eq!(all, exact && by.divide(near).1);
                if all {
                    let back = if folded { (out[1] >> 1) as i64 ^ -((out[1] & 1) as i64) } else { out[1] as i64 };
                    prop_assert_eq!(back, quotient);
                }
            }
        }
    }
}
