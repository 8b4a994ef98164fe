//! How a live journal is written.

use genovo_engine::units::Timestamp;

use crate::error::Error;

/// What [`crate::LiveWriter::commit`] waits for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CommitMode {
    /// The system has it: it survives that the process is killed, but no power loss.
    #[default]
    Process,
    /// The disk has it: it survives a power loss.
    Disk,
}

impl CommitMode {
    /// `process` or `disk`, as in a scenario.
    pub const fn name(self) -> &'static str {
        match self {
            CommitMode::Process => "process",
            CommitMode::Disk => "disk",
        }
    }

    /// The mode of this name.
    pub fn parse(name: &str) -> Option<CommitMode> {
        [CommitMode::Process, CommitMode::Disk].into_iter().find(|mode| mode.name() == name)
    }
}

/// How a live journal is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LiveOptions {
    /// What a commit waits for.
    pub commit: CommitMode,
    /// A chapter is due to end when its tail has grown to so many bytes.
    pub chapter_bytes: u64,
    /// A chapter is due to end when time of arrival passes a multiple of it, in nanoseconds: a day is midnight UTC.
    pub chapter_time: i64,
    /// The length of a file of the tail. Each is written full of zeros before it is used.
    pub file_bytes: u64,
    /// Kept free on the disk, so that a run that has filled it can cancel its orders, journal that and stop; 0 is none.
    pub reserve_bytes: u64,
}

impl Default for LiveOptions {
    fn default() -> LiveOptions {
        LiveOptions {
            commit: CommitMode::Process,
            chapter_bytes: 1 << 30,
            chapter_time: 86_400 * 1_000_000_000,
            file_bytes: 16 << 20,
            reserve_bytes: 64 << 20,
        }
    }
}

/// The shortest file of a tail.
const FILE_BYTES_MIN: u64 = 4096;
/// The longest: one that a reader would still take into memory.
const FILE_BYTES_MAX: u64 = 1 << 30;

impl LiveOptions {
    pub(crate) fn check(&self) -> Result<(), Error> {
        let refused = |what, value, least, most| Err(Error::Option { what, value, least, most });
        if !(FILE_BYTES_MIN..=FILE_BYTES_MAX).contains(&self.file_bytes) {
            return refused("file_bytes", self.file_bytes as i128, FILE_BYTES_MIN, FILE_BYTES_MAX);
        }
        if self.chapter_bytes == 0 {
            return refused("chapter_bytes", 0, 1, u64::MAX);
        }
        if self.chapter_time <= 0 {
            return refused("chapter_time", i128::from(self.chapter_time), 1, i64::MAX as u64);
        }
        Ok(())
    }

    /// Whether `now` lies in a later day than the chapter's first event.
    pub(crate) fn is_another_day(&self, first: Timestamp, now: Timestamp) -> bool {
        now.0.div_euclid(self.chapter_time) > first.0.div_euclid(self.chapter_time)
    }
}
