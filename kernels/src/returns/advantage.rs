//! Generalised advantage estimation (Schulman and others, 2015), with endings told apart.

/// How a decision's series goes on.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Ending {
    /// With the next decision.
    None,
    /// Not at all: nothing follows that has a value.
    Terminal,
    /// Elsewhere: the state that truly followed has this value, but its decision is not in the series.
    Cut(f64),
}

/// How far the future counts.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Advantages {
    /// γ: what a reward is worth one decision earlier.
    pub discount: f64,
    /// λ: 0 trusts the value's next guess, 1 the rewards that came.
    pub trace: f64,
}

impl Default for Advantages {
    fn default() -> Self {
        Self { discount: 0.99, trace: 0.95 }
    }
}

/// A and A + V of each decision: δ = r + γ·V′ - V, A = δ + γλ·A′, from the last decision back.
///
/// V′ is the next decision's value, that of a [cut](Ending::Cut), or 0 behind a
/// [terminal](Ending::Terminal); A′ is the next decision's, or 0 behind either. The last decision's ending
/// must not be [`Ending::None`].
///
/// # Panics
/// When the slices have different lengths, or the last decision goes on.
pub fn advantages(
    settings: &Advantages,
    rewards: &[f64],
    values: &[f64],
    endings: &[Ending],
    advantages: &mut [f64],
    targets: &mut [f64],
) {
    let len = rewards.len();
    assert!([values.len(), endings.len(), advantages.len(), targets.len()].iter().all(|other| *other == len));
    assert!(endings.last() != Some(&Ending::None), "the last decision goes on, but nothing follows it");
    let mut next = (0.0, 0.0);
    for at in (0..len).rev() {
        let (value, later) = match endings[at] {
            Ending::None => next,
            Ending::Terminal => (0.0, 0.0),
            Ending::Cut(value) => (value, 0.0),
        };
        let delta = (rewards[at] + settings.discount * value) - values[at];
        advantages[at] = delta + (settings.discount * settings.trace) * later;
        targets[at] = advantages[at] + values[at];
        next = (values[at], advantages[at]);
    }
}
