//! From a series of results to what a policy learns from, in f64, with +, -, ×, ÷ and √ alone: **Exact**.

mod advantage;
mod reward;

pub use advantage::{Advantages, Ending, advantages};
pub use reward::{Reward, RewardParts, RewardWeights, Situation};
