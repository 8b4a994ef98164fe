//! What became of the position that an order closed or opened.

use genovo_engine::event::{Fact, Kind, Side};
use genovo_engine::ids::{OrderId, Sequence};
use genovo_engine::settings::Settings;
use genovo_engine::units::{Money, Timestamp};
use serde_json::{Value, json};

use super::story::Story;
use crate::audit::recording::{Recording, failed};
use crate::audit::when;
use crate::error::Failure;
use crate::report::{OpenPosition, ReportBuilder, Trade, format};

/// Events at the end of a journal among which the last prices are looked for.
const TAIL: u64 = 4_096;

/// The trades that an order had a part in, oldest first.
pub struct Afterwards {
    trades: Vec<(Part, Trade)>,
    open: Option<(Part, OpenPosition)>,
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
        let mut afterwards = Afterwards { trades: Vec::new(), open: None };
        let times: Vec<Timestamp> =
            story.fills().iter().map(|(one, _)| one.event.header.time_received).collect();
        if times.is_empty() {
            return Ok(afterwards);
        }
        let report = follow(recording)?;
        let symbol = recording.symbol(story.instrument);
        let hedges = report.settings.as_ref().is_some_and(Settings::hedges);
        let closes = story.sent.as_ref().map_or(OrderId::NONE, |order| order.closes);
        for trade in report.trades.list {
            let part = match story.order {
                order if order == trade.order_out => Part::Closed,
                order if order == trade.order_in => Part::Opened,
                _ => Part::Changed,
            };
            let within = match hedges {
                true => closes == trade.order_in,
                false => times.iter().any(|&time| trade.opened.0 < time && time < trade.closed.0),
            };
            if trade.instrument == symbol && (part != Part::Changed || within) {
                afterwards.trades.push((part, trade));
            }
        }
        let mut open = report.open.into_iter().filter(|open| open.instrument == symbol);
        let open = match hedges {
            true => open.find(|open| open.order_in == story.order || open.order_in == closes),
            false => open.next(),
        };
        afterwards.open = open.and_then(|open| match open.order_in == story.order {
            true => Some((Part::Opened, open)),
            false if times.iter().any(|&time| time > open.opened.0) => Some((Part::Changed, open)),
            false => None,
        });
        Ok(afterwards)
    }

    /// Whether the order opened a position, whatever the one was when it was decided.
    pub fn opened(&self) -> bool {
        let parts =
            self.trades.iter().map(|(part, _)| *part).chain(self.open.as_ref().map(|(part, _)| *part));
        parts.into_iter().any(|part| part == Part::Opened)
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
                        format!("the {position} that it opened and closed {result}")
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
        if let Some((part, open)) = &self.open {
            let side = if open.quantity.signum() < 0 { Side::Sell } else { Side::Buy };
            parts.push(format!(
                "the {} it {} is still open: {} at {}, {} at the {} {}",
                long_or_short(side),
                if *part == Part::Opened { "opened" } else { "changed" },
                format::quantity(open.quantity.abs()),
                format::price(open.price_in),
                format::money_signed(open.profit, digits),
                open.marked_at,
                format::price(open.mark)
            ));
        }
        match (parts.is_empty(), story.sent.is_some()) {
            (false, _) => parts.join("; "),
            (true, true) if !story.fills().is_empty() => {
                "what it closed a part of is still open, or others closed the rest".to_string()
            }
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
        json!({
            "trades": self.trades.iter().map(trade).collect::<Vec<_>>(),
            "still_open": self.open.as_ref().map(|(of, open)| json!({ "part": part(of), "position": open })),
        })
    }
}

/// The report's trades: from the fills, and from the last prices for what is open.
fn follow(recording: &Recording) -> Result<crate::report::Report, Failure> {
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
    ];
    for event in journal.events_of_kinds(&rare) {
        let event = event.map_err(failed)?;
        if event.header.sequence < tail {
            builder.observe(&event);
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
                    | Fact::DataFlagged(_)
            );
        if needed {
            builder.observe(&event);
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
