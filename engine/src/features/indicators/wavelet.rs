//! Causal wavelets: the maximal overlap transform of the logarithm of the close (Percival and Walden, "Wavelet Methods
//! for Time Series Analysis", 2000, chapter 5), never looking past the last bar.
//!
//! `W_j[t] = Σ h_l/√2 · V_{j−1}[t − 2^(j−1) l]`, `V_j` alike with g; a level has a value once every tap is inside
//! of the data, which takes `(L − 1)(2^j − 1) + 1` bars.

use genovo_kernels::scalar::fused::ln;

use super::formula::several;
use super::{Indicator, Made};
use crate::features::candle::Candle;
use crate::features::halves::Halves;
use crate::features::kit::{Ring, ratio};

/// The scaling filters g by name: those that PyWavelets calls `rec_lo`.
#[rustfmt::skip]
#[allow(clippy::approx_constant)]
const FILTERS: &[(&str, &[f64])] = &[
    ("haar", &[
        0.7071067811865476,
        0.7071067811865476,
    ]),
    ("db2", &[
        0.48296291314453416,
        0.8365163037378079,
        0.2241438680420134,
        -0.12940952255126037,
    ]),
    ("db4", &[
        0.2303778133088965,
        0.7148465705529157,
        0.6308807679298589,
        -0.027983769416859854,
        -0.18703481171909309,
        0.030841381835560764,
        0.0328830116668852,
        -0.010597401785069032,
    ]),
    ("db6", &[
        0.11154074335010947,
        0.49462389039845306,
        0.7511339080210954,
        0.31525035170919763,
        -0.22626469396543983,
        -0.12976686756726194,
        0.09750160558732304,
        0.027522865530305727,
        -0.03158203931748603,
        0.0005538422011614961,
        0.004777257510945511,
        -0.0010773010853084796,
    ]),
    ("sym4", &[
        0.0322231006040427,
        -0.012603967262037833,
        -0.09921954357684722,
        0.29785779560527736,
        0.8037387518059161,
        0.49761866763201545,
        -0.02963552764599851,
        -0.07576571478927333,
    ]),
    ("sym8", &[
        0.0018899503327594609,
        -0.0003029205147213668,
        -0.01495225833704823,
        0.003808752013890615,
        0.049137179673607506,
        -0.027219029917056003,
        -0.05194583810770904,
        0.3644418948353314,
        0.7771857517005235,
        0.4813596512583722,
        -0.061273359067658524,
        -0.1432942383508097,
        0.007607487324917605,
        0.03169508781149298,
        -0.0005421323317911481,
        -0.0033824159510061256,
    ]),
    ("coif1", &[
        -0.07273261951252645,
        0.3378976624574818,
        0.8525720202116004,
        0.3848648468648578,
        -0.07273261951252645,
        -0.015655728135791993,
    ]),
];

/// The indicator of this name: `modwt:db4` with the number of levels, or `wavelet:db4`.
pub(super) fn make(name: &str, parameters: &[f64]) -> Option<Made> {
    let (kind, wavelet) = name.split_once(':')?;
    let (_, scaling) = FILTERS.iter().find(|(name, _)| *name == wavelet)?;
    match (kind, parameters) {
        ("modwt", &[levels]) if (1.0..=10.0).contains(&levels) && levels == levels.trunc() => {
            let transform = Transform::new(scaling, levels as usize);
            let outputs = levels as usize + 1;
            Some(Made { indicator: Box::new(Levels(transform)), outputs })
        }
        ("wavelet", &[]) => energies(scaling),
        _ => None,
    }
}

/// One level: the smooth of the level before, by age.
struct Level {
    ring: Ring,
    spacing: usize,
}

/// The transform of one series.
pub(super) struct Transform {
    detail: Vec<f64>,
    smooth: Vec<f64>,
    levels: Vec<Level>,
}

impl Transform {
    fn new(scaling: &[f64], levels: usize) -> Transform {
        let root = std::f64::consts::SQRT_2;
        let count = scaling.len();
        // The wavelet filter is the scaling filter backwards with every other sign turned.
        let wavelet =
            (0..count).map(|l| if l % 2 == 0 { scaling[count - 1 - l] } else { -scaling[count - 1 - l] });
        let level = |j: usize| Level { ring: Ring::new((count - 1) * (1 << j) + 1), spacing: 1 << j };
        Transform {
            detail: wavelet.map(|tap| tap / root).collect(),
            smooth: scaling.iter().map(|tap| tap / root).collect(),
            levels: (0..levels).map(level).collect(),
        }
    }

    fn warm_up(&self) -> u32 {
        ((self.detail.len() - 1) * ((1 << self.levels.len()) - 1)) as u32
    }

    /// Takes a value; details by level into `out`, and the last smooth behind them.
    fn push(&mut self, value: f64, out: &mut [Option<f64>]) {
        out.fill(None);
        let mut input = value;
        for (j, level) in self.levels.iter_mut().enumerate() {
            level.ring.push(input);
            if !level.ring.is_full() {
                return;
            }
            let (mut detail, mut smooth) = (0.0, 0.0);
            for (l, (h, g)) in self.detail.iter().zip(&self.smooth).enumerate() {
                let lagged = level.ring.back(l * level.spacing).unwrap_or_default();
                detail += h * lagged;
                smooth += g * lagged;
            }
            out[j] = Some(detail);
            input = smooth;
        }
        out[self.levels.len()] = Some(input);
    }
}

/// The transform itself.
struct Levels(Transform);

impl Indicator for Levels {
    fn warm_up(&self) -> u32 {
        self.0.warm_up()
    }

    fn update(&mut self, bar: &Candle, out: &mut [Option<f64>]) {
        if bar.close > 0.0 {
            self.0.push(ln(bar.close), out);
        } else {
            out.fill(None);
        }
    }
}

const LEVELS: usize = 5;
const WINDOW: usize = 64;

/// Five details in their own root mean squares of the last 64 bars, five shares of energy, the smooth's slope in root
/// mean squares of the first detail, and the entropy of the shares.
fn energies(scaling: &[f64]) -> Option<Made> {
    let mut transform = Transform::new(scaling, LEVELS);
    let mut squares = [(); LEVELS].map(|()| Halves::<f64>::new(WINDOW));
    let mut sums = [None; LEVELS];
    let mut smooth_before = None;
    several(transform.warm_up() + WINDOW as u32 - 1, move |bar| {
        let mut values = [None; LEVELS + 1];
        if bar.close > 0.0 {
            transform.push(ln(bar.close), &mut values);
        }
        for ((squares, sum), value) in squares.iter_mut().zip(&mut sums).zip(&values) {
            if let Some(value) = value {
                *sum = squares.push(value * value);
            }
        }
        let mut out = [None; 12];
        let smooth = values[LEVELS];
        let slope = smooth_before.zip(smooth).map(|(before, now): (f64, f64)| now - before);
        smooth_before = smooth;
        let [Some(a), Some(b), Some(c), Some(d), Some(e)] = sums else { return out };
        if smooth.is_none() {
            return out;
        }
        let energies = [a, b, c, d, e].map(|sum| sum / WINDOW as f64);
        let total: f64 = energies.iter().sum();
        let mut entropy = 0.0;
        for j in 0..LEVELS {
            out[j] = values[j].and_then(|value| ratio(value, energies[j].sqrt()));
            out[LEVELS + j] = ratio(energies[j], total);
            if let Some(share) = out[LEVELS + j].filter(|share| *share > 0.0) {
                entropy -= share * ln(share);
            }
        }
        out[10] = slope.and_then(|slope| ratio(slope, energies[0].sqrt()));
        out[11] = (total > 0.0).then_some(entropy / ln(LEVELS as f64));
        out
    })
}
