//! `genovo import --inspect`: what a file seems to hold, why, and what a scenario would say of it.

use std::path::Path;

use genovo_adapters::data::inspect::{self, Guess};
use genovo_adapters::data::{self, Column, DataSpec, Field};
use genovo_engine::event::{Event, Fact, Side};
use genovo_engine::settings::DataKind;
use genovo_engine::units::Quantity;
use serde_json::json;

use crate::commands::import::{self, Import, kind_name};
use crate::commands::{Context, say, say_json};
use crate::error::Failure;
use crate::report::format;
use crate::scenario::readable;

/// How many rows are shown as they were read.
const ROWS: usize = 5;

/// Shows every file; writes nothing.
pub fn command(import: &Import, context: &Context) -> Result<(), Failure> {
    let mut all = Vec::new();
    for path in &import.files {
        let (market, select) = (import.reading.market.as_ref(), import.reading.select.as_deref());
        let mut guess = inspect::guess_with(path, market, select).map_err(|error| import::failure(&error))?;
        import.reading.over(&mut guess.spec);
        let rows = first_rows(path, &guess.spec);
        match context.json {
            true => all.push(to_json(path, &guess, &rows)),
            false => say(&to_text(import, path, &guess, &rows))?,
        }
    }
    match context.json {
        true => say_json(&json!({ "files": all })),
        false => say("Nothing was written.\n"),
    }
}

/// The first rows as events, or why they cannot be read.
fn first_rows(path: &Path, spec: &DataSpec) -> Result<Vec<Event>, Box<Failure>> {
    let mut rows = Vec::new();
    let failed = |error| Box::new(import::failure(&error));
    let mut open = data::open(path, spec).map_err(failed)?;
    match open.source.read(&mut rows, ROWS) {
        Err(error) if rows.is_empty() => Err(Box::new(match crate::sources::data_error(&error) {
            Some(error) => import::failure(error),
            None => Failure::new(crate::error::Exit::Failed, error.to_string(), ""),
        })),
        _ => Ok(rows.into_iter().take(ROWS).collect()),
    }
}

fn to_text(import: &Import, path: &Path, guess: &Guess, rows: &Result<Vec<Event>, Box<Failure>>) -> String {
    let mut text = format!("{}   {}, {}\n\n", path.display(), kind_name(guess.spec.kind), guess.compression);
    let names = guess.columns.iter().map(|column| column.name.chars().count());
    let width = names.max().unwrap_or(0).max("column".len());
    text.push_str(&format!("  {:width$}   read as    first value\n", "column"));
    for (place, column) in guess.columns.iter().enumerate() {
        let field = field_of(&guess.spec, &column.name, place + 1).map_or("–", Field::name);
        let line = format!("  {:width$}   {field:8}   {}", column.name, column.example);
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text.push_str("\nbecause\n");
    for reason in &guess.reasons {
        text.push_str(&format!("  {reason}\n"));
    }
    if !guess.questions.is_empty() {
        text.push_str("\nto be confirmed\n");
        for question in &guess.questions {
            text.push_str(&format!("  {question}\n"));
        }
    }
    text.push_str("\nthe first rows as read\n");
    match rows {
        Ok(rows) => rows.iter().for_each(|row| text.push_str(&format!("  {}\n", show(row)))),
        Err(failure) => text.push_str(&format!("  none: {}\n", failure.one_line())),
    }
    text.push_str(&format!("\nfor a scenario\n\n{}\n", data_section(path, &guess.spec)));
    let symbol = import.instrument.first().or(guess.symbol.as_ref());
    let symbol = symbol.map_or("SYMBOL", String::as_str);
    text + &format!("to import it\n  {}\n\n", command_line(path, &guess.spec, symbol))
}

/// What a column is read as.
fn field_of(spec: &DataSpec, name: &str, number: usize) -> Option<Field> {
    let is_it = |column: &Column| match column {
        Column::Name(named) => named.eq_ignore_ascii_case(name),
        Column::Number(numbered) => *numbered == number,
    };
    spec.columns.iter().find(|(_, column)| is_it(column)).map(|(field, _)| *field)
}

/// A row in one line, times in UTC.
fn show(event: &Event) -> String {
    let time = format::moment(event.header.time_event);
    let size = |size: Option<Quantity>| size.map_or("?".to_string(), |size| size.to_string());
    let what = match &event.fact {
        Fact::QuoteChanged(quote) => format!(
            "bid {} × {}   ask {} × {}",
            quote.bid,
            size(quote.bid_size),
            quote.ask,
            size(quote.ask_size)
        ),
        Fact::TradePrinted(trade) => {
            let side = trade.aggressor.map_or("", |side| side.name());
            format!("{} × {}   {side}", trade.price, size(trade.size))
        }
        Fact::BarReceived(bar) => format!(
            "o {}   h {}   l {}   c {}   volume {}   opened {:.0}",
            bar.open,
            bar.high,
            bar.low,
            bar.close,
            size(bar.volume),
            format::moment(bar.open_time)
        ),
        Fact::BookChanged(change) => {
            let order = if change.order == 0 { String::new() } else { format!("   order {}", change.order) };
            let side = if change.side == Side::Buy { "bid" } else { "ask" };
            let more = if change.last { "" } else { "   …" };
            format!("{side} {} {} × {}{order}{more}", change.action.name(), change.price, change.size)
        }
        other => other.kind().name().to_string(),
    };
    format!("{time:.9}   {what}").trim_end().to_string()
}

/// A `[data]` section to paste. The path is absolute, so that the scenario may lie anywhere.
fn data_section(path: &Path, spec: &DataSpec) -> String {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let mut text =
        format!("[data]\npath = {}\nkind = \"{}\"\n", quoted(path.display()), kind_name(spec.kind));
    let columns: Vec<String> = spec
        .columns
        .iter()
        .map(|(field, column)| match column {
            Column::Name(name) => format!("{field} = {}", quoted(name)),
            Column::Number(number) => format!("{field} = {number}"),
        })
        .collect();
    if !columns.is_empty() {
        text.push_str(&format!("columns = {{ {} }}\n", columns.join(", ")));
    }
    for (key, value) in words(spec) {
        let value = if value == "true" || value == "false" { value } else { quoted(value) };
        text.push_str(&format!("{key} = {value}\n"));
    }
    text
}

/// What else a scenario or a command line would say, as key and value.
fn words(spec: &DataSpec) -> Vec<(&'static str, String)> {
    let mut words = Vec::new();
    if !spec.header {
        words.push(("header", "false".to_string()));
    }
    if let Some(time) = spec.time {
        words.push(("time_format", time.name().to_string()));
    }
    let named = [("market", spec.market.as_ref().map(ToString::to_string)), ("select", spec.select.clone())];
    words.extend(named.into_iter().filter_map(|(key, value)| Some((key, value?))));
    let lengths = [
        ("utc_offset", Some(spec.utc_offset).filter(|length| length.0 != 0)),
        ("feed_latency", Some(spec.feed_latency).filter(|length| length.0 != 0)),
        ("interval", spec.bar_interval.filter(|_| spec.kind == DataKind::Bars)),
        ("known_after", spec.bar_known_after.filter(|_| spec.kind == DataKind::Bars)),
    ];
    words.extend(lengths.into_iter().filter_map(|(key, length)| Some((key, readable::show_length(length?)))));
    if spec.skip_bad_rows {
        words.push(("skip_bad_rows", "true".to_string()));
    }
    words
}

/// A text as TOML writes it.
fn quoted(text: impl ToString) -> String {
    let text = text.to_string();
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

fn command_line(path: &Path, spec: &DataSpec, symbol: &str) -> String {
    let mut line = format!("genovo import {} --instrument {symbol}", path.display());
    line.push_str(&format!(" --kind {}", kind_name(spec.kind)));
    let columns: Vec<String> = spec
        .columns
        .iter()
        .map(|(field, column)| match column {
            Column::Name(name) => format!("{field}={name}"),
            Column::Number(number) => format!("{field}={number}"),
        })
        .collect();
    if !columns.is_empty() {
        line.push_str(&format!(" --columns '{}'", columns.join(",")));
    }
    for (key, value) in words(spec) {
        match (key, value.as_str()) {
            ("header", _) => line.push_str(" --no-header"),
            (_, "true") => line.push_str(&format!(" --{}", key.replace('_', "-"))),
            _ if value.contains(' ') => line.push_str(&format!(" --{} '{value}'", key.replace('_', "-"))),
            _ => line.push_str(&format!(" --{} {value}", key.replace('_', "-"))),
        }
    }
    line
}

fn to_json(path: &Path, guess: &Guess, rows: &Result<Vec<Event>, Box<Failure>>) -> serde_json::Value {
    let columns: Vec<_> = guess
        .columns
        .iter()
        .enumerate()
        .map(|(place, column)| {
            let field = field_of(&guess.spec, &column.name, place + 1).map(Field::name);
            json!({ "name": column.name, "read_as": field, "example": column.example })
        })
        .collect();
    json!({
        "file": path,
        "kind": guess.spec.kind,
        "compression": guess.compression.to_string(),
        "columns": columns,
        "time_format": guess.spec.time.map(|time| time.name()),
        "header": guess.spec.header,
        "symbol": guess.symbol,
        "reasons": guess.reasons,
        "questions": guess.questions,
        "rows": rows.as_ref().ok(),
        "error": rows.as_ref().err().map(|failure| failure.to_json()),
        "data_section": data_section(path, &guess.spec),
    })
}
