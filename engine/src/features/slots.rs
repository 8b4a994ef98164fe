//! Slots: which of a run's columns a model is given at each place of its input.
//!
//! A column that stays when columns are selected anew stays in its slot, and new ones move into the slots that became
//! free, best first: what a model knows of its inputs is about the same ones. A slot that nothing fills is unknown.

/// The places of a model's input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slots {
    /// The place in the run's row that each slot shows.
    shown: Vec<Option<usize>>,
}

crate::state! { Slots { [shown] } }

impl Slots {
    /// The most there can be: more inputs than any model has.
    pub const MAX: u32 = 65_536;

    /// So many, all empty.
    pub fn new(count: usize) -> Slots {
        Slots { shown: vec![None; count] }
    }

    /// The place in the run's row that each slot shows.
    pub fn shown(&self) -> &[Option<usize>] {
        &self.shown
    }

    /// Takes a selection: places in the row, best first. What does not fit is left out.
    pub fn select(&mut self, places: &[usize]) {
        let wanted = &places[..places.len().min(self.shown.len())];
        for slot in &mut self.shown {
            if slot.is_some_and(|place| !wanted.contains(&place)) {
                *slot = None;
            }
        }
        for place in wanted {
            if self.shown.contains(&Some(*place)) {
                continue;
            }
            if let Some(slot) = self.shown.iter_mut().find(|slot| slot.is_none()) {
                *slot = Some(*place);
            }
        }
    }

    /// Appends what the slots show of a row.
    pub fn read(&self, row: &[Option<f32>], out: &mut Vec<Option<f32>>) {
        out.extend(self.shown.iter().map(|slot| slot.and_then(|place| row.get(place).copied().flatten())));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn who_stays_keeps_its_slot_and_the_best_new_ones_fill_the_rest() {
        let mut slots = Slots::new(3);
        slots.select(&[7, 2, 5, 9]);
        assert_eq!(slots.shown(), [Some(7), Some(2), Some(5)]);
        slots.select(&[5, 1, 7]);
        assert_eq!(slots.shown(), [Some(7), Some(1), Some(5)]);
        slots.select(&[1]);
        assert_eq!(slots.shown(), [None, Some(1), None]);
        let mut out = Vec::new();
        slots.read(&[Some(0.5), Some(1.5)], &mut out);
        assert_eq!(out, [None, Some(1.5), None]);
    }

    proptest! {
        #[test]
        fn slots_hold_the_best_that_fit_once_each(
            lists in prop::collection::vec(prop::collection::hash_set(0_usize..12, 0..9), 1..6),
            count in 1_usize..6,
        ) {
            let mut slots = Slots::new(count);
            for list in lists {
                let mut list: Vec<usize> = list.into_iter().collect();
                list.sort_unstable();
                let before = slots.clone();
                slots.select(&list);
                let mut held: Vec<usize> = slots.shown().iter().flatten().copied().collect();
                held.sort_unstable();
                prop_assert_eq!(&held, &list[..list.len().min(count)]);
                for (now, before) in slots.shown().iter().zip(before.shown()) {
                    prop_assert!(before.is_none_or(|place| !held.contains(&place)) || now == before);
                }
            }
        }
    }
}
