//! Reports of runs written down by hand, with every expected number worked out by hand.

mod accounting;
mod corrections;
mod kit;
mod page;
mod sentences;
mod text;
