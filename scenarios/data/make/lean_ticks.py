#!/usr/bin/env python3
"""LEAN tick zips to the quote and trade columns used here.

usage: lean_ticks.py cfd|quotes|trades OUT.csv.zst DAY.zip [DAY.zip ...]

cfd      OANDA: ms since UTC midnight (with a fraction), bid, ask -> quotes without sizes, text unchanged
quotes   US equity: ms since New York midnight, one side a row, price * 10,000 -> the running two-sided state,
         from the day's first row at which both sides are known; unchanged states dropped
trades   US equity: ms since New York midnight, price * 10,000, size -> trades, side empty
The day is the first eight digits of the zip's name. Days in the order given.
"""
import datetime
import pathlib
import sys
import zipfile
from decimal import Decimal
from zoneinfo import ZoneInfo

from zst import write_text


def rows(path, zone):
    """(ts_ns, other fields) of every line of the zip's one member."""
    day = datetime.datetime.strptime(pathlib.Path(path).name[:8], "%Y%m%d").replace(tzinfo=ZoneInfo(zone))
    midnight = int(day.timestamp()) * 10**9
    with zipfile.ZipFile(path) as archive:
        (member,) = archive.namelist()
        for line in archive.read(member).decode("ascii").splitlines():
            ms, *rest = line.split(",")
            yield midnight + int(Decimal(ms) * 10**6), rest


def dollars(text):
    """Price * 10,000 to decimal text without trailing zeros."""
    whole, part = divmod(int(text), 10_000)
    return f"{whole}.{part:04d}".rstrip("0").rstrip(".")


def cfd(paths):
    for path in paths:
        for ts, (bid, ask, *_) in rows(path, "UTC"):
            yield f"{ts},{bid},{ask},,"


def quotes(paths):
    for path in paths:
        bid = ask = last = None
        for ts, (bid_price, bid_size, ask_price, ask_size, *_) in rows(path, "America/New_York"):
            if int(bid_price):
                bid = dollars(bid_price), bid_size
            if int(ask_price):
                ask = dollars(ask_price), ask_size
            if bid and ask and (bid, ask) != last:
                last = bid, ask
                yield f"{ts},{bid[0]},{ask[0]},{bid[1]},{ask[1]}"


def trades(paths):
    for path in paths:
        for ts, (price, size, *_) in rows(path, "America/New_York"):
            yield f"{ts},{dollars(price)},{size},"


def main():
    kind, out, *paths = sys.argv[1:]
    make = {"cfd": cfd, "quotes": quotes, "trades": trades}[kind]
    header = "ts_ns,price,size,side" if kind == "trades" else "ts_ns,bid,ask,bid_size,ask_size"
    lines = [header, *make(paths)]
    write_text(out, "\n".join(lines) + "\n")
    print(len(lines) - 1, "rows")


if __name__ == "__main__":
    main()
