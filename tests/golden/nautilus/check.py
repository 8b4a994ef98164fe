#!/usr/bin/env python3
"""Recompute a recording from the rules in README.md and compare fill by fill.

usage: check.py CASE ENGINE QUOTES.csv.zst ORDERS.csv DIR

Needs only Python and the `zstd` command: it is the executable form of README.md's rules and knows
nothing of nautilus_trader, nor of the cases that terms.py draws. Prices, quantities and commissions are exact; profits are computed in doubles,
because nautilus does (balances must then agree to 0.000001), and exactly beside, to say what that comes to. ENGINE `rust` or `cython` picks the rules where the two engines differ.
Exit status 1 if a fill, a balance after a fill, a status or the end differs.
"""
import csv
import json
import pathlib
import sys
from fractions import Fraction

from plan import CASES, read_quotes

FEES = {"btcusdt": ("0.0002", "0.0005", 8), "xauusd": ("0.00001", "0.00003", 2)}  # maker, taker, money decimals
LATENCY_NS = 5_000_000
BUY, SELL = "BUY", "SELL"


def half_away(value):
    whole = int(abs(Fraction(value)) + Fraction(1, 2))
    return whole if value >= 0 else -whole


def money(value, decimals):
    """Exact rational to `decimals`, half away from zero."""
    return Fraction(half_away(value * 10**decimals), 10**decimals)


def money_double(value, decimals):
    """A double to `decimals` as nautilus does it: multiplied as a double, then half away from zero."""
    return Fraction(half_away(value * float(10**decimals)), 10**decimals)


class Order:
    def __init__(self, row):
        self.number = int(row["order"])
        self.buy = row["side"] == BUY
        self.kind, self.tif = row["type"], row["tif"]
        self.price = Fraction(row["price"]) if row["price"] else None
        self.stop = Fraction(row["stop"]) if row["stop"] else None
        self.leaves = self.quantity = Fraction(row["quantity"])
        self.status = "SUBMITTED"

    def open(self):
        return self.status in ("SUBMITTED", "ACCEPTED", "PARTIALLY_FILLED")

    def cython_key(self):
        """One list a side, limits and stops by price together: buys from the highest, sells from the lowest.

        The key is meant to be the price; the engine keeps the low 64 bits of price * 10**16 as a signed
        number, so above 922.33 the order is arbitrary, though always the same.
        """
        price = self.price if self.kind == "LIMIT" else self.stop
        key = (int(price * 10**16) + 2**63) % 2**64 - 2**63
        return -key if self.buy else key

    def rust_key(self):
        """Limits, best first; then stops, nearest to the market first."""
        limit = self.kind == "LIMIT"
        price = self.price if limit else self.stop
        return (not limit, -price if self.buy == limit else price)


class Account:
    """Netting position at average price; every amount rounded once, when booked. `number` is the arithmetic."""

    def __init__(self, number, round_money):
        self.number, self.round = number, round_money
        self.balance = Fraction(1_000_000)
        self.position, self.average = Fraction(0), number(0)

    def book(self, signed, price, commission):
        n = self.number
        if self.position * signed < 0:
            closed = min(abs(signed), abs(self.position))
            points = n(price) - self.average if self.position > 0 else self.average - n(price)
            self.balance += self.round(n(closed) * n(1) * points)
            after = self.position + signed
            if after * self.position <= 0:
                self.average = n(price) if after else n(0)
        else:
            held, more = n(abs(self.position)), n(abs(signed))
            self.average = (self.average * held + n(price) * more) / (held + more)
        self.position += signed
        self.balance -= commission


class Venue:
    def __init__(self, case, engine):
        maker, taker, self.decimals = FEES[case.split("_")[0]]
        self.fee = {"maker": Fraction(maker), "taker": Fraction(taker)}
        self.tick = Fraction(CASES[case]["tick"])
        self.cython = engine == "cython"
        self.consume = case.endswith("_consumed")
        self.used = {BUY: {}, SELL: {}}  # taker side -> price -> [displayed size, consumed]
        self.resting = {BUY: [], SELL: []}
        self.account = Account(float, lambda v: money_double(v, self.decimals))
        self.exact = Account(Fraction, lambda v: money(v, self.decimals))
        self.fills = []
        self.targets = None

    # the market

    def quote(self, ts, bid, ask, bid_size, ask_size):
        self.book = {BUY: (Fraction(ask), Fraction(ask_size)), SELL: (Fraction(bid), Fraction(bid_size))}
        self.match(ts)

    def crossed(self, o):
        """Would a limit order be met by the touch the venue now believes in?"""
        return self.touch[BUY] <= o.price if o.buy else self.touch[SELL] >= o.price

    def triggered(self, o):
        return self.touch[BUY] >= o.stop if o.buy else self.touch[SELL] <= o.stop

    def match(self, ts):
        """One pass over the resting orders: the buys, then the sells, each side in the order of `resting`."""
        self.ts = ts
        self.touch = {side: self.book[side][0] for side in (BUY, SELL)}
        self.targets = None
        if self.cython:
            for o in self.resting[BUY] + self.resting[SELL]:
                if self.met(o):
                    self.act(o)
            # The touch a maker fill moved is put back only while an order still rests.
            if self.targets and any(self.resting.values()):
                self.touch = self.targets
            self.targets = None
        else:
            for side in (BUY, SELL):
                for o in [o for o in self.resting[side] if self.met(o)]:
                    self.act(o)

    def met(self, o):
        return o.open() and (self.crossed(o) if o.kind == "LIMIT" else self.triggered(o))

    def act(self, o):
        if o.kind == "LIMIT":
            self.fill_limit(o, "maker")
        else:
            self.fill_market(o)

    # commands

    def submit(self, o):
        if o.kind == "MARKET":
            self.fill_market(o)
        elif o.kind == "STOP_MARKET":
            if self.triggered(o):
                o.status = "REJECTED"
            else:
                self.rest(o)
        else:
            self.rest(o)
            if self.crossed(o):
                self.fill_limit(o, "taker")
            elif o.tif in ("IOC", "FOK"):
                self.end(o, "CANCELED")

    def rest(self, o):
        o.status = "ACCEPTED"
        orders = self.resting[BUY if o.buy else SELL]
        orders.append(o)
        orders.sort(key=Order.cython_key if self.cython else Order.rust_key)  # stable: first come first at one price

    def end(self, o, status):
        o.status = status
        orders = self.resting[BUY if o.buy else SELL]
        if o in orders:
            orders.remove(o)

    def cancel(self, o):
        if o.open():
            self.end(o, "CANCELED")

    # fills

    def available(self, o):
        """(touch, size still to be had there), after what was consumed of it."""
        side = BUY if o.buy else SELL
        price, size = self.book[side]
        if self.consume:
            seen = self.used[side].get(price, (size, Fraction(0)))
            if seen[0] != size:
                seen = (size, Fraction(0))
            return price, size - seen[1]
        return price, size

    def take(self, o):
        side = BUY if o.buy else SELL
        price, size = self.book[side]
        quantity = min(self.available(o)[1], o.leaves)
        if self.consume and quantity > 0:
            seen = self.used[side].get(price, (size, Fraction(0)))
            done = seen[1] if seen[0] == size else Fraction(0)
            self.used[side][price] = (size, done + quantity)
        return price, quantity

    def worse(self, o, price):
        return price + self.tick if o.buy else price - self.tick

    def fill_market(self, o):
        price, quantity = self.take(o)
        if o.tif == "FOK" and quantity < o.leaves:
            return self.end(o, "CANCELED")
        if quantity > 0:
            self.fill(o, price, quantity, "taker")
        elif o.kind == "MARKET":  # the touch is used up
            if not self.cython:
                self.end(o, "REJECTED")
            return None  # the Cython engine leaves the order SUBMITTED for good
        elif not self.cython:
            return None  # a triggered stop is tried again at the next pass
        else:
            price = self.touch[BUY if o.buy else SELL]  # not the book's, if a maker fill has moved it
        if o.leaves > 0:
            if o.tif == "IOC":
                return self.end(o, "CANCELED")
            self.fill(o, self.worse(o, price), o.leaves, "taker")
        return None

    def fill_limit(self, o, liquidity):
        price, quantity = self.take(o)
        book_touch = self.touch[BUY if o.buy else SELL]
        if liquidity == "maker":
            through = price < o.price if o.buy else price > o.price
            if through and self.cython:
                self.targets = dict(self.touch)
                self.touch[BUY if o.buy else SELL] = o.price
            price = o.price
        if o.tif == "FOK" and quantity < o.leaves:
            return self.end(o, "CANCELED")
        if quantity == 0:
            if o.tif == "IOC":
                self.end(o, "CANCELED")
            return None
        self.fill(o, price, quantity, liquidity)
        if o.leaves == 0:
            return None
        if o.tif == "IOC":
            return self.end(o, "CANCELED")
        if self.cython:
            if not self.targets and o.price == book_touch:
                return None  # at the touch: the rest waits
            if liquidity == "taker":
                self.fill(o, self.worse(o, price), o.leaves, "taker")
            elif not self.consume:
                self.fill(o, o.price, o.leaves, "maker")
        return None

    def fill(self, o, price, quantity, liquidity):
        commission = money(money(price * quantity, self.decimals) * self.fee[liquidity], self.decimals)
        o.leaves -= quantity
        o.status = "PARTIALLY_FILLED"
        for account in (self.account, self.exact):
            account.book(quantity if o.buy else -quantity, price, commission)
        self.fills.append((o.number, self.ts, price, quantity, liquidity, commission, self.account.balance))
        if o.leaves == 0:
            self.end(o, "FILLED")


def replay(case, engine, quotes, orders):
    venue = Venue(case, engine)
    delay = LATENCY_NS if case.endswith("_latency") else 0
    submit, cancel, by_number, queue = {}, {}, {}, []
    for row in orders:
        submit.setdefault(int(row["quote"]), []).append(row)
        if row["cancel_quote"]:
            cancel.setdefault(int(row["cancel_quote"]), []).append(int(row["order"]))
    for ordinal, quote in enumerate(quotes, 1):
        ts = quote[0]
        venue.quote(*quote)  # 1. the venue sees the quote and matches what rests
        for number in cancel.get(ordinal, ()):  # 2. the strategy sees it: cancels, then submissions
            if by_number[number].open():
                queue.append((ts + delay, venue.cancel, by_number[number]))
        for row in submit.get(ordinal, ()):
            order = by_number[int(row["order"])] = Order(row)
            queue.append((ts + delay, venue.submit, order))
        if queue and queue[0][0] <= ts:  # 3. commands due by now, in the order sent, then one more pass
            while queue and queue[0][0] <= ts:
                _, command, order = queue.pop(0)
                command(order)
            venue.match(ts)
    return venue, by_number


def main():
    case, engine, source, orders_path, folder = sys.argv[1:]
    if case.endswith(("_stop_limit", "_trailing", "_linked")):
        sys.exit(f"the rules of {case} are in tests/it/nautilus/rules.rs")
    folder = pathlib.Path(folder)
    with open(orders_path, encoding="ascii") as f:
        orders = list(csv.DictReader(f))
    venue, by_number = replay(case, engine, read_quotes(source, case), orders)
    with open(folder / f"{case}_fills.csv", encoding="ascii") as f:
        recorded = list(csv.DictReader(f))
    bad = 0
    for i in range(max(len(recorded), len(venue.fills))):
        want = recorded[i] if i < len(recorded) else None
        have = venue.fills[i] if i < len(venue.fills) else None
        same = want and have and (
            int(want["order"]), int(want["ts_ns"]), Fraction(want["price"]), Fraction(want["quantity"]),
            want["liquidity"], Fraction(want["commission"]),
        ) == have[:6] and abs(Fraction(want["balance"]) - have[6]) < Fraction(1, 1_000_000)
        if not same:
            shown = have and [float(x) if isinstance(x, Fraction) else x for x in have]
            print(f"fill {i + 1}: recorded {want and list(want.values())}, rules give {shown}")
            bad += 1
            if bad == 3:
                sys.exit(1)
    with open(folder / f"{case}_status.csv", encoding="ascii") as f:
        for row in csv.DictReader(f):
            if by_number[int(row["order"])].status != row["status"]:
                print(f"order {row['order']}: recorded {row['status']}, rules give {by_number[int(row['order'])].status}")
                bad += 1
    final = json.loads((folder / f"{case}_final.json").read_text())
    if Fraction(final["position"]) != venue.account.position:
        print("position", final["position"], float(venue.account.position))
        bad += 1
    doubles = float(venue.account.balance - Fraction(final["final_balance"]))
    exact = float(venue.exact.balance - Fraction(final["final_balance"]))
    print(f"{case} {engine}: {len(recorded)} fills, {bad} differences; final balance {doubles:+.8f} in doubles, {exact:+.8f} exact")
    sys.exit(bool(bad))


if __name__ == "__main__":
    main()
