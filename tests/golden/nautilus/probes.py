#!/usr/bin/env python3
"""Hand-made quotes, one rule each, run through both engines of nautilus_trader 1.231.0.

usage: probes.py OUT.jsonl

One JSON object a line: what is asked, latency_ns, liquidity_consumption, the quotes [ts_ns, bid, ask,
bid_size, ask_size], the orders (columns as in *_orders.csv), and for each engine the fills [order, ts_ns,
price, quantity, liquidity] and every order's [status, filled]. Instrument and fees: btcusdt's. These are the
only quotes in this folder that no market made.
"""
import json
import sys
from decimal import Decimal

import record

START, MS = 1_000_000_000, 1_000_000


def q(offset, ask, size="10.000"):
    return [START + offset, str(Decimal(ask) - Decimal("0.1")), ask, size, size]


def o(number, quote, kind="MARKET", quantity="1.000", price="", stop="", tif="GTC", cancel="", side="BUY"):
    return dict(order=str(number), quote=str(quote), cancel_quote=str(cancel), side=side, type=kind, price=price,
                stop=stop, quantity=quantity, tif=tif)


LIMIT, STOP = "LIMIT", "STOP_MARKET"
STILL = [q(0, "100.1"), q(MS, "100.1"), q(2 * MS, "100.1")]
PROBES = [
    ("two quotes with one stamp: a command sent on the first runs before the second", "btcusdt",
     [q(0, "100.1"), q(1, "101.1"), q(1, "102.1"), q(2, "103.1")], [o(1, 2)]),
    ("latency, two quotes exactly at the due time: after the first of them", "btcusdt_latency",
     [q(0, "100.1"), q(5 * MS, "101.1"), q(5 * MS, "102.1"), q(9 * MS, "103.1")], [o(1, 1)]),
    ("latency, due between two quotes: at the later quote's price and time", "btcusdt_latency",
     [q(0, "100.1"), q(4 * MS, "101.1"), q(7 * MS, "102.1"), q(9 * MS, "103.1")], [o(1, 1)]),
    ("latency, the quote at which a cancel is due also meets the order: it fills", "btcusdt_latency",
     [q(0, "100.1"), q(MS, "100.2"), q(5 * MS, "100.2"), q(6 * MS, "99.9"), q(9 * MS, "99.9")],
     [o(1, 1, LIMIT, price="100.0", cancel=2)]),
    ("resting limit, market goes far through it: at the limit price; how much", "btcusdt",
     [q(0, "100.1"), q(MS, "90.1"), q(2 * MS, "90.1")], [o(1, 1, LIMIT, "15.000", price="100.0")]),
    ("resting limit met exactly by the touch, 25 wanted of 10 shown", "btcusdt",
     [q(0, "100.1"), q(MS, "100.0"), q(2 * MS, "100.0"), q(3 * MS, "100.0")], [o(1, 1, LIMIT, "25.000", price="100.0")]),
    ("the same, consumed size is not renewed until the shown size changes", "btcusdt_consumed",
     [q(0, "100.1"), q(MS, "100.0"), q(2 * MS, "100.0"), q(3 * MS, "100.0", "12.000")],
     [o(1, 1, LIMIT, "25.000", price="100.0")]),
    ("marketable limit four ticks through, 35 wanted of 10 shown", "btcusdt", STILL,
     [o(1, 1, LIMIT, "35.000", price="100.5")]),
    ("the same, consumed", "btcusdt_consumed", STILL, [o(1, 1, LIMIT, "35.000", price="100.5")]),
    ("limit at the opposite touch, 35 wanted of 10 shown", "btcusdt", STILL, [o(1, 1, LIMIT, "35.000", price="100.1")]),
    ("market orders of 15 of 10 shown: GTC, IOC, FOK; and FOK of 10", "btcusdt", STILL,
     [o(1, 1, quantity="15.000"), o(2, 1, quantity="15.000", tif="IOC"), o(3, 1, quantity="15.000", tif="FOK"),
      o(4, 1, quantity="10.000", tif="FOK")]),
    ("limits of 15 of 10 shown: IOC, FOK; and FOK of 10", "btcusdt", STILL,
     [o(1, 1, LIMIT, "15.000", price="100.1", tif="IOC"), o(2, 1, LIMIT, "15.000", price="100.1", tif="FOK"),
      o(3, 1, LIMIT, "10.000", price="100.1", tif="FOK")]),
    ("a used-up touch: market GTC, IOC, then at the next equal quote market, limit, limit IOC", "btcusdt_consumed", STILL,
     [o(1, 1, quantity="10.000"), o(2, 1), o(3, 1, tif="IOC"), o(4, 2), o(5, 2, LIMIT, price="100.1"),
      o(6, 2, LIMIT, price="100.1", tif="IOC")]),
    ("after a resting buy filled through, an IOC limit between the ask and that order's price", "btcusdt",
     [q(0, "100.1"), q(MS, "99.0"), q(2 * MS, "99.0")],
     [o(1, 1, LIMIT, price="100.0"), o(2, 2, LIMIT, price="99.5", tif="IOC")]),
    ("two resting buys, 12 shown for both", "btcusdt_consumed", [q(0, "61797.9"), q(MS, "61700.0", "12.000")],
     [o(1, 1, LIMIT, "10.000", price="61797.2"), o(2, 1, LIMIT, "10.000", price="61795.7")]),
    ("stop: 0.4 shown when it triggers; and a stop already in the market", "btcusdt",
     [q(0, "100.1"), q(MS, "101.0", "0.400"), q(2 * MS, "101.0")],
     [o(1, 1, STOP, stop="100.5"), o(2, 1, STOP, stop="100.1")]),
]


def main():
    with open(sys.argv[1], "w", encoding="ascii") as out:
        for asked, case, quotes, orders in PROBES:
            line = dict(
                asked=asked, latency_ns=record.LATENCY_NS if case.endswith("_latency") else 0,
                liquidity_consumption=case.endswith("_consumed"), quotes=quotes, orders=orders,
            )
            for name, run in (("rust", record.run_rust), ("cython", record.run_cython)):
                log = record.Log(orders)
                status, _ = run(case, [(row[0], *map(Decimal, row[1:])) for row in quotes], log)
                line[name] = dict(fills=[f[:5] for f in log.fills], status={str(n): list(s) for n, s in sorted(status.items())})
            out.write(json.dumps(line) + "\n")


if __name__ == "__main__":
    main()
