//! Cycles: period and phase of the dominant one.

use super::column::{BarFamily, bar_columns};

/// The family.
pub const FAMILY: BarFamily = BarFamily {
    name: "cycles",
    timeframes: 2,
    columns: bar_columns! {
        "dominant_period" "HT_DCPERIOD" [] 0 Plain "bars" "period of the dominant cycle";
        "phasor_in_phase" "HT_PHASOR" [] 0 PerAtr "ATR" "in-phase part of the cycle";
        "phasor_quadrature" "HT_PHASOR" [] 1 PerAtr "ATR" "quadrature part of the cycle";
        "phase_sin" "hilbert" [] 0 Plain "±1" "sine of the dominant cycle's phase";
        "phase_cos" "hilbert" [] 1 Plain "±1" "cosine of the dominant cycle's phase";
        "sine_lead" "hilbert" [] 2 Plain "±1" "sine less the sine 45 degrees ahead";
        "trendline_gap" "hilbert" [] 3 GapPerAtr "ATR" "the close less the cycle's trend line";
        "trend_mode" "hilbert" [] 4 Plain "0 or 1" "whether the market trends rather than cycles";
        "reflex_20" "reflex" [20, 20] 0 Plain "about ±2" "Ehlers' reflex";
        "cg_10" "cg" [10] 0 Plain "bars" "Ehlers' centre of gravity";
    },
};
