//! From a scenario's word to a broker.

use std::path::PathBuf;

use genovo_engine::settings::Settings;

use super::paper::book::Durability;
use super::{ClientIds, Execution, Paper};

/// What every broker is made of; each takes what it needs.
#[derive(Clone, Debug)]
pub struct Making {
    /// The session's settings.
    pub settings: Settings,
    /// The ids of the session's orders.
    pub ids: ClientIds,
    /// A folder of the session for what the broker wants to keep.
    pub folder: PathBuf,
    /// What has to survive.
    pub durability: Durability,
}

/// Why there is no broker.
#[derive(Debug, thiserror::Error)]
pub enum MakeError {
    /// No broker of this name.
    #[error("there is no broker `{name}`; there are {known}")]
    Unknown {
        /// The name asked for.
        name: String,
        /// Those there are.
        known: String,
    },
    /// The scenario's account hedges, and the broker's does not.
    #[error(
        "the scenario's account is hedging, and the broker `{name}` keeps one position an instrument; write \
         `positions = \"netting\"` in [account], or name a broker that hedges. Nothing was begun"
    )]
    OnePosition {
        /// The broker.
        name: String,
    },
    /// The broker cannot be made.
    #[error(transparent)]
    Failed(#[from] Box<dyn std::error::Error + Send + Sync>),
}

type Make = fn(&Making) -> Result<Box<dyn Execution>, Box<dyn std::error::Error + Send + Sync>>;

/// The brokers that a session can name.
pub struct Brokers {
    known: Vec<(&'static str, Make)>,
}

impl Default for Brokers {
    fn default() -> Brokers {
        Brokers { known: vec![("paper", paper)] }
    }
}

impl Brokers {
    /// Adds one; another of the same name is replaced.
    pub fn add(&mut self, name: &'static str, make: Make) {
        self.known.retain(|(known, _)| *known != name);
        self.known.push((name, make));
    }

    /// Makes the broker of this name.
    pub fn make(&self, name: &str, making: &Making) -> Result<Box<dyn Execution>, MakeError> {
        let Some((_, make)) = self.known.iter().find(|(known, _)| *known == name) else {
            let known: Vec<&str> = self.known.iter().map(|(name, _)| *name).collect();
            return Err(MakeError::Unknown { name: name.to_string(), known: known.join(", ") });
        };
        let broker = make(making)?;
        if making.settings.hedges() && !broker.capabilities().hedging {
            return Err(MakeError::OnePosition { name: name.to_string() });
        }
        Ok(broker)
    }
}

fn paper(making: &Making) -> Result<Box<dyn Execution>, Box<dyn std::error::Error + Send + Sync>> {
    let path = making.folder.join("paper.book");
    let broker = Paper::open(&path, &making.settings, making.ids.clone(), making.durability)?;
    Ok(Box::new(broker))
}
