//! What a decision depended on, for a reader and for a program.

use serde_json::{Value, json};

use super::{ACTION_NAMES, AGES, Attribution, Change, Found, Of};
use crate::audit::when;
use crate::report::format;

impl Attribution {
    /// For a reader.
    pub fn text(&self) -> String {
        match self {
            Attribution::Found(found) => found.text(),
            Attribution::Impossible(why) => format!("  Attribution  ! none: {why}\n"),
        }
    }

    /// For a program.
    pub fn to_json(&self) -> Value {
        match self {
            Attribution::Found(found) => found.to_json(),
            Attribution::Impossible(why) => json!({ "why_not": why }),
        }
    }
}

impl Found {
    /// The output that is asked about.
    fn name(&self) -> String {
        match self.of {
            Of::Action => format!("log-probability of {}", ACTION_NAMES[self.action]),
            Of::Median => "median of the nearest horizon".to_string(),
            Of::Value => "value".to_string(),
        }
    }

    fn text(&self) -> String {
        let mut text = format!(
            "  Attribution  {} {}: gradient × input over {}\n               This is association, not cause: what goes \
             along with the output, by its slope at this very point\n",
            self.name(),
            signed(f64::from(self.output)),
            match (self.window, self.steps) {
                (window, steps) if window == steps && steps < self.reach => {
                    format!("all {} since the beginning", format::plural(steps as u64, "step", "steps"))
                }
                (window, steps) if window == steps => {
                    format!("the {} steps that it depends on", format::count(window as u64))
                }
                (window, steps) => format!(
                    "the last {} of the {} steps that it depends on",
                    format::count(window as u64),
                    format::count(steps as u64)
                ),
            }
        );
        let rows = self.parts.iter().map(|part| {
            [
                part.name.clone(),
                part.family.clone(),
                match part.before {
                    0 => "the last".to_string(),
                    before => format!("{} before", format::count(before as u64)),
                },
                format!("{}   event {}", when::column_short(part.time), format::count(part.event)),
                signed(f64::from(part.value)),
                signed(f64::from(part.gradient)),
                signed(part.contribution),
                format::percent(part.share, 1),
            ]
        });
        let head =
            ["input", "family", "step", "seen", "value", "gradient", "product", "share"].map(str::to_string);
        text.push_str(&table(std::iter::once(head).chain(rows).collect()));
        // What rounds to nothing is left out; a program gets it.
        let families = self.families.iter().filter(|(_, share)| *share >= 0.0005);
        let families = families.map(|(name, share)| format!("{name} {}", format::percent(*share, 1)));
        text.push_str(&format!("    by family  {}\n", families.collect::<Vec<_>>().join("   ")));
        let ages = self.ages.iter().enumerate().filter(|(_, share)| **share > 0.0);
        let ages = ages.map(|(age, share)| format!("{} {}", age_name(age), format::percent(*share, 1)));
        text.push_str(&format!("    by age     {}\n", ages.collect::<Vec<_>>().join("   ")));
        let clock = self.clock.iter().map(|(name, slope)| format!("{name} {}", signed(f64::from(*slope))));
        text.push_str(&format!(
            "    clock      gradients alone, for a clock has no zero: {}\n",
            clock.collect::<Vec<_>>().join("   ")
        ));
        let Some(changes) = &self.changes else { return text };
        text.push_str(
            "  Flips        the smallest change of one input of the last step that turns the decision\n",
        );
        let width = changes.iter().map(|change| change.name.chars().count()).max().unwrap_or(0);
        for change in changes {
            text.push_str(&format!("    {:<width$}  {}\n", change.name, self.change(change)));
        }
        if changes.is_empty() {
            text.push_str("    no input of the last step has a part in it\n");
        }
        text
    }

    fn change(&self, change: &Change) -> String {
        let Some(flip) = &change.flip else {
            return format!(
                "no flip: {} from {} to {}",
                ACTION_NAMES[self.action], change.range[0], change.range[1]
            );
        };
        let mut text = format!("{} → {}", change.value, flip.to);
        if let (Some((unit, from)), Some((_, to))) =
            (change.scale.in_unit(change.value), change.scale.in_unit(flip.to))
        {
            text.push_str(&format!(", {} → {} {unit}", plain(from), plain(to)));
        }
        text.push_str(&format!(
            ": {}, {} of the largest position; at {} still {}",
            ACTION_NAMES[flip.chosen.action],
            format::percent(f64::from(flip.chosen.share), 1),
            flip.before,
            ACTION_NAMES[self.action]
        ));
        text
    }

    fn to_json(&self) -> Value {
        let part = |part: &super::Part| {
            json!({
                "input": part.name,
                "family": part.family,
                "event": part.event,
                "sequence": part.step,
                "time": part.time,
                "steps_before": part.before,
                "value": part.value,
                "gradient": part.gradient,
                "contribution": part.contribution,
                "share": part.share,
            })
        };
        let ages = self.ages.iter().enumerate().map(|(age, share)| {
            let from = if age == 0 { 0 } else { AGES[age - 1] };
            json!({ "from": from, "to": AGES.get(age).map(|end| end - 1), "share": share })
        });
        let clock = self.clock.iter().map(|(name, slope)| json!({ "input": name, "gradient": slope }));
        let families = self.families.iter().map(|(name, share)| json!({ "family": name, "share": share }));
        json!({
            "output": self.name(),
            "value": self.output,
            "association_not_cause": true,
            "steps": self.window,
            "steps_it_depends_on": self.steps,
            "inputs": self.parts.iter().map(part).collect::<Vec<_>>(),
            "families": families.collect::<Vec<_>>(),
            "clock": clock.collect::<Vec<_>>(),
            "ages": ages.collect::<Vec<_>>(),
            "flips": self.changes.as_ref().map(|changes| {
                changes.iter().map(|change| self.change_json(change)).collect::<Vec<_>>()
            }),
        })
    }

    fn change_json(&self, change: &Change) -> Value {
        let in_unit = |value: f32| change.scale.in_unit(value).map(|(_, value)| value);
        let flip = change.flip.as_ref().map(|flip| {
            json!({
                "to": flip.to,
                "change": f64::from(flip.to) - f64::from(change.value),
                "to_in_unit": in_unit(flip.to),
                "still_at": flip.before,
                "action": ACTION_NAMES[flip.chosen.action],
                "log_probability": flip.chosen.log_probabilities[flip.chosen.action],
                "size_share": flip.chosen.share,
                "target": flip.chosen.target,
            })
        });
        json!({
            "input": change.name,
            "family": change.family,
            "value": change.value,
            "unit": change.scale.in_unit(change.value).map(|(unit, _)| unit),
            "in_unit": in_unit(change.value),
            "range": change.range,
            "action": ACTION_NAMES[self.action],
            "flip": flip,
        })
    }
}

/// `the last step`, `1 to 15 before`, `256 and more before`.
fn age_name(age: usize) -> String {
    match (age.checked_sub(1).map(|before| AGES[before]), AGES.get(age)) {
        (None, _) => "the last step".to_string(),
        (Some(from), Some(end)) => format!("{from} to {} before", end - 1),
        (Some(from), None) => format!("{from} and more before"),
    }
}

/// Four digits that say something, without a sign for what is above zero.
fn plain(value: f64) -> String {
    let size = value.abs();
    match () {
        () if size == 0.0 => "0".to_string(),
        () if !(1e-5..1e7).contains(&size) => format!("{value:.3e}"),
        () => {
            let decimals = (0..9).find(|decimals| size * 10_f64.powi(*decimals) >= 999.5).unwrap_or(9);
            format!("{value:.*}", decimals as usize)
        }
    }
}

fn signed(value: f64) -> String {
    let text = plain(value);
    if value > 0.0 { format!("+{text}") } else { text }
}

/// Columns side by side; those of numbers to the right.
fn table(rows: Vec<[String; 8]>) -> String {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..8).map(width).collect();
    let mut text = String::new();
    for row in &rows {
        text.push_str("  ");
        for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
            match column {
                0 | 1 | 3 => text.push_str(&format!("  {cell:<width$}")),
                _ => text.push_str(&format!("  {cell:>width$}")),
            }
        }
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_four_digits() {
        for (value, text) in [
            (0.0, "0"),
            (1.0, "+1.000"),
            (-12.345_67, "-12.35"),
            (0.000_123_456, "+0.0001235"),
            (1.5e-9, "+1.500e-9"),
            (123_456.7, "+123457"),
            (3e9, "+3.000e9"),
        ] {
            assert_eq!(signed(value), text);
        }
    }
}
