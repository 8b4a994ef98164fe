//! Scaling online: every column by its own last values, and by those alone.
//!
//! A window keeps the last values twice, by age and sorted, so that median, quartiles and ranks are exact. A value is
//! scaled by the window before it goes into the window.

use genovo_kernels::scalar::f64::normal_quantile;

use super::kit::{larger, smaller};
use crate::canonical::{Canonical, Input};
use crate::state::{State, StateError};

/// How many past values a column is scaled by.
pub const WINDOW: usize = 512;
/// How many it takes before there is a scaled value.
pub const LEAST: usize = 32;
/// Where scaled values are cut off.
pub const CLIP: f64 = 8.0;
/// The distance of the quartiles of a normal distribution with standard deviation 1.
const QUARTILES: f64 = 1.349;

/// How raw values become what a model sees.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Normalise {
    /// (x − median) / (interquartile range / 1.349) of the last 512 values; 0 where the range is 0; cut off at ±8.
    #[default]
    Robust,
    /// Φ⁻¹ of the rank among the last 512 values, equal ones sharing theirs.
    Normal,
    /// Raw values.
    None,
}

/// The last values, by age and sorted.
#[derive(Clone, Debug)]
pub struct Window {
    ring: Vec<f64>,
    sorted: Vec<f64>,
    next: usize,
    length: usize,
}

impl Window {
    /// Room for `length` values.
    pub fn new(length: usize) -> Window {
        let length = length.max(1);
        Window { ring: Vec::with_capacity(length), sorted: Vec::with_capacity(length), next: 0, length }
    }

    /// How many values there are.
    pub fn len(&self) -> usize {
        self.sorted.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.sorted.is_empty()
    }

    /// Takes a finite value; the oldest goes once the window is full.
    pub fn push(&mut self, value: f64) {
        // One zero: by `total_cmp`, −0 is below +0, and ranks must not see that.
        let value = value + 0.0;
        if self.ring.len() < self.length {
            self.ring.push(value);
            let place = self.sorted.partition_point(|other| *other < value);
            self.sorted.insert(place, value);
            return;
        }
        let old = std::mem::replace(&mut self.ring[self.next], value);
        self.next = (self.next + 1) % self.length;
        let from = self.sorted.partition_point(|other| *other < old);
        let to = self.sorted.partition_point(|other| *other < value);
        // Only what lies between the two places moves.
        if to > from {
            self.sorted.copy_within(from + 1..to, from);
            self.sorted[to - 1] = value;
        } else {
            self.sorted.copy_within(to..from, to + 1);
            self.sorted[to] = value;
        }
    }

    /// The `share` quantile, interpolated between the two nearest values.
    pub fn quantile(&self, share: f64) -> Option<f64> {
        let last = self.sorted.len().checked_sub(1)?;
        let place = share * last as f64;
        let below = place as usize;
        let above = if below < last { below + 1 } else { last };
        let (low, high) = (self.sorted[below], self.sorted[above]);
        Some(low + (high - low) * (place - below as f64))
    }

    /// (x − median) / (interquartile range / 1.349), cut off at ±8; 0 where the range is 0.
    pub fn robust(&self, value: f64) -> Option<f64> {
        let (low, middle, high) = (self.quantile(0.25)?, self.quantile(0.5)?, self.quantile(0.75)?);
        let scale = (high - low) / QUARTILES;
        if scale == 0.0 {
            return Some(0.0);
        }
        Some(clip((value - middle) / scale))
    }

    /// What [`Window::robust`] takes off a value and divides it by; `None` where there is no value or no width.
    pub fn centre_and_width(&self) -> Option<(f64, f64)> {
        let (low, middle, high) = (self.quantile(0.25)?, self.quantile(0.5)?, self.quantile(0.75)?);
        let width = (high - low) / QUARTILES;
        (width != 0.0).then_some((middle, width))
    }

    /// Φ⁻¹ of (values below + half of those equal + 1/2) / (values + 1).
    pub fn normal(&self, value: f64) -> Option<f64> {
        if self.sorted.is_empty() {
            return None;
        }
        let below = self.sorted.partition_point(|other| *other < value);
        let to = self.sorted.partition_point(|other| *other <= value);
        let rank = below as f64 + 0.5 * (to - below) as f64 + 0.5;
        Some(normal_quantile(rank / (self.sorted.len() as f64 + 1.0)))
    }
}

/// By age alone: the other order follows.
impl State for Window {
    fn save(&self, out: &mut Vec<u8>) {
        self.next.write(out);
        self.ring.write(out);
    }

    fn load(&mut self, input: &mut Input<'_>) -> Result<(), StateError> {
        self.next.load(input)?;
        let ring: Vec<f64> = Canonical::read(input)?;
        let possible = self.next < self.length
            && ring.len() <= self.length
            && (self.next == 0 || ring.len() == self.length)
            && ring.iter().all(|value| value.is_finite());
        if !possible {
            return Err(StateError::Impossible("Window"));
        }
        self.ring.clear();
        self.ring.extend_from_slice(&ring);
        self.sorted.clear();
        self.sorted.extend_from_slice(&ring);
        self.sorted.sort_unstable_by(f64::total_cmp);
        Ok(())
    }
}

fn clip(value: f64) -> f64 {
    smaller(CLIP, larger(-CLIP, value))
}

/// Scales the columns of one instrument.
#[derive(Clone, Debug)]
pub struct Normaliser {
    rule: Normalise,
    windows: Vec<Window>,
}

crate::state! { Normaliser { [windows] } }

impl Normaliser {
    /// For so many columns.
    pub fn new(rule: Normalise, columns: usize) -> Normaliser {
        let count = if rule == Normalise::None { 0 } else { columns };
        Normaliser { rule, windows: vec![Window::new(WINDOW); count] }
    }

    /// The value of column `index` as a model sees it; `None` until enough came before.
    #[inline]
    pub fn scale(&mut self, index: usize, value: f64) -> Option<f64> {
        let Some(window) = self.windows.get_mut(index) else { return Some(value) };
        let scaled = match self.rule {
            _ if window.len() < LEAST => None,
            Normalise::Robust => window.robust(value),
            Normalise::Normal => window.normal(value),
            Normalise::None => Some(value),
        };
        window.push(value);
        scaled
    }

    /// The last values of a column, where columns are scaled by them and enough came.
    pub fn window(&self, index: usize) -> Option<&Window> {
        self.windows.get(index).filter(|window| window.len() >= LEAST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The obvious way: sort the last values each time.
    fn slow(values: &[f64], length: usize) -> Vec<f64> {
        let mut last = values[values.len().saturating_sub(length)..].to_vec();
        last.sort_by(f64::total_cmp);
        last
    }

    proptest! {
        #[test]
        fn a_window_is_its_last_values_sorted(
            values in prop::collection::vec(-3_i8..4, 1..200),
            length in 1_usize..40,
        ) {
            let values: Vec<f64> = values.into_iter().map(f64::from).collect();
            let mut window = Window::new(length);
            for end in 1..=values.len() {
                window.push(values[end - 1]);
                prop_assert_eq!(&window.sorted, &slow(&values[..end], length));
            }
        }
    }

    #[test]
    fn by_hand() {
        let mut window = Window::new(4);
        for value in [100.0, 1.0, 2.0, 3.0, 5.0] {
            window.push(value);
        }
        // 1 2 3 5: quartiles 1.75, 2.5, 3.5.
        assert_eq!(
            (window.quantile(0.25), window.quantile(0.5), window.quantile(0.75)),
            (Some(1.75), Some(2.5), Some(3.5))
        );
        assert_eq!(window.robust(2.5), Some(0.0));
        assert_eq!(window.robust(1e9), Some(8.0));
        assert_eq!(window.normal(2.5), Some(0.0));
        let low = window.normal(0.0).unwrap();
        assert_eq!(low.to_bits(), normal_quantile(0.1).to_bits());
        assert_eq!(window.normal(2.0), Some(normal_quantile(2.0 / 5.0)));
    }

    #[test]
    fn a_value_is_scaled_by_those_before_it() {
        let mut normaliser = Normaliser::new(Normalise::Robust, 1);
        for index in 0..LEAST {
            assert_eq!(normaliser.scale(0, index as f64), None);
        }
        let first = normaliser.scale(0, 1e6).unwrap();
        let again = {
            let mut other = Normaliser::new(Normalise::Robust, 1);
            (0..LEAST).for_each(|index| assert_eq!(other.scale(0, index as f64), None));
            other.windows[0].robust(1e6).unwrap()
        };
        assert_eq!(first, again);
        assert_eq!(first, CLIP);
    }

    #[test]
    fn what_is_scaled_can_be_taken_back() {
        let mut normaliser = Normaliser::new(Normalise::Robust, 1);
        for index in 0..100 {
            normaliser.scale(0, f64::from(index % 17) * 0.3);
        }
        let (centre, width) = normaliser.window(0).unwrap().centre_and_width().unwrap();
        let scaled = normaliser.scale(0, 3.7).unwrap();
        assert!((centre + scaled * width - 3.7).abs() < 1e-12);
        assert!(normaliser.window(1).is_none());
        let mut still = Window::new(4);
        assert_eq!(still.centre_and_width(), None);
        still.push(1.0);
        assert_eq!(still.centre_and_width(), None);
    }

    #[test]
    fn a_column_that_stands_still_is_zero() {
        let mut normaliser = Normaliser::new(Normalise::Robust, 1);
        let last = (0..100).filter_map(|_| normaliser.scale(0, 7.0)).last();
        assert_eq!(last, Some(0.0));
    }
}
