//! The report in the terminal: one screen, columns aligned, plain text unless it is a terminal.

use std::fmt::Write;
use std::io::IsTerminal;
use std::path::Path;
use std::time::Duration;

use genovo_engine::ids::OrderId;
use genovo_engine::settings::Settings;
use genovo_engine::units::{Money, Ratio};

use super::figures::{ColumnUse, Report};
use super::format;
use super::sparkline::sparkline;

const SPARKLINE_WIDTH: usize = 60;

/// Whether colours may help. They never carry a meaning alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colour {
    /// ANSI colours: the output is a terminal.
    On,
    /// Plain text.
    Off,
}

impl Colour {
    /// On when standard output is a terminal and `NO_COLOR` is not set.
    pub fn for_stdout() -> Colour {
        let wanted = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        if wanted { Colour::On } else { Colour::Off }
    }
}

/// Where the run lies on disk and how it went: what no event says.
#[derive(Clone, Copy, Debug, Default)]
pub struct Files<'a> {
    /// The journal's folder.
    pub journal: Option<&'a Path>,
    /// The journal's size.
    pub journal_bytes: u64,
    /// Whether the journal's chain was read back and checked.
    pub verified: bool,
    /// The HTML report.
    pub report: Option<&'a Path>,
    /// How long everything took.
    pub elapsed: Option<Duration>,
}

/// The line above the progress bar: `gold · ema-cross 12/48 on 5-minute bars · XAUUSD · 100,000.00 USD · seed
/// 1`.
pub fn opening(settings: &Settings) -> String {
    let symbols: Vec<&str> =
        settings.instruments.iter().map(|instrument| instrument.symbol.as_str()).collect();
    let instruments = match symbols.len() {
        0..=4 => symbols.join(", "),
        more => format!("{} and {} more", symbols[..3].join(", "), more - 3),
    };
    let account = &settings.account;
    let parts = [
        settings.name.clone(),
        strategy(settings),
        instruments,
        format!("{} {}", format::money(account.cash, account.digits), account.currency),
        format!("seed {}", settings.seed),
    ];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" · ")
}

/// `ema-cross 12/48 on 5-minute bars`.
pub fn strategy(settings: &Settings) -> String {
    let (strategy, bars) = (&settings.strategy, settings.bars.as_ref());
    let mut text = settings.decides();
    if !settings.strategies.is_empty() {
        return text;
    }
    if let (Some(fast), Some(slow)) = (strategy.parameters.get("fast"), strategy.parameters.get("slow")) {
        let _ = write!(text, " {fast}/{slow}");
    }
    if let Some(bars) = bars {
        let seconds = bars.interval.0 / 1_000_000_000;
        let _ = match seconds {
            1.. if seconds % 86_400 == 0 => write!(text, " on {}-day bars", seconds / 86_400),
            1.. if seconds % 3_600 == 0 => write!(text, " on {}-hour bars", seconds / 3_600),
            1.. if seconds % 60 == 0 => write!(text, " on {}-minute bars", seconds / 60),
            1.. => write!(text, " on {seconds}-second bars"),
            _ => write!(text, " on {} ms bars", bars.interval.0 as f64 / 1e6),
        };
    }
    text
}

/// The summary after a run.
pub fn summary(report: &Report, files: &Files<'_>, colour: Colour) -> String {
    let mut page = Page { text: String::new(), colour };
    let headline = page.strong(&report.headline);
    let _ = writeln!(page.text, "  {headline}\n");
    if let Some(reason) = &report.halted {
        page.line("halted", &format!("! {reason}: no decision was taken after it"));
    }
    equity(&mut page, report);
    trades(&mut page, report);
    risk(&mut page, report);
    strategies(&mut page, report);
    open(&mut page, report);
    page.text.push('\n');
    data(&mut page, report);
    places(&mut page, report, files);
    if let Some(elapsed) = files.elapsed {
        let _ = writeln!(page.text, "\nDone in {}. Next:", format::duration(elapsed.as_secs_f64()));
        page.text.push_str(&next(report));
    }
    page.text
}

fn equity(page: &mut Page, report: &Report) {
    let digits = report.digits();
    let money = |amount| format::money(amount, digits);
    let from_to = format!("{} → {}", money(report.equity.start), money(report.equity.last));
    let line = format!("{from_to:<26}  {}", sparkline(&report.curves.equity, SPARKLINE_WIDTH));
    page.line("equity", line.trim_end());
    if report.equity.unexplained.round_to(digits) != Money::ZERO {
        let amount = format::money_signed(report.equity.unexplained, digits);
        page.more(&format!("! the engine's equity differs from the sum of fills and marks by {amount}"));
    }
    if report.counts.fills == 0 {
        return;
    }
    let result = &report.result;
    let slippage = match result.slippage {
        Money::ZERO => String::new(),
        amount => format!(", {} slippage", money(-amount)),
    };
    let mut held = String::new();
    for (name, amount) in [("financing", result.financing), ("borrow", result.borrow)] {
        if amount != Money::ZERO {
            let _ = write!(held, ", {} {name}", money(-amount));
        }
    }
    let total = page.judged(&money(result.total), result.total);
    page.line(
        "result",
        &format!(
            "{} before costs, {} spread{slippage}, {} commission{held} = {total}",
            money(result.before_costs),
            money(-result.spread),
            money(-result.commission),
        ),
    );
    if result.fills_without_quote > 0 {
        let fills = format::plural(result.fills_without_quote, "fill", "fills");
        page.more(&format!("! {fills} met no quote: there only commission can be told apart"));
    }
    let fall = &report.drawdown;
    let years = report.spans_years();
    page.line(
        "drawdown",
        &format!(
            "{}   from {} ({}) to {} ({})",
            format::percent(fall.share, 1),
            money(fall.peak),
            format::minute(fall.peak_time.0, years),
            money(fall.trough),
            format::minute(fall.trough_time.0, years),
        ),
    );
}

fn trades(page: &mut Page, report: &Report) {
    let trades = &report.trades;
    if trades.closed == 0 {
        if report.counts.fills + report.counts.taken_back > 0 {
            page.line("trades", "none closed");
            corrections(page, report);
        }
        return;
    }
    let mut line = format!(
        "{} closed, {} won",
        format::count(trades.closed),
        format::percent(trades.won as f64 / trades.closed as f64, 0)
    );
    if let Some(factor) = trades.profit_factor {
        let _ = write!(line, ", profit factor {}", format::decimal(factor, 2));
    }
    let amount = |result: &super::figures::TradeResult| {
        format!("{} (order {})", format::money_signed(result.profit, report.digits()), result.order)
    };
    if let (Some(best), Some(worst)) = (&trades.best, &trades.worst) {
        let _ = match trades.closed {
            1 => write!(line, "   {}", amount(best)),
            _ => write!(line, "   best {}, worst {}", amount(best), amount(worst)),
        };
    }
    page.line("trades", &line);
    corrections(page, report);
}

fn corrections(page: &mut Page, report: &Report) {
    if let Some(text) = report.corrections() {
        page.more(&format!("! {text}"));
    }
}

fn risk(page: &mut Page, report: &Report) {
    let risk = &report.risk;
    if risk.assessed == 0 {
        return;
    }
    let named = |outcome: &str, count: u64| {
        let mut of_it = risk.interventions.iter().filter(|intervention| intervention.outcome == outcome);
        match (of_it.next(), count) {
            (Some(first), 1) => match first.order {
                Some(order) => format!("1 {outcome} (order {order}, {})", first.rule),
                None => format!("1 {outcome} ({})", first.rule),
            },
            (Some(_), _) => {
                let by_rule = risk.by_rule.iter().filter_map(|(rule, counts)| {
                    let count = if outcome == "reduced" { counts.reduced } else { counts.denied };
                    (count > 0).then(|| format!("{rule} {}", format::count(count)))
                });
                let by_rule: Vec<String> = by_rule.collect();
                format!("{} {outcome} ({})", format::count(count), by_rule.join(", "))
            }
            (None, _) => format!("{} {outcome}", format::count(count)),
        }
    };
    page.line(
        "risk",
        &format!(
            "{}: {} allowed, {}, {}",
            format::plural(risk.assessed, "order", "orders"),
            format::count(risk.allowed),
            named("reduced", risk.reduced),
            named("denied", risk.denied),
        ),
    );
    if !report.margin.is_empty() {
        page.more(&format!(
            "! {}, {}",
            format::plural(report.margin.calls, "margin call", "margin calls"),
            format::plural(report.margin.stop_outs, "stop-out", "stop-outs")
        ));
    }
    for market in report.regimes.iter().filter(|market| market.times > 0) {
        page.more(&format!(
            "{} stressed {}, {} of the time",
            market.instrument,
            format::plural(market.times, "time", "times"),
            format::percent(market.share, 1)
        ));
    }
}

/// Each of several strategies in a line.
fn strategies(page: &mut Page, report: &Report) {
    let width = report.strategies.iter().map(|one| one.name.chars().count()).max().unwrap_or(0);
    for (number, one) in report.strategies.iter().enumerate() {
        let mut line = format!(
            "{:<width$}   {} of equity, {}",
            one.name,
            format::percent(one.budget, 0),
            format::plural(one.orders, "order", "orders"),
        );
        for (count, what) in [(one.reduced, "reduced"), (one.denied, "denied")] {
            if count > 0 {
                let _ = write!(line, ", {} {what}", format::count(count));
            }
        }
        let result = page.judged(&format::money_signed(one.result, report.digits()), one.result);
        let _ = write!(line, ": {result}");
        match number {
            0 => page.line("by", &line),
            _ => page.more(&line),
        }
    }
}

fn open(page: &mut Page, report: &Report) {
    for position in &report.open {
        let side = if position.quantity.0 > 0 { "long" } else { "short" };
        let hedges = report.settings.as_ref().is_some_and(genovo_engine::settings::Settings::hedges);
        // Several of an instrument are told apart by the orders that opened them.
        let by = if hedges { format!(" by order {}", position.order_in) } else { String::new() };
        let line = format!(
            "{side} {} {}{by}, marked at the {} {}",
            format::quantity(position.quantity.abs()),
            position.instrument,
            if position.marked_at == "last" { "last price" } else { &position.marked_at },
            format::price(position.mark),
        );
        page.line("open", &line);
    }
}

/// `273 of 740 feature columns were never known: spread_usual, quote_rate and 271 more`.
pub(super) fn never_known(columns: &ColumnUse) -> String {
    const NAMED: usize = 3;
    let never = &columns.never_known;
    let named = never.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
    let more = match never.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {} more", format::count(more as u64)),
    };
    let (count, all) = (format::count(never.len() as u64), format::count(columns.columns));
    format!("{count} of {all} feature columns were never known: {named}{more}")
}

fn data(page: &mut Page, report: &Report) {
    let data = &report.data;
    let mut parts = vec![
        format!("{} crossed", format::count(data.found("crossed"))),
        format!("{} out of order", format::count(data.found("out_of_order"))),
    ];
    for flaw in ["locked", "duplicate", "outlier"] {
        match data.found(flaw) {
            0 => {}
            found => parts.push(format!("{} {flaw}", format::count(found))),
        }
    }
    parts.push(format::plural(data.daily_breaks, "daily break", "daily breaks"));
    parts.push(format::plural(data.weekends, "weekend", "weekends"));
    if data.holes > 0 {
        parts.push(format::plural(data.holes, "hole", "holes"));
    }
    page.line("data", &parts.join(", "));
    let dropped: u64 = data.flaws.values().map(|counts| counts.dropped).sum();
    if dropped > 0 {
        page.more(&format!("{} dropped: journaled, and used by nobody", format::count(dropped)));
    }
    if data.sizes_absent {
        page.more(&format!("! the data has no sizes: {}", report.without_sizes()));
    }
    if let Some(columns) = data.columns.as_ref().filter(|columns| !columns.never_known.is_empty()) {
        page.more(&format!("! {}", never_known(columns)));
    }
}

fn places(page: &mut Page, report: &Report, files: &Files<'_>) {
    if let Some(journal) = files.journal {
        let chain = if files.verified { ", chain verified" } else { "" };
        let mut line = format!(
            "{}   {} events, {}{chain}",
            journal.display(),
            format::count(report.counts.events),
            format::bytes(files.journal_bytes)
        );
        for (name, hash) in [("head", report.identity.head_hash), ("state", report.identity.state_hash)] {
            if let Some(hash) = hash {
                let _ = write!(line, "   {name} {}", hash.short());
            }
        }
        page.line("journal", &line);
    }
    if let Some(path) = files.report {
        page.line("report", &path.display().to_string());
    }
}

/// What to try next, with orders of this very run.
fn next(report: &Report) -> String {
    let mut lines: Vec<(String, &str)> = Vec::new();
    let journal = report.identity.journal.as_deref().unwrap_or("last");
    if let Some((order, why)) = report.order_to_explain() {
        lines.push((format!("genovo audit explain {journal} --order {order}"), why));
    }
    if let (Some(settings), 1..) = (&report.settings, report.counts.fills) {
        let half = Ratio(settings.risk.max_per_trade.0 / 2 * 100);
        let again = format!("genovo audit whatif {journal} --set risk.max_per_trade=\"{half} %\"");
        lines.push((again, "the same again, more careful"));
    }
    lines.push((format!("genovo replay --verify {journal}"), "recompute everything, compare every bit"));
    let width = lines.iter().map(|(command, _)| command.chars().count()).max().unwrap_or(0) + 4;
    lines.iter().map(|(command, why)| format!("  {command:<width$}{why}\n")).collect()
}

impl Report {
    /// The order worth explaining first: one that risk reduced, else one it denied, else the worst trade's.
    pub fn order_to_explain(&self) -> Option<(OrderId, &'static str)> {
        let changed = |outcome: &str| {
            let mut of_it = self.risk.interventions.iter().filter(|one| one.outcome == outcome);
            of_it.find_map(|one| one.order)
        };
        if let Some(order) = changed("reduced") {
            return Some((order, "why this order, and why smaller than asked"));
        }
        if let Some(order) = changed("denied") {
            return Some((order, "why this order was denied"));
        }
        if let Some(worst) = &self.trades.worst {
            return Some((worst.order, "why the worst trade was opened"));
        }
        self.curves.fills.first().map(|fill| (fill.order, "why this order"))
    }

    /// What the broker corrected, in a sentence without its full stop; `None` where it corrected nothing.
    pub fn corrections(&self) -> Option<String> {
        let was = |count: u64, what: &str| {
            let verb = if count == 1 { "was" } else { "were" };
            (count > 0).then(|| format!("{} {verb} {what}", format::plural(count, "fill", "fills")))
        };
        let back = was(self.counts.taken_back, "taken back by the broker");
        let repriced = was(self.counts.repriced, "given another price by the broker");
        let said: Vec<String> = back.into_iter().chain(repriced).collect();
        (!said.is_empty()).then(|| format!("{}: trades and costs are those that hold", said.join(", ")))
    }

    /// What fills assume when the data has no sizes.
    pub fn without_sizes(&self) -> String {
        match self.settings.as_ref().and_then(|settings| settings.venue.size_when_absent) {
            Some(size) => format!("{} are taken to be there at each touch", format::quantity(size)),
            None => "every order fills whole at the touch".to_string(),
        }
    }

    /// Whether a time needs its year to be understood.
    pub fn spans_years(&self) -> bool {
        format::day(self.span.from.0)[..4] != format::day(self.span.to.0)[..4]
    }
}

/// Text that grows line by line.
struct Page {
    text: String,
    colour: Colour,
}

impl Page {
    /// A line that begins with what it is about.
    fn line(&mut self, about: &str, text: &str) {
        let about = self.painted(&format!("{about:<9}"), "2");
        let _ = writeln!(self.text, "  {about}  {text}");
    }

    /// Another line about the same.
    fn more(&mut self, text: &str) {
        let _ = writeln!(self.text, "  {:<9}  {text}", "");
    }

    fn strong(&self, text: &str) -> String {
        self.painted(text, "1")
    }

    /// Green above zero, red below; the sign says it too.
    fn judged(&self, text: &str, amount: Money) -> String {
        match amount.0.signum() {
            1 => self.painted(text, "32"),
            -1 => self.painted(text, "31"),
            _ => text.to_string(),
        }
    }

    fn painted(&self, text: &str, code: &str) -> String {
        match self.colour {
            Colour::On => format!("\x1b[{code}m{text}\x1b[0m"),
            Colour::Off => text.to_string(),
        }
    }
}
