#!/usr/bin/env python3
"""nautilus_trader's Rust BacktestEngine (nautilus_pyo3, shipped in the wheel).

usage: nautilus_rust.py replay|python|ema QUOTES.csv [RUNS]

replay   no strategy: data through the exchange and the data engine
python   a Python strategy that counts quotes
ema      its own native Rust EmaCross(10, 20), market orders of 0.010
Timed: engine.run(). Not timed: import, reading the CSV, building and adding the ticks.
"""
import csv
import sys
import time

import nautilus_trader
from nautilus_trader.core import nautilus_pyo3 as p
from nautilus_trader.test_kit.rust.instruments_pyo3 import TestInstrumentProviderPyo3

from timing import measure


def instrument():
    provider = TestInstrumentProviderPyo3
    make = getattr(provider, "btcusdt_perp_binance", None) or provider.ethusdt_perp_binance
    return make()


def read(path, ins):
    price, size = ins.price_precision, ins.size_precision
    with open(path, encoding="ascii") as f:
        rows = csv.reader(f)
        next(rows)
        return [
            p.QuoteTick(
                ins.id, p.Price(float(bid), price), p.Price(float(ask), price),
                p.Quantity(float(bid_size), size), p.Quantity(float(ask_size), size), int(ts), int(ts),
            )
            for ts, bid, ask, bid_size, ask_size in rows
        ]


def main():
    mode, path, *runs = sys.argv[1:]
    ins = instrument()
    start = time.perf_counter()
    ticks = read(path, ins)
    load = time.perf_counter() - start

    class Counter(p.Strategy):
        def on_start(self):
            self.count = 0
            self.subscribe_quotes(ins.id)

        def on_quote(self, _):
            self.count += 1

    def once():
        engine = p.BacktestEngine(p.BacktestEngineConfig(
            bypass_logging=True,
            logging=p.LoggerConfig(stdout_level=p.LogLevel.OFF, fileout_level=p.LogLevel.OFF),
        ))
        engine.add_venue(
            venue=ins.id.venue, oms_type=p.OmsType.NETTING, account_type=p.AccountType.MARGIN,
            starting_balances=[p.Money(1_000_000, p.Currency.from_str("USDT"))], book_type=p.BookType.L1_MBP,
        )
        engine.add_instrument(ins)
        if mode == "ema":
            engine.add_builtin_strategy("EmaCross", p.EmaCrossConfig(
                instrument_id=ins.id, trade_size=p.Quantity(0.010, ins.size_precision), fast_period=10, slow_period=20,
            ))
        elif mode == "python":
            engine.add_strategy(Counter())
        elif mode != "replay":
            raise SystemExit(__doc__)
        engine.add_data(ticks, None, True, True)

        def after():
            result = engine.get_result()
            engine.dispose()
            return dict(iterations=result.iterations, orders=result.total_orders, order_events=result.total_events)

        return engine.run, after

    measure(
        int(runs[0]) if runs else 5, len(ticks), once,
        tool="nautilus_trader, Rust engine", version=nautilus_trader.__version__, mode=mode, load_s=round(load, 2),
    )


if __name__ == "__main__":
    main()
