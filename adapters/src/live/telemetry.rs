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

    /// All of them, in nanoseconds.
    pub fn histogram(&self) -> &Histogram<u64> {
        &self.0
    }
}

/// What a session sends to a broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Message {
    /// A new order.
    Order,
    /// A cancel.
    Cancel,
    /// A replacement.
    Replace,
}

/// The measurements of a session. Each latency counts from when the input was due that caused the message.
#[derive(Clone, Debug, Default)]
pub struct Telemetry {
    /// Until an order was handed to the broker, the wait for its commit included.
    pub orders: Latency,
    /// Until a cancel was.
    pub cancels: Latency,
    /// Until a replacement was.
    pub replacements: Latency,
    /// Until a market event was journaled and everything was done that follows from it.
    pub ticks: Latency,
    /// Tasks that waited for the broker's thread, when an order was given to it.
    pub queue_max: u64,
    /// Market events that the feed said it lost, as far as it knew how many.
    pub lost: u64,
}

impl Telemetry {
    /// A message is handed to the broker.
    pub(crate) fn left(&mut self, message: Message, latency: Duration) {
        match message {
            Message::Order => self.orders.record(latency),
            Message::Cancel => self.cancels.record(latency),
            Message::Replace => self.replacements.record(latency),
        }
    }
}
