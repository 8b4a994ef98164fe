//! Points of time as a report writes them.

use std::fmt;

use genovo_engine::units::Timestamp;
use serde::{Deserialize, Serialize};

/// A point of time that is written as RFC 3339 text, such as `2014-05-02T14:30:00.007543Z`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(pub Timestamp);

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&super::format::moment(self.0), f)
    }
}

impl Serialize for Moment {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Moment, D::Error> {
        let text = String::deserialize(deserializer)?;
        let refuse = |error: String| serde::de::Error::custom(format!("`{text}`: {error}"));
        let parsed: jiff::Timestamp = text.parse().map_err(|error: jiff::Error| refuse(error.to_string()))?;
        let nanoseconds = i64::try_from(parsed.as_nanosecond()).map_err(|error| refuse(error.to_string()))?;
        Ok(Moment(Timestamp(nanoseconds)))
    }
}
