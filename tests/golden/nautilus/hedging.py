#!/usr/bin/env python3
"""Run orders that open and close positions by name through a HEDGING account of nautilus_trader 1.231.0.

usage: hedging.py QUOTES.csv.zst OUT_DIR

Market orders on the first quotes of the gold week: each opens a position of its own, or closes a part or all of one
that is open, which it names. Writes hedging_fills.csv, a row an order: what was asked, what it was filled at and what
the account had afterwards, and hedging_final.json: what was left.
"""
import csv
import json
import pathlib
import sys
from decimal import Decimal

import nautilus_trader
from nautilus_trader.backtest.config import BacktestEngineConfig
from nautilus_trader.backtest.engine import BacktestEngine
from nautilus_trader.backtest.models import FillModel, MakerTakerFeeModel
from nautilus_trader.config import LoggingConfig, RiskEngineConfig
from nautilus_trader.model.currencies import USD
from nautilus_trader.model.data import QuoteTick
from nautilus_trader.model.enums import AccountType, AssetClass, BookType, OmsType, OrderSide
from nautilus_trader.model.identifiers import InstrumentId, PositionId, Symbol
from nautilus_trader.model.instruments import Cfd
from nautilus_trader.model.objects import Money, Price, Quantity
from nautilus_trader.trading.config import StrategyConfig
from nautilus_trader.trading.strategy import Strategy

from plan import Draw, read_quotes

QUOTES, ORDERS, SEED = 40_000, 240, 29
IID = InstrumentId.from_str("XAUUSD.OANDA")


def plan():
    """Rows of order, quote, side, quantity, closes."""
    draw = Draw(SEED)
    slots = sorted(1 + draw.below(QUOTES - 1) for _ in range(ORDERS))
    held, rows = {}, []
    for number, slot in enumerate(slots, 1):
        if held and draw.below(100) < 45:
            closes = draw.among(sorted(held))
            side, left = held[closes]
            quantity = left if draw.below(2) else 1 + draw.below(left)
            rows.append((number, slot, "SELL" if side == "BUY" else "BUY", quantity, closes))
            held[closes] = (side, left - quantity)
            if left == quantity:
                del held[closes]
        else:
            side, quantity = draw.among(("BUY", "SELL")), 1 + draw.below(50)
            rows.append((number, slot, side, quantity, None))
            held[number] = (side, quantity)
    return rows


def main():
    source, out = sys.argv[1], pathlib.Path(sys.argv[2])
    quotes = read_quotes(source, "xauusd")[:QUOTES]
    rows, fills, number_of = plan(), [], {}
    by_quote = {}
    for row in rows:
        by_quote.setdefault(row[1], []).append(row)
    instrument = Cfd(
        instrument_id=IID, raw_symbol=Symbol("XAUUSD"), asset_class=AssetClass.COMMODITY, quote_currency=USD,
        price_precision=3, size_precision=0, price_increment=Price.from_str("0.001"),
        size_increment=Quantity.from_str("1"), margin_init=Decimal(0), margin_maint=Decimal(0),
        maker_fee=Decimal("0.00001"), taker_fee=Decimal("0.00003"), ts_event=0, ts_init=0,
    )

    class Script(Strategy):
        seen = 0

        def on_start(self):
            self.subscribe_quote_ticks(IID)

        def on_quote_tick(self, _):
            self.seen += 1
            for number, _, side, quantity, closes in by_quote.get(self.seen, ()):
                order = self.order_factory.market(
                    instrument_id=IID, order_side=OrderSide[side], quantity=Quantity.from_int(quantity)
                )
                number_of[str(order.client_order_id)] = number
                self.submit_order(order, position_id=PositionId(f"P-{closes or number}"))

        def on_order_filled(self, event):
            balance = self.portfolio.account(IID.venue).balance_total(USD).as_decimal()
            fills.append((number_of[str(event.client_order_id)], event.last_px, event.commission.as_decimal(), balance))

    engine = BacktestEngine(
        BacktestEngineConfig(logging=LoggingConfig(bypass_logging=True), risk_engine=RiskEngineConfig(bypass=True))
    )
    engine.add_venue(
        IID.venue, oms_type=OmsType.HEDGING, account_type=AccountType.MARGIN, base_currency=None,
        starting_balances=[Money(Decimal("1000000"), USD)], book_type=BookType.L1_MBP,
        fill_model=FillModel(prob_fill_on_limit=1.0, prob_slippage=0.0, random_seed=1), fee_model=MakerTakerFeeModel(),
    )
    engine.add_instrument(instrument)
    price = lambda value: Price.from_str(f"{value:.3f}")
    size = lambda value: Quantity.from_str(f"{value:.0f}")
    engine.add_data([QuoteTick(IID, price(b), price(a), size(bs), size(s), ts, ts) for ts, b, a, bs, s in quotes])
    engine.add_strategy(Script(StrategyConfig(oms_type="HEDGING")))
    engine.run()
    assert [fill[0] for fill in fills] == list(range(1, ORDERS + 1)), "every order is filled whole, in order"
    positions = engine.cache.positions()
    told = {str(one.id)[2:]: one for one in sorted(positions, key=lambda one: int(str(one.id)[2:]))}
    with open(out / "hedging_fills.csv", "w", newline="", encoding="ascii") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["order", "quote", "side", "quantity", "closes", "price", "commission", "balance"])
        for row, (_, paid, commission, balance) in zip(rows, fills):
            number, slot, side, quantity, closes = row
            writer.writerow([number, slot, side, quantity, closes or "", paid, commission, balance])
    final = dict(
        engine="nautilus_trader BacktestEngine (Cython), OmsType.HEDGING", version=nautilus_trader.__version__,
        quotes=len(quotes), orders=len(rows), balance=str(fills[-1][3]),
        # P&L of each position, commissions deducted, and what is still held of it.
        realised={key: str(one.realized_pnl.as_decimal()) for key, one in told.items()},
        open={key: str(one.signed_decimal_qty()) for key, one in told.items() if one.is_open},
    )
    (out / "hedging_final.json").write_text(json.dumps(final, indent=1) + "\n", encoding="ascii")
    engine.dispose()
    print(len(fills), "fills", final["balance"], len(final["open"]), "open of", len(told))


if __name__ == "__main__":
    main()
