//! A feed that another thread fills: whoever reads a socket does so on a thread of its own and hands over here.
//!
//! The queue is bounded and nobody waits for it. What finds it full is lost, and the session is told how much, and
//! between when and when.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use crossbeam::queue::ArrayQueue;
use genovo_engine::event::{Event, FeedGap};
use genovo_engine::units::Timestamp;
use genovo_engine::world::WorldError;

use super::{Bell, Feed, Next};

enum Item {
    Event(Event),
    Gap(FeedGap),
}

struct Shared {
    queue: ArrayQueue<Item>,
    bell: OnceLock<Bell>,
    /// What was lost after the last event, once nothing comes any more.
    last_gap: Mutex<Option<FeedGap>>,
    ended: AtomicBool,
}

/// The end that is filled. Dropping it ends the feed.
pub struct FeedSender {
    shared: Arc<Shared>,
    /// When the last event that found room arrived.
    last: Timestamp,
    /// What was lost since.
    gap: Option<FeedGap>,
}

/// The end that a session takes from.
pub struct QueuedFeed {
    name: String,
    shared: Arc<Shared>,
    ahead: Option<Event>,
}

/// A feed with room for so many events; `name` is for people.
pub fn queue(name: impl Into<String>, room: usize) -> (FeedSender, QueuedFeed) {
    let shared = Arc::new(Shared {
        queue: ArrayQueue::new(room.max(2)),
        bell: OnceLock::new(),
        last_gap: Mutex::default(),
        ended: AtomicBool::new(false),
    });
    let sender = FeedSender { shared: Arc::clone(&shared), last: Timestamp::MIN, gap: None };
    (sender, QueuedFeed { name: name.into(), shared, ahead: None })
}

impl FeedSender {
    /// Hands over an event, its `time_received` the session's time at which it arrives; a time to come is waited for.
    /// Whether there was room: if not, the event is lost.
    pub fn push(&mut self, event: Event) -> bool {
        let time = event.header.time_received;
        if let Some(gap) = self.gap {
            let told = self.shared.queue.push(Item::Gap(FeedGap { to: time, ..gap }));
            self.gap = told.is_err().then_some(gap);
        }
        // A gap that was not told yet goes first.
        let pushed = self.gap.is_none() && self.shared.queue.push(Item::Event(event)).is_ok();
        if pushed {
            self.last = time;
        } else {
            let gap = self.gap.unwrap_or(FeedGap { count: Some(0), from: self.last, to: time });
            self.gap = Some(FeedGap { count: gap.count.map(|count| count + 1), to: time, ..gap });
        }
        if let Some(bell) = self.shared.bell.get() {
            bell.ring();
        }
        pushed
    }

    /// How many events wait.
    pub fn waiting(&self) -> usize {
        self.shared.queue.len()
    }
}

impl Drop for FeedSender {
    fn drop(&mut self) {
        *self.shared.last_gap.lock().unwrap_or_else(PoisonError::into_inner) = self.gap;
        self.shared.ended.store(true, Ordering::Release);
        if let Some(bell) = self.shared.bell.get() {
            bell.ring();
        }
    }
}

impl Feed for QueuedFeed {
    fn name(&self) -> String {
        self.name.clone()
    }

    #[inline]
    fn peek(&mut self) -> Result<Next, WorldError> {
        if let Some(event) = &self.ahead {
            return Ok(Next::At(event.header.time_received));
        }
        // Asked before the queue: what was pushed before the end is seen.
        let ended = self.shared.ended.load(Ordering::Acquire);
        match self.shared.queue.pop() {
            Some(Item::Event(event)) => {
                let time = event.header.time_received;
                self.ahead = Some(event);
                Ok(Next::At(time))
            }
            Some(Item::Gap(gap)) => Ok(Next::Gap(gap)),
            None if ended => {
                let gap = self.shared.last_gap.lock().unwrap_or_else(PoisonError::into_inner).take();
                Ok(gap.map_or(Next::Ended, Next::Gap))
            }
            None => Ok(Next::Nothing),
        }
    }

    #[inline]
    fn take(&mut self) -> Option<Event> {
        self.ahead.take()
    }

    fn wake_by(&mut self, bell: Bell) {
        let _ = self.shared.bell.set(bell);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use genovo_engine::event::{Fact, TimerFired};
    use genovo_engine::ids::{InstrumentId, TimerId};

    fn event(n: i64) -> Event {
        let fact = Fact::TimerFired(TimerFired { timer: TimerId(1) });
        Event::unnumbered(Timestamp(n), Timestamp(n), InstrumentId::NONE, fact)
    }

    fn drain(feed: &mut QueuedFeed) -> Vec<Next> {
        let mut seen = Vec::new();
        loop {
            match feed.peek().unwrap() {
                Next::At(time) => {
                    assert_eq!(feed.take().unwrap().header.time_received, time);
                    seen.push(Next::At(time));
                }
                Next::Gap(gap) => seen.push(Next::Gap(gap)),
                last => return [seen, vec![last]].concat(),
            }
        }
    }

    #[test]
    fn what_finds_no_room_is_lost_and_told_between_its_neighbours() {
        let (mut sender, mut feed) = queue("test", 3);
        let pushed: Vec<bool> = (1..=5).map(|n| sender.push(event(n))).collect();
        assert_eq!(pushed, [true, true, true, false, false]);
        let at = |n| Next::At(Timestamp(n));
        let gap = |count, from, to| {
            Next::Gap(FeedGap { count: Some(count), from: Timestamp(from), to: Timestamp(to) })
        };
        assert_eq!(drain(&mut feed), [at(1), at(2), at(3), Next::Nothing]);
        assert!(sender.push(event(6)) && sender.push(event(7)));
        assert_eq!(drain(&mut feed), [gap(2, 3, 6), at(6), at(7), Next::Nothing]);
        // At the very end too.
        let pushed: Vec<bool> = (8..=11).map(|n| sender.push(event(n))).collect();
        assert_eq!(pushed, [true, true, true, false]);
        drop(sender);
        assert_eq!(drain(&mut feed), [at(8), at(9), at(10), gap(1, 10, 11), Next::Ended]);
        assert_eq!(drain(&mut feed), [Next::Ended]);
    }

    #[test]
    fn every_event_arrives_in_order_or_is_counted_as_lost_whoever_is_faster() {
        let (mut sender, mut feed) = queue("test", 64);
        let thread = std::thread::spawn(move || (1..=100_000).filter(|&n| sender.push(event(n))).count());
        let (mut taken, mut lost, mut last) = (0, 0, 0);
        loop {
            match feed.peek().unwrap() {
                Next::At(time) => {
                    assert_eq!(time.0, last + 1 + lost_since(&mut lost), "in order");
                    last = time.0;
                    taken += 1;
                    feed.take();
                }
                Next::Gap(gap) => lost += gap.count.unwrap() as i64,
                Next::Nothing => std::hint::spin_loop(),
                Next::Ended => break,
            }
        }
        assert_eq!(thread.join().unwrap(), taken);
        assert_eq!(last + lost, 100_000);
    }

    fn lost_since(lost: &mut i64) -> i64 {
        std::mem::take(lost)
    }
}
