//! Macro and news: releases of statistics against what was expected, events that are to come, what headlines say.
//!
//! Everything counts from when it was released, published or scheduled, never from the period that it is about. What
//! is about no instrument counts for all.

use std::collections::{BTreeMap, VecDeque};

use genovo_kernels::scalar::fused::exp;

use super::column::TickColumn;
use super::kit::{Ring, larger, ratio};
use crate::canonical::Input;
use crate::event::{EventScheduled, Fact, Importance, MacroReleased, NewsPublished};
use crate::state::{State, StateError, expect_tag, tag};
use crate::units::Timestamp;

macro_rules! columns {
    ($($id:literal $source:literal $warm_up:literal $unit:literal $about:literal;)*) => {
        &[$(TickColumn { id: $id, source: $source, warm_up: $warm_up, unit: $unit, about: $about }),*]
    };
}

/// The columns.
pub const COLUMNS: &[TickColumn] = columns! {
    "surprise" "releases with expectations" "5 releases" "sd"
        "last release of which something was expected, less that, by the series' past surprises";
    "surprise_1h" "releases with expectations" "5 releases" "sd" "surprises, fading over an hour";
    "surprise_1d" "releases with expectations" "5 releases" "sd" "surprises, fading over a day";
    "release_change" "releases" "6 releases" "sd" "last release less the one before, by the series' past changes";
    "release_age" "releases" "1 release" "hours" "since the last release";
    "to_event" "scheduled events" "1 event" "hours" "until the next event";
    "since_event" "scheduled events" "1 event" "hours" "since the last event";
    "to_high_event" "scheduled events" "1 event" "hours" "until the next event of high importance";
    "since_high_event" "scheduled events" "1 event" "hours" "since the last event of high importance";
    "events_next_day" "scheduled events" "1 event" "events" "that take place in the next 24 hours";
    "sentiment_1h" "news with sentiment" "1 headline" "sum" "sentiment times the source's weight, fading over an hour";
    "sentiment_1d" "news with sentiment" "1 headline" "sum" "sentiment times the source's weight, fading over a day";
    "sentiment_1w" "news with sentiment" "1 headline" "sum" "sentiment times the source's weight, fading over a week";
    "news_1h" "news" "1 headline" "headlines" "how many, fading over an hour";
    "news_1d" "news" "1 headline" "headlines" "how many, fading over a day";
    "novelty" "news" "1 headline" "0 to 1" "how little the last headline has in common with one of the 32 before";
    "news_age" "news" "1 headline" "hours" "since the last headline";
};

const HOUR: i64 = 3_600_000_000_000;
const DAY: i64 = 24 * HOUR;
/// Releases of a series whose surprises and changes are remembered.
const RELEASES: usize = 64;
/// How many there must be before one is measured by them.
const LEAST: usize = 4;
/// Headlines that a new one is compared with.
const HEADLINES: usize = 32;

/// A sum that fades: by e over so many nanoseconds.
#[derive(Clone, Debug)]
struct Fading {
    over: i64,
    value: f64,
    then: Timestamp,
}

crate::state! { Fading { value, then } }

impl Fading {
    fn new(over: i64) -> Fading {
        Fading { over, value: 0.0, then: Timestamp(0) }
    }

    /// What is left now.
    fn at(&self, now: Timestamp) -> f64 {
        let passed = now.0.saturating_sub(self.then.0).max(0) as f64;
        self.value * exp(-passed / self.over as f64)
    }

    fn add(&mut self, now: Timestamp, value: f64) {
        self.value = self.at(now) + value;
        self.then = now;
    }
}

/// What is known of a series.
struct Series {
    period: Timestamp,
    value: f64,
    surprises: Ring,
    changes: Ring,
}

crate::state! { Series { period, value, surprises, changes } }

impl Default for Series {
    fn default() -> Series {
        Series {
            period: Timestamp::MIN,
            value: 0.0,
            surprises: Ring::new(RELEASES),
            changes: Ring::new(RELEASES),
        }
    }
}

/// The family of one instrument.
pub struct MacroNews {
    series: BTreeMap<String, Series>,
    surprise: Option<f64>,
    change: Option<f64>,
    released: Option<Timestamp>,
    /// The surprises of an hour and a day, once there is one.
    surprises: [Fading; 2],
    /// Every event by its time, with its id.
    events: Vec<(Timestamp, String, Importance)>,
    /// The times of those of high importance.
    high: Vec<Timestamp>,
    sentiments: [Fading; 3],
    heard: bool,
    headlines: [Fading; 2],
    words: VecDeque<Vec<u64>>,
    novelty: Option<f64>,
    published: Option<Timestamp>,
}

impl Default for MacroNews {
    fn default() -> MacroNews {
        MacroNews {
            series: BTreeMap::new(),
            surprise: None,
            change: None,
            released: None,
            surprises: [HOUR, DAY].map(Fading::new),
            events: Vec::new(),
            high: Vec::new(),
            sentiments: [HOUR, DAY, 7 * DAY].map(Fading::new),
            heard: false,
            headlines: [HOUR, DAY].map(Fading::new),
            words: VecDeque::with_capacity(HEADLINES),
            novelty: None,
            published: None,
        }
    }
}

const TAG: u32 = tag(
    "MacroNews series surprise change released surprises events sentiments heard headlines words novelty published",
);

impl State for MacroNews {
    fn save(&self, out: &mut Vec<u8>) {
        TAG.save(out);
        self.series.len().save(out);
        for (name, series) in &self.series {
            name.save(out);
            series.save(out);
        }
        self.surprise.save(out);
        self.change.save(out);
        self.released.save(out);
        self.surprises.save(out);
        self.events.len().save(out);
        for (at, id, importance) in &self.events {
            at.save(out);
            id.save(out);
            importance.save(out);
        }
        self.sentiments.save(out);
        self.heard.save(out);
        self.headlines.save(out);
        self.words.save(out);
        self.novelty.save(out);
        self.published.save(out);
    }

    fn load(&mut self, input: &mut Input<'_>) -> Result<(), StateError> {
        expect_tag(TAG, "MacroNews", input)?;
        self.series.clear();
        for _ in 0..input.count()? {
            let (mut name, mut series) = (String::new(), Series::default());
            name.load(input)?;
            series.load(input)?;
            self.series.insert(name, series);
        }
        self.surprise.load(input)?;
        self.change.load(input)?;
        self.released.load(input)?;
        self.surprises.load(input)?;
        self.events.clear();
        for _ in 0..input.count()? {
            let (mut at, mut id, mut importance) = (Timestamp(0), String::new(), Importance::Low);
            at.load(input)?;
            id.load(input)?;
            importance.load(input)?;
            self.events.push((at, id, importance));
        }
        self.pick_high();
        self.sentiments.load(input)?;
        self.heard.load(input)?;
        self.headlines.load(input)?;
        self.words.load(input)?;
        self.novelty.load(input)?;
        self.published.load(input)
    }
}

impl MacroNews {
    /// Takes what the world says; other facts change nothing.
    pub fn take(&mut self, now: Timestamp, fact: &Fact) {
        match fact {
            Fact::MacroReleased(release) => self.release(now, release),
            Fact::NewsPublished(news) => self.news(now, news),
            Fact::EventScheduled(event) => self.schedule(event),
            _ => {}
        }
    }

    fn release(&mut self, now: Timestamp, release: &MacroReleased) {
        let value = release.value.as_f64();
        let series = self.series.entry(release.series.clone()).or_default();
        if release.period <= series.period {
            // A figure of a period that was known is a revision, and no news of the next one.
            if release.period == series.period {
                series.value = value;
            }
            return;
        }
        self.released = Some(now);
        self.change = None;
        if series.period != Timestamp::MIN {
            let change = value - series.value;
            self.change = measured(change, &series.changes);
            series.changes.push(change);
        }
        if let Some(expected) = release.expected {
            let surprise = value - expected.as_f64();
            // What nobody expected is no surprise, and leaves the last one as it was.
            self.surprise = measured(surprise, &series.surprises);
            series.surprises.push(surprise);
            if let Some(surprise) = self.surprise {
                self.surprises.iter_mut().for_each(|fading| fading.add(now, surprise));
            }
        }
        (series.period, series.value) = (release.period, value);
    }

    fn schedule(&mut self, event: &EventScheduled) {
        self.events.retain(|(_, id, _)| *id != event.id);
        let place = self.events.partition_point(|(at, id, _)| (*at, id) < (event.at, &event.id));
        self.events.insert(place, (event.at, event.id.clone(), event.importance));
        self.pick_high();
    }

    fn pick_high(&mut self) {
        self.high.clear();
        let high = self.events.iter().filter(|(_, _, importance)| *importance == Importance::High);
        self.high.extend(high.map(|(at, _, _)| *at));
    }

    fn news(&mut self, now: Timestamp, news: &NewsPublished) {
        if let Some(sentiment) = news.sentiment {
            let weighted = sentiment.as_f64() * news.weight.as_f64();
            self.sentiments.iter_mut().for_each(|fading| fading.add(now, weighted));
            self.heard = true;
        }
        self.headlines.iter_mut().for_each(|fading| fading.add(now, 1.0));
        let words = words(&news.headline);
        let nearest = self.words.iter().map(|other| common(&words, other)).fold(0.0, larger);
        self.novelty = Some(1.0 - nearest);
        if self.words.len() == HEADLINES {
            self.words.pop_front();
        }
        self.words.push_back(words);
        self.published = Some(now);
    }

    /// The columns' values now.
    pub fn read(&self, now: Timestamp, out: &mut [Option<f64>]) {
        out.fill(None);
        let hours = |length: i64| length as f64 / HOUR as f64;
        let since = |then: Timestamp| hours(now.0.saturating_sub(then.0));
        out[0] = self.surprise;
        let surprised = self.surprises[0].then != Timestamp(0);
        for (place, fading) in (1..).zip(&self.surprises) {
            out[place] = surprised.then(|| fading.at(now));
        }
        out[3] = self.change;
        out[4] = self.released.map(since);
        let passed = self.events.partition_point(|(at, _, _)| *at <= now);
        let until = |at: Timestamp| hours(at.0.saturating_sub(now.0));
        out[5] = self.events.get(passed).map(|(at, _, _)| until(*at));
        out[6] = passed.checked_sub(1).map(|last| since(self.events[last].0));
        let high = self.high.partition_point(|at| *at <= now);
        out[7] = self.high.get(high).map(|at| until(*at));
        out[8] = high.checked_sub(1).map(|last| since(self.high[last]));
        if !self.events.is_empty() {
            let end = Timestamp(now.0.saturating_add(DAY));
            let soon = self.events[passed..].partition_point(|(at, _, _)| *at <= end);
            out[9] = Some(soon as f64);
        }
        for (place, fading) in (10..).zip(&self.sentiments) {
            out[place] = self.heard.then(|| fading.at(now));
        }
        if let Some(published) = self.published {
            for (place, fading) in (13..).zip(&self.headlines) {
                out[place] = Some(fading.at(now));
            }
            out[15] = self.novelty;
            out[16] = Some(since(published));
        }
    }
}

/// A value by the root mean square of those before it, once there are enough.
fn measured(value: f64, before: &Ring) -> Option<f64> {
    if before.len() < LEAST {
        return None;
    }
    let [squares] = before.window().sums(|value| [value * value]);
    ratio(value, (squares / before.len() as f64).sqrt())
}

/// The words of a headline as numbers, sorted, each once: runs of letters and digits, in small letters (FNV-1a).
fn words(headline: &str) -> Vec<u64> {
    let parts = headline.split(|character: char| !character.is_alphanumeric());
    let mut words: Vec<u64> = parts
        .filter(|word| !word.is_empty())
        .map(|word| {
            word.to_lowercase().bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
                (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
            })
        })
        .collect();
    words.sort_unstable();
    words.dedup();
    words
}

/// The share of the words of either that both have.
fn common(a: &[u64], b: &[u64]) -> f64 {
    let both = a.iter().filter(|word| b.binary_search(word).is_ok()).count();
    let either = a.len() + b.len() - both;
    if either == 0 { 1.0 } else { both as f64 / either as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::{Figure, Ratio};

    fn read(family: &MacroNews, now: i64) -> Vec<Option<f64>> {
        let mut out = vec![None; COLUMNS.len()];
        family.read(Timestamp(now), &mut out);
        out
    }

    fn release(period: i64, value: &str, expected: Option<&str>) -> Fact {
        let figure = |text: &str| text.parse::<Figure>().unwrap();
        Fact::MacroReleased(Box::new(MacroReleased {
            series: "CPI".to_string(),
            period: Timestamp(period),
            value: figure(value),
            expected: expected.map(figure),
        }))
    }

    fn near(value: Option<f64>, expected: f64) -> bool {
        value.is_some_and(|value| (value - expected).abs() < 1e-12)
    }

    #[test]
    fn a_surprise_is_measured_by_those_before_and_fades() {
        let mut family = MacroNews::default();
        assert_eq!(read(&family, HOUR), vec![None; COLUMNS.len()]);
        for month in 1..=4 {
            family.take(Timestamp(month * DAY), &release(month, "100.2", Some("100.0")));
            assert_eq!(read(&family, month * DAY)[0], None, "four before are needed");
        }
        family.take(Timestamp(5 * DAY), &release(5, "100.4", Some("100.0")));
        let row = read(&family, 5 * DAY + HOUR);
        assert!(near(row[0], 2.0), "0.4 by a usual 0.2: {row:?}");
        assert!(near(row[1], 2.0 * exp(-1.0)) && near(row[4], 1.0));
        assert!(near(row[2], 2.0 * exp(-1.0 / 24.0)));
        // The changes were 0 until now: nothing to measure by.
        assert_eq!(row[3], None);
        // A revision of the last period is no release.
        family.take(Timestamp(6 * DAY), &release(5, "100.5", None));
        assert_eq!(read(&family, 6 * DAY)[4], Some(24.0));
    }

    #[test]
    fn events_are_ahead_until_they_are_past_and_move() {
        let event = |id: &str, at: i64, importance| {
            let (id, name) = (id.to_string(), id.to_uppercase());
            Fact::EventScheduled(Box::new(EventScheduled { id, name, at: Timestamp(at), importance }))
        };
        let mut family = MacroNews::default();
        family.take(Timestamp(0), &event("fomc", 30 * HOUR, Importance::High));
        family.take(Timestamp(0), &event("claims", 10 * HOUR, Importance::Low));
        let row = read(&family, 8 * HOUR);
        assert_eq!(row[5..10], [Some(2.0), None, Some(22.0), None, Some(2.0)]);
        let row = read(&family, 10 * HOUR);
        assert_eq!(row[5..10], [Some(20.0), Some(0.0), Some(20.0), None, Some(1.0)]);
        family.take(Timestamp(11 * HOUR), &event("fomc", 12 * HOUR, Importance::High));
        let row = read(&family, 13 * HOUR);
        assert_eq!(row[5..10], [None, Some(1.0), None, Some(1.0), Some(0.0)]);
    }

    #[test]
    fn headlines_count_sound_and_repeat() {
        let news = |headline: &str, sentiment: Option<&str>, weight: &str| {
            Fact::NewsPublished(Box::new(NewsPublished {
                source: "wire".to_string(),
                headline: headline.to_string(),
                sentiment: sentiment.map(|text| text.parse().unwrap()),
                weight: weight.parse::<Ratio>().unwrap(),
            }))
        };
        let mut family = MacroNews::default();
        family.take(Timestamp(DAY), &news("Fed holds rates", Some("-0.5"), "2"));
        let row = read(&family, DAY);
        assert_eq!(row[10..], [-1.0, -1.0, -1.0, 1.0, 1.0, 1.0, 0.0].map(Some));
        family.take(Timestamp(DAY + HOUR), &news("FED holds: rates steady", None, "1"));
        let row = read(&family, DAY + HOUR);
        assert!(near(row[15], 0.25), "three of four words are known: {row:?}");
        assert!(near(row[13], 1.0 + exp(-1.0)) && near(row[10], -exp(-1.0)));
    }
}
