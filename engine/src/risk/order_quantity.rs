//! `order_quantity`: an order for more than this opens nothing: a mistake is not made smaller. The numbers are
//! quantities.

use super::{Ask, gate};
use crate::event::{Rule, RuleResult};
use crate::units::{Money, Quantity};

pub(super) fn assess(ask: &Ask<'_>, quantity: Quantity) -> Option<RuleResult> {
    let limit = ask.controls().max_order_quantity?;
    let asked = ask.whole_order();
    let plain = |quantity: Quantity| Money(i128::from(quantity.0));
    Some(gate(Rule::OrderQuantity, quantity, asked <= limit, plain(limit), plain(asked)))
}
