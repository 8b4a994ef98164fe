//! How quickly events go into the journal and come out, how much room they take, and what plain files, LMDB and redb
//! do with the same events.
//!
//! `GENOVO_BENCH_QUOTES` names a CSV of quotes (`ts_ns,bid,ask,bid_size,ask_size`, plain or zstd); without it,
//! gold-like quotes are made up, and the table says so. `cargo bench -p genovo-benches --bench journal`

use std::fs::{self, File};
use std::hint::black_box;
use std::io::{Read, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput};
use genovo_engine::event::{Event, Fact, Quote};
use genovo_engine::ids::{InstrumentId, Sequence};
use genovo_engine::units::{Price, Quantity, Timestamp};
use genovo_journal::{BLOCK_HEADER_BYTES, BlockHeader, Identity, Journal, Writer, verify};
use heed::CommitOrAbort;
use heed::types::Bytes;
use redb::ReadableDatabase;

/// Events in a value of the raw peers: as many as in one of our blocks.
const BATCH: usize = 2048;
const RAW_BYTES: usize = 48;
const ROUNDS: usize = 5;

fn main() {
    let (name, events) = quotes();
    let directory = tempfile::tempdir().expect("a directory for temporary files");
    // `cargo test --benches` runs this with no time to spare: a few thousand events keep it from rotting.
    let quick = !std::env::args().any(|argument| argument == "--bench");
    let events = if quick { &events[..events.len().min(10_000)] } else { &events[..] };
    let rounds = if quick { 1 } else { ROUNDS };

    println!("{name}: {} quotes, best of {rounds}", events.len());
    let mut table = Table { events: events.len(), rounds, directory: directory.path() };
    let blocks = table.journal(events);
    let raw = raw_events(events);
    table.plain_file(&raw);
    table.lmdb("LMDB, raw", &raw_values(&raw));
    table.redb("redb, raw", &raw_values(&raw));
    table.lmdb("LMDB, our blocks", &blocks);
    table.redb("redb, our blocks", &blocks);

    if !quick {
        criterion(events, directory.path());
    }
}

/// The same by criterion, which keeps the figures of the last run.
fn criterion(events: &[Event], directory: &Path) {
    let mut criterion = Criterion::default().sample_size(10).configure_from_args();
    let mut group = criterion.benchmark_group("journal");
    group.throughput(Throughput::Elements(events.len() as u64));
    let path = directory.join("criterion");
    group.bench_function("append", |bencher| {
        bencher.iter_custom(|rounds| (0..rounds).map(|_| append(&path, events).1).sum());
    });
    append(&path, events).0.finish().expect("sealed");
    let journal = Journal::open(&path).expect("opened");
    group.bench_function("scan structs", |bencher| bencher.iter(|| scan_events(&journal)));
    group.bench_function("scan columns", |bencher| bencher.iter(|| scan_columns(&journal)));
    group.bench_function("open", |bencher| bencher.iter(|| Journal::open(&path).expect("opened").summary()));
    group.bench_function("verify", |bencher| bencher.iter(|| verify(&path).expect("verified")));
    group.finish();
    criterion.final_summary();
}

struct Table<'a> {
    events: usize,
    rounds: usize,
    directory: &'a Path,
}

impl Table<'_> {
    fn row(&self, what: &str, append: Option<Duration>, scan: Option<Duration>, bytes: u64) {
        let rate = |time: Option<Duration>| match time {
            Some(time) => format!("{:.1}", self.events as f64 / time.as_secs_f64() / 1e6),
            None => "–".to_owned(),
        };
        let space = bytes as f64 / self.events as f64;
        println!(
            "  {what:<28} append {:>7} M/s   scan {:>7} M/s   {space:>6.2} bytes an event",
            rate(append),
            rate(scan)
        );
    }

    fn best(&self, mut run: impl FnMut() -> Duration) -> Duration {
        (0..self.rounds).map(|_| run()).min().unwrap_or_default()
    }

    fn journal(&mut self, events: &[Event]) -> Vec<(u64, Vec<u8>)> {
        let path = self.directory.join("journal");
        let mut seals = Vec::new();
        let mut sealed = None;
        let appended = self.best(|| {
            let (writer, time) = append(&path, events);
            let begun = Instant::now();
            sealed = Some(writer.finish().expect("sealed"));
            seals.push(begun.elapsed());
            time
        });
        let sealed = sealed.expect("a round");
        let journal = Journal::open(&path).expect("opened");
        let structs = self.best(|| timed(|| scan_events(&journal)));
        let columns = self.best(|| timed(|| scan_columns(&journal)));
        let verified = self.best(|| timed(|| assert!(verify(&path).expect("verified").intact())));
        let opened = self.best(|| timed(|| Journal::open(&path).expect("opened")));
        self.row("genovo, structs", Some(appended), Some(structs), sealed.blocks_bytes);
        self.row("genovo, columns", None, Some(columns), sealed.store_bytes);
        let millis = |time: Duration| time.as_secs_f64() * 1e3;
        println!(
            "  seal {:.0} ms, open {:.1} ms, verify {:.0} ms; store {:.2} × blocks; head {}",
            seals.iter().min().copied().map_or(0.0, millis),
            millis(opened),
            millis(verified),
            sealed.store_bytes as f64 / sealed.blocks_bytes as f64,
            sealed.head_hash.short(),
        );
        blocks_of(&path.join("chapter-000001/chapter.blocks"))
    }

    fn plain_file(&mut self, raw: &[u8]) {
        let path = self.directory.join("raw");
        let appended = self.best(|| {
            timed(|| {
                let mut file = File::create(&path).expect("created");
                let mut chain = [0; 32];
                let mut buffer = Vec::with_capacity(32 + BATCH * RAW_BYTES);
                for batch in raw.chunks(BATCH * RAW_BYTES) {
                    buffer.clear();
                    buffer.extend_from_slice(&chain);
                    // Event by event, as they come.
                    for event in batch.chunks(RAW_BYTES) {
                        buffer.extend_from_slice(event);
                    }
                    chain = *blake3::hash(&buffer).as_bytes();
                    file.write_all(batch).expect("written");
                }
            })
        });
        let scanned = self.best(|| {
            timed(|| {
                let mut file = File::open(&path).expect("opened");
                let mut buffer = vec![0; BATCH * RAW_BYTES];
                let mut sum = 0_u64;
                loop {
                    let read = file.read(&mut buffer).expect("read");
                    if read == 0 {
                        break black_box(sum);
                    }
                    sum = sum_raw(&buffer[..read]).wrapping_add(sum);
                }
            })
        });
        self.row("plain file, raw, BLAKE3", Some(appended), Some(scanned), raw.len() as u64);
    }

    fn lmdb(&mut self, what: &str, values: &[(u64, Vec<u8>)]) {
        let path = self.directory.join(what);
        let appended = self.best(|| {
            let _ = fs::remove_dir_all(&path);
            fs::create_dir_all(&path).expect("created");
            let put = |environment: &heed::Env, database: heed::Database<'_, Bytes, Bytes>| {
                for values in values.chunks(64) {
                    let mut transaction = environment.write_txn().expect("begun");
                    for (key, value) in values {
                        database.put(&mut transaction, &key.to_be_bytes(), value).expect("put");
                    }
                    transaction.commit().expect("committed");
                }
            };
            timed(|| with_lmdb(&path, put))
        });
        let scanned = self.best(|| {
            let sum = |environment: &heed::Env, database: heed::Database<'_, Bytes, Bytes>| {
                let transaction = environment.read_txn().expect("begun");
                let values = database.iter(&transaction).expect("iterated");
                values.fold(0, |sum: u64, entry| sum.wrapping_add(sum_raw(entry.expect("read").1)))
            };
            timed(|| with_lmdb(&path, sum))
        });
        let scanned = what.ends_with("raw").then_some(scanned);
        self.row(what, Some(appended), scanned, bytes_below(&path));
    }

    fn redb(&mut self, what: &str, values: &[(u64, Vec<u8>)]) {
        const TABLE: redb::TableDefinition<'_, u64, &[u8]> = redb::TableDefinition::new("blocks");
        let path = self.directory.join(what);
        let appended = self.best(|| {
            let _ = fs::remove_file(&path);
            timed(|| {
                let database = redb::Database::create(&path).expect("created");
                for values in values.chunks(64) {
                    let mut transaction = database.begin_write().expect("begun");
                    transaction.set_durability(redb::Durability::None).expect("set");
                    {
                        let mut table = transaction.open_table(TABLE).expect("opened");
                        for (key, value) in values {
                            table.insert(key, value.as_slice()).expect("inserted");
                        }
                    }
                    transaction.commit().expect("committed");
                }
                database.begin_write().expect("begun").commit().expect("committed");
            })
        });
        let scanned = self.best(|| {
            timed(|| {
                let database = redb::Database::open(&path).expect("opened");
                let transaction = database.begin_read().expect("begun");
                let table = transaction.open_table(TABLE).expect("opened");
                let values = table.range::<u64>(..).expect("iterated");
                values.fold(0, |sum: u64, entry| sum.wrapping_add(sum_raw(entry.expect("read").1.value())))
            })
        });
        let scanned = what.ends_with("raw").then_some(scanned);
        self.row(what, Some(appended), scanned, fs::metadata(&path).expect("there").len());
    }
}

fn timed<T>(run: impl FnOnce() -> T) -> Duration {
    let begun = Instant::now();
    black_box(run());
    begun.elapsed()
}

/// A journal with all events in it, unsealed, and how long the appending took.
fn append(path: &Path, events: &[Event]) -> (Writer, Duration) {
    let _ = fs::remove_dir_all(path);
    let mut writer = Writer::create(path, &Identity::default()).expect("created");
    let time = timed(|| {
        for event in events {
            writer.append(event).expect("appended");
        }
    });
    (writer, time)
}

fn scan_events(journal: &Journal) -> i64 {
    let mut sum = 0_i64;
    for event in journal.events() {
        let event = event.expect("read");
        if let Fact::QuoteChanged(quote) = event.fact {
            sum = sum.wrapping_add(quote.bid.0 ^ quote.ask.0 ^ event.header.time_event.0);
        }
    }
    black_box(sum)
}

fn scan_columns(journal: &Journal) -> i64 {
    let mut sum = 0_i64;
    let mut blocks = journal.block_columns();
    while let Some(block) = blocks.next().expect("read") {
        let quotes = block.quotes();
        for ((bid, ask), time) in quotes.bids.iter().zip(quotes.asks).zip(quotes.times) {
            sum = sum.wrapping_add(bid ^ ask ^ time);
        }
    }
    black_box(sum)
}

fn sum_raw(bytes: &[u8]) -> u64 {
    let mut sum = 0_u64;
    for event in bytes.chunks_exact(RAW_BYTES) {
        for number in event.as_chunks::<8>().0 {
            sum = sum.wrapping_add(u64::from_le_bytes(*number));
        }
    }
    sum
}

fn raw_events(events: &[Event]) -> Vec<u8> {
    let mut raw = Vec::with_capacity(events.len() * RAW_BYTES);
    for event in events {
        let Fact::QuoteChanged(quote) = &event.fact else { continue };
        let header = &event.header;
        let numbers = [header.sequence.0 as i64, header.time_event.0, header.time_received.0];
        for number in numbers.into_iter().chain([quote.bid.0, quote.ask.0, i64::from(header.instrument.0)]) {
            raw.extend_from_slice(&number.to_le_bytes());
        }
    }
    raw
}

fn raw_values(raw: &[u8]) -> Vec<(u64, Vec<u8>)> {
    raw.chunks(BATCH * RAW_BYTES).zip(1..).map(|(batch, key)| (key, batch.to_vec())).collect()
}

/// The blocks of a journal by first sequence.
fn blocks_of(path: &Path) -> Vec<(u64, Vec<u8>)> {
    let bytes = fs::read(path).expect("read");
    let (mut rest, mut blocks) = (&bytes[16..], Vec::new());
    while let Some(head) = rest.first_chunk::<BLOCK_HEADER_BYTES>() {
        let header = BlockHeader::read(head).expect("a header");
        let (block, later) = rest.split_at(header.block_bytes() as usize);
        blocks.push((header.first_sequence.0, block.to_vec()));
        rest = later;
    }
    blocks
}

fn with_lmdb<T>(path: &Path, run: impl FnOnce(&heed::Env, heed::Database<'_, Bytes, Bytes>) -> T) -> T {
    let mut options = heed::EnvOpenOptions::new();
    options.map_size(4 << 30);
    // SAFETY: nobody else touches this directory, and no sync is asked for because no other peer waits for the disk.
    let environment = unsafe { options.flags(heed::EnvFlags::NO_SYNC).open(path) }.expect("opened");
    let transaction = environment.write_txn().expect("begun");
    let database = environment
        .create_databases_and_commit(transaction, |opener, transaction| -> heed::Result<_> {
            Ok(CommitOrAbort::<_, ()>::Commit(opener.create_database::<Bytes, Bytes>(transaction, None)?))
        })
        .expect("opened")
        .unwrap_commit();
    run(&environment, database)
}

fn bytes_below(path: &Path) -> u64 {
    fs::read_dir(path)
        .expect("listed")
        .map(|entry| entry.expect("listed").metadata().expect("there").len())
        .sum()
}

/// The quotes that `GENOVO_BENCH_QUOTES` names, or made-up ones.
fn quotes() -> (String, Vec<Event>) {
    let Some(path) = std::env::var_os("GENOVO_BENCH_QUOTES") else {
        return ("made-up gold".to_owned(), made_up(1_000_000));
    };
    let path = Path::new(&path);
    let mut bytes = fs::read(path).expect("GENOVO_BENCH_QUOTES can be read");
    if path.extension().is_some_and(|extension| extension == "zst") {
        bytes = zstd::decode_all(bytes.as_slice()).expect("zstd");
    }
    let rows = bytes.split(|&byte| byte == b'\n').skip(1).filter(|row| !row.is_empty());
    let events = rows.zip(1..).map(|(row, number)| {
        let mut fields = row.split(|&byte| byte == b',');
        let mut field = || fields.next().unwrap_or_default();
        let time = std::str::from_utf8(field()).ok().and_then(|text| text.parse().ok()).expect("a time");
        let mut price = || Price::parse(field()).expect("a price");
        let (bid, ask) = (price(), price());
        let mut size = || Quantity::parse(fields.next().unwrap_or_default()).ok();
        let quote = Quote { bid, ask, bid_size: size(), ask_size: size() };
        event(number, time, quote)
    });
    (path.file_name().unwrap_or_default().to_string_lossy().into_owned(), events.collect())
}

fn event(number: u64, time: i64, quote: Quote) -> Event {
    let time = Timestamp(time);
    let mut event = Event::unnumbered(time, time, InstrumentId(1), Fact::QuoteChanged(quote));
    event.header.sequence = Sequence::input(number);
    event
}

fn made_up(count: u64) -> Vec<Event> {
    let (mut time, mut bid, mut state) = (1_398_902_400_043_142_000, 1_291_677_000_000_i64, 1_u64);
    let mut below = |limit: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((state >> 33) % limit) as i64
    };
    let quotes = (1..=count).map(|number| {
        time += below(4_000_000) * 200;
        bid += (below(200) - 100) * 1_000_000;
        let ask = bid + (300 + below(80)) * 1_000_000;
        event(number, time, Quote { bid: Price(bid), ask: Price(ask), bid_size: None, ask_size: None })
    });
    quotes.collect()
}
