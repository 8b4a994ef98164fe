//! Every function of TA-Lib that needs nothing but arithmetic, as a streaming [`Indicator`] over closed bars.
//!
//! The crate's handle is opened on the shortest history that gives a value, so that each value has the bits that the
//! crate's own batch call has from the first bar on. Functions that call the C library's elementary functions are not
//! here: their bits differ between machines. Nor are those that answer a place in the series (MAXINDEX and its kin).

use ta_lib::{Core, MAType, RetCode};

use super::Indicator;
use crate::features::candle::Candle;

/// What a function is, for lists and checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Function {
    /// TA-Lib's name.
    pub name: &'static str,
    /// The names of its parameters, in order.
    pub parameters: &'static [&'static str],
    /// How many values it has a bar.
    pub outputs: usize,
    /// Whether it reads the volume.
    pub volume: bool,
}

/// The bars seen before the first value.
#[derive(Default)]
struct History {
    open: Vec<f64>,
    high: Vec<f64>,
    low: Vec<f64>,
    close: Vec<f64>,
    volume: Vec<f64>,
}

/// A function's values as the crate returns them.
trait Values {
    fn write(self, out: &mut [Option<f64>]);
}

macro_rules! values {
    ($($type:ty => |$value:ident| [$($part:expr),+];)*) => {
        $(impl Values for $type {
            #[inline]
            fn write(self, out: &mut [Option<f64>]) {
                let $value = self;
                for (slot, value) in out.iter_mut().zip([$($part),+]) {
                    // The crate answers infinity or NaN where it divides by zero: there is no value there.
                    *slot = f64::is_finite(value).then_some(value);
                }
            }
        })*
    };
}
values! {
    f64 => |v| [v];
    i32 => |v| [f64::from(v)];
    (f64, f64) => |v| [v.0, v.1];
    (i32, i32) => |v| [f64::from(v.0), f64::from(v.1)];
    (f64, i32) => |v| [v.0, f64::from(v.1)];
    (f64, f64, f64) => |v| [v.0, v.1, v.2];
    (f64, f64, f64, f64) => |v| [v.0, v.1, v.2, v.3];
}

/// A handle of the crate once enough bars were seen; until then those bars.
struct Streamed<S, O, U> {
    history: History,
    seen: usize,
    lookback: usize,
    volume: bool,
    stream: Option<S>,
    open: O,
    update: U,
}

impl<S, V, O, U> Indicator for Streamed<S, O, U>
where
    S: Send,
    V: Values,
    O: Fn(&History) -> Result<(S, V), RetCode> + Send,
    U: Fn(&mut S, &Candle, f64) -> Result<V, RetCode> + Send,
{
    fn warm_up(&self) -> u32 {
        self.lookback as u32
    }

    fn update(&mut self, bar: &Candle, out: &mut [Option<f64>]) {
        let volume = match bar.volume {
            Some(volume) => volume,
            None if self.volume => return out.fill(None),
            None => 0.0,
        };
        if let Some(stream) = &mut self.stream {
            match (self.update)(stream, bar, volume) {
                Ok(values) => values.write(out),
                Err(_) => out.fill(None),
            }
            return;
        }
        out.fill(None);
        self.history.open.push(bar.open);
        self.history.high.push(bar.high);
        self.history.low.push(bar.low);
        self.history.close.push(bar.close);
        self.history.volume.push(volume);
        self.seen += 1;
        if self.seen > self.lookback
            && let Ok((stream, values)) = (self.open)(&self.history)
        {
            self.stream = Some(stream);
            self.history = History::default();
            values.write(out);
        }
    }
}

fn integer(value: f64) -> Option<i32> {
    (value == value.trunc() && value.abs() < 1e9).then_some(value as i32)
}

fn real(value: f64) -> Option<f64> {
    value.is_finite().then_some(value)
}

/// A kind of moving average by TA-Lib's number; those that need elementary functions are not to be had here.
fn average(value: f64) -> Option<MAType> {
    let kind = MAType::try_from(integer(value)?).ok()?;
    (!matches!(kind, MAType::MAMA | MAType::ALMA)).then_some(kind)
}

macro_rules! input {
    ($bar:ident $volume:ident volume) => {
        $volume
    };
    ($bar:ident $volume:ident $field:ident) => {
        $bar.$field
    };
}

macro_rules! functions {
    ($(
        $name:literal $stream:ident $open:ident $lookback:ident
            ($($input:ident)+) ($($parameter:ident $kind:ident),*) $outputs:literal;
    )*) => {
        /// Every function, by name.
        pub const FUNCTIONS: &[Function] = &[$(Function {
            name: $name,
            parameters: &[$(stringify!($parameter)),*],
            outputs: $outputs,
            volume: $(matches!(stringify!($input).as_bytes(), b"volume"))||+,
        },)*];

        /// The function of this name with these parameters; `None` where there is none such or a parameter is out of
        /// its range.
        pub fn make(name: &str, parameters: &[f64]) -> Option<Box<dyn Indicator>> {
            let function = FUNCTIONS.iter().find(|function| function.name == name)?;
            if function.parameters.len() != parameters.len() {
                return None;
            }
            let core = Core::new();
            let mut given = parameters.iter().copied();
            match name {
                $($name => {
                    $(let $parameter = $kind(given.next()?)?;)*
                    let lookback = core.$lookback($($parameter),*).ok()?;
                    Some(Box::new(Streamed {
                        history: History::default(),
                        seen: 0,
                        lookback,
                        volume: function.volume,
                        stream: None,
                        open: move |history: &History| core.$open($(&history.$input),+ $(, $parameter)*),
                        update: |stream: &mut ta_lib::$stream, bar: &Candle, volume: f64| {
                            let _ = (bar, volume);
                            stream.update($(input!(bar volume $input)),+)
                        },
                    }))
                })*
                _ => None,
            }
        }
    };
}

functions! {
    "AC" AcStream ac_open ac_lookback
        (high low) (fast_period integer, slow_period integer, signal_period integer) 1;
    "ACCBANDS" AccbandsStream accbands_open accbands_lookback (high low close) (time_period integer) 3;
    "AD" AdStream ad_open ad_lookback (high low close volume) () 1;
    "ADOSC" AdoscStream adosc_open adosc_lookback
        (high low close volume) (fast_period integer, slow_period integer) 1;
    "ADR" AdrStream adr_open adr_lookback (high low) (time_period integer) 1;
    "ADX" AdxStream adx_open adx_lookback (high low close) (time_period integer) 1;
    "ADXR" AdxrStream adxr_open adxr_lookback (high low close) (time_period integer) 1;
    "AO" AoStream ao_open ao_lookback (high low) (fast_period integer, slow_period integer) 1;
    "APO" ApoStream apo_open apo_lookback (close) (fast_period integer, slow_period integer, ma_type average) 1;
    "AROON" AroonStream aroon_open aroon_lookback (high low) (time_period integer) 2;
    "AROONOSC" AroonoscStream aroonosc_open aroonosc_lookback (high low) (time_period integer) 1;
    "ASI" AsiStream asi_open asi_lookback (open high low close) (limit_move real) 1;
    "ATR" AtrStream atr_open atr_lookback (high low close) (time_period integer) 1;
    "AVGDEV" AvgdevStream avgdev_open avgdev_lookback (close) (time_period integer) 1;
    "AVGPRICE" AvgpriceStream avgprice_open avgprice_lookback (open high low close) () 1;
    "BBANDS" BbandsStream bbands_open bbands_lookback
        (close) (time_period integer, nb_dev_up real, nb_dev_dn real, ma_type average) 3;
    "BBW" BbwStream bbw_open bbw_lookback
        (close) (time_period integer, nb_dev_up real, nb_dev_dn real, ma_type average) 1;
    "BETA" BetaStream beta_open beta_lookback (high low) (time_period integer) 1;
    "BOP" BopStream bop_open bop_lookback (open high low close) () 1;
    "CCI" CciStream cci_open cci_lookback (high low close) (time_period integer) 1;
    "CDL2CROWS" Cdl2crowsStream cdl2crows_open cdl2crows_lookback (open high low close) () 1;
    "CDL3BLACKCROWS" Cdl3blackcrowsStream cdl3blackcrows_open cdl3blackcrows_lookback
        (open high low close) () 1;
    "CDL3INSIDE" Cdl3insideStream cdl3inside_open cdl3inside_lookback (open high low close) () 1;
    "CDL3LINESTRIKE" Cdl3linestrikeStream cdl3linestrike_open cdl3linestrike_lookback
        (open high low close) () 1;
    "CDL3OUTSIDE" Cdl3outsideStream cdl3outside_open cdl3outside_lookback (open high low close) () 1;
    "CDL3STARSINSOUTH" Cdl3starsinsouthStream cdl3starsinsouth_open cdl3starsinsouth_lookback
        (open high low close) () 1;
    "CDL3WHITESOLDIERS" Cdl3whitesoldiersStream cdl3whitesoldiers_open cdl3whitesoldiers_lookback
        (open high low close) () 1;
    "CDLABANDONEDBABY" CdlabandonedbabyStream cdlabandonedbaby_open cdlabandonedbaby_lookback
        (open high low close) (penetration real) 1;
    "CDLADVANCEBLOCK" CdladvanceblockStream cdladvanceblock_open cdladvanceblock_lookback
        (open high low close) () 1;
    "CDLBELTHOLD" CdlbeltholdStream cdlbelthold_open cdlbelthold_lookback (open high low close) () 1;
    "CDLBREAKAWAY" CdlbreakawayStream cdlbreakaway_open cdlbreakaway_lookback (open high low close) () 1;
    "CDLCLOSINGMARUBOZU" CdlclosingmarubozuStream cdlclosingmarubozu_open cdlclosingmarubozu_lookback
        (open high low close) () 1;
    "CDLCONCEALBABYSWALL" CdlconcealbabyswallStream cdlconcealbabyswall_open cdlconcealbabyswall_lookback
        (open high low close) () 1;
    "CDLCOUNTERATTACK" CdlcounterattackStream cdlcounterattack_open cdlcounterattack_lookback
        (open high low close) () 1;
    "CDLDARKCLOUDCOVER" CdldarkcloudcoverStream cdldarkcloudcover_open cdldarkcloudcover_lookback
        (open high low close) (penetration real) 1;
    "CDLDOJI" CdldojiStream cdldoji_open cdldoji_lookback (open high low close) () 1;
    "CDLDOJISTAR" CdldojistarStream cdldojistar_open cdldojistar_lookback (open high low close) () 1;
    "CDLDRAGONFLYDOJI" CdldragonflydojiStream cdldragonflydoji_open cdldragonflydoji_lookback
        (open high low close) () 1;
    "CDLENGULFING" CdlengulfingStream cdlengulfing_open cdlengulfing_lookback (open high low close) () 1;
    "CDLEVENINGDOJISTAR" CdleveningdojistarStream cdleveningdojistar_open cdleveningdojistar_lookback
        (open high low close) (penetration real) 1;
    "CDLEVENINGSTAR" CdleveningstarStream cdleveningstar_open cdleveningstar_lookback
        (open high low close) (penetration real) 1;
    "CDLGAPSIDESIDEWHITE" CdlgapsidesidewhiteStream cdlgapsidesidewhite_open cdlgapsidesidewhite_lookback
        (open high low close) () 1;
    "CDLGRAVESTONEDOJI" CdlgravestonedojiStream cdlgravestonedoji_open cdlgravestonedoji_lookback
        (open high low close) () 1;
    "CDLHAMMER" CdlhammerStream cdlhammer_open cdlhammer_lookback (open high low close) () 1;
    "CDLHANGINGMAN" CdlhangingmanStream cdlhangingman_open cdlhangingman_lookback (open high low close) () 1;
    "CDLHARAMI" CdlharamiStream cdlharami_open cdlharami_lookback (open high low close) () 1;
    "CDLHARAMICROSS" CdlharamicrossStream cdlharamicross_open cdlharamicross_lookback
        (open high low close) () 1;
    "CDLHIGHWAVE" CdlhighwaveStream cdlhighwave_open cdlhighwave_lookback (open high low close) () 1;
    "CDLHIKKAKE" CdlhikkakeStream cdlhikkake_open cdlhikkake_lookback (open high low close) () 1;
    "CDLHIKKAKEMOD" CdlhikkakemodStream cdlhikkakemod_open cdlhikkakemod_lookback (open high low close) () 1;
    "CDLHOMINGPIGEON" CdlhomingpigeonStream cdlhomingpigeon_open cdlhomingpigeon_lookback
        (open high low close) () 1;
    "CDLIDENTICAL3CROWS" Cdlidentical3crowsStream cdlidentical3crows_open cdlidentical3crows_lookback
        (open high low close) () 1;
    "CDLINNECK" CdlinneckStream cdlinneck_open cdlinneck_lookback (open high low close) () 1;
    "CDLINVERTEDHAMMER" CdlinvertedhammerStream cdlinvertedhammer_open cdlinvertedhammer_lookback
        (open high low close) () 1;
    "CDLKICKING" CdlkickingStream cdlkicking_open cdlkicking_lookback (open high low close) () 1;
    "CDLKICKINGBYLENGTH" CdlkickingbylengthStream cdlkickingbylength_open cdlkickingbylength_lookback
        (open high low close) () 1;
    "CDLLADDERBOTTOM" CdlladderbottomStream cdlladderbottom_open cdlladderbottom_lookback
        (open high low close) () 1;
    "CDLLONGLEGGEDDOJI" CdllongleggeddojiStream cdllongleggeddoji_open cdllongleggeddoji_lookback
        (open high low close) () 1;
    "CDLLONGLINE" CdllonglineStream cdllongline_open cdllongline_lookback (open high low close) () 1;
    "CDLMARUBOZU" CdlmarubozuStream cdlmarubozu_open cdlmarubozu_lookback (open high low close) () 1;
    "CDLMATCHINGLOW" CdlmatchinglowStream cdlmatchinglow_open cdlmatchinglow_lookback
        (open high low close) () 1;
    "CDLMATHOLD" CdlmatholdStream cdlmathold_open cdlmathold_lookback
        (open high low close) (penetration real) 1;
    "CDLMORNINGDOJISTAR" CdlmorningdojistarStream cdlmorningdojistar_open cdlmorningdojistar_lookback
        (open high low close) (penetration real) 1;
    "CDLMORNINGSTAR" CdlmorningstarStream cdlmorningstar_open cdlmorningstar_lookback
        (open high low close) (penetration real) 1;
    "CDLONNECK" CdlonneckStream cdlonneck_open cdlonneck_lookback (open high low close) () 1;
    "CDLPIERCING" CdlpiercingStream cdlpiercing_open cdlpiercing_lookback (open high low close) () 1;
    "CDLRICKSHAWMAN" CdlrickshawmanStream cdlrickshawman_open cdlrickshawman_lookback
        (open high low close) () 1;
    "CDLRISEFALL3METHODS" Cdlrisefall3methodsStream cdlrisefall3methods_open cdlrisefall3methods_lookback
        (open high low close) () 1;
    "CDLSEPARATINGLINES" CdlseparatinglinesStream cdlseparatinglines_open cdlseparatinglines_lookback
        (open high low close) () 1;
    "CDLSHOOTINGSTAR" CdlshootingstarStream cdlshootingstar_open cdlshootingstar_lookback
        (open high low close) () 1;
    "CDLSHORTLINE" CdlshortlineStream cdlshortline_open cdlshortline_lookback (open high low close) () 1;
    "CDLSPINNINGTOP" CdlspinningtopStream cdlspinningtop_open cdlspinningtop_lookback
        (open high low close) () 1;
    "CDLSTALLEDPATTERN" CdlstalledpatternStream cdlstalledpattern_open cdlstalledpattern_lookback
        (open high low close) () 1;
    "CDLSTICKSANDWICH" CdlsticksandwichStream cdlsticksandwich_open cdlsticksandwich_lookback
        (open high low close) () 1;
    "CDLTAKURI" CdltakuriStream cdltakuri_open cdltakuri_lookback (open high low close) () 1;
    "CDLTASUKIGAP" CdltasukigapStream cdltasukigap_open cdltasukigap_lookback (open high low close) () 1;
    "CDLTHRUSTING" CdlthrustingStream cdlthrusting_open cdlthrusting_lookback (open high low close) () 1;
    "CDLTRISTAR" CdltristarStream cdltristar_open cdltristar_lookback (open high low close) () 1;
    "CDLUNIQUE3RIVER" Cdlunique3riverStream cdlunique3river_open cdlunique3river_lookback
        (open high low close) () 1;
    "CDLUPSIDEGAP2CROWS" Cdlupsidegap2crowsStream cdlupsidegap2crows_open cdlupsidegap2crows_lookback
        (open high low close) () 1;
    "CDLXSIDEGAP3METHODS" Cdlxsidegap3methodsStream cdlxsidegap3methods_open cdlxsidegap3methods_lookback
        (open high low close) () 1;
    "CG" CgStream cg_open cg_lookback (close) (time_period integer) 1;
    "CKSP" CkspStream cksp_open cksp_lookback
        (high low close) (time_period integer, multiplier real, stop_period integer) 2;
    "CMF" CmfStream cmf_open cmf_lookback (high low close volume) (time_period integer) 1;
    "CMO" CmoStream cmo_open cmo_lookback (close) (time_period integer) 1;
    "CMOU" CmouStream cmou_open cmou_lookback (close) (time_period integer) 1;
    "COPPOCK" CoppockStream coppock_open coppock_lookback
        (close) (wma_period integer, roc1_period integer, roc2_period integer) 1;
    "CORREL" CorrelStream correl_open correl_lookback (high low) (time_period integer) 1;
    "CRSI" CrsiStream crsi_open crsi_lookback
        (close) (time_period integer, streak_period integer, rank_period integer) 1;
    "CTI" CtiStream cti_open cti_lookback (close) (time_period integer) 1;
    "CUMSUM" CumsumStream cumsum_open cumsum_lookback (close) () 1;
    "CVI" CviStream cvi_open cvi_lookback (high low) (time_period integer, roc_period integer) 1;
    "DEMA" DemaStream dema_open dema_lookback (close) (time_period integer) 1;
    "DONCHIAN" DonchianStream donchian_open donchian_lookback (high low) (time_period integer) 3;
    "DOSC" DoscStream dosc_open dosc_lookback
        (close) (time_period integer, first_period integer, second_period integer, signal_period integer) 1;
    "DPO" DpoStream dpo_open dpo_lookback (close) (time_period integer) 1;
    "DX" DxStream dx_open dx_lookback (high low close) (time_period integer) 1;
    "EFI" EfiStream efi_open efi_lookback (close volume) (time_period integer) 1;
    "EMA" EmaStream ema_open ema_lookback (close) (time_period integer) 1;
    "EMV" EmvStream emv_open emv_lookback (high low volume) (time_period integer, volume_divisor real) 1;
    "ER" ErStream er_open er_lookback (close) (time_period integer) 1;
    "ERI" EriStream eri_open eri_lookback (high low close) (time_period integer) 2;
    "FOSC" FoscStream fosc_open fosc_lookback (close) (time_period integer) 1;
    "FRACTAL" FractalStream fractal_open fractal_lookback (high low) (left_bars integer, right_bars integer) 2;
    "HA" HaStream ha_open ha_lookback (open high low close) () 4;
    "HMA" HmaStream hma_open hma_lookback (close) (time_period integer) 1;
    "IBS" IbsStream ibs_open ibs_lookback (high low close) () 1;
    "ICHIMOKU" IchimokuStream ichimoku_open ichimoku_lookback
        (high low) (tenkan_period integer, kijun_period integer, senkou_b_period integer) 4;
    "IMI" ImiStream imi_open imi_lookback (open close) (time_period integer) 1;
    "KAMA" KamaStream kama_open kama_lookback (close) (time_period integer) 1;
    "KC" KcStream kc_open kc_lookback (high low close) (time_period integer, atr_period integer, nb_dev real) 3;
    "KDJ" KdjStream kdj_open kdj_lookback
        (high low close) (fast_k_period integer, slow_k_period integer, slow_k_ma_type average,
        slow_d_period integer, slow_d_ma_type average) 3;
    "KST" KstStream kst_open kst_lookback
        (close) (roc1_period integer, roc2_period integer, roc3_period integer, roc4_period integer,
        sma1_period integer, sma2_period integer, sma3_period integer, sma4_period integer, signal_period
        integer) 2;
    "KSTEXT" KstextStream kstext_open kstext_lookback
        (close) (roc1_period integer, roc2_period integer, roc3_period integer, roc4_period integer,
        ma1_period integer, ma2_period integer, ma3_period integer, ma4_period integer, signal_period
        integer, roc_ma_type average, signal_ma_type average) 2;
    "KURTOSIS" KurtosisStream kurtosis_open kurtosis_lookback (close) (time_period integer) 1;
    "KVO" KvoStream kvo_open kvo_lookback
        (high low close volume) (fast_period integer, slow_period integer, signal_period integer) 2;
    "LINEARREG" LinearregStream linearreg_open linearreg_lookback (close) (time_period integer) 1;
    "LINEARREG_INTERCEPT" LinearregInterceptStream linearreg_intercept_open linearreg_intercept_lookback
        (close) (time_period integer) 1;
    "LINEARREG_SLOPE" LinearregSlopeStream linearreg_slope_open linearreg_slope_lookback
        (close) (time_period integer) 1;
    "MACD" MacdStream macd_open macd_lookback
        (close) (fast_period integer, slow_period integer, signal_period integer) 3;
    "MACDEXT" MacdextStream macdext_open macdext_lookback
        (close) (fast_period integer, fast_ma_type average, slow_period integer, slow_ma_type average,
        signal_period integer, signal_ma_type average) 3;
    "MACDFIX" MacdfixStream macdfix_open macdfix_lookback (close) (signal_period integer) 3;
    "MARKETFI" MarketfiStream marketfi_open marketfi_lookback (high low volume) () 1;
    "MASSI" MassiStream massi_open massi_lookback (high low) (fast_period integer, slow_period integer) 1;
    "MAX" MaxStream max_open max_lookback (close) (time_period integer) 1;
    "MCGD" McgdStream mcgd_open mcgd_lookback (close) (time_period integer) 1;
    "MEDIAN" MedianStream median_open median_lookback (close) (time_period integer) 1;
    "MEDPRICE" MedpriceStream medprice_open medprice_lookback (high low) () 1;
    "MFI" MfiStream mfi_open mfi_lookback (high low close volume) (time_period integer) 1;
    "MIDPOINT" MidpointStream midpoint_open midpoint_lookback (close) (time_period integer) 1;
    "MIDPRICE" MidpriceStream midprice_open midprice_lookback (high low) (time_period integer) 1;
    "MIN" MinStream min_open min_lookback (close) (time_period integer) 1;
    "MINMAX" MinmaxStream minmax_open minmax_lookback (close) (time_period integer) 2;
    "MINUS_DI" MinusDiStream minus_di_open minus_di_lookback (high low close) (time_period integer) 1;
    "MINUS_DM" MinusDmStream minus_dm_open minus_dm_lookback (high low) (time_period integer) 1;
    "MOM" MomStream mom_open mom_lookback (close) (time_period integer) 1;
    "NATR" NatrStream natr_open natr_lookback (high low close) (time_period integer) 1;
    "NVI" NviStream nvi_open nvi_lookback (close volume) () 1;
    "OBV" ObvStream obv_open obv_lookback (close volume) () 1;
    "PERCENTB" PercentbStream percentb_open percentb_lookback
        (close) (time_period integer, nb_dev_up real, nb_dev_dn real, ma_type average) 1;
    "PERCENTILE" PercentileStream percentile_open percentile_lookback
        (close) (time_period integer, percentile real) 1;
    "PERCENTRANK" PercentrankStream percentrank_open percentrank_lookback (close) (time_period integer) 1;
    "PLUS_DI" PlusDiStream plus_di_open plus_di_lookback (high low close) (time_period integer) 1;
    "PLUS_DM" PlusDmStream plus_dm_open plus_dm_lookback (high low) (time_period integer) 1;
    "PPO" PpoStream ppo_open ppo_lookback (close) (fast_period integer, slow_period integer, ma_type average) 1;
    "PVI" PviStream pvi_open pvi_lookback (close volume) () 1;
    "PVO" PvoStream pvo_open pvo_lookback
        (volume) (fast_period integer, slow_period integer, ma_type average) 1;
    "PVT" PvtStream pvt_open pvt_lookback (close volume) () 1;
    "QSTICK" QstickStream qstick_open qstick_lookback (open close) (time_period integer) 1;
    "RMA" RmaStream rma_open rma_lookback (close) (time_period integer) 1;
    "ROC" RocStream roc_open roc_lookback (close) (time_period integer) 1;
    "ROCP" RocpStream rocp_open rocp_lookback (close) (time_period integer) 1;
    "ROCR" RocrStream rocr_open rocr_lookback (close) (time_period integer) 1;
    "ROCR100" Rocr100Stream rocr100_open rocr100_lookback (close) (time_period integer) 1;
    "RSI" RsiStream rsi_open rsi_lookback (close) (time_period integer) 1;
    "RVI" RviStream rvi_open rvi_lookback (close) (time_period integer, std_dev_period integer) 1;
    "RVIR" RvirStream rvir_open rvir_lookback (high low) (time_period integer, std_dev_period integer) 1;
    "RVOL" RvolStream rvol_open rvol_lookback (volume) (time_period integer) 1;
    "SAR" SarStream sar_open sar_lookback (high low) (acceleration real, maximum real) 1;
    "SAREXT" SarextStream sarext_open sarext_lookback
        (high low) (start_value real, offset_on_reverse real, acceleration_init_long real, acceleration_long
        real, acceleration_max_long real, acceleration_init_short real, acceleration_short real,
        acceleration_max_short real) 1;
    "SI" SiStream si_open si_lookback (open high low close) (limit_move real) 1;
    "SMA" SmaStream sma_open sma_lookback (close) (time_period integer) 1;
    "SMI" SmiStream smi_open smi_lookback
        (high low close) (time_period integer, fast_period integer, slow_period integer, signal_period
        integer) 2;
    "SQZMOM" SqzmomStream sqzmom_open sqzmom_lookback
        (high low close) (bb_period integer, nb_dev real, kc_period integer, factor_wide real, factor_normal
        real, factor_narrow real) 2;
    "STC" StcStream stc_open stc_lookback
        (close) (fast_period integer, slow_period integer, cycle_period integer) 1;
    "STDDEV" StddevStream stddev_open stddev_lookback (close) (time_period integer, nb_dev real) 1;
    "STOCH" StochStream stoch_open stoch_lookback
        (high low close) (fast_k_period integer, slow_k_period integer, slow_k_ma_type average,
        slow_d_period integer, slow_d_ma_type average) 2;
    "STOCHF" StochfStream stochf_open stochf_lookback
        (high low close) (fast_k_period integer, fast_d_period integer, fast_d_ma_type average) 2;
    "STOCHRSI" StochrsiStream stochrsi_open stochrsi_lookback
        (close) (time_period integer, fast_k_period integer, fast_d_period integer, fast_d_ma_type average)
        2;
    "SUM" SumStream sum_open sum_lookback (close) (time_period integer) 1;
    "SUPERTREND" SupertrendStream supertrend_open supertrend_lookback
        (high low close) (time_period integer, multiplier real) 2;
    "T3" T3Stream t3_open t3_lookback (close) (time_period integer, v_factor real) 1;
    "TEMA" TemaStream tema_open tema_lookback (close) (time_period integer) 1;
    "TRANGE" TrangeStream trange_open trange_lookback (high low close) () 1;
    "TRIMA" TrimaStream trima_open trima_lookback (close) (time_period integer) 1;
    "TRIX" TrixStream trix_open trix_lookback (close) (time_period integer) 1;
    "TSF" TsfStream tsf_open tsf_lookback (close) (time_period integer) 1;
    "TSI" TsiStream tsi_open tsi_lookback (close) (first_period integer, second_period integer) 1;
    "TYPPRICE" TyppriceStream typprice_open typprice_lookback (high low close) () 1;
    "ULTOSC" UltoscStream ultosc_open ultosc_lookback
        (high low close) (time_period1 integer, time_period2 integer, time_period3 integer) 1;
    "VAR" VarStream var_open var_lookback (close) (time_period integer, nb_dev real) 1;
    "VHF" VhfStream vhf_open vhf_lookback (close) (time_period integer) 1;
    "VIDYA" VidyaStream vidya_open vidya_lookback (close) (time_period integer, cmo_period integer) 1;
    "VORTEX" VortexStream vortex_open vortex_lookback (high low close) (time_period integer) 2;
    "VWAP" VwapStream vwap_open vwap_lookback (high low close volume) () 1;
    "VWMA" VwmaStream vwma_open vwma_lookback (close volume) (time_period integer) 1;
    "WAD" WadStream wad_open wad_lookback (high low close) () 1;
    "WAVETREND" WavetrendStream wavetrend_open wavetrend_lookback
        (high low close) (channel_period integer, average_period integer, signal_period integer) 2;
    "WCLPRICE" WclpriceStream wclprice_open wclprice_lookback (high low close) () 1;
    "WILLR" WillrStream willr_open willr_lookback (high low close) (time_period integer) 1;
    "WMA" WmaStream wma_open wma_lookback (close) (time_period integer) 1;
    "ZLEMA" ZlemaStream zlema_open zlema_lookback (close) (time_period integer) 1;
}
