//! How many threads run an operation, which never shows in its bits.

use super::NAME;
use super::device::{Kernel, Launch};
use super::pack::{Format, PANEL};
use crate::attention::Sequences;
use crate::backend::BackendError;
use crate::linear::BLOCK;
use crate::mixer::MixerShape;

/// Blocks that keep all multiprocessors of a large card busy.
pub(super) const ENOUGH_BLOCKS: usize = 264;
/// Threads of a block in most kernels.
const THREADS: usize = 256;
/// Blocks of 256 inputs, times rows, whose inputs shared memory holds at once.
const STAGED: usize = 32;
/// A block of inputs in shared memory, as in `linear.cu`.
const PADDED: usize = BLOCK + 4;
/// Outputs of a block in each direction, as in `products.cu`.
const SQUARE: usize = 64;
/// Values of a row in shared memory, as in `norm.cu`.
const NORM_TILE: usize = 4096;
/// Steps of a head in a block, as in `attention.cu`.
const TOGETHER: usize = 8;
/// Floats that every card has in a block's shared memory.
const SHARED_MOST: usize = 12 << 10;
/// Floats of shared memory besides scores, as in `mixer.cu`.
const MIXER_SHARED: usize = 6144 + 32;

/// A number as kernels take it.
///
/// # Errors
/// When it is more than they count.
pub(super) fn number(value: usize) -> Result<u32, BackendError> {
    u32::try_from(value).ok().filter(|value| *value < 1 << 31).ok_or_else(|| BackendError {
        backend: NAME,
        message: format!("{value} are more than a kernel counts"),
    })
}

/// Blocks in a launch's second direction.
///
/// # Errors
/// When it has no such many.
fn across(blocks: usize) -> Result<u32, BackendError> {
    u16::try_from(blocks).map(u32::from).map_err(|_| BackendError {
        backend: NAME,
        message: format!("{blocks} blocks side by side are more than a launch has"),
    })
}

/// Whole warps for so many items, of which a block has at most [`THREADS`].
pub(super) fn warps(items: usize) -> u32 {
    let threads = items.next_multiple_of(32);
    (if threads > THREADS { THREADS } else { threads }) as u32
}

/// A thread for each item; kernels count them in 32 bits.
pub(super) fn flat(items: usize) -> Result<Launch, BackendError> {
    let threads = warps(items);
    Ok(Launch { grid: [number(items)?.div_ceil(threads), 1], block: [threads, 1, 1], shared: 0 })
}

/// Which kernel makes a product, and how many threads.
pub(super) fn product(
    format: Format,
    inputs: usize,
    outputs: usize,
    rows: usize,
) -> Result<(Kernel, Launch), BackendError> {
    let [one, two, eight] = match format {
        Format::F32 => [Kernel::LinearF32x1, Kernel::LinearF32x2, Kernel::LinearF32x8],
        Format::Bf16 => [Kernel::LinearBf16x1, Kernel::LinearBf16x2, Kernel::LinearBf16x8],
        Format::Int8 => [Kernel::LinearInt8x1, Kernel::LinearInt8x2, Kernel::LinearInt8x8],
    };
    let (kernel, at_once) = match rows {
        1 => (one, 1),
        2 => (two, 2),
        _ => (eight, 8),
    };
    let (blocks, most) = (inputs.div_ceil(BLOCK), if at_once == 8 { STAGED / 8 } else { STAGED / 2 });
    let together = if blocks < most { blocks } else { most };
    // As many panels a block as leave enough blocks for all multiprocessors, up to four warps; `together`
    // is 16 at most, so there is room for one.
    let all = outputs.div_ceil(PANEL);
    let (wanted, room) = (all.div_ceil(ENOUGH_BLOCKS), 128 / (PANEL * together));
    let panels = if wanted < room { wanted } else { room };
    let width = panels * PANEL;
    let floats = at_once * (together * (PADDED + width) + width);
    let blocks = all.div_ceil(panels) * rows.div_ceil(at_once);
    let launch = Launch {
        grid: [number(blocks)?, 1],
        block: [PANEL as u32, together as u32, panels as u32],
        shared: (floats * size_of::<f32>()) as u32,
    };
    Ok((kernel, launch))
}

/// Blocks of 64 by 64 outputs, as in `products.cu`.
pub(super) fn squares(rows: usize, outputs: usize) -> usize {
    rows.div_ceil(SQUARE) * outputs.div_ceil(SQUARE)
}

/// How products in training are launched, so many blocks of terms side by side.
pub(super) fn products(rows: usize, outputs: usize, apart: usize) -> Result<Launch, BackendError> {
    let grid = [number(squares(rows, outputs))?, across(apart)?];
    let shared = (2 * 16 * (SQUARE + 4) * size_of::<f32>()) as u32;
    Ok(Launch { grid, block: [THREADS as u32, 1, 1], shared })
}

/// How sums of squares are launched: 32 chunks a block, as in `optimiser.cu`.
pub(super) fn square_sums(chunks: usize) -> Result<Launch, BackendError> {
    let shared = (32 * 33 * size_of::<f32>()) as u32;
    Ok(Launch { grid: [number(chunks.div_ceil(32))?, 1], block: [THREADS as u32, 1, 1], shared })
}

/// How chains over rows are launched, with so many tiles of 32 by 32 values: 32 rows a block, as in `norm.cu`.
pub(super) fn row_chains(rows: usize, tiles: usize) -> Result<Launch, BackendError> {
    let shared = ((tiles * 32 * 33 + 32) * size_of::<f32>()) as u32;
    Ok(Launch { grid: [number(rows.div_ceil(32))?, 1], block: [THREADS as u32, 1, 1], shared })
}

/// A thread for each column of each block of rows.
pub(super) fn columns(width: usize, blocks: usize) -> Result<Launch, BackendError> {
    let Launch { grid: [grid, _], block, .. } = flat(width)?;
    Ok(Launch { grid: [grid, across(blocks)?], block, shared: 0 })
}

/// How attention in training is launched: eight steps of a head a block, of each its channels in shared memory,
/// and `arrays` numbers of each key that they see, as in `attention.cu`.
///
/// # Errors
/// When windows or channels are more than shared memory holds.
pub(super) fn attention(
    shape: &MixerShape,
    sequences: Sequences,
    arrays: usize,
) -> Result<Launch, BackendError> {
    let window = shape.heads.iter().fold(0, |most, head| if head.window > most { head.window } else { most });
    let known = sequences.past + sequences.steps;
    let keys = (if window < known { window } else { known }) + TOGETHER - 1;
    let floats = TOGETHER * (arrays * (shape.head_width + keys) + 1);
    if floats > SHARED_MOST {
        let message =
            format!("a window of {window} with {} channels is more than a kernel holds", shape.head_width);
        return Err(BackendError { backend: NAME, message });
    }
    let tiles = sequences.count * sequences.steps.div_ceil(TOGETHER);
    Ok(Launch {
        grid: [number(tiles)?, across(shape.heads.len())?],
        block: [THREADS as u32, 1, 1],
        shared: (floats * size_of::<f32>()) as u32,
    })
}

/// A thread for each row's losses.
pub(super) fn losses(rows: usize) -> Result<Launch, BackendError> {
    Ok(Launch { grid: [number(rows.div_ceil(64))?, 1], block: [64, 1, 1], shared: 0 })
}

/// One block adds them, 256 rows of nine at a time, as in `losses.cu`.
pub(super) fn loss_sums() -> Launch {
    Launch { grid: [1, 1], block: [THREADS as u32, 1, 1], shared: (256 * 9 * size_of::<f32>()) as u32 }
}

/// How norms are launched.
pub(super) fn norm(rows: usize, width: usize) -> Result<Launch, BackendError> {
    let tile = if width < NORM_TILE { width } else { NORM_TILE };
    let shared = ((4 + tile) * size_of::<f32>()) as u32;
    Ok(Launch { grid: [number(rows)?, 1], block: [warps(width), 1, 1], shared })
}

/// How a mixer is launched for so many rows.
pub(super) fn mix(shape: &MixerShape, rows: usize) -> Result<Launch, BackendError> {
    let window = shape.heads.iter().fold(1, |most, head| if head.window > most { head.window } else { most });
    let items = if window > shape.head_width { window } else { shape.head_width };
    Ok(Launch {
        grid: [number(rows)?, across(shape.heads.len())?],
        block: [warps(items), 1, 1],
        shared: ((window.next_multiple_of(4) + MIXER_SHARED) * size_of::<f32>()) as u32,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2^31 threads would be few enough blocks for a launch, and too many for the kernels' numbers of items.
    #[test]
    fn more_items_than_a_kernel_counts_are_refused() {
        let most = (1 << 31) - 1;
        assert_eq!(flat(most), Ok(Launch { grid: [1 << 23, 1], block: [256, 1, 1], shared: 0 }));
        let said = flat(most + 1).unwrap_err().to_string();
        assert_eq!(said, "cuda: 2147483648 are more than a kernel counts");
    }
}
