//! Which updates make a book of a snapshot, and what is missing between them.
//!
//! The snapshot of a REST call comes after updates that it does not hold yet. So updates wait for it; those that it
//! holds are left out, and the first that it does not hold must join it without a gap. What then follows must follow
//! what came before: futures name the update before (`pu`), on spot the numbers go on by one.

use genovo_engine::event::BookChange;
use genovo_engine::units::Timestamp;

/// An update that waits for a snapshot: its numbers, its time, its levels.
#[derive(Clone, Copy, Debug)]
pub(super) struct Update {
    pub first: u64,
    pub last: u64,
    pub before: Option<u64>,
    pub time: Timestamp,
    /// Where its changes begin and end among those that wait.
    pub changes: (usize, usize),
}

/// Levels that may wait; beyond, a book that has no snapshot is refused, and one with a gap waits no longer.
pub(super) const WAITING_MAX: usize = 1 << 20;

/// How the book stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// No snapshot yet.
    Waiting,
    /// Every update followed the one before. The number of the last.
    Sure(u64),
    /// Something was missing: levels are as far right as they were told since. The number of the last.
    Unsure(u64),
}

/// The updates of one book.
#[derive(Debug)]
pub(super) struct Chain {
    pub standing: Standing,
    pub updates: Vec<Update>,
    pub changes: Vec<BookChange>,
    /// When the last update happened.
    pub time: Timestamp,
}

impl Chain {
    pub(super) fn new() -> Chain {
        Chain { standing: Standing::Waiting, updates: Vec::new(), changes: Vec::new(), time: Timestamp(0) }
    }

    /// Whether an update that ends with this number is in the book already.
    pub(super) fn holds(&self, last: u64) -> bool {
        match self.standing {
            Standing::Waiting => false,
            Standing::Sure(known) | Standing::Unsure(known) => last <= known,
        }
    }

    /// Takes the numbers of an update that is shown now. How many changes are missing before it, where that is known;
    /// the outer `None` when nothing is.
    pub(super) fn follow(&mut self, first: u64, last: u64, before: Option<u64>) -> Option<Option<u64>> {
        let previous = match self.standing {
            Standing::Waiting => return None,
            Standing::Sure(previous) | Standing::Unsure(previous) => previous,
        };
        let joins = match before {
            Some(before) => before == previous || (first <= previous && previous <= last),
            None => first <= previous.saturating_add(1),
        };
        if joins {
            self.standing = match self.standing {
                Standing::Sure(_) => Standing::Sure(last.max(previous)),
                _ => Standing::Unsure(last.max(previous)),
            };
            return None;
        }
        self.standing = Standing::Unsure(last);
        // Futures number changes with gaps of their own, so how many are missing is not told.
        Some(before.is_none().then(|| first.saturating_sub(previous.saturating_add(1))))
    }

    /// Whether an update's levels are kept for a snapshot to come.
    pub(super) fn keeps(&self) -> bool {
        !matches!(self.standing, Standing::Sure(_)) && self.changes.len() < WAITING_MAX
    }

    /// Forgets what waits.
    pub(super) fn forget(&mut self) {
        self.updates.clear();
        self.changes.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chain(standing: Standing) -> Chain {
        Chain { standing, ..Chain::new() }
    }

    #[test]
    fn futures_name_the_update_before_and_spot_counts_on() {
        for (standing, update, missing, then) in [
            // The update that bridges the snapshot holds its number.
            (Standing::Sure(100), (90, 110, Some(80)), None, Standing::Sure(110)),
            (Standing::Sure(100), (105, 110, Some(100)), None, Standing::Sure(110)),
            (Standing::Sure(100), (105, 110, Some(101)), Some(None), Standing::Unsure(110)),
            (Standing::Unsure(100), (105, 110, Some(100)), None, Standing::Unsure(110)),
            (Standing::Sure(100), (101, 110, None), None, Standing::Sure(110)),
            (Standing::Sure(100), (90, 110, None), None, Standing::Sure(110)),
            (Standing::Sure(100), (104, 110, None), Some(Some(3)), Standing::Unsure(110)),
            (Standing::Waiting, (104, 110, None), None, Standing::Waiting),
            (Standing::Sure(u64::MAX), (1, 2, None), None, Standing::Sure(u64::MAX)),
        ] {
            let mut chain = chain(standing);
            assert_eq!(chain.follow(update.0, update.1, update.2), missing, "{standing:?} {update:?}");
            assert_eq!(chain.standing, then, "{standing:?} {update:?}");
        }
    }
}
