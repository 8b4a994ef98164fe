//! The content chain: each group's hash covers the hash before it, so the last one covers everything.
//!
//! `content_n = BLAKE3(content_{n-1} ‖ canonical bytes of group n)`, `content_0` = 32 zero bytes.

use genovo_engine::canonical;
use genovo_engine::event::{Event, Fact};
use genovo_engine::ids::Hash;

use crate::group::{GROUP_BYTES_MAX, GROUP_EVENTS_MAX};

const HASH_BYTES: usize = 32;

/// Cuts events into groups and chains the groups' hashes. Where a group ends follows from the events alone,
/// never from time or from how they were appended.
#[derive(Clone, Debug)]
pub struct Chain {
    /// The last hash, the canonical bytes of the open group, and in `add` those of the event that may not
    /// fit.
    bytes: Vec<u8>,
    events: usize,
}

/// What an event means for the groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fit {
    /// It belongs to the open group, which stays open.
    Inside,
    /// It belongs to the open group and is its last event.
    Last,
    /// It does not fit: [`Chain::close_before`] comes first.
    Beyond,
}

impl Default for Chain {
    fn default() -> Chain {
        Chain::new()
    }
}

impl Chain {
    /// The chain before the first event.
    pub fn new() -> Chain {
        let mut bytes = Vec::with_capacity(HASH_BYTES + GROUP_BYTES_MAX + 4096);
        bytes.resize(HASH_BYTES, 0);
        Chain { bytes, events: 0 }
    }

    /// The chain after the group with this hash.
    pub fn after(head: Hash) -> Chain {
        let mut chain = Chain::new();
        chain.bytes[..HASH_BYTES].copy_from_slice(&head.0);
        chain
    }

    /// The hash of the last closed group.
    pub fn head(&self) -> Hash {
        let mut hash = [0; HASH_BYTES];
        hash.copy_from_slice(&self.bytes[..HASH_BYTES]);
        Hash(hash)
    }

    /// Takes an event and closes groups as they fill; returns how many were closed. For those who need only
    /// the hash.
    pub fn push(&mut self, event: &Event) -> usize {
        let (fit, start) = self.add(event);
        match fit {
            Fit::Inside => 0,
            Fit::Last => {
                self.close();
                1
            }
            Fit::Beyond => {
                self.close_before(start);
                if self.is_last(event) {
                    self.close();
                    return 2;
                }
                1
            }
        }
    }

    /// The hash as if the open group were closed.
    pub fn finish(mut self) -> Hash {
        if self.events > 0 {
            self.close();
        }
        self.head()
    }

    /// Adds an event's canonical bytes; also says where they begin.
    #[inline]
    pub(crate) fn add(&mut self, event: &Event) -> (Fit, usize) {
        let start = self.bytes.len();
        canonical::encode(event, &mut self.bytes);
        if self.bytes.len() > HASH_BYTES + GROUP_BYTES_MAX && self.events > 0 {
            return (Fit::Beyond, start);
        }
        self.events += 1;
        (if self.is_last(event) { Fit::Last } else { Fit::Inside }, start)
    }

    /// Whether `event`, just taken, ends its group.
    #[inline]
    pub(crate) fn is_last(&self, event: &Event) -> bool {
        self.events == GROUP_EVENTS_MAX || matches!(event.fact, Fact::RunEnded(_) | Fact::ChapterClosed(_))
    }

    /// Closes the group without the bytes from `start` on, which open the next one.
    pub(crate) fn close_before(&mut self, start: usize) -> Hash {
        let hash = blake3::hash(&self.bytes[..start]);
        self.bytes.copy_within(start.., HASH_BYTES);
        self.bytes.truncate(HASH_BYTES + self.bytes.len() - start);
        self.bytes[..HASH_BYTES].copy_from_slice(hash.as_bytes());
        self.events = 1;
        Hash(*hash.as_bytes())
    }

    /// Closes the group.
    pub(crate) fn close(&mut self) -> Hash {
        let hash = blake3::hash(&self.bytes);
        self.bytes.truncate(HASH_BYTES);
        self.bytes.copy_from_slice(hash.as_bytes());
        self.events = 0;
        Hash(*hash.as_bytes())
    }

    /// Takes an event whatever the group's size: a reader follows the groups that it finds.
    #[inline]
    pub(crate) fn add_unchecked(&mut self, event: &Event) {
        canonical::encode(event, &mut self.bytes);
        self.events += 1;
    }

    /// How many canonical bytes lie from `start` on.
    #[inline]
    pub(crate) fn bytes_from(&self, start: usize) -> usize {
        self.bytes.len() - start
    }

    /// The canonical bytes in the open group.
    pub(crate) fn open_bytes(&self) -> usize {
        self.bytes.len() - HASH_BYTES
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use genovo_engine::event::{Features, Quote};
    use genovo_engine::ids::InstrumentId;
    use genovo_engine::units::{Price, Timestamp};

    fn quote(n: i64) -> Event {
        let quote = Quote { bid: Price(n), ask: Price(n + 1), bid_size: None, ask_size: None };
        Event::unnumbered(Timestamp(n), Timestamp(n), InstrumentId(1), Fact::QuoteChanged(quote))
    }

    fn vector(values: usize) -> Event {
        let features = Features { values: vec![0.0; values], valid: Vec::new() };
        let fact = Fact::FeaturesComputed(Box::new(features));
        Event::unnumbered(Timestamp(0), Timestamp(0), InstrumentId(1), fact)
    }

    #[test]
    fn a_group_holds_2048_events() {
        let mut chain = Chain::new();
        let closed: Vec<i64> = (1..=5000).filter(|&n| chain.push(&quote(n)) > 0).collect();
        assert_eq!(closed, [2048, 4096]);
    }

    #[test]
    fn a_group_ends_before_96_kib() {
        // Canonical bytes: 22 + 8 + 4 × values + 8.
        let half = vector((GROUP_BYTES_MAX / 2 - 38) / 4);
        let over = vector((GROUP_BYTES_MAX / 2 - 38) / 4 + 2);
        let mut chain = Chain::new();
        assert_eq!((chain.push(&half), chain.push(&half), chain.push(&half)), (0, 0, 1));
        let mut chain = Chain::new();
        assert_eq!((chain.push(&half), chain.push(&over), chain.push(&half)), (0, 1, 1));
    }

    #[test]
    fn an_event_larger_than_a_group_stands_alone() {
        let large = vector(GROUP_BYTES_MAX);
        let mut chain = Chain::new();
        assert_eq!((chain.push(&large), chain.push(&quote(1)), chain.push(&large)), (0, 1, 1));
    }

    #[test]
    fn the_first_hash_covers_32_zero_bytes_and_the_group() {
        let mut bytes = vec![0; 32];
        canonical::encode(&quote(7), &mut bytes);
        let mut chain = Chain::new();
        chain.push(&quote(7));
        assert_eq!(chain.finish().0, *blake3::hash(&bytes).as_bytes());
    }
}
