//! Work in streams: asked for now, done later.

use std::collections::VecDeque;
use std::ffi::c_void;
use std::sync::Arc;

use crate::machine::instruction::Program;
use crate::machine::launch::Shape;

/// A function of the host that a stream calls.
pub type HostFunction = extern "C" fn(*mut c_void);

/// A piece of work.
#[derive(Clone, Debug)]
pub enum Work {
    Launch {
        program: Arc<Program>,
        arguments: Vec<u8>,
        shape: Shape,
    },
    /// To the device, from bytes taken when it was asked for: memory of the host that is not pinned is staged.
    Write {
        to: u64,
        bytes: Vec<u8>,
    },
    /// To the device, from memory of the host as it is when the work is done.
    WriteFrom {
        to: u64,
        from: usize,
        bytes: u64,
    },
    /// To the host.
    Read {
        to: usize,
        from: u64,
        bytes: u64,
    },
    Copy {
        to: u64,
        from: u64,
        bytes: u64,
    },
    Fill {
        to: u64,
        pattern: Vec<u8>,
        count: u64,
    },
    Free {
        address: u64,
    },
    /// Reaches the `serial`th recording of an event.
    Record {
        event: u64,
        serial: u64,
    },
    /// Waits for it.
    Wait {
        event: u64,
        serial: u64,
    },
    Call {
        function: HostFunction,
        data: usize,
    },
}

impl Work {
    /// What graphs compare to tell whether one can be updated to another.
    pub fn kind(&self) -> &'static str {
        match self {
            Work::Launch { .. } => "kernel",
            Work::Write { .. } | Work::WriteFrom { .. } | Work::Read { .. } | Work::Copy { .. } => "copy",
            Work::Fill { .. } => "fill",
            Work::Free { .. } => "free",
            Work::Record { .. } => "record",
            Work::Wait { .. } => "wait",
            Work::Call { .. } => "host",
        }
    }
}

/// A stream.
#[derive(Debug, Default)]
pub struct Stream {
    /// What was asked for and is not done.
    pub queue: VecDeque<Work>,
    /// The capture that takes its work instead.
    pub capture: Option<u64>,
    /// The capture began here.
    pub origin: bool,
}

/// An event.
#[derive(Debug, Default)]
pub struct Event {
    /// How many times it was recorded, and the last recording that was reached.
    pub recorded: u64,
    pub reached: u64,
    /// The capture in which it was recorded last.
    pub capture: Option<u64>,
    /// Instructions done when it was reached: the only clock there is.
    pub instructions: u64,
}
