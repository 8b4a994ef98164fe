//! The order book behind the touch: what waits there, how steep it is, who comes and who goes.

use super::buckets::{Buckets, unfixed};
use super::column::TickColumn;
use super::kit::ratio;
use crate::book::{Book, Level};
use crate::event::Side;
use crate::units::{Quantity, Timestamp};

macro_rules! columns {
    ($($id:literal $warm_up:literal $unit:literal $about:literal;)*) => {
        &[$(TickColumn { id: $id, source: "order books", warm_up: $warm_up, unit: $unit, about: $about }),*]
    };
}

/// The columns.
pub const COLUMNS: &[TickColumn] = columns! {
    "queue_imbalance_l5" "1 update" "±1" "size of the 5 best bids less that of the 5 best offers, over both";
    "queue_imbalance_l10" "1 update" "±1" "size of the 10 best bids less that of the 10 best offers, over both";
    "depth_slope_bid" "1 update" "per bps"
        "size of 10 bids over that of the best, less 1, a basis point of their width";
    "depth_slope_ask" "1 update" "per bps"
        "size of 10 offers over that of the best, less 1, a basis point of their width";
    "mlofi_1_10s" "10 s" "mean depths" "order flow imbalance of the best level over its mean size";
    "mlofi_2_10s" "10 s" "mean depths" "order flow imbalance of the second level over its mean size";
    "mlofi_3_10s" "10 s" "mean depths" "order flow imbalance of the third level over its mean size";
    "mlofi_4_10s" "10 s" "mean depths" "order flow imbalance of the fourth level over its mean size";
    "mlofi_5_10s" "10 s" "mean depths" "order flow imbalance of the fifth level over its mean size";
    "mlofi_1_60s" "60 s" "mean depths" "order flow imbalance of the best level over its mean size";
    "mlofi_2_60s" "60 s" "mean depths" "order flow imbalance of the second level over its mean size";
    "mlofi_3_60s" "60 s" "mean depths" "order flow imbalance of the third level over its mean size";
    "mlofi_4_60s" "60 s" "mean depths" "order flow imbalance of the fourth level over its mean size";
    "mlofi_5_60s" "60 s" "mean depths" "order flow imbalance of the fifth level over its mean size";
    "cancel_ratio_10s" "10 s" "ratio" "what left 10 levels without a trade over what joined them";
    "cancel_ratio_60s" "60 s" "ratio" "what left 10 levels without a trade over what joined them";
};

/// Levels a side that are looked at.
pub const DEPTH: usize = 10;
/// Levels of the order flow.
const FLOWS: usize = 5;

// What is summed: flow and size of each level, updates, what left and what joined.
const SIZE: usize = FLOWS;
const UPDATES: usize = 2 * FLOWS;
const LEFT: usize = UPDATES + 1;
const JOINED: usize = UPDATES + 2;
const SUMS: usize = UPDATES + 3;

/// The best levels of one side; those that are not there have no size.
type Side10 = [Level; DEPTH];

const NOTHING: Level = Level { price: crate::units::Price::ZERO, size: Quantity::ZERO };

/// The family of one instrument.
pub struct OrderBook {
    /// 10 and 60 s.
    windows: [Buckets<SUMS>; 2],
    bids: Side10,
    asks: Side10,
    /// Whether there was an update.
    seen: bool,
    /// Traded since the last update: against bids, against offers.
    traded: [i128; 2],
}

crate::state! { OrderBook { windows, bids, asks, seen, traded } }

impl Default for OrderBook {
    fn default() -> OrderBook {
        OrderBook {
            windows: [10, 60].map(Buckets::seconds),
            bids: [NOTHING; DEPTH],
            asks: [NOTHING; DEPTH],
            seen: false,
            traded: [0; 2],
        }
    }
}

fn best(book: &Book, side: Side) -> Side10 {
    let mut levels = [NOTHING; DEPTH];
    for (place, level) in levels.iter_mut().zip(book.levels(side)) {
        *place = level;
    }
    levels
}

fn size_of(levels: &[Level]) -> i128 {
    levels.iter().map(|level| i128::from(level.size.0)).sum()
}

/// A price that grows towards the market.
fn key(side: Side, level: &Level) -> i128 {
    i128::from(level.price.0) * i128::from(side.sign())
}

/// What a level of bids adds to demand; for offers, whose better prices are lower, it is what they add to supply.
fn flow(side: Side, before: &Level, now: &Level) -> i128 {
    let there = |level: &Level| level.size > Quantity::ZERO;
    let better = key(side, now) - key(side, before);
    let mut flow = 0;
    // A level that was not there is worse than any.
    if there(now) && (!there(before) || better >= 0) {
        flow += i128::from(now.size.0);
    }
    if there(before) && (!there(now) || better <= 0) {
        flow -= i128::from(before.size.0);
    }
    flow
}

/// What left and what joined the levels that both know: those not behind the last of either.
fn moves(side: Side, before: &Side10, now: &Side10) -> (i128, i128) {
    let last = |levels: &Side10| {
        let full = levels[DEPTH - 1].size > Quantity::ZERO;
        full.then(|| key(side, &levels[DEPTH - 1]))
    };
    let worst = last(before).into_iter().chain(last(now)).max();
    let known =
        |level: &&Level| level.size > Quantity::ZERO && worst.is_none_or(|worst| key(side, level) >= worst);
    let at = |levels: &Side10, level: &Level| {
        let same = levels.iter().find(|other| other.price == level.price && other.size > Quantity::ZERO);
        same.map_or(0, |other| i128::from(other.size.0))
    };
    let (mut left, mut joined) = (0, 0);
    for level in before.iter().filter(known) {
        let change = at(now, level) - i128::from(level.size.0);
        if change < 0 {
            left -= change;
        } else {
            joined += change;
        }
    }
    for level in now.iter().filter(known) {
        if at(before, level) == 0 {
            joined += i128::from(level.size.0);
        }
    }
    (left, joined)
}

impl OrderBook {
    /// Takes a trade of this side's aggressor, where the data says so.
    pub fn trade(&mut self, size: Option<Quantity>, sign: i8) {
        if let Some(size) = size.filter(|_| sign != 0) {
            self.traded[usize::from(sign > 0)] += i128::from(size.0);
        }
    }

    /// Takes the book after a whole update.
    pub fn update(&mut self, now: Timestamp, book: &Book) {
        let (bids, asks) = (best(book, Side::Buy), best(book, Side::Sell));
        for window in &mut self.windows {
            window.advance(now);
        }
        if self.seen {
            let (mut left, mut joined) = (0, 0);
            for (side, before, now, traded) in [
                (Side::Buy, &self.bids, &bids, self.traded[0]),
                (Side::Sell, &self.asks, &asks, self.traded[1]),
            ] {
                let (went, came) = moves(side, before, now);
                // What was traded did not cancel.
                left += if went > traded { went - traded } else { 0 };
                joined += came;
            }
            for window in &mut self.windows {
                let bids = self.bids.iter().zip(&bids);
                let both = bids.zip(self.asks.iter().zip(&asks)).take(FLOWS);
                for (level, ((bid_before, bid), (ask_before, ask))) in both.enumerate() {
                    let demand = flow(Side::Buy, bid_before, bid);
                    let supply = flow(Side::Sell, ask_before, ask);
                    window.add(level, demand - supply);
                    window.add(SIZE + level, size_of(&[*bid, *ask]));
                }
                window.add(UPDATES, 1);
                window.add(LEFT, left);
                window.add(JOINED, joined);
            }
        }
        (self.bids, self.asks, self.seen, self.traded) = (bids, asks, true, [0; 2]);
    }

    /// The columns' values now.
    pub fn read(&mut self, now: Timestamp, out: &mut [Option<f64>]) {
        out.fill(None);
        if !self.seen {
            return;
        }
        for window in &mut self.windows {
            window.advance(now);
        }
        for (place, depth) in [(0, 5), (1, DEPTH)] {
            let (bids, asks) = (size_of(&self.bids[..depth]) as f64, size_of(&self.asks[..depth]) as f64);
            out[place] = ratio(bids - asks, bids + asks);
        }
        out[2] = slope(&self.bids);
        out[3] = slope(&self.asks);
        for (window, (flows, cancels)) in self.windows.iter().zip([(4, 14), (9, 15)]) {
            let Some(totals) = window.totals() else { continue };
            for level in 0..FLOWS {
                // Over the mean size of one side.
                let size = totals[SIZE + level] as f64;
                out[flows + level] = ratio(2.0 * totals[level] as f64 * totals[UPDATES] as f64, size);
            }
            out[cancels] = ratio(unfixed(totals[LEFT]), unfixed(totals[JOINED]));
        }
    }
}

/// How fast depth grows away from the best price.
fn slope(levels: &Side10) -> Option<f64> {
    let (best, last) = (&levels[0], &levels[DEPTH - 1]);
    if last.size == Quantity::ZERO {
        return None;
    }
    let width = (last.price.as_f64() - best.price.as_f64()).abs();
    let width = ratio(1e4 * width, best.price.as_f64())?;
    let grown = ratio(size_of(levels) as f64, best.size.0 as f64)? - 1.0;
    ratio(grown, width)
}
