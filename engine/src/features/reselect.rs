//! Columns selected anew while a run goes on, before its events are numbered: a selection is an input like the market
//! data that it stands among, so a live session and a backtest over the same data get the same one at the same place.
//!
//! Selections come from a list, with the time at which each takes effect, or from a schedule: every so many bars the
//! last ones are looked at, each row as a decision at the bar's close would have seen it, on a thread beside. What they
//! say takes effect a fixed time later, by when it must be there.

use std::collections::VecDeque;
use std::thread::{self, JoinHandle};

use super::FeatureState;
use super::select::{Rules, Selection, hash, select};
use super::state::FeatureError;
use crate::book::Followed;
use crate::event::{Event, Fact, FeaturesReselected, Header};
use crate::ids::{InstrumentId, Sequence};
use crate::merge::Merge;
use crate::quality::Quality;
use crate::settings::{QualitySettings, ScheduleSettings, Settings};
use crate::units::{Price, Timestamp};
use crate::world::{Source, WorldError};
use genovo_kernels::scalar::f64::ln;

/// A selection that is known beforehand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// When it takes effect; `None` from the first event on.
    pub at: Option<Timestamp>,
    /// The columns, best first.
    pub columns: Vec<String>,
}

/// The sources of a run as one, with the selections of its columns among their events.
pub struct Reselecting {
    market: Merge,
    listed: VecDeque<Listed>,
    schedule: Option<Schedule>,
    /// An event that a selection came before.
    held: Option<Event>,
    /// What was selected last.
    columns: Vec<String>,
}

impl Reselecting {
    /// What the settings say about these sources. `listed` is in the order of time.
    pub fn new(
        settings: &Settings,
        sources: Vec<Box<dyn Source>>,
        listed: Vec<Listed>,
    ) -> Result<Reselecting, FeatureError> {
        let features = settings.features.as_ref();
        let selection = features.and_then(|features| features.selection.as_ref());
        let schedule = match (features, selection.and_then(|selection| selection.schedule)) {
            (Some(features), Some(schedule)) => {
                let state = FeatureState::new(features, &settings.instruments)?;
                let slots = selection.map_or(0, |selection| selection.slots);
                let ticks = settings.instruments.iter().map(|instrument| instrument.tick);
                Some(Schedule::new(schedule, slots, state, ticks, &settings.quality))
            }
            _ => None,
        };
        let (market, listed) = (Merge::new(sources), listed.into());
        Ok(Reselecting { market, listed, schedule, held: None, columns: Vec::new() })
    }

    /// The next selection that takes effect by `now`, with its time.
    fn due(&mut self, now: Timestamp) -> Result<Option<(Timestamp, Vec<String>)>, WorldError> {
        let listed = self.listed.front().filter(|listed| listed.at.is_none_or(|at| at <= now));
        let listed = listed.map(|listed| listed.at.unwrap_or(now));
        let scheduled = self.schedule.as_ref().and_then(|schedule| schedule.due(now));
        match (listed, scheduled) {
            (Some(listed), scheduled) if scheduled.is_none_or(|scheduled| listed <= scheduled) => {
                Ok(self.listed.pop_front().map(|found| (listed, found.columns)))
            }
            (_, Some(scheduled)) => {
                let found = self.schedule.as_mut().map(Schedule::finish).transpose()?.flatten();
                Ok(found.map(|found| (scheduled, found.columns)))
            }
            _ => Ok(None),
        }
    }
}

impl Source for Reselecting {
    fn read(&mut self, batch: &mut Vec<Event>, limit: usize) -> Result<(), WorldError> {
        let wanted = batch.len() + limit;
        while batch.len() < wanted {
            let event = match self.held.take() {
                Some(event) => event,
                None => match self.market.next_event()? {
                    Some(event) => event.clone(),
                    None => break,
                },
            };
            let now = event.header.time_received;
            if let Some((at, columns)) = self.due(now)? {
                self.held = Some(event);
                if same(&columns, &self.columns) {
                    continue;
                }
                let hash = hash(&columns);
                self.columns.clone_from(&columns);
                let fact = Fact::FeaturesReselected(Box::new(FeaturesReselected { columns, hash }));
                batch.push(Event::unnumbered(at, at, InstrumentId::NONE, fact));
                continue;
            }
            if let Some(schedule) = &mut self.schedule {
                schedule.take(&event, &self.columns);
            }
            batch.push(event);
            if let Some(event) = batch.last_mut() {
                event.header.sequence = Sequence::NONE;
            }
        }
        Ok(())
    }
}

/// Whether two lists hold the same columns, in whatever order.
fn same(a: &[String], b: &[String]) -> bool {
    a.len() == b.len() && a.iter().all(|column| b.contains(column))
}

/// Looks at past bars every so many of them.
struct Schedule {
    settings: ScheduleSettings,
    rules: Rules,
    state: FeatureState,
    /// The books of the instruments, whose touch is a quote.
    books: Vec<Followed>,
    /// What the run drops for a flaw is not looked at here either.
    quality: Vec<Quality>,
    names: Vec<String>,
    /// The instrument whose bars count.
    by: usize,
    bars: u64,
    rows: VecDeque<Vec<Option<f32>>>,
    closes: VecDeque<f64>,
    /// When it takes effect, and who computes it.
    under_way: Option<(Timestamp, JoinHandle<Selection>)>,
}

impl Schedule {
    fn new(
        settings: ScheduleSettings,
        slots: u32,
        state: FeatureState,
        ticks: impl Iterator<Item = Price>,
        quality: &QualitySettings,
    ) -> Schedule {
        let top = slots as usize;
        let books: Vec<Followed> = ticks.map(Followed::new).collect();
        let rules =
            Rules { top, horizon: settings.horizon as usize, keep: top + top / 10, ..Rules::default() };
        Schedule {
            rules,
            names: state.columns().iter().map(|column| column.id.clone()).collect(),
            by: settings.by.index().unwrap_or(0),
            settings,
            state,
            quality: vec![Quality::new(quality); books.len()],
            books,
            bars: 0,
            rows: VecDeque::new(),
            closes: VecDeque::new(),
            under_way: None,
        }
    }

    /// When the selection under way takes effect, if that is by `now`.
    fn due(&self, now: Timestamp) -> Option<Timestamp> {
        self.under_way.as_ref().map(|(at, _)| *at).filter(|at| *at <= now)
    }

    fn finish(&mut self) -> Result<Option<Selection>, WorldError> {
        let Some((_, work)) = self.under_way.take() else { return Ok(None) };
        work.join().map(Some).map_err(|_| WorldError::new("the selection of columns stopped"))
    }

    /// Takes the next event. `selected` is what holds now.
    fn take(&mut self, event: &Event, selected: &[String]) {
        let header = &event.header;
        let index = header.instrument.index().filter(|index| *index < self.books.len());
        let of_book = matches!(event.fact, Fact::BookChanged(_) | Fact::BookReset(_));
        let dropped = index.is_some_and(|index| self.quality[index].check(event).dropped());
        if let Some(index) = index.filter(|_| of_book)
            && !self.books[index].book.apply(&event.fact)
        {
            // Between two changes of one update nothing is looked at.
            return;
        }
        self.state.advance(header.time_received);
        if event.fact.kind().is_outside() {
            self.state.outside(header.instrument.index(), header.time_received, &event.fact);
        } else if let Some(index) = index.filter(|_| !dropped) {
            self.show(index, event, of_book);
        }
        let bars = self.state.bars(self.by);
        if bars == self.bars {
            return;
        }
        // One event may close two bars.
        let every = u64::from(self.settings.every.max(1));
        let is_due = bars / every > self.bars / every;
        self.bars = bars;
        self.remember(header.time_received);
        let least = self.rules.horizon + LEAST;
        if is_due && self.rows.len() >= least && self.under_way.is_none() {
            self.begin(header.time_received, selected.to_vec());
        }
    }

    /// Shows an event of the instrument with this index to the features, as the engine does.
    fn show(&mut self, index: usize, event: &Event, of_book: bool) {
        let Header { time_event, time_received: now, .. } = event.header;
        if !of_book {
            self.state.update(index, now, time_event, &event.fact);
            return;
        }
        let followed = &mut self.books[index];
        self.state.book(index, now, &followed.book);
        if let Some(quote) = followed.news()
            && !self.quality[index].check_quote(&quote).dropped()
        {
            self.state.update(index, now, time_event, &Fact::QuoteChanged(quote));
        }
    }

    fn remember(&mut self, now: Timestamp) {
        let Some(close) = self.state.last_close(self.by) else { return };
        // A row with a value that f32 cannot hold says nothing.
        let Ok(row) = self.state.read(self.by, now) else { return };
        if self.rows.len() == self.settings.window as usize {
            self.rows.pop_front();
            self.closes.pop_front();
        }
        self.rows.push_back(row.to_vec());
        self.closes.push_back(close);
    }

    fn begin(&mut self, now: Timestamp, before: Vec<String>) {
        let columns: Vec<Vec<Option<f32>>> =
            (0..self.names.len()).map(|column| self.rows.iter().map(|row| row[column]).collect()).collect();
        let closes: Vec<f64> = self.closes.iter().copied().collect();
        let (names, rules) = (self.names.clone(), self.rules);
        let work = thread::spawn(move || {
            let labels = labels(&closes, rules.horizon);
            select(&names, &columns, &labels, &before, &rules)
        });
        self.under_way = Some((now + self.settings.after, work));
    }
}

/// Rows with a label that a selection takes at least.
pub const LEAST: usize = 32;

/// The label of each row: the logarithm of the price `horizon` rows later over the price now; 0 where there is none.
pub fn labels(prices: &[f64], horizon: usize) -> Vec<f64> {
    let label = |row: usize| match (prices.get(row + horizon), prices[row]) {
        (Some(later), now) if *later > 0.0 && now > 0.0 => ln(later / now),
        _ => 0.0,
    };
    (0..prices.len()).map(label).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::FlawAction;
    use crate::event::{BookAction, BookChange, Quote, Side};
    use crate::features::candle::Timeframe;
    use crate::features::normalise::Normalise;
    use crate::features::order_book::COLUMNS;
    use crate::settings::{BarPrice, Commission, FeatureSettings, Instrument};
    use crate::units::{Nanoseconds, Quantity, Ratio};

    #[test]
    fn a_label_is_the_return_to_come() {
        assert_eq!(labels(&[1.0, 2.0, 4.0], 2), [ln(4.0), 0.0, 0.0]);
        assert_eq!(labels(&[0.0, 2.0], 1), [0.0, 0.0]);
    }

    #[test]
    fn order_makes_no_other_list() {
        let list = |names: &[&str]| names.iter().map(|name| name.to_string()).collect::<Vec<_>>();
        assert!(same(&list(&["a", "b"]), &list(&["b", "a"])));
        assert!(!same(&list(&["a", "b"]), &list(&["a"])) && !same(&list(&["a"]), &list(&["b"])));
    }

    /// Only crossed quotes are flawed.
    fn quality(crossed: FlawAction) -> QualitySettings {
        let [locked, out_of_order, duplicate, gap, outlier] = [FlawAction::Keep; 5];
        let (gap_after, outlier_times) = (Nanoseconds(0), 0);
        QualitySettings { crossed, locked, out_of_order, duplicate, gap, gap_after, outlier, outlier_times }
    }

    fn schedule(quality: &QualitySettings) -> Schedule {
        let second = 1_000_000_000;
        let features = FeatureSettings {
            columns: ["microstructure", "order_book", "return_1"].map(str::to_string).into(),
            timeframes: [1, 2, 3, 4].map(|seconds| Timeframe::Time(Nanoseconds(seconds * second))),
            price: BarPrice::Mid,
            scale: Normalise::Robust,
            benchmark: None,
            selection: None,
            own: Vec::new(),
            altered: Vec::new(),
        };
        let instrument = Instrument {
            symbol: "A".to_string(),
            currency: None,
            tick: Price(second / 100),
            lot: Quantity(second),
            multiplier: Quantity(second),
            margin_initial: Ratio::ONE,
            margin_maintenance: Ratio::ONE,
            commission: Commission::default(),
        };
        let state = FeatureState::new(&features, std::slice::from_ref(&instrument)).unwrap();
        let by = InstrumentId(1);
        let settings = ScheduleSettings { every: 50, window: 90, horizon: 2, by, after: Nanoseconds(second) };
        Schedule::new(settings, 4, state, std::iter::once(instrument.tick), quality)
    }

    /// What a run drops for a flaw is as if it had never come, whether it comes as a quote or as the touch of a book.
    #[test]
    fn what_the_run_drops_is_not_looked_at() {
        let [drop, keep] = [FlawAction::Drop, FlawAction::Keep].map(quality);
        let (mut clean, mut flawed, mut kept) = (schedule(&drop), schedule(&drop), schedule(&keep));
        let cents = |cents: i64| Price(cents * 10_000_000);
        for index in 0..600_i64 {
            let middle = 1_000 + (index * 7 % 11) - (index * 5 % 7);
            let size = Some(Quantity(1 + index));
            let quote = |bid, ask| {
                let quote = Quote { bid: cents(bid), ask: cents(ask), bid_size: size, ask_size: size };
                let time = Timestamp(index * 300_000_000);
                Event::unnumbered(time, time, InstrumentId(1), Fact::QuoteChanged(quote))
            };
            clean.take(&quote(middle, middle + 2), &[]);
            for schedule in [&mut flawed, &mut kept] {
                schedule.take(&quote(middle, middle + 2), &[]);
                if index % 3 == 0 {
                    schedule.take(&quote(middle + 9, middle + 1), &[]);
                }
            }
        }
        let bits = |schedule: &Schedule| -> Vec<Option<u32>> {
            schedule.rows.iter().flatten().map(|value| value.map(f32::to_bits)).collect()
        };
        assert!(bits(&clean) == bits(&flawed) && clean.closes == flawed.closes && clean.rows.len() == 90);
        assert!(bits(&clean) != bits(&kept));
    }

    /// A book whose touch moves like these quotes is looked at like these quotes; and its depth is seen, too.
    #[test]
    fn a_book_is_looked_at_as_its_touch_is() {
        let keep = quality(FlawAction::Keep);
        let (mut of_quotes, mut of_book) = (schedule(&keep), schedule(&keep));
        let event = |index: i64, fact| {
            let time = Timestamp(index * 300_000_000);
            Event::unnumbered(time, time, InstrumentId(1), fact)
        };
        let cents = |cents: i64| Price(cents * 10_000_000);
        let mut before: Option<Quote> = None;
        for index in 0..600_i64 {
            let (middle, size) = (1_000 + (index * 7 % 11) - (index * 5 % 7), Quantity(1 + index));
            let quote = Quote {
                bid: cents(middle),
                ask: cents(middle + 2),
                bid_size: Some(size),
                ask_size: Some(size),
            };
            of_quotes.take(&event(index, Fact::QuoteChanged(quote)), &[]);
            let level = |side, price, size, last| {
                let action = BookAction::SetLevel;
                Fact::BookChanged(BookChange { price, size, order: 0, side, action, last })
            };
            let mut changes = Vec::new();
            if let Some(gone) = before.replace(quote) {
                changes.push(level(Side::Buy, gone.bid, Quantity::ZERO, false));
                changes.push(level(Side::Sell, gone.ask, Quantity::ZERO, false));
            }
            changes.push(level(Side::Buy, quote.bid, size, false));
            changes.push(level(Side::Sell, quote.ask, size, true));
            changes.into_iter().for_each(|change| of_book.take(&event(index, change), &[]));
        }
        assert_eq!((of_quotes.bars, of_quotes.rows.len()), (179, 90));
        assert_eq!((of_book.bars, &of_book.closes), (of_quotes.bars, &of_quotes.closes));
        let touch = |name: &String| !COLUMNS.iter().any(|column| column.id == name);
        let of_touch: Vec<bool> = of_quotes.names.iter().map(touch).collect();
        let mut depth = 0;
        for (quotes, book) in of_quotes.rows.iter().zip(&of_book.rows) {
            for ((quotes, book), of_touch) in quotes.iter().zip(book).zip(&of_touch) {
                match of_touch {
                    true => assert_eq!(quotes.map(f32::to_bits), book.map(f32::to_bits)),
                    false => depth += i32::from(quotes.is_none() && book.is_some()),
                }
            }
        }
        assert!(depth > 500, "{depth} values of the book behind the touch");
        assert!(of_book.under_way.is_some());
    }
}
