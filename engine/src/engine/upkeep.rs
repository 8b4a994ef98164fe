//! What is said and done without a decision of the strategy: financing at rollovers, changes of regime, margin calls.

use super::live::close_at_market;
use super::protection::closing_side;
use super::*;
use crate::risk::Request;
use crate::rollover::Passed;

impl Engine {
    /// Charges what was held over the rollovers that passed.
    #[inline]
    pub(super) fn roll_over(&mut self, input: &Event) -> Result<(), Fault> {
        match &self.rollover {
            Some(rollover) if rollover.is_due(self.state.now) => self.charge(input),
            _ => Ok(()),
        }
    }

    #[cold]
    fn charge(&mut self, input: &Event) -> Result<(), Fault> {
        let Some(passed) = self.rollover.as_mut().and_then(|rollover| rollover.pass(self.state.now)) else {
            return Ok(());
        };
        for index in 0..self.state.markets.len() {
            if self.state.account.tickets().is_none() {
                let held = self.state.account.positions[index].quantity;
                self.charge_position(input, passed, index, (OrderId::NONE, held))?;
                continue;
            }
            for place in 0..self.state.account.tickets_of(index).len() {
                let ticket = self.state.account.tickets_of(index)[place];
                self.charge_position(input, passed, index, (ticket.order, ticket.quantity))?;
            }
        }
        Ok(())
    }

    fn charge_position(
        &mut self,
        input: &Event,
        passed: Passed,
        index: usize,
        held: (OrderId, Quantity),
    ) -> Result<(), Fault> {
        let State { account, markets, .. } = &self.state;
        let Some(rollover) = &self.rollover else { return Ok(()) };
        let charged = rollover.charge(passed, index, held, account, markets, &self.settings);
        let Some(charged) = charged else { return Ok(()) };
        self.state.account.charge(&charged)?;
        let instrument = InstrumentId(index as u32 + 1);
        self.emit(instrument, input.header.sequence, Fact::FinancingCharged(Box::new(charged)))?;
        Ok(())
    }

    /// Says which markets are in another regime than before the sample.
    #[cold]
    pub(super) fn tell_regimes(&mut self, input: &Event) -> Result<(), Fault> {
        for index in 0..self.state.markets.len() {
            if let Some(next) = &mut self.takeover {
                next.risk.regime_changed(index);
            }
            if let Some(change) = self.risk.regime_changed(index) {
                let instrument = InstrumentId(index as u32 + 1);
                self.emit(instrument, input.header.sequence, Fact::RegimeChanged(Box::new(change)))?;
            }
        }
        Ok(())
    }

    /// Looks whether the account can hold its positions, and closes what it cannot.
    pub(super) fn watch_margin(&mut self) -> Result<(), Fault> {
        if self.gate.is_flattening() {
            // Everything is being closed.
            return Ok(());
        }
        let State { account, markets, closed, .. } = &self.state;
        let waits = self.settings.venue.when_closed == WhenClosed::Queue;
        let Some(margin) = &mut self.margin else { return Ok(()) };
        // Where nothing is decided any more, nothing is closed either.
        let halted = self.halted;
        let is_open = |index: usize| !halted && (waits || !closed[index]);
        let said = margin.look(account, markets, &self.settings.instruments, is_open);
        let input = self.header.sequence;
        let mut cause = input;
        for alert in said.into_iter().flatten() {
            cause = self.emit(InstrumentId::NONE, input, Fact::AlertRaised(Box::new(alert)))?;
        }
        self.close_for_margin(cause)
    }

    /// Closes, at market, the positions that were chosen. What works in their instruments is cancelled first, so that
    /// nothing is sold twice. Who killed the session left its positions as they are.
    fn close_for_margin(&mut self, cause: Sequence) -> Result<(), Fault> {
        if self.halted {
            return Ok(());
        }
        let mut actions = Vec::new();
        for index in 0..self.state.markets.len() {
            let Some(margin) = self.margin.as_mut().filter(|margin| margin.is_closing(index)) else {
                continue;
            };
            let instrument = InstrumentId(index as u32 + 1);
            if self.settings.hedges() {
                self.close_chosen(index, &mut actions);
                continue;
            }
            let held = self.state.account.positions[index].quantity;
            let quantity = held.abs().round_down_to(self.settings.instruments[index].lot);
            if quantity == Quantity::ZERO {
                margin.closed(index);
                continue;
            }
            if !self.gate.is_open(instrument) || self.closed(instrument).is_some() {
                continue;
            }
            let mut works = false;
            for (order, record) in self.state.orders.working() {
                if record.instrument != instrument {
                    continue;
                }
                works = true;
                if record.kind != OrderKind::Market && record.status.after(Happening::AskCancel).is_some() {
                    actions.push(Action::Cancel { order });
                }
            }
            let side = closing_side(held);
            if !works
                && !self.is_denied_still(index, Request::new(instrument, side, OrderKind::Market, quantity))
            {
                let (kind, time_in_force) = (OrderKind::Market, TimeInForce::Gtc);
                actions.push(Action::Submit { instrument, side, kind, time_in_force, quantity });
            }
        }
        if actions.is_empty() {
            return Ok(());
        }
        self.closes_for_margin = true;
        let (instrument, because) = (self.header.instrument, "stop-out: close the largest losses");
        let before = self.output.events.len();
        let decided = self.decide_as(MARGIN, instrument, cause, because, actions);
        self.closes_for_margin = false;
        decided?;
        let Some(margin) = &mut self.margin else { return Ok(()) };
        for event in &self.output.events[before..] {
            let denied = match &event.fact {
                Fact::OrderSubmitted(_) => None,
                Fact::OrderDenied(denied) => Some(denied.rule),
                _ => continue,
            };
            if let Some(index) = event.header.instrument.index() {
                margin.answered(index, denied);
            }
        }
        Ok(())
    }

    /// Whether an order that closes would be denied now by the rule that denied the last one: then nothing has changed
    /// that could let it through, and saying so again at every event would only fill the journal.
    fn is_denied_still(&self, index: usize, request: Request) -> bool {
        let last = self.margin.as_ref().and_then(|margin| margin.denied(index));
        last.is_some_and(|rule| self.rule_against(request) == Some(rule))
    }

    /// The same for the positions of a hedging account that were chosen. What only closes others of them, or none,
    /// works on.
    fn close_chosen(&mut self, index: usize, actions: &mut Vec<Action>) {
        let Some(margin) = &mut self.margin else { return };
        let instrument = InstrumentId(index as u32 + 1);
        let lot = self.settings.instruments[index].lot;
        let chosen = self.state.account.tickets_of(index).iter().filter(|one| margin.is_chosen(one.order));
        let closes: Vec<(OrderId, Action)> = chosen
            .filter_map(|ticket| Some((ticket.order, close_at_market(instrument, ticket, lot)?)))
            .collect();
        if closes.is_empty() {
            margin.closed(index);
            return;
        }
        let waits = self.settings.venue.when_closed == WhenClosed::Queue;
        if !self.gate.is_open(instrument) || (self.state.closed[index] && !waits) {
            return;
        }
        for (position, close) in closes {
            let mut works = false;
            for (order, record) in self.state.orders.working() {
                let concerns = match record.effect() {
                    PositionEffect::Open | PositionEffect::CloseEarliest => true,
                    PositionEffect::Close(closes) => closes == position,
                };
                if record.instrument != instrument || !concerns {
                    continue;
                }
                works = true;
                let cancel = Action::Cancel { order };
                if record.kind != OrderKind::Market
                    && record.status.after(Happening::AskCancel).is_some()
                    && !actions.contains(&cancel)
                {
                    actions.push(cancel);
                }
            }
            let denied = |ticket: &Ticket| {
                let (side, quantity) =
                    (closing_side(ticket.quantity), ticket.quantity.abs().round_down_to(lot));
                let mut request = Request::new(instrument, side, OrderKind::Market, quantity);
                (request.reduce_only, request.closes) = (true, position);
                self.is_denied_still(index, request)
            };
            let tickets = self.state.account.tickets();
            if !works && !tickets.and_then(|all| all.get(index, position)).is_some_and(denied) {
                actions.push(close);
            }
        }
    }

    /// The rule that lets nobody else trade what is being closed for want of margin.
    pub(super) fn being_closed(&self, instrument: InstrumentId) -> Option<Rule> {
        let margin =
            self.margin.as_ref().filter(|_| !self.closes_for_margin && !self.gate.is_flattening())?;
        margin.is_closing(instrument.index()?).then_some(Rule::MarginCall)
    }

    /// What equity would have to be for anything to be opened, while the account is called.
    pub(super) fn margin_lacking(&self) -> Option<Money> {
        let State { account, markets, .. } = &self.state;
        self.margin.as_ref()?.lacking(account, markets, &self.settings.instruments)
    }
}
