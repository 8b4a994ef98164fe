//! Does every broker do what a broker must, whatever goes wrong on the way?

use std::sync::{Arc, Mutex};

use genovo_adapters::broker::desk::Task;
use genovo_adapters::broker::paper::book::Durability;
use genovo_adapters::broker::{ClientIds, Desk, Execution, Paper};
use genovo_engine::event::{Event, Fact, Quote};
use genovo_engine::ids::InstrumentId;
use genovo_engine::units::{Nanoseconds, Price, Quantity, SCALE, Timestamp};
use genovo_tests::broker_kit::{UnderTest, examine};
use genovo_tests::custom_broker::{Custom, Exchange};

const PRICE: Price = Price(1_290 * SCALE);

struct PaperAccount {
    folder: tempfile::TempDir,
    market: Vec<Event>,
}

impl PaperAccount {
    /// The `number`-th quote: away from the price at the odd numbers, so that each even one trades.
    fn quote(&mut self, bid: Price, ask: Price, size: Option<Quantity>) -> (Event, u64) {
        let time = Timestamp(self.market.len() as i64 * 1_000);
        let quote = Quote { bid, ask, bid_size: size, ask_size: size };
        let event = Event::unnumbered(time, time, InstrumentId(1), Fact::QuoteChanged(quote));
        self.market.push(event.clone());
        (event, self.market.len() as u64)
    }
}

impl UnderTest for PaperAccount {
    fn open(&mut self, ids: ClientIds) -> Box<dyn Execution> {
        let mut settings = genovo_tests::gold();
        settings.venue.latency = Nanoseconds::ZERO;
        let path = self.folder.path().join("paper.book");
        let mut paper = Paper::open(&path, &settings, ids, Durability::Process).expect("its own book");
        // As a session does: the market that was before is lived through again.
        for (event, number) in self.market.iter().zip(1..) {
            paper.market(event, number);
        }
        Box::new(paper)
    }

    fn trade(&mut self, desk: &mut Desk, size: Option<Quantity>) {
        let tick = Price(SCALE / 1_000);
        let (event, number) = self.quote(Price(PRICE.0 - tick.0), PRICE, size);
        desk.give(Task::Market(event, number));
        let (event, number) = self.quote(PRICE, Price(PRICE.0 + 5 * tick.0), None);
        desk.give(Task::Market(event, number));
    }

    fn price(&self) -> Price {
        PRICE
    }
}

#[test]
fn the_paper_broker_passes() {
    examine(|| {
        let mut account = PaperAccount { folder: tempfile::tempdir().unwrap(), market: Vec::new() };
        account.quote(PRICE, Price(PRICE.0 + SCALE), None);
        Box::new(account)
    });
}

struct CustomAccount(Arc<Mutex<Exchange>>);

impl UnderTest for CustomAccount {
    fn open(&mut self, _: ClientIds) -> Box<dyn Execution> {
        Box::new(Custom::new(Arc::clone(&self.0)))
    }

    fn trade(&mut self, desk: &mut Desk, size: Option<Quantity>) {
        // Orders that were sent are there by now.
        desk.wait();
        self.0.lock().unwrap().trade(PRICE, size);
    }

    fn price(&self) -> Price {
        PRICE
    }
}

#[test]
fn the_guides_broker_passes() {
    examine(|| Box::new(CustomAccount(Arc::default())));
}

/// The guide shows the code that is examined here, not another.
#[test]
fn the_guide_shows_this_very_broker() {
    let read = |path: &str| std::fs::read_to_string(genovo_tests::repository(path)).unwrap();
    let guide = read("docs/custom-broker.md");
    let sources = read("tests/custom_broker.rs") + &read("tests/it/brokers.rs");
    let blocks: Vec<&str> =
        guide.split("```rust\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert!(blocks.len() >= 4, "{}", blocks.len());
    for block in blocks {
        assert!(sources.contains(block), "the sources have no such lines:\n{block}");
    }
}
