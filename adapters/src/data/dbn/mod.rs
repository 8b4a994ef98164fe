//! Databento's DBN files, plain or packed by zstd: quotes, trades and bars out of those schemas that hold them.
//!
//! The crate `dbn` decodes; here a record becomes an event (`record`) of the instrument that is meant (`symbols`).
//! Prices are integers of 1e-9 on both sides. `book` reads what is of order books.

use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use ::dbn::decode::{DbnDecoder, DbnMetadata, DecodeRecordRef};
use ::dbn::{Metadata, Schema, VersionUpgradePolicy};
use genovo_engine::event::Event;
use genovo_engine::settings::DataKind;
use genovo_engine::units::{Nanoseconds, Timestamp};

use super::error::BadRow;
use super::spec::kind_name;
use super::{
    Compression, DataError, DataSpec, Description, FileSource, Format, OpenFile, Spill, Tally, TimeFormat,
    input,
};

mod book;
mod record;
mod symbols;

use record::{Flaw, Records};
use symbols::Symbols;

/// Opens a file and finds the instrument that is meant.
pub(super) fn open(path: &Path, spec: &DataSpec, tally: Arc<Tally>) -> Result<OpenFile, DataError> {
    let input = input::open(path, tally.clone())?;
    let (compression, bytes) = (input.compression, input.file_size);
    let decoder = decoder(path, compression, input.text)?;
    let content = content(path, decoder.metadata())?;
    if !content.kinds.contains(&spec.kind) {
        let can: Vec<&str> = content.kinds.iter().map(|kind| kind_name(*kind)).collect();
        let (schema, can, kind) = (content.schema, can.join(" or "), kind_name(spec.kind));
        let message = format!("its schema {schema} can be read as {can}, not as {kind}");
        return Err(DataError::Spec { file: path.to_owned(), message });
    }
    let symbols = Symbols::new(decoder.metadata(), spec.select.as_deref())
        .map_err(|message| DataError::Spec { file: path.to_owned(), message })?;
    let records = Records {
        kind: spec.kind,
        instrument: spec.instrument,
        feed_latency: spec.feed_latency,
        clock_offset: spec.clock_offset,
        bar_known_after: spec.bar_known().or(content.interval).unwrap_or(Nanoseconds::ZERO),
        received: Timestamp::MIN,
        last: None,
        one_sided: 0,
        books: Default::default(),
    };
    let source = DbnSource {
        file: path.to_owned(),
        compression,
        taken: decoder.metadata_bytes,
        decoder: decoder.inner,
        symbols,
        records,
        skip_bad_rows: spec.skip_bad_rows,
        number: 0,
        good: 0,
        skipped: 0,
        tally,
        spill: Spill::default(),
        failed: None,
    };
    Ok(OpenFile {
        source: Box::new(source),
        bytes,
        compression,
        time_format: TimeFormat::Nanoseconds,
        header: Vec::new(),
    })
}

/// What a file says of itself.
pub(super) fn describe(path: &Path, select: Option<&str>) -> Result<Description, DataError> {
    let input = input::open(path, Arc::new(Tally::default()))?;
    let decoder = decoder(path, input.compression, input.text)?;
    let content = content(path, decoder.metadata())?;
    let names = symbols::names(decoder.metadata());
    let symbols = Symbols::new(decoder.metadata(), select)
        .map_err(|message| DataError::Spec { file: path.to_owned(), message })?;
    let mut said = vec![format!(
        "schema {} of {}, DBN version {}",
        content.schema,
        decoder.metadata().dataset,
        decoder.metadata().version
    )];
    if !names.is_empty() {
        said.push(format!("it holds {}", super::listed(&names, "symbol")));
    }
    if content.kinds.len() > 1 {
        let can: Vec<&str> = content.kinds.iter().map(|kind| kind_name(*kind)).collect();
        said.push(format!("can be read as {}", can.join(" or ")));
    }
    Ok(Description {
        format: Format::Dbn,
        kinds: content.kinds,
        bar_interval: content.interval,
        bar_known_after: content.interval,
        market: None,
        select: select.map(str::to_string),
        symbol: symbols.name().map(str::to_string),
        columns: Vec::new(),
        examples: Vec::new(),
        said,
    })
}

/// What the records of a schema can be read as.
struct Content {
    schema: Schema,
    kinds: Vec<DataKind>,
    interval: Option<Nanoseconds>,
}

fn content(path: &Path, metadata: &Metadata) -> Result<Content, DataError> {
    use DataKind::{Bars, Books, Quotes, Trades};
    const SECOND: i64 = Nanoseconds::SECOND.0;
    let refused = |found: String, help: &str| {
        Err(DataError::NotRead { file: path.to_owned(), found, help: help.to_string() })
    };
    let Some(schema) = metadata.schema else {
        let found = "it is a DBN file of several schemas, as a live capture makes them".to_string();
        return refused(found, "split it by schema first");
    };
    let (kinds, seconds) = match schema {
        Schema::Mbp1 | Schema::Cmbp1 => (vec![Quotes, Trades], None),
        Schema::Tbbo | Schema::Tcbbo => (vec![Trades, Quotes], None),
        Schema::Bbo1S | Schema::Bbo1M | Schema::Cbbo1S | Schema::Cbbo1M => (vec![Quotes], None),
        Schema::Trades => (vec![Trades], None),
        Schema::Ohlcv1S => (vec![Bars], Some(SECOND)),
        Schema::Ohlcv1M => (vec![Bars], Some(60 * SECOND)),
        Schema::Ohlcv1H => (vec![Bars], Some(3_600 * SECOND)),
        Schema::Ohlcv1D => (vec![Bars], Some(Nanoseconds::DAY.0)),
        Schema::Mbo => (vec![Books, Trades], None),
        Schema::Mbp10 => (vec![Books, Quotes, Trades], None),
        schema => {
            let found =
                format!("its schema {schema} holds neither books, quotes, trades nor bars of a fixed length");
            return refused(
                found,
                "fetch mbo, mbp-10, mbp-1, tbbo, bbo-1s, bbo-1m, trades or ohlcv-1s to ohlcv-1d",
            );
        }
    };
    Ok(Content { schema, kinds, interval: seconds.map(Nanoseconds) })
}

type Inner = DbnDecoder<Whole>;

/// A decoder past its metadata.
struct Decoder {
    inner: Inner,
    /// Bytes that the metadata took.
    metadata_bytes: u64,
}

impl Decoder {
    fn metadata(&self) -> &Metadata {
        self.inner.metadata()
    }
}

fn decoder(path: &Path, compression: Compression, bytes: Box<dyn Read + Send>) -> Result<Decoder, DataError> {
    let damaged = |message: String| damaged(path, compression, message, 0);
    let mut bytes = bytes;
    // The length of the metadata, which `dbn` sets a buffer aside for, is looked at first: a file that claims
    // gigabytes shall not get them.
    let mut prelude = [0; PRELUDE];
    bytes.read_exact(&mut prelude).map_err(|error| damaged(format!("its beginning is cut off ({error})")))?;
    let length = u32::from_le_bytes([prelude[4], prelude[5], prelude[6], prelude[7]]);
    if length > METADATA_MAX {
        return Err(damaged(format!("its metadata claims {length} bytes")));
    }
    let record = PRELUDE as u64 + u64::from(length);
    let whole = Whole { bytes: Box::new(io::Cursor::new(prelude).chain(bytes)), given: 0, record };
    let inner = DbnDecoder::with_upgrade_policy(whole, VersionUpgradePolicy::AsIs)
        .map_err(|error| damaged(error.to_string()))?;
    Ok(Decoder { inner, metadata_bytes: record })
}

/// `DBN`, the version, the length of what follows.
const PRELUDE: usize = 8;
/// Records begin with a header of so many bytes, and all of their lengths are multiples of eight.
const RECORD_MIN: u64 = 16;
const RECORD_ALIGN: u64 = 8;
/// The most metadata that is read: some hundred thousand symbols.
const METADATA_MAX: u32 = 64 << 20;

fn damaged(file: &Path, compression: Compression, message: String, good_rows: u64) -> DataError {
    DataError::Damaged { file: file.to_owned(), compression, message, good_rows }
}

/// A stream that counts what it gives and never ends early in silence: `dbn` takes a packed stream that breaks
/// off for its end. Nor does it give a record of a length that no record has, which leaves `dbn` between two places.
struct Whole {
    bytes: Box<dyn Read + Send>,
    given: u64,
    /// Where the next record begins: its first byte says its length.
    record: u64,
}

impl Whole {
    /// How many of the bytes that come next belong to records of possible lengths.
    fn possible(&mut self, bytes: &[u8]) -> usize {
        while let Some(&words) = usize::try_from(self.record - self.given).ok().and_then(|at| bytes.get(at)) {
            let length = u64::from(words) * 4;
            if length < RECORD_MIN || !length.is_multiple_of(RECORD_ALIGN) {
                return (self.record - self.given) as usize;
            }
            self.record += length;
        }
        bytes.len()
    }
}

impl Read for Whole {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.bytes.read(buffer) {
                Ok(0) => return Ok(0),
                Ok(read) => {
                    let possible = self.possible(&buffer[..read]);
                    if possible < read {
                        // What follows cannot be cut into records, and nobody asks for it again.
                        let rest = io::Cursor::new(buffer[possible..read].to_vec());
                        let bytes = std::mem::replace(&mut self.bytes, Box::new(io::empty()));
                        self.bytes = Box::new(rest.chain(bytes));
                    }
                    if possible == 0 {
                        return Err(io::Error::other("a record has no possible length"));
                    }
                    self.given += possible as u64;
                    return Ok(possible);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(io::Error::other(error.to_string())),
            }
        }
    }
}

/// A DBN file being read.
struct DbnSource {
    file: PathBuf,
    compression: Compression,
    decoder: Inner,
    symbols: Symbols,
    records: Records,
    skip_bad_rows: bool,
    /// Records read, of whatever instrument.
    number: u64,
    /// Events made.
    good: u64,
    skipped: u64,
    /// Bytes that metadata and records took.
    taken: u64,
    tally: Arc<Tally>,
    /// Events of the last record beyond what was asked for.
    spill: Spill,
    /// What ended the reading; asked again, it is said again.
    failed: Option<DataError>,
}

impl DbnSource {
    fn fill(&mut self, batch: &mut Vec<Event>, target: usize) -> Result<(), DataError> {
        self.spill.give(batch, target);
        while batch.len() < target {
            let damaged = |message: String, good| damaged(&self.file, self.compression, message, good);
            let record = match self.decoder.decode_record_ref() {
                Ok(Some(record)) => record,
                Ok(None) => break,
                Err(error) => return Err(damaged(error.to_string(), self.good)),
            };
            self.number += 1;
            self.taken += record.header().record_size() as u64;
            let before = batch.len();
            if let Err(flaw) = self.records.read(record, &mut self.symbols, batch) {
                self.bad_record(*flaw)?;
            }
            self.good += (batch.len() - before) as u64;
        }
        if batch.len() < target {
            self.end()?;
        }
        self.spill.keep(batch, target);
        Ok(())
    }

    /// Compares what was given with what was used, so that half a record at the end is not lost in silence.
    fn end(&self) -> Result<(), DataError> {
        let given = self.decoder.get_ref().given;
        if given != self.taken {
            let rest = given.saturating_sub(self.taken);
            let message = format!("{rest} bytes after record {} are no whole record", self.number);
            return Err(damaged(&self.file, self.compression, message, self.good));
        }
        if self.good == 0 {
            return Err(DataError::NoRows { file: self.file.clone(), skipped: self.skipped });
        }
        Ok(())
    }

    #[cold]
    fn bad_record(&mut self, flaw: Flaw) -> Result<(), DataError> {
        let before = flaw.text.find(&flaw.value).unwrap_or(0);
        let row = BadRow {
            file: self.file.clone(),
            unit: "record",
            line: self.number,
            column: Some(flaw.field.to_string()),
            span: before..before + flaw.value.len(),
            text: flaw.value,
            problem: flaw.problem,
            expected: flaw.expected.to_string(),
            line_text: flaw.text,
            before: Vec::new(),
            good_rows: self.good,
        };
        if !self.skip_bad_rows {
            return Err(DataError::Row(Box::new(row)));
        }
        self.skipped += 1;
        self.tally.skip(|| row);
        Ok(())
    }
}

impl FileSource for DbnSource {
    fn read_rows(&mut self, batch: &mut Vec<Event>, limit: usize) -> Result<(), DataError> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        let before = batch.len();
        let result = self.fill(batch, before.saturating_add(limit));
        self.tally.rows.fetch_add((batch.len() - before) as u64, Ordering::Relaxed);
        self.tally.one_sided.fetch_add(self.records.take_one_sided(), Ordering::Relaxed);
        if let Err(error) = &result {
            self.failed = Some(error.clone());
        }
        result
    }

    fn line(&self) -> u64 {
        self.number
    }
}
