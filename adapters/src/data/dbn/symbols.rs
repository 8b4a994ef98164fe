//! Which records are of the instrument that is meant.

use dbn::{Metadata, SType};
use genovo_engine::units::{Nanoseconds, Timestamp};

/// The instrument that is meant, by the numbers that records carry.
pub(super) struct Symbols {
    name: Option<String>,
    wanted: Wanted,
}

enum Wanted {
    /// The only one of a file that names none: the number of its first record.
    First(Option<u32>),
    /// This number, at any time.
    Number(u32),
    /// The only symbol of the file: any other record is a flaw.
    Only(Vec<Span>),
    /// One of several symbols: records of others are passed over.
    One(Vec<Span>),
}

/// A number and when it stood for the symbol: from the first day to before the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Span {
    number: u32,
    from: i64,
    to: i64,
}

/// Whether a record is meant.
pub(super) enum Verdict {
    Meant,
    Another,
    /// It is of an instrument that should not be in this file.
    Stranger,
}

/// The symbols that the metadata names, each once, in order.
pub(super) fn names(metadata: &Metadata) -> Vec<String> {
    let mut names: Vec<String> = spans(metadata).into_iter().map(|(name, _)| name).collect();
    names.sort();
    names.dedup();
    names
}

/// Every symbol with its number and dates. Metadata maps either way: symbols to numbers, or numbers to symbols.
fn spans(metadata: &Metadata) -> Vec<(String, Span)> {
    let inverse = metadata.stype_in == Some(SType::InstrumentId);
    let mut all = Vec::new();
    for mapping in &metadata.mappings {
        for interval in &mapping.intervals {
            let (name, number) = match inverse {
                true => (&interval.symbol, &mapping.raw_symbol),
                false => (&mapping.raw_symbol, &interval.symbol),
            };
            let Ok(number) = number.parse() else { continue };
            let midnight = |julian_day: i32| {
                (i64::from(julian_day) - JULIAN_DAY_OF_1970).saturating_mul(Nanoseconds::DAY.0)
            };
            let from = midnight(interval.start_date.to_julian_day());
            let to = midnight(interval.end_date.to_julian_day());
            all.push((name.clone(), Span { number, from, to }));
        }
    }
    all
}

const JULIAN_DAY_OF_1970: i64 = 2_440_588;

impl Symbols {
    /// The instrument called `select`, by symbol or number; without it the only one that there is.
    pub(super) fn new(metadata: &Metadata, select: Option<&str>) -> Result<Symbols, String> {
        let (names, spans) = (names(metadata), spans(metadata));
        let of =
            |name: &str| spans.iter().filter(|(known, _)| known == name).map(|(_, span)| *span).collect();
        match (select, names.as_slice()) {
            (None, []) => Ok(Symbols { name: None, wanted: Wanted::First(None) }),
            (None, [only]) => Ok(Symbols { name: Some(only.clone()), wanted: Wanted::Only(of(only)) }),
            (None, several) => {
                Err(format!("it holds {}: say which with `select`", crate::data::listed(several, "symbol")))
            }
            (Some(wanted), _) => match (names.iter().find(|name| *name == wanted), wanted.parse()) {
                (Some(name), _) => Ok(Symbols { name: Some(name.clone()), wanted: Wanted::One(of(name)) }),
                (None, Ok(number)) => {
                    let name = spans.iter().find(|(_, span)| span.number == number);
                    let name = name.map(|(name, _)| name.clone());
                    Ok(Symbols { name, wanted: Wanted::Number(number) })
                }
                (None, Err(_)) if names.is_empty() => {
                    Err(format!("it names no symbol: say `{wanted}` by its number"))
                }
                (None, Err(_)) => {
                    let holds = crate::data::listed(&names, "symbol");
                    Err(format!("there is no `{wanted}` in it; it holds {holds}"))
                }
            },
        }
    }

    /// The symbol, where the file names it.
    pub(super) fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// Whether a record of this number and time is meant.
    #[inline]
    pub(super) fn judge(&mut self, number: u32, time: Timestamp) -> Verdict {
        let among = |spans: &[Span]| {
            spans.iter().any(|span| span.number == number && (span.from..span.to).contains(&time.0))
        };
        let (meant, otherwise) = match &mut self.wanted {
            Wanted::First(first) => (*first.get_or_insert(number) == number, Verdict::Stranger),
            Wanted::Number(wanted) => (*wanted == number, Verdict::Another),
            Wanted::Only(spans) => (among(spans), Verdict::Stranger),
            Wanted::One(spans) => (among(spans), Verdict::Another),
        };
        if meant { Verdict::Meant } else { otherwise }
    }
}
