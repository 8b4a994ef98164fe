//! What a model said, out of a decision's evidence: logits, the quantile fan, disagreement, the scale of risk.

use genovo_engine::event::{Decision, Fact};
use genovo_engine::features::catalogue;
use genovo_engine::ids::Sequence;

use crate::audit::recording::Recording;

/// The quantiles of a horizon, as evidence names them.
const LEVELS: [(&str, &str); 5] =
    [("q05", "5 %"), ("q25", "25 %"), ("q50", "50 %"), ("q75", "75 %"), ("q95", "95 %")];

/// How many of the catalogue's columns are shown of those that a model saw.
const COLUMNS_SHOWN: usize = 6;

/// Which of the catalogue's columns the model saw, the most unusual first; nothing where it saw its own features.
pub fn selected(recording: &Recording, decision: &Decision, vector: Sequence) -> Vec<String> {
    let Some(settings) = &recording.settings else { return Vec::new() };
    let strategy = settings.strategy_named(&decision.strategy).filter(|strategy| strategy.kind == "model");
    let said = strategy.and_then(|strategy| strategy.parameters.get("features")).map(String::as_str);
    let (Some(features), Some("selected")) = (&settings.features, said) else {
        return Vec::new();
    };
    let event = recording.at(vector).ok().flatten().map(|one| one.event.fact);
    let Some(Fact::FeaturesComputed(vector)) = event else { return Vec::new() };
    let names = catalogue::select(&features.timeframes, &features.columns).unwrap_or_default();
    let mut seen: Vec<(&str, f32)> = Vec::new();
    for (column, _) in &names {
        let place = recording.features().iter().position(|name| *name == column.id);
        seen.extend(place.and_then(|place| vector.get(place)).map(|value| (column.id.as_str(), value)));
    }
    let (all, known) = (names.len(), seen.len());
    seen.sort_by(|(_, one), (_, other)| other.abs().total_cmp(&one.abs()));
    let shown: Vec<String> =
        seen.iter().take(COLUMNS_SHOWN).map(|(name, value)| format!("{name} {value:+.3}")).collect();
    let mut lines = vec![format!("sees           {all} columns of [features], {known} of them known")];
    if !shown.is_empty() {
        lines.push(format!("most unusual   {}", shown.join("   ")));
    }
    lines
}

/// The lines about a model's decision; `None` when a rule decided.
pub fn lines(decision: &Decision) -> Option<Vec<String>> {
    let value = |name: &str| {
        let found = decision.evidence.iter().find(|evidence| evidence.name == name);
        found.map(|evidence| evidence.value)
    };
    let actions = ["hold", "buy", "sell"].map(|action| {
        let legal = value(&format!("legal_{action}")) == Some(1.0);
        let mark = if legal { "" } else { " (not legal)" };
        Some(format!("{action} {:+.4}{mark}", value(&format!("logit_{action}"))?))
    });
    let logits: Option<Vec<String>> = actions.into_iter().collect();
    let mut lines = vec![format!(
        "logits         {}   log-probability {:.4}   value {:+.4}",
        logits?.join("   "),
        value("log_probability")?,
        value("value")?
    )];
    for evidence in &decision.evidence {
        let Some(steps) = evidence.name.strip_prefix("volatility_") else { continue };
        let fan: Option<Vec<String>> = LEVELS
            .iter()
            .map(|(name, level)| Some(format!("{level} {:+.4}", value(&format!("{name}_{steps}"))?)))
            .collect();
        lines.push(format!(
            "{:<15}{}   volatility {:.4}   disagreement {:.4}",
            format!("in {steps} steps"),
            fan?.join("   "),
            evidence.value,
            value(&format!("disagreement_{steps}"))?
        ));
    }
    lines.push(format!(
        "size           {:.1} % of the largest position; risk scale {:.4}   expected impact {:.4} ticks",
        100.0 * value("size_share")?,
        value("risk_scale")?,
        value("impact")?
    ));
    Some(lines)
}
