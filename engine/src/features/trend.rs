//! Trend: whether there is one, and on which side.

use super::column::{BarFamily, bar_columns};

/// The family.
pub const FAMILY: BarFamily = BarFamily {
    name: "trend",
    timeframes: 4,
    columns: bar_columns! {
        "adx_14" "ADX" [14] 0 Plain "0 to 100" "Wilder's average directional index";
        "plus_di_14" "PLUS_DI" [14] 0 Plain "0 to 100" "directional movement up over true range";
        "minus_di_14" "MINUS_DI" [14] 0 Plain "0 to 100" "directional movement down over true range";
        "aroonosc_14" "AROONOSC" [14] 0 Plain "±100" "Aroon up less down";
        "aroonosc_50" "AROONOSC" [50] 0 Plain "±100" "Aroon up less down";
        "vortex_plus_14" "VORTEX" [14] 0 Plain "about 1" "upward vortex movement over true range";
        "vortex_minus_14" "VORTEX" [14] 1 Plain "about 1" "downward vortex movement over true range";
        "chop_14" "CHOP" [14] 0 Plain "0 to 100" "Dreiss' choppiness";
        "vhf_28" "VHF" [28] 0 Plain "0 to 1" "vertical horizontal filter";
        "rwi_high_14" "rwi" [14] 0 Plain "random walks" "random walk index from the low";
        "rwi_low_14" "rwi" [14] 1 Plain "random walks" "random walk index from the high";
        "supertrend_gap" "SUPERTREND" [10, 3] 0 GapPerAtr "ATR" "the close less the supertrend line";
        "sar_gap" "SAR" [0.02, 0.2] 0 GapPerAtr "ATR" "the close less the parabolic stop";
        "trendflex_20" "trendflex" [20, 20] 0 Plain "about ±2" "Ehlers' trendflex";
        "qstick_10" "QSTICK" [10] 0 PerAtr "ATR" "mean body";
    },
};
