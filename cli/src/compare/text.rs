//! A comparison in the terminal.

use std::fmt::Write;

use super::Comparison;
use super::figures::{Figure, RETURNS_MIN};
use super::flips::{Flip, Flips, Way};
use super::folded::Wanted;
use super::settings;
use crate::report::format;

/// The whole text.
pub fn text(comparison: &Comparison) -> String {
    let mut text = String::new();
    for run in &comparison.runs {
        let report = &run.folded.report;
        let journal = run.journal.as_ref().map_or("not kept".to_string(), |path| path.display().to_string());
        let _ = writeln!(text, "{}  {journal}   {}", run.label, report.headline);
    }
    settings_that_differ(&mut text, comparison);
    figures(&mut text, comparison);
    causes(&mut text, comparison);
    for (run, flips) in comparison.runs[1..].iter().zip(&comparison.flips) {
        decisions(&mut text, comparison, &run.label, flips);
    }
    text
}

fn settings_that_differ(text: &mut String, comparison: &Comparison) {
    if comparison.settings.is_empty() {
        text.push_str("\nAll settings are equal.\n");
        return;
    }
    text.push_str("\nSettings that differ\n");
    let labels = comparison.runs.iter().map(|run| run.label.clone());
    let mut rows = vec![std::iter::once(String::new()).chain(labels).collect::<Vec<_>>()];
    for row in &comparison.settings {
        let values = row.values.iter().map(|value| shortened(&settings::show(&row.key, value)));
        rows.push(std::iter::once(row.key.clone()).chain(values).collect());
    }
    table(text, &rows);
}

/// A value that would not fit a column, cut.
fn shortened(value: &str) -> String {
    const WIDEST: usize = 36;
    match value.chars().count() {
        0..=WIDEST => value.to_string(),
        _ => value.chars().take(WIDEST - 1).chain(['…']).collect(),
    }
}

fn figures(text: &mut String, comparison: &Comparison) {
    let labels: Vec<&str> = comparison.runs.iter().map(|run| run.label.as_str()).collect();
    let mut head = vec![String::new()];
    head.extend(labels.iter().map(|label| label.to_string()));
    head.extend(labels[1..].iter().map(|label| format!("{label} less {}", labels[0])));
    let mut rows = vec![head];
    let row = |figure: &Figure| {
        let shown = figure
            .values
            .iter()
            .map(|value| value.map_or("–".to_string(), |value| figure.unit.show(value)));
        let differences = (1..figure.values.len()).map(|run| {
            figure
                .difference(run)
                .map_or("–".to_string(), |difference| figure.unit.show_difference(difference))
        });
        std::iter::once(figure.name.clone()).chain(shown).chain(differences).collect::<Vec<_>>()
    };
    let _ = writeln!(text, "\nFigures");
    if let Some((figures, method)) = &comparison.estimated {
        for figure in figures {
            rows.push(row(figure));
            let ends = |interval: &Option<super::bootstrap::Interval>, differs: bool| {
                interval.map_or(String::new(), |interval| {
                    let show = |value| match differs {
                        true => figure.unit.show_difference(value),
                        false => figure.unit.show(value),
                    };
                    let low = show(interval.low);
                    // One unit for both ends reads better.
                    let low = [" points", " %"]
                        .iter()
                        .fold(low, |low, unit| low.trim_end_matches(unit).to_string());
                    format!("{low} to {}", show(interval.high))
                })
            };
            let own = figure.intervals.iter().map(|interval| ends(interval, false));
            let differences = figure.of_differences.iter().skip(1).map(|interval| ends(interval, true));
            rows.push(std::iter::once("  95 %".to_string()).chain(own).chain(differences).collect());
        }
        rows.extend(comparison.counted.iter().map(row));
        table(text, &rows);
        let _ = writeln!(text, "  {}", method.text());
    } else {
        rows.extend(comparison.counted.iter().map(row));
        table(text, &rows);
        let _ = writeln!(
            text,
            "  no intervals: a run has fewer than {RETURNS_MIN} bars or decisions, or none were wanted"
        );
    }
}

fn causes(text: &mut String, comparison: &Comparison) {
    let digits = comparison.digits();
    text.push_str("\nWhat made the difference\n");
    let mut rows = vec![vec![String::new()]];
    let first = &comparison.runs[0].label;
    rows[0].extend(comparison.runs[1..].iter().map(|run| format!("{} less {first}", run.label)));
    let names = ["market", "sizing", "spread", "slippage", "commission"];
    for name in names {
        let amounts = comparison.causes.iter().map(|causes| {
            let part = causes.parts().into_iter().find(|(part, _)| *part == name);
            part.map_or("–".to_string(), |(_, amount)| format::money_signed(amount, digits))
        });
        rows.push(std::iter::once(name.to_string()).chain(amounts).collect());
    }
    let totals = comparison.causes.iter().map(|causes| format::money_signed(causes.total, digits));
    rows.push(std::iter::once("together".to_string()).chain(totals).collect());
    table(text, &rows);
}

fn decisions(text: &mut String, comparison: &Comparison, label: &str, flips: &Flips) {
    let first = &comparison.runs[0].label;
    let _ = writeln!(
        text,
        "\nDecisions of {label} beside {first}: {} alike, {} flipped, {} of another size, {} only in {first}, \
         {} only in {label}",
        format::count(flips.alike),
        format::count(flips.flipped),
        format::count(flips.resized),
        format::count(flips.only_first),
        format::count(flips.only_other),
    );
    let rows: Vec<Vec<String>> =
        flips.list.iter().map(|flip| listed(comparison, flip, first, label)).collect();
    table(text, &rows);
    let all = flips.flipped + flips.only_first + flips.only_other;
    if all > flips.list.len() as u64 {
        let _ = writeln!(
            text,
            "  and {} more: --decisions shows them",
            format::count(all - flips.list.len() as u64)
        );
    }
}

/// One decision that differs, in cells.
pub(super) fn listed(comparison: &Comparison, flip: &Flip, first: &str, other: &str) -> Vec<String> {
    let wanted = |label: &str, wanted: Option<Wanted>| match wanted {
        None => format!("{label} did not decide"),
        Some(one) => {
            let side = match one.quantity.signum() {
                1 => "long ",
                -1 => "short ",
                _ => return format!("{label} flat (event {})", format::count(one.number)),
            };
            format!(
                "{label} {side}{} (event {})",
                format::quantity(one.quantity.abs()),
                format::count(one.number)
            )
        }
    };
    let what = match flip.way {
        Way::Flipped => "flipped".to_string(),
        Way::OnlyFirst => format!("only {first}"),
        Way::OnlyOther => format!("only {other}"),
    };
    vec![
        format::second(flip.time),
        comparison.symbol(flip.instrument),
        what,
        wanted(first, flip.first),
        wanted(other, flip.other),
    ]
}

/// Rows in columns as wide as their widest cell: the first to the left, those of numbers to the right.
pub fn table(text: &mut String, rows: &[Vec<String>]) {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let words = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        column == 0 || cells.filter(|cell| cell.chars().any(char::is_alphabetic)).count() * 2 > rows.len() + 1
    };
    let left: Vec<bool> = (0..columns).map(words).collect();
    for row in rows {
        let mut line = String::from("  ");
        for (column, cell) in row.iter().enumerate() {
            let width = widths[column];
            let gap = if column == 0 { "" } else { "   " };
            let _ = match left[column] {
                true => write!(line, "{gap}{cell:<width$}"),
                false => write!(line, "{gap}{cell:>width$}"),
            };
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
}
