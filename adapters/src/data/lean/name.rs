//! What LEAN says in names: a day, a symbol, a resolution and what is in the rows.
//!
//! ```text
//! 20131007_bac_Quote_Tick.csv               a day of equity quotes
//! 20131006_es_minute_trade_201312.csv       a day of one future
//! aapl.csv                                  hours or days of one symbol
//! es_trade_201312.csv                       hours or days of one future
//! ```

use genovo_engine::units::Nanoseconds;

/// How long a row of a file lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Resolution {
    Tick,
    Second,
    Minute,
    Hour,
    Daily,
}

impl Resolution {
    const ALL: [Resolution; 5] =
        [Resolution::Tick, Resolution::Second, Resolution::Minute, Resolution::Hour, Resolution::Daily];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Resolution::Tick => "tick",
            Resolution::Second => "second",
            Resolution::Minute => "minute",
            Resolution::Hour => "hour",
            Resolution::Daily => "daily",
        }
    }

    pub(super) fn from_name(name: &str) -> Option<Resolution> {
        Resolution::ALL.into_iter().find(|resolution| name.eq_ignore_ascii_case(resolution.name()))
    }

    /// How long a bar lasts, `None` for ticks.
    pub(super) const fn length(self) -> Option<Nanoseconds> {
        match self {
            Resolution::Tick => None,
            Resolution::Second => Some(Nanoseconds::SECOND),
            Resolution::Minute => Some(Nanoseconds(60 * Nanoseconds::SECOND.0)),
            Resolution::Hour => Some(Nanoseconds(3_600 * Nanoseconds::SECOND.0)),
            Resolution::Daily => Some(Nanoseconds::DAY),
        }
    }
}

/// What rows hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Content {
    Quote,
    Trade,
}

impl Content {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Content::Quote => "quotes",
            Content::Trade => "trades",
        }
    }
}

/// What the name of a file inside an archive says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Name {
    /// Year, month, day of a file that holds one day.
    pub(super) day: Option<(i64, i64, i64)>,
    pub(super) symbol: String,
    pub(super) resolution: Option<Resolution>,
    pub(super) content: Option<Content>,
    /// Which contract of a future or an option.
    pub(super) contract: Option<String>,
}

impl Name {
    /// Reads a name, or says what in it is not read.
    pub(super) fn parse(name: &str) -> Result<Name, String> {
        let file = name.rsplit(['/', '\\']).next().unwrap_or(name);
        let Some((stem, "csv")) = file.rsplit_once('.') else {
            return Err(
                "it is not named as LEAN names its files, such as 20131007_spy_minute_trade.csv".to_string()
            );
        };
        let mut parts = stem.split('_').peekable();
        let day = parts.peek().and_then(|part| day(part));
        if day.is_some() {
            parts.next();
        }
        let symbol = parts.next().filter(|symbol| !symbol.is_empty() && symbol.is_ascii());
        let symbol = symbol.ok_or("its name has no symbol")?.to_ascii_uppercase();
        let (mut resolution, mut content, mut contract) = (None, None, Vec::new());
        for part in parts {
            let lower = part.to_ascii_lowercase();
            match (Resolution::from_name(&lower), lower.as_str()) {
                (Some(found), _) if contract.is_empty() => resolution = Some(found),
                (None, "quote") if contract.is_empty() => content = Some(Content::Quote),
                (None, "trade") if contract.is_empty() => content = Some(Content::Trade),
                (None, "openinterest") => return Err("it holds open interest, which is not read".to_string()),
                _ => contract.push(lower),
            }
        }
        let contract = (!contract.is_empty()).then(|| contract.join("_"));
        if day.is_some() && (resolution.is_none() || content.is_none()) {
            return Err(
                "its name does not say its resolution and whether it holds trades or quotes".to_string()
            );
        }
        Ok(Name { day, symbol, resolution, content, contract })
    }
}

/// A day such as 20131007.
fn day(text: &str) -> Option<(i64, i64, i64)> {
    let number = |text: &str| text.parse::<i64>().ok();
    let digits = text.len() == 8 && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| Some((number(&text[..4])?, number(&text[4..6])?, number(&text[6..])?)))?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_what_is_inside() {
        let name = |text: &str| Name::parse(text).unwrap();
        let tick = name("20131007_bac_Quote_Tick.csv");
        assert_eq!((tick.day, tick.symbol.as_str()), (Some((2013, 10, 7)), "BAC"));
        assert_eq!((tick.resolution, tick.content), (Some(Resolution::Tick), Some(Content::Quote)));
        let future = name("20131006_es_minute_trade_201312.csv");
        assert_eq!((future.contract.as_deref(), future.content), (Some("201312"), Some(Content::Trade)));
        let option = name("20140606_aapl_minute_quote_american_call_6500000_20140613.csv");
        assert_eq!(option.contract.as_deref(), Some("american_call_6500000_20140613"));
        assert_eq!(name("aapl.csv").resolution, None);
        assert_eq!(name("es_trade_201312.csv").contract.as_deref(), Some("201312"));
        assert!(
            Name::parse("20131006_es_minute_openinterest_201312.csv").unwrap_err().contains("open interest")
        );
        for wrong in
            ["2024-12-01_XRPUSDT_ob500.data", "", ".csv", "20131007_bac.csv", "20131007_bac_tick.csv"]
        {
            assert!(Name::parse(wrong).is_err(), "{wrong}");
        }
    }
}
