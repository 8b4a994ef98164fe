#!/usr/bin/env python3
"""Top-of-book quotes from hftbacktest's recorded Binance USD-M stream.

usage: btcusdt_quotes.py SOURCE.gz OUT.csv.zst

SOURCE.gz is `examples/usdm/btcusdt_20240808.gz` of nkaz001/hftbacktest: one line per websocket
message, "<local receive time, ns> <json>". Kept: the `bookTicker` messages, prices and sizes as the
venue wrote them. ts_ns is the local receive time; a stamp not later than the one before it becomes
that stamp + 1 ns, so stamps are strictly increasing. Lines that are not JSON after the first space
are skipped.
"""
import gzip
import json
import sys

from zst import write_text


def quotes(source):
    """Yield (ts_ns, bid, ask, bid_size, ask_size); the last four are text."""
    last = 0
    with gzip.open(source, "rt") as lines:
        for line in lines:
            stamp, body = line.split(" ", 1)
            try:
                message = json.loads(body)
            except ValueError:
                continue
            data = message.get("data", message)
            if data.get("e") != "bookTicker":
                continue
            last = max(int(stamp), last + 1)
            yield last, data["b"], data["a"], data["B"], data["A"]


def main():
    source, out = sys.argv[1:]
    rows = [f"{t},{b},{a},{bs},{as_}\n" for t, b, a, bs, as_ in quotes(source)]
    write_text(out, "ts_ns,bid,ask,bid_size,ask_size\n" + "".join(rows))
    print(len(rows), "quotes")


if __name__ == "__main__":
    main()
