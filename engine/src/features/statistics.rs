//! Statistics of closes and returns.

use super::column::{BarFamily, bar_columns};

/// The family.
pub const FAMILY: BarFamily = BarFamily {
    name: "statistics",
    timeframes: 3,
    columns: bar_columns! {
        "z_20" "zscore" [20] 0 Plain "sd" "the close against its mean";
        "z_60" "zscore" [60] 0 Plain "sd" "the close against its mean";
        "skew_30" "skew" [30] 0 Plain "ratio" "skewness of the close";
        "kurtosis_30" "kurtosis" [30] 0 Plain "ratio" "excess kurtosis of the close";
        "entropy_64" "entropy" [64] 0 Plain "0 to 1" "entropy of returns in eight bins";
        "mad_ratio_64" "mad_ratio" [64] 0 Plain "ratio" "mean absolute over standard deviation of returns";
        "percent_rank_50" "PERCENTRANK" [50] 0 Plain "0 to 100" "share of past closes below the last";
        "percent_rank_200" "PERCENTRANK" [200] 0 Plain "0 to 100" "share of past closes below the last";
        "autocorrelation_1" "autocorrelation" [64, 1] 0 Plain "±1" "of returns, one bar apart";
        "autocorrelation_5" "autocorrelation" [64, 5] 0 Plain "±1" "of returns, five bars apart";
        "slope_20" "LINEARREG_SLOPE" [20] 0 PerAtr "ATR a bar" "slope of the regression line";
        "angle_14" "LINEARREG_ANGLE" [14] 0 Plain "degrees" "angle of the regression line, in price units";
        "r_squared_30" "r_squared" [30] 0 Plain "0 to 1" "what a straight line explains of the close";
        "correl_30" "CORREL" [30] 0 Plain "±1" "correlation of highs with lows";
        "beta_20" "BETA" [20] 0 Plain "ratio" "slope of the lows' returns on the highs'";
    },
};
