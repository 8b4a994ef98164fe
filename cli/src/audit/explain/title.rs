//! An order in two lines: what it was, what it did, and what risk made of it.

use genovo_engine::event::{CloseReason, Fact, OrderClosed};
use genovo_engine::ids::OrderId;
use genovo_engine::order::Status;
use genovo_engine::units::{Quantity, Timestamp};

use super::story::Story;
use crate::audit::recording::Recording;
use crate::audit::{when, words};
use crate::report::format;

/// `ORDER 12   buy 901 XAUUSD at market, filled at 1290.912   Fri 2 May 2014 …` and what it means below.
///
/// `opened`: it opened a position, though there may have been one when it was decided.
pub fn lines(recording: &Recording, story: &Story, opened: bool) -> String {
    let quantity = story.sent.as_ref().map_or(story.asked(), |sent| sent.quantity);
    format!(
        "ORDER {}   {} {} {} {}, {}   {}\n  {}\n",
        format::count(story.order.0),
        story.side.name(),
        format::quantity(quantity),
        recording.symbol(story.instrument),
        words::order_kind(&story.kind),
        outcome(story),
        when::full(time(story)),
        meaning(story, opened)
    )
}

/// When it ended, or when the last thing happened to it.
fn time(story: &Story) -> Timestamp {
    let last = story.later.last().or(story.chain.first());
    last.map_or(Timestamp(0), |one| one.event.header.time_event)
}

fn outcome(story: &Story) -> String {
    let filled = story.filled();
    let price = story.average_price().map_or(String::new(), |price| format!(" at {}", words::price(price)));
    let fills = match story.fills().len() {
        0 | 1 => price,
        fills => format!("{price} on average in {} fills", format::count(fills as u64)),
    };
    let part = match filled {
        Quantity::ZERO => String::new(),
        filled => format!("{} filled{fills}, the rest ", format::quantity(filled)),
    };
    match story.status {
        Status::Filled => format!("filled{fills}"),
        Status::Cancelled => format!("{part}cancelled{}", why_closed(story)),
        Status::Expired => format!("{part}expired"),
        Status::Rejected => "rejected by the venue".to_string(),
        Status::Denied => match story.verdict.rule {
            Some(rule) => format!("denied by {}", rule.name()),
            None => "denied".to_string(),
        },
        Status::Submitted => "not answered when the journal ended".to_string(),
        Status::Accepted | Status::PartiallyFilled | Status::CancelPending | Status::ReplacePending => {
            format!("{part}still working when the journal ended")
        }
    }
}

fn why_closed(story: &Story) -> &'static str {
    let reason = story.later.iter().rev().find_map(|one| match &one.event.fact {
        Fact::OrderCancelled(OrderClosed { reason, .. }) => Some(*reason),
        _ => None,
    });
    match reason {
        Some(CloseReason::ImmediateRest) => ": immediate or cancel",
        Some(CloseReason::NotFillable) => ": not to be had at once",
        Some(CloseReason::Broker) => ": by the broker",
        Some(CloseReason::SiblingFilled) => ": another order of its list was filled",
        Some(CloseReason::ParentEnded) => ": the order that was to arm it is done",
        Some(CloseReason::PositionClosed) => ": nothing was left to reduce",
        Some(CloseReason::WouldTake) => ": post-only, and it would have taken liquidity",
        Some(CloseReason::Split) => ": a split left less than a lot of it",
        Some(CloseReason::Requested | CloseReason::DayEnded | CloseReason::DateReached) | None => "",
    }
}

/// `Closes the short 500 and opens a long 401. The strategy asked for 500; risk allowed 401.`
fn meaning(story: &Story, opened: bool) -> String {
    let (asked, granted) = (story.verdict.asked, story.verdict.granted);
    let rule = story.verdict.rule.map_or("risk", |rule| rule.name());
    if story.sent.is_none() {
        let aim = aims(story, asked, opened, ["open", "close", "take", "add"]);
        return format!("Was never sent: it was to {aim}, and {rule} allowed none of it.");
    }
    let whole = story.status == Status::Filled;
    let verbs = match whole {
        true => ["opens", "closes", "takes", "adds"],
        false => ["open", "close", "take", "add"],
    };
    let aim = aims(story, granted, opened, verbs);
    let mut text = match whole {
        true => {
            let mut letters = aim.chars();
            let first = letters.next().map(|letter| letter.to_uppercase().to_string());
            format!("{}{}.", first.unwrap_or_default(), letters.as_str())
        }
        false => format!("It was to {aim}."),
    };
    text.push_str(&match () {
        () if asked == Quantity::ZERO => " What only closes is never reduced.".to_string(),
        () if granted == asked => " Risk allowed all that the strategy asked for.".to_string(),
        () if granted == Quantity::ZERO => {
            format!(" The strategy also asked to open {}; risk allowed none of it.", format::quantity(asked))
        }
        () => format!(
            " The strategy asked for {}; risk allowed {}.",
            format::quantity(asked),
            format::quantity(granted)
        ),
    });
    text
}

/// `closes the short 500 and opens a long 401`, with the given words for open, close, take and add.
fn aims(story: &Story, opening: Quantity, opened: bool, [open, close, take, add]: [&str; 4]) -> String {
    let closing = story.verdict.closing;
    let (with, against) = if story.side.sign() > 0 { ("long", "short") } else { ("short", "long") };
    let (held, sign) = (story.position.abs(), story.position.signum() * story.side.sign());
    let mut parts = Vec::new();
    if closing > Quantity::ZERO {
        // What closes is never more than what is held: orders of the other side do not count as closed.
        let position = story.sent.as_ref().map_or(OrderId::NONE, |order| order.closes);
        parts.push(match held == closing {
            _ if !position.is_none() => {
                format!("{take} {} off the {against} that order {position} opened", format::quantity(closing))
            }
            // What positions add up to says nothing of those of one side.
            _ if story.hedges => {
                format!(
                    "{take} {} off the {against} positions, the earliest first",
                    format::quantity(closing)
                )
            }
            true => format!("{close} the {against} {}", format::quantity(held)),
            false => {
                format!("{take} {} off the {against} {}", format::quantity(closing), format::quantity(held))
            }
        });
    }
    if opening > Quantity::ZERO {
        parts.push(match () {
            () if sign > 0 && !opened && !story.hedges => {
                format!("{add} {} to the {with} {}", format::quantity(opening), format::quantity(held))
            }
            () => format!("{open} a {with} {}", format::quantity(opening)),
        });
    }
    if parts.is_empty() { "change nothing".to_string() } else { parts.join(" and ") }
}
