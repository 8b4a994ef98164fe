//! Streaming computations over closed bars, by name: those of TA-Lib in capitals, as its documentation lists them, and
//! our own in small letters.
//!
//! An indicator is deterministic in the bars since it was made and nothing else, so that making it anew and feeding it
//! the same bars gives the same state.

mod averages;
mod discriminator;
mod formula;
mod hilbert;
pub mod kalman;
mod oscillators;
mod ranges;
pub mod regime;
pub(crate) mod shapes;
mod statistics;
pub mod talib;
mod volumes;
mod wavelet;

use super::candle::Candle;

/// A computation that takes one closed bar at a time.
pub trait Indicator: Send {
    /// How many bars come before the first value, when every bar has what the indicator reads.
    fn warm_up(&self) -> u32;

    /// Takes a closed bar and sets every output; `None` where there is no value yet, or none at this bar.
    fn update(&mut self, bar: &Candle, out: &mut [Option<f64>]);
}

/// An indicator with its number of outputs.
pub struct Made {
    /// The indicator.
    pub indicator: Box<dyn Indicator>,
    /// How many values it has a bar.
    pub outputs: usize,
}

/// Makes the indicators of one file.
type Maker = fn(&str, &[f64]) -> Option<Made>;

/// The indicator of this name with these parameters; `None` where there is none such or a parameter is out of range.
pub fn make(name: &str, parameters: &[f64]) -> Option<Made> {
    if let Some(function) = talib::FUNCTIONS.iter().find(|function| function.name == name) {
        let indicator = talib::make(name, parameters)?;
        return Some(Made { indicator, outputs: function.outputs });
    }
    let rooms: [Maker; 10] = [
        averages::make,
        hilbert::make,
        kalman::make,
        oscillators::make,
        ranges::make,
        regime::make,
        shapes::make,
        statistics::make,
        volumes::make,
        wavelet::make,
    ];
    rooms.iter().find_map(|room| room(name, parameters))
}

/// Indicators of which one computation has all: its name, and theirs with the place of each one's first output. They
/// share what costs most, and what each says is to the bit what it says alone.
const TOGETHER: [(&str, &[(&str, usize)]); 3] = [
    (
        "parkinson+garman_klass+rogers_satchell+yang_zhang",
        &[("parkinson", 0), ("garman_klass", 1), ("rogers_satchell", 2), ("yang_zhang", 3)],
    ),
    ("skew+kurtosis+r_squared", &[("skew", 0), ("kurtosis", 1), ("r_squared", 2)]),
    ("HT_DCPERIOD+HT_PHASOR", &[("HT_DCPERIOD", 0), ("HT_PHASOR", 1)]),
];

/// The computation that has this indicator and another one that is wanted too, by `others`, and the place of its first
/// output there.
pub(super) fn together(name: &str, others: impl Fn(&str) -> bool) -> Option<(&'static str, usize)> {
    TOGETHER.iter().find_map(|(together, members)| {
        let (_, first) = members.iter().find(|(member, _)| *member == name)?;
        let shared = members.iter().any(|(member, _)| *member != name && others(member));
        shared.then_some((*together, *first))
    })
}

/// Whether one computation has the indicator of this name with several parameters: to be made with all of them, and
/// there is one value of each. They share what costs most, and what each says is to the bit what it says alone.
pub(super) fn takes_several(name: &str) -> bool {
    name == "log_return"
}

/// Whether the indicator of this name has no value without volume.
pub fn reads_volume(name: &str) -> bool {
    let function = talib::FUNCTIONS.iter().find(|function| function.name == name);
    function.map_or_else(|| volumes::NAMES.contains(&name), |function| function.volume)
}
