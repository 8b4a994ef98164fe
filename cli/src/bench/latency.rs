//! Latencies kept whole: an HdrHistogram of nanoseconds, its percentiles, its text form.

use std::time::Duration;

use hdrhistogram::Histogram;
use serde_json::json;

/// How long each of many things took.
pub struct Latency {
    histogram: Histogram<u64>,
}

/// Buckets in the first half of the histogram's lowest range: what three significant digits need.
const SUB_BUCKETS: u32 = 2_048;

impl Default for Latency {
    /// Empty; holds 1 ns to a minute with three significant digits. Longer is kept as a minute.
    fn default() -> Latency {
        let histogram = Histogram::new_with_bounds(1, 60_000_000_000, 3).expect("good bounds");
        Latency { histogram }
    }
}

impl From<&genovo_adapters::live::Latency> for Latency {
    fn from(measured: &genovo_adapters::live::Latency) -> Latency {
        Latency { histogram: measured.histogram().clone() }
    }
}

impl Latency {
    /// Adds one.
    #[inline]
    pub fn record(&mut self, time: Duration) {
        self.histogram.saturating_record(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX));
    }

    /// How many there are.
    pub fn count(&self) -> u64 {
        self.histogram.len()
    }

    /// The time below which this share of all lies.
    pub fn at(&self, share: f64) -> Duration {
        Duration::from_nanos(self.histogram.value_at_quantile(share))
    }

    /// The longest.
    pub fn max(&self) -> Duration {
        Duration::from_nanos(self.histogram.max())
    }

    /// How many took at least so long.
    pub fn at_least(&self, time: Duration) -> u64 {
        let nanos = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        let above = self.histogram.iter_recorded().filter(|value| value.value_iterated_to() >= nanos);
        above.map(|value| value.count_at_value()).sum()
    }

    fn percentiles(&self) -> [u64; 5] {
        let at = |quantile| self.histogram.value_at_quantile(quantile);
        [at(0.5), at(0.99), at(0.999), at(0.9999), self.histogram.max()]
    }

    /// `p50 42 ns   p99 88 ns   p99.9 1.2 µs   p99.99 1.9 µs   max 3.4 ms   of 66,089`.
    pub fn to_text(&self) -> String {
        let [p50, p99, p999, p9999, max] = self.percentiles().map(show);
        let count = crate::report::format::count(self.histogram.len());
        format!("p50 {p50}   p99 {p99}   p99.9 {p999}   p99.99 {p9999}   max {max}   of {count}")
    }

    /// The same for a program, in nanoseconds.
    pub fn to_json(&self) -> serde_json::Value {
        let [p50, p99, p999, p9999, max] = self.percentiles();
        json!({
            "unit": "ns",
            "count": self.histogram.len(),
            "p50_ns": p50,
            "p99_ns": p99,
            "p999_ns": p999,
            "p9999_ns": p9999,
            "max_ns": max,
            "mean_ns": self.histogram.mean(),
        })
    }

    /// HdrHistogram's percentile distribution, which its plotters read. Values are nanoseconds.
    pub fn to_hgrm(&self) -> String {
        let histogram = &self.histogram;
        let mut text = format!(
            "{:>12} {:>14} {:>10} {:>14}\n\n",
            "Value", "Percentile", "TotalCount", "1/(1-Percentile)"
        );
        let mut below = 0;
        for step in histogram.iter_quantiles(5) {
            below += step.count_since_last_iteration();
            let (value, quantile) = (step.value_iterated_to() as f64, step.quantile_iterated_to());
            text.push_str(&format!("{value:12.3} {quantile:2.12} {below:10}"));
            if quantile < 1.0 {
                text.push_str(&format!(" {:14.2}", 1.0 / (1.0 - quantile)));
            }
            text.push('\n');
        }
        text.push_str(&format!(
            "#[Mean    = {:12.3}, StdDeviation   = {:12.3}]\n#[Max     = {:12.3}, Total count    = {:12}]\n\
             #[Buckets = {:12}, SubBuckets     = {SUB_BUCKETS:12}]\n",
            histogram.mean(),
            histogram.stdev(),
            histogram.max() as f64,
            histogram.len(),
            histogram.buckets(),
        ));
        text
    }
}

/// `42 ns`, `1.2 µs`, `3.4 ms`, `1.5 s`.
fn show(nanoseconds: u64) -> String {
    let value = nanoseconds as f64;
    match nanoseconds {
        0..1_000 => format!("{nanoseconds} ns"),
        1_000..1_000_000 => format!("{:.1} µs", value / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} ms", value / 1e6),
        _ => format!("{:.1} s", value / 1e9),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_those_of_the_values_and_the_text_is_that_of_hdrhistogram() {
        let mut latency = Latency::default();
        (1..=1_000).for_each(|value| latency.record(Duration::from_nanos(value)));
        assert_eq!(latency.percentiles(), [500, 990, 999, 1_000, 1_000]);
        assert_eq!(
            latency.to_text(),
            "p50 500 ns   p99 990 ns   p99.9 999 ns   p99.99 1.0 µs   max 1.0 µs   of 1,000"
        );
        assert_eq!(latency.at_least(Duration::from_nanos(901)), 100);
        let text = latency.to_hgrm();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "       Value     Percentile TotalCount 1/(1-Percentile)");
        assert_eq!(lines[1], "");
        assert_eq!(lines[2], "       1.000 0.000000000000          1           1.00");
        let last = lines.iter().rfind(|line| !line.starts_with('#')).unwrap();
        assert_eq!(*last, "    1000.000 1.000000000000       1000");
        assert_eq!(lines[lines.len() - 2], "#[Max     =     1000.000, Total count    =         1000]");
    }
}
