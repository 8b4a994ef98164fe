//! What a session measures of itself, for people and for programs.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use genovo_adapters::live::{Latency, Telemetry};

use super::checkpoints::Taken;

/// The measurements of a session, while it runs and afterwards.
#[derive(Clone, Debug)]
pub struct Measured {
    /// The world's.
    pub telemetry: Arc<Mutex<Telemetry>>,
    /// How long commits took.
    pub commits: Arc<Mutex<Latency>>,
    /// What a commit waits for.
    pub mode: &'static str,
    /// What checkpoints came to, once the session has ended.
    pub checkpoints: Taken,
}

impl Measured {
    /// `tick → order leaves  p50 3.1 µs …`: a line for each kind of message that left, and one for the ticks
    /// themselves.
    pub fn lines(&self) -> Vec<String> {
        let (Ok(telemetry), Ok(commits)) = (self.telemetry.lock(), self.commits.lock()) else {
            return Vec::new();
        };
        let kinds = [
            ("tick → order leaves", &telemetry.orders),
            ("tick → cancel leaves", &telemetry.cancels),
            ("tick → replacement", &telemetry.replacements),
            ("tick → all done", &telemetry.ticks),
        ];
        let mut lines = Vec::new();
        for (name, latency) in kinds.into_iter().filter(|(_, latency)| latency.count() > 0) {
            let [p50, p99, p999, max] =
                [latency.at(0.5), latency.at(0.99), latency.at(0.999), latency.max()].map(short);
            lines.push(format!("  {name:20}  p50 {p50:8} p99 {p99:8} p99.9 {p999:8} max {max:8}"));
        }
        if let Some(first) = lines.first_mut().filter(|_| telemetry.orders.count() > 0) {
            first.push_str(&format!(
                " of it commit ({}) {}   queue {}   lost {}",
                self.mode,
                short(commits.at(0.5)),
                telemetry.queue_max,
                telemetry.lost
            ));
        }
        lines
    }

    /// For a program.
    pub fn to_json(&self) -> serde_json::Value {
        let figures = |latency: &Latency| {
            serde_json::json!({
                "count": latency.count(),
                "p50_ns": latency.at(0.5).as_nanos() as u64,
                "p99_ns": latency.at(0.99).as_nanos() as u64,
                "p999_ns": latency.at(0.999).as_nanos() as u64,
                "max_ns": latency.max().as_nanos() as u64,
            })
        };
        let (Ok(telemetry), Ok(commits)) = (self.telemetry.lock(), self.commits.lock()) else {
            return serde_json::Value::Null;
        };
        serde_json::json!({
            "tick_to_order": figures(&telemetry.orders),
            "tick_to_cancel": figures(&telemetry.cancels),
            "tick_to_replacement": figures(&telemetry.replacements),
            "tick_to_done": figures(&telemetry.ticks),
            "commit": figures(&commits),
            "commit_mode": self.mode,
            "queue_max": telemetry.queue_max,
            "lost": telemetry.lost,
            "checkpoints": {
                "count": self.checkpoints.count,
                "bytes": self.checkpoints.bytes,
                "max_ns": self.checkpoints.longest.as_nanos() as u64,
            },
        })
    }
}

/// A latency in a unit that suits it.
fn short(latency: Duration) -> String {
    let nanos = latency.as_nanos() as f64;
    match nanos {
        nanos if nanos < 1e3 => format!("{nanos:.0} ns"),
        nanos if nanos < 1e5 => format!("{:.1} µs", nanos / 1e3),
        nanos if nanos < 1e6 => format!("{:.0} µs", nanos / 1e3),
        nanos if nanos < 1e9 => format!("{:.1} ms", nanos / 1e6),
        nanos => format!("{:.1} s", nanos / 1e9),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn latencies_are_short() {
        for (nanos, text) in [(12, "12 ns"), (3_140, "3.1 µs"), (190_000, "190 µs"), (2_100_000, "2.1 ms")]
        {
            assert_eq!(short(Duration::from_nanos(nanos)), text);
        }
    }

    #[test]
    fn every_kind_of_message_that_left_has_a_line() {
        let measured = Measured {
            telemetry: Arc::default(),
            commits: Arc::default(),
            mode: "process",
            checkpoints: Taken::default(),
        };
        assert!(measured.lines().is_empty());
        measured.telemetry.lock().unwrap().cancels.record(Duration::from_micros(5));
        measured.telemetry.lock().unwrap().orders.record(Duration::from_micros(3));
        let lines = measured.lines();
        assert_eq!(lines.len(), 2, "{lines:?}");
        assert!(lines[0].contains("order leaves") && lines[0].contains("commit (process)"), "{lines:?}");
        assert!(lines[1].contains("cancel leaves") && lines[1].contains("p99.9 5.0 µs"), "{lines:?}");
        assert_eq!(measured.to_json()["tick_to_cancel"]["count"], 1);
    }
}
