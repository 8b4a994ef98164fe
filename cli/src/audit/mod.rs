//! Reading a journal to a person: what is in it, why it is there, and that nobody changed it.
//!
//! [`verify`] proves a journal, [`show`] lists its events, [`explain`] follows one order or event back to
//! the tick that caused it, [`diff`] finds where two journals part. All of them read through
//! [`recording::Recording`] and put events into words with [`words`].

pub mod diff;
pub mod explain;
pub mod json;
pub mod recording;
pub mod show;
pub mod verify;
pub mod when;
pub mod words;
