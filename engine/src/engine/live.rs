//! What an engine does on the inputs that only a live world has: answers that cannot be, reports of the broker,
//! the operator's commands.

use super::protection::closing_side;
use super::*;

impl Engine {
    /// The venue's no. An order that never arrived leaves a decision undone: it is taken again on what is known by now.
    pub(super) fn on_rejection(&mut self, input: &Event, rejected: &OrderRejected) -> Result<(), Fault> {
        // Where there was nothing to reduce the position has moved meanwhile; what never arrived nobody refused. In
        // both cases what there is now gets another stop.
        let refused = !matches!(rejected.reason, RejectReason::NothingToReduce | RejectReason::NeverArrived);
        let held = if refused { self.hold_protection(rejected.order) } else { None };
        self.on_answer(input, rejected.order, Happening::Reject)?;
        if let Some(index) = held {
            self.say_unprotected(index)?;
        }
        if rejected.reason == RejectReason::NeverArrived && self.gate.is_live() {
            let owner = self.owner(&input.fact);
            // An order of nobody's, such as the operator's, leaves no decision of one among several undone.
            if let Some(turn) = self.seats.iter().position(|seat| seat.id == owner) {
                self.wait(turn, input.header.instrument);
            }
            self.gate_moved()?;
        }
        Ok(())
    }

    /// The order works as far as anybody knows: it keeps its place and its share of every limit.
    pub(super) fn on_unknown(&mut self, input: &Event, order: OrderId) -> Result<(), Fault> {
        match self.state.orders.get(order) {
            Some(_) => self.after_answer(input),
            None => self.impossible(order, OrderError::Unknown(order)),
        }
    }

    /// An answer that the table of states does not have. A simulated venue never gives one, so there it is a fault; a
    /// broker may, and then it is said and changes nothing.
    pub(super) fn impossible(&mut self, order: OrderId, error: OrderError) -> Result<(), Fault> {
        if !self.gate.is_live() {
            return Err(error.into());
        }
        let status = self.state.orders.get(order).map(|record| record.status);
        self.alert(AlertRaised::ImpossibleAnswer { order, status })
    }

    pub(super) fn alert(&mut self, alert: AlertRaised) -> Result<(), Fault> {
        self.emit(self.header.instrument, self.header.sequence, Fact::AlertRaised(Box::new(alert)))?;
        Ok(())
    }

    pub(super) fn on_correction(&mut self, input: &Event, trade: &TradeCorrected) -> Result<(), Fault> {
        let Some(record) = self.state.orders.get(trade.order) else {
            return self.impossible(trade.order, OrderError::Unknown(trade.order));
        };
        let index = record.instrument.index().expect("an order has an instrument");
        // A correction names no rate: the one that holds now is the nearest that is journaled.
        let rate = self.state.account.rate(index, &self.state.markets)?;
        let (strategy, effect) = (record.strategy, record.effect());
        self.state.account.correct(index, trade, effect, rate)?;
        self.state.attribution.correct(index, strategy, trade, rate)?;
        self.after_answer(input)
    }

    pub(super) fn on_account(&mut self, theirs: Money) -> Result<(), Fault> {
        let ours = self.state.account.balance;
        if ours == theirs { Ok(()) } else { self.alert(AlertRaised::BalanceDiffers { ours, theirs }) }
    }

    /// No order leaves for an instrument of which the broker holds something else than we do.
    pub(super) fn on_position(&mut self, input: &Event, theirs: Quantity) -> Result<(), Fault> {
        let index = self.index_of(input.header.instrument)?;
        let ours = self.state.account.positions[index].quantity;
        let news = self.gate.dispute(index, ours != theirs);
        if ours != theirs {
            return self.alert(AlertRaised::PositionDiffers { ours, theirs });
        }
        if news {
            self.alert(AlertRaised::PositionAgrees)?;
        }
        self.gate_moved()
    }

    pub(super) fn on_operator(&mut self, command: OperatorCommand) -> Result<(), Fault> {
        match command {
            OperatorCommand::Pause => self.gate.pause(true),
            OperatorCommand::GoOn => {
                self.gate.pause(false);
                self.gate.flatten(false);
                self.risk.go_on();
                self.refused.fill(false);
                self.gate_moved()?;
            }
            OperatorCommand::Flatten => self.flatten()?,
            OperatorCommand::Kill => {
                self.halt(TradingHalted::Operator)?;
                // Positions stay, and so do the stops that protect them.
                let keep = self.settings.risk.protect;
                let because =
                    if keep { "kill: cancel every order but stops" } else { "kill: cancel every order" };
                self.cancel_all(because, keep)?;
            }
            OperatorCommand::KillAndFlatten => {
                self.halt(TradingHalted::Operator)?;
                self.flatten()?;
            }
            OperatorCommand::Stop => {}
        }
        Ok(())
    }

    /// Decides what waited for the gate, as far as it is open now.
    pub(super) fn gate_moved(&mut self) -> Result<(), Fault> {
        if self.gate.is_flattening() {
            self.close_positions()?;
        }
        while !self.halted
            && let Some(instrument) = self.gate.next_ready()
        {
            self.due_after_waiting(instrument);
            self.decide_due()?;
        }
        self.protect_all()
    }

    /// Cancels every order; positions are closed as the cancels come back, so that nothing is sold twice.
    pub(super) fn flatten(&mut self) -> Result<(), Fault> {
        self.gate.pause(true);
        self.gate.flatten(true);
        self.cancel_all("flatten: cancel every order", false)?;
        self.close_positions()
    }

    fn cancel_all(&mut self, because: &str, keep_stops: bool) -> Result<(), Fault> {
        let open = self.state.orders.working().filter(|(_, record)| {
            // One whose cancel is under way is on its way out.
            record.status.after(Happening::AskCancel).is_some() && !(keep_stops && record.protects())
        });
        let actions: Vec<Action> = open.map(|(order, _)| Action::Cancel { order }).collect();
        if actions.is_empty() { Ok(()) } else { self.operate(because, actions) }
    }

    /// Closes, at market, every position whose instrument has no working order left; in a hedging account each by an
    /// order of its own.
    pub(super) fn close_positions(&mut self) -> Result<(), Fault> {
        if self.gate.is_live() && !self.gate.links_are_live() {
            // Nothing leaves; when the links are live again, this is the first thing that is done.
            return Ok(());
        }
        let mut actions = Vec::new();
        let (mut open, mut closing) = (false, false);
        let hedges = self.settings.hedges();
        for (index, position) in self.state.account.positions.iter().enumerate() {
            let instrument = InstrumentId(index as u32 + 1);
            let working = self.state.orders.working().any(|(_, record)| record.instrument == instrument);
            let lot = self.settings.instruments[index].lot;
            let quantity = position.quantity.abs().round_down_to(lot);
            let tickets = self.state.account.tickets_of(index);
            let nothing = match hedges {
                true => tickets.iter().all(|ticket| close_at_market(instrument, ticket, lot).is_none()),
                false => quantity == Quantity::ZERO,
            };
            closing |= working;
            if working || nothing {
                continue;
            }
            open = true;
            if hedges {
                actions.extend(tickets.iter().filter_map(|ticket| close_at_market(instrument, ticket, lot)));
                continue;
            }
            let side = closing_side(position.quantity);
            actions.push(Action::Submit {
                instrument,
                side,
                kind: OrderKind::Market,
                time_in_force: TimeInForce::Gtc,
                quantity,
            });
        }
        if !open && !closing {
            // Done: nothing works, nothing is held. It stays paused until the operator goes on.
            self.gate.flatten(false);
        }
        if actions.is_empty() { Ok(()) } else { self.operate("flatten: close what is open", actions) }
    }

    /// A decision that the operator made; risk sees its orders as it sees any other.
    fn operate(&mut self, because: &str, actions: Vec<Action>) -> Result<(), Fault> {
        self.decide_as(OPERATOR, self.header.instrument, self.header.sequence, because, actions)
    }

    /// A decision that no strategy made, about an instrument, and what led to it.
    pub(super) fn decide_as(
        &mut self,
        who: &str,
        instrument: InstrumentId,
        cause: Sequence,
        because: &str,
        actions: Vec<Action>,
    ) -> Result<(), Fault> {
        let decision = Decision {
            strategy: who.to_string(),
            actions: actions.clone(),
            because: because.to_string(),
            evidence: Vec::new(),
            equity: self.state.equity(),
            position: self.state.position(instrument),
        };
        self.counts.decisions += 1;
        let decided = self.emit(instrument, cause, Fact::DecisionMade(Box::new(decision)))?;
        self.act(decided, &actions)
    }

    /// The orders of the run.
    pub fn orders(&self) -> &Orders {
        &self.state.orders
    }

    /// The position in an instrument.
    pub fn position(&self, instrument: InstrumentId) -> Quantity {
        self.state.position(instrument)
    }

    /// Cash and positions.
    pub fn account(&self) -> &Account {
        &self.state.account
    }

    /// Whether, and why not, orders may leave.
    pub fn gate(&self) -> &Gate {
        &self.gate
    }

    /// Whether nothing is decided any more.
    pub fn is_halted(&self) -> bool {
        self.halted
    }

    /// The timers that the engine waits for: a world that takes over from another must know.
    pub fn pending_wakes(&self) -> Vec<(TimerId, Timestamp)> {
        self.seats.iter().filter_map(|seat| seat.wake.map(|time| (seat.timer(), time))).collect()
    }

    /// Equity at the last marks.
    pub fn equity(&self) -> Money {
        self.state.equity()
    }
}

/// What closes a position of a hedging account at market; `None` where it holds less than a lot.
pub(super) fn close_at_market(instrument: InstrumentId, ticket: &Ticket, lot: Quantity) -> Option<Action> {
    let quantity = ticket.quantity.abs().round_down_to(lot);
    let order = NewOrder::new(closing_side(ticket.quantity), OrderKind::Market, quantity).reduce_only();
    let list = Box::new(OrderList::single(instrument, order));
    (quantity > Quantity::ZERO).then_some(Action::Close { position: ticket.order, list })
}
