#!/usr/bin/env python3
"""What becomes of limit orders in hftbacktest's queues, on the recorded Binance USD-M book.

usage: hftbacktest_queue.py CAPTURE OUT_DIR

CAPTURE is `scenarios/data/btcusdt_usdm_depth_20240808.zst` unpacked and packed by gzip, as hftbacktest's converter wants
it. At every multiple of 500 ms of local time an order of one lot joins the best bid and one the best ask (GTX); every order
is cancelled 2 s after it was sent. No latency. One file a queue model: time of sending, side, price, what
was executed, when the last of it was.
"""
import pathlib
import sys

import numpy as np
from hftbacktest import GTX, LIMIT, BacktestAsset, HashMapMarketDepthBacktest
from hftbacktest.data.utils import binancefutures
from numba import njit

STEP = 500_000_000
LIFE = 4


@njit
def run(hbt, out):
    # The first step goes to the first event; only then is there a time to count from.
    if hbt.elapse(1) != 0 or hbt.elapse(STEP - hbt.current_timestamp % STEP) != 0:
        return 0
    number = 0
    while True:
        depth = hbt.depth(0)
        bid, ask = depth.best_bid_tick, depth.best_ask_tick
        for k in range(2):
            if depth.best_bid > 0 and depth.best_ask > depth.best_bid and number + 1 < len(out):
                price = bid if k == 0 else ask
                number += 1
                out[number, 0] = hbt.current_timestamp
                out[number, 1] = 1 - 2 * k
                out[number, 2] = price
                if k == 0:
                    hbt.submit_buy_order(0, number, price * depth.tick_size, 0.001, GTX, LIMIT, False)
                else:
                    hbt.submit_sell_order(0, number, price * depth.tick_size, 0.001, GTX, LIMIT, False)
        if hbt.elapse(STEP) != 0:
            return number
        orders = hbt.orders(0)
        for id in range(1, number + 1):
            if id in orders:
                order = orders.get(id)
                if order.status == 3 or order.status == 5 or order.status == 1:
                    got = round((order.qty - order.leaves_qty) / 0.001)
                    if got > 0:
                        out[id, 3] = got
                        out[id, 4] = order.exch_timestamp
                if order.cancellable and hbt.current_timestamp - out[id, 0] >= LIFE * STEP:
                    hbt.cancel(0, id, False)
        hbt.clear_inactive_orders(0)


def main():
    raw, out = sys.argv[1], pathlib.Path(sys.argv[2])
    data = binancefutures.convert(raw, combined_stream=True, buffer_size=2_000_000)
    np.savez(out / "one.npz", data=data)
    print(data["local_ts"][0], len(data))
    for name in ["risk_averse", "power_2", "log"]:
        asset = (BacktestAsset().data([str(out / "one.npz")]).linear_asset(1.0).constant_order_latency(0, 0)
                 .no_partial_fill_exchange().trading_value_fee_model(0.0, 0.0).tick_size(0.1).lot_size(0.001))
        if name == "risk_averse":
            asset = asset.risk_adverse_queue_model()
        elif name == "power_2":
            asset = asset.power_prob_queue_model(2.0)
        else:
            asset = asset.log_prob_queue_model()
        rows = np.zeros((2000, 5), np.int64)
        hbt = HashMapMarketDepthBacktest([asset])
        count = run(hbt, rows)
        hbt.close()
        lines = ["sent_ns,side,price,filled,last_fill_ns"]
        for row in rows[1:count + 1]:
            side = "buy" if row[1] > 0 else "sell"
            lines.append(f"{row[0]},{side},{row[2] / 10:.1f},{row[3] / 1000:.3f},{row[4] or ''}")
        (out / f"{name}.csv").write_text("\n".join(lines) + "\n")
        print(name, count, "orders", int((rows[:, 3] > 0).sum()), "filled", rows[:, 3].sum() / 1000)


if __name__ == "__main__":
    main()
