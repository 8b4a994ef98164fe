//! A scenario in plain words, as effective settings, and for a program.

use genovo_engine::event::FlawAction;
use genovo_engine::ids::InstrumentId;
use genovo_engine::settings::{
    AccountKind, BarPrice, Commission, DataKind, HedgedMargin, Instrument, RiskDistance, Settings, Slippage,
    StrategySettings, TouchRule, Trigger, WhenClosed,
};
use genovo_engine::units::{Money, Nanoseconds};
use serde_json::json;

use super::readable::{show_amount, show_length, show_money, show_ratio};
use super::{DataFile, Scenario, controls, upkeep};

/// What would run, a line a subject.
pub fn in_words(scenario: &Scenario) -> String {
    let settings = &scenario.settings;
    let mut text = format!("{}\n", headline(scenario));
    let mut line = |subject: &str, words: String| text.push_str(&format!("  {subject:10} {words}\n"));
    for (index, file) in scenario.files.iter().enumerate() {
        line(if index == 0 { "data" } else { "" }, data(settings, file));
    }
    if let Some(bars) = settings.bars {
        let price = match bars.price {
            BarPrice::Mid => "the mid price",
            BarPrice::Bid => "the bid",
            BarPrice::Ask => "the ask",
            BarPrice::Trade => "trades",
        };
        line("bars", format!("of {}, built from {price}", show_length(bars.interval)));
    }
    line("strategy", strategy(settings));
    line("account", account(settings));
    if let Some(words) = upkeep::margin_words(settings) {
        line("", words);
    }
    for (index, instrument) in settings.instruments.iter().enumerate() {
        line(if index == 0 { "trades" } else { "" }, traded(settings, index, instrument));
    }
    for (index, words) in upkeep::financing_words(settings).into_iter().enumerate() {
        line(if index == 0 { "financing" } else { "" }, words);
    }
    line("risk", risk(settings));
    if let Some(limits) = settings.risk.limits {
        let signed = settings.risk.limits_signer.map(|key| format!(", signed by {}", key.short()));
        line("", format!("held to a file of limits, {}{}", limits.short(), signed.unwrap_or_default()));
    }
    match settings.risk.limits_keys.len() {
        0 => {}
        1 => {
            line("", "one key may sign limits; while a session runs nothing is loosened by one alone".into())
        }
        count => line("", format!("{count} keys may sign limits, and two of them loosen a session's")),
    }
    match scenario.unprotected {
        Some(true) => line("", "! UNPROTECTED: a live session's positions have no stop at the broker".into()),
        Some(false) => line("", "every position has a stop at the venue".into()),
        None => {}
    }
    for words in controls::words(&settings.risk.controls, &settings.account.currency) {
        line("", words);
    }
    for (index, words) in venue(settings).into_iter().enumerate() {
        line(if index == 0 { "venue" } else { "" }, words);
    }
    line("flaws", flaws(settings));
    for note in &scenario.notes {
        text.push_str(&format!("  ! {note}\n"));
    }
    text
}

/// The run in one line: `gold · ema-cross 12/48 on 5-minute bars · XAUUSD · 100,000.00 USD · seed 1`.
pub fn headline(scenario: &Scenario) -> String {
    let Settings { name, account, instruments, seed, .. } = &scenario.settings;
    let symbols = match instruments.len() {
        1..=3 => instruments.iter().map(|known| known.symbol.as_str()).collect::<Vec<_>>().join(", "),
        count => format!("{count} instruments"),
    };
    let cash = show_money(account.cash, account.digits);
    format!("{name} · {} · {symbols} · {cash} {} · seed {seed}", scenario.title, account.currency)
}

/// Every key as it holds, as TOML; a comment marks what the scenario itself does not say.
pub fn effective(scenario: &Scenario) -> String {
    let mut text = String::new();
    for section in scenario.effective.iter().filter(|section| !section.keys.is_empty()) {
        if !section.heading.is_empty() {
            text.push_str(&format!("{}{}\n", if text.is_empty() { "" } else { "\n" }, section.heading));
        }
        let key_width = section.keys.iter().map(|key| key.key.len()).max().unwrap_or(0);
        let value_width = section.keys.iter().map(|key| key.value.chars().count()).max().unwrap_or(0).min(40);
        for key in &section.keys {
            let from = key.from.as_ref().map_or(String::new(), |from| format!("  # {from}"));
            let line = format!("{:key_width$} = {:value_width$}{from}", key.key, key.value);
            text.push_str(line.trim_end());
            text.push('\n');
        }
    }
    text
}

/// The scenario for a program.
pub fn to_json(scenario: &Scenario) -> serde_json::Value {
    let files: Vec<_> = scenario
        .files
        .iter()
        .zip(&scenario.settings.sources)
        .map(|(file, source)| json!({ "path": file.path, "kind": file.kind, "content": source.content }))
        .collect();
    json!({
        "scenario": scenario.settings.name,
        "title": scenario.title,
        "settings_hash": scenario.settings_hash(),
        "settings": scenario.settings,
        "files": files,
        "execution": {
            "mode": scenario.execution.mode.word(),
            "cpu": scenario.execution.cpu.word(),
            "backend": scenario.execution.backend.word(),
            "checkpoint_every": scenario.execution.checkpoint_every,
        },
        "notes": scenario.notes,
    })
}

/// When a strategy decides, in words.
pub fn trigger(trigger: Trigger) -> String {
    match trigger {
        Trigger::EveryTick => "at every tick".to_string(),
        Trigger::EveryNTicks(count) => format!("at every {count} ticks"),
        Trigger::Every(interval) => format!("every {}", show_length(interval)),
        Trigger::BarClose => "when a bar ends".to_string(),
        Trigger::OnSignal => "when its signal changes".to_string(),
    }
}

fn data(settings: &Settings, file: &DataFile) -> String {
    let kind = match file.kind {
        DataKind::Quotes => "quotes",
        DataKind::Trades => "trades",
        DataKind::Bars => "bars",
        DataKind::Books => "order books",
        DataKind::Journal => "a market journal",
        DataKind::Actions => "splits and dividends",
        DataKind::Signals => "signals",
        DataKind::Outside => "statistics, news, events",
    };
    let of = settings.instrument(file.instrument).map_or(String::new(), |known| format!("{} ", known.symbol));
    format!("{of}{kind} from {}", file.path.display())
}

fn strategy(settings: &Settings) -> String {
    if settings.strategies.is_empty() {
        return one_strategy(&settings.strategy, settings.trigger);
    }
    let each = settings.strategies.iter().map(|shared| {
        let symbols = shared.instruments.iter().filter_map(|id| settings.instrument(*id));
        let symbols: Vec<&str> = symbols.map(|instrument| instrument.symbol.as_str()).collect();
        let of = if symbols.is_empty() { String::new() } else { format!(" in {}", symbols.join(", ")) };
        let (budget, words) = (show_ratio(shared.budget), one_strategy(&shared.strategy, shared.trigger));
        format!("{} with {budget} of equity{of}: {words}", shared.name)
    });
    each.collect::<Vec<_>>().join("; ")
}

fn one_strategy(strategy: &StrategySettings, decides: Trigger) -> String {
    let parameters: Vec<String> =
        strategy.parameters.iter().map(|(name, value)| format!("{name} {value}")).collect();
    let parameters =
        if parameters.is_empty() { String::new() } else { format!(" ({})", parameters.join(", ")) };
    format!("{}{parameters}, decides {}", strategy.kind, trigger(decides))
}

fn account(settings: &Settings) -> String {
    let account = &settings.account;
    let kind = match account.kind {
        AccountKind::Cash => "in cash: no borrowing, no short sales",
        AccountKind::Margin if !settings.hedges() => "on margin",
        AccountKind::Margin => match account.hedged_margin {
            HedgedMargin::Larger => "on margin, hedging: margin for the larger side of each instrument",
            HedgedMargin::Both => "on margin, hedging: margin for both sides of each instrument",
        },
    };
    format!("{} {} {kind}", show_amount(account.cash), account.currency)
}

fn traded(settings: &Settings, index: usize, instrument: &Instrument) -> String {
    let Instrument { symbol, tick, lot, .. } = instrument;
    let margin = show_ratio(instrument.margin_initial);
    let currency = instrument.currency.as_deref().unwrap_or(&settings.account.currency);
    let commission = commission(&instrument.commission, currency);
    let mut text = format!("{symbol}, tick {tick}, lot {lot}, margin {margin}, {commission}");
    if let Some(own) = &instrument.currency {
        let rate = settings.rates.iter().find(|rate| rate.currency == *own);
        let from = rate.and_then(|rate| settings.instrument(rate.instrument));
        let from = from.map_or("?", |from| from.symbol.as_str());
        text.push_str(&format!(", in {own} at the rate of {from}"));
    }
    let id = InstrumentId(index as u32 + 1);
    if let Some(calendar) = settings.calendars.iter().find(|calendar| calendar.instrument == id) {
        let closed = match settings.venue.when_closed {
            WhenClosed::Deny => "denied",
            WhenClosed::Queue => "kept for the open",
        };
        text.push_str(&format!(", trades by {}, orders else {closed}", calendar.calendar));
    }
    text
}

fn commission(commission: &Commission, currency: &str) -> String {
    let mut parts = Vec::new();
    if commission.taker.0 != 0 || commission.maker.0 != 0 {
        parts.push(format!(
            "{} as taker, {} as maker",
            show_ratio(commission.taker),
            show_ratio(commission.maker)
        ));
    }
    if commission.per_unit != Money::ZERO {
        parts.push(format!("{} {currency} a unit", commission.per_unit));
    }
    if commission.minimum != Money::ZERO {
        parts.push(format!("at least {} {currency} a fill", commission.minimum));
    }
    if parts.is_empty() { "no commission".to_string() } else { format!("commission {}", parts.join(", ")) }
}

fn risk(settings: &Settings) -> String {
    let risk = &settings.risk;
    let distance = match risk.distance {
        RiskDistance::AverageTrueRange { period, times } => format!("{times} × the ATR of {period} bars"),
        RiskDistance::ShareOfPrice(share) => format!("{} of the price", show_ratio(share)),
    };
    format!(
        "at most {} of equity a trade and {} in all, over {distance}; no position under {} {}",
        show_ratio(risk.max_per_trade),
        show_ratio(risk.max_total),
        show_amount(risk.min_position),
        settings.account.currency,
    )
}

fn venue(settings: &Settings) -> [String; 2] {
    let venue = &settings.venue;
    let size = match venue.size_when_absent {
        None => "without sizes in the data every order fills whole".to_string(),
        Some(size) => format!("without sizes in the data {size} are displayed"),
    };
    let touch = match venue.touch {
        TouchRule::Never => "a touch does not fill a limit order".to_string(),
        TouchRule::Always => "a touch fills a limit order".to_string(),
        TouchRule::Probability(share) => format!("a touch fills a limit order with {}", show_ratio(share)),
    };
    let slippage = match venue.slippage {
        Slippage::Ticks(count) => format!("slippage {count} {}", if count == 1 { "tick" } else { "ticks" }),
        Slippage::SquareRoot(share) => {
            format!("slippage {} × the square root of the excess", show_ratio(share))
        }
    };
    let (there, back) = (show_length(venue.latency), show_length(venue.response_latency));
    [format!("orders take {there}, answers {back}; {slippage}"), format!("{size}; {touch}")]
}

fn flaws(settings: &Settings) -> String {
    let quality = &settings.quality;
    let gap = quality.gap_after != Nanoseconds::ZERO;
    let all = [
        ("crossed", quality.crossed, true),
        ("locked", quality.locked, true),
        ("out of order", quality.out_of_order, true),
        ("duplicates", quality.duplicate, true),
        ("gaps", quality.gap, gap),
        ("outliers", quality.outlier, quality.outlier_times > 0),
    ];
    let actions =
        [(FlawAction::Drop, "drops"), (FlawAction::Halt, "halts on"), (FlawAction::Keep, "keeps and flags")];
    let mut parts = Vec::new();
    for (action, verb) in actions {
        let names: Vec<&str> =
            all.iter().filter(|flaw| flaw.1 == action && flaw.2).map(|flaw| flaw.0).collect();
        if !names.is_empty() {
            parts.push(format!("{verb} {}", names.join(", ")));
        }
    }
    parts.join("; ")
}
