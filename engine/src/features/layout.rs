//! What a run's row is made of: the columns that it selects of the catalogue, then those of its own, then columns of
//! the catalogue that only those name and nobody sees.

use super::candle::Timeframe;
use super::catalogue::{self, Place, TICK_FAMILIES, TIMEFRAMES};
use super::column::Column;
use super::expression::{Program, parse};
use super::state::FeatureError;
use crate::settings::{FeatureSettings, OwnColumn};

/// The places of a row.
pub(crate) struct Layout {
    /// What is seen: described, in the order of the row.
    pub columns: Vec<Column>,
    /// Where in the row the catalogue's columns lie.
    pub places: Vec<(usize, Place)>,
    /// The programs over each timeframe, with their places in the row.
    pub own: [Vec<(usize, Program)>; TIMEFRAMES],
    /// The tick families that they name.
    pub named: [bool; TICK_FAMILIES.len()],
    /// How wide the row is.
    pub width: usize,
}

impl Layout {
    pub fn new(settings: &FeatureSettings) -> Result<Layout, FeatureError> {
        let selected = catalogue::select(&settings.timeframes, &settings.columns)?;
        let entries = catalogue::entries(&settings.timeframes);
        let count = selected.len();
        let mut layout = Layout {
            places: selected.iter().map(|(_, place)| *place).enumerate().collect(),
            columns: selected.into_iter().map(|(column, _)| column).collect(),
            own: Default::default(),
            named: [false; TICK_FAMILIES.len()],
            width: count + settings.own.len(),
        };
        for (own, at) in settings.own.iter().zip(count..) {
            layout.add(own, at, &entries, &settings.timeframes)?;
        }
        Ok(layout)
    }

    fn add(
        &mut self,
        own: &OwnColumn,
        at: usize,
        entries: &[(Column, Place)],
        timeframes: &[Timeframe; TIMEFRAMES],
    ) -> Result<(), FeatureError> {
        let id = || own.id.clone();
        let stem = |column: &Column| column.id.split('@').next().unwrap_or_default().to_string();
        let is_catalogue = |column: &Column| {
            column.id == own.id || stem(column) == own.id || column.family == own.id || own.id == "all"
        };
        if self.columns.iter().any(|column| column.id == own.id)
            || entries.iter().any(|(column, _)| is_catalogue(column))
        {
            return Err(FeatureError::Taken(id()));
        }
        let timeframe = usize::from(own.timeframe);
        let bars = timeframes.get(timeframe).ok_or_else(|| FeatureError::Timeframe(id()))?;
        let wrong = |error| FeatureError::Expression { id: id(), error };
        let tree = parse(&own.expr).map_err(wrong)?;
        let mut waits: Vec<String> = Vec::new();
        let Layout { columns, places, named, width, .. } = self;
        let mut place = |name: &str| -> Result<usize, String> {
            if let Some(found) = columns.iter().position(|known| known.id == name) {
                let of_family = places.iter().find(|(place, _)| *place == found);
                if let Some((_, Place::Tick(family, _))) = of_family {
                    named[*family] = true;
                }
                waits.push(format!("{name} ({})", columns[found].warm_up));
                return Ok(found);
            }
            let Some((column, of)) = entries.iter().find(|(column, _)| column.id == name) else {
                let stem = name.split('@').next().unwrap_or_default();
                let near = entries.iter().find(|(column, _)| column.id.split('@').next() == Some(stem));
                return Err(match near {
                    Some((column, _)) => format!("with its timeframe it is such as `{}`", column.id),
                    None => {
                        "genovo features list names them; of the bar there are open, high, low, close and \
                             volume"
                            .to_string()
                    }
                });
            };
            waits.push(format!("{name} ({})", column.warm_up));
            // Named before, and by nobody else.
            let hidden = places.iter().find(|(_, known)| known == of);
            if let Some((place, _)) = hidden {
                return Ok(*place);
            }
            if let Place::Tick(family, _) = of {
                named[*family] = true;
            }
            places.push((*width, *of));
            *width += 1;
            Ok(*width - 1)
        };
        let program = Program::new(&tree, &mut place).map_err(wrong)?;
        let mut warm_up = format!("{} bars", program.lookback() + 1);
        if !waits.is_empty() {
            waits.sort_unstable();
            waits.dedup();
            warm_up = format!("{}, then {warm_up}", waits.join(", "));
        }
        self.columns.push(Column {
            id: id(),
            family: OWN,
            parameters: own.expr.clone(),
            timeframe: Some(bars.label()),
            warm_up,
            unit: "its own",
            scale: "as is",
            source: "what it names",
            about: "a column of the scenario's own",
        });
        self.own[timeframe].push((at, program));
        Ok(())
    }
}

/// The family of the columns of one's own.
pub const OWN: &str = "own";

/// The columns of a run in the order of its row, described.
pub fn columns(settings: &FeatureSettings) -> Result<Vec<Column>, FeatureError> {
    Layout::new(settings).map(|layout| layout.columns)
}
