"""Writes a small nautilus_trader catalog: quotes, trades and bars of one instrument."""
import shutil, sys
from pathlib import Path
from nautilus_trader.model.data import QuoteTick, TradeTick, Bar, BarType
from nautilus_trader.model.enums import AggressorSide
from nautilus_trader.model.identifiers import InstrumentId, TradeId
from nautilus_trader.model.objects import Price, Quantity
from nautilus_trader.persistence.catalog import ParquetDataCatalog
out = Path(sys.argv[1]); shutil.rmtree(out, ignore_errors=True)
out.mkdir(parents=True)
c = ParquetDataCatalog(str(out))
i = InstrumentId.from_str("EUR/USD.SIM")
base = 1_398_902_400_000_000_000
c.write_data([QuoteTick(i, Price.from_str(f"1.3{k:04}"), Price.from_str(f"1.3{k+2:04}"), Quantity.from_int(100000+k), Quantity.from_int(200000), base+k*1_000_000_000, base+k*1_000_000_000+500) for k in range(50)])
c.write_data([TradeTick(i, Price.from_str(f"1.3{k:04}"), Quantity.from_str(f"{1+k}"), [AggressorSide.BUYER, AggressorSide.SELLER, AggressorSide.NO_AGGRESSOR][k % 3], TradeId(str(k)), base+k*1_000_000_000, base+k*1_000_000_000+500) for k in range(50)])
bt = BarType.from_str("EUR/USD.SIM-1-MINUTE-BID-EXTERNAL")
c.write_data([Bar(bt, Price.from_str("1.30010"), Price.from_str("1.30050"), Price.from_str("1.29990"), Price.from_str(f"1.3000{k%9}"), Quantity.from_int(1000+k), base+(k+1)*60_000_000_000, base+(k+1)*60_000_000_000) for k in range(30)])
for p in sorted(out.rglob("*.parquet")): print(p.relative_to(out), p.stat().st_size)
