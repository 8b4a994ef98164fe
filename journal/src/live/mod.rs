//! The live journal: nothing that was committed is lost, and nobody waits for what makes blocks of it.
//!
//! ```text
//! append ─► frame ─► queue ─► tail (thread)          commit: what is left of the frame, and the disk if asked
//!                              │
//!                              └─► chain ─► blocks ─► store, chapter.blocks, seal (thread that reads the tail)
//! ```
//!
//! The tail is the truth of an open chapter; everything else is made from it and can be made again.

mod builder;
mod events;
mod lock;
mod options;
mod recovery;
pub mod reserve;
mod writer;

pub use events::{Extent, LiveEvents, LiveJournal, TailFollower};
pub use options::{CommitMode, LiveOptions};
pub use recovery::{Recovery, Resumed};
pub use writer::{LiveHandle, LiveWriter};
