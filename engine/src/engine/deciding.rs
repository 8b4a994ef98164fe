//! From what is due to a decision: features are read, the strategy is asked, its proposal is journaled and carried out.

use super::*;

impl Engine {
    /// Decides for all that are due, in the order in which they came due. What is computed for all of them at once
    /// comes before the first decision, which changes nothing that it depends on.
    #[inline]
    pub(super) fn decide_due(&mut self) -> Result<(), Fault> {
        if self.due.is_empty() || self.halted { Ok(()) } else { self.decide_all() }
    }

    fn decide_all(&mut self) -> Result<(), Fault> {
        self.read_features();
        self.strategy.prepare(&self.due, &self.state);
        let decided = (0..self.due.len()).try_for_each(|turn| self.decide(self.due[turn]));
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

    fn decide(&mut self, instrument: InstrumentId) -> Result<(), Fault> {
        if self.halted {
            return Ok(());
        }
        if !self.gate.is_open(instrument) {
            self.gate.wait(instrument);
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
        self.strategy.decide(&self.state, &mut proposal);
        let result = self.carry_out(instrument, equity, &mut proposal);
        self.proposal = proposal;
        result
    }

    fn carry_out(
        &mut self,
        instrument: InstrumentId,
        equity: Money,
        proposal: &mut Proposal,
    ) -> Result<(), Fault> {
        let mut cause = self.header.sequence;
        if self.columns.count > 0 {
            // A strategy that knows nothing yet says so for each of its own columns.
            proposal.features.resize(self.own_features, None);
            if let RiskDistance::AverageTrueRange { .. } = self.settings.risk.distance {
                let range = instrument.index().and_then(|index| self.risk.range(index));
                proposal.features.push(range.map(|range| range as f32));
            }
            if let Some(row) = instrument.index().and_then(|index| self.rows.get(index)) {
                proposal.features.extend_from_slice(row);
            }
            self.columns.spread(&mut proposal.features);
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
            strategy: self.settings.strategy.kind.clone(),
            actions: proposal.actions.clone(),
            because: proposal.because.clone(),
            evidence: proposal.evidence.clone(),
            equity,
            position: self.state.position(instrument),
        };
        self.counts.decisions += 1;
        let decided = self.emit(instrument, cause, Fact::DecisionMade(Box::new(decision)))?;
        self.forecast = proposal.forecast.map(|forecast| (instrument, forecast));
        let acted = self.act(decided, &proposal.actions);
        self.forecast = None;
        acted
    }

    /// Carries out the actions of a decision, one after the other.
    pub(super) fn act(&mut self, decided: Sequence, actions: &[Action]) -> Result<(), Fault> {
        for action in actions {
            match action {
                Action::Hold => {}
                &Action::Target { instrument, quantity } => {
                    let position = self.state.position_with_working_orders(instrument);
                    // Both lie within half the range of an i64.
                    let change = quantity.0.saturating_sub(position.0);
                    let side = if change >= 0 { Side::Buy } else { Side::Sell };
                    let quantity = self.whole_lots(instrument, Quantity(change.saturating_abs()))?;
                    if quantity > Quantity::ZERO {
                        let order = NewOrder::new(side, OrderKind::Market, quantity);
                        self.submit(decided, instrument, order)?;
                    }
                }
                &Action::Submit { instrument, side, kind, time_in_force, quantity } => {
                    let order = NewOrder::new(side, kind, quantity).during(time_in_force);
                    self.submit(decided, instrument, order)?;
                }
                &Action::Cancel { order } => self.cancel(decided, order)?,
                Action::Place(list) => self.place(decided, list)?,
                &Action::Replace { order, kind, quantity } => self.replace(decided, order, kind, quantity)?,
            }
        }
        Ok(())
    }
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
