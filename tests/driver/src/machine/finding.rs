//! What a check found, said so that it can be mended.

use std::fmt;

/// Which check found something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Check {
    /// Memory that belongs to no allocation or variable.
    OutOfBounds,
    /// An address that is no multiple of the size of the access.
    Misaligned,
    /// Memory that was freed before.
    UseAfterFree,
    /// Memory or a register that nothing was written to.
    Uninitialised,
    /// Shared memory that two threads access without a barrier between, one of them writing.
    SharedRace,
    /// Memory of the device, likewise, within a launch.
    GlobalRace,
    /// Threads of a warp that do not come to a barrier together.
    DivergentBarrier,
    /// A barrier at which not all threads arrive.
    BarrierMismatch,
    /// Lanes that are named in a shuffle, a vote or a barrier of a warp and do not take part.
    DivergentWarp,
    /// A write to constant memory.
    ReadOnly,
    /// A division of integers by zero, whose result the ISA leaves open.
    DivisionByZero,
    /// A launch larger than the device or the kernel allows.
    Limit,
    /// More instructions than a launch may take.
    Endless,
    /// `trap`.
    Trap,
    /// An instruction that the stand-in does not execute in this form.
    NotExecuted,
}

impl Check {
    /// Its name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Check::OutOfBounds => "out-of-bounds",
            Check::Misaligned => "misaligned",
            Check::UseAfterFree => "use-after-free",
            Check::Uninitialised => "uninitialised",
            Check::SharedRace => "shared-race",
            Check::GlobalRace => "global-race",
            Check::DivergentBarrier => "divergent-barrier",
            Check::BarrierMismatch => "barrier-mismatch",
            Check::DivergentWarp => "divergent-warp",
            Check::ReadOnly => "read-only",
            Check::DivisionByZero => "division-by-zero",
            Check::Limit => "limit",
            Check::Endless => "endless",
            Check::Trap => "trap",
            Check::NotExecuted => "not-executed",
        }
    }
}

impl fmt::Display for Check {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// What a check found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Which check.
    pub check: Check,
    /// The kernel.
    pub kernel: String,
    /// The line of the PTX, from 1; 0 where no line is to blame.
    pub line: u32,
    /// The block.
    pub block: [u32; 3],
    /// The thread in it.
    pub thread: [u32; 3],
    /// What happened.
    pub message: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Finding { check, kernel, line, block, thread, message } = self;
        write!(
            formatter,
            "{check}: kernel {kernel}, PTX line {line}, block {block:?}, thread {thread:?}: {message}"
        )
    }
}

/// What is known where a check finds something; the launch adds kernel and place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Which check.
    pub check: Check,
    /// The lane of the warp.
    pub lane: u32,
    /// What happened.
    pub message: String,
}

impl Fault {
    /// A finding of this lane.
    #[cold]
    pub fn new(check: Check, lane: u32, message: impl Into<String>) -> Self {
        Fault { check, lane, message: message.into() }
    }
}
