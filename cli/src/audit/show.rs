//! `audit show`: the events of a journal as a table, or a JSON object a line.

use genovo_engine::event::{Event, Kind};
use genovo_engine::ids::{InstrumentId, OrderId, Sequence};
use genovo_engine::units::Timestamp;

use super::names::Names;
use super::recording::{NOTHING, Numbered, Recording, failed};
use super::{json, when, words};
use crate::error::{Exit, Failure};
use crate::report::format;
use crate::scenario::readable::did_you_mean;

/// Where a selection begins or ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// At the event with this number.
    Number(u64),
    /// At this time of arrival.
    Time(Timestamp),
}

impl Bound {
    /// Reads `286,641` or `2014-05-02 14:30`.
    pub fn parse(text: &str) -> Result<Bound, String> {
        if let Ok(number) = text.replace([',', '_'], "").parse() {
            return Ok(Bound::Number(number));
        }
        when::parse(text).map(Bound::Time).ok_or_else(|| {
            "is neither an event's number nor a time such as 2014-05-02T14:30:00Z or \"2014-05-02 14:30\""
                .to_string()
        })
    }

    fn is_reached(self, number: u64, event: &Event) -> bool {
        match self {
            Bound::Number(bound) => number >= bound,
            Bound::Time(bound) => event.header.time_received >= bound,
        }
    }

    fn is_passed(self, number: u64, event: &Event) -> bool {
        match self {
            Bound::Number(bound) => number > bound,
            Bound::Time(bound) => event.header.time_received > bound,
        }
    }
}

/// Which events are wanted. Nothing wanted in particular means all.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// The first.
    pub from: Option<Bound>,
    /// The last.
    pub to: Option<Bound>,
    /// Only these kinds.
    pub kinds: Vec<Kind>,
    /// Only events that name this order.
    pub order: Option<OrderId>,
    /// Only this instrument.
    pub instrument: Option<InstrumentId>,
    /// The most events shown; 0 for no limit.
    pub limit: u64,
}

/// The kind of this name, in any case.
pub fn kind(name: &str) -> Result<Kind, Failure> {
    let built = || Kind::ALL.iter().copied().filter(|kind| kind.is_built());
    if let Some(kind) = built().find(|kind| kind.name().eq_ignore_ascii_case(name)) {
        return Ok(kind);
    }
    let help = match did_you_mean(name, built().map(Kind::name)) {
        Some(guess) => format!("did you mean `{guess}`?"),
        None => format!("there are {}", built().map(Kind::name).collect::<Vec<_>>().join(", ")),
    };
    Err(Failure::new(Exit::Usage, format!("no event is of kind `{name}`"), NOTHING).help(help))
}

/// Hands every selected event to `show`, in order; whether the limit left some out.
pub fn select(
    recording: &Recording,
    selection: &Selection,
    mut show: impl FnMut(&Numbered) -> Result<(), Failure>,
) -> Result<bool, Failure> {
    let mut shown = 0;
    let mut take = |one: &Numbered| -> Result<bool, Failure> {
        if !selection.holds(one) {
            return Ok(true);
        }
        if selection.limit > 0 && shown == selection.limit {
            return Ok(false);
        }
        shown += 1;
        show(one)?;
        Ok(true)
    };
    if let Some(order) = selection.order {
        for one in recording.order_events(order)? {
            if !take(&one)? {
                return Ok(true);
            }
        }
        return Ok(false);
    }
    let (mut number, first) = selection.start(recording)?;
    for event in recording.journal.events_from(first) {
        let one = Numbered { number, event: event.map_err(failed)? };
        if selection.to.is_some_and(|to| to.is_passed(number, &one.event)) {
            break;
        }
        if !take(&one)? {
            return Ok(true);
        }
        number += 1;
    }
    Ok(false)
}

impl Selection {
    fn holds(&self, one: &Numbered) -> bool {
        let Numbered { number, event } = one;
        self.from.is_none_or(|from| from.is_reached(*number, event))
            && self.to.is_none_or(|to| !to.is_passed(*number, event))
            && (self.kinds.is_empty() || self.kinds.contains(&event.fact.kind()))
            && self.instrument.is_none_or(|instrument| event.header.instrument == instrument)
    }

    /// The number and sequence from which on to look.
    fn start(&self, recording: &Recording) -> Result<(u64, Sequence), Failure> {
        let journal = &recording.journal;
        let beyond = (journal.summary().events + 1, Sequence(u64::MAX));
        let sequence = match self.from {
            None => return Ok((1, Sequence::NONE)),
            Some(Bound::Number(number)) => {
                let event = journal.by_number(number.max(1)).map_err(failed)?;
                return Ok(event.map_or(beyond, |event| (number.max(1), event.header.sequence)));
            }
            Some(Bound::Time(time)) => journal.sequence_at(time),
        };
        let Some(sequence) = sequence else { return Ok(beyond) };
        let number = journal.number_of(sequence).map_err(failed)?;
        Ok(number.map_or(beyond, |number| (number, sequence)))
    }
}

/// One event as a row of the table.
pub fn row(recording: &Recording, one: &Numbered) -> String {
    row_of(recording, one, format::count(recording.journal.summary().events).len())
}

/// The same with so much room for the number.
pub fn row_of(names: &Names, one: &Numbered, width: usize) -> String {
    let header = &one.event.header;
    let symbol = match (names.instruments() > 1, header.instrument.index()) {
        (true, Some(_)) => format!("{}  ", names.symbol(header.instrument)),
        _ => String::new(),
    };
    format!(
        "{:>width$}  {}  {:<17}  {symbol}{}\n",
        format::count(one.number),
        when::column(header.time_received),
        one.event.fact.kind().name(),
        words::event(names, &one.event)
    )
}

/// One event in full.
pub fn in_full(recording: &Recording, one: &Numbered) -> String {
    let value = json::event(recording, one);
    let fact = serde_json::to_string_pretty(&value["fact"]).unwrap_or_default();
    let header = &one.event.header;
    let mut text = row(recording, one);
    text.push_str(&format!(
        "  sequence       {}   (input {}, position {})\n  happened       {}\n  arrived        {}\n",
        header.sequence,
        format::count(header.sequence.input_number()),
        header.sequence.position(),
        when::full(header.time_event),
        when::full(header.time_received)
    ));
    if header.instrument.index().is_some() {
        text.push_str(&format!("  instrument     {}\n", recording.symbol(header.instrument)));
    }
    let cause = if header.cause == Sequence::NONE { "none".into() } else { header.cause.to_string() };
    text.push_str(&format!("  cause          {cause}\n"));
    for line in fact.lines() {
        text.push_str(&format!("  {line}\n"));
    }
    text
}
