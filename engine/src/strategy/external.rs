//! `external`: holds what another program wants, signal by signal.

use super::{Needs, ParameterError, Parameters, Proposal, Strategy, StrategyKind, View};
use crate::event::{Action, Event, Fact, Side, SignalTarget};
use crate::ids::InstrumentId;
use crate::settings::{Instrument, Settings, Trigger};
use crate::state::State;
use crate::units::{FIXED_MAX, Price, Quantity, SCALE, mul_div_half_even};

/// As the registry knows it.
pub const KIND: StrategyKind = StrategyKind {
    name: "external",
    about: "holds what the signals of another program want: [signals] names their file",
    parameters: &[],
    needs: Needs { sizes: false, quotes: false },
    trigger: Trigger::OnSignal,
    make,
};

struct External {
    instruments: Vec<Instrument>,
    wanted: Vec<Wanted>,
}

/// What is wanted of an instrument.
#[derive(Clone, Copy, Default)]
struct Wanted {
    /// The newest signal.
    target: Option<SignalTarget>,
    /// Whether it still waits for a first price to trade at.
    waits: bool,
}

crate::state! { Wanted { target, waits } }
crate::state! { External { [wanted] } }

fn make(_: &Parameters, settings: &Settings) -> Result<Box<dyn Strategy>, ParameterError> {
    let instruments = settings.instruments.clone();
    Ok(Box::new(External { wanted: vec![Wanted::default(); instruments.len()], instruments }))
}

/// The side on which a target stands, with whose price it is valued.
fn side(target: SignalTarget) -> Side {
    let below_zero = match target {
        SignalTarget::Position { quantity } => quantity < Quantity::ZERO,
        SignalTarget::Weight { share } => share.0 < 0,
    };
    if below_zero { Side::Sell } else { Side::Buy }
}

impl External {
    /// The position that a target comes to, in whole lots towards zero.
    fn quantity(&self, index: usize, target: SignalTarget, price: Price, view: &dyn View) -> Quantity {
        let instrument = &self.instruments[index];
        let exact = match target {
            SignalTarget::Position { quantity } => quantity,
            SignalTarget::Weight { share } => {
                let (price, multiplier) = (i128::from(price.0), i128::from(instrument.multiplier.0));
                let unit = mul_div_half_even(price, multiplier, i128::from(SCALE)).max(1);
                let units = mul_div_half_even(view.equity().times(share).0, i128::from(SCALE), unit);
                let most = i128::from(FIXED_MAX);
                Quantity(units.clamp(-most, most) as i64)
            }
        };
        let lots = Quantity(exact.0.abs()).round_down_to(instrument.lot);
        Quantity(if exact.0 < 0 { -lots.0 } else { lots.0 })
    }
}

impl Strategy for External {
    fn update(&mut self, event: &Event, view: &dyn View) -> bool {
        let Some(index) = event.header.instrument.index() else { return false };
        let Some(wanted) = self.wanted.get_mut(index) else { return false };
        if let Fact::SignalReceived(signal) = &event.fact {
            wanted.target = Some(signal.target);
            wanted.waits = view.price(event.header.instrument, side(signal.target)).is_none();
            return !wanted.waits;
        }
        // A signal from before the data begins acts on the first price.
        let Some(target) = wanted.target.filter(|_| wanted.waits) else { return false };
        wanted.waits = view.price(event.header.instrument, side(target)).is_none();
        !wanted.waits
    }

    fn decide(&mut self, view: &dyn View, proposal: &mut Proposal) {
        let id = view.instrument();
        let wanted = id.index().and_then(|index| Some((index, self.wanted.get(index)?.target?)));
        let priced = wanted.and_then(|(index, target)| Some((index, target, view.price(id, side(target))?)));
        let Some((index, target, price)) = priced.filter(|(.., price)| price.0 > 0) else {
            proposal.because = "no signal yet, or no price to act on it".to_string();
            return;
        };
        let quantity = self.quantity(index, target, price, view);
        propose(id, quantity, view, proposal);
        proposal.because = match target {
            SignalTarget::Position { .. } => format!("the signal wants {quantity}"),
            SignalTarget::Weight { share } => {
                proposal.because_of("weight", share.0 as f64 / SCALE as f64);
                proposal.because_of("equity", view.equity().as_f64());
                format!("the signal wants {share} of equity, which is {quantity}")
            }
        };
        proposal.because_of("price", price.as_f64());
    }

    fn state(&self) -> Option<&dyn State> {
        Some(self)
    }

    fn state_mut(&mut self) -> Option<&mut dyn State> {
        Some(self)
    }
}

fn propose(instrument: InstrumentId, quantity: Quantity, view: &dyn View, proposal: &mut Proposal) {
    if quantity != view.position_with_working_orders(instrument) {
        proposal.actions.push(Action::Target { instrument, quantity });
    }
}
