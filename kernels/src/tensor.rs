//! Memory for numbers: aligned to cache lines and padded, so that a vector load may run past the last value.

use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;

/// A cache line, in bytes; the widest vector register is one.
const LINE: usize = 64;
/// A large page of the processor. Big buffers begin at one, so that the system can use them.
const PAGE: usize = 2 << 20;

mod sealed {
    pub trait Number: Copy + Default + Send + Sync + 'static {}
    impl Number for f32 {}
    impl Number for u16 {}
    impl Number for i8 {}
}

/// What an [`Aligned`] can hold: f32, u16 (the bits of a bfloat16), i8.
pub trait Number: sealed::Number {}
impl<T: sealed::Number> Number for T {}

/// A fixed number of values, all zero at first. 64 more bytes of zeros follow the last value.
pub struct Aligned<T: Number> {
    start: NonNull<T>,
    len: usize,
}

/// f32 values: what the kernels of a CPU compute with.
pub type Buffer = Aligned<f32>;

// SAFETY: it owns its values, which are plain numbers.
unsafe impl<T: Number> Send for Aligned<T> {}
// SAFETY: shared access only reads.
unsafe impl<T: Number> Sync for Aligned<T> {}

impl<T: Number> Aligned<T> {
    /// `len` zeros.
    pub fn zeros(len: usize) -> Self {
        let layout = Self::layout(len);
        // SAFETY: the layout is at least one cache line.
        let start = unsafe { alloc_zeroed(layout) };
        let Some(start) = NonNull::new(start.cast()) else { handle_alloc_error(layout) };
        Self { start, len }
    }

    /// A copy of these values.
    pub fn of(values: &[T]) -> Self {
        let mut all = Self::zeros(values.len());
        all.copy_from_slice(values);
        all
    }

    /// The first value; a vector may be read up to 64 bytes behind the last.
    pub(crate) fn start(&self) -> *const T {
        self.start.as_ptr()
    }

    /// The first value, to write.
    pub(crate) fn start_mut(&mut self) -> *mut T {
        self.start.as_ptr()
    }

    fn layout(len: usize) -> Layout {
        let bytes = len.checked_mul(size_of::<T>()).and_then(|bytes| bytes.checked_add(LINE));
        let align = if bytes.is_some_and(|bytes| bytes >= PAGE) { PAGE } else { LINE };
        let layout = bytes.and_then(|bytes| Layout::from_size_align(bytes, align).ok());
        layout.unwrap_or_else(|| panic!("{len} values are more than an address space holds"))
    }
}

impl<T: Number> Drop for Aligned<T> {
    fn drop(&mut self) {
        // SAFETY: allocated in `zeros` with the very layout.
        unsafe { dealloc(self.start.as_ptr().cast(), Self::layout(self.len)) };
    }
}

impl<T: Number> Deref for Aligned<T> {
    type Target = [T];

    #[inline]
    fn deref(&self) -> &[T] {
        // SAFETY: `len` values lie at `start`, initialised since the beginning.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.len) }
    }
}

impl<T: Number> DerefMut for Aligned<T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut [T] {
        // SAFETY: as above, and `&mut self` is the only access.
        unsafe { std::slice::from_raw_parts_mut(self.start.as_ptr(), self.len) }
    }
}

impl<T: Number> Clone for Aligned<T> {
    fn clone(&self) -> Self {
        Self::of(self)
    }
}

impl<T: Number> fmt::Debug for Aligned<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} values", self.len)
    }
}

/// Rows within a buffer: row r begins at `offset + r · stride`. How wide a row is, the operation knows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rows {
    /// Where the first row begins.
    pub offset: usize,
    /// From the beginning of a row to that of the next.
    pub stride: usize,
}

impl Rows {
    /// Rows one after the other from the beginning of the buffer.
    pub const fn dense(width: usize) -> Self {
        Self { offset: 0, stride: width }
    }

    /// Columns from `offset` on, of rows that are `stride` wide.
    pub const fn columns(offset: usize, stride: usize) -> Self {
        Self { offset, stride }
    }

    /// Whether `rows` rows of this width lie within `len` values, none upon the next.
    pub fn fit(self, rows: usize, width: usize, len: usize) -> bool {
        let last = rows.saturating_sub(1).checked_mul(self.stride);
        let end = last.and_then(|last| last.checked_add(self.offset)?.checked_add(width));
        rows == 0 || ((rows == 1 || width <= self.stride) && end.is_some_and(|end| end <= len))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_begin_at_a_line_and_are_zero() {
        for len in [0, 1, 15, 16, 17, 1000, 600_000] {
            let buffer = Buffer::zeros(len);
            assert_eq!(buffer.len(), len);
            assert!(buffer.iter().all(|value| value.to_bits() == 0));
            assert!((buffer.as_ptr() as usize).is_multiple_of(LINE));
        }
        let copy = Aligned::of(&[1i8, -2, 3]).clone();
        assert_eq!(copy[..], [1, -2, 3]);
    }

    #[test]
    fn rows_that_do_not_fit_are_seen() {
        let rows = Rows::columns(2, 5);
        assert!(rows.fit(0, 9, 0) && rows.fit(1, 9, 11) && rows.fit(3, 5, 17) && rows.fit(3, 3, 15));
        assert!(!rows.fit(1, 9, 10) && !rows.fit(3, 6, 100) && !rows.fit(3, 3, 14));
        assert!(!Rows::columns(1, usize::MAX).fit(3, 1, 100));
    }
}
