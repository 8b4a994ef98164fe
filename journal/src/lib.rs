//! The ordered truth on disk: every event of a run, chained by hash, packed into columns, kept in sled and
//! sealed.
//!
//! A [`Writer`] takes events and seals; [`Journal`] opens what was sealed; [`verify()`] recomputes everything
//! from the first event; [`diff()`] compares two journals. `docs/journal-format.md` draws every byte.
//!
//! ```text
//! events ─► group ─► canonical bytes ─► chain: its head hash names the journal
//!                └─► columns ─► block ─► sled store, chapter.blocks ─► seal.toml
//! ```
//!
//! Nothing in any file makes this crate panic: bytes are bounded, hashed and checked before they are
//! believed.

mod bits;
mod block;
mod chain;
mod chapter;
mod checkpoint;
mod columns;
mod diff;
mod disk;
mod error;
mod format;
mod group;
mod identity;
mod index;
mod lanes;
mod live;
mod reader;
mod rows;
mod seal;
mod shapes;
mod store;
mod storing;
pub mod tail;
mod toml;
mod verify;
mod writer;

pub use block::{BLOCK_HEADER_BYTES, BlockHeader, BlockReader, BlockWriter, KindSet};
pub use chain::Chain;
pub use checkpoint::{Checkpoint, CheckpointFile};
pub use columns::CodecError;
pub use diff::{Difference, diff};
pub use disk::{Disk, DiskFile, RealDisk};
pub use error::{Damage, Error, Intact, Place};
pub use group::{EVENT_BYTES_MAX, GROUP_BYTES_MAX, GROUP_EVENTS_MAX, Group};
pub use identity::Identity;
pub use live::{
    CommitMode, Extent, LiveEvents, LiveHandle, LiveJournal, LiveOptions, LiveWriter, Recovery, Resumed,
    TailFollower,
};
pub use reader::{BlockColumns, ColumnBlocks, Events, Journal, QuoteColumns, SizeColumn, Summary};
pub use seal::{Before, FileSeal, Seal};
pub use tail::scan::Torn;
pub use verify::{Verification, verify};
pub use writer::{Sealed, Writer};
