//! A selection of feature columns as one HTML file: the ranking, and how the best columns go together.

use std::fmt::Write;

use genovo_engine::features::select::{Ranked, Rules, Selection};

use super::html::{document, escape};

/// The most columns of the heat map: more names cannot be read.
const DRAWN_MAX: usize = 48;
/// The side of a cell, and the room for names.
const SIDE: usize = 14;
const NAMES: usize = 190;

/// The whole page. `correlations` are those of the first columns of the selection with each other.
pub fn page(selection: &Selection, rules: &Rules, correlations: &[Vec<f64>]) -> String {
    let mut out = String::with_capacity(1 << 19);
    let _ = write!(
        out,
        "<style>{STYLE}</style>\n<header>\n<div class=\"top\"><span><b>Feature columns</b> · selection</span>\
         <button id=\"theme\" type=\"button\" aria-label=\"Switch between light and dark\">Dark</button></div>\n\
         <h1>{} of {} columns say most about the return {} rows ahead</h1>\n\
         <p class=\"about\">By mutual information over {} rows. Of two columns that are correlated above {} the \
         better one stays. List <span class=\"mono\">{}</span></p>\n</header>\n<main>\n",
        selection.columns.len(),
        selection.ranking.len(),
        rules.horizon,
        selection.rows,
        rules.same,
        selection.hash
    );
    heat_map(&mut out, selection, correlations);
    ranking(&mut out, selection);
    out.push_str("</main>\n<footer>Written by genovo.</footer>\n");
    document("Selection of feature columns", &out, "{}", SCRIPT)
}

/// The page needs no script but the switch of light and dark.
const SCRIPT: &str = "page.themed(() => {});";

const STYLE: &str = ".heat text{font-size:10px;fill:var(--soft)}.heat rect.a{fill:var(--accent)}\
                     .heat rect.b{fill:var(--loss)}.heat .ground{fill:var(--panel)}";

/// How the best columns go together, best first: blue where they rise together, red where one falls as the other rises.
fn heat_map(out: &mut String, selection: &Selection, correlations: &[Vec<f64>]) {
    let count = correlations.len();
    out.push_str("<section>\n<h2>How the selected columns go together</h2>\n");
    if count < 2 {
        out.push_str("<p class=\"note\">Fewer than two columns were selected.</p>\n</section>\n");
        return;
    }
    let shown = if count < selection.columns.len() { format!("The best {count}: ") } else { String::new() };
    let _ = writeln!(
        out,
        "<p class=\"note\">{shown}correlation of each with each, best first. Blue: they rise together. Red: one falls \
         as the other rises. The stronger the colour, the closer; a cell tells its number when pointed at.</p>"
    );
    let (wide, high) = (NAMES + count * SIDE, count * SIDE + 4);
    let _ = write!(
        out,
        "<div class=\"scroll\"><svg class=\"heat\" width=\"{wide}\" height=\"{high}\" role=\"img\" \
         aria-label=\"Correlations of the selected columns with each other\">\
         <rect class=\"ground\" x=\"{NAMES}\" y=\"0\" width=\"{0}\" height=\"{0}\"/>",
        count * SIDE
    );
    for (row, (name, values)) in selection.columns.iter().zip(correlations).enumerate() {
        let y = row * SIDE;
        let _ = write!(
            out,
            "<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text>",
            NAMES - 6,
            y + 10,
            escape(name)
        );
        for (column, value) in values.iter().enumerate() {
            let class = if *value < 0.0 { "b" } else { "a" };
            let _ = write!(
                out,
                "<rect class=\"{class}\" x=\"{}\" y=\"{y}\" width=\"{SIDE}\" height=\"{SIDE}\" \
                 fill-opacity=\"{:.2}\"><title>{} · {}: {:.2}</title></rect>",
                NAMES + column * SIDE,
                value.abs(),
                escape(name),
                escape(&selection.columns[column]),
                value
            );
        }
    }
    out.push_str("</svg></div>\n</section>\n");
}

fn ranking(out: &mut String, selection: &Selection) {
    out.push_str(
        "<section>\n<h2>Every column, best first</h2>\n<p class=\"note\">Nats by nearest neighbours, else by bins. \
         A column without a number by neighbours said too little by bins to be looked at more closely.</p>\n\
         <div class=\"tall\"><table><thead><tr><th scope=\"col\">Column</th><th scope=\"col\">By neighbours</th>\
         <th scope=\"col\">By bins</th><th scope=\"col\" class=\"text\">What became of it</th></tr></thead><tbody>",
    );
    for ranked in &selection.ranking {
        let nearest = ranked.nearest.map_or("–".to_string(), |nats| format!("{nats:.4}"));
        let _ = write!(
            out,
            "<tr><th scope=\"row\" class=\"mono\">{}</th><td>{nearest}</td><td>{:.4}</td>\
             <td class=\"text\">{}</td></tr>",
            escape(&ranked.id),
            ranked.binned,
            escape(&fate(ranked))
        );
    }
    out.push_str("</tbody></table></div>\n</section>\n");
}

fn fate(ranked: &Ranked) -> String {
    match (&ranked.same_as, ranked.selected) {
        (Some(other), _) => format!("says the same as {other}"),
        (None, true) => "selected".to_string(),
        (None, false) if ranked.binned == 0.0 => "says nothing".to_string(),
        (None, false) => String::new(),
    }
}

/// How many of the selected columns the heat map shows.
pub fn drawn(selection: &Selection) -> usize {
    selection.columns.len().min(DRAWN_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use genovo_engine::ids::Hash;

    #[test]
    fn the_page_has_every_column_and_every_cell() {
        let ranked = |id: &str, selected| Ranked {
            id: id.to_string(),
            binned: 0.2,
            nearest: Some(0.3),
            same_as: None,
            selected,
        };
        let selection = Selection {
            columns: vec!["a<b".to_string(), "c".to_string()],
            hash: Hash::default(),
            ranking: vec![ranked("a<b", true), ranked("c", true), ranked("d", false)],
            rows: 9,
        };
        let page = page(&selection, &Rules::default(), &[vec![1.0, -0.5], vec![-0.5, 1.0]]);
        assert_eq!(page.matches("<title>").count(), 4 + 1, "cells and the page's own");
        assert!(page.contains("<title>a&lt;b · c: -0.50</title>") && !page.contains("a<b"));
        assert_eq!(page.matches("<th scope=\"row\" class=\"mono\">").count(), 3);
    }
}
