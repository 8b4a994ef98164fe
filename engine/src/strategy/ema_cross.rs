//! `ema-cross`: long while the fast exponential average is at or above the slow one, short while it is below.

use super::{Needs, ParameterError, ParameterSpec, Parameters, Proposal, Strategy, StrategyKind, View};
use crate::event::{Action, Event, Fact};
use crate::ids::InstrumentId;
use crate::rounded::Rounded;
use crate::settings::{Settings, Trigger};
use crate::state::State;
use crate::units::{Price, Quantity};

/// As the registry knows it.
pub const KIND: StrategyKind = StrategyKind {
    name: "ema-cross",
    about: "long while the fast average is at or above the slow one, else short",
    parameters: &[
        ParameterSpec { name: "fast", default: Some("12"), about: "length of the fast average" },
        ParameterSpec { name: "slow", default: Some("48"), about: "length of the slow average" },
        ParameterSpec { name: "quantity", default: None, about: "position held, long or short" },
        ParameterSpec {
            name: "on",
            default: Some("bars"),
            about: "bars (their close) or ticks (the mid or trade)",
        },
    ],
    needs: Needs { sizes: false, quotes: false },
    trigger: Trigger::OnSignal,
    make,
};

/// An exponential moving average that starts at its first value; alpha is 2 / (length + 1).
#[derive(Clone, Copy, Debug)]
pub(super) struct Average {
    alpha: f64,
    pub(super) value: f64,
}

crate::state! { Average { value } }

impl Average {
    pub(super) fn new(length: u32) -> Average {
        Average { alpha: 2.0 / (f64::from(length) + 1.0), value: 0.0 }
    }

    #[inline]
    pub(super) fn update(&mut self, price: f64, first: bool) {
        self.value = if first { price } else { self.alpha * price + (1.0 - self.alpha) * self.value };
    }
}

/// The state for one instrument.
#[derive(Clone, Debug)]
struct Cross {
    fast: Average,
    slow: Average,
    before: (f64, f64),
    price: f64,
    seen: u32,
    /// 1 long, −1 short, 0 before the first signal.
    wanted: i64,
}

crate::state! { Cross { fast, slow, before, price, seen, wanted } }

struct EmaCross {
    fast: u32,
    slow: u32,
    quantity: Quantity,
    on_ticks: bool,
    crosses: Vec<Cross>,
    /// The instrument of the last signal.
    signalled: InstrumentId,
}

crate::state! { EmaCross { [crosses], signalled } }

fn make(parameters: &Parameters, settings: &Settings) -> Result<Box<dyn Strategy>, ParameterError> {
    let (fast, slow) = (parameters.integer("fast", 1)?, parameters.integer("slow", 2)?);
    if fast >= slow {
        return Err(ParameterError::new("fast", format_args!("{fast} is not below slow = {slow}")));
    }
    let on_ticks = match parameters.text("on")? {
        "bars" => false,
        "ticks" => true,
        other => return Err(ParameterError::new("on", format_args!("`{other}` is not one of bars, ticks"))),
    };
    let cross = Cross {
        fast: Average::new(fast),
        slow: Average::new(slow),
        before: (0.0, 0.0),
        price: 0.0,
        seen: 0,
        wanted: 0,
    };
    Ok(Box::new(EmaCross {
        fast,
        slow,
        quantity: parameters.quantity("quantity")?,
        on_ticks,
        crosses: vec![cross; settings.instruments.len()],
        signalled: InstrumentId::NONE,
    }))
}

impl Strategy for EmaCross {
    fn features(&self) -> Vec<String> {
        vec![format!("ema_{}", self.fast), format!("ema_{}", self.slow)]
    }

    #[inline]
    fn update(&mut self, event: &Event, _: &dyn View) -> bool {
        let price = match (&event.fact, self.on_ticks) {
            (Fact::QuoteChanged(quote), true) => Price::mid_f64(quote.bid, quote.ask),
            (Fact::TradePrinted(trade), true) => trade.price.as_f64(),
            (Fact::BarClosed(bar) | Fact::BarReceived(bar), false) => bar.close.as_f64(),
            _ => return false,
        };
        let Some(cross) = event.header.instrument.index().and_then(|index| self.crosses.get_mut(index))
        else {
            return false;
        };
        let first = cross.seen == 0;
        cross.before = (cross.fast.value, cross.slow.value);
        cross.fast.update(price, first);
        cross.slow.update(price, first);
        cross.price = price;
        cross.seen = cross.seen.saturating_add(1);
        if cross.seen < self.slow {
            return false;
        }
        let wanted = if cross.fast.value >= cross.slow.value { 1 } else { -1 };
        let changed = wanted != cross.wanted;
        cross.wanted = wanted;
        if changed {
            self.signalled = event.header.instrument;
        }
        changed
    }

    fn decide(&mut self, view: &dyn View, proposal: &mut Proposal) {
        let instrument = view.instrument();
        let Some(cross) = instrument.index().and_then(|index| self.crosses.get(index)) else { return };
        if cross.wanted == 0 {
            proposal.features.extend([None, None]);
            return;
        }
        let (fast, slow) = (cross.fast.value, cross.slow.value);
        proposal.features.extend([Some(fast as f32), Some(slow as f32)]);
        proposal.because_of("fast", fast);
        proposal.because_of("slow", slow);
        proposal.because_of("fast_before", cross.before.0);
        proposal.because_of("slow_before", cross.before.1);
        // The price at which both averages would have met: solve fast(p) = slow(p) for p.
        let (a, b) = (self.crosses_alpha(instrument), cross.before);
        let meeting = ((1.0 - a.1) * b.1 - (1.0 - a.0) * b.0) / (a.0 - a.1);
        if meeting.is_finite() {
            proposal.because_of("price", cross.price);
            proposal.because_of("no_cross_at", meeting);
        }
        let (side, relation) = if cross.wanted > 0 { ("long", "above") } else { ("short", "below") };
        let sense = if cross.wanted > 0 { "or less" } else { "or more" };
        proposal.because = format!(
            "{side}: fast {} is {relation} slow {} (before: {}, {}); a price of {} {sense} would not have crossed: {} \
             away",
            Rounded(fast),
            Rounded(slow),
            Rounded(b.0),
            Rounded(b.1),
            Rounded(meeting),
            Rounded((cross.price - meeting).abs()),
        );
        let quantity = Quantity(self.quantity.0 * cross.wanted);
        if view.position_with_working_orders(instrument) != quantity {
            proposal.actions.push(Action::Target { instrument, quantity });
        }
    }

    fn state(&self) -> Option<&dyn State> {
        Some(self)
    }

    fn state_mut(&mut self) -> Option<&mut dyn State> {
        Some(self)
    }
}

impl EmaCross {
    fn crosses_alpha(&self, instrument: InstrumentId) -> (f64, f64) {
        let cross = &self.crosses[instrument.index().expect("checked by the caller")];
        (cross.fast.alpha, cross.slow.alpha)
    }
}
