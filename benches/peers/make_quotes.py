#!/usr/bin/env python3
"""Tile a quote file in time, to have enough of it to time.

usage: make_quotes.py QUOTES.csv.zst OUT.csv [TILES]

TILES copies (16 unless said) one after another, each shifted by the span of the file in whole seconds + 2 s.
Prices and sizes are as recorded; at each seam the price jumps back to the start.
"""
import subprocess
import sys


def main():
    source, out, *tiles = sys.argv[1:]
    text = subprocess.run(["zstd", "-dcq", source], check=True, capture_output=True).stdout.decode("ascii")
    header, *rows = text.splitlines()
    rows = [row.split(",", 1) for row in rows]
    period = (int(rows[-1][0]) - int(rows[0][0])) // 10**9 * 10**9 + 2 * 10**9
    count = int(tiles[0]) if tiles else 16
    with open(out, "w", encoding="ascii") as f:
        f.write(header + "\n")
        for k in range(count):
            f.writelines(f"{int(ts) + k * period},{rest}\n" for ts, rest in rows)
    print(len(rows), "x", count, "=", len(rows) * count, "quotes; period", period, "ns")


if __name__ == "__main__":
    main()
