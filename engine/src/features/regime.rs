//! Regimes: in which state the market is, how sure that is, and since when.

use super::column::{BarFamily, bar_columns};

/// The family.
pub const FAMILY: BarFamily = BarFamily {
    name: "regime",
    timeframes: 1,
    columns: bar_columns! {
        "p_calm" "states" [] 0 Plain "0 to 1" "filtered probability of half the usual volatility";
        "p_usual" "states" [] 1 Plain "0 to 1" "filtered probability of the usual volatility";
        "p_wild" "states" [] 2 Plain "0 to 1" "filtered probability of 2.5 times the usual volatility";
        "state_entropy" "states" [] 3 Plain "0 to 1" "entropy of those probabilities";
        "state_duration" "states" [] 4 Plain "bars" "expected duration of the state";
        "state_variance" "states" [] 5 Plain "ratio" "variance expected next over the usual one";
        "cusum_up" "cusum" [5] 0 Plain "sd" "cumulative sum of rises since the last alarm";
        "cusum_down" "cusum" [5] 1 Plain "sd" "cumulative sum of falls since the last alarm";
        "cusum_since" "cusum" [5] 2 Plain "bars" "bars since the last alarm";
        "volatility_rank_100" "volatility_rank" [20, 100] 0 Plain "0 to 1"
            "share of the last 100 volatilities below now";
        "volatility_rank_250" "volatility_rank" [20, 250] 0 Plain "0 to 1"
            "share of the last 250 volatilities below now";
        "volatility_rank_500" "volatility_rank" [20, 500] 0 Plain "0 to 1"
            "share of the last 500 volatilities below now";
        "hurst" "hurst" [] 0 Plain "about 0.5" "Hurst's exponent by rescaled range";
        "variance_ratio_2" "variance_ratio" [2] 0 Plain "sd" "Lo and MacKinlay's z of 2 bars";
        "variance_ratio_5" "variance_ratio" [5] 0 Plain "sd" "Lo and MacKinlay's z of 5 bars";
        "variance_ratio_10" "variance_ratio" [10] 0 Plain "sd" "Lo and MacKinlay's z of 10 bars";
        "efficiency_50" "ER" [50] 0 Plain "0 to 1" "way made over way gone";
        "jumps_64" "jumps" [64] 0 Plain "0 to 1" "share of variance that comes in jumps";
        "half_life_128" "half_life" [128] 0 Plain "bars" "half-life of the distance from the mean";
        "trend_label_50" "trend_label" [50] 0 Plain "−1, 0, 1" "trend down, range, trend up";
    },
};
