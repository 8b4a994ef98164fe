//! Who decides: `[strategy]`, or several `[[strategies]]` that share the account.

use std::collections::BTreeMap;
use std::path::PathBuf;

use genovo_engine::ids::InstrumentId;
use genovo_engine::settings::{DataKind, Instrument, Settings, SharedSettings, StrategySettings, Trigger};
use genovo_engine::strategy::{ParameterError, Parameters, Registry, StrategyKind, model};
use genovo_engine::units::Ratio;

use super::checkpoint;
use super::data::Data;
use super::document::{self, Entry, Node, Origin, Value};
use super::readable::{self, did_you_mean};
use super::section::{Reading, Section};
use crate::models::PARAMETER;

/// Names that are not to be had, and for whose orders they are kept: they write decisions too.
const RESERVED: [(&str, &str); 3] = [
    ("operator", "what the operator orders"),
    ("margin", "what closes positions for want of margin"),
    ("protection", "the stops that protect positions"),
];

/// Reads them all: one without a share, or several with theirs.
pub fn read<'a, 'r>(
    reading: &'a Reading<'a>,
    registry: &'r Registry,
    instruments: Option<&[Instrument]>,
    notes: &mut Vec<String>,
) -> Option<Vec<Chosen<'a, 'r>>> {
    let root = |name| document::get(&reading.document.root, name);
    let several = match (root("strategy"), root("strategies")) {
        (_, None) => false,
        (None, Some(_)) => true,
        (Some(one), Some(several)) => {
            // What is extended has one of them, and the scenario says the other.
            let (one, nearer) = (nearest(reading, one), nearest(reading, several));
            if one == nearer {
                let message = "the scenario has both [strategy] and [[strategies]]";
                let help = "[strategy] is the short form for a single one";
                reading.fail(message, several.spot, "leave one of them out", help);
                return None;
            }
            nearer > one
        }
    };
    if !several {
        let section = reading.sections("strategy", true).pop()?;
        return Some(vec![strategy(reading, section, registry, notes)?]);
    }
    let mut chosen: Vec<Chosen<'a, 'r>> = Vec::new();
    let mut good = true;
    let sections = reading.sections("strategies", true);
    // What is no list of sections was said by who looked for them.
    if let Some(entry) = root("strategies").filter(|entry| is_empty(&entry.node)) {
        let help = "[strategy] is the short form for a single one";
        reading.fail("[[strategies]] is empty", entry.spot, "name at least one", help);
    }
    for section in sections {
        let share = share(&section, instruments);
        match (strategy(reading, section, registry, notes), share) {
            (Some(mut one), Some((name, instruments, budget))) => {
                let name = match name {
                    Some(name) => name,
                    None => one.section.otherwise("name", one.kind.name.to_string()),
                };
                good &= one.is_another(&name, &chosen);
                one.share = Some((name, instruments, budget));
                chosen.push(one);
            }
            _ => good = false,
        }
    }
    (good && !chosen.is_empty()).then_some(chosen)
}

fn is_empty(node: &Node) -> bool {
    matches!(&node.value, Value::List(items) if items.is_empty())
}

/// The nearest text that says anything of a section.
fn nearest(reading: &Reading<'_>, entry: &Entry) -> Origin {
    let inside: Vec<&Node> = match &entry.node.value {
        Value::List(items) => items.iter().collect(),
        _ => vec![&entry.node],
    };
    let keys = inside.into_iter().filter_map(Node::as_table).flatten().map(|key| key.node.spot);
    let spots = keys.chain([entry.spot]);
    spots.map(|spot| reading.document.origin(spot)).max().unwrap_or(Origin::Scenario)
}

/// A name if it says one, what it trades, what it may hold.
fn share(
    section: &Section<'_>,
    instruments: Option<&[Instrument]>,
) -> Option<(Option<String>, Vec<InstrumentId>, Ratio)> {
    let budget = section.ratio("budget");
    let name = match section.says("name") {
        true => Some(section.text("name")?),
        false => None,
    };
    if !section.says("instruments") {
        section.otherwise("instruments", "all".to_string());
        return Some((name, Vec::new(), budget?));
    }
    let (text, mut traded) = (section.text("instruments")?, Vec::new());
    let known = instruments?;
    for symbol in text.split(',').map(str::trim) {
        let Some(index) = known.iter().position(|instrument| instrument.symbol == symbol) else {
            let symbols: Vec<&str> = known.iter().map(|instrument| instrument.symbol.as_str()).collect();
            let label = match did_you_mean(symbol, symbols.iter().copied()) {
                Some(guess) => format!("did you mean `{guess}`?"),
                None => format!("known: {}", symbols.join(", ")),
            };
            section.fail("instruments", format!("unknown instrument `{symbol}`"), label);
            return None;
        };
        traded.push(InstrumentId(index as u32 + 1));
    }
    traded.sort_unstable();
    traded.dedup();
    Some((name, traded, budget?))
}

/// The strategy as read, before the engine has seen it.
pub struct Chosen<'a, 'r> {
    /// Where it stands.
    pub section: Section<'a>,
    /// Which it is.
    pub kind: &'r StrategyKind,
    /// When it decides.
    pub trigger: Trigger,
    parameters: BTreeMap<String, String>,
    /// Where the model's file lies.
    pub model: Option<PathBuf>,
    /// Its name, instruments and budget where several share the account.
    share: Option<(String, Vec<InstrumentId>, Ratio)>,
}

fn strategy<'a, 'r>(
    reading: &'a Reading<'a>,
    section: Section<'a>,
    registry: &'r Registry,
    notes: &mut Vec<String>,
) -> Option<Chosen<'a, 'r>> {
    let name = section.text("kind")?;
    let Some(kind) = registry.get(&name) else {
        let names: Vec<&str> = registry.kinds().iter().map(|kind| kind.name).collect();
        let label = match did_you_mean(&name, names.iter().copied()) {
            Some(guess) => format!("did you mean `{guess}`?"),
            None => format!("known: {}", names.join(", ")),
        };
        section.fail("kind", format!("unknown strategy `{name}`"), label);
        return None;
    };
    let trigger = match section.says("decide") {
        true => section.trigger("decide"),
        false => {
            section.otherwise("decide", readable::show_trigger(kind.trigger));
            Some(kind.trigger)
        }
    };
    let mut parameters = parameters(reading, &section, kind, notes)?;
    let model = match kind.name == model::KIND.name {
        true => checkpoint::read(&section, &mut parameters, registry.models())?,
        false => None,
    };
    Some(Chosen { section, kind, trigger: trigger?, parameters, model, share: None })
}

fn parameters(
    reading: &Reading<'_>,
    section: &Section<'_>,
    kind: &StrategyKind,
    notes: &mut Vec<String>,
) -> Option<BTreeMap<String, String>> {
    let (mut good, mut left_out) = (true, Vec::new());
    let kind_entry = document::get(section.entries, "kind")?;
    let fixed = section.fixed();
    if let Some(both) = kind.parameters.iter().find(|parameter| fixed.contains(&parameter.name)) {
        // One key cannot be read as two things.
        let (name, heading) = (both.name, section.heading());
        let message = format!("{} has a parameter `{name}`, and in {heading} that key is another", kind.name);
        let label = match name {
            "kind" | "decide" => "give the parameter another name",
            _ => "give the parameter another name, or let it decide alone in [strategy]",
        };
        section.fail("kind", message, label);
        return None;
    }
    let own = |entry: &&Entry| !fixed.contains(&entry.key.as_str());
    for entry in section.entries.iter().filter(own) {
        if kind.parameters.iter().any(|parameter| parameter.name == entry.key) {
            continue;
        }
        // A strategy chosen above another one's parameters does not inherit them.
        if reading.document.origin(entry.spot) < reading.document.origin(kind_entry.spot) {
            left_out.push(entry.key.as_str());
            continue;
        }
        good = false;
        let names = kind.parameters.iter().map(|parameter| parameter.name).chain(fixed.iter().copied());
        let label = did_you_mean(&entry.key, names).map(|name| format!("did you mean `{name}`?"));
        let message = format!("{} has no parameter `{}`", kind.name, entry.key);
        reading.fail(message, entry.spot, label.unwrap_or_default(), parameters_help(kind));
    }
    if !left_out.is_empty() {
        let what = if left_out.len() == 1 { "parameter" } else { "parameters" };
        notes.push(format!("left out, as {} has no such {what}: {}", kind.name, left_out.join(", ")));
    }
    let mut parameters = BTreeMap::new();
    for parameter in kind.parameters {
        let entry = document::get(section.entries, parameter.name);
        let answered = kind.name == model::KIND.name && checkpoint::answers(section, parameter.name);
        let silent = parameter.default == Some("") || answered;
        if entry.is_none() && silent {
            continue;
        }
        // What an extended scenario says of a seeded model does not hold for a checkpoint named above it.
        if let (Some(entry), Some(named), true) = (entry, document::get(section.entries, PARAMETER), answered)
            && reading.document.origin(entry.spot) < reading.document.origin(named.spot)
        {
            notes.push(format!("left out, as the checkpoint says it: {}", parameter.name));
            continue;
        }
        let text = match (entry, parameter.default) {
            (Some(entry), _) => entry.node.as_scalar().map(|text| text.trim().to_string()),
            (None, default) => default.map(str::to_string),
        };
        let Some(text) = text else {
            good = false;
            let message = match entry {
                Some(entry) => format!("`{}` is {}, not one value", parameter.name, entry.node.kind()),
                None => format!("{} needs `{}`", kind.name, parameter.name),
            };
            let label = format!("`{}` is: {}", parameter.name, parameter.about);
            reading.fail(message, section.spot(parameter.name), label, parameters_help(kind));
            continue;
        };
        section.note(parameter.name, &text, entry);
        parameters.insert(parameter.name.to_string(), text);
    }
    good.then_some(parameters)
}

fn parameters_help(kind: &StrategyKind) -> String {
    let names: Vec<&str> = kind.parameters.iter().map(|parameter| parameter.name).collect();
    match names.is_empty() {
        true => format!("{} has no parameters. All strategies: genovo check --strategies", kind.name),
        false => format!("{} has {}. All strategies: genovo check --strategies", kind.name, names.join(", ")),
    }
}

impl Chosen<'_, '_> {
    /// Whether it can stand beside the others.
    fn is_another(&self, name: &str, others: &[Chosen<'_, '_>]) -> bool {
        let named = |other: &Chosen<'_, '_>| other.share.as_ref().is_some_and(|(theirs, ..)| theirs == name);
        if let Some((_, whose)) = RESERVED.iter().find(|(reserved, _)| *reserved == name) {
            let message = format!("a strategy cannot be called `{name}`: that name is reserved for {whose}");
            self.section.fail("name", message, "give it another `name`");
            return false;
        }
        if others.iter().any(named) {
            let message = format!("a strategy cannot be called `{name}`: somebody else is");
            self.section.fail("name", message, "give each another `name`");
            return false;
        }
        let is_model = |one: &Chosen<'_, '_>| one.kind.name == model::KIND.name;
        if is_model(self) && others.iter().any(is_model) {
            let message = "two models cannot share an account: a run is decided by one model at most";
            self.section.fail("kind", message, "let rules decide beside it");
            return false;
        }
        true
    }

    /// Reports what the account cannot be.
    pub fn check_account(&self, hedging: bool) {
        if hedging && self.share.is_some() {
            let message = "several strategies share no hedging account: what one closes may be another's";
            let label = "use [strategy], or write `positions = \"netting\"` in [account]";
            self.section.fail("kind", message, label);
        }
    }

    /// Reports what the data lacks.
    pub fn check_needs(&self, data: &Data, has_bars: bool) {
        let name = self.kind.name;
        if self.kind.needs.quotes && !data.has(DataKind::Quotes) {
            let message = format!("{name} needs quotes, and the data has none");
            self.section.fail("kind", message, "use another strategy, or data with quotes");
        }
        if self.kind.needs.sizes && !data.has_sizes {
            let message = format!("{name} needs displayed sizes, and the data has none");
            self.section.fail("kind", message, "use another strategy, or data with sizes");
        }
        if self.trigger == Trigger::BarClose && !has_bars {
            let message = "the strategy decides when a bar ends, and there are no bars";
            let label = "add `[bars] interval = \"5 min\"`, or decide at another time";
            self.section.fail("decide", message, label);
        }
    }

    /// As the engine gets it.
    pub fn settings(&self) -> StrategySettings {
        StrategySettings { kind: self.kind.name.to_string(), parameters: self.parameters.clone() }
    }

    /// The same where several share the account.
    pub fn shared(&self) -> Option<SharedSettings> {
        let (name, instruments, budget) = self.share.clone()?;
        let (trigger, strategy) = (self.trigger, self.settings());
        Some(SharedSettings { name, trigger, strategy, instruments, budget })
    }

    /// Reports what it cannot use.
    pub fn try_out<'a>(&self, reading: &'a Reading<'a>, registry: &Registry, settings: &Settings) {
        let parameters = Parameters::new(self.parameters.clone(), registry.models());
        let alone = Settings { trigger: self.trigger, strategy: self.settings(), ..settings.clone() };
        let controls = &settings.risk.controls;
        match (self.kind.make)(&parameters, &alone) {
            Err(ParameterError { name, message }) => {
                let (spot, help) = (self.section.spot(&name), parameters_help(self.kind));
                reading.fail(format!("{} cannot use its `{name}`", self.kind.name), spot, message, help);
            }
            Ok(made) if controls.needs_forecast() && !made.forecasts() => {
                let key = if controls.kelly.is_some() { "kelly" } else { "confidence_weighted" };
                let name = self.kind.name;
                let message = format!("`{key}` sizes by a forecast, and {name} forecasts nothing");
                let label = "leave it out: whoever decides must forecast, as `model` does";
                reading.section("risk").fail(key, message, label);
            }
            Ok(_) => {}
        }
    }
}
