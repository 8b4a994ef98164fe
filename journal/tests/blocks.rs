//! Blocks: every event of every kind comes back to the bit, and the blocks of every version stay readable.

mod support;

use std::fs;
use std::path::Path;

use genovo_engine::event::{Connection, ConnectionChanged, Event, Fact, Kind, Link};
use genovo_engine::ids::Hash;
use genovo_journal::{BLOCK_HEADER_BYTES, BlockHeader, BlockReader, BlockWriter, Chain, Group};
use proptest::prelude::*;
use support::{Random, assert_same, built_kinds, event, write};

fn there_and_back(events: &[Event]) {
    let (mut group, mut writer, mut reader) =
        (Group::default(), BlockWriter::default(), BlockReader::default());
    let mut block = Vec::new();
    // So many that the largest test vectors stay within a group's bytes.
    for events in events.chunks(1000) {
        group.clear();
        events.iter().for_each(|event| group.push(event));
        writer.write(&mut group, 1, Hash::default(), Hash::default(), &mut block).unwrap();
        let header = reader.read(&block).unwrap();
        assert_eq!(usize::from(header.events), events.len());
        let read: Vec<Event> = std::iter::from_fn(|| reader.next_event()).collect();
        assert_same(&read, events);
    }
}

#[test]
fn every_kind_comes_back_alone() {
    let mut random = Random::new(1);
    for kind in built_kinds() {
        for sequence in [0, 1, 1 << 16, u64::MAX] {
            there_and_back(&[event(sequence, kind, &mut random)]);
        }
        let many: Vec<Event> = (1..3000).map(|n| event(n << 16, kind, &mut random)).collect();
        there_and_back(&many);
        let richer = |event: Event| Event { fact: support::richer(event.fact, &mut random), ..event };
        there_and_back(&many.into_iter().take(500).map(richer).collect::<Vec<Event>>());
    }
}

proptest! {
    #[test]
    fn any_events_come_back(
        seed in any::<u64>(),
        kinds in proptest::collection::vec(proptest::sample::select(built_kinds()), 1..200),
        wild in any::<bool>(),
    ) {
        let mut random = Random::new(seed);
        let mut sequence = 0;
        let events: Vec<Event> = kinds
            .iter()
            .map(|kind| {
                sequence = if wild { random.next() } else { sequence + 1 };
                event(sequence, *kind, &mut random)
            })
            .collect();
        there_and_back(&events);
    }

    #[test]
    fn runs_of_market_data_come_back(
        seed in any::<u64>(),
        runs in proptest::collection::vec((0..5_usize, 1..300_u64), 1..8),
    ) {
        let market = [
            Kind::QuoteChanged,
            Kind::TradePrinted,
            Kind::BarReceived,
            Kind::BarClosed,
            Kind::BookChanged,
        ];
        let mut random = Random::new(seed);
        let mut sequence = 0;
        let mut events = Vec::new();
        for (kind, length) in runs {
            for _ in 0..length {
                sequence += 1 << 16;
                events.push(event(sequence, market[kind], &mut random));
            }
        }
        there_and_back(&events);
    }
}

/// The blocks that a build of format 1 wrote are read for ever. `GENOVO_BLESS=1` writes them anew: only for a
/// new format, in a folder of its own.
#[test]
fn golden_blocks_of_version_1_are_read() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/v1");
    let events = golden_events();
    if std::env::var_os("GENOVO_BLESS").is_some() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("run");
        let head = write(&path, &events).head_hash;
        fs::create_dir_all(&folder).unwrap();
        fs::copy(path.join("chapter-000001/chapter.blocks"), folder.join("chapter.blocks")).unwrap();
        fs::write(folder.join("head_hash"), format!("{head}\n")).unwrap();
    }
    let bytes = fs::read(folder.join("chapter.blocks")).unwrap();
    let head = fs::read_to_string(folder.join("head_hash")).unwrap();
    let (magic, mut rest) = bytes.split_at(16);
    assert_eq!(magic, b"GENOVO BLOCKS 1\n");
    let (mut reader, mut read) = (BlockReader::default(), Vec::new());
    while let Some(header) = rest.first_chunk::<BLOCK_HEADER_BYTES>() {
        let header = BlockHeader::read(header).unwrap();
        let (block, later) = rest.split_at(header.block_bytes() as usize);
        reader.read(block).unwrap();
        read.extend(std::iter::from_fn(|| reader.next_event()));
        rest = later;
    }
    assert!(rest.is_empty());
    assert_same(&read, &events);
    let mut chain = Chain::new();
    read.iter().for_each(|event| {
        chain.push(event);
    });
    assert_eq!(chain.finish().to_string(), head.trim());
}

/// A block of each kind that came later: four events that depend on nothing but the kind's number.
#[test]
fn golden_blocks_of_later_kinds_are_read() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/v1");
    for kind in built_kinds().into_iter().filter(|kind| !GOLDEN_KINDS.contains(kind)) {
        let file = folder.join(format!("{}.block", kind.name()));
        let mut random = Random::new(kind as u64);
        let events: Vec<Event> = (1..=4).map(|n| event(n << 16, kind, &mut random)).collect();
        if !file.exists() && std::env::var_os("GENOVO_BLESS").is_some() {
            let (mut group, mut block) = (Group::default(), Vec::new());
            events.iter().for_each(|event| group.push(event));
            BlockWriter::default()
                .write(&mut group, 1, Hash::default(), Hash::default(), &mut block)
                .unwrap();
            fs::write(&file, block).unwrap();
        }
        let block = fs::read(&file).unwrap_or_else(|error| {
            panic!("{}: {error}; GENOVO_BLESS=1 writes the block of a kind that is new", file.display())
        });
        let mut reader = BlockReader::default();
        reader.read(&block).unwrap();
        let read: Vec<Event> = std::iter::from_fn(|| reader.next_event()).collect();
        assert_same(&read, &events);
    }
}

/// A value that a kind's golden block cannot have, for it came later than the block.
#[test]
fn a_card_that_is_lost_comes_back() {
    let lost = ConnectionChanged {
        link: Link::Card,
        state: Connection::Terminal,
        reason: "the card is lost".to_string(),
    };
    let mut event = event(1 << 16, Kind::ConnectionChanged, &mut Random::new(1));
    event.fact = Fact::ConnectionChanged(Box::new(lost));
    let (mut group, mut block) = (Group::default(), Vec::new());
    group.push(&event);
    BlockWriter::default().write(&mut group, 1, Hash::default(), Hash::default(), &mut block).unwrap();
    let mut reader = BlockReader::default();
    reader.read(&block).unwrap();
    assert_same(&[reader.next_event().unwrap()], &[event]);
}

/// The kinds that were built when the file of version 1 was written. Later ones have a file of their own each.
const GOLDEN_KINDS: [Kind; 22] = [
    Kind::RunStarted,
    Kind::InstrumentDefined,
    Kind::QuoteChanged,
    Kind::TradePrinted,
    Kind::BarReceived,
    Kind::TimerFired,
    Kind::OrderAccepted,
    Kind::OrderRejected,
    Kind::OrderFilled,
    Kind::OrderCancelled,
    Kind::CancelRejected,
    Kind::OrderExpired,
    Kind::DataFlagged,
    Kind::BarClosed,
    Kind::FeaturesComputed,
    Kind::DecisionMade,
    Kind::RiskAssessed,
    Kind::OrderDenied,
    Kind::OrderSubmitted,
    Kind::CancelRequested,
    Kind::TradingHalted,
    Kind::RunEnded,
];

fn golden_events() -> Vec<Event> {
    let mut random = Random::new(20_261_122);
    let mut sequence = 0;
    let mut events = Vec::new();
    for round in 0..12 {
        for kind in GOLDEN_KINDS {
            if kind == Kind::RunEnded && round % 6 != 5 {
                continue;
            }
            sequence = if random.below(3) == 0 { sequence + 1 } else { ((sequence >> 16) + 1) << 16 };
            events.push(event(sequence, kind, &mut random));
        }
    }
    events
}
