//! What a fill cost beyond what the decision saw: how the market moved while the order was under way.

use genovo_engine::event::{Fill, Liquidity, OrderKind, Side};
use genovo_engine::units::{Money, Price, Quantity};

use super::story::Story;
use crate::audit::recording::{Numbered, Recording};
use crate::audit::when;
use crate::report::format;

/// `901 at 1290.912. The ask rose 0.074 in the 5 ms under way: cost 66.67`.
pub fn line(recording: &Recording, story: &Story, one: &Numbered, fill: &Fill) -> String {
    let mut text = format!("{} at {}", format::quantity(fill.quantity), format::price(fill.price));
    let money = |difference: Price| recording.worth(story.instrument, difference, fill.quantity);
    let digits = recording.digits();
    let sent = story.sent.as_ref();
    let sent_at = story.chain.first().map(|one| one.event.header.time_received);
    let under_way = sent_at.map(|sent| when::length(one.event.header.time_event - sent));
    let (name, then, now) = match fill.side {
        Side::Buy => ("ask", sent.and_then(|sent| sent.ask), fill.ask),
        Side::Sell => ("bid", sent.and_then(|sent| sent.bid), fill.bid),
    };
    match (story.kind, then, now, &under_way) {
        (OrderKind::Market, Some(then), Some(now), Some(under_way)) => {
            let moved = now - then;
            text.push_str(&match moved.0 {
                0 => format!(". The {name} did not move in the {under_way} under way"),
                _ => format!(
                    ". The {name} {} {} in the {under_way} under way: {}",
                    if moved > Price::ZERO { "rose" } else { "fell" },
                    format::price(moved.abs()),
                    cost(money(worse(fill.side, moved)), digits)
                ),
            });
            text.push_str(&beyond(fill, now, money, digits));
        }
        (OrderKind::Limit { price } | OrderKind::StopLimit { price, .. }, ..) => {
            let better = worse(fill.side, price - fill.price);
            text.push_str(&match better.0 {
                0 => ", its limit".to_string(),
                _ => format!(
                    ", {} better than its limit: {}",
                    format::price(better),
                    cost(Money::ZERO - money(better), digits)
                ),
            });
            text.push_str(match fill.liquidity {
                Liquidity::Maker => ". It rested and was met",
                Liquidity::Taker => ". It crossed the spread",
            });
            text.push_str(&after(under_way.as_deref()));
        }
        (OrderKind::Stop { trigger }, ..) => {
            let past = worse(fill.side, fill.price - trigger);
            text.push_str(&match past.0 {
                0 => ", its trigger".to_string(),
                1.. => format!(", {} past its trigger: {}", format::price(past), cost(money(past), digits)),
                _ => format!(", {} better than its trigger", format::price(past.abs())),
            });
            text.push(',');
            text.push_str(&after(under_way.as_deref()));
        }
        (OrderKind::Market | OrderKind::TrailingStop { .. }, ..) => {
            text.push_str(&after(under_way.as_deref()))
        }
    }
    if fill.commission != Money::ZERO {
        text.push_str(&format!(". Commission {}", format::money(fill.commission, digits)));
    }
    if fill.remaining > Quantity::ZERO {
        text.push_str(&format!(". {} still to fill", format::quantity(fill.remaining)));
    }
    text
}

fn after(under_way: Option<&str>) -> String {
    under_way.map_or(String::new(), |time| format!(" {time} after it was sent"))
}

/// How much of a move upwards is to the disadvantage of this side.
fn worse(side: Side, upwards: Price) -> Price {
    Price(upwards.0 * side.sign())
}

/// What was paid past the touch: more was wanted than was displayed.
fn beyond(fill: &Fill, touch: Price, money: impl Fn(Price) -> Money, digits: u8) -> String {
    let past = worse(fill.side, fill.price - touch);
    match past.0 {
        0 => String::new(),
        _ => format!(
            ". It was filled {} {} the touch: {}",
            format::price(past.abs()),
            if past > Price::ZERO { "beyond" } else { "inside" },
            cost(money(past), digits)
        ),
    }
}

/// `cost 66.67` or `saved 66.67`.
fn cost(amount: Money, digits: u8) -> String {
    let word = if amount < Money::ZERO { "saved" } else { "cost" };
    let amount = amount.abs();
    // What is less than the currency's last digit is shown whole: it is not nothing.
    let whole = amount.round_to(digits) == Money::ZERO && amount != Money::ZERO;
    format!("{word} {}", if whole { amount.to_string() } else { format::money(amount, digits) })
}
