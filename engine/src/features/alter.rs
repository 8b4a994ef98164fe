//! Columns that a what-if takes away or delays: what would have been decided without one, or with an older one?

use std::collections::VecDeque;

use super::column::Column;
use crate::ids::Sequence;
use crate::settings::{AlteredColumn, Change};

/// Past values that there is room for from the beginning.
const ROOM_MAX: usize = 4_096;

/// The changes of one instrument's rows.
#[derive(Clone, Debug, Default)]
pub struct Alterations {
    each: Vec<Altered>,
}

#[derive(Clone, Debug)]
struct Altered {
    place: usize,
    from: Sequence,
    change: Change,
    /// The column's last values, for a delay.
    past: VecDeque<Option<f32>>,
}

impl Alterations {
    /// The changes of these columns; the name of one that is none of them instead.
    pub fn new(altered: &[AlteredColumn], columns: &[Column]) -> Result<Alterations, String> {
        let one = |altered: &AlteredColumn| {
            let place = columns.iter().position(|column| column.id == altered.column);
            let place = place.ok_or_else(|| altered.column.clone())?;
            // A delay may be longer than any run: it is not what makes room.
            let room = match altered.change {
                Change::Drop => 0,
                Change::Shift(vectors) => (vectors as usize + 1).min(ROOM_MAX),
            };
            let past = VecDeque::with_capacity(room);
            Ok(Altered { place, from: altered.from, change: altered.change, past })
        };
        Ok(Alterations { each: altered.iter().map(one).collect::<Result<_, String>>()? })
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.each.is_empty()
    }

    /// Changes a row that is read at an input.
    pub fn apply(&mut self, input: Sequence, row: &mut [Option<f32>]) {
        for altered in &mut self.each {
            let value = match altered.change {
                Change::Drop => None,
                Change::Shift(vectors) => {
                    altered.past.push_back(row[altered.place]);
                    let full = altered.past.len() > vectors as usize;
                    if full { altered.past.pop_front().flatten() } else { None }
                }
            };
            if input >= altered.from {
                row[altered.place] = value;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::features::candle::Timeframe;
    use crate::features::catalogue::select;
    use crate::units::Nanoseconds;

    #[test]
    fn a_column_is_dropped_or_shows_an_older_vector() {
        let timeframes = [1, 2, 3, 4].map(|seconds| Timeframe::Time(Nanoseconds(seconds * 1_000_000_000)));
        let columns: Vec<Column> = select(&timeframes, &["asia".to_string(), "europe".to_string()])
            .unwrap()
            .into_iter()
            .map(|(column, _)| column)
            .collect();
        let altered = |column: &str, change, from| AlteredColumn {
            column: column.to_string(),
            change,
            from: Sequence::input(from),
        };
        let list = [altered("asia", Change::Shift(2), 0), altered("europe", Change::Drop, 3)];
        let mut alterations = Alterations::new(&list, &columns).unwrap();
        let mut seen = Vec::new();
        for input in 1..=4_u8 {
            let mut row = [Some(f32::from(input)), Some(f32::from(input))];
            alterations.apply(Sequence::input(u64::from(input)), &mut row);
            seen.push(row);
        }
        let expected = [[None, Some(1.0)], [None, Some(2.0)], [Some(1.0), None], [Some(2.0), None]];
        assert_eq!(seen, expected);
        let mut late = Alterations::new(&[altered("asia", Change::Shift(u32::MAX), 0)], &columns).unwrap();
        let mut row = [Some(1.0), Some(1.0)];
        late.apply(Sequence::input(1), &mut row);
        assert_eq!(row, [None, Some(1.0)]);
        let unknown = [altered("rsi_14@1m", Change::Drop, 0)];
        assert_eq!(Alterations::new(&unknown, &columns).unwrap_err(), "rsi_14@1m");
    }
}
