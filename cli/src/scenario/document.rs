//! The text of a scenario as a tree that remembers where everything stands.
//!
//! Keys come from the scenario's file, from the files that it extends, and from `--set` arguments.

pub mod limits;

use std::fs;
use std::path::{Path, PathBuf};

use toml_span::ErrorKind;
use toml_span::value::{Table as TomlTable, ValueInner};

use super::readable::did_you_mean;
use crate::error::{Exit, Failure, Place};
use limits::Limits;

/// What every failure of reading a scenario ends with.
pub const NOTHING_RUN: &str = "Nothing was run.";

/// The most parts that a dotted key in `--set` has: section, item, table, key, and some to spare.
const KEY_PARTS_MAX: usize = 8;

/// A scenario with everything that it extends and every `--set`, merged.
#[derive(Debug)]
pub struct Document {
    sources: Vec<Source>,
    /// The merged keys.
    pub root: Vec<Entry>,
    /// The file of limits that the keys of `[risk]` are laid over.
    pub limits: Option<Limits>,
}

/// A text that keys come from.
#[derive(Debug)]
struct Source {
    /// As messages name it.
    name: String,
    text: String,
    /// What relative paths in it start from.
    folder: PathBuf,
    origin: Origin,
}

/// Which kind of text a key comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// A scenario that is extended, so many steps away.
    Extended(std::cmp::Reverse<usize>),
    /// The scenario itself.
    Scenario,
    /// A `--set` argument.
    Argument,
}

/// A key and its value.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// Where the key stands.
    pub spot: Spot,
    /// The value.
    pub node: Node,
}

/// A value and where it stands.
#[derive(Clone, Debug)]
pub struct Node {
    /// Where the value stands.
    pub spot: Spot,
    /// The value.
    pub value: Value,
}

/// A value as written: numbers stay text, so that no float touches them.
#[derive(Clone, Debug)]
pub enum Value {
    /// A quoted text.
    Text(String),
    /// A number without quotes.
    Number(String),
    /// `true` or `false`.
    Flag(bool),
    /// A list.
    List(Vec<Node>),
    /// A table.
    Table(Vec<Entry>),
}

/// Some bytes of one of a document's texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spot {
    source: usize,
    start: usize,
    end: usize,
}

impl Node {
    /// The entries, if it is a table.
    pub fn as_table(&self) -> Option<&[Entry]> {
        match &self.value {
            Value::Table(entries) => Some(entries),
            _ => None,
        }
    }

    /// The text of a value that is neither list nor table.
    pub fn as_scalar(&self) -> Option<String> {
        match &self.value {
            Value::Text(text) => Some(text.clone()),
            Value::Number(text) => Some(text.replace('_', "")),
            Value::Flag(flag) => Some(flag.to_string()),
            Value::List(_) | Value::Table(_) => None,
        }
    }

    /// What it is, for a message.
    pub fn kind(&self) -> &'static str {
        match self.value {
            Value::Text(_) => "a text",
            Value::Number(_) => "a number",
            Value::Flag(_) => "true or false",
            Value::List(_) => "a list",
            Value::Table(_) => "a table",
        }
    }
}

/// The entry of this key.
pub fn get<'a>(table: &'a [Entry], key: &str) -> Option<&'a Entry> {
    table.iter().find(|entry| entry.key == key)
}

impl Document {
    /// Reads a scenario and what it extends, then applies `--set` arguments in order.
    pub fn load(path: &Path, sets: &[String]) -> Result<Document, Failure> {
        let mut document = Document { sources: Vec::new(), root: Vec::new(), limits: None };
        document.root = document.read(path, &mut Vec::new(), None)?;
        for argument in sets {
            document.set(argument)?;
        }
        document.lay_over_limits()?;
        Ok(document)
    }

    /// A scenario that lies in no file, with `--set` arguments.
    pub fn of_text(name: &str, text: &str, sets: &[String]) -> Result<Document, Failure> {
        let mut document = Document { sources: Vec::new(), root: Vec::new(), limits: None };
        let (name, text, folder) = (name.to_string(), text.to_string(), PathBuf::new());
        let parsed = parse(&text, 0);
        document.sources.push(Source { name, text, folder, origin: Origin::Scenario });
        document.root = parsed.map_err(|(message, spot, label)| document.failure(message, spot, label))?;
        for argument in sets {
            document.set(argument)?;
        }
        Ok(document)
    }

    /// The place of a spot, as an error shows it.
    pub fn place(&self, spot: Spot, label: impl Into<String>) -> Place {
        let source = &self.sources[spot.source];
        match source.origin {
            Origin::Argument => Place::in_argument(&source.name, &source.text, spot.start..spot.end, label),
            _ => Place::in_file(&source.name, &source.text, spot.start..spot.end, label),
        }
    }

    /// A part of a value, where the value stands as it is written: in quotation marks, without escapes.
    pub fn within(&self, spot: Spot, value: &str, part: std::ops::Range<usize>) -> Spot {
        let written = self.sources[spot.source].text.get(spot.start..spot.end).unwrap_or_default();
        match written.find(value) {
            Some(at) if !value.is_empty() => {
                let start = spot.start + at;
                Spot { start: start + part.start, end: start + part.end, ..spot }
            }
            _ => spot,
        }
    }

    /// Which kind of text a spot lies in.
    pub fn origin(&self, spot: Spot) -> Origin {
        self.sources[spot.source].origin
    }

    /// The name of the text that a spot lies in.
    pub fn source_name(&self, spot: Spot) -> &str {
        &self.sources[spot.source].name
    }

    /// What relative paths written at a spot start from.
    pub fn folder(&self, spot: Spot) -> &Path {
        &self.sources[spot.source].folder
    }

    /// The beginning of the scenario itself, where something is missing that has no place of its own.
    pub fn beginning(&self) -> Spot {
        Spot { source: 0, start: 0, end: 0 }
    }

    fn failure(&self, message: impl Into<String>, spot: Spot, label: impl Into<String>) -> Failure {
        Failure::new(Exit::Usage, message, NOTHING_RUN).at(self.place(spot, label))
    }

    /// Reads one file and, beneath it, what it extends. `chain` holds the files being read.
    fn read(
        &mut self,
        path: &Path,
        chain: &mut Vec<PathBuf>,
        named_at: Option<Spot>,
    ) -> Result<Vec<Entry>, Failure> {
        let place = |failure: Failure, document: &Document| match named_at {
            Some(spot) => failure.at(document.place(spot, "named here")),
            None => failure,
        };
        let shown = path.display().to_string();
        let text = fs::read_to_string(path).map_err(|error| {
            let (message, why) = match error.kind() {
                std::io::ErrorKind::NotFound => (format!("there is no scenario {shown}"), near(path)),
                _ => (format!("cannot read the scenario {shown}"), error.to_string()),
            };
            place(Failure::new(Exit::Usage, message, NOTHING_RUN).help(why), self)
        })?;
        let real = fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
        if chain.contains(&real) {
            let message = format!("the scenario {shown} extends itself");
            let help = "a scenario may extend others, but no chain of them may come back to it";
            return Err(place(Failure::new(Exit::Usage, message, NOTHING_RUN).help(help), self));
        }
        let folder = path.parent().map(Path::to_path_buf).unwrap_or_default();
        let origin = match chain.len() {
            0 => Origin::Scenario,
            steps => Origin::Extended(std::cmp::Reverse(steps)),
        };
        let source = self.sources.len();
        self.sources.push(Source { name: shown, text: text.clone(), folder: folder.clone(), origin });
        let own = parse(&text, source).map_err(|(message, spot, label)| {
            self.failure(message, spot, label).help("the format is TOML; docs/scenarios.md has examples")
        })?;
        let Some(base) = get(&own, "extends") else { return Ok(own) };
        let Value::Text(base_path) = &base.node.value else {
            let help = "the path of another scenario, relative to this one";
            return Err(self
                .failure("`extends` is not a path", base.node.spot, "write \"base.toml\"")
                .help(help));
        };
        chain.push(real);
        let mut merged = self.read(&folder.join(base_path), chain, Some(base.node.spot))?;
        chain.pop();
        overlay(&mut merged, own);
        Ok(merged)
    }

    /// Applies `section.key=value`.
    fn set(&mut self, argument: &str) -> Result<(), Failure> {
        let source = self.sources.len();
        let text = argument.to_string();
        let name = "--set".to_string();
        self.sources.push(Source { name, text, folder: PathBuf::new(), origin: Origin::Argument });
        let spot = |start: usize, end: usize| Spot { source, start, end };
        let help = "write it as --set risk.max_per_trade=\"1 %\"";
        let Some(equals) = argument.find('=') else {
            return Err(self.failure("no `=` in --set", spot(0, argument.len()), "no value").help(help));
        };
        let mut parts = Vec::new();
        let mut start = 0;
        for part in argument[..equals].split('.') {
            let at = start + (part.len() - part.trim_start().len());
            parts.push((part.trim(), spot(at, at + part.trim().len())));
            start += part.len() + 1;
        }
        if parts.len() > KEY_PARTS_MAX {
            let label = format!("more than {KEY_PARTS_MAX} parts");
            return Err(self.failure("a key in --set is too long", spot(0, equals), label).help(help));
        }
        if let Some((_, at)) = parts.iter().find(|(part, _)| part.is_empty()) {
            return Err(self.failure("a key in --set is empty", *at, "no key").help(help));
        }
        let value = unquoted(argument[equals + 1..].trim());
        let value_start = equals + 1 + argument[equals + 1..].find(value).unwrap_or(0);
        let value_spot = spot(value_start, value_start + value.len());
        let value = match value {
            "true" => Value::Flag(true),
            "false" => Value::Flag(false),
            text => Value::Text(text.to_string()),
        };
        put(&mut self.root, &parts, Node { spot: value_spot, value })
            .map_err(|(message, at, label)| self.failure(message, at, label))
    }
}

/// `"1 %"` and `'1 %'` to `1 %`.
fn unquoted(text: &str) -> &str {
    let inside = |quote| text.strip_prefix(quote).and_then(|text| text.strip_suffix(quote));
    inside('"').or_else(|| inside('\'')).unwrap_or(text)
}

/// Puts a value where a dotted key says. A list with one item is passed through; one with several wants a
/// number from 1, or the symbol of the item.
fn put(table: &mut Vec<Entry>, keys: &[(&str, Spot)], node: Node) -> Result<(), (String, Spot, String)> {
    let Some(((key, spot), rest)) = keys.split_first() else { return Ok(()) };
    let index = match table.iter().position(|entry| entry.key == *key) {
        Some(index) => index,
        None => {
            let empty = Node { spot: *spot, value: Value::Table(Vec::new()) };
            table.push(Entry { key: key.to_string(), spot: *spot, node: empty });
            table.len() - 1
        }
    };
    let entry = &mut table[index];
    if rest.is_empty() {
        (entry.spot, entry.node) = (*spot, node);
        return Ok(());
    }
    let mut rest = rest;
    let target = match &mut entry.node.value {
        Value::List(items) => {
            let count = items.len();
            let chosen = items.iter().position(|item| goes_by(item, rest[0].0));
            let chosen =
                chosen.or_else(|| rest[0].0.parse::<usize>().ok()?.checked_sub(1).filter(|at| *at < count));
            let at = match (chosen, count) {
                (Some(at), _) => {
                    rest = &rest[1..];
                    at
                }
                (None, 1) => 0,
                (None, _) => {
                    let message = format!("the scenario has {count} items in `{key}`: --set must say which");
                    let label = format!("write `{key}.1.{}` for the first", rest[0].0);
                    return Err((message, *spot, label));
                }
            };
            if rest.is_empty() {
                items[at] = node;
                return Ok(());
            }
            &mut items[at].value
        }
        value => value,
    };
    if !matches!(target, Value::Table(_)) {
        *target = Value::Table(Vec::new());
    }
    match target {
        Value::Table(entries) => put(entries, rest, node),
        _ => unreachable!("made a table above"),
    }
}

/// Whether an item of a list has this symbol.
fn goes_by(item: &Node, symbol: &str) -> bool {
    item.as_table()
        .and_then(|table| get(table, "symbol"))
        .is_some_and(|entry| entry.node.as_scalar().as_deref() == Some(symbol))
}

/// Lays `upper` over `lower`: tables are merged, everything else is replaced.
fn overlay(lower: &mut Vec<Entry>, upper: Vec<Entry>) {
    for entry in upper {
        let Some(below) = lower.iter_mut().find(|below| below.key == entry.key) else {
            lower.push(entry);
            continue;
        };
        below.spot = entry.spot;
        match (&mut below.node.value, entry.node.value) {
            (Value::Table(below), Value::Table(above)) => overlay(below, above),
            (_, value) => below.node = Node { spot: entry.node.spot, value },
        }
    }
}

/// The tree of a TOML text, or what is wrong with it.
fn parse(text: &str, source: usize) -> Result<Vec<Entry>, (String, Spot, String)> {
    let mut root = toml_span::parse(text).map_err(|error| {
        let spot = Spot { source, start: error.span.start, end: error.span.end };
        let line = |at: usize| {
            text.as_bytes()[..at.min(text.len())].iter().filter(|byte| **byte == b'\n').count() + 1
        };
        match error.kind {
            ErrorKind::UnquotedString => {
                ("a value without quotes".to_string(), spot, "put it in quotes: \"…\"".to_string())
            }
            ErrorKind::DuplicateKey { key, first } => {
                (format!("`{key}` stands here twice"), spot, format!("first in line {}", line(first.start)))
            }
            ErrorKind::DuplicateTable { name, first } => {
                (format!("[{name}] stands here twice"), spot, format!("first in line {}", line(first.start)))
            }
            _ => (error.to_string(), spot, String::new()),
        }
    })?;
    match root.take() {
        ValueInner::Table(table) => Ok(entries(table, text, source)),
        _ => unreachable!("the root of a TOML text is a table"),
    }
}

fn entries(table: TomlTable<'_>, text: &str, source: usize) -> Vec<Entry> {
    let mut entries: Vec<Entry> = table
        .into_iter()
        .map(|(key, value)| Entry {
            key: key.name.to_string(),
            spot: Spot { source, start: key.span.start, end: key.span.end },
            node: node(value, text, source),
        })
        .collect();
    entries.sort_by_key(|entry| entry.spot.start);
    entries
}

fn node(mut value: toml_span::Value<'_>, text: &str, source: usize) -> Node {
    let (start, end) = value.span.into();
    let written = || text.get(start..end).unwrap_or_default().to_string();
    let value = match value.take() {
        ValueInner::String(text) => Value::Text(text.into_owned()),
        ValueInner::Integer(_) | ValueInner::Float(_) => Value::Number(written()),
        ValueInner::Boolean(flag) => Value::Flag(flag),
        ValueInner::Array(items) => {
            Value::List(items.into_iter().map(|item| node(item, text, source)).collect())
        }
        ValueInner::Table(table) => Value::Table(entries(table, text, source)),
    };
    Node { spot: Spot { source, start, end }, value }
}

/// What to say about a file that is not there: one beside it that it may be, or that the folder is missing.
pub fn near(path: &Path) -> String {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_path_buf(),
        _ => PathBuf::from("."),
    };
    let Ok(entries) = fs::read_dir(&folder) else {
        return "there is no such folder".to_string();
    };
    let mut names: Vec<String> =
        entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    let wanted = path.file_name().unwrap_or_default().to_string_lossy();
    match did_you_mean(&wanted, names.iter().map(String::as_str)) {
        Some(name) => format!("there is no such file; did you mean `{name}`?"),
        None => "there is no such file".to_string(),
    }
}
