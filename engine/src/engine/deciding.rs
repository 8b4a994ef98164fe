//! From what is due to a decision: features are read, the strategy is asked, its proposal is journaled and carried out.

use super::placing::Means;
use super::*;

impl Engine {
    /// Decides for all that are due, in the order in which they came due. What is computed for all of them at once
    /// comes before the first decision, which changes nothing that it depends on.
    #[inline]
    pub(super) fn decide_due(&mut self) -> Result<(), Fault> {
        if self.halted || self.seats.iter().all(|seat| seat.due.is_empty()) {
            Ok(())
        } else {
            self.decide_all()
        }
    }

    fn decide_all(&mut self) -> Result<(), Fault> {
        self.due.clear();
        for instrument in self.seats.iter().flat_map(|seat| &seat.due) {
            if !self.due.contains(instrument) {
                self.due.push(*instrument);
            }
        }
        self.read_features();
        for seat in &mut self.seats {
            if !seat.due.is_empty() {
                let view = seat.view(&self.state);
                seat.strategy.prepare(&seat.due, &view);
            }
        }
        let mut decided = Ok(());
        for turn in 0..self.seats.len() {
            let due = std::mem::take(&mut self.seats[turn].due);
            decided =
                decided.and_then(|()| due.iter().try_for_each(|instrument| self.decide(turn, *instrument)));
            // The room is kept: deciding costs no allocation.
            self.seats[turn].due = due;
        }
        // Rows are of the decisions of one input: whoever looks later must not find those of an earlier one.
        for index in self.due.iter().filter_map(|instrument| instrument.index()) {
            if let Some(row) = self.state.features.get_mut(index) {
                row.clear();
            }
        }
        decided
    }

    /// Reads the catalogue's rows of those that are due and may decide.
    fn read_features(&mut self) {
        let Some(catalogue) = &mut self.catalogue else { return };
        self.not_a_number = None;
        let first = self.features.len() - catalogue.columns().len();
        for instrument in &self.due {
            let Some(index) = instrument.index() else { continue };
            let Some(row) = self.state.features.get_mut(index) else { continue };
            row.clear();
            if !self.gate.is_open(*instrument) {
                continue;
            }
            match catalogue.read(index, self.state.now) {
                Ok(_) => {
                    catalogue.alter(index, self.header.sequence);
                    catalogue.given(row);
                    self.rows[index].clear();
                    self.rows[index].extend_from_slice(catalogue.last());
                }
                Err(wrong) => {
                    // The run halts at it: whatever comes behind is not decided.
                    self.not_a_number = Some((*instrument, first as u32 + wrong.0));
                    return;
                }
            }
        }
    }

    fn decide(&mut self, turn: usize, instrument: InstrumentId) -> Result<(), Fault> {
        if self.halted {
            return Ok(());
        }
        if !self.gate.is_open(instrument) {
            self.wait(turn, instrument);
            return Ok(());
        }
        self.state.instrument = instrument;
        let equity = self.state.equity();
        if equity <= Money::ZERO {
            return self.halt(TradingHalted::EquityGone);
        }
        if let Some((_, column)) = self.not_a_number.filter(|(wrong, _)| *wrong == instrument) {
            return self.halt(TradingHalted::NotANumber { column });
        }
        let mut proposal = std::mem::take(&mut self.proposal);
        proposal.clear();
        let seat = &mut self.seats[turn];
        let view = seat.view(&self.state);
        seat.strategy.decide(&view, &mut proposal);
        let result = self.carry_out(turn, instrument, equity, &mut proposal);
        self.proposal = proposal;
        result
    }

    fn carry_out(
        &mut self,
        turn: usize,
        instrument: InstrumentId,
        equity: Money,
        proposal: &mut Proposal,
    ) -> Result<(), Fault> {
        let mut cause = self.header.sequence;
        let seat = &mut self.seats[turn];
        if seat.columns.count > 0 {
            // A strategy that knows nothing yet says so for each of its own columns.
            proposal.features.resize(seat.own_features, None);
            if let RiskDistance::AverageTrueRange { .. } = self.settings.risk.distance {
                let range = instrument.index().and_then(|index| self.risk.range(index));
                proposal.features.push(range.map(|range| range as f32));
            }
            if let Some(row) = instrument.index().and_then(|index| self.rows.get(index)) {
                proposal.features.extend_from_slice(row);
            }
            seat.columns.spread(&mut proposal.features);
            match vector(&proposal.features) {
                Ok(features) => {
                    cause = self.emit(instrument, cause, Fact::FeaturesComputed(Box::new(features)))?
                }
                Err(column) => return self.halt(TradingHalted::NotANumber { column }),
            }
        }
        if let Some(column) = proposal.evidence.iter().position(|evidence| !evidence.value.is_finite()) {
            return self.halt(TradingHalted::NotANumber { column: column as u32 });
        }
        if proposal.forecast.is_some_and(|forecast| !forecast.is_finite()) {
            return self.halt(TradingHalted::NotANumber { column: proposal.evidence.len() as u32 });
        }
        let decision = Decision {
            strategy: self.seats[turn].name.clone(),
            actions: proposal.actions.clone(),
            because: proposal.because.clone(),
            evidence: proposal.evidence.clone(),
            equity,
            position: self.seats[turn].view(&self.state).position(instrument),
        };
        self.counts.decisions += 1;
        let decided = self.emit(instrument, cause, Fact::DecisionMade(Box::new(decision)))?;
        self.forecast = proposal.forecast.map(|forecast| (instrument, forecast));
        self.acting = self.seats[turn].id;
        let acted = self.act(decided, &proposal.actions);
        (self.forecast, self.acting) = (None, StrategyId::NONE);
        acted
    }

    /// Keeps a decision until the gate opens.
    pub(super) fn wait(&mut self, turn: usize, instrument: InstrumentId) {
        self.gate.wait(instrument);
        let several = !self.settings.strategies.is_empty();
        let waiting = &mut self.seats[turn].waiting;
        if several && !waiting.contains(&instrument) {
            waiting.push(instrument);
        }
    }

    /// The gate is open for an instrument: whoever waited for it is due.
    pub(super) fn due_after_waiting(&mut self, instrument: InstrumentId) {
        self.clear_due();
        let several = !self.settings.strategies.is_empty();
        for seat in &mut self.seats {
            let waited = seat.waiting.iter().position(|waiting| *waiting == instrument);
            waited.map(|place| seat.waiting.remove(place));
            if waited.is_some() || !several {
                seat.due.push(instrument);
            }
        }
    }

    /// The position from which a target is reached: one's own, where several strategies share the account.
    fn position_wanted_from(&self, instrument: InstrumentId) -> Quantity {
        match self.acting.index().and_then(|index| self.seats.get(index)) {
            Some(seat) => seat.view(&self.state).position_with_working_orders(instrument),
            None => self.state.position_with_working_orders(instrument),
        }
    }

    /// Whether an order is of another strategy than the one that decides.
    fn is_anothers(&self, order: OrderId) -> bool {
        let of = self.state.orders.get(order).map(|record| record.strategy);
        !self.acting.is_none() && of.is_some_and(|of| of != self.acting)
    }

    /// Carries out the actions of a decision, one after the other.
    pub(super) fn act(&mut self, decided: Sequence, actions: &[Action]) -> Result<(), Fault> {
        for action in actions {
            match action {
                Action::Hold => {}
                &Action::Target { instrument, quantity } => {
                    let position = self.position_wanted_from(instrument);
                    // Both lie within half the range of an i64.
                    let change = quantity.0.saturating_sub(position.0);
                    let side = if change >= 0 { Side::Buy } else { Side::Sell };
                    let quantity = self.whole_lots(instrument, Quantity(change.saturating_abs()))?;
                    if quantity > Quantity::ZERO {
                        let order = NewOrder::new(side, OrderKind::Market, quantity);
                        self.submit(decided, instrument, order, Means::Net)?;
                    }
                }
                &Action::Submit { instrument, side, kind, time_in_force, quantity } => {
                    let order = NewOrder::new(side, kind, quantity).during(time_in_force);
                    self.submit(decided, instrument, order, Means::Net)?;
                }
                // The orders of others are left alone.
                &(Action::Cancel { order } | Action::Replace { order, .. }) if self.is_anothers(order) => {}
                &Action::Cancel { order } => self.cancel(decided, order)?,
                Action::Place(list) => self.place(decided, list, Means::Net)?,
                Action::Open(list) => self.place(decided, list, Means::Open)?,
                Action::Close { position, list } if self.settings.hedges() => {
                    self.place(decided, &only_closing(list), Means::Close(*position))?;
                }
                Action::Close { list, .. } => self.place(decided, &only_closing(list), Means::Net)?,
                &Action::Replace { order, kind, quantity } => self.replace(decided, order, kind, quantity)?,
            }
        }
        Ok(())
    }
}

/// The same orders, reduce-only.
fn only_closing(list: &OrderList) -> OrderList {
    let orders = list.orders.iter().map(|order| NewOrder { reduce_only: true, ..*order }).collect();
    OrderList { orders, ..*list }
}

/// Values with their validity bits; the index of the first NaN or infinity instead.
fn vector(columns: &[Option<f32>]) -> Result<Features, u32> {
    let mut features =
        Features { values: Vec::with_capacity(columns.len()), valid: vec![0; columns.len().div_ceil(64)] };
    for (index, column) in columns.iter().enumerate() {
        if let Some(value) = column {
            if !value.is_finite() {
                return Err(index as u32);
            }
            features.valid[index / 64] |= 1 << (index % 64);
        }
        features.values.push(column.unwrap_or(0.0));
    }
    Ok(features)
}
