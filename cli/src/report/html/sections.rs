//! The parts of the page that are text and small tables.

use std::fmt::Write;

use genovo_engine::units::Money;

use super::super::figures::{MarginMoment, Report, ReturnFigures, Returns};
use super::super::format;
use super::drawings;
use super::escape;

/// What a reader must know before believing a figure.
pub fn warnings(out: &mut String, report: &Report) {
    let mut said = Vec::new();
    if let Some(reason) = &report.halted {
        said.push(format!("Trading was halted: {reason}. No decision was taken after it."));
    }
    if report.equity.unexplained.round_to(report.digits()) != Money::ZERO {
        let amount = format::money_signed(report.equity.unexplained, report.digits());
        said.push(format!("The engine's last equity differs from the sum of fills and marks by {amount}."));
    }
    if report.data.sizes_absent {
        said.push(format!("The data has no sizes: {}.", report.without_sizes()));
    }
    said.extend(report.corrections().map(|text| format!("{text}.")));
    if report.result.fills_without_quote > 0 {
        let fills = format::plural(report.result.fills_without_quote, "fill", "fills");
        said.push(format!("{fills} met no quote: there only commission can be told apart from the result."));
    }
    for text in said {
        let _ = writeln!(out, "<p class=\"warn\">{}</p>", escape(&text));
    }
}

/// Which costs there are.
fn cost_words(report: &Report) -> &'static str {
    match (report.result.financing, report.result.borrow) {
        (Money::ZERO, Money::ZERO) => "spread, slippage, commission",
        _ => "spread, slippage, commission, financing",
    }
}

/// The figures one looks for first.
pub fn tiles(out: &mut String, report: &Report) {
    let digits = report.digits();
    let money = |amount| format::money(amount, digits);
    let trades = &report.trades;
    let share_won = if trades.closed > 0 { trades.won as f64 / trades.closed as f64 } else { 0.0 };
    let tiles = [
        ("Result", judged(report.result.total, digits), format::percent_signed(report.equity.change, 2)),
        (
            "Equity",
            money(report.equity.last),
            format!("from {} {}", money(report.equity.start), report.currency()),
        ),
        ("Costs", money(report.result.costs()), cost_words(report).to_string()),
        (
            "Drawdown",
            format::percent(report.drawdown.share, 1),
            format!("lowest {}", format::minute(report.drawdown.trough_time.0, report.spans_years())),
        ),
        (
            "Trades",
            format::count(trades.closed),
            match trades.profit_factor {
                Some(factor) => {
                    format!(
                        "{} won, profit factor {}",
                        format::percent(share_won, 0),
                        format::decimal(factor, 2)
                    )
                }
                None => format!("{} won", format::percent(share_won, 0)),
            },
        ),
        (
            "In the market",
            format::percent(report.activity.time_in_market, 0),
            format!("turnover {} × equity", format::decimal(report.activity.turnover_times, 1)),
        ),
    ];
    out.push_str("<dl class=\"tiles\">\n");
    for (name, figure, more) in tiles {
        let _ = writeln!(out, "<div><dt>{name}</dt><dd>{figure}<small>{}</small></dd></div>", escape(&more));
    }
    out.push_str("</dl>\n");
}

/// Where the result came from, and how the trades were spread.
pub fn result(out: &mut String, report: &Report) {
    out.push_str("<div class=\"columns\">\n<section>\n<h2>Where the result came from</h2>\n");
    drawings::waterfall(out, report);
    let result = &report.result;
    let moved = match result.under_way.0.signum() {
        1 => "against them, which cost",
        _ => "for them, which won",
    };
    let way = match result.under_way {
        Money::ZERO => String::new(),
        amount => format!(
            " While market orders were under way the touch moved {moved} {}; that is part of it.",
            format::money(amount.abs(), report.digits())
        ),
    };
    let _ = writeln!(
        out,
        "<p class=\"note\">Before costs: every fill at the middle of the quote it met, free of charge.{way}\
         </p>\n\
         </section>"
    );
    out.push_str("<section>\n<h2>How trades ended</h2>\n");
    drawings::trade_results(out, report);
    out.push_str("</section>\n</div>\n");
}

/// What each of several strategies did.
pub fn strategies(out: &mut String, report: &Report) {
    if report.strategies.is_empty() {
        return;
    }
    out.push_str(
        "<section>\n<h2>Strategies</h2>\n<div class=\"scroll\"><table><thead><tr>\
         <th scope=\"col\">Strategy</th><th scope=\"col\">Budget</th><th scope=\"col\">Decisions</th>\
         <th scope=\"col\">Orders</th><th scope=\"col\">Reduced</th><th scope=\"col\">Denied</th>\
         <th scope=\"col\">Fills</th><th scope=\"col\">Closed</th><th scope=\"col\">Open</th>\
         <th scope=\"col\">Commission</th><th scope=\"col\">Result</th></tr></thead><tbody>",
    );
    let digits = report.digits();
    for one in &report.strategies {
        let _ = write!(
            out,
            "<tr><th scope=\"row\">{}</th><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td>\
             <td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
            escape(&one.name),
            format::percent(one.budget, 0),
            format::count(one.decisions),
            format::count(one.orders),
            format::count(one.reduced),
            format::count(one.denied),
            format::count(one.fills),
            judged(one.realised, digits),
            judged(one.open, digits),
            format::money(one.commission, digits),
            judged(one.result, digits),
        );
    }
    out.push_str(
        "</tbody></table></div>\n<p class=\"note\">Each nets its own positions. Dividends and financing are the \
         account's.</p>\n</section>\n",
    );
}

/// The fills against the market that their orders saw.
pub fn fill_quality(out: &mut String, report: &Report) {
    let quality = &report.fill_quality;
    if quality.by_kind.is_empty() {
        return;
    }
    out.push_str(
        "<section>\n<h2>Fills against the market at sending</h2>\n<div class=\"scroll\"><table><thead><tr>\
         <th scope=\"col\">Orders</th><th scope=\"col\">Fills</th><th scope=\"col\">At the middle or better</th>\
         <th scope=\"col\">Shortfall</th><th scope=\"col\">Basis points</th><th scope=\"col\">Worst</th>\
         </tr></thead><tbody>",
    );
    for (kind, one) in &quality.by_kind {
        let _ = write!(
            out,
            "<tr><th scope=\"row\">{}</th><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
            escape(kind),
            format::count(one.fills),
            format::percent(one.better, 0),
            format::money(one.shortfall, report.digits()),
            format::decimal(one.basis_points, 2),
            format::decimal(one.worst_basis_points, 2)
        );
    }
    let without = match quality.without_arrival {
        0 => String::new(),
        count => {
            format!(" {} of orders that saw no quote are left out.", format::plural(count, "fill", "fills"))
        }
    };
    let _ = writeln!(
        out,
        "</tbody></table></div>\n<p class=\"note\">Against the middle of the quote that the order saw when it was \
         sent: spread, delay and impact together; below zero where resting orders earned it.{without}</p>\n</section>"
    );
}

/// Verdicts, and the orders that risk changed.
pub fn risk(out: &mut String, report: &Report) {
    let risk = &report.risk;
    out.push_str("<section class=\"long\">\n<h2>Risk</h2>\n");
    let _ = writeln!(
        out,
        "<p class=\"note\">{} assessed: {} allowed, {} reduced, {} denied.</p>",
        format::plural(risk.assessed, "order", "orders"),
        format::count(risk.allowed),
        format::count(risk.reduced),
        format::count(risk.denied)
    );
    margin(out, report);
    regimes(out, report);
    super::tables::interventions(out, report);
    drawings::limit_use(out, report);
    out.push_str("</section>\n");
}

/// Margin calls, and what became of them.
fn margin(out: &mut String, report: &Report) {
    let margin = &report.margin;
    if margin.is_empty() {
        return;
    }
    let _ = writeln!(
        out,
        "<p class=\"note\">{}, {}.</p>",
        format::plural(margin.calls, "margin call", "margin calls"),
        format::plural(margin.stop_outs, "stop-out", "stop-outs"),
    );
    out.push_str("<div class=\"scroll\"><table><caption>Margin</caption><thead><tr>");
    for name in ["When", "What", "Equity", "Maintenance margin"] {
        let _ = write!(out, "<th scope=\"col\">{name}</th>");
    }
    out.push_str("</tr></thead><tbody>");
    for event in &margin.list {
        let what = match event.what {
            MarginMoment::Called => "called",
            MarginMoment::Restored => "restored",
            MarginMoment::StoppedOut => "stopped out",
        };
        let _ = write!(
            out,
            "<tr><th scope=\"row\">{}</th><td>{what}</td><td>{}</td><td>{}</td></tr>",
            format::minute(event.time.0, report.spans_years()),
            format::money(event.equity, report.digits()),
            format::money(event.maintenance.round_to(report.digits()), report.digits()),
        );
    }
    out.push_str("</tbody></table></div>\n");
}

/// When markets were stressed, as the regime rule saw them.
fn regimes(out: &mut String, report: &Report) {
    for market in &report.regimes {
        let _ = writeln!(
            out,
            "<p class=\"note\">{} was stressed {}, {} of the time since its regime was known.</p>",
            escape(&market.instrument),
            format::plural(market.times, "time", "times"),
            format::percent(market.share, 1),
        );
    }
    drawings::regimes(out, report);
}

/// Months, days, and the figures of a year where there are enough days.
pub fn returns(out: &mut String, report: &Report) {
    let returns = &report.returns;
    out.push_str("<section>\n<h2>Returns</h2>\n");
    months(out, returns);
    match &returns.figures {
        Some(figures) => {
            out.push_str("<div class=\"columns\"><div>");
            year_figures(out, returns, figures);
            out.push_str("</div><div>\n<h3>Daily returns</h3>\n");
            drawings::daily_returns(out, report);
            drawings::rolling_sharpe(out, returns);
            out.push_str("</div></div>\n");
            correlations(out, returns);
        }
        None => {
            let _ = writeln!(
                out,
                "<p class=\"note\">{} are too few for figures of a year: Sharpe, Sortino, Calmar, value at \
                 risk need at least {}.</p>",
                format::plural(returns.days.len() as u64, "daily return", "daily returns"),
                Returns::DAYS_MIN
            );
        }
    }
    if let Some(held) = &report.buy_and_hold {
        let _ = writeln!(
            out,
            "<p class=\"note\">Buy-and-hold {}: bought at {}, marked at {}, {}.</p>",
            escape(&held.instrument),
            format::price(held.bought),
            format::price(held.marked),
            format::percent_signed(held.change, 2)
        );
    }
    days(out, report);
    out.push_str("</section>\n");
}

fn months(out: &mut String, returns: &Returns) {
    const NAMES: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    if returns.months.is_empty() {
        return;
    }
    out.push_str("<div class=\"scroll\"><table class=\"grid\"><caption>Month by month, in percent</caption>");
    out.push_str("<thead><tr><th scope=\"col\">Year</th>");
    NAMES.iter().for_each(|name| out.push_str(&format!("<th scope=\"col\">{name}</th>")));
    out.push_str("<th scope=\"col\">Whole</th></tr></thead><tbody>");
    for year in returns.months.chunk_by(|a, b| a.year == b.year) {
        let _ = write!(out, "<tr><th scope=\"row\">{}</th>", year[0].year);
        for month in 1..=12 {
            match year.iter().find(|one| one.month == month) {
                Some(one) => out.push_str(&tinted(one.change)),
                None => out.push_str("<td></td>"),
            }
        }
        let whole = year.iter().fold(1.0, |wealth, month| wealth * (1.0 + month.change)) - 1.0;
        out.push_str(&tinted(whole));
        out.push_str("</tr>");
    }
    out.push_str("</tbody></table></div>\n");
}

/// A cell whose shade says how much, beside the number that says it too.
fn tinted(change: f64) -> String {
    let tone = if change < 0.0 { "--loss" } else { "--gain" };
    let strength = (change.abs() * 250.0).clamp(0.0, 38.0).round();
    let number = format::percent_signed(change, 1).replace(" %", "");
    format!("<td style=\"background:color-mix(in srgb,var({tone}) {strength}%,transparent)\">{number}</td>")
}

fn year_figures(out: &mut String, returns: &Returns, figures: &ReturnFigures) {
    let percent = |share: f64| format::percent_signed(share, 2);
    let ratio = |value: Option<f64>| value.map_or("–".to_string(), |value| format::decimal(value, 2));
    let rows = [
        ("Return of a year", percent(figures.annual_return)),
        ("Volatility of a year", format::percent(figures.annual_volatility, 2)),
        ("Sharpe", ratio(figures.sharpe)),
        ("Sortino", ratio(figures.sortino)),
        ("Calmar", ratio(figures.calmar)),
        ("Omega", ratio(figures.omega)),
        ("Tail ratio", ratio(figures.tail_ratio)),
        ("Skewness", ratio(figures.skew)),
        ("Excess kurtosis", ratio(figures.kurtosis)),
        ("Alpha of a year, to the first instrument", figures.alpha.map_or("–".to_string(), percent)),
        ("Beta to it", ratio(figures.beta)),
        ("Value at risk, 95 %, a day", percent(figures.var_95)),
        ("– of a normal distribution", percent(figures.var_parametric_95)),
        ("– Cornish-Fisher", figures.var_cornish_fisher_95.map_or("–".to_string(), percent)),
        ("Mean beyond it", percent(figures.cvar_95)),
        ("Value at risk, 99 %, a day", percent(figures.var_99)),
        ("– of a normal distribution", percent(figures.var_parametric_99)),
        ("– Cornish-Fisher", figures.var_cornish_fisher_99.map_or("–".to_string(), percent)),
        ("Mean beyond it", percent(figures.cvar_99)),
        ("Best day", percent(figures.best_day)),
        ("Worst day", percent(figures.worst_day)),
    ];
    let _ = write!(
        out,
        "<table><caption>From {} daily returns, {} to a year, risk-free rate 0</caption><tbody>",
        returns.days.len(),
        returns.days_per_year
    );
    for (name, figure) in rows {
        let _ = write!(out, "<tr><th scope=\"row\">{name}</th><td>{figure}</td></tr>");
    }
    out.push_str("</tbody></table>\n");
}

/// How the instruments move together; the shade says it, and the number too.
fn correlations(out: &mut String, returns: &Returns) {
    let Some(correlations) = &returns.correlations else { return };
    out.push_str(
        "<div class=\"scroll\"><table class=\"grid\"><caption>Correlation of daily changes</caption>",
    );
    out.push_str("<thead><tr><th scope=\"col\"></th>");
    for name in &correlations.instruments {
        let _ = write!(out, "<th scope=\"col\">{}</th>", escape(name));
    }
    out.push_str("</tr></thead><tbody>");
    for (name, row) in correlations.instruments.iter().zip(&correlations.values) {
        let _ = write!(out, "<tr><th scope=\"row\">{}</th>", escape(name));
        for value in row {
            let tone = if *value < 0.0 { "--loss" } else { "--gain" };
            let strength = (value.abs() * 38.0).round();
            let _ = write!(
                out,
                "<td style=\"background:color-mix(in srgb,var({tone}) {strength}%,transparent)\">{}</td>",
                format::decimal(*value, 2)
            );
        }
        out.push_str("</tr>");
    }
    out.push_str("</tbody></table></div>\n");
}

fn days(out: &mut String, report: &Report) {
    let days = &report.returns.days;
    if days.is_empty() || days.len() > 400 {
        return;
    }
    out.push_str("<details><summary>Day by day</summary><table><thead><tr><th scope=\"col\">Day</th>");
    out.push_str("<th scope=\"col\">Equity at its end</th><th scope=\"col\">Change</th></tr></thead><tbody>");
    for day in days {
        let _ = write!(
            out,
            "<tr><th scope=\"row\">{}</th><td>{}</td><td>{}</td></tr>",
            day.day,
            format::money(day.equity, report.digits()),
            format::percent_signed(day.change, 2)
        );
    }
    out.push_str("</tbody></table></details>\n");
}

/// What the data was like.
pub fn data(out: &mut String, report: &Report) {
    let data = &report.data;
    let counts = &report.counts;
    out.push_str("<section>\n<h2>Data</h2>\n<p class=\"note\">");
    let kinds = [
        (counts.quotes, "quote", "quotes"),
        (counts.trades_printed, "trade", "trades"),
        (counts.bars_received, "bar", "bars"),
    ];
    let kinds = kinds.iter().filter(|(count, ..)| *count > 0);
    let kinds: Vec<String> = kinds.map(|(count, one, many)| format::plural(*count, one, many)).collect();
    out.push_str(if kinds.is_empty() { "No market data." } else { "" });
    out.push_str(&kinds.join(", "));
    out.push_str("</p>\n<div class=\"columns\"><table><thead><tr><th scope=\"col\">Flaw</th>");
    out.push_str("<th scope=\"col\">Found</th><th scope=\"col\">Kept</th>");
    out.push_str("<th scope=\"col\">Dropped</th></tr></thead><tbody>");
    for (flaw, found) in &data.flaws {
        let _ = write!(
            out,
            "<tr><th scope=\"row\">{}</th><td>{}</td><td>{}</td><td>{}</td></tr>",
            escape(&flaw.replace('_', " ")),
            format::count(found.found),
            format::count(found.kept),
            format::count(found.dropped)
        );
    }
    out.push_str(
        "</tbody></table>\n<div><table><thead><tr><th scope=\"col\">Silence</th><th scope=\"col\">Times</th>",
    );
    out.push_str("</tr></thead><tbody>");
    let silences = [
        ("daily breaks, at the same time of most days", data.daily_breaks),
        ("weekends, over a Saturday", data.weekends),
        ("holes of no known kind", data.holes),
    ];
    for (name, count) in silences {
        let count = format::count(count);
        let _ = write!(out, "<tr><th scope=\"row\">{name}</th><td>{count}</td></tr>");
    }
    out.push_str("</tbody></table>\n");
    if !data.holes_longest.is_empty() {
        out.push_str(
            "<details><summary>The longest holes</summary><table><thead><tr><th scope=\"col\">From</th>",
        );
        out.push_str("<th scope=\"col\">To</th></tr></thead><tbody>");
        for hole in &data.holes_longest {
            let (from, to) = (format::second(hole.from.0), format::second(hole.to.0));
            let _ = write!(out, "<tr><td>{from}</td><td>{to}</td></tr>");
        }
        out.push_str("</tbody></table></details>\n");
    }
    out.push_str("</div></div>\n");
    if let Some(columns) = data.columns.as_ref().filter(|columns| !columns.never_known.is_empty()) {
        let names: Vec<String> = columns.never_known.iter().map(|name| escape(name)).collect();
        let _ = write!(
            out,
            "<p class=\"note\">{} of {} feature columns were never known in {}: the data lacks what they are made of, \
             or was too short for them.</p>\n<details><summary>Which</summary><p class=\"mono\">{}</p></details>\n",
            format::count(columns.never_known.len() as u64),
            format::count(columns.columns),
            format::plural(columns.vectors, "vector", "vectors"),
            names.join(", ")
        );
    }
    out.push_str("</section>\n");
}

/// Which run this is, and everything that decided what it did.
pub fn identity(out: &mut String, report: &Report) {
    let identity = &report.identity;
    let counts = &report.counts;
    let hash =
        |hash: Option<genovo_engine::ids::Hash>| hash.map_or("–".to_string(), |hash| hash.to_string());
    let rows = [
        ("Run", identity.run_id.clone()),
        ("Settings", identity.settings_hash.to_string()),
        ("State at the end", hash(identity.state_hash)),
        ("Head of the journal", hash(identity.head_hash)),
        ("Seed", identity.seed.to_string()),
        ("Version of the logic", identity.logic_version.to_string()),
        (
            "Events",
            format!(
                "{}, of which {} decisions, {} orders, {} fills",
                format::count(counts.events),
                format::count(counts.decisions),
                format::count(counts.orders),
                format::count(counts.fills)
            ),
        ),
    ];
    out.push_str(
        "<section>\n<h2>Identity</h2>\n<p class=\"note\">A run with the same settings, data and seed ",
    );
    out.push_str("has the same hashes on any machine. To recompute everything and compare every bit: <code>");
    let journal = identity.journal.as_deref().unwrap_or("last");
    let _ =
        write!(out, "genovo replay --verify {}</code></p>\n<table class=\"keys\"><tbody>", escape(journal));
    for (name, text) in rows {
        let _ =
            write!(out, "<tr><th scope=\"row\">{name}</th><td class=\"mono\">{}</td></tr>", escape(&text));
    }
    out.push_str("</tbody></table>\n");
    if let Some(settings) = &report.settings {
        let text = serde_json::to_string_pretty(settings).expect("settings hold nothing that JSON cannot");
        let _ = writeln!(
            out,
            "<details><summary>Effective settings</summary><pre class=\"mono\">{}</pre></details>",
            escape(&text)
        );
    }
    out.push_str("</section>\n");
}

/// An amount, green above zero and red below; the sign says it too.
pub fn judged(amount: Money, digits: u8) -> String {
    let class = match amount.0.signum() {
        1 => "gain",
        -1 => "loss",
        _ => "",
    };
    format!("<span class=\"{class}\">{}</span>", format::money_signed(amount, digits))
}
