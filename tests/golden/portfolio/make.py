#!/usr/bin/env python3
"""What empyrical, quantstats, scipy and PyPortfolioOpt make of the daily bars that ship with the scenarios.

    pip install empyrical-reloaded quantstats PyPortfolioOpt zstandard
    python tests/golden/portfolio/make.py

writes metrics.json and allocation.json beside itself. Data: LEAN's sample data (Apache-2.0), see
scenarios/data/SOURCES.md.
"""

import importlib.metadata
import io
import json
import pathlib

import empyrical
import numpy
import pandas
import quantstats
import scipy.stats
import zstandard
from pypfopt import HRPOpt

HERE = pathlib.Path(__file__).parent
DATA = HERE / "../../../scenarios/data"
SYMBOLS = ["spy", "qqq", "iwm", "eem", "aapl", "ibm", "bac", "aig"]


def closes(symbol):
    name = "aapl_usa_1d_split_adjusted" if symbol == "aapl" else f"{symbol}_usa_1d"
    packed = (DATA / f"{name}_20110323-20210331.csv.zst").read_bytes()
    text = zstandard.ZstdDecompressor().stream_reader(packed).read()
    return pandas.read_csv(io.BytesIO(text), index_col="ts_ns")["close"]


def cornish_fisher(returns, confidence):
    z = scipy.stats.norm.ppf(1 - confidence)
    s, k = scipy.stats.skew(returns), scipy.stats.kurtosis(returns)
    z += (z**2 - 1) * s / 6 + (z**3 - 3 * z) * k / 24 - (2 * z**3 - 5 * z) * s**2 / 36
    return returns.mean() + z * returns.std(ddof=0)


def figures(returns, factor):
    alpha, beta = empyrical.alpha_beta(returns, factor)
    rolling = empyrical.roll_sharpe_ratio(returns, window=126)
    return {
        "annual_return": empyrical.annual_return(returns),
        "annual_volatility": empyrical.annual_volatility(returns),
        "sharpe": empyrical.sharpe_ratio(returns),
        "sharpe_quantstats": quantstats.stats.sharpe(returns),
        "sortino": empyrical.sortino_ratio(returns),
        "sortino_quantstats": quantstats.stats.sortino(returns),
        "calmar": empyrical.calmar_ratio(returns),
        "max_drawdown": empyrical.max_drawdown(returns),
        "omega": empyrical.omega_ratio(returns),
        "tail_ratio": empyrical.tail_ratio(returns),
        "skew": quantstats.stats.skew(returns),
        "kurtosis": quantstats.stats.kurtosis(returns),
        "var_95": empyrical.value_at_risk(returns, 0.05),
        "var_99": empyrical.value_at_risk(returns, 0.01),
        "cvar_95": empyrical.conditional_value_at_risk(returns, 0.05),
        "cvar_99": empyrical.conditional_value_at_risk(returns, 0.01),
        "var_parametric_95": quantstats.stats.value_at_risk(returns, confidence=0.95),
        "var_parametric_99": quantstats.stats.value_at_risk(returns, confidence=0.99),
        "var_cornish_fisher_95": cornish_fisher(returns, 0.95),
        "var_cornish_fisher_99": cornish_fisher(returns, 0.99),
        "alpha": alpha,
        "beta": beta,
        "rolling_sharpe_first": rolling.iloc[0],
        "rolling_sharpe_last": rolling.iloc[-1],
        "rolling_sharpe_mean": rolling.mean(),
    }


def main():
    prices = pandas.DataFrame({symbol: closes(symbol) for symbol in SYMBOLS}).dropna()
    prices.index = pandas.to_datetime(prices.index)
    returns = prices.pct_change().dropna()
    pairs = [("spy", "qqq"), ("eem", "spy"), ("ibm", "spy")]
    packages = ["empyrical-reloaded", "quantstats", "scipy", "numpy", "pandas", "pyportfolioopt"]
    versions = {name: importlib.metadata.version(name) for name in packages}
    series = [
        {"symbol": own, "benchmark": other, "figures": figures(returns[own], returns[other])}
        for own, other in pairs
    ]
    # EWMA as pandas weighs it, mean zero.
    decayed = {
        f"{one} {other}": (returns[one] * returns[other]).ewm(alpha=0.06, adjust=True).mean().iloc[-1]
        for one in ("spy", "eem", "ibm")
        for other in ("spy", "eem", "ibm")
    }
    text = json.dumps({"versions": versions, "series": series, "ewma_94": decayed}, indent=1, default=float)
    (HERE / "metrics.json").write_text(text + "\n")

    windows = []
    for last in (252, 1000, len(returns)):
        window = returns.iloc[max(0, last - 252):last]
        hierarchical = HRPOpt(window).optimize(linkage_method="single")
        inverse = 1 / window.std()
        inverse /= inverse.sum()
        windows.append({
            "first": max(0, last - 252),
            "last": last,
            "hierarchical_risk_parity": [hierarchical[symbol] for symbol in SYMBOLS],
            "inverse_volatility": [inverse[symbol] for symbol in SYMBOLS],
        })
    text = json.dumps({"versions": versions, "symbols": SYMBOLS, "windows": windows}, indent=1, default=float)
    (HERE / "allocation.json").write_text(text + "\n")


main()
