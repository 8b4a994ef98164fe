//! `--symbol`: a scenario with only some of its instruments, and only their data.

use super::document::{self, Document, Entry, NOTHING_RUN, Node, Value};
use super::readable::did_you_mean;
use crate::error::{Exit, Failure};

/// Leaves every instrument but these out of a document, with the data that names it; their names.
///
/// Data that names no instrument stays: it is a market journal, or that of the only instrument.
pub fn only(document: &mut Document, symbols: &[String]) -> Result<Vec<String>, Failure> {
    if symbols.is_empty() {
        return Ok(Vec::new());
    }
    let known: Vec<String> =
        items(&document.root, "instruments").filter_map(|item| text(item, "symbol")).collect();
    for wanted in symbols {
        if !known.contains(wanted) {
            let help = match did_you_mean(wanted, known.iter().map(String::as_str)) {
                Some(guess) => format!("did you mean `{guess}`?"),
                None => format!("it has {}", known.join(", ")),
            };
            let message = format!("the scenario has no instrument `{wanted}`");
            return Err(Failure::new(Exit::Usage, message, NOTHING_RUN).help(help));
        }
    }
    let left_out: Vec<String> = known.into_iter().filter(|symbol| !symbols.contains(symbol)).collect();
    for (section, key) in [("instruments", "symbol"), ("data", "instrument")] {
        let stays = |item: &Node| text(item, key).is_none_or(|symbol| !left_out.contains(&symbol));
        retain(&mut document.root, section, stays);
    }
    Ok(left_out)
}

/// The tables of a section that may be written once or several times.
fn items<'a>(root: &'a [Entry], section: &str) -> impl Iterator<Item = &'a Node> {
    let node = document::get(root, section).map(|entry| &entry.node);
    node.into_iter().flat_map(|node| match &node.value {
        Value::List(items) => items.as_slice(),
        _ => std::slice::from_ref(node),
    })
}

fn text(item: &Node, key: &str) -> Option<String> {
    document::get(item.as_table()?, key)?.node.as_scalar()
}

fn retain(root: &mut Vec<Entry>, section: &str, stays: impl Fn(&Node) -> bool) {
    root.retain_mut(|entry| {
        if entry.key != section {
            return true;
        }
        match &mut entry.node.value {
            Value::List(items) => {
                items.retain(&stays);
                !items.is_empty()
            }
            _ => stays(&entry.node),
        }
    });
}
