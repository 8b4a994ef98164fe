//! Kalman filters: where the price stands against its filtered state, and how it surprises.

use super::column::{BarFamily, bar_columns};

/// The family.
pub const FAMILY: BarFamily = BarFamily {
    name: "kalman",
    timeframes: 1,
    columns: bar_columns! {
        "level_gap" "kalman_level_state" [0.05] 0 Plain "rms returns" "log price less the filtered level";
        "level_slope" "kalman_level_state" [0.05] 1 Plain "rms returns" "step of the filtered level";
        "level_turn" "kalman_level_state" [0.05] 2 Plain "rms returns" "change of that step";
        "level_surprise" "kalman_level_state" [0.05] 3 Plain "sd" "innovation by past innovations";
        "level_variance" "kalman_level_state" [0.05] 4 Plain "ratio" "innovation variance, 32 over 256 bars";
        "level_sign" "kalman_level_state" [0.05] 5 Plain "±1" "mean sign of innovations";
        "trend_gap" "kalman_trend_state" [0.05] 0 Plain "rms returns" "log price less the filtered level";
        "trend_slope" "kalman_trend_state" [0.05] 1 Plain "rms returns" "filtered slope";
        "trend_turn" "kalman_trend_state" [0.05] 2 Plain "rms returns" "change of that slope";
        "trend_surprise" "kalman_trend_state" [0.05] 3 Plain "sd" "innovation by past innovations";
        "trend_variance" "kalman_trend_state" [0.05] 4 Plain "ratio" "innovation variance, 32 over 256 bars";
        "trend_sign" "kalman_trend_state" [0.05] 5 Plain "±1" "mean sign of innovations";
        "momentum_alpha" "kalman_momentum" [] 0 Plain "rms returns" "walking intercept of a return on the last one";
        "momentum_beta" "kalman_momentum" [] 1 Plain "ratio" "walking coefficient of a return on the last one";
        "momentum_surprise" "kalman_momentum" [] 2 Plain "sd" "residual by past residuals";
        "momentum_beta_sd" "kalman_momentum" [] 3 Plain "ratio" "standard deviation of that coefficient";
    },
};
