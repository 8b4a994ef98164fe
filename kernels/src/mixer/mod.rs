//! Windowed attention, causal convolution and their gated fusion, in one pass: **Exact**.
//!
//! Of step t, a head with window W, slope m and dilation δ, of `width` channels:
//! - **attention** sees the keys j with 0 ≤ t - j < W. s_j = dot·width^-½ - m·(t - j), where dot is a chain
//!   of fma over channels ascending from 0, then multiply, then subtract. e_j = exp(s_j - largest s). Σ e_j
//!   is added and Σ e_j·v_j chained by fma, both oldest key first; a = that · (1 / Σ e_j). No rescaling on
//!   the way.
//! - **convolution** c = silu(b + w₀·u(t - 3δ) + … + w₃·u(t)), the bias first, then a chain of fma, oldest
//!   tap first; steps before the first add nothing.
//! - **fusion** y = fma(σ(γ), a - c, c).
//!
//! Heads may run on different threads: each owns its channels. A stream's rings hold, for each layer and
//! head, keys `[width][W]` (slot t mod W), values `[W][width]`, and the last 3δ + 1 rows of u.

mod plain;
#[cfg(target_arch = "x86_64")]
mod vector;

use crate::backend::Cpu;
use crate::lanes::{LANES_MAX, at_level};
use crate::tensor::{Buffer, Rows};
use plain::plain;
#[cfg(target_arch = "x86_64")]
use vector::vector;

/// Taps of the convolution.
pub const TAPS: usize = 4;
/// The longest window.
pub const WINDOW_MAX: usize = 1024;

/// One head.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Head {
    /// How many steps it sees, its own included; 1 to [`WINDOW_MAX`].
    pub window: usize,
    /// What a step of distance takes off the score: a power of two, so that the product is exact.
    pub slope: f32,
    /// Steps between the taps of the convolution over its channels.
    pub dilation: usize,
}

/// The heads of a model, the same in every layer.
#[derive(Clone, PartialEq, Debug)]
pub struct MixerShape {
    /// Channels of a head.
    pub head_width: usize,
    /// Head h has the channels from h · `head_width` on.
    pub heads: Vec<Head>,
}

impl MixerShape {
    /// Channels in all.
    pub fn width(&self) -> usize {
        self.head_width * self.heads.len()
    }

    /// Floats of one stream's rings in one layer.
    pub fn state_len(&self) -> usize {
        self.heads.iter().map(|head| self.rings(*head).end).sum()
    }

    /// The furthest step back that an output depends on.
    pub fn reach(&self) -> usize {
        let reaches = self.heads.iter().map(|head| {
            let (window, taps) = (head.window - 1, (TAPS - 1) * head.dilation);
            if window > taps { window } else { taps }
        });
        reaches.fold(0, |most, reach| if reach > most { reach } else { most })
    }

    /// Of each head, where its rings begin within a layer's state.
    ///
    /// # Panics
    /// When the shape cannot be, or the weights are not of it.
    pub(crate) fn offsets(&self, weights: MixerWeights<'_>) -> Vec<usize> {
        let width = self.width();
        assert!(width > 0, "a mixer without channels");
        assert!(
            weights.taps.len() == TAPS * width && weights.bias.len() == width,
            "taps of {width} channels"
        );
        let mut offset = 0;
        let offsets = self.heads.iter().map(|head| {
            assert!((1..=WINDOW_MAX).contains(&head.window), "a window of {}", head.window);
            assert!(head.dilation > 0, "a dilation of 0");
            let here = offset;
            offset += self.rings(*head).end;
            here
        });
        offsets.collect()
    }

    /// Panics when the rows of a step do not fit the state, or those of `projected`, `u` and `y`.
    pub(crate) fn check_rows(&self, rows: &[StreamRow], state: usize, [projected, u, y]: [usize; 3]) {
        let (width, layer) = (self.width(), self.state_len());
        let dense = |width: usize, len: usize| Rows::dense(width).fit(rows.len(), width, len);
        assert!(dense(4 * width, projected) && dense(width, u) && dense(width, y));
        for row in rows {
            assert!(row.state.checked_add(layer).is_some_and(|end| end <= state), "a stream's state");
        }
        assert!(are_apart(rows, layer), "one stream twice");
    }

    /// width^-½ of a head.
    pub(crate) fn scale(&self) -> f32 {
        1.0 / (self.head_width as f32).sqrt()
    }

    pub(crate) fn rings(&self, head: Head) -> Rings {
        // A vector of keys may begin at any slot: room for its end behind the last channel too.
        let key_stride = head.window.next_multiple_of(LANES_MAX);
        let values = key_stride * self.head_width + LANES_MAX;
        let history = values + head.window * self.head_width;
        let history_rows = (TAPS - 1) * head.dilation + 1;
        let end = (history + history_rows * self.head_width).next_multiple_of(LANES_MAX) + LANES_MAX;
        Rings { key_stride, values, history, history_rows, end }
    }
}

/// Whether the rows' states lie at least so far apart from each other. Streams mostly come in their order; where they
/// do not, a copy is sorted.
fn are_apart(rows: &[StreamRow], least: usize) -> bool {
    let far = |[one, next]: [usize; 2]| next.checked_sub(one).is_some_and(|gap| gap >= least);
    if rows.windows(2).all(|pair| far([pair[0].state, pair[1].state])) {
        return true;
    }
    let mut states: Vec<usize> = rows.iter().map(|row| row.state).collect();
    states.sort_unstable();
    states.windows(2).all(|pair| far([pair[0], pair[1]]))
}

/// Where a head's rings lie within its part of the state.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rings {
    pub(crate) key_stride: usize,
    pub(crate) values: usize,
    pub(crate) history: usize,
    pub(crate) history_rows: usize,
    pub(crate) end: usize,
}

/// The convolution's weights.
#[derive(Clone, Copy, Debug)]
pub struct MixerWeights<'a> {
    /// `[TAPS][width]`, the oldest tap first.
    pub taps: &'a [f32],
    /// `[width]`.
    pub bias: &'a [f32],
}

/// One stream at one step.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct StreamRow {
    /// Where its rings of this layer begin in the state.
    pub state: usize,
    /// How many steps it has seen before this one.
    pub step: u64,
}

/// A mixer ready for the CPU.
#[derive(Clone, Debug)]
pub struct PackedMixer {
    shape: MixerShape,
    /// Of each head, where its rings begin within a layer's state.
    offsets: Vec<usize>,
    /// width^-½.
    scale: f32,
    taps: Buffer,
    bias: Buffer,
}

impl PackedMixer {
    /// Packs a mixer.
    ///
    /// # Panics
    /// When the shape cannot be, or the weights are not of it.
    pub fn new(shape: &MixerShape, weights: MixerWeights<'_>) -> Self {
        Self {
            shape: shape.clone(),
            offsets: shape.offsets(weights),
            scale: shape.scale(),
            taps: Buffer::of(weights.taps),
            bias: Buffer::of(weights.bias),
        }
    }
}

/// The keys that a step sees, in the order of memory: scores do not depend on their order, and memory is
/// fastest read in its own.
#[derive(Clone, Copy)]
struct Keys {
    /// Channel c of key i is at `start + c·stride + i`.
    start: *const f32,
    stride: usize,
    len: usize,
}

/// Successive steps; the first is the oldest.
#[derive(Clone, Copy)]
struct Segment {
    /// Which of the keys is the first.
    first: usize,
    /// Channel c of value i is at `values + i·value_stride + c`.
    values: *const f32,
    value_stride: usize,
    len: usize,
}

/// One head at one step: everything that its output depends on.
struct Glance<'a> {
    width: usize,
    /// width^-½.
    scale: f32,
    slope: f32,
    keys: Keys,
    /// Older steps, then newer ones; the last is this step's own.
    segments: [Segment; 2],
    query: *const f32,
    gate: *const f32,
    /// The row of u under each tap, if there is one.
    history: [Option<*const f32>; TAPS],
    /// `[TAPS]` rows, `tap_stride` apart, of this head's channels.
    taps: *const f32,
    tap_stride: usize,
    bias: &'a [f32],
    y: *mut f32,
    /// From this head's rings to those of the head that comes next, in bytes: they are asked for meanwhile.
    ahead: isize,
}

at_level! {
    /// One head's output at one step.
    fn look(glance: &Glance<'_>) = plain, vector
}

/// What the parts of a job share: pointers, since heads write their own channels of the same rows.
struct Shared<'a> {
    mixer: &'a PackedMixer,
    state: *mut f32,
    projected: *const f32,
    u: *const f32,
    y: *mut f32,
}

// SAFETY: a part touches only the channels and rings of its own heads.
unsafe impl Sync for Shared<'_> {}

/// Multiplications of one step, for the decision whether threads pay.
fn work(shape: &MixerShape) -> usize {
    shape.heads.iter().map(|head| head.window * shape.head_width * 2).sum()
}

/// One step of some streams.
pub(crate) fn step(
    cpu: &Cpu,
    mixer: &PackedMixer,
    state: &mut Buffer,
    rows: &[StreamRow],
    projected: &Buffer,
    u: &Buffer,
    y: &mut Buffer,
) {
    mixer.shape.check_rows(rows, state.len(), [projected.len(), u.len(), y.len()]);
    let shared = Shared {
        mixer,
        state: state.start_mut(),
        projected: projected.start(),
        u: u.start(),
        y: y.start_mut(),
    };
    let heads = mixer.shape.heads.len();
    cpu.parts(rows.len() * work(&mixer.shape), |level, part, parts| {
        let shared = &shared;
        for (number, row) in rows.iter().enumerate() {
            for head in (part..heads).step_by(parts) {
                let here = row.state + mixer.offsets[head];
                let next = match (mixer.offsets.get(head + parts), rows.get(number + 1)) {
                    (Some(offset), _) => row.state + offset,
                    (None, Some(row)) => row.state + mixer.offsets[part],
                    (None, None) => here,
                };
                let ahead = (next as isize - here as isize) * size_of::<f32>() as isize;
                // SAFETY: rows and state were just seen to fit, and no other part has this head.
                unsafe { step_head(level, shared, *row, number, head, ahead) };
            }
        }
    });
}

/// # Safety
/// The machine has the level; row and head exist; nobody else touches this head.
unsafe fn step_head(
    level: crate::cpu::CpuLevel,
    shared: &Shared<'_>,
    row: StreamRow,
    number: usize,
    head: usize,
    ahead: isize,
) {
    let mixer = shared.mixer;
    let Head { window, slope, dilation } = mixer.shape.heads[head];
    let (width, all) = (mixer.shape.head_width, mixer.shape.width());
    let rings = mixer.shape.rings(mixer.shape.heads[head]);
    let from = head * width;
    let slot = (row.step % window as u64) as usize;
    let recent = (row.step % rings.history_rows as u64) as usize;
    // SAFETY: the rings lie within the state, which `step` saw to; the heads' rings do not overlap.
    unsafe {
        let part = |which: usize| shared.projected.add((number * 4 + which) * all + from);
        let keys = shared.state.add(row.state + mixer.offsets[head]);
        let (values, history) = (keys.add(rings.values), keys.add(rings.history));
        for channel in 0..width {
            *keys.add(channel * rings.key_stride + slot) = *part(1).add(channel);
        }
        part(2).copy_to_nonoverlapping(values.add(slot * width), width);
        shared.u.add(number * all + from).copy_to_nonoverlapping(history.add(recent * width), width);
        let segment = |first: usize, len: usize| Segment {
            first,
            values: values.add(first * width),
            value_stride: width,
            len,
        };
        let older = if row.step >= window as u64 { window - 1 - slot } else { 0 };
        let mut taps = [None; TAPS];
        for (tap, place) in taps.iter_mut().enumerate() {
            let back = (TAPS - 1 - tap) * dilation;
            if row.step >= back as u64 {
                let before = (recent + rings.history_rows - back) % rings.history_rows;
                *place = Some(history.add(before * width).cast_const());
            }
        }
        let glance = Glance {
            width,
            scale: mixer.scale,
            slope,
            keys: Keys { start: keys, stride: rings.key_stride, len: older + slot + 1 },
            segments: [segment(if older > 0 { slot + 1 } else { 0 }, older), segment(0, slot + 1)],
            query: part(0),
            gate: part(3),
            history: taps,
            taps: mixer.taps[from..].as_ptr(),
            tap_stride: all,
            bias: &mixer.bias[from..][..width],
            y: shared.y.add(number * all + from),
            ahead,
        };
        look(level, &glance);
    }
}

/// Whole sequences.
pub(crate) fn sequence(
    cpu: &Cpu,
    mixer: &PackedMixer,
    (sequences, steps): (usize, usize),
    projected: &Buffer,
    u: &Buffer,
    y: &mut Buffer,
) {
    let width = mixer.shape.width();
    let rows = sequences * steps;
    let dense = |width: usize, len: usize| Rows::dense(width).fit(rows, width, len);
    assert!(dense(4 * width, projected.len()) && dense(width, u.len()) && dense(width, y.len()));
    let shared = Shared {
        mixer,
        state: std::ptr::null_mut(),
        projected: projected.start(),
        u: u.start(),
        y: y.start_mut(),
    };
    let heads = mixer.shape.heads.len();
    cpu.parts(rows * work(&mixer.shape), |level, part, parts| {
        let shared = &shared;
        let mut keys = Buffer::zeros((steps + LANES_MAX) * mixer.shape.head_width);
        for sequence in 0..sequences {
            for head in (part..heads).step_by(parts) {
                // SAFETY: the rows were just seen to fit, and no other part has this head.
                unsafe { sequence_head(level, shared, &mut keys, sequence * steps, steps, head) };
            }
        }
    });
}

/// # Safety
/// The machine has the level; rows and head exist; nobody else touches this head.
unsafe fn sequence_head(
    level: crate::cpu::CpuLevel,
    shared: &Shared<'_>,
    keys: &mut Buffer,
    first: usize,
    steps: usize,
    head: usize,
) {
    let mixer = shared.mixer;
    let Head { window, slope, dilation } = mixer.shape.heads[head];
    let (width, all) = (mixer.shape.head_width, mixer.shape.width());
    let (from, key_stride) = (head * width, steps + LANES_MAX);
    // SAFETY: the rows lie within their buffers, which `sequence` saw to; these channels of y are this
    // head's.
    unsafe {
        let part =
            |step: usize, which: usize| shared.projected.add(((first + step) * 4 + which) * all + from);
        for step in 0..steps {
            for channel in 0..width {
                *keys.start_mut().add(channel * key_stride + step) = *part(step, 1).add(channel);
            }
        }
        for step in 0..steps {
            let oldest = if step >= window { step + 1 - window } else { 0 };
            let mut taps = [None; TAPS];
            for (tap, place) in taps.iter_mut().enumerate() {
                let before = step.checked_sub((TAPS - 1 - tap) * dilation);
                *place = before.map(|before| shared.u.add((first + before) * all + from));
            }
            let len = step + 1 - oldest;
            let segment = Segment { first: 0, values: part(oldest, 2), value_stride: 4 * all, len };
            let glance = Glance {
                width,
                scale: mixer.scale,
                slope,
                keys: Keys { start: keys.start().add(oldest), stride: key_stride, len },
                segments: [Segment { len: 0, ..segment }, segment],
                query: part(step, 0),
                gate: part(step, 3),
                history: taps,
                taps: mixer.taps[from..].as_ptr(),
                tap_stride: all,
                bias: &mixer.bias[from..][..width],
                y: shared.y.add((first + step) * all + from),
                ahead: 0,
            };
            look(level, &glance);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// As comparing each with each says, whatever the order; where only neighbours touch, it is told too.
        #[test]
        fn states_are_apart_if_each_is_from_each(
            states in proptest::collection::vec(0_usize..60, 0..8),
            least in 1_usize..9,
        ) {
            let rows: Vec<StreamRow> = states.iter().map(|&state| StreamRow { state, step: 0 }).collect();
            let each = |(place, one): (usize, &usize)| {
                states[..place].iter().all(|other| other.abs_diff(*one) >= least)
            };
            prop_assert_eq!(are_apart(&rows, least), states.iter().enumerate().all(each));
        }
    }
}
