#!/usr/bin/env python3
"""Write a case's scripted orders, from the quotes and a seed.

usage: plan.py CASE QUOTES.csv.zst OUT_orders.csv [SEED ORDERS]

Cases ending in _stop_limit, _trailing and _linked are drawn by terms.py, with more columns.

Columns: order (1..n, in submission order), quote (1-based ordinal of the quote in whose handler the
order is submitted), cancel_quote (ordinal of the quote in whose handler a cancel is requested, or
empty), side, type, price (limit), stop (trigger), quantity, tif. Only `random.Random.random()` is
used, whose sequence for a seed is fixed by Python's documentation. SEED and ORDERS replace the case's own
(for trying the rules of check.py on more orders than the recorded ones).
"""
import csv
import io
import random
import subprocess
import sys
from decimal import ROUND_HALF_EVEN, Decimal

CASES = {
    # quotes: how many from the start of the file; lot and tick as text; absent: size when the data has none
    "btcusdt": dict(seed=1, quotes=66_089, tick="0.1", lot="0.001", absent=None),
    "btcusdt_latency": dict(seed=2, quotes=66_089, tick="0.1", lot="0.001", absent=None),
    "btcusdt_consumed": dict(seed=3, quotes=66_089, tick="0.1", lot="0.001", absent=None),
    "xauusd": dict(seed=4, quotes=60_000, tick="0.001", lot="1", absent="1000000"),
    "xauusd_latency": dict(seed=5, quotes=60_000, tick="0.001", lot="1", absent="1000000"),
    "xauusd_ties": dict(seed=6, quotes=60_000, tick="0.001", lot="1", absent="1000000"),
    "btcusdt_stop_limit": dict(seed=7, quotes=66_089, tick="0.1", lot="0.001", absent=None),
    "xauusd_stop_limit": dict(seed=8, quotes=60_000, tick="0.001", lot="1", absent="1000000"),
    "btcusdt_trailing": dict(seed=9, quotes=66_089, tick="0.1", lot="0.001", absent=None),
    "xauusd_trailing": dict(seed=10, quotes=60_000, tick="0.001", lot="1", absent="1000000"),
    "btcusdt_linked": dict(seed=20, quotes=66_089, tick="0.1", lot="0.001", absent=None),
    "xauusd_linked": dict(seed=19, quotes=60_000, tick="0.001", lot="1", absent="1000000"),
}
ORDERS = 300
COLUMNS = ["order", "quote", "cancel_quote", "side", "type", "price", "stop", "quantity", "tif"]


def read_quotes(path, case):
    """(ts_ns, bid, ask, bid_size, ask_size), the last four Decimal, absent sizes filled in."""
    spec = CASES[case]
    raw = subprocess.run(["zstd", "-dcq", path], check=True, capture_output=True).stdout.decode("ascii")
    rows = []
    for line in raw.splitlines()[1 : spec["quotes"] + 1]:
        ts, bid, ask, bid_size, ask_size = line.split(",")
        absent = spec["absent"]
        rows.append((int(ts), Decimal(bid), Decimal(ask), Decimal(bid_size or absent), Decimal(ask_size or absent)))
    return rows


class Draw:
    """Choices built on random() alone."""

    def __init__(self, seed):
        self.random = random.Random(seed).random

    def below(self, n):
        return int(self.random() * n)

    def among(self, options):
        return options[self.below(len(options))]

    def weighted(self, pairs):
        x = self.random() * sum(w for _, w in pairs)
        for value, weight in pairs:
            x -= weight
            if x < 0:
                return value
        return pairs[-1][0]


def ties(quotes, seed, count):
    """Market orders that turn a position of 5 over and over: half of the profits end in half a cent."""
    draw = Draw(seed)
    slots = sorted(1 + draw.below(len(quotes)) for _ in range(count))
    sides = ("BUY", "SELL")
    return [[i + 1, slot, "", sides[i % 2], "MARKET", "", "", Decimal(10 if i else 5), "GTC"] for i, slot in enumerate(slots)]


def plan(case, quotes, seed, count):
    if case.endswith("_ties"):
        return ties(quotes, seed, count)
    spec = CASES[case]
    tick, lot = Decimal(spec["tick"]), Decimal(spec["lot"])
    draw = Draw(seed)
    sized = spec["absent"] is None
    # 20 % of the orders share the quote of the order before them
    slots = sorted(1 + draw.below(len(quotes) - 2_000) for _ in range(count))
    for i in range(1, count):
        if draw.random() < 0.2:
            slots[i] = slots[i - 1]

    def quantity(displayed):
        if not sized:
            return lot * (1 + draw.below(500))
        factor = draw.weighted([("0.05", 3), ("0.3", 3), ("0.9", 2), ("1", 2), ("1.4", 3), ("3", 2)])
        if draw.random() < 0.2:
            return lot * (1 + draw.below(400))
        return max(lot, (displayed * Decimal(factor) / lot).quantize(Decimal(1), ROUND_HALF_EVEN) * lot)

    ticks_away = [1, 2, 3, 5, 10, 25, 60, 150] if sized else [1, 20, 60, 150, 300, 600, 1_000]
    rows = []
    for number, slot in enumerate(slots, 1):
        _, bid, ask, bid_size, ask_size = quotes[slot - 1]
        buy = draw.random() < 0.5
        sign = 1 if buy else -1
        near, far = (bid, ask) if buy else (ask, bid)  # own touch, opposite touch
        size = quantity(ask_size if buy else bid_size)
        kind = draw.weighted([("market", 24), ("take", 26), ("touch", 16), ("inside", 9), ("away", 15), ("stop", 10)])
        price = stop = cancel = ""
        tif = "GTC"
        if kind == "market":
            name = "MARKET"
            tif = draw.weighted([("GTC", 5), ("IOC", 2), ("FOK", 2)])
        elif kind == "stop":
            name = "STOP_MARKET"
            if draw.random() < 0.1:
                stop = far - sign * tick * draw.below(3)  # already in the market
            else:
                stop = far + sign * tick * draw.among(ticks_away)
        else:
            name = "LIMIT"
            if kind == "take":
                price = far + sign * tick * draw.among([0, 0, 0, 1, 2, 10])
                tif = draw.weighted([("GTC", 3), ("IOC", 2), ("FOK", 2)])
            elif kind == "touch":
                price = near
                tif = draw.weighted([("GTC", 8), ("IOC", 1), ("FOK", 1)])
            elif kind == "inside":
                width = int((ask - bid) / tick)
                price = near + sign * tick * (1 + draw.below(width - 1)) if width > 1 else near
            else:
                price = near - sign * tick * draw.among(ticks_away)
                tif = draw.weighted([("GTC", 9), ("IOC", 1)])
        if name != "MARKET" and tif == "GTC" and draw.random() < 0.6:
            cancel = slot + 1 + draw.among([0, 3, 20, 100, 400, 1_500]) + draw.below(50)
        rows.append([number, slot, cancel, "BUY" if buy else "SELL", name, price, stop, size, tif])
    return rows


def main():
    case, source, out, *more = sys.argv[1:]
    if case.endswith(("_stop_limit", "_trailing", "_linked")):
        sys.exit(f"{case} is drawn by terms.py")
    spec = CASES[case]
    seed, count = map(int, more) if more else (spec["seed"], ORDERS)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in plan(case, read_quotes(source, case), seed, count):
        for column, step in ((5, "tick"), (6, "tick"), (7, "lot")):
            if row[column] != "":
                row[column] = str(row[column].quantize(Decimal(spec[step])))
        writer.writerow(row)
    with open(out, "w", encoding="ascii") as f:
        f.write(text.getvalue())


if __name__ == "__main__":
    main()
