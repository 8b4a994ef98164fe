#!/usr/bin/env python3
"""Initial claims with their releases and a forecast, out of a file of FRED's series ICSA.

usage: claims.py ICSA.csv OUT.csv FROM TO

ICSA.csv is a file of FRED: the date of a week's end and the figure, whatever its columns are called. FROM and TO are
the first and the last Saturday. The figure of a week that ends on a Saturday is released on the Thursday after it, at
08:30 New York. `expected` is the figure of the week before: the forecast of no change.
"""
import csv
import datetime
import sys
from zoneinfo import ZoneInfo

source, out, first, last = sys.argv[1:]
with open(source, newline="") as file:
    rows = list(csv.reader(file))[1:]
lines = ["observation_date,released_at,ICSA,expected"]
for (_, before), (week, figure) in zip(rows, rows[1:]):
    if not first <= week <= last:
        continue
    day = datetime.date.fromisoformat(week) + datetime.timedelta(days=5)
    release = datetime.datetime.combine(day, datetime.time(8, 30), ZoneInfo("America/New_York"))
    utc = release.astimezone(datetime.timezone.utc)
    lines.append(f"{week},{utc:%Y-%m-%d %H:%M},{float(figure):.0f},{float(before):.0f}")
with open(out, "w") as file:
    file.write("\n".join(lines) + "\n")
