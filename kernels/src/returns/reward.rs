//! One number for each decision: profit after costs, and what keeps it from being bought with risk.
//!
//! 1. x = clip(gross - cost, ±5)
//! 2. differential Sharpe ratio (Moody and Saffell, 2001): ΔA = x - A, ΔB = x² - B, V = largest of B - A² and
//!    0.01, D = (B·ΔA - ½·A·ΔB) / (V·√V), clipped to ±2; then A += η·ΔA, B += η·ΔB
//! 3. turnover
//! 4. drawdown's increase, where it increases
//! 5. inventory² · variance
//!
//! The reward is clip(1·x + 0.1·D - 0.05·turnover - 0.5·increase - 0.05·inventory²·variance, ±10).

/// How much each part counts, and where it is clipped.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct RewardWeights {
    /// Of profit after costs.
    pub profit: f64,
    /// Of the differential Sharpe ratio.
    pub sharpe: f64,
    /// Of turnover.
    pub turnover: f64,
    /// Of the drawdown's increase.
    pub drawdown: f64,
    /// Of inventory.
    pub inventory: f64,
    /// η: how fast the Sharpe ratio's means forget.
    pub forgetting: f64,
    /// The least variance of the Sharpe ratio.
    pub variance_floor: f64,
    /// Profit is clipped to ± this.
    pub profit_clip: f64,
    /// The differential Sharpe ratio is clipped to ± this.
    pub sharpe_clip: f64,
    /// The reward is clipped to ± this.
    pub clip: f64,
}

impl Default for RewardWeights {
    fn default() -> Self {
        Self {
            profit: 1.0,
            sharpe: 0.1,
            turnover: 0.05,
            drawdown: 0.5,
            inventory: 0.05,
            forgetting: 1.0 / 256.0,
            variance_floor: 0.01,
            profit_clip: 5.0,
            sharpe_clip: 2.0,
            clip: 10.0,
        }
    }
}

/// What happened between two decisions, in units of the largest position and of the usual move.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Situation {
    /// Profit before costs.
    pub gross: f64,
    /// Costs paid.
    pub cost: f64,
    /// Change of inventory over the largest.
    pub turnover: f64,
    /// Equity.
    pub equity: f64,
    /// Inventory over the largest.
    pub inventory: f64,
    /// Measured volatility.
    pub volatility: f64,
}

/// What a reward is made of, before weights.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct RewardParts {
    /// Profit after costs, clipped.
    pub profit: f64,
    /// Differential Sharpe ratio, clipped.
    pub sharpe: f64,
    /// Turnover.
    pub turnover: f64,
    /// The drawdown's increase; at least 0.
    pub drawdown: f64,
    /// Inventory² · variance.
    pub inventory: f64,
    /// All, weighted and clipped.
    pub total: f64,
}

/// What the reward remembers of a segment.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Reward {
    weights: RewardWeights,
    mean: f64,
    square: f64,
    peak: f64,
    drawdown: f64,
}

fn clip(value: f64, limit: f64) -> f64 {
    if value > limit {
        limit
    } else if value < -limit {
        -limit
    } else {
        value
    }
}

impl Reward {
    /// At the beginning of a segment, with this equity.
    pub fn new(weights: RewardWeights, equity: f64) -> Self {
        Self { weights, mean: 0.0, square: 1.0, peak: equity, drawdown: 0.0 }
    }

    /// The reward of what happened since the last decision.
    pub fn next(&mut self, situation: &Situation) -> RewardParts {
        let weights = self.weights;
        let profit = clip(situation.gross - situation.cost, weights.profit_clip);
        let (up, up_square) = (profit - self.mean, profit * profit - self.square);
        let variance = self.square - self.mean * self.mean;
        let variance = if variance > weights.variance_floor { variance } else { weights.variance_floor };
        let sharpe = (self.square * up - 0.5 * self.mean * up_square) / (variance * variance.sqrt());
        let sharpe = clip(sharpe, weights.sharpe_clip);
        self.mean += weights.forgetting * up;
        self.square += weights.forgetting * up_square;
        if situation.equity > self.peak {
            self.peak = situation.equity;
        }
        let below = self.peak - situation.equity;
        let drawdown = if below > self.drawdown { below - self.drawdown } else { 0.0 };
        self.drawdown = below;
        let inventory =
            situation.inventory * situation.inventory * (situation.volatility * situation.volatility);
        let total = weights.profit * profit + weights.sharpe * sharpe
            - weights.turnover * situation.turnover
            - weights.drawdown * drawdown
            - weights.inventory * inventory;
        let total = clip(total, weights.clip);
        RewardParts { profit, sharpe, turnover: situation.turnover, drawdown, inventory, total }
    }
}
