#!/usr/bin/env python3
"""vectorbt (numba) on the grid of `genovo sweep`: ema-cross on 5-minute bars of the gold week, 200 settings.

usage: vectorbt_grid.py QUOTES.csv.zst [RUNS]

Bars are made once, from the middle of the quotes, and are not timed; neither are import and numba's compilation (a first
run). Timed: both averages of all settings, their crossings, and Portfolio.from_signals with its final values. Its fills
are at the bar's close, without spread, latency, margin or risk: the work of a bar, not of a tick.
"""
import io
import sys
from importlib.metadata import version

import pandas
import vectorbt
import zstandard

from timing import measure

FAST = range(5, 25)
SLOW = range(30, 130, 10)


def main():
    path = sys.argv[1]
    runs = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    text = zstandard.ZstdDecompressor().stream_reader(open(path, "rb")).read()
    quotes = pandas.read_csv(io.BytesIO(text))
    time, bid, ask = quotes.columns[:3]
    middle = (quotes[bid] + quotes[ask]) / 2
    middle.index = pandas.to_datetime(quotes[time], unit="ns")
    close = middle.resample("5min").last().dropna()
    pairs = [(fast, slow) for fast in FAST for slow in SLOW]

    def grid():
        fast = vectorbt.MA.run(close, [pair[0] for pair in pairs], ewm=True, short_name="fast")
        slow = vectorbt.MA.run(close, [pair[1] for pair in pairs], ewm=True, short_name="slow")
        up, down = fast.ma_crossed_above(slow), fast.ma_crossed_below(slow)
        held = vectorbt.Portfolio.from_signals(close, up, down, short_entries=down, short_exits=up, freq="5min")
        return len(held.final_value())

    grid()
    facts = {"peer": f"vectorbt {version('vectorbt')}", "settings": len(pairs), "bars": len(close)}
    measure(runs, len(pairs), lambda: (grid, dict), **facts)


main()
