//! One column of a block: numbers in, few bytes out, the same numbers back whatever they are.
//!
//! ```text
//! column   mode u8 · [first varint] · [base varint] · [scale varint] · [frames]
//! mode     1 differences of neighbours, `first` is the first number
//!          2 folded: the sign goes to the lowest bit    4 `base` was subtracted
//!          8 divided by `scale`                        16 not all zero: frames follow
//! frame    up to 256 numbers: width u8 · patches u8 · [width of the patches u8] · numbers, packed ·
//!          [places of the patches u8 each · their high bits, packed]
//! varint   seven bits a byte, lowest first; signed ones folded
//! ```
//!
//! A frame's width suits most of its numbers; the few wider ones are patched. All arithmetic wraps, so that
//! every 64-bit number survives, however wild its neighbours.

use crate::bits::{pack, packed_length, unpack, width_of};
use crate::lanes::{self, Divisor, Range, fold};

/// Numbers in a frame.
const FRAME: usize = 256;

const DELTA: u8 = 1;
const FOLDED: u8 = 2;
const BASED: u8 = 4;
const SCALED: u8 = 8;
const FRAMES: u8 = 16;

/// Why bytes are no column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CodecError {
    /// They end too early.
    #[error("the bytes end too early")]
    Short,
    /// Bytes are left over.
    #[error("{0} bytes are left over")]
    Long(usize),
    /// A value that the format does not have.
    #[error("{what} is {value}, which the format does not have")]
    Invalid {
        /// Of what.
        what: &'static str,
        /// The value.
        value: u64,
    },
    /// The rkyv section does not validate.
    #[error("the section of rare facts does not validate")]
    Rows,
    /// The bytes are not those that were written.
    #[error("the bytes do not have the hash in the block's header")]
    Hash,
    /// The header tells other sequences, times or kinds than the events have.
    #[error("the block's header tells other sequences, times or kinds than its events have")]
    Header,
}

/// Bytes taken from the front, never past the end.
#[derive(Clone, Copy)]
pub struct Input<'a> {
    bytes: &'a [u8],
}

impl<'a> Input<'a> {
    /// All of `bytes`.
    pub fn new(bytes: &'a [u8]) -> Input<'a> {
        Input { bytes }
    }

    /// The next `length` bytes.
    #[inline]
    pub fn take(&mut self, length: usize) -> Result<&'a [u8], CodecError> {
        let (now, later) = self.bytes.split_at_checked(length).ok_or(CodecError::Short)?;
        self.bytes = later;
        Ok(now)
    }

    /// The next byte.
    #[inline]
    pub fn byte(&mut self) -> Result<u8, CodecError> {
        Ok(self.take(1)?[0])
    }

    /// The next varint.
    pub fn varint(&mut self) -> Result<u64, CodecError> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                return Err(CodecError::Invalid { what: "the last byte of a varint", value: bits });
            }
            value |= bits << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(CodecError::Invalid { what: "the length of a varint", value: 11 })
    }

    /// What is left.
    pub fn rest(self) -> &'a [u8] {
        self.bytes
    }
}

/// Appends a varint.
pub fn put_varint(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

#[inline]
fn unfold(value: u64) -> i64 {
    (value >> 1) as i64 ^ -((value & 1) as i64)
}

/// Packs columns; keeps its buffers, so that it allocates only until they have grown.
#[derive(Default)]
pub struct Packer {
    steps: Vec<i64>,
    residuals: Vec<u64>,
    patches: Vec<u64>,
}

/// Numbers that [`Packer::either`] looks at.
const SAMPLE: usize = 512;

impl Packer {
    /// A column of numbers near their neighbours: times, prices, sequences.
    pub fn deltas(&mut self, values: &[i64], out: &mut Vec<u8>) {
        let Some(&first) = values.first() else { return };
        let mut steps = std::mem::take(&mut self.steps);
        let range = lanes::differences(values, &mut steps);
        self.finish(Some(first), &steps, range, out);
        self.steps = steps;
    }

    /// A column of numbers of one size: kinds, offsets, presence.
    pub fn plain(&mut self, values: &[i64], out: &mut Vec<u8>) {
        let Some(&first) = values.first() else { return };
        // Most such columns hold one number many times over.
        let range = match lanes::all_same(values) {
            true => Range { min: first, max: first, negative: 0 },
            false => lanes::range(values),
        };
        self.finish(None, values, range, out);
    }

    /// A column of which nothing is known, such as sizes: as differences if the first of those are smaller.
    pub fn either(&mut self, values: &[i64], out: &mut Vec<u8>) {
        let (mut plain, mut deltas, mut last) = (0, 0, 0_i64);
        for &value in values.iter().take(SAMPLE) {
            plain += width_of(value as u64);
            deltas += width_of(fold(value.wrapping_sub(last)));
            last = value;
        }
        if deltas < plain { self.deltas(values, out) } else { self.plain(values, out) }
    }

    fn finish(&mut self, first: Option<i64>, steps: &[i64], range: Range, out: &mut Vec<u8>) {
        let mode_at = out.len();
        let mut mode = 0;
        out.push(0);
        if let Some(first) = first {
            mode |= DELTA;
            put_varint(fold(first), out);
        }
        let Range { min, max, negative } = range;
        // A column that never falls is measured from its least step. One that falls now and then, as times do
        // when rows are out of order, is left as it is: the few negative numbers are wide and become patches.
        let base = if min > max || (negative > 0 && min != max) { 0 } else { min };
        if base != 0 {
            mode |= BASED;
            put_varint(fold(base), out);
        }
        if min >= max {
            // All the same, or none: the base says it.
            out[mode_at] = mode;
            return;
        }
        let folded = base == 0 && negative as usize * 48 > steps.len();
        if folded {
            mode |= FOLDED;
        }
        let divisor = self.divide(steps, base, folded);
        if divisor != 1 {
            mode |= SCALED;
            put_varint(divisor, out);
        }
        mode |= FRAMES;
        for frame in self.residuals.chunks(FRAME) {
            write_frame(frame, &mut self.patches, out);
        }
        out[mode_at] = mode;
    }

    /// Fills `self.residuals`: the steps less `base`, divided by the greatest number that divides them all, which
    /// is returned, and folded if so wanted. Not all of them are `base`.
    fn divide(&mut self, steps: &[i64], base: i64, folded: bool) -> u64 {
        // The first few tell the divisor nearly always: it is tried on all while they are divided. When a later
        // number shows it to be too large, all begin anew.
        let mut divisor = 0;
        for step in steps.iter().filter(|&&step| step != base).take(16) {
            divisor = greatest_common_divisor(divisor, step.wrapping_sub(base).unsigned_abs());
        }
        loop {
            if divisor == 1 {
                lanes::offsets(steps, base, folded, &mut self.residuals);
                return 1;
            }
            let by = Divisor::new(divisor);
            if lanes::quotients(steps, base, &by, folded, &mut self.residuals) {
                return divisor;
            }
            for step in steps {
                let step = step.wrapping_sub(base);
                if !by.divide(step).1 {
                    divisor = greatest_common_divisor(divisor, step.unsigned_abs());
                }
            }
        }
    }
}

fn write_frame(frame: &[u64], patches: &mut Vec<u64>, out: &mut Vec<u8>) {
    let widest = width_of(lanes::union(frame));
    if widest == 0 {
        out.extend_from_slice(&[0, 0]);
        return;
    }
    // Four counts side by side: neighbours often have one width, and one count would wait for itself.
    let mut counts = [[0_u16; 65]; 4];
    let (fours, rest) = frame.as_chunks::<4>();
    for values in fours {
        for (of_width, &value) in counts.iter_mut().zip(values) {
            let count = &mut of_width[width_of(value)];
            *count = count.wrapping_add(1);
        }
    }
    for &value in rest {
        counts[0][width_of(value)] += 1;
    }
    // The cheapest width in bits; a patch costs its place and its high bits.
    let (mut best, mut best_cost, mut wider) = (widest, frame.len() * widest, 0);
    for width in (0..widest).rev() {
        wider += counts.iter().map(|of_width| usize::from(of_width[width + 1])).sum::<usize>();
        let cost = frame.len() * width + wider * (8 + widest - width);
        if cost < best_cost && wider < FRAME {
            (best, best_cost) = (width, cost);
        }
    }
    out.push(best as u8);
    if best == widest {
        out.push(0);
        pack(frame, best, out);
        return;
    }
    // Every place is written and only those of patches are kept: where they are no branch could foresee.
    let (mut places, mut count) = ([0_u8; FRAME], 0_usize);
    for (place, &value) in frame.iter().enumerate() {
        places[count] = place as u8;
        count = count.wrapping_add(usize::from(value >> best != 0));
    }
    let places = &places[..count];
    out.extend_from_slice(&[count as u8, (widest - best) as u8]);
    pack(frame, best, out);
    out.extend_from_slice(places);
    patches.clear();
    patches.extend(places.iter().map(|&place| frame[usize::from(place)] >> best));
    pack(patches, widest - best, out);
}

fn greatest_common_divisor(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

/// Unpacks columns; keeps its buffers.
#[derive(Default)]
pub struct Unpacker {
    residuals: Vec<u64>,
    patches: Vec<u64>,
}

impl Unpacker {
    /// The `count` numbers of the next column, in place of what `out` held.
    pub fn column(
        &mut self,
        input: &mut Input<'_>,
        count: usize,
        out: &mut Vec<i64>,
    ) -> Result<(), CodecError> {
        out.clear();
        if count == 0 {
            return Ok(());
        }
        let mode = input.byte()?;
        if mode > (DELTA | FOLDED | BASED | SCALED | FRAMES) {
            return Err(CodecError::Invalid { what: "a column's mode", value: u64::from(mode) });
        }
        let first = if mode & DELTA != 0 { Some(unfold(input.varint()?)) } else { None };
        let base = if mode & BASED != 0 { unfold(input.varint()?) } else { 0 };
        let scale = if mode & SCALED != 0 { input.varint()? as i64 } else { 1 };
        let steps = count - usize::from(first.is_some());
        if mode & FRAMES == 0 {
            match first {
                None => out.resize(count, base),
                Some(first) => {
                    let mut value = first;
                    out.extend((0..count).map(|_| {
                        let now = value;
                        value = value.wrapping_add(base);
                        now
                    }));
                }
            }
            return Ok(());
        }
        self.residuals.clear();
        self.residuals.resize(steps, 0);
        for frame in self.residuals.chunks_mut(FRAME) {
            read_frame(input, frame, &mut self.patches)?;
        }
        out.reserve(count);
        match (first, mode & FOLDED != 0) {
            (None, false) => {
                out.extend(self.residuals.iter().map(|&r| (r as i64).wrapping_mul(scale).wrapping_add(base)))
            }
            (None, true) => {
                out.extend(self.residuals.iter().map(|&r| unfold(r).wrapping_mul(scale).wrapping_add(base)))
            }
            (Some(first), folded) => {
                let mut value = first;
                out.push(value);
                let mut next = |step: i64| {
                    value = value.wrapping_add(step.wrapping_mul(scale).wrapping_add(base));
                    value
                };
                if folded {
                    out.extend(self.residuals.iter().map(|&r| next(unfold(r))));
                } else {
                    out.extend(self.residuals.iter().map(|&r| next(r as i64)));
                }
            }
        }
        Ok(())
    }
}

fn read_frame(input: &mut Input<'_>, frame: &mut [u64], patches: &mut Vec<u64>) -> Result<(), CodecError> {
    let width = usize::from(input.byte()?);
    let count = usize::from(input.byte()?);
    let high = if count > 0 { usize::from(input.byte()?) } else { 0 };
    if width + high > 64 {
        return Err(CodecError::Invalid { what: "a column's width", value: (width + high) as u64 });
    }
    unpack(input.take(packed_length(frame.len(), width))?, width, frame);
    if count > 0 {
        let places = input.take(count)?;
        patches.clear();
        patches.resize(count, 0);
        unpack(input.take(packed_length(count, high))?, high, patches);
        for (&place, &patch) in places.iter().zip(patches.iter()) {
            let place = usize::from(place);
            let value = frame
                .get_mut(place)
                .ok_or(CodecError::Invalid { what: "a patch's place", value: place as u64 })?;
            *value |= patch.unbounded_shl(width as u32);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn number() -> impl Strategy<Value = i64> {
        prop_oneof![
            any::<i64>(),
            -1000..1000_i64,
            (-1000..1000_i64).prop_map(|n| n * 1_000_000),
            prop_oneof![Just(i64::MIN), Just(i64::MAX), Just(0), Just(-1), Just(i64::MIN + 1)],
        ]
    }

    fn numbers() -> impl Strategy<Value = Vec<i64>> {
        prop_oneof![
            proptest::collection::vec(number(), 0..600),
            proptest::collection::vec((0..500_i64).prop_map(|n| n * 200), 0..600),
            (number(), number(), 0..600_i64).prop_map(|(first, step, n)| (0..n)
                .map(|i| first.wrapping_add(step.wrapping_mul(i)))
                .collect()),
        ]
    }

    proptest! {
        #[test]
        fn every_column_comes_back(values in numbers()) {
            let (mut packer, mut unpacker) = (Packer::default(), Unpacker::default());
            let (mut bytes, mut back) = (Vec::new(), Vec::new());
            for way in 0..3 {
                bytes.clear();
                match way {
                    0 => packer.deltas(&values, &mut bytes),
                    1 => packer.plain(&values, &mut bytes),
                    _ => packer.either(&values, &mut bytes),
                }
                let mut input = Input::new(&bytes);
                unpacker.column(&mut input, values.len(), &mut back).unwrap();
                prop_assert_eq!(&back, &values);
                prop_assert!(input.rest().is_empty());
            }
        }

        #[test]
        fn any_bytes_are_numbers_or_an_error(
            bytes in proptest::collection::vec(any::<u8>(), 0..300),
            n in 0_usize..600,
        ) {
            let mut back = Vec::new();
            if Unpacker::default().column(&mut Input::new(&bytes), n, &mut back).is_ok() {
                prop_assert_eq!(back.len(), n);
            }
        }

        #[test]
        fn varints_come_back(value in any::<u64>()) {
            let mut bytes = Vec::new();
            put_varint(value, &mut bytes);
            prop_assert_eq!(Input::new(&bytes).varint(), Ok(value));
        }
    }

    #[test]
    fn a_steady_column_takes_a_handful_of_bytes() {
        let mut bytes = Vec::new();
        let steady: Vec<i64> = (1..2049).map(|n| n << 16).collect();
        Packer::default().deltas(&steady, &mut bytes);
        assert!(bytes.len() < 10, "{}", bytes.len());
    }
}
