//! Whole runs by the binary: swept, compared, fed by what the world says, with columns selected on the way.

mod compare;
mod limits;
mod outside;
mod selection;
mod support;
mod sweep;
