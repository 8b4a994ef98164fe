//! Which columns of the catalogue were ever known.

use genovo_engine::event::Features;
use genovo_engine::features::layout;
use genovo_engine::settings::Settings;

use super::figures::ColumnUse;

/// What the vectors of a run had.
#[derive(Debug, Default)]
pub(super) struct Columns {
    names: Vec<String>,
    vectors: u64,
    /// A bit for each column that was known once.
    known: Vec<u64>,
}

impl Columns {
    /// The columns of the run's vectors.
    pub fn named(&mut self, names: &[String]) {
        self.names = names.to_vec();
    }

    /// Takes a vector.
    pub fn computed(&mut self, vector: &Features) {
        self.vectors += 1;
        if self.known.len() < vector.valid.len() {
            self.known.resize(vector.valid.len(), 0);
        }
        for (known, valid) in self.known.iter_mut().zip(&vector.valid) {
            *known |= valid;
        }
    }

    /// What became of the catalogue's columns; `None` where the run has none of them.
    pub fn finish(&self, settings: Option<&Settings>) -> Option<ColumnUse> {
        let columns = layout::columns(settings?.features.as_ref()?).ok()?;
        let is_known = |name: &String| {
            let place = self.names.iter().position(|known| known == name);
            place.is_some_and(|place| {
                self.known.get(place / 64).is_some_and(|bits| bits >> (place % 64) & 1 == 1)
            })
        };
        let count = columns.len() as u64;
        let never = columns.into_iter().map(|column| column.id).filter(|name| !is_known(name));
        let never_known = if self.vectors == 0 { Vec::new() } else { never.collect() };
        Some(ColumnUse { columns: count, vectors: self.vectors, never_known })
    }
}
