"""Writes the shipped signals as Parquet, as pandas and polars do it: make.py signals.csv FOLDER"""
import sys
from pathlib import Path

import pandas
import polars

table, folder = sys.argv[1], Path(sys.argv[2])
signals = pandas.read_csv(table, parse_dates=["known_at"])
signals.to_parquet(folder / "pandas.parquet", index=False)
polars.read_csv(table, try_parse_dates=True).write_parquet(folder / "polars.parquet", compression="snappy")
print("pandas", pandas.__version__, "polars", polars.__version__)
