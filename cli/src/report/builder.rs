//! From events to a report: a fold that sees every event once, in order.
//!
//! A running replay and a journal read back give the same report. A quote costs a few integer operations and
//! no allocation; memory grows with fills and trades only, never with quotes.

use std::collections::BTreeMap;

use genovo_engine::event::{
    AlertRaised, CorporateAction, Event, Fact, Fill, FinancingCharged, FlawAction, Header, PositionEffect,
    RunEnded, RunStarted, TradingHalted, WorldKind,
};
use genovo_engine::ids::{InstrumentId, OrderId, Sequence};
use genovo_engine::market::adjusted;
use genovo_engine::settings::{AccountKind, Instrument, Settings};
use genovo_engine::units::{FIXED_MAX, Money, Nanoseconds, Price, SCALE, Timestamp};

use super::columns::Columns;
use super::corrections::Executions;
use super::costs::Costs;
use super::curve::Series;
use super::drawdown::{Falls, Point};
use super::figures::{
    Counts, FillPoint, Identity, MarginEvent, MarginEvents, MarginMoment, Moment, Report, Trade,
};
use super::held::Held;
use super::position::{ATTO, Abroad, Position, atto};
use super::quality::Flaws;
use super::regimes::Regimes;
use super::returns::Days;
use super::strategies::Strategies;
use super::tickets::Tickets;
use super::verdicts::Verdicts;
use super::{finish, headline};

/// The most executions drawn in the price chart.
const FILLS_DRAWN_MAX: usize = 4_000;
/// The most margin calls, and what became of them, that are listed.
const MARGIN_MOMENTS_MAX: usize = 100;

/// Takes events, gives a [`Report`].
#[derive(Debug, Default)]
pub struct ReportBuilder {
    pub(super) identity: Identity,
    pub(super) settings: Option<Settings>,
    pub(super) counts: Counts,
    pub(super) start: Money,
    pub(super) instruments: Vec<Seen>,
    /// The newest market event. It counts once the event after it does not say that it was dropped.
    pending: Option<Tick>,
    pub(super) first: Option<Timestamp>,
    pub(super) now: Timestamp,
    day_end: i64,
    /// Equity in units of 1e-18.
    pub(super) equity: i128,
    pub(super) falls: Option<Falls>,
    pub(super) equity_curve: Series<i128>,
    /// Net exposure as a share of equity, in units of 1e-9.
    pub(super) exposure_curve: Series<i64>,
    pub(super) fills: Vec<FillPoint>,
    pub(super) trades: Vec<Trade>,
    /// What orders do to positions that do not open one, in a hedging account.
    pub(super) effects: BTreeMap<OrderId, PositionEffect>,
    pub(super) executions: Executions,
    positions_open: u32,
    held_since: Timestamp,
    pub(super) held: i64,
    pub(super) turnover: Money,
    pub(super) costs: Costs,
    pub(super) verdicts: Verdicts,
    pub(super) flaws: Flaws,
    pub(super) days: Days,
    /// What dividends brought, less what they cost.
    pub(super) dividends: Money,
    /// Margin calls and stop-outs.
    pub(super) margin: MarginEvents,
    pub(super) regimes: Regimes,
    pub(super) strategies: Strategies,
    pub(super) any_size: bool,
    pub(super) columns: Columns,
    pub(super) halted: Option<String>,
    pub(super) ended: Option<RunEnded>,
}

/// An instrument with its position and its prices.
#[derive(Debug)]
pub(super) struct Seen {
    /// What is held, and the market.
    pub held: Held,
    /// The index of the instrument whose quotes are the rate from its currency.
    pub rate_from: Option<usize>,
    pub prices: Series<i64>,
    /// The first ask, or the first price without quotes.
    pub first: Option<Price>,
}

/// A market event that waits for its flags.
#[derive(Clone, Copy, Debug)]
struct Tick {
    sequence: Sequence,
    instrument: InstrumentId,
    time: Timestamp,
    /// Bid and ask, or one price twice.
    prices: (Price, Price),
    is_quote: bool,
}

impl ReportBuilder {
    /// Nothing seen yet.
    pub fn new() -> ReportBuilder {
        ReportBuilder { day_end: i64::MIN, ..ReportBuilder::default() }
    }

    /// Takes the next event. Call it for every event of a run, in order.
    #[inline]
    pub fn observe(&mut self, event: &Event) {
        self.counts.events += 1;
        let header = &event.header;
        if let Fact::QuoteChanged(quote) = &event.fact {
            self.settle();
            self.counts.quotes += 1;
            self.any_size |= quote.bid_size.is_some() | quote.ask_size.is_some();
            self.wait(header, (quote.bid, quote.ask), true);
        } else {
            self.observe_other(event);
        }
    }

    fn observe_other(&mut self, event: &Event) {
        let header = &event.header;
        if let Fact::DataFlagged(flag) = &event.fact {
            self.flaws.flagged(header, flag);
            if flag.action == FlawAction::Drop {
                let flagged = header.sequence.input_number();
                self.pending = self.pending.filter(|tick| tick.sequence.input_number() != flagged);
            }
            return;
        }
        self.settle();
        match &event.fact {
            Fact::RunStarted(started) => self.started(started),
            Fact::InstrumentDefined(instrument) => self.defined(header.instrument, instrument),
            Fact::TradePrinted(trade) => {
                self.counts.trades_printed += 1;
                self.wait(header, (trade.price, trade.price), false);
            }
            Fact::BarReceived(bar) => {
                self.counts.bars_received += 1;
                self.wait(header, (bar.close, bar.close), false);
            }
            Fact::OrderFilled(fill) => self.filled(header, fill),
            Fact::TradeCorrected(trade) => self.corrected(header, trade),
            Fact::CorporateActionApplied(action) => self.acted(header, action),
            Fact::FinancingCharged(charged) => self.charged(header, charged),
            Fact::RegimeChanged(change) => self.regimes.changed(header, change),
            Fact::AlertRaised(alert) => self.alerted(header, alert),
            Fact::RiskAssessed(verdict) => {
                let symbol = self.symbol(header.instrument);
                self.verdicts.assessed(header, &symbol, verdict);
                self.strategies.assessed(header.cause, verdict);
            }
            Fact::OrderSubmitted(order) => {
                self.counts.orders += 1;
                self.costs.submitted(order);
                if order.only_closes() && self.settings.as_ref().is_some_and(Settings::hedges) {
                    self.effects.insert(order.order, order.effect());
                }
                self.strategies.submitted(order);
                self.verdicts.concerned(header.cause, order.order);
            }
            Fact::OrderDenied(denied) => self.verdicts.concerned(header.cause, denied.order),
            Fact::OrderRejected(rejected) => {
                self.counts.rejected += 1;
                self.costs.closed(rejected.order);
            }
            Fact::OrderCancelled(closed) => {
                self.counts.cancelled += 1;
                self.costs.closed(closed.order);
            }
            Fact::OrderExpired(closed) => {
                self.counts.expired += 1;
                self.costs.closed(closed.order);
            }
            Fact::BarClosed(_) => self.counts.bars_built += 1,
            Fact::DecisionMade(decision) => {
                self.counts.decisions += 1;
                self.strategies.decided(header.sequence, decision);
            }
            Fact::FeaturesComputed(vector) => self.columns.computed(vector),
            Fact::TradingHalted(halted) => self.halted = Some(halt_reason(halted)),
            Fact::RunEnded(ended) => {
                self.now = self.now.max(header.time_received);
                self.ended = Some((**ended).clone());
            }
            Fact::QuoteChanged(_)
            | Fact::BookChanged(_)
            | Fact::BookReset(_)
            | Fact::DataFlagged(_)
            | Fact::SessionChanged(_)
            | Fact::MacroReleased(_)
            | Fact::NewsPublished(_)
            | Fact::EventScheduled(_)
            | Fact::SignalReceived(_)
            | Fact::FeaturesReselected(_)
            | Fact::TimerFired(_)
            | Fact::ChapterClosed(_)
            | Fact::OrderAccepted(_)
            | Fact::OrderTriggered(_)
            | Fact::OrderReplaced(_)
            | Fact::ReplaceRejected(_)
            | Fact::CancelRejected(_)
            | Fact::CancelRequested(_)
            | Fact::OrderUnknown(_)
            | Fact::AccountReported(_)
            | Fact::PositionReported(_)
            | Fact::ConnectionChanged(_)
            | Fact::OperatorCommanded(_)
            | Fact::LimitsRequested(_)
            | Fact::ApprovalGiven(_)
            | Fact::LimitsChanged(_)
            | Fact::FeedGap(_)
            | Fact::ClockChecked(_)
            | Fact::ReplaceRequested(_) => {}
        }
    }

    /// Equity as of the last event that has taken effect.
    pub fn equity(&self) -> Money {
        Money(self.equity / ATTO)
    }

    /// The report. What only the caller knows (the journal's head hash) is left for it to fill in.
    pub fn finish(mut self) -> Report {
        self.settle();
        if let Some(falls) = &mut self.falls {
            falls.push(self.equity, self.now);
            self.close_day();
            self.sample();
        }
        if self.positions_open > 0 {
            self.held += (self.now - self.held_since).0;
        }
        let mut report = finish::report(self);
        report.headline = headline::sentences(&report);
        report
    }

    fn started(&mut self, started: &RunStarted) {
        self.settings = Settings::from_canonical_json(&started.settings).ok();
        self.identity = Identity {
            world: match started.world {
                WorldKind::Simulated => "simulated",
                WorldKind::Live => "live",
                WorldKind::Market => "market",
            }
            .to_string(),
            run_id: genovo_engine::canonical::run_id(started).to_string(),
            settings_hash: started.settings_hash,
            seed: started.seed,
            logic_version: started.logic_version,
            ..Identity::default()
        };
        self.columns.named(&started.features);
        if started.world == WorldKind::Live {
            self.executions.keep();
        }
        let Some(settings) = &self.settings else { return };
        self.identity.name = settings.name.clone();
        self.strategies.started(settings);
        self.identity.strategy = settings.decides();
        self.start = Money::ZERO.add_bounded(settings.account.cash);
        self.equity = atto(self.start);
        let digits = settings.account.digits;
        self.instruments = settings
            .instruments
            .iter()
            .map(|instrument| Seen::new(instrument, digits).of(instrument, settings))
            .collect();
    }

    /// An instrument that the settings do not list, as in a journal of market data.
    fn defined(&mut self, id: InstrumentId, instrument: &Instrument) {
        if id.index() == Some(self.instruments.len()) {
            let digits = self.settings.as_ref().map_or(2, |settings| settings.account.digits);
            self.instruments.push(Seen::new(instrument, digits));
        }
    }

    #[inline]
    fn wait(&mut self, header: &Header, prices: (Price, Price), is_quote: bool) {
        if !within(prices.0) || !within(prices.1) {
            return;
        }
        self.pending = Some(Tick {
            sequence: header.sequence,
            instrument: header.instrument,
            time: header.time_received,
            prices,
            is_quote,
        });
    }

    /// Lets the market event that waited take effect.
    #[inline]
    fn settle(&mut self) {
        let Some(tick) = self.pending.take() else { return };
        let time = tick.time.max(self.now);
        if time.0 >= self.day_end {
            self.begin_day(time);
        }
        self.now = time;
        let Some(seen) = tick.instrument.index().and_then(|index| self.instruments.get_mut(index)) else {
            return;
        };
        let (low, high) = tick.prices;
        let market = &mut seen.held.position.market;
        if tick.is_quote {
            (market.bid, market.ask) = (Some(low), Some(high));
        } else {
            market.last = Some(low);
            if market.bid.is_some() {
                return;
            }
        }
        if seen.first.is_none() {
            seen.first = Some(high);
        }
        seen.prices.push(time.0, (low.0 + high.0) >> 1);
        let mut change = seen.held.mark();
        change = change.saturating_add(self.exchange(tick.instrument));
        if change != 0 {
            self.equity = self.equity.saturating_add(change);
            self.follow();
        }
    }

    /// Values what is quoted in a currency whose rate this instrument's quotes are.
    #[inline]
    fn exchange(&mut self, instrument: InstrumentId) -> i128 {
        if self.settings.as_ref().is_none_or(|settings| settings.rates.is_empty()) {
            return 0;
        }
        let Some(index) = instrument.index() else { return 0 };
        let rate = self.instruments[index].held.position.market.middle();
        let abroad = self.instruments.iter_mut().filter(|seen| seen.rate_from == Some(index));
        abroad.map(|seen| seen.held.exchange(rate)).fold(0, i128::saturating_add)
    }

    /// A split or a dividend.
    fn acted(&mut self, header: &Header, action: &CorporateAction) {
        self.go_on_to(header.time_received);
        let Some(seen) = header.instrument.index().and_then(|index| self.instruments.get_mut(index)) else {
            return;
        };
        if let (Some(first), CorporateAction::Split { .. }) = (&mut seen.first, action) {
            *first = adjusted(*first, action);
        }
        if let (Some(index), CorporateAction::Split { new, old }) = (header.instrument.index(), action) {
            self.days.split(index, *new, *old);
        }
        let was_open = seen.held.is_open();
        if let Some(index) = header.instrument.index() {
            self.executions.acted(index, &seen.held, action, self.now);
        }
        let (dividend, change, ended) = seen.held.act(action, self.now);
        self.trades.extend(ended);
        if let Some(index) = header.instrument.index() {
            self.strategies.acted(index, action, seen.held.position.quantity);
        }
        let is_open = seen.held.is_open();
        self.dividends = self.dividends.add_bounded(dividend);
        let change = change.saturating_add(self.exchange(header.instrument));
        self.count_open(was_open, is_open);
        if change != 0 {
            self.equity = self.equity.saturating_add(change);
            self.follow();
        }
    }

    /// An event that is no market data takes effect at once.
    pub(super) fn go_on_to(&mut self, time: Timestamp) {
        let time = time.max(self.now);
        if time.0 >= self.day_end {
            self.begin_day(time);
        }
        self.now = time;
    }

    /// What was held over a rollover paid for it.
    fn charged(&mut self, header: &Header, charged: &FinancingCharged) {
        self.go_on_to(header.time_received);
        self.costs.charged(charged);
        self.equity = self.equity.saturating_sub(atto(charged.financing.add_bounded(charged.borrow)));
        self.follow();
    }

    fn alerted(&mut self, header: &Header, alert: &AlertRaised) {
        let (what, equity, maintenance) = match *alert {
            AlertRaised::MarginCalled { equity, maintenance, .. } => {
                (MarginMoment::Called, equity, maintenance)
            }
            AlertRaised::MarginRestored { equity, maintenance, .. } => {
                (MarginMoment::Restored, equity, maintenance)
            }
            AlertRaised::StoppedOut { equity, maintenance, .. } => {
                (MarginMoment::StoppedOut, equity, maintenance)
            }
            AlertRaised::PositionDiffers { .. }
            | AlertRaised::PositionAgrees
            | AlertRaised::BalanceDiffers { .. }
            | AlertRaised::ImpossibleAnswer { .. }
            | AlertRaised::NoStop { .. }
            | AlertRaised::Limits { .. } => return,
        };
        self.margin.count(what);
        if self.margin.list.len() < MARGIN_MOMENTS_MAX {
            let time = Moment(header.time_received);
            self.margin.list.push(MarginEvent { time, what, equity, maintenance });
        }
    }

    /// Notes the changed equity.
    #[inline]
    pub(super) fn follow(&mut self) {
        if let Some(falls) = &mut self.falls {
            falls.push(self.equity, self.now);
        }
        if self.equity_curve.push(self.now.0, self.equity) {
            self.sample();
        }
    }

    /// Adds points to the curves: equity and net exposure as they are now.
    pub(super) fn sample(&mut self) {
        let net =
            self.instruments.iter().map(|seen| seen.held.notional()).fold(Money::ZERO, Money::add_bounded);
        let equity = self.equity as f64 / ATTO as f64;
        let share = if equity > 0.0 { net.0 as f64 / equity } else { 0.0 };
        self.equity_curve.push(self.now.0, self.equity);
        self.exposure_curve.push(self.now.0, (share * SCALE as f64) as i64);
    }

    /// What the day that ends was worth.
    fn close_day(&mut self) {
        let prices = self.instruments.iter().map(|seen| seen.held.position.market.middle());
        self.days.close(self.now, Money(self.equity / ATTO), prices);
    }

    #[cold]
    fn begin_day(&mut self, time: Timestamp) {
        if self.falls.is_some() {
            self.close_day();
        } else {
            self.first = Some(time);
            self.now = time;
            self.falls = Some(Falls::from(Point { equity: self.equity, time }));
            self.sample();
        }
        self.day_end = (time.0.div_euclid(Nanoseconds::DAY.0) + 1).saturating_mul(Nanoseconds::DAY.0);
    }

    fn filled(&mut self, header: &Header, fill: &Fill) {
        self.counts.fills += 1;
        self.go_on_to(header.time_received);
        let Some(seen) = header.instrument.index().and_then(|index| self.instruments.get_mut(index)) else {
            return;
        };
        if fill.quantity.0 <= 0 || !can_be(fill) {
            return;
        }
        if let Some(index) = header.instrument.index() {
            self.strategies.filled(index, fill);
        }
        let position = &seen.held.position;
        let cost = self.costs.filled(fill, position);
        self.turnover = self.turnover.add_bounded(cost.notional);
        if self.fills.len() < FILLS_DRAWN_MAX {
            self.fills.push(FillPoint {
                time: seconds(self.now.0),
                instrument: position.symbol.clone(),
                price: fill.price.as_f64(),
                side: fill.side,
                quantity: fill.quantity,
                order: fill.order,
            });
        }
        let was_open = seen.held.is_open();
        let effect = self.effects.get(&fill.order).copied().unwrap_or_default();
        if let Some(index) = header.instrument.index() {
            self.executions.filled(index, &seen.held, fill, effect, cost, self.now);
        }
        let (closed, change) = seen.held.fill(fill, effect, self.now);
        let is_open = seen.held.is_open();
        self.trades.extend(closed);
        self.equity = self.equity.saturating_add(change);
        self.count_open(was_open, is_open);
        self.follow();
        self.sample();
    }

    /// Adds to the notional of all fills.
    pub(super) fn turn_over(&mut self, notional: Money) {
        self.turnover = self.turnover.add_bounded(notional);
    }

    /// Measures the time during which anything is held.
    pub(super) fn count_open(&mut self, was_open: bool, is_open: bool) {
        match (was_open, is_open) {
            (false, true) => {
                if self.positions_open == 0 {
                    self.held_since = self.now;
                }
                self.positions_open += 1;
            }
            (true, false) => {
                self.positions_open -= 1;
                if self.positions_open == 0 {
                    self.held += (self.now - self.held_since).0;
                }
            }
            (true, true) | (false, false) => {}
        }
    }

    fn symbol(&self, id: InstrumentId) -> String {
        let seen = id.index().and_then(|index| self.instruments.get(index));
        seen.map(|seen| seen.held.position.symbol.clone()).unwrap_or_default()
    }
}

impl Seen {
    fn new(instrument: &Instrument, digits: u8) -> Seen {
        let position = Position::new(instrument.symbol.clone(), instrument.multiplier, digits);
        let held = Held { position, tickets: None };
        Seen { held, rate_from: None, prices: Series::default(), first: None }
    }

    /// As the settings have it: its lot, and where the rate from its currency comes from.
    fn of(mut self, instrument: &Instrument, settings: &Settings) -> Seen {
        let rate = instrument
            .currency
            .as_ref()
            .map(|currency| settings.rates.iter().find(|rate| rate.currency == *currency));
        self.rate_from = rate.flatten().and_then(|rate| rate.instrument.index());
        let paid = settings.account.kind == AccountKind::Cash;
        let abroad = rate.map(|rate| {
            let inverse = rate.is_some_and(|rate| rate.inverse);
            Abroad { inverse, paid, rate: None }
        });
        self.held.position = self.held.position.with(instrument.lot, abroad);
        self.held.tickets = settings.hedges().then(Tickets::default);
        self
    }
}

/// Whether there can be such a price. Another program may have sealed any numbers.
#[inline]
pub(super) fn within(price: Price) -> bool {
    (-FIXED_MAX..=FIXED_MAX).contains(&price.0)
}

/// Whether there can be such an execution: no engine books another.
fn can_be(fill: &Fill) -> bool {
    let prices = [Some(fill.price), fill.bid, fill.ask, fill.rate];
    fill.quantity.0 <= FIXED_MAX && !fill.commission.is_beyond() && prices.into_iter().flatten().all(within)
}

/// Nanoseconds as Unix seconds, for plots.
pub(super) fn seconds(nanoseconds: i64) -> f64 {
    (nanoseconds / 1_000_000) as f64 / 1e3
}

/// The first and last moment and the calendar days between, both counted.
pub(super) fn span(first: Timestamp, last: Timestamp) -> super::figures::Span {
    let day = |time: Timestamp| time.0.div_euclid(Nanoseconds::DAY.0);
    super::figures::Span { from: Moment(first), to: Moment(last), days: (day(last) - day(first)) as u64 + 1 }
}

fn halt_reason(halted: &TradingHalted) -> String {
    match halted {
        TradingHalted::Data { flaw } => format!("the data had a flaw that halts: {}", flaw.name()),
        TradingHalted::NotANumber { column } => format!("NaN or infinity in column {column}"),
        TradingHalted::EquityGone => "the account can no longer hold its positions".to_string(),
        TradingHalted::Operator => "the operator killed the session".to_string(),
        TradingHalted::Limit { rule } => format!("the limit {} was reached", rule.name()),
    }
}
