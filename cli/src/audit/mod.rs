//! Reading a journal to a person: what is in it, why it is there, and that nobody changed it.
//!
//! [`verify`] proves a journal, [`show`] lists its events, [`tail`] follows one that is being written,
//! [`explain`] follows one order or event back to the tick that caused it, [`attribution`] asks what a model's decision
//! depended on, [`diff`] finds where two journals
//! part, [`export`] makes tables of one, [`pack`] a document for an auditor. All of them put events into words
//! with [`words`]; those that need a sealed journal read through [`recording::Recording`].

pub mod attribution;
pub mod diff;
pub mod explain;
pub mod export;
pub mod json;
pub mod names;
pub mod pack;
pub mod recording;
pub mod show;
pub mod tail;
pub mod vector;
pub mod verify;
pub mod whatif;
pub mod when;
pub mod words;
