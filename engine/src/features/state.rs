//! The features of a run: what of the catalogue it selects, computed for each of its instruments.

use super::bank::{Anchored, Wanted};
use super::calendar;
use super::candle::{Candle, Sampler};
use super::catalogue::{self, Place, TICK_FAMILIES, TIMEFRAMES, UnknownColumn};
use super::column::Column;
use super::cross_asset::CrossAsset;
use super::microstructure::Microstructure;
use super::normalise::Normaliser;
use super::order_flow::OrderFlow;
use super::tape::Tape;
use super::volume_profile::VolumeProfile;
use crate::book::Book;
use crate::canonical::Input;
use crate::event::{Bar, Fact, Quote, Trade};
use crate::ids::InstrumentId;
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
    /// When the next bar by time ends, over all instruments.
    due: Timestamp,
    /// The last row that was read, raw and scaled.
    raw: Vec<Option<f64>>,
    scaled: Vec<Option<f32>>,
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
        let selected = catalogue::select(timeframes, &settings.columns)?;
        let places: Vec<Place> = selected.iter().map(|(_, place)| *place).collect();
        let instruments =
            instruments.iter().map(|instrument| InstrumentFeatures::new(settings, &places, instrument.tick));
        let count = selected.len();
        Ok(FeatureState {
            instruments: instruments.collect(),
            columns: selected.into_iter().map(|(column, _)| column).collect(),
            price: settings.price,
            benchmark,
            due: Timestamp::MAX,
            raw: vec![None; count],
            scaled: vec![None; count],
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
        // The benchmark first: its bar is closed when another's is.
        let benchmark = self.benchmark;
        let others = (0..self.instruments.len()).filter(|index| Some(*index) != benchmark);
        for index in benchmark.into_iter().chain(others) {
            for timeframe in 0..TIMEFRAMES {
                if let Some(bar) = self.instruments[index].samplers[timeframe].advance(now) {
                    self.bar(index, timeframe, &bar);
                }
            }
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
        self.instruments[index].bar(timeframe, bar, benchmark);
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
    pub fn book(&mut self, _index: usize, _now: Timestamp, _book: &Book) {}

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
        for timeframe in 0..TIMEFRAMES {
            if let Some(bar) = self.instruments[index].samplers[timeframe].fill(now) {
                self.bar(index, timeframe, &bar);
            }
        }
        self.remember_due(index);
    }

    fn received(&mut self, index: usize, now: Timestamp, end: Timestamp, bar: &Bar) {
        self.instruments[index].received(now, bar);
        for timeframe in 0..TIMEFRAMES {
            if let Some(bar) = self.instruments[index].samplers[timeframe].overtaken(bar.open_time) {
                self.bar(index, timeframe, &bar);
            }
            if let Some(bar) = self.instruments[index].samplers[timeframe].bar(bar, end) {
                self.bar(index, timeframe, &bar);
            }
        }
        self.remember_due(index);
    }

    /// The row of an instrument at `now`, raw: what is known, before it is scaled.
    pub fn raw(&mut self, index: usize, now: Timestamp) -> &[Option<f64>] {
        self.instruments[index].read(now, &mut self.raw);
        &self.raw
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
        self.instruments.iter().flat_map(|instrument| &instrument.banks).all(Anchored::is_kept)
    }

    /// The instrument's id by the index used here.
    pub fn id(index: usize) -> InstrumentId {
        InstrumentId(index as u32 + 1)
    }
}

crate::state! { FeatureState { [instruments], due } }

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
    /// The columns of each tick family that are selected: place in the row, place in the family.
    shown: [Vec<(usize, usize)>; TICK_FAMILIES.len()],
    scratch: Vec<Option<f64>>,
    /// The columns over bars as of their last bars.
    row: Vec<Option<f64>>,
    normaliser: Normaliser,
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
        self.normaliser.load(input)
    }
}

impl InstrumentFeatures {
    fn new(settings: &FeatureSettings, places: &[Place], tick: crate::units::Price) -> InstrumentFeatures {
        let mut wanted: [Vec<Wanted>; TIMEFRAMES] = Default::default();
        let mut shown: [Vec<(usize, usize)>; TICK_FAMILIES.len()] = Default::default();
        for (index, place) in places.iter().enumerate() {
            match place {
                Place::Bar(timeframe, column) => wanted[*timeframe].push(Wanted { place: index, ..*column }),
                Place::Tick(family, column) => shown[*family].push((index, *column)),
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
            shown,
            scratch: vec![None; widest],
            row: vec![None; places.len()],
            normaliser: Normaliser::new(settings.scale, places.len()),
        }
    }

    fn bar(&mut self, timeframe: usize, bar: &Candle, benchmark: Option<f64>) {
        self.banks[timeframe].update(bar, &mut self.row);
        if timeframe == 0 {
            self.last_close = Some(bar.close);
            if let Some(family) = &mut self.cross_asset {
                family.bar(bar, benchmark);
            }
        }
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
        for (family, shown) in self.shown.iter().enumerate() {
            if shown.is_empty() {
                continue;
            }
            let out = &mut self.scratch[..TICK_FAMILIES[family].columns.len()];
            match family {
                0 => self.microstructure.iter_mut().for_each(|family| family.read(now, &self.tape, out)),
                1 => self.order_flow.iter_mut().for_each(|family| family.read(now, &self.tape, out)),
                2 => self.volume_profile.iter_mut().for_each(|family| family.read(now, &self.tape, out)),
                3 => calendar::read(now, out),
                _ => self.cross_asset.iter().for_each(|family| family.read(out)),
            }
            for (place, column) in shown {
                row[*place] = out[*column].filter(|value| value.is_finite());
            }
        }
    }
}
