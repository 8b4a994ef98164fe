//! The market of the bench: recorded quotes at an even pace, on a schedule that waits for nobody.
//!
//! Quote n is due at its time on the schedule, whatever became of those before it, and everything that is measured
//! counts from there. A session that stands still is late for every quote that was due meanwhile, and each one says so.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use genovo_adapters::feed::{Bell, Feed, FeedSender, Next, QueuedFeed};
use genovo_engine::event::{Event, Fact, Quote};
use genovo_engine::units::{Nanoseconds, Price, Timestamp};
use genovo_engine::world::WorldError;

use super::cores;

/// When each quote is due.
#[derive(Clone, Copy, Debug)]
pub struct Schedule {
    /// The first quote, by the session's time.
    pub first: Timestamp,
    /// Quotes a second.
    pub rate: u32,
    /// How many there are.
    pub count: u64,
}

impl Schedule {
    /// How long after the first one quote `number` is due, counted from 0.
    fn after(&self, number: u64) -> u64 {
        (u128::from(number) * 1_000_000_000 / u128::from(self.rate)) as u64
    }
}

/// The last bid and ask that were handed over, for a broker that fills at them.
#[derive(Debug, Default)]
pub struct LastQuote {
    bid: AtomicI64,
    ask: AtomicI64,
}

impl LastQuote {
    fn set(&self, quote: &Quote) {
        self.bid.store(quote.bid.0, Ordering::Relaxed);
        self.ask.store(quote.ask.0, Ordering::Relaxed);
    }

    /// Bid and ask. The two may be of neighbouring quotes.
    pub fn get(&self) -> (Price, Price) {
        (Price(self.bid.load(Ordering::Relaxed)), Price(self.ask.load(Ordering::Relaxed)))
    }
}

/// What a generator needs.
pub struct Generating {
    /// The quotes; played forwards, then backwards, and so on, so that no price ever jumps.
    pub quotes: Arc<Vec<Event>>,
    /// When each is due.
    pub schedule: Schedule,
    /// The moment of the first one.
    pub begins: Instant,
    /// How long before it is due a quote is handed over; none: the generator looks at the clock until then.
    pub ahead: Duration,
    /// The core it keeps to.
    pub core: Option<usize>,
    /// The last quote.
    pub last: Arc<LastQuote>,
    /// Ends it early.
    pub stop: Arc<AtomicBool>,
}

/// Starts it. The thread says how many quotes it handed over, and how many found the queue full.
pub fn start(generating: Generating, sender: FeedSender) -> JoinHandle<(u64, u64)> {
    std::thread::Builder::new()
        .name("genovo-quotes".to_string())
        .spawn(move || generate(&generating, sender))
        .expect("the system gives us a thread")
}

/// How long one sleep is, where quotes are handed over ahead of their time.
const NAP: Duration = Duration::from_millis(1);

fn generate(generating: &Generating, mut sender: FeedSender) -> (u64, u64) {
    let Generating { quotes, schedule, begins, ahead, .. } = generating;
    if let Some(core) = generating.core {
        cores::keep_to(core);
    }
    let period = (2 * quotes.len() as u64).saturating_sub(2).max(1);
    let (mut sent, mut lost) = (0, 0);
    for number in 0..schedule.count {
        let after = schedule.after(number);
        let hand_over = *begins + Duration::from_nanos(after);
        loop {
            let early = hand_over.saturating_duration_since(Instant::now());
            if early <= *ahead {
                break;
            }
            if generating.stop.load(Ordering::Relaxed) {
                return (sent, lost);
            }
            // Ahead of its time nothing is late by a nap; without that the last stretch is spent looking.
            match !ahead.is_zero() || early > 2 * NAP {
                true => std::thread::sleep(NAP),
                false => std::hint::spin_loop(),
            }
        }
        let place = number % period;
        let place = place.min(period - place) as usize;
        let Some(Fact::QuoteChanged(quote)) = quotes.get(place).map(|event| &event.fact) else { continue };
        let time = schedule.first + Nanoseconds(after as i64);
        let event =
            Event::unnumbered(time, time, quotes[place].header.instrument, Fact::QuoteChanged(*quote));
        generating.last.set(quote);
        match sender.push(event) {
            true => sent += 1,
            false => lost += 1,
        }
    }
    (sent, lost)
}

/// A feed at which the session's own thread stands still once.
pub struct Stalling {
    /// The feed.
    pub feed: QueuedFeed,
    /// From which event on, and for how long; none: it never does.
    pub stall: Option<(Timestamp, Duration)>,
}

impl Feed for Stalling {
    fn name(&self) -> String {
        self.feed.name()
    }

    #[inline]
    fn peek(&mut self) -> Result<Next, WorldError> {
        self.feed.peek()
    }

    #[inline]
    fn take(&mut self) -> Option<Event> {
        let event = self.feed.take()?;
        if let Some((time, stall)) = self.stall
            && event.header.time_received >= time
        {
            self.stall = None;
            std::thread::sleep(stall);
        }
        Some(event)
    }

    fn wake_by(&mut self, bell: Bell) {
        self.feed.wake_by(bell);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use genovo_adapters::feed::queue;
    use genovo_engine::ids::InstrumentId;

    #[test]
    fn every_quote_comes_at_its_time_and_no_price_jumps() {
        let quote = |n: i64| {
            let (bid, ask) = (Price(n), Price(n + 1));
            let fact = Fact::QuoteChanged(Quote { bid, ask, bid_size: None, ask_size: None });
            Event::unnumbered(Timestamp(0), Timestamp(0), InstrumentId(1), fact)
        };
        let (sender, mut feed) = queue("test", 64);
        let schedule = Schedule { first: Timestamp(1_000), rate: 3_000, count: 7 };
        let begins = Instant::now();
        let generating = Generating {
            quotes: Arc::new((1..=3).map(quote).collect()),
            schedule,
            begins,
            ahead: Duration::ZERO,
            core: None,
            last: Arc::default(),
            stop: Arc::default(),
        };
        assert_eq!(start(generating, sender).join().unwrap(), (7, 0));
        assert!(begins.elapsed() >= Duration::from_millis(2), "six intervals of a third of a millisecond");
        let mut seen = Vec::new();
        while let Next::At(time) = feed.peek().unwrap() {
            let event = feed.take().unwrap();
            let Fact::QuoteChanged(quote) = event.fact else { panic!("{event:?}") };
            seen.push((time.0, event.header.time_event.0, quote.bid.0));
        }
        let due = |n: i64| 1_000 + n * 1_000_000 / 3;
        let bids = [1, 2, 3, 2, 1, 2, 3];
        let expected: Vec<(i64, i64, i64)> = (0..).zip(bids).map(|(n, bid)| (due(n), due(n), bid)).collect();
        assert_eq!(seen, expected);
    }
}
