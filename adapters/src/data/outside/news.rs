//! News: a headline a line, when it was published, and where the file says so who published it, how it sounds, how much
//! that counts and which instruments it is about.
//!
//! ```text
//! published_at,source,headline,sentiment,symbol
//! 2014-05-02 12:30:00,wire,"Payrolls rise by 288,000",0.6,
//! ```

use std::path::Path;

use genovo_engine::event::{Event, Fact, NewsPublished};
use genovo_engine::ids::InstrumentId;
use genovo_engine::units::Ratio;

use super::super::records::{RecordError, Records};
use super::about;

const TIMES: &[&str] = &["published_at", "published", "created_at", "time", "timestamp", "ts_ns", "date"];
const HEADLINES: &[&str] = &["headline", "title", "text"];
const SYMBOLS: &[&str] = &["symbol", "symbols", "ticker"];

/// Reads a file of news.
pub(super) fn read(file: &Path, instruments: &[(String, InstrumentId)]) -> Result<Vec<Event>, RecordError> {
    let records = Records::read(file)?;
    let time = records.need("the time of publication", TIMES)?;
    let clock = records.clock(time)?;
    let headline = records.need("the headline", HEADLINES)?;
    let source = records.find(&["source", "publisher"]);
    let (sentiment, weight) = (records.find(&["sentiment"]), records.find(&["weight"]));
    let symbols = records.find(SYMBOLS);
    let mut events = Vec::new();
    for record in records.iter() {
        let at = record.time(time, &clock)?;
        if super::is_day(record.field(time)) {
            return Err(record.fail(Some(time), "is a day: write the time of publication, too"));
        }
        let given = |column: Option<usize>| column.filter(|column| !record.field(*column).is_empty());
        let sentiment = given(sentiment).map(|column| record.number::<Ratio>(column)).transpose()?;
        if sentiment.is_some_and(|sentiment| sentiment.abs() > Ratio::ONE) {
            return Err(record.fail(records.find(&["sentiment"]), "is no sentiment from -1 to 1"));
        }
        let weight = given(weight).map(|column| record.number(column)).transpose()?.unwrap_or(Ratio::ONE);
        if weight < Ratio::ZERO {
            return Err(record.fail(records.find(&["weight"]), "is a weight below zero"));
        }
        let Some(about) = about(&record, symbols, instruments) else { continue };
        for instrument in about {
            let news = NewsPublished {
                source: source.map_or("", |column| record.field(column)).to_string(),
                headline: record.field(headline).to_string(),
                sentiment,
                weight,
            };
            events.push(Event::unnumbered(at, at, instrument, Fact::NewsPublished(Box::new(news))));
        }
    }
    Ok(events)
}
