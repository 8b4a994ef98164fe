//! `genovo audit` as a program: what it says, what it answers a program, how it ends.

mod attribution;
mod diff;
mod explain;
mod features;
mod report;
mod scripted;
mod show;
mod support;
mod tail;
mod verify;
mod whatif;
