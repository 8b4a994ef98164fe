//! Illiquidity, informed trading, excitement and volume profiles beside the obvious way: all history, computed anew.

use std::collections::BTreeMap;

use genovo_engine::features::microstructure::{self, Microstructure};
use genovo_engine::features::tape::{Print, Tape};
use genovo_engine::features::volume_profile::{self, VolumeProfile};
use genovo_engine::units::{Price, Timestamp};

use crate::golden::close;
use crate::ticks::{Seen, feed_tape, market, quantity, time};

const SECOND: i64 = 1_000_000_000;
const CENT: i64 = SECOND / 100;

/// What a part of a window holds: how far the middle went in basis points, signed volume, money.
#[derive(Clone, Copy, Default)]
struct Part {
    moved: f64,
    signed: f64,
    money: f64,
}

/// The parts with trades among the last 60 of a window of so many seconds; `None` before it is full.
fn parts(seen: &[Seen], seconds: i64) -> Option<Vec<Part>> {
    let width = seconds * SECOND / 60;
    let number = |seen: &Seen| time(seen).div_euclid(width);
    let (first, last) = (number(seen.first()?), number(seen.last()?));
    if last - first < 59 {
        return None;
    }
    let mut parts: BTreeMap<i64, Part> = BTreeMap::new();
    let mut mid: Option<f64> = None;
    for one in seen {
        let part = parts.entry(number(one)).or_default();
        match one {
            Seen::Quote { quote, .. } => {
                let now = Price::mid_f64(quote.bid, quote.ask);
                if let Some(before) = mid.replace(now) {
                    part.moved += 1e4 * (now / before).ln();
                }
            }
            Seen::Trade(print) => {
                part.signed += f64::from(print.sign) * quantity(print.size);
                part.money += print.price.as_f64() * quantity(print.size);
            }
        }
    }
    let young = parts.into_iter().filter(|(number, part)| *number > last - 60 && part.money > 0.0);
    Some(young.map(|(_, part)| part).collect())
}

fn amihud(parts: &[Part]) -> f64 {
    let count = parts.len() as f64;
    let mean = parts.iter().map(|part| part.moved.abs() / part.money).sum::<f64>() / count;
    mean * parts.iter().map(|part| part.money).sum::<f64>() / count
}

/// The slope of moves on signed volume, for one standard deviation of it.
fn kyle(parts: &[Part]) -> f64 {
    let count = parts.len() as f64;
    let mean = |of: fn(&Part) -> f64| parts.iter().map(of).sum::<f64>() / count;
    let (volume, moved) = (mean(|part| part.signed), mean(|part| part.moved));
    let product: f64 = parts.iter().map(|part| (part.signed - volume) * (part.moved - moved)).sum();
    let square: f64 = parts.iter().map(|part| (part.signed - volume) * (part.signed - volume)).sum();
    product / square * (square / count).sqrt()
}

/// The imbalances of all full buckets: each as large as 50 mean trades of the 512 before the trade that began it.
fn buckets(prints: &[Print]) -> Vec<f64> {
    let sizes: Vec<i64> = prints.iter().map(|print| print.size.map_or(0, |size| size.0)).collect();
    let (mut imbalances, mut room, mut bucket, mut signed) = (Vec::new(), 0_i128, 0_i128, 0_i128);
    for (at, print) in prints.iter().enumerate().skip(512) {
        let mut left = i128::from(sizes[at]);
        while left > 0 {
            if room == 0 {
                let usual: i128 = sizes[at - 512..at].iter().map(|size| i128::from(*size)).sum();
                (bucket, room, signed) = (usual * 50 / 512, usual * 50 / 512, 0);
            }
            let taken = left.min(room);
            signed += taken * i128::from(print.sign);
            (left, room) = (left - taken, room - taken);
            if room == 0 {
                imbalances.push(signed.abs() as f64 / bucket as f64);
            }
        }
    }
    imbalances
}

#[test]
fn illiquidity_informed_trading_and_excitement_are_recounts() {
    for seed in 30..32 {
        let all = market(seed, 16_000);
        let (mut family, mut tape, mut quoted) = (Microstructure::default(), Tape::default(), false);
        let mut compared = [0; 4];
        for (at, seen) in all.iter().enumerate() {
            feed_tape(&mut tape, seen);
            match seen {
                Seen::Quote { now, quote, .. } => {
                    quoted = true;
                    family.quote(Timestamp(*now), quote, Price::mid_f64(quote.bid, quote.ask));
                }
                Seen::Trade(print) => family.trade(print, quoted),
            }
            if at % 1_999 != 0 || at == 0 {
                continue;
            }
            let (past, now) = (&all[..=at], time(seen));
            let mut out = vec![None; microstructure::COLUMNS.len()];
            family.read(Timestamp(now), &tape, &mut out);
            let place = |id: &str| {
                let place = microstructure::COLUMNS.iter().position(|column| column.id == id);
                place.unwrap_or_else(|| panic!("no {id}"))
            };
            let mut same = |kind: usize, id: &str, expected: Option<f64>| {
                let ours = out[place(id)];
                assert_eq!(ours.is_some(), expected.is_some(), "{id} at {at} of seed {seed}");
                if let (Some(ours), Some(expected)) = (ours, expected) {
                    assert!(
                        close(ours, expected, 1e-6),
                        "{id} at {at} of seed {seed}: {ours}, not {expected}"
                    );
                    compared[kind] += 1;
                }
            };
            for (name, seconds) in [("60s", 60), ("300s", 300), ("1800s", 1800)] {
                let parts = parts(past, seconds);
                same(0, &format!("amihud_{name}"), parts.as_deref().map(amihud));
                let enough = parts.filter(|parts| parts.len() >= 8);
                same(1, &format!("kyle_{name}"), enough.as_deref().map(kyle));
            }
            let prints: Vec<Print> = past
                .iter()
                .filter_map(|seen| match seen {
                    Seen::Trade(print) => Some(*print),
                    Seen::Quote { .. } => None,
                })
                .collect();
            let full = buckets(&prints);
            for count in [10, 50] {
                let last = full.len().checked_sub(count).map(|from| &full[from..]);
                let mean = last.map(|last| last.iter().sum::<f64>() / count as f64);
                same(2, &format!("vpin_{count}"), mean);
            }
            let excited = |sign: i8| -> f64 {
                let of = prints.iter().filter(|print| print.sign == sign);
                of.map(|print| (-((now - print.now.0) as f64 / SECOND as f64) / 10.0).exp()).sum()
            };
            let (buys, sells) = (excited(1), excited(-1));
            same(3, "hawkes_buy", Some(buys / 10.0));
            same(3, "hawkes_sell", Some(sells / 10.0));
        }
        assert!(compared.iter().all(|compared| *compared >= 6), "{compared:?}");
    }
}

/// Point of control, bounds of the value area, share above and share at the point, of volume by price.
fn profile(prints: &[&Print], price: f64) -> [f64; 5] {
    let mut volumes: BTreeMap<i64, i128> = BTreeMap::new();
    for print in prints {
        *volumes.entry(print.price.0 / CENT).or_default() += i128::from(print.size.map_or(0, |size| size.0));
    }
    let (low, high) = (*volumes.keys().next().unwrap(), *volumes.keys().last().unwrap());
    let volume = |bin: i64| volumes.get(&bin).copied().unwrap_or(0);
    let total: i128 = volumes.values().sum();
    // Of the greatest the nearest to the middle of the range, then the lower.
    let point = (low..=high).min_by_key(|bin| (-volume(*bin), (2 * bin - low - high).abs(), *bin)).unwrap();
    let (mut from, mut to) = (point, point);
    while (from..=to).map(volume).sum::<i128>() * 10 < total * 7 {
        let above: i128 = (to + 1..=to + 2).map(volume).sum();
        let below: i128 = (from - 2..from).map(volume).sum();
        if to < high && (above >= below || from == low) {
            to = (to + 2).min(high);
        } else {
            from = (from - 2).max(low);
        }
    }
    let middle = |bin: i64| (bin as f64 + 0.5) / 100.0;
    let bps = |bin: i64| 1e4 * (price - middle(bin)) / price;
    let over: i128 = (low..=high).filter(|bin| middle(*bin) > price).map(volume).sum();
    let share = |part: i128| part as f64 / total as f64;
    [bps(point), bps(to), bps(from), share(over), share(volume(point))]
}

#[test]
fn volume_profiles_are_recounts() {
    for seed in 40..43 {
        let all = market(seed, 40_000);
        let (mut family, mut tape) = (VolumeProfile::new(Price(CENT)), Tape::default());
        let mut compared = 0;
        for (at, seen) in all.iter().enumerate() {
            feed_tape(&mut tape, seen);
            if let Seen::Trade(print) = seen {
                family.trade(print.now, print.price, print.size);
            }
            if at % 1_777 != 0 || at == 0 {
                continue;
            }
            let (now, price) = (time(seen), tape.price().unwrap());
            let mut out = vec![None; volume_profile::COLUMNS.len()];
            family.read(Timestamp(now), &tape, &mut out);
            let hours = |time: i64| time.div_euclid(3_600 * SECOND);
            let spans: [fn(i64) -> i64; 3] = [
                |hours| hours.div_euclid(8),
                |hours| hours.div_euclid(24),
                |hours| (hours.div_euclid(24) + 3).div_euclid(7),
            ];
            for (number, span) in spans.into_iter().enumerate() {
                let prints: Vec<&Print> = all[..=at]
                    .iter()
                    .filter_map(|seen| match seen {
                        Seen::Trade(print) if span(hours(print.now.0)) == span(hours(now)) => Some(print),
                        _ => None,
                    })
                    .collect();
                if prints.is_empty() {
                    continue;
                }
                let expected = profile(&prints, price);
                for (column, expected) in [0, 1, 2, 5, 7].into_iter().zip(expected) {
                    let id = volume_profile::COLUMNS[number * 8 + column].id;
                    let ours = out[number * 8 + column].unwrap_or_else(|| panic!("{id} at {at} is unknown"));
                    assert!(
                        close(ours, expected, 1e-9),
                        "{id} at {at} of seed {seed}: {ours}, not {expected}"
                    );
                    compared += 1;
                }
            }
        }
        assert!(compared > 200, "{compared}");
    }
}
