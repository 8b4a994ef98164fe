//! An event for a program: one flat object.

use serde_json::{Value, json};

use super::names::Names;
use super::recording::Numbered;
use super::words;

/// The event's place, times, instrument, cause, kind and fact.
///
/// Times are nanoseconds since 1970, amounts exact text.
pub fn event(names: &Names, one: &Numbered) -> Value {
    let header = &one.event.header;
    let symbol = header.instrument.index().map(|_| names.symbol(header.instrument));
    // The fact serialises as {"kind": …, "fact": …}.
    let fact = serde_json::to_value(&one.event.fact).unwrap_or(Value::Null);
    json!({
        "event": one.number,
        "sequence": header.sequence,
        "time_event": header.time_event,
        "time_received": header.time_received,
        "instrument": symbol,
        "cause": header.cause,
        "kind": one.event.fact.kind().name(),
        "fact": fact.get("fact"),
        "text": words::event(names, &one.event),
    })
}
