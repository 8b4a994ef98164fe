//! The integration tests: one binary, one module a question.

/// Does a tick cost memory?
mod allocation;
/// Does bad input end in one clear error?
mod bad_input;
/// Is an order in a book where it should be?
mod books;
/// Do settings that take over leave what came before alone, and can a live run go another way?
mod branched;
/// Does every broker do what a broker must, whatever goes wrong on the way?
mod brokers;
/// Does an engine that was saved and restored go on as if nothing had been?
#[path = "../../engine/tests/checkpoints/same.rs"]
mod checkpoints;
/// Does every control hold back what it says, and nothing that closes a position?
mod controls;
/// Do raw prices with splits and dividends come to the same as adjusted ones?
mod corporate_actions;
/// Do the same inputs give the same bytes, whatever runs them?
mod determinism;
/// Does every column of the catalogue move on data that ships?
mod features;
/// Do resting orders wait in our queues as long as in hftbacktest's?
mod hedging;
mod hftbacktest;
/// Does what must always hold, hold after every event?
mod invariants;
/// Does the engine do the right thing on what only a live world says?
mod limits;
mod live_inputs;
/// Is anything lost, or done twice, when a live session is killed at any moment?
mod live_kills;
/// Does the model decide the same at every level of the CPU, and does its journal say all that made a decision?
mod model;
/// Do the same orders come to what nautilus_trader makes of them?
mod nautilus;
/// Does an order do what its kind, its terms and its list say?
mod orders;
/// Do our figures of returns agree with those of others, on real data?
mod portfolio;
/// Does recomputing a recorded run find every difference?
mod protection;
mod recorded;
/// Can an order that may never be filled make room for one that will be?
mod risk;
/// Do the rules about all positions say what a slow way of working them out says?
mod slow_rules;
/// Do several strategies share an account so that each sees, and is held to, what is its own?
mod strategies;
/// Is the house built as it was drawn?
mod structure;
/// Does holding a position cost what it must, and does an account without margin lose its largest losses first?
mod upkeep;
mod vectors;
