//! Bit packing: 64 numbers of one width in exactly that many little-endian words.
//!
//! A kernel per width, made by the compiler from one loop whose shifts are constants: no branch and no bounds
//! check per value. The last numbers of a frame, fewer than 64, pass through a padded copy.

/// Numbers in one call of a kernel.
const LANE: usize = 64;

/// The bits that `value` needs.
#[inline]
pub fn width_of(value: u64) -> usize {
    (u64::BITS - value.leading_zeros()) as usize
}

/// The bytes that `count` numbers of `width` bits take.
#[inline]
pub fn packed_length(count: usize, width: usize) -> usize {
    (count * width).div_ceil(8)
}

/// Appends the low `width` bits of every value to `out`.
pub fn pack(values: &[u64], width: usize, out: &mut Vec<u8>) {
    let (lanes, rest) = values.as_chunks::<LANE>();
    for lane in lanes {
        pack_lane(lane, width, out);
    }
    if !rest.is_empty() {
        let mut lane = [0; LANE];
        lane[..rest.len()].copy_from_slice(rest);
        let end = out.len() + packed_length(rest.len(), width);
        pack_lane(&lane, width, out);
        out.truncate(end);
    }
}

/// Fills `out` with numbers of `width` bits from `bytes`, which must hold [`packed_length`] bytes. Widths
/// above 64 give zeros; callers refuse them before.
pub fn unpack(bytes: &[u8], width: usize, out: &mut [u64]) {
    let (lanes, rest) = out.as_chunks_mut::<LANE>();
    let mut bytes = bytes;
    for lane in lanes {
        let (now, later) = bytes.split_at(8 * width);
        unpack_lane(now, width, lane);
        bytes = later;
    }
    if !rest.is_empty() {
        let mut padded = [0; 8 * LANE];
        padded[..bytes.len()].copy_from_slice(bytes);
        let mut lane = [0; LANE];
        unpack_lane(&padded[..8 * width], width, &mut lane);
        rest.copy_from_slice(&lane[..rest.len()]);
    }
}

macro_rules! for_every_width {
    ($width:expr, $kernel:ident $arguments:tt, $($w:literal)*) => {
        match $width {
            $($w => $kernel::<$w> $arguments,)*
            _ => {}
        }
    };
}

fn pack_lane(values: &[u64; LANE], width: usize, out: &mut Vec<u8>) {
    for_every_width!(width, pack_width(values, out),
        1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32
        33 34 35 36 37 38 39 40 41 42 43 44 45 46 47 48 49 50 51 52 53 54 55 56 57 58 59 60 61 62 63 64);
}

fn unpack_lane(bytes: &[u8], width: usize, out: &mut [u64; LANE]) {
    out.fill(0);
    for_every_width!(width, unpack_width(bytes, out),
        1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32
        33 34 35 36 37 38 39 40 41 42 43 44 45 46 47 48 49 50 51 52 53 54 55 56 57 58 59 60 61 62 63 64);
}

const fn mask(width: usize) -> u64 {
    u64::MAX >> (64 - width)
}

/// Calls its body 64 times with a constant, so that every shift and index is known to the compiler.
macro_rules! unrolled {
    ($i:ident => $body:block) => {
        unrolled!(@ $i $body
            0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31
            32 33 34 35 36 37 38 39 40 41 42 43 44 45 46 47 48 49 50 51 52 53 54 55 56 57 58 59 60 61 62 63)
    };
    (@ $i:ident $body:block $($n:literal)*) => { $({ const $i: usize = $n; $body })* };
}

#[inline(never)]
fn pack_width<const W: usize>(values: &[u64; LANE], out: &mut Vec<u8>) {
    let mut words = [0_u64; W];
    unrolled!(I => {
        let (word, shift) = (I * W / 64, I * W % 64);
        let value = values[I] & mask(W);
        words[word] |= value << shift;
        if shift + W > 64 {
            words[word + 1] |= value >> (64 - shift);
        }
    });
    for word in words {
        out.extend_from_slice(&word.to_le_bytes());
    }
}

#[inline(never)]
fn unpack_width<const W: usize>(bytes: &[u8], out: &mut [u64; LANE]) {
    let mut words = [0_u64; W];
    for (word, bytes) in words.iter_mut().zip(bytes.as_chunks::<8>().0) {
        *word = u64::from_le_bytes(*bytes);
    }
    unrolled!(I => {
        let (word, shift) = (I * W / 64, I * W % 64);
        let mut value = words[word] >> shift;
        if shift + W > 64 {
            value |= words[word + 1] << (64 - shift);
        }
        out[I] = value & mask(W);
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_width_and_length_comes_back() {
        let mut state = 1_u64;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            state ^ state >> 29
        };
        for width in 0..=64 {
            for length in [0, 1, 7, 63, 64, 65, 130, 256] {
                let keep = if width == 0 { 0 } else { mask(width) };
                let values: Vec<u64> = (0..length).map(|_| next() & keep).collect();
                let mut bytes = Vec::new();
                pack(&values, width, &mut bytes);
                assert_eq!(bytes.len(), packed_length(length, width));
                let mut back = vec![u64::MAX; length];
                unpack(&bytes, width, &mut back);
                assert_eq!(back, values, "width {width}, length {length}");
            }
        }
    }
}
