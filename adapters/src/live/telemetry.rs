//! What is measured while a session runs. None of it is journaled: a replay has no latency.

use std::time::Duration;

use hdrhistogram::Histogram;

/// Latencies of one kind.
#[derive(Clone, Debug)]
pub struct Latency(Histogram<u64>);

impl Default for Latency {
    fn default() -> Latency {
        // From 1 ns to a minute, three digits.
        Latency(Histogram::new_with_bounds(1, 60_000_000_000, 3).expect("the bounds are good"))
    }
}

impl Latency {
    /// Counts one.
    #[inline]
    pub fn record(&mut self, latency: Duration) {
        self.0.saturating_record(u64::try_from(latency.as_nanos()).unwrap_or(u64::MAX).max(1));
    }

    /// How many were counted.
    pub fn count(&self) -> u64 {
        self.0.len()
    }

    /// The latency below which this share of all is: 0.5 is the median.
    pub fn at(&self, share: f64) -> Duration {
        Duration::from_nanos(self.0.value_at_quantile(share))
    }

    /// The longest.
    pub fn max(&self) -> Duration {
        Duration::from_nanos(self.0.max())
    }
}

/// The measurements of a session.
#[derive(Clone, Debug, Default)]
pub struct Telemetry {
    /// From when a tick was due to when its order was handed to the broker's thread, the wait for the disk included.
    pub tick_to_order: Latency,
    /// Tasks that wait at the broker's thread, when an order was handed over.
    pub queue_max: u64,
    /// Market events that the feed said it lost, as far as it knew how many.
    pub lost: u64,
}

impl Telemetry {
    /// An order left.
    pub(super) fn left(&mut self, latency: Duration, queue: u64) {
        self.tick_to_order.record(latency);
        self.queue_max = self.queue_max.max(queue);
    }
}
