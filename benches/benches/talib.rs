//! How much does an indicator cost beyond the call of TA-Lib that is inside of it?
//!
//! Every function of TA-Lib that the catalogue has, at the catalogue's parameters, a bar at a time: the handles of
//! crate `ta-lib` called directly, and as indicators behind one trait, whose values are options and finite.
//! `cargo bench -p genovo-benches --bench talib`

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use genovo_benches::bar;
use genovo_engine::features::candle::Candle;
use genovo_engine::features::indicators::{Made, make};
use ta_lib::{Core, MAType};

/// Bars before the first that is timed: past every warm-up.
const BEFORE: i64 = 1_000;

macro_rules! input {
    ($bar:ident volume) => {
        $bar.volume.unwrap_or(0.0)
    };
    ($bar:ident $field:ident) => {
        $bar.$field
    };
}

macro_rules! functions {
    ($($id:ident $name:literal [$($number:literal),*] $open:ident ($($input:ident)+) ($($parameter:expr),*);)*) => {
        /// The same functions as indicators.
        fn indicators() -> Vec<Made> {
            vec![$(make($name, &[$($number),*]).expect($name)),*]
        }

        /// A bar through every handle.
        fn bare(criterion: &mut Criterion, name: &str) {
            let bars: Vec<Candle> = (0..BEFORE).map(bar).collect();
            $(
                let mut $id = {
                    $(let $input: Vec<f64> = bars.iter().map(|bar| input!(bar $input)).collect();)+
                    Core::new().$open($(&$input),+ $(, $parameter)*).expect($name).0
                };
            )*
            let mut index = BEFORE;
            criterion.benchmark_group(name).throughput(Throughput::Elements(1)).bench_function(
                "the crate's handles",
                |bencher| {
                    bencher.iter(|| {
                        let bar = black_box(bar(index));
                        $(let _ = black_box($id.update($(input!(bar $input)),+));)*
                        index += 1;
                    });
                },
            );
        }
    };
}

functions! {
    adosc_3_10 "ADOSC" [3.0, 10.0] adosc_open (high low close volume) (3, 10);
    adx_14 "ADX" [14.0] adx_open (high low close) (14);
    ao_5_34 "AO" [5.0, 34.0] ao_open (high low) (5, 34);
    aroonosc_14 "AROONOSC" [14.0] aroonosc_open (high low) (14);
    aroonosc_50 "AROONOSC" [50.0] aroonosc_open (high low) (50);
    bbw_20_2_2_0 "BBW" [20.0, 2.0, 2.0, 0.0] bbw_open (close) (20, 2.0, 2.0, MAType::SMA);
    beta_20 "BETA" [20.0] beta_open (high low) (20);
    bop "BOP" [] bop_open (open high low close) ();
    cci_14 "CCI" [14.0] cci_open (high low close) (14);
    cci_28 "CCI" [28.0] cci_open (high low close) (28);
    cdl3inside "CDL3INSIDE" [] cdl3inside_open (open high low close) ();
    cdl3outside "CDL3OUTSIDE" [] cdl3outside_open (open high low close) ();
    cdlbelthold "CDLBELTHOLD" [] cdlbelthold_open (open high low close) ();
    cdlclosingmarubozu "CDLCLOSINGMARUBOZU" [] cdlclosingmarubozu_open (open high low close) ();
    cdldarkcloudcover_0 "CDLDARKCLOUDCOVER" [0.5] cdldarkcloudcover_open (open high low close) (0.5);
    cdldoji "CDLDOJI" [] cdldoji_open (open high low close) ();
    cdldragonflydoji "CDLDRAGONFLYDOJI" [] cdldragonflydoji_open (open high low close) ();
    cdlengulfing "CDLENGULFING" [] cdlengulfing_open (open high low close) ();
    cdleveningstar_0 "CDLEVENINGSTAR" [0.3] cdleveningstar_open (open high low close) (0.3);
    cdlgravestonedoji "CDLGRAVESTONEDOJI" [] cdlgravestonedoji_open (open high low close) ();
    cdlhammer "CDLHAMMER" [] cdlhammer_open (open high low close) ();
    cdlhangingman "CDLHANGINGMAN" [] cdlhangingman_open (open high low close) ();
    cdlharami "CDLHARAMI" [] cdlharami_open (open high low close) ();
    cdlhighwave "CDLHIGHWAVE" [] cdlhighwave_open (open high low close) ();
    cdlhikkake "CDLHIKKAKE" [] cdlhikkake_open (open high low close) ();
    cdlinvertedhammer "CDLINVERTEDHAMMER" [] cdlinvertedhammer_open (open high low close) ();
    cdllongline "CDLLONGLINE" [] cdllongline_open (open high low close) ();
    cdlmarubozu "CDLMARUBOZU" [] cdlmarubozu_open (open high low close) ();
    cdlmatchinglow "CDLMATCHINGLOW" [] cdlmatchinglow_open (open high low close) ();
    cdlmorningstar_0 "CDLMORNINGSTAR" [0.3] cdlmorningstar_open (open high low close) (0.3);
    cdlpiercing "CDLPIERCING" [] cdlpiercing_open (open high low close) ();
    cdlshootingstar "CDLSHOOTINGSTAR" [] cdlshootingstar_open (open high low close) ();
    cdlshortline "CDLSHORTLINE" [] cdlshortline_open (open high low close) ();
    cdlspinningtop "CDLSPINNINGTOP" [] cdlspinningtop_open (open high low close) ();
    cmf_20 "CMF" [20.0] cmf_open (high low close volume) (20);
    cmo_14 "CMO" [14.0] cmo_open (close) (14);
    correl_30 "CORREL" [30.0] correl_open (high low) (30);
    crsi_3_2_100 "CRSI" [3.0, 2.0, 100.0] crsi_open (close) (3, 2, 100);
    cti_12 "CTI" [12.0] cti_open (close) (12);
    cvi_10_10 "CVI" [10.0, 10.0] cvi_open (high low) (10, 10);
    donchian_20 "DONCHIAN" [20.0] donchian_open (high low) (20);
    efi_13 "EFI" [13.0] efi_open (close volume) (13);
    ema_10 "EMA" [10.0] ema_open (close) (10);
    ema_20 "EMA" [20.0] ema_open (close) (20);
    ema_200 "EMA" [200.0] ema_open (close) (200);
    ema_50 "EMA" [50.0] ema_open (close) (50);
    emv_14_100000000 "EMV" [14.0, 100000000.0] emv_open (high low volume) (14, 100000000.0);
    er_10 "ER" [10.0] er_open (close) (10);
    er_50 "ER" [50.0] er_open (close) (50);
    hma_20 "HMA" [20.0] hma_open (close) (20);
    imi_14 "IMI" [14.0] imi_open (open close) (14);
    kama_30 "KAMA" [30.0] kama_open (close) (30);
    kc_20_10_2 "KC" [20.0, 10.0, 2.0] kc_open (high low close) (20, 10, 2.0);
    linearreg_20 "LINEARREG" [20.0] linearreg_open (close) (20);
    linearreg_slope_20 "LINEARREG_SLOPE" [20.0] linearreg_slope_open (close) (20);
    linearreg_slope_50 "LINEARREG_SLOPE" [50.0] linearreg_slope_open (close) (50);
    macd_12_26_9 "MACD" [12.0, 26.0, 9.0] macd_open (close) (12, 26, 9);
    massi_9_25 "MASSI" [9.0, 25.0] massi_open (high low) (9, 25);
    mfi_14 "MFI" [14.0] mfi_open (high low close volume) (14);
    midprice_26 "MIDPRICE" [26.0] midprice_open (high low) (26);
    midprice_9 "MIDPRICE" [9.0] midprice_open (high low) (9);
    minus_di_14 "MINUS_DI" [14.0] minus_di_open (high low close) (14);
    natr_14 "NATR" [14.0] natr_open (high low close) (14);
    natr_50 "NATR" [50.0] natr_open (high low close) (50);
    natr_7 "NATR" [7.0] natr_open (high low close) (7);
    nvi "NVI" [] nvi_open (close volume) ();
    obv "OBV" [] obv_open (close volume) ();
    percentb_50_2_2_0 "PERCENTB" [50.0, 2.0, 2.0, 0.0] percentb_open (close) (50, 2.0, 2.0, MAType::SMA);
    percentrank_200 "PERCENTRANK" [200.0] percentrank_open (close) (200);
    percentrank_50 "PERCENTRANK" [50.0] percentrank_open (close) (50);
    plus_di_14 "PLUS_DI" [14.0] plus_di_open (high low close) (14);
    ppo_12_26_1 "PPO" [12.0, 26.0, 1.0] ppo_open (close) (12, 26, MAType::EMA);
    pvi "PVI" [] pvi_open (close volume) ();
    pvo_12_26_1 "PVO" [12.0, 26.0, 1.0] pvo_open (volume) (12, 26, MAType::EMA);
    pvt "PVT" [] pvt_open (close volume) ();
    qstick_10 "QSTICK" [10.0] qstick_open (open close) (10);
    rsi_14 "RSI" [14.0] rsi_open (close) (14);
    rsi_28 "RSI" [28.0] rsi_open (close) (28);
    rsi_7 "RSI" [7.0] rsi_open (close) (7);
    rvi_14_10 "RVI" [14.0, 10.0] rvi_open (close) (14, 10);
    rvol_20 "RVOL" [20.0] rvol_open (volume) (20);
    sar_0_0 "SAR" [0.02, 0.2] sar_open (high low) (0.02, 0.2);
    smi_13_2_25_9 "SMI" [13.0, 2.0, 25.0, 9.0] smi_open (high low close) (13, 2, 25, 9);
    stc_23_50_10 "STC" [23.0, 50.0, 10.0] stc_open (close) (23, 50, 10);
    stoch_14_3_0_3_0 "STOCH" [14.0, 3.0, 0.0, 3.0, 0.0] stoch_open
        (high low close) (14, 3, MAType::SMA, 3, MAType::SMA);
    stochrsi_14_14_3_0 "STOCHRSI" [14.0, 14.0, 3.0, 0.0] stochrsi_open (close) (14, 14, 3, MAType::SMA);
    supertrend_10_3 "SUPERTREND" [10.0, 3.0] supertrend_open (high low close) (10, 3.0);
    t3_10_0 "T3" [10.0, 0.7] t3_open (close) (10, 0.7);
    trange "TRANGE" [] trange_open (high low close) ();
    trix_15 "TRIX" [15.0] trix_open (close) (15);
    tsi_25_13 "TSI" [25.0, 13.0] tsi_open (close) (25, 13);
    ultosc_7_14_28 "ULTOSC" [7.0, 14.0, 28.0] ultosc_open (high low close) (7, 14, 28);
    vhf_28 "VHF" [28.0] vhf_open (close) (28);
    vortex_14 "VORTEX" [14.0] vortex_open (high low close) (14);
    vwma_20 "VWMA" [20.0] vwma_open (close volume) (20);
}

fn a_bar(criterion: &mut Criterion) {
    let mut indicators = indicators();
    let name = format!("{} functions of TA-Lib, a bar", indicators.len());
    bare(criterion, &name);
    let mut out = [None; 4];
    for index in 0..BEFORE {
        for made in &mut indicators {
            made.indicator.update(&bar(index), &mut out[..made.outputs]);
        }
    }
    let mut index = BEFORE;
    criterion.benchmark_group(&name).throughput(Throughput::Elements(1)).bench_function(
        "as indicators",
        |bencher| {
            bencher.iter(|| {
                let bar = black_box(bar(index));
                for made in &mut indicators {
                    made.indicator.update(&bar, &mut out[..made.outputs]);
                }
                black_box(&out);
                index += 1;
            });
        },
    );
}

criterion_group!(benches, a_bar);
criterion_main!(benches);
