//! The columns of one's own that are over the bars of one timeframe.

use super::Program;
use crate::canonical::Input;
use crate::features::bank::{HISTORY, RENEWAL};
use crate::features::candle::Candle;
use crate::state::{State, StateError, expect_tag, tag};

/// Programs with the places of their columns in the row, renewed as indicators are: at bar counts divisible by
/// [`RENEWAL`] a shadow takes over that was fed for the last [`HISTORY`] bars.
#[derive(Clone, Debug)]
pub struct OwnColumns {
    made: Vec<(usize, Program)>,
    active: Vec<(usize, Program)>,
    shadow: Option<Vec<(usize, Program)>>,
    bars: u64,
    /// What a shadow's columns of one's own would show to each other.
    scratch: Vec<Option<f64>>,
}

const TAG: u32 = tag("OwnColumns bars active shadow");

/// A shadow is made where there was one.
impl State for OwnColumns {
    fn save(&self, out: &mut Vec<u8>) {
        TAG.save(out);
        self.bars.save(out);
        self.active.iter().for_each(|(_, program)| program.save(out));
        self.shadow.is_some().save(out);
        self.shadow.iter().flatten().for_each(|(_, program)| program.save(out));
    }

    fn load(&mut self, input: &mut Input<'_>) -> Result<(), StateError> {
        expect_tag(TAG, "OwnColumns", input)?;
        self.bars.load(input)?;
        self.active.iter_mut().try_for_each(|(_, program)| program.load(input))?;
        let mut shadowed = false;
        shadowed.load(input)?;
        self.shadow = shadowed.then(|| self.made.clone());
        self.shadow.iter_mut().flatten().try_for_each(|(_, program)| program.load(input))
    }
}

impl OwnColumns {
    /// Computes these columns, one after the other.
    pub fn new(programs: Vec<(usize, Program)>, width: usize) -> OwnColumns {
        OwnColumns {
            active: programs.clone(),
            made: programs,
            shadow: None,
            bars: 0,
            scratch: vec![None; width],
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.made.is_empty()
    }

    /// Their places in the row.
    pub fn places(&self) -> impl Iterator<Item = usize> + '_ {
        self.made.iter().map(|(place, _)| *place)
    }

    /// Takes a closed bar with the columns as they are then, and writes its own among them.
    pub fn update(&mut self, bar: &Candle, row: &mut [Option<f64>]) {
        if self.bars % RENEWAL == RENEWAL - HISTORY {
            self.shadow = Some(self.made.clone());
        }
        if self.bars.is_multiple_of(RENEWAL)
            && let Some(shadow) = self.shadow.take()
        {
            self.active = shadow;
        }
        if let Some(shadow) = &mut self.shadow {
            self.scratch.copy_from_slice(row);
            for (place, program) in shadow {
                self.scratch[*place] = program.update(bar, &self.scratch);
            }
        }
        for (place, program) in &mut self.active {
            row[*place] = program.update(bar, row);
        }
        self.bars = self.bars.saturating_add(1);
    }
}

#[cfg(test)]
mod tests {
    use super::super::parse;
    use super::*;
    use crate::units::Timestamp;

    fn bar(index: u64) -> Candle {
        let close = 100.0 + (index.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 50) as f64 * 1e-3;
        let time = Timestamp(index as i64);
        Candle {
            open_time: time,
            close_time: time,
            open: close,
            high: close,
            low: close,
            close,
            volume: None,
        }
    }

    #[test]
    fn bars_before_the_renewal_leave_no_trace() {
        let make = || {
            let program = |text: &str| {
                let mut place = |name: &str| if name == "first" { Ok(0) } else { Err(String::new()) };
                Program::new(&parse(text).unwrap(), &mut place).unwrap()
            };
            OwnColumns::new(vec![(0, program("ema(close, 30)")), (1, program("ema(first, 10) - close"))], 2)
        };
        let (mut whole, mut restored) = (make(), make());
        let (mut row, mut again) = ([None; 2], [None; 2]);
        let from = RENEWAL - HISTORY;
        for index in 0..RENEWAL + 100 {
            whole.update(&bar(index), &mut row);
            if index >= from {
                restored.bars = restored.bars.max(index);
                restored.update(&bar(index), &mut again);
            }
        }
        let bits = |row: [Option<f64>; 2]| row.map(|value| value.unwrap().to_bits());
        assert_eq!(bits(row), bits(again));
    }
}
