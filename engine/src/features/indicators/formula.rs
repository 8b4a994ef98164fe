//! An indicator of a closure: what most of our own are.

use super::{Indicator, Made};
use crate::features::candle::Candle;

struct Formula<F> {
    warm_up: u32,
    step: F,
}

impl<const N: usize, F: FnMut(&Candle) -> [Option<f64>; N] + Send> Indicator for Formula<F> {
    fn warm_up(&self) -> u32 {
        self.warm_up
    }

    fn update(&mut self, bar: &Candle, out: &mut [Option<f64>]) {
        for (slot, value) in out.iter_mut().zip((self.step)(bar)) {
            *slot = value.filter(|value| value.is_finite());
        }
    }
}

/// An indicator with one output.
pub(super) fn one(
    warm_up: u32,
    mut step: impl FnMut(&Candle) -> Option<f64> + Send + 'static,
) -> Option<Made> {
    several(warm_up, move |bar| [step(bar)])
}

/// An indicator with `N` outputs; a value that is not finite is none.
pub(super) fn several<const N: usize>(
    warm_up: u32,
    step: impl FnMut(&Candle) -> [Option<f64>; N] + Send + 'static,
) -> Option<Made> {
    Some(Made { indicator: Box::new(Formula { warm_up, step }), outputs: N })
}

/// A whole number from `least` to 10,000: the length of a window.
pub(super) fn length(value: f64, least: u32) -> Option<u32> {
    (value == value.trunc() && value >= f64::from(least) && value <= 10_000.0).then_some(value as u32)
}

/// An indicator over a window, made by a function for one length: of these lengths each has code of its own, all
/// others together have that for 0, which is any.
macro_rules! sized {
    ($make:ident, $length:expr, [$($n:literal),*]) => {
        match $length {
            $($n => $make::<$n>($n),)*
            n => $make::<0>(n),
        }
    };
}
pub(super) use sized;
