//! What the model sees of one instrument: a first set of features, the touch, trades, and times.
//!
//! Everything is computed in f64 from sums, products, quotients, roots and our own logarithm, cut to ±8, and rounded
//! to f32 once. What is not known is absent: +0.0 to the model, and not valid in the journal.

use genovo_kernels::scalar::f64::ln;

use crate::canonical::fields;
use crate::event::{Bar, Fact, Quote, Side, Trade};
use crate::settings::Instrument;
use crate::units::{Quantity, Timestamp};

/// The features' names, in the order of the model's first columns. A step is one decision point.
pub const FEATURES: [&str; 21] = [
    "return_1",
    "return_4",
    "return_16",
    "return_64",
    "volatility_fast",
    "volatility_slow",
    "spread",
    "spread_change",
    "imbalance",
    "ticks",
    "trades",
    "direction",
    "range",
    "place",
    "trend_8",
    "trend_32",
    "trend_128",
    "bar_return",
    "bar_range",
    "bar_place",
    "silence",
];
/// The first level of the book; deeper ones are absent.
pub const BOOK: [&str; 6] = ["bid_distance", "ask_distance", "bid_size", "ask_size", "bid_flow", "ask_flow"];
/// Trades since the last step.
pub const TRADES: [&str; 8] = [
    "signed_volume",
    "trade_count",
    "buys",
    "sells",
    "last_side",
    "touch_spread",
    "touch_imbalance",
    "mid_change",
];
/// Times: fractions of a day and a week, and the time since the last step.
pub const STAMPS: [&str; 3] = ["time_of_day", "time_of_week", "gap"];

/// Mids kept: one for each of the last steps.
const HISTORY: usize = 65;
const DAY: i64 = 86_400_000_000_000;
const WEEK: i64 = 7 * DAY;
/// 1 January 1970 was a Thursday; weeks begin on Monday.
const MONDAY: i64 = 3 * DAY;

/// Exponential means of the squared return of a step, over about so many steps.
const FAST: f64 = 1.0 / 16.0;
const USUAL: f64 = 1.0 / 64.0;
const SLOW: f64 = 1.0 / 256.0;

/// What happened since the last step.
#[derive(Clone, Copy, Debug, Default)]
struct Since {
    ticks: u32,
    trades: u32,
    buys: u32,
    sells: u32,
    ups: u32,
    downs: u32,
    signed_volume: f64,
    last_side: f64,
    bid_flow: f64,
    ask_flow: f64,
    range: Option<(f64, f64)>,
}

fields! {
    Since {
        ticks, trades, buys, sells, ups, downs, signed_volume, last_side, bid_flow, ask_flow, range
    }
}

/// One instrument's market as the model sees it.
#[derive(Clone, Debug)]
pub struct Seen {
    tick: f64,
    lot: f64,
    quote: Option<Quote>,
    last: Option<f64>,
    since: Since,
    /// Mids at the last steps, the newest at `steps - 1` modulo its length.
    mids: [f64; HISTORY],
    steps: u64,
    squares: [f64; 3],
    trends: [f64; 3],
    spread: Option<f64>,
    bar: Option<Bar>,
    close_before: Option<f64>,
    heard: Timestamp,
    stepped: Option<Timestamp>,
}

crate::state! {
    Seen {
        quote, last, since, mids, steps, squares, trends, spread, bar, close_before, heard, stepped
    }
}

/// What a step comes to.
#[derive(Clone, Debug)]
pub struct Step {
    /// Of [`FEATURES`].
    pub features: [Option<f32>; FEATURES.len()],
    /// Of [`BOOK`].
    pub book: [Option<f32>; BOOK.len()],
    /// Of [`TRADES`].
    pub trades: [Option<f32>; TRADES.len()],
    /// Of [`STAMPS`].
    pub stamps: [f32; STAMPS.len()],
    /// The usual return of a step, if one is known.
    pub volatility: Option<f64>,
}

/// ln(1 + x) of a count or a size, with its sign.
fn squeezed(x: f64) -> f64 {
    if x < 0.0 { -ln(1.0 - x) } else { ln(1.0 + x) }
}

/// One rounding, after the cut. NaN stays NaN, and is a fault later.
#[allow(clippy::manual_clamp)] // `clamp` is a function whose NaN rules other backends do not share
pub fn rounded(x: f64) -> f32 {
    let cut = if x > 8.0 {
        8.0
    } else if x < -8.0 {
        -8.0
    } else {
        x
    };
    cut as f32
}

fn ratio(above: f64, below: f64) -> Option<f64> {
    (below > 0.0).then(|| above / below)
}

impl Seen {
    /// Nothing seen yet.
    pub fn new(instrument: &Instrument) -> Seen {
        Seen {
            tick: instrument.tick.as_f64(),
            lot: instrument.lot.as_f64(),
            quote: None,
            last: None,
            since: Since::default(),
            mids: [0.0; HISTORY],
            steps: 0,
            squares: [0.0; 3],
            trends: [0.0; 3],
            spread: None,
            bar: None,
            close_before: None,
            heard: Timestamp::MIN,
            stepped: None,
        }
    }

    /// The middle of the touch, else the last price.
    fn mid(&self) -> Option<f64> {
        match &self.quote {
            Some(quote) => Some((quote.bid.as_f64() + quote.ask.as_f64()) / 2.0),
            None => self.last,
        }
    }

    /// Takes in a market event or a closed bar that arrived at `now`.
    pub fn update(&mut self, fact: &Fact, now: Timestamp) {
        let before = self.mid();
        match fact {
            Fact::QuoteChanged(quote) => {
                if let Some(last) = &self.quote {
                    let flow = |now: Option<Quantity>, before: Option<Quantity>, better: i64| {
                        let now = now.map_or(0.0, Quantity::as_f64);
                        let before = before.map_or(0.0, Quantity::as_f64);
                        match better.signum() {
                            1 => now,
                            -1 => -before,
                            _ => now - before,
                        }
                    };
                    let better = quote.bid.0.saturating_sub(last.bid.0);
                    self.since.bid_flow += flow(quote.bid_size, last.bid_size, better);
                    let better = last.ask.0.saturating_sub(quote.ask.0);
                    self.since.ask_flow += flow(quote.ask_size, last.ask_size, better);
                }
                self.quote = Some(*quote);
            }
            Fact::TradePrinted(trade) => self.trade(trade),
            Fact::BarReceived(bar) => {
                self.last = Some(bar.close.as_f64());
                self.close_bar(bar);
            }
            Fact::BarClosed(bar) => return self.close_bar(bar),
            _ => return,
        }
        self.heard = now;
        self.since.ticks += 1;
        if let Some(mid) = self.mid() {
            match before {
                Some(before) if mid > before => self.since.ups += 1,
                Some(before) if mid < before => self.since.downs += 1,
                _ => {}
            }
            let (low, high) = self.since.range.unwrap_or((mid, mid));
            self.since.range = Some((if mid < low { mid } else { low }, if mid > high { mid } else { high }));
        }
    }

    fn trade(&mut self, trade: &Trade) {
        self.last = Some(trade.price.as_f64());
        let size = trade.size.map_or(0.0, Quantity::as_f64);
        let since = &mut self.since;
        since.trades += 1;
        match trade.aggressor {
            Some(Side::Buy) => {
                since.buys += 1;
                since.signed_volume += size;
                since.last_side = 1.0;
            }
            Some(Side::Sell) => {
                since.sells += 1;
                since.signed_volume -= size;
                since.last_side = -1.0;
            }
            None => {}
        }
    }

    fn close_bar(&mut self, bar: &Bar) {
        self.close_before = self.bar.map(|bar| bar.close.as_f64());
        self.bar = Some(*bar);
    }

    /// The mid so many steps before the newest.
    fn mid_before(&self, steps: u64) -> Option<f64> {
        let at = self.steps.checked_sub(1 + steps)?;
        Some(self.mids[(at % HISTORY as u64) as usize])
    }

    /// Takes a step at `now`: what is seen, and a fresh start of what is counted. `None` without a price.
    pub fn step(&mut self, now: Timestamp) -> Option<Step> {
        let mid = self.mid().filter(|mid| *mid > 0.0)?;
        let change = self.mid_before(0).map(|before| mid - before);
        self.mids[(self.steps % HISTORY as u64) as usize] = mid;
        self.steps += 1;
        self.learn(mid);
        let volatility = (self.steps > 1).then(|| self.squares[1].sqrt()).filter(|v| *v > 0.0);
        let spread = self.quote.map(|quote| quote.ask.as_f64() - quote.bid.as_f64());
        let step = Step {
            features: self.features(mid, volatility, spread, now),
            book: self.book(mid),
            trades: self.trades(change, spread),
            stamps: self.stamps(now),
            volatility,
        };
        if let Some(spread) = spread {
            let mean = self.spread.unwrap_or(spread);
            self.spread = Some((spread - mean).mul_add(USUAL, mean));
        }
        self.since = Since { last_side: self.since.last_side, ..Since::default() };
        self.stepped = Some(now);
        Some(step)
    }

    /// Means of squared returns, and of the mid.
    fn learn(&mut self, mid: f64) {
        match self.mid_before(1) {
            None => self.trends = [mid; 3],
            Some(before) => {
                let moved = ln(mid / before);
                for (mean, share) in self.squares.iter_mut().zip([FAST, USUAL, SLOW]) {
                    // The first return is the mean so far.
                    let share = if self.steps == 2 { 1.0 } else { share };
                    *mean = moved.mul_add(moved, -*mean).mul_add(share, *mean);
                }
                for (mean, share) in self.trends.iter_mut().zip([1.0 / 8.0, 1.0 / 32.0, 1.0 / 128.0]) {
                    *mean = (mid - *mean).mul_add(share, *mean);
                }
            }
        }
    }

    fn features(
        &self,
        mid: f64,
        volatility: Option<f64>,
        spread: Option<f64>,
        now: Timestamp,
    ) -> [Option<f32>; FEATURES.len()] {
        let since = &self.since;
        // A move in units of the usual one of so many steps.
        let scaled = |moved: f64, steps: f64| ratio(moved, volatility? * steps.sqrt());
        let back = |steps: u64| scaled(ln(mid / self.mid_before(steps)?), steps as f64);
        let [fast, usual, slow] = self.squares;
        let apart = |a: f64, b: f64| (a > 0.0 && b > 0.0).then(|| ln(a / b) / 2.0);
        let sizes = self.quote.and_then(|quote| Some((quote.bid_size?.as_f64(), quote.ask_size?.as_f64())));
        let moves = f64::from(since.ups) + f64::from(since.downs);
        let bar = self.bar.map(|bar| (bar.high.as_f64(), bar.low.as_f64(), bar.close.as_f64()));
        let trend = |mean: f64| scaled((mid - mean) / mid, 1.0);
        let values = [
            back(1),
            back(4),
            back(16),
            back(64),
            apart(fast, usual),
            apart(slow, usual),
            spread.map(|spread| squeezed(spread / self.tick)),
            spread.and_then(|spread| ratio(spread, self.spread?)).map(|times| times - 1.0),
            sizes.and_then(|(bid, ask)| ratio(bid - ask, bid + ask)),
            Some(squeezed(f64::from(since.ticks))),
            Some(squeezed(f64::from(since.trades))),
            ratio(f64::from(since.ups) - f64::from(since.downs), moves),
            since.range.and_then(|(low, high)| scaled((high - low) / mid, 1.0)),
            since.range.and_then(|(low, high)| ratio(mid - low, high - low)).map(|place| place - 0.5),
            trend(self.trends[0]),
            trend(self.trends[1]),
            trend(self.trends[2]),
            bar.and_then(|(.., close)| scaled(ln(close / self.close_before?), 1.0)),
            bar.and_then(|(high, low, _)| scaled((high - low) / mid, 1.0)),
            bar.and_then(|(high, low, close)| ratio(close - low, high - low)).map(|place| place - 0.5),
            Some(squeezed(now.0.saturating_sub(self.heard.0) as f64 / 1e9)),
        ];
        values.map(|value| value.map(rounded))
    }

    fn book(&self, mid: f64) -> [Option<f32>; BOOK.len()] {
        let Some(quote) = &self.quote else { return [None; BOOK.len()] };
        let size = |size: Option<Quantity>| size.map(|size| squeezed(size.as_f64() / self.lot) / 2.0);
        let flow = |flow: f64| quote.bid_size.map(|_| squeezed(flow / self.lot) / 2.0);
        let values = [
            Some(squeezed((mid - quote.bid.as_f64()) / self.tick)),
            Some(squeezed((quote.ask.as_f64() - mid) / self.tick)),
            size(quote.bid_size),
            size(quote.ask_size),
            flow(self.since.bid_flow),
            flow(self.since.ask_flow),
        ];
        values.map(|value| value.map(rounded))
    }

    fn trades(&self, change: Option<f64>, spread: Option<f64>) -> [Option<f32>; TRADES.len()] {
        let since = &self.since;
        let sizes = self.quote.and_then(|quote| Some((quote.bid_size?.as_f64(), quote.ask_size?.as_f64())));
        let values = [
            Some(squeezed(since.signed_volume / self.lot) / 2.0),
            Some(squeezed(f64::from(since.trades))),
            Some(squeezed(f64::from(since.buys))),
            Some(squeezed(f64::from(since.sells))),
            Some(since.last_side),
            spread.map(|spread| squeezed(spread / self.tick)),
            sizes.and_then(|(bid, ask)| ratio(bid - ask, bid + ask)),
            change.map(|change| squeezed(change / self.tick)),
        ];
        values.map(|value| value.map(rounded))
    }

    fn stamps(&self, now: Timestamp) -> [f32; STAMPS.len()] {
        let day = now.0.rem_euclid(DAY) as f64 / DAY as f64;
        // Whole days are taken off first, so that the shift cannot overflow.
        let week = (now.0.rem_euclid(WEEK) + MONDAY).rem_euclid(WEEK) as f64 / WEEK as f64;
        let gap = self.stepped.map_or(0.0, |before| squeezed(now.0.saturating_sub(before.0) as f64 / 1e9));
        [day as f32, week as f32, gap as f32]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Commission;
    use crate::units::{Price, Ratio};

    fn seen() -> Seen {
        Seen::new(&Instrument {
            symbol: "X".to_string(),
            tick: Price(1_000_000_000),
            lot: Quantity(1_000_000_000),
            multiplier: Quantity(1_000_000_000),
            margin_initial: Ratio::ONE,
            margin_maintenance: Ratio::ONE,
            commission: Commission::default(),
            currency: None,
        })
    }

    fn quote(bid: i64, ask: i64, sizes: Option<(i64, i64)>) -> Fact {
        let size = |size: i64| Quantity(size * 1_000_000_000);
        Fact::QuoteChanged(Quote {
            bid: Price(bid * 1_000_000_000),
            ask: Price(ask * 1_000_000_000),
            bid_size: sizes.map(|sizes| size(sizes.0)),
            ask_size: sizes.map(|sizes| size(sizes.1)),
        })
    }

    fn feature(step: &Step, name: &str) -> Option<f32> {
        step.features[FEATURES.iter().position(|known| *known == name).expect(name)]
    }

    #[test]
    fn nothing_is_a_step_without_a_price() {
        assert!(seen().step(Timestamp(5)).is_none());
        let mut seen = seen();
        seen.update(&quote(100, 102, None), Timestamp(1));
        let step = seen.step(Timestamp(2)).unwrap();
        // One price is no return, and sizes that the data lacks are no imbalance.
        for name in ["return_1", "volatility_fast", "imbalance", "trend_8", "bar_return"] {
            assert_eq!(feature(&step, name), None, "{name}");
        }
        assert_eq!(feature(&step, "ticks"), Some(std::f32::consts::LN_2));
        assert_eq!(step.book[2..], [None; 4]);
        assert_eq!(step.volatility, None);
    }

    #[test]
    fn returns_are_in_units_of_the_usual_one() {
        let mut seen = seen();
        for (time, mid) in [(1, 100), (2, 110), (3, 100)] {
            seen.update(&quote(mid - 1, mid + 1, Some((6, 2))), Timestamp(time));
            let step = seen.step(Timestamp(time)).unwrap();
            assert_eq!(feature(&step, "imbalance"), Some(0.5));
            if time > 1 {
                let sign = if mid == 110 { 1.0 } else { -1.0 };
                assert!((feature(&step, "return_1").unwrap() - sign).abs() < 1e-6);
                assert_eq!(feature(&step, "direction"), Some(sign));
            }
        }
        assert!((seen.squares[1].sqrt() - ln(1.1)).abs() < 1e-12);
    }

    #[test]
    fn flow_is_what_came_minus_what_went() {
        let mut seen = seen();
        for (bid, ask, sizes) in
            [(100, 102, (5, 5)), (100, 102, (8, 4)), (101, 102, (2, 4)), (99, 101, (7, 3))]
        {
            seen.update(&quote(bid, ask, Some(sizes)), Timestamp(1));
        }
        // Bid: +3 at the same price, +2 at a better one, -2 when it fell. Ask: -1, 0, +3 at a better price.
        assert_eq!((seen.since.bid_flow, seen.since.ask_flow), (3.0, 2.0));
        seen.step(Timestamp(1)).unwrap();
        assert_eq!((seen.since.bid_flow, seen.since.ticks), (0.0, 0));
    }

    #[test]
    fn weeks_begin_on_monday() {
        let seen = seen();
        // Monday, 5 January 1970, 06:00.
        let [day, week, gap] = seen.stamps(Timestamp(4 * DAY + DAY / 4));
        assert_eq!((day, week, gap), (0.25, 0.25 / 7.0, 0.0));
        let ends = [Timestamp::MIN, Timestamp(i64::MAX)].map(|time| seen.stamps(time));
        assert!(ends.iter().flatten().all(|fraction| (0.0..=1.0).contains(fraction)));
    }

    #[test]
    fn what_is_far_is_cut() {
        assert_eq!([rounded(1e300), rounded(-1e300), rounded(0.5)], [8.0, -8.0, 0.5]);
        assert!(rounded(f64::NAN).is_nan());
        assert_eq!([squeezed(1.0), squeezed(-1.0)], [ln(2.0), -ln(2.0)]);
    }
}
