//! Volume profile: at which prices the volume of this session, day and week was traded.

use super::buckets::float;
use super::column::TickColumn;
use super::kit::ratio;
use super::tape::Tape;
use crate::canonical::Input;
use crate::event::Bar;
use crate::state::{State, StateError, expect_tag, tag};
use crate::units::{Price, Quantity, SCALE, Timestamp};

macro_rules! columns {
    ($($span:literal)*) => {
        &[$(
            column!($span, "poc_gap", "bps", "the price less the price with most volume"),
            column!($span, "vah_gap", "bps", "the price less the top of the value area"),
            column!($span, "val_gap", "bps", "the price less the bottom of the value area"),
            column!($span, "va_position", "0 to 1 inside", "where the price stands in the value area"),
            column!($span, "va_width", "bps", "width of the value area"),
            column!($span, "above_share", "0 to 1", "share of volume above the price"),
            column!($span, "profile_skew", "ratio", "skewness of the prices by volume"),
            column!($span, "poc_share", "0 to 1", "share of volume at the price with most"),
        )*]
    };
}

macro_rules! column {
    ($span:literal, $id:literal, $unit:literal, $about:literal) => {
        TickColumn {
            id: concat!($id, "_", $span),
            source: "trades or bars with sizes",
            warm_up: "1 trade",
            unit: $unit,
            about: $about,
        }
    };
}

/// The columns. A session is a third of a day: 00, 08 and 16 UTC; weeks begin on Monday.
pub const COLUMNS: &[TickColumn] = columns!["session" "day" "week"];

const EACH: usize = 8;
const HOUR: i64 = 3_600_000_000_000;
/// Bins of a profile at most; a wider range doubles their width.
const BINS: usize = 1024;

/// The family of one instrument.
pub struct VolumeProfile {
    profiles: [Profile; 3],
}

impl VolumeProfile {
    /// With bins as wide as a tick, until the range is too wide for that.
    pub fn new(tick: Price) -> VolumeProfile {
        VolumeProfile { profiles: [(); 3].map(|()| Profile::new(tick)) }
    }

    fn roll(&mut self, now: Timestamp) {
        let hours = now.0.div_euclid(HOUR);
        // 1970-01-01 was a Thursday.
        let spans = [hours.div_euclid(8), hours.div_euclid(24), (hours.div_euclid(24) + 3).div_euclid(7)];
        for (profile, span) in self.profiles.iter_mut().zip(spans) {
            if profile.span != span {
                profile.clear(span);
            }
        }
    }

    /// Takes a trade.
    pub fn trade(&mut self, now: Timestamp, price: Price, size: Option<Quantity>) {
        self.roll(now);
        if let Some(size) = size.filter(|size| size.0 > 0) {
            for profile in &mut self.profiles {
                profile.add(price.0, i128::from(size.0));
            }
        }
    }

    /// Takes a finished bar: its volume is spread evenly over its range.
    pub fn bar(&mut self, now: Timestamp, bar: &Bar) {
        self.roll(now);
        if let Some(volume) = bar.volume.filter(|volume| volume.0 > 0) {
            for profile in &mut self.profiles {
                profile.spread(bar.low.0, bar.high.0, bar.close.0, i128::from(volume.0));
            }
        }
    }

    /// The columns' values now.
    pub fn read(&mut self, now: Timestamp, tape: &Tape, out: &mut [Option<f64>]) {
        self.roll(now);
        for (profile, out) in self.profiles.iter_mut().zip(out.chunks_exact_mut(EACH)) {
            out.fill(None);
            let Some(price) = tape.price().filter(|price| *price > 0.0) else { continue };
            let Some(summary) = profile.summary() else { continue };
            let bps = |from: f64| ratio(1e4 * (price - from), price);
            let [point, high, low] =
                [summary.point, summary.high, summary.low].map(|bin| profile.middle(bin));
            out[0] = bps(point);
            out[1] = bps(high);
            out[2] = bps(low);
            out[3] = ratio(price - low, high - low);
            out[4] = ratio(1e4 * (high - low), price);
            out[5] = profile.share_above(price);
            out[6] = summary.skew;
            out[7] = Some(summary.share);
        }
    }
}

crate::state! { VolumeProfile { profiles } }

/// A histogram of volume by price.
struct Profile {
    span: i64,
    tick: i64,
    width: i64,
    /// The number of the first bin: its prices begin at that times the width.
    base: i64,
    bins: Vec<i128>,
    /// The first and last bin with volume, by place.
    used: Option<(usize, usize)>,
    total: i128,
    summary: Option<Summary>,
}

const TAG: u32 = tag("Profile span width base used bins");

/// Bins without volume are left out, and so is what follows from the others.
impl State for Profile {
    fn save(&self, out: &mut Vec<u8>) {
        TAG.save(out);
        self.span.save(out);
        self.width.save(out);
        self.base.save(out);
        self.used.save(out);
        if let Some((first, last)) = self.used {
            self.bins[first..=last].save(out);
        }
    }

    fn load(&mut self, input: &mut Input<'_>) -> Result<(), StateError> {
        expect_tag(TAG, "Profile", input)?;
        self.span.load(input)?;
        self.width.load(input)?;
        self.base.load(input)?;
        self.used.load(input)?;
        self.bins.fill(0);
        let possible = self.width > 0 && self.used.is_none_or(|(first, last)| first <= last && last < BINS);
        if !possible {
            return Err(StateError::Impossible("Profile"));
        }
        (self.total, self.summary) = (0, None);
        if let Some((first, last)) = self.used {
            self.bins[first..=last].load(input)?;
            let total = self.bins.iter().try_fold(0_i128, |total, volume| total.checked_add(*volume));
            self.total = total.ok_or(StateError::Impossible("Profile"))?;
        }
        Ok(())
    }
}

/// What is computed anew only after a trade.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Summary {
    point: i64,
    high: i64,
    low: i64,
    skew: Option<f64>,
    share: f64,
}

impl Profile {
    fn new(tick: Price) -> Profile {
        let tick = if tick.0 > 0 { tick.0 } else { 1 };
        Profile {
            span: i64::MIN,
            tick,
            width: tick,
            base: 0,
            bins: vec![0; BINS],
            used: None,
            total: 0,
            summary: None,
        }
    }

    fn clear(&mut self, span: i64) {
        if let Some((first, last)) = self.used.take() {
            self.bins[first..=last].fill(0);
        }
        (self.span, self.width, self.total, self.summary) = (span, self.tick, 0, None);
    }

    /// Makes room for a price, and says where its bin is.
    fn place(&mut self, price: i64) -> usize {
        loop {
            let bin = price.div_euclid(self.width);
            let Some((first, last)) = self.used else {
                self.base = bin - BINS as i64 / 2;
                return BINS / 2;
            };
            let place = bin - self.base;
            if (0..BINS as i64).contains(&place) {
                return place as usize;
            }
            let (lowest, highest) = (self.base + first as i64, self.base + last as i64);
            let lowest = if bin < lowest { bin } else { lowest };
            let highest = if bin > highest { bin } else { highest };
            if highest - lowest < BINS as i64 {
                // It fits once as much room is left below as above.
                self.rebase(lowest - (BINS as i64 - 1 - (highest - lowest)) / 2, first, last);
            } else {
                self.double(first, last);
            }
        }
    }

    fn rebase(&mut self, base: i64, first: usize, last: usize) {
        let to = (self.base + first as i64 - base) as usize;
        let length = last - first + 1;
        self.bins.copy_within(first..=last, to);
        for place in first..=last {
            if place < to || place >= to + length {
                self.bins[place] = 0;
            }
        }
        self.base = base;
        self.used = Some((to, to + length - 1));
    }

    /// Makes bins twice as wide.
    fn double(&mut self, first: usize, last: usize) {
        self.width = self.width.saturating_mul(2);
        let base = (self.base + first as i64).div_euclid(2);
        for place in first..=last {
            let volume = std::mem::take(&mut self.bins[place]);
            // The place sought is never behind the one read, for bins are read from the first.
            let to = ((self.base + place as i64).div_euclid(2) - base) as usize;
            self.bins[first + to] += volume;
        }
        self.base = base - first as i64;
        let length = ((last - first) / 2 + 1).min(BINS - first);
        let end = (first..=last).rev().find(|place| self.bins[*place] != 0).unwrap_or(first + length - 1);
        self.used = Some((first, end));
    }

    fn add(&mut self, price: i64, volume: i128) {
        let place = self.place(price);
        self.bins[place] += volume;
        self.total += volume;
        let (first, last) = self.used.unwrap_or((place, place));
        self.used = Some((first.min(place), last.max(place)));
        self.summary = None;
    }

    fn spread(&mut self, low: i64, high: i64, close: i64, volume: i128) {
        self.add(low, 0);
        self.add(high, 0);
        let (from, to) = (low.div_euclid(self.width), high.div_euclid(self.width));
        let count = i128::from(to - from + 1);
        let each = volume / count;
        for bin in from..=to {
            self.add(bin * self.width, each);
        }
        // What does not divide goes to the close.
        self.add(close, volume - each * count);
    }

    /// The middle price of a bin.
    fn middle(&self, bin: i64) -> f64 {
        (bin as f64 + 0.5) * self.width as f64 / SCALE as f64
    }

    fn share_above(&self, price: f64) -> Option<f64> {
        let (first, last) = self.used?;
        let above: i128 = (first..=last)
            .filter(|place| self.middle(self.base + *place as i64) > price)
            .map(|p| self.bins[p])
            .sum();
        ratio(float(above), float(self.total))
    }

    fn summary(&mut self) -> Option<Summary> {
        if self.summary.is_none() && self.total > 0 {
            let (first, last) = self.used?;
            let bins = &self.bins[first..=last];
            let (point, low, high) = value_area(bins, self.total);
            let number = |place: usize| self.base + (first + place) as i64;
            let (mut mean, mut second, mut third) = (0.0, 0.0, 0.0);
            for (place, volume) in bins.iter().enumerate() {
                mean += place as f64 * float(*volume);
            }
            mean /= float(self.total);
            for (place, volume) in bins.iter().enumerate() {
                let from = place as f64 - mean;
                second += from * from * float(*volume);
                third += from * from * from * float(*volume);
            }
            let (second, third) = (second / float(self.total), third / float(self.total));
            self.summary = Some(Summary {
                point: number(point),
                high: number(high),
                low: number(low),
                skew: ratio(third, second * second.sqrt()),
                share: float(bins[point]) / float(self.total),
            });
        }
        self.summary
    }
}

/// The bin with most volume (of equal ones the nearest to the middle of the range, then the lower), and the lowest and
/// highest bin of the area around it that holds 70 % of the volume: grown by the larger of the next two bins above and
/// below, above where they are equal.
fn value_area(bins: &[i128], total: i128) -> (usize, usize, usize) {
    let mut point = 0;
    // Twice the distance from the middle, so that it is whole.
    let distance = |place: usize| (2 * place as i64 - (bins.len() as i64 - 1)).abs();
    for place in 1..bins.len() {
        let nearer = bins[place] == bins[point] && distance(place) < distance(point);
        if bins[place] > bins[point] || nearer {
            point = place;
        }
    }
    let (mut low, mut high, mut held) = (point, point, bins[point]);
    while held * 10 < total * 7 {
        let above: i128 = bins[high + 1..].iter().take(2).sum();
        let below: i128 = bins[..low].iter().rev().take(2).sum();
        let room_above = high + 1 < bins.len();
        if room_above && (above >= below || low == 0) {
            high = (high + 2).min(bins.len() - 1);
            held += above;
        } else {
            low = low.saturating_sub(2);
            held += below;
        }
    }
    (point, low, high)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    #[test]
    fn a_value_area_by_hand() {
        // 100 in all; 30 at bin 3, then 20 + 8 above against 15 + 5 below, then 20 above, as much as below.
        assert_eq!(value_area(&[2, 5, 15, 30, 20, 8, 20], 100), (3, 3, 6));
        // 15 + 5 below are more than 4 + 8 above.
        assert_eq!(value_area(&[2, 5, 15, 30, 4, 8, 1], 65), (3, 1, 3));
        assert_eq!(value_area(&[7], 7), (0, 0, 0));
        // Equal ones: the nearest to the middle, then the lower.
        assert_eq!(value_area(&[1, 5, 0, 5, 5, 1], 17).0, 3);
        assert_eq!(value_area(&[5, 0, 5], 10).0, 0);
    }

    proptest! {
        /// Beside the obvious way: a map of prices, put into bins of the final width at the end.
        #[test]
        fn a_profile_is_a_recount(trades in prop::collection::vec((-3_000_i64..3_000, 1_i64..100), 1..200)) {
            let mut profile = Profile::new(Price(3));
            profile.clear(0);
            let mut map: BTreeMap<i64, i128> = BTreeMap::new();
            for (price, volume) in trades {
                profile.add(price, i128::from(volume));
                *map.entry(price).or_default() += i128::from(volume);
            }
            let mut expected: BTreeMap<i64, i128> = BTreeMap::new();
            for (price, volume) in &map {
                *expected.entry(price.div_euclid(profile.width)).or_default() += volume;
            }
            let (first, last) = profile.used.unwrap();
            let held = (0..BINS).filter(|place| profile.bins[*place] != 0);
            let found: BTreeMap<i64, i128> =
                held.map(|place| (profile.base + place as i64, profile.bins[place])).collect();
            prop_assert_eq!(&found, &expected);
            prop_assert_eq!(profile.base + first as i64, *expected.keys().next().unwrap());
            prop_assert_eq!(profile.base + last as i64, *expected.keys().last().unwrap());
            prop_assert_eq!(profile.total, map.values().sum::<i128>());
        }
    }

    #[test]
    fn a_bar_is_spread_over_its_range() {
        let mut profile = Profile::new(Price(1));
        profile.clear(0);
        profile.spread(10, 13, 12, 11);
        let (first, last) = profile.used.unwrap();
        assert_eq!(&profile.bins[first..=last], [2, 2, 5, 2]);
        assert_eq!(profile.total, 11);
    }
}
