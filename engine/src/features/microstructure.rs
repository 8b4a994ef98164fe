//! Microstructure: what it costs to trade now, who trades, and what trades do to the price.

use std::collections::VecDeque;

use genovo_kernels::scalar::fused::{exp, ln};

use super::buckets::{Buckets, fixed, float, unfixed};
use super::column::TickColumn;
use super::kit::{Ring, larger, ratio};
use super::tape::{Print, Tape, imbalance};
use crate::canonical::fields;
use crate::event::Quote;
use crate::units::{SCALE, Timestamp};

macro_rules! columns {
    ($($id:literal $source:literal $warm_up:literal $unit:literal $about:literal;)*) => {
        &[$(TickColumn { id: $id, source: $source, warm_up: $warm_up, unit: $unit, about: $about }),*]
    };
}

/// The columns.
pub const COLUMNS: &[TickColumn] = columns! {
    "spread" "quotes" "1 quote" "bps" "ask less bid over the middle";
    "spread_ratio" "quotes" "300 s" "ratio" "spread over its mean of 300 s";
    "microprice_gap" "quotes with sizes" "1 quote" "bps" "the middle weighted by sizes less the middle";
    "queue_imbalance" "quotes with sizes" "1 quote" "±1" "bid size less ask size over both";
    "effective_spread_10s" "quotes and trades" "10 s" "bps" "twice the signed distance of trades from the middle";
    "effective_spread_60s" "quotes and trades" "60 s" "bps" "twice the signed distance of trades from the middle";
    "effective_spread_300s" "quotes and trades" "300 s" "bps" "twice the signed distance of trades from the middle";
    "realised_spread_1s" "quotes and trades" "300 s" "bps" "what a maker kept after 1 s, mean of 300 s";
    "realised_spread_5s" "quotes and trades" "300 s" "bps" "what a maker kept after 5 s, mean of 300 s";
    "realised_spread_30s" "quotes and trades" "300 s" "bps" "what a maker kept after 30 s, mean of 300 s";
    "price_impact_1s" "quotes and trades" "300 s" "bps" "how far the middle followed a trade after 1 s";
    "price_impact_5s" "quotes and trades" "300 s" "bps" "how far the middle followed a trade after 5 s";
    "price_impact_30s" "quotes and trades" "300 s" "bps" "how far the middle followed a trade after 30 s";
    "roll_spread" "trades" "257 trades" "bps" "Roll's spread from the bounce of 256 trades";
    "amihud_60s" "trades with sizes" "60 s" "bps" "move that the mean money of a second makes";
    "amihud_300s" "trades with sizes" "300 s" "bps" "move that the mean money of 5 s makes";
    "amihud_1800s" "trades with sizes" "1800 s" "bps" "move that the mean money of 30 s makes";
    "kyle_60s" "trades with sizes" "60 s" "bps a sd" "slope of moves on signed volume, by second";
    "kyle_300s" "trades with sizes" "300 s" "bps a sd" "slope of moves on signed volume, by 5 s";
    "kyle_1800s" "trades with sizes" "1800 s" "bps a sd" "slope of moves on signed volume, by 30 s";
    "vpin_10" "trades with sizes" "512 trades and 10 buckets" "0 to 1" "imbalance of 10 buckets of equal volume";
    "vpin_50" "trades with sizes" "512 trades and 50 buckets" "0 to 1" "imbalance of 50 buckets of equal volume";
    "trade_rate" "trades" "300 s" "per s" "trades of the last 10 s";
    "trade_rate_ratio" "trades" "300 s" "ratio" "trades of the last 10 s over those of 300 s";
    "quote_rate" "quotes" "300 s" "per s" "quotes of the last 10 s";
    "quote_rate_ratio" "quotes" "300 s" "ratio" "quotes of the last 10 s over those of 300 s";
    "hawkes_buy" "trades" "1 trade" "per s" "buys, each fading by e in 10 s";
    "hawkes_sell" "trades" "1 trade" "per s" "sells, each fading by e in 10 s";
    "hawkes_imbalance" "trades" "1 trade" "±1" "faded buys less sells over both";
    "quote_age" "quotes" "1 quote" "s" "time since the last quote";
    "trade_age" "trades" "1 trade" "s" "time since the last trade";
    "mid_volatility_60s" "quotes" "60 s" "bps" "root of summed squared moves, by second";
    "mid_volatility_300s" "quotes" "300 s" "bps" "root of summed squared moves, by 5 s";
};

/// How long after a trade its realised spread is known, in seconds.
const HORIZONS: [i64; 3] = [1, 5, 30];
/// Trades that wait for that at most; beyond, trades are not sampled.
const PENDING: usize = 4096;
const SECOND: i64 = 1_000_000_000;

/// A trade that waits for the middle after it.
#[derive(Clone, Copy, Debug)]
struct Pending {
    due: Timestamp,
    sign: f64,
    price: f64,
    mid: f64,
}

fields! { Pending { due, sign, price, mid } }

/// The sums of a short and a long window: spreads, quotes, trades.
const SPREAD: usize = 0;
const QUOTES: usize = 1;
const TRADES: usize = 2;
const EFFECTIVE: usize = 3;
const SIGNED_TRADES: usize = 4;
/// Two sums and a count for each horizon.
const REALISED: usize = 5;
const IMPACT: usize = 8;
const SETTLED: usize = 11;
const SUMS: usize = 14;

/// Sums by part for regressions of moves on volume: the move in log, signed volume, money.
const MOVE: usize = 0;
const SIGNED: usize = 1;
const MONEY: usize = 2;

/// The family of one instrument.
pub struct Microstructure {
    /// 10, 60 and 300 s.
    windows: [Buckets<SUMS>; 3],
    /// 60, 300 and 1800 s.
    moves: [Buckets<3>; 3],
    pending: [VecDeque<Pending>; 3],
    mid: Option<f64>,
    bounces: Ring,
    last_price: Option<f64>,
    vpin: Vpin,
    /// Faded buys and sells, and when they were.
    excitement: [f64; 2],
    excited: Option<Timestamp>,
}

crate::state! {
    Microstructure { windows, moves, pending, mid, bounces, last_price, vpin, excitement, excited }
}

impl Default for Microstructure {
    fn default() -> Microstructure {
        Microstructure {
            windows: [10, 60, 300].map(Buckets::seconds),
            moves: [60, 300, 1800].map(Buckets::seconds),
            pending: HORIZONS.map(|_| VecDeque::with_capacity(PENDING)),
            mid: None,
            bounces: Ring::new(256),
            last_price: None,
            vpin: Vpin::default(),
            excitement: [0.0; 2],
            excited: None,
        }
    }
}

impl Microstructure {
    fn advance(&mut self, now: Timestamp) {
        for window in &mut self.windows {
            window.advance(now);
        }
        for window in &mut self.moves {
            window.advance(now);
        }
        // What is due by now is settled by the middle that held until now.
        let Some(mid) = self.mid else { return };
        for (h, queue) in self.pending.iter_mut().enumerate() {
            while let Some(trade) = queue.front().filter(|trade| trade.due <= now) {
                let realised = 2e4 * trade.sign * (trade.price - mid) / trade.mid;
                let impact = 2e4 * trade.sign * (mid - trade.mid) / trade.mid;
                let long = &mut self.windows[2];
                long.add(REALISED + h, fixed(realised));
                long.add(IMPACT + h, fixed(impact));
                long.add(SETTLED + h, 1);
                queue.pop_front();
            }
        }
    }

    /// Takes a quote.
    pub fn quote(&mut self, now: Timestamp, quote: &Quote, mid: f64) {
        self.advance(now);
        let spread = fixed(1e4 * (quote.ask.as_f64() - quote.bid.as_f64()) / mid);
        for window in &mut self.windows {
            window.add(SPREAD, spread);
            window.add(QUOTES, 1);
        }
        if let Some(before) =
            self.mid.replace(mid).filter(|before| *before != mid && *before > 0.0 && mid > 0.0)
        {
            let step = fixed(1e4 * ln(mid / before));
            for window in &mut self.moves {
                window.add(MOVE, step);
            }
        }
    }

    /// Takes a trade. `quoted` says whether moves of the price come from quotes.
    pub fn trade(&mut self, print: &Print, quoted: bool) {
        self.advance(print.now);
        let (price, sign) = (print.price.as_f64(), f64::from(print.sign));
        for window in &mut self.windows {
            window.add(TRADES, 1);
        }
        if let Some(mid) = print.mid.filter(|mid| *mid > 0.0 && print.sign != 0) {
            let effective = fixed(2e4 * sign * (price - mid) / mid);
            for window in &mut self.windows {
                window.add(EFFECTIVE, effective);
                window.add(SIGNED_TRADES, 1);
            }
            for (queue, horizon) in self.pending.iter_mut().zip(HORIZONS) {
                if queue.len() < PENDING {
                    let due = Timestamp(print.now.0.saturating_add(horizon * SECOND));
                    queue.push_back(Pending { due, sign, price, mid });
                }
            }
        }
        if let Some(before) = self.last_price.replace(price).filter(|before| *before > 0.0 && price > 0.0) {
            self.bounces.push(price - before);
            if !quoted && before != price {
                let step = fixed(1e4 * ln(price / before));
                for window in &mut self.moves {
                    window.add(MOVE, step);
                }
            }
        }
        if let Some(size) = print.size {
            let money = i128::from(print.price.0) * i128::from(size.0) / i128::from(SCALE);
            for window in &mut self.moves {
                window.add(SIGNED, i128::from(print.sign) * i128::from(size.0));
                window.add(MONEY, money);
            }
            self.vpin.trade(size.0, print.sign);
        }
        self.fade(print.now);
        match print.sign {
            1 => self.excitement[0] += 1.0,
            -1 => self.excitement[1] += 1.0,
            _ => {}
        }
    }

    /// Lets the excitement fade until now.
    fn fade(&mut self, now: Timestamp) {
        if let Some(before) = self.excited.replace(now) {
            let seconds = now.0.saturating_sub(before.0) as f64 / SECOND as f64;
            let kept = exp(-seconds / 10.0);
            self.excitement = self.excitement.map(|value| value * kept);
        }
    }

    /// The columns' values now.
    pub fn read(&mut self, now: Timestamp, tape: &Tape, out: &mut [Option<f64>]) {
        self.advance(now);
        self.fade(now);
        out.fill(None);
        let age = |then: Timestamp| now.0.saturating_sub(then.0) as f64 / SECOND as f64;
        let spread =
            tape.quote.as_ref().zip(tape.mid()).filter(|(_, mid)| *mid > 0.0).map(|((quote, _), mid)| {
                let width = 1e4 * (quote.ask.as_f64() - quote.bid.as_f64()) / mid;
                out[0] = Some(width);
                out[3] = imbalance(quote);
                out[2] = out[3].map(|imbalance| 0.5 * width * imbalance);
                width
            });
        let mean =
            |totals: &[i128; SUMS], k: usize, count: usize| ratio(unfixed(totals[k]), float(totals[count]));
        for (window, place) in self.windows.iter().zip(4..) {
            out[place] = window.totals().and_then(|totals| mean(totals, EFFECTIVE, SIGNED_TRADES));
        }
        if let (Some(short), Some(long)) = (self.windows[0].totals(), self.windows[2].totals()) {
            let usual = mean(long, SPREAD, QUOTES);
            out[1] = spread.zip(usual).and_then(|(spread, usual)| ratio(spread, usual));
            for h in 0..3 {
                out[7 + h] = mean(long, REALISED + h, SETTLED + h);
                out[10 + h] = mean(long, IMPACT + h, SETTLED + h);
            }
            for (kind, place) in [(TRADES, 22), (QUOTES, 24)] {
                if long[kind] > 0 {
                    out[place] = Some(short[kind] as f64 / 10.0);
                    out[place + 1] = ratio(short[kind] as f64 * 30.0, long[kind] as f64);
                }
            }
        }
        out[13] = self.last_price.and_then(|price| roll(&self.bounces, price));
        for (window, w) in self.moves.iter().zip(0..) {
            out[14 + w] = amihud(window);
            out[17 + w] = kyle(window);
        }
        out[20] = self.vpin.value(10);
        out[21] = self.vpin.value(50);
        if tape.trade.is_some() {
            let [buys, sells] = self.excitement;
            out[26] = Some(buys / 10.0);
            out[27] = Some(sells / 10.0);
            out[28] = ratio(buys - sells, buys + sells);
        }
        out[29] = tape.quote.as_ref().map(|(_, then)| age(*then));
        out[30] = tape.trade.map(|(_, then)| age(then));
        if tape.quote.is_some() {
            for (window, w) in self.moves.iter().take(2).zip(0..) {
                out[31 + w] = window.is_full().then(|| {
                    let squares = window.parts().map(|part| unfixed(part[MOVE]) * unfixed(part[MOVE]));
                    squares.sum::<f64>().sqrt()
                });
            }
        }
    }
}

/// Roll's spread (Journal of Finance 39, 1984): twice the root of the negative covariance of successive changes.
fn roll(bounces: &Ring, price: f64) -> Option<f64> {
    let mean = bounces.mean()?;
    let window = bounces.window();
    let [sum] = window.sums_with(window.skip(1), |before, now| [(before - mean) * (now - mean)]);
    let covariance = sum / (bounces.len() - 1) as f64;
    ratio(2e4 * larger(0.0, -covariance).sqrt(), price)
}

/// Amihud's illiquidity (Journal of Financial Markets 5, 2002) over the parts with trades, times the mean money of such
/// a part, so that it has no currency in it.
fn amihud(window: &Buckets<3>) -> Option<f64> {
    let totals = window.totals()?;
    let (mut sum, mut count) = (0.0, 0.0);
    for part in window.parts().filter(|part| part[MONEY] > 0) {
        sum += unfixed(part[MOVE]).abs() / unfixed(part[MONEY]);
        count += 1.0;
    }
    Some(ratio(sum, count)? * ratio(unfixed(totals[MONEY]), count)?)
}

/// Kyle's lambda (Econometrica 53, 1985) in Hasbrouck's form: the slope of moves on signed volume over the parts with
/// trades, for one standard deviation of signed volume.
fn kyle(window: &Buckets<3>) -> Option<f64> {
    window.totals()?;
    let parts = || window.parts().filter(|part| part[MONEY] > 0);
    let count = parts().count() as f64;
    if count < 8.0 {
        return None;
    }
    let (mut volume, mut moved) = (0.0, 0.0);
    for part in parts() {
        volume += unfixed(part[SIGNED]);
        moved += unfixed(part[MOVE]);
    }
    let (volume, moved) = (volume / count, moved / count);
    let (mut product, mut square) = (0.0, 0.0);
    for part in parts() {
        let from = unfixed(part[SIGNED]) - volume;
        product += from * (unfixed(part[MOVE]) - moved);
        square += from * from;
    }
    Some(ratio(product, square)? * (square / count).sqrt())
}

/// Volume-synchronised probability of informed trading (Easley, Lopez de Prado and O'Hara, Review of Financial Studies
/// 25, 2012), by the sides of trades: a bucket holds 50 mean trades of the last 512, counted anew when one begins.
struct Vpin {
    sizes: VecDeque<i64>,
    sum: i128,
    bucket: i128,
    filled: i128,
    signed: i128,
    imbalances: Ring,
}

crate::state! {
    Vpin { sizes, sum, bucket, filled, signed, imbalances } if |it| it.sizes.len() <= 512
}

impl Default for Vpin {
    fn default() -> Vpin {
        Vpin {
            sizes: VecDeque::with_capacity(513),
            sum: 0,
            bucket: 0,
            filled: 0,
            signed: 0,
            imbalances: Ring::new(50),
        }
    }
}

impl Vpin {
    fn trade(&mut self, size: i64, sign: i8) {
        if self.sizes.len() == 512 {
            let mut left = i128::from(size);
            // Beyond 64 buckets at once, a trade says nothing more.
            for _ in 0..64 {
                if self.bucket == 0 {
                    self.bucket = self.sum * 50 / 512;
                }
                if left == 0 || self.bucket == 0 {
                    break;
                }
                let room = self.bucket - self.filled;
                let taken = if left < room { left } else { room };
                self.filled += taken;
                self.signed += taken * i128::from(sign);
                left -= taken;
                if self.filled == self.bucket {
                    self.imbalances.push(self.signed.abs() as f64 / self.bucket as f64);
                    (self.bucket, self.filled, self.signed) = (0, 0, 0);
                }
            }
            self.sum -= i128::from(self.sizes.pop_front().unwrap_or(0));
        }
        self.sizes.push_back(size);
        self.sum += i128::from(size);
    }

    fn value(&self, buckets: usize) -> Option<f64> {
        if self.imbalances.len() < buckets {
            return None;
        }
        let sum = self.imbalances.iter().rev().take(buckets).sum::<f64>();
        Some(sum / buckets as f64)
    }
}
