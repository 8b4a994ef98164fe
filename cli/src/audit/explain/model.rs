//! What a model said, out of a decision's evidence: logits, the quantile fan, disagreement, the scale of risk.

use genovo_engine::event::Decision;

/// The quantiles of a horizon, as evidence names them.
const LEVELS: [(&str, &str); 5] =
    [("q05", "5 %"), ("q25", "25 %"), ("q50", "50 %"), ("q75", "75 %"), ("q95", "95 %")];

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
