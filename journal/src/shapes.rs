//! The shapes that some rare facts have in an archive: those of the first build that wrote it. `of` gives a fact's
//! shape, or `None` where the fact says more than the shape can hold.

// rkyv's derive makes undocumented companions of enums with named fields.
#![allow(missing_docs)]

use genovo_engine::event::*;
use genovo_engine::ids::{InstrumentId, OrderId, StrategyId};
use genovo_engine::order::Status;
use genovo_engine::settings::{Commission, Instrument};
use genovo_engine::units::{Money, Price, Quantity, Ratio};

/// An instrument in the account's currency.
#[derive(rkyv::Archive, rkyv::Serialize, rkyv::Deserialize)]
pub struct InstrumentRow {
    symbol: String,
    tick: Price,
    lot: Quantity,
    multiplier: Quantity,
    margin_initial: Ratio,
    margin_maintenance: Ratio,
    commission: Commission,
}

impl InstrumentRow {
    /// The shape of an instrument.
    pub fn of(instrument: &Instrument) -> Option<InstrumentRow> {
        let Instrument {
            symbol,
            tick,
            lot,
            multiplier,
            margin_initial,
            margin_maintenance,
            commission,
            currency: None,
        } = instrument
        else {
            return None;
        };
        Some(InstrumentRow {
            symbol: symbol.clone(),
            tick: *tick,
            lot: *lot,
            multiplier: *multiplier,
            margin_initial: *margin_initial,
            margin_maintenance: *margin_maintenance,
            commission: *commission,
        })
    }

    /// The instrument.
    pub fn into_fact(self) -> Instrument {
        let InstrumentRow { symbol, tick, lot, multiplier, margin_initial, margin_maintenance, commission } =
            self;
        Instrument {
            symbol,
            tick,
            lot,
            multiplier,
            margin_initial,
            margin_maintenance,
            commission,
            currency: None,
        }
    }
}

/// Market, limit or stop.
#[derive(rkyv::Archive, rkyv::Serialize, rkyv::Deserialize)]
enum KindRow {
    Market,
    Limit { price: Price },
    Stop { trigger: Price },
}

impl KindRow {
    fn of(kind: OrderKind) -> Option<KindRow> {
        match kind {
            OrderKind::Market => Some(KindRow::Market),
            OrderKind::Limit { price } => Some(KindRow::Limit { price }),
            OrderKind::Stop { trigger } => Some(KindRow::Stop { trigger }),
            OrderKind::StopLimit { .. } | OrderKind::TrailingStop { .. } => None,
        }
    }

    fn into_kind(self) -> OrderKind {
        match self {
            KindRow::Market => OrderKind::Market,
            KindRow::Limit { price } => OrderKind::Limit { price },
            KindRow::Stop { trigger } => OrderKind::Stop { trigger },
        }
    }
}

/// An order without terms.
#[derive(rkyv::Archive, rkyv::Serialize, rkyv::Deserialize)]
pub struct OrderRow {
    order: OrderId,
    side: Side,
    kind: KindRow,
    time_in_force: TimeInForce,
    quantity: Quantity,
    bid: Option<Price>,
    ask: Option<Price>,
    position: Quantity,
}

impl OrderRow {
    /// The shape of an order.
    pub fn of(order: &Order) -> Option<OrderRow> {
        let &Order {
            order,
            side,
            kind,
            time_in_force,
            quantity,
            bid,
            ask,
            position,
            terms,
            strategy,
            closes,
        } = order;
        let plain = terms.is_plain() && strategy.is_none() && closes.is_none();
        let kind = KindRow::of(kind).filter(|_| plain)?;
        Some(OrderRow { order, side, kind, time_in_force, quantity, bid, ask, position })
    }

    /// The order.
    pub fn into_fact(self) -> Order {
        let OrderRow { order, side, kind, time_in_force, quantity, bid, ask, position } = self;
        let (kind, terms) = (kind.into_kind(), Terms::default());
        let (strategy, closes) = (StrategyId::NONE, OrderId::NONE);
        Order { order, side, kind, time_in_force, quantity, bid, ask, position, terms, strategy, closes }
    }
}

/// A fill in the account's currency.
#[derive(rkyv::Archive, rkyv::Serialize, rkyv::Deserialize)]
pub struct FillRow {
    order: OrderId,
    side: Side,
    price: Price,
    quantity: Quantity,
    remaining: Quantity,
    liquidity: Liquidity,
    commission: Money,
    bid: Option<Price>,
    ask: Option<Price>,
}

impl FillRow {
    /// The shape of a fill.
    pub fn of(fill: &Fill) -> Option<FillRow> {
        let &Fill { order, side, price, quantity, remaining, liquidity, commission, bid, ask, rate: None } =
            fill
        else {
            return None;
        };
        Some(FillRow { order, side, price, quantity, remaining, liquidity, commission, bid, ask })
    }

    /// The fill.
    pub fn into_fact(self) -> Fill {
        let FillRow { order, side, price, quantity, remaining, liquidity, commission, bid, ask } = self;
        Fill { order, side, price, quantity, remaining, liquidity, commission, bid, ask, rate: None }
    }
}

/// Hold, target, submit or cancel.
#[derive(rkyv::Archive, rkyv::Serialize, rkyv::Deserialize)]
enum ActionRow {
    Hold,
    Target {
        instrument: InstrumentId,
        quantity: Quantity,
    },
    Submit {
        instrument: InstrumentId,
        side: Side,
        kind: KindRow,
        time_in_force: TimeInForce,
        quantity: Quantity,
    },
    Cancel {
        order: OrderId,
    },
}

impl ActionRow {
    fn of(action: &Action) -> Option<ActionRow> {
        Some(match *action {
            Action::Hold => ActionRow::Hold,
            Action::Target { instrument, quantity } => ActionRow::Target { instrument, quantity },
            Action::Submit { instrument, side, kind, time_in_force, quantity } => {
                let kind = KindRow::of(kind)?;
                ActionRow::Submit { instrument, side, kind, time_in_force, quantity }
            }
            Action::Cancel { order } => ActionRow::Cancel { order },
            Action::Place(_) | Action::Replace { .. } | Action::Open(_) | Action::Close { .. } => {
                return None;
            }
        })
    }

    fn into_action(self) -> Action {
        match self {
            ActionRow::Hold => Action::Hold,
            ActionRow::Target { instrument, quantity } => Action::Target { instrument, quantity },
            ActionRow::Submit { instrument, side, kind, time_in_force, quantity } => {
                Action::Submit { instrument, side, kind: kind.into_kind(), time_in_force, quantity }
            }
            ActionRow::Cancel { order } => Action::Cancel { order },
        }
    }
}

/// A decision of such actions.
#[derive(rkyv::Archive, rkyv::Serialize, rkyv::Deserialize)]
pub struct DecisionRow {
    strategy: String,
    actions: Vec<ActionRow>,
    because: String,
    evidence: Vec<Evidence>,
    equity: Money,
    position: Quantity,
}

impl DecisionRow {
    /// The shape of a decision.
    pub fn of(decision: &Decision) -> Option<DecisionRow> {
        let Decision { strategy, actions, because, evidence, equity, position } = decision;
        Some(DecisionRow {
            strategy: strategy.clone(),
            actions: actions.iter().map(ActionRow::of).collect::<Option<_>>()?,
            because: because.clone(),
            evidence: evidence.clone(),
            equity: *equity,
            position: *position,
        })
    }

    /// The decision.
    pub fn into_fact(self) -> Decision {
        let DecisionRow { strategy, actions, because, evidence, equity, position } = self;
        let actions = actions.into_iter().map(ActionRow::into_action).collect();
        Decision { strategy, actions, because, evidence, equity, position }
    }
}

/// A verdict in the account's currency.
#[derive(rkyv::Archive, rkyv::Serialize, rkyv::Deserialize)]
pub struct VerdictRow {
    outcome: Outcome,
    rule: Option<Rule>,
    side: Side,
    closing: Quantity,
    asked: Quantity,
    granted: Quantity,
    price: Option<Price>,
    distance: Price,
    distance_source: DistanceSource,
    equity: Money,
    rules: Vec<RuleResult>,
}

impl VerdictRow {
    /// The shape of a verdict.
    pub fn of(verdict: &Verdict) -> Option<VerdictRow> {
        let Verdict {
            outcome,
            rule,
            side,
            closing,
            asked,
            granted,
            price,
            distance,
            distance_source,
            equity,
            rate: None,
            forecast: None,
            rules,
        } = verdict
        else {
            return None;
        };
        Some(VerdictRow {
            outcome: *outcome,
            rule: *rule,
            side: *side,
            closing: *closing,
            asked: *asked,
            granted: *granted,
            price: *price,
            distance: *distance,
            distance_source: *distance_source,
            equity: *equity,
            rules: rules.clone(),
        })
    }

    /// The verdict.
    pub fn into_fact(self) -> Verdict {
        let VerdictRow {
            outcome,
            rule,
            side,
            closing,
            asked,
            granted,
            price,
            distance,
            distance_source,
            equity,
            rules,
        } = self;
        Verdict {
            outcome,
            rule,
            side,
            closing,
            asked,
            granted,
            price,
            distance,
            distance_source,
            equity,
            rate: None,
            forecast: None,
            rules,
        }
    }
}

/// An alert about what a broker or the operator says.
#[derive(rkyv::Archive, rkyv::Serialize, rkyv::Deserialize)]
pub enum AlertRow {
    PositionDiffers { ours: Quantity, theirs: Quantity },
    PositionAgrees,
    BalanceDiffers { ours: Money, theirs: Money },
    ImpossibleAnswer { order: OrderId, status: Option<Status> },
    Limits { request: u64, answer: LimitsAnswer },
}

impl AlertRow {
    /// The shape of an alert.
    pub fn of(alert: &AlertRaised) -> Option<AlertRow> {
        Some(match *alert {
            AlertRaised::PositionDiffers { ours, theirs } => AlertRow::PositionDiffers { ours, theirs },
            AlertRaised::PositionAgrees => AlertRow::PositionAgrees,
            AlertRaised::BalanceDiffers { ours, theirs } => AlertRow::BalanceDiffers { ours, theirs },
            AlertRaised::ImpossibleAnswer { order, status } => AlertRow::ImpossibleAnswer { order, status },
            AlertRaised::Limits { request, answer } => AlertRow::Limits { request, answer },
            AlertRaised::MarginCalled { .. }
            | AlertRaised::MarginRestored { .. }
            | AlertRaised::StoppedOut { .. }
            | AlertRaised::NoStop { .. } => return None,
        })
    }

    /// The alert.
    pub fn into_fact(self) -> AlertRaised {
        match self {
            AlertRow::PositionDiffers { ours, theirs } => AlertRaised::PositionDiffers { ours, theirs },
            AlertRow::PositionAgrees => AlertRaised::PositionAgrees,
            AlertRow::BalanceDiffers { ours, theirs } => AlertRaised::BalanceDiffers { ours, theirs },
            AlertRow::ImpossibleAnswer { order, status } => AlertRaised::ImpossibleAnswer { order, status },
            AlertRow::Limits { request, answer } => AlertRaised::Limits { request, answer },
        }
    }
}
