//! At what price, and how much: the fill rules as pure functions.

use genovo_kernels::random::RandomKey;

use crate::event::{Quote, Side, Trail};
use crate::ids::OrderId;
use crate::settings::{Slippage, TouchRule};
use crate::units::{Price, Quantity, Ratio, Timestamp};

/// Keeps the draws of touched orders apart from every other use of the seed.
const PURPOSE_TOUCH: u32 = 0x746f_7563;

/// A part of an order at one price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Execution {
    /// The price.
    pub price: Price,
    /// How much; zero for no execution at all.
    pub quantity: Quantity,
}

impl Execution {
    /// No execution.
    pub const NONE: Execution = Execution { price: Price::ZERO, quantity: Quantity::ZERO };

    /// As much as is displayed, `None` being without limit.
    pub fn up_to(price: Price, wanted: Quantity, displayed: Option<Quantity>) -> Execution {
        let quantity = displayed.map_or(wanted, |displayed| displayed.min(wanted));
        Execution { price, quantity }
    }
}

/// The executions that are some; they always come first.
pub fn real(executions: &[Execution]) -> &[Execution] {
    let count = executions.iter().take_while(|execution| execution.quantity > Quantity::ZERO).count();
    &executions[..count]
}

/// The price and size that an order of this side trades against.
pub fn opposite(quote: &Quote, side: Side) -> (Price, Option<Quantity>) {
    match side {
        Side::Buy => (quote.ask, quote.ask_size),
        Side::Sell => (quote.bid, quote.bid_size),
    }
}

/// Where the market stands to a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Touch {
    /// Not reached.
    Away,
    /// Exactly at the limit.
    At,
    /// Beyond it.
    Through,
}

/// Where `price` stands to the limit of an order.
pub fn touch(side: Side, limit: Price, price: Price) -> Touch {
    let better = match side {
        Side::Buy => limit.cmp(&price),
        Side::Sell => price.cmp(&limit),
    };
    match better {
        std::cmp::Ordering::Less => Touch::Away,
        std::cmp::Ordering::Equal => Touch::At,
        std::cmp::Ordering::Greater => Touch::Through,
    }
}

/// Whether a touch fills a resting order. A draw is keyed by order and time, so that it depends on no other draw.
pub fn touch_fills(rule: TouchRule, seed: u64, order: OrderId, time: Timestamp) -> bool {
    match rule {
        TouchRule::Never => false,
        TouchRule::Always => true,
        TouchRule::Probability(share) => {
            let key = RandomKey { seed, purpose: PURPOSE_TOUCH, id: order.0.rotate_left(40) ^ time.0 as u64 };
            (key.below(0, Ratio::ONE.0 as u64) as i64) < share.0
        }
    }
}

/// Whether the quote has reached a stop: a buy's trigger by the ask, a sell's by the bid.
pub fn stop_reached(side: Side, trigger: Price, quote: &Quote) -> bool {
    price_reached(side, trigger, opposite(quote, side).0)
}

/// Whether a price has reached a stop.
pub fn price_reached(side: Side, trigger: Price, price: Price) -> bool {
    match side {
        Side::Buy => price >= trigger,
        Side::Sell => price <= trigger,
    }
}

/// Where a trailing stop's trigger stands behind the price that it follows, on the tick that is farther away.
pub fn trailing_trigger(side: Side, trail: Trail, followed: Price, tick: Price) -> Price {
    let distance = match trail {
        Trail::Amount(amount) => amount.0,
        Trail::Share(share) => Price(followed.0.abs()).share(share).0,
    };
    let trigger = followed.0.saturating_add(distance.saturating_mul(side.sign()));
    on_tick(Price(trigger.clamp(-crate::units::FIXED_MAX, crate::units::FIXED_MAX)), tick, side)
}

/// The nearest price on the tick that is not below `price` for a buy, not above it for a sell.
pub fn on_tick(price: Price, tick: Price, side: Side) -> Price {
    let tick = tick.0.max(1);
    let below = price.0.div_euclid(tick) * tick;
    match side {
        Side::Buy if below < price.0 => Price(below.saturating_add(tick)),
        Side::Buy | Side::Sell => Price(below),
    }
}

/// A market order: what is displayed at the touch, the rest at a worse price.
pub fn market(
    side: Side,
    touch: Price,
    quantity: Quantity,
    displayed: Option<Quantity>,
    slippage: Slippage,
    tick: Price,
) -> [Execution; 2] {
    let first = Execution::up_to(touch, quantity, displayed);
    let excess = quantity - first.quantity;
    if excess == Quantity::ZERO {
        return [first, Execution::NONE];
    }
    let rest = Execution { price: worse(side, touch, slippage, tick, excess, displayed), quantity: excess };
    if first.quantity == Quantity::ZERO { [rest, Execution::NONE] } else { [first, rest] }
}

/// `price` made worse for an order of this side. Without a displayed size, square-root impact counts the excess as
/// large as the display.
pub fn worse(
    side: Side,
    price: Price,
    slippage: Slippage,
    tick: Price,
    excess: Quantity,
    displayed: Option<Quantity>,
) -> Price {
    let step = match slippage {
        Slippage::Ticks(ticks) => tick.0.saturating_mul(i64::from(ticks)),
        Slippage::SquareRoot(share) => {
            let ratio = match displayed {
                Some(displayed) if displayed.0 > 0 => excess.0 as f64 / displayed.0 as f64,
                _ => 1.0,
            };
            // IEEE square root and products: the same bits everywhere.
            let impact = price.0.unsigned_abs() as f64 * share.as_f64() * ratio.sqrt();
            let ticks = (impact / tick.0.max(1) as f64).ceil();
            // A float beyond the range of an i64 becomes its end.
            (ticks as i64).saturating_mul(tick.0.max(1))
        }
    };
    let moved = price.0.saturating_add(step.saturating_mul(side.sign()));
    Price(moved.clamp(-crate::units::FIXED_MAX, crate::units::FIXED_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_market_order_takes_the_display_and_slips_with_the_rest() {
        let fill = |quantity, displayed: Option<i64>| {
            let slippage = Slippage::Ticks(2);
            let all = market(
                Side::Buy,
                Price(100),
                Quantity(quantity),
                displayed.map(Quantity),
                slippage,
                Price(5),
            );
            real(&all).iter().map(|e| (e.price.0, e.quantity.0)).collect::<Vec<_>>()
        };
        assert_eq!(fill(7, None), [(100, 7)]);
        assert_eq!(fill(7, Some(7)), [(100, 7)]);
        assert_eq!(fill(7, Some(3)), [(100, 3), (110, 4)]);
        assert_eq!(fill(7, Some(0)), [(110, 7)]);
    }

    #[test]
    fn a_trigger_follows_on_the_tick_that_is_farther_away() {
        for (side, trail, followed, trigger) in [
            (Side::Sell, Trail::Amount(Price(20)), 1_000, 980),
            (Side::Sell, Trail::Amount(Price(23)), 1_000, 970),
            (Side::Buy, Trail::Amount(Price(23)), 1_000, 1_030),
            (Side::Buy, Trail::Share("0.1".parse().unwrap()), 1_000, 1_100),
            (Side::Sell, Trail::Share("0.015".parse().unwrap()), 1_000, 980),
            (Side::Sell, Trail::Share("0.5".parse().unwrap()), -1_000, -1_500),
        ] {
            let found = trailing_trigger(side, trail, Price(followed), Price(10));
            assert_eq!(found, Price(trigger), "{side:?} {trail:?} {followed}");
        }
    }

    #[test]
    fn square_root_impact_grows_with_the_root_of_the_excess() {
        let rule = Slippage::SquareRoot("0.001".parse().unwrap());
        let price = |excess| {
            worse(Side::Sell, Price(1_000_000), rule, Price(10), Quantity(excess), Some(Quantity(100)))
        };
        assert_eq!((price(100), price(400), price(1)), (Price(999_000), Price(998_000), Price(999_900)));
    }

    #[test]
    fn touches_are_away_at_or_through() {
        for (side, limit, price, expected) in [
            (Side::Buy, 10, 11, Touch::Away),
            (Side::Buy, 10, 10, Touch::At),
            (Side::Buy, 10, 9, Touch::Through),
            (Side::Sell, 10, 9, Touch::Away),
            (Side::Sell, 10, 10, Touch::At),
            (Side::Sell, 10, 11, Touch::Through),
        ] {
            assert_eq!(touch(side, Price(limit), Price(price)), expected, "{side:?} {limit} {price}");
        }
    }

    #[test]
    fn a_probable_touch_fills_about_as_often_as_said() {
        let rule = TouchRule::Probability("0.3".parse().unwrap());
        let hits = (0..10_000).filter(|&time| touch_fills(rule, 7, OrderId(3), Timestamp(time))).count();
        assert!((2_800..3_200).contains(&hits), "{hits} of 10,000");
        assert!(touch_fills(TouchRule::Probability(Ratio::ONE), 7, OrderId(3), Timestamp(0)));
    }
}
