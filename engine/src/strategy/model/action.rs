//! From what the heads say to an action and its size, with every number behind it as evidence.

use genovo_kernels::heads::{ACTIONS, QUANTILES};
use genovo_kernels::model::{Row, Spec};
use genovo_kernels::random::RandomKey;
use genovo_kernels::scalar::f32::{exp, ln};

use super::super::{ParameterError, Parameters, Proposal, View};
use crate::event::{Action, Forecast, Side};
use crate::ids::InstrumentId;
use crate::rounded::Rounded;
use crate::units::Quantity;

/// Keeps these draws apart from every other use of the seed.
const PURPOSE: u32 = 0x6163_7469; // "acti"
const HOLD: usize = 0;
pub(super) const BUY: usize = 1;
pub(super) const SELL: usize = 2;
const WORDS: [&str; ACTIONS] = ["hold", "buy", "sell"];
const LEVELS: [&str; QUANTILES] = ["q05", "q25", "q50", "q75", "q95"];

/// How an action is chosen among the legal ones.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Choice {
    /// The likeliest; of equals the first of hold, buy, sell.
    Best,
    /// By probability, drawn from the run's seed for each decision.
    Sample {
        /// The run's seed.
        seed: u64,
    },
}

/// The largest position, and what makes it smaller.
#[derive(Clone, Copy, Debug)]
pub struct Sizing {
    /// The largest position.
    pub quantity: Quantity,
    /// The forecast volatility above which positions shrink.
    pub volatility: f32,
}

/// Evidence names, made once: decisions only copy them.
pub struct Names {
    volatility: Vec<String>,
    disagreement: Vec<String>,
    quantiles: Vec<[String; QUANTILES]>,
}

impl Names {
    /// For the horizons of a model, named by the steps that they are ahead.
    pub fn new(spec: &Spec) -> Names {
        let horizon = |index: usize| spec.windows.get(index).map_or(index + 1, |window| *window);
        let horizons = || (0..spec.horizons).map(horizon);
        Names {
            volatility: horizons().map(|steps| format!("volatility_{steps}")).collect(),
            disagreement: horizons().map(|steps| format!("disagreement_{steps}")).collect(),
            quantiles: horizons().map(|steps| LEVELS.map(|level| format!("{level}_{steps}"))).collect(),
        }
    }
}

/// Which of hold, buy, sell may be done: hold always, the others where there is a price, and no cash account sells
/// what it does not have.
pub fn legal(view: &dyn View, instrument: InstrumentId, cash: bool) -> [bool; ACTIONS] {
    let holds = view.position_with_working_orders(instrument) > Quantity::ZERO;
    let price = |side| view.price(instrument, side).is_some();
    [true, price(Side::Buy), price(Side::Sell) && (!cash || holds)]
}

/// ln of each action's probability among the legal ones; -∞ for others.
pub(super) fn log_probabilities(logits: [f32; ACTIONS], legal: [bool; ACTIONS]) -> [f32; ACTIONS] {
    let mut largest = logits[HOLD];
    for (logit, legal) in logits.into_iter().zip(legal) {
        if legal && logit > largest {
            largest = logit;
        }
    }
    let mut sum = 0.0;
    for (logit, legal) in logits.into_iter().zip(legal) {
        if legal {
            sum += exp(logit - largest);
        }
    }
    let norm = ln(sum);
    let mut all = [f32::NEG_INFINITY; ACTIONS];
    for (at, (logit, legal)) in logits.into_iter().zip(legal).enumerate() {
        if legal {
            all[at] = (logit - largest) - norm;
        }
    }
    all
}

impl Choice {
    /// What the parameters say; draws are of this seed.
    pub fn by(parameters: &Parameters, seed: u64) -> Result<Choice, ParameterError> {
        match parameters.text("choose")? {
            "best" => Ok(Choice::Best),
            "sample" => Ok(Choice::Sample { seed }),
            text => Err(ParameterError::new("choose", format_args!("`{text}` is none of best, sample"))),
        }
    }

    /// The action, of decision `number` of an instrument.
    pub(super) fn of(self, logs: [f32; ACTIONS], number: u64, instrument: InstrumentId) -> usize {
        match self {
            Choice::Best => {
                let mut best = HOLD;
                for action in [BUY, SELL] {
                    if logs[action] > logs[best] {
                        best = action;
                    }
                }
                best
            }
            Choice::Sample { seed } => {
                let drawn = RandomKey { seed, purpose: PURPOSE, id: number }.uniform(instrument.0);
                let mut below = 0.0;
                for action in [HOLD, BUY] {
                    below += f64::from(exp(logs[action]));
                    if drawn < below {
                        return action;
                    }
                }
                // What rounding leaves of the sum goes to the last legal one.
                if logs[SELL] > f32::NEG_INFINITY {
                    SELL
                } else if logs[BUY] > f32::NEG_INFINITY {
                    BUY
                } else {
                    HOLD
                }
            }
        }
    }
}

impl Sizing {
    /// What the parameters say.
    pub fn by(parameters: &Parameters) -> Result<Sizing, ParameterError> {
        let volatility = parameters.share("volatility")?.as_f64() as f32;
        Ok(Sizing { quantity: parameters.quantity("quantity")?, volatility })
    }

    /// scale · min(1, σ*/σ̂) · 1/(1 + D/σ̂) of the largest position, rounded down: σ̂ the forecast volatility of the
    /// nearest horizon, D the ensemble's disagreement about it.
    pub(super) fn quantity(self, scale: f32, volatility: f32, disagreement: f32) -> (Quantity, f32) {
        let calm = self.volatility / volatility;
        let share = scale * if calm < 1.0 { calm } else { 1.0 } / (1.0 + disagreement / volatility);
        let most = self.quantity.0 as f64;
        // At most the largest position, whatever the product of the rounded parts is.
        let wanted = (f64::from(share) * most).floor() as i64;
        let wanted = if wanted > self.quantity.0 { self.quantity.0 } else { wanted };
        (Quantity(wanted), share)
    }
}

/// What the heads said.
pub struct Said<'a> {
    /// The outputs.
    pub row: Row<'a>,
    /// Their names.
    pub names: &'a Names,
    /// Whether nothing is sold short: selling closes.
    pub cash: bool,
}

impl Said<'_> {
    /// Chooses, sizes, and says why.
    pub fn conclude(
        &self,
        choice: Choice,
        number: u64,
        sizing: Sizing,
        legal: [bool; ACTIONS],
        view: &dyn View,
        proposal: &mut Proposal,
    ) {
        let (row, instrument) = (self.row, view.instrument());
        let logs = log_probabilities(row.logits(), legal);
        let action = choice.of(logs, number, instrument);
        let (volatility, disagreement) = (row.volatility()[0], row.disagreement()[0]);
        let (quantity, share) = sizing.quantity(row.scale(), volatility, disagreement);
        let target = match action {
            BUY => Some(quantity),
            SELL if self.cash => Some(Quantity::ZERO),
            SELL => Some(-quantity),
            _ => None,
        };
        if let Some(quantity) = target
            && view.position_with_working_orders(instrument) != quantity
        {
            proposal.actions.push(Action::Target { instrument, quantity });
        }
        let [low, _, median, _, high] = self.row.mean()[0].map(f64::from);
        proposal.forecast = Some(Forecast {
            low,
            median,
            high,
            probability: f64::from(exp(logs[action])),
            volatility: f64::from(volatility),
            disagreement: f64::from(disagreement),
        });
        proposal.because = format!(
            "{}: {:.1} % of the largest position dared; in the nearest horizon a median of {}, volatility {}, \
             disagreement {}",
            WORDS[action],
            100.0 * share,
            Rounded(median),
            Rounded(f64::from(volatility)),
            Rounded(f64::from(disagreement)),
        );
        self.evidence(logs[action], action, legal, share, proposal);
    }

    /// Every number of the decision, by name.
    fn evidence(
        &self,
        log_probability: f32,
        action: usize,
        legal: [bool; ACTIONS],
        share: f32,
        proposal: &mut Proposal,
    ) {
        let (row, names) = (self.row, self.names);
        let mut add = |name: &str, value: f32| proposal.because_of(name, f64::from(value));
        add("action", action as f32);
        for (name, logit) in ["logit_hold", "logit_buy", "logit_sell"].into_iter().zip(row.logits()) {
            add(name, logit);
        }
        for (name, legal) in ["legal_hold", "legal_buy", "legal_sell"].into_iter().zip(legal) {
            add(name, if legal { 1.0 } else { 0.0 });
        }
        add("log_probability", log_probability);
        add("value", row.value());
        add("risk_scale", row.scale());
        add("size_share", share);
        add("impact", row.impact());
        for (name, value) in names.volatility.iter().zip(row.volatility()) {
            add(name, *value);
        }
        for (name, value) in names.disagreement.iter().zip(row.disagreement()) {
            add(name, *value);
        }
        for (names, values) in names.quantiles.iter().zip(row.mean()) {
            for (name, value) in names.iter().zip(values) {
                add(name, *value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probabilities_are_of_the_legal_actions() {
        let logs = log_probabilities([0.0, 0.0, 0.0], [true; 3]);
        assert!(logs.iter().all(|log| (log + ln(3.0)).abs() < 1e-6));
        let logs = log_probabilities([-1.0, 5.0, 80.0], [true, true, false]);
        assert_eq!(logs[SELL], f32::NEG_INFINITY);
        assert!((exp(logs[HOLD]) + exp(logs[BUY]) - 1.0).abs() < 1e-6);
        assert_eq!(log_probabilities([3.0, 9.0, 9.0], [true, false, false])[HOLD], 0.0);
    }

    #[test]
    fn the_best_is_the_likeliest_and_of_equals_the_first() {
        let best = |logs| Choice::Best.of(logs, 1, InstrumentId(1));
        assert_eq!(best([-1.0, -1.0, -1.0]), HOLD);
        assert_eq!(best([-2.0, -1.0, -1.0]), BUY);
        assert_eq!(best([-2.0, f32::NEG_INFINITY, -1.0]), SELL);
    }

    #[test]
    fn samples_have_their_probabilities() {
        let logs = log_probabilities([0.0, std::f32::consts::LN_2, 0.0], [true; 3]);
        let mut counts = [0i32; ACTIONS];
        for number in 0..4_000 {
            counts[Choice::Sample { seed: 9 }.of(logs, number, InstrumentId(2))] += 1;
        }
        // A half and two quarters; six standard deviations are 190.
        for (count, expected) in counts.into_iter().zip([1_000, 2_000, 1_000]) {
            assert!((count - expected).abs() < 190, "{counts:?}");
        }
        let alone = log_probabilities([0.0, 9.0, 9.0], [true, false, false]);
        assert_eq!(Choice::Sample { seed: 9 }.of(alone, 5, InstrumentId(1)), HOLD);
    }

    #[test]
    fn doubt_and_volatility_make_positions_smaller() {
        let sizing = Sizing { quantity: Quantity(1_000), volatility: 0.5 };
        assert_eq!(sizing.quantity(1.0, 0.25, 0.0), (Quantity(1_000), 1.0));
        assert_eq!(sizing.quantity(1.0, 1.0, 0.0), (Quantity(500), 0.5));
        assert_eq!(sizing.quantity(0.5, 1.0, 1.0), (Quantity(125), 0.125));
        assert_eq!(sizing.quantity(0.0, 1.0, 1.0), (Quantity(0), 0.0));
    }
}
