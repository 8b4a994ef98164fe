//! Volatility: how far the price moves, and where it stands in its bands.

use super::column::{BarFamily, bar_columns};

/// The family.
pub const FAMILY: BarFamily = BarFamily {
    name: "volatility",
    timeframes: 4,
    columns: bar_columns! {
        "natr_7" "NATR" [7] 0 Plain "% of close" "average true range";
        "natr_14" "NATR" [14] 0 Plain "% of close" "average true range";
        "natr_50" "NATR" [50] 0 Plain "% of close" "average true range";
        "bbw_20" "BBW" [20, 2, 2, 0] 0 Plain "TA-Lib's" "width of Bollinger's bands over their middle";
        "percent_b_50" "PERCENTB" [50, 2, 2, 0] 0 Plain "0 to 1 inside" "where the close stands in Bollinger's bands";
        "kc_upper_gap" "KC" [20, 10, 2] 0 GapPerAtr "ATR" "the close less the top of Keltner's channel";
        "kc_lower_gap" "KC" [20, 10, 2] 2 GapPerAtr "ATR" "the close less the bottom of Keltner's channel";
        "donchian_upper_gap" "DONCHIAN" [20] 0 GapPerAtr "ATR" "the close less the highest high";
        "donchian_lower_gap" "DONCHIAN" [20] 2 GapPerAtr "ATR" "the close less the lowest low";
        "parkinson_20" "parkinson" [20] 0 Plain "a bar" "volatility by range";
        "garman_klass_20" "garman_klass" [20] 0 Plain "a bar" "volatility by range and body";
        "rogers_satchell_20" "rogers_satchell" [20] 0 Plain "a bar" "volatility without drift";
        "yang_zhang_20" "yang_zhang" [20] 0 Plain "a bar" "volatility with gaps between bars";
        "realised_20" "realised" [20] 0 Plain "a bar" "root mean squared return";
        "realised_100" "realised" [100] 0 Plain "a bar" "root mean squared return";
        "massi" "MASSI" [9, 25] 0 Plain "about 25" "mass index";
        "cvi_10" "CVI" [10, 10] 0 Plain "%" "Chaikin's volatility: change of the average range";
        "ulcer_14" "ulcer" [14] 0 Plain "%" "depth of falls from the highest close";
        "rvi_14" "RVI" [14, 10] 0 Plain "0 to 100" "relative volatility index";
        "thermo" "thermo" [20] 0 PerAtr "ATR" "Elder's thermometer";
        "hwc_place" "hwc" [1] 4 Plain "0 to 1 inside" "where the close stands in Holt and Winters' channel";
    },
};
