//! What holding positions costs, and when the account is called for margin: read, and said in words.

use genovo_engine::ids::InstrumentId;
use genovo_engine::settings::{
    AccountKind, FinancingRate, FinancingSettings, HedgedMargin, Instrument, MarginSettings, PositionMode,
    RolloverClock, Settings, Weekday,
};
use genovo_engine::units::Ratio;

use super::readable::show_ratio;
use super::section::{Reading, Section};

/// Keys with their values, as a scenario writes them.
type Keys = Vec<(&'static str, String)>;

/// Reads `[financing]` and what instruments say of it; the inner `None` where nothing costs anything.
pub fn financing<'a>(
    reading: &'a Reading<'a>,
    sections: &[Section<'_>],
    instruments: Option<&[Instrument]>,
    kind: Option<AccountKind>,
) -> Option<Option<FinancingSettings>> {
    let written = reading.sections("financing", false).pop();
    if written.is_none() && !sections.iter().any(|section| section.says("financing")) {
        return Some(None);
    }
    let section = written.unwrap_or_else(|| reading.section("financing"));
    let (long, short, borrow) = (section.ratio("long"), section.ratio("short"), section.ratio("borrow"));
    let (rollover, clock) = (section.time_of_day("rollover"), section.word("clock"));
    let (triple, year) = (section.word("triple"), section.word("days_in_year"));
    let (long, short, borrow) = (long?, short?, borrow?);
    let mut rates = Vec::new();
    for (index, one) in sections.iter().enumerate() {
        let own = one.inner("financing")?;
        let or = |key: &str, otherwise: Ratio| match own.says(key) {
            true => own.ratio(key),
            false => Some(otherwise),
        };
        let (long, short, borrow) = (or("long", long)?, or("short", short)?, or("borrow", borrow)?);
        if [long, short, borrow] == [Ratio::ZERO; 3] {
            continue;
        }
        if kind == Some(AccountKind::Cash) {
            let message = "an account in cash pays in full and borrows nothing, so nothing is financed";
            let at = if own.entries.is_empty() { &section } else { &own };
            let key = if long == Ratio::ZERO { "short" } else { "long" };
            at.fail(key, message, "leave it out, or write `kind = \"margin\"` in [account]");
            return None;
        }
        rates.push(FinancingRate { instrument: InstrumentId(index as u32 + 1), long, short, borrow });
    }
    let triple = triple?;
    let settings = FinancingSettings {
        rollover: rollover?,
        clock: if clock? == "utc" { RolloverClock::Utc } else { RolloverClock::NewYork },
        triple: Weekday::ALL.into_iter().find(|day| day.name() == triple),
        days_in_year: if year? == "365" { 365 } else { 360 },
        rates,
    };
    instruments?;
    Some((!settings.rates.is_empty()).then_some(settings))
}

/// Reads of `[account]` when it is called; the inner `None` where it never is.
pub fn margin(section: &Section<'_>, kind: AccountKind) -> Option<Option<MarginSettings>> {
    let key = match (section.says("margin_call"), section.says("stop_out")) {
        (false, false) => return Some(None),
        (true, _) => "margin_call",
        (false, true) => "stop_out",
    };
    let stop_out = section.says("stop_out").then(|| section.ratio("stop_out"));
    let call = match section.says("margin_call") {
        true => section.ratio("margin_call"),
        false => stop_out?,
    };
    let (call, stop_out) = (
        call?,
        match stop_out {
            Some(stop_out) => Some(stop_out?),
            None => None,
        },
    );
    if kind == AccountKind::Cash {
        section.fail(key, "an account in cash holds nothing on margin", "leave it out");
        return None;
    }
    if stop_out.is_some_and(|stop_out| stop_out > call) {
        let message =
            "`stop_out` is above `margin_call`: positions would be closed before the account is called";
        section.fail("stop_out", message, "write a smaller multiple");
        return None;
    }
    Some(Some(MarginSettings { call, stop_out }))
}

/// Reads of `[account]` how positions of one instrument add up, and what margin both sides of one need.
pub fn side_by_side(
    section: &Section<'_>,
    kind: AccountKind,
    notes: &mut Vec<String>,
) -> Option<(PositionMode, HedgedMargin)> {
    let hedges = section.word("positions")? == "hedging";
    // An account that was made to net does not inherit what is said of both sides.
    let inherited = !hedges && section.is_older("hedged_margin", "positions");
    if inherited {
        notes.push("left out, as a netting account never holds both sides: hedged_margin".to_string());
    }
    let margin = match section.says("hedged_margin") && !inherited {
        true => Some(section.word("hedged_margin")? == "both"),
        false => None,
    };
    if hedges && kind == AccountKind::Cash {
        let message = "an account in cash sells nothing short, so it holds no long and short side by side";
        section.fail("positions", message, "write `netting`, or `kind = \"margin\"`");
        return None;
    }
    if !hedges && margin.is_some() {
        let message = "a netting account never holds both sides of an instrument";
        section.fail("hedged_margin", message, "leave it out, or write `positions = \"hedging\"`");
        return None;
    }
    if hedges && margin.is_none() {
        section.otherwise("hedged_margin", "larger".to_string());
    }
    Some((
        if hedges { PositionMode::Hedging } else { PositionMode::Netting },
        if margin == Some(true) { HedgedMargin::Both } else { HedgedMargin::Larger },
    ))
}

/// Financing and margin as a scenario writes them: the keys of `[account]`, those of `[financing]`, and for each
/// instrument those of its own.
pub fn written(settings: &Settings) -> (Keys, Keys) {
    let mut account = Vec::new();
    if settings.hedges() {
        account.push(("positions", "hedging".to_string()));
        // What is the default is left out, so that a netting account can take its place.
        if settings.account.hedged_margin == HedgedMargin::Both {
            account.push(("hedged_margin", "both".to_string()));
        }
    }
    if let Some(margin) = settings.margin {
        account.push(("margin_call", margin.call.to_string()));
        account.extend(margin.stop_out.map(|stop_out| ("stop_out", stop_out.to_string())));
    }
    let mut financing = Vec::new();
    if let Some(all) = &settings.financing {
        let seconds = all.rollover.0 / 1_000_000_000;
        let clock = if all.clock == RolloverClock::Utc { "utc" } else { "new_york" };
        financing = vec![
            ("rollover", format!("{:02}:{:02}:{:02}", seconds / 3_600, seconds / 60 % 60, seconds % 60)),
            ("clock", clock.to_string()),
            ("triple", all.triple.map_or("none", Weekday::name).to_string()),
            ("days_in_year", all.days_in_year.to_string()),
        ];
    }
    (account, financing)
}

/// What financing costs, in words.
pub fn financing_words(settings: &Settings) -> Vec<String> {
    let Some(all) = &settings.financing else { return Vec::new() };
    let seconds = all.rollover.0 / 1_000_000_000;
    let clock = if all.clock == RolloverClock::Utc { "UTC" } else { "New York" };
    let triple = match all.triple {
        Some(day) => format!("three days on {}", day.name()),
        None => "one day each, Saturday and Sunday too".to_string(),
    };
    let mut words = vec![format!(
        "at {:02}:{:02} {clock}, {triple}, by {} days a year",
        seconds / 3_600,
        seconds / 60 % 60,
        all.days_in_year
    )];
    // Instruments that pay the same share a line.
    for rate in &all.rates {
        let same = |other: &&FinancingRate| {
            (other.long, other.short, other.borrow) == (rate.long, rate.short, rate.borrow)
        };
        if all.rates.iter().find(same).is_none_or(|first| first.instrument != rate.instrument) {
            continue;
        }
        let names: Vec<&str> = all
            .rates
            .iter()
            .filter(same)
            .filter_map(|rate| settings.instrument(rate.instrument))
            .map(|instrument| instrument.symbol.as_str())
            .collect();
        let borrow = match rate.borrow {
            Ratio::ZERO => String::new(),
            share => format!(" and {} for what is borrowed", show_ratio(share)),
        };
        words.push(format!(
            "{}: long pays {} a year, short {}{borrow}",
            names.join(", "),
            show_ratio(rate.long),
            show_ratio(rate.short)
        ));
    }
    words
}

/// When the account is called, in words.
pub fn margin_words(settings: &Settings) -> Option<String> {
    let margin = settings.margin?;
    let stop_out = match margin.stop_out {
        Some(level) => format!("positions are closed at {}", show_ratio(level)),
        None => "no position is closed".to_string(),
    };
    Some(format!("margin call at {} of the maintenance margin; {stop_out}", show_ratio(margin.call)))
}

#[cfg(test)]
mod tests {
    use genovo_engine::units::{Nanoseconds, Timestamp};
    use jiff::civil::date;
    use jiff::tz::TimeZone;

    use super::*;

    /// The engine keeps no table of time zones: its clock of New York is that of the IANA database all the same.
    #[test]
    fn new_york_keeps_the_time_that_the_database_says() {
        let new_york = TimeZone::get("America/New_York").expect("the database is built in");
        let settings = FinancingSettings {
            rollover: Nanoseconds(17 * 3_600 * 1_000_000_000),
            clock: RolloverClock::NewYork,
            triple: None,
            days_in_year: 360,
            rates: Vec::new(),
        };
        let mut rollover = settings.after(Timestamp(0)).0;
        let mut day = date(1970, 1, 1);
        while day < date(2038, 1, 1) {
            let expected = day.at(17, 0, 0, 0).to_zoned(new_york.clone()).expect("an hour that there is");
            assert_eq!(i128::from(rollover.0), expected.timestamp().as_nanosecond(), "{day}");
            rollover = settings.after(rollover).0;
            day = day.tomorrow().expect("a day");
        }
    }
}
