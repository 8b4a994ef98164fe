//! The integration tests: one binary, one module a question.

/// Do the same inputs give the same bytes, whatever runs them?
mod determinism;
