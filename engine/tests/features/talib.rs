//! TA-Lib's own values, every case of every function that `indicators` has.

use std::collections::{BTreeMap, BTreeSet};

use genovo_engine::features::candle::Candle;
use genovo_engine::features::indicators::{Made, make};

use crate::golden::{Table, bars, close, data_sets, manifest, text};

/// One function with one set of parameters on one data set.
struct Case {
    function: String,
    set: String,
    parameters: Vec<f64>,
    /// By output in the function's order: its name, and the first bar that has a value.
    outputs: Vec<(String, usize)>,
    pattern: bool,
}

/// The numbers of a Python dictionary in order: `{'timeperiod': 14, 'nbdev': 2.0}`.
fn parameters(text: &str) -> Vec<f64> {
    let inner = text.trim().trim_start_matches('{').trim_end_matches('}');
    let values = inner.split(',').filter_map(|pair| pair.split_once(':'));
    values.map(|(_, value)| value.trim().parse().expect("a number")).collect()
}

fn cases(set: &str) -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    for row in manifest("manifest_talib.csv") {
        if row["dataset"] != set {
            continue;
        }
        let output = (row["output"].clone(), row["first_valid"].parse().unwrap());
        match cases.last_mut() {
            Some(case) if case.function == row["function"] && case.set == row["set"] => {
                case.outputs.push(output)
            }
            _ => cases.push(Case {
                function: row["function"].clone(),
                set: row["set"].clone(),
                parameters: parameters(&row["params"]),
                outputs: vec![output],
                pattern: row["kind"] == "pattern",
            }),
        }
    }
    cases
}

/// On flat input the C library 0.8.1 answers 0 where the crate 0.8.3, by decision of TA-Lib, answers 50.
fn flat_differs(function: &str) -> bool {
    matches!(function, "RSI" | "CMO" | "CMOU" | "IMI" | "MFI" | "CRSI" | "RVI" | "STC")
}

/// The bars whose value looks back on a relative strength index of a flat stretch, where both sides differ (above).
fn looks_back_on_flat(case: &Case, bars: &[Candle]) -> Vec<bool> {
    let mut flat = vec![false; bars.len()];
    if case.function == "STOCHRSI" {
        let rows = run(&mut make("RSI", &case.parameters[..1]).unwrap(), bars);
        let window = (case.parameters[1] + case.parameters[2]) as usize;
        for (i, _) in rows.iter().enumerate().filter(|(_, row)| row[0] == Some(50.0)) {
            assert_eq!(bars[i].close, bars[i - 1].close);
            flat[i..].iter_mut().take(window).for_each(|flat| *flat = true);
        }
    }
    flat
}

/// How far apart both may be. On the jumps of `edge` the sums of CORREL cancel, in another order than in the C library.
fn tolerance(function: &str, set: &str) -> f64 {
    if (function, set) == ("CORREL", "edge") { 1e-7 } else { 1e-9 }
}

fn run(made: &mut Made, bars: &[Candle]) -> Vec<Vec<Option<f64>>> {
    let mut out = vec![None; made.outputs];
    let mut rows = Vec::new();
    for bar in bars {
        made.indicator.update(bar, &mut out);
        rows.push(out.clone());
    }
    rows
}

#[test]
fn golden_features_talib_series() {
    let (mut compared, mut functions, mut foreign) = (0_u64, BTreeSet::new(), BTreeSet::new());
    let mut wrong: BTreeMap<String, String> = BTreeMap::new();
    for set in data_sets() {
        let bars = bars(&set);
        let Some(table) = Table::read(&format!("talib_{set}.csv")) else { continue };
        for case in cases(&set).into_iter().filter(|case| !case.pattern) {
            let Some(mut made) = make(&case.function, &case.parameters) else {
                foreign.insert(case.function);
                continue;
            };
            assert_eq!(made.outputs, case.outputs.len(), "{}", case.function);
            functions.insert(case.function.clone());
            let warm_up = made.indicator.warm_up() as usize;
            let rows = run(&mut made, &bars);
            let flat = looks_back_on_flat(&case, &bars);
            for (output, (name, first_valid)) in case.outputs.iter().enumerate() {
                let column = format!("{}.{}.{name}", case.function, case.set);
                let Some(place) = table.column(&column) else { continue };
                for row in &table.rows {
                    let i = row[0].unwrap() as usize;
                    let (ours, theirs) = (rows[i][output], row[place]);
                    compared += 1;
                    let Some(theirs) = theirs.filter(|value| value.is_finite()) else {
                        if i < *first_valid && ours.is_some() {
                            wrong.insert(column.clone(), format!("{set} {i}: {ours:?} before {first_valid}"));
                        }
                        continue;
                    };
                    // Whole numbers of the reference are 0 before their first value; ours do not exist yet.
                    if i < warm_up && *first_valid == 0 && theirs == 0.0 && ours.is_none() {
                        continue;
                    }
                    let flat = set == "edge"
                        && (flat[i] || flat_differs(&case.function) && ours == Some(50.0) && theirs == 0.0);
                    let tolerance = tolerance(&case.function, &set);
                    if !flat && !ours.is_some_and(|ours| close(ours, theirs, tolerance)) {
                        wrong.entry(column.clone()).or_insert(format!("{set} {i}: {ours:?}, not {theirs}"));
                    }
                }
                if *first_valid > 0 && *first_valid < bars.len() && warm_up != *first_valid && set != "edge" {
                    wrong.entry(column).or_insert(format!("{set}: warm-up {warm_up}, not {first_valid}"));
                }
            }
        }
    }
    println!("{compared} values of {} functions; not ours: {foreign:?}", functions.len());
    assert!(wrong.is_empty(), "{} cases differ: {wrong:#?}", wrong.len());
    assert!(functions.len() > 50 && compared > 10_000, "{functions:?}");
}

#[test]
fn golden_features_talib_patterns() {
    let (mut functions, mut found) = (BTreeSet::new(), 0);
    for set in data_sets() {
        let bars = bars(&set);
        let Some(sparse) = text(&format!("patterns_{set}.csv")) else { continue };
        let mut theirs: BTreeMap<(String, String), BTreeMap<usize, f64>> = BTreeMap::new();
        for line in sparse.lines().skip(1) {
            let cells: Vec<&str> = line.split(',').collect();
            let case = theirs.entry((cells[0].to_string(), cells[1].to_string())).or_default();
            case.insert(cells[2].parse().unwrap(), cells[3].parse().unwrap());
        }
        for case in cases(&set).into_iter().filter(|case| case.pattern) {
            let mut made =
                make(&case.function, &case.parameters).unwrap_or_else(|| panic!("{}", case.function));
            functions.insert(case.function.clone());
            let key = (case.function.clone(), case.set.clone());
            let theirs = theirs.remove(&key).unwrap_or_default();
            for (i, row) in run(&mut made, &bars).into_iter().enumerate() {
                let expected = theirs.get(&i).copied().unwrap_or(0.0);
                found += usize::from(expected != 0.0);
                assert_eq!(row[0].unwrap_or(0.0), expected, "{} {} {set} {i}", case.function, case.set);
            }
        }
        assert!(theirs.is_empty(), "patterns without a function: {:?}", theirs.keys());
    }
    assert!(functions.len() > 40 && found > 1_000, "{} {found}", functions.len());
}
