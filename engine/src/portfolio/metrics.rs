//! What a series of returns says: risk, reward and shape, in the definitions of `empyrical` and `quantstats`, with a
//! risk-free rate of zero. Returns are simple: 0.01 is 1 %; every figure of a loss is a return, below zero.
//!
//! Sums run in the order of the series and elementary functions are [`genovo_kernels::scalar`]'s, so a series gives the
//! same bits on every machine.

use genovo_kernels::scalar::f64::{normal_cdf, normal_quantile, pow};

/// The sum over the count; 0 of nothing.
pub fn mean(returns: &[f64]) -> f64 {
    if returns.is_empty() { 0.0 } else { sum(returns) / returns.len() as f64 }
}

fn sum(values: &[f64]) -> f64 {
    values.iter().fold(0.0, |sum, value| sum + value)
}

/// The sum of a power of the distances from the mean, over the count.
fn moment(returns: &[f64], power: u32) -> f64 {
    // The mean of equal values need not be that value: its last bit would pass for variation.
    if returns.windows(2).all(|pair| pair[0] == pair[1]) {
        return 0.0;
    }
    let mean = mean(returns);
    let each = |value: &f64| (0..power).fold(1.0, |product, _| product * (value - mean));
    returns.iter().fold(0.0, |sum, value| sum + each(value)) / returns.len() as f64
}

/// The sample standard deviation, over the count less one; 0 of fewer than two.
pub fn deviation(returns: &[f64]) -> f64 {
    let count = returns.len() as f64;
    if count < 2.0 { 0.0 } else { (moment(returns, 2) * count / (count - 1.0)).sqrt() }
}

/// √(Σ min(r, 0)² / n): the deviation below zero, over all returns.
pub fn downside_deviation(returns: &[f64]) -> f64 {
    let square = |value: &f64| if *value < 0.0 { value * value } else { 0.0 };
    match returns.len() {
        0 => 0.0,
        count => (returns.iter().fold(0.0, |sum, value| sum + square(value)) / count as f64).sqrt(),
    }
}

/// What one becomes: the product of one plus each return.
pub fn growth(returns: &[f64]) -> f64 {
    returns.iter().fold(1.0, |wealth, value| wealth * (1.0 + value))
}

/// The return of a year at this pace; −1 where everything was lost.
pub fn annual_return(returns: &[f64], per_year: f64) -> f64 {
    let growth = growth(returns);
    if growth <= 0.0 { -1.0 } else { pow(growth, per_year / returns.len().max(1) as f64) - 1.0 }
}

/// The deepest fall from a peak, the beginning included: zero or less.
pub fn max_drawdown(returns: &[f64]) -> f64 {
    drawdowns(returns).fold(0.0, |deepest, fall| if fall < deepest { fall } else { deepest })
}

/// How far below its peak the account stands after each return: the underwater curve.
pub fn drawdowns(returns: &[f64]) -> impl Iterator<Item = f64> + '_ {
    let (mut wealth, mut peak) = (1.0_f64, 1.0_f64);
    returns.iter().map(move |value| {
        wealth *= 1.0 + value;
        if wealth > peak {
            peak = wealth;
        }
        wealth / peak - 1.0
    })
}

fn ratio(above: f64, below: f64) -> Option<f64> {
    (below > 0.0).then(|| above / below)
}

/// Mean over standard deviation, of a year; `None` without variation.
pub fn sharpe(returns: &[f64], per_year: f64) -> Option<f64> {
    ratio(mean(returns) * per_year.sqrt(), deviation(returns))
}

/// The Sharpe ratio of the last `window` returns, for each return from the `window`th on.
pub fn rolling_sharpe(returns: &[f64], window: usize, per_year: f64) -> Vec<Option<f64>> {
    returns.windows(window.max(2)).map(|part| sharpe(part, per_year)).collect()
}

/// Mean over downside deviation, of a year; `None` without a loss.
pub fn sortino(returns: &[f64], per_year: f64) -> Option<f64> {
    ratio(mean(returns) * per_year.sqrt(), downside_deviation(returns))
}

/// The return of a year over the deepest fall; `None` without a fall.
pub fn calmar(returns: &[f64], per_year: f64) -> Option<f64> {
    ratio(annual_return(returns, per_year), -max_drawdown(returns))
}

/// What was won over what was lost; `None` without a loss.
pub fn omega(returns: &[f64]) -> Option<f64> {
    let won = returns.iter().filter(|value| **value > 0.0).fold(0.0, |sum, value| sum + value);
    let lost = returns.iter().filter(|value| **value < 0.0).fold(0.0, |sum, value| sum - value);
    ratio(won, lost)
}

/// The 95 % quantile over the 5 % quantile, both without their signs; `None` where the latter is zero.
pub fn tail_ratio(returns: &[f64]) -> Option<f64> {
    let sorted = sorted(returns);
    ratio(quantile(&sorted, 0.95).abs(), quantile(&sorted, 0.05).abs())
}

/// The sample skewness, adjusted for bias as pandas' `skew`; `None` of fewer than three or without variation.
pub fn skew(returns: &[f64]) -> Option<f64> {
    let count = returns.len() as f64;
    if count < 3.0 {
        return None;
    }
    let variance = moment(returns, 2);
    ratio(moment(returns, 3), variance * variance.sqrt())
        .map(|skew| skew * (count * (count - 1.0)).sqrt() / (count - 2.0))
}

/// The sample excess kurtosis, adjusted for bias as pandas' `kurt`; `None` of fewer than four or without variation.
pub fn kurtosis(returns: &[f64]) -> Option<f64> {
    let count = returns.len() as f64;
    if count < 4.0 {
        return None;
    }
    let variance = moment(returns, 2);
    ratio(moment(returns, 4), variance * variance).map(|plain| {
        let scale = (count - 1.0) / ((count - 2.0) * (count - 3.0));
        scale * ((count + 1.0) * (plain - 3.0) + 6.0)
    })
}

/// Smallest first.
pub fn sorted(returns: &[f64]) -> Vec<f64> {
    let mut sorted = returns.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted
}

/// The quantile of sorted values, linear between neighbours as numpy's default; 0 of nothing.
pub fn quantile(sorted: &[f64], share: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else { return 0.0 };
    let place = share * last as f64;
    let below = place as usize;
    let above = if below < last { below + 1 } else { last };
    sorted[below] + (sorted[above] - sorted[below]) * (place - below as f64)
}

/// Value at risk by history: the return that a share of `1 − confidence` of all returns falls below.
pub fn var_historical(sorted: &[f64], confidence: f64) -> f64 {
    quantile(sorted, 1.0 - confidence)
}

/// Value at risk of a normal distribution with the returns' mean and standard deviation.
pub fn var_parametric(returns: &[f64], confidence: f64) -> f64 {
    mean(returns) + normal_quantile(1.0 - confidence) * deviation(returns)
}

/// The same with the normal quantile corrected for skewness and excess kurtosis (E. A. Cornish and R. A. Fisher, 1938;
/// the moments are the population's). `None` without variation.
pub fn var_cornish_fisher(returns: &[f64], confidence: f64) -> Option<f64> {
    let variance = if returns.is_empty() { 0.0 } else { moment(returns, 2) };
    let skew = ratio(moment(returns, 3), variance * variance.sqrt())?;
    let excess = ratio(moment(returns, 4), variance * variance)? - 3.0;
    let z = normal_quantile(1.0 - confidence);
    let (square, cube) = (z * z, z * z * z);
    let corrected = z + (square - 1.0) * skew / 6.0 + (cube - 3.0 * z) * excess / 24.0
        - (2.0 * cube - 5.0 * z) * skew * skew / 36.0;
    Some(mean(returns) + corrected * variance.sqrt())
}

/// Conditional value at risk by history: the mean of the worst share of `1 − confidence` of all returns, one at least.
pub fn cvar_historical(sorted: &[f64], confidence: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else { return 0.0 };
    mean(&sorted[..=((1.0 - confidence) * last as f64) as usize])
}

/// How returns depend on a benchmark's of the same days: what a year brings beside it, and how strongly they follow it.
/// `None` where the benchmark does not move.
pub fn alpha_beta(returns: &[f64], benchmark: &[f64], per_year: f64) -> Option<(f64, f64)> {
    let pairs = returns.iter().zip(benchmark);
    let (own, other) = (mean(returns), mean(benchmark));
    let product = |(value, benchmark): (&f64, &f64)| (value - own) * (benchmark - other);
    let covariance = pairs.map(product).fold(0.0, |sum, product| sum + product);
    let beta = ratio(covariance, moment(benchmark, 2) * benchmark.len() as f64)?;
    let daily = own - beta * other;
    (daily > -1.0).then(|| (pow(1.0 + daily, per_year) - 1.0, beta))
}

/// The largest Sharpe ratio that so many trials without any skill are expected to bring, by the variance of theirs
/// (D. H. Bailey and M. López de Prado, "The Deflated Sharpe Ratio", 2014). Not of a year, but of one return.
pub fn expected_best_sharpe(trials: u64, variance: f64) -> f64 {
    const EULER_MASCHERONI: f64 = 0.577_215_664_901_532_9;
    if trials < 2 {
        return 0.0;
    }
    let count = trials as f64;
    let first = normal_quantile(1.0 - 1.0 / count);
    let second = normal_quantile(1.0 - 1.0 / (count * std::f64::consts::E));
    variance.sqrt() * ((1.0 - EULER_MASCHERONI) * first + EULER_MASCHERONI * second)
}

/// How likely it is that a Sharpe ratio is above `threshold` in truth, given how long and how crooked its returns are:
/// with [`expected_best_sharpe`] as the threshold, the deflated Sharpe ratio. Both are of one return, not of a year;
/// `excess` is the excess kurtosis.
pub fn probabilistic_sharpe(
    sharpe: f64,
    threshold: f64,
    returns: u64,
    skew: f64,
    excess: f64,
) -> Option<f64> {
    let variance = 1.0 - skew * sharpe + (excess + 2.0) / 4.0 * sharpe * sharpe;
    let enough = returns > 1 && variance > 0.0;
    enough.then(|| normal_cdf((sharpe - threshold) * ((returns - 1) as f64).sqrt() / variance.sqrt()))
}

/// The correlation of two series of the same days; 0 where one of them does not move.
pub fn correlation(one: &[f64], other: &[f64]) -> f64 {
    let (mean_one, mean_other) = (mean(one), mean(other));
    let product = |(a, b): (&f64, &f64)| (a - mean_one) * (b - mean_other);
    let covariance = one.iter().zip(other).map(product).fold(0.0, |sum, product| sum + product);
    let scale = (moment(one, 2) * moment(other, 2)).sqrt() * one.len() as f64;
    ratio(covariance, scale).unwrap_or(0.0).clamp(-1.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_and_what_never_moves_have_no_ratios() {
        for returns in [&[][..], &[0.0; 30]] {
            assert_eq!(sharpe(returns, 252.0), None);
            assert_eq!(sortino(returns, 252.0), None);
            assert_eq!(calmar(returns, 252.0), None);
            assert_eq!(omega(returns), None);
            assert_eq!(tail_ratio(returns), None);
            assert_eq!(var_cornish_fisher(returns, 0.95), None);
            assert_eq!(max_drawdown(returns), 0.0);
            assert_eq!(var_historical(&sorted(returns), 0.95), 0.0);
            assert_eq!(cvar_historical(&sorted(returns), 0.95), 0.0);
        }
        assert_eq!(skew(&[0.1; 9]), None);
        assert_eq!(kurtosis(&[0.1, 0.2, 0.3]), None);
        assert_eq!(alpha_beta(&[0.1, 0.2], &[0.0, 0.0], 252.0), None);
    }

    #[test]
    fn a_bell_has_no_correction() {
        // Symmetric and with the kurtosis of a normal distribution there is nothing to correct.
        let third = 3.0_f64.sqrt();
        let returns: Vec<f64> =
            [-third, 0.0, 0.0, 0.0, 0.0, third].iter().map(|value| value / 100.0).collect();
        let corrected = var_cornish_fisher(&returns, 0.99).unwrap();
        assert!((corrected - normal_quantile(0.01) / 100.0).abs() < 1e-12, "{corrected}");
    }

    /// The example of the paper: 100 trials with a variance of a half a year, five years of daily returns with a Sharpe
    /// ratio of 2.5 a year, skewness −3, kurtosis 10.
    #[test]
    fn the_deflated_sharpe_ratio_of_the_paper() {
        let best = expected_best_sharpe(100, 0.5 / 250.0);
        assert!((best - 0.1132).abs() < 5e-5, "{best}");
        let sharpe = 2.5 / 250.0_f64.sqrt();
        let deflated = probabilistic_sharpe(sharpe, best, 1_250, -3.0, 7.0).unwrap();
        assert!((deflated - 0.9004).abs() < 5e-5, "{deflated}");
        assert_eq!(expected_best_sharpe(1, 0.5), 0.0);
    }

    #[test]
    fn underwater_begins_at_the_beginning() {
        let falls: Vec<f64> = drawdowns(&[-0.5, 1.0, 0.5, -0.1]).collect();
        assert_eq!(falls[..3], [-0.5, 0.0, 0.0]);
        assert!((falls[3] + 0.1).abs() < 1e-15);
        assert_eq!(max_drawdown(&[-0.5, 1.0, 0.5, -0.1]), -0.5);
    }
}
