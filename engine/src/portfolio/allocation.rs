//! How capital is shared among instruments by how they move: weights that are not negative and add up to one.
//!
//! Each rule is a pure function of a covariance matrix, row by row. An instrument that does not move has no measure to
//! be shared by and gets nothing, unless none moves: then all get the same.

/// A rule by which capital is shared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Allocation {
    /// Each instrument contributes as much to the volatility of all together.
    EqualRisk,
    /// In inverse proportion to volatility.
    InverseVolatility,
    /// By halves of a tree of what moves together, each half in inverse proportion to its variance.
    HierarchicalRiskParity,
}

impl Allocation {
    /// The weights by this rule.
    pub fn weights(self, covariance: &[f64], count: usize) -> Vec<f64> {
        let moving: Vec<usize> = (0..count).filter(|index| covariance[index * count + index] > 0.0).collect();
        if moving.is_empty() {
            return vec![1.0 / count.max(1) as f64; count];
        }
        let of_moving = |one: usize, other: usize| covariance[moving[one] * count + moving[other]];
        let among = match self {
            Allocation::EqualRisk => equal_risk(moving.len(), of_moving),
            Allocation::InverseVolatility => inverse_volatility(moving.len(), of_moving),
            Allocation::HierarchicalRiskParity => hierarchical_risk_parity(moving.len(), of_moving),
        };
        let mut weights = vec![0.0; count];
        for (place, weight) in moving.iter().zip(among) {
            weights[*place] = weight;
        }
        weights
    }
}

fn normalised(mut weights: Vec<f64>) -> Vec<f64> {
    let sum = weights.iter().fold(0.0, |sum, weight| sum + weight);
    weights.iter_mut().for_each(|weight| *weight /= sum);
    weights
}

/// wᵢ ∝ 1 / σᵢ.
fn inverse_volatility(count: usize, covariance: impl Fn(usize, usize) -> f64) -> Vec<f64> {
    normalised((0..count).map(|index| 1.0 / covariance(index, index).sqrt()).collect())
}

/// wᵢ (Σw)ᵢ the same for all: cyclical coordinate descent on `½ w'Σw − Σ ln wᵢ / n` (T. Griveau-Billion, J.-C. Richard
/// and T. Roncalli, 2013), whose step solves a quadratic. A fixed number of rounds, so that it always ends the same.
fn equal_risk(count: usize, covariance: impl Fn(usize, usize) -> f64) -> Vec<f64> {
    const ROUNDS: usize = 200;
    let budget = 1.0 / count as f64;
    let mut weights = inverse_volatility(count, &covariance);
    for _ in 0..ROUNDS {
        let before = weights.clone();
        for own in 0..count {
            let others = (0..count).filter(|other| *other != own);
            let cross = others.fold(0.0, |sum, other| sum + covariance(own, other) * weights[other]);
            let variance = covariance(own, own);
            weights[own] = ((cross * cross + 4.0 * variance * budget).sqrt() - cross) / (2.0 * variance);
        }
        if weights == before {
            break;
        }
    }
    normalised(weights)
}

/// M. López de Prado, "Building Diversified Portfolios that Outperform Out of Sample", 2016: single linkage over the
/// distances √((1 − ρ) / 2), the order of its leaves, and bisection of that order with inverse-variance halves.
fn hierarchical_risk_parity(count: usize, covariance: impl Fn(usize, usize) -> f64) -> Vec<f64> {
    let distance = |one: usize, other: usize| {
        let scale = (covariance(one, one) * covariance(other, other)).sqrt();
        let half = (1.0 - covariance(one, other) / scale) / 2.0;
        half.clamp(0.0, 1.0).sqrt()
    };
    let order = single_linkage_order(count, distance);
    let mut weights = vec![1.0; count];
    let mut parts = vec![order];
    while !parts.is_empty() {
        let mut halves = Vec::new();
        for part in parts.iter().filter(|part| part.len() > 1) {
            let (first, second) = part.split_at(part.len() / 2);
            let (one, other) = (cluster_variance(first, &covariance), cluster_variance(second, &covariance));
            let share = 1.0 - one / (one + other);
            first.iter().for_each(|leaf| weights[*leaf] *= share);
            second.iter().for_each(|leaf| weights[*leaf] *= 1.0 - share);
            halves.extend([first.to_vec(), second.to_vec()]);
        }
        parts = halves;
    }
    weights
}

/// The variance of a part held in inverse proportion to its members' variances.
fn cluster_variance(part: &[usize], covariance: impl Fn(usize, usize) -> f64) -> f64 {
    let weights = normalised(part.iter().map(|leaf| 1.0 / covariance(*leaf, *leaf)).collect());
    let mut variance = 0.0;
    for (one, weight) in part.iter().zip(&weights) {
        for (other, other_weight) in part.iter().zip(&weights) {
            variance += weight * other_weight * covariance(*one, *other);
        }
    }
    variance
}

/// The leaves of the tree that joining the two nearest clusters again and again makes; the distance of two clusters is
/// that of their nearest members. Of two clusters the earlier one stands first, as in scipy.
fn single_linkage_order(count: usize, distance: impl Fn(usize, usize) -> f64) -> Vec<usize> {
    // In the order in which they came to be: the leaves, then what was joined.
    let mut clusters: Vec<Option<Vec<usize>>> = (0..count).map(|leaf| Some(vec![leaf])).collect();
    loop {
        let mut nearest: Option<(f64, usize, usize)> = None;
        for second in 0..clusters.len() {
            for first in 0..second {
                let (Some(one), Some(other)) = (&clusters[first], &clusters[second]) else { continue };
                let pairs = one.iter().flat_map(|one| other.iter().map(move |other| (*one, *other)));
                let nearer = |least, (one, other)| {
                    let between = distance(one, other);
                    if between < least { between } else { least }
                };
                let between = pairs.fold(f64::INFINITY, nearer);
                if nearest.is_none_or(|(least, ..)| between < least) {
                    nearest = Some((between, first, second));
                }
            }
        }
        let Some((_, first, second)) = nearest else { break };
        let mut joined = clusters[first].take().unwrap_or_default();
        joined.extend(clusters[second].take().unwrap_or_default());
        clusters.push(Some(joined));
    }
    clusters.into_iter().flatten().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Allocation; 3] =
        [Allocation::EqualRisk, Allocation::InverseVolatility, Allocation::HierarchicalRiskParity];

    #[test]
    fn weights_add_up_and_what_does_not_move_gets_nothing() {
        let covariance = [0.04, 0.01, 0.0, 0.01, 0.09, 0.0, 0.0, 0.0, 0.0];
        for rule in ALL {
            let weights = rule.weights(&covariance, 3);
            assert!((weights.iter().sum::<f64>() - 1.0).abs() < 1e-12, "{rule:?} {weights:?}");
            assert!(weights[0] > weights[1] && weights[1] > 0.0 && weights[2] == 0.0, "{rule:?} {weights:?}");
            assert_eq!(rule.weights(&[0.0; 4], 2), [0.5, 0.5]);
            assert_eq!(rule.weights(&[0.3], 1), [1.0]);
        }
    }

    #[test]
    fn equal_risk_contributes_equally() {
        let covariance = [0.04, 0.018, -0.002, 0.018, 0.09, 0.01, -0.002, 0.01, 0.0225];
        let weights = Allocation::EqualRisk.weights(&covariance, 3);
        let contribution = |own: usize| {
            weights[own] * (0..3).map(|other| covariance[own * 3 + other] * weights[other]).sum::<f64>()
        };
        let whole: f64 = (0..3).map(contribution).sum();
        for own in 0..3 {
            assert!((contribution(own) / whole - 1.0 / 3.0).abs() < 1e-9, "{own}: {weights:?}");
        }
        // Without correlation it is inverse volatility.
        let alone = [0.04, 0.0, 0.0, 0.09];
        let [equal, inverse] =
            [Allocation::EqualRisk, Allocation::InverseVolatility].map(|rule| rule.weights(&alone, 2));
        assert!((equal[0] - inverse[0]).abs() < 1e-12);
    }
}
