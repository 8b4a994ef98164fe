//! How instruments move together: exponentially weighted variances and covariances of their returns (J.P. Morgan,
//! "RiskMetrics Technical Document", 1996: mean zero, decay 0.94 a day).
//!
//! A pair's covariance is `Σ λᵏ rᵢ rⱼ / Σ λᵏ` over the samples in which both had a price, the newest with `k = 0`: what
//! `pandas` calls `ewm(alpha = 1 − λ, adjust = True).mean()` of the products.

use crate::event::CorporateAction;

/// Samples before anything is said.
pub const SAMPLES_MIN: u32 = 20;

/// Exponentially weighted covariances of several instruments' returns.
#[derive(Clone, Debug, PartialEq)]
pub struct Covariance {
    decay: f64,
    /// The last sample of each price.
    prices: Vec<Option<f64>>,
    /// Each instrument's return at the newest sample.
    returns: Vec<Option<f64>>,
    /// How many returns each instrument had.
    counts: Vec<u32>,
    /// Row by row: sums of weighted products.
    sums: Vec<f64>,
    /// Row by row: sums of weights.
    weights: Vec<f64>,
    /// Row by row, worked out once a sample: covariances, and correlations.
    covariances: Vec<f64>,
    correlations: Vec<f64>,
}

crate::state! { Covariance { [prices], [returns], [counts], [sums], [weights] }; then work_out }

impl Covariance {
    /// Of so many instruments, with the weight of the past at each sample.
    pub fn new(instruments: usize, decay: f64) -> Covariance {
        Covariance {
            decay,
            prices: vec![None; instruments],
            returns: vec![None; instruments],
            counts: vec![0; instruments],
            sums: vec![0.0; instruments * instruments],
            weights: vec![0.0; instruments * instruments],
            covariances: vec![0.0; instruments * instruments],
            correlations: (0..instruments * instruments)
                .map(|place| if place / instruments == place % instruments { 1.0 } else { 0.0 })
                .collect(),
        }
    }

    /// Takes a sample: the price of each instrument, if it has one.
    pub fn sample(&mut self, prices: impl Iterator<Item = Option<f64>>) {
        let count = self.prices.len();
        for (index, price) in prices.enumerate().take(count) {
            let price = price.filter(|price| *price > 0.0);
            self.returns[index] = price.zip(self.prices[index]).map(|(now, before)| now / before - 1.0);
            self.counts[index] += u32::from(self.returns[index].is_some());
            if price.is_some() {
                self.prices[index] = price;
            }
        }
        for row in 0..count {
            for column in 0..=row {
                let (Some(one), Some(other)) = (self.returns[row], self.returns[column]) else { continue };
                for place in [row * count + column, column * count + row] {
                    self.sums[place] = self.sums[place] * self.decay + one * other;
                    self.weights[place] = self.weights[place] * self.decay + 1.0;
                    if row == column {
                        break;
                    }
                }
            }
        }
        self.work_out();
    }

    /// What follows from the sums.
    fn work_out(&mut self) {
        let count = self.prices.len();
        for (place, covariance) in self.covariances.iter_mut().enumerate() {
            let weight = self.weights[place];
            *covariance = if weight > 0.0 { self.sums[place] / weight } else { 0.0 };
        }
        for (place, correlation) in self.correlations.iter_mut().enumerate() {
            let (one, other) = (place / count, place % count);
            if one == other {
                continue;
            }
            let variance = |index: usize| self.covariances[index * count + index];
            let scale = (variance(one) * variance(other)).sqrt();
            let share = self.covariances[place] / scale;
            *correlation = if scale > 0.0 { share.clamp(-1.0, 1.0) } else { 0.0 };
        }
    }

    /// Brings the last sample to the prices after a split. A dividend is a move like any other.
    pub fn adjust(&mut self, index: usize, action: &CorporateAction) {
        if let (Some(price), CorporateAction::Split { new, old }) = (&mut self.prices[index], *action) {
            *price *= f64::from(old) / f64::from(new.max(1));
        }
    }

    /// Whether an instrument was sampled often enough to be spoken of.
    pub fn knows(&self, index: usize) -> bool {
        self.counts[index] >= SAMPLES_MIN
    }

    /// The covariance of two instruments' returns between samples; 0 before both were ever sampled together.
    pub fn covariance(&self, one: usize, other: usize) -> f64 {
        self.covariances[one * self.prices.len() + other]
    }

    /// The standard deviation of an instrument's returns between samples.
    pub fn volatility(&self, index: usize) -> f64 {
        self.covariance(index, index).sqrt()
    }

    /// The correlation of two instruments' returns, from −1 to 1; 0 where one of them does not move.
    pub fn correlation(&self, one: usize, other: usize) -> f64 {
        self.correlations[one * self.prices.len() + other]
    }

    /// All covariances, row by row.
    pub fn covariances(&self) -> &[f64] {
        &self.covariances
    }

    /// All correlations, row by row.
    pub fn correlations(&self) -> &[f64] {
        &self.correlations
    }

    /// How many instruments.
    pub fn len(&self) -> usize {
        self.prices.len()
    }

    /// Whether of no instrument.
    pub fn is_empty(&self) -> bool {
        self.prices.is_empty()
    }

    /// Adds what it knows to a hash.
    pub fn add_to_hash(&self, hasher: &mut blake3::Hasher) {
        for value in self.sums.iter().chain(&self.weights) {
            hasher.update(&value.to_bits().to_le_bytes());
        }
        for price in &self.prices {
            hasher.update(&price.unwrap_or(0.0).to_bits().to_le_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The sums written out, for two instruments of which the second comes later.
    #[test]
    fn weights_fade_and_pairs_count_only_what_both_have() {
        let decay = 0.5;
        let mut covariance = Covariance::new(2, decay);
        let first = [100.0, 110.0, 99.0, 108.9];
        let second = [None, Some(50.0), Some(60.0), Some(57.0)];
        for (one, other) in first.into_iter().zip(second) {
            covariance.sample([Some(one), other].into_iter());
        }
        let close =
            |actual: f64, expected: f64| assert!((actual - expected).abs() < 1e-15, "{actual} {expected}");
        // Returns: 0.1, −0.1, 0.1 and 0.2, −0.05.
        close(covariance.covariance(0, 0), 0.01);
        close(covariance.covariance(1, 1), (0.5 * 0.04 + 0.0025) / 1.5);
        close(covariance.covariance(0, 1), (0.5 * -0.1 * 0.2 + 0.1 * -0.05) / 1.5);
        close(covariance.covariance(1, 0), covariance.covariance(0, 1));
        assert!(covariance.correlation(0, 1) < 0.0 && covariance.correlation(0, 1) >= -1.0);
        assert!(!covariance.knows(0));
    }

    #[test]
    fn a_split_is_no_return() {
        let mut covariance = Covariance::new(1, 0.9);
        covariance.sample([Some(100.0)].into_iter());
        covariance.adjust(0, &CorporateAction::Split { new: 2, old: 1 });
        covariance.sample([Some(50.0)].into_iter());
        assert_eq!(covariance.volatility(0), 0.0);
    }
}
