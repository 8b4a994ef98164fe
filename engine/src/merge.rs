//! Several sources as one, in the order of arrival.
//!
//! The key is (arrival time, source number, file order): ties are decided by number, never by which thread was faster.

use crate::event::Event;
use crate::ids::Sequence;
use crate::units::Timestamp;
use crate::world::{Source, WorldError};

/// Events read from a source at once: they stay in the first-level cache until they are taken.
const BATCH: usize = 256;

/// The merged market stream. Arrival times never run backwards.
pub struct Merge {
    sources: Vec<Buffered>,
    now: Timestamp,
}

struct Buffered {
    source: Box<dyn Source>,
    batch: Vec<Event>,
    next: usize,
    ended: bool,
    accompanies: bool,
}

impl Buffered {
    #[inline]
    fn peek(&mut self) -> Result<Option<&Event>, WorldError> {
        if self.next == self.batch.len() && !self.ended {
            self.batch.clear();
            self.next = 0;
            self.source.read(&mut self.batch, BATCH)?;
            self.ended = self.batch.is_empty();
        }
        Ok(self.batch.get(self.next))
    }
}

impl Merge {
    /// Merges `sources`; their places in the list break ties.
    pub fn new(sources: Vec<Box<dyn Source>>) -> Merge {
        let buffered = |source: Box<dyn Source>| Buffered {
            accompanies: source.accompanies(),
            source,
            batch: Vec::with_capacity(BATCH),
            next: 0,
            ended: false,
        };
        Merge { sources: sources.into_iter().map(buffered).collect(), now: Timestamp::MIN }
    }

    /// Lends the next market event, if there is one. There is none any more once only such sources are left that
    /// accompany others.
    #[inline]
    pub fn next_event(&mut self) -> Result<Option<&mut Event>, WorldError> {
        let first = match &mut self.sources[..] {
            [only] => only.peek()?.is_some().then_some(0),
            many => {
                let (mut first, mut goes_on): (Option<(Timestamp, usize)>, bool) = (None, false);
                for (number, source) in many.iter_mut().enumerate() {
                    if let Some(event) = source.peek()? {
                        let time = event.header.time_received;
                        if first.is_none_or(|(earliest, _)| time < earliest) {
                            first = Some((time, number));
                        }
                        goes_on |= !source.accompanies;
                    }
                }
                first.filter(|_| goes_on).map(|(_, number)| number)
            }
        };
        let Some(first) = first else { return Ok(None) };
        let source = &mut self.sources[first];
        let event = &mut source.batch[source.next];
        source.next += 1;
        // What a file stamps earlier than what came before it still came after.
        self.now = self.now.max(event.header.time_received);
        event.header.time_received = self.now;
        event.header.sequence = Sequence::NONE;
        Ok(Some(event))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Fact, TimerFired};
    use crate::ids::{InstrumentId, TimerId};
    use crate::world::MemorySource;

    #[test]
    fn what_accompanies_a_market_ends_with_it() {
        let times = |times: &[i64]| -> Vec<Event> {
            let fact = Fact::TimerFired(TimerFired { timer: TimerId(1) });
            let event = |&time: &i64| {
                Event::unnumbered(Timestamp(time), Timestamp(time), InstrumentId::NONE, fact.clone())
            };
            times.iter().map(event).collect()
        };
        let mut merge = Merge::new(vec![
            Box::new(MemorySource::accompanying(times(&[1, 4, 8, 9]))),
            Box::new(MemorySource::new(times(&[2, 6]))),
            Box::new(MemorySource::new(times(&[3, 8]))),
        ]);
        let mut seen = Vec::new();
        while let Some(event) = merge.next_event().unwrap() {
            seen.push(event.header.time_received.0);
        }
        assert_eq!(seen, [1, 2, 3, 4, 6, 8, 8]);
        assert!(merge.next_event().unwrap().is_none());
    }

    #[test]
    fn ties_go_by_source_number_and_time_never_runs_back() {
        let source = |number: u32, times: &[i64]| -> Box<dyn Source> {
            let event = |&time: &i64| {
                let fact = Fact::TimerFired(TimerFired { timer: TimerId(number) });
                Event::unnumbered(Timestamp(time), Timestamp(time), InstrumentId::NONE, fact)
            };
            Box::new(MemorySource::new(times.iter().map(event).collect()))
        };
        let mut merge = Merge::new(vec![source(1, &[5, 5, 9, 3]), source(2, &[1, 5, 9]), source(3, &[])]);
        let mut seen = Vec::new();
        while let Some(event) = merge.next_event().unwrap() {
            let Fact::TimerFired(timer) = &event.fact else { unreachable!() };
            seen.push((timer.timer.0, event.header.time_event.0, event.header.time_received.0));
        }
        let expected = [(2, 1, 1), (1, 5, 5), (1, 5, 5), (2, 5, 5), (1, 9, 9), (1, 3, 9), (2, 9, 9)];
        assert_eq!(seen, expected);
        assert!(Merge::new(Vec::new()).next_event().unwrap().is_none());
    }
}
