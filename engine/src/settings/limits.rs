//! Limits by the names of their keys: what one is, and all of them with one changed, while a run goes on.

use serde_json::Value;

use super::{Controls, Frequency, RiskDistance, RiskSettings};
use crate::units::{Money, Nanoseconds, Ratio};

/// Limits that are not controls. Like those, each is tighter or looser by [`RiskSettings::looser_than`].
const ALWAYS: [&str; 4] = ["max_per_trade", "max_total", "min_position", "distance"];

/// What no run can change: how prices are measured is what it has measured.
const FIXED: &str = "measure";

impl RiskSettings {
    /// The names of all limits that can be changed while a run goes on.
    pub fn changeable() -> impl Iterator<Item = &'static str> {
        ALWAYS.into_iter().chain(Controls::NAMES.iter().copied().filter(|name| *name != FIXED))
    }

    /// The value of a limit as canonical JSON, `null` where it is off; `None` where there is no such limit.
    pub fn value_of(&self, key: &str) -> Option<String> {
        let known = RiskSettings::changeable().find(|name| *name == key)?;
        let all = serde_json::to_value(self).ok()?;
        let place = if ALWAYS.contains(&known) { &all } else { &all["controls"] };
        Some(place.get(known).unwrap_or(&Value::Null).to_string())
    }

    /// The limits with one of them changed to a value as canonical JSON; `None` where it cannot have it.
    pub fn with(&self, key: &str, value: &str) -> Option<RiskSettings> {
        let known = RiskSettings::changeable().find(|name| *name == key)?;
        let value: Value = serde_json::from_str(value).ok()?;
        let mut all = serde_json::to_value(self).ok()?;
        let place = if ALWAYS.contains(&known) {
            all.as_object_mut()?
        } else {
            let controls =
                all.as_object_mut()?.entry("controls").or_insert_with(|| Value::Object(<_>::default()));
            controls.as_object_mut()?
        };
        match value {
            Value::Null if ALWAYS.contains(&known) => return None,
            Value::Null => drop(place.remove(known)),
            value => drop(place.insert(known.to_string(), value)),
        }
        let changed: RiskSettings = serde_json::from_value(all).ok()?;
        let measured = match (changed.distance, self.distance) {
            (
                RiskDistance::AverageTrueRange { period, times },
                RiskDistance::AverageTrueRange { period: measured, .. },
            ) => period == measured && times > Ratio::ZERO,
            (RiskDistance::ShareOfPrice(share), RiskDistance::ShareOfPrice(_)) => share > Ratio::ZERO,
            _ => false,
        };
        (measured && changed.is_possible()).then_some(changed)
    }

    /// Whether the limits are such as a scenario could say.
    pub fn is_possible(&self) -> bool {
        let Controls {
            kill_switch: _,
            max_order_value,
            max_order_quantity,
            price_collar,
            max_order_rate,
            max_executions,
            duplicate_within,
            stale_after,
            prevent_self_trade: _,
            max_position,
            max_gross_exposure,
            max_net_exposure,
            max_leverage,
            max_margin,
            max_correlated,
            max_var,
            max_cvar,
            soft_drawdown,
            hard_drawdown,
            max_daily_loss,
            stress_at,
            stressed_size,
            fixed_fraction,
            volatility_target,
            kelly,
            confidence_weighted: _,
            allocation,
            allocated,
            measure: _,
        } = &self.controls;
        let share = |ratio: Ratio| Ratio::ZERO < ratio && ratio <= Ratio::ONE;
        let shares = [
            max_margin,
            max_var,
            max_cvar,
            soft_drawdown,
            hard_drawdown,
            max_daily_loss,
            volatility_target,
            kelly,
        ];
        let ratios = [price_collar, max_leverage, max_correlated, stress_at, fixed_fraction, allocated];
        let amounts = [max_order_value, max_position, max_gross_exposure, max_net_exposure];
        let often = |frequency: &Frequency| {
            (1..=Frequency::COUNT_MAX).contains(&frequency.count) && frequency.per > Nanoseconds::ZERO
        };
        share(self.max_per_trade)
            && share(self.max_total)
            && self.min_position >= Money::ZERO
            && shares.into_iter().flatten().all(|ratio| share(*ratio))
            && ratios.into_iter().flatten().all(|ratio| *ratio > Ratio::ZERO)
            && amounts.into_iter().flatten().all(|amount| *amount > Money::ZERO)
            && max_order_quantity.is_none_or(|quantity| quantity.0 > 0)
            && [max_order_rate, max_executions].into_iter().flatten().all(often)
            && [duplicate_within, stale_after].into_iter().flatten().all(|time| *time > Nanoseconds::ZERO)
            && (Ratio::ZERO..=Ratio::ONE).contains(stressed_size)
            && (*stressed_size == Ratio::ZERO || stress_at.is_some())
            && (allocated.is_none() || allocation.is_some())
            && soft_drawdown.is_none_or(|soft| hard_drawdown.is_some_and(|hard| soft < hard))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits() -> RiskSettings {
        serde_json::from_str(
            r#"{"max_per_trade":"0.02","max_total":"0.05","min_position":"100","distance":{"share_of_price":"0.01"},
            "controls":{"hard_drawdown":"0.2","stress_at":"2","allocation":"equal_risk"}}"#,
        )
        .expect("limits")
    }

    /// Which of two values is tighter, for every limit that can be changed. A row: key, tighter, looser; what holds
    /// less back is on the right.
    const DIRECTIONS: &str = r#"
        max_per_trade       "0.01"                                "0.02"
        max_total           "0.04"                                "0.05"
        min_position        "200"                                 "100"
        distance            {"share_of_price":"0.02"}             {"share_of_price":"0.01"}
        kill_switch         true                                  null
        max_order_value     "999"                                 "1000"
        max_order_quantity  "9"                                   "10"
        price_collar        "0.01"                                "0.02"
        max_order_rate      {"count":5,"per":1000}                {"count":6,"per":1000}
        max_order_rate      {"count":5,"per":1000}                {"count":5,"per":999}
        max_executions      {"count":5,"per":1000}                {"count":6,"per":1000}
        duplicate_within    6                                     5
        stale_after         5                                     6
        prevent_self_trade  true                                  null
        max_position        "999"                                 "1000"
        max_gross_exposure  "999"                                 "1000"
        max_net_exposure    "999"                                 "1000"
        max_leverage        "2"                                   "3"
        max_margin          "0.2"                                 "0.3"
        max_correlated      "2"                                   "3"
        max_var             "0.01"                                "0.02"
        max_cvar            "0.01"                                "0.02"
        soft_drawdown       "0.05"                                "0.1"
        hard_drawdown       "0.1"                                 "0.2"
        max_daily_loss      "0.03"                                "0.04"
        stress_at           "1.5"                                 "2"
        stressed_size       "0.2"                                 "0.3"
        fixed_fraction      "0.2"                                 "0.3"
        volatility_target   "0.01"                                "0.02"
        kelly               "0.25"                                "0.5"
        confidence_weighted true                                  null
        allocation          "equal_risk"                          null
        allocated           "0.5"                                 "1.5"
    "#;

    fn directions() -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
        DIRECTIONS.lines().map(str::trim).filter(|line| !line.is_empty()).map(|line| {
            let words: Vec<&str> = line.split_whitespace().collect();
            (words[0], words[1], words[2])
        })
    }

    #[test]
    fn every_limit_has_a_tighter_and_a_looser_side() {
        for (key, tight, loose) in directions() {
            let tighter = limits().with(key, tight).unwrap_or_else(|| panic!("{key} {tight}"));
            let looser = limits().with(key, loose).unwrap_or_else(|| panic!("{key} {loose}"));
            assert_eq!(tighter.value_of(key).as_deref(), Some(tight), "{key}");
            assert_eq!(tighter.looser_than(&looser), Vec::<&str>::new(), "{key} {tight} than {loose}");
            assert_eq!(looser.looser_than(&tighter), [key], "{key} {loose} than {tight}");
            assert_eq!(tighter.looser_than(&tighter), Vec::<&str>::new(), "{key}");
            let others = ["hard_drawdown", "stress_at", "stressed_size", "allocation"];
            if !ALWAYS.contains(&key) && !others.contains(&key) {
                let off = limits().with(key, "null").expect("off");
                assert!(!tighter.looser_than(&off).contains(&key), "{key} is off");
            }
        }
        let mut named: Vec<&str> = directions().map(|(key, ..)| key).collect();
        named.dedup();
        assert_eq!(named, RiskSettings::changeable().collect::<Vec<_>>(), "every limit has a row");
    }

    #[test]
    fn what_no_scenario_could_say_is_no_limit() {
        for (key, value) in [
            ("max_total", "\"0\""),
            ("max_total", "\"1.1\""),
            ("max_total", "null"),
            ("max_total", "0.01"),
            ("max_leverage", "\"-1\""),
            ("max_order_rate", r#"{"count":0,"per":5}"#),
            ("max_order_rate", r#"{"count":200000,"per":5}"#),
            ("stale_after", "0"),
            ("soft_drawdown", "\"0.2\""),
            ("hard_drawdown", "\"2\""),
            ("stressed_size", "\"1.5\""),
            ("distance", r#"{"average_true_range":{"period":14,"times":"2"}}"#),
            ("measure", "{}"),
            ("limits", "null"),
            ("nothing", "1"),
        ] {
            assert_eq!(limits().with(key, value), None, "{key} {value}");
        }
        // What others depend on cannot be switched off beneath them.
        let allocated = limits().with("allocated", "\"0.5\"").unwrap();
        assert_eq!(allocated.with("allocation", "null"), None);
    }
}
