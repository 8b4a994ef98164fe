//! The two passes, eight steps at a time.

use std::ops::Range;

use super::tile::{
    DKEYS, DVALUES, GRADIENTS, KEYS, Parts, QUERIES, TURNED_KEYS, TURNED_VALUES, Tile, VALUES, bias, dots,
    gather, mix_all,
};
use super::{Gradients, Job, Outputs, TILE};
use crate::lanes::{LANES_MAX, Lanes, exp};
use crate::tensor::Buffer;

/// # Safety
/// The machine has the instructions of `V`; the scratch memory is as long as the layout says.
#[inline(always)]
pub(super) unsafe fn forward_vector<V: Lanes>(job: &Job<'_>, outputs: &Outputs<'_>, scratch: &mut Buffer) {
    let parts = Parts { layout: job.layout, start: scratch.start_mut() };
    // SAFETY: the caller's promise; places are those of the layout.
    unsafe {
        gather(job, &parts, false);
        for first in (0..job.sequences.steps).step_by(TILE) {
            let tile = Tile::new(job, first);
            if V::COUNT == LANES_MAX {
                dots::<V, 2>(&tile, &parts, QUERIES, TURNED_KEYS, 0);
            } else {
                dots::<V, 1>(&tile, &parts, QUERIES, TURNED_KEYS, 0);
            }
            let mut statistics = [[0.0f32; 2]; TILE];
            for (step, statistics) in statistics[..tile.steps].iter_mut().enumerate() {
                bias::<V>(&tile, &parts, step);
                statistics[0] = weigh::<V>(&tile, parts.scores(0, step), step);
            }
            let totals = totals(&tile, &parts);
            for (statistics, total) in statistics.iter_mut().zip(totals) {
                statistics[1] = 1.0 / total;
            }
            // dv's place is free in the forward pass: rows of a are gathered there.
            let rows = parts.at(DVALUES);
            mix_all::<V>(&tile, &parts, 0, VALUES, |step, channel, sums| {
                for (number, sum) in sums.iter().enumerate() {
                    *rows.add((tile.first + step) * job.layout.width + channel + number) =
                        sum * statistics[step][1];
                }
            });
            for (step, statistics) in statistics[..tile.steps].iter().enumerate() {
                let row = rows.add((tile.first + step) * job.layout.width);
                outputs.store(job, first + step, std::slice::from_raw_parts(row, job.width), *statistics);
            }
        }
    }
}

/// Scores become e, 0 for keys that the step does not see; returns the largest score.
///
/// # Safety
/// As `dots`.
#[inline(always)]
unsafe fn weigh<V: Lanes>(tile: &Tile<'_>, scores: *mut f32, step: usize) -> f32 {
    let (from, own) = tile.windows[step];
    // SAFETY: scores are padded with three vectors.
    unsafe {
        for key in (0..from).chain(own + 1..tile.len()) {
            *scores.add(key) = f32::NEG_INFINITY;
        }
        V::splat(f32::NEG_INFINITY).store(scores.add(tile.len()));
        let mut largest = V::splat(f32::NEG_INFINITY);
        for at in (0..tile.len()).step_by(V::COUNT) {
            largest = largest.larger(V::load(scores.add(at)));
        }
        let mut each = [f32::NEG_INFINITY; LANES_MAX];
        largest.store(each.as_mut_ptr());
        let mut most = f32::NEG_INFINITY;
        for score in each {
            if score > most {
                most = score;
            }
        }
        let largest = V::splat(most);
        for at in (0..tile.len()).step_by(V::COUNT) {
            exp(V::load(scores.add(at)).sub(largest)).store(scores.add(at));
        }
        most
    }
}

/// Z of each step: the chains of all steps side by side. Adding the 0 of a key that is not seen changes
/// nothing, since no e is below 0.
///
/// # Safety
/// As `dots`.
#[inline(always)]
unsafe fn totals(tile: &Tile<'_>, parts: &Parts) -> [f32; TILE] {
    let mut totals = [0.0f32; TILE];
    // SAFETY: the caller's promise.
    unsafe {
        let (e, stride) = (parts.scores(0, 0).cast_const(), parts.layout.scores);
        for key in 0..tile.len() {
            for (step, total) in totals.iter_mut().enumerate() {
                *total += *e.add(step * stride + key);
            }
        }
    }
    totals
}

/// D of each step: Σ p·dp over the keys that it sees.
///
/// # Safety
/// As `dots`.
#[inline(always)]
unsafe fn projections(tile: &Tile<'_>, parts: &Parts) -> [f32; TILE] {
    let mut sums = [0.0f32; TILE];
    // SAFETY: the caller's promise.
    unsafe {
        let (p, dp) = (parts.scores(0, 0).cast_const(), parts.scores(1, 0).cast_const());
        let stride = parts.layout.scores;
        let [before, behind] = tile.edges();
        let edge = |keys: Range<usize>, sums: &mut [f32; TILE]| {
            for key in keys {
                for (step, sum) in sums.iter_mut().enumerate() {
                    if tile.sees(step, key) {
                        *sum = (*p.add(step * stride + key)).mul_add(*dp.add(step * stride + key), *sum);
                    }
                }
            }
        };
        edge(before, &mut sums);
        for key in tile.common.clone() {
            for (step, sum) in sums.iter_mut().enumerate() {
                *sum = (*p.add(step * stride + key)).mul_add(*dp.add(step * stride + key), *sum);
            }
        }
        edge(behind, &mut sums);
    }
    sums
}

/// For each key, its row of `to` grows by weight·row of the steps that see it, oldest first.
///
/// # Safety
/// As `dots`.
#[inline(always)]
unsafe fn spread<V: Lanes, const VECTORS: usize>(
    tile: &Tile<'_>,
    parts: &Parts,
    weights: usize,
    rows: usize,
    to: usize,
    channel: usize,
) {
    // SAFETY: the caller's promise; rows are padded to whole vectors of 16.
    unsafe {
        let mut steps = [[V::splat(0.0); VECTORS]; TILE];
        for (step, vectors) in steps.iter_mut().enumerate() {
            for (vector, values) in vectors.iter_mut().enumerate() {
                *values = V::load(parts.row(rows, tile.first + step).add(channel + vector * V::COUNT));
            }
        }
        let weights = parts.scores(weights, 0).cast_const();
        let stride = parts.layout.scores;
        let place = |key: usize| parts.row(to, tile.keys.start + key).add(channel);
        let all = tile.steps == TILE;
        for key in 0..tile.len() {
            let place = place(key);
            let mut sums = [V::splat(0.0); VECTORS];
            for (vector, sum) in sums.iter_mut().enumerate() {
                *sum = V::load(place.add(vector * V::COUNT));
            }
            if all && tile.common.contains(&key) {
                for (step, rows) in steps.iter().enumerate() {
                    let weight = V::splat(*weights.add(step * stride + key));
                    for (sum, row) in sums.iter_mut().zip(rows) {
                        *sum = weight.fma(*row, *sum);
                    }
                }
            } else {
                for (step, rows) in steps.iter().enumerate() {
                    if tile.sees(step, key) {
                        let weight = V::splat(*weights.add(step * stride + key));
                        for (sum, row) in sums.iter_mut().zip(rows) {
                            *sum = weight.fma(*row, *sum);
                        }
                    }
                }
            }
            for (vector, sum) in sums.iter().enumerate() {
                sum.store(place.add(vector * V::COUNT));
            }
        }
    }
}

/// # Safety
/// The machine has the instructions of `V`; the scratch memory is as long as the layout says.
#[inline(always)]
pub(super) unsafe fn backward_vector<V: Lanes>(
    job: &Job<'_>,
    gradients: &Gradients<'_>,
    scratch: &mut Buffer,
) {
    let parts = Parts { layout: job.layout, start: scratch.start_mut() };
    let layout = job.layout;
    // SAFETY: the caller's promise; places are those of the layout, and the job is this part's.
    unsafe {
        gather(job, &parts, true);
        for step in 0..job.sequences.steps {
            let (gradient, to) = (gradients.gradient(job, step), parts.row(GRADIENTS, step));
            gradient.as_ptr().copy_to_nonoverlapping(to, job.width);
            to.add(job.width).write_bytes(0, layout.width - job.width);
        }
        parts.at(DKEYS).write_bytes(0, layout.keys * layout.width);
        parts.at(DVALUES).write_bytes(0, layout.keys * layout.width);
        for first in (0..job.sequences.steps).step_by(TILE) {
            let tile = Tile::new(job, first);
            if V::COUNT == LANES_MAX {
                dots::<V, 2>(&tile, &parts, QUERIES, TURNED_KEYS, 0);
                dots::<V, 2>(&tile, &parts, GRADIENTS, TURNED_VALUES, 1);
            } else {
                dots::<V, 1>(&tile, &parts, QUERIES, TURNED_KEYS, 0);
                dots::<V, 1>(&tile, &parts, GRADIENTS, TURNED_VALUES, 1);
            }
            for step in 0..tile.steps {
                bias::<V>(&tile, &parts, step);
                let (largest, share) = gradients.statistics(job, first + step);
                let (largest, share) = (V::splat(largest), V::splat(share));
                let scores = parts.scores(0, step);
                for at in (0..tile.len()).step_by(V::COUNT) {
                    exp(V::load(scores.add(at)).sub(largest)).mul(share).store(scores.add(at));
                }
            }
            let sums = projections(&tile, &parts);
            for (step, sum) in sums[..tile.steps].iter().enumerate() {
                let (p, dp, sum) = (parts.scores(0, step), parts.scores(1, step), V::splat(*sum));
                for at in (0..tile.len()).step_by(V::COUNT) {
                    V::load(p.add(at)).mul(V::load(dp.add(at)).sub(sum)).store(dp.add(at));
                }
            }
            mix_all::<V>(&tile, &parts, 1, KEYS, |step, channel, sums| {
                let dq = gradients.to(job, tile.first + step, 0);
                for (dq, sum) in dq[channel..].iter_mut().zip(sums) {
                    *dq = sum * job.scale;
                }
            });
            for (weights, rows, to) in [(1, QUERIES, DKEYS), (0, GRADIENTS, DVALUES)] {
                let mut channel = 0;
                while channel < job.width {
                    if V::COUNT == LANES_MAX && job.width - channel > LANES_MAX {
                        spread::<V, 2>(&tile, &parts, weights, rows, to, channel);
                        channel += 2 * V::COUNT;
                    } else {
                        spread::<V, 1>(&tile, &parts, weights, rows, to, channel);
                        channel += V::COUNT;
                    }
                }
            }
        }
        for step in 0..job.sequences.steps {
            let (dk, dv) = (parts.row(DKEYS, job.seen() + step), parts.row(DVALUES, job.seen() + step));
            for (channel, to) in gradients.to(job, step, 1).iter_mut().enumerate() {
                *to = *dk.add(channel) * job.scale;
            }
            dv.copy_to_nonoverlapping(gradients.to(job, step, 2).as_mut_ptr(), job.width);
        }
    }
}
