//! What the world outside of the markets says, out of files: statistics, news, what is to come.
//!
//! An event arrives when it was released, published or announced, and never by the period that it is about: a file
//! that does not say when is refused until the scenario does.

mod news;
mod schedule;
mod statistics;

use std::path::Path;

use genovo_engine::event::Event;
use genovo_engine::ids::InstrumentId;
use genovo_engine::units::{Nanoseconds, Timestamp};

use super::records::Record;
pub use super::records::RecordError;

/// What a file of the outside holds, and what the scenario says about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OutsideSpec {
    /// Releases of statistics.
    Statistics {
        /// The series, where the file does not name it.
        series: Option<String>,
        /// From the beginning of a period to the release of its figure, where the file does not say it.
        release_lag: Option<Nanoseconds>,
        /// The time of day of releases of which the file says the day alone; otherwise the day's end.
        release_time: Option<Nanoseconds>,
    },
    /// Headlines.
    News,
    /// Events to come.
    Schedule {
        /// How long before it takes place an event is known, where the file does not say it.
        known_before: Option<Nanoseconds>,
    },
}

/// Reads a file whole: its events in the order of their arrival, `latency` after they were said. `instruments` are the
/// symbols of the run; what is about others is left out.
pub fn read_outside(
    file: &Path,
    spec: &OutsideSpec,
    latency: Nanoseconds,
    instruments: &[(String, InstrumentId)],
) -> Result<Vec<Event>, RecordError> {
    let mut events = match spec {
        OutsideSpec::Statistics { series, release_lag, release_time } => {
            statistics::read(file, series.as_deref(), *release_lag, *release_time)?
        }
        OutsideSpec::News => news::read(file, instruments)?,
        OutsideSpec::Schedule { known_before } => schedule::read(file, *known_before, instruments)?,
    };
    for event in &mut events {
        event.header.time_received = event.header.time_event + latency;
    }
    // Stable: what is of one time keeps the order of the file.
    events.sort_by_key(|event| event.header.time_received);
    Ok(events)
}

/// Whether a time is written as a day alone.
fn is_day(text: &str) -> bool {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    digits == 8 && text.len() <= 10
}

/// A time and a length after it, where there is such a time.
fn after(
    record: &Record<'_>,
    column: usize,
    time: Timestamp,
    length: Nanoseconds,
) -> Result<Timestamp, RecordError> {
    let sum = time.0.checked_add(length.0).map(Timestamp);
    sum.ok_or_else(|| record.fail(Some(column), "is beyond 2262 or before 1677"))
}

/// The instruments that a record is about: those of its symbols that the run has, all where it names none. `None` where
/// it names others only.
fn about(
    record: &Record<'_>,
    column: Option<usize>,
    instruments: &[(String, InstrumentId)],
) -> Option<Vec<InstrumentId>> {
    let text = column.map_or("", |column| record.field(column));
    let named = text.split([' ', ';', '|', ',']).map(str::trim).filter(|symbol| !symbol.is_empty());
    let named: Vec<&str> = named.collect();
    if named.is_empty() {
        return Some(vec![InstrumentId::NONE]);
    }
    let known = |symbol: &&str| instruments.iter().find(|(known, _)| known == symbol).map(|(_, id)| *id);
    let found: Vec<InstrumentId> = named.iter().filter_map(known).collect();
    (!found.is_empty()).then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use genovo_engine::event::{EventScheduled, Fact, Importance, MacroReleased, NewsPublished};

    const HOUR: i64 = 3_600_000_000_000;
    const DAY: Nanoseconds = Nanoseconds::DAY;
    /// 2014-05-02 00:00 UTC.
    const MAY_2: i64 = 1_398_988_800_000_000_000;

    fn read_text(name: &str, text: &str, spec: &OutsideSpec) -> Result<Vec<Event>, String> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(name);
        std::fs::write(&file, text).unwrap();
        let instruments = [("ABC".to_string(), InstrumentId(1)), ("XYZ".to_string(), InstrumentId(2))];
        let read = read_outside(&file, spec, Nanoseconds(5), &instruments);
        read.map_err(|error| error.to_string().replace(&folder.path().display().to_string(), ""))
    }

    fn statistics(release_lag: Option<Nanoseconds>, release_time: Option<Nanoseconds>) -> OutsideSpec {
        OutsideSpec::Statistics { series: None, release_lag, release_time }
    }

    /// Hours after 2 May 2014, the series, its figure, and what was expected.
    fn releases(events: Vec<Event>) -> Vec<(i64, String, String, Option<String>)> {
        let one = |event: Event| {
            assert_eq!(event.header.time_received.0, event.header.time_event.0 + 5);
            let Fact::MacroReleased(release) = event.fact else { panic!("a release") };
            let MacroReleased { series, value, expected, .. } = *release;
            let hours = (event.header.time_event.0 - MAY_2) / HOUR;
            (hours, series, value.to_string(), expected.map(|expected| expected.to_string()))
        };
        events.into_iter().map(one).collect()
    }

    #[test]
    fn a_fred_file_is_stamped_by_its_release() {
        let fred = "observation_date,UNRATE\n2014-05-01,6.3\n2014-05-02,.\n2014-05-03,6.1\n";
        let error = read_text("fred.csv", fred, &statistics(None, None)).unwrap_err();
        assert!(
            error.contains("`observation_date` is the period that a figure is about, not when"),
            "{error}"
        );
        let found = releases(read_text("fred.csv", fred, &statistics(Some(DAY), None)).unwrap());
        let row = |hours, value: &str| (hours, "UNRATE".to_string(), value.to_string(), None);
        assert_eq!(found, [row(0, "6.3"), row(48, "6.1")]);
    }

    #[test]
    fn a_vintage_says_its_release_and_a_day_counts_from_its_end() {
        let text =
            "date,realtime_start,realtime_end,value,expected\n2014-04-01,2014-05-02,9999-12-31,6.3,6.6\n";
        let found = releases(read_text("unrate.csv", text, &statistics(None, None)).unwrap());
        let row = |hours| (hours, "unrate".to_string(), "6.3".to_string(), Some("6.6".to_string()));
        assert_eq!(found, [row(24)]);
        let at = Nanoseconds(12 * HOUR);
        assert_eq!(releases(read_text("unrate.csv", text, &statistics(None, Some(at))).unwrap()), [row(12)]);
        let error = read_text("unrate.csv", text, &statistics(Some(DAY), None)).unwrap_err();
        assert!(error.contains("leave `release_lag` out"), "{error}");
        let early = "date,released,value\n2014-04-01,2014-03-02,6.3\n";
        let error = read_text("early.csv", early, &statistics(None, None)).unwrap_err();
        assert!(error.contains("line 2, column released: is a release before the period"), "{error}");
    }

    #[test]
    fn news_names_instruments_or_is_about_all() {
        let text = "published_at,source,headline,sentiment,weight,symbol\n\
                    2014-05-02 12:30,wire,\"Jobs, jobs\",0.6,,\n\
                    2014-05-02 12:00,wire,Both,,2,ABC;XYZ\n2014-05-02 12:10,wire,Other,,,QQQ\n";
        let events = read_text("news.csv", text, &OutsideSpec::News).unwrap();
        let one = |event: &Event| {
            let Fact::NewsPublished(news) = &event.fact else { panic!("news") };
            let NewsPublished { headline, sentiment, weight, .. } = &**news;
            (event.header.instrument.0, headline.clone(), sentiment.is_some(), weight.to_string())
        };
        let found: Vec<_> = events.iter().map(one).collect();
        let row =
            |id, headline: &str, sounds, weight: &str| (id, headline.to_string(), sounds, weight.to_string());
        let expected = [
            row(1, "Both", false, "2"),
            row(2, "Both", false, "2"),
            row(InstrumentId::NONE.0, "Jobs, jobs", true, "1"),
        ];
        assert_eq!(found, expected);
        let error = |row: &str| {
            let text = format!("published_at,headline,sentiment\n{row}\n");
            read_text("news.csv", &text, &OutsideSpec::News).unwrap_err()
        };
        assert!(error("2014-05-02 12:30,x,1.5").contains("is no sentiment from -1 to 1"));
        assert!(error("2014-05-02,x,1").contains("is a day: write the time of publication"));
    }

    #[test]
    fn a_calendar_says_since_when_it_is_known() {
        let known = OutsideSpec::Schedule { known_before: Some(DAY) };
        let text = "at,name,impact\n2014-05-02 12:30,Jobs,High\n2014-05-02 10:00,Orders,\n";
        let events = read_text("calendar.csv", text, &known).unwrap();
        let one = |event: &Event| {
            let Fact::EventScheduled(scheduled) = &event.fact else { panic!("an event to come") };
            let EventScheduled { name, at, importance, .. } = &**scheduled;
            assert_eq!(event.header.time_event.0, at.0 - DAY.0);
            (name.clone(), *importance)
        };
        let found: Vec<_> = events.iter().map(one).collect();
        assert_eq!(found, [("Orders".to_string(), Importance::Low), ("Jobs".to_string(), Importance::High)]);
        let error = read_text("calendar.csv", text, &OutsideSpec::Schedule { known_before: None });
        assert!(error.unwrap_err().contains("nothing says since when an event was known"));
        // A day alone counts from its end.
        let text =
            "at,name,known_at\n2014-05-02 12:30,Jobs,2014-05-01\n2014-05-02 10:00,Orders,2014-05-01 09:00\n";
        let events = read_text("calendar.csv", text, &OutsideSpec::Schedule { known_before: None }).unwrap();
        let hours: Vec<i64> = events.iter().map(|event| (event.header.time_event.0 - MAY_2) / HOUR).collect();
        assert_eq!(hours, [-15, 0]);
        let odd = "at,name,impact\n2014-05-02 12:30,Jobs,huge\n";
        let error = read_text("calendar.csv", odd, &known).unwrap_err();
        assert!(error.contains("column impact: is no importance"), "{error}");
    }
}
