//! Whole runs by the binary: on a card, swept, compared, fed by what the world says, with columns selected on the way.

mod card;
mod compare;
mod limits;
mod outside;
mod selection;
mod support;
mod sweep;
