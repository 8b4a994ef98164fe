//! Zip archives as LEAN keeps its data: ticks, seconds, minutes, hours and days of trades and quotes.
//!
//! `name` reads what the names say (day, symbol, resolution), `market` knows the clocks of the markets, `archive`
//! opens the zip, `row` makes the events. Equities have prices in ten-thousandths; a quote tick may have one side
//! only and then changes the running quote; bars of quotes are read as bars of the mid price, or, when quotes are
//! asked for, as the quote at each bar's end.

use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use genovo_engine::settings::DataKind;
use genovo_engine::units::{Nanoseconds, Timestamp};

use super::error::printable;
use super::spec::kind_name;
use super::text::TextSource;
use super::text::lines::Lines;
use super::time::midnight;
use super::{Compression, DataError, DataSpec, Description, Format, OpenFile, Tally, TimeFormat};

mod archive;
mod market;
mod name;
mod row;

use archive::Member;
pub(in crate::data) use market::LocalClock;
pub use market::Market;
use name::{Content, Name, Resolution};
use row::{Layout, Rows, Times};

/// A file of an archive, chosen and understood.
struct Chosen {
    member: Member,
    name: Name,
    market: Market,
    resolution: Resolution,
    content: Content,
    first_row: String,
}

/// Opens the file of an archive that the spec means.
pub(super) fn open(path: &Path, spec: &DataSpec, tally: Arc<Tally>) -> Result<OpenFile, DataError> {
    let refused = |message: String| DataError::Spec { file: path.to_owned(), message };
    let chosen = choose(path, spec.market.as_ref(), spec.select.as_deref())?;
    let layout = chosen.layout(spec.kind).map_err(refused)?;
    let times = match chosen.name.day {
        None => Times::Dates,
        Some((year, month, day)) => {
            let Some(midnight) = midnight(year, month, day) else {
                return Err(refused(format!("`{}` is of no day that there is", chosen.member.name)));
            };
            Times::SinceMidnight(midnight)
        }
    };
    let known = spec.bar_known().or(chosen.known_after()).unwrap_or(Nanoseconds::ZERO);
    let rows = Rows {
        layout,
        times,
        clock: chosen.market.clock(),
        scaled: chosen.market.scales_prices(),
        lacks_sizes: chosen.market.lacks_sizes(),
        instrument: spec.instrument,
        feed_latency: spec.feed_latency,
        bar_known_after: known,
        tally: tally.clone(),
        received: Timestamp::MIN,
        ends: [0; row::MOST_COLUMNS],
        bid: None,
        ask: None,
    };
    let header: Vec<String> = layout.columns().iter().map(ToString::to_string).collect();
    let lines = Lines::new(chosen.member.open(path, tally.clone())?);
    let file = path.join(&chosen.member.name);
    let source =
        TextSource::new(file, Compression::Zip, header.clone(), lines, rows, spec.skip_bad_rows, tally);
    Ok(OpenFile {
        source: Box::new(source),
        bytes: chosen.member.packed(),
        compression: Compression::Zip,
        time_format: TimeFormat::Text,
        header,
    })
}

/// What an archive says of itself.
pub(super) fn describe(
    path: &Path,
    market: Option<&Market>,
    select: Option<&str>,
) -> Result<Description, DataError> {
    let chosen = choose(path, market, select)?;
    let kinds = chosen.kinds();
    let mut said = vec![
        format!(
            "`{}` holds {} by the {}",
            chosen.member.name,
            chosen.content.name(),
            chosen.resolution.name()
        ),
        format!("{}: times are those of {}", chosen.market, chosen.market.zone_name()),
    ];
    if chosen.market.scales_prices() {
        said.push("prices are ten-thousandths".to_string());
    }
    if chosen.resolution != Resolution::Tick && chosen.content == Content::Quote {
        said.push(
            "bars of quotes: read as bars of the mid price, or as the quote at each bar's end".to_string(),
        );
    }
    let layout = chosen.layout(kinds[0]).expect("the first kind is one that it can be read as");
    Ok(Description {
        format: Format::Lean,
        kinds,
        bar_interval: chosen.resolution.length(),
        bar_known_after: chosen.known_after(),
        market: Some(chosen.market),
        select: chosen.name.contract.clone(),
        symbol: Some(chosen.name.symbol),
        columns: layout.columns().iter().map(ToString::to_string).collect(),
        examples: chosen.first_row.split(',').map(|value| printable(value.as_bytes())).collect(),
        said,
    })
}

impl Chosen {
    /// The kinds of data that it can be read as, the likeliest first.
    fn kinds(&self) -> Vec<DataKind> {
        match (self.resolution, self.content) {
            (Resolution::Tick, Content::Quote) => vec![DataKind::Quotes],
            (Resolution::Tick, Content::Trade) => vec![DataKind::Trades],
            (_, Content::Quote) => vec![DataKind::Bars, DataKind::Quotes],
            (_, Content::Trade) => vec![DataKind::Bars],
        }
    }

    fn layout(&self, kind: DataKind) -> Result<Layout, String> {
        Ok(match (self.resolution, self.content, kind) {
            (Resolution::Tick, Content::Quote, DataKind::Quotes) if self.market.lacks_sizes() => {
                Layout::PlainQuoteTicks
            }
            (Resolution::Tick, Content::Quote, DataKind::Quotes) => Layout::QuoteTicks,
            (Resolution::Tick, Content::Trade, DataKind::Trades) => Layout::TradeTicks,
            (Resolution::Tick, _, _)
            | (_, _, DataKind::Books)
            | (_, Content::Trade, DataKind::Quotes | DataKind::Trades)
            | (
                _,
                _,
                DataKind::Trades
                | DataKind::Journal
                | DataKind::Actions
                | DataKind::Signals
                | DataKind::Outside,
            ) => {
                let can: Vec<&str> = self.kinds().into_iter().map(kind_name).collect();
                let what = format!("{} by the {}", self.content.name(), self.resolution.name());
                return Err(format!(
                    "`{}` holds {what}, which can be read as {}, not as {}",
                    self.member.name,
                    can.join(" or "),
                    kind_name(kind)
                ));
            }
            (_, Content::Trade, DataKind::Bars) => Layout::TradeBars,
            (_, Content::Quote, DataKind::Bars) => Layout::QuoteBars,
            (_, Content::Quote, DataKind::Quotes) => Layout::ClosingQuotes,
        })
    }

    /// How long after its stamp a bar is known.
    fn known_after(&self) -> Option<Nanoseconds> {
        match self.resolution {
            Resolution::Daily => Some(self.market.daily_known_after()),
            resolution => resolution.length(),
        }
    }
}

/// Finds the file that is meant and what it holds.
fn choose(path: &Path, market: Option<&Market>, select: Option<&str>) -> Result<Chosen, DataError> {
    let not_read = |found: String, help: &str| DataError::NotRead {
        file: path.to_owned(),
        found,
        help: help.to_string(),
    };
    let members = archive::members(path)?;
    if members.is_empty() {
        return Err(DataError::Empty { file: path.to_owned() });
    }
    let mut named = Vec::new();
    for member in members {
        match Name::parse(&member.name) {
            Ok(name) => named.push((member, name)),
            Err(why) => {
                let found = format!("`{}` in this zip archive is no LEAN data: {why}", member.name);
                return Err(not_read(found, "unpack the archive if it holds CSV of another kind"));
            }
        }
    }
    let contracts: Vec<String> = named
        .iter()
        .map(|(_, name)| name.contract.clone().unwrap_or_else(|| name.symbol.to_ascii_lowercase()))
        .collect();
    let place = match select {
        None if named.len() == 1 => 0,
        None => {
            let message =
                format!("it holds {}: say which with `select`", super::listed(&contracts, "contract"));
            return Err(DataError::Spec { file: path.to_owned(), message });
        }
        Some(wanted) => {
            contracts.iter().position(|known| known.eq_ignore_ascii_case(wanted)).ok_or_else(|| {
                let message = format!(
                    "there is no `{wanted}` in it; it holds {}",
                    super::listed(&contracts, "contract")
                );
                DataError::Spec { file: path.to_owned(), message }
            })?
        }
    };
    let (member, name) = named.swap_remove(place);
    let market = market.cloned().or_else(|| Market::of_path(path)).ok_or_else(|| DataError::Spec {
        file: path.to_owned(),
        message: "neither the path nor the scenario says its market, and with it its clock and its prices: \
                  say `market`, such as \"equity/usa\" or \"forex/oanda\""
            .to_string(),
    })?;
    let first = first_lines(path, &member)?;
    if first.is_empty() {
        return Err(DataError::NoRows { file: path.join(&member.name), skipped: 0 });
    }
    let resolution = name.resolution.or_else(|| resolution_of(path, &first)).ok_or_else(|| {
        not_read(
            format!("`{}` does not show whether it holds hours or days", member.name),
            "keep it in a folder named hour or daily, as LEAN does",
        )
    })?;
    // Files of hours and days do not always say what they hold: quotes have both sides.
    let columns = first[0].split(',').count();
    let content = name.content.unwrap_or(if columns > 6 { Content::Quote } else { Content::Trade });
    let first_row = first.into_iter().next().unwrap_or_default();
    Ok(Chosen { member, name, market, resolution, content, first_row })
}

/// The first rows, for a look at their form.
fn first_lines(path: &Path, member: &Member) -> Result<Vec<String>, DataError> {
    const LOOK: u64 = 4_096;
    let mut bytes = Vec::new();
    let text = member.open(path, Arc::new(Tally::default()))?;
    text.take(LOOK).read_to_end(&mut bytes).map_err(|error| DataError::Damaged {
        file: path.to_owned(),
        compression: Compression::Zip,
        message: error.to_string(),
        good_rows: 0,
    })?;
    let text = String::from_utf8_lossy(&bytes);
    Ok(text.lines().map(str::to_string).filter(|line| !line.trim().is_empty()).collect())
}

/// Days are all stamped midnight; else the folder says it.
fn resolution_of(path: &Path, first: &[String]) -> Option<Resolution> {
    let stamps: Vec<&str> = first.iter().filter_map(|line| line.split(',').next()).collect();
    let midnights = stamps.iter().filter(|stamp| stamp.ends_with(" 00:00")).count();
    let dated = stamps.iter().filter(|stamp| stamp.contains(':')).count();
    if dated == 0 {
        return None;
    }
    if stamps.len() > 2 {
        return Some(if midnights >= stamps.len() - 1 { Resolution::Daily } else { Resolution::Hour });
    }
    let folder = path.parent()?.to_string_lossy().to_ascii_lowercase();
    let mut words = folder.split(|c: char| !c.is_ascii_alphanumeric());
    words
        .find_map(Resolution::from_name)
        .filter(|resolution| matches!(resolution, Resolution::Hour | Resolution::Daily))
}
