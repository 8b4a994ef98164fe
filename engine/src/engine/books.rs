//! What follows from a change of an order book: once its update is whole, a quote where the best prices changed.
//!
//! The quote is a derived event, so that strategies, bars, features and every reader of the journal see the touch of a
//! book as they see quotes that came as such.

use super::*;
use crate::book::Followed;
use crate::canonical::{Canonical, Input};
use crate::state::{State as _, StateError};

impl Engine {
    /// Saves the books that there are.
    pub(super) fn save_books(&self, out: &mut Vec<u8>) {
        for state in &self.state.books {
            state.is_some().write(out);
            if let Some(Followed { book, told }) = state {
                book.save(out);
                told.write(out);
            }
        }
    }

    /// Loads them.
    pub(super) fn load_books(&mut self, input: &mut Input<'_>) -> Result<(), StateError> {
        for (books, instrument) in self.state.books.iter_mut().zip(&self.settings.instruments) {
            *books = None;
            if bool::read(input)? {
                let state = books.insert(Followed::new(instrument.tick));
                state.book.load(input)?;
                state.told.load(input)?;
            }
        }
        Ok(())
    }

    /// A level or an order changed. Between two changes of one update nothing is looked at and nothing decided.
    pub(super) fn on_book(&mut self, input: &Event) -> Result<(), Fault> {
        let instrument = input.header.instrument;
        let index = self.index_of(instrument)?;
        self.counts.ticks += 1;
        let findings = self.quality[index].check(input);
        if !findings.is_empty() {
            self.flag(input, &findings)?;
        }
        let tick = self.settings.instruments[index].tick;
        let state = self.state.books[index].get_or_insert_with(|| Followed::new(tick));
        if state.book.apply(&input.fact) {
            return self.on_update(input, index);
        }
        Ok(())
    }

    /// An update is whole.
    fn on_update(&mut self, input: &Event, index: usize) -> Result<(), Fault> {
        let instrument = input.header.instrument;
        self.clear_due();
        self.pass_time(input)?;
        let quoted = self.state.books[index].as_mut().and_then(Followed::news);
        if let Some(catalogue) = &mut self.catalogue
            && let Some(state) = &self.state.books[index]
        {
            catalogue.book(index, self.state.now, &state.book);
        }
        let findings = quoted.map(|quote| self.quality[index].check_quote(&quote)).unwrap_or_default();
        if !findings.is_empty() {
            self.flag(input, &findings)?;
        }
        self.market_events += 1;
        self.state.instrument = instrument;
        let moment = Moment::Tick { count: self.market_events, bar: false };
        match quoted.filter(|_| !findings.dropped()) {
            Some(quote) => {
                let fact = Fact::QuoteChanged(quote);
                self.show(index, input.header.time_event, &fact);
                self.emit(instrument, input.header.sequence, fact)?;
                let event = self.output.events.last().expect("just emitted");
                Seat::show(&mut self.seats, &self.state, event, instrument, moment, StrategyId::NONE);
            }
            None => Seat::show(&mut self.seats, &self.state, input, instrument, moment, StrategyId::NONE),
        }
        self.guard(index)?;
        self.start_timer(input);
        self.decide_due()
    }

    /// Adds every book to the state's hash; nothing where there is none.
    pub(super) fn hash_books(&self, hasher: &mut blake3::Hasher) {
        for (index, state) in self.state.books.iter().enumerate() {
            if let Some(state) = state {
                hasher.update(&(index as u64).to_le_bytes());
                state.book.add_to_hash(hasher);
            }
        }
    }
}
