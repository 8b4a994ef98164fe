//! The functions of [`f64`](super::f64) for callers that are not compiled for fused multiply-add: **Exact**.
//!
//! Where the machine has the instruction they are compiled with it, elsewhere `mul_add` is a call; the bits are the
//! same. A kernel with its own `#[target_feature]` uses [`f64`](super::f64), which becomes part of it.

use super::f64 as exact;

/// Work that is compiled a second time, with fused multiply-add.
pub trait Work {
    /// Does it. To be marked `#[inline(always)]`, as all that it calls with a `mul_add` in it: only what becomes part
    /// of it has the instruction.
    fn run(self);
}

/// Does the work, with the instruction where the machine has it.
#[inline]
pub fn run(work: impl Work) {
    #[cfg(target_arch = "x86_64")]
    {
        #[target_feature(enable = "fma")]
        fn fused(work: impl Work) {
            work.run();
        }
        if is_x86_feature_detected!("fma") {
            // SAFETY: the machine has it.
            return unsafe { fused(work) };
        }
    }
    work.run();
}

macro_rules! with_fma {
    ($($name:ident)*) => {$(
        #[doc = concat!("[`f64::", stringify!($name), "`](super::f64::", stringify!($name), ").")]
        #[inline]
        pub fn $name(x: f64) -> f64 {
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "fma")]
                fn fused(x: f64) -> f64 {
                    exact::$name(x)
                }
                if is_x86_feature_detected!("fma") {
                    // SAFETY: the machine has it.
                    return unsafe { fused(x) };
                }
            }
            #[cold]
            #[inline(never)]
            fn plain(x: f64) -> f64 {
                exact::$name(x)
            }
            plain(x)
        }
    )*};
}

with_fma! { exp ln atan }

#[cfg(test)]
mod tests {
    use super::super::f64 as plain;

    #[test]
    fn bits_are_those_of_the_plain_functions() {
        let mut bits = 0x3ff0_0000_0000_0000_u64;
        for step in 0..200_000_u64 {
            // All exponents, both signs, numbers near 1 among them.
            bits = bits.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(step);
            let wide = f64::from_bits(bits);
            let near = 1.0 + (bits >> 12) as f64 * 2e-19;
            for x in [wide, near, -near, 0.0, f64::INFINITY] {
                for (fused, plain) in [
                    (super::ln(x), plain::ln(x)),
                    (super::exp(x), plain::exp(x)),
                    (super::atan(x), plain::atan(x)),
                ] {
                    assert!(
                        fused.to_bits() == plain.to_bits() || (fused.is_nan() && plain.is_nan()),
                        "{x:e}"
                    );
                }
            }
        }
    }

    #[test]
    fn work_is_done_once() {
        struct Add<'a>(&'a mut f64);
        impl super::Work for Add<'_> {
            #[inline(always)]
            fn run(self) {
                *self.0 = self.0.mul_add(3.0, 1.0);
            }
        }
        let mut value = 2.0;
        super::run(Add(&mut value));
        assert_eq!(value, 7.0);
    }
}
