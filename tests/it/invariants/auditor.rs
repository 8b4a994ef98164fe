//! Books kept from the journal alone: what the engine says must be what the fills come to.

use std::collections::BTreeMap;

use genovo_engine::event::*;
use genovo_engine::ids::{InstrumentId, OrderId, Sequence};
use genovo_engine::settings::{Instrument, RiskDistance, Settings};
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

#[derive(Clone, Copy, Default)]
struct Holding {
    quantity: i64,
    cost: i128,
    quote: Option<Quote>,
    last: Option<Price>,
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

struct Placed {
    instrument: usize,
    order: Order,
    filled: i64,
    done: bool,
}

/// Watches a journal as it is written and panics at the first thing that must not be.
pub struct Auditor {
    settings: Settings,
    cash: i128,
    holdings: Vec<Holding>,
    orders: BTreeMap<OrderId, Placed>,
    /// Used at the next event, unless that says it is dropped.
    market: Option<Event>,
    verdict: Option<Verdict>,
    sequence: Sequence,
    time: Timestamp,
    pub fills: usize,
    decisions: u64,
    ended: bool,
}

impl Auditor {
    pub fn new(settings: Settings) -> Auditor {
        Auditor {
            cash: settings.account.cash.0,
            holdings: vec![Holding::default(); settings.instruments.len()],
            settings,
            orders: BTreeMap::new(),
            market: None,
            verdict: None,
            sequence: Sequence::NONE,
            time: Timestamp::MIN,
            fills: 0,
            decisions: 0,
            ended: false,
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
            Fact::BarClosed(_) => {} // It ended before this tick.
            _ => self.take_market(),
        }
        match &event.fact {
            Fact::RunStarted(_)
            | Fact::InstrumentDefined(_)
            | Fact::TimerFired(_)
            | Fact::ChapterClosed(_) => {}
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
            | Fact::FeedGap(_)
            | Fact::ClockChecked(_)
            | Fact::AlertRaised(_) => {}
            Fact::DecisionMade(decision) => {
                self.decisions += 1;
                assert_eq!(decision.equity.0, self.equity(), "cash and positions at mark are the equity");
                if let Some(index) = header.instrument.index() {
                    assert_eq!(decision.position.0, self.holdings[index].quantity, "fills are the position");
                }
            }
            Fact::RiskAssessed(verdict) => {
                assert_eq!(verdict.equity.0, self.equity());
                assert!(verdict.granted <= verdict.asked, "risk never adds");
                self.verdict = Some((**verdict).clone());
            }
            Fact::OrderDenied(_) => self.verdict = None,
            Fact::OrderSubmitted(order) => self.submitted(header.instrument, order),
            Fact::CancelRequested(notice) => assert!(!self.order(notice.order).done),
            Fact::CancelRejected(notice) => {
                self.order(notice.order);
            }
            Fact::OrderAccepted(notice) => assert!(!self.order(notice.order).done),
            Fact::OrderRejected(rejected) => {
                assert_eq!(self.order(rejected.order).filled, 0);
                self.close(rejected.order);
            }
            Fact::OrderCancelled(closed) | Fact::OrderExpired(closed) => {
                let placed = self.order(closed.order);
                assert_eq!(closed.unfilled.0, placed.order.quantity.0 - placed.filled);
                self.close(closed.order);
            }
            Fact::OrderFilled(fill) => self.filled(fill),
            Fact::RunEnded(ended) => {
                assert_eq!(ended.equity.0, self.equity(), "the last word is the books'");
                assert_eq!((ended.fills, ended.decisions), (self.fills as u64, self.decisions));
                assert_eq!(ended.orders, self.orders.len() as u64);
                self.ended = true;
            }
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
            holding
                .mark(holding.quantity)
                .filter(|_| holding.quantity != 0)
                .map_or(0, |mark| value(instrument, mark, holding.quantity) - holding.cost)
        });
        self.cash + open.sum::<i128>()
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
        let before = self.open_risk(index, &verdict);
        let placed = Placed { instrument: index, order: order.clone(), filled: 0, done: false };
        assert!(self.orders.insert(order.order, placed).is_none(), "order {} is sent twice", order.order);
        let after = self.open_risk(index, &verdict);
        let share = i128::from(self.settings.risk.max_total.0);
        let limit = nearest(self.equity() * share, i128::from(SCALE));
        // A position may have grown past the limit by itself; each product is rounded once.
        let bound = limit.max(before) + self.holdings.len() as i128 + 1;
        assert!(after <= bound, "open risk {after} above its limit {limit} by {verdict:?}");
    }

    /// What would be open if all orders of one side were filled and none of the other: the larger of both.
    fn exposures(&self, index: usize) -> [i64; 2] {
        let working = |side: Side| -> i64 {
            let orders = self
                .orders
                .values()
                .filter(|placed| placed.instrument == index && placed.order.side == side && !placed.done);
            orders.map(|placed| placed.order.quantity.0 - placed.filled).sum()
        };
        let held = self.holdings[index].quantity;
        [held + working(Side::Buy), held - working(Side::Sell)]
    }

    /// The most that may be lost over the risk distance, whichever of the working orders are filled.
    fn open_risk(&self, index: usize, verdict: &Verdict) -> i128 {
        let RiskDistance::ShareOfPrice(share) = self.settings.risk.distance else { panic!("a share") };
        let risk = |other: usize, quantity: i64, mark: Price| {
            let distance = nearest(i128::from(mark.0) * i128::from(share.0), i128::from(SCALE));
            value(&self.settings.instruments[other], Price(distance as i64), quantity).abs()
        };
        (0..self.holdings.len())
            .map(|other| {
                let worst = |quantity: i64| {
                    let mark =
                        if other == index { verdict.price } else { self.holdings[other].mark(quantity) };
                    mark.map_or(0, |mark| risk(other, quantity, mark))
                };
                self.exposures(other).map(worst).into_iter().max().unwrap_or(0)
            })
            .sum()
    }

    fn filled(&mut self, fill: &Fill) {
        self.fills += 1;
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
        if let OrderKind::Limit { price } = placed.order.kind {
            let better = (price.0 - fill.price.0) * fill.side.sign();
            assert!(better >= 0, "order {} is filled beyond its limit", fill.order);
        }
        let index = placed.instrument;
        if placed.filled == placed.order.quantity.0 {
            self.close(fill.order);
        }
        self.book(index, fill);
    }

    fn book(&mut self, index: usize, fill: &Fill) {
        let instrument = &self.settings.instruments[index];
        let holding = &mut self.holdings[index];
        let signed = fill.quantity.0 * fill.side.sign();
        let closing = match holding.quantity.signum() * signed.signum() {
            -1 => signed.abs().min(holding.quantity.abs()) * holding.quantity.signum(),
            _ => 0,
        };
        if closing != 0 {
            let cost = nearest(holding.cost * i128::from(closing), i128::from(holding.quantity));
            let unit = 10_i128.pow(9 - u32::from(self.settings.account.digits));
            self.cash += nearest(value(instrument, fill.price, closing) - cost, unit) * unit;
            holding.cost -= cost;
        }
        holding.cost += value(instrument, fill.price, signed + closing);
        holding.quantity += signed;
        self.cash -= fill.commission.0;
        assert!(holding.quantity != 0 || holding.cost == 0, "nothing held costs nothing");
    }
}
