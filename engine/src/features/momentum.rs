//! Momentum: how fast and how steadily the price moved.

use super::column::{BarFamily, bar_columns};

/// The family.
pub const FAMILY: BarFamily = BarFamily {
    name: "momentum",
    timeframes: 4,
    columns: bar_columns! {
        "rsi_7" "RSI" [7] 0 Plain "0 to 100" "Wilder's relative strength index";
        "rsi_14" "RSI" [14] 0 Plain "0 to 100" "Wilder's relative strength index";
        "rsi_28" "RSI" [28] 0 Plain "0 to 100" "Wilder's relative strength index";
        "return_1" "log_return" [1] 0 Plain "log" "logarithm of the close over the one before";
        "return_5" "log_return" [5] 0 Plain "log" "logarithm of the close over the one 5 bars before";
        "return_10" "log_return" [10] 0 Plain "log" "logarithm of the close over the one 10 bars before";
        "return_20" "log_return" [20] 0 Plain "log" "logarithm of the close over the one 20 bars before";
        "return_60" "log_return" [60] 0 Plain "log" "logarithm of the close over the one 60 bars before";
        "macd" "MACD" [12, 26, 9] 0 PerAtr "ATR" "fast less slow exponential average";
        "macd_hist" "MACD" [12, 26, 9] 2 PerAtr "ATR" "MACD less its signal";
        "ppo" "PPO" [12, 26, 1] 0 Plain "%" "fast less slow exponential average over the slow one";
        "stoch_k" "STOCH" [14, 3, 0, 3, 0] 0 Plain "0 to 100" "where the close stands in the range, smoothed";
        "stoch_d" "STOCH" [14, 3, 0, 3, 0] 1 Plain "0 to 100" "average of stoch_k";
        "stoch_rsi_k" "STOCHRSI" [14, 14, 3, 0] 0 Plain "0 to 100" "where the RSI stands in its own range";
        "cci_14" "CCI" [14] 0 Plain "about ±100" "commodity channel index";
        "cci_28" "CCI" [28] 0 Plain "about ±100" "commodity channel index";
        "cmo_14" "CMO" [14] 0 Plain "±100" "Chande's momentum oscillator";
        "ultosc" "ULTOSC" [7, 14, 28] 0 Plain "0 to 100" "Williams' ultimate oscillator";
        "trix_15" "TRIX" [15] 0 Plain "%" "rate of change of a triple exponential average";
        "tsi" "TSI" [25, 13] 0 Plain "±100" "true strength index";
        "ao" "AO" [5, 34] 0 PerAtr "ATR" "awesome oscillator";
        "bop" "BOP" [] 0 Plain "±1" "balance of power: body over range";
        "imi_14" "IMI" [14] 0 Plain "0 to 100" "intraday momentum index";
        "kst" "kst" [] 0 Plain "%" "Pring's know sure thing";
        "kst_signal" "kst" [] 1 Plain "%" "its signal";
        "fisher_9" "FISHER" [9] 0 Plain "about ±3" "Ehlers' Fisher transform";
        "rsx_14" "rsx" [14] 0 Plain "0 to 100" "Jurik's relative strength index";
        "crsi" "CRSI" [3, 2, 100] 0 Plain "0 to 100" "Connors' relative strength index";
        "smi" "SMI" [13, 2, 25, 9] 0 Plain "±100" "stochastic momentum index";
        "stc" "STC" [23, 50, 10] 0 Plain "0 to 100" "Schaff's trend cycle";
        "cti_12" "CTI" [12] 0 Plain "±1" "correlation of the close with a straight line";
        "er_10" "ER" [10] 0 Plain "0 to 1" "Kaufman's efficiency: way made over way gone";
        "squeeze_momentum" "squeeze" [] 0 PerAtr "ATR" "average momentum of the squeeze";
        "squeeze_on" "squeeze" [] 1 Plain "0 or 1" "whether Bollinger's bands lie inside of Keltner's channel";
        "bias_26" "bias" [26] 0 Plain "ratio" "the close over its mean, less 1";
        "brar_ar" "brar" [26] 0 Plain "%" "sentiment: highs above, lows below the open";
        "brar_br" "brar" [26] 1 Plain "%" "sentiment: highs above, lows below the last close";
        "cfo_9" "cfo" [9] 0 Plain "%" "Chande's forecast oscillator";
        "inertia" "inertia" [20, 14] 0 Plain "0 to 100" "regression through the relative volatility index";
        "pgo_14" "pgo" [14] 0 Plain "ATR" "pretty good oscillator";
        "psl_12" "psl" [12] 0 Plain "0 to 100" "psychological line: share of rising bars";
        "rvgi" "rvgi" [14] 0 Plain "about ±1" "relative vigour index";
        "exhaustion_down" "exhc" [4, 13] 0 Plain "bars" "closes in a row below the one 4 bars before";
        "exhaustion_up" "exhc" [4, 13] 1 Plain "bars" "closes in a row above the one 4 bars before";
    },
};
