//! What an account's positions come to together: how its instruments move, what its returns say, how capital is shared.

pub mod allocation;
pub mod covariance;
pub mod metrics;
