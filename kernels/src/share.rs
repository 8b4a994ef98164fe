//! Rows that several threads write, each its own.

use std::marker::PhantomData;
use std::ops::Range;

use crate::backend::Cpu;
use crate::cpu::CpuLevel;
use crate::tensor::{Buffer, Rows};

/// Rows of a buffer, to be written by parts of a job that never share a value.
#[derive(Clone, Copy)]
pub(crate) struct SharedRows<'a> {
    start: *mut f32,
    place: Rows,
    rows: usize,
    width: usize,
    buffer: PhantomData<&'a mut [f32]>,
}

// SAFETY: rows are only handed out by `row`, whose caller promises that nobody else has the same.
unsafe impl Sync for SharedRows<'_> {}
// SAFETY: as above.
unsafe impl Send for SharedRows<'_> {}

impl<'a> SharedRows<'a> {
    /// `rows` rows of `width` values.
    ///
    /// # Panics
    /// When they do not fit the buffer.
    pub(crate) fn new((buffer, place): (&'a mut Buffer, Rows), rows: usize, width: usize) -> Self {
        assert!(place.fit(rows, width, buffer.len()), "{rows} rows of {width} in {}", buffer.len());
        Self { start: buffer.start_mut(), place, rows, width, buffer: PhantomData }
    }

    /// A row.
    ///
    /// # Safety
    /// Nobody else holds the row.
    #[allow(clippy::mut_from_ref)] // that is the point of it
    pub(crate) unsafe fn row(&self, row: usize) -> &mut [f32] {
        // SAFETY: the caller's promise, and `columns` checks the place.
        unsafe { self.columns(row, 0..self.width) }
    }

    /// Some columns of a row.
    ///
    /// # Safety
    /// Nobody else holds these columns of the row.
    #[allow(clippy::mut_from_ref)] // as above
    pub(crate) unsafe fn columns(&self, row: usize, columns: Range<usize>) -> &mut [f32] {
        assert!(row < self.rows && columns.start <= columns.end && columns.end <= self.width);
        let at = self.place.offset + row * self.place.stride + columns.start;
        // SAFETY: the row was seen to fit; the caller promises that it is nobody else's.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(at), columns.len()) }
    }
}

/// Rows of a buffer, to be read.
#[derive(Clone, Copy)]
pub(crate) struct ReadRows<'a> {
    values: &'a [f32],
    place: Rows,
    width: usize,
}

impl<'a> ReadRows<'a> {
    /// `rows` rows of `width` values.
    ///
    /// # Panics
    /// When they do not fit the values.
    pub(crate) fn new((values, place): (&'a [f32], Rows), rows: usize, width: usize) -> Self {
        assert!(place.fit(rows, width, values.len()), "{rows} rows of {width} in {}", values.len());
        Self { values, place, width }
    }

    /// A row.
    pub(crate) fn row(&self, row: usize) -> &'a [f32] {
        &self.values[self.place.offset + row * self.place.stride..][..self.width]
    }
}

/// Calls `work(level, rows)` for parts of the rows, on all threads. `cost` is in multiplications a row.
pub(crate) fn by_rows(cpu: &Cpu, rows: usize, cost: usize, work: impl Fn(CpuLevel, Range<usize>) + Sync) {
    cpu.parts(rows * cost, |level, part, parts| {
        work(level, rows * part / parts..rows * (part + 1) / parts);
    });
}
