//! Whole runs by the binary: on a card, swept, compared, fed by what the world says, with columns selected on the way,
//! by several strategies.

mod card;
mod compare;
mod hedging;
mod limits;
mod outside;
mod selection;
mod strategies;
mod support;
mod sweep;
