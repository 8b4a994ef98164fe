//! The features of a run: what of the catalogue it selects, computed for each of its instruments.

use super::alter::Alterations;
use super::bank::{Anchored, Wanted};
use super::calendar;
use super::candle::{Candle, Sampler};
use super::catalogue::{Place, TICK_FAMILIES, TIMEFRAMES, UnknownColumn};
use super::column::Column;
use super::cross_asset::CrossAsset;
use super::expression::{ExpressionError, OwnColumns};
use super::layout::Layout;
use super::macro_news::MacroNews;
use super::microstructure::Microstructure;
use super::normalise::Normaliser;
use super::order_book::OrderBook;
use super::order_flow::OrderFlow;
use super::slots::Slots;
use super::tape::Tape;
use super::volume_profile::VolumeProfile;
use crate::book::Book;
use crate::canonical::Input;
use crate::event::{Bar, Fact, Quote, Trade};
use crate::ids::{InstrumentId, Sequence};
use crate::settings::{BarPrice, FeatureSettings, Instrument};
use crate::state::{State, StateError};
use crate::units::Timestamp;

/// Settings of features that cannot be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FeatureError {
    /// A word of the selection names nothing.
    #[error(transparent)]
    Unknown(#[from] UnknownColumn),
    /// A timeframe has no length.
    #[error("a timeframe of features has no length")]
    Empty,
    /// Two timeframes are the same.
    #[error("the timeframes of features are not all different")]
    Twice,
    /// An expression of one's own cannot be.
    #[error("the expression of `{id}`: {error}")]
    Expression {
        /// Whose.
        id: String,
        /// What is wrong with it.
        error: ExpressionError,
    },
    /// A column of one's own has a name that there is.
    #[error("there is a column or family `{0}` already")]
    Taken(String),
    /// A column of one's own is over a timeframe that there is not.
    #[error("`{0}` is over a timeframe that the features do not have")]
    Timeframe(String),
    /// More slots than any model has inputs.
    #[error("{0} slots are too many: at most {max}", max = Slots::MAX)]
    Slots(u32),
    /// A what-if names a column that there is not.
    #[error("the run has no column `{0}`")]
    Altered(String),
    /// The benchmark is none of the run's instruments.
    #[error("the benchmark of features is no instrument of the run")]
    Benchmark,
}

/// The features of all instruments.
pub struct FeatureState {
    columns: Vec<Column>,
    instruments: Vec<InstrumentFeatures>,
    price: BarPrice,
    benchmark: Option<usize>,
    /// When the bars under way are closed.
    now: Timestamp,
    /// When the next bar by time ends, over all instruments.
    due: Timestamp,
    /// The last row that was read, raw and scaled.
    raw: Vec<Option<f64>>,
    scaled: Vec<Option<f32>>,
    slots: Option<Slots>,
}

/// A scaled value that f32 cannot hold: which column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotANumber(pub u32);

impl FeatureState {
    /// The features that the settings select.
    pub fn new(settings: &FeatureSettings, instruments: &[Instrument]) -> Result<FeatureState, FeatureError> {
        let timeframes = &settings.timeframes;
        if !timeframes.iter().all(|timeframe| timeframe.is_positive()) {
            return Err(FeatureError::Empty);
        }
        for (index, timeframe) in timeframes.iter().enumerate() {
            if timeframes[..index].contains(timeframe) {
                return Err(FeatureError::Twice);
            }
        }
        let benchmark = match settings.benchmark {
            Some(id) => {
                let index = id.index().filter(|index| *index < instruments.len());
                Some(index.ok_or(FeatureError::Benchmark)?)
            }
            None => None,
        };
        let slots = settings.selection.as_ref().map(|selection| selection.slots);
        if let Some(slots) = slots.filter(|slots| *slots > Slots::MAX) {
            return Err(FeatureError::Slots(slots));
        }
        let layout = Layout::new(settings)?;
        let alterations =
            Alterations::new(&settings.altered, &layout.columns).map_err(FeatureError::Altered)?;
        let instruments = instruments.iter().map(|instrument| {
            InstrumentFeatures::new(settings, &layout, alterations.clone(), instrument.tick)
        });
        let (count, width) = (layout.columns.len(), layout.width);
        Ok(FeatureState {
            instruments: instruments.collect(),
            columns: layout.columns,
            price: settings.price,
            benchmark,
            now: Timestamp::MIN,
            due: Timestamp::MAX,
            raw: vec![None; width],
            scaled: vec![None; count],
            slots: slots.map(|slots| Slots::new(slots as usize)),
        })
    }

    /// The columns, in the order of the row.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// Ends the bars by time that are over at `now`. To be called at every event, before it is taken in.
    #[inline]
    pub fn advance(&mut self, now: Timestamp) {
        if now >= self.due {
            self.close_due(now);
        }
    }

    fn close_due(&mut self, now: Timestamp) {
        self.due = Timestamp::MAX;
        self.now = now;
        // The benchmark first: its bar is closed when another's is.
        let benchmark = self.benchmark;
        let others = (0..self.instruments.len()).filter(|index| Some(*index) != benchmark);
        for index in benchmark.into_iter().chain(others) {
            for timeframe in 0..TIMEFRAMES {
                if let Some(bar) = self.instruments[index].samplers[timeframe].advance(now) {
                    self.bar(index, timeframe, &bar);
                }
            }
            self.instruments[index].own(now);
            self.remember_due(index);
        }
    }

    fn remember_due(&mut self, index: usize) {
        for sampler in &self.instruments[index].samplers {
            if sampler.due() < self.due {
                self.due = sampler.due();
            }
        }
    }

    fn bar(&mut self, index: usize, timeframe: usize, bar: &Candle) {
        let benchmark = self.benchmark.filter(|benchmark| *benchmark != index);
        let benchmark = benchmark.and_then(|benchmark| self.instruments[benchmark].last_close);
        self.instruments[index].bar(self.now, timeframe, bar, benchmark);
    }

    /// Takes a market event of the instrument with this index; others change nothing. `now` is its arrival, `end` its
    /// event time, which for a received bar is the bar's end.
    pub fn update(&mut self, index: usize, now: Timestamp, end: Timestamp, fact: &Fact) {
        match fact {
            Fact::QuoteChanged(quote) => self.quote(index, now, quote),
            Fact::TradePrinted(trade) => self.trade(index, now, trade),
            Fact::BarReceived(bar) => self.received(index, now, end, bar),
            _ => {}
        }
    }

    /// Takes the book of an instrument after a whole update.
    pub fn book(&mut self, index: usize, now: Timestamp, book: &Book) {
        if let Some(family) = &mut self.instruments[index].order_book {
            family.update(now, book);
        }
    }

    fn quote(&mut self, index: usize, now: Timestamp, quote: &Quote) {
        self.instruments[index].quote(now, quote);
        if let Some(price) = Sampler::quote_price(quote, self.price) {
            for sampler in &mut self.instruments[index].samplers {
                sampler.price(now, price);
            }
            self.filled(index, now);
        }
    }

    fn trade(&mut self, index: usize, now: Timestamp, trade: &Trade) {
        self.instruments[index].trade(now, trade);
        let price = Sampler::trade_price(trade, self.price);
        for sampler in &mut self.instruments[index].samplers {
            if let Some(price) = price {
                sampler.price(now, price);
            }
            if let Some(size) = trade.size {
                sampler.volume(trade.price, size);
            }
        }
        if price.is_some() || trade.size.is_some() {
            self.filled(index, now);
        }
    }

    /// Closes the bars by ticks, volume or money that the last tick filled.
    fn filled(&mut self, index: usize, now: Timestamp) {
        self.now = now;
        for timeframe in 0..TIMEFRAMES {
            if let Some(bar) = self.instruments[index].samplers[timeframe].fill(now) {
                self.bar(index, timeframe, &bar);
            }
        }
        self.instruments[index].own(now);
        self.remember_due(index);
    }

    fn received(&mut self, index: usize, now: Timestamp, end: Timestamp, bar: &Bar) {
        self.now = now;
        self.instruments[index].received(now, bar);
        for timeframe in 0..TIMEFRAMES {
            if let Some(bar) = self.instruments[index].samplers[timeframe].overtaken(bar.open_time) {
                self.bar(index, timeframe, &bar);
            }
            if let Some(bar) = self.instruments[index].samplers[timeframe].bar(bar, end) {
                self.bar(index, timeframe, &bar);
            }
        }
        self.instruments[index].own(now);
        self.remember_due(index);
    }

    /// Takes what the world says: about the instrument with this index, or about all of them.
    pub fn outside(&mut self, index: Option<usize>, now: Timestamp, fact: &Fact) {
        for (number, instrument) in self.instruments.iter_mut().enumerate() {
            if let Some(family) = &mut instrument.macro_news
                && index.is_none_or(|index| index == number)
            {
                family.take(now, fact);
            }
        }
    }

    /// The row of an instrument at `now`, raw: what is known, before it is scaled.
    pub fn raw(&mut self, index: usize, now: Timestamp) -> &[Option<f64>] {
        self.instruments[index].read(now, &mut self.raw);
        &self.raw[..self.columns.len()]
    }

    /// The row of an instrument at `now` as a model sees it: scaled by past rows of the same instrument, rounded once
    /// to f32.
    pub fn read(&mut self, index: usize, now: Timestamp) -> Result<&[Option<f32>], NotANumber> {
        let instrument = &mut self.instruments[index];
        instrument.read(now, &mut self.raw);
        for (place, (scaled, raw)) in self.scaled.iter_mut().zip(&self.raw).enumerate() {
            *scaled = None;
            if let Some(value) = raw {
                let value = instrument.normaliser.scale(place, *value).map(|value| value as f32);
                if value.is_some_and(|value| !value.is_finite()) {
                    return Err(NotANumber(place as u32));
                }
                *scaled = value;
            }
        }
        Ok(&self.scaled)
    }

    /// Makes the changes of a what-if to the row that was last read, which was this instrument's, at an input.
    pub fn alter(&mut self, index: usize, input: Sequence) {
        self.instruments[index].alterations.apply(input, &mut self.scaled);
    }

    /// By what the next value of a column will be scaled ([`Normaliser`], robust): what is taken off it, and what it is
    /// divided by. `None` until enough values came, and where all are the same.
    pub fn scale_of(&self, index: usize, column: usize) -> Option<(f64, f64)> {
        self.instruments.get(index)?.normaliser.window(column)?.centre_and_width()
    }

    /// How many bars of the shortest timeframe an instrument has had.
    pub fn bars(&self, index: usize) -> u64 {
        self.instruments.get(index).map_or(0, |instrument| instrument.banks[0].bars())
    }

    /// The close of the last of them.
    pub fn last_close(&self, index: usize) -> Option<f64> {
        self.instruments.get(index)?.last_close
    }

    /// Takes a selection of the columns; the name that none of them has instead.
    pub fn reselect(&mut self, columns: &[String]) -> Result<(), UnknownColumn> {
        let place = |name: &String| {
            let found = self.columns.iter().position(|column| column.id == *name);
            found.ok_or_else(|| UnknownColumn(name.clone()))
        };
        let places: Vec<usize> = columns.iter().map(place).collect::<Result<_, _>>()?;
        if let Some(slots) = &mut self.slots {
            slots.select(&places);
        }
        Ok(())
    }

    /// Which column each place of a model's input shows, where columns are selected.
    pub fn slots(&self) -> Option<&Slots> {
        self.slots.as_ref()
    }

    /// Appends what a model is given of the row that was last read: what the slots show, else all of it.
    pub fn given(&self, out: &mut Vec<Option<f32>>) {
        match &self.slots {
            Some(slots) => slots.read(&self.scaled, out),
            None => out.extend_from_slice(&self.scaled),
        }
    }

    /// The row that was last read.
    pub fn last(&self) -> &[Option<f32>] {
        &self.scaled
    }

    /// Keeps the closed bars that a restore needs, some 0.8 MB at most for each instrument and timeframe. To be called
    /// before the first event.
    pub fn keep_bars(&mut self) {
        let banks = self.instruments.iter_mut().flat_map(|instrument| &mut instrument.banks);
        banks.for_each(Anchored::keep_bars);
    }

    /// Whether its state can be saved: the bars that it follows from are kept.
    pub fn is_kept(&self) -> bool {
        let unaltered = self.instruments.iter().all(|instrument| instrument.alterations.is_empty());
        unaltered && self.instruments.iter().flat_map(|instrument| &instrument.banks).all(Anchored::is_kept)
    }

    /// The instrument's id by the index used here.
    pub fn id(index: usize) -> InstrumentId {
        InstrumentId(index as u32 + 1)
    }
}

crate::state! { FeatureState { [instruments], due, (slots) } }

/// The state of one instrument.
struct InstrumentFeatures {
    tape: Tape,
    samplers: [Sampler; TIMEFRAMES],
    banks: [Anchored; TIMEFRAMES],
    last_close: Option<f64>,
    microstructure: Option<Microstructure>,
    order_flow: Option<OrderFlow>,
    volume_profile: Option<VolumeProfile>,
    cross_asset: Option<CrossAsset>,
    macro_news: Option<MacroNews>,
    order_book: Option<OrderBook>,
    /// The columns of each tick family that are selected: place in the row, place in the family.
    shown: [Vec<(usize, usize)>; TICK_FAMILIES.len()],
    scratch: Vec<Option<f64>>,
    /// The columns over bars as of their last bars.
    row: Vec<Option<f64>>,
    /// The columns of one's own over each timeframe.
    own: [OwnColumns; TIMEFRAMES],
    /// The bars that they have yet to see: all that close together are known before any is looked at.
    closed: [Option<Candle>; TIMEFRAMES],
    /// The tick families that they name.
    named: [bool; TICK_FAMILIES.len()],
    /// The row as they see it.
    seen: Vec<Option<f64>>,
    normaliser: Normaliser,
    alterations: Alterations,
}

/// Indicators over bars say nothing of what they remember: they follow from the bars that they saw.
impl State for InstrumentFeatures {
    fn save(&self, out: &mut Vec<u8>) {
        self.tape.save(out);
        self.samplers.save(out);
        self.banks.iter().for_each(|bank| bank.save(out));
        self.last_close.save(out);
        self.microstructure.iter().for_each(|family| family.save(out));
        self.order_flow.iter().for_each(|family| family.save(out));
        self.volume_profile.iter().for_each(|family| family.save(out));
        self.cross_asset.iter().for_each(|family| family.save(out));
        self.macro_news.iter().for_each(|family| family.save(out));
        self.own.iter().for_each(|own| own.save(out));
        for place in self.own.iter().flat_map(OwnColumns::places) {
            self.row[place].save(out);
        }
        self.order_book.iter().for_each(|family| family.save(out));
        self.normaliser.save(out);
    }

    fn load(&mut self, input: &mut Input<'_>) -> Result<(), StateError> {
        self.tape.load(input)?;
        self.samplers.load(input)?;
        for bank in &mut self.banks {
            bank.load(input, &mut self.row)?;
        }
        self.last_close.load(input)?;
        self.microstructure.iter_mut().try_for_each(|family| family.load(input))?;
        self.order_flow.iter_mut().try_for_each(|family| family.load(input))?;
        self.volume_profile.iter_mut().try_for_each(|family| family.load(input))?;
        self.cross_asset.iter_mut().try_for_each(|family| family.load(input))?;
        self.macro_news.iter_mut().try_for_each(|family| family.load(input))?;
        self.own.iter_mut().try_for_each(|own| own.load(input))?;
        for place in self.own.iter().flat_map(OwnColumns::places) {
            self.row[place].load(input)?;
        }
        self.order_book.iter_mut().try_for_each(|family| family.load(input))?;
        self.normaliser.load(input)
    }
}

impl InstrumentFeatures {
    fn new(
        settings: &FeatureSettings,
        layout: &Layout,
        alterations: Alterations,
        tick: crate::units::Price,
    ) -> InstrumentFeatures {
        let mut wanted: [Vec<Wanted>; TIMEFRAMES] = Default::default();
        let mut shown: [Vec<(usize, usize)>; TICK_FAMILIES.len()] = Default::default();
        for (index, place) in &layout.places {
            match place {
                Place::Bar(timeframe, column) => wanted[*timeframe].push(Wanted { place: *index, ..*column }),
                Place::Tick(family, column) => shown[*family].push((*index, *column)),
            }
        }
        let widest = TICK_FAMILIES.iter().map(|family| family.columns.len()).max().unwrap_or(0);
        InstrumentFeatures {
            tape: Tape::default(),
            samplers: settings.timeframes.map(Sampler::new),
            banks: wanted.map(Anchored::new),
            last_close: None,
            microstructure: (!shown[0].is_empty()).then(Microstructure::default),
            order_flow: (!shown[1].is_empty()).then(OrderFlow::default),
            volume_profile: (!shown[2].is_empty()).then(|| VolumeProfile::new(tick)),
            cross_asset: (!shown[4].is_empty()).then(CrossAsset::default),
            macro_news: (!shown[5].is_empty()).then(MacroNews::default),
            order_book: (!shown[6].is_empty()).then(OrderBook::default),
            shown,
            scratch: vec![None; widest],
            row: vec![None; layout.width],
            own: layout.own.clone().map(|programs| OwnColumns::new(programs, layout.width)),
            closed: [None; TIMEFRAMES],
            named: layout.named,
            seen: vec![None; layout.width],
            normaliser: Normaliser::new(settings.scale, layout.columns.len()),
            alterations,
        }
    }

    fn bar(&mut self, now: Timestamp, timeframe: usize, bar: &Candle, benchmark: Option<f64>) {
        if self.closed[timeframe].is_some() {
            self.own(now);
        }
        self.banks[timeframe].update(bar, &mut self.row);
        if timeframe == 0 {
            self.last_close = Some(bar.close);
            if let Some(family) = &mut self.cross_asset {
                family.bar(bar, benchmark);
            }
        }
        if !self.own[timeframe].is_empty() {
            self.closed[timeframe] = Some(*bar);
        }
    }

    /// Computes the columns of one's own over the bars that closed.
    #[inline]
    fn own(&mut self, now: Timestamp) {
        if self.closed.iter().any(Option::is_some) {
            self.own_closed(now);
        }
    }

    fn own_closed(&mut self, now: Timestamp) {
        let mut seen = std::mem::take(&mut self.seen);
        seen.copy_from_slice(&self.row);
        for family in 0..TICK_FAMILIES.len() {
            if self.named[family] {
                self.read_family(family, now, &mut seen);
            }
        }
        for (own, closed) in self.own.iter_mut().zip(&mut self.closed) {
            if let Some(bar) = closed.take() {
                own.update(&bar, &mut seen);
            }
        }
        for place in self.own.iter().flat_map(OwnColumns::places) {
            self.row[place] = seen[place];
        }
        self.seen = seen;
    }

    fn quote(&mut self, now: Timestamp, quote: &Quote) {
        let before = self.tape.quote(now, quote);
        if let (Some(family), Some(mid)) = (&mut self.microstructure, self.tape.mid()) {
            family.quote(now, quote, mid);
        }
        if let Some(family) = &mut self.order_flow {
            family.quote(now, before.as_ref(), quote);
        }
    }

    fn trade(&mut self, now: Timestamp, trade: &Trade) {
        let print = self.tape.trade(now, trade);
        if let Some(family) = &mut self.microstructure {
            family.trade(&print, self.tape.quote.is_some());
        }
        if let Some(family) = &mut self.order_flow {
            family.trade(&print);
        }
        if let Some(family) = &mut self.order_book {
            family.trade(print.size, print.sign);
        }
        if let Some(family) = &mut self.volume_profile {
            family.trade(now, trade.price, trade.size);
        }
    }

    fn received(&mut self, now: Timestamp, bar: &Bar) {
        // Where there are no ticks, a bar's close is the last price.
        if self.tape.quote.is_none() {
            self.tape.trade = Some((bar.close, now));
        }
        if let Some(family) = &mut self.volume_profile {
            family.bar(now, bar);
        }
    }

    fn read(&mut self, now: Timestamp, row: &mut [Option<f64>]) {
        row.copy_from_slice(&self.row);
        for family in 0..TICK_FAMILIES.len() {
            self.read_family(family, now, row);
        }
    }

    fn read_family(&mut self, family: usize, now: Timestamp, row: &mut [Option<f64>]) {
        let shown = &self.shown[family];
        if shown.is_empty() {
            return;
        }
        let out = &mut self.scratch[..TICK_FAMILIES[family].columns.len()];
        match family {
            0 => self.microstructure.iter_mut().for_each(|family| family.read(now, &self.tape, out)),
            1 => self.order_flow.iter_mut().for_each(|family| family.read(now, &self.tape, out)),
            2 => self.volume_profile.iter_mut().for_each(|family| family.read(now, &self.tape, out)),
            3 => calendar::read(now, out),
            4 => self.cross_asset.iter().for_each(|family| family.read(out)),
            5 => self.macro_news.iter().for_each(|family| family.read(now, out)),
            _ => self.order_book.iter_mut().for_each(|family| family.read(now, out)),
        }
        for (place, column) in shown {
            row[*place] = out[*column].filter(|value| value.is_finite());
        }
    }
}
