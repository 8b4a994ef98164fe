//! Other currencies than the account's: where their rates come from.

use genovo_engine::ids::InstrumentId;
use genovo_engine::settings::{Instrument, RateSettings};

use super::readable::did_you_mean;
use super::section::{Reading, Section};

/// Reads `[[rates]]`, and says which currency has none. `None` after an error.
pub fn rates<'a>(
    reading: &'a Reading<'a>,
    sections: &[Section<'_>],
    instruments: Option<&[Instrument]>,
    account: &str,
) -> Option<Vec<RateSettings>> {
    let written = reading.sections("rates", false);
    let read: Vec<Option<RateSettings>> =
        written.iter().map(|section| rate(section, instruments?, account)).collect();
    let rates: Vec<RateSettings> = read.into_iter().collect::<Option<_>>()?;
    let mut good = true;
    for (index, rate) in rates.iter().enumerate() {
        if rates[..index].iter().any(|earlier| earlier.currency == rate.currency) {
            let message = format!("two rates are of {}", rate.currency);
            written[index].fail("currency", message, "leave one of them out");
            good = false;
        }
    }
    for (section, instrument) in sections.iter().zip(instruments?) {
        let Some(currency) = &instrument.currency else { continue };
        if !rates.iter().any(|rate| rate.currency == *currency) {
            let message = format!("nothing says what {currency} is worth in {account}");
            let label =
                format!("add `[[rates]]` with `currency = \"{currency}\"` and the instrument that quotes it");
            section.fail("currency", message, label);
            good = false;
        }
    }
    good.then_some(rates)
}

fn rate(section: &Section<'_>, instruments: &[Instrument], account: &str) -> Option<RateSettings> {
    let currency = section.currency("currency");
    let symbol = section.text("instrument");
    let inverse = section.flag("inverse");
    let (currency, symbol, inverse) = (currency?, symbol?, inverse?);
    let Some(index) = instruments.iter().position(|instrument| instrument.symbol == symbol) else {
        let names = instruments.iter().map(|instrument| instrument.symbol.as_str());
        let label = match did_you_mean(&symbol, names.clone()) {
            Some(name) => format!("did you mean `{name}`?"),
            None => format!("known: {}", names.collect::<Vec<_>>().join(", ")),
        };
        section.fail("instrument", format!("no instrument is called `{symbol}`"), label);
        return None;
    };
    if currency == account {
        section.fail("currency", format!("the account is in {account} itself"), "leave the rate out");
        return None;
    }
    let quoted_in = instruments[index].currency.as_deref().unwrap_or(account);
    let expected = if inverse { currency.as_str() } else { account };
    if quoted_in != expected {
        let message = format!("`{symbol}` is quoted in {quoted_in}, which makes it no rate of this kind");
        let label = match quoted_in {
            quoted if quoted == account => "leave `inverse` out".to_string(),
            quoted if quoted == currency => "add `inverse = true`".to_string(),
            _ => format!("it must be quoted in {account}, or in {currency} and `inverse`"),
        };
        section.fail("instrument", message, label);
        return None;
    }
    Some(RateSettings { currency, instrument: InstrumentId(index as u32 + 1), inverse })
}
