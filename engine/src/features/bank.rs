//! The columns over the closed bars of one timeframe: every indicator once, whatever columns show it.

use std::collections::VecDeque;

use super::candle::Candle;
use super::column::Scale;
use super::halves::{Halves, Squares};
use super::indicators::{self, Indicator};
use crate::canonical::{Canonical, Input};
use crate::state::{State, StateError};

/// A column as the bank computes it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Wanted {
    /// Where it stands in the row.
    pub place: usize,
    /// Which indicator.
    pub indicator: &'static str,
    /// Its parameters.
    pub parameters: &'static [f64],
    /// Which of its outputs.
    pub output: usize,
    /// How it becomes free of scale.
    pub scale: Scale,
}

struct Slot {
    indicator: Box<dyn Indicator>,
    first: usize,
    outputs: usize,
}

/// A column that shows a value as it is.
struct Plain {
    place: usize,
    value: usize,
}

/// A column that shows a value free of scale.
struct Scaled {
    column: Plain,
    scale: Scale,
    history: Option<Halves<Squares>>,
}

/// All indicators of one timeframe.
struct Bank {
    slots: Vec<Slot>,
    values: Vec<Option<f64>>,
    before: Vec<Option<f64>>,
    plain: Vec<Plain>,
    scaled: Vec<Scaled>,
    /// Where the ATR's value is.
    range: Option<usize>,
}

const RANGE: (&str, &[f64]) = ("ATR", &[14.0]);

impl Bank {
    fn new(wanted: &[Wanted]) -> Bank {
        let mut bank = Bank {
            slots: Vec::new(),
            values: Vec::new(),
            before: Vec::new(),
            plain: Vec::new(),
            scaled: Vec::new(),
            range: None,
        };
        let mut known: Vec<(&str, Vec<f64>)> = Vec::new();
        for column in wanted {
            let (first, output) = bank.place(&mut known, wanted, column);
            let shown = Plain { place: column.place, value: first + output + column.output };
            match column.scale {
                Scale::Plain => bank.plain.push(shown),
                scale => bank.scaled.push(Scaled { column: shown, scale, history: scale.history() }),
            }
            if column.scale.uses_range() && bank.range.is_none() {
                bank.range = Some(bank.slot(&mut known, RANGE.0, RANGE.1.to_vec()));
            }
        }
        bank
    }

    /// The place of the first value of what computes this column's indicator, alone or with others that are wanted,
    /// and which value of it is the indicator's first.
    fn place(
        &mut self,
        known: &mut Vec<(&'static str, Vec<f64>)>,
        wanted: &[Wanted],
        column: &Wanted,
    ) -> (usize, usize) {
        let alike = || wanted.iter().filter(|other| other.indicator == column.indicator);
        if indicators::takes_several(column.indicator) {
            let mut all: Vec<f64> = alike().flat_map(|other| other.parameters).copied().collect();
            all.sort_unstable_by(f64::total_cmp);
            all.dedup();
            let output = all.iter().position(|one| [*one] == *column.parameters).expect("it is among them");
            return (self.slot(known, column.indicator, all), output);
        }
        let is_wanted = |name: &str| {
            wanted.iter().any(|other| other.indicator == name && other.parameters == column.parameters)
        };
        // Together they may need a longer window than one of them alone.
        let together = indicators::together(column.indicator, is_wanted)
            .filter(|(name, _)| indicators::make(name, column.parameters).is_some());
        let (indicator, output) = together.unwrap_or((column.indicator, 0));
        (self.slot(known, indicator, column.parameters.to_vec()), output)
    }

    /// The place of an indicator's first value; the indicator is made where there is none alike.
    fn slot(
        &mut self,
        known: &mut Vec<(&'static str, Vec<f64>)>,
        name: &'static str,
        parameters: Vec<f64>,
    ) -> usize {
        let asked = (name, parameters);
        if let Some(index) = known.iter().position(|known| *known == asked) {
            return self.slots[index].first;
        }
        let made = indicators::make(name, &asked.1).expect("the catalogue names indicators that there are");
        known.push(asked);
        let first = self.values.len();
        self.values.resize(first + made.outputs, None);
        self.before.resize(first + made.outputs, None);
        self.slots.push(Slot { indicator: made.indicator, first, outputs: made.outputs });
        first
    }

    fn update(&mut self, bar: &Candle, row: Option<&mut [Option<f64>]>) {
        std::mem::swap(&mut self.values, &mut self.before);
        for slot in &mut self.slots {
            slot.indicator.update(bar, &mut self.values[slot.first..slot.first + slot.outputs]);
        }
        let range = self.range.and_then(|range| self.values[range]);
        let Some(row) = row else {
            // A shadow's own histories grow, too.
            for column in self.scaled.iter_mut().filter(|column| column.history.is_some()) {
                column.apply(&self.values, &self.before, bar.close, range);
            }
            return;
        };
        for column in &self.plain {
            row[column.place] = self.values[column.value];
        }
        for column in &mut self.scaled {
            row[column.column.place] = column.apply(&self.values, &self.before, bar.close, range);
        }
    }
}

impl Scaled {
    #[inline(always)]
    fn apply(
        &mut self,
        values: &[Option<f64>],
        before: &[Option<f64>],
        close: f64,
        range: Option<f64>,
    ) -> Option<f64> {
        let value = self.column.value;
        self.scale.apply(values[value], before[value], close, range, self.history.as_mut())
    }
}

/// Bars between two renewals.
pub const RENEWAL: u64 = 8_192;
/// Bars of which a renewed state follows.
pub const HISTORY: u64 = 4_096;

/// A bank that is renewed at bar counts divisible by [`RENEWAL`] from the last [`HISTORY`] bars, so that no state
/// depends on more than the last 12,288 bars and re-feeding those restores it. A shadow is fed ahead and takes over.
pub struct Anchored {
    wanted: Vec<Wanted>,
    active: Bank,
    shadow: Option<Bank>,
    bars: u64,
    /// The bars from [`Anchored::needed_from`] on, where they are kept.
    kept: Option<VecDeque<Candle>>,
}

impl Anchored {
    /// Computes these columns.
    pub fn new(wanted: Vec<Wanted>) -> Anchored {
        Anchored { active: Bank::new(&wanted), wanted, shadow: None, bars: 0, kept: None }
    }

    /// Keeps the bars that a restore needs, some 0.8 MB at most. To be called before the first one.
    pub fn keep_bars(&mut self) {
        if !self.wanted.is_empty() {
            self.kept = Some(VecDeque::with_capacity((RENEWAL + HISTORY) as usize));
        }
    }

    /// Whether its state can be saved: there is none, or the bars that it follows from are kept.
    pub fn is_kept(&self) -> bool {
        self.wanted.is_empty() || self.kept.is_some()
    }

    /// How many bars came.
    pub fn bars(&self) -> u64 {
        self.bars
    }

    /// The number of the bar, counted from 0, from which on bars must be fed again to restore the state.
    pub fn needed_from(&self) -> u64 {
        let renewed = self.bars / RENEWAL * RENEWAL;
        renewed.saturating_sub(HISTORY)
    }

    /// Takes a closed bar and writes the columns into their places of the row.
    pub fn update(&mut self, bar: &Candle, row: &mut [Option<f64>]) {
        if self.bars % RENEWAL == RENEWAL - HISTORY {
            self.shadow = Some(Bank::new(&self.wanted));
        }
        if self.bars.is_multiple_of(RENEWAL)
            && let Some(shadow) = self.shadow.take()
        {
            self.active = shadow;
        }
        self.active.update(bar, Some(row));
        if let Some(shadow) = &mut self.shadow {
            shadow.update(bar, None);
        }
        self.bars += 1;
        let needed = self.bars - self.needed_from();
        if let Some(kept) = &mut self.kept {
            kept.push_back(*bar);
            // While a restore feeds them again, fewer are there.
            kept.drain(..kept.len().saturating_sub(needed as usize));
        }
    }

    /// Saves the bars of which its state follows; see [`Anchored::is_kept`].
    pub fn save(&self, out: &mut Vec<u8>) {
        self.bars.write(out);
        if let Some(kept) = &self.kept {
            kept.save(out);
        }
    }

    /// Makes the state of the saved bars, and with it the columns in their places of the row.
    pub fn load(&mut self, input: &mut Input<'_>, row: &mut [Option<f64>]) -> Result<(), StateError> {
        let bars = u64::read(input)?;
        let mut again = Anchored::new(std::mem::take(&mut self.wanted));
        again.bars = bars;
        if !again.wanted.is_empty() {
            let mut kept = VecDeque::new();
            kept.load(input)?;
            again.bars = again.needed_from();
            if bars > u64::MAX / 2 || kept.len() as u64 != bars - again.bars {
                return Err(StateError::Impossible("Anchored"));
            }
            again.keep_bars();
            kept.iter().for_each(|bar| again.update(bar, row));
        }
        *self = again;
        Ok(())
    }

    /// A bank that was restored by feeding it the bars from [`Anchored::needed_from`] on; `bars` is how many came
    /// before them.
    pub fn restored(wanted: Vec<Wanted>, bars: u64) -> Anchored {
        Anchored { bars, ..Anchored::new(wanted) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Timestamp;

    fn wanted() -> Vec<Wanted> {
        let column =
            |place, indicator, parameters, scale| Wanted { place, indicator, parameters, output: 0, scale };
        vec![
            column(0, "EMA", &[50.0] as &[f64], Scale::GapPerAtr),
            column(1, "RSI", &[14.0], Scale::Plain),
            column(2, "RSI", &[14.0], Scale::Z),
            column(3, "KAMA", &[30.0], Scale::SlopePerAtr),
        ]
    }

    /// A price that wanders by the bits of a counter.
    fn bar(index: u64) -> Candle {
        let mix = |x: u64| (x ^ (x >> 31)).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
        let price = 100.0 + (index % 977) as f64 * 0.1 + mix(index) as f64 * 1e-7;
        let time = Timestamp(index as i64);
        Candle {
            open_time: time,
            close_time: time,
            open: price - 0.2,
            high: price + 0.7,
            low: price - 0.9,
            close: price,
            volume: None,
        }
    }

    #[test]
    fn what_is_computed_together_is_to_the_bit_what_each_says_alone() {
        let column = |place, indicator, parameters, output| {
            let scale = Scale::Plain;
            Wanted { place, indicator, parameters, output, scale }
        };
        let wanted = [
            column(0, "skew", &[30.0] as &[f64], 0),
            column(1, "kurtosis", &[30.0], 0),
            column(2, "r_squared", &[30.0], 0),
            column(3, "parkinson", &[20.0], 0),
            column(4, "garman_klass", &[20.0], 0),
            column(5, "rogers_satchell", &[20.0], 0),
            column(6, "yang_zhang", &[20.0], 0),
            column(7, "HT_DCPERIOD", &[], 0),
            column(8, "HT_PHASOR", &[], 0),
            column(9, "HT_PHASOR", &[], 1),
            // None of the same window.
            column(10, "skew", &[31.0], 0),
            column(11, "log_return", &[20.0], 0),
            column(12, "log_return", &[1.0], 0),
            column(13, "log_return", &[5.0], 0),
            column(14, "log_return", &[60.0], 0),
            column(15, "log_return", &[10.0], 0),
        ];
        let mut together = Bank::new(&wanted);
        assert_eq!(together.slots.len(), 5);
        let mut alone: Vec<Bank> = wanted.iter().map(|column| Bank::new(&[*column])).collect();
        let (mut row, mut rows) = (vec![None; wanted.len()], vec![None; wanted.len()]);
        for index in 0..300 {
            // One bar without a positive price, and one with a gap that is too far for the series of near numbers.
            let mut bar = bar(index);
            match index {
                100 => bar.low = 0.0,
                200.. => {
                    bar = Candle { open: bar.open * 2.0, high: bar.high * 2.0, close: bar.close * 2.0, ..bar }
                }
                _ => {}
            }
            together.update(&bar, Some(&mut row));
            alone.iter_mut().for_each(|bank| bank.update(&bar, Some(&mut rows)));
            let bits = |row: &[Option<f64>]| row.iter().map(|it| it.map(f64::to_bits)).collect::<Vec<_>>();
            assert_eq!(bits(&row), bits(&rows), "{index}");
        }
        assert!(row.iter().all(Option::is_some));
    }

    #[test]
    fn indicators_and_the_range_are_computed_once() {
        let bank = Bank::new(&wanted());
        assert_eq!(bank.slots.len(), 4, "EMA, ATR, RSI, KAMA");
    }

    #[test]
    fn bars_before_the_renewal_leave_no_trace() {
        let end = 2 * RENEWAL + 100;
        let mut whole = Anchored::new(wanted());
        let mut row = vec![None; 4];
        for index in 0..end {
            whole.update(&bar(index), &mut row);
        }
        let from = whole.needed_from();
        assert_eq!(from, 2 * RENEWAL - HISTORY);
        let mut restored = Anchored::restored(wanted(), from);
        let mut again = vec![None; 4];
        for index in from..end {
            restored.update(&bar(index), &mut again);
        }
        assert!(row.iter().all(Option::is_some));
        let bits = |row: &[Option<f64>]| row.iter().map(|value| value.unwrap().to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(&row), bits(&again));
        assert_eq!(whole.bars(), restored.bars());
    }

    #[test]
    fn a_column_by_the_range_waits_for_it() {
        let mut bank = Anchored::new(wanted());
        let mut row = vec![None; 4];
        for index in 0..14 {
            bank.update(&bar(index), &mut row);
        }
        assert_eq!(row, [None; 4]);
        for index in 14..50 {
            bank.update(&bar(index), &mut row);
        }
        assert!(row[0].is_some() && row[1].is_some() && row[2].is_none());
    }
}
