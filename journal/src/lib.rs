//! The ordered truth on disk.
