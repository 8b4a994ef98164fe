//! Families over quotes and trades.

use std::hint::black_box;
use std::time::{Duration, Instant};

use genovo_engine::event::{self, Quote};
use genovo_engine::features::microstructure::{self, Microstructure};
use genovo_engine::features::order_flow::{self, OrderFlow};
use genovo_engine::features::tape::{Print, Tape};
use genovo_engine::features::volume_profile::{self, VolumeProfile};
use genovo_engine::units::{Price, Quantity, Timestamp};
use wickra_core::*;

use crate::beside;

const TICKS: usize = 44_000;
/// A window of 1,800 seconds is full by then.
const BEFORE: usize = 40_000;
const SECOND: i64 = 1_000_000_000;
const CENT: i64 = SECOND / 100;

/// A quote or trade as each side takes it.
enum Both {
    Quote { now: Timestamp, before: Option<Quote>, quote: Quote, mid: f64, book: OrderBook },
    Trade { print: Print, trade: Trade, of_quote: TradeQuote, bar: Candle },
}

/// Six quotes and four trades of ten, twenty a second.
fn market() -> (Vec<Both>, Vec<Tape>) {
    let (mut now, mut mid) = (1_400_000_000 * SECOND, 5_000_i64);
    let mut tape = Tape::default();
    let (mut all, mut tapes) = (Vec::new(), Vec::new());
    for index in 0..TICKS as u64 {
        let draw = |salt: u64, below: u64| {
            let mix = (index ^ (salt << 40)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            (((mix ^ (mix >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 33) % below) as i64
        };
        now += draw(0, 100) * 1_000_000;
        mid += draw(1, 5) - 2;
        let (bid, ask) = (mid - 1 - draw(3, 3), mid + 1);
        let (bid_size, ask_size) = (draw(4, 30) + 1, draw(5, 30) + 1);
        if draw(2, 10) < 6 || index == 0 {
            let quote = Quote {
                bid: Price(bid * CENT),
                ask: Price(ask * CENT),
                bid_size: Some(Quantity(bid_size * SECOND)),
                ask_size: Some(Quantity(ask_size * SECOND)),
            };
            let level = |price: i64, size: i64| vec![Level::new(price as f64 / 100.0, size as f64).unwrap()];
            let book = OrderBook::new(level(bid, bid_size), level(ask, ask_size)).unwrap();
            let before = tape.quote(Timestamp(now), &quote);
            let middle = tape.mid().unwrap();
            all.push(Both::Quote { now: Timestamp(now), before, quote, mid: middle, book });
        } else {
            let side = if draw(6, 2) == 0 { event::Side::Buy } else { event::Side::Sell };
            let (price, size) = (mid + draw(7, 3) - 1, draw(8, 50) + 1);
            let print = tape.trade(
                Timestamp(now),
                &event::Trade {
                    price: Price(price * CENT),
                    size: Some(Quantity(size * SECOND)),
                    aggressor: Some(side),
                },
            );
            let (price, size) = (price as f64 / 100.0, size as f64);
            let side = if side == event::Side::Buy { Side::Buy } else { Side::Sell };
            let trade = Trade::new(price, size, side, now).unwrap();
            let of_quote = TradeQuote::new(trade, print.mid.unwrap()).unwrap();
            let bar = Candle::new(price, price, price, price, size, now).unwrap();
            all.push(Both::Trade { print, trade, of_quote, bar });
        }
        tapes.push(tape.clone());
    }
    (all, tapes)
}

/// Times what `step` does of each tick after the first.
fn timed<T>(ticks: impl Iterator<Item = T>, mut step: impl FnMut(T)) -> Duration {
    let mut start = Instant::now();
    for (index, tick) in ticks.enumerate() {
        if index == BEFORE {
            start = Instant::now();
        }
        step(tick);
    }
    start.elapsed()
}

fn ours_of(
    both: &[Both],
    tapes: &[Tape],
    read: bool,
    columns: usize,
    mut take: impl FnMut(&Both),
    mut values: impl FnMut(&mut [Option<f64>], Timestamp, &Tape),
) -> Duration {
    // Both are one closure in the engine; here they share what they change by a cell.
    let mut row = vec![None; columns];
    timed(both.iter().zip(tapes), |(seen, tape)| {
        take(black_box(seen));
        if read {
            let now = match seen {
                Both::Quote { now, .. } => *now,
                Both::Trade { print, .. } => print.now,
            };
            values(&mut row, now, tape);
            black_box(&row);
        }
    })
}

/// Books as their indicators take them, which is whole: `each` for every quote, made before the time counts.
fn books(both: &[Both], each: usize) -> impl Iterator<Item = OrderBook> {
    let of = |seen: &Both| match seen {
        Both::Quote { book, .. } => vec![book.clone(); each],
        Both::Trade { .. } => Vec::new(),
    };
    both.iter().flat_map(of).collect::<Vec<_>>().into_iter()
}

fn use_up<T>(value: T) {
    black_box(value);
}

pub fn run() {
    let (both, tapes) = market();
    for (read, what) in [(false, "kept"), (true, "kept, and all columns read at every tick")] {
        let ours = || {
            let family = std::cell::RefCell::new(Microstructure::default());
            let take = |seen: &Both| match seen {
                Both::Quote { now, quote, mid, .. } => family.borrow_mut().quote(*now, quote, *mid),
                Both::Trade { print, .. } => family.borrow_mut().trade(print, true),
            };
            let values = |row: &mut [Option<f64>], now, tape: &Tape| family.borrow_mut().read(now, tape, row);
            ours_of(&both, &tapes, read, microstructure::COLUMNS.len(), take, values)
        };
        let theirs = || {
            let (mut quoted, mut micro, mut top) =
                (QuotedSpread::new(), Microprice::new(), OrderBookImbalanceTop1::new());
            let mut effective = EffectiveSpread::new();
            let mut realised = [1, 5, 30].map(|horizon| RealizedSpread::new(horizon).unwrap());
            let mut roll = RollMeasure::new(256).unwrap();
            let mut amihud = [60; 3].map(|window| AmihudIlliquidity::new(window).unwrap());
            let mut kyle = [60; 3].map(|window| KylesLambda::new(window).unwrap());
            let mut vpin = [10, 50].map(|buckets| Vpin::new(1_250.0, buckets).unwrap());
            let mut books = books(&both, 3);
            let mut book = || books.next().expect("three a quote");
            timed(both.iter(), |seen| match black_box(seen) {
                Both::Quote { .. } => {
                    black_box(quoted.update(book()));
                    black_box(micro.update(book()));
                    black_box(top.update(book()));
                }
                Both::Trade { trade, of_quote, .. } => {
                    black_box(effective.update(*of_quote));
                    realised.iter_mut().for_each(|it| use_up(it.update(*of_quote)));
                    black_box(roll.update(*trade));
                    amihud.iter_mut().for_each(|it| use_up(it.update(*trade)));
                    kyle.iter_mut().for_each(|it| use_up(it.update(*of_quote)));
                    vpin.iter_mut().for_each(|it| use_up(it.update(*trade)));
                }
            })
        };
        let columns = microstructure::COLUMNS.len();
        beside(&format!("microstructure, {columns} beside 13: {what}"), TICKS - BEFORE, ours, theirs);
    }
    for (read, what) in [(false, "kept"), (true, "kept, and all columns read at every tick")] {
        let ours = || {
            let family = std::cell::RefCell::new(OrderFlow::default());
            let take = |seen: &Both| match seen {
                Both::Quote { now, before, quote, .. } => {
                    family.borrow_mut().quote(*now, before.as_ref(), quote)
                }
                Both::Trade { print, .. } => family.borrow_mut().trade(print),
            };
            let values = |row: &mut [Option<f64>], now, tape: &Tape| family.borrow_mut().read(now, tape, row);
            ours_of(&both, &tapes, read, order_flow::COLUMNS.len(), take, values)
        };
        let theirs = || {
            let mut flow = [10, 60, 300, 1_800].map(|window| OrderFlowImbalance::new(window).unwrap());
            let mut imbalance = [10, 60, 300, 1_800].map(|window| TradeImbalance::new(window).unwrap());
            let mut signs = [10, 60, 300, 1_800].map(|window| TradeSignAutocorrelation::new(window).unwrap());
            let mut volume = SignedVolume::new();
            let mut cumulative = CumulativeVolumeDelta::new();
            let mut books = books(&both, 4);
            timed(both.iter(), |seen| match black_box(seen) {
                Both::Quote { .. } => {
                    flow.iter_mut().zip(&mut books).for_each(|(it, book)| use_up(it.update(book)));
                }
                Both::Trade { trade, .. } => {
                    imbalance.iter_mut().for_each(|it| use_up(it.update(*trade)));
                    signs.iter_mut().for_each(|it| use_up(it.update(*trade)));
                    black_box(volume.update(*trade));
                    black_box(cumulative.update(*trade));
                }
            })
        };
        let columns = order_flow::COLUMNS.len();
        beside(&format!("order flow, {columns} beside 14: {what}"), TICKS - BEFORE, ours, theirs);
    }
    for (read, what) in [(false, "kept"), (true, "kept, and all columns read at every tick")] {
        let ours = || {
            let family = std::cell::RefCell::new(VolumeProfile::new(Price(CENT)));
            let take = |seen: &Both| {
                if let Both::Trade { print, .. } = seen {
                    family.borrow_mut().trade(print.now, print.price, print.size);
                }
            };
            let values = |row: &mut [Option<f64>], now, tape: &Tape| family.borrow_mut().read(now, tape, row);
            ours_of(&both, &tapes, read, volume_profile::COLUMNS.len(), take, values)
        };
        let theirs = || {
            let mut areas = [(); 3].map(|()| ValueArea::new(480, 50, 0.7).unwrap());
            timed(both.iter(), |seen| {
                if let Both::Trade { bar, .. } = black_box(seen) {
                    areas.iter_mut().for_each(|it| use_up(it.update(*bar)));
                }
            })
        };
        let columns = volume_profile::COLUMNS.len();
        beside(&format!("volume profile, {columns} beside 3: {what}"), TICKS - BEFORE, ours, theirs);
    }
}
