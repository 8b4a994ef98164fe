//! Decisions that two runs took differently: other direction, other size, or only one of them decided.

use genovo_engine::ids::InstrumentId;
use genovo_engine::units::Timestamp;
use serde_json::{Value, json};

use super::folded::{Folded, Wanted};

/// How two runs' decisions at one time differ in direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// The other direction, or out instead of in.
    Flipped,
    /// Only the first run decided.
    OnlyFirst,
    /// Only the other run decided.
    OnlyOther,
}

impl Way {
    /// In JSON.
    pub fn name(self) -> &'static str {
        match self {
            Way::Flipped => "flipped",
            Way::OnlyFirst => "only_first",
            Way::OnlyOther => "only_other",
        }
    }
}

/// A decision that two runs took differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flip {
    /// When.
    pub time: Timestamp,
    /// On which instrument.
    pub instrument: InstrumentId,
    /// How.
    pub way: Way,
    /// What the first run wanted.
    pub first: Option<Wanted>,
    /// What the other wanted.
    pub other: Option<Wanted>,
}

/// All of them, counted, and the first few.
#[derive(Clone, Debug, Default)]
pub struct Flips {
    /// Decisions that both took alike.
    pub alike: u64,
    /// Other direction.
    pub flipped: u64,
    /// Other size.
    pub resized: u64,
    /// Only in the first.
    pub only_first: u64,
    /// Only in the other.
    pub only_other: u64,
    /// The first that are not alike in direction, oldest first; resized ones are counted only.
    pub list: Vec<Flip>,
}

impl Flips {
    /// Compares what two runs wanted; lists the first `most`.
    pub fn of(first: &Folded, other: &Folded, most: usize) -> Flips {
        let mut flips = Flips::default();
        let mut list = Vec::new();
        for (key, wanted) in &first.decisions {
            match other.decisions.get(key) {
                Some(others) if others.quantity == wanted.quantity => flips.alike += 1,
                Some(others) if others.quantity.signum() == wanted.quantity.signum() => flips.resized += 1,
                Some(others) => {
                    flips.flipped += 1;
                    list.push((*key, Way::Flipped, Some(*wanted), Some(*others)));
                }
                None => {
                    flips.only_first += 1;
                    list.push((*key, Way::OnlyFirst, Some(*wanted), None));
                }
            }
        }
        for (key, others) in &other.decisions {
            if !first.decisions.contains_key(key) {
                flips.only_other += 1;
                list.push((*key, Way::OnlyOther, None, Some(*others)));
            }
        }
        list.sort_by_key(|(key, ..)| *key);
        list.truncate(most);
        flips.list = list
            .into_iter()
            .map(|((time, instrument), way, first, other)| Flip { time, instrument, way, first, other })
            .collect();
        flips
    }

    /// For a program; `symbol` names an instrument.
    pub fn to_json(&self, symbol: impl Fn(InstrumentId) -> String) -> Value {
        let list = self.list.iter().map(|flip| {
            let wanted = |wanted: Option<Wanted>| {
                wanted.map(
                    |one| json!({ "event": one.number, "sequence": one.sequence, "wanted": one.quantity }),
                )
            };
            json!({
                "time": flip.time,
                "instrument": symbol(flip.instrument),
                "way": flip.way.name(),
                "first": wanted(flip.first),
                "other": wanted(flip.other),
            })
        });
        json!({
            "alike": self.alike,
            "flipped": self.flipped,
            "resized": self.resized,
            "only_first": self.only_first,
            "only_other": self.only_other,
            "list": list.collect::<Vec<_>>(),
        })
    }
}
