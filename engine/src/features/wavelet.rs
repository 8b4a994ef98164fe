//! Wavelets: how much of the movement lies at which scale, by the causal transform.

use super::column::{BarFamily, bar_columns};

/// The family.
pub const FAMILY: BarFamily = BarFamily {
    name: "wavelet",
    timeframes: 1,
    columns: bar_columns! {
        "haar_detail_1" "wavelet:haar" [] 0 Plain "rms" "detail at 2 to 4 bars";
        "haar_detail_2" "wavelet:haar" [] 1 Plain "rms" "detail at 4 to 8 bars";
        "haar_detail_3" "wavelet:haar" [] 2 Plain "rms" "detail at 8 to 16 bars";
        "haar_detail_4" "wavelet:haar" [] 3 Plain "rms" "detail at 16 to 32 bars";
        "haar_detail_5" "wavelet:haar" [] 4 Plain "rms" "detail at 32 to 64 bars";
        "haar_energy_1" "wavelet:haar" [] 5 Plain "0 to 1" "share of energy at 2 to 4 bars";
        "haar_energy_2" "wavelet:haar" [] 6 Plain "0 to 1" "share of energy at 4 to 8 bars";
        "haar_energy_3" "wavelet:haar" [] 7 Plain "0 to 1" "share of energy at 8 to 16 bars";
        "haar_energy_4" "wavelet:haar" [] 8 Plain "0 to 1" "share of energy at 16 to 32 bars";
        "haar_energy_5" "wavelet:haar" [] 9 Plain "0 to 1" "share of energy at 32 to 64 bars";
        "haar_smooth_slope" "wavelet:haar" [] 10 Plain "rms" "slope of the smooth";
        "haar_entropy" "wavelet:haar" [] 11 Plain "0 to 1" "entropy of the shares of energy";
        "db4_detail_1" "wavelet:db4" [] 0 Plain "rms" "detail at 2 to 4 bars";
        "db4_detail_2" "wavelet:db4" [] 1 Plain "rms" "detail at 4 to 8 bars";
        "db4_detail_3" "wavelet:db4" [] 2 Plain "rms" "detail at 8 to 16 bars";
        "db4_detail_4" "wavelet:db4" [] 3 Plain "rms" "detail at 16 to 32 bars";
        "db4_detail_5" "wavelet:db4" [] 4 Plain "rms" "detail at 32 to 64 bars";
        "db4_energy_1" "wavelet:db4" [] 5 Plain "0 to 1" "share of energy at 2 to 4 bars";
        "db4_energy_2" "wavelet:db4" [] 6 Plain "0 to 1" "share of energy at 4 to 8 bars";
        "db4_energy_3" "wavelet:db4" [] 7 Plain "0 to 1" "share of energy at 8 to 16 bars";
        "db4_energy_4" "wavelet:db4" [] 8 Plain "0 to 1" "share of energy at 16 to 32 bars";
        "db4_energy_5" "wavelet:db4" [] 9 Plain "0 to 1" "share of energy at 32 to 64 bars";
        "db4_smooth_slope" "wavelet:db4" [] 10 Plain "rms" "slope of the smooth";
        "db4_entropy" "wavelet:db4" [] 11 Plain "0 to 1" "entropy of the shares of energy";
    },
};
