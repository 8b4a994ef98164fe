//! Signals in the columns of a Parquet file, as pandas and polars write them.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use genovo_engine::event::{Event, SignalTarget};
use genovo_engine::ids::InstrumentId;
use genovo_engine::units::{Quantity, Ratio, Timestamp};

use super::{Columns, Maker, SignalsSpec, TargetKind, symbols};
use crate::data::parquet::clock;
use crate::data::parquet::column::{Flaw, Want};
use crate::data::parquet::table::{Parquet, Table};
use crate::data::{DataError, FileSource, Tally};

/// In the table: the time, the target, and the symbol if there is a column for it.
const TIME: usize = 0;
const TARGET: usize = 1;
const SYMBOL: usize = 2;

/// A file of signals being read.
pub(super) struct ParquetSignals {
    table: Table,
    kind: TargetKind,
    has_symbols: bool,
    instruments: Vec<InstrumentId>,
    maker: Maker,
    skip_bad_rows: bool,
    good: u64,
    tally: Arc<Tally>,
}

/// Opens a file and finds its columns.
pub(super) fn open(path: &Path, spec: &SignalsSpec, tally: Arc<Tally>) -> Result<ParquetSignals, DataError> {
    let parquet = Parquet::open(path)?;
    let refused = |message: String| DataError::Spec { file: path.to_owned(), message };
    let (places, header): (Vec<usize>, Vec<String>) = parquet.columns().into_iter().unzip();
    let Columns { time, symbol, target, kind } = Columns::of(path, spec, &header)?;
    if parquet.rows() == 0 {
        return Err(DataError::NoRows { file: path.to_owned(), skipped: 0 });
    }
    let clock = clock(&parquet, places[time], spec.time, spec.utc_offset)?;
    let mut columns = vec![
        parquet.column(places[time], Want::Time(clock), None).map_err(refused)?,
        parquet.column(places[target], Want::Decimal, None).map_err(refused)?,
    ];
    if let Some(symbol) = symbol {
        let known = Want::OneOf(symbols(spec));
        columns.push(parquet.column(places[symbol], known, None).map_err(refused)?);
    }
    Ok(ParquetSignals {
        table: Table::new(parquet, columns, tally.clone()),
        kind,
        has_symbols: symbol.is_some(),
        instruments: spec.instruments.iter().map(|(_, instrument)| *instrument).collect(),
        maker: Maker::new(spec),
        skip_bad_rows: spec.skip_bad_rows,
        good: 0,
        tally,
    })
}

impl ParquetSignals {
    /// The event of the row stepped to.
    fn event(&mut self) -> Result<Event, Flaw> {
        let known = Timestamp(self.table.need(TIME)?);
        let target = self.table.need(TARGET)?;
        let target = match self.kind {
            TargetKind::Position => SignalTarget::Position { quantity: Quantity(target) },
            TargetKind::Weight => SignalTarget::Weight { share: Ratio(target) },
        };
        let place = if self.has_symbols { self.table.need(SYMBOL)? as usize } else { 0 };
        let event = self.maker.event(known, self.instruments[place], target);
        event.map_err(|(problem, expected)| {
            let flaw = self.table.flaw(TIME, problem, expected);
            match jiff::Timestamp::from_nanosecond(known.0.into()) {
                Ok(time) => Flaw { value: time.to_string(), ..flaw },
                Err(_) => flaw,
            }
        })
    }
}

impl FileSource for ParquetSignals {
    fn read_rows(&mut self, batch: &mut Vec<Event>, limit: usize) -> Result<(), DataError> {
        let (before, target) = (batch.len(), batch.len().saturating_add(limit));
        while batch.len() < target {
            let Some(row) = self.table.next()? else { break };
            match row.flaw.map_or_else(|| self.event(), Err) {
                Ok(event) => batch.push(event),
                Err(flaw) => {
                    let row = self.table.bad_row(flaw, self.good + (batch.len() - before) as u64);
                    if !self.skip_bad_rows {
                        return Err(DataError::Row(Box::new(row)));
                    }
                    self.tally.skip(|| row);
                }
            }
        }
        let rows = (batch.len() - before) as u64;
        self.good += rows;
        self.tally.rows.fetch_add(rows, Ordering::Relaxed);
        Ok(())
    }

    fn line(&self) -> u64 {
        self.table.number
    }
}
