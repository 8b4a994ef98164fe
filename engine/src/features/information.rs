//! How much a column says about a label: mutual information, in nats.
//!
//! Two estimates: by equiprobable bins of ranks, cheap and biased alike for all columns, and by nearest neighbours
//! (Kraskov, Stögbauer and Grassberger, Physical Review E 69, 2004, their first), which decides.

use genovo_kernels::scalar::f64::ln;

/// Bins of each margin in the cheap estimate.
const BINS: usize = 16;

/// Mutual information by `16 × 16` equiprobable bins of ranks; equal values share the bin of their first.
///
/// Both slices have the same length; 0 for fewer than 2 pairs.
pub fn binned(x: &[f64], y: &[f64]) -> f64 {
    assert_eq!(x.len(), y.len(), "pairs");
    let count = x.len();
    if count < 2 {
        return 0.0;
    }
    let (x, y) = (bins(x), bins(y));
    let mut joint = [[0_u32; BINS]; BINS];
    for (x, y) in x.iter().zip(&y) {
        joint[*x][*y] += 1;
    }
    let mut rows = [0_u32; BINS];
    let mut columns = [0_u32; BINS];
    for (row, cells) in joint.iter().enumerate() {
        for (column, cell) in cells.iter().enumerate() {
            rows[row] += cell;
            columns[column] += cell;
        }
    }
    let total = count as f64;
    let mut sum = 0.0;
    for (row, cells) in joint.iter().enumerate() {
        for (column, cell) in cells.iter().enumerate().filter(|(_, cell)| **cell > 0) {
            let share = f64::from(*cell) / total;
            sum += share * ln(f64::from(*cell) * total / (f64::from(rows[row]) * f64::from(columns[column])));
        }
    }
    if sum > 0.0 { sum } else { 0.0 }
}

fn bins(values: &[f64]) -> Vec<usize> {
    let order = order(values);
    let mut bins = vec![0; values.len()];
    let (mut first, mut last) = (0, f64::NAN);
    for (rank, index) in order.iter().enumerate() {
        if values[*index] != last {
            first = rank;
            last = values[*index];
        }
        bins[*index] = first * BINS / values.len();
    }
    bins
}

/// Indices by value, then by place.
fn order(values: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|a, b| values[*a].total_cmp(&values[*b]).then(a.cmp(b)));
    order
}

/// Mutual information by the `k` nearest neighbours in the greater of both distances, never below 0.
///
/// Values are taken as they are: bring both margins to the same scale before. Columns with many equal values want a
/// tie-break; see [`spread`]. O(n · n^½) typically: neighbours are sought outwards along the sorted first margin.
pub fn nearest(x: &[f64], y: &[f64], k: usize) -> f64 {
    assert_eq!(x.len(), y.len(), "pairs");
    let count = x.len();
    if count <= k || k == 0 {
        return 0.0;
    }
    let by_x = order(x);
    let sorted_x: Vec<f64> = by_x.iter().map(|index| x[*index]).collect();
    let mut sorted_y = y.to_vec();
    sorted_y.sort_by(f64::total_cmp);
    let digamma = digammas(count);
    let mut sum = 0.0;
    // In the order of the pairs, so that the sum has one order.
    let mut places = vec![0; count];
    for (place, index) in by_x.iter().enumerate() {
        places[*index] = place;
    }
    let mut nearest = Vec::with_capacity(k + 1);
    for index in 0..count {
        let radius = radius(&by_x, &sorted_x, y, places[index], k, &mut nearest);
        let inside_x = strictly_inside(&sorted_x, x[index], radius);
        let inside_y = strictly_inside(&sorted_y, y[index], radius);
        sum += digamma[inside_x] + digamma[inside_y];
    }
    let estimate = digamma[count] + digamma[k] - sum / count as f64;
    if estimate > 0.0 { estimate } else { 0.0 }
}

/// The distance of the k-th nearest neighbour of the pair at this place of the sorted first margin.
fn radius(
    by_x: &[usize],
    sorted_x: &[f64],
    y: &[f64],
    place: usize,
    k: usize,
    nearest: &mut Vec<f64>,
) -> f64 {
    nearest.clear();
    let (x, own) = (sorted_x[place], y[by_x[place]]);
    let (mut below, mut above) = (place, place + 1);
    loop {
        let left = if below > 0 { x - sorted_x[below - 1] } else { f64::INFINITY };
        let right = if above < sorted_x.len() { sorted_x[above] - x } else { f64::INFINITY };
        let step = if left < right { left } else { right };
        if step == f64::INFINITY || (nearest.len() == k && step > nearest[k - 1]) {
            return nearest.last().copied().unwrap_or(0.0);
        }
        let other = if left < right {
            below -= 1;
            below
        } else {
            above += 1;
            above - 1
        };
        let apart = (y[by_x[other]] - own).abs();
        let distance = if apart > step { apart } else { step };
        if nearest.len() < k || distance < nearest[k - 1] {
            let at = nearest.partition_point(|known| *known <= distance);
            nearest.insert(at, distance);
            nearest.truncate(k);
        }
    }
}

/// How many values are nearer than `radius`, the value itself among them: one more than the paper's count.
fn strictly_inside(sorted: &[f64], value: f64, radius: f64) -> usize {
    let from = sorted.partition_point(|other| value - *other >= radius);
    let to = sorted.partition_point(|other| *other - value < radius);
    // With radius 0 nothing is inside; the value itself counts.
    if to > from { to - from } else { 1 }
}

/// ψ(1) to ψ(n), by ψ(n + 1) = ψ(n) + 1 / n; the place is the argument.
fn digammas(n: usize) -> Vec<f64> {
    const EULER: f64 = 0.577_215_664_901_532_9;
    let mut values = vec![-EULER; n + 2];
    for argument in 2..n + 2 {
        values[argument] = values[argument - 1] + 1.0 / (argument - 1) as f64;
    }
    values
}

/// Values by their standard deviation (divisor n), equal ones left equal; all 0 where there is none.
pub fn standardised(values: &[f64]) -> Vec<f64> {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let variance = values.iter().fold(0.0, |sum, value| sum + (value - mean) * (value - mean)) / count;
    let deviation = variance.sqrt();
    if deviation == 0.0 {
        return vec![0.0; values.len()];
    }
    values.iter().map(|value| value / deviation).collect()
}

/// Ranks from 0 to 1, equal values apart by their place: what has no ties for [`nearest`].
pub fn spread(values: &[f64]) -> Vec<f64> {
    let mut ranks = vec![0.0; values.len()];
    for (rank, index) in order(values).into_iter().enumerate() {
        ranks[index] = rank as f64 / values.len() as f64;
    }
    ranks
}

/// Correlation; 0 where one does not vary.
pub fn correlation(x: &[f64], y: &[f64]) -> f64 {
    let count = x.len() as f64;
    let (mean_x, mean_y) = (x.iter().sum::<f64>() / count, y.iter().sum::<f64>() / count);
    let (mut xx, mut yy, mut xy) = (0.0, 0.0, 0.0);
    for (x, y) in x.iter().zip(y) {
        let (x, y) = (x - mean_x, y - mean_y);
        xx += x * x;
        yy += y * y;
        xy += x * y;
    }
    let scale = (xx * yy).sqrt();
    if scale == 0.0 { 0.0 } else { xy / scale }
}

#[cfg(test)]
mod tests {
    use super::*;
    use genovo_kernels::random::RandomKey;
    use proptest::prelude::*;

    /// The obvious way: every pair with every other.
    fn slow(x: &[f64], y: &[f64], k: usize) -> f64 {
        let digamma = digammas(x.len());
        let mut sum = 0.0;
        for i in 0..x.len() {
            let apart = |j: usize| {
                let (dx, dy) = ((x[i] - x[j]).abs(), (y[i] - y[j]).abs());
                if dx > dy { dx } else { dy }
            };
            let mut distances: Vec<f64> = (0..x.len()).filter(|j| *j != i).map(apart).collect();
            distances.sort_by(f64::total_cmp);
            let radius = distances[k - 1];
            let inside = |values: &[f64]| {
                (0..values.len()).filter(|j| *j != i && (values[i] - values[*j]).abs() < radius).count()
            };
            sum += digamma[inside(x) + 1] + digamma[inside(y) + 1];
        }
        let estimate = digamma[x.len()] + digamma[k] - sum / x.len() as f64;
        if estimate > 0.0 { estimate } else { 0.0 }
    }

    fn normals(seed: u64, count: u64) -> Vec<f64> {
        (0..count)
            .map(|id| f64::from(RandomKey { seed, purpose: 2, id }.words(0)[0] % 1_000) / 1_000.0)
            .collect()
    }

    proptest! {
        #[test]
        fn neighbours_are_those_of_all_pairs(seed in 0_u64..10_000, count in 8_u64..120, k in 1_usize..6) {
            let (x, y) = (normals(seed, count), normals(seed + 1, count));
            let y: Vec<f64> = x.iter().zip(&y).map(|(x, y)| 0.5 * x + y).collect();
            let (ours, obvious) = (nearest(&x, &y, k), slow(&x, &y, k));
            prop_assert!((ours - obvious).abs() < 1e-12, "{} {}", ours, obvious);
        }
    }

    #[test]
    fn what_says_all_says_more_than_what_says_nothing() {
        let x = normals(1, 1_000);
        let noise = normals(2, 1_000);
        assert!(nearest(&x, &x, 3) > 3.0 && binned(&x, &x) > 2.5);
        assert!(nearest(&x, &noise, 3) < 0.1 && binned(&x, &noise) < 0.2);
        assert_eq!(binned(&[1.0; 50], &normals(3, 50)), 0.0);
    }
}
