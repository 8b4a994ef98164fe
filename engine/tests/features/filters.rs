//! Wavelets, Kalman filters and Hamilton's filter against PyWavelets' filters, filterpy and statsmodels.

use genovo_engine::features::candle::Candle;
use genovo_engine::features::indicators::kalman::Filter;
use genovo_engine::features::indicators::make;
use genovo_engine::features::indicators::regime::Hamilton;
use genovo_engine::units::Timestamp;

use crate::golden::{Table, bars, close, data_sets, manifest, text};

/// Compares an indicator's outputs with a table's columns of these names, row by row.
fn compare(table: &Table, bars: &[Candle], name: &str, parameters: &[f64], columns: &[String]) -> usize {
    let mut made = make(name, parameters).unwrap_or_else(|| panic!("{name} {parameters:?}"));
    assert_eq!(made.outputs, columns.len());
    let mut out = vec![None; made.outputs];
    let mut compared = 0;
    for (row, bar) in table.rows.iter().zip(bars) {
        made.indicator.update(bar, &mut out);
        for (ours, column) in out.iter().zip(columns) {
            let theirs = row[table.column(column).unwrap_or_else(|| panic!("no {column}"))];
            let same = match (ours, theirs) {
                (Some(ours), Some(theirs)) => close(*ours, theirs, 1e-9),
                (ours, theirs) => ours.is_none() && theirs.is_none(),
            };
            assert!(same, "{name} {column} {:?}: {ours:?}, not {theirs:?}", row[0]);
            compared += usize::from(theirs.is_some());
        }
    }
    compared
}

#[test]
fn golden_features_modwt() {
    let mut compared = 0;
    for set in data_sets() {
        let bars = bars(&set);
        for wavelet in ["haar", "db2", "db4", "db6", "sym4", "sym8", "coif1"] {
            for levels in 1..=6 {
                let Some(table) = Table::read(&format!("modwt_{set}_{wavelet}_{levels}.csv")) else {
                    continue;
                };
                let columns: Vec<String> = table.header[2..].to_vec();
                assert_eq!(columns.len(), levels + 1, "{columns:?}");
                compared += compare(&table, &bars, &format!("modwt:{wavelet}"), &[levels as f64], &columns);
            }
        }
    }
    assert!(compared > 5_000, "{compared}");
}

#[test]
fn golden_features_wavelet_filters() {
    // The filters are in the code in one order; the reference gives both, so both transforms are checked.
    let rows = manifest("wavelet_filters.csv");
    let number = |row: &std::collections::BTreeMap<String, String>| row.values().last().cloned();
    assert!(rows.len() > 100 && rows.iter().all(|row| number(row).is_some()));
    for wavelet in ["haar", "db2", "db4", "db6", "sym4", "sym8", "coif1"] {
        let mut made = make(&format!("modwt:{wavelet}"), &[1.0]).unwrap();
        // An impulse e at bar k puts tap l of both filters at bar k + l.
        let taps: Vec<Vec<f64>> = ["rec_hi", "rec_lo"].iter().map(|kind| filter(wavelet, kind)).collect();
        let count = taps[0].len();
        let mut out = [None; 2];
        for bar in 0..3 * count {
            let price = if bar == count { std::f64::consts::E } else { 1.0 };
            made.indicator.update(&candle(price), &mut out);
            let lag = bar.checked_sub(count).filter(|lag| *lag < count);
            for (value, taps) in out.iter().zip(&taps) {
                let expected = lag.map_or(0.0, |lag| taps[lag] / std::f64::consts::SQRT_2);
                assert!(value.is_none_or(|value| close(value, expected, 1e-12)), "{wavelet} {bar}");
            }
        }
    }
}

fn candle(price: f64) -> Candle {
    let time = Timestamp(0);
    Candle {
        open_time: time,
        close_time: time,
        open: price,
        high: price,
        low: price,
        close: price,
        volume: None,
    }
}

fn filter(wavelet: &str, kind: &str) -> Vec<f64> {
    let text = text("wavelet_filters.csv").unwrap();
    let prefix = format!("{wavelet},{kind},");
    text.lines().filter_map(|line| line.strip_prefix(&prefix)?.split(',').nth(1)?.parse().ok()).collect()
}

#[test]
fn golden_features_kalman() {
    let mut compared = 0;
    for row in manifest("kalman_params.csv") {
        let (set, number) = (&row["dataset"], &row["set"]);
        let value = |name: &str| row[name].parse::<f64>().unwrap();
        assert_eq!(value("P0"), 1.0);
        let bars = bars(set);
        let names = |names: &[&str]| names.iter().map(|name| name.to_string()).collect::<Vec<_>>();
        if let Some(table) = Table::read(&format!("kalman_level_{set}_{number}.csv")) {
            let columns = names(&["x", "P", "innov", "S"]);
            compared += compare(&table, &bars, "kalman_level", &[value("q_level"), value("r")], &columns);
        }
        if let Some(table) = Table::read(&format!("kalman_trend_{set}_{number}.csv")) {
            let columns = names(&["level", "slope", "P00", "P01", "P11", "innov", "S"]);
            let parameters = [value("q_level"), value("q_slope"), value("r")];
            compared += compare(&table, &bars, "kalman_trend", &parameters, &columns);
        }
    }
    for set in data_sets() {
        let Some(table) = Table::read(&format!("kalman_regression_{set}.csv")) else { continue };
        let column = |name: &str| table.column(name).unwrap();
        let mut filter = Filter::new([0.0; 2], [1.0; 2]);
        for (index, row) in table.rows.iter().enumerate() {
            let cell = |name: &str| row[column(name)].unwrap();
            let step = filter.regression(cell("x"), cell("y"), 1e-5, 1e-4, index == 0);
            let ours = [filter.state[0], filter.state[1], filter.covariance[0][0], filter.covariance[0][1]];
            for (name, ours) in ["alpha", "beta", "P00", "P01"].iter().zip(ours) {
                assert!(close(ours, cell(name), 1e-9), "{set} {index} {name}: {ours}, not {}", cell(name));
            }
            assert!(close(step.innovation, cell("innov"), 1e-9) && close(step.variance, cell("S"), 1e-9));
            compared += 6;
        }
    }
    assert!(compared > 5_000, "{compared}");
}

#[test]
fn golden_features_hamilton() {
    let mut compared = 0;
    for set in data_sets() {
        let Some(table) = Table::read(&format!("hamilton_{set}.csv")) else { continue };
        let parameters = text(&format!("hamilton_{set}_params.csv")).unwrap();
        let value = |name: &str| -> f64 {
            let line = parameters.lines().find_map(|line| line.strip_prefix(&format!("{name},")));
            line.unwrap_or_else(|| panic!("no {name}")).parse().unwrap()
        };
        let (stay, back) = (value("p[0->0]"), value("p[1->0]"));
        // The stationary distribution starts it.
        let first = back / (1.0 - stay + back);
        let mut filter = Hamilton {
            transition: [[stay, 1.0 - stay], [back, 1.0 - back]],
            means: [value("const[0]"), value("const[1]")],
            variances: [value("sigma2[0]"), value("sigma2[1]")],
            filtered: [first, 1.0 - first],
            predicted: [first, 1.0 - first],
        };
        let columns = ["r", "filt0", "filt1", "pred0", "pred1"].map(|name| table.column(name).unwrap());
        for row in &table.rows {
            let [r, filt0, filt1, pred0, pred1] = columns.map(|column| row[column].unwrap());
            for (ours, theirs) in filter.predicted.iter().zip([pred0, pred1]) {
                assert!(close(*ours, theirs, 1e-7), "{set} {:?}: predicted {ours}, not {theirs}", row[0]);
            }
            filter.push(r);
            for (ours, theirs) in filter.filtered.iter().zip([filt0, filt1]) {
                assert!(close(*ours, theirs, 1e-7), "{set} {:?}: filtered {ours}, not {theirs}", row[0]);
            }
            compared += 4;
        }
    }
    assert!(compared > 1_000, "{compared}");
}
