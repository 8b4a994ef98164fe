//! Floats as text with four decimals, exactly rounded, fast.
//!
//! The standard library's way to a fixed number of decimals falls back to big-number arithmetic for many ordinary
//! values and then takes longer than the decision whose reason is written down. The text is the same, digit for digit.

use std::fmt;

/// Shows a float as `{:.4}` would.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rounded(pub f64);

/// Ten to the number of decimals.
const SCALE: u64 = 10_000;

impl Rounded {
    /// The magnitude in ten-thousandths, rounded half to even; `None` where it is too large or too small to be worth
    /// it.
    fn scaled(self) -> Option<u64> {
        let bits = self.0.to_bits();
        let exponent = (bits >> 52 & 0x7ff) as i32;
        // Normal numbers below 2^40 and not below 2^-60: value = mantissa / 2^shift, shift from 13 to 112.
        let shift = u32::try_from(1_075 - exponent).ok().filter(|shift| (13..=112).contains(shift))?;
        let mantissa = (bits & ((1 << 52) - 1)) | 1 << 52;
        let product = u128::from(mantissa) * u128::from(SCALE);
        let (whole, rest, half) = (product >> shift, product & ((1 << shift) - 1), 1_u128 << (shift - 1));
        let up = rest > half || rest == half && whole & 1 == 1;
        u64::try_from(whole).ok().map(|whole| whole + u64::from(up))
    }
}

impl fmt::Display for Rounded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(scaled) = self.scaled() else { return write!(f, "{:.4}", self.0) };
        let sign = if self.0.is_sign_negative() { "-" } else { "" };
        write!(f, "{sign}{}.{:04}", scaled / SCALE, scaled % SCALE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn same(value: f64) {
        assert_eq!(Rounded(value).to_string(), format!("{value:.4}"), "{value:e}");
    }

    #[test]
    fn ties_and_odd_values_are_as_the_standard_library_has_them() {
        for value in [0.0, 1.0, 0.5, 1e-5, 5e-5, 15e-5, 1e12, 2e12, 1e300, f64::MIN_POSITIVE, 5e-324] {
            same(value);
            same(-value);
        }
        for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f64::MAX] {
            same(value);
        }
        // Odd multiples of 2^-5 have five decimals, the last of them a 5: ties, every one.
        for odd in (1..4_000).step_by(2) {
            same(f64::from(odd) / 32.0);
            same(-f64::from(odd) / 32.0);
        }
    }

    proptest! {
        #[test]
        fn any_float_is_the_same_text(bits in any::<u64>()) {
            same(f64::from_bits(bits));
        }

        #[test]
        fn any_price_is_the_same_text(value in -1e9..1e9_f64, small in -1.0..1.0_f64) {
            same(value);
            same(small);
            same((value * 1e4).round() / 1e4);
        }
    }
}
