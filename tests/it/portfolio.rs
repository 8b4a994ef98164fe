//! Do our figures of returns agree with those of others, on real data?
//!
//! `tests/golden/portfolio/make.py` wrote what empyrical, quantstats, scipy, pandas and PyPortfolioOpt say of the daily
//! bars that ship with the scenarios.

use std::collections::BTreeMap;

use genovo_adapters::data::{self, DataSpec};
use genovo_engine::event::Fact;
use genovo_engine::ids::InstrumentId;
use genovo_engine::portfolio::allocation::Allocation;
use genovo_engine::portfolio::covariance::Covariance;
use genovo_engine::portfolio::metrics;
use genovo_engine::settings::DataKind;
use genovo_engine::units::{Nanoseconds, SCALE};
use genovo_tests::repository;
use serde_json::Value;

/// As many trading days as those packages give a year.
const YEAR: f64 = 252.0;

fn golden(name: &str) -> Value {
    let text =
        std::fs::read_to_string(repository("tests/golden/portfolio").join(name)).expect("a golden file");
    serde_json::from_str(&text).expect("JSON")
}

/// The closes of a symbol's daily bars by their time.
fn closes(symbol: &str) -> BTreeMap<i64, f64> {
    let name = if symbol == "aapl" { "aapl_usa_1d_split_adjusted" } else { &format!("{symbol}_usa_1d") };
    let path = repository(&format!("scenarios/data/{name}_20110323-20210331.csv.zst"));
    let known_after = Some(Nanoseconds(16 * 3_600 * SCALE));
    let spec = DataSpec { bar_known_after: known_after, ..DataSpec::new(InstrumentId(1), DataKind::Bars) };
    let mut source = data::open(&path, &spec).expect("the file ships").source;
    let mut events = Vec::new();
    loop {
        let before = events.len();
        source.read(&mut events, 4_096).expect("it can be read");
        if events.len() == before {
            break;
        }
    }
    let closes = events.iter().filter_map(|event| match event.fact {
        Fact::BarReceived(bar) => Some((bar.open_time.0, bar.close.as_f64())),
        _ => None,
    });
    closes.collect()
}

/// Prices of the symbols on the days that all of them have.
fn prices(symbols: &[&str]) -> Vec<Vec<f64>> {
    let all: Vec<BTreeMap<i64, f64>> = symbols.iter().map(|symbol| closes(symbol)).collect();
    let shared = all[0].keys().filter(|day| all.iter().all(|closes| closes.contains_key(day)));
    shared.map(|day| all.iter().map(|closes| closes[day]).collect()).collect()
}

/// Daily returns, symbol by symbol.
fn returns(symbols: &[&str]) -> Vec<Vec<f64>> {
    let prices = prices(symbols);
    let one = |index: usize| prices.windows(2).map(|pair| pair[1][index] / pair[0][index] - 1.0).collect();
    (0..symbols.len()).map(one).collect()
}

const SYMBOLS: [&str; 8] = ["spy", "qqq", "iwm", "eem", "aapl", "ibm", "bac", "aig"];

#[test]
fn figures_agree_with_empyrical_and_quantstats() {
    let golden = golden("metrics.json");
    let all = returns(&SYMBOLS);
    let of = |symbol: &Value| {
        let symbol = symbol.as_str().expect("a symbol");
        &all[SYMBOLS.iter().position(|known| *known == symbol).expect("a known symbol")]
    };
    let mut compared = 0;
    for series in golden["series"].as_array().expect("series") {
        let (own, benchmark) = (of(&series["symbol"]), of(&series["benchmark"]));
        let sorted = metrics::sorted(own);
        let (alpha, beta) = metrics::alpha_beta(own, benchmark, YEAR).expect("the benchmark moves");
        let rolling: Vec<f64> = metrics::rolling_sharpe(own, 126, YEAR).into_iter().flatten().collect();
        let ours = [
            ("annual_return", Some(metrics::annual_return(own, YEAR))),
            ("annual_volatility", Some(metrics::deviation(own) * YEAR.sqrt())),
            ("sharpe", metrics::sharpe(own, YEAR)),
            ("sharpe_quantstats", metrics::sharpe(own, YEAR)),
            ("sortino", metrics::sortino(own, YEAR)),
            ("sortino_quantstats", metrics::sortino(own, YEAR)),
            ("calmar", metrics::calmar(own, YEAR)),
            ("max_drawdown", Some(metrics::max_drawdown(own))),
            ("omega", metrics::omega(own)),
            ("tail_ratio", metrics::tail_ratio(own)),
            ("skew", metrics::skew(own)),
            ("kurtosis", metrics::kurtosis(own)),
            ("var_95", Some(metrics::var_historical(&sorted, 0.95))),
            ("var_99", Some(metrics::var_historical(&sorted, 0.99))),
            ("cvar_95", Some(metrics::cvar_historical(&sorted, 0.95))),
            ("cvar_99", Some(metrics::cvar_historical(&sorted, 0.99))),
            ("var_parametric_95", Some(metrics::var_parametric(own, 0.95))),
            ("var_parametric_99", Some(metrics::var_parametric(own, 0.99))),
            ("var_cornish_fisher_95", metrics::var_cornish_fisher(own, 0.95)),
            ("var_cornish_fisher_99", metrics::var_cornish_fisher(own, 0.99)),
            ("alpha", Some(alpha)),
            ("beta", Some(beta)),
            ("rolling_sharpe_first", rolling.first().copied()),
            ("rolling_sharpe_last", rolling.last().copied()),
            ("rolling_sharpe_mean", Some(metrics::mean(&rolling))),
        ];
        let theirs = series["figures"].as_object().expect("figures");
        assert_eq!(theirs.len(), ours.len());
        for (name, ours) in ours {
            let (ours, theirs) = (ours.expect(name), theirs[name].as_f64().expect(name));
            assert!((ours - theirs).abs() < 1e-9, "{} {name}: {ours} {theirs}", series["symbol"]);
            compared += 1;
        }
    }
    assert_eq!(compared, 75);
}

#[test]
fn covariances_agree_with_pandas() {
    let golden = golden("metrics.json");
    let mut covariance = Covariance::new(SYMBOLS.len(), 0.94);
    for day in prices(&SYMBOLS) {
        covariance.sample(day.into_iter().map(Some));
    }
    let pairs = golden["ewma_94"].as_object().expect("pairs");
    assert_eq!(pairs.len(), 9);
    for (pair, theirs) in pairs {
        let [one, other] = [0, 1].map(|part| {
            let symbol = pair.split(' ').nth(part).unwrap();
            SYMBOLS.iter().position(|known| *known == symbol).unwrap()
        });
        let (ours, theirs) = (covariance.covariance(one, other), theirs.as_f64().unwrap());
        assert!((ours - theirs).abs() < 1e-12, "{pair}: {ours} {theirs}");
    }
}

/// The sample covariance of returns, row by row.
fn sample_covariance(returns: &[Vec<f64>]) -> Vec<f64> {
    let mut covariance = Vec::new();
    for one in returns {
        for other in returns {
            let (mean_one, mean_other) = (metrics::mean(one), metrics::mean(other));
            let sum: f64 = one.iter().zip(other).map(|(a, b)| (a - mean_one) * (b - mean_other)).sum();
            covariance.push(sum / (one.len() as f64 - 1.0));
        }
    }
    covariance
}

#[test]
fn allocations_agree_with_pypfopt() {
    let golden = golden("allocation.json");
    let all = returns(&SYMBOLS);
    let windows = golden["windows"].as_array().expect("windows");
    assert_eq!(windows.len(), 3);
    for window in windows {
        let range = window["first"].as_u64().unwrap() as usize..window["last"].as_u64().unwrap() as usize;
        let part: Vec<Vec<f64>> = all.iter().map(|returns| returns[range.clone()].to_vec()).collect();
        let covariance = sample_covariance(&part);
        for (rule, name) in [
            (Allocation::HierarchicalRiskParity, "hierarchical_risk_parity"),
            (Allocation::InverseVolatility, "inverse_volatility"),
        ] {
            let ours = rule.weights(&covariance, SYMBOLS.len());
            let theirs = window[name].as_array().expect(name);
            for ((symbol, ours), theirs) in SYMBOLS.iter().zip(ours).zip(theirs) {
                let theirs = theirs.as_f64().unwrap();
                assert!((ours - theirs).abs() < 1e-9, "{name} {range:?} {symbol}: {ours} {theirs}");
            }
        }
    }
}
