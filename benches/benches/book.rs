//! How fast is an order book?
//!
//! The levels of the shipped BTCUSDT book: into the book, beside a map as a plain book has, and through a whole run of
//! no strategy, engine and venue with a book each, every event chained and stored in sled.
//! `cargo bench -p genovo-benches --bench book`

use std::collections::BTreeMap;
use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use genovo_benches::{book, journal_of, market_of, replay, scenario};
use genovo_engine::book::Book;
use genovo_engine::event::{BookChange, Event, Fact, Side};
use genovo_engine::units::Price;

/// The changes of the shipped book, in memory.
fn changes() -> Vec<BookChange> {
    let mut source = book(1);
    let (mut events, mut changes): (Vec<Event>, Vec<BookChange>) = Default::default();
    loop {
        events.clear();
        source.read(&mut events, 4_096).expect("good data");
        if events.is_empty() {
            return changes;
        }
        changes.extend(events.iter().filter_map(|event| match event.fact {
            Fact::BookChanged(change) => Some(change),
            _ => None,
        }));
    }
}

/// A book as a map of prices, asked for its best prices after each update.
fn through_a_map(changes: &[BookChange]) -> i64 {
    let (mut bids, mut asks, mut sum) = (BTreeMap::new(), BTreeMap::new(), 0_i64);
    for change in changes {
        let side = if change.side == Side::Buy { &mut bids } else { &mut asks };
        match change.size.0 {
            0 => side.remove(&change.price.0),
            size => side.insert(change.price.0, size),
        };
        if change.last
            && let (Some((bid, _)), Some((ask, _))) = (bids.last_key_value(), asks.first_key_value())
        {
            sum = sum.wrapping_add(bid ^ ask);
        }
    }
    sum
}

fn through_ours(changes: &[BookChange], tick: Price) -> i64 {
    let (mut book, mut sum) = (Book::new(tick), 0_i64);
    for change in changes {
        book.change(change);
        if change.last
            && let Some(quote) = book.quote()
        {
            sum = sum.wrapping_add(quote.bid.0 ^ quote.ask.0);
        }
    }
    sum
}

fn levels_a_second(criterion: &mut Criterion) {
    let changes = changes();
    let tick: Price = "0.1".parse().expect("a price");
    assert_eq!(through_ours(&changes, tick), through_a_map(&changes), "both books are the same");
    let mut group = criterion.benchmark_group("book");
    group.throughput(Throughput::Elements(changes.len() as u64));
    group.bench_function("ours", |bencher| bencher.iter(|| black_box(through_ours(&changes, tick))));
    group.bench_function("a map", |bencher| bencher.iter(|| black_box(through_a_map(&changes))));
    group.finish();
}

fn rows_a_second(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let market = journal_of(book(8), folder.path());
    let settings = scenario("book", &["strategy.kind=flat"]);
    let done = replay(&settings, market_of(&market), folder.path());
    let mut group = criterion.benchmark_group("run over a book");
    group.sample_size(10);
    group.throughput(Throughput::Elements(done.counts.ticks));
    group.bench_function("no strategy, journal", |bencher| {
        bencher.iter_custom(|rounds| {
            (0..rounds).map(|_| replay(&settings, market_of(&market), folder.path()).time).sum()
        });
    });
    group.finish();
}

criterion_group!(benches, levels_a_second, rows_a_second);
criterion_main!(benches);
