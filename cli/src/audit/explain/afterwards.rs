//! What became of the position that an order closed or opened.

use std::collections::{BTreeMap, BTreeSet};

use genovo_engine::event::{CorporateAction, Event, Fact, Kind, PositionEffect, Side};
use genovo_engine::ids::{InstrumentId, OrderId, Sequence};
use genovo_engine::settings::Settings;
use genovo_engine::tickets::Quantities;
use genovo_engine::units::{FIXED_MAX, Money, Quantity, Timestamp};
use serde_json::{Value, json};

use super::story::Story;
use crate::audit::recording::{Recording, failed};
use crate::audit::when;
use crate::error::Failure;
use crate::report::{OpenPosition, ReportBuilder, Trade, format};

/// Events at the end of a journal among which the last prices are looked for.
const TAIL: u64 = 4_096;

/// The trades that an order had a part in, oldest first, and the positions: in a hedging account it may be several.
pub struct Afterwards {
    trades: Vec<(Part, Trade)>,
    open: Vec<(Part, OpenPosition)>,
    hedges: bool,
}

/// An order's part in a trade.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Opened,
    Changed,
    Closed,
}

impl Afterwards {
    /// Follows the fills of the run to its end.
    pub fn of(recording: &Recording, story: &Story) -> Result<Afterwards, Failure> {
        let fills = story.fills_that_hold();
        let times: Vec<Timestamp> = fills.iter().map(|(one, _)| one.event.header.time_received).collect();
        if times.is_empty() {
            return Ok(Afterwards { trades: Vec::new(), open: Vec::new(), hedges: story.hedges });
        }
        let mut touched = Touched::by(story, recording.settings.as_ref());
        let report = follow(recording, |event| touched.observe(event))?;
        let symbol = recording.symbol(story.instrument);
        // An order had a part in what its fills took from or added to. Where nothing stands side by side, what was
        // filled between a position's beginning and its end is a part of it too, whatever order names it by now.
        let had_a_part = |order_in: OrderId, opened: Timestamp, closed: Option<Timestamp>| {
            let within = |time: Timestamp| opened <= time && closed.is_none_or(|closed| time <= closed);
            let inside = |time: Timestamp| opened < time && closed.is_none_or(|closed| time < closed);
            touched.positions.contains(&order_in) && times.iter().any(|&time| within(time))
                || !story.hedges && times.iter().any(|&time| inside(time))
        };
        let mut trades = Vec::new();
        for trade in report.trades.list.into_iter().filter(|trade| trade.instrument == symbol) {
            let part = match story.order {
                order if order == trade.order_out => Part::Closed,
                order if order == trade.order_in => Part::Opened,
                _ if had_a_part(trade.order_in, trade.opened.0, Some(trade.closed.0)) => Part::Changed,
                _ => continue,
            };
            trades.push((part, trade));
        }
        let mut open = Vec::new();
        for position in report.open.into_iter().filter(|open| open.instrument == symbol) {
            if position.order_in == story.order {
                open.push((Part::Opened, position));
            } else if had_a_part(position.order_in, position.opened.0, None) {
                open.push((Part::Changed, position));
            }
        }
        Ok(Afterwards { trades, open, hedges: story.hedges })
    }

    /// Whether the order opened a position, whatever the one was when it was decided.
    pub fn opened(&self) -> bool {
        let mut parts =
            self.trades.iter().map(|(part, _)| part).chain(self.open.iter().map(|(part, _)| part));
        parts.any(|part| *part == Part::Opened)
    }

    /// In words: one line.
    pub fn text(&self, recording: &Recording, story: &Story) -> String {
        let digits = recording.digits();
        let mut parts: Vec<String> = self
            .trades
            .iter()
            .map(|(part, trade)| {
                let position = long_or_short(trade.side);
                let since = when::minute_after(trade.closed.0, trade.opened.0);
                let result = result(trade.profit, digits);
                match part {
                    Part::Closed if trade.order_in == trade.order_out => {
                        format!("the {position} it opened {result} (a split left less than a lot, {since})")
                    }
                    Part::Closed => format!("the {position} it closed {result} (order {})", trade.order_in),
                    Part::Opened => {
                        format!("the {position} it opened {result} (order {}, {since})", trade.order_out)
                    }
                    Part::Changed => format!(
                        "the {position} it changed {result} (orders {} to {}, {since})",
                        trade.order_in, trade.order_out
                    ),
                }
            })
            .collect();
        for (part, open) in &self.open {
            let side = if open.quantity.signum() < 0 { Side::Sell } else { Side::Buy };
            // Several of an instrument are told apart by the orders that opened them.
            let what = match part {
                Part::Opened => "it opened".to_string(),
                _ if self.hedges => format!("that order {} opened and it changed", open.order_in),
                _ => "it changed".to_string(),
            };
            parts.push(format!(
                "the {} {what} is still open: {} at {}, {} at the {} {}",
                long_or_short(side),
                format::quantity(open.quantity.abs()),
                format::price(open.price_in),
                format::money_signed(open.profit, digits),
                open.marked_at,
                format::price(open.mark)
            ));
        }
        match (parts.is_empty(), story.sent.is_some()) {
            (false, _) => parts.join("; "),
            (true, true) if !story.fills().is_empty() => match story.fills_that_hold().is_empty() {
                true => "no position is left of it: the broker took back what was filled",
                false => "no position is left of it: the broker corrected those that it changed",
            }
            .to_string(),
            (true, true) => "no position changed: nothing was filled".to_string(),
            (true, false) => "no position changed: it was never sent".to_string(),
        }
    }

    /// For a program.
    pub fn to_json(&self) -> Value {
        let part = |part: &Part| match part {
            Part::Opened => "opened",
            Part::Changed => "changed",
            Part::Closed => "closed",
        };
        // What a trade went through between its fills is not followed here, so it is not told either.
        let trade = |(of, trade): &(Part, Trade)| {
            json!({
                "part": part(of),
                "side": trade.side,
                "quantity": trade.quantity,
                "order_in": trade.order_in,
                "order_out": trade.order_out,
                "opened": trade.opened,
                "closed": trade.closed,
                "price_in": trade.price_in,
                "price_out": trade.price_out,
                "profit": trade.profit,
                "commission": trade.commission,
            })
        };
        let mut open = self.open.iter().map(|(of, open)| json!({ "part": part(of), "position": open }));
        let mut told = json!({
            "trades": self.trades.iter().map(trade).collect::<Vec<_>>(),
            "still_open": open.next(),
        });
        // What closes the earliest first may leave its mark on several.
        let others: Vec<Value> = open.collect();
        if !others.is_empty() {
            told["also_open"] = Value::Array(others);
        }
        told
    }
}

/// The positions that the fills of one order took from or added to, by the orders that opened them: which they are
/// is in no event, but follows from all fills before.
struct Touched {
    order: OrderId,
    instrument: InstrumentId,
    lot: Quantity,
    hedges: bool,
    held: Quantities,
    effects: BTreeMap<OrderId, PositionEffect>,
    positions: BTreeSet<OrderId>,
}

impl Touched {
    fn by(story: &Story, settings: Option<&Settings>) -> Touched {
        let instrument = settings.and_then(|settings| settings.instrument(story.instrument));
        Touched {
            order: story.order,
            instrument: story.instrument,
            lot: instrument.map_or(Quantity::ZERO, |instrument| instrument.lot),
            hedges: story.hedges,
            held: Quantities::default(),
            effects: BTreeMap::new(),
            positions: BTreeSet::new(),
        }
    }

    fn observe(&mut self, event: &Event) {
        if event.header.instrument != self.instrument {
            return;
        }
        match &event.fact {
            Fact::OrderSubmitted(order) if self.hedges && order.only_closes() => {
                self.effects.insert(order.order, order.effect());
            }
            Fact::OrderFilled(fill) if can_be(fill.quantity) => {
                let effect = self.effects.get(&fill.order).copied().unwrap_or_default();
                let before = (fill.order == self.order).then(|| self.held.all().to_vec());
                match self.hedges {
                    true => self.held.fill(fill.order, fill.side, fill.quantity, effect),
                    false => self.net(fill.order, Quantity(fill.quantity.0.saturating_mul(fill.side.sign()))),
                }
                for one in before.into_iter().flatten() {
                    if !self.held.all().contains(&one) {
                        self.positions.insert(one.0);
                    }
                }
            }
            Fact::TradeCorrected(trade) if trade.corrected.is_none() && can_be(trade.quantity) => {
                let position = match self.effects.get(&trade.order) {
                    Some(PositionEffect::Close(position)) => *position,
                    _ => trade.order,
                };
                let taken = Quantity(trade.quantity.0.saturating_mul(-trade.side.sign()));
                match self.hedges {
                    true => self.held.add(position, taken),
                    false => self.net(trade.order, taken),
                }
            }
            Fact::CorporateActionApplied(CorporateAction::Split { new, old }) => {
                let (new, old, lot) = (i128::from(*new), i128::from((*old).max(1)), self.lot);
                let most = i128::from(FIXED_MAX);
                let scaled = |units: Quantity| (i128::from(units.0) * new / old).clamp(-most, most) as i64;
                self.held.scale(|units| Quantity(scaled(units)).round_down_to(lot));
            }
            _ => {}
        }
    }

    /// So much more (signed) of the only position there is, which bears the name of the order that opened it or turned
    /// it round.
    fn net(&mut self, order: OrderId, quantity: Quantity) {
        let before = self.held.net();
        let after = Quantity(before.0.saturating_add(quantity.0));
        let opener = match self.held.all() {
            [(opener, _)] if before.signum() == after.signum() => *opener,
            _ => order,
        };
        let left = (after != Quantity::ZERO).then_some((opener, after));
        self.held = Quantities::new(left.into_iter().collect());
    }
}

/// Whether there can be an execution of so much. Another program may have sealed any numbers.
fn can_be(quantity: Quantity) -> bool {
    (1..=FIXED_MAX).contains(&quantity.0)
}

/// The report's trades: from the fills, and from the last prices for what is open. Whoever looks too is shown the rest.
fn follow(recording: &Recording, mut shown: impl FnMut(&Event)) -> Result<crate::report::Report, Failure> {
    let journal = &recording.journal;
    let tail = journal.summary().events.saturating_sub(TAIL).max(1);
    let tail = journal.by_number(tail).map_err(failed)?.map_or(Sequence::NONE, |event| event.header.sequence);
    let mut builder = ReportBuilder::new();
    let rare = [
        Kind::RunStarted,
        Kind::InstrumentDefined,
        Kind::CorporateActionApplied,
        Kind::OrderSubmitted,
        Kind::OrderFilled,
        Kind::TradeCorrected,
    ];
    for event in journal.events_of_kinds(&rare) {
        let event = event.map_err(failed)?;
        if event.header.sequence < tail {
            builder.observe(&event);
            shown(&event);
        }
    }
    for event in journal.events_from(tail) {
        let event = event.map_err(failed)?;
        let kind = event.fact.kind();
        let needed = kind.is_sourced()
            || matches!(
                event.fact,
                Fact::RunStarted(_)
                    | Fact::InstrumentDefined(_)
                    | Fact::OrderSubmitted(_)
                    | Fact::OrderFilled(_)
                    | Fact::TradeCorrected(_)
                    | Fact::DataFlagged(_)
            );
        if needed {
            builder.observe(&event);
            shown(&event);
        }
    }
    Ok(builder.finish())
}

fn long_or_short(side: Side) -> &'static str {
    match side {
        Side::Buy => "long",
        Side::Sell => "short",
    }
}

fn result(profit: Money, digits: u8) -> String {
    match profit.0 {
        0 => "broke even".to_string(),
        1.. => format!("won {}", format::money(profit, digits)),
        _ => format!("lost {}", format::money(profit.abs(), digits)),
    }
}
