//! A scenario's data as sources of events: CSV files and market journals.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use genovo_adapters::actions::read_factors;
use genovo_adapters::calendar::Calendar;
use genovo_adapters::data::{self, Column, DataError, DataSpec, Field, Tally, TimeFormat};
use genovo_adapters::scheduled::Scheduled;
use genovo_engine::event::{CorporateAction, Event, Fact, Kind};
use genovo_engine::features::reselect::Reselecting;
use genovo_engine::ids::{InstrumentId, Sequence};
use genovo_engine::settings::{DataKind, SourceSettings};
use genovo_engine::units::Timestamp;
use genovo_engine::world::{MemorySource, Source, WorldError};
use genovo_journal::Journal;
use tracing::debug;

use crate::cache::{self, Cache};
use crate::error::{Exit, Failure};
use crate::failures;
use crate::scenario::{self, DataFile, Scenario};

/// The data of a run, opened.
pub struct Opened {
    /// One source for each of the settings', in their order; one for all where columns are selected on the way.
    pub sources: Vec<Box<dyn Source>>,
    /// How far each file or market journal is read.
    pub tallies: Vec<(PathBuf, Arc<Tally>)>,
    /// Bytes that the tallies will have counted at the end.
    pub bytes_total: u64,
}

/// Opens every source of a scenario; files of market data through the cache, where there is one.
pub fn open(scenario: &Scenario, cache: Option<&Cache>) -> Result<Opened, Failure> {
    let mut opened = Opened { sources: Vec::new(), tallies: Vec::new(), bytes_total: 0 };
    let mut beforehand = Beforehand::of(scenario)?;
    for (settings, file) in scenario.settings.sources.iter().zip(&scenario.files) {
        if settings.kind == DataKind::Actions {
            // What it holds stands among the instrument's data.
            opened.sources.push(Box::new(MemorySource::new(Vec::new())));
            continue;
        }
        if settings.kind == DataKind::Journal {
            let source = JournalSource::open(&file.path, scenario)?;
            opened.bytes_total += source.bytes;
            opened.tallies.push((file.path.clone(), source.tally.clone()));
            opened.sources.push(Box::new(source));
            continue;
        }
        if settings.kind == DataKind::Signals {
            let spec = scenario::signals::spec(settings, &scenario.settings.instruments);
            let signals = data::open_signals(&file.path, &spec)
                .map_err(|error| failures::data(&error, "Nothing was run."))?;
            debug!(file = %file.path.display(), signals = signals.count, skipped = signals.skipped, "read the signals");
            opened.sources.push(Box::new(signals.source));
            continue;
        }
        if settings.kind == DataKind::Outside {
            let spec = scenario::outside::spec(settings);
            let symbols = scenario::outside::symbols(&scenario.settings.instruments);
            let events = data::read_outside(&file.path, &spec, settings.feed_latency, &symbols)
                .map_err(|error| Failure::new(Exit::Failed, error.to_string(), "Nothing was run."))?;
            debug!(file = %file.path.display(), events = events.len(), "read what the world says");
            opened.sources.push(Box::new(MemorySource::accompanying(events)));
            continue;
        }
        if let Some(cache) = cache
            && let Some(entry) = cache.entry(settings, file)?
        {
            let source = JournalSource::of_one(&entry, settings.instrument)?;
            opened.bytes_total += source.bytes;
            opened.tallies.push((file.path.clone(), source.tally.clone()));
            opened.sources.push(beforehand.among(Box::new(source), settings.instrument));
            continue;
        }
        let data = data::open(&file.path, &spec(settings, file))
            .map_err(|error| failures::data(&error, "Nothing was run."))?;
        debug!(
            file = %file.path.display(),
            bytes = data.bytes_total,
            packed = %data.compression,
            times = ?data.time_format,
            "opened the data"
        );
        opened.bytes_total += data.bytes_total;
        opened.tallies.push((file.path.clone(), data.tally));
        opened.sources.push(beforehand.among(data.source, settings.instrument));
    }
    let features = scenario.settings.features.as_ref();
    if features.is_some_and(|features| features.selection.is_some()) {
        let sources = std::mem::take(&mut opened.sources);
        let reselecting = Reselecting::new(&scenario.settings, sources, scenario.selections.clone())
            .map_err(|error| Failure::new(Exit::Usage, error.to_string(), "Nothing was run."))?;
        opened.sources.push(Box::new(reselecting));
    }
    Ok(opened)
}

/// What was known beforehand of the instruments, until their data is opened.
struct Beforehand {
    calendars: Vec<(InstrumentId, Calendar)>,
    actions: Vec<(InstrumentId, Vec<(Timestamp, CorporateAction)>)>,
}

impl Beforehand {
    fn of(scenario: &Scenario) -> Result<Beforehand, Failure> {
        let mut actions = Vec::new();
        for file in scenario.files.iter().filter(|file| file.kind == DataKind::Actions) {
            let read = read_factors(&file.path)
                .map_err(|error| Failure::new(Exit::Failed, error.to_string(), "Nothing was run."))?;
            actions.push((file.instrument, read));
        }
        Ok(Beforehand { calendars: scenario.calendars.clone(), actions })
    }

    /// Puts it among the first data of an instrument.
    fn among(&mut self, data: Box<dyn Source>, instrument: InstrumentId) -> Box<dyn Source> {
        let calendar = self.calendars.iter().position(|(of, _)| *of == instrument);
        let calendar = calendar.map(|place| self.calendars.swap_remove(place).1);
        let actions = self.actions.iter().position(|(of, _)| *of == instrument);
        let actions = actions.map(|place| self.actions.swap_remove(place).1).unwrap_or_default();
        match calendar.is_some() || !actions.is_empty() {
            true => Box::new(Scheduled::new(data, instrument, calendar, actions)),
            false => data,
        }
    }
}

/// What the adapter has to know of a file.
pub fn spec(settings: &SourceSettings, file: &DataFile) -> DataSpec {
    let mut spec = DataSpec::new(settings.instrument, settings.kind);
    // What the scenario does not name is looked for under its usual names.
    for (role, column) in &file.columns {
        let Some(field) = field(role) else { continue };
        let column = match column {
            scenario::Column::Name(name) => Column::Name(name.clone()),
            scenario::Column::Number(number) => Column::Number(*number),
        };
        spec.columns.insert(field, column);
    }
    spec.header = file.header;
    spec.delimiter = file.delimiter;
    spec.time = file.time_format.as_deref().and_then(TimeFormat::from_name);
    spec.arrival = spec.time;
    spec.utc_offset = file.utc_offset;
    spec.feed_latency = settings.feed_latency;
    spec.clock_offset = settings.clock_offset;
    spec.skip_bad_rows = settings.skip_bad_rows;
    spec.tiles = settings.tiles;
    spec.bar_interval = settings.bar_interval;
    spec.bar_known_after = settings.bar_known_after;
    spec.market = file.market.clone();
    spec.select = file.select.clone();
    spec.map = file.map.clone();
    spec
}

fn field(role: &str) -> Option<Field> {
    if role == "received" { Some(Field::Arrival) } else { Field::from_name(role) }
}

/// The market events of a journal, its instruments found by their symbols.
struct JournalSource {
    events: genovo_journal::Events,
    /// The run's instrument for each of the journal's, by number.
    instruments: Vec<InstrumentId>,
    /// The journal's instruments that the run leaves out.
    left_out: Vec<InstrumentId>,
    tally: Arc<Tally>,
    /// Its length, and how many events that is.
    bytes: u64,
    events_total: u64,
    events_read: u64,
}

impl JournalSource {
    fn open(path: &Path, scenario: &Scenario) -> Result<JournalSource, Failure> {
        let settings = &scenario.settings;
        let failed = |error: genovo_journal::Error| failures::journal(&error, "Nothing was run.");
        let journal = Journal::open(path).map_err(failed)?;
        let (mut instruments, mut left_out) = (Vec::new(), Vec::new());
        for event in journal.events_of_kinds(&[Kind::InstrumentDefined]) {
            let event = event.map_err(failed)?;
            let (Some(index), Fact::InstrumentDefined(instrument)) =
                (event.header.instrument.index(), &event.fact)
            else {
                continue;
            };
            if scenario.left_out.contains(&instrument.symbol) {
                left_out.push(event.header.instrument);
                continue;
            }
            let known = settings.instruments.iter().position(|known| known.symbol == instrument.symbol);
            let Some(known) = known else {
                let message = format!("{} has data of {}", path.display(), instrument.symbol);
                let symbols: Vec<&str> =
                    settings.instruments.iter().map(|known| known.symbol.as_str()).collect();
                let help =
                    format!("the scenario's [[instruments]] are {}; name it there", symbols.join(", "));
                return Err(Failure::new(Exit::Usage, message, "Nothing was run.").help(help));
            };
            if instruments.len() <= index {
                instruments.resize(index + 1, InstrumentId::NONE);
            }
            instruments[index] = InstrumentId(known as u32 + 1);
        }
        Ok(JournalSource::of(&journal, instruments, left_out))
    }

    /// A cached file, as the data of this instrument.
    fn of_one(path: &Path, instrument: InstrumentId) -> Result<JournalSource, Failure> {
        let journal = Journal::open(path).map_err(|error| failures::journal(&error, "Nothing was run."))?;
        debug_assert_eq!(cache::INSTRUMENT.index(), Some(0));
        Ok(JournalSource::of(&journal, vec![instrument], Vec::new()))
    }

    fn of(journal: &Journal, instruments: Vec<InstrumentId>, left_out: Vec<InstrumentId>) -> JournalSource {
        let summary = journal.summary();
        JournalSource {
            events: journal.events(),
            instruments,
            left_out,
            tally: Arc::new(Tally::default()),
            bytes: summary.blocks_bytes,
            events_total: summary.events.max(1),
            events_read: 0,
        }
    }

    /// Tells the tally of so many events more: bytes in proportion, as blocks are read whole.
    fn count(&mut self, events: u64, rows: u64) {
        let bytes = |events: u64| {
            (u128::from(self.bytes) * u128::from(events) / u128::from(self.events_total)) as u64
        };
        self.tally.add(bytes(self.events_read + events) - bytes(self.events_read), rows);
        self.events_read += events;
    }
}

impl Source for JournalSource {
    fn read(&mut self, batch: &mut Vec<Event>, limit: usize) -> Result<(), WorldError> {
        let before = batch.len();
        // What is no market data is taken out again, so a batch may need more than one reading.
        while batch.len() == before {
            self.events.fill(batch, limit).map_err(WorldError::new)?;
            let events = batch.len() - before;
            if events == 0 {
                break;
            }
            let left_out = &self.left_out;
            let wanted = |event: &Event| {
                let kind = event.fact.kind();
                (kind.is_market() || kind == Kind::FeedGap)
                    // The quote of a book is not data: it follows from it.
                    && event.header.sequence.is_input()
                    && (left_out.is_empty() || !left_out.contains(&event.header.instrument))
            };
            if !batch[before..].iter().all(wanted) {
                let mut row = 0;
                batch.retain(|event| {
                    row += 1;
                    row <= before || wanted(event)
                });
            }
            self.count(events as u64, (batch.len() - before) as u64);
        }
        for row in before..batch.len() {
            let event = &mut batch[row];
            if !event.fact.is_in_range() {
                let sequence = event.header.sequence;
                // The rows before it are good.
                batch.truncate(row);
                let message =
                    format!("the journal's event at sequence {sequence} has a price or size out of range");
                return Err(WorldError::new(message));
            }
            // A journal without a definition keeps its number; the engine refuses one that it does not know.
            let index = event.header.instrument.index();
            if let Some(&instrument) = index.and_then(|index| self.instruments.get(index)) {
                event.header.instrument = instrument;
            }
            event.header.sequence = Sequence::NONE;
            event.header.cause = Sequence::NONE;
        }
        Ok(())
    }
}

/// The data error inside a world error, if that is what it is.
pub fn data_error(error: &WorldError) -> Option<&DataError> {
    error.0.downcast_ref()
}
