#!/usr/bin/env python3
"""nautilus_trader's Cython BacktestEngine, with a Python strategy.

usage: nautilus_cython.py count|ema QUOTES.csv [RUNS]

count    a strategy that counts quotes
ema      EMA(10)/EMA(20) cross on the mid price with its own indicators, market orders of 0.010
Timed: engine.run(), with its statistics at the end. Not timed: import, reading the CSV, building and adding ticks.
"""
import csv
import sys
import time
import warnings
from decimal import Decimal

import nautilus_trader
from nautilus_trader.backtest.config import BacktestEngineConfig
from nautilus_trader.backtest.engine import BacktestEngine
from nautilus_trader.config import LoggingConfig
from nautilus_trader.indicators import ExponentialMovingAverage
from nautilus_trader.model.currencies import USDT
from nautilus_trader.model.data import QuoteTick
from nautilus_trader.model.enums import AccountType, BookType, OmsType, OrderSide
from nautilus_trader.model.objects import Money, Price, Quantity
from nautilus_trader.test_kit.providers import TestInstrumentProvider
from nautilus_trader.trading.strategy import Strategy

from timing import measure

INS = TestInstrumentProvider.btcusdt_perp_binance()


class Counter(Strategy):
    def on_start(self):
        self.count = 0
        self.subscribe_quote_ticks(INS.id)

    def on_quote_tick(self, _):
        self.count += 1


class EmaCross(Strategy):
    def on_start(self):
        self.fast, self.slow, self.position = ExponentialMovingAverage(10), ExponentialMovingAverage(20), 0
        self.first, self.turn = INS.make_qty(Decimal("0.010")), INS.make_qty(Decimal("0.020"))
        self.subscribe_quote_ticks(INS.id)

    def on_quote_tick(self, tick):
        mid = (tick.bid_price.as_double() + tick.ask_price.as_double()) * 0.5
        self.fast.update_raw(mid)
        self.slow.update_raw(mid)
        if not self.slow.initialized:
            return
        wanted = 1 if self.fast.value >= self.slow.value else -1
        if wanted != self.position:
            quantity = self.turn if self.position else self.first
            self.position = wanted
            side = OrderSide.BUY if wanted > 0 else OrderSide.SELL
            self.submit_order(self.order_factory.market(INS.id, side, quantity))


def read(path):
    price, size = INS.price_precision, INS.size_precision
    with open(path, encoding="ascii") as f:
        rows = csv.reader(f)
        next(rows)
        return [
            QuoteTick(
                INS.id, Price(float(bid), price), Price(float(ask), price),
                Quantity(float(bid_size), size), Quantity(float(ask_size), size), int(ts), int(ts),
            )
            for ts, bid, ask, bid_size, ask_size in rows
        ]


def main():
    mode, path, *runs = sys.argv[1:]
    strategy = {"count": Counter, "ema": EmaCross}[mode]
    warnings.simplefilter("ignore")
    start = time.perf_counter()
    ticks = read(path)
    load = time.perf_counter() - start

    def once():
        engine = BacktestEngine(BacktestEngineConfig(logging=LoggingConfig(bypass_logging=True)))
        engine.add_venue(
            INS.id.venue, oms_type=OmsType.NETTING, account_type=AccountType.MARGIN, base_currency=None,
            starting_balances=[Money(1_000_000, USDT)], book_type=BookType.L1_MBP,
        )
        engine.add_instrument(INS)
        engine.add_data(ticks)
        engine.add_strategy(strategy())

        def after():
            orders = len(engine.cache.orders())
            balance = str(engine.cache.account_for_venue(INS.id.venue).balance_total(USDT))
            engine.dispose()
            return dict(orders=orders, balance=balance)

        return engine.run, after

    measure(
        int(runs[0]) if runs else 5, len(ticks), once,
        tool="nautilus_trader, Cython engine", version=nautilus_trader.__version__, mode=mode, load_s=round(load, 2),
    )


if __name__ == "__main__":
    main()
