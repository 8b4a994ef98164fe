//! Reading one section of a scenario: each key by the table of keys, every error kept, every value noted.

use std::cell::RefCell;
use std::path::Path;

use genovo_engine::settings::{Frequency, RiskDistance, Slippage, TouchRule, Trigger};
use genovo_engine::units::{Money, Nanoseconds, Price, Quantity, Ratio};

use super::Column;
use super::document::{self, Document, Entry, NOTHING_RUN, Node, Origin, Spot, Value};
use super::keys::{self, Bound, Fallback, Key, Unit};
use super::readable::{self, Wrong, did_you_mean};
use crate::error::{Exit, Failure};

/// What is collected while a scenario is read: all errors, and what holds in the end.
pub struct Reading<'a> {
    /// The text that is read.
    pub document: &'a Document,
    errors: RefCell<Vec<Failure>>,
    effective: RefCell<Vec<Noted>>,
}

/// A section as it is being noted.
struct Noted {
    spec: &'static keys::Section,
    /// The place of the section that it lies in.
    outer: Option<usize>,
    keys: Vec<EffectiveKey>,
}

/// A section as it holds: what was written, and defaults for the rest.
#[derive(Clone, Debug)]
pub struct EffectiveSection {
    /// As a scenario writes it: `[risk]`.
    pub heading: String,
    /// Its keys.
    pub keys: Vec<EffectiveKey>,
}

/// A key as it holds.
#[derive(Clone, Debug)]
pub struct EffectiveKey {
    /// Its name.
    pub key: String,
    /// Its value as TOML.
    pub value: String,
    /// Where it comes from, unless it stands in the scenario itself: `default`, `--set`, or a file's name.
    pub from: Option<String>,
}

impl<'a> Reading<'a> {
    /// Begins to read a document.
    pub fn new(document: &'a Document) -> Reading<'a> {
        Reading { document, errors: RefCell::default(), effective: RefCell::default() }
    }

    /// Keeps an error about a spot.
    pub fn fail(
        &self,
        message: impl Into<String>,
        spot: Spot,
        label: impl Into<String>,
        help: impl Into<String>,
    ) {
        let failure = Failure::new(Exit::Usage, message, NOTHING_RUN).at(self.document.place(spot, label));
        self.errors.borrow_mut().push(failure.help(help));
    }

    /// Keeps errors that were found elsewhere.
    pub fn add(&self, failure: Failure) {
        self.errors.borrow_mut().push(failure);
    }

    /// The settings if there was no error, else all errors.
    pub fn finish<T>(self, value: Option<T>) -> Result<(T, Vec<EffectiveSection>), Failure> {
        match (Failure::gather(self.errors.into_inner()), value) {
            (Some(failure), _) => Err(failure),
            (None, Some(value)) => Ok((value, in_order(self.effective.into_inner()))),
            (None, None) => unreachable!("nothing is missing without an error"),
        }
    }

    /// Reports every key at the top of the file that the table of keys does not know.
    pub fn check_top(&self) {
        let top = keys::section("").expect("the table has a top");
        let sections = keys::SECTIONS.iter().map(|section| section.name).filter(|name| !name.contains('.'));
        let known: Vec<&str> = top.keys.iter().map(|key| key.name).chain(sections).collect();
        for entry in &self.document.root {
            if !known.contains(&entry.key.as_str()) {
                self.unknown(entry, top, &known);
            }
        }
    }

    /// The sections of this name: one, or several in a list. Reports one that must be there and is not.
    pub fn sections(&'a self, name: &'static str, required: bool) -> Vec<Section<'a>> {
        let spec = keys::section(name).expect("a section of the table");
        let Some(entry) = document::get(&self.document.root, name) else {
            if required {
                let missing = format!("the scenario has no {}", spec.heading());
                let help = format!("{} All keys: genovo check --keys {name}", spec.about);
                self.fail(
                    missing,
                    self.document.beginning(),
                    format!("add a section {}", spec.heading()),
                    help,
                );
            }
            return Vec::new();
        };
        let items = match &entry.node.value {
            Value::List(items) if spec.many => items.iter().collect(),
            _ => vec![&entry.node],
        };
        items.into_iter().filter_map(|node| self.section_at(spec, entry, node, None)).collect()
    }

    /// The only section of this name; its defaults when the scenario leaves it out.
    pub fn section(&'a self, name: &'static str) -> Section<'a> {
        let spec = keys::section(name).expect("a section of the table");
        match self.sections(name, false).pop() {
            Some(section) => section,
            None => self.begin(spec, &[], None, None),
        }
    }

    /// A section whose keys are these, wherever they stand.
    pub fn section_of(&'a self, name: &'static str, entries: &'a [Entry]) -> Section<'a> {
        self.begin(keys::section(name).expect("a section of the table"), entries, None, None)
    }

    /// Keys at the top of the file.
    pub fn top(&'a self) -> Section<'a> {
        self.check_top();
        self.begin(keys::section("").expect("the table has a top"), &self.document.root, None, None)
    }

    fn section_at(
        &'a self,
        spec: &'static keys::Section,
        entry: &'a Entry,
        node: &'a Node,
        outer: Option<usize>,
    ) -> Option<Section<'a>> {
        let Some(entries) = node.as_table() else {
            let message = format!("`{}` is {}, not a section", entry.key, node.kind());
            self.fail(message, node.spot, format!("write {}", spec.heading()), spec.about);
            return None;
        };
        let spot = if spec.many { item_spot(entries).unwrap_or(entry.spot) } else { entry.spot };
        let section = self.begin(spec, entries, Some(spot), outer);
        if !matches!(spec.name, "strategy" | "strategies") {
            let known: Vec<&str> = spec.keys.iter().map(|key| key.name).collect();
            for entry in entries.iter().filter(|entry| !known.contains(&entry.key.as_str())) {
                self.unknown(entry, spec, &known);
            }
        }
        Some(section)
    }

    fn begin(
        &'a self,
        spec: &'static keys::Section,
        entries: &'a [Entry],
        spot: Option<Spot>,
        outer: Option<usize>,
    ) -> Section<'a> {
        let mut effective = self.effective.borrow_mut();
        effective.push(Noted { spec, outer, keys: Vec::new() });
        Section { reading: self, spec, entries, spot, index: effective.len() - 1 }
    }

    fn unknown(&self, entry: &Entry, spec: &keys::Section, known: &[&str]) {
        let guess = did_you_mean(&entry.key, known.iter().copied());
        let message = match (spec.name, &entry.node.value) {
            ("", Value::Table(_) | Value::List(_)) => format!("unknown section [{}]", entry.key),
            ("", _) => format!("unknown key `{}`", entry.key),
            _ => format!("unknown key `{}` in {}", entry.key, spec.heading()),
        };
        let label = guess.map_or(String::new(), |guess| format!("did you mean `{guess}`?"));
        let key = guess.and_then(|guess| spec.key(guess)).map(Key::help);
        let section =
            guess.and_then(keys::section).map(|section| section.about.trim_end_matches('.').to_string());
        self.fail(message, entry.spot, label, with_all_keys(key.or(section), spec));
    }
}

/// Help, and where to find more of it; in two lines when one is too long.
fn with_all_keys(about: Option<String>, spec: &keys::Section) -> String {
    let all = match spec.name {
        "" => "All keys: genovo check --keys".to_string(),
        name => format!("All keys of {}: genovo check --keys {name}", spec.heading()),
    };
    match about {
        None => all,
        Some(about) if about.chars().count() + all.len() < 100 => format!("{about}. {all}"),
        Some(about) => format!("{about}\n{all}"),
    }
}

/// As TOML wants them: a section inside another one follows it. Keys as in the table, a strategy's own last.
fn in_order(sections: Vec<Noted>) -> Vec<EffectiveSection> {
    let mut order: Vec<usize> = (0..sections.len()).collect();
    order.sort_by_key(|index| (sections[*index].outer.unwrap_or(*index), *index));
    let effective = order.into_iter().map(|index| {
        let Noted { spec, keys, .. } = &sections[index];
        let mut keys = keys.clone();
        keys.sort_by_key(|key| {
            spec.keys.iter().position(|known| known.name == key.key).unwrap_or(usize::MAX)
        });
        let heading = if spec.name.is_empty() { String::new() } else { spec.heading() };
        EffectiveSection { heading, keys }
    });
    effective.collect()
}

/// Where an item of a list of tables is shown: at its first key.
fn item_spot(entries: &[Entry]) -> Option<Spot> {
    entries.first().map(|entry| entry.spot)
}

/// One section being read.
pub struct Section<'a> {
    reading: &'a Reading<'a>,
    spec: &'static keys::Section,
    /// Its entries as written.
    pub entries: &'a [Entry],
    spot: Option<Spot>,
    index: usize,
}

impl<'a> Section<'a> {
    /// Where a key's value stands; else the key's section, else the beginning of the scenario.
    pub fn spot(&self, key: &str) -> Spot {
        match document::get(self.entries, key) {
            Some(entry) => entry.node.spot,
            None => self.spot.unwrap_or_else(|| self.reading.document.beginning()),
        }
    }

    /// What a relative path of this key starts from.
    pub fn folder(&self, key: &str) -> &'a Path {
        self.reading.document.folder(self.spot(key))
    }

    /// The keys that are not a strategy's own.
    pub fn fixed(&self) -> Vec<&'static str> {
        self.spec.keys.iter().map(|key| key.name).collect()
    }

    /// How its heading is written, such as `[risk]`.
    pub fn heading(&self) -> String {
        self.spec.heading()
    }

    /// Whether this key was said farther off than another one: in a scenario that is extended, while the other is said
    /// by who extends it.
    pub fn is_older(&self, key: &str, other: &str) -> bool {
        let origin =
            |key| document::get(self.entries, key).map(|entry| self.reading.document.origin(entry.spot));
        matches!((origin(key), origin(other)), (Some(key), Some(other)) if key < other)
    }

    /// Whether the scenario says this key.
    pub fn says(&self, key: &str) -> bool {
        document::get(self.entries, key).is_some()
    }

    /// Keeps an error about a key.
    pub fn fail(&self, key: &str, message: impl Into<String>, label: impl Into<String>) {
        let help = with_all_keys(self.spec.key(key).map(Key::help), self.spec);
        self.reading.fail(message, self.spot(key), label, help);
    }

    /// A text.
    pub fn text(&self, key: &str) -> Option<String> {
        self.read(key, &[Unit::Text, Unit::Path, Unit::Keys], |text| match text {
            "" => Err("must not be empty".to_string()),
            text => Ok(text.to_string()),
        })
    }

    /// A word of the list in the table of keys.
    pub fn word(&self, key: &str) -> Option<String> {
        let Unit::Word(words) = self.key(key).unit else { panic!("`{key}` is no word") };
        self.read(key, &[Unit::Word(words)], |text| {
            if words.contains(&text) {
                return Ok(text.to_string());
            }
            match did_you_mean(text, words.iter().copied()) {
                Some(word) => Err(format!("did you mean `{word}`?")),
                None => Err(format!("write one of `{}`", words.join("`, `"))),
            }
        })
    }

    /// `true` or `false`.
    pub fn flag(&self, key: &str) -> Option<bool> {
        self.read(key, &[Unit::Flag], |text| {
            text.parse().map_err(|_| "write `true` or `false`, without quotes".to_string())
        })
    }

    /// A whole number.
    pub fn whole(&self, key: &str) -> Option<u64> {
        self.bounded(key, Unit::Whole, readable::whole, |value| i128::from(*value))
    }

    /// A whole number that fits 32 bits.
    pub fn small(&self, key: &str) -> Option<u32> {
        let value = self.whole(key)?;
        u32::try_from(value)
            .map_err(|_| self.fail(key, format!("`{value}` is too large"), "at most 4,294,967,295"))
            .ok()
    }

    /// A share.
    pub fn ratio(&self, key: &str) -> Option<Ratio> {
        self.bounded(key, Unit::Ratio, readable::ratio, |value| i128::from(value.0))
    }

    /// A length of time.
    pub fn length(&self, key: &str) -> Option<Nanoseconds> {
        self.bounded(key, Unit::Length, readable::length, |value| i128::from(value.0))
    }

    /// A price.
    pub fn price(&self, key: &str) -> Option<Price> {
        self.bounded(key, Unit::Price, readable::price, |value| i128::from(value.0))
    }

    /// A quantity.
    pub fn quantity(&self, key: &str) -> Option<Quantity> {
        self.bounded(key, Unit::Quantity, readable::quantity, |value| i128::from(value.0))
    }

    /// An amount of the account's currency.
    pub fn money(&self, key: &str, currency: &str) -> Option<Money> {
        let read = |text: &str| match readable::money(text)? {
            (amount, None) => Ok(amount),
            (amount, Some(named)) if named == currency || currency.is_empty() => Ok(amount),
            (amount, Some(named)) => {
                Err(format!("the account is in {currency}: write `{amount} {currency}`, not {named}"))
            }
        };
        self.bounded(key, Unit::Money, read, |value| value.0)
    }

    /// The name of a currency.
    pub fn currency(&self, key: &str) -> Option<String> {
        self.read(key, &[Unit::Currency], |text| readable::currency_name(text).map(str::to_string))
    }

    /// A time of day.
    pub fn time_of_day(&self, key: &str) -> Option<Nanoseconds> {
        self.read(key, &[Unit::TimeOfDay], readable::time_of_day)
    }

    /// A column of a file.
    pub fn column(&self, key: &str) -> Option<Column> {
        self.read(key, &[Unit::Column], |text| match (text, text.parse()) {
            ("", _) => Err("must not be empty".to_string()),
            (_, Ok(0)) => Err("columns are numbered from 1".to_string()),
            (_, Ok(number)) => Ok(Column::Number(number)),
            (name, Err(_)) => Ok(Column::Name(name.to_string())),
        })
    }

    /// When a strategy decides.
    pub fn trigger(&self, key: &str) -> Option<Trigger> {
        self.read(key, &[Unit::Trigger], readable::trigger)
    }

    /// A risk distance; what holds when the scenario is silent depends on the rest of it.
    pub fn distance(&self, key: &str, period: u32, otherwise: &str) -> Option<RiskDistance> {
        self.read_or(key, &[Unit::Distance], otherwise, |text| readable::distance(text, period))
    }

    /// So many in a time.
    pub fn frequency(&self, key: &str) -> Option<Frequency> {
        self.read(key, &[Unit::Frequency], readable::frequency)
    }

    /// A displayed size.
    pub fn size(&self, key: &str) -> Option<Option<Quantity>> {
        self.read(key, &[Unit::Size], readable::size)
    }

    /// What a touch does.
    pub fn touch(&self, key: &str) -> Option<TouchRule> {
        self.read(key, &[Unit::Touch], readable::touch)
    }

    /// Slippage.
    pub fn slippage(&self, key: &str) -> Option<Slippage> {
        self.read(key, &[Unit::Slippage], readable::slippage)
    }

    /// A section inside this one, such as `commission = { … }`; its defaults when it is left out.
    pub fn inner(&self, key: &str) -> Option<Section<'a>> {
        let name = format!("{}.{key}", self.spec.name);
        let spec = keys::section(&name).expect("a section of the table");
        match document::get(self.entries, key) {
            Some(entry) => self.reading.section_at(spec, entry, &entry.node, Some(self.index)),
            None => Some(self.reading.begin(spec, &[], self.spot, Some(self.index))),
        }
    }

    /// Notes a value that holds although no key of the table says it, such as a strategy's parameter.
    pub fn note(&self, key: &str, value: &str, entry: Option<&Entry>) {
        let from = match entry {
            None => Some("default".to_string()),
            Some(entry) => match self.reading.document.origin(entry.spot) {
                Origin::Scenario => None,
                _ => Some(self.reading.document.source_name(entry.spot).to_string()),
            },
        };
        let key = EffectiveKey { key: key.to_string(), value: toml(value, entry), from };
        self.reading.effective.borrow_mut()[self.index].keys.push(key);
    }

    /// Notes and returns what holds for a key on which the scenario is silent and the table has no value.
    pub fn otherwise(&self, key: &str, value: String) -> String {
        self.note(key, &value, None);
        value
    }

    fn key(&self, key: &str) -> &'static Key {
        let section = self.spec.heading();
        self.spec.key(key).unwrap_or_else(|| panic!("the table of keys has no `{key}` in {section}"))
    }

    /// A value that must lie within the bound that the table of keys gives it.
    fn bounded<T>(
        &self,
        key: &str,
        unit: Unit,
        read: impl Fn(&str) -> Result<T, Wrong>,
        size: impl Fn(&T) -> i128,
    ) -> Option<T> {
        let value = self.read(key, &[unit], read)?;
        let size = size(&value);
        let right = match self.key(key).bound {
            Bound::NotNegative if size < 0 => "must not be negative",
            Bound::Positive if size <= 0 => "must be above zero",
            Bound::Share if size <= 0 || size > i128::from(Ratio::ONE.0) => {
                "must be above zero and at most 100 %"
            }
            _ => return Some(value),
        };
        let written = document::get(self.entries, key).and_then(|entry| entry.node.as_scalar());
        self.fail(key, format!("`{key}` cannot be `{}`", written.unwrap_or_default()), right);
        None
    }

    fn read<T>(&self, key: &str, units: &[Unit], read: impl Fn(&str) -> Result<T, Wrong>) -> Option<T> {
        self.read_or(key, units, "", read)
    }

    /// Reads a key, its default if the scenario is silent, and `otherwise` if it has none.
    fn read_or<T>(
        &self,
        key: &str,
        units: &[Unit],
        otherwise: &str,
        read: impl Fn(&str) -> Result<T, Wrong>,
    ) -> Option<T> {
        let spec = self.key(key);
        assert!(units.contains(&spec.unit), "`{key}` is read as another unit than the table of keys says");
        let entry = document::get(self.entries, key);
        let text = match (entry, spec.default) {
            (Some(entry), _) => match entry.node.as_scalar() {
                Some(text) => text.trim().to_string(),
                None => {
                    let message = format!("`{key}` is {}, not {}", entry.node.kind(), spec.unit.noun());
                    self.fail(key, message, format!("write one value, such as `{}`", spec.unit.example()));
                    return None;
                }
            },
            (None, Fallback::Is(text)) => text.to_string(),
            (None, Fallback::Otherwise(_)) if !otherwise.is_empty() => otherwise.to_string(),
            (None, Fallback::Otherwise(_)) => return None,
            (None, Fallback::Required) => {
                let message = match self.spec.name {
                    "" => format!("the scenario has no `{key}`"),
                    _ => format!("{} has no `{key}`", self.spec.heading()),
                };
                self.fail(key, message, format!("add `{key} = {}`", spec.unit.example()));
                return None;
            }
        };
        match read(&text) {
            Ok(value) => {
                self.note(key, &text, entry);
                Some(value)
            }
            Err(wrong) => {
                let message = match spec.unit {
                    Unit::Word(_) => format!("`{key}` cannot be `{text}`"),
                    unit => format!("`{text}` is not {}", unit.noun()),
                };
                self.fail(key, message, wrong);
                None
            }
        }
    }
}

/// A value as TOML: as it was written, and in quotes unless it is a number or a flag.
fn toml(value: &str, entry: Option<&Entry>) -> String {
    let bare = match entry.map(|entry| &entry.node.value) {
        Some(Value::Number(_) | Value::Flag(_)) => true,
        Some(_) => value == "true" || value == "false",
        None => matches!(value, "true" | "false") || value.parse::<u32>().is_ok(),
    };
    if bare { value.to_string() } else { serde_json::Value::from(value).to_string() }
}
