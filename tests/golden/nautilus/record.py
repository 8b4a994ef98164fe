#!/usr/bin/env python3
"""Run a case's scripted orders through nautilus_trader 1.231.0 and record what happened.

usage: record.py CASE ENGINE QUOTES.csv.zst ORDERS.csv OUT_DIR

CASE is one of plan.CASES. ENGINE is `rust` (nautilus_pyo3.BacktestEngine) or `cython`
(backtest.engine.BacktestEngine); both come in the same wheel.
Writes CASE_fills.csv, CASE_status.csv and CASE_final.json into OUT_DIR.
"""
import csv
import io
import json
import pathlib
import sys
from collections import Counter
from decimal import Decimal

import nautilus_trader

from plan import read_quotes

LATENCY_NS = 5_000_000
INSTRUMENTS = {
    "btcusdt": dict(
        id="BTCUSDT-PERP.BINANCE", kind="CryptoPerpetual", currency="USDT", balance="1000000",
        tick="0.1", lot="0.001", money=8, price_precision=1, size_precision=3, maker="0.0002", taker="0.0005",
    ),
    "xauusd": dict(
        id="XAUUSD.OANDA", kind="Cfd", currency="USD", balance="1000000",
        tick="0.001", lot="1", money=2, price_precision=3, size_precision=0, maker="0.00001", taker="0.00003",
    ),
}
FILLS = ["order", "ts_ns", "price", "quantity", "liquidity", "commission", "quote", "balance"]
STATUS = ["order", "status", "filled", "events"]


def spec_of(case):
    return INSTRUMENTS[case.split("_")[0]]


def read_orders(path):
    with open(path, encoding="ascii") as f:
        return list(csv.DictReader(f))


class Log:
    """What both engines' strategies write to."""

    def __init__(self, orders):
        self.submit, self.cancel = {}, {}
        for order in orders:
            self.submit.setdefault(int(order["quote"]), []).append(order)
            if order["cancel_quote"]:
                self.cancel.setdefault(int(order["cancel_quote"]), []).append(int(order["order"]))
        self.quote = 0  # ordinal of the quote now being handled
        self.fills = []
        self.events = {}  # order number -> names of its events in order
        self.placed = {}  # order number -> order
        self.number = {}  # client order id -> order number
        self.told = {}  # order number -> what `tell` keeps

    def event(self, client_order_id, name):
        self.events.setdefault(self.number[str(client_order_id)], []).append(name)

    def tell(self, order):
        """Keeps when an order was triggered, where its trigger stood last, and when it ended without a fill."""
        name, last = type(order).__name__, order.last_event
        told = self.told.setdefault(self.number[str(order.client_order_id)], {})
        if name == "StopLimitOrder":
            told["triggered_ns"] = order.ts_triggered or ""
        elif name == "TrailingStopMarketOrder":
            told["trigger"] = order.trigger_price
        if type(last).__name__ in ("OrderCanceled", "OrderExpired", "OrderRejected"):
            told["ended_ns"] = last.ts_event

    def fill(self, client_order_id, ts, price, quantity, maker, commission, balance):
        self.fills.append(
            [self.number[str(client_order_id)], ts, str(price), str(quantity), "maker" if maker else "taker",
             str(commission), None, balance]
        )


def run_cython(case, quotes, log):
    from nautilus_trader.backtest.config import BacktestEngineConfig
    from nautilus_trader.backtest.engine import BacktestEngine
    from nautilus_trader.backtest.models import FillModel, LatencyModel, MakerTakerFeeModel
    from nautilus_trader.config import LoggingConfig, RiskEngineConfig
    from nautilus_trader.model.currencies import BTC, USD, USDT
    from nautilus_trader.model.data import QuoteTick
    from nautilus_trader.model.enums import (
        AccountType, AssetClass, BookType, LiquiditySide, OmsType, OrderSide, TimeInForce, order_status_to_str,
    )
    from nautilus_trader.model.identifiers import InstrumentId, Symbol
    from nautilus_trader.model.instruments import Cfd, CryptoPerpetual
    from nautilus_trader.model.objects import Money, Price, Quantity
    from nautilus_trader.trading.strategy import Strategy

    s = spec_of(case)
    iid = InstrumentId.from_str(s["id"])
    money = {"USD": USD, "USDT": USDT}[s["currency"]]
    common = dict(
        instrument_id=iid, raw_symbol=Symbol(iid.symbol.value), quote_currency=money,
        price_precision=s["price_precision"], size_precision=s["size_precision"],
        price_increment=Price.from_str(s["tick"]), size_increment=Quantity.from_str(s["lot"]),
        margin_init=Decimal(0), margin_maint=Decimal(0),
        maker_fee=Decimal(s["maker"]), taker_fee=Decimal(s["taker"]), ts_event=0, ts_init=0,
    )
    if s["kind"] == "Cfd":
        instrument = Cfd(asset_class=AssetClass.COMMODITY, **common)
    else:
        instrument = CryptoPerpetual(base_currency=BTC, settlement_currency=money, is_inverse=False, **common)

    class Script(Strategy):
        def on_start(self):
            self.subscribe_quote_ticks(iid)

        def on_quote_tick(self, _):
            log.quote += 1
            for number in log.cancel.get(log.quote, ()):
                order = log.placed[number]
                if not order.is_closed:
                    self.cancel_order(order)
            for row in log.submit.get(log.quote, ()):
                order = self.build(row)
                log.placed[int(row["order"])] = order
                log.number[str(order.client_order_id)] = int(row["order"])
                self.submit_order(order)

        def build(self, row):
            args = dict(
                instrument_id=iid, order_side=OrderSide[row["side"]], quantity=Quantity.from_str(row["quantity"]),
                time_in_force=TimeInForce[row["tif"]],
            )
            if row["type"] == "MARKET":
                return self.order_factory.market(**args)
            if row["type"] == "LIMIT":
                return self.order_factory.limit(price=Price.from_str(row["price"]), **args)
            return self.order_factory.stop_market(trigger_price=Price.from_str(row["stop"]), **args)

        def on_event(self, event):
            if hasattr(event, "client_order_id"):
                log.event(event.client_order_id, type(event).__name__)

        def on_order_filled(self, event):
            balance = self.portfolio.account(iid.venue).balance_total(money).as_decimal()
            log.fill(
                event.client_order_id, event.ts_event, event.last_px, event.last_qty,
                event.liquidity_side == LiquiditySide.MAKER, event.commission.as_decimal(), str(balance),
            )

    engine = BacktestEngine(
        BacktestEngineConfig(logging=LoggingConfig(bypass_logging=True), risk_engine=RiskEngineConfig(bypass=True))
    )
    engine.add_venue(
        iid.venue, oms_type=OmsType.NETTING, account_type=AccountType.MARGIN, base_currency=None,
        starting_balances=[Money(Decimal(s["balance"]), money)], book_type=BookType.L1_MBP,
        fill_model=FillModel(prob_fill_on_limit=1.0, prob_slippage=0.0, random_seed=1),
        fee_model=MakerTakerFeeModel(),
        latency_model=LatencyModel(base_latency_nanos=LATENCY_NS) if case.endswith("_latency") else None,
        liquidity_consumption=case.endswith("_consumed"),
    )
    engine.add_instrument(instrument)
    pp, sp = s["price_precision"], s["size_precision"]
    engine.add_data([
        QuoteTick(
            iid, Price.from_str(f"{b:.{pp}f}"), Price.from_str(f"{a:.{pp}f}"),
            Quantity.from_str(f"{bs:.{sp}f}"), Quantity.from_str(f"{as_:.{sp}f}"), ts, ts,
        )
        for ts, b, a, bs, as_ in quotes
    ])
    engine.add_strategy(Script())
    engine.run()
    cache = engine.cache
    account = cache.account_for_venue(iid.venue)
    (position,) = cache.positions()
    status = {n: (order_status_to_str(o.status), str(o.filled_qty)) for n, o in log.placed.items()}
    result = dict(
        balance=str(account.balance_total(money).as_decimal()),
        position=f"{position.signed_decimal_qty():.{sp}f}",
        average_open_price=repr(position.avg_px_open) if position.is_open else None,
    )
    engine.dispose()
    return status, result


def run_rust(case, quotes, log):
    from nautilus_trader.core import nautilus_pyo3 as p

    s = spec_of(case)
    iid = p.InstrumentId.from_str(s["id"])
    money = p.Currency.from_str(s["currency"])
    common = dict(
        instrument_id=iid, raw_symbol=p.Symbol(iid.symbol.value), quote_currency=money,
        price_precision=s["price_precision"], size_precision=s["size_precision"],
        price_increment=p.Price.from_str(s["tick"]), size_increment=p.Quantity.from_str(s["lot"]),
        margin_init=Decimal(0), margin_maint=Decimal(0),
        maker_fee=Decimal(s["maker"]), taker_fee=Decimal(s["taker"]), ts_event=0, ts_init=0,
    )
    if s["kind"] == "Cfd":
        instrument = p.Cfd(asset_class=p.AssetClass.COMMODITY, **common)
    else:
        instrument = p.CryptoPerpetual(
            base_currency=p.Currency.from_str("BTC"), settlement_currency=money, is_inverse=False, **common
        )

    class Script(p.Strategy):
        def on_start(self):
            self.subscribe_quotes(iid)

        def on_quote(self, _):
            log.quote += 1
            for number in log.cancel.get(log.quote, ()):
                order = self.cache.order(log.placed[number])
                if not order.is_closed:
                    self.cancel_order(log.placed[number])
            lists = {}
            for row in log.submit.get(log.quote, ()):
                lists.setdefault(row.get("list") or row["order"], []).append(row)
            for rows in lists.values():
                orders = [self.build(row) for row in rows]
                if len(orders) > 1:
                    orders = self.link(rows, orders)
                for row, order in zip(rows, orders):
                    log.placed[int(row["order"])] = order.client_order_id
                    log.number[str(order.client_order_id)] = int(row["order"])
                if len(orders) > 1:
                    self.submit_order_list(orders)
                else:
                    self.submit_order(orders[0])

        def link(self, rows, orders):
            """The same orders as a list that depends on each other."""
            list_id, ids = self.order_factory.generate_order_list_id(), [order.client_order_id for order in orders]
            linked = []
            for row, order in zip(rows, orders):
                entry = row["link"] == "OTO"
                others = [one for one, other in zip(ids, rows) if one != order.client_order_id and other["link"] != "OTO"]
                told = order.to_dict()
                told.update(
                    contingency_type=row["link"], order_list_id=str(list_id), linked_order_ids=[str(one) for one in others],
                    parent_order_id=str(ids[0]) if rows[0]["link"] == "OTO" and not entry else None,
                )
                linked.append(type(order).from_dict(told))
            return linked

        def build(self, row):
            args = dict(
                instrument_id=iid, order_side=getattr(p.OrderSide, row["side"]),
                quantity=p.Quantity.from_str(row["quantity"]), time_in_force=getattr(p.TimeInForce, row["tif"]),
            )
            if row.get("reduce"):
                args["reduce_only"] = True
            if row["type"] == "MARKET":
                return self.order_factory.market(**args)
            if row.get("expires"):
                args["expire_time"] = int(row["expires"])
            if row["type"] == "LIMIT":
                return self.order_factory.limit(price=p.Price.from_str(row["price"]), **args)
            if row["type"] == "TRAILING_STOP":
                share = row["trail"].endswith("bp")
                return self.order_factory.trailing_stop_market(
                    trailing_offset=Decimal(row["trail"].removesuffix("bp")),
                    trailing_offset_type=p.TrailingOffsetType.BASIS_POINTS if share else p.TrailingOffsetType.PRICE,
                    **args,
                )
            args["trigger_price"] = p.Price.from_str(row["stop"])
            if row["type"] == "STOP_LIMIT":
                return self.order_factory.stop_limit(price=p.Price.from_str(row["price"]), **args)
            return self.order_factory.stop_market(**args)

        def on_order_event(self, event):
            log.event(event.client_order_id, type(event).__name__)

        def on_order_filled(self, event):
            balance = self.cache.account_for_venue(iid.venue).balance_total(money).as_decimal()
            log.fill(
                event.client_order_id, event.ts_event, event.last_px, event.last_qty,
                event.liquidity_side == p.LiquiditySide.MAKER, event.commission.as_decimal(), str(balance),
            )

    engine = p.BacktestEngine(
        p.BacktestEngineConfig(
            bypass_logging=True,
            logging=p.LoggerConfig(stdout_level=p.LogLevel.OFF, fileout_level=p.LogLevel.OFF),
        )
    )
    engine.add_venue(
        venue=iid.venue, oms_type=p.OmsType.NETTING, account_type=p.AccountType.MARGIN,
        starting_balances=[p.Money(Decimal(s["balance"]), money)], book_type=p.BookType.L1_MBP,
        fill_model=p.DefaultFillModel(1.0, 0.0, 1), fee_model=p.MakerTakerFeeModel(),
        latency_model=p.StaticLatencyModel(LATENCY_NS) if case.endswith("_latency") else None,
        liquidity_consumption=case.endswith("_consumed"),
    )
    engine.add_instrument(instrument)
    pp, sp = s["price_precision"], s["size_precision"]
    engine.add_data(
        [
            p.QuoteTick(
                iid, p.Price.from_str(f"{b:.{pp}f}"), p.Price.from_str(f"{a:.{pp}f}"),
                p.Quantity.from_str(f"{bs:.{sp}f}"), p.Quantity.from_str(f"{as_:.{sp}f}"), ts, ts,
            )
            for ts, b, a, bs, as_ in quotes
        ],
        None, True, True,
    )
    engine.add_strategy(Script())
    engine.run()
    cache = engine.cache
    account = cache.account_for_venue(iid.venue)
    (position,) = cache.positions()
    status = {}
    for number, cid in log.placed.items():
        order = cache.order(cid)
        status[number] = (str(order.status).rsplit(".", 1)[-1], str(order.filled_qty))
        log.tell(order)
    result = dict(
        balance=str(account.balance_total(money).as_decimal()),
        position=("-" if position.side == p.PositionSide.SHORT else "") + str(position.quantity),
        average_open_price=repr(position.avg_px_open) if position.is_open else None,
    )
    engine.dispose()
    return status, result


def write_csv(path, header, rows):
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    path.write_text(text.getvalue(), encoding="ascii")


def main():
    case, engine, source, orders_path, out = sys.argv[1:]
    run(case, engine, read_quotes(source, case), read_orders(orders_path), pathlib.Path(out))


def run(case, engine, quotes, orders, out, more=()):
    """Writes what an engine did with the orders; `more` are columns of what the log was told of each, for the events."""
    out.mkdir(parents=True, exist_ok=True)
    log = Log(orders)
    status, result = {"cython": run_cython, "rust": run_rust}[engine](case, quotes, log)
    assert log.quote == len(quotes), (log.quote, len(quotes))
    ordinal = {q[0]: i for i, q in enumerate(quotes, 1)}
    s = spec_of(case)
    cents = Decimal(1).scaleb(-s["money"])
    for fill in log.fills:
        fill[6] = ordinal[fill[1]]
        fill[5], fill[7] = (str(Decimal(fill[i]).quantize(cents)) for i in (5, 7))
    commissions = sum((Decimal(f[5]) for f in log.fills), Decimal(0))
    write_csv(out / f"{case}_fills.csv", FILLS, log.fills)
    if more:
        rows = [[n, *status[n], *(log.told.get(n, {}).get(column, "") for column in more)] for n in sorted(status)]
    else:
        rows = [[n, *status[n], " ".join(log.events.get(n, ()))] for n in sorted(status)]
    write_csv(out / f"{case}_status.csv", [*STATUS[:3], *more] if more else STATUS, rows)
    final = dict(
        engine={"cython": "nautilus_trader BacktestEngine (Cython)", "rust": "nautilus_pyo3 BacktestEngine (Rust)"}[engine],
        version=nautilus_trader.__version__,
        quotes=len(quotes), orders=len(orders), fills=len(log.fills),
        currency=s["currency"], starting_balance=s["balance"], final_balance=str(Decimal(result["balance"]).quantize(cents)),
        commissions=str(commissions.quantize(cents)),
        realised_pnl_before_commissions=str((Decimal(result["balance"]) - Decimal(s["balance"]) + commissions).quantize(cents)),
        position=result["position"], average_open_price=result["average_open_price"],
        latency_ns=LATENCY_NS if case.endswith("_latency") else 0,
        liquidity_consumption=case.endswith("_consumed"),
        status=dict(sorted(Counter(st for st, _ in status.values()).items())),
    )
    (out / f"{case}_final.json").write_text(json.dumps(final, indent=1) + "\n", encoding="ascii")
    print(case, engine, json.dumps(final["status"]), len(log.fills), "fills", final["final_balance"])


if __name__ == "__main__":
    main()
