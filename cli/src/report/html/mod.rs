//! The report as one HTML file that needs no network: style, script, charts and figures are all inside.
//!
//! Every figure is in a table too, so that the page says the same without its charts, on paper and to a
//! screen reader.

mod data;
mod drawings;
mod sections;
mod tables;

use std::fmt::Write;

use super::figures::Report;
use super::{format, terminal};

const STYLE: &str = include_str!("style.css");
const COMMON: &str = include_str!("common.js");
const CHARTS: &str = include_str!("charts.js");
const UPLOT: &str = include_str!("vendor/uPlot.iife.min.js");
const UPLOT_STYLE: &str = include_str!("vendor/uPlot.min.css");

/// Nothing is loaded from anywhere, whatever a name in the report may try.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'";

/// The whole page.
pub fn page(report: &Report) -> String {
    let mut out = String::with_capacity(1 << 19);
    header(&mut out, report);
    out.push_str("<main>\n");
    sections::warnings(&mut out, report);
    sections::tiles(&mut out, report);
    charts(&mut out, report);
    sections::result(&mut out, report);
    tables::trades(&mut out, report);
    sections::fill_quality(&mut out, report);
    sections::strategies(&mut out, report);
    sections::risk(&mut out, report);
    sections::returns(&mut out, report);
    sections::data(&mut out, report);
    sections::identity(&mut out, report);
    out.push_str("</main>\n<footer>Written by genovo. All times are UTC.</footer>\n");
    out.push_str("<div id=\"said\" role=\"status\"></div>\n");
    document(&format!("{} · genovo report", report.identity.name), &out, &data::json(report), CHARTS)
}

/// A page of one file: style, plots and data inside. `data` is JSON, `script` reads and draws it.
pub fn document(title: &str, body: &str, data: &str, script: &str) -> String {
    let title = escape(title);
    let data = data::safe(data);
    format!(
        "<!doctype html>\n<html lang=\"en\" data-theme=\"light\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{title}</title>\n<style>\n{UPLOT_STYLE}\n{STYLE}</style>\n</head>\n<body>\n{body}\
         <script type=\"application/json\" id=\"data\">{data}</script>\n\
         <script>{UPLOT}</script>\n<script>{COMMON}</script>\n<script>{script}</script>\n</body>\n</html>\n"
    )
}

fn header(out: &mut String, report: &Report) {
    let name = escape(&report.identity.name);
    let (strategy, symbols) = match &report.settings {
        Some(settings) => {
            let symbols: Vec<&str> = settings.instruments.iter().map(|one| one.symbol.as_str()).collect();
            (terminal::strategy(settings), symbols.join(", "))
        }
        None => Default::default(),
    };
    let (from, to) = (report.span.from.0, report.span.to.0);
    let span = format!("{} to {}", format::minute(from, true), format::minute(to, true));
    let parts = [strategy, symbols, span];
    let about: Vec<String> = parts.iter().filter(|part| !part.is_empty()).map(|part| escape(part)).collect();
    let _ = write!(
        out,
        "<header>\n<div class=\"top\"><span><b>{name}</b> · {} run</span>\
         <button id=\"theme\" type=\"button\" \
         aria-label=\"Switch between light and dark\">Dark</button></div>\n\
         <h1>{}</h1>\n<p class=\"about\">{}</p>\n</header>\n",
        escape(&report.identity.world),
        escape(&report.headline),
        about.join(" · ")
    );
}

fn charts(out: &mut String, report: &Report) {
    let figure = |out: &mut String, id: &str, caption: &str, label: &str| {
        let _ = writeln!(
            out,
            "<figure><figcaption><span>{caption}</span><output for=\"{id}\"></output></figcaption>\
             <div class=\"plot\" id=\"{id}\" role=\"img\" aria-label=\"{label}\"></div></figure>"
        );
    };
    out.push_str(
        "<section>\n<h2>The run</h2>\n<p class=\"note screen\">Drag to zoom all four charts; double-click, \
         or <button class=\"small\" id=\"whole\" type=\"button\">show the whole run</button>, to go back.</p>\n",
    );
    let currency = escape(report.currency());
    figure(out, "equity", &format!("<b>Equity</b> {currency}, marked at the touch"), "Equity over time");
    figure(out, "drawdown", "<b>Drawdown</b> from the highest equity so far", "Drawdown over time");
    let names = data::drawn_instruments(report);
    let choice = match names.as_slice() {
        [] => String::new(),
        [one] => escape(one),
        many => {
            let options =
                many.iter().enumerate().map(|(i, one)| format!("<option value={i}>{}</option>", escape(one)));
            format!(
                "<select id=\"instrument\" aria-label=\"Instrument\">{}</select>",
                options.collect::<String>()
            )
        }
    };
    if !names.is_empty() {
        let caption = format!(
            "<b>Price</b> {choice} &nbsp; \
             <span class=\"gain\">▲ buy</span> &nbsp; <span class=\"loss\">▼ sell</span>"
        );
        figure(out, "price", &caption, "Price with executions; they are listed in the table of trades");
    }
    figure(out, "exposure", "<b>Exposure</b> net, share of equity", "Net exposure over time");
    out.push_str("</section>\n");
}

/// Text that cannot become markup, in an element or in a quoted attribute.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            _ => out.push(c),
        }
    }
    out
}
