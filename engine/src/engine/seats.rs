//! Who decides: the one strategy of a run, or several that share its account, each at its own trigger, about its own
//! instruments, seeing what it holds itself.

use super::*;
use crate::order::Orders;
use crate::units::Ratio;

/// A strategy and when it decides about what.
pub(super) struct Seat {
    /// Its number; none where it is the only one.
    pub id: StrategyId,
    /// As decisions name it.
    pub name: String,
    pub strategy: Box<dyn Strategy>,
    pub trigger: Trigger,
    /// How many columns of the feature vector are its own.
    pub own_features: usize,
    /// Which of them it fills.
    pub columns: Columns,
    /// What it trades; empty for every instrument.
    instruments: Vec<InstrumentId>,
    /// The share of equity that it sees as its own; all where it is the only one.
    budget: Option<Ratio>,
    /// The instruments for which a decision is due.
    pub due: Vec<InstrumentId>,
    /// Those whose decision waits for the gate, where there are several strategies.
    pub waiting: Vec<InstrumentId>,
    /// When the trigger's timer is due, once it is set.
    pub wake: Option<Timestamp>,
}

/// When a strategy is shown something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Moment {
    /// A market event, the run's so many'th; whether it is a finished bar.
    Tick { count: u64, bar: bool },
    /// A bar built from ticks ended.
    BarClosed,
    /// Something that is no market data.
    Answer,
    /// Something about no instrument.
    Outside,
}

impl Moment {
    /// Whether a strategy decides now.
    #[inline]
    fn is_due(self, trigger: Trigger, signal: bool) -> bool {
        match (trigger, self) {
            (_, Moment::Outside) | (Trigger::Every(_), _) => false,
            (Trigger::OnSignal, _) => signal,
            (Trigger::BarClose, moment) => {
                matches!(moment, Moment::BarClosed | Moment::Tick { bar: true, .. })
            }
            (Trigger::EveryTick, moment) => matches!(moment, Moment::Tick { .. }),
            (Trigger::EveryNTicks(n), Moment::Tick { count, .. }) => {
                count.is_multiple_of(u64::from(n.max(1)))
            }
            (Trigger::EveryNTicks(_), Moment::BarClosed | Moment::Answer) => false,
        }
    }
}

impl Seat {
    /// The one strategy of a run.
    pub fn alone(settings: &Settings, strategy: Box<dyn Strategy>, columns: Columns) -> Seat {
        let own_features = strategy.features().len();
        Seat {
            id: StrategyId::NONE,
            name: settings.strategy.kind.clone(),
            strategy,
            trigger: settings.trigger,
            own_features,
            columns,
            instruments: Vec::new(),
            budget: None,
            due: Vec::with_capacity(settings.instruments.len()),
            waiting: Vec::new(),
            wake: None,
        }
    }

    /// One of several.
    pub fn shared(
        id: StrategyId,
        settings: &Settings,
        shared: &SharedSettings,
        strategy: Box<dyn Strategy>,
        columns: Columns,
    ) -> Seat {
        Seat {
            id,
            name: shared.name.clone(),
            trigger: shared.trigger,
            instruments: shared.instruments.clone(),
            budget: Some(shared.budget),
            ..Seat::alone(settings, strategy, columns)
        }
    }

    /// Whether it decides about an instrument.
    #[inline]
    pub fn trades(&self, instrument: InstrumentId) -> bool {
        self.instruments.is_empty() || self.instruments.contains(&instrument)
    }

    /// The timer of its trigger.
    pub fn timer(&self) -> TimerId {
        TimerId(TRIGGER_TIMER.0 + self.id.0.saturating_sub(1))
    }

    /// What it may look at.
    pub fn view<'a>(&self, state: &'a State) -> Seen<'a> {
        Seen { state, strategy: self.id, budget: self.budget }
    }

    /// Shows all of them something that concerns this instrument; those that decide now are due. An answer to an order
    /// is for the one whose order it is.
    #[inline]
    pub fn show(
        seats: &mut [Seat],
        state: &State,
        event: &Event,
        instrument: InstrumentId,
        moment: Moment,
        owner: StrategyId,
    ) {
        for seat in seats {
            if owner != StrategyId::NONE && owner != seat.id {
                continue;
            }
            let view = Seen { state, strategy: seat.id, budget: seat.budget };
            let signal = seat.strategy.update(event, &view);
            if moment.is_due(seat.trigger, signal)
                && seat.trades(instrument)
                && !seat.due.contains(&instrument)
            {
                seat.due.push(instrument);
            }
        }
    }
}

/// What a strategy may look at: everything, but of positions and equity its own.
pub(super) struct Seen<'a> {
    state: &'a State,
    strategy: StrategyId,
    budget: Option<Ratio>,
}

impl View for Seen<'_> {
    fn now(&self) -> Timestamp {
        self.state.now
    }

    fn instrument(&self) -> InstrumentId {
        self.state.instrument
    }

    fn quote(&self, instrument: InstrumentId) -> Option<Quote> {
        self.state.quote(instrument)
    }

    fn price(&self, instrument: InstrumentId, side: Side) -> Option<Price> {
        self.state.price(instrument, side)
    }

    fn book(&self, instrument: InstrumentId) -> Option<&Book> {
        self.state.book(instrument)
    }

    fn position(&self, instrument: InstrumentId) -> Quantity {
        match (self.budget, instrument.index()) {
            (Some(_), Some(index)) => self.state.attribution.position(self.strategy, index),
            _ => self.state.position(instrument),
        }
    }

    fn tickets(&self, instrument: InstrumentId) -> &[Ticket] {
        self.state.tickets(instrument)
    }

    fn position_with_working_orders(&self, instrument: InstrumentId) -> Quantity {
        if self.budget.is_none() {
            return self.state.position_with_working_orders(instrument);
        }
        let [bought, sold] = self.state.orders.working_by(self.strategy, instrument);
        self.position(instrument) + bought + sold
    }

    fn equity(&self) -> Money {
        let equity = self.state.equity();
        self.budget.map_or(equity, |budget| equity.times(budget))
    }

    fn instruments(&self) -> u32 {
        self.state.instruments()
    }

    fn orders(&self) -> &Orders {
        &self.state.orders
    }

    fn strategy(&self) -> StrategyId {
        self.strategy
    }

    fn is_open(&self, instrument: InstrumentId) -> bool {
        self.state.is_open(instrument)
    }

    fn features_of(&self, instrument: InstrumentId) -> &[Option<f32>] {
        self.state.features_of(instrument)
    }
}

impl Engine {
    /// Whose order an answer is about, where several strategies share the account.
    pub(super) fn owner(&self, fact: &Fact) -> StrategyId {
        if self.settings.strategies.is_empty() {
            return StrategyId::NONE;
        }
        let order = match fact {
            Fact::OrderAccepted(notice) | Fact::CancelRejected(notice) | Fact::OrderUnknown(notice) => {
                notice.order
            }
            Fact::OrderRejected(rejected) | Fact::ReplaceRejected(rejected) => rejected.order,
            Fact::OrderFilled(fill) => fill.order,
            Fact::OrderCancelled(closed) | Fact::OrderExpired(closed) => closed.order,
            Fact::OrderTriggered(triggered) => triggered.order,
            Fact::OrderReplaced(replaced) => replaced.order,
            Fact::TradeCorrected(trade) => trade.order,
            _ => return StrategyId::NONE,
        };
        self.state.orders.get(order).map_or(StrategyId::NONE, |record| record.strategy)
    }

    /// Nothing is due.
    #[inline]
    pub(super) fn clear_due(&mut self) {
        self.seats.iter_mut().for_each(|seat| seat.due.clear());
    }

    /// What each strategy holds, where several share the account.
    pub fn attribution(&self) -> &Attribution {
        &self.state.attribution
    }
}

/// The strategies of these settings, the names of the feature vector's columns, and what comes behind the strategies'
/// own among them.
pub(super) fn shared(
    settings: &Settings,
    registry: &Registry,
    catalogue: &[String],
) -> Result<(Vec<Seat>, Vec<String>), SettingsError> {
    // What is not a strategy's own stands last, as in a run of one.
    let mut made = Vec::new();
    let (mut names, mut behind) = (Vec::new(), Vec::new());
    for shared in &settings.strategies {
        let alone =
            Settings { trigger: shared.trigger, strategy: shared.strategy.clone(), ..settings.clone() };
        let (strategy, mut columns) = make(&alone, registry)?;
        let own = strategy.features().len();
        behind = columns.split_off(own);
        let prefix = settings.prefix_of(&shared.name);
        columns.iter_mut().for_each(|column| column.insert_str(0, &prefix));
        names.extend(columns.iter().cloned());
        made.push((strategy, columns));
    }
    behind.extend(catalogue.iter().cloned());
    names.extend(behind.iter().cloned());
    let mut seats = Vec::with_capacity(made.len());
    for (((strategy, mut columns), shared), number) in made.into_iter().zip(&settings.strategies).zip(1..) {
        columns.extend(behind.iter().cloned());
        let columns = Columns::among(&columns, &mut names);
        seats.push(Seat::shared(StrategyId(number), settings, shared, strategy, columns));
    }
    Ok((seats, names))
}
