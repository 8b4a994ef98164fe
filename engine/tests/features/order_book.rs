//! The family of order books beside the obvious way: keep every update and trade, and compute anew from all of them;
//! and nothing of it looks ahead.

use std::collections::BTreeMap;

use genovo_engine::book::Book;
use genovo_engine::event::{BookAction, BookChange, Side};
use genovo_engine::features::order_book::{COLUMNS, OrderBook};
use genovo_engine::units::{Price, Quantity, SCALE, Timestamp};
use genovo_kernels::random::RandomKey;

use crate::golden::close;

const SECOND: i64 = 1_000_000_000;

/// What happened: levels of an update, or a trade with its sign.
#[derive(Clone)]
enum Seen {
    Update(i64, Vec<BookChange>),
    Trade(i64, i64, i8),
}

fn time(seen: &Seen) -> i64 {
    match seen {
        Seen::Update(now, _) | Seen::Trade(now, _, _) => *now,
    }
}

/// Updates of levels around a price that walks, and trades.
fn market(seed: u64, count: u64) -> Vec<Seen> {
    let (mut now, mut mid) = (1_700_000_000 * SECOND, 10_000_i64);
    let mut seen = Vec::new();
    let mut shown: BTreeMap<(u8, i64), i64> = BTreeMap::new();
    for id in 0..count {
        let draw = |purpose: u32, below: u32| {
            i64::from(RandomKey { seed, purpose: 9, id }.words(purpose)[0] % below)
        };
        now += draw(0, 300) * 1_000_000;
        if draw(1, 5) == 0 {
            seen.push(Seen::Trade(now, draw(2, 20) + 1, [-1, 0, 1][draw(3, 3) as usize]));
            continue;
        }
        mid += draw(4, 3) - 1;
        let mut changes = BTreeMap::new();
        // What the price has crossed goes.
        for ((side, at), _) in shown.iter().filter(|((side, at), _)| (*side == 1) == (*at >= mid)) {
            changes.insert((*side, *at), 0);
        }
        for n in 0..6 {
            let side = if draw(10 + 3 * n, 2) == 0 { Side::Buy } else { Side::Sell };
            let at = mid - side.sign() * (1 + draw(11 + 3 * n, 14)) + i64::from(side == Side::Buy);
            let size = [0, 1, 5, 9, 20][draw(12 + 3 * n, 5) as usize];
            changes.insert((side as u8, at - i64::from(side == Side::Buy)), size);
        }
        for (key, size) in &changes {
            if *size > 0 {
                shown.insert(*key, *size)
            } else {
                shown.remove(key)
            };
        }
        let last = changes.len();
        let change = |(place, ((side, at), size)): (usize, (&(u8, i64), &i64))| BookChange {
            price: Price(at * SCALE),
            size: Quantity(size * SCALE),
            order: 0,
            side: if *side == 1 { Side::Buy } else { Side::Sell },
            action: BookAction::SetLevel,
            last: place + 1 == last,
        };
        seen.push(Seen::Update(now, changes.iter().enumerate().map(change).collect()));
    }
    seen
}

/// The rows after each step.
fn rows(seen: &[Seen]) -> Vec<Vec<Option<f64>>> {
    let (mut family, mut book) = (OrderBook::default(), Book::new(Price(SCALE)));
    let mut rows = Vec::new();
    for seen in seen {
        match seen {
            Seen::Update(now, changes) => {
                changes.iter().for_each(|change| book.change(change));
                family.update(Timestamp(*now), &book);
            }
            Seen::Trade(_, size, sign) => family.trade(Some(Quantity(size * SCALE)), *sign),
        }
        let mut row = vec![None; COLUMNS.len()];
        family.read(Timestamp(time(seen)), &mut row);
        rows.push(row);
    }
    rows
}

/// The ten best levels of a side, best first: price in keys that grow towards the market, and size.
fn ten(levels: &BTreeMap<(u8, i64), f64>, side: u8) -> Vec<(i64, f64)> {
    let sign = if side == 1 { 1 } else { -1 };
    let mut all: Vec<(i64, f64)> =
        levels.iter().filter(|((of, _), _)| *of == side).map(|((_, at), size)| (at * sign, *size)).collect();
    all.sort_by_key(|level| -level.0);
    all.truncate(10);
    all
}

/// An update but the first: its time, flow and size of five levels, what left, what joined.
type Step = (i64, [f64; 5], [f64; 5], f64, f64);

/// All columns at the end of `seen`, from everything.
fn anew(seen: &[Seen]) -> Vec<Option<f64>> {
    let mut levels: BTreeMap<(u8, i64), f64> = BTreeMap::new();
    let mut traded = [0.0; 2];
    let mut steps: Vec<Step> = Vec::new();
    let mut before: Option<[Vec<(i64, f64)>; 2]> = None;
    let mut first = None;
    for seen in seen {
        match seen {
            Seen::Trade(_, size, sign) if *sign != 0 => traded[usize::from(*sign > 0)] += *size as f64,
            Seen::Trade(..) => {}
            Seen::Update(now, changes) => {
                first.get_or_insert(*now);
                for change in changes {
                    let key = (change.side as u8, change.price.0 / SCALE);
                    match change.size.0 / SCALE {
                        0 => levels.remove(&key),
                        size => levels.insert(key, size as f64),
                    };
                }
                let sides = [ten(&levels, 1), ten(&levels, 2)];
                if let Some(before) = &before {
                    let (mut flows, mut sizes, mut left, mut joined) = ([0.0; 5], [0.0; 5], 0.0, 0.0);
                    for (side, sign) in [(0, 1.0), (1, -1.0)] {
                        let (old, new) = (&before[side], &sides[side]);
                        for (level, (flow, shown)) in flows.iter_mut().zip(&mut sizes).enumerate() {
                            let (was, is) = (old.get(level), new.get(level));
                            let better = |a: Option<&(i64, f64)>, b: Option<&(i64, f64)>| {
                                a.map(|l| l.0) >= b.map(|l| l.0)
                            };
                            if better(is, was) {
                                *flow += sign * is.map_or(0.0, |level| level.1);
                            }
                            if better(was, is) {
                                *flow -= sign * was.map_or(0.0, |level| level.1);
                            }
                            *shown += is.map_or(0.0, |level| level.1);
                        }
                        // Beyond the tenth level of either nobody knows.
                        let edge = |side: &Vec<(i64, f64)>| side.get(9).map_or(i64::MIN, |level| level.0);
                        let edge = edge(old).max(edge(new));
                        let size = |side: &Vec<(i64, f64)>, at: i64| {
                            side.iter().find(|level| level.0 == at).map_or(0.0, |level| level.1)
                        };
                        let mut at: Vec<i64> = old.iter().chain(new).map(|level| level.0).collect();
                        at.sort_unstable();
                        at.dedup();
                        let changes: Vec<f64> = at
                            .into_iter()
                            .filter(|at| *at >= edge)
                            .map(|at| size(new, at) - size(old, at))
                            .collect();
                        let went: f64 =
                            changes.iter().filter(|change| **change < 0.0).map(|change| -change).sum();
                        left += (went - traded[side]).max(0.0);
                        joined += changes.iter().filter(|change| **change > 0.0).sum::<f64>();
                    }
                    steps.push((*now, flows, sizes, left, joined));
                }
                before = Some(sides);
                traded = [0.0; 2];
            }
        }
    }
    let mut out = vec![None; COLUMNS.len()];
    let (Some([bids, asks]), Some(first)) = (before, first) else { return out };
    let some = |value: f64| value.is_finite().then_some(value);
    for (place, depth) in [(0, 5), (1, 10)] {
        let sum = |side: &Vec<(i64, f64)>| side.iter().take(depth).map(|level| level.1).sum::<f64>();
        out[place] = some((sum(&bids) - sum(&asks)) / (sum(&bids) + sum(&asks)));
    }
    for (place, side) in [(2, &bids), (3, &asks)] {
        if side.len() == 10 {
            let sum: f64 = side.iter().map(|level| level.1).sum();
            let bps = 1e4 * (side[0].0 - side[9].0) as f64 / side[0].0.abs() as f64;
            out[place] = some((sum / side[0].1 - 1.0) / bps);
        }
    }
    let now = time(seen.last().unwrap());
    for (seconds, flows, cancels) in [(10, 4, 14), (60, 9, 15)] {
        let width = seconds * SECOND / 60;
        let part = |time: i64| time.div_euclid(width);
        if part(now) - part(first) < 59 {
            continue;
        }
        let inside: Vec<_> = steps.iter().filter(|step| part(step.0) > part(now) - 60).collect();
        for level in 0..5 {
            let flow: f64 = inside.iter().map(|step| step.1[level]).sum();
            let size: f64 = inside.iter().map(|step| step.2[level]).sum();
            out[flows + level] = some(flow / (size / inside.len() as f64 / 2.0));
        }
        let left: f64 = inside.iter().map(|step| step.3).sum();
        out[cancels] = some(left / inside.iter().map(|step| step.4).sum::<f64>());
    }
    out
}

#[test]
fn every_column_is_what_a_recount_gives() {
    for seed in 0..3 {
        let seen = market(seed, 1_200);
        let rows = rows(&seen);
        let mut known = vec![0; COLUMNS.len()];
        for at in (0..seen.len()).step_by(61) {
            for (column, (ours, theirs)) in rows[at].iter().zip(anew(&seen[..=at])).enumerate() {
                match (ours, theirs) {
                    (None, None) => {}
                    (Some(ours), Some(theirs)) => {
                        known[column] += 1;
                        assert!(close(*ours, theirs, 1e-9), "{}: {ours}, {theirs}", COLUMNS[column].id);
                    }
                    both => panic!("{} at {at} of seed {seed}: {both:?}", COLUMNS[column].id),
                }
            }
        }
        assert!(known.iter().all(|count| *count > 3), "{known:?}");
    }
}

#[test]
fn no_column_of_a_book_looks_ahead() {
    let seen = market(7, 900);
    let whole = rows(&seen);
    for cut in [100, 500, 800] {
        let mut changed = seen[..cut].to_vec();
        let later = time(&seen[cut - 1]) - 1_700_000_000 * SECOND;
        changed.extend(market(8, 50).into_iter().map(|seen| match seen {
            Seen::Update(now, changes) => Seen::Update(now + later, changes),
            Seen::Trade(now, size, sign) => Seen::Trade(now + later, size, sign),
        }));
        for other in [rows(&seen[..cut]), rows(&changed)] {
            assert_eq!(whole[..cut], other[..cut]);
        }
    }
}
