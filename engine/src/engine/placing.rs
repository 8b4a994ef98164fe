//! From an action to orders: what they say is checked, risk is asked, and what it leaves is sent.

use super::{Engine, Fault, State};
use crate::command::Command;
use crate::event::*;
use crate::ids::{InstrumentId, OrderId, Sequence};
use crate::order::{Happening, OrderError, Status};
use crate::risk::{Own, Request};
use crate::settings::WhenClosed;
use crate::strategy::View;
use crate::units::{Price, Quantity, Ratio};

/// What risk left of an order.
struct Left {
    order: OrderId,
    /// The part that closes.
    closing: Quantity,
    /// The part that opens.
    granted: Quantity,
}

/// What orders mean to do to the positions of a hedging account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Means {
    /// What they would where the account nets: close what is held on the other side, the earliest order's first, and
    /// open with the rest.
    Net,
    /// Open a position of their own.
    Open,
    /// Close this one.
    Close(OrderId),
}

impl Means {
    fn closes(self) -> OrderId {
        match self {
            Means::Net | Means::Open => OrderId::NONE,
            Means::Close(position) => position,
        }
    }
}

impl Engine {
    pub(super) fn whole_lots(&self, instrument: InstrumentId, quantity: Quantity) -> Result<Quantity, Fault> {
        let settings = self.settings.instrument(instrument).ok_or(Fault::UnknownInstrument(instrument))?;
        Ok(quantity.round_down_to(settings.lot))
    }

    /// An order that stands alone.
    pub(super) fn submit(
        &mut self,
        decided: Sequence,
        instrument: InstrumentId,
        order: NewOrder,
        means: Means,
    ) -> Result<(), Fault> {
        let order = NewOrder { quantity: self.whole_lots(instrument, order.quantity)?, ..order };
        let refused =
            self.contradiction(&order).or(self.closed(instrument)).or(self.being_closed(instrument));
        let rest = match means {
            Means::Net if refused.is_none() => self.close_against(decided, instrument, &order)?,
            _ => order.quantity,
        };
        if rest == Quantity::ZERO && order.quantity != Quantity::ZERO {
            return Ok(());
        }
        let mut request = Request::new(instrument, order.side, order.kind, rest);
        (request.reduce_only, request.refused) = (order.reduce_only, refused);
        request.closes = means.closes();
        self.send(decided, request, &order, None)?;
        Ok(())
    }

    /// Of an order in a hedging account, sends what closes positions of the other side, each by an order of its own,
    /// the earliest first; what is left to open. Of a reduce-only order the venue knows what it closes.
    fn close_against(
        &mut self,
        decided: Sequence,
        instrument: InstrumentId,
        order: &NewOrder,
    ) -> Result<Quantity, Fault> {
        let mut left = order.quantity;
        let Some(index) = instrument.index().filter(|_| self.settings.hedges() && !order.reduce_only) else {
            return Ok(left);
        };
        let against = self.state.account.tickets_of(index).iter();
        let against = against.filter(|ticket| ticket.quantity.signum() == -order.side.sign());
        // What works already to close a position is on its way, as it is where the account nets.
        let free = against.map(|ticket| {
            let free = ticket.quantity.abs() - self.state.orders.spoken_for(ticket.order);
            (ticket.order, free.max(Quantity::ZERO))
        });
        let free: Vec<(OrderId, Quantity)> = free.collect();
        for (position, free) in free {
            let part = self.whole_lots(instrument, left.min(free))?;
            if part == Quantity::ZERO {
                continue;
            }
            let mut request = Request::new(instrument, order.side, order.kind, part);
            request.closes = position;
            self.send(decided, request, order, None)?;
            left -= part;
        }
        Ok(left)
    }

    /// Orders that depend on each other. What the first does not get, the orders that it arms do not get either.
    pub(super) fn place(&mut self, decided: Sequence, list: &OrderList, means: Means) -> Result<(), Fault> {
        let Some((first, others)) = list.orders.split_first() else { return Ok(()) };
        let instrument = list.instrument;
        let Some(link) = list.link.filter(|_| !others.is_empty()) else {
            for (place, order) in list.orders.iter().enumerate() {
                // Only the first opens in spite of what is held.
                let means = if place > 0 && means == Means::Open { Means::Net } else { means };
                self.submit(decided, instrument, *order, means)?;
            }
            return Ok(());
        };
        let asked = self.whole_lots(instrument, first.quantity)?;
        let refused = self.contradiction_among(list, link);
        let refused = refused.or(self.closed(instrument)).or(self.being_closed(instrument));
        // Alternatives are not divided: what one of them fills the others lose.
        let mut quantity = asked;
        if refused.is_none() && means == Means::Net && link.has_parent() {
            let first = NewOrder { quantity: asked, ..*first };
            quantity = self.close_against(decided, instrument, &first)?;
        }
        if quantity == Quantity::ZERO && asked != Quantity::ZERO {
            return Ok(());
        }
        let mut request = Request::new(instrument, first.side, first.kind, quantity);
        request.reduce_only = first.reduce_only;
        request.closes = means.closes();
        request.refused = refused;
        if link == Contingency::Bracket {
            request.stop = others.iter().map(|order| order.kind).find(|kind| kind.is_stop());
        }
        let number = self.state.orders.next_id();
        let count = u8::try_from(list.orders.len()).unwrap_or(u8::MAX);
        let membership = Membership { first: number, count, link, after: Quantity::ZERO };
        let Some(left) = self.send(decided, request, first, Some(membership))? else {
            // Alternatives of an order that was denied may still go; what waits for it may not.
            if request.refused.is_none() && !link.has_parent() {
                self.send_others(decided, list, membership, None, means.closes())?;
            }
            return Ok(());
        };
        let opened = link.has_parent().then_some((left.granted, asked));
        if opened.is_some_and(|(granted, _)| granted == Quantity::ZERO) {
            return Ok(());
        }
        let membership = Membership { first: left.order, after: left.closing, ..membership };
        // Where the account hedges, what only closes and waits for an entry closes what that opens.
        let closes = if link.has_parent() && self.settings.hedges() { left.order } else { means.closes() };
        self.send_others(decided, list, membership, opened, closes)
    }

    /// The orders of a list but the first; `opened` is what that may open of what it asked for, where it arms them.
    fn send_others(
        &mut self,
        decided: Sequence,
        list: &OrderList,
        membership: Membership,
        opened: Option<(Quantity, Quantity)>,
        closes: OrderId,
    ) -> Result<(), Fault> {
        let Some((first, others)) = list.orders.split_first() else { return Ok(()) };
        let instrument = list.instrument;
        for order in others {
            let mut quantity = order.quantity;
            if let Some((granted, asked)) = opened {
                quantity = share(quantity, granted, asked);
            }
            let quantity = self.whole_lots(instrument, quantity)?;
            let mut request = Request::new(instrument, order.side, order.kind, quantity);
            request.reduce_only = order.reduce_only;
            request.has_parent = opened.is_some();
            if opened.is_none() || (order.reduce_only && order.side != first.side) {
                request.closes = closes;
            }
            self.send(decided, request, order, Some(membership))?;
        }
        Ok(())
    }

    /// Risk, then the order that it leaves; `None` when it leaves none.
    fn send(
        &mut self,
        decided: Sequence,
        mut request: Request,
        new: &NewOrder,
        list: Option<Membership>,
    ) -> Result<Option<Left>, Fault> {
        let verdict = self.assess(&mut request);
        let (closing, granted, rule) = (verdict.closing, verdict.granted, verdict.rule);
        let assessed = self.emit(request.instrument, decided, Fact::RiskAssessed(Box::new(verdict)))?;
        let quote = self.state.quote(request.instrument);
        let number = self.state.orders.next_id();
        let order = Order {
            order: number,
            side: request.side,
            kind: request.kind,
            time_in_force: new.time_in_force,
            quantity: closing + granted,
            bid: quote.map(|quote| quote.bid),
            ask: quote.map(|quote| quote.ask),
            position: self.state.position(request.instrument),
            terms: Terms {
                post_only: new.post_only,
                reduce_only: new.reduce_only,
                expires: new.expires,
                // The part of the first order that closes is known only now.
                list: list.map(|list| match list.first == number && list.link.has_parent() {
                    true => Membership { after: closing, ..list },
                    false => list,
                }),
            },
            strategy: self.acting,
            closes: request.closes,
        };
        if closing + granted == Quantity::ZERO {
            let rule = rule.expect("risk names the rule by which nothing is left");
            self.state.orders.insert(request.instrument, &order, Status::Denied);
            let denied = OrderDenied { order: order.order, rule };
            self.emit(request.instrument, assessed, Fact::OrderDenied(denied))?;
            return Ok(None);
        }
        self.counts.orders += 1;
        self.risk.sent(&request, self.state.now);
        if let Some(next) = &mut self.takeover {
            next.risk.sent(&request, self.state.now);
        }
        self.state.orders.insert(request.instrument, &order, Status::Submitted);
        let cause = self.emit(request.instrument, assessed, Fact::OrderSubmitted(Box::new(order.clone())))?;
        let (time, instrument) = (self.state.now, request.instrument);
        self.output.commands.push(Command::SubmitOrder { cause, time, instrument, order });
        Ok(Some(Left { order: number, closing, granted }))
    }

    /// What risk says of a request now.
    fn assess(&self, request: &mut Request) -> Verdict {
        request.margin_lacking = self.margin_lacking();
        request.forecast = self.forecast_of(request.instrument);
        request.own = self.own(request);
        let State { markets, account, orders, .. } = &self.state;
        self.risk.assess(request, &self.settings, account, markets, orders, self.state.now)
    }

    /// The rule by which nothing would be left of a request, were it made now.
    pub(super) fn rule_against(&self, mut request: Request) -> Option<Rule> {
        request.refused = self.closed(request.instrument);
        let verdict = self.assess(&mut request);
        let nothing = verdict.closing + verdict.granted == Quantity::ZERO;
        verdict.rule.filter(|_| nothing)
    }

    /// Asks to cancel; an order that is done, or whose cancel is under way, is left alone.
    pub(super) fn cancel(&mut self, decided: Sequence, order: OrderId) -> Result<(), Fault> {
        let record = *self.state.orders.get(order).ok_or(OrderError::Unknown(order))?;
        if record.status.after(Happening::AskCancel).is_none() {
            return Ok(());
        }
        self.state.orders.advance(order, Happening::AskCancel)?;
        let instrument = record.instrument;
        let cause = self.emit(instrument, decided, Fact::CancelRequested(OrderNotice { order }))?;
        let time = self.state.now;
        self.output.commands.push(Command::CancelOrder { cause, time, instrument, order });
        Ok(())
    }

    /// Asks to replace; an order that the venue has not acknowledged, or that is done, is left alone. Risk is asked
    /// about what is added.
    pub(super) fn replace(
        &mut self,
        decided: Sequence,
        order: OrderId,
        kind: OrderKind,
        quantity: Quantity,
    ) -> Result<(), Fault> {
        let record = *self.state.orders.get(order).ok_or(OrderError::Unknown(order))?;
        if record.status.after(Happening::AskReplace).is_none() {
            return Ok(());
        }
        let instrument = record.instrument;
        let mut quantity = self.whole_lots(instrument, quantity)?;
        let new = NewOrder::new(record.side, kind, quantity);
        let impossible = !kind.is_like(record.kind) || quantity <= record.filled;
        let refused = impossible
            .then_some(Rule::InvalidOrder)
            .or(self.contradiction(&new))
            .or(self.off_tick(instrument, kind))
            .or(self.closed(instrument))
            .or(self.being_closed(instrument))
            .or(self.refused_by_risk(instrument, record.side, kind, quantity));
        let mut cause = decided;
        if quantity > record.quantity || refused.is_some() {
            let mut request = Request::new(instrument, record.side, kind, quantity - record.quantity);
            (request.reduce_only, request.refused) = (record.terms.reduce_only, refused);
            request.closes = record.closes;
            request.has_parent = record.terms.list.is_some_and(|list| list.link.has_parent());
            request.quantity = request.quantity.max(Quantity::ZERO);
            request.beside = record.quantity;
            request.margin_lacking = self.margin_lacking();
            request.forecast = self.forecast_of(instrument);
            request.own = self.own(&request);
            let State { markets, account, orders, .. } = &self.state;
            let verdict =
                self.risk.assess(&request, &self.settings, account, markets, orders, self.state.now);
            quantity = record.quantity + verdict.closing + verdict.granted;
            cause = self.emit(instrument, decided, Fact::RiskAssessed(Box::new(verdict)))?;
        }
        if refused.is_some() || (kind == record.kind && quantity == record.quantity) {
            return Ok(());
        }
        self.risk.replaced(self.state.now);
        if let Some(next) = &mut self.takeover {
            next.risk.replaced(self.state.now);
        }
        self.state.orders.ask_replace(order, quantity)?;
        let replacement = Replacement { order, kind, quantity };
        let cause = self.emit(instrument, cause, Fact::ReplaceRequested(replacement))?;
        let time = self.state.now;
        self.output.commands.push(Command::ReplaceOrder { cause, time, instrument, replacement });
        Ok(())
    }

    /// The rule by which risk lets no replacement go, whatever it adds.
    fn refused_by_risk(
        &self,
        instrument: InstrumentId,
        side: Side,
        kind: OrderKind,
        quantity: Quantity,
    ) -> Option<Rule> {
        let market = self.state.markets.get(instrument.index()?)?;
        let request = Request::new(instrument, side, kind, quantity);
        self.risk.refusal(&request, self.state.now, market, &self.state.orders)
    }

    /// What the strategy that decides holds already, where several share the account.
    fn own(&self, request: &Request) -> Option<Own> {
        if self.acting.is_none() {
            return None;
        }
        let State { markets, account, attribution, orders, .. } = &self.state;
        Own::of(self.acting, request, &self.settings, attribution, account, markets, orders)
    }

    /// What the decision under way forecasts of an instrument.
    fn forecast_of(&self, instrument: InstrumentId) -> Option<Forecast> {
        self.forecast.filter(|(of, _)| *of == instrument).map(|(_, forecast)| forecast)
    }

    /// The rule that keeps orders from a market that is closed, where the scenario does not let them wait.
    pub(super) fn closed(&self, instrument: InstrumentId) -> Option<Rule> {
        let waits = self.settings.venue.when_closed == WhenClosed::Queue;
        (!waits && !self.state.is_open(instrument)).then_some(Rule::MarketClosed)
    }

    /// What of an order cannot be meant.
    fn contradiction(&self, order: &NewOrder) -> Option<Rule> {
        let at_once = matches!(order.time_in_force, TimeInForce::Ioc | TimeInForce::Fok);
        let good_until = order.time_in_force == TimeInForce::Gtd;
        let trail = match order.kind {
            OrderKind::TrailingStop { trail: Trail::Amount(amount) } => amount > Price::ZERO,
            OrderKind::TrailingStop { trail: Trail::Share(share) } => {
                share > Ratio::ZERO && share < Ratio::ONE
            }
            _ => true,
        };
        let sound = trail
            && (!order.post_only || (order.kind.limit().is_some() && !at_once))
            && good_until == order.expires.is_some()
            && order.expires.is_none_or(|expires| expires > self.state.now);
        (!sound).then_some(Rule::InvalidOrder)
    }

    /// What of several orders cannot be meant. They leave together or not at all, so prices are checked too.
    fn contradiction_among(&self, list: &OrderList, link: Contingency) -> Option<Rule> {
        let [first, others @ ..] = list.orders.as_slice() else { return None };
        let rests = |order: &NewOrder| !matches!(order.time_in_force, TimeInForce::Ioc | TimeInForce::Fok);
        let waits = |order: &NewOrder| rests(order) && order.quantity > Quantity::ZERO;
        let linked = match link {
            Contingency::OneTriggersOthers => others.iter().all(waits),
            Contingency::OneCancelsOthers => {
                list.orders.iter().all(|order| waits(order) && order.kind != OrderKind::Market)
            }
            Contingency::Bracket => {
                let exit = |order: &NewOrder| {
                    order.side == first.side.opposite()
                        && order.reduce_only
                        && order.kind != OrderKind::Market
                };
                !first.reduce_only && others.iter().all(|order| waits(order) && exit(order))
            }
        };
        let few = list.orders.len() <= usize::from(u8::MAX);
        (!linked || !few)
            .then_some(Rule::InvalidOrder)
            .or(list.orders.iter().find_map(|order| self.contradiction(order)))
            .or(list.orders.iter().find_map(|order| self.off_tick(list.instrument, order.kind)))
    }

    /// Whether a price is no multiple of the tick.
    fn off_tick(&self, instrument: InstrumentId, kind: OrderKind) -> Option<Rule> {
        let tick = self.settings.instrument(instrument)?.tick.0;
        let off = |price: Option<Price>| price.is_some_and(|price| tick > 0 && price.0 % tick != 0);
        (off(kind.limit()) || off(kind.trigger())).then_some(Rule::InvalidOrder)
    }
}

/// The share `part / whole` of a quantity, rounded down.
fn share(quantity: Quantity, part: Quantity, whole: Quantity) -> Quantity {
    match whole.0 {
        0 => Quantity::ZERO,
        whole => Quantity((i128::from(quantity.0) * i128::from(part.0) / i128::from(whole)) as i64),
    }
}
