//! What the numbers in a run's events are called: its instruments, its feature columns, its account's digits.

use genovo_engine::event::{Event, Fact, RunStarted};
use genovo_engine::ids::InstrumentId;
use genovo_engine::settings::Settings;
use genovo_engine::units::{Money, Price, Quantity, Ratio};

use crate::scenario::readable::did_you_mean;

/// The names of a run, learned from its first events.
#[derive(Clone, Debug, Default)]
pub struct Names {
    /// How the run began, if its journal begins with a run.
    pub started: Option<RunStarted>,
    /// The run's settings, where this build can read them.
    pub settings: Option<Settings>,
    symbols: Vec<String>,
}

impl Names {
    /// Learns what an event tells of names. Every event of the journal may be shown to it, from the first on.
    pub fn learn(&mut self, event: &Event) {
        match &event.fact {
            Fact::RunStarted(started) => {
                self.settings = Settings::from_canonical_json(&started.settings).ok();
                if let Some(settings) = &self.settings {
                    self.symbols = settings.instruments.iter().map(|one| one.symbol.clone()).collect();
                }
                self.started = Some((**started).clone());
            }
            Fact::InstrumentDefined(instrument)
                if event.header.instrument.index() == Some(self.symbols.len()) =>
            {
                self.symbols.push(instrument.symbol.clone());
            }
            _ => {}
        }
    }

    /// The name of an instrument, or its number where it has no name.
    pub fn symbol(&self, id: InstrumentId) -> String {
        let name = id.index().and_then(|index| self.symbols.get(index)).cloned();
        name.unwrap_or_else(|| format!("instrument {id}"))
    }

    /// How many instruments have a name.
    pub fn instruments(&self) -> usize {
        self.symbols.len()
    }

    /// The instrument of this name, in any case; what would be right otherwise.
    pub fn find(&self, symbol: &str) -> Result<InstrumentId, String> {
        if let Some(index) = self.symbols.iter().position(|known| known.eq_ignore_ascii_case(symbol)) {
            return Ok(InstrumentId(index as u32 + 1));
        }
        let names = self.symbols.iter().map(String::as_str);
        Err(match did_you_mean(symbol, names.clone()) {
            Some(guess) => format!("did you mean `{guess}`?"),
            None => format!("it has {}", names.collect::<Vec<_>>().join(", ")),
        })
    }

    /// Decimals of the account's currency.
    pub fn digits(&self) -> u8 {
        self.settings.as_ref().map_or(2, |settings| settings.account.digits)
    }

    /// The names of the feature vector's columns.
    pub fn features(&self) -> &[String] {
        self.started.as_ref().map_or(&[], |started| &started.features)
    }

    /// What a move of the price is worth over a quantity, in account currency.
    pub fn worth(&self, instrument: InstrumentId, price: Price, quantity: Quantity) -> Money {
        let settings = self.settings.as_ref().and_then(|settings| settings.instrument(instrument));
        let multiplier = settings.map_or(Ratio::ONE, |settings| Ratio(settings.multiplier.0));
        (price * quantity).times(multiplier)
    }
}
