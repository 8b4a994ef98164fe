//! The chain of an order or event, newest first, an event a row with what is worth knowing about it.

use genovo_engine::event::{Decision, Fact, OrderKind, Quote};
use genovo_engine::ids::Sequence;

use super::story::Story;
use super::{fills, risk, row_of_data};
use crate::audit::recording::{Numbered, Recording};
use crate::audit::{when, words};
use crate::error::Failure;
use crate::report::format;

/// Fills that are shown one by one; of more, the newest and the oldest.
const FILLS_SHOWN: usize = 8;
/// Columns of a feature vector that are shown, and how many a line.
const FEATURES_SHOWN: usize = 24;
const FEATURES_IN_A_LINE: usize = 5;

/// An event and what is said about it.
pub struct Row {
    /// The event.
    pub one: Numbered,
    lines: Vec<String>,
}

impl Row {
    fn new(one: &Numbered, line: impl Into<String>) -> Row {
        Row { one: one.clone(), lines: vec![line.into()] }
    }
}

/// The rows as a table.
pub fn table(rows: &[Row]) -> String {
    let width = rows.iter().map(|row| format::count(row.one.number).len()).max().unwrap_or(1);
    let indent = " ".repeat(width + 22);
    let mut text = String::new();
    for Row { one, lines } in rows {
        let mut lines = lines.iter();
        let kind = one.event.fact.kind().name();
        let first = lines.next().map_or("", String::as_str);
        let row = format!("  {:>width$}  {kind:<18}{first}", format::count(one.number));
        text.push_str(row.trim_end());
        text.push('\n');
        for line in lines {
            text.push_str(&format!("{indent}{line}\n"));
        }
    }
    text
}

/// The rows of an order.
pub fn of_order(recording: &Recording, story: &Story, all_rules: bool) -> Result<Vec<Row>, Failure> {
    let mut rows = Vec::new();
    later(recording, story, &mut rows)?;
    for one in &story.chain {
        rows.push(match &one.event.fact {
            Fact::OrderSubmitted(order) => {
                Row::new(one, format!("{}{}", words::order(order), latency(recording, story)))
            }
            Fact::OrderDenied(denied) => {
                Row::new(one, format!("by {}: nothing left for the venue", denied.rule.name()))
            }
            Fact::RiskAssessed(verdict) => {
                let mut row = Row::new(one, words::verdict(verdict));
                row.lines.extend(risk::lines(recording, verdict, all_rules));
                row
            }
            _ => of_event(recording, one)?,
        });
    }
    // The bar whose end led to the decision stands beside the chain, not in it: its cause is the same tick.
    for one in &story.origin {
        let about = one.event.header.instrument == story.instrument;
        let before = story.chain.first().is_some_and(|first| one.number < first.number);
        let beside = matches!(one.event.fact, Fact::BarClosed(_) | Fact::DataFlagged(_));
        if about && before && beside {
            rows.push(of_event(recording, one)?);
        }
    }
    rows.sort_by_key(|row| std::cmp::Reverse(row.one.number));
    rows.dedup_by_key(|row| row.one.number);
    Ok(rows)
}

/// What happened after the order left, and the quotes that its fills met.
fn later(recording: &Recording, story: &Story, rows: &mut Vec<Row>) -> Result<(), Failure> {
    let fills = story.fills();
    let shown = |number: u64| {
        let place = fills.iter().position(|(one, _)| one.number == number).unwrap_or(0);
        fills.len() <= FILLS_SHOWN || place == 0 || place + FILLS_SHOWN > fills.len()
    };
    for one in &story.later {
        match &one.event.fact {
            Fact::OrderFilled(_) if !shown(one.number) => {}
            Fact::OrderFilled(fill) => {
                let mut row = Row::new(one, fills::line(recording, story, one, fill));
                if fills.len() > FILLS_SHOWN && one.number == fills[0].0.number {
                    let left_out = format::count((fills.len() - FILLS_SHOWN) as u64);
                    row.lines.push(format!("{left_out} more fills: audit show --order {}", story.order));
                }
                rows.push(row);
                if let Some(quote) = story.met_by(one) {
                    rows.push(met(recording, story, quote)?);
                }
            }
            // Accepted and filled in one moment is one thing for a reader.
            Fact::OrderAccepted(_) => {
                let at_once = fills
                    .first()
                    .is_some_and(|(fill, _)| fill.event.header.time_event == one.event.header.time_event);
                if !at_once || story.kind != OrderKind::Market {
                    rows.push(Row::new(one, format!("the venue took it{}", at(one))));
                }
            }
            Fact::OrderRejected(rejected) => {
                rows.push(Row::new(one, format!("the venue refused it: {}", rejected.reason.name())));
            }
            Fact::OrderCancelled(closed) | Fact::OrderExpired(closed) => {
                rows.push(Row::new(one, format!("{}{}", words::closed(closed), at(one))));
            }
            Fact::OrderTriggered(one_triggered) => rows.push(Row::new(
                one,
                format!(
                    "its trigger {} was reached at {}{}",
                    format::price(one_triggered.trigger),
                    format::price(one_triggered.price),
                    at(one)
                ),
            )),
            Fact::OrderReplaced(replaced) => {
                rows.push(Row::new(one, format!("{}{}", words::replaced(replaced), at(one))));
            }
            Fact::ReplaceRejected(rejected) => {
                rows.push(Row::new(one, format!("not replaced: {}{}", rejected.reason.name(), at(one))));
            }
            Fact::CancelRequested(_) => rows.push(Row::new(one, format!("a cancel left{}", at(one)))),
            Fact::CancelRejected(_) => {
                rows.push(Row::new(one, format!("too late: the order was done{}", at(one))));
            }
            _ => rows.push(of_event(recording, one)?),
        }
    }
    Ok(())
}

/// The quote that a fill met.
fn met(recording: &Recording, story: &Story, quote: &Numbered) -> Result<Row, Failure> {
    let mut row = of_event(recording, quote)?;
    let caused = story.cause().is_some_and(|cause| cause.number == quote.number);
    let what = if caused { "   also the quote it met" } else { "   the quote it met" };
    if let Some(line) = row.lines.first_mut() {
        line.push_str(what);
    }
    Ok(row)
}

fn at(one: &Numbered) -> String {
    format!("   {}", when::clock(one.event.header.time_event))
}

/// How long an order takes to get to the venue, where nothing else shows it.
fn latency(recording: &Recording, story: &Story) -> String {
    let latency = recording.settings.as_ref().map(|settings| settings.venue.latency);
    match latency {
        Some(latency) if story.fills().is_empty() && story.later.is_empty() => {
            format!("; it takes {} to the venue", when::length(latency))
        }
        _ => String::new(),
    }
}

/// An event by itself.
pub fn of_event(recording: &Recording, one: &Numbered) -> Result<Row, Failure> {
    Ok(match &one.event.fact {
        Fact::QuoteChanged(quote) => Row::new(one, self::quote(recording, one, quote)?),
        Fact::TradePrinted(_) | Fact::BarReceived(_) | Fact::BookChanged(_) | Fact::BookReset(_) => {
            let text = words::event(recording, &one.event);
            Row::new(one, format!("{text}{}{}", at(one), row(recording, one)?))
        }
        Fact::DecisionMade(decision) => of_decision(recording, one, decision),
        Fact::FeaturesComputed(vector) => {
            let line = words::features(vector, recording.features(), FEATURES_SHOWN);
            let parts: Vec<&str> = line.split("   ").collect();
            let lines = parts.chunks(FEATURES_IN_A_LINE).map(|parts| parts.join("   "));
            Row { one: one.clone(), lines: lines.collect() }
        }
        Fact::RiskAssessed(verdict) => {
            let mut row = Row::new(one, words::verdict(verdict));
            row.lines.extend(risk::lines(recording, verdict, false));
            row
        }
        _ => Row::new(one, words::event(recording, &one.event)),
    })
}

fn quote(recording: &Recording, one: &Numbered, quote: &Quote) -> Result<String, Failure> {
    Ok(format!("{}{}{}", words::quote(quote), at(one), row(recording, one)?))
}

fn row(recording: &Recording, one: &Numbered) -> Result<String, Failure> {
    let row = row_of_data(recording, &one.event)?;
    Ok(row.map_or(String::new(), |row| format!("   {row}")))
}

/// The reason part by part, then the numbers behind it that the reason does not hold.
fn of_decision(recording: &Recording, one: &Numbered, decision: &Decision) -> Row {
    let mut reason = decision.because.split("; ").map(str::to_string);
    let first = reason.next().filter(|first| !first.is_empty());
    let actions = || decision.actions.iter().map(|action| words::action(recording, action));
    let first = first.unwrap_or_else(|| actions().collect::<Vec<_>>().join("; "));
    let mut row = Row::new(one, format!("{} → {first}", decision.strategy));
    row.lines.extend(reason);
    if let Some(lines) = super::model::lines(decision) {
        row.lines.extend(lines);
        row.lines.extend(super::model::selected(recording, decision, one.event.header.cause));
        return row;
    }
    let evidence: Vec<String> = decision
        .evidence
        .iter()
        .filter(|evidence| !decision.because.contains(&format!("{:.4}", evidence.value)))
        .map(|evidence| format!("{} {}", evidence.name, evidence.value))
        .collect();
    if !evidence.is_empty() {
        row.lines.push(evidence.join("   "));
    }
    row
}

/// The sequence of the event's cause, if it has one.
pub fn cause(one: &Numbered) -> Option<Sequence> {
    Some(one.event.header.cause).filter(|cause| *cause != Sequence::NONE)
}
