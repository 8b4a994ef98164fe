"""Compares what `genovo audit export` writes as CSV, JSON lines and Parquet, read by pyarrow and pandas.

    pip install -r tests/requirements.txt
    python tests/export_check.py target/debug/genovo runs/gold-5ffe

Every kind is exported three times; every value must be equal to the last digit, and no column may be a float but
those of features.
"""

import csv
import json
import subprocess
import sys
import tempfile
from decimal import Decimal
from pathlib import Path

import pandas
import pyarrow as pa
import pyarrow.parquet as pq

KINDS = ["quotes", "trades", "books", "bars", "features", "decisions", "orders", "fills", "risk", "equity"]


def plain(value, kind):
    """A value of a Parquet column as the text of a CSV cell."""
    if value is None:
        return ""
    if pa.types.is_timestamp(kind):
        return str(value.value if hasattr(value, "value") else value)
    if pa.types.is_decimal(kind):
        text = format(value, "f")
        return text.rstrip("0").rstrip(".") if "." in text else text
    return str(value)


def check(genovo, journal, kind, folder):
    def export(form):
        out = folder / f"{kind}.{form}"
        subprocess.run([genovo, "audit", "export", journal, "--kind", kind, "--format", form, "--out", out], check=True,
                       stdout=subprocess.DEVNULL)
        return out

    with open(export("csv"), newline="") as file:
        header, *rows = csv.reader(file)
    lines = export("jsonl").read_text().splitlines()
    table = pq.read_table(export("parquet"))
    assert table.column_names == header, (kind, table.column_names)
    assert table.num_rows == len(rows) == len(lines), (kind, table.num_rows, len(rows), len(lines))
    frame = pandas.read_parquet(folder / f"{kind}.parquet")
    assert list(frame.columns) == header and len(frame) == len(rows), kind
    for name, field in zip(header, table.schema):
        if pa.types.is_floating(field.type):
            assert kind == "features", (kind, name)
    columns = []
    for field in table.schema:
        column = table[field.name]
        if pa.types.is_timestamp(field.type):
            assert field.type.unit == "ns" and field.type.tz == "UTC", (kind, field)
            column = column.cast(pa.int64())
        columns.append(column.to_pylist())
    for number, row in enumerate(rows):
        for place, (text, field) in enumerate(zip(row, table.schema)):
            value = columns[place][number]
            if pa.types.is_floating(field.type):
                same = (text == "") == (value is None) and (value is None or float(text) == value
                                                            or pa.scalar(float(text), pa.float32()).as_py() == value)
            else:
                same = text == plain(value, field.type if not pa.types.is_timestamp(field.type) else pa.int64())
            assert same, (kind, number, field.name, text, value)
            if pa.types.is_decimal(field.type) and value is not None:
                assert frame[field.name].iloc[number] == Decimal(text), (kind, number, field.name)
    for number, line in enumerate(lines):
        for text, value in zip(rows[number], json.loads(line).values()):
            assert text == ("" if value is None else value if isinstance(value, str) else text), (kind, number, value)
    print(f"{kind:10} {len(rows):>9,} rows equal")


def main():
    genovo, journal = sys.argv[1:3]
    with tempfile.TemporaryDirectory() as folder:
        for kind in KINDS:
            check(genovo, journal, kind, Path(folder))


if __name__ == "__main__":
    main()
