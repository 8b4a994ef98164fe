//! Mutual information and scalers against scikit-learn.

use genovo_engine::features::information::{nearest, standardised};
use genovo_engine::features::normalise::Window;

use crate::golden::{Table, close, data_sets, manifest, text};

#[test]
fn golden_features_mutual_information() {
    let mut compared = 0;
    for set in data_sets() {
        let Some(table) = Table::read(&format!("mi_input_{set}.csv")) else { continue };
        for row in manifest(&format!("mi_sklearn_{set}.csv")) {
            let x = table.whole(&row["feature"]);
            let k = row["k"].parse().unwrap();
            for label in ["y_abs", "y_sign"] {
                let Some(theirs) = row.get(&format!("mi_{label}")).and_then(|cell| cell.parse::<f64>().ok())
                else {
                    continue;
                };
                let y = table.whole(label);
                // scikit-learn takes a label of few values as classes and estimates otherwise.
                if label == "y_sign" {
                    continue;
                }
                let ours = nearest(&standardised(&x), &standardised(&y), k);
                // scikit-learn parts equal values by noise: where there are some, both agree less; where there are
                // hardly others, it finds what noise says, nothing.
                let tied = matches!(row["feature"].as_str(), "disc" | "flat");
                let tolerance = if repeats(&x) || repeats(&y) { 1e-2 } else { 1e-6 };
                let same = tied || close(ours, theirs, tolerance);
                assert!(same, "{set} {} k {k}: {ours}, not {theirs}", row["feature"]);
                compared += usize::from(tolerance == 1e-6);
            }
        }
    }
    assert!(compared >= 6, "{compared}");
}

/// Whether a value comes twice.
fn repeats(values: &[f64]) -> bool {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.windows(2).any(|pair| pair[0] == pair[1])
}

#[test]
fn golden_features_robust_scaler_and_quantiles() {
    let mut compared = 0;
    for set in data_sets() {
        let Some(table) = Table::read(&format!("mi_input_{set}.csv")) else { continue };
        let window = |feature: &str| {
            let values = table.whole(feature);
            let mut window = Window::new(values.len());
            values.iter().for_each(|value| window.push(*value));
            window
        };
        for row in manifest(&format!("robust_{set}.csv")) {
            let window = window(&row["feature"]);
            let theirs = |name: &str| row[name].parse::<f64>().unwrap();
            let (low, middle, high) = (window.quantile(0.25), window.quantile(0.5), window.quantile(0.75));
            assert!(close(middle.unwrap(), theirs("median"), 1e-12), "{set} {}", row["feature"]);
            let range = high.unwrap() - low.unwrap();
            // scikit-learn divides by 1 where the range is 0.
            assert!(range == 0.0 || close(range, theirs("iqr_scale"), 1e-12), "{set} {}", row["feature"]);
            compared += 1;
        }
        let Some(_) = text(&format!("quantile_refs_{set}.csv")) else { continue };
        let quantiles = Table::read(&format!("quantile_refs_{set}.csv")).unwrap();
        for (place, feature) in quantiles.header.iter().enumerate().skip(1) {
            let window = window(feature);
            for row in &quantiles.rows {
                let (share, theirs) = (row[0].unwrap(), row[place].unwrap());
                assert!(close(window.quantile(share).unwrap(), theirs, 1e-9), "{set} {feature} {share}");
                compared += 1;
            }
        }
    }
    assert!(compared > 100, "{compared}");
}
