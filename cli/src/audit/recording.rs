//! A journal with what is needed to read it to a person: names, numbers, and where its parts lie.

use std::cell::OnceCell;
use std::ops::Deref;
use std::path::Path;

use genovo_engine::event::{Event, Fact, Kind, WorldKind};
use genovo_engine::ids::{InstrumentId, OrderId, Sequence};
use genovo_engine::settings::DataKind;
use genovo_journal::{Error, Journal};

use super::names::Names;
use crate::error::{Exit, Failure};
use crate::failures;
use crate::provenance::{Provenance, Row};

/// What was not done when a journal cannot be read.
pub const NOTHING: &str = "Nothing was shown.";

/// A journal and the run in it.
pub struct Recording {
    /// The journal.
    pub journal: Journal,
    /// What its numbers are called.
    pub names: Names,
    /// The files of the data, looked for when they are first asked for.
    provenance: OnceCell<Option<Provenance>>,
}

/// An event with its number in the journal, counted from 1.
#[derive(Clone, Debug, PartialEq)]
pub struct Numbered {
    /// The number.
    pub number: u64,
    /// The event.
    pub event: Event,
}

impl Numbered {
    /// Its sequence.
    pub fn sequence(&self) -> Sequence {
        self.event.header.sequence
    }
}

impl Deref for Recording {
    type Target = Names;

    fn deref(&self) -> &Names {
        &self.names
    }
}

/// An error of the journal as the command line shows it.
pub fn failed(error: Error) -> Failure {
    failures::journal(&error, NOTHING)
}

impl Recording {
    /// Opens a sealed journal.
    pub fn open(path: &Path) -> Result<Recording, Failure> {
        let journal = Journal::open(path).map_err(failed)?;
        let mut names = Names::default();
        for event in journal.events_of_kinds(&[Kind::RunStarted, Kind::InstrumentDefined]) {
            names.learn(&event.map_err(failed)?);
        }
        Ok(Recording { journal, names, provenance: OnceCell::new() })
    }

    /// The instrument of this name.
    pub fn instrument(&self, symbol: &str) -> Result<InstrumentId, Failure> {
        self.find(symbol).map_err(|help| {
            let message = format!("{} has no instrument `{symbol}`", self.journal.path().display());
            Failure::new(Exit::Usage, message, NOTHING).help(help)
        })
    }

    /// The event at a sequence.
    pub fn at(&self, sequence: Sequence) -> Result<Option<Numbered>, Failure> {
        let number = self.journal.number_of(sequence).map_err(failed)?;
        let event = self.journal.get(sequence).map_err(failed)?;
        Ok(number.zip(event).map(|(number, event)| Numbered { number, event }))
    }

    /// The event with a number.
    pub fn by_number(&self, number: u64) -> Result<Option<Numbered>, Failure> {
        let event = self.journal.by_number(number).map_err(failed)?;
        Ok(event.map(|event| Numbered { number, event }))
    }

    /// The input that `sequence` is or follows from, with everything that follows from it, in order.
    pub fn input_with_effects(&self, sequence: Sequence) -> Result<Vec<Numbered>, Failure> {
        let input = Sequence::input(sequence.input_number());
        let mut found: Vec<Numbered> = Vec::new();
        for event in self.journal.events_from(input) {
            let event = event.map_err(failed)?;
            if event.header.sequence.input_number() != input.input_number() {
                break;
            }
            let number = match found.last() {
                Some(last) => last.number + 1,
                None => self.journal.number_of(event.header.sequence).map_err(failed)?.unwrap_or(0),
            };
            found.push(Numbered { number, event });
        }
        Ok(found)
    }

    /// Every event that names an order, oldest first.
    pub fn order_events(&self, order: OrderId) -> Result<Vec<Numbered>, Failure> {
        let sequences = self.journal.order_events(order).map_err(failed)?;
        let mut found = Vec::with_capacity(sequences.len());
        for sequence in sequences {
            found.extend(self.at(sequence)?);
        }
        Ok(found)
    }

    /// How many orders there are, denied ones included: they are numbered without a gap.
    pub fn orders(&self) -> Result<u64, Failure> {
        let mut last = 0;
        for event in self.journal.events_of_kinds(&[Kind::OrderSubmitted, Kind::OrderDenied]) {
            match event.map_err(failed)?.fact {
                Fact::OrderSubmitted(order) => last = last.max(order.order.0),
                Fact::OrderDenied(denied) => last = last.max(denied.order.0),
                _ => {}
            }
        }
        Ok(last)
    }

    /// Which row of the data a market event was, counted from 1.
    ///
    /// `None` unless that is certain: one source that is no journal, read once, no row left out.
    pub fn row_of_data(&self, event: &Event) -> Result<Option<u64>, Failure> {
        let Some(settings) = &self.settings else { return Ok(None) };
        let mut market = settings
            .sources
            .iter()
            .filter(|source| !matches!(source.kind, DataKind::Signals | DataKind::Outside));
        let (Some(source), None) = (market.next(), market.next()) else { return Ok(None) };
        let certain = source.kind != DataKind::Journal && source.tiles == 1 && !source.skip_bad_rows;
        if certain { self.market_number(event) } else { Ok(None) }
    }

    /// The line of the data that a market event was, where the files still hold what the run read.
    pub fn line_of_data(&self, event: &Event) -> Result<Option<Row>, Failure> {
        let Some(number) = self.market_number(event)? else { return Ok(None) };
        let find = || Provenance::of(self.journal.path(), self.settings.as_ref()?);
        Ok(self.provenance.get_or_init(find).as_ref().and_then(|files| files.row(number, event)))
    }

    /// How manieth market event of a simulated run an event is, counted from 1; `None` for all others.
    fn market_number(&self, event: &Event) -> Result<Option<u64>, Failure> {
        let simulated = self.started.as_ref().is_some_and(|started| started.world == WorldKind::Simulated);
        // The quote of a book is no row of the data: it follows from one.
        if !simulated || !event.fact.kind().is_market() || !event.header.sequence.is_input() {
            return Ok(None);
        }
        // Inputs are numbered without a gap: what is no market event is counted and taken off.
        let others: Vec<Kind> =
            Kind::ALL.iter().copied().filter(|kind| is_input(*kind) && !kind.is_market()).collect();
        let mut before = 0;
        for other in self.journal.events_of_kinds(&others) {
            if other.map_err(failed)?.header.sequence > event.header.sequence {
                break;
            }
            before += 1;
        }
        Ok(Some(event.header.sequence.input_number() - before))
    }
}

/// Whether events of this kind come from outside, the venue's answers included.
fn is_input(kind: Kind) -> bool {
    kind.is_built() && (kind as u8) < Kind::DataFlagged as u8 && kind != Kind::LimitsChanged
}
