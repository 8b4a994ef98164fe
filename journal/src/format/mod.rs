//! The bodies of blocks, one module a schema. Today's events are schema 1.

pub mod v1;
