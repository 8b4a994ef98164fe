//! A sweep as one HTML file, in the style of a run's report.

use std::fmt::Write;

use super::grid;
use super::trials::Trial;
use crate::report::format;
use crate::report::html::{document, escape};

/// What the page needs of its script: light and dark.
const SCRIPT: &str = "page.themed(() => {});";
/// The most trials that are listed; the log has all.
const LISTED_MAX: usize = 2_000;

/// A trial and how likely its Sharpe ratio is more than luck.
pub type Judged<'a> = (&'a Trial, Option<f64>);

/// The whole page: what was found in a sentence, a map where two keys vary, every trial, best first.
pub fn page(name: &str, sentence: &str, trials: &[Judged<'_>]) -> String {
    let mut out = String::new();
    let _ = write!(
        out,
        "<header>\n<div class=\"top\"><span><b>{}</b> · sweep</span>\
         <button id=\"theme\" type=\"button\" aria-label=\"Switch between light and dark\">Dark</button></div>\n\
         <h1>{}</h1>\n</header>\n<main>\n",
        escape(name),
        escape(sentence)
    );
    map(&mut out, trials);
    list(&mut out, trials);
    out.push_str("</main>\n<footer>Written by genovo.</footer>\n");
    document(&format!("{name} · genovo sweep"), &out, "{}", SCRIPT)
}

/// The results by the values of two keys.
fn map(out: &mut String, trials: &[Judged<'_>]) {
    let keys: Vec<&str> = trials
        .first()
        .map_or(Vec::new(), |(trial, _)| trial.set.iter().map(|(key, _)| key.as_str()).collect());
    let [down, across] = keys[..] else { return };
    let value = |trial: &Trial, key: &str| {
        trial.set.iter().find(|(own, _)| own == key).map(|(_, value)| value.clone())
    };
    let mut axes: [Vec<String>; 2] = [Vec::new(), Vec::new()];
    for (trial, _) in trials {
        for (axis, key) in axes.iter_mut().zip([down, across]) {
            let Some(value) = value(trial, key) else { return };
            if !axis.contains(&value) {
                axis.push(value);
            }
        }
    }
    for axis in &mut axes {
        // Numbers by size, everything else as text.
        let number = |text: &String| text.trim_end_matches(['%', ' ']).replace(',', "").parse::<f64>().ok();
        axis.sort_by(|a, b| match (number(a), number(b)) {
            (Some(a), Some(b)) => a.total_cmp(&b),
            _ => a.cmp(b),
        });
    }
    let most = trials.iter().map(|(trial, _)| trial.outcome.change.abs()).fold(1e-9, f64::max);
    let _ = write!(
        out,
        "<section>\n<h2>Change of equity by {} and {}</h2>\n<div class=\"scroll\"><table class=\"grid\"><thead><tr>\
         <th scope=\"col\">{} ↓ {} →</th>",
        escape(down),
        escape(across),
        escape(down),
        escape(across)
    );
    axes[1].iter().for_each(|value| {
        let _ = write!(out, "<th scope=\"col\">{}</th>", escape(value));
    });
    out.push_str("</tr></thead><tbody>");
    for row in &axes[0] {
        let _ = write!(out, "<tr><th scope=\"row\">{}</th>", escape(row));
        for column in &axes[1] {
            let found = trials.iter().find(|(trial, _)| {
                value(trial, down).as_ref() == Some(row) && value(trial, across).as_ref() == Some(column)
            });
            match found {
                None => out.push_str("<td></td>"),
                Some((trial, _)) => {
                    let change = trial.outcome.change;
                    let tone = if change < 0.0 { "--loss" } else { "--gain" };
                    let strength = (change.abs() / most * 45.0).round();
                    let _ = write!(
                        out,
                        "<td style=\"background:color-mix(in srgb,var({tone}) {strength}%,transparent)\">{}</td>",
                        format::percent_signed(change, 1)
                    );
                }
            }
        }
        out.push_str("</tr>");
    }
    out.push_str("</tbody></table></div>\n</section>\n");
}

fn list(out: &mut String, trials: &[Judged<'_>]) {
    let ratio =
        |value: Option<f64>, digits| value.map_or("–".to_string(), |value| format::decimal(value, digits));
    let _ = write!(
        out,
        "<section>\n<h2>Trials, best first</h2>\n<div class=\"scroll\"><table><thead><tr><th scope=\"col\">Trial</th>\
         <th scope=\"col\" class=\"text\">Changed</th><th scope=\"col\">Result</th><th scope=\"col\">Drawdown</th>\
         <th scope=\"col\">Trades</th><th scope=\"col\">Profit factor</th><th scope=\"col\">Sharpe, a return</th>\
         <th scope=\"col\">Deflated</th><th scope=\"col\" class=\"text\">Run</th></tr></thead><tbody>"
    );
    for (trial, deflated) in trials.iter().take(LISTED_MAX) {
        let outcome = &trial.outcome;
        let halted = outcome.halted.as_ref().map_or(String::new(), |why| format!(" · halted: {why}"));
        let _ = write!(
            out,
            "<tr><th scope=\"row\">{}</th><td class=\"text\">{}{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td>\
             <td>{}</td><td>{}</td><td class=\"text mono\">{}</td></tr>",
            trial.trial,
            escape(&grid::words(&trial.set)),
            escape(&halted),
            format::percent_signed(outcome.change, 2),
            format::percent(outcome.drawdown, 1),
            format::count(outcome.trades),
            ratio(outcome.profit_factor, 2),
            ratio(outcome.sharpe, 4),
            deflated.map_or("–".to_string(), |share| format::percent(share, 1)),
            escape(&trial.run[..trial.run.len().min(8)])
        );
    }
    out.push_str("</tbody></table></div>\n");
    if trials.len() > LISTED_MAX {
        let more = format::plural((trials.len() - LISTED_MAX) as u64, "trial is", "trials are");
        let _ = writeln!(out, "<p class=\"note\">{more} only in the log.</p>");
    }
    out.push_str(
        "<p class=\"note\">Sharpe is the mean over the standard deviation of returns from bar to bar, or from day to \
         day without bars; of one return, not of a year. Deflated says how likely it is above what the luck of \
         having tried all trials of the log would bring.</p>\n</section>\n",
    );
}
