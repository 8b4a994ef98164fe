//! `genovo bench soak`: a session that runs for long, and whether what it holds of the machine stays what it is.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::{Conditions, Deciding, Outcome, session};
use crate::bench::measure::figure;
use crate::bench::{Figure, Latency, Setting, Value};
use crate::error::{Exit, Failure};
use crate::report::format;

/// What a process holds at a moment.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Sample {
    /// Seconds since it began.
    at: f64,
    /// Resident memory, in bytes.
    memory: u64,
    /// Open files, sockets and the like.
    handles: u64,
    threads: u64,
}

/// A run shorter than this still fills its caches in its second half.
const SETTLED: Duration = Duration::from_secs(300);
/// What may come in the second half: noise of the allocator, and what is kept of an order for as long as a session
/// lives.
const NOISE: f64 = 1024.0 * 1024.0;
const KEPT_OF_AN_ORDER: f64 = 1024.0;
/// What caches may still take in a run that is shorter.
const CACHES: f64 = 16.0 * 1024.0 * 1024.0;

const MIB: f64 = 1024.0 * 1024.0;

/// Memory and handles over a long session, on paper.
pub fn soak(setting: &Setting<'_>, conditions: &Conditions) -> Result<Vec<Figure>, Failure> {
    if Sample::now(0.0).is_none() {
        let message = "what a process holds can be read on Linux only".to_string();
        return Err(Failure::new(Exit::Failed, message, "Nothing was measured."));
    }
    // Few orders: what is looked for is what grows although nothing has to.
    let slow = ["strategy.fast=100".to_string(), "strategy.slow=400".to_string()];
    let plan = setting.live_plan(Deciding::EmaCross, &slow)?;
    let journal = setting.place()?;
    let done: Arc<AtomicBool> = Arc::default();
    let sampler = sample(conditions.time, Arc::clone(&done));
    let outcome = session(setting, &plan, conditions, &journal, "paper", |_| Ok(None));
    done.store(true, Ordering::Relaxed);
    let samples = sampler.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    let outcome = outcome?;
    super::check_all_came(&outcome, None, conditions)?;
    let Some(held) = Held::of(&samples, conditions.time, outcome.ended.counts.orders) else {
        let message = format!("{} samples are too few", samples.len());
        return Err(Failure::new(Exit::Usage, message, "Nothing was measured.").help("run it for longer"));
    };
    held.judge()?;
    Ok(figures(&plan.data, conditions, &outcome, &held))
}

/// Looks every now and then, until it is done.
fn sample(time: Duration, done: Arc<AtomicBool>) -> JoinHandle<Vec<Sample>> {
    let every = (time / 240).clamp(Duration::from_millis(50), Duration::from_secs(10));
    let look = move || {
        let (began, mut samples) = (Instant::now(), Vec::with_capacity(1_024));
        // What follows the session, its seal and its report, is not a part of it.
        while !done.load(Ordering::Relaxed) && began.elapsed() < time {
            samples.extend(Sample::now(began.elapsed().as_secs_f64()));
            std::thread::sleep(every);
        }
        samples
    };
    std::thread::Builder::new()
        .name("genovo-soak".to_string())
        .spawn(look)
        .expect("the system gives us a thread")
}

impl Sample {
    fn now(at: f64) -> Option<Sample> {
        let status = std::fs::read_to_string("/proc/self/status").ok()?;
        let number = |name: &str| -> Option<u64> {
            let line = status.lines().find(|line| line.starts_with(name))?;
            line[name.len()..].split_whitespace().next()?.parse().ok()
        };
        let memory = number("VmRSS:")? * 1024;
        // The directory that is read is open while it is.
        let handles = (std::fs::read_dir("/proc/self/fd").ok()?.count() as u64).saturating_sub(1);
        Some(Sample { at, memory, handles, threads: number("Threads:")? })
    }
}

/// What the samples say.
#[derive(Debug)]
struct Held {
    /// Resident memory at half-time and at the end, in bytes: medians of a tenth of the samples.
    half: f64,
    end: f64,
    /// Bytes a second over the second half, by least squares.
    slope: f64,
    seconds: f64,
    /// The most in the first half, and the median of the last tenth: a file or a thread that comes and goes is none
    /// that is left open.
    handles: (u64, u64),
    threads: (u64, u64),
    /// Orders of the second half, about.
    orders: f64,
    settled: bool,
}

impl Held {
    fn of(samples: &[Sample], time: Duration, orders: u64) -> Option<Held> {
        let (first, second) = samples.split_at(samples.len() / 2);
        let tenth = (samples.len() / 10).max(1);
        if first.len() < 4 {
            return None;
        }
        let median = |samples: &[Sample]| {
            let mut values: Vec<u64> = samples.iter().map(|sample| sample.memory).collect();
            values.sort_unstable();
            values[values.len() / 2] as f64
        };
        let most_and_last = |of: fn(&Sample) -> u64| {
            let mut last: Vec<u64> =
                second[second.len() - tenth.min(second.len())..].iter().map(of).collect();
            last.sort_unstable();
            (first.iter().map(of).max().unwrap_or(0), last[last.len() / 2])
        };
        let slope = slope(second);
        Some(Held {
            half: median(&second[..tenth.min(second.len())]),
            end: median(&second[second.len() - tenth.min(second.len())..]),
            slope,
            seconds: second[second.len() - 1].at - second[0].at,
            handles: most_and_last(|sample| sample.handles),
            threads: most_and_last(|sample| sample.threads),
            orders: orders as f64 / 2.0,
            settled: time >= SETTLED,
        })
    }

    /// How much the second half brought.
    fn grown(&self) -> f64 {
        self.slope * self.seconds
    }

    fn judge(&self) -> Result<(), Failure> {
        let caches = if self.settled { 0.0 } else { CACHES };
        let may = NOISE + KEPT_OF_AN_ORDER * self.orders + caches;
        let failed =
            |message: String| Err(Failure::new(Exit::Failed, message, "The session itself ran to its end."));
        if self.grown() > may {
            return failed(format!(
                "memory grew by {} MiB in the second half, and {} may come",
                format::decimal(self.grown() / MIB, 1),
                format::decimal(may / MIB, 1)
            ));
        }
        for (what, (first, second)) in [("handles", self.handles), ("threads", self.threads)] {
            if second > first {
                return failed(format!("{second} {what} at the end, at most {first} in the first half"));
            }
        }
        Ok(())
    }
}

/// Bytes a second, by least squares.
fn slope(samples: &[Sample]) -> f64 {
    let count = samples.len() as f64;
    let mean = |of: fn(&Sample) -> f64| samples.iter().map(of).sum::<f64>() / count;
    let (at, memory) = (mean(|sample| sample.at), mean(|sample| sample.memory as f64));
    let both: f64 = samples.iter().map(|sample| (sample.at - at) * (sample.memory as f64 - memory)).sum();
    let square: f64 = samples.iter().map(|sample| (sample.at - at).powi(2)).sum();
    if square > 0.0 { both / square } else { 0.0 }
}

const SLOPE: &str = "least squares over the samples of the second half; of it some hundred bytes an order are what a \
                     session keeps of its orders for as long as it lives";

fn figures(data: &str, conditions: &Conditions, outcome: &Outcome, held: &Held) -> Vec<Figure> {
    let data = format!(
        "{} quotes/s for {}, paper broker, ema-cross 100/400 at every quote, commit {}, {data}",
        format::count(u64::from(conditions.rate)),
        format::plural(conditions.time.as_secs(), "second", "seconds"),
        conditions.commit.name()
    );
    let number = |name: &str, what, value, unit| figure(name, what, &data, Value::Number { value, unit });
    let resident = "resident memory of the process, the median of a tenth of the samples";
    let most = "open handles of the process: the most of the first half, the median of the last tenth";
    let mut rows = vec![
        number("memory at half-time", resident, held.half / MIB, "MiB"),
        number("memory at the end", resident, held.end / MIB, "MiB"),
        number("slope over the second half", SLOPE, held.slope * 3_600.0 / MIB, "MiB/h"),
        number("it grew in the second half by", SLOPE, held.grown() / MIB, "MiB"),
        number("handles, first half", most, held.handles.0 as f64, "handles"),
        number("handles at the end", most, held.handles.1 as f64, "handles"),
        number("threads at the end", "the same of threads", held.threads.1 as f64, "threads"),
        number("orders", "orders that left", outcome.ended.counts.orders as f64, "orders"),
        number("quotes lost", "quotes that found the feed's queue full", outcome.lost as f64, "quotes"),
        number("cores used", "processor time through time", outcome.cores, "cores"),
    ];
    if let Ok(telemetry) = outcome.ended.measured.telemetry.lock() {
        let latency =
            |latency: &genovo_adapters::live::Latency| Value::Latency(Box::new(Latency::from(latency)));
        rows.push(figure(
            "tick → order at the broker",
            super::TICK_TO_ORDER,
            &data,
            latency(&telemetry.orders),
        ));
        rows.push(figure("every tick → all done", super::TICKS, &data, latency(&telemetry.ticks)));
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(memory: impl Fn(u64) -> u64, handles: impl Fn(u64) -> u64) -> Vec<Sample> {
        let sample = |n| Sample { at: n as f64, memory: memory(n), handles: handles(n), threads: 9 };
        (0..1_000).map(sample).collect()
    }

    #[test]
    fn what_grows_is_found_and_what_swings_is_not() {
        let time = Duration::from_secs(1_000);
        let judge = |samples: &[Sample], orders| Held::of(samples, time, orders).unwrap().judge();
        let mib = 1 << 20;
        judge(&samples(|n| 60 * mib + n % 7 * 200_000, |n| 40 - n % 3), 0).unwrap();
        let filling = samples(|n| (40 + n.min(400) / 20) * mib, |_| 40);
        judge(&filling, 0).unwrap();
        let leak = samples(|n| 60 * mib + n * 10_000, |_| 40);
        let failure = judge(&leak, 0).unwrap_err();
        assert!(failure.message.contains("memory grew by 4.8 MiB"), "{}", failure.message);
        judge(&leak, 10_000).unwrap();
        let files = samples(|_| 60 * mib, |n| 40 + n / 600);
        assert!(judge(&files, 0).unwrap_err().message.contains("41 handles at the end"));
        assert!((slope(&leak) - 10_000.0).abs() < 1e-6);
    }

    #[test]
    fn this_process_can_be_looked_at() {
        let Some(before) = Sample::now(0.0) else { return };
        let file = std::fs::File::open("/proc/self/status").unwrap();
        let after = Sample::now(0.0).unwrap();
        assert!(before.memory > 100_000 && before.threads >= 1);
        // Other tests open files meanwhile; this one is open for sure.
        assert!(after.handles >= 1);
        drop(file);
    }
}
