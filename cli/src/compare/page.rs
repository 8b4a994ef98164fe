//! A comparison as one HTML file, in the style of a run's report.

use std::fmt::Write;

use serde_json::json;

use super::figures::Figure;
use super::{Comparison, settings, text};
use crate::report::format;
use crate::report::html::{document, escape};

const SCRIPT: &str = include_str!("page.js");

/// The whole page: a title, what a reader must know first, then the parts.
pub fn page(comparison: &Comparison, title: &str, notes: &[String]) -> String {
    let mut out = String::with_capacity(1 << 18);
    let names: Vec<String> =
        comparison.runs.iter().map(|run| escape(&run.folded.report.identity.name)).collect();
    let _ = write!(
        out,
        "<header>\n<div class=\"top\"><span><b>{}</b> · comparison</span>\
         <button id=\"theme\" type=\"button\" aria-label=\"Switch between light and dark\">Dark</button></div>\n\
         <h1>{}</h1>\n</header>\n<main>\n",
        if names.windows(2).all(|pair| pair[0] == pair[1]) { names[0].clone() } else { names.join(", ") },
        escape(title)
    );
    for note in notes {
        let _ = writeln!(out, "<p class=\"note\">{}</p>", escape(note));
    }
    runs(&mut out, comparison);
    out.push_str(
        "<section>\n<h2>Equity</h2>\n<p class=\"note screen\">Drag to zoom, double-click to go back.</p>\n\
         <figure><figcaption><span id=\"legend\"></span><output for=\"equity\"></output></figcaption>\
         <div class=\"plot\" id=\"equity\" role=\"img\" \
         aria-label=\"Equity of every run over time; its ends are in the table of figures\"></div></figure>\n\
         </section>\n",
    );
    settings_that_differ(&mut out, comparison);
    figures(&mut out, comparison);
    causes(&mut out, comparison);
    decisions(&mut out, comparison);
    out.push_str("</main>\n<footer>Written by genovo. All times are UTC.</footer>\n");
    document(title, &out, &data(comparison).to_string(), SCRIPT)
}

fn cells(out: &mut String, tag: &str, cells: impl Iterator<Item = String>) {
    for cell in cells {
        let _ = write!(out, "<{tag}>{cell}</{tag}>");
    }
}

fn runs(out: &mut String, comparison: &Comparison) {
    out.push_str("<section>\n<div class=\"scroll\"><table><thead><tr><th scope=\"col\">Run</th>");
    out.push_str(
        "<th scope=\"col\" class=\"text\">In a sentence</th><th scope=\"col\" class=\"text\">Journal</th>",
    );
    out.push_str("</tr></thead><tbody>");
    for run in &comparison.runs {
        let journal = run.journal.as_ref().map_or("not kept".to_string(), |path| path.display().to_string());
        let _ = write!(
            out,
            "<tr><th scope=\"row\"><b>{}</b></th><td class=\"text\" style=\"white-space:normal\">{}</td>\
             <td class=\"text mono\">{}</td></tr>",
            escape(&run.label),
            escape(&run.folded.report.headline),
            escape(&journal)
        );
    }
    out.push_str("</tbody></table></div>\n</section>\n");
}

fn head(out: &mut String, comparison: &Comparison, first: &str, differences: bool) {
    let _ = write!(out, "<thead><tr><th scope=\"col\">{first}</th>");
    for run in &comparison.runs {
        let _ = write!(out, "<th scope=\"col\">{}</th>", escape(&run.label));
    }
    if differences {
        less(out, comparison);
    }
    out.push_str("</tr></thead><tbody>");
}

fn less(out: &mut String, comparison: &Comparison) {
    let first = escape(&comparison.runs[0].label);
    for run in &comparison.runs[1..] {
        let _ = write!(out, "<th scope=\"col\">{} less {first}</th>", escape(&run.label));
    }
}

fn settings_that_differ(out: &mut String, comparison: &Comparison) {
    out.push_str("<section>\n<h2>Settings that differ</h2>\n");
    if comparison.settings.is_empty() {
        out.push_str("<p class=\"note\">None: all settings are equal.</p>\n</section>\n");
        return;
    }
    out.push_str("<div class=\"scroll\"><table>");
    head(out, comparison, "Setting", false);
    for row in &comparison.settings {
        let _ = write!(out, "<tr><th scope=\"row\" class=\"mono\">{}</th>", escape(&row.key));
        cells(out, "td", row.values.iter().map(|value| escape(&settings::show(&row.key, value))));
        out.push_str("</tr>");
    }
    out.push_str("</tbody></table></div>\n</section>\n");
}

fn figures(out: &mut String, comparison: &Comparison) {
    out.push_str("<section>\n<h2>Figures</h2>\n");
    if let Some((_, method)) = &comparison.estimated {
        let _ =
            writeln!(out, "<p class=\"note\">Small print below a figure: {}.</p>", escape(&method.text()));
    }
    out.push_str("<div class=\"scroll\"><table>");
    head(out, comparison, "Figure", true);
    let estimated = comparison.estimated.iter().flat_map(|(figures, _)| figures);
    for figure in estimated.chain(&comparison.counted) {
        row(out, figure);
    }
    out.push_str("</tbody></table></div>\n</section>\n");
}

fn row(out: &mut String, figure: &Figure) {
    let _ = write!(out, "<tr><th scope=\"row\">{}</th>", escape(&figure.name));
    let small = |interval: Option<&Option<super::bootstrap::Interval>>, show: &dyn Fn(f64) -> String| {
        interval.copied().flatten().map_or(String::new(), |interval| {
            format!("<br><small class=\"note\">{} to {}</small>", show(interval.low), show(interval.high))
        })
    };
    for (run, value) in figure.values.iter().enumerate() {
        let shown = value.map_or("–".to_string(), |value| figure.unit.show(value));
        let interval = small(figure.intervals.get(run), &|value| figure.unit.show(value));
        let _ = write!(out, "<td>{shown}{interval}</td>");
    }
    for run in 1..figure.values.len() {
        let shown = figure.difference(run);
        let shown = shown.map_or("–".to_string(), |difference| figure.unit.show_difference(difference));
        let interval = small(figure.of_differences.get(run), &|value| figure.unit.show_difference(value));
        let _ = write!(out, "<td>{shown}{interval}</td>");
    }
    out.push_str("</tr>");
}

fn causes(out: &mut String, comparison: &Comparison) {
    let digits = comparison.digits();
    out.push_str("<section>\n<h2>What made the difference</h2>\n<p class=\"note\">");
    out.push_str(
        "Market: in at other times, or on the other side. Sizing: the same direction in another size. The ",
    );
    out.push_str("rest are costs; more cost is below zero. The parts add up exactly.</p>\n");
    out.push_str("<div class=\"scroll\"><table>");
    out.push_str("<thead><tr><th scope=\"col\">Cause</th>");
    less(out, comparison);
    out.push_str("</tr></thead><tbody>");
    for name in ["market", "sizing", "spread", "slippage", "commission"] {
        let _ = write!(out, "<tr><th scope=\"row\">{name}</th>");
        let amounts = comparison.causes.iter().map(|causes| {
            let part = causes.parts().into_iter().find(|(part, _)| *part == name);
            part.map_or("–".to_string(), |(_, amount)| judged(amount, digits))
        });
        cells(out, "td", amounts);
        out.push_str("</tr>");
    }
    out.push_str("<tr class=\"sum\"><th scope=\"row\">together</th>");
    cells(out, "td", comparison.causes.iter().map(|causes| judged(causes.total, digits)));
    out.push_str("</tr></tbody></table></div>\n</section>\n");
}

/// An amount, green above zero and red below; the sign says it too.
fn judged(amount: genovo_engine::units::Money, digits: u8) -> String {
    let class = match amount.0.signum() {
        1 => "gain",
        -1 => "loss",
        _ => "",
    };
    format!("<span class=\"{class}\">{}</span>", format::money_signed(amount, digits))
}

fn decisions(out: &mut String, comparison: &Comparison) {
    let first = &comparison.runs[0].label;
    for (run, flips) in comparison.runs[1..].iter().zip(&comparison.flips) {
        let _ = writeln!(
            out,
            "<section class=\"long\">\n<h2>Decisions of {0} beside {1}</h2>\n<p class=\"note\">{2} alike, {3} flipped, \
             {4} of another size, {5} only in {1}, {6} only in {0}.</p>",
            escape(&run.label),
            escape(first),
            format::count(flips.alike),
            format::count(flips.flipped),
            format::count(flips.resized),
            format::count(flips.only_first),
            format::count(flips.only_other),
        );
        if !flips.list.is_empty() {
            out.push_str(
                "<div class=\"scroll\"><table><caption>The first that differ in direction</caption>",
            );
            out.push_str("<thead><tr>");
            let heads = ["When", "Instrument", "How", first.as_str(), run.label.as_str()];
            cells(out, "th", heads.iter().map(|head| escape(head)));
            out.push_str("</tr></thead><tbody>");
            for flip in &flips.list {
                out.push_str("<tr>");
                cells(
                    out,
                    "td",
                    text::listed(comparison, flip, first, &run.label).iter().map(|cell| escape(cell)),
                );
                out.push_str("</tr>");
            }
            out.push_str("</tbody></table></div>\n");
        }
        out.push_str("</section>\n");
    }
}

/// What the script draws.
fn data(comparison: &Comparison) -> serde_json::Value {
    let runs = comparison.runs.iter().map(|run| {
        let equity = &run.folded.report.curves.equity;
        json!({ "label": run.label, "time": equity.time, "equity": equity.last })
    });
    json!({ "digits": comparison.digits(), "runs": runs.collect::<Vec<_>>() })
}
