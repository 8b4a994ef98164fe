//! `genovo features`: what columns there are, what a run's columns were, and which of them say something.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use genovo_adapters::data::names_in;
use genovo_engine::event::{Fact, Features as Vector};
use genovo_engine::features::candle::Timeframe;
use genovo_engine::features::catalogue;
use genovo_engine::features::column::Column;
use genovo_engine::features::layout;
use genovo_engine::features::reselect::labels;
use genovo_engine::features::select::{Rules, Selection, select};
use genovo_engine::ids::InstrumentId;
use genovo_engine::units::{Nanoseconds, Price};
use serde_json::json;

use super::{Context, say};
use crate::audit::recording::{Recording, failed};
use crate::error::{Exit, Failure};
use crate::report::selection as page;
use crate::report::sparkline::sparkline;
use crate::report::{Curve, format};
use crate::runs;
use crate::scenario::readable::did_you_mean;

/// List and describe the columns of the catalogue, show a run's, select those that say something.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Features {
    #[command(subcommand)]
    question: Question,
}

const EXAMPLES: &str = "\
Examples:
  genovo features list --family momentum
  genovo features describe rsi_14@5m
  genovo features plot last rsi_14@5m
  genovo features select last --horizon 10 --top 64 --out selected.txt --report selection";

const NOTHING: &str = "Nothing was shown.";

#[derive(Debug, Subcommand)]
enum Question {
    List(List),
    Describe(Describe),
    Plot(Plot),
    Select(Select),
}

impl Features {
    /// Runs the command.
    pub fn run(&self, context: &Context) -> Result<(), Failure> {
        match &self.question {
            Question::List(list) => list.run(context),
            Question::Describe(describe) => describe.run(context),
            Question::Plot(plot) => plot.run(context),
            Question::Select(select) => select.run(context),
        }
    }
}

/// The columns on bars of 1, 5, 15 and 60 minutes. A scenario may name others: their names differ after the @.
pub fn usual_columns() -> Vec<Column> {
    let timeframes = [1, 5, 15, 60].map(|minutes| Timeframe::Time(Nanoseconds(minutes * 60_000_000_000)));
    catalogue::entries(&timeframes).into_iter().map(|(column, _)| column).collect()
}

/// List the columns, on bars of 1, 5, 15 and 60 minutes.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
struct List {
    /// Only this family.
    #[arg(long, value_name = "NAME")]
    family: Option<String>,
}

impl List {
    fn run(&self, context: &Context) -> Result<(), Failure> {
        let mut columns = usual_columns();
        if let Some(family) = &self.family {
            let mut families: Vec<&str> = columns.iter().map(|column| column.family).collect();
            families.dedup();
            if !families.contains(&family.as_str()) {
                let guess = did_you_mean(family, families.iter().copied());
                let help = guess.map_or_else(|| format!("there are {}", families.join(", ")), did_you);
                return Err(
                    Failure::new(Exit::Usage, format!("no family is called `{family}`"), NOTHING).help(help)
                );
            }
            columns.retain(|column| column.family == family);
        }
        if context.json {
            return context.answer(&json!({ "count": columns.len(), "columns": columns }));
        }
        let (ids, units) = (width(&columns, |column| &column.id), width(&columns, |column| column.unit));
        let mut text = String::new();
        let mut family = "";
        for column in &columns {
            if column.family != family {
                family = column.family;
                let count = columns.iter().filter(|column| column.family == family).count();
                text.push_str(&format!("{}{family} ({count})\n", if text.is_empty() { "" } else { "\n" }));
            }
            text.push_str(&format!("  {:<ids$}  {:<units$}  {}\n", column.id, column.unit, column.about));
        }
        text.push_str(&format!(
            "\n{} columns. One in full: genovo features describe COLUMN\n",
            columns.len()
        ));
        say(&text)
    }
}

fn width<'a>(columns: &'a [Column], text: impl Fn(&'a Column) -> &'a str) -> usize {
    columns.iter().map(|column| text(column).chars().count()).max().unwrap_or(0)
}

fn did_you(guess: &str) -> String {
    format!("did you mean `{guess}`?")
}

/// Describe one column: its computation, unit, scale rule, warm-up, source.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
struct Describe {
    /// The column, with or without its timeframe.
    column: String,
}

impl Describe {
    fn run(&self, context: &Context) -> Result<(), Failure> {
        let columns = usual_columns();
        let stem = |column: &Column| column.id.split('@').next().unwrap_or_default().to_string();
        let found: Vec<&Column> =
            columns.iter().filter(|column| column.id == self.column || stem(column) == self.column).collect();
        let Some(first) = found.first() else {
            let help = match did_you_mean(&self.column, columns.iter().map(|column| column.id.as_str())) {
                Some(guess) => did_you(guess),
                None => "genovo features list names them".to_string(),
            };
            let message = format!("no column is called `{}`", self.column);
            return Err(Failure::new(Exit::Usage, message, NOTHING).help(help));
        };
        if context.json {
            return context.answer(&json!({ "columns": found }));
        }
        let mut text = format!("{}: {}\n", stem(first), first.about);
        let mut line = |name: &str, value: &str| text.push_str(&format!("  {name:<10} {value}\n"));
        line("family", first.family);
        if !first.parameters.is_empty() {
            line("computed", &first.parameters);
        }
        line("unit", first.unit);
        line("scale", first.scale);
        line("needs", first.source);
        line("warm-up", &first.warm_up);
        let timeframes: Vec<&str> = found.iter().filter_map(|column| column.timeframe.as_deref()).collect();
        if !timeframes.is_empty() {
            line("bars", &format!("{} (or those of the scenario)", timeframes.join(", ")));
        }
        say(&text)
    }
}

/// Plot a column of a run's journal as a line of text, with its range and how often it was known.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
struct Plot {
    /// The journal, or `last`.
    journal: PathBuf,
    /// The column, as the run named it.
    column: String,
    /// Only this instrument; otherwise the first.
    #[arg(long, value_name = "NAME")]
    symbol: Option<String>,
}

/// A run's vectors of one instrument, with the price at each.
struct Vectors {
    times: Vec<i64>,
    prices: Vec<f64>,
    rows: Vec<Vector>,
}

impl Vectors {
    fn read(recording: &Recording, symbol: Option<&str>) -> Result<Vectors, Failure> {
        let instrument = match symbol {
            Some(symbol) => recording.instrument(symbol)?,
            None => InstrumentId(1),
        };
        let mut vectors = Vectors { times: Vec::new(), prices: Vec::new(), rows: Vec::new() };
        let mut price = 0.0;
        for event in recording.journal.events() {
            let event = event.map_err(failed)?;
            if event.header.instrument != instrument {
                continue;
            }
            match &event.fact {
                Fact::QuoteChanged(quote) => price = Price::mid_f64(quote.bid, quote.ask),
                Fact::TradePrinted(trade) => price = trade.price.as_f64(),
                Fact::BarReceived(bar) => price = bar.close.as_f64(),
                Fact::FeaturesComputed(vector) => {
                    vectors.times.push(event.header.time_received.0);
                    vectors.prices.push(price);
                    vectors.rows.push((**vector).clone());
                }
                _ => {}
            }
        }
        if vectors.rows.is_empty() {
            let message = format!("{} has no feature vectors", recording.journal.path().display());
            let help = "add [features] to the scenario, and a strategy that decides";
            return Err(Failure::new(Exit::Usage, message, NOTHING).help(help));
        }
        Ok(vectors)
    }
}

impl Plot {
    fn run(&self, context: &Context) -> Result<(), Failure> {
        let recording = Recording::open(&runs::resolve(&self.journal)?)?;
        let names = recording.features();
        let Some(index) = names.iter().position(|name| *name == self.column) else {
            let help = match did_you_mean(&self.column, names.iter().map(String::as_str)) {
                Some(guess) => did_you(guess),
                None => format!("the run has {} columns", names.len()),
            };
            let message = format!("the run has no column `{}`", self.column);
            return Err(Failure::new(Exit::Usage, message, NOTHING).help(help));
        };
        let vectors = Vectors::read(&recording, self.symbol.as_deref())?;
        let mut points: Vec<(i64, f32)> = Vec::new();
        for (time, row) in vectors.times.iter().zip(&vectors.rows) {
            if let Some(value) = row.get(index) {
                points.push((*time, value));
            }
        }
        let mut sorted: Vec<f32> = points.iter().map(|(_, value)| *value).collect();
        sorted.sort_by(f32::total_cmp);
        let known = sorted.len();
        let (low, high) = (sorted.first().copied(), sorted.last().copied());
        let median = sorted.get(known / 2).copied();
        if context.json {
            return context.answer(&json!({
                "column": self.column,
                "vectors": vectors.rows.len(),
                "known": known,
                "low": low,
                "median": median,
                "high": high,
                "points": points,
            }));
        }
        let curve = Curve {
            time: points.iter().map(|(time, _)| *time as f64).collect(),
            last: points.iter().map(|(_, value)| f64::from(*value)).collect(),
            ..Curve::default()
        };
        let mut text = format!("{}\n  {}\n", self.column, sparkline(&curve, 72));
        let count = |number: usize| format::count(number as u64);
        text.push_str(&format!("  known in {} of {} vectors", count(known), count(vectors.rows.len())));
        if let (Some(low), Some(median), Some(high)) = (low, median, high) {
            text.push_str(&format!("; lowest {low}, median {median}, highest {high}"));
        }
        text.push('\n');
        say(&text)
    }
}

/// Select the columns of a run that say most about the return to come: by mutual information, each only once.
///
/// The label of a vector is the logarithm of the price `--horizon` vectors later over the price now; the last vectors
/// have none and are left out.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
struct Select {
    /// The journal, or `last`.
    journal: PathBuf,
    /// How many vectors ahead the label lies.
    #[arg(long, value_name = "COUNT", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..))]
    horizon: u32,
    /// How many columns are selected at most.
    #[arg(long, value_name = "COUNT", default_value_t = 512, value_parser = clap::value_parser!(u32).range(1..))]
    top: u32,
    /// Vectors used at most, evenly spaced.
    #[arg(long, value_name = "COUNT", default_value_t = 2_000, value_parser = clap::value_parser!(u32).range(32..))]
    rows: u32,
    /// Only this instrument; otherwise the first.
    #[arg(long, value_name = "NAME")]
    symbol: Option<String>,
    /// A selection made before: its columns stay until they fall clearly behind.
    #[arg(long, value_name = "FILE")]
    before: Option<PathBuf>,
    /// Write the selected names to this file, a `.txt` for `columns` of a scenario's [features].
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Write the ranking and a heat map of correlations as a page, report.html, into this directory.
    #[arg(long, value_name = "DIR")]
    report: Option<PathBuf>,
}

impl Select {
    fn run(&self, context: &Context) -> Result<(), Failure> {
        let recording = Recording::open(&runs::resolve(&self.journal)?)?;
        let known: BTreeMap<String, usize> = self.catalogue_columns(&recording);
        let vectors = Vectors::read(&recording, self.symbol.as_deref())?;
        let horizon = self.horizon as usize;
        if vectors.rows.len() < horizon + 32 {
            let message = format!("{} vectors are too few for a horizon of {horizon}", vectors.rows.len());
            return Err(Failure::new(Exit::Usage, message, NOTHING).help("at least 32 must have a label"));
        }
        let names: Vec<String> = known.keys().cloned().collect();
        let columns: Vec<Vec<Option<f32>>> =
            known.values().map(|index| vectors.rows.iter().map(|row| row.get(*index)).collect()).collect();
        let labels = labels(&vectors.prices, horizon);
        let before = match &self.before {
            Some(path) => names_in(&read(path)?),
            None => Vec::new(),
        };
        let top = self.top as usize;
        let rules =
            Rules { top, horizon, rows: self.rows as usize, keep: top + top / 10, ..Rules::default() };
        let selection = select(&names, &columns, &labels, &before, &rules);
        if let Some(path) = &self.out {
            fs::write(path, file(&selection, &rules)).map_err(|error| {
                let message = format!("cannot write {}: {error}", path.display());
                Failure::new(Exit::Failed, message, "The selection was not written.")
            })?;
        }
        if let Some(folder) = &self.report {
            let drawn = selection.columns.iter().take(page::drawn(&selection));
            let best: Vec<&Vec<Option<f32>>> = drawn
                .filter_map(|name| names.iter().position(|known| known == name))
                .map(|place| &columns[place])
                .collect();
            let page = page::page(&selection, &rules, &rules.correlations(&best));
            let written =
                fs::create_dir_all(folder).and_then(|()| fs::write(folder.join("report.html"), page));
            written.map_err(|error| {
                let message = format!("cannot write {}: {error}", folder.join("report.html").display());
                Failure::new(Exit::Failed, message, "The page was not written.")
            })?;
        }
        if context.json {
            return context.answer(&json!({ "rules": rules, "selection": selection }));
        }
        let mut text = told(&selection, &rules, self.out.as_deref());
        if let Some(folder) = &self.report {
            text.push_str(&format!("Page: {}\n", folder.join("report.html").display()));
        }
        say(&text)
    }

    /// The run's columns that are the catalogue's, by name: a strategy's own are no candidates.
    fn catalogue_columns(&self, recording: &Recording) -> BTreeMap<String, usize> {
        let own =
            recording.settings.as_ref().and_then(|settings| settings.features.as_ref()).map(|features| {
                let columns = layout::columns(features).unwrap_or_default();
                columns.into_iter().map(|column| column.id).collect::<Vec<_>>()
            });
        let own = own.unwrap_or_default();
        let names = recording.features().iter().enumerate();
        names.filter(|(_, name)| own.contains(name)).map(|(index, name)| (name.clone(), index)).collect()
    }
}

fn read(path: &PathBuf) -> Result<String, Failure> {
    fs::read_to_string(path).map_err(|error| {
        Failure::new(Exit::Usage, format!("cannot read {}: {error}", path.display()), NOTHING)
    })
}

fn file(selection: &Selection, rules: &Rules) -> String {
    let mut text = format!(
        "# {} columns of {}, by mutual information over {} vectors, horizon {}\n# {}\n",
        selection.columns.len(),
        selection.ranking.len(),
        selection.rows,
        rules.horizon,
        selection.hash
    );
    for name in &selection.columns {
        text.push_str(name);
        text.push('\n');
    }
    text
}

fn told(selection: &Selection, rules: &Rules, out: Option<&std::path::Path>) -> String {
    const SHOWN: usize = 20;
    let mut text = format!(
        "{} of {} columns selected over {} vectors, horizon {}\n\n  nats   column\n",
        selection.columns.len(),
        selection.ranking.len(),
        selection.rows,
        rules.horizon
    );
    for ranked in selection.ranking.iter().filter(|ranked| ranked.selected).take(SHOWN) {
        text.push_str(&format!("  {:.3}  {}\n", ranked.nearest.unwrap_or(0.0), ranked.id));
    }
    if selection.columns.len() > SHOWN {
        text.push_str(&format!("  … {} more\n", selection.columns.len() - SHOWN));
    }
    let twins = selection.ranking.iter().filter(|ranked| ranked.same_as.is_some()).count();
    text.push_str(&format!("\n{twins} say the same as a better one. List {}\n", selection.hash));
    if let Some(path) = out {
        text.push_str(&format!(
            "Written to {}: in [features], columns = \"{}\"\n",
            path.display(),
            path.display()
        ));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_selection_file_reads_back() {
        let columns = vec!["rsi_14@1m".to_string(), "spread".to_string()];
        let hash = genovo_engine::features::select::hash(&columns);
        let selection = Selection { columns: columns.clone(), hash, ranking: Vec::new(), rows: 9 };
        assert_eq!(names_in(&file(&selection, &Rules::default())), columns);
    }
}
