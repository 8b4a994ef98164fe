//! The document as one HTML file, in the style of a run's report.

use std::fmt::Write;

use genovo_engine::ids::Hash;

use super::{Audited, Lines, Pack};
use crate::report::format;
use crate::report::html::{document, escape};

/// What the page needs of its script: light and dark.
const SCRIPT: &str = "page.themed(() => {});";

/// The whole page; `json` is the hash of the same as JSON, which lies beside it.
pub fn page(pack: &Pack, json: Hash) -> String {
    let mut out = String::new();
    let when = match (pack.from, pack.to) {
        (None, None) => "from the first event to the last".to_string(),
        (from, to) => format!(
            "{} – {}",
            from.map_or("the first event".to_string(), |time| time.to_string()),
            to.map_or("the last".to_string(), |time| time.to_string())
        ),
    };
    let made = pack.made.as_ref().map_or(String::new(), |made| format!(" · made {made}"));
    let _ = write!(
        out,
        "<header>\n<div class=\"top\"><span><b>Audit report</b> · {}{}</span>\
         <button id=\"theme\" type=\"button\" aria-label=\"Switch between light and dark\">Dark</button></div>\n\
         <h1>{}</h1>\n</header>\n<main>\n",
        escape(&when),
        escape(&made),
        escape(&sentence(pack))
    );
    pack.journals.iter().for_each(|one| journal(&mut out, one));
    let _ = write!(
        out,
        "</main>\n<footer>Written by genovo. The same as JSON lies beside this page: {json}. \
         Signatures: genovo audit report --check FILE.</footer>\n"
    );
    document("genovo audit report", &out, "{}", SCRIPT)
}

/// The state of all journals in one sentence.
pub fn sentence(pack: &Pack) -> String {
    let sum = |number: fn(&Audited) -> u64| pack.journals.iter().map(number).sum::<u64>();
    let intact = pack.journals.iter().filter(|one| one.proof.intact).count();
    format!(
        "{} of {} intact; {} of {} held back, {}, {}.",
        intact,
        format::plural(pack.journals.len() as u64, "journal", "journals"),
        format::count(sum(|one| one.verdicts.reduced + one.verdicts.denied)),
        format::plural(sum(|one| one.verdicts.assessed), "order", "orders"),
        format::plural(
            sum(|one| one.controls.changes.len() as u64),
            "change of a limit",
            "changes of limits"
        ),
        format::plural(
            sum(|one| one.incidents.lines.len() as u64 + one.incidents.more),
            "incident",
            "incidents"
        ),
    )
}

fn heading(out: &mut String, text: &str) {
    let _ = write!(out, "<section>\n<h2>{}</h2>\n", escape(text));
}

/// A table of texts; the first column is a row's heading.
fn table(out: &mut String, columns: &[&str], rows: impl Iterator<Item = Vec<String>>, empty: &str) {
    let mut body = String::new();
    for row in rows {
        body.push_str("<tr>");
        for (index, cell) in row.iter().enumerate() {
            let tag = if index == 0 { "th scope=\"row\"" } else { "td" };
            let close = if index == 0 { "th" } else { "td" };
            let _ = write!(body, "<{tag} class=\"text\">{}</{close}>", escape(cell));
        }
        body.push_str("</tr>");
    }
    if body.is_empty() {
        let _ = writeln!(out, "<p class=\"note\">{}</p>", escape(empty));
        return;
    }
    out.push_str("<div class=\"scroll\"><table><thead><tr>");
    for column in columns {
        let _ = write!(out, "<th scope=\"col\" class=\"text\">{}</th>", escape(column));
    }
    let _ = writeln!(out, "</tr></thead><tbody>{body}</tbody></table></div>");
}

fn lines(out: &mut String, title: &str, lines: &Lines, empty: &str) {
    heading(out, title);
    let rows = lines.lines.iter().map(|line| {
        vec![line.time.to_string(), line.sequence.to_string(), line.kind.to_string(), line.what.clone()]
    });
    table(out, &["Time", "Sequence", "Event", "What it says"], rows, empty);
    if lines.more > 0 {
        let _ = writeln!(out, "<p class=\"note\">{} more are in the journal.</p>", format::count(lines.more));
    }
    out.push_str("</section>\n");
}

fn journal(out: &mut String, one: &Audited) {
    let (identity, proof) = (&one.identity, &one.proof);
    heading(out, &format!("{} · {} · {}", one.journal, identity.scenario, identity.world));
    let proven = match &proof.problem {
        None => "every file is as it was sealed".to_string(),
        Some(problem) => format!("NOT INTACT: {problem}"),
    };
    let rows = [
        ("Run", identity.run.clone()),
        ("Head", proof.head.to_string()),
        ("Journal", format!("{} events; {proven}", format::count(proof.events))),
        ("Recomputed", proof.recomputed.clone()),
        ("Settings", identity.settings.to_string()),
        ("Decides", format!("{}, logic version {}", identity.decides, identity.logic_version)),
        ("Instruments", identity.instruments.join(", ")),
        ("Account", identity.currency.clone()),
        ("Time", format!("{} – {}", identity.first, identity.last)),
    ];
    table(out, &["", ""], rows.into_iter().map(|(name, what)| vec![name.to_string(), what]), "");
    out.push_str("</section>\n");
    controls(out, one);
    verdicts(out, one);
    lines(out, "Incidents", &one.incidents, "None.");
    if !one.flaws.is_empty() {
        heading(out, "Flaws of the data");
        let rows = one.flaws.iter().map(|(what, count)| vec![what.clone(), format::count(*count)]);
        table(out, &["Flaw and what was done", "Times"], rows, "");
        out.push_str("</section>\n");
    }
    lines(out, "Operator", &one.operator, "The operator said nothing.");
    lines(out, "Requests to change limits, and approvals", &one.approvals, "None.");
    orders(out, one);
}

fn controls(out: &mut String, one: &Audited) {
    let controls = &one.controls;
    heading(out, "Controls in force");
    let mut keys: Vec<&str> = controls.at_first.keys().chain(controls.at_last.keys()).copied().collect();
    keys.sort_unstable();
    keys.dedup();
    let value = |of: &std::collections::BTreeMap<&'static str, String>, key: &str| {
        of.get(key).cloned().unwrap_or_else(|| "off".to_string())
    };
    let rows = keys
        .iter()
        .map(|key| vec![key.to_string(), value(&controls.at_first, key), value(&controls.at_last, key)]);
    table(out, &["Limit", "At the beginning", "At the end"], rows, "The journal holds no run.");
    let file = match (controls.file, controls.signer) {
        (None, _) => "The scenario was held to no file of limits.".to_string(),
        (Some(file), None) => {
            format!("Held to the file of limits {file}, for which no signature was demanded.")
        }
        (Some(file), Some(key)) => format!("Held to the file of limits {file}, signed by {key}."),
    };
    let live = one.identity.world == "live";
    let stops = match (controls.protected, live) {
        (true, _) => " Every open position had to have a stop at the venue.",
        (false, true) => " UNPROTECTED: no stop was demanded for open positions.",
        (false, false) => "",
    };
    let _ = write!(out, "<p class=\"note\">{}{stops}</p>\n</section>\n", escape(&file));
    heading(out, "Changes of controls");
    let rows = controls.changes.iter().map(|change| {
        let key = |key: &Option<_>| key.as_ref().map_or("–".to_string(), ToString::to_string);
        vec![
            change.time.to_string(),
            change.key.clone(),
            change.old.clone(),
            change.new.clone(),
            if change.loosened { "loosened" } else { "tightened" }.to_string(),
            change.by.clone(),
            change.why.clone(),
            key(&change.signed),
            key(&change.approved),
        ]
    });
    let columns = ["Time", "Limit", "Old", "New", "", "By", "Why", "Signed", "Allowed"];
    table(out, &columns, rows, "None.");
    out.push_str("</section>\n");
}

fn verdicts(out: &mut String, one: &Audited) {
    let verdicts = &one.verdicts;
    heading(out, "What risk held back");
    let _ = writeln!(
        out,
        "<p>{} assessed: {} whole, {} reduced, {} denied.</p>",
        format::plural(verdicts.assessed, "order", "orders"),
        format::count(verdicts.allowed),
        format::count(verdicts.reduced),
        format::count(verdicts.denied)
    );
    let rows = verdicts.by_rule.iter().map(|(rule, by)| {
        let examples = by.examples.iter().map(|one| {
            format!(
                "{} {} {} at {}: limit {}, asked {}, left {}",
                one.sequence,
                one.side.name(),
                one.instrument,
                one.time,
                one.limit,
                one.asked,
                format::quantity(one.quantity)
            )
        });
        vec![
            rule.to_string(),
            format::count(by.asked),
            format::count(by.reduced),
            format::count(by.denied),
            examples.collect::<Vec<_>>().join(" · "),
        ]
    });
    table(
        out,
        &["Rule", "Asked", "Reduced", "Denied", "The first times"],
        rows,
        "Risk was asked about no order.",
    );
    out.push_str("</section>\n");
}

fn orders(out: &mut String, one: &Audited) {
    let orders = &one.orders;
    heading(out, "Orders and fills");
    let rejected: u64 = orders.rejected.values().sum();
    let mut rows = vec![
        ("Submitted", orders.submitted),
        ("Denied by us", orders.denied),
        ("Rejected by the venue", rejected),
        ("Cancelled", orders.cancelled),
        ("Expired", orders.expired),
        ("Cancels sent", orders.cancels),
        ("Replacements sent", orders.replacements),
    ];
    rows.retain(|(_, count)| *count > 0);
    let rows = rows.into_iter().map(|(name, count)| vec![name.to_string(), format::count(count)]);
    table(out, &["Orders", "Times"], rows, "No order.");
    let rows = orders.rejected.iter().map(|(why, count)| vec![why.to_string(), format::count(*count)]);
    if !orders.rejected.is_empty() {
        table(out, &["Rejected because", "Times"], rows, "");
    }
    let rows = orders.fills.iter().map(|(symbol, fills)| {
        vec![
            symbol.clone(),
            format::count(fills.count),
            format::quantity(fills.bought),
            format::quantity(fills.sold),
            fills.commissions.to_string(),
        ]
    });
    table(out, &["Instrument", "Fills", "Bought", "Sold", "Commissions"], rows, "No fill.");
    if orders.financing != genovo_engine::units::Money::ZERO {
        let _ = writeln!(
            out,
            "<p>Financing and borrow: {} {}.</p>",
            orders.financing,
            escape(&one.identity.currency)
        );
    }
    if let Some(equity) = orders.equity {
        let _ = writeln!(out, "<p>Equity at the end: {equity} {}.</p>", escape(&one.identity.currency));
    }
    out.push_str("</section>\n");
}
