#!/usr/bin/env python3
"""Draw and run stop-limit, trailing and linked orders, with dates, through nautilus_trader 1.231.0's Rust engine.

usage: terms.py CASE QUOTES.csv.zst OUT_DIR [SEED ORDERS]

CASE is one of plan.CASES that ends in _stop_limit, _trailing or _linked. Writes CASE_orders.csv, CASE_fills.csv,
CASE_status.csv and CASE_final.json. Settings are record.py's; so are the columns, and besides

orders   expires (ns, for GTD), trail (`0.5` behind in price, or `25bp`), list (which orders are sent together: the
         number of the first), link (what its fills do to the list: OTO sends the others, OCO cancels and OUO shrinks
         them), reduce (1: reduce-only)
status   instead of the events: triggered_ns (of a stop-limit order), trigger (where a trailing stop's stood last),
         ended_ns (when an order was cancelled, expired or rejected)
"""
import csv
import pathlib
import sys
from decimal import ROUND_HALF_EVEN, Decimal

import plan
import record
from plan import Draw

MORE = ["expires", "trail", "list", "link", "reduce"]
TOLD = ["triggered_ns", "trigger", "ended_ns"]
ORDERS = {"stop_limit": 300, "trailing": 240, "linked": 120}


class Drawing:
    """Orders drawn beside a quote."""

    def __init__(self, case, quotes, seed):
        spec = plan.CASES[case]
        self.quotes, self.draw = quotes, Draw(seed)
        self.tick, self.lot = Decimal(spec["tick"]), Decimal(spec["lot"])
        self.sized = spec["absent"] is None
        self.away = [1, 3, 5, 10, 25, 60, 150, 300] if self.sized else [1, 20, 60, 150, 300, 600, 1_000]
        self.rows = []

    def at(self, slot):
        self.slot = slot
        _, self.bid, self.ask, self.bid_size, self.ask_size = self.quotes[slot - 1]
        self.buy = self.draw.random() < 0.5

    @property
    def sign(self):
        return 1 if self.buy else -1

    @property
    def far(self):
        """The touch that the order would take."""
        return self.ask if self.buy else self.bid

    def ticks(self, options=None):
        return self.tick * self.draw.among(options or self.away)

    def quantity(self):
        draw, lot = self.draw, self.lot
        if not self.sized:
            return lot * (1 + draw.below(500))
        if draw.random() < 0.3:
            return lot * (1 + draw.below(400))
        factor = Decimal(draw.weighted([("0.05", 3), ("0.3", 3), ("0.9", 2), ("1", 2), ("1.4", 3), ("3", 2)]))
        displayed = self.ask_size if self.buy else self.bid_size
        return max(lot, (displayed * factor / lot).quantize(Decimal(1), ROUND_HALF_EVEN) * lot)

    def later(self):
        """The stamp of a quote to come, or a moment after it."""
        quote = min(len(self.quotes) - 1, self.slot + self.draw.among([1, 20, 100, 400, 1_500]) + self.draw.below(50))
        return self.quotes[quote - 1][0] + self.draw.among([0, 1_000_000])

    def cancel(self, share):
        if self.draw.random() >= share:
            return ""
        return self.slot + 1 + self.draw.among([0, 3, 20, 100, 400, 1_500]) + self.draw.below(50)

    def early(self, share):
        return self.slot + 1 + self.draw.below(400) if self.draw.random() < share else ""

    def priced(self, price):
        return price if price == "" else str(price.quantize(self.tick))

    def add(self, kind, price="", stop="", size="", tif="GTC", expires="", trail="", cancel="", **terms):
        self.rows.append(dict(
            order=len(self.rows) + 1, quote=self.slot, cancel_quote=cancel, side="BUY" if self.buy else "SELL",
            type=kind, price=self.priced(price), stop=self.priced(stop), quantity=size, tif=tif, expires=expires,
            trail=trail, **terms,
        ))
        return self.rows[-1]


def stop_limit(d):
    size = d.quantity()
    kind = d.draw.weighted([("STOP_LIMIT", 80), ("LIMIT", 10), ("STOP_MARKET", 10)])
    tif = d.draw.weighted([("GTC", 5), ("GTD", 3), ("IOC", 2), ("FOK", 2)]) if kind == "STOP_LIMIT" else "GTD"
    if d.draw.random() < 0.08 and kind != "LIMIT":
        stop = d.far - d.sign * d.tick * d.draw.below(3)  # already in the market
    else:
        stop = d.far + d.sign * d.ticks()
    price = ""
    if kind == "STOP_LIMIT":
        price = stop + d.sign * d.draw.among([-1, 0, 1]) * d.ticks()
    elif kind == "LIMIT":
        price, stop = d.far - d.sign * d.ticks(), ""
    expires = d.later() if tif == "GTD" else ""
    d.add(kind, price, stop, size, tif, expires, cancel=d.cancel(0.5) if tif == "GTC" else "")


def trailing(d):
    size = d.quantity()
    tif = d.draw.weighted([("GTC", 7), ("GTD", 3), ("IOC", 2), ("FOK", 2)])
    if d.draw.random() < 0.5:
        trail = str(d.ticks())
    else:
        # 1 bp of gold is 130 ticks, of bitcoin 60.
        trail = f"{d.draw.among([1, 2, 3, 5, 10])}bp"
    expires = d.later() if tif == "GTD" else ""
    d.add("TRAILING_STOP", "", "", size, tif, expires, trail, cancel=d.cancel(0.4) if tif == "GTC" else "")


ROUND = 480  # quotes


def linked(d):
    """A round: a bracket, alternatives, or a position with an order that reduces it; at its end all is taken back."""
    start, first = d.slot, len(d.rows)
    what = d.draw.weighted([("bracket", 50), ("oco", 25), ("reduce", 25)])
    opened = {"bracket": bracket, "oco": alternatives, "reduce": reducing}[what](d, d.quantity(), first + 1)
    d.buy = not opened
    if what != "oco" and d.draw.random() < 0.35:
        # Something else takes a part of the position, all of it or more.
        d.slot = start + 20 + d.draw.below(300)
        d.add("MARKET", size=max(d.lot, (d.rows[first]["quantity"] * d.draw.among([1, 2, 3]) / 2 // d.lot) * d.lot))
    for row in d.rows[first:]:
        if row["type"] != "MARKET" and not row["cancel_quote"]:
            row["cancel_quote"] = start + ROUND
    d.slot = start + ROUND + 1
    for d.buy in (False, True):
        d.add("MARKET", size=d.lot * (100_000 if d.sized else 5_000), reduce=1)


def bracket(d, size, first):
    sign, opened, near = d.sign, d.buy, d.bid if d.buy else d.ask
    kind = d.draw.weighted([("MARKET", 8), ("LIMIT", 8), ("STOP_MARKET", 3), ("STOP_LIMIT", 3)])
    tif = d.draw.weighted([("GTC", 6), ("IOC", 2), ("GTD", 3)]) if kind == "LIMIT" else "GTC"
    price, stop, reference = "", "", near
    if kind == "LIMIT":
        price = reference = d.far if d.draw.random() < 0.3 else near - sign * d.ticks()
    elif kind != "MARKET":
        stop = reference = d.far + sign * d.ticks()
        price = stop + sign * d.ticks() if kind == "STOP_LIMIT" else ""
    expires = d.quotes[d.slot + 20 + d.draw.below(300)][0] if tif == "GTD" else ""
    d.add(kind, price, stop, size, tif, expires, cancel=d.early(0.2) if kind != "MARKET" else "", list=first, link="OTO")
    d.buy = not d.buy
    target, distance = reference + sign * d.ticks(d.away[2:]), d.ticks(d.away[2:])
    exits = dict(size=size, list=first, link="OUO", reduce=1)
    d.add("LIMIT", target, cancel=d.early(0.15), **exits)
    if d.draw.random() < 0.25:
        d.add("TRAILING_STOP", trail=str(distance), cancel=d.early(0.15), **exits)
    else:
        d.add("STOP_MARKET", stop=reference - sign * distance, cancel=d.early(0.15), **exits)
    return opened


def alternatives(d, size, first):
    """A breakout either way, or one way at a better or a worse price."""
    sign, opened, near = d.sign, d.buy, d.bid if d.buy else d.ask
    d.add("STOP_MARKET", "", d.far + sign * d.ticks(), size, cancel=d.early(0.15), list=first, link="OCO")
    if d.draw.random() < 0.5:
        d.buy = not d.buy
        d.add("STOP_MARKET", "", d.far - sign * d.ticks(), size, cancel=d.early(0.15), list=first, link="OCO")
    else:
        d.add("LIMIT", near - sign * d.ticks(), "", size, cancel=d.early(0.15), list=first, link="OCO")
    return opened


def reducing(d, size, first):
    opened = d.buy
    d.add("MARKET", size=size)
    d.slot += 1 + d.draw.below(10)
    d.buy = opened if d.draw.random() < 0.2 else not opened
    size = max(d.lot, (size * d.draw.among([1, 2, 4]) / 2 // d.lot) * d.lot)
    kind = d.draw.among(["MARKET", "LIMIT", "STOP_MARKET", "TRAILING_STOP"])
    price = d.far - d.sign * d.ticks() if kind == "LIMIT" else ""
    stop = d.far + d.sign * d.ticks() if kind == "STOP_MARKET" else ""
    trail = str(d.ticks()) if kind == "TRAILING_STOP" else ""
    d.add(kind, price, stop, size, trail=trail, reduce=1)
    return opened


def draw_rows(case, quotes, seed, count):
    kind = case.split("_", 1)[1]
    d = Drawing(case, quotes, seed)
    if kind == "linked":
        slots = [1 + number * (ROUND + 20) for number in range(min(count, len(quotes) // (ROUND + 20) - 1))]
    else:
        slots = sorted(1 + d.draw.below(len(quotes) - 2_000) for _ in range(count))
    for slot in slots:
        d.at(slot)
        {"stop_limit": stop_limit, "trailing": trailing, "linked": linked}[kind](d)
    return [{column: str(row.get(column, "")) for column in [*plan.COLUMNS, *MORE]} for row in d.rows]


def write(path, header, rows):
    with open(path, "w", newline="", encoding="ascii") as file:
        writer = csv.DictWriter(file, header, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def main():
    case, source, out, *more = sys.argv[1:]
    spec, out = plan.CASES[case], pathlib.Path(out)
    seed, count = map(int, more) if more else (spec["seed"], ORDERS[case.split("_", 1)[1]])
    quotes = plan.read_quotes(source, case)
    rows = draw_rows(case, quotes, seed, count)
    write(out / f"{case}_orders.csv", [*plan.COLUMNS, *MORE], rows)
    record.run(case, "rust", quotes, rows, out, TOLD)


if __name__ == "__main__":
    main()
