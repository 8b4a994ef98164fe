//! The long tables: trades, open positions, and the orders that risk changed.

use std::fmt::Write;

use genovo_engine::event::Side;
use genovo_engine::units::{Money, Price};

use super::super::figures::{Report, Trade};
use super::super::format;
use super::sections::judged;
use super::{data, escape};

/// The most rows of a table; `report.json` has them all.
const ROWS_MAX: usize = 1_000;

/// Closed trades and what is still open.
pub fn trades(out: &mut String, report: &Report) {
    out.push_str("<section class=\"long\">\n<h2>Trades</h2>\n");
    open(out, report);
    let trades = &report.trades.list;
    if trades.is_empty() {
        out.push_str("<p class=\"note\">None was closed.</p>\n</section>\n");
        return;
    }
    let rows = largest(trades);
    out.push_str("<p class=\"note\">");
    if rows.len() < trades.len() {
        let (shown, all) = (format::count(rows.len() as u64), format::count(trades.len() as u64));
        let _ = write!(out, "The {shown} largest of {all} by what they won or lost; report.json has all. ");
    }
    if let Some(seconds) = report.trades.average_seconds {
        let _ = write!(out, "Open for {} on average. ", format::duration(seconds));
    }
    out.push_str(
        "<span class=\"screen\">Press a heading to sort, an order to copy the command that \
        explains it.</span></p>\n",
    );
    let several = trades.iter().any(|trade| trade.instrument != trades[0].instrument);
    out.push_str("<div class=\"tall\"><table class=\"sortable\"><thead><tr>");
    let heads: [(&str, bool); 11] = [
        ("Order", true),
        ("Instrument", several),
        ("Side", true),
        ("Quantity", true),
        ("Opened", true),
        ("Closed", true),
        ("In", true),
        ("Out", true),
        ("Result", true),
        ("Worst mark", true),
        ("Best mark", true),
    ];
    for (name, shown) in heads {
        if shown {
            let first = if matches!(name, "Order" | "Opened" | "Closed" | "Side") {
                " data-first=\"up\""
            } else {
                ""
            };
            let text = if matches!(name, "Instrument" | "Side") { " class=\"text\"" } else { "" };
            let _ =
                write!(out, "<th scope=\"col\"{text}{first}><button type=\"button\">{name}</button></th>");
        }
    }
    out.push_str("</tr></thead><tbody>\n");
    for trade in rows {
        row(out, trade, report, several);
    }
    out.push_str("</tbody></table></div>\n</section>\n");
}

fn row(out: &mut String, trade: &Trade, report: &Report, several: bool) {
    let (digits, tick) = (report.digits(), data::price_digits(report, &trade.instrument));
    let side = match trade.side {
        Side::Buy => "long",
        Side::Sell => "short",
    };
    let order = trade.order_in;
    let _ = write!(
        out,
        "<tr><td data-v=\"{order}\"><button class=\"small\" type=\"button\" data-order=\"{order}\" \
         title=\"Copy the command that explains order {order}\">{order}</button></td>"
    );
    if several {
        let _ = write!(out, "<td class=\"text\">{}</td>", escape(&trade.instrument));
    }
    let number = |value: f64, text: String| format!("<td data-v=\"{value}\">{text}</td>");
    let time = |moment: super::super::figures::Moment| {
        number((moment.0.0 / 1_000_000) as f64, format::second(moment.0))
    };
    let _ = write!(out, "<td class=\"text\">{side}</td>");
    out.push_str(&number(trade.quantity.as_f64(), format::quantity(trade.quantity)));
    out.push_str(&time(trade.opened));
    out.push_str(&time(trade.closed));
    out.push_str(&number(trade.price_in.as_f64(), average(trade.price_in, tick)));
    out.push_str(&number(trade.price_out.as_f64(), average(trade.price_out, tick)));
    out.push_str(&number(trade.profit.as_f64(), judged(trade.profit, digits)));
    out.push_str(&number(trade.worst_mark.as_f64(), format::money(trade.worst_mark, digits)));
    out.push_str(&number(trade.best_mark.as_f64(), format::money(trade.best_mark, digits)));
    out.push_str("</tr>\n");
}

/// An average may have nine decimals: at most five are shown, and no fewer than the instrument's tick has.
fn average(price: Price, tick_digits: usize) -> String {
    let text = format::decimal(price.as_f64(), tick_digits.max(5)).replace(',', "");
    let least = text.find('.').map_or(text.len(), |point| point + 1 + tick_digits);
    let kept = text.trim_end_matches('0').len().max(least);
    text[..kept].trim_end_matches('.').to_string()
}

fn open(out: &mut String, report: &Report) {
    for position in &report.open {
        let side = if position.quantity.0 > 0 { "Long" } else { "Short" };
        let at = if position.marked_at == "last" { "last price" } else { &position.marked_at };
        let hedges = report.settings.as_ref().is_some_and(genovo_engine::settings::Settings::hedges);
        let by = if hedges { format!(" by order {}", position.order_in) } else { String::new() };
        let _ = writeln!(
            out,
            "<p class=\"note\">Still open: {} {} {}{by} since {}, in at {}, marked at the {at} {}: {}.</p>",
            side.to_lowercase(),
            format::quantity(position.quantity.abs()),
            escape(&position.instrument),
            format::second(position.opened.0),
            average(position.price_in, data::price_digits(report, &position.instrument)),
            format::price(position.mark),
            judged(position.profit, report.digits())
        );
    }
}

/// The trades with the largest results, in the order of closing.
fn largest(trades: &[Trade]) -> Vec<&Trade> {
    let mut places: Vec<usize> = (0..trades.len()).collect();
    places.sort_by_key(|&i| (std::cmp::Reverse(trades[i].profit.abs()), i));
    places.truncate(ROWS_MAX);
    places.sort_unstable();
    places.into_iter().map(|i| &trades[i]).collect()
}

/// The orders that risk made smaller or denied.
pub fn interventions(out: &mut String, report: &Report) {
    let list = &report.risk.interventions;
    if list.is_empty() {
        return;
    }
    let all = report.risk.reduced + report.risk.denied;
    let shown = list.len().min(ROWS_MAX);
    if (shown as u64) < all {
        let (shown, all) = (format::count(shown as u64), format::count(all));
        let _ = writeln!(out, "<p class=\"note\">The first {shown} of {all}.</p>");
    }
    out.push_str("<div class=\"tall\"><table><thead><tr>");
    for (name, class) in [
        ("Order", ""),
        ("When", ""),
        ("Instrument", " class=\"text\""),
        ("Side", " class=\"text\""),
        ("Verdict", " class=\"text\""),
        ("Rule", " class=\"text\""),
        ("Asked", ""),
        ("Granted", ""),
        ("Would take", ""),
        ("Limit", ""),
    ] {
        let _ = write!(out, "<th scope=\"col\"{class}>{name}</th>");
    }
    out.push_str("</tr></thead><tbody>\n");
    let money = |amount: Option<Money>| {
        amount.map_or("–".to_string(), |amount| format::money(amount, report.digits()))
    };
    for one in &list[..shown] {
        let order = match one.order {
            Some(order) => {
                format!("<button class=\"small\" type=\"button\" data-order=\"{order}\">{order}</button>")
            }
            None => "–".to_string(),
        };
        let _ = writeln!(
            out,
            "<tr><td>{order}</td><td>{}</td><td class=\"text\">{}</td><td class=\"text\">{}</td>\
             <td class=\"text\">{}</td><td class=\"text\">{}</td><td>{}</td><td>{}</td>\
             <td>{}</td><td>{}</td></tr>",
            format::second(one.time.0),
            escape(&one.instrument),
            one.side.name(),
            escape(&one.outcome),
            escape(&one.rule.replace('_', " ")),
            format::quantity(one.asked),
            format::quantity(one.granted),
            money(one.would_take),
            money(one.limit)
        );
    }
    out.push_str("</tbody></table></div>\n");
}
