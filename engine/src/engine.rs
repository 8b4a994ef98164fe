//! What follows from an input: [`Engine::apply`], the one big match.
//!
//! The order of what an input causes is fixed: flags, bars, features, decision, risk, orders. Everything here follows
//! from the events alone, so that the same inputs give the same bytes on any machine.

mod answers;
mod books;
mod checkpoint;
mod deciding;
mod limits;
mod live;
mod placing;
mod protection;
mod seats;
mod upkeep;

use std::sync::OnceLock;

use genovo_kernels::backend::{AnyBackend, BackendError};
use genovo_kernels::checkpoint::Precision;
use genovo_kernels::model::Spec;

use crate::account::{Account, NoRate, PositionOverflow};
use crate::attribution::Attribution;
use crate::bars::{BarBuilder, span_start};
use crate::book::{Book, Followed};
use crate::canonical;
use crate::command::Command;
use crate::event::*;
use crate::features::catalogue::UnknownColumn;
use crate::features::{FeatureError, FeatureState};
use crate::gate::Gate;
use crate::ids::{Hash, InstrumentId, OrderId, RunId, Sequence, StrategyId, TimerId};
use crate::later::{Columns, Successive, Takeover};
use crate::limits::Requests;
use crate::logic_version;
use crate::margin::Margin;
use crate::market::Market;
use crate::order::{Happening, OrderError, OrderRecord, Orders};
use crate::quality::{Findings, Quality};
use crate::risk::Risk;
use crate::rollover::Rollover;
use crate::running_hash::RunningHash;
use crate::settings::{AccountKind, RiskDistance, Settings, SharedSettings, Trigger, WhenClosed};
use crate::strategy::{Parameters, Proposal, Registry, Strategy, View};
use crate::tickets::Ticket;
use crate::units::{Money, Price, Quantity, Timestamp};

pub use checkpoint::{NotSaved, RestoreError};

use seats::{Moment, Seat};

/// The timer of a live world's heartbeat; nobody asks for it.
pub const HEARTBEAT: TimerId = TimerId(0);
/// The timer of the trigger `every = "…"`; of several strategies the first one's, and one more for each.
pub(crate) const TRIGGER_TIMER: TimerId = TimerId(1);
/// Who decides when the operator does.
const OPERATOR: &str = "operator";
/// Who decides when positions are closed for want of margin.
const MARGIN: &str = "margin";

/// Something that cannot be: the run stops, and what was journaled stays.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Fault {
    /// One input caused more events than a sequence can number.
    #[error("input {0} causes more than 65,535 events")]
    TooManyDerived(u64),
    /// An event names an instrument that the settings do not have.
    #[error("instrument {0} is not in the settings")]
    UnknownInstrument(InstrumentId),
    /// An answer that no order can have.
    #[error(transparent)]
    Order(#[from] OrderError),
    /// A position passed the largest quantity there is.
    #[error(transparent)]
    Position(#[from] PositionOverflow),
    /// A fill in another currency than the account's names no rate.
    #[error(transparent)]
    Rate(#[from] NoRate),
    /// A selection names a column that the run does not compute.
    #[error("the selection of columns: {0}")]
    Selection(#[from] UnknownColumn),
    /// A split of nothing, or into nothing.
    #[error("a split of {old} into {new} is none")]
    NoSplit {
        /// Units then.
        new: u32,
        /// For how many before.
        old: u32,
    },
    /// The engine was handed an event that only it makes.
    #[error("{0} is no input")]
    NotAnInput(&'static str),
}

/// Why an engine could not be made.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum SettingsError {
    /// No strategy of this name is registered.
    #[error("strategy `{0}` is unknown")]
    UnknownStrategy(String),
    /// A parameter cannot be used.
    #[error(transparent)]
    Parameter(#[from] crate::strategy::ParameterError),
    /// The selection of features cannot be.
    #[error(transparent)]
    Features(#[from] FeatureError),
    /// A hedging account cannot be so.
    #[error("a hedging account {0}")]
    Hedging(&'static str),
}

/// What an input caused. The buffers are reused from input to input.
#[derive(Debug, Default)]
pub struct Output {
    /// Derived events, numbered, in order.
    pub events: Vec<Event>,
    /// Commands, in order.
    pub commands: Vec<Command>,
}

impl Output {
    /// Whether something is about to leave the house.
    pub fn sends_orders(&self) -> bool {
        self.commands.iter().any(Command::is_order)
    }
}

/// What is known: everything that a strategy may look at.
struct State {
    now: Timestamp,
    instrument: InstrumentId,
    markets: Vec<Market>,
    /// The books, once the data has shown one.
    books: Vec<Option<Followed>>,
    account: Account,
    /// What each strategy holds, where several share the account.
    attribution: Attribution,
    orders: Orders,
    /// The instruments whose calendar has said that they are closed.
    closed: Vec<bool>,
    /// What of the catalogue's row each instrument's decision under way is given; empty where none is.
    features: Vec<Vec<Option<f32>>>,
}

impl View for State {
    fn now(&self) -> Timestamp {
        self.now
    }

    fn instrument(&self) -> InstrumentId {
        self.instrument
    }

    fn quote(&self, instrument: InstrumentId) -> Option<Quote> {
        self.markets.get(instrument.index()?)?.quote
    }

    fn price(&self, instrument: InstrumentId, side: Side) -> Option<Price> {
        self.markets.get(instrument.index()?)?.price_to_trade(side)
    }

    fn book(&self, instrument: InstrumentId) -> Option<&Book> {
        self.books.get(instrument.index()?)?.as_ref().map(|state| &*state.book)
    }

    fn position(&self, instrument: InstrumentId) -> Quantity {
        let position = instrument.index().and_then(|index| self.account.positions.get(index));
        position.map_or(Quantity::ZERO, |position| position.quantity)
    }

    fn tickets(&self, instrument: InstrumentId) -> &[Ticket] {
        instrument.index().map_or(&[], |index| self.account.tickets_of(index))
    }

    fn position_with_working_orders(&self, instrument: InstrumentId) -> Quantity {
        self.position(instrument) + self.orders.working_quantity(instrument)
    }

    fn equity(&self) -> Money {
        self.account.equity(&self.markets)
    }

    fn instruments(&self) -> u32 {
        self.markets.len() as u32
    }

    fn orders(&self) -> &Orders {
        &self.orders
    }

    fn is_open(&self, instrument: InstrumentId) -> bool {
        instrument.index().and_then(|index| self.closed.get(index)) != Some(&true)
    }

    fn features_of(&self, instrument: InstrumentId) -> &[Option<f32>] {
        let row = instrument.index().and_then(|index| self.features.get(index));
        row.map_or(&[], Vec::as_slice)
    }
}

/// The engine of a run.
pub struct Engine {
    settings: Settings,
    /// Who decides: one strategy, or those that share the account.
    seats: Vec<Seat>,
    /// The names of the feature vector's columns: the strategy's own, the average true range, the catalogue's.
    features: Vec<String>,
    catalogue: Option<FeatureState>,
    /// What takes over in the middle of the run.
    takeover: Option<Box<Takeover>>,
    state: State,
    risk: Risk,
    quality: Vec<Quality>,
    bars: Vec<BarBuilder>,
    /// When the bars under way end.
    bars_end: Timestamp,
    /// The instruments for which any strategy's decision is due.
    due: Vec<InstrumentId>,
    /// The catalogue's whole row of each, as it is journaled.
    rows: Vec<Vec<Option<f32>>>,
    /// The one among them whose row holds a number that f32 cannot, and in which column.
    not_a_number: Option<(InstrumentId, u32)>,
    market_events: u64,
    halted: bool,
    gate: Gate,
    /// Requests to change limits.
    requests: Requests,
    /// When positions are rolled over, where that costs anything.
    rollover: Option<Rollover>,
    /// Whether the account is called for margin, where it may be.
    margin: Option<Margin>,
    /// Whether what is decided right now is to close positions for want of margin.
    closes_for_margin: bool,
    /// The instruments whose protective stop the venue refused.
    refused: Vec<bool>,
    /// What the decision under way forecasts of which instrument.
    forecast: Option<(InstrumentId, Forecast)>,
    /// Whose decision is under way, where several strategies share the account.
    acting: StrategyId,
    header: Header,
    counts: Counts,
    derived_hash: RunningHash,
    /// What the last input had caused before the engine was restored.
    caused_before: usize,
    /// Whose checkpoints are its own; made when it is first asked for.
    run: OnceLock<RunId>,
    scratch: Vec<u8>,
    proposal: Proposal,
    output: Output,
}

/// What happened so far, in numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Inputs taken.
    pub inputs: u64,
    /// Events derived from them.
    pub derived: u64,
    /// Market events among the inputs.
    pub ticks: u64,
    /// Decisions made.
    pub decisions: u64,
    /// Orders submitted.
    pub orders: u64,
    /// Fills received.
    pub fills: u64,
}

impl Engine {
    /// An engine with these settings and a strategy out of `registry`.
    pub fn new(settings: Settings, registry: &Registry) -> Result<Engine, SettingsError> {
        if settings.hedges() && settings.account.kind == AccountKind::Cash {
            return Err(SettingsError::Hedging("is a margin account: one in cash sells nothing short"));
        }
        if settings.hedges() && !settings.strategies.is_empty() {
            return Err(SettingsError::Hedging("is not shared by several strategies"));
        }
        let catalogue =
            settings.features.as_ref().map(|features| FeatureState::new(features, &settings.instruments));
        let catalogue = catalogue.transpose()?;
        let of_catalogue: Vec<String> = catalogue
            .iter()
            .flat_map(|catalogue| catalogue.columns().iter().map(|column| column.id.clone()))
            .collect();
        let (mut takeover, seats, features);
        if settings.strategies.is_empty() {
            let (mut strategy, mut names) = make(&settings, registry)?;
            names.extend(of_catalogue.iter().cloned());
            let columns = Columns::all(&names);
            takeover = None;
            if let Some(later) = &settings.later {
                let (from, settings) = (later.from, settings.in_the_end());
                let (next, mut then) = make(&settings, registry)?;
                let own_features = next.features().len();
                then.extend(of_catalogue);
                strategy = Box::new(Successive::new(strategy, next, from));
                let columns = Columns::among(&then, &mut names);
                let risk = Risk::new(&settings);
                takeover = Some(Box::new(Takeover { from, risk, settings, own_features, columns }));
            }
            (seats, features) = (vec![Seat::alone(&settings, strategy, columns)], names);
        } else {
            (seats, features) = seats::shared(&settings, registry, &of_catalogue)?;
            takeover = settings.later.as_ref().map(|later| {
                // Those that share an account stay; their columns are not asked for again.
                let (from, settings) = (later.from, settings.in_the_end());
                let (own_features, columns) = (0, Columns::default());
                Box::new(Takeover { from, risk: Risk::new(&settings), settings, own_features, columns })
            });
        }
        let count = settings.instruments.len();
        Ok(Engine {
            seats,
            features,
            takeover,
            state: State {
                now: Timestamp::MIN,
                instrument: InstrumentId::NONE,
                markets: vec![Market::default(); count],
                books: (0..count).map(|_| None).collect(),
                account: Account::new(&settings),
                attribution: Attribution::new(&settings),
                orders: Orders::default(),
                closed: vec![false; count],
                features: vec![Vec::new(); count],
            },
            rows: vec![Vec::new(); count],
            not_a_number: None,
            catalogue,
            risk: Risk::new(&settings),
            quality: vec![Quality::new(&settings.quality); count],
            bars: settings.bars.map(|bars| vec![BarBuilder::new(bars); count]).unwrap_or_default(),
            bars_end: Timestamp::MIN,
            due: Vec::with_capacity(count),
            market_events: 0,
            halted: false,
            gate: Gate::new(count),
            requests: Requests::default(),
            rollover: Rollover::new(&settings),
            margin: Margin::new(&settings),
            closes_for_margin: false,
            refused: vec![false; count],
            forecast: None,
            acting: StrategyId::NONE,
            header: Header::default(),
            counts: Counts::default(),
            derived_hash: RunningHash::default(),
            caused_before: 0,
            run: OnceLock::new(),
            scratch: Vec::with_capacity(4096),
            proposal: Proposal::default(),
            output: Output { events: Vec::with_capacity(64), commands: Vec::with_capacity(16) },
            settings,
        })
    }

    /// The first event of the run: who it is.
    pub fn identity(&self, world: WorldKind) -> RunStarted {
        let settings = self.settings.to_canonical_json();
        RunStarted {
            world,
            logic_version: logic_version(&self.settings),
            seed: self.settings.seed,
            settings_hash: Hash(*blake3::hash(settings.as_bytes()).as_bytes()),
            settings,
            features: self.features.clone(),
            model: self.seats.iter().find_map(|seat| seat.strategy.model()),
        }
    }

    /// The shape of the network that decides, and how it is stored; `None` where none does.
    pub fn network(&self) -> Option<(&Spec, Precision)> {
        self.seats.iter().find_map(|seat| seat.strategy.network())
    }

    /// Where kernels run from now on; without it, at this machine's best level on one thread. It changes no bit.
    ///
    /// # Errors
    /// When the backend has no room for the network, or fails; then they run where they ran before.
    pub fn compute_on(&mut self, backend: &AnyBackend) -> Result<(), BackendError> {
        self.seats.iter_mut().try_for_each(|seat| seat.strategy.compute_on(backend))
    }

    /// Why the card on which kernels were to run does so no more: the CPU went on, with the same bits.
    pub fn lost_card(&self) -> Option<&BackendError> {
        self.seats.iter().find_map(|seat| seat.strategy.lost_card())
    }

    /// The settings it runs with.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// By what the next value of a column of the catalogue will be scaled, for an instrument: what is taken off it, and
    /// what it is divided by. `None` where there are no such columns yet.
    pub fn feature_scale(&self, index: usize, column: usize) -> Option<(f64, f64)> {
        self.catalogue.as_ref()?.scale_of(index, column)
    }

    /// What happened so far, in numbers.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// Takes an input that the loop has numbered and appended to the log. What follows is in the output until the next
    /// call; it is complete even when a fault is returned.
    pub fn apply(&mut self, input: &Event) -> Result<&Output, Fault> {
        self.output.events.clear();
        self.output.commands.clear();
        self.caused_before = 0;
        self.header = input.header;
        self.state.now = input.header.time_received;
        self.state.instrument = input.header.instrument;
        self.counts.inputs += 1;
        if self.takeover.as_ref().is_some_and(|next| next.from <= input.header.sequence) {
            self.take_over();
        }
        if self.rollover.is_some() && !input.fact.kind().is_market() {
            // A market event is flagged before anything else that it causes.
            self.roll_over(input)?;
        }
        match &input.fact {
            Fact::QuoteChanged(_) | Fact::TradePrinted(_) | Fact::BarReceived(_) => self.on_market(input)?,
            Fact::BookChanged(_) | Fact::BookReset(_) => self.on_book(input)?,
            Fact::RunStarted(started) => {
                if started.world == WorldKind::Live {
                    self.gate.go_live();
                }
            }
            Fact::InstrumentDefined(_)
            | Fact::ChapterClosed(_)
            | Fact::FeedGap(_)
            | Fact::ClockChecked(_) => {}
            Fact::CorporateActionApplied(action) => self.on_action(input, action)?,
            Fact::SessionChanged(session) => self.on_session(input, session)?,
            Fact::MacroReleased(_) | Fact::NewsPublished(_) | Fact::EventScheduled(_) => {
                self.on_outside(input)?
            }
            Fact::FeaturesReselected(selected) => self.on_selection(input, selected)?,
            Fact::SignalReceived(_) => self.on_signal(input)?,
            Fact::TimerFired(timer) => self.on_timer(input, timer.timer)?,
            Fact::OrderAccepted(notice) => self.on_answer(input, notice.order, Happening::Accept)?,
            Fact::OrderRejected(rejected) => self.on_rejection(input, rejected)?,
            Fact::OrderUnknown(notice) => self.on_unknown(input, notice.order)?,
            Fact::TradeCorrected(trade) => self.on_correction(input, trade)?,
            Fact::AccountReported(report) => self.on_account(report.balance)?,
            Fact::PositionReported(report) => self.on_position(input, report.quantity)?,
            Fact::ConnectionChanged(change) => {
                self.gate.connection(change.link, change.state);
                self.gate_moved()?;
            }
            Fact::OperatorCommanded(operator) => self.on_operator(operator.command)?,
            Fact::LimitsRequested(request) => self.on_limits_requested(request)?,
            Fact::ApprovalGiven(approval) => self.on_approval(approval)?,
            Fact::OrderCancelled(closed) => self.on_cancelled(input, closed)?,
            Fact::OrderExpired(closed) => self.on_answer(input, closed.order, Happening::Expire)?,
            Fact::CancelRejected(notice) => {
                let part_filled = self.is_part_filled(notice.order);
                self.on_answer(input, notice.order, Happening::RefuseCancel { part_filled })?;
            }
            Fact::OrderFilled(fill) => self.on_fill(input, fill)?,
            Fact::OrderTriggered(triggered) => self.on_answer(input, triggered.order, Happening::Trigger)?,
            Fact::OrderReplaced(replaced) => self.on_replaced(input, replaced)?,
            Fact::ReplaceRejected(rejected) => {
                let part_filled = self.is_part_filled(rejected.order);
                let happening = Happening::RefuseReplace { part_filled };
                match self.state.orders.replaced(rejected.order, happening, None) {
                    Ok(_) => self.after_answer(input)?,
                    Err(error) => self.impossible(rejected.order, error)?,
                }
            }
            Fact::DataFlagged(_)
            | Fact::BarClosed(_)
            | Fact::RegimeChanged(_)
            | Fact::FeaturesComputed(_)
            | Fact::DecisionMade(_)
            | Fact::RiskAssessed(_)
            | Fact::OrderDenied(_)
            | Fact::OrderSubmitted(_)
            | Fact::CancelRequested(_)
            | Fact::ReplaceRequested(_)
            | Fact::FinancingCharged(_)
            | Fact::TradingHalted(_)
            | Fact::AlertRaised(_)
            | Fact::LimitsChanged(_)
            | Fact::RunEnded(_) => return Err(Fault::NotAnInput(input.fact.kind().name())),
        }
        Ok(&self.output)
    }

    /// The settings that were to come hold from here on.
    #[cold]
    fn take_over(&mut self) {
        if let Some(next) = self.takeover.take() {
            let Takeover { from: _, settings, risk, own_features, columns } = *next;
            (self.settings, self.risk) = (settings, risk);
            if let ([seat], true) = (&mut self.seats[..], self.settings.strategies.is_empty()) {
                (seat.own_features, seat.columns) = (own_features, columns);
                (seat.trigger, seat.name) = (self.settings.trigger, self.settings.strategy.kind.clone());
            }
        }
    }

    /// Measures a finished bar for the limits, those that are to come too.
    fn measure(&mut self, index: usize, bar: &Bar) {
        self.risk.range_mut(index).update(bar);
        if let Some(next) = &mut self.takeover {
            next.risk.range_mut(index).update(bar);
        }
    }

    /// Ends the run: totals and the state hash. Call once, after the last input.
    pub fn finish(&mut self) -> Result<&Output, Fault> {
        // What the last input caused is already out; the end follows it in the same sequence.
        let position = self.caused_before + self.output.events.len();
        let equity = self.state.equity();
        let Counts { inputs, derived, decisions, orders, fills, .. } = self.counts;
        let state_hash = self.state_hash();
        let ended = RunEnded { inputs, derived, decisions, orders, fills, equity, state_hash };
        let sequence = self.sequence_at(position)?;
        self.output.events.clear();
        self.output.commands.clear();
        let header =
            Header { sequence, instrument: InstrumentId::NONE, cause: self.header.sequence, ..self.header };
        self.output.events.push(Event { header, fact: Fact::RunEnded(Box::new(ended)) });
        Ok(&self.output)
    }

    fn on_market(&mut self, input: &Event) -> Result<(), Fault> {
        let instrument = input.header.instrument;
        let index = self.index_of(instrument)?;
        self.counts.ticks += 1;
        let findings = self.quality[index].check(input);
        if !findings.is_empty() {
            self.flag(input, &findings)?;
        }
        self.clear_due();
        self.pass_time(input)?;
        if !findings.dropped() {
            self.show(index, input.header.time_event, &input.fact);
            let mut closed = false;
            if let Fact::BarReceived(bar) = &input.fact {
                self.measure(index, bar);
                closed = true;
            }
            self.market_events += 1;
            self.state.instrument = instrument;
            let moment = Moment::Tick { count: self.market_events, bar: closed };
            Seat::show(&mut self.seats, &self.state, input, instrument, moment, StrategyId::NONE);
            self.guard(index)?;
        }
        self.start_timer(input);
        // Every bar is out before the first decision.
        self.decide_due()
    }

    /// Says what is odd about an input, and halts where the settings say so.
    #[cold]
    fn flag(&mut self, input: &Event, findings: &Findings) -> Result<(), Fault> {
        for flag in findings.flags() {
            self.emit(input.header.instrument, input.header.sequence, Fact::DataFlagged(flag))?;
        }
        match findings.halting() {
            Some(flaw) => self.halt(TradingHalted::Data { flaw }),
            None => Ok(()),
        }
    }

    /// Ends what is over by now: bars of features, bars under way.
    #[inline]
    fn pass_time(&mut self, input: &Event) -> Result<(), Fault> {
        if self.rollover.is_some() {
            self.roll_over(input)?;
        }
        if let Some(catalogue) = &mut self.catalogue {
            catalogue.advance(self.state.now);
        }
        let sampled = self.risk.before_market(self.state.now, &self.state.markets);
        if let Some(next) = &mut self.takeover {
            next.risk.before_market(self.state.now, &self.state.markets);
        }
        if sampled {
            self.tell_regimes(input)?;
        }
        if let Some(bars) = self.settings.bars
            && self.state.now >= self.bars_end
        {
            self.close_bars(input)?;
            self.bars_end = span_start(self.state.now, bars.interval) + bars.interval;
        }
        Ok(())
    }

    /// Shows a market fact to everything that keeps a state of the market.
    #[inline]
    fn show(&mut self, index: usize, time_event: Timestamp, fact: &Fact) {
        self.state.markets[index].update(fact);
        if let Some(catalogue) = &mut self.catalogue {
            catalogue.update(index, self.state.now, time_event, fact);
        }
        if let Some(bars) = self.settings.bars {
            let open_time = Timestamp(self.bars_end.0.saturating_sub(bars.interval.0));
            self.bars[index].add(fact, open_time);
        }
    }

    /// Lets the limits see what a market event made of the account, and ends it where it has fallen as far as it may.
    #[inline]
    fn guard(&mut self, index: usize) -> Result<(), Fault> {
        let State { now, account, markets, .. } = &self.state;
        if let Some(next) = &mut self.takeover {
            next.risk.after_market(index, *now, account, markets);
        }
        if self.risk.after_market(index, *now, account, markets) && !self.halted {
            self.halt(TradingHalted::Limit { rule: Rule::HardDrawdown })?;
            self.flatten()?;
        }
        if self.margin.is_some() { self.watch_margin() } else { Ok(()) }
    }

    /// Ends every bar under way: all instruments share the boundaries.
    fn close_bars(&mut self, input: &Event) -> Result<(), Fault> {
        for index in 0..self.bars.len() {
            let Some(bar) = self.bars[index].close() else { continue };
            let instrument = InstrumentId(index as u32 + 1);
            self.measure(index, &bar);
            self.emit(instrument, input.header.sequence, Fact::BarClosed(bar))?;
            let event = self.output.events.last().expect("just emitted");
            self.state.instrument = instrument;
            let (moment, owner) = (Moment::BarClosed, StrategyId::NONE);
            Seat::show(&mut self.seats, &self.state, event, instrument, moment, owner);
        }
        Ok(())
    }

    fn start_timer(&mut self, input: &Event) {
        for seat in &mut self.seats {
            if let (Trigger::Every(interval), None) = (seat.trigger, seat.wake) {
                let time = span_start(input.header.time_received, interval) + interval;
                seat.wake = Some(time);
                self.output.commands.push(Command::Wake { timer: seat.timer(), time });
            }
        }
    }

    fn on_timer(&mut self, input: &Event, timer: TimerId) -> Result<(), Fault> {
        if let Some(catalogue) = &mut self.catalogue {
            catalogue.advance(self.state.now);
        }
        self.tell_all(input);
        let count = self.state.markets.len() as u32;
        self.clear_due();
        for seat in &mut self.seats {
            if let Trigger::Every(interval) = seat.trigger
                && seat.timer() == timer
            {
                let time = input.header.time_event + interval;
                seat.wake = Some(time);
                self.output.commands.push(Command::Wake { timer, time });
                let mut due = std::mem::take(&mut seat.due);
                due.extend((1..=count).map(InstrumentId).filter(|instrument| seat.trades(*instrument)));
                // The room is kept: a timer costs no allocation.
                seat.due = due;
            }
        }
        self.decide_due()
    }

    /// Shows all strategies what is about no instrument.
    fn tell_all(&mut self, input: &Event) {
        let (moment, owner) = (Moment::Outside, StrategyId::NONE);
        Seat::show(&mut self.seats, &self.state, input, InstrumentId::NONE, moment, owner);
    }

    /// A signal is no market data: it changes no price, ends no bar, and only the trigger `on_signal` heeds it at once.
    fn on_signal(&mut self, input: &Event) -> Result<(), Fault> {
        self.index_of(input.header.instrument)?;
        self.after_answer(input)
    }

    fn on_selection(&mut self, input: &Event, selected: &FeaturesReselected) -> Result<(), Fault> {
        if let Some(catalogue) = &mut self.catalogue {
            catalogue.reselect(&selected.columns)?;
        }
        self.on_outside(input)
    }

    /// What the world says is no market data either, and need not be about an instrument.
    fn on_outside(&mut self, input: &Event) -> Result<(), Fault> {
        if let Some(catalogue) = &mut self.catalogue {
            catalogue.advance(self.state.now);
            catalogue.outside(input.header.instrument.index(), self.state.now, &input.fact);
        }
        if input.header.instrument != InstrumentId::NONE {
            return self.on_signal(input);
        }
        self.tell_all(input);
        Ok(())
    }

    /// A split or a dividend: what is held, and every price that is remembered, becomes what it would have been.
    fn on_action(&mut self, input: &Event, action: &CorporateAction) -> Result<(), Fault> {
        if let CorporateAction::Split { new, old } = *action
            && (new == 0 || old == 0)
        {
            return Err(Fault::NoSplit { new, old });
        }
        let instrument = input.header.instrument;
        let index = self.index_of(instrument)?;
        self.state.markets[index].adjust(action);
        let State { account, markets, .. } = &mut self.state;
        let lot = self.settings.instruments[index].lot;
        let rate = account.rate(index, markets).unwrap_or(None);
        account.act(index, action, lot, &markets[index], rate)?;
        let whole = account.positions[index].quantity;
        self.state.attribution.act(index, action, whole);
        self.risk.adjust(index, action);
        if let Some(next) = &mut self.takeover {
            next.risk.adjust(index, action);
        }
        if let Some(bars) = self.bars.get_mut(index) {
            bars.adjust(action);
        }
        self.after_answer(input)
    }

    fn on_session(&mut self, input: &Event, session: &SessionChanged) -> Result<(), Fault> {
        let index = self.index_of(input.header.instrument)?;
        self.state.closed[index] = !session.open;
        self.after_answer(input)
    }

    fn index_of(&self, instrument: InstrumentId) -> Result<usize, Fault> {
        let index = instrument.index().filter(|&index| index < self.state.markets.len());
        index.ok_or(Fault::UnknownInstrument(instrument))
    }

    fn halt(&mut self, cause: TradingHalted) -> Result<(), Fault> {
        if !std::mem::replace(&mut self.halted, true) {
            self.emit(self.header.instrument, self.header.sequence, Fact::TradingHalted(cause))?;
        }
        Ok(())
    }

    /// Numbers a derived event, hashes it and puts it out.
    fn emit(&mut self, instrument: InstrumentId, cause: Sequence, fact: Fact) -> Result<Sequence, Fault> {
        let sequence = self.sequence_at(self.output.events.len())?;
        let event = Event { header: Header { sequence, instrument, cause, ..self.header }, fact };
        self.scratch.clear();
        canonical::encode(&event, &mut self.scratch);
        self.derived_hash.update(&self.scratch);
        self.counts.derived += 1;
        self.output.events.push(event);
        Ok(sequence)
    }

    /// The sequence of the derived event that follows `before` others.
    fn sequence_at(&self, before: usize) -> Result<Sequence, Fault> {
        let position = before as u64 + 1;
        if position > Sequence::POSITION_MAX {
            return Err(Fault::TooManyDerived(self.header.sequence.input_number()));
        }
        Ok(Sequence(self.header.sequence.0 + position))
    }

    /// BLAKE3 over orders, positions, account, markets, bars under way, averages and all derived events. Strategies
    /// count through their outputs.
    pub fn state_hash(&self) -> Hash {
        let mut hasher = blake3::Hasher::new();
        for (number, record) in self.state.orders.records().iter().enumerate() {
            hasher.update(&(number as u64 + 1).to_le_bytes());
            hasher.update(&record.instrument.0.to_le_bytes());
            hasher.update(&[record.status as u8]);
            hasher.update(&record.filled.0.to_le_bytes());
            if record.changed {
                hasher.update(&record.quantity.0.to_le_bytes());
            }
        }
        let account = &self.state.account;
        hasher.update(&account.balance.0.to_le_bytes());
        hasher.update(&account.commissions.0.to_le_bytes());
        for position in &account.positions {
            hasher.update(&position.quantity.0.to_le_bytes());
            hasher.update(&position.cost.0.to_le_bytes());
            hasher.update(&position.realised.0.to_le_bytes());
        }
        for (index, market) in self.state.markets.iter().enumerate() {
            let quote = market.quote.map_or([0, 0], |quote| [quote.bid.0, quote.ask.0]);
            let last = market.last.map_or(0, |price| price.0);
            let bar = self.bars.get(index).and_then(BarBuilder::current);
            let bar = bar.map_or([0; 4], |bar| [bar.open.0, bar.high.0, bar.low.0, bar.close.0]);
            for number in quote.into_iter().chain([last]).chain(bar) {
                hasher.update(&number.to_le_bytes());
            }
            hasher.update(&self.risk.range(index).unwrap_or(0.0).to_bits().to_le_bytes());
        }
        if account.dividends != Money::ZERO {
            hasher.update(&account.dividends.0.to_le_bytes());
        }
        if account.financing != Money::ZERO {
            hasher.update(&account.financing.0.to_le_bytes());
        }
        account.add_tickets_to_hash(&mut hasher);
        self.state.attribution.add_to_hash(&mut hasher);
        self.rollover.iter().for_each(|rollover| rollover.add_to_hash(&mut hasher));
        self.margin.iter().for_each(|margin| margin.add_to_hash(&mut hasher));
        if self.state.closed.contains(&true) {
            hasher.update(&self.state.closed.iter().map(|&closed| u8::from(closed)).collect::<Vec<u8>>());
        }
        self.hash_books(&mut hasher);
        if let Some(slots) = self.catalogue.as_ref().and_then(FeatureState::slots) {
            for place in slots.shown() {
                hasher.update(&place.map_or(u64::MAX, |place| place as u64).to_le_bytes());
            }
        }
        hasher.update(&[u8::from(self.halted)]);
        if self.refused.contains(&true) {
            hasher.update(&self.refused.iter().map(|&refused| u8::from(refused)).collect::<Vec<u8>>());
        }
        self.gate.add_to_hash(&mut hasher);
        self.risk.add_to_hash(&mut hasher);
        hasher.update(&self.derived_hash.finalize().0);
        Hash(*hasher.finalize().as_bytes())
    }
}

/// The strategy of these settings and the names of the columns that it and the limits fill.
fn make(settings: &Settings, registry: &Registry) -> Result<(Box<dyn Strategy>, Vec<String>), SettingsError> {
    let kind = &settings.strategy.kind;
    let kind = registry.get(kind).ok_or_else(|| SettingsError::UnknownStrategy(kind.clone()))?;
    let parameters = Parameters::new(settings.strategy.parameters.clone(), registry.models());
    let strategy = (kind.make)(&parameters, settings)?;
    let mut features = strategy.features();
    if let RiskDistance::AverageTrueRange { period, .. } = settings.risk.distance {
        features.push(format!("atr_{period}"));
    }
    Ok((strategy, features))
}
