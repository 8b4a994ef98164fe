//! The CPU: a level of instructions, and threads.

use std::fmt;
use std::sync::Arc;

use super::{Backend, BackendError};
use crate::cpu::{CpuLevel, CpuLevelError};
use crate::fourier;
use crate::heads::{self, HeadShape};
use crate::linear::{self, Columns, Epilogue, Matrix, Packed};
use crate::mixer::{self, MixerShape, MixerWeights, PackedMixer, StreamRow};
use crate::norm;
use crate::team::Team;
use crate::tensor::{Buffer, Rows};

/// The most threads that a [`Cpu`] takes.
pub const THREADS_MAX: usize = 64;

/// Multiplications that are worth the trouble of handing them to a thread: some microseconds.
const PART: usize = 50_000;
/// Parts that a large work has for each thread.
const PARTS_A_THREAD: usize = 4;

/// A CPU at one level, with one or more threads. Clones share the threads.
#[derive(Clone)]
pub struct Cpu {
    level: CpuLevel,
    team: Arc<Team>,
}

impl Cpu {
    /// A CPU at this level. `threads` is the number of threads in all, the caller's included; 0 counts as 1.
    ///
    /// # Errors
    /// When this machine lacks the level.
    pub fn new(level: CpuLevel, threads: usize) -> Result<Self, CpuLevelError> {
        let best = CpuLevel::detect();
        if level > best {
            return Err(CpuLevelError::Missing { asked: level, best });
        }
        let threads = if threads > THREADS_MAX { THREADS_MAX } else { threads };
        Ok(Self { level, team: Arc::new(Team::new(threads)) })
    }

    /// The level.
    pub fn level(&self) -> CpuLevel {
        self.level
    }

    /// How many threads there are.
    pub fn threads(&self) -> usize {
        self.team.threads()
    }

    /// Calls `part(level, number, parts)` for each part of a work of so many multiplications.
    pub(crate) fn parts(&self, multiplications: usize, part: impl Fn(CpuLevel, usize, usize) + Sync) {
        let threads = self.threads();
        if threads == 1 || multiplications < 2 * PART {
            return part(self.level, 0, 1);
        }
        // More parts than threads: one that starts late takes fewer of them.
        let (most, worth) = (threads * PARTS_A_THREAD, multiplications / PART);
        let parts = if worth < most { worth } else { most };
        self.team.run(parts, &|number| part(self.level, number, parts));
    }
}

impl fmt::Debug for Cpu {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.describe())
    }
}

impl Backend for Cpu {
    type Buffer = Buffer;
    type Linear = Packed;
    type Mixer = PackedMixer;

    fn describe(&self) -> String {
        let threads = self.threads();
        format!("cpu {}, {threads} {}", self.level, if threads == 1 { "thread" } else { "threads" })
    }

    fn zeros(&self, len: usize) -> Result<Buffer, BackendError> {
        Ok(Buffer::zeros(len))
    }

    fn write(
        &self,
        (to, place): (&mut Buffer, Rows),
        rows: usize,
        width: usize,
        values: &[f32],
    ) -> Result<(), BackendError> {
        assert!(place.fit(rows, width, to.len()) && values.len() == rows * width, "{rows} rows of {width}");
        for (row, values) in values.chunks_exact(width).enumerate() {
            to[place.offset + row * place.stride..][..width].copy_from_slice(values);
        }
        Ok(())
    }

    fn read(
        &self,
        (from, place): (&Buffer, Rows),
        rows: usize,
        width: usize,
        values: &mut [f32],
    ) -> Result<(), BackendError> {
        assert!(place.fit(rows, width, from.len()) && values.len() == rows * width, "{rows} rows of {width}");
        for (row, values) in values.chunks_exact_mut(width).enumerate() {
            values.copy_from_slice(&from[place.offset + row * place.stride..][..width]);
        }
        Ok(())
    }

    fn pack(&self, matrix: Matrix<'_>, columns: Columns) -> Result<Packed, BackendError> {
        Ok(Packed::new(matrix, columns))
    }

    fn linear(
        &self,
        linear: &Packed,
        x: (&Buffer, Rows),
        y: (&mut Buffer, Rows),
        rows: usize,
        epilogue: Epilogue,
    ) -> Result<(), BackendError> {
        linear::apply(self, linear, x, y, rows, epilogue);
        Ok(())
    }

    fn rms_norm(
        &self,
        gain: &Buffer,
        x: (&Buffer, Rows),
        y: (&mut Buffer, Rows),
        rows: usize,
        width: usize,
    ) -> Result<(), BackendError> {
        norm::apply(self, gain, x, y, rows, width);
        Ok(())
    }

    fn fourier(
        &self,
        frequencies: &Buffer,
        phases: &Buffer,
        stamps: (&Buffer, Rows),
        y: (&mut Buffer, Rows),
        rows: usize,
    ) -> Result<(), BackendError> {
        fourier::apply(self, frequencies, phases, stamps, y, rows);
        Ok(())
    }

    fn mixer(&self, shape: &MixerShape, weights: MixerWeights<'_>) -> Result<PackedMixer, BackendError> {
        Ok(PackedMixer::new(shape, weights))
    }

    fn mix_step(
        &self,
        mixer: &PackedMixer,
        state: &mut Buffer,
        rows: &[StreamRow],
        projected: &Buffer,
        u: &Buffer,
        y: &mut Buffer,
    ) -> Result<(), BackendError> {
        mixer::step(self, mixer, state, rows, projected, u, y);
        Ok(())
    }

    fn mix_sequence(
        &self,
        mixer: &PackedMixer,
        sequences: usize,
        steps: usize,
        projected: &Buffer,
        u: &Buffer,
        y: &mut Buffer,
    ) -> Result<(), BackendError> {
        mixer::sequence(self, mixer, (sequences, steps), projected, u, y);
        Ok(())
    }

    fn heads(
        &self,
        shape: HeadShape,
        raw: &Buffer,
        outputs: &mut Buffer,
        rows: usize,
    ) -> Result<(), BackendError> {
        heads::apply(self, shape, raw, outputs, rows);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_that_the_machine_lacks_is_refused() {
        for level in CpuLevel::ALL {
            match Cpu::new(level, 2) {
                Ok(cpu) => {
                    assert!(level <= CpuLevel::detect());
                    assert_eq!((cpu.level(), cpu.threads()), (level, 2));
                    assert_eq!(cpu.describe(), format!("cpu {level}, 2 threads"));
                }
                Err(error) => {
                    assert_eq!(error, CpuLevelError::Missing { asked: level, best: CpuLevel::detect() });
                }
            }
        }
        assert_eq!(Cpu::new(CpuLevel::Scalar, 0).unwrap().describe(), "cpu scalar, 1 thread");
    }
}
