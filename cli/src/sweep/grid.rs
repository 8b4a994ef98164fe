//! Which settings a sweep tries: every combination of some keys' values, or the lines of a list.

use std::collections::BTreeMap;
use std::path::Path;

use crate::error::{Exit, Failure};

/// The most trials of one sweep.
pub const TRIALS_MAX: usize = 100_000;

/// The changes of one trial, as `--set` takes them: keys with their values, in the order in which they were named.
pub type Changes = Vec<(String, String)>;

const NOTHING: &str = "Nothing was run.";

/// Every combination of the values of these keys; the last key varies fastest. No key gives the one trial without
/// changes.
pub fn grid(axes: &[Vec<String>]) -> Result<Vec<Changes>, Failure> {
    let mut trials: Vec<Changes> = vec![Vec::new()];
    for (place, axis) in axes.iter().enumerate() {
        let (key, written) = axis.split_first().expect("the command line asks for a key");
        if axes[..place].iter().any(|earlier| earlier[0] == *key) {
            let message = format!("`{key}` is in the grid twice");
            return Err(
                Failure::new(Exit::Usage, message, NOTHING).help("name a key once, with all its values")
            );
        }
        let mut values = Vec::new();
        for text in written {
            values.extend(range(text)?);
        }
        if trials.len().saturating_mul(values.len()) > TRIALS_MAX {
            let message = format!("the grid has more than {TRIALS_MAX} trials");
            return Err(
                Failure::new(Exit::Usage, message, NOTHING).help("leave values out, or sweep in parts")
            );
        }
        let with = |trial: &Changes| {
            let with_each = |value: &String| {
                let mut changes = trial.clone();
                changes.push((key.clone(), value.clone()));
                changes
            };
            values.iter().map(with_each).collect::<Vec<_>>()
        };
        trials = trials.iter().flat_map(with).collect();
    }
    Ok(trials)
}

/// `6..30` or `6..30:6` as whole numbers, both ends included; any other text as it is.
fn range(text: &str) -> Result<Vec<String>, Failure> {
    let Some((first, rest)) = text.split_once("..") else { return Ok(vec![text.to_string()]) };
    let (last, step) = rest.split_once(':').unwrap_or((rest, "1"));
    let (Ok(first), Ok(last), Ok(step)) = (first.parse::<i64>(), last.parse::<i64>(), step.parse::<u32>())
    else {
        return Ok(vec![text.to_string()]);
    };
    if step == 0 || last < first || last.abs_diff(first) / u64::from(step) >= TRIALS_MAX as u64 {
        let message = format!("`{text}` is no range of values");
        let help = "write FROM..TO or FROM..TO:STEP, such as 6..30:6";
        return Err(Failure::new(Exit::Usage, message, NOTHING).help(help));
    }
    Ok((first..=last).step_by(step as usize).map(|value| value.to_string()).collect())
}

/// The trials of a list: a JSON object of keys and values in each line.
pub fn list(path: &Path) -> Result<Vec<Changes>, Failure> {
    let usage = |message: String| {
        let help = r#"a line is such as {"strategy.fast": 6, "risk.max_per_trade": "1 %"}"#;
        Failure::new(Exit::Usage, message, NOTHING).help(help)
    };
    let text = std::fs::read_to_string(path)
        .map_err(|error| usage(format!("cannot read the list {}: {error}", path.display())))?;
    let mut trials = Vec::new();
    for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let place = format!("{}, line {}", path.display(), number + 1);
        let read: BTreeMap<String, serde_json::Value> =
            serde_json::from_str(line).map_err(|error| usage(format!("{place}: {error}")))?;
        let mut changes = Changes::new();
        for (key, value) in read {
            let value = match value {
                serde_json::Value::String(text) => text,
                serde_json::Value::Number(number) => number.to_string(),
                serde_json::Value::Bool(flag) => flag.to_string(),
                _ => return Err(usage(format!("{place}: `{key}` is not one value"))),
            };
            changes.push((key, value));
        }
        trials.push(changes);
    }
    match trials.len() {
        0 => Err(usage(format!("{} has no trial", path.display()))),
        count if count > TRIALS_MAX => Err(usage(format!("the list has more than {TRIALS_MAX} trials"))),
        _ => Ok(trials),
    }
}

/// `strategy.fast 6, strategy.slow 24`; `as it is` without changes.
pub fn words(changes: &Changes) -> String {
    let words: Vec<String> = changes.iter().map(|(key, value)| format!("{key} {value}")).collect();
    if words.is_empty() { "as it is".to_string() } else { words.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_combination_the_last_key_fastest() {
        let axis = |words: &[&str]| words.iter().map(|word| word.to_string()).collect::<Vec<_>>();
        let trials = grid(&[axis(&["a", "1", "3..7:2"]), axis(&["b", "1 %", "2 %"])]).unwrap();
        let words: Vec<String> = trials.iter().map(words).collect();
        assert_eq!(words[0], "a 1, b 1 %");
        assert_eq!(words[1], "a 1, b 2 %");
        assert_eq!(words[7], "a 7, b 2 %");
        assert_eq!(words.len(), 8);
        assert_eq!(grid(&[]).unwrap(), [vec![]]);
        for wrong in ["9..3", "1..9:0", "0..99999999", "-9223372036854775808..9223372036854775807"] {
            assert!(grid(&[axis(&["a", wrong])]).is_err(), "{wrong}");
        }
        assert!(grid(&[axis(&["a", "1"]), axis(&["a", "2"])]).is_err(), "which of them?");
        // What is no range of numbers is a value like any other.
        assert_eq!(grid(&[axis(&["a", "x..y"])]).unwrap()[0][0].1, "x..y");
    }
}
