//! pandas-ta's own values, every case of every function that `indicators` has.

use std::collections::{BTreeMap, BTreeSet};

use genovo_engine::features::indicators::make;

use crate::golden::{Table, bars, close, data_sets, manifest};

/// A function's name in our list and its parameters, from the numbers in pandas-ta's name of the column, and the place
/// of the column among our outputs. `None` for what the catalogue does not use.
fn ours(function: &str, column: &str) -> Option<(&'static str, Vec<f64>, usize)> {
    let numbers: Vec<f64> = column.split('_').skip(1).filter_map(|part| part.parse().ok()).collect();
    let stem = column.split('_').next().unwrap_or_default();
    let first = || numbers.first().copied().into_iter().collect::<Vec<f64>>();
    let place = |stems: &[&str]| stems.iter().position(|known| *known == stem);
    Some(match function {
        "alligator" => ("smma", vec![numbers[place(&["AGj", "AGt", "AGl"])?]], 0),
        "aberration" => {
            let place =
                ["ZG", "SG", "XG", "ATR"].iter().position(|part| column.contains(&format!("_{part}_")))?;
            ("aberration", numbers, place)
        }
        "bias" => ("bias", numbers.into_iter().collect(), 0),
        "brar" => ("brar", first(), place(&["AR", "BR"])?),
        "cdl_z" => ("cdl_z", first(), place(&["open", "high", "low", "close"])?),
        "cfo" => ("cfo", first(), 0),
        "cg" => ("cg", first(), 0),
        "chop" => ("CHOP", first(), 0),
        "cti" => ("CTI", first(), 0),
        "donchian" => ("DONCHIAN", first(), place(&["DCU", "DCM", "DCL"])?),
        "er" => ("ER", first(), 0),
        "hilo" if stem == "HILO" => ("hilo", numbers, 0),
        "hma" => ("HMA", first(), 0),
        "hwc" => ("hwc", first(), place(&["HWM", "HWL", "HWU", "HWW", "HWPCT"])?),
        "hwma" => ("hwma", numbers, 0),
        "inertia" => ("inertia", numbers, 0),
        "jma" => ("jma", numbers, 0),
        "kst" => ("kst", vec![], place(&["KST", "KSTs"])?),
        "kurtosis" => ("kurtosis", first(), 0),
        "kvo" => ("kvo", numbers, place(&["KVO", "KVOs"])?),
        "log_return" => ("log_return", first(), 0),
        "massi" => ("MASSI", numbers, 0),
        "median" => ("MEDIAN", first(), 0),
        "percent_return" => ("percent_return", first(), 0),
        "pgo" => ("pgo", first(), 0),
        "psl" => ("psl", first(), 0),
        "pvol" => ("pvol", vec![], 0),
        "pwma" => ("pwma", first(), 0),
        "reflex" => ("reflex", numbers[..2].to_vec(), 0),
        "rsx" => ("rsx", first(), 0),
        "rvgi" => ("rvgi", first(), place(&["RVGI", "RVGIs"])?),
        "rwi" => ("rwi", first(), place(&["RWIh", "RWIl"])?),
        "sinwma" => ("sinwma", first(), 0),
        "skew" => ("skew", first(), 0),
        "smi" => ("smi", numbers[..3].to_vec(), place(&["SMI", "SMIs", "SMIo"])?),
        "smma" => ("smma", first(), 0),
        "squeeze" if !column.contains("NO") => (
            "squeeze",
            vec![],
            match column {
                "SQZ_ON" => 1,
                "SQZ_OFF" => 2,
                _ => 0,
            },
        ),
        "ssf" => ("ssf", first(), 0),
        "ssf3" => ("ssf3", first(), 0),
        "stdev" => ("stdev", first(), 0),
        "swma" => ("swma", first(), 0),
        "thermo" => ("thermo", first(), place(&["THERMO", "THERMOma"])?),
        "trendflex" => ("trendflex", numbers[..2].to_vec(), 0),
        "variance" => ("variance", first(), 0),
        "vhf" => ("VHF", first(), 0),
        "vidya" => ("vidya", first(), 0),
        "vortex" => ("VORTEX", first(), place(&["VTXP", "VTXM"])?),
        "zlma" => ("zlma", numbers, 0),
        "zscore" => ("zscore", first(), 0),
        "exhc" => ("exhc", vec![4.0, 13.0], place(&["EXHC"]).map(|_| usize::from(column.contains("UP")))?),
        _ => return None,
    })
}

#[test]
fn golden_features_pandas_ta() {
    let (mut compared, mut used, mut foreign) = (0_u64, BTreeSet::new(), BTreeSet::new());
    let mut wrong: BTreeMap<String, String> = BTreeMap::new();
    for set in data_sets() {
        let bars = bars(&set);
        let Some(table) = Table::read(&format!("pandasta_{set}.csv")) else { continue };
        for row in manifest("manifest_pandasta.csv").iter().filter(|row| row["dataset"] == set) {
            let (function, column) = (&row["function"], &row["column"]);
            let Some((name, mut parameters, output)) = ours(function, column) else {
                foreign.insert(function.clone());
                continue;
            };
            // The column's name does not say the length by which this one was overridden.
            if function == "exhc" && row["set"] != "def" {
                parameters[0] = row["set"].parse().unwrap();
            }
            let place = table.column(&format!("{function}.{}.{column}", row["set"])).expect("a column");
            let mut made = make(name, &parameters).unwrap_or_else(|| panic!("{name} {parameters:?}"));
            let mut out = vec![None; made.outputs];
            let mut values = Vec::new();
            for bar in &bars {
                made.indicator.update(bar, &mut out);
                values.push(out[output]);
            }
            used.insert(function.clone());
            let first_valid: usize = row["first_valid"].parse().unwrap();
            for cells in &table.rows {
                let i = cells[0].unwrap() as usize;
                let Some(theirs) = cells[place] else { continue };
                // Counts and flags are 0 in the reference where there is none yet.
                if first_valid == 0 && theirs == 0.0 && values[i].is_none() {
                    continue;
                }
                compared += 1;
                if !values[i].is_some_and(|ours| close(ours, theirs, 1e-7)) {
                    let name = format!("{function}.{}.{column}", row["set"]);
                    wrong.entry(name).or_insert(format!("{set} {i}: {:?}, not {theirs}", values[i]));
                }
            }
        }
    }
    println!("{compared} values of {} functions; not in the catalogue: {foreign:?}", used.len());
    assert!(wrong.is_empty(), "{} columns differ: {wrong:#?}", wrong.len());
    assert!(used.len() >= 40 && compared > 10_000, "{used:?} {compared}");
}
