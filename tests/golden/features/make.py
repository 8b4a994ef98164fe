"""Packs the golden vectors of a folder into this one: fewer rows of the wide tables, compressed.

    python3 tests/golden/features/make.py FOLDER

The wide tables (`talib_*`, `pandasta_*`) keep bars 0 to 199, then every 10th bar of those there are, and the last 30.
All other tables are kept whole. Values are copied as text. Needs the program `zstd`.
"""

import csv
import pathlib
import subprocess
import sys

LEFT_OUT = ("dwt_", "swt_", "quantile_eurusd", "quantile_goog")


def thin(rows):
    last = int(rows[-1][0]) - 30
    return [row for row in rows if int(row[0]) < 200 or int(row[0]) % 10 == 0 or int(row[0]) > last]


def main():
    here = pathlib.Path(__file__).parent
    for path in sorted(pathlib.Path(sys.argv[1]).glob("*.csv")):
        if path.name.startswith(LEFT_OUT):
            continue
        text = path.read_text()
        if path.name.startswith(("talib_", "pandasta_")):
            header, *rows = csv.reader(text.splitlines())
            text = "\n".join(",".join(row) for row in [header, *thin(rows)]) + "\n"
        command = ["zstd", "-q", "-f", "--ultra", "-22", "-o", str(here / f"{path.name}.zst")]
        subprocess.run(command, input=text.encode(), check=True)


main()
