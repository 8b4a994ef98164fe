//! How many rows of quotes a second become events, from plain, gzip and zstd files?
//!
//! Beside ours, in the same run: the `csv` crate with `str::parse` into floats, the usual way to read such a
//! file in Rust. Run with `cargo bench -p genovo-benches --bench csv`.

use std::fs::File;
use std::hint::black_box;
use std::io::{BufReader, Read, Write};
use std::path::{Path, PathBuf};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use genovo_adapters::data::{self, DataSpec};
use genovo_engine::ids::InstrumentId;
use genovo_engine::settings::DataKind;

const GOLD: &str = "../scenarios/data/xauusd_oanda_20140501-20140509.csv.zst";

/// Rows of a file by our reader, in batches as the engine takes them.
fn ours(path: &Path) -> u64 {
    let spec = DataSpec::new(InstrumentId(1), DataKind::Quotes);
    let mut open = data::open(path, &spec).expect("the gold file is good");
    let (mut batch, mut rows) = (Vec::new(), 0);
    loop {
        batch.clear();
        open.source.read(&mut batch, 1024).expect("the gold file is good");
        if batch.is_empty() {
            return rows;
        }
        rows += batch.len() as u64;
        black_box(&batch);
    }
}

/// Rows of a text by the `csv` crate, its record reused, fields by `str::parse`.
fn csv_crate(text: impl Read) -> u64 {
    let mut reader = csv::Reader::from_reader(text);
    let (mut record, mut rows) = (csv::StringRecord::new(), 0);
    while reader.read_record(&mut record).expect("the gold file is good") {
        let stamp: i64 = record[0].parse().expect("a time");
        let bid: f64 = record[1].parse().expect("a price");
        let ask: f64 = record[2].parse().expect("a price");
        let size = |text: &str| (!text.is_empty()).then(|| text.parse::<f64>().expect("a size"));
        black_box((stamp, bid, ask, size(&record[3]), size(&record[4])));
        rows += 1;
    }
    rows
}

/// The gold file in all three packings.
struct Files {
    _folder: tempfile::TempDir,
    plain: PathBuf,
    gzip: PathBuf,
    zstd: PathBuf,
}

fn files() -> Option<Files> {
    let zstd = Path::new(env!("CARGO_MANIFEST_DIR")).join(GOLD);
    let packed = std::fs::read(&zstd).ok()?;
    let text = zstd::decode_all(&packed[..]).expect("the gold file is zstd");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (plain, gzip) = (folder.path().join("gold.csv"), folder.path().join("gold.csv.gz"));
    std::fs::write(&plain, &text).expect("room for the plain file");
    let file = File::create(&gzip).expect("room for the gzip file");
    let mut encoder = flate2::write::GzEncoder::new(file, flate2::Compression::default());
    encoder.write_all(&text).and_then(|()| encoder.finish()).expect("room for the gzip file");
    Some(Files { _folder: folder, plain, gzip, zstd })
}

fn rows_per_second(criterion: &mut Criterion) {
    let Some(files) = files() else {
        eprintln!("skipped: {GOLD} is not there");
        return;
    };
    let rows = ours(&files.plain);
    let open =
        |path: &Path| BufReader::with_capacity(256 << 10, File::open(path).expect("the file is there"));
    let mut group = criterion.benchmark_group("csv quotes");
    group.throughput(Throughput::Elements(rows)).sample_size(10);
    group.bench_function("genovo, plain", |bench| bench.iter(|| assert_eq!(ours(&files.plain), rows)));
    group.bench_function("csv crate, plain", |bench| {
        bench.iter(|| assert_eq!(csv_crate(open(&files.plain)), rows));
    });
    group.bench_function("genovo, gzip", |bench| bench.iter(|| assert_eq!(ours(&files.gzip), rows)));
    group.bench_function("csv crate, gzip", |bench| {
        bench.iter(|| assert_eq!(csv_crate(flate2::bufread::MultiGzDecoder::new(open(&files.gzip))), rows));
    });
    group.bench_function("genovo, zstd", |bench| bench.iter(|| assert_eq!(ours(&files.zstd), rows)));
    group.bench_function("csv crate, zstd", |bench| {
        bench.iter(|| {
            let text = zstd::stream::read::Decoder::with_buffer(open(&files.zstd)).expect("zstd");
            assert_eq!(csv_crate(text), rows);
        });
    });
    group.finish();
}

criterion_group!(benches, rows_per_second);
criterion_main!(benches);
