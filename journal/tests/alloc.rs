//! Appending a market event allocates nothing once the buffers have grown.

mod support;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use genovo_engine::event::{Event, Kind};
use genovo_journal::{Identity, Writer};
use support::Random;

struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

// SAFETY: every call goes to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let _ = ALLOCATIONS.try_with(|count| count.set(count.get() + 1));
        // SAFETY: as the caller promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn appending_market_events_allocates_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let mut writer = Writer::create(&directory.path().join("run"), &Identity::default()).unwrap();
    let mut random = Random::new(3);
    let kinds =
        [Kind::QuoteChanged, Kind::TradePrinted, Kind::BarReceived, Kind::BarClosed, Kind::BookChanged];
    let events: Vec<Event> =
        (1..40_000).map(|n| support::event(n << 16, kinds[n as usize % 5], &mut random)).collect();
    let (warm_up, rest) = events.split_at(10_000);
    warm_up.iter().for_each(|event| writer.append(event).unwrap());
    let mut blocks = 0;
    for event in rest {
        let (head, before) = (writer.head(), ALLOCATIONS.get());
        writer.append(event).unwrap();
        if writer.head() == head {
            assert_eq!(ALLOCATIONS.get(), before, "an event within a group allocated");
        } else {
            // What a full block costs is sled's own, a few pieces for some thousand events.
            assert!(ALLOCATIONS.get() - before < 400, "{}", ALLOCATIONS.get() - before);
            blocks += 1;
        }
    }
    assert!(blocks > 10);
}
