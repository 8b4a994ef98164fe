//! Order flow over four windows of time: who wants what, by quotes and by trades.

use super::buckets::{Buckets, PARTS, fixed, float, unfixed};
use super::column::TickColumn;
use super::kit::{line, ratio};
use super::normalise::Window;
use super::tape::{Print, Tape, imbalance, order_flow};
use crate::event::Quote;
use crate::units::{SCALE, Timestamp};

const SECONDS: [i64; 4] = [10, 60, 300, 1800];
const EACH: usize = 9;

macro_rules! columns {
    ($($seconds:literal)*) => {
        &[$(
            TickColumn {
                id: concat!("ofi_", $seconds, "s"),
                source: "quotes with sizes",
                warm_up: concat!($seconds, " s"),
                unit: "mean depths",
                about: "order flow imbalance of the best quotes over their mean size",
            },
            TickColumn {
                id: concat!("queue_imbalance_", $seconds, "s"),
                source: "quotes with sizes",
                warm_up: concat!($seconds, " s"),
                unit: "±1",
                about: "mean imbalance of the best sizes",
            },
            TickColumn {
                id: concat!("mid_moves_", $seconds, "s"),
                source: "quotes",
                warm_up: concat!($seconds, " s"),
                unit: "±1",
                about: "rises less falls of the middle over both",
            },
            TickColumn {
                id: concat!("signed_volume_", $seconds, "s"),
                source: "trades with sizes",
                warm_up: concat!($seconds, " s"),
                unit: "±1",
                about: "bought less sold over traded volume",
            },
            TickColumn {
                id: concat!("cvd_slope_", $seconds, "s"),
                source: "trades with sizes",
                warm_up: concat!($seconds, " s"),
                unit: "±1",
                about: "slope of cumulative signed volume over mean volume",
            },
            TickColumn {
                id: concat!("trade_imbalance_", $seconds, "s"),
                source: "trades",
                warm_up: concat!($seconds, " s"),
                unit: "±1",
                about: "buys less sells over trades",
            },
            TickColumn {
                id: concat!("large_share_", $seconds, "s"),
                source: "trades with sizes",
                warm_up: concat!($seconds, " s, 64 trades"),
                unit: "0 to 1",
                about: "share of volume in trades above the 90th percentile of the last 512",
            },
            TickColumn {
                id: concat!("sign_autocorrelation_", $seconds, "s"),
                source: "trades",
                warm_up: concat!($seconds, " s"),
                unit: "±1",
                about: "how often a trade is on the side of the one before, less how often not",
            },
            TickColumn {
                id: concat!("vwap_gap_", $seconds, "s"),
                source: "trades with sizes",
                warm_up: concat!($seconds, " s"),
                unit: "bps",
                about: "the price less the average price by volume",
            },
        )*]
    };
}

/// The columns.
pub const COLUMNS: &[TickColumn] = columns![10 60 300 1800];

// What is summed.
const FLOW: usize = 0;
const DEPTH: usize = 1;
const SIZED: usize = 2;
const IMBALANCE: usize = 3;
const UPS: usize = 4;
const DOWNS: usize = 5;
const SIGNED: usize = 6;
const VOLUME: usize = 7;
const BUYS: usize = 8;
const SELLS: usize = 9;
const LARGE: usize = 10;
const SAME: usize = 11;
const PAIRS: usize = 12;
const MONEY: usize = 13;
const SUMS: usize = 14;

/// The family of one instrument.
pub struct OrderFlow {
    windows: [Buckets<SUMS>; 4],
    sizes: Window,
    last_sign: i8,
}

crate::state! { OrderFlow { windows, sizes, last_sign } }

impl Default for OrderFlow {
    fn default() -> OrderFlow {
        OrderFlow { windows: SECONDS.map(Buckets::seconds), sizes: Window::new(512), last_sign: 0 }
    }
}

impl OrderFlow {
    /// Takes a quote with the one before it.
    pub fn quote(&mut self, now: Timestamp, before: Option<&Quote>, quote: &Quote) {
        let flow = before.and_then(|before| order_flow(before, quote));
        let moved = before.map_or(0, |before| {
            let middle = |quote: &Quote| i128::from(quote.bid.0) + i128::from(quote.ask.0);
            (middle(quote) - middle(before)).signum()
        });
        let depth =
            quote.bid_size.zip(quote.ask_size).map(|(bid, ask)| i128::from(bid.0) + i128::from(ask.0));
        let imbalance = imbalance(quote).map(fixed);
        for window in &mut self.windows {
            window.advance(now);
            if let (Some(depth), Some(imbalance)) = (depth, imbalance) {
                window.add(DEPTH, depth);
                window.add(SIZED, 1);
                window.add(IMBALANCE, imbalance);
            }
            if let Some(flow) = flow {
                window.add(FLOW, flow);
            }
            if moved != 0 {
                window.add(if moved > 0 { UPS } else { DOWNS }, 1);
            }
        }
    }

    /// Takes a trade.
    pub fn trade(&mut self, print: &Print) {
        let size = print.size.map(|size| i128::from(size.0));
        let threshold = self.sizes.quantile(0.9).filter(|_| self.sizes.len() >= 64);
        let large =
            print.size.is_some_and(|size| threshold.is_some_and(|threshold| size.as_f64() > threshold));
        let sign = i128::from(print.sign);
        let pair = i128::from(self.last_sign) * sign;
        for window in &mut self.windows {
            window.advance(print.now);
            if let Some(size) = size {
                window.add(SIGNED, sign * size);
                window.add(VOLUME, size);
                // At 1e-9 of price times quantity, cut: far below a tick.
                window.add(MONEY, i128::from(print.price.0) * size / i128::from(SCALE));
                if large {
                    window.add(LARGE, size);
                }
            }
            if sign != 0 {
                window.add(if sign > 0 { BUYS } else { SELLS }, 1);
            }
            if pair != 0 {
                window.add(SAME, pair);
                window.add(PAIRS, 1);
            }
        }
        if let Some(size) = print.size {
            self.sizes.push(size.as_f64());
        }
        if print.sign != 0 {
            self.last_sign = print.sign;
        }
    }

    /// The columns' values now.
    pub fn read(&mut self, now: Timestamp, tape: &Tape, out: &mut [Option<f64>]) {
        for (window, out) in self.windows.iter_mut().zip(out.chunks_exact_mut(EACH)) {
            window.advance(now);
            out.fill(None);
            let Some(totals) = window.totals() else { continue };
            let sum = |k: usize| float(totals[k]);
            let large_known = self.sizes.len() >= 64;
            // Flow over mean depth of one side.
            out[0] = ratio(2.0 * sum(FLOW) * sum(SIZED), sum(DEPTH));
            out[1] = ratio(unfixed(totals[IMBALANCE]), sum(SIZED));
            out[2] = ratio(sum(UPS) - sum(DOWNS), sum(UPS) + sum(DOWNS));
            out[3] = ratio(sum(SIGNED), sum(VOLUME));
            out[5] = ratio(sum(BUYS) - sum(SELLS), sum(BUYS) + sum(SELLS));
            out[6] = ratio(sum(LARGE), sum(VOLUME)).filter(|_| large_known);
            out[7] = ratio(sum(SAME), sum(PAIRS));
            if totals[VOLUME] > 0 {
                let mut cumulative = 0_i128;
                let cvd = window.parts().map(|part| {
                    cumulative += part[SIGNED];
                    float(cumulative)
                });
                out[4] = ratio(line(cvd, PARTS).0 * PARTS as f64, sum(VOLUME));
                let average = sum(MONEY) / sum(VOLUME);
                out[8] = tape.price().and_then(|price| ratio(1e4 * (price - average), price));
            }
        }
    }
}
