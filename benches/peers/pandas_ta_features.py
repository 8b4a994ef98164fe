"""How long pandas-ta takes for a bar, talib=False: each function over many bars at once, the best of three runs; and as
a live session must call it, at every new bar over the last 500.

The same functions with the same lengths are the group `features, those of pandas-ta` of `cargo bench -p genovo-benches
--bench features`, one bar at a time.

    python3.12 -m venv pta && pta/bin/pip install pandas-ta==0.4.71b0
    pta/bin/python pandas_ta_features.py 100000
"""
import json
import sys
import time

import numpy
import pandas
import pandas_ta

BARS = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
# Live: so many calls, each over so many bars.
CALLS, LAST = 50, 500
# The name of genovo's computation, pandas-ta's, its lengths.
FUNCTIONS = [
    ("RSI", "rsi", dict(length=14)), ("MACD", "macd", dict(fast=12, slow=26, signal=9)),
    ("ADX", "adx", dict(length=14)), ("CCI", "cci", dict(length=14)), ("CMO", "cmo", dict(length=14)),
    ("MFI", "mfi", dict(length=14)), ("OBV", "obv", {}), ("NATR", "natr", dict(length=14)),
    ("EMA", "ema", dict(length=20)), ("KAMA", "kama", dict(length=30)), ("TRIX", "trix", dict(length=15)),
    ("ULTOSC", "uo", dict(fast=7, medium=14, slow=28)), ("VORTEX", "vortex", dict(length=14)),
    ("CHOP", "chop", dict(length=14)), ("FISHER", "fisher", dict(length=9)), ("bias", "bias", dict(length=26)),
    ("brar", "brar", dict(length=26)), ("inertia", "inertia", dict(length=20, rvi_length=14)),
    ("kst", "kst", {}), ("pgo", "pgo", dict(length=14)), ("rsx", "rsx", dict(length=14)),
    ("rvgi", "rvgi", dict(length=14)), ("kurtosis", "kurtosis", dict(length=30)), ("skew", "skew", dict(length=30)),
    ("entropy", "entropy", dict(length=64)), ("zscore", "zscore", dict(length=20)), ("kvo", "kvo", {}),
]


def prices():
    draw = numpy.random.default_rng(7)
    close = 100 * numpy.exp(numpy.cumsum(draw.normal(0, 0.001, BARS)))
    spread = close * numpy.abs(draw.normal(0, 0.001, (2, BARS)))
    frame = pandas.DataFrame({"open": numpy.roll(close, 1), "close": close})
    frame.loc[0, "open"] = close[0]
    frame["high"] = frame[["open", "close"]].max(axis=1) + spread[0]
    frame["low"] = frame[["open", "close"]].min(axis=1) - spread[1]
    frame["volume"] = draw.integers(100, 10_000, BARS).astype(float)
    frame.index = pandas.date_range("2020-01-01", periods=BARS, freq="min")
    return frame


def main():
    frame, nanoseconds, live = prices(), {}, {}
    for ours, theirs, lengths in FUNCTIONS:
        call = getattr(frame.ta, theirs)
        if call(talib=False, **lengths) is None:  # What is compiled is compiled now.
            raise SystemExit(f"{theirs} gave nothing")
        best = float("inf")
        for _ in range(3):
            start = time.perf_counter()
            call(talib=False, **lengths)
            best = min(best, time.perf_counter() - start)
        nanoseconds[ours] = best / BARS * 1e9
        start = time.perf_counter()
        for end in range(LAST, LAST + CALLS):
            getattr(frame.iloc[end - LAST:end].ta, theirs)(talib=False, **lengths)
        live[ours] = (time.perf_counter() - start) / CALLS * 1e9
    print(json.dumps(dict(
        bars=BARS, pandas_ta=pandas_ta.version, functions=len(FUNCTIONS),
        nanoseconds_a_bar={name: round(value, 1) for name, value in nanoseconds.items()},
        sum_nanoseconds_a_bar=round(sum(nanoseconds.values())),
        sum_nanoseconds_a_bar_live=round(sum(live.values())),
    )))


main()
