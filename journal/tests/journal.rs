//! Whole journals: written, opened, read, verified, damaged.

mod support;

use std::fs;
use std::path::Path;

use genovo_engine::event::{Event, Fact};
use genovo_engine::ids::{OrderId, Sequence};
use genovo_journal::{Chain, Error, Identity, Journal, Writer, diff, verify};
use support::{events, write};

#[test]
fn what_was_written_is_read() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("run");
    let events = events(7, 9_000);
    let sealed = write(&path, &events);
    assert_eq!(sealed.events, events.len() as u64);

    let journal = Journal::open(&path).unwrap();
    let read: Vec<Event> = journal.events().collect::<Result<_, _>>().unwrap();
    support::assert_same(&read, &events);
    assert_eq!(journal.summary().head_hash, sealed.head_hash);
    assert_eq!(journal.summary().events, sealed.events);

    let mut chain = Chain::new();
    for event in &events {
        chain.push(event);
    }
    assert_eq!(chain.finish(), sealed.head_hash);

    let verification = verify(&path).unwrap();
    assert_eq!(verification.first_damage, None);
    assert_eq!((verification.events, verification.head_hash), (sealed.events, sealed.head_hash));
    assert_eq!(diff(&path, &path, 10).unwrap(), []);
}

#[test]
fn single_events_are_found() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("run");
    let events = events(3, 5_000);
    write(&path, &events);
    let journal = Journal::open(&path).unwrap();
    for at in [0, 1, 700, 2047, 2048, 2049, events.len() - 1] {
        let (event, number) = (&events[at], at as u64 + 1);
        let sequence = event.header.sequence;
        support::assert_same(&[journal.get(sequence).unwrap().unwrap()], std::slice::from_ref(event));
        support::assert_same(&[journal.by_number(number).unwrap().unwrap()], std::slice::from_ref(event));
        assert_eq!(journal.number_of(sequence).unwrap(), Some(number));
        let rest: Result<Vec<Event>, _> = journal.events_from(sequence).collect();
        support::assert_same(&rest.unwrap(), &events[at..]);
    }
    assert_eq!(journal.get(Sequence(1)).unwrap(), None);
    assert_eq!(journal.by_number(0).unwrap(), None);
    assert_eq!(journal.by_number(events.len() as u64 + 1).unwrap(), None);
    assert_eq!(journal.number_of(Sequence(u64::MAX)).unwrap(), None);
}

#[test]
fn an_order_is_found_with_everything_that_names_it() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("run");
    let events = events(11, 6_000);
    write(&path, &events);
    let journal = Journal::open(&path).unwrap();
    let before = support::bytes_of(&path);
    for order in [0, 1, 2, 17, u64::MAX] {
        let order = OrderId(order);
        let expected: Vec<Sequence> = events
            .iter()
            .filter(|event| support::names(&event.fact, order))
            .map(|event| event.header.sequence)
            .collect();
        assert_eq!(journal.order_events(order).unwrap(), expected, "order {order}");
    }
    assert_eq!(support::bytes_of(&path), before, "reading changed a sealed file");
}

#[test]
fn columns_hold_the_quotes() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("run");
    let events = events(5, 5_000);
    write(&path, &events);
    let mut quotes = events.iter().filter_map(|event| match &event.fact {
        Fact::QuoteChanged(quote) => Some((event.header, *quote)),
        _ => None,
    });
    let mut columns = Journal::open(&path).unwrap().block_columns();
    while let Some(block) = columns.next().unwrap() {
        let block = block.quotes();
        for row in 0..block.bids.len() {
            let (header, quote) = quotes.next().unwrap();
            assert_eq!(block.sequences[row] as u64, header.sequence.0);
            assert_eq!(block.times[row], header.time_event.0);
            assert_eq!(block.received[row], header.time_received.0);
            assert_eq!(block.instruments[row], i64::from(header.instrument.0));
            assert_eq!((block.bids[row], block.asks[row]), (quote.bid.0, quote.ask.0));
            assert_eq!(
                (block.bid_sizes.get(row), block.ask_sizes.get(row)),
                (quote.bid_size, quote.ask_size)
            );
        }
    }
    assert!(quotes.next().is_none());
}

#[test]
fn an_empty_journal_is_a_journal() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("run");
    let sealed = Writer::create(&path, &Identity::default()).unwrap().finish().unwrap();
    assert_eq!(sealed.head_hash.0, [0; 32]);
    assert!(verify(&path).unwrap().intact());
    assert_eq!(Journal::open(&path).unwrap().events().count(), 0);
}

#[test]
fn an_interrupted_writer_leaves_an_incomplete_journal() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("run");
    let mut writer = Writer::create(&path, &Identity::default()).unwrap();
    for event in events(1, 5_000) {
        writer.append(&event).unwrap();
    }
    drop(writer);
    assert!(matches!(Journal::open(&path), Err(Error::Incomplete { .. })));
    assert!(matches!(verify(&path), Err(Error::Incomplete { .. })));
    assert!(matches!(diff(&path, &path, 1), Err(Error::Incomplete { .. })));
    assert!(matches!(Journal::rebuild(&path), Err(Error::Incomplete { .. })));
}

#[test]
fn what_is_no_journal_is_named() {
    let directory = tempfile::tempdir().unwrap();
    assert!(matches!(Journal::open(directory.path()), Err(Error::NotAJournal { .. })));
    assert!(matches!(verify(&directory.path().join("nothing")), Err(Error::NotAJournal { .. })));
    fs::write(directory.path().join("notes.txt"), "mine").unwrap();
    let below_a_file = directory.path().join("notes.txt/run");
    assert!(matches!(Writer::create(&below_a_file, &Identity::default()), Err(Error::Io { .. })));
    let refused = Writer::create(directory.path(), &Identity::default()).err().unwrap();
    assert!(matches!(refused, Error::NotEmpty { .. }), "{refused}");
}

#[test]
fn the_writer_stops_at_the_first_error() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("run");
    let events = events(1, 100);
    let mut writer = Writer::create(&path, &Identity::default()).unwrap();
    writer.append(&events[5]).unwrap();
    assert!(matches!(writer.append(&events[5]), Err(Error::OutOfOrder { .. })));
    assert!(matches!(writer.append(&events[6]), Err(Error::Stopped { .. })));
    assert!(matches!(writer.finish(), Err(Error::Stopped { .. })));
    assert!(matches!(Journal::open(&path), Err(Error::Incomplete { .. })));
}

#[test]
fn the_same_events_give_the_same_blocks_and_head() {
    let directory = tempfile::tempdir().unwrap();
    let events = events(9, 6_000);
    let (one, two) = (directory.path().join("one"), directory.path().join("two"));
    let first = write(&one, &events);
    let identity = Identity { host: "another".to_owned(), ..Identity::default() };
    let mut writer = Writer::create(&two, &identity).unwrap();
    for batch in events.chunks(37) {
        for event in batch {
            genovo_engine::log::Log::append(&mut writer, event).unwrap();
        }
        genovo_engine::log::Log::commit(&mut writer).unwrap();
    }
    assert_eq!(writer.finish().unwrap().head_hash, first.head_hash);
    let blocks = |path: &Path| fs::read(path.join("chapter-000001/chapter.blocks")).unwrap();
    assert_eq!(blocks(&one), blocks(&two));
}

#[test]
fn differences_are_shown_by_sequence() {
    let directory = tempfile::tempdir().unwrap();
    let events = events(9, 6_000);
    let mut changed = events.clone();
    changed[4_000].header.time_event.0 += 1;
    let removed = changed.remove(5_000);
    let (one, two) = (directory.path().join("one"), directory.path().join("two"));
    write(&one, &events);
    write(&two, &changed);
    let differences = diff(&one, &two, 10).unwrap();
    assert_eq!(differences.len(), 2);
    assert_eq!(differences[0].sequence, events[4_000].header.sequence);
    support::assert_same(&[differences[0].second.clone().unwrap()], &changed[4_000..=4_000]);
    support::assert_same(&[differences[1].first.clone().unwrap()], &[removed]);
    assert_eq!(differences[1].second, None);
    assert_eq!(diff(&one, &two, 1).unwrap().len(), 1);
}
