//! What follows from the venue's answers: orders move along their table, fills are booked.

use super::*;

impl Engine {
    pub(super) fn on_answer(
        &mut self,
        input: &Event,
        order: OrderId,
        happening: Happening,
    ) -> Result<(), Fault> {
        if let Err(error) = self.state.orders.advance(order, happening) {
            return self.impossible(order, error);
        }
        self.after_answer(input)
    }

    pub(super) fn on_fill(&mut self, input: &Event, fill: &Fill) -> Result<(), Fault> {
        self.counts.fills += 1;
        let Some(record) = self.state.orders.get(fill.order) else {
            return self.impossible(fill.order, OrderError::Unknown(fill.order));
        };
        let index = record.instrument.index().expect("an order has an instrument");
        let (strategy, effect) = (record.strategy, record.effect());
        self.may_protect_again(input.header.instrument);
        // Money has moved whatever the order's state: a fill that comes late is booked, and said.
        if let Err(error) = self.state.orders.fill(fill.order, fill.quantity) {
            self.impossible(fill.order, error)?;
        }
        let rate = self.state.account.rate_of(index, fill)?;
        self.state.account.fill(index, fill, effect, rate)?;
        self.state.attribution.fill(index, strategy, fill, rate)?;
        self.risk.filled(index, fill.side, self.state.now);
        if let Some(next) = &mut self.takeover {
            next.risk.filled(index, fill.side, self.state.now);
        }
        self.after_answer(input)
    }

    pub(super) fn is_part_filled(&self, order: OrderId) -> bool {
        self.state.orders.get(order).is_some_and(|order| order.filled > Quantity::ZERO)
    }

    pub(super) fn on_replaced(&mut self, input: &Event, replaced: &OrderReplaced) -> Result<(), Fault> {
        let happening = match replaced.reason {
            ReplaceReason::Requested => {
                Happening::Replace { part_filled: self.is_part_filled(replaced.order) }
            }
            ReplaceReason::SiblingFilled
            | ReplaceReason::ParentEnded
            | ReplaceReason::PositionShrank
            | ReplaceReason::Split
            | ReplaceReason::BooksCompared => Happening::Adjust,
        };
        let change = Some((replaced.kind, replaced.quantity));
        match self.state.orders.replaced(replaced.order, happening, change) {
            Ok(_) => self.after_answer(input),
            Err(error) => self.impossible(replaced.order, error),
        }
    }

    pub(super) fn after_answer(&mut self, input: &Event) -> Result<(), Fault> {
        if self.gate.is_flattening() {
            self.close_positions()?;
        }
        // What was refused is tried again when the market moves, not at once.
        if self.margin.as_ref().is_some_and(Margin::is_closing_any)
            && !matches!(input.fact, Fact::OrderRejected(_))
        {
            self.watch_margin()?;
        }
        let instrument = input.header.instrument;
        self.clear_due();
        let owner = self.owner(&input.fact);
        Seat::show(&mut self.seats, &self.state, input, instrument, Moment::Answer, owner);
        self.decide_due()?;
        self.protect(instrument)
    }
}
