//! `ema-hedge`: holds a long position, and beside it a short one while the fast exponential average is below the slow
//! one.
//!
//! It sells nothing of what it holds: the hedge is a position of its own, opened and closed by itself, so it needs a
//! hedging account.

use super::ema_cross::Average;
use super::{Needs, ParameterError, ParameterSpec, Parameters, Proposal, Strategy, StrategyKind, View};
use crate::event::{Action, Event, Fact, NewOrder, OrderKind, OrderList, Side};
use crate::ids::InstrumentId;
use crate::rounded::Rounded;
use crate::settings::{Settings, Trigger};
use crate::state::State;
use crate::units::Quantity;

/// As the registry knows it.
pub const KIND: StrategyKind = StrategyKind {
    name: "ema-hedge",
    about: "long, and short beside it while the fast average is below the slow one; hedging accounts only",
    parameters: &[
        ParameterSpec { name: "fast", default: Some("12"), about: "length of the fast average, in bars" },
        ParameterSpec { name: "slow", default: Some("48"), about: "length of the slow average, in bars" },
        ParameterSpec { name: "quantity", default: None, about: "what is held long" },
        ParameterSpec {
            name: "hedge",
            default: Some(""),
            about: "what is held short beside it; as much if not said",
        },
    ],
    needs: Needs { sizes: false, quotes: false },
    trigger: Trigger::OnSignal,
    make,
};

/// The state for one instrument.
#[derive(Clone, Debug)]
struct Trend {
    fast: Average,
    slow: Average,
    seen: u32,
    /// Whether the hedge is wanted; `None` before the averages are known.
    hedged: Option<bool>,
}

crate::state! { Trend { fast, slow, seen, hedged } }

struct EmaHedge {
    slow: u32,
    quantity: Quantity,
    hedge: Quantity,
    trends: Vec<Trend>,
}

crate::state! { EmaHedge { [trends] } }

fn make(parameters: &Parameters, settings: &Settings) -> Result<Box<dyn Strategy>, ParameterError> {
    let (fast, slow) = (parameters.integer("fast", 1)?, parameters.integer("slow", 2)?);
    if fast >= slow {
        return Err(ParameterError::new("fast", format_args!("{fast} is not below slow = {slow}")));
    }
    let quantity = parameters.quantity("quantity")?;
    let hedge = match parameters.optional("hedge") {
        None | Some("") => quantity,
        Some(_) => parameters.quantity("hedge")?,
    };
    if !settings.hedges() {
        let message =
            "ema-hedge holds both sides of an instrument: write `positions = \"hedging\"` in [account]";
        return Err(ParameterError::new("kind", message));
    }
    let trend = Trend { fast: Average::new(fast), slow: Average::new(slow), seen: 0, hedged: None };
    Ok(Box::new(EmaHedge { slow, quantity, hedge, trends: vec![trend; settings.instruments.len()] }))
}

impl Strategy for EmaHedge {
    #[inline]
    fn update(&mut self, event: &Event, _: &dyn View) -> bool {
        let (Fact::BarClosed(bar) | Fact::BarReceived(bar)) = &event.fact else { return false };
        let trend = event.header.instrument.index().and_then(|index| self.trends.get_mut(index));
        let Some(trend) = trend else { return false };
        let (price, first) = (bar.close.as_f64(), trend.seen == 0);
        trend.fast.update(price, first);
        trend.slow.update(price, first);
        trend.seen = trend.seen.saturating_add(1);
        let hedged = (trend.seen >= self.slow).then_some(trend.fast.value < trend.slow.value);
        let changed = hedged != trend.hedged;
        trend.hedged = hedged;
        changed
    }

    fn decide(&mut self, view: &dyn View, proposal: &mut Proposal) {
        let instrument = view.instrument();
        let Some(trend) = instrument.index().and_then(|index| self.trends.get(index)) else { return };
        let Some(hedged) = trend.hedged else { return };
        let (fast, slow) = (trend.fast.value, trend.slow.value);
        proposal.because_of("fast", fast);
        proposal.because_of("slow", slow);
        let (what, relation) = if hedged { ("hedged", "below") } else { ("not hedged", "at or above") };
        let (fast, slow) = (Rounded(fast), Rounded(slow));
        proposal.because = format!("{what}: fast {fast} is {relation} slow {slow}");
        if !holds(view, instrument, Side::Buy) {
            proposal.actions.push(open(instrument, Side::Buy, self.quantity));
        }
        if hedged {
            if !holds(view, instrument, Side::Sell) {
                proposal.actions.push(open(instrument, Side::Sell, self.hedge));
            }
            return;
        }
        for ticket in view.tickets(instrument).iter().filter(|ticket| ticket.quantity < Quantity::ZERO) {
            let position = ticket.order;
            let closing = view
                .orders()
                .working()
                .any(|(_, order)| order.closes == position && order.kind == OrderKind::Market);
            if !closing {
                let order = NewOrder::new(Side::Buy, OrderKind::Market, ticket.quantity.abs());
                let list = Box::new(OrderList::single(instrument, order));
                proposal.actions.push(Action::Close { position, list });
            }
        }
    }

    fn state(&self) -> Option<&dyn State> {
        Some(self)
    }

    fn state_mut(&mut self) -> Option<&mut dyn State> {
        Some(self)
    }
}

/// Whether a position of this side is held, or one is about to be.
fn holds(view: &dyn View, instrument: InstrumentId, side: Side) -> bool {
    let held = view.tickets(instrument).iter().any(|ticket| ticket.quantity.signum() == side.sign());
    held || view
        .orders()
        .working()
        .any(|(_, order)| order.instrument == instrument && order.side == side && order.closes.is_none())
}

fn open(instrument: InstrumentId, side: Side, quantity: Quantity) -> Action {
    let order = NewOrder::new(side, OrderKind::Market, quantity);
    Action::Open(Box::new(OrderList::single(instrument, order)))
}
