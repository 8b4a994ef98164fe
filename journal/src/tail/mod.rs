//! The tail: the files of an open chapter, and what they are made of.
//!
//! ```text
//! chapter-000001/tail/000001.tail    header · frame · frame … · end frame · zeros
//! chapter-000001/tail/000002.tail    header · frame · zeros
//! ```
//!
//! A file is written full of zeros and brought to the disk before its first frame, so that a frame is the only thing
//! that can be there. A frame holds whole events; what is no whole frame is no event.

mod frame;
pub(crate) mod scan;
pub(crate) mod writer;

pub use frame::{FILE_HEADER_BYTES, FRAME_HEADER_BYTES, FileHeader, Found, FrameHeader, frame_bytes, look};
