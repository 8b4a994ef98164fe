//! Does an engine that was saved and restored go on as if nothing had been?

mod damage;
mod runs;
pub mod same;
