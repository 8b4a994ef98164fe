//! The controls of `[risk]`: read, written back, and said in words. All are off unless the scenario says them.

use genovo_engine::portfolio::allocation::Allocation;
use genovo_engine::settings::{Controls, Measure};
use genovo_engine::units::{Nanoseconds, Ratio};

use super::readable::{show_amount, show_frequency, show_length, show_ratio};
use super::section::Section;

/// The keys of how volatility and correlation are measured.
const MEASURE: [&str; 4] = ["sample", "decay", "confidence", "horizon"];

/// Reads the controls of a section.
pub fn read(section: &Section<'_>, currency: &str) -> Option<Controls> {
    let money = |key| section.money(key, currency);
    let controls = Controls {
        kill_switch: section.flag("kill_switch")?,
        max_order_value: money("max_order_value"),
        max_order_quantity: section.quantity("max_order_quantity"),
        price_collar: section.ratio("price_collar"),
        max_order_rate: section.frequency("max_order_rate"),
        max_executions: section.frequency("max_executions"),
        duplicate_within: section.length("duplicate_within"),
        stale_after: section.length("stale_after"),
        prevent_self_trade: section.flag("prevent_self_trade")?,
        max_position: money("max_position"),
        max_gross_exposure: money("max_gross_exposure"),
        max_net_exposure: money("max_net_exposure"),
        max_leverage: section.ratio("max_leverage"),
        max_margin: section.ratio("max_margin"),
        max_correlated: section.ratio("max_correlated"),
        max_var: section.ratio("max_var"),
        max_cvar: section.ratio("max_cvar"),
        soft_drawdown: section.ratio("soft_drawdown"),
        hard_drawdown: section.ratio("hard_drawdown"),
        max_daily_loss: section.ratio("max_daily_loss"),
        stress_at: section.ratio("stress_at"),
        stressed_size: section.ratio("stressed_size")?,
        fixed_fraction: section.ratio("fixed_fraction"),
        volatility_target: section.ratio("volatility_target"),
        kelly: section.ratio("kelly"),
        confidence_weighted: section.flag("confidence_weighted")?,
        allocation: match section.word("allocation")?.as_str() {
            "equal_risk" => Some(Allocation::EqualRisk),
            "inverse_volatility" => Some(Allocation::InverseVolatility),
            "hierarchical_risk_parity" => Some(Allocation::HierarchicalRiskParity),
            _ => None,
        },
        allocated: section.ratio("allocated"),
        measure: measure(section)?,
    };
    if controls.stressed_size > Ratio::ONE {
        section.fail("stressed_size", "a stressed market would make orders larger", "at most 100 %");
    }
    match (controls.soft_drawdown, controls.hard_drawdown) {
        (Some(_), None) => {
            let message =
                "`soft_drawdown` shrinks orders down to nothing at `hard_drawdown`, which is not said";
            section.fail("soft_drawdown", message, "add `hard_drawdown`");
        }
        (Some(soft), Some(hard)) if soft >= hard => {
            section.fail(
                "soft_drawdown",
                "`soft_drawdown` is not below `hard_drawdown`",
                "write a smaller share",
            );
        }
        _ => {}
    }
    if controls.stressed_size != Ratio::ZERO && controls.stress_at.is_none() {
        let message = "`stressed_size` needs `stress_at`, which says when a market is stressed";
        section.fail("stressed_size", message, "add `stress_at = 2`");
    }
    if controls.allocated.is_some() && controls.allocation.is_none() {
        let message = "`allocated` needs `allocation`, which says by what rule it is shared";
        section.fail("allocated", message, "add `allocation = \"inverse_volatility\"`");
    }
    // What says no more than the default is no mistake: effective settings are a scenario again.
    let measures = controls.measure != Measure::default() && !controls.needs_samples();
    if let (true, Some(key)) = (measures, MEASURE.iter().find(|key| section.says(key))) {
        let message = format!("`{key}` measures for no control");
        section.fail(key, message, "add one that measures, such as `max_var`");
    }
    Some(controls)
}

fn measure(section: &Section<'_>) -> Option<Measure> {
    let (sample, decay) = (section.length("sample"), section.ratio("decay"));
    let (confidence, horizon) = (section.ratio("confidence"), section.small("horizon"));
    let (decay, confidence) = (decay?, confidence?);
    if decay == Ratio::ONE {
        section.fail("decay", "with a weight of 100 % nothing is ever forgotten", "write such as `94 %`");
    }
    if confidence == Ratio::ONE || confidence < Ratio(Ratio::ONE.0 / 2) {
        section.fail("confidence", "a confidence lies between 50 % and 100 %", "write such as `99 %`");
    }
    Some(Measure { sample: sample?, decay, confidence, horizon: horizon? })
}

/// A rule by which capital is shared, as a scenario writes it.
fn allocation(rule: Allocation) -> &'static str {
    match rule {
        Allocation::EqualRisk => "equal_risk",
        Allocation::InverseVolatility => "inverse_volatility",
        Allocation::HierarchicalRiskParity => "hierarchical_risk_parity",
    }
}

/// The controls that are on, as a scenario writes them.
pub fn written(controls: &Controls) -> Vec<(&'static str, String)> {
    let mut keys = Vec::new();
    let mut add = |key, value: Option<String>| keys.extend(value.map(|value| (key, value)));
    let yes = |flag: bool| flag.then(|| "true".to_string());
    let length = |length: Option<Nanoseconds>| length.map(show_length);
    add("kill_switch", yes(controls.kill_switch));
    add("max_order_value", controls.max_order_value.map(|money| money.to_string()));
    add("max_order_quantity", controls.max_order_quantity.map(|quantity| quantity.to_string()));
    add("price_collar", controls.price_collar.map(show_ratio));
    add("max_order_rate", controls.max_order_rate.map(show_frequency));
    add("max_executions", controls.max_executions.map(show_frequency));
    add("duplicate_within", length(controls.duplicate_within));
    add("stale_after", length(controls.stale_after));
    add("prevent_self_trade", yes(controls.prevent_self_trade));
    add("max_position", controls.max_position.map(|money| money.to_string()));
    add("max_gross_exposure", controls.max_gross_exposure.map(|money| money.to_string()));
    add("max_net_exposure", controls.max_net_exposure.map(|money| money.to_string()));
    add("max_leverage", controls.max_leverage.map(show_ratio));
    add("max_margin", controls.max_margin.map(show_ratio));
    add("max_correlated", controls.max_correlated.map(show_ratio));
    add("max_var", controls.max_var.map(show_ratio));
    add("max_cvar", controls.max_cvar.map(show_ratio));
    add("soft_drawdown", controls.soft_drawdown.map(show_ratio));
    add("hard_drawdown", controls.hard_drawdown.map(show_ratio));
    add("max_daily_loss", controls.max_daily_loss.map(show_ratio));
    add("stress_at", controls.stress_at.map(|multiple| multiple.to_string()));
    if controls.stressed_size != Ratio::ZERO {
        add("stressed_size", Some(show_ratio(controls.stressed_size)));
    }
    add("fixed_fraction", controls.fixed_fraction.map(show_ratio));
    add("volatility_target", controls.volatility_target.map(show_ratio));
    add("kelly", controls.kelly.map(show_ratio));
    add("confidence_weighted", yes(controls.confidence_weighted));
    add("allocation", controls.allocation.map(|rule| allocation(rule).to_string()));
    add("allocated", controls.allocated.map(show_ratio));
    if controls.measure != Measure::default() {
        let measure = &controls.measure;
        add("sample", Some(show_length(measure.sample)));
        add("decay", Some(show_ratio(measure.decay)));
        add("confidence", Some(show_ratio(measure.confidence)));
        add("horizon", Some(measure.horizon.to_string()));
    }
    keys
}

/// The controls that are on, in words; nothing when none is.
pub fn words(controls: &Controls, currency: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut say = |text: Option<String>| words.extend(text);
    let money = |amount| format!("{} {currency}", show_amount(amount));
    say(controls.kill_switch.then(|| "the kill switch is on: nothing is opened".to_string()));
    say(controls.max_order_value.map(|most| format!("no order over {}", money(most))));
    say(controls.max_order_quantity.map(|most| format!("no order for more than {most}")));
    say(controls.price_collar.map(|share| format!("no limit {} worse than the market", show_ratio(share))));
    say(controls.max_order_rate.map(|most| format!("at most {} orders", show_frequency(most))));
    say(controls.max_executions.map(|most| format!("stops at {} fills of one side", show_frequency(most))));
    say(controls.duplicate_within.map(|time| format!("no order twice within {}", show_length(time))));
    say(controls.stale_after.map(|time| format!("no order on prices older than {}", show_length(time))));
    say(controls.prevent_self_trade.then(|| "no order that would meet one of our own".to_string()));
    say(controls.max_position.map(|most| format!("no position over {}", money(most))));
    say(controls.max_gross_exposure.map(|most| format!("gross exposure at most {}", money(most))));
    say(controls.max_net_exposure.map(|most| format!("net exposure at most {}", money(most))));
    say(controls.max_leverage.map(|most| format!("leverage at most {most}")));
    say(controls.max_margin.map(|most| format!("margin at most {} of equity", show_ratio(most))));
    say(controls.max_correlated.map(|most| format!("correlated exposure at most {most} × equity")));
    let measure = &controls.measure;
    let tail = || {
        let samples = match measure.horizon {
            1 => show_length(measure.sample),
            more => format!("{more} × {}", show_length(measure.sample)),
        };
        format!("at {} over {samples}", show_ratio(measure.confidence))
    };
    say(controls.max_var.map(|most| format!("value at risk at most {} {}", show_ratio(most), tail())));
    say(controls.max_cvar.map(|most| format!("its mean beyond at most {} {}", show_ratio(most), tail())));
    say(controls
        .soft_drawdown
        .map(|share| format!("orders shrink from a drawdown of {}", show_ratio(share))));
    say(controls.hard_drawdown.map(|share| format!("all is closed at a drawdown of {}", show_ratio(share))));
    say(controls.max_daily_loss.map(|share| format!("a day ends at a loss of {}", show_ratio(share))));
    say(controls.stress_at.map(|times| {
        let size = show_ratio(controls.stressed_size);
        format!("orders keep {size} where volatility is {times} × its usual")
    }));
    say(controls.fixed_fraction.map(|share| format!("a position is worth {} of equity", show_ratio(share))));
    say(controls.volatility_target.map(|share| {
        format!("a position moves by {} of equity over {} samples", show_ratio(share), measure.horizon)
    }));
    say(controls.kelly.map(|share| format!("a position is worth {} of Kelly's rule", show_ratio(share))));
    say(controls
        .confidence_weighted
        .then(|| "a position is the share that its forecast is sure of".to_string()));
    say(controls.allocation.map(|rule| {
        let shared = show_ratio(controls.allocated.unwrap_or(Ratio::ONE));
        format!("{shared} of equity are shared by {}", allocation(rule).replace('_', " "))
    }));
    words
}
