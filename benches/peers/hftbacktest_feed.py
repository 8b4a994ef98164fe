#!/usr/bin/env python3
"""hftbacktest (numba) on recorded Binance USD-M depth and trades.

usage: hftbacktest_feed.py prepare RAW.gz OUT_DIR [TILES]
       hftbacktest_feed.py feed|elapse OUT_DIR [RUNS]

prepare  its own converter on examples/usdm/btcusdt_20240808.gz, tiled (12 unless said) -> one.npz, tiled.npz
feed     an empty loop over wait_next_feed: a strategy woken by every feed event
elapse   an empty loop over elapse(10 ms), its documented loop
Timed: the loop to the end of data, with the lazy reading of the file. Not timed: import, numba's compilation (a
first run on one tile). An event is a row of the converted file; one wake may cover several.
"""
import pathlib
import sys
from importlib.metadata import version

import numpy as np
from hftbacktest import BacktestAsset, HashMapMarketDepthBacktest
from numba import njit

from timing import measure


@njit
def feed(hbt):
    wakes = 0
    while True:
        result = hbt.wait_next_feed(False, 1_000_000_000)
        if result != 0 and result != 2 and result != 3:
            return wakes
        wakes += 1


@njit
def elapse(hbt):
    wakes = 0
    while hbt.elapse(10_000_000) == 0:
        wakes += 1
    return wakes


def prepare(raw, out, tiles=12):
    from hftbacktest.data.utils import binancefutures

    data = binancefutures.convert(raw, combined_stream=True, buffer_size=2_000_000)
    first = min(data["local_ts"].min(), data["exch_ts"].min())
    last = max(data["local_ts"].max(), data["exch_ts"].max())
    period = ((last - first) // 10**9 + 2) * 10**9
    copies = []
    for k in range(tiles):
        copy = data.copy()
        copy["local_ts"] += k * period
        copy["exch_ts"] += k * period
        copies.append(copy)
    np.savez(out / "one.npz", data=data)
    np.savez(out / "tiled.npz", data=np.concatenate(copies))
    print(len(data), "x", tiles, "=", len(data) * tiles, "rows")


def backtest(path):
    asset = (
        BacktestAsset().data([str(path)]).linear_asset(1.0).constant_order_latency(10_000_000, 10_000_000)
        .power_prob_queue_model(2.0).no_partial_fill_exchange().trading_value_fee_model(-0.00005, 0.0007)
        .tick_size(0.1).lot_size(0.001)
    )
    return HashMapMarketDepthBacktest([asset])


def main():
    mode, *args = sys.argv[1:]
    if mode == "prepare":
        return prepare(args[0], pathlib.Path(args[1]), *map(int, args[2:]))
    folder, *runs = args
    folder = pathlib.Path(folder)
    loop = {"feed": feed, "elapse": elapse}[mode]
    warm = backtest(folder / "one.npz")
    loop(warm)
    warm.close()
    rows = len(np.load(folder / "tiled.npz")["data"])

    def once():
        hbt, facts = backtest(folder / "tiled.npz"), {}

        def after():
            hbt.close()
            return facts

        return lambda: facts.update(wakes=int(loop(hbt))), after

    measure(int(runs[0]) if runs else 5, rows, once, tool="hftbacktest", version=version("hftbacktest"), mode=mode)


if __name__ == "__main__":
    main()
