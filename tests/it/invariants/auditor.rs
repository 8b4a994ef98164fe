//! Books kept from the journal alone: what the engine says must be what the fills come to.

use std::collections::BTreeMap;

use genovo_engine::account::Account;
use genovo_engine::event::*;
use genovo_engine::ids::{InstrumentId, OrderId, Sequence, StrategyId};
use genovo_engine::settings::{AccountKind, DataKind, HedgedMargin, Instrument, RiskDistance, Settings};
use genovo_engine::units::{Price, Quantity, SCALE, Timestamp};

/// `numerator / denominator`, half to even, the slow way.
fn nearest(numerator: i128, denominator: i128) -> i128 {
    let (numerator, denominator) = (numerator * denominator.signum(), denominator.abs());
    let below = numerator.div_euclid(denominator);
    let twice = 2 * numerator.rem_euclid(denominator);
    let up = twice > denominator || (twice == denominator && below % 2 != 0);
    below + i128::from(up)
}

/// Price × quantity × multiplier at 1e-9, rounded after each product.
fn value(instrument: &Instrument, price: Price, quantity: i64) -> i128 {
    let product = nearest(i128::from(price.0) * i128::from(quantity), i128::from(SCALE));
    nearest(product * i128::from(instrument.multiplier.0), i128::from(SCALE))
}

#[derive(Clone, Default)]
struct Holding {
    /// In a hedging account what its positions add up to.
    quantity: i64,
    cost: i128,
    /// Quantity and cost of each position of a hedging account, by the order that opened it.
    tickets: BTreeMap<OrderId, (i64, i128)>,
    quote: Option<Quote>,
    last: Option<Price>,
    closed: bool,
}

impl Holding {
    fn mark(&self, quantity: i64) -> Option<Price> {
        match self.quote {
            Some(quote) if quantity >= 0 => Some(quote.bid),
            Some(quote) => Some(quote.ask),
            None => self.last,
        }
    }
}

impl Holding {
    /// What is long and what is short of a hedging account's positions.
    fn legs(&self) -> [(i64, i128); 2] {
        [1, -1].map(|sign| {
            let own = self.tickets.values().filter(|(quantity, _)| quantity.signum() == sign);
            own.fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1))
        })
    }

    /// What is held, as far as it is valued by itself: both sides, or the one position.
    fn parts(&self, hedges: bool) -> Vec<(i64, i128)> {
        let parts = if hedges { self.legs().to_vec() } else { vec![(self.quantity, self.cost)] };
        parts.into_iter().filter(|(quantity, _)| *quantity != 0).collect()
    }
}

struct Placed {
    instrument: usize,
    order: Order,
    filled: i64,
    done: bool,
    /// What a replacement under way asks for.
    asked: Option<i64>,
    /// It was replaced at our request.
    replaced: bool,
}

impl Placed {
    /// The most that it may be for: a replacement under way may come into force.
    fn most(&self) -> i64 {
        self.asked.map_or(self.order.quantity.0, |asked| asked.max(self.order.quantity.0))
    }
}

/// Watches a journal as it is written and panics at the first thing that must not be.
pub struct Auditor {
    settings: Settings,
    cash: i128,
    holdings: Vec<Holding>,
    /// As they were before the input that is being audited.
    before: Vec<Holding>,
    orders: BTreeMap<OrderId, Placed>,
    /// What each strategy holds by its own fills, where several share the account; `None` of an instrument that was
    /// split, or of which somebody else sold what they hold.
    own: Vec<Vec<Option<i64>>>,
    /// Used at the next event, unless that says it is dropped.
    market: Option<Event>,
    verdict: Option<Verdict>,
    sequence: Sequence,
    time: Timestamp,
    pub fills: usize,
    decisions: u64,
    ended: bool,
    /// Whether the account is called for margin.
    called: bool,
    /// For each instrument, when its market was closed, by the venue's clock.
    breaks: Vec<Vec<(Timestamp, Timestamp)>>,
    /// What happened, for the test to see that all of it did.
    pub seen: BTreeMap<&'static str, u64>,
}

impl Auditor {
    pub fn new(settings: Settings) -> Auditor {
        Auditor {
            cash: settings.account.cash.0,
            holdings: vec![Holding::default(); settings.instruments.len()],
            before: vec![Holding::default(); settings.instruments.len()],
            breaks: vec![Vec::new(); settings.instruments.len()],
            seen: BTreeMap::new(),
            own: vec![vec![Some(0); settings.instruments.len()]; settings.strategies.len()],
            settings,
            orders: BTreeMap::new(),
            market: None,
            verdict: None,
            sequence: Sequence::NONE,
            time: Timestamp::MIN,
            fills: 0,
            decisions: 0,
            ended: false,
            called: false,
        }
    }

    pub fn audit(&mut self, event: &Event) {
        let header = &event.header;
        assert!(!self.ended, "nothing follows the end");
        assert!(header.sequence > self.sequence, "sequences increase: {event:?}");
        assert!(header.time_received >= self.time, "arrival never steps back: {event:?}");
        assert!(header.cause < header.sequence, "a cause comes first: {event:?}");
        (self.sequence, self.time) = (header.sequence, header.time_received);
        match &event.fact {
            Fact::DataFlagged(flagged) if flagged.action == FlawAction::Drop => self.market = None,
            Fact::DataFlagged(_) => {}
            // They ended, were rolled over or sampled before this tick.
            Fact::BarClosed(_) | Fact::FinancingCharged(_) | Fact::RegimeChanged(_) => {}
            _ => self.take_market(),
        }
        if header.sequence.is_input() {
            self.before.clone_from(&self.holdings);
        }
        match &event.fact {
            Fact::RunStarted(_)
            | Fact::InstrumentDefined(_)
            | Fact::MacroReleased(_)
            | Fact::NewsPublished(_)
            | Fact::EventScheduled(_)
            | Fact::SignalReceived(_)
            | Fact::FeaturesReselected(_)
            | Fact::TimerFired(_)
            | Fact::ChapterClosed(_) => {}
            Fact::SessionChanged(session) => self.session(header, session),
            Fact::CorporateActionApplied(action) => self.act(header.instrument, action),
            Fact::QuoteChanged(_) | Fact::TradePrinted(_) | Fact::BarReceived(_) => {
                self.market = Some(event.clone());
            }
            Fact::DataFlagged(_)
            | Fact::BarClosed(_)
            | Fact::FeaturesComputed(_)
            | Fact::TradingHalted(_)
            | Fact::OrderUnknown(_)
            | Fact::TradeCorrected(_)
            | Fact::AccountReported(_)
            | Fact::PositionReported(_)
            | Fact::ConnectionChanged(_)
            | Fact::OperatorCommanded(_)
            | Fact::LimitsRequested(_)
            | Fact::ApprovalGiven(_)
            | Fact::LimitsChanged(_)
            | Fact::FeedGap(_)
            | Fact::ClockChecked(_)
            | Fact::BookChanged(_)
            | Fact::BookReset(_)
            | Fact::RegimeChanged(_) => {}
            Fact::AlertRaised(alert) => self.alerted(alert),
            Fact::FinancingCharged(charged) => self.charged(header.instrument, charged),
            Fact::DecisionMade(decision) => {
                self.decisions += 1;
                assert_eq!(decision.equity.0, self.equity(), "cash and positions at mark are the equity");
                let own = self.settings.strategies.iter().position(|one| one.name == decision.strategy);
                match (header.instrument.index(), own) {
                    (Some(index), None) => {
                        assert_eq!(
                            decision.position.0, self.holdings[index].quantity,
                            "fills are the position"
                        );
                    }
                    (Some(index), Some(own)) => {
                        self.count("shared");
                        if let Some(sum) = self.own[own][index] {
                            assert_eq!(decision.position.0, sum, "its own fills are its position");
                        }
                    }
                    (None, _) => {}
                }
            }
            Fact::RiskAssessed(verdict) => {
                assert_eq!(verdict.equity.0, self.equity());
                assert!(verdict.granted <= verdict.asked, "risk never adds");
                self.verdict = Some((**verdict).clone());
            }
            Fact::OrderDenied(denied) => {
                self.count(denied.rule.name());
                self.verdict = None;
            }
            Fact::OrderSubmitted(order) => self.submitted(header.instrument, order),
            Fact::ReplaceRequested(replacement) => {
                let placed = self.order(replacement.order);
                assert!(!placed.done && replacement.quantity.0 > placed.filled);
                placed.asked = Some(replacement.quantity.0);
                self.verdict = None;
            }
            Fact::OrderReplaced(replaced) => self.replaced(replaced),
            Fact::ReplaceRejected(rejected) => {
                self.count(rejected.reason.name());
                let placed = self.order(rejected.order);
                placed.asked = None;
            }
            Fact::OrderTriggered(triggered) => {
                self.count("triggered");
                let placed = self.order(triggered.order);
                assert!(!placed.done && placed.order.kind.is_stop());
                let past = (triggered.price.0 - triggered.trigger.0) * placed.order.side.sign();
                assert!(past >= 0, "a trigger that was not reached: {triggered:?}");
            }
            Fact::CancelRequested(notice) => assert!(!self.order(notice.order).done),
            Fact::CancelRejected(notice) => {
                self.order(notice.order);
            }
            Fact::OrderAccepted(notice) => assert!(!self.order(notice.order).done),
            Fact::OrderRejected(rejected) => {
                self.count(rejected.reason.name());
                assert_eq!(self.order(rejected.order).filled, 0);
                self.close(rejected.order);
            }
            Fact::OrderCancelled(closed) | Fact::OrderExpired(closed) => {
                self.count(reason(closed.reason));
                let placed = self.order(closed.order);
                assert_eq!(closed.unfilled.0, placed.order.quantity.0 - placed.filled);
                self.close(closed.order);
            }
            Fact::OrderFilled(fill) => self.filled(header, fill),
            Fact::RunEnded(ended) => {
                assert_eq!(ended.equity.0, self.equity(), "the last word is the books'");
                assert_eq!((ended.fills, ended.decisions), (self.fills as u64, self.decisions));
                assert_eq!(ended.orders, self.orders.len() as u64);
                self.ended = true;
            }
        }
    }

    /// The account is what the fills come to, position by position.
    pub fn compare(&self, account: &Account) {
        for (index, holding) in self.holdings.iter().enumerate() {
            assert_eq!(account.positions[index].quantity.0, holding.quantity);
            let tickets = account.tickets_of(index).iter();
            let tickets = tickets.map(|one| (one.order, (one.quantity.0, one.cost.0)));
            assert!(tickets.eq(holding.tickets.clone()), "{:?}", account.tickets_of(index));
        }
    }

    fn take_market(&mut self) {
        let Some(event) = self.market.take() else { return };
        let holding = &mut self.holdings[event.header.instrument.index().unwrap()];
        match event.fact {
            Fact::QuoteChanged(quote) => holding.quote = Some(quote),
            Fact::TradePrinted(trade) => holding.last = Some(trade.price),
            Fact::BarReceived(bar) => holding.last = Some(bar.close),
            other => panic!("{other:?} is no market data"),
        }
    }

    fn equity(&self) -> i128 {
        let open = self.holdings.iter().zip(&self.settings.instruments).map(|(holding, instrument)| {
            let part = |(quantity, cost): (i64, i128)| {
                let worth = value(instrument, holding.mark(quantity)?, quantity);
                let rate = self.rate(instrument)?;
                Some(match self.is_cash() {
                    true => self.convert(instrument, worth, rate) - cost,
                    false => self.convert(instrument, worth - cost, rate),
                })
            };
            holding.parts(self.settings.hedges()).into_iter().filter_map(part).sum::<i128>()
        });
        self.cash + open.sum::<i128>()
    }

    /// What was held over a rollover pays by its value.
    fn charged(&mut self, instrument: InstrumentId, charged: &FinancingCharged) {
        self.count("financing");
        let index = instrument.index().expect("a position is in an instrument");
        // What the input brought was not held over night.
        std::mem::swap(&mut self.holdings, &mut self.before);
        let (held, rules) = (&self.holdings[index], &self.settings.instruments[index]);
        let quantity = match self.settings.hedges() {
            true => held.tickets[&charged.position].0,
            false => held.quantity,
        };
        assert_eq!(charged.position.is_none(), !self.settings.hedges());
        assert_eq!(charged.quantity.0, quantity);
        assert_eq!(Some(charged.price), held.mark(quantity));
        let rate = self.rate(rules).expect("a position is never without a rate");
        let worth = self.convert(rules, value(rules, charged.price, quantity).abs(), rate);
        assert_eq!(charged.value.0, worth);
        let financing = self.settings.financing.as_ref().expect("financing is on");
        assert!(charged.days > 0 && charged.days_in_year == financing.days_in_year);
        let unit = 10_i128.pow(9 - u32::from(self.settings.account.digits));
        for (yearly, paid) in [(charged.yearly, charged.financing), (charged.borrow_yearly, charged.borrow)] {
            let year = i128::from(charged.days_in_year) * i128::from(SCALE);
            let exact = nearest(worth * i128::from(yearly.0) * i128::from(charged.days), year);
            assert_eq!(paid.0, nearest(exact, unit) * unit);
        }
        assert!(charged.borrow_yearly.0 == 0 || quantity < 0, "only what is sold short is borrowed");
        self.cash -= charged.financing.0 + charged.borrow.0;
        std::mem::swap(&mut self.holdings, &mut self.before);
    }

    /// What an alert says of the account is what the books say.
    fn alerted(&mut self, alert: &AlertRaised) {
        let (what, level, equity, maintenance) = match *alert {
            AlertRaised::MarginCalled { level, equity, maintenance } => {
                ("margin call", level, equity, maintenance)
            }
            AlertRaised::MarginRestored { level, equity, maintenance } => {
                ("margin restored", level, equity, maintenance)
            }
            AlertRaised::StoppedOut { level, equity, maintenance } => {
                ("stopped out", level, equity, maintenance)
            }
            AlertRaised::PositionDiffers { .. }
            | AlertRaised::PositionAgrees
            | AlertRaised::BalanceDiffers { .. }
            | AlertRaised::ImpossibleAnswer { .. }
            | AlertRaised::NoStop { .. }
            | AlertRaised::Limits { .. } => return,
        };
        self.count(what);
        assert_eq!(equity.0, self.equity());
        assert_eq!(maintenance.0, self.maintenance());
        let needed = nearest(maintenance.0 * i128::from(level.0), i128::from(SCALE));
        let called = maintenance.0 > 0 && equity.0 <= needed;
        assert_eq!(called, what != "margin restored", "{alert:?}");
        match what {
            "margin call" => assert!(!std::mem::replace(&mut self.called, true), "called twice"),
            "margin restored" => assert!(std::mem::replace(&mut self.called, false), "never called"),
            _ => assert!(self.called, "stopped out without a call"),
        }
    }

    /// What all positions need.
    fn maintenance(&self) -> i128 {
        let each = self.holdings.iter().zip(&self.settings.instruments).map(|(holding, instrument)| {
            let needs = |(quantity, _): (i64, i128)| {
                let (mark, rate) = holding.mark(quantity).zip(self.rate(instrument))?;
                let worth = self.convert(instrument, value(instrument, mark, quantity).abs(), rate);
                Some(nearest(worth * i128::from(instrument.margin_maintenance.0), i128::from(SCALE)))
            };
            let needs = holding.parts(self.settings.hedges()).into_iter().filter_map(needs);
            match self.settings.account.hedged_margin {
                HedgedMargin::Larger => needs.max().unwrap_or(0),
                HedgedMargin::Both => needs.sum(),
            }
        });
        each.sum()
    }

    fn order(&mut self, order: OrderId) -> &mut Placed {
        self.orders.get_mut(&order).expect("answers are to orders that were sent")
    }

    fn close(&mut self, order: OrderId) {
        let placed = self.order(order);
        assert!(!placed.done, "order {order} ends twice");
        placed.done = true;
        let whole = placed.filled == placed.order.quantity.0;
        if placed.order.time_in_force == TimeInForce::Fok {
            assert!(whole || placed.filled == 0, "order {order}: all or nothing");
        }
    }

    fn submitted(&mut self, instrument: InstrumentId, order: &Order) {
        let index = instrument.index().expect("an order is for an instrument");
        let verdict = self.verdict.take().expect("risk was asked");
        assert_eq!(order.quantity, verdict.closing + verdict.granted);
        assert_eq!(order.quantity.0 % self.settings.instruments[index].lot.0, 0, "whole lots");
        assert!(!self.called || verdict.granted.0 == 0, "something is opened while the account is called");
        let before = self.open_risk(index, &verdict);
        let exposed = self.exposed(index, &verdict);
        let sided = self.sided(index, &verdict);
        let own_before = self.own_exposed(order.strategy, index, &verdict);
        self.count(order.kind.name());
        assert!(!self.holdings[index].closed, "an order for a closed market");
        let placed = Placed {
            instrument: index,
            order: order.clone(),
            filled: 0,
            done: false,
            asked: None,
            replaced: false,
        };
        assert!(self.orders.insert(order.order, placed).is_none(), "order {} is sent twice", order.order);
        let equity = self.equity();
        let controls = &self.settings.risk.controls;
        let after = self.exposed(index, &verdict);
        let leverage =
            controls.max_leverage.map(|times| nearest(equity * i128::from(times.0), i128::from(SCALE)));
        let caps = [
            ("position", controls.max_position.map(|most| most.0), sided, self.sided(index, &verdict)),
            (
                "gross",
                controls.max_gross_exposure.map(|most| most.0),
                exposed.iter().sum(),
                after.iter().sum(),
            ),
            ("leverage", leverage, exposed.iter().sum(), after.iter().sum()),
        ];
        for (what, limit, before, after) in caps {
            let bound = limit.map(|limit: i128| limit.max(before) + self.holdings.len() as i128 + 1);
            assert!(
                bound.is_none_or(|bound| after <= bound),
                "{what} {after} above {limit:?} by {verdict:?}"
            );
        }
        let own = order.strategy.index().map(|own| &self.settings.strategies[own]);
        let own_after = self.own_exposed(order.strategy, index, &verdict);
        if let (Some(own), Some((before, after))) = (own, own_before.zip(own_after)) {
            let trades =
                own.instruments.is_empty() || own.instruments.iter().any(|one| one.index() == Some(index));
            let share = if trades { i128::from(own.budget.0) } else { 0 };
            let limit = nearest(equity * share, i128::from(SCALE)).max(before);
            let bound = limit + self.holdings.len() as i128 + 1;
            assert!(after <= bound, "{after} of {} above its budget {limit} by {verdict:?}", own.name);
            self.count(if after > before { "budget used" } else { "budget kept" });
        }
        if verdict.distance_source == DistanceSource::Stop {
            // Its own stop bounds it: what it may lose to that, no other rule of the distance says.
            let at_risk = value(&self.settings.instruments[index], verdict.distance, verdict.granted.0);
            let at_risk = self
                .rate(&self.settings.instruments[index])
                .map_or(0, |rate| self.convert(&self.settings.instruments[index], at_risk, rate));
            let share = i128::from(self.settings.risk.max_per_trade.0);
            let limit = nearest(self.equity() * share, i128::from(SCALE));
            assert!(at_risk <= limit.max(0) || verdict.granted.0 == 0, "{verdict:?}");
            return;
        }
        let after = self.open_risk(index, &verdict);
        let share = i128::from(self.settings.risk.max_total.0);
        let limit = nearest(self.equity() * share, i128::from(SCALE));
        // A position may have grown past the limit by itself; each product is rounded once.
        let bound = limit.max(before) + self.holdings.len() as i128 + 1;
        assert!(after <= bound, "open risk {after} above its limit {limit} by {verdict:?}");
    }

    /// What would be open if all orders of one side were filled and none of the other; of a hedging account each side,
    /// and nothing closed.
    fn exposures(&self, index: usize) -> [i64; 2] {
        let working = |side: Side| -> i64 {
            let orders = self
                .orders
                .values()
                .filter(|placed| placed.instrument == index && placed.order.side == side && !placed.done)
                .filter(|placed| !placed.order.terms.reduce_only && placed.order.closes.is_none());
            orders.map(|placed| placed.most() - placed.filled).sum()
        };
        let (bought, sold) = (working(Side::Buy), working(Side::Sell));
        if self.settings.hedges() {
            let [long, short] = self.holdings[index].legs();
            return [long.0 + bought, short.0 - sold];
        }
        let held = self.holdings[index].quantity;
        [held + bought, held - sold]
    }

    /// What both ends of an instrument come to: the worse of them, or in a hedging account both.
    fn both(&self, ends: [i128; 2]) -> i128 {
        if self.settings.hedges() { ends[0] + ends[1] } else { ends[0].max(ends[1]) }
    }

    /// What each instrument may become worth, whichever of the working orders are filled.
    fn exposed(&self, index: usize, verdict: &Verdict) -> Vec<i128> {
        let each = |other: usize| {
            let instrument = &self.settings.instruments[other];
            let worth = |quantity: i64| {
                let mark = if other == index { verdict.price } else { self.holdings[other].mark(quantity) };
                let rate = self.rate(instrument);
                mark.zip(rate).map_or(0, |(mark, rate)| {
                    self.convert(instrument, value(instrument, mark, quantity).abs(), rate)
                })
            };
            self.both(self.exposures(other).map(worth))
        };
        (0..self.holdings.len()).map(each).collect()
    }

    /// The same of the order's instrument; in a hedging account of the side that it opens.
    fn sided(&self, index: usize, verdict: &Verdict) -> i128 {
        if !self.settings.hedges() {
            return self.exposed(index, verdict)[index];
        }
        let instrument = &self.settings.instruments[index];
        let quantity = self.exposures(index)[usize::from(verdict.side == Side::Sell)];
        verdict
            .price
            .zip(self.rate(instrument))
            .map_or(0, |(mark, rate)| self.convert(instrument, value(instrument, mark, quantity).abs(), rate))
    }

    /// What a strategy among several may come to hold, whichever of its working orders are filled; `None` where that is
    /// not known.
    fn own_exposed(&self, strategy: StrategyId, index: usize, verdict: &Verdict) -> Option<i128> {
        let holds = self.own.get(strategy.index()?)?;
        let each = holds.iter().enumerate().map(|(other, held)| {
            let held = (*held)?;
            let instrument = &self.settings.instruments[other];
            let worth = |side: Side| {
                let orders = self.orders.values().filter(|placed| placed.instrument == other && !placed.done);
                let own =
                    orders.filter(|placed| placed.order.strategy == strategy && placed.order.side == side);
                let opens = own.filter(|placed| !placed.order.terms.reduce_only);
                let working: i64 = opens.map(|placed| placed.most() - placed.filled).sum();
                let quantity = held + working * side.sign();
                let mark = if other == index { verdict.price } else { self.holdings[other].mark(quantity) };
                mark.zip(self.rate(instrument)).map_or(0, |(mark, rate)| {
                    self.convert(instrument, value(instrument, mark, quantity).abs(), rate)
                })
            };
            Some(worth(Side::Buy).max(worth(Side::Sell)))
        });
        each.sum()
    }

    /// The most that may be lost over the risk distance, whichever of the working orders are filled.
    fn open_risk(&self, index: usize, verdict: &Verdict) -> i128 {
        let RiskDistance::ShareOfPrice(share) = self.settings.risk.distance else { panic!("a share") };
        let risk = |other: usize, quantity: i64, mark: Price| {
            let distance = nearest(i128::from(mark.0) * i128::from(share.0), i128::from(SCALE));
            let instrument = &self.settings.instruments[other];
            let amount = value(instrument, Price(distance as i64), quantity).abs();
            self.rate(instrument).map_or(0, |rate| self.convert(instrument, amount, rate))
        };
        (0..self.holdings.len())
            .map(|other| {
                let worst = |quantity: i64| {
                    let mark =
                        if other == index { verdict.price } else { self.holdings[other].mark(quantity) };
                    mark.map_or(0, |mark| risk(other, quantity, mark))
                };
                self.both(self.exposures(other).map(worst))
            })
            .sum()
    }

    fn filled(&mut self, header: &Header, fill: &Fill) {
        self.fills += 1;
        self.check_terms(header, fill);
        let placed = self.order(fill.order);
        assert!(!placed.done, "order {} is filled after its end", fill.order);
        assert!(fill.quantity > Quantity::ZERO);
        placed.filled += fill.quantity.0;
        assert!(
            placed.filled <= placed.order.quantity.0,
            "order {} is filled beyond its quantity",
            fill.order
        );
        assert_eq!(fill.remaining.0, placed.order.quantity.0 - placed.filled);
        assert_eq!(fill.side, placed.order.side);
        if let Some(price) = placed.order.kind.limit() {
            let better = (price.0 - fill.price.0) * fill.side.sign();
            assert!(better >= 0, "order {} is filled beyond its limit", fill.order);
        }
        let index = placed.instrument;
        let (owner, effect) = (placed.order.strategy, placed.order.effect());
        if placed.filled == placed.order.quantity.0 {
            self.close(fill.order);
        }
        match owner.index() {
            Some(own) => {
                let sum = &mut self.own[own][index];
                *sum = sum.map(|sum| sum + fill.quantity.0 * fill.side.sign());
            }
            None => self.own.iter_mut().for_each(|own| own[index] = None),
        }
        match self.settings.hedges() {
            true => self.book_tickets(index, fill, effect),
            false => self.book(index, fill),
        }
    }

    /// The same in a hedging account: position by position.
    fn book_tickets(&mut self, index: usize, fill: &Fill, effect: PositionEffect) {
        let instrument = self.settings.instruments[index].clone();
        let rate = fill.rate.map_or(SCALE, |rate| rate.0);
        let unit = 10_i128.pow(9 - u32::from(self.settings.account.digits));
        let (sign, mut left, mut cash) = (fill.side.sign(), fill.quantity.0, -fill.commission.0);
        let mut holding = self.holdings[index].clone();
        for (order, (quantity, cost)) in &mut holding.tickets {
            let named = match effect {
                PositionEffect::Open => false,
                PositionEffect::CloseEarliest => true,
                PositionEffect::Close(position) => position == *order,
            };
            if !named || quantity.signum() != -sign || left == 0 {
                continue;
            }
            let part = left.min(quantity.abs()) * quantity.signum();
            let gone = nearest(*cost * i128::from(part), i128::from(*quantity));
            let profit = self.convert(&instrument, value(&instrument, fill.price, part) - gone, rate);
            cash += nearest(profit, unit) * unit;
            (*quantity, *cost, left) = (*quantity - part, *cost - gone, left - part.abs());
        }
        if effect == PositionEffect::Open {
            let (quantity, cost) = holding.tickets.entry(fill.order).or_default();
            *quantity += left * sign;
            *cost += value(&instrument, fill.price, left * sign);
            left = 0;
        }
        assert_eq!(left, 0, "order {} closes more than there is", fill.order);
        assert!(holding.tickets.values().all(|(quantity, cost)| *quantity != 0 || *cost == 0));
        holding.tickets.retain(|_, (quantity, _)| *quantity != 0);
        holding.quantity = holding.tickets.values().map(|(quantity, _)| quantity).sum();
        self.cash += cash;
        if holding.legs().iter().all(|(quantity, _)| *quantity != 0) {
            self.count("hedged");
        }
        if effect != PositionEffect::Open {
            self.count(if effect == PositionEffect::CloseEarliest {
                "earliest closed"
            } else {
                "position named"
            });
        }
        self.holdings[index] = holding;
    }

    fn book(&mut self, index: usize, fill: &Fill) {
        let instrument = self.settings.instruments[index].clone();
        let (cash_account, rate) = (self.is_cash(), fill.rate.map_or(SCALE, |rate| rate.0));
        assert_eq!(
            fill.rate.is_some(),
            instrument.currency.is_some(),
            "a rate where there are two currencies"
        );
        let convert = |amount: i128| self.convert(&instrument, amount, rate);
        let paid = |amount: i128| if cash_account { convert(amount) } else { amount };
        let mut cash = 0;
        let mut holding = self.holdings[index].clone();
        let signed = fill.quantity.0 * fill.side.sign();
        let closing = match holding.quantity.signum() * signed.signum() {
            -1 => signed.abs().min(holding.quantity.abs()) * holding.quantity.signum(),
            _ => 0,
        };
        if closing != 0 {
            let cost = nearest(holding.cost * i128::from(closing), i128::from(holding.quantity));
            let unit = 10_i128.pow(9 - u32::from(self.settings.account.digits));
            let worth = value(&instrument, fill.price, closing);
            let profit = if cash_account { convert(worth) - cost } else { convert(worth - cost) };
            cash += nearest(profit, unit) * unit;
            holding.cost -= cost;
        }
        if signed + closing != 0 {
            holding.cost += paid(value(&instrument, fill.price, signed + closing));
        }
        holding.quantity += signed;
        assert!(holding.quantity != 0 || holding.cost == 0, "nothing held costs nothing");
        self.cash += cash - fill.commission.0;
        self.holdings[index] = holding;
    }

    fn count(&mut self, what: &'static str) {
        *self.seen.entry(what).or_default() += 1;
    }

    fn is_cash(&self) -> bool {
        self.settings.account.kind == AccountKind::Cash
    }

    /// The rate from an instrument's currency, if it is known; one for the account's own.
    fn rate(&self, instrument: &Instrument) -> Option<i64> {
        let Some(currency) = &instrument.currency else { return Some(SCALE) };
        let from = self.settings.rates.iter().find(|rate| rate.currency == *currency)?;
        let holding = &self.holdings[from.instrument.index()?];
        let middle = |quote: Quote| nearest(i128::from(quote.bid.0) + i128::from(quote.ask.0), 2) as i64;
        holding.quote.map(middle).or(holding.last.map(|price| price.0)).filter(|rate| *rate > 0)
    }

    fn convert(&self, instrument: &Instrument, amount: i128, rate: i64) -> i128 {
        let Some(currency) = &instrument.currency else { return amount };
        let inverse = self.settings.rates.iter().any(|rate| rate.currency == *currency && rate.inverse);
        match inverse {
            false => nearest(amount * i128::from(rate), i128::from(SCALE)),
            true => nearest(amount * i128::from(SCALE), i128::from(rate)),
        }
    }

    fn session(&mut self, header: &Header, session: &SessionChanged) {
        let index = header.instrument.index().unwrap();
        self.count(if session.open { "opened" } else { "closed" });
        let breaks = &mut self.breaks[index];
        match (session.open, breaks.last_mut()) {
            (false, last) if last.as_ref().is_none_or(|last| last.1 != Timestamp::MAX) => {
                breaks.push((header.time_event, Timestamp::MAX));
            }
            (true, Some(last)) if last.1 == Timestamp::MAX => last.1 = header.time_event,
            _ => {}
        }
        self.holdings[index].closed =
            !session.open && self.settings.venue.when_closed == genovo_engine::settings::WhenClosed::Deny;
    }

    fn act(&mut self, instrument: InstrumentId, action: &CorporateAction) {
        let index = instrument.index().unwrap();
        let rules = self.settings.instruments[index].clone();
        let rate = self.rate(&rules).unwrap_or(SCALE);
        let change = |price: Price| match *action {
            CorporateAction::Split { new, old } => {
                Price(nearest(i128::from(price.0) * i128::from(old), i128::from(new)) as i64)
            }
            CorporateAction::Dividend { amount } => price - amount,
        };
        let unit = 10_i128.pow(9 - u32::from(self.settings.account.digits));
        let mut holding = self.holdings[index].clone();
        if let Some(quote) = &mut holding.quote {
            (quote.bid, quote.ask) = (change(quote.bid), change(quote.ask));
        }
        holding.last = holding.last.map(change);
        match *action {
            CorporateAction::Split { new, old } if self.settings.hedges() => {
                self.count("split");
                for (order, (quantity, cost)) in std::mem::take(&mut holding.tickets) {
                    let after = (i128::from(quantity) * i128::from(new) / i128::from(old)) as i64;
                    let odd = after % rules.lot.0;
                    let gone = if odd == 0 { 0 } else { nearest(cost * i128::from(odd), i128::from(after)) };
                    if odd != 0
                        && let Some(mark) = holding.mark(after)
                    {
                        let profit = self.convert(&rules, value(&rules, mark, odd) - gone, rate);
                        self.cash += nearest(profit, unit) * unit;
                    }
                    if after - odd != 0 {
                        holding.tickets.insert(order, (after - odd, cost - gone));
                    }
                }
                holding.quantity = holding.tickets.values().map(|(quantity, _)| quantity).sum();
            }
            CorporateAction::Dividend { amount } if self.settings.hedges() => {
                self.count("dividend");
                for (quantity, _) in holding.tickets.values() {
                    let paid = self.convert(&rules, value(&rules, amount, *quantity), rate);
                    self.cash += nearest(paid, unit) * unit;
                }
            }
            CorporateAction::Split { new, old } => {
                self.count("split");
                self.own.iter_mut().for_each(|own| own[index] = None);
                let quantity = i128::from(holding.quantity) * i128::from(new) / i128::from(old);
                holding.quantity = quantity as i64;
                let odd = holding.quantity % rules.lot.0;
                if odd != 0 {
                    self.count("odd lot");
                    let cost = nearest(holding.cost * i128::from(odd), i128::from(holding.quantity));
                    if let Some(mark) = holding.mark(holding.quantity) {
                        let worth = value(&rules, mark, odd);
                        let profit = match self.is_cash() {
                            true => self.convert(&rules, worth, rate) - cost,
                            false => self.convert(&rules, worth - cost, rate),
                        };
                        self.cash += nearest(profit, unit) * unit;
                    }
                    holding.cost -= cost;
                    holding.quantity -= odd;
                }
            }
            CorporateAction::Dividend { amount } => {
                self.count("dividend");
                let paid = self.convert(&rules, value(&rules, amount, holding.quantity), rate);
                self.cash += nearest(paid, unit) * unit;
            }
        }
        self.holdings[index] = holding;
    }

    fn replaced(&mut self, replaced: &OrderReplaced) {
        self.count(match replaced.reason {
            ReplaceReason::Requested => "replaced",
            ReplaceReason::SiblingFilled => "smaller by a sibling",
            ReplaceReason::ParentEnded => "smaller by its parent",
            ReplaceReason::PositionShrank => "smaller by the position",
            ReplaceReason::Split => "order split",
            ReplaceReason::BooksCompared => "books compared",
        });
        let placed = self.order(replaced.order);
        assert!(!placed.done && replaced.quantity.0 > placed.filled, "{replaced:?}");
        assert!(replaced.kind.is_like(placed.order.kind));
        (placed.order.kind, placed.order.quantity) = (replaced.kind, replaced.quantity);
        placed.replaced |= replaced.reason == ReplaceReason::Requested;
        if replaced.reason == ReplaceReason::Requested {
            placed.asked = None;
        }
    }

    /// What an order's terms promise of every fill.
    fn check_terms(&mut self, header: &Header, fill: &Fill) {
        let placed = &self.orders[&fill.order];
        let (terms, index) = (placed.order.terms, placed.instrument);
        let quotes_or_trades = |source: &genovo_engine::settings::SourceSettings| {
            source.instrument.index() == Some(index) && source.kind != DataKind::Bars
        };
        if terms.post_only {
            assert_eq!(fill.liquidity, Liquidity::Maker, "order {} is post-only", fill.order);
        }
        if terms.expires.is_some_and(|expires| header.time_event >= expires) {
            panic!("order {} is filled after its time", fill.order);
        }
        if self.settings.sources.iter().any(quotes_or_trades) {
            let closed =
                |(from, to): &(Timestamp, Timestamp)| header.time_event > *from && header.time_event < *to;
            assert!(!self.breaks[index].iter().any(closed), "order {} is filled in a break", fill.order);
        }
        if self.settings.hedges() {
            // What closes is held against when it is booked.
            if terms.reduce_only {
                self.count("reduced");
            }
        } else if terms.reduce_only {
            let held = self.holdings[index].quantity;
            let signed = fill.quantity.0 * fill.side.sign();
            assert!(held.signum() == -signed.signum() && held.abs() >= signed.abs(), "order {}", fill.order);
            self.count("reduced");
        }
        let Some(list) = terms.list else { return };
        let with = |number: u64| if OrderId(number) == fill.order { fill.quantity.0 } else { 0 };
        let filled =
            |number: u64| self.orders.get(&OrderId(number)).map_or(0, |placed| placed.filled) + with(number);
        let last = list.first.0 + u64::from(list.count) - 1;
        match list.link {
            Contingency::Bracket if fill.order != list.first => {
                let exits: i64 = (list.first.0 + 1..=last).map(filled).sum();
                let entry = filled(list.first.0) - list.after.0;
                // A split may have come between, or a replacement that asks for more.
                let asked =
                    |number: u64| self.orders.get(&OrderId(number)).is_some_and(|placed| placed.replaced);
                let other = self.seen.contains_key("split") || (list.first.0..=last).any(asked);
                assert!(other || exits <= entry.max(0), "order {}: {exits} of {entry} {list:?}", fill.order);
                self.count("bracket exit");
            }
            Contingency::OneCancelsOthers => {
                let all: i64 = (list.first.0..=last).map(filled).sum();
                let of = |number: &u64| self.orders.get(&OrderId(*number)).map_or(0, Placed::most);
                let most =
                    (list.first.0..=last).map(|number| of(&number) + filled(number)).max().unwrap_or(0);
                assert!(all <= most, "orders {} to {last}: {all} of {most}", list.first);
                self.count("alternative");
            }
            _ => self.count("listed"),
        }
    }
}

fn reason(reason: CloseReason) -> &'static str {
    match reason {
        CloseReason::Requested => "cancelled",
        CloseReason::ImmediateRest => "immediate rest",
        CloseReason::NotFillable => "not fillable",
        CloseReason::DayEnded => "day ended",
        CloseReason::DateReached => "date reached",
        CloseReason::SiblingFilled => "sibling filled",
        CloseReason::ParentEnded => "parent ended",
        CloseReason::PositionClosed => "position closed",
        CloseReason::Broker => "by the broker",
        CloseReason::WouldTake => "would have taken",
        CloseReason::Split => "split away",
    }
}
