//! A series of any length in bounded memory: time buckets that double in width whenever they become too many.

/// The most buckets a series holds.
pub const BUCKETS_MAX: usize = 4_000;

/// The first width is 2^20 ns, about a millisecond.
const SHIFT_FIRST: u32 = 20;
/// Beyond this width all of 64-bit time is one bucket.
const SHIFT_LAST: u32 = 62;

/// What happened to a value within one span of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bucket<T> {
    /// Which span: its beginning divided by the width.
    key: i64,
    /// When the last value came, in nanoseconds.
    pub time: i64,
    /// The smallest value.
    pub low: T,
    /// The largest value.
    pub high: T,
    /// The last value.
    pub last: T,
}

/// A series that keeps the smallest, largest and last value of each span of time.
///
/// Widths are powers of two nanoseconds, so that finding a bucket is a shift and two neighbours merge by
/// another. Spans in which nothing came take no room.
#[derive(Clone, Debug)]
pub struct Series<T> {
    shift: u32,
    buckets: Vec<Bucket<T>>,
}

impl<T: Copy + Ord> Default for Series<T> {
    fn default() -> Series<T> {
        Series { shift: SHIFT_FIRST, buckets: Vec::with_capacity(BUCKETS_MAX) }
    }
}

impl<T: Copy + Ord> Series<T> {
    /// Takes the next value. Returns whether it began a new bucket, so that rarer work can follow that
    /// rhythm.
    #[inline]
    pub fn push(&mut self, time: i64, value: T) -> bool {
        let key = time >> self.shift;
        if let Some(bucket) = self.buckets.last_mut()
            && bucket.key >= key
        {
            bucket.time = bucket.time.max(time);
            bucket.low = bucket.low.min(value);
            bucket.high = bucket.high.max(value);
            bucket.last = value;
            return false;
        }
        self.begin(time, value);
        true
    }

    /// The buckets in the order of time.
    pub fn buckets(&self) -> &[Bucket<T>] {
        &self.buckets
    }

    #[cold]
    fn begin(&mut self, time: i64, value: T) {
        while self.buckets.len() >= BUCKETS_MAX {
            self.double();
        }
        self.buckets.push(Bucket { key: time >> self.shift, time, low: value, high: value, last: value });
    }

    /// Doubles the width until it frees at least half of the room.
    fn double(&mut self) {
        while self.buckets.len() > BUCKETS_MAX / 2 && self.shift < SHIFT_LAST {
            self.shift += 1;
            for bucket in &mut self.buckets {
                bucket.key >>= 1;
            }
            self.buckets.dedup_by(|next, kept| {
                let same = next.key == kept.key;
                if same {
                    kept.time = next.time;
                    kept.low = kept.low.min(next.low);
                    kept.high = kept.high.max(next.high);
                    kept.last = next.last;
                }
                same
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_million_values_stay_within_the_bound_and_lose_no_extreme() {
        let mut series = Series::default();
        for i in 0..10_000_000_i64 {
            let spike = match i {
                7_654_321 => 1_000_000,
                1_234_567 => -1_000_000,
                _ => 0,
            };
            series.push(i * 60_000_000, i % 1000 + spike);
        }
        let buckets = series.buckets();
        assert!(buckets.len() <= BUCKETS_MAX);
        assert!(buckets.len() > BUCKETS_MAX / 4);
        assert_eq!(buckets.iter().map(|b| b.high).max(), Some(1_000_321));
        assert_eq!(buckets.iter().map(|b| b.low).min(), Some(-999_433));
        assert_eq!(buckets.last().map(|b| (b.time, b.last)), Some((9_999_999 * 60_000_000, 999)));
        assert!(buckets.windows(2).all(|pair| pair[0].time < pair[1].time));
    }

    #[test]
    fn lonely_values_far_apart_are_merged_as_well() {
        let mut series = Series::default();
        for i in 0..20_000_i64 {
            series.push(i * 400_000_000_000_000, i);
        }
        assert!(series.buckets().len() <= BUCKETS_MAX);
        assert_eq!(series.buckets()[0].low, 0);
        assert_eq!(series.buckets().last().map(|b| b.last), Some(19_999));
    }

    #[test]
    fn a_step_back_in_time_stays_in_the_current_bucket() {
        let mut series = Series::default();
        assert!(series.push(5 << 30, 1));
        assert!(!series.push(1 << 30, 7));
        assert_eq!(series.buckets().len(), 1);
        assert_eq!((series.buckets()[0].high, series.buckets()[0].time), (7, 5 << 30));
    }
}
