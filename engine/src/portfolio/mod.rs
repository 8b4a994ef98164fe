//! What an account's positions come to together: how its instruments move, and what its returns say.

pub mod covariance;
pub mod metrics;
