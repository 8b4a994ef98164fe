//! What we know of our orders against what the broker says: first the orders, then the fills, then the positions.
//!
//! [`Mirror`] turns every report of a broker into the fact that is news in it, or into nothing: a report may come
//! twice, late, or before the one that it follows from. The same path serves the stream and the comparison after a
//! restart, so that a fill is booked once however it is learnt of.

use std::collections::{BTreeMap, BTreeSet};

use genovo_engine::event::{
    CloseReason, Event, Fact, Fill, Order, OrderClosed, OrderNotice, OrderRejected, OrderReplaced,
    OrderTriggered, RejectReason, ReplaceReason,
};
use genovo_engine::ids::{InstrumentId, OrderId, Sequence};
use genovo_engine::order::{Happening, OrderRecord, Status};
use genovo_engine::units::{Price, Quantity, Timestamp};

use super::{ClientId, ClientIds, Executed, OrderNow, OrderReport, Report, Snapshot, Standing, What};

/// An order of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    /// What became of it so far.
    pub record: OrderRecord,
    /// Its `OrderSubmitted`.
    pub cause: Sequence,
}

/// What names an execution that a journal has: a journal does not keep the broker's ids, and needs none, since what
/// happened twice at one time and price is counted twice.
pub type ExecutionKey = (OrderId, Timestamp, Price, Quantity);

/// Our orders as the journal has them.
#[derive(Clone, Debug)]
pub struct Mirror {
    ids: ClientIds,
    orders: BTreeMap<OrderId, Known>,
    accepted: BTreeSet<OrderId>,
    /// Executions in the journal that the broker has not named to this process yet.
    journaled: BTreeMap<ExecutionKey, u32>,
    /// Executions that this process was told of, by the broker's ids.
    executions: BTreeSet<String>,
}

/// What a comparison found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reconciled {
    /// Facts that we did not know, as inputs in their order.
    pub answers: Vec<Event>,
    /// Orders that we hold for working and the broker did not name: each is to be looked up by its id.
    pub ask: Vec<OrderId>,
    /// Orders whose cancel seems to have been lost.
    pub cancel: Vec<OrderId>,
    /// How many fills were fetched.
    pub fills: usize,
    /// Orders at the broker that are not of this session.
    pub external: Vec<ClientId>,
    /// What remains unexplained, in words.
    pub gaps: Vec<String>,
}

impl Mirror {
    /// A mirror of what a journal has; both empty for a session that begins.
    pub fn new(
        ids: ClientIds,
        orders: impl IntoIterator<Item = (OrderId, Known)>,
        fills: impl IntoIterator<Item = ExecutionKey>,
    ) -> Mirror {
        let orders: BTreeMap<OrderId, Known> = orders.into_iter().collect();
        let accepted = orders.iter().filter(|(_, known)| known.record.status != Status::Submitted);
        let accepted = accepted.map(|(&order, _)| order).collect();
        let mut journaled = BTreeMap::new();
        for key in fills {
            *journaled.entry(key).or_insert(0) += 1;
        }
        Mirror { ids, orders, accepted, journaled, executions: BTreeSet::new() }
    }

    /// An order is about to be sent.
    pub fn insert(&mut self, instrument: InstrumentId, order: &Order, cause: Sequence) {
        let record = OrderRecord {
            instrument,
            side: order.side,
            kind: order.kind,
            status: Status::Submitted,
            quantity: order.quantity,
            filled: Quantity::ZERO,
            asked: None,
            terms: order.terms,
            changed: false,
            strategy: order.strategy,
            closes: order.closes,
        };
        self.orders.insert(order.order, Known { record, cause });
    }

    /// A cancel is about to be sent.
    pub fn ask_cancel(&mut self, order: OrderId) {
        self.advance(order, Happening::AskCancel);
    }

    /// A replacement is about to be sent.
    pub fn ask_replace(&mut self, order: OrderId) {
        self.advance(order, Happening::AskReplace);
    }

    /// An order.
    pub fn get(&self, order: OrderId) -> Option<&Known> {
        self.orders.get(&order)
    }

    /// The ids of this session.
    pub fn ids(&self) -> &ClientIds {
        &self.ids
    }

    /// Orders that are not done.
    pub fn working(&self) -> impl Iterator<Item = (OrderId, &Known)> {
        let working = self.orders.iter().filter(|(_, known)| !known.record.status.is_terminal());
        working.map(|(&order, known)| (order, known))
    }

    fn advance(&mut self, order: OrderId, happening: Happening) -> bool {
        let Some(known) = self.orders.get_mut(&order) else { return false };
        match known.record.status.after(happening) {
            Some(status) => {
                known.record.status = status;
                true
            }
            None => false,
        }
    }

    /// The input that a report is, if it is news about an order of this session.
    pub fn take(&mut self, report: &Report) -> Option<Event> {
        let order = self.ids.order(&report.client)?;
        let known = *self.orders.get(&order)?;
        let fact = self.fact(order, &known.record, &report.what)?;
        let arrives = report.arrives.unwrap_or(Timestamp::MIN);
        let mut event = Event::unnumbered(report.time, arrives, known.record.instrument, fact);
        event.header.cause = known.cause;
        Some(event)
    }

    fn fact(&mut self, order: OrderId, record: &OrderRecord, what: &What) -> Option<Fact> {
        let unfilled = record.quantity - record.filled;
        Some(match what {
            What::Accepted => {
                // Said once; a fill that overtook it has said it already.
                let news = self.accepted.insert(order) && self.advance(order, Happening::Accept);
                news.then_some(Fact::OrderAccepted(OrderNotice { order }))?
            }
            What::Rejected(reason) => {
                if self.advance(order, Happening::Reject) {
                    return Some(Fact::OrderRejected(OrderRejected { order, reason: *reason }));
                }
                // It was acknowledged before: the broker took it, and its venue did not.
                let why = match reason {
                    RejectReason::NothingToReduce => CloseReason::PositionClosed,
                    _ => CloseReason::Broker,
                };
                let news = self.advance(order, Happening::Cancel);
                news.then_some(Fact::OrderCancelled(OrderClosed { order, unfilled, reason: why }))?
            }
            What::Cancelled(reason) => {
                let news = self.advance(order, Happening::Cancel);
                let closed = OrderClosed { order, unfilled, reason: *reason };
                news.then_some(Fact::OrderCancelled(closed))?
            }
            What::Expired(reason) => {
                let news = self.advance(order, Happening::Expire);
                let closed = OrderClosed { order, unfilled, reason: *reason };
                news.then_some(Fact::OrderExpired(closed))?
            }
            What::CancelRejected => {
                let part_filled = record.filled > Quantity::ZERO;
                let news = self.advance(order, Happening::RefuseCancel { part_filled });
                news.then_some(Fact::CancelRejected(OrderNotice { order }))?
            }
            What::Filled(executed) => {
                if !self.executions.insert(executed.id.clone()) {
                    return None;
                }
                Fact::OrderFilled(Box::new(self.fill(order, executed)))
            }
            What::Triggered(triggered) => {
                let news = self.advance(order, Happening::Trigger);
                news.then_some(Fact::OrderTriggered(OrderTriggered { order, ..*triggered }))?
            }
            What::Replaced(replaced) => {
                let happening = match replaced.reason {
                    ReplaceReason::Requested => {
                        Happening::Replace { part_filled: record.filled > Quantity::ZERO }
                    }
                    ReplaceReason::SiblingFilled
                    | ReplaceReason::ParentEnded
                    | ReplaceReason::PositionShrank
                    | ReplaceReason::Split
                    | ReplaceReason::BooksCompared => Happening::Adjust,
                };
                // A comparison of books may have said it already.
                let known = happening == Happening::Adjust
                    && (record.kind, record.quantity) == (replaced.kind, replaced.quantity);
                if known || !self.advance(order, happening) {
                    return None;
                }
                if let Some(known) = self.orders.get_mut(&order) {
                    (known.record.kind, known.record.quantity) = (replaced.kind, replaced.quantity);
                }
                Fact::OrderReplaced(OrderReplaced { order, ..*replaced })
            }
            What::ReplaceRejected(reason) => {
                let part_filled = record.filled > Quantity::ZERO;
                let news = self.advance(order, Happening::RefuseReplace { part_filled });
                news.then_some(Fact::ReplaceRejected(OrderRejected { order, reason: *reason }))?
            }
            What::Corrected(trade) => {
                let mut trade = *trade;
                trade.order = order;
                Fact::TradeCorrected(Box::new(trade))
            }
        })
    }

    /// Books a fill here. It counts whatever the order's state: what was executed was executed.
    fn fill(&mut self, order: OrderId, executed: &Executed) -> Fill {
        let known = self.orders.get_mut(&order).expect("checked by the caller");
        let filled = Quantity(known.record.filled.0.saturating_add(executed.quantity.0));
        known.record.filled = filled;
        let remaining = Quantity((known.record.quantity.0.saturating_sub(filled.0)).max(0));
        let happening = if remaining == Quantity::ZERO { Happening::FillRest } else { Happening::FillPart };
        if let Some(status) = known.record.status.after(happening) {
            known.record.status = status;
        }
        let Executed { side, price, quantity, liquidity, commission, bid, ask, rate, .. } = *executed;
        Fill { order, side, price, quantity, remaining, liquidity, commission, bid, ask, rate }
    }

    /// Compares everything that the broker holds with what we know.
    pub fn reconcile(&mut self, snapshot: &Snapshot) -> Reconciled {
        let mut found = Reconciled::default();
        // First what the orders became: it says which fill is the last one.
        for report in &snapshot.orders {
            if let Some(order) = self.ids.order(&report.client) {
                self.renew(order, report, &mut found);
            }
        }
        // What was missed of an order's life, in the order in which it was lived.
        let mut executions: Vec<&Report> = snapshot.executions.iter().collect();
        executions.sort_by_key(|report| report.time);
        for report in executions {
            if self.has_journaled(report) {
                continue;
            }
            if let Some(event) = self.take(report) {
                found.fills += 1;
                found.answers.push(event);
            }
        }
        let mut named = BTreeSet::new();
        for report in &snapshot.orders {
            match self.ids.order(&report.client) {
                Some(order) if self.orders.contains_key(&order) => {
                    named.insert(order);
                    self.compare(order, report, &mut found);
                }
                // Only an order whose cause was kept leaves: one of ours that no journal has is as foreign as any.
                _ if report.standing == Standing::Working => found.external.push(report.client.clone()),
                _ => {}
            }
        }
        let missing = self.working().map(|(order, _)| order).filter(|order| !named.contains(order));
        found.ask = missing.collect();
        found
    }

    /// Whether the journal has this execution; then the broker's id of it is known from now on.
    fn has_journaled(&mut self, report: &Report) -> bool {
        let (Some(order), What::Filled(executed)) = (self.ids.order(&report.client), &report.what) else {
            return false;
        };
        if self.executions.contains(&executed.id) {
            return true;
        }
        let key = (order, report.time, executed.price, executed.quantity);
        match self.journaled.get_mut(&key) {
            Some(count) if *count > 0 => {
                *count -= 1;
                self.executions.insert(executed.id.clone());
                true
            }
            _ => false,
        }
    }

    /// An order that is another one at the broker by now: a list, a split or our own replacement changed it.
    fn renew(&mut self, order: OrderId, report: &OrderReport, found: &mut Reconciled) {
        let (Some(known), Some(now)) = (self.orders.get(&order), report.now) else { return };
        let record = known.record;
        let OrderNow { kind, quantity, .. } = now;
        if record.status.is_terminal() || (record.kind, record.quantity) == (kind, quantity) {
            return;
        }
        let reason = match record.status {
            Status::ReplacePending => ReplaceReason::Requested,
            _ => ReplaceReason::BooksCompared,
        };
        let what = What::Replaced(OrderReplaced { order, kind, quantity, reason });
        let report = Report { time: report.time, arrives: None, client: report.client.clone(), what };
        found.answers.extend(self.take(&report));
    }

    /// One order as we and as the broker know it.
    pub fn compare(&mut self, order: OrderId, report: &OrderReport, found: &mut Reconciled) {
        self.renew(order, report, found);
        let Some(known) = self.orders.get(&order).copied() else { return };
        let record = known.record;
        if report.filled != record.filled {
            found.gaps.push(format!(
                "order {order}: the broker filled {}, its executions add up to {}",
                report.filled, record.filled
            ));
        }
        if record.status.is_terminal() {
            return;
        }
        let what = match report.standing {
            Standing::Working => {
                if record.status == Status::CancelPending {
                    found.cancel.push(order);
                }
                match record.status {
                    // It works on as it was, and nothing will be said of it any more.
                    Status::ReplacePending if report.now.is_none_or(|now| !now.replacing) => {
                        What::ReplaceRejected(RejectReason::NeverArrived)
                    }
                    _ => What::Accepted,
                }
            }
            Standing::Filled => {
                // The fills have said it, or the gap above does.
                return;
            }
            Standing::Cancelled(reason) => What::Cancelled(reason),
            Standing::Rejected(reason) => What::Rejected(reason),
            Standing::Expired(reason) => What::Expired(reason),
        };
        let report = Report { time: report.time, arrives: None, client: report.client.clone(), what };
        found.answers.extend(self.take(&report));
    }
}
