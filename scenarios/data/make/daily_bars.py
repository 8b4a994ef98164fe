#!/usr/bin/env python3
"""Daily bars of eight US symbols over one common span, honest for buy-and-hold.

usage: daily_bars.py BARS_DIR FACTORS_DIR OUT_DIR

BARS_DIR holds `<symbol>_usa_1d_*.csv.zst` (LEAN daily zips, price / 10,000 as decimal text, ts_ns =
00:00 New York of the session's day in UTC ns), FACTORS_DIR holds LEAN's `factor_files/<symbol>.csv`
(date, price factor, split factor, reference price; a row holds for every day up to and including its
date, back to the row before it).

Cut: sessions 2011-03-23 .. 2021-03-31. Seven symbols have one split factor over that span: written
unchanged. AAPL split 7:1 (first session 2014-06-09) and 4:1 (2020-08-31): written raw AND split
adjusted:

    k(day)   = nearest integer to 1 / split_factor(day), refused unless |k * split_factor - 1| < 1e-5
    price'   = price / k      exact rational, rounded half to even to 6 decimals, trailing zeros cut
    volume'  = volume * k     exact

(the file's 0.03571430 and 0.25 are roundings of 1/28 and 1/4). Dividends are not adjusted for.

Every file is refused unless it has exactly SPY's sessions, low <= open, close <= high, volume > 0.
"""
import datetime
import pathlib
import sys
from fractions import Fraction
from zoneinfo import ZoneInfo

from zst import read_lines, write_text

SYMBOLS = "spy iwm qqq eem ibm bac aig aapl".split()
FIRST, LAST = datetime.date(2011, 3, 23), datetime.date(2021, 3, 31)
NEW_YORK = ZoneInfo("America/New_York")
HEADER = "ts_ns,open,high,low,close,volume\n"


def day_of(row):
    stamp = datetime.datetime.fromtimestamp(int(row[0]) // 10**9, NEW_YORK)
    if (stamp.hour, stamp.minute, stamp.second) != (0, 0, 0):
        raise SystemExit(f"bar not at New York midnight: {row}")
    return stamp.date()


def bars(folder, symbol):
    (path,) = sorted(folder.glob(f"{symbol}_usa_1d_*.csv.zst"))
    rows = [line.split(",") for line in read_lines(path)[1:]]
    rows = [row for row in rows if FIRST <= day_of(row) <= LAST]
    for row in rows:
        o, h, l, c, v = map(Fraction, row[1:])
        if not (l <= min(o, c) and max(o, c) <= h and v > 0):
            raise SystemExit(f"{symbol}: impossible bar {row}")
    return rows


def divisors(folder, symbol, days):
    """k(day) for every day, from the split factors."""
    table = []
    for line in (folder / f"{symbol}.csv").read_text().split():
        day, _, split, _ = line.split(",")
        factor = Fraction(split)
        k = round(1 / factor)
        if k > 0 and abs(k * factor - 1) < Fraction(1, 100_000):
            table.append((datetime.datetime.strptime(day, "%Y%m%d").date(), k))
        else:
            table.append((datetime.datetime.strptime(day, "%Y%m%d").date(), None))
    found = [next(k for until, k in table if day <= until) for day in days]
    if None in found:
        raise SystemExit(f"{symbol}: a split factor that is not 1/k")
    return found


def six_decimals(value):
    """Exact rational to text: half to even at 6 decimals, no trailing zeros."""
    scaled = round(value * 10**6)  # round() of a Fraction is half to even
    text = f"{scaled // 10**6}.{scaled % 10**6:06d}".rstrip("0")
    return text.rstrip(".")


def write(out, name, rows):
    write_text(out / f"{name}_{FIRST:%Y%m%d}-{LAST:%Y%m%d}.csv.zst", HEADER + "".join(",".join(r) + "\n" for r in rows))
    print(name, len(rows), "bars")


def main():
    bars_dir, factors_dir, out = map(pathlib.Path, sys.argv[1:])
    reference = [row[0] for row in bars(bars_dir, "spy")]
    for symbol in SYMBOLS:
        rows = bars(bars_dir, symbol)
        if [row[0] for row in rows] != reference:
            raise SystemExit(f"{symbol}: sessions differ from SPY's")
        ks = divisors(factors_dir, symbol, [day_of(row) for row in rows])
        if set(ks) == {1}:
            write(out, f"{symbol}_usa_1d", rows)
            continue
        write(out, f"{symbol}_usa_1d_raw", rows)
        write(
            out,
            f"{symbol}_usa_1d_split_adjusted",
            [[r[0], *(six_decimals(Fraction(p) / k) for p in r[1:5]), str(int(r[5]) * k)] for r, k in zip(rows, ks)],
        )


if __name__ == "__main__":
    main()
