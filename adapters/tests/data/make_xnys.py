"""The days on which XNYS keeps other hours than 09:30 to 16:00 on weekdays, by exchange_calendars.

    pip install exchange_calendars==VERSION
    python3 make_xnys.py > xnys_1990_2030.txt

One line a day: `2014-07-03 09:30 13:00` for other hours, `2014-07-04 closed` for none on a weekday, in New York time.
"""

import sys

import exchange_calendars
import pandas

first, last = "1990-01-01", "2030-12-31"
calendar = exchange_calendars.get_calendar("XNYS", start=first, end=last)
schedule = calendar.schedule
zone = "America/New_York"
print(f"# exchange_calendars {exchange_calendars.__version__}, XNYS, {first} to {last}: {len(schedule)} sessions")
sessions = {session.date(): row for session, row in schedule.iterrows()}
for day in pandas.date_range(first, last):
    row = sessions.get(day.date())
    if row is None:
        if day.day_of_week < 5:
            print(day.date(), "closed")
        continue
    if day.day_of_week >= 5:
        sys.exit(f"a session on the weekend: {day}")
    hours = [row[name].tz_convert(zone).strftime("%H:%M") for name in ("open", "close")]
    if hours != ["09:30", "16:00"]:
        print(day.date(), *hours)
