//! Overlap: where the price stands against its averages, and where those go.

use super::column::{BarFamily, bar_columns};

/// The family.
pub const FAMILY: BarFamily = BarFamily {
    name: "overlap",
    timeframes: 4,
    columns: bar_columns! {
        "ema_10_gap" "EMA" [10] 0 GapPerAtr "ATR" "the close less the exponential average";
        "ema_20_gap" "EMA" [20] 0 GapPerAtr "ATR" "the close less the exponential average";
        "ema_50_gap" "EMA" [50] 0 GapPerAtr "ATR" "the close less the exponential average";
        "ema_200_gap" "EMA" [200] 0 GapPerAtr "ATR" "the close less the exponential average";
        "ema_20_slope" "EMA" [20] 0 SlopePerAtr "ATR a bar" "step of the exponential average";
        "ema_50_slope" "EMA" [50] 0 SlopePerAtr "ATR a bar" "step of the exponential average";
        "ema_200_slope" "EMA" [200] 0 SlopePerAtr "ATR a bar" "step of the exponential average";
        "kama_30_gap" "KAMA" [30] 0 GapPerAtr "ATR" "the close less Kaufman's adaptive average";
        "kama_30_slope" "KAMA" [30] 0 SlopePerAtr "ATR a bar" "step of Kaufman's adaptive average";
        "hma_20_gap" "HMA" [20] 0 GapPerAtr "ATR" "the close less Hull's average";
        "hma_20_slope" "HMA" [20] 0 SlopePerAtr "ATR a bar" "step of Hull's average";
        "t3_10_gap" "T3" [10, 0.7] 0 GapPerAtr "ATR" "the close less Tillson's T3";
        "linearreg_20_gap" "LINEARREG" [20] 0 GapPerAtr "ATR" "the close less the end of the regression line";
        "linearreg_50_slope" "LINEARREG_SLOPE" [50] 0 PerAtr "ATR a bar" "slope of the regression line";
        "vwma_20_gap" "VWMA" [20] 0 GapPerAtr "ATR" "the close less the average by volume";
        "mama_gap" "MAMA" [0.5, 0.05] 0 GapPerAtr "ATR" "the close less the MESA adaptive average";
        "fama_gap" "MAMA" [0.5, 0.05] 1 GapPerAtr "ATR" "the close less the following adaptive average";
        "hilo_gap" "hilo" [13, 21] 0 GapPerAtr "ATR" "the close less Gann's high-low activator";
        "jma_7_gap" "jma" [7, 0] 0 GapPerAtr "ATR" "the close less Jurik's average";
        "ssf_20_gap" "ssf" [20] 0 GapPerAtr "ATR" "the close less Ehlers' super smoother";
        "vidya_14_gap" "vidya" [14] 0 GapPerAtr "ATR" "the close less Chande's dynamic average";
        "hwma_gap" "hwma" [0.2, 0.1, 0.1] 0 GapPerAtr "ATR" "the close less Holt and Winters' average";
        "zlma_10_gap" "zlma" [10] 0 GapPerAtr "ATR" "the close less the average without lag";
        "sinwma_14_gap" "sinwma" [14] 0 GapPerAtr "ATR" "the close less the sine-weighted average";
        "tenkan_gap" "MIDPRICE" [9] 0 GapPerAtr "ATR" "the close less Ichimoku's conversion line";
        "kijun_gap" "MIDPRICE" [26] 0 GapPerAtr "ATR" "the close less Ichimoku's base line";
    },
};
