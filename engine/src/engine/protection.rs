//! A stop at the venue for every open position, where the settings demand it: what a strategy leaves without one gets
//! one at the risk distance.
//!
//! Nothing is remembered but what a venue refused: which orders protect a position follows from the orders themselves.

use super::*;
use crate::order::Status;
use crate::units::FIXED_MAX;
use crate::venue::fill::on_tick;

/// The side of what closes a position.
pub(super) fn closing_side(position: Quantity) -> Side {
    if position > Quantity::ZERO { Side::Sell } else { Side::Buy }
}

/// Who decides when a position has no stop.
const PROTECTION: &str = "protection";

impl Engine {
    /// How much the working stops of one side would close, those that wait for an order which is not filled yet left
    /// out; of a hedging account, those with this effect.
    fn covered(&self, instrument: InstrumentId, side: Side, effect: Option<PositionEffect>) -> Quantity {
        let stops = self.state.orders.working().filter(|(_, record)| {
            record.instrument == instrument
                && record.side == side
                && record.kind.is_stop()
                && record.status != Status::CancelPending
                && effect.is_none_or(|effect| record.effect() == effect)
        });
        let covers = stops.map(|(_, record)| {
            // A fill may overtake a replacement for less.
            let rest = record.quantity.min(record.asked.unwrap_or(record.quantity)) - record.filled;
            let rest = rest.max(Quantity::ZERO);
            match record.terms.list.filter(|list| list.link.has_parent()) {
                None => rest,
                Some(list) => {
                    let parent =
                        self.state.orders.get(list.first).map_or(Quantity::ZERO, |parent| parent.filled);
                    rest.min((parent - list.after).max(Quantity::ZERO))
                }
            }
        });
        Quantity(covers.fold(0_i64, |sum, cover| sum.saturating_add(cover.0)))
    }

    /// How much of a position no stop would close; in a hedging account of all of them together.
    pub fn unprotected(&self, instrument: InstrumentId) -> Quantity {
        if self.settings.hedges() {
            let bare =
                self.bare(instrument).iter().fold(0_i64, |sum, (_, bare)| sum.saturating_add(bare.abs().0));
            return Quantity(bare);
        }
        let position = self.state.position(instrument);
        let covered = self.covered(instrument, closing_side(position), None);
        (position.abs() - covered).max(Quantity::ZERO)
    }

    /// How much of each position of a hedging account no stop would close, signed. Stops that name no position close
    /// those of the earliest orders first, of what others leave.
    fn bare(&self, instrument: InstrumentId) -> Vec<(OrderId, Quantity)> {
        let mut unnamed = [Side::Sell, Side::Buy]
            .map(|side| self.covered(instrument, side, Some(PositionEffect::CloseEarliest)));
        let tickets = self.state.tickets(instrument).iter();
        let bare = tickets.map(|ticket| {
            let side = closing_side(ticket.quantity);
            let named = self.covered(instrument, side, Some(PositionEffect::Close(ticket.order)));
            let left = (ticket.quantity.abs() - named).max(Quantity::ZERO);
            let unnamed = &mut unnamed[usize::from(side == Side::Buy)];
            let taken = left.min(*unnamed);
            *unnamed -= taken;
            (ticket.order, Quantity((left - taken).0 * ticket.quantity.signum()))
        });
        bare.filter(|(_, left)| *left != Quantity::ZERO).collect()
    }

    /// Places a stop for what of a position has none. Nothing is placed while orders may not leave, everything is being
    /// closed, the broker holds something else, or the venue has refused one and nothing was filled since.
    pub(super) fn protect(&mut self, instrument: InstrumentId) -> Result<(), Fault> {
        if !self.settings.risk.protect || self.gate.is_flattening() || self.being_closed(instrument).is_some()
        {
            return Ok(());
        }
        let Some(index) = instrument.index().filter(|&index| index < self.refused.len()) else {
            return Ok(());
        };
        let closed = self.closed(instrument).is_some();
        let disputed = self.gate.is_disputed(index);
        if self.refused[index] || closed || disputed || (self.gate.is_live() && !self.gate.links_are_live()) {
            return Ok(());
        }
        let lot = self.settings.instruments[index].lot;
        if self.settings.hedges() {
            for (position, bare) in self.bare(instrument) {
                self.stop(index, bare, bare.abs().round_down_to(lot), position)?;
                if self.refused[index] {
                    break;
                }
            }
            return Ok(());
        }
        let position = self.state.position(instrument);
        let missing = self.unprotected(instrument).round_down_to(lot);
        self.stop(index, position, missing, OrderId::NONE)
    }

    /// Places a stop for `missing` of a position, which a hedging account names.
    fn stop(
        &mut self,
        index: usize,
        position: Quantity,
        missing: Quantity,
        named: OrderId,
    ) -> Result<(), Fault> {
        if missing == Quantity::ZERO {
            return Ok(());
        }
        let instrument = InstrumentId(index as u32 + 1);
        let side = closing_side(position);
        let Some(price) = self.state.price(instrument, side) else { return Ok(()) };
        let tick = self.settings.instruments[index].tick.0.max(1);
        let trigger = self.risk.distance_at(index, price).map(|distance| {
            let away = price.0.saturating_sub(distance.0.saturating_mul(position.signum()));
            // Farther off by less than a tick, and never at nothing.
            let away = on_tick(Price(away.clamp(-FIXED_MAX, FIXED_MAX)), Price(tick), side);
            away.clamp(Price(tick), Price(FIXED_MAX / tick * tick))
        });
        let Some(trigger) = trigger else { return self.no_stop(index, missing) };
        let because = format!("no stop rests for {missing}: one at the risk distance from {price}");
        let mut order = NewOrder::new(side, OrderKind::Stop { trigger }, missing);
        order.reduce_only = true;
        let list = Box::new(OrderList { instrument, link: None, orders: vec![order] });
        let number = self.state.orders.next_id();
        let action = match named {
            OrderId::NONE => Action::Place(list),
            position => Action::Close { position, list },
        };
        let (cause, actions) = (self.header.sequence, vec![action]);
        self.decide_as(PROTECTION, instrument, cause, &because, actions)?;
        let denied = self.state.orders.get(number).is_none_or(|record| record.status == Status::Denied);
        if denied { self.no_stop(index, missing) } else { Ok(()) }
    }

    /// The same for every instrument.
    pub(super) fn protect_all(&mut self) -> Result<(), Fault> {
        if !self.settings.risk.protect {
            return Ok(());
        }
        (1..=self.state.markets.len() as u32).try_for_each(|number| self.protect(InstrumentId(number)))
    }

    /// The venue is about to be heard refusing an order: where it was to protect a position, no other is tried. Whose.
    pub(super) fn hold_protection(&mut self, order: OrderId) -> Option<usize> {
        let record = self.state.orders.get(order).filter(|record| record.protects())?;
        let index = record.instrument.index().filter(|_| self.settings.risk.protect)?;
        (!std::mem::replace(self.refused.get_mut(index)?, true)).then_some(index)
    }

    /// What a broker takes off the market by itself is no better than refused.
    pub(super) fn on_cancelled(&mut self, input: &Event, closed: &OrderClosed) -> Result<(), Fault> {
        let by_broker = closed.reason == CloseReason::Broker;
        let held = if by_broker { self.hold_protection(closed.order) } else { None };
        self.on_answer(input, closed.order, Happening::Cancel)?;
        held.map_or(Ok(()), |index| self.say_unprotected(index))
    }

    /// It was heard: what is unprotected now is said.
    pub(super) fn say_unprotected(&mut self, index: usize) -> Result<(), Fault> {
        self.refused[index] = false;
        let missing = self.unprotected(InstrumentId(index as u32 + 1));
        if missing == Quantity::ZERO { Ok(()) } else { self.no_stop(index, missing) }
    }

    fn no_stop(&mut self, index: usize, quantity: Quantity) -> Result<(), Fault> {
        if std::mem::replace(&mut self.refused[index], true) {
            return Ok(());
        }
        let instrument = InstrumentId(index as u32 + 1);
        let alert = Fact::AlertRaised(Box::new(AlertRaised::NoStop { quantity }));
        self.emit(instrument, self.header.sequence, alert)?;
        Ok(())
    }

    /// Something is new: a stop may be tried again.
    pub(super) fn may_protect_again(&mut self, instrument: InstrumentId) {
        if let Some(refused) = instrument.index().and_then(|index| self.refused.get_mut(index)) {
            *refused = false;
        }
    }
}
