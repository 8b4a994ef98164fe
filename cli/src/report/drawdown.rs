//! The deepest fall of equity from a peak, exact at every mark.

use genovo_engine::units::Timestamp;

/// Equity at one moment, in units of 1e-18.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Point {
    /// How much.
    pub equity: i128,
    /// When.
    pub time: Timestamp,
}

/// From a peak to the lowest point before the next peak.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fall {
    /// Where it began.
    pub peak: Point,
    /// The lowest point after it.
    pub trough: Point,
}

impl Fall {
    /// The share of the peak that was lost; 0 for a peak that is not positive.
    pub fn ratio(&self) -> f64 {
        if self.peak.equity <= 0 {
            return 0.0;
        }
        self.peak.equity.saturating_sub(self.trough.equity) as f64 / self.peak.equity as f64
    }
}

/// Follows equity mark by mark. Two comparisons a mark; the division waits until a fall is over.
#[derive(Clone, Copy, Debug)]
pub struct Falls {
    current: Fall,
    deepest: Fall,
}

impl Falls {
    /// Begins at this equity.
    pub fn from(start: Point) -> Falls {
        let fall = Fall { peak: start, trough: start };
        Falls { current: fall, deepest: fall }
    }

    /// Takes the next equity.
    #[inline]
    pub fn push(&mut self, equity: i128, time: Timestamp) {
        if equity < self.current.trough.equity {
            self.current.trough = Point { equity, time };
        } else if equity > self.current.peak.equity {
            if self.current.trough.equity < self.current.peak.equity {
                self.deepest = self.deepest();
            }
            let peak = Point { equity, time };
            self.current = Fall { peak, trough: peak };
        }
    }

    /// The deepest fall so far, by its share of the peak; the earlier of two equal ones.
    pub fn deepest(&self) -> Fall {
        if self.current.ratio() > self.deepest.ratio() { self.current } else { self.deepest }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deepest(equities: &[i128]) -> (i128, i128, i64, i64) {
        let mut falls = Falls::from(Point { equity: equities[0], time: Timestamp(0) });
        for (i, &equity) in equities.iter().enumerate() {
            falls.push(equity, Timestamp(i as i64));
        }
        let fall = falls.deepest();
        (fall.peak.equity, fall.trough.equity, fall.peak.time.0, fall.trough.time.0)
    }

    #[test]
    fn the_deepest_fall_is_by_share_not_by_amount() {
        assert_eq!(deepest(&[100, 100, 100]), (100, 100, 0, 0));
        assert_eq!(deepest(&[100, 80, 120, 90, 95, 1000, 790]), (120, 90, 2, 3));
        assert_eq!(deepest(&[100, 80, 120, 110]), (100, 80, 0, 1));
        assert_eq!(deepest(&[100, 110, 120]), (100, 100, 0, 0));
        assert_eq!(deepest(&[100, 50, 60, 40, 99]), (100, 40, 0, 3));
        assert_eq!(deepest(&[100, 50, 200, 100]), (100, 50, 0, 1));
    }
}
