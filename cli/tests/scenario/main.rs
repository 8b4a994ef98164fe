//! Scenarios from the outside: what is read, what is refused and how, what the identity depends on.

mod command;
mod errors;
mod extends_and_set;
mod identity;
mod limits;
mod random;
mod reference;
mod shipped;
mod support;
