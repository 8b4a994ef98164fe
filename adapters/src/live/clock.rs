//! The only clock: what time it is in the session.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use genovo_engine::units::{Nanoseconds, Timestamp};

/// How fast a session's time goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// As fast as it can be taken: time is the time of the last event.
    Max,
    /// So many times as fast as the wall clock, from 1 on.
    Times(u32),
}

impl Pace {
    /// The fastest that is still paced.
    pub const TIMES_MAX: u32 = 10_000;
}

impl std::fmt::Display for Pace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Pace::Max => f.write_str("full speed"),
            Pace::Times(1) => f.write_str("real time"),
            Pace::Times(times) => write!(f, "{times} ×"),
        }
    }
}

/// Where time comes from. The system's, or a test's.
pub trait TimeSource: Send {
    /// A clock that only ever goes on.
    fn steady(&self) -> Duration;
    /// The wall clock since 1970, which may step.
    fn wall(&self) -> Duration;
    /// The moment of a time of the steady clock, where that is the system's: for measuring.
    fn moment(&self, steady: Duration) -> Option<Instant> {
        let _ = steady;
        None
    }
}

/// The system's clocks.
#[derive(Debug)]
pub struct SystemTimeSource(Instant);

impl Default for SystemTimeSource {
    fn default() -> SystemTimeSource {
        SystemTimeSource(Instant::now())
    }
}

impl SystemTimeSource {
    /// One whose steady clock began at `origin`, for who has to compare it with another.
    pub fn since(origin: Instant) -> SystemTimeSource {
        SystemTimeSource(origin)
    }
}

impl TimeSource for SystemTimeSource {
    fn steady(&self) -> Duration {
        self.0.elapsed()
    }

    fn wall(&self) -> Duration {
        SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
    }

    fn moment(&self, steady: Duration) -> Option<Instant> {
        self.0.checked_add(steady)
    }
}

/// A session's clock: it begins at some time and goes on at its pace by the steady clock, whatever the wall clock does.
pub struct Clock {
    source: Box<dyn TimeSource>,
    pace: Pace,
    /// Session time and steady time of the same moment.
    anchor: (Timestamp, Duration),
    /// How far the wall clock was ahead of the steady one when they were last compared.
    offset: i128,
}

/// A wall clock that moves by less against the steady one drifts, as clocks do.
const STEP_MIN: Nanoseconds = Nanoseconds(200_000_000);

impl Clock {
    /// A clock that shows `start` now.
    pub fn new(pace: Pace, start: Timestamp, source: Box<dyn TimeSource>) -> Clock {
        let anchor = (start, source.steady());
        let offset = offset(&*source);
        Clock { source, pace, anchor, offset }
    }

    /// How fast it goes.
    pub fn pace(&self) -> Pace {
        self.pace
    }

    /// The steady clock.
    pub fn steady(&self) -> Duration {
        self.source.steady()
    }

    /// The moment of a time of the steady clock, where that is the system's.
    pub fn moment(&self, steady: Duration) -> Option<Instant> {
        self.source.moment(steady)
    }

    /// Shows `time` from now on: a session begins, or goes on after it was away.
    pub fn set(&mut self, time: Timestamp) {
        self.anchor = (time, self.source.steady());
    }

    /// The session's time; without a pace there is none but that of the events.
    #[inline]
    pub fn now(&self) -> Option<Timestamp> {
        match self.pace {
            Pace::Max => None,
            Pace::Times(times) => {
                let passed = self.source.steady().saturating_sub(self.anchor.1).as_nanos() as i64;
                Some(self.anchor.0 + Nanoseconds(passed.saturating_mul(i64::from(times))))
            }
        }
    }

    /// How long, by the steady clock, until the session's time is `time`.
    pub fn until(&self, time: Timestamp) -> Duration {
        match (self.pace, self.now()) {
            (Pace::Times(times), Some(now)) => {
                Duration::from_nanos(((time - now).0.max(0) / i64::from(times.max(1))) as u64)
            }
            _ => Duration::ZERO,
        }
    }

    /// When, by the steady clock, the session's time is `time`.
    pub fn steady_at(&self, time: Timestamp) -> Duration {
        match self.pace {
            Pace::Times(times) => {
                let since = (time - self.anchor.0).0.max(0) / i64::from(times.max(1));
                self.anchor.1 + Duration::from_nanos(since as u64)
            }
            Pace::Max => self.source.steady(),
        }
    }

    /// How far the wall clock stepped since it was last asked, if it did.
    pub fn step(&mut self) -> Option<Nanoseconds> {
        let offset = offset(&*self.source);
        let step = Nanoseconds(i64::try_from(offset - self.offset).unwrap_or(i64::MAX));
        if step.0.saturating_abs() < STEP_MIN.0 {
            return None;
        }
        self.offset = offset;
        Some(step)
    }
}

fn offset(source: &dyn TimeSource) -> i128 {
    source.wall().as_nanos() as i128 - source.steady().as_nanos() as i128
}
