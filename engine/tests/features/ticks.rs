//! Families over ticks beside the obvious way: keep every tick, and compute anew from all of them.

use genovo_engine::event::{Quote, Side, Trade};
use genovo_engine::features::microstructure::{self, Microstructure};
use genovo_engine::features::order_flow::{self, OrderFlow};
use genovo_engine::features::tape::{Print, Tape};
use genovo_engine::units::{Price, Quantity, Timestamp};
use genovo_kernels::random::RandomKey;

use crate::golden::close;

const SECOND: i64 = 1_000_000_000;
const CENT: i64 = SECOND / 100;

/// A quote or a trade with what the families are given of it.
pub enum Seen {
    Quote { now: i64, before: Option<Quote>, quote: Quote },
    Trade(Print),
}

pub fn market(seed: u64, count: u64) -> Vec<Seen> {
    let (mut now, mut mid) = (1_400_000_000 * SECOND, 5_000_i64);
    let mut tape = Tape::default();
    let mut seen = Vec::new();
    for id in 0..count {
        let draw = |purpose: u32, below: u32| {
            i64::from(RandomKey { seed, purpose: 4, id }.words(purpose)[0] % below)
        };
        now += draw(0, 2_000) * 1_000_000;
        mid += draw(1, 5) - 2;
        let size = |value: i64| Some(Quantity((value + 1) * SECOND));
        if draw(2, 10) < 6 {
            let quote = Quote {
                bid: Price((mid - 1 - draw(3, 3)) * CENT),
                ask: Price((mid + 1) * CENT),
                bid_size: size(draw(4, 30)),
                ask_size: size(draw(5, 30)),
            };
            let before = tape.quote(Timestamp(now), &quote);
            seen.push(Seen::Quote { now, before, quote });
        } else {
            let aggressor = [None, Some(Side::Buy), Some(Side::Sell)][draw(6, 3) as usize];
            let trade =
                Trade { price: Price((mid + draw(3, 3) - 1) * CENT), size: size(draw(4, 50)), aggressor };
            seen.push(Seen::Trade(tape.trade(Timestamp(now), &trade)));
        }
    }
    seen
}

pub fn time(seen: &Seen) -> i64 {
    match seen {
        Seen::Quote { now, .. } => *now,
        Seen::Trade(print) => print.now.0,
    }
}

/// What of `seen` lies in the window of so many seconds that ends now: 60 equal parts of the clock.
pub fn inside(seen: &[Seen], now: i64, seconds: i64) -> Vec<&Seen> {
    let width = seconds * SECOND / 60;
    let first = now.div_euclid(width) - 60;
    seen.iter().filter(|seen| time(seen).div_euclid(width) > first).collect()
}

pub fn quantity(size: Option<Quantity>) -> f64 {
    size.map_or(0.0, Quantity::as_f64)
}

/// The columns of one window of order flow but those of large trades and of the slope.
fn order_flow_anew(seen: &[&Seen], all: &[Seen], price: f64) -> [(usize, Option<f64>); 7] {
    let (mut flow, mut depth, mut quotes, mut imbalance) = (0.0, 0.0, 0.0, 0.0);
    let (mut ups, mut downs) = (0.0, 0.0);
    let (mut signed, mut volume, mut buys, mut sells, mut money) = (0.0, 0.0, 0.0, 0.0, 0.0);
    for seen in seen {
        match seen {
            Seen::Quote { before, quote, .. } => {
                let (bid, ask) = (quantity(quote.bid_size), quantity(quote.ask_size));
                depth += bid + ask;
                quotes += 1.0;
                imbalance += (bid - ask) / (bid + ask);
                if let Some(before) = before {
                    let (old_bid, old_ask) = (quantity(before.bid_size), quantity(before.ask_size));
                    let of = |holds: bool, value: f64| if holds { value } else { 0.0 };
                    flow += of(quote.bid >= before.bid, bid) - of(quote.bid <= before.bid, old_bid);
                    flow += of(quote.ask >= before.ask, old_ask) - of(quote.ask <= before.ask, ask);
                    let moved = (quote.bid.0 + quote.ask.0) - (before.bid.0 + before.ask.0);
                    ups += of(moved > 0, 1.0);
                    downs += of(moved < 0, 1.0);
                }
            }
            Seen::Trade(print) => {
                let size = quantity(print.size);
                volume += size;
                signed += size * f64::from(print.sign);
                money += size * print.price.as_f64();
                buys += f64::from(u8::from(print.sign > 0));
                sells += f64::from(u8::from(print.sign < 0));
            }
        }
    }
    // Pairs of a trade in the window with the signed trade before it, wherever that was.
    let start = seen.first().map_or(i64::MAX, |seen| time(seen));
    let (mut same, mut pairs, mut last) = (0.0, 0.0, 0.0);
    for seen in all {
        if let Seen::Trade(print) = seen
            && print.sign != 0
        {
            let sign = f64::from(print.sign);
            if time(seen) >= start && last != 0.0 {
                same += last * sign;
                pairs += 1.0;
            }
            last = sign;
        }
    }
    let ratio = |a: f64, b: f64| (b != 0.0).then(|| a / b);
    [
        (0, ratio(flow, depth / quotes / 2.0).filter(|_| quotes > 0.0)),
        (1, ratio(imbalance, quotes)),
        (2, ratio(ups - downs, ups + downs)),
        (3, ratio(signed, volume)),
        (5, ratio(buys - sells, buys + sells)),
        (7, ratio(same, pairs)),
        (8, ratio(money, volume).map(|average| 1e4 * (price - average) / price)),
    ]
}

#[test]
fn order_flow_is_a_recount() {
    for seed in 0..3 {
        let all = market(seed, 1_500);
        let (mut family, mut tape) = (OrderFlow::default(), Tape::default());
        let mut compared = 0;
        for (at, seen) in all.iter().enumerate() {
            feed_tape(&mut tape, seen);
            match seen {
                Seen::Quote { now, before, quote } => family.quote(Timestamp(*now), before.as_ref(), quote),
                Seen::Trade(print) => family.trade(print),
            }
            if at % 61 != 0 || tape.price().is_none() {
                continue;
            }
            let now = time(seen);
            let mut out = vec![None; order_flow::COLUMNS.len()];
            family.read(Timestamp(now), &tape, &mut out);
            let price = tape.price().unwrap();
            for (window, seconds) in [10, 60, 300, 1800].into_iter().enumerate() {
                let young = inside(&all[..=at], now, seconds);
                for (column, expected) in order_flow_anew(&young, &all[..=at], price) {
                    let ours = out[window * 9 + column];
                    let id = order_flow::COLUMNS[window * 9 + column].id;
                    if let Some(ours) = ours {
                        let expected =
                            expected.unwrap_or_else(|| panic!("{id} at {at} of seed {seed}: {ours}"));
                        assert!(
                            close(ours, expected, 1e-7),
                            "{id} at {at} of seed {seed}: {ours}, not {expected}"
                        );
                        compared += 1;
                    }
                }
            }
        }
        assert!(compared > 200, "{compared}");
    }
}

pub fn feed_tape(tape: &mut Tape, seen: &Seen) {
    match seen {
        Seen::Quote { now, quote, .. } => {
            tape.quote(Timestamp(*now), quote);
        }
        Seen::Trade(print) => tape.trade = Some((print.price, print.now)),
    }
}

/// The middle that held until just before `at`: that of the last quote before it.
fn mid_before(all: &[Seen], at: i64) -> Option<f64> {
    let mut quotes = all.iter().filter_map(|seen| match seen {
        Seen::Quote { now, quote, .. } if *now < at => Some(Price::mid_f64(quote.bid, quote.ask)),
        _ => None,
    });
    quotes.next_back()
}

#[test]
fn spreads_are_a_recount() {
    for seed in 10..13 {
        let all = market(seed, 1_500);
        let (mut family, mut tape) = (Microstructure::default(), Tape::default());
        let mut compared = 0;
        let mut quoted = false;
        for (at, seen) in all.iter().enumerate() {
            feed_tape(&mut tape, seen);
            match seen {
                Seen::Quote { now, quote, .. } => {
                    quoted = true;
                    family.quote(Timestamp(*now), quote, Price::mid_f64(quote.bid, quote.ask));
                }
                Seen::Trade(print) => family.trade(print, quoted),
            }
            if at % 97 != 0 {
                continue;
            }
            let now = time(seen);
            let mut out = vec![None; microstructure::COLUMNS.len()];
            family.read(Timestamp(now), &tape, &mut out);
            let trades = |seconds: i64| -> Vec<Print> {
                let young = inside(&all[..=at], now, seconds);
                let prints = young.into_iter().filter_map(|seen| match seen {
                    Seen::Trade(print) if print.sign != 0 && print.mid.is_some() => Some(*print),
                    _ => None,
                });
                prints.collect()
            };
            let mean = |values: Vec<f64>| {
                (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
            };
            for (place, seconds) in [(4, 10), (5, 60), (6, 300)] {
                let prints = trades(seconds);
                let effective = prints.iter().map(|print| {
                    let mid = print.mid.unwrap();
                    2e4 * f64::from(print.sign) * (print.price.as_f64() - mid) / mid
                });
                let expected = mean(effective.collect());
                if let Some(ours) = out[place] {
                    assert!(close(ours, expected.unwrap(), 1e-6), "{place} at {at}: {ours} {expected:?}");
                    compared += 1;
                }
            }
            // A trade counts in the part of the clock in which the first event at or after its horizon came.
            for (h, horizon) in [1, 5, 30].into_iter().enumerate() {
                let (mut realised, mut impact) = (Vec::new(), Vec::new());
                for seen in &all[..=at] {
                    let Seen::Trade(print) = seen else { continue };
                    let Some(mid) = print.mid.filter(|_| print.sign != 0) else { continue };
                    let due = print.now.0 + horizon * SECOND;
                    let Some(settled) = all[..=at].iter().map(time).find(|time| *time >= due) else {
                        continue;
                    };
                    let width = 5 * SECOND;
                    if settled.div_euclid(width) <= now.div_euclid(width) - 60 {
                        continue;
                    }
                    let after = mid_before(&all, settled).unwrap();
                    let sign = f64::from(print.sign);
                    realised.push(2e4 * sign * (print.price.as_f64() - after) / mid);
                    impact.push(2e4 * sign * (after - mid) / mid);
                }
                for (place, values) in [(7 + h, realised), (10 + h, impact)] {
                    if let Some(ours) = out[place] {
                        let expected = mean(values).unwrap();
                        assert!(close(ours, expected, 1e-6), "{place} at {at}: {ours}, not {expected}");
                        compared += 1;
                    }
                }
            }
        }
        assert!(compared > 40, "{compared}");
    }
}
