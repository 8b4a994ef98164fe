//! Volume: what was traded, and on which side. Columns are invalid where the data has no sizes.

use super::column::{BarFamily, bar_columns};

/// The family.
pub const FAMILY: BarFamily = BarFamily {
    name: "volume",
    timeframes: 3,
    columns: bar_columns! {
        "mfi_14" "MFI" [14] 0 Plain "0 to 100" "money flow index";
        "cmf_20" "CMF" [20] 0 Plain "±1" "Chaikin's money flow";
        "adosc_z" "ADOSC" [3, 10] 0 Z "sd" "Chaikin's oscillator";
        "obv_z" "OBV" [] 0 Z "sd" "on balance volume";
        "efi_13_z" "EFI" [13] 0 Z "sd" "Elder's force index";
        "pvo" "PVO" [12, 26, 1] 0 Plain "%" "fast less slow average of volume";
        "kvo_z" "kvo" [34, 55, 13] 0 Z "sd" "Klinger's oscillator";
        "rvol_20" "RVOL" [20] 0 Plain "ratio" "volume over its mean";
        "volume_z_50" "volume_z" [50] 0 Plain "sd" "volume against its mean";
        "pvt_z" "PVT" [] 0 Z "sd" "price volume trend";
        "vwap_gap" "session_vwap" [] 0 GapPerAtr "ATR" "the close less the day's average price by volume";
        "emv_14_z" "EMV" [14, 100000000] 0 Z "sd" "ease of movement";
        "nvi_step_z" "NVI" [] 0 StepZ "sd" "step of the negative volume index";
        "pvi_step_z" "PVI" [] 0 StepZ "sd" "step of the positive volume index";
    },
};
