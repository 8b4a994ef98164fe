//! What the world says, out of files: in the journal at its release, in the columns from then on; and columns of one's
//! own over it.

use genovo::engine::event::Fact;

use crate::support::Folder;

const SCENARIO: &str = r#"
[account]
cash = "100,000 USD"
[[instruments]]
symbol = "ABC"
tick = 0.01
[[data]]
path = "abc.csv"
kind = "quotes"
[[statistics]]
path = "UNRATE.csv"
release_lag = "24 h"
[[news]]
path = "news.csv"
latency = "1 s"
[[schedule]]
path = "calendar.csv"
known_before = "36 h"
[strategy]
kind = "buy-and-hold"
decide = "60 s"
[risk]
max_per_trade = "50 %"
max_total = "100 %"
distance = "1 %"
[features]
columns = "macro_news"
scale = "none"
[[feature]]
id = "news_mood"
expr = "if(news_age < 1, sentiment_1h, 0)"
"#;

/// 2014-05-02 00:00 UTC.
const MAY_2: i64 = 1_398_988_800;

fn folder(scenario: &str) -> Folder {
    let quotes: String =
        (0..360).map(|minute| format!("{}000000000,100.00,100.02\n", MAY_2 + 60 * minute)).collect();
    Folder::new(&[
        ("abc.csv", &format!("ts_ns,bid,ask\n{quotes}")),
        ("UNRATE.csv", "observation_date,UNRATE\n2014-05-01,6.3\n"),
        ("news.csv", "published_at,headline,sentiment\n2014-05-02 03:00,Jobs,0.5\n"),
        ("calendar.csv", "at,name,importance\n2014-05-02 05:00,FOMC,high\n"),
        ("scenario.toml", scenario),
    ])
}

#[test]
fn what_the_world_says_counts_from_when_it_said_it() {
    let run = folder(SCENARIO);
    run.done(&["replay", "scenario.toml", "--journal", "run"]);
    run.done(&["live", "scenario.toml", "--speed", "max", "--journal", "session"]);
    run.done(&["replay", "--verify", "run"]);
    run.done(&["replay", "--verify", "session"]);
    let events = run.events("run");
    let outside: Vec<(&str, i64)> = events
        .iter()
        .filter(|event| event.fact.kind().is_outside())
        .map(|event| (event.fact.kind().name(), event.header.time_received.0 / 1_000_000_000 - MAY_2))
        .collect();
    let hour = 3_600;
    assert_eq!(
        outside,
        [("EventScheduled", -31 * hour), ("MacroReleased", 0), ("NewsPublished", 3 * hour + 1)]
    );
    let Fact::RunStarted(started) = &events[0].fact else { panic!("a run begins") };
    let value = |column: &str, hours: f64| {
        let place = started.features.iter().position(|name| name == column).expect("a column");
        let until = (MAY_2 as f64 + hours * 3_600.0) * 1e9;
        let vectors = events.iter().filter(|event| event.header.time_received.0 as f64 <= until);
        let mut last = vectors.filter_map(|event| match &event.fact {
            Fact::FeaturesComputed(vector) => Some(vector.get(place)),
            _ => None,
        });
        last.next_back().expect("a vector")
    };
    assert_eq!(value("to_high_event", 2.0), Some(3.0));
    assert_eq!(value("since_high_event", 5.5), Some(0.5));
    assert_eq!(value("release_age", 1.0), Some(1.0));
    assert_eq!(value("sentiment_1h", 2.9), None);
    let mood = value("sentiment_1h", 3.5).expect("news came");
    assert!(mood > 0.3 && mood < 0.31, "0.5 fades by e in an hour: {mood}");
    assert_eq!(value("news_mood", 2.5), None, "the age of no news is unknown");
    assert!(value("news_mood", 3.5).is_some_and(|value| value > 0.3));
    assert_eq!(value("news_mood", 4.5), Some(0.0));
    let shown = run.done(&["audit", "show", "run", "--kind", "MacroReleased"]);
    assert!(shown.contains("UNRATE 6.3 for 2014-05-01"), "{shown}");
    let listed = run.done(&["audit", "show", "run", "--kind", "NewsPublished"]);
    assert!(listed.contains(": Jobs (sentiment 0.5)"), "{listed}");
}

#[test]
fn mistakes_are_shown_where_they_are() {
    let case = |was: &str, is: &str| folder(&SCENARIO.replace(was, is)).refused(&["check", "scenario.toml"]);
    let error = case("release_lag = \"24 h\"\n", "");
    assert!(error.contains("is the period that a figure is about"), "{error}");
    let error = case("known_before = \"36 h\"\n", "");
    assert!(error.contains("nothing says since when an event was known"), "{error}");
    let error = case("sentiment_1h, 0)", "sentiment_2h, 0)");
    assert!(error.contains("no column is called `sentiment_2h`"), "{error}");
    // The mark stands under the name alone.
    let line = error.lines().find(|line| line.contains('^')).expect("a mark");
    assert_eq!(line.matches('^').count(), "sentiment_2h".len(), "{error}");
    let error = case("id = \"news_mood\"", "id = \"novelty\"");
    assert!(error.contains("there is a column or family `novelty` already"), "{error}");
    let error = case("[features]\ncolumns = \"macro_news\"\nscale = \"none\"\n", "");
    assert!(error.contains("a column of one's own needs the section [features]"), "{error}");
}
