//! Selection: which columns of the catalogue a model is given.
//!
//! Columns are ranked by how much they say about a label that lies `horizon` rows ahead; the last `horizon` rows of the
//! window have no label yet and are left out. Of two columns that say the same the one that says more stays. A column
//! that was selected before stays until it has fallen clearly behind.

use super::information::{binned, correlation, nearest, spread};
use crate::ids::Hash;

/// How columns are selected.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Rules {
    /// How many columns are selected at most.
    pub top: usize,
    /// How many rows ahead the label lies.
    pub horizon: usize,
    /// Rows that are used at most: every n-th of the window, so that it fits.
    pub rows: usize,
    /// Columns that go on from the cheap estimate to the exact one.
    pub candidates: usize,
    /// Neighbours of the exact estimate.
    pub neighbours: usize,
    /// Two columns with a greater absolute correlation say the same.
    pub same: f64,
    /// A column that was selected before stays while its rank is below this.
    pub keep: usize,
}

impl Default for Rules {
    fn default() -> Rules {
        Rules { top: 512, horizon: 10, rows: 2_000, candidates: 700, neighbours: 3, same: 0.98, keep: 560 }
    }
}

impl Rules {
    /// Which rows of a window of so many are used: those with a label, evenly spaced.
    fn rows_of(&self, window: usize) -> Vec<usize> {
        let usable = window.saturating_sub(self.horizon);
        let stride = usable.div_ceil(self.rows.max(1)).max(1);
        (0..usable).step_by(stride).collect()
    }

    /// The correlations of columns with each other over the rows that a selection uses; missing values count as 0, as
    /// they do there.
    pub fn correlations(&self, columns: &[&Vec<Option<f32>>]) -> Vec<Vec<f64>> {
        let rows = self.rows_of(columns.first().map_or(0, |column| column.len()));
        let values: Vec<Vec<f64>> = columns
            .iter()
            .map(|column| rows.iter().map(|row| f64::from(column[*row].unwrap_or(0.0))).collect())
            .collect();
        values.iter().map(|one| values.iter().map(|other| correlation(one, other)).collect()).collect()
    }
}

/// A column's place in the ranking.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Ranked {
    /// Its name.
    pub id: String,
    /// Mutual information with the label in nats: by bins.
    pub binned: f64,
    /// By nearest neighbours; `None` where the cheap estimate was too low for it.
    pub nearest: Option<f64>,
    /// The column that says the same and more, where there is one.
    pub same_as: Option<String>,
    /// Whether it is selected.
    pub selected: bool,
}

/// What a selection found.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Selection {
    /// The names of the selected columns, best first.
    pub columns: Vec<String>,
    /// BLAKE3 of those names, each followed by a line end.
    pub hash: Hash,
    /// Every column, best first.
    pub ranking: Vec<Ranked>,
    /// The rows that were used.
    pub rows: usize,
}

/// Selects columns. `columns[i]` holds a value for each row of the window, missing ones as `None`; `labels` one for
/// each row, known `horizon` rows later; `before` are the names that were selected last time.
pub fn select(
    names: &[String],
    columns: &[Vec<Option<f32>>],
    labels: &[f64],
    before: &[String],
    rules: &Rules,
) -> Selection {
    assert_eq!(names.len(), columns.len(), "a column for each name");
    let rows = rules.rows_of(labels.len());
    let label = spread(&rows.iter().map(|row| labels[*row]).collect::<Vec<_>>());
    let mut found: Vec<Candidate<'_>> = Vec::new();
    for (name, column) in names.iter().zip(columns) {
        // A missing value is what the model sees: 0.
        let values: Vec<f64> = rows.iter().map(|row| f64::from(column[*row].unwrap_or(0.0))).collect();
        let moves = values.windows(2).any(|pair| pair[0] != pair[1]);
        let score = if moves { binned(&values, &label) } else { 0.0 };
        found.push(Candidate { name, values, binned: score, nearest: None, same_as: None });
    }
    found.sort_by(|a, b| b.binned.total_cmp(&a.binned).then(a.name.cmp(b.name)));
    for candidate in found.iter_mut().take(rules.candidates).filter(|candidate| candidate.binned > 0.0) {
        candidate.nearest = Some(nearest(&spread(&candidate.values), &label, rules.neighbours));
    }
    found.sort_by(|a, b| {
        let by_nearest = b.nearest.unwrap_or(-1.0).total_cmp(&a.nearest.unwrap_or(-1.0));
        by_nearest.then(b.binned.total_cmp(&a.binned)).then(a.name.cmp(b.name))
    });
    // Greedily: whoever says the same as a better one is left out.
    let mut kept: Vec<usize> = Vec::new();
    for index in 0..found.len() {
        if found[index].nearest.is_none() {
            continue;
        }
        let twin = kept
            .iter()
            .copied()
            .find(|other| correlation(&found[*other].values, &found[index].values).abs() > rules.same);
        match twin {
            Some(other) => found[index].same_as = Some(found[other].name.clone()),
            None => kept.push(index),
        }
    }
    // Whoever was in stays while its rank is below `keep`; the rest fills up.
    let known = |index: &usize| before.iter().any(|name| name == found[*index].name);
    let stay: Vec<usize> = kept.iter().copied().take(rules.keep).filter(known).take(rules.top).collect();
    let mut chosen = stay.clone();
    for index in kept {
        if chosen.len() >= rules.top {
            break;
        }
        if !stay.contains(&index) {
            chosen.push(index);
        }
    }
    chosen.sort_unstable();
    let columns: Vec<String> = chosen.iter().map(|index| found[*index].name.clone()).collect();
    let ranking = found.iter().enumerate().map(|(index, candidate)| Ranked {
        id: candidate.name.clone(),
        binned: candidate.binned,
        nearest: candidate.nearest,
        same_as: candidate.same_as.clone(),
        selected: chosen.binary_search(&index).is_ok(),
    });
    Selection { hash: hash(&columns), ranking: ranking.collect(), rows: rows.len(), columns }
}

struct Candidate<'a> {
    name: &'a String,
    values: Vec<f64>,
    binned: f64,
    nearest: Option<f64>,
    same_as: Option<String>,
}

/// BLAKE3 of names, each followed by a line end.
pub fn hash(columns: &[String]) -> Hash {
    let mut hasher = blake3::Hasher::new();
    for column in columns {
        hasher.update(column.as_bytes());
        hasher.update(b"\n");
    }
    Hash(*hasher.finalize().as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use genovo_kernels::random::RandomKey;

    fn noise(seed: u64, rows: u64) -> Vec<f32> {
        (0..rows).map(|id| RandomKey { seed, purpose: 3, id }.words(0)[0] as f32 / u32::MAX as f32).collect()
    }

    struct Window {
        names: Vec<String>,
        columns: Vec<Vec<Option<f32>>>,
        labels: Vec<f64>,
    }

    /// A label, a column that knows it, one that knows half of it, a copy of the first, noise, and one that stands
    /// still.
    fn window() -> Window {
        let rows = 600;
        let (label, other) = (noise(1, rows), noise(2, rows));
        let half: Vec<f32> = label.iter().zip(&other).map(|(label, other)| label + other).collect();
        let twin: Vec<f32> = label.iter().map(|value| value * 2.0 + 1.0).collect();
        let columns = [label.clone(), half, twin, noise(3, rows), vec![1.0; rows as usize]];
        Window {
            names: ["knows", "half", "twin", "noise", "still"].map(str::to_string).to_vec(),
            columns: columns.map(|column| column.into_iter().map(Some).collect()).to_vec(),
            labels: label.into_iter().map(f64::from).collect(),
        }
    }

    fn select_from(window: &Window, before: &[String], rules: &Rules) -> Selection {
        select(&window.names, &window.columns, &window.labels, before, rules)
    }

    #[test]
    fn the_best_come_first_and_twins_once() {
        let rules = Rules { top: 2, ..Rules::default() };
        let selection = select_from(&window(), &[], &rules);
        assert_eq!(selection.columns, ["knows", "half"]);
        assert_eq!(selection.hash, hash(&selection.columns));
        let twin = selection.ranking.iter().find(|ranked| ranked.id == "twin").unwrap();
        assert_eq!(twin.same_as.as_deref(), Some("knows"));
        let still = selection.ranking.iter().find(|ranked| ranked.id == "still").unwrap();
        assert!(!still.selected && still.nearest.is_none());
    }

    #[test]
    fn rows_without_a_label_change_nothing() {
        let rules = Rules { horizon: 50, ..Rules::default() };
        let whole = window();
        let mut changed = window();
        let end = changed.labels.len();
        changed.labels[end - 50..].fill(1e9);
        for column in &mut changed.columns {
            column[end - 50..].fill(None);
        }
        assert_eq!(select_from(&whole, &[], &rules), select_from(&changed, &[], &rules));
    }

    #[test]
    fn who_was_in_stays_until_it_falls_behind() {
        let before = ["noise".to_string()];
        let rules = Rules { top: 2, keep: 3, ..Rules::default() };
        assert_eq!(select_from(&window(), &before, &rules).columns, ["knows", "noise"]);
        let strict = Rules { keep: 2, ..rules };
        assert_eq!(select_from(&window(), &before, &strict).columns, ["knows", "half"]);
    }

    #[test]
    fn the_order_of_the_columns_is_not_seen() {
        let (forward, mut backward) = (window(), window());
        backward.names.reverse();
        backward.columns.reverse();
        let rules = Rules::default();
        assert_eq!(select_from(&forward, &[], &rules), select_from(&backward, &[], &rules));
    }
}
