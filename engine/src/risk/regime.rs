//! `regime`: a market is stressed when its volatility is so many times its usual one; then orders keep a share of their
//! size. Until the volatility is known the market counts as stressed. The numbers are multiples.

use super::{Ask, plain, scaled};
use crate::event::{Rule, RuleResult};
use crate::units::{Quantity, Ratio};

pub(super) fn assess(ask: &Ask<'_>, quantity: Quantity) -> Option<RuleResult> {
    let limit = ask.controls().stress_at?;
    let stress = ask.watch.stress(ask.index);
    let granted = match stress {
        Some(stress) if stress < limit.as_f64() => quantity,
        _ => ask.share_of(quantity, i128::from(ask.controls().stressed_size.0), i128::from(Ratio::ONE.0)),
    };
    Some(scaled(Rule::Regime, quantity, granted, plain(limit.as_f64()), plain(stress.unwrap_or(0.0))))
}
