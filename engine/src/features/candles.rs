//! Candles: the commonest patterns, and the shape of the last bar.

use super::column::{BarFamily, bar_columns};

/// The family.
pub const FAMILY: BarFamily = BarFamily {
    name: "candles",
    timeframes: 1,
    columns: bar_columns! {
        "doji" "CDLDOJI" [] 0 Plain "±100" "candlestick pattern";
        "engulfing" "CDLENGULFING" [] 0 Plain "±100" "candlestick pattern";
        "hammer" "CDLHAMMER" [] 0 Plain "±100" "candlestick pattern";
        "hanging_man" "CDLHANGINGMAN" [] 0 Plain "±100" "candlestick pattern";
        "harami" "CDLHARAMI" [] 0 Plain "±100" "candlestick pattern";
        "inverted_hammer" "CDLINVERTEDHAMMER" [] 0 Plain "±100" "candlestick pattern";
        "shooting_star" "CDLSHOOTINGSTAR" [] 0 Plain "±100" "candlestick pattern";
        "marubozu" "CDLMARUBOZU" [] 0 Plain "±100" "candlestick pattern";
        "morning_star" "CDLMORNINGSTAR" [0.3] 0 Plain "±100" "candlestick pattern";
        "evening_star" "CDLEVENINGSTAR" [0.3] 0 Plain "±100" "candlestick pattern";
        "piercing_line" "CDLPIERCING" [] 0 Plain "±100" "candlestick pattern";
        "dark_cloud_cover" "CDLDARKCLOUDCOVER" [0.5] 0 Plain "±100" "candlestick pattern";
        "spinning_top" "CDLSPINNINGTOP" [] 0 Plain "±100" "candlestick pattern";
        "belt_hold" "CDLBELTHOLD" [] 0 Plain "±100" "candlestick pattern";
        "long_line" "CDLLONGLINE" [] 0 Plain "±100" "candlestick pattern";
        "short_line" "CDLSHORTLINE" [] 0 Plain "±100" "candlestick pattern";
        "high_wave" "CDLHIGHWAVE" [] 0 Plain "±100" "candlestick pattern";
        "dragonfly_doji" "CDLDRAGONFLYDOJI" [] 0 Plain "±100" "candlestick pattern";
        "gravestone_doji" "CDLGRAVESTONEDOJI" [] 0 Plain "±100" "candlestick pattern";
        "three_inside" "CDL3INSIDE" [] 0 Plain "±100" "candlestick pattern";
        "three_outside" "CDL3OUTSIDE" [] 0 Plain "±100" "candlestick pattern";
        "hikkake" "CDLHIKKAKE" [] 0 Plain "±100" "candlestick pattern";
        "matching_low" "CDLMATCHINGLOW" [] 0 Plain "±100" "candlestick pattern";
        "closing_marubozu" "CDLCLOSINGMARUBOZU" [] 0 Plain "±100" "candlestick pattern";
        "bulls" "pattern_sums" [] 0 Plain "patterns" "how many of the patterns are bullish";
        "bears" "pattern_sums" [] 1 Plain "patterns" "how many of the patterns are bearish";
        "body" "shape" [] 0 Plain "±1" "close less open over the range";
        "upper_wick" "shape" [] 1 Plain "0 to 1" "what lies above the body, over the range";
        "lower_wick" "shape" [] 2 Plain "0 to 1" "what lies below the body, over the range";
        "gap" "shape" [] 3 Plain "ranges" "open less last close, over the last range";
        "range" "TRANGE" [] 0 PerAtr "ATR" "true range";
        "inside" "inside" [] 0 Plain "−1, 0, 1" "inside bar, neither, outside bar";
    },
};
