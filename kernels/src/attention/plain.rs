//! The truth: step by step, key by key, channel by channel.

use super::{Gradients, Job, Outputs};
use crate::scalar::f32::exp;
use crate::tensor::Buffer;

/// A chain of fma over channels, ascending from 0.
#[inline(always)]
fn dot(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).fold(0.0, |sum, (a, b)| a.mul_add(*b, sum))
}

/// s of a step and a key.
fn score(job: &Job<'_>, step: usize, key: usize) -> f32 {
    let distance = (job.seen() + step - key) as f32;
    dot(job.part(step, 0), job.key(key, 0)) * job.scale - job.head.slope * distance
}

pub(super) fn forward_plain(job: &Job<'_>, outputs: &Outputs<'_>, scratch: &mut Buffer) {
    let (e, rest) = scratch.split_at_mut(job.layout.scores);
    for step in 0..job.sequences.steps {
        let (oldest, own) = job.window(step);
        let mut largest = f32::NEG_INFINITY;
        for key in oldest..=own {
            let score = score(job, step, key);
            e[key - oldest] = score;
            if score > largest {
                largest = score;
            }
        }
        let mut total = 0.0;
        for e in &mut e[..=own - oldest] {
            *e = exp(*e - largest);
            total += *e;
        }
        let share = 1.0 / total;
        let a = &mut rest[..job.width];
        for (channel, a) in a.iter_mut().enumerate() {
            let mut sum = 0.0f32;
            for key in oldest..=own {
                sum = e[key - oldest].mul_add(job.key(key, 1)[channel], sum);
            }
            *a = sum * share;
        }
        // SAFETY: the job is this part's.
        unsafe { outputs.store(job, step, a, [largest, share]) };
    }
}

pub(super) fn backward_plain(job: &Job<'_>, gradients: &Gradients<'_>, scratch: &mut Buffer) {
    let (p, rest) = scratch.split_at_mut(job.layout.scores);
    let ds = &mut rest[..job.layout.scores];
    let (steps, seen) = (job.sequences.steps, job.seen());
    for step in 0..steps {
        for which in 1..3 {
            // SAFETY: the job is this part's; so below.
            unsafe { gradients.to(job, step, which) }.fill(0.0);
        }
    }
    for step in 0..steps {
        let (oldest, own) = job.window(step);
        let (largest, share) = gradients.statistics(job, step);
        let gradient = gradients.gradient(job, step);
        let mut sum = 0.0f32;
        for key in oldest..=own {
            let at = key - oldest;
            p[at] = exp(score(job, step, key) - largest) * share;
            ds[at] = dot(gradient, job.key(key, 1));
            sum = p[at].mul_add(ds[at], sum);
        }
        for at in 0..=own - oldest {
            ds[at] = p[at] * (ds[at] - sum);
        }
        // SAFETY: as above.
        let dq = unsafe { gradients.to(job, step, 0) };
        for (channel, dq) in dq.iter_mut().enumerate() {
            let mut sum = 0.0f32;
            for key in oldest..=own {
                sum = ds[key - oldest].mul_add(job.key(key, 0)[channel], sum);
            }
            *dq = sum * job.scale;
        }
        // Each key's chains grow by this step; steps come oldest first. Keys of the past are constants.
        let query = job.part(step, 0);
        for key in if oldest > seen { oldest } else { seen }..=own {
            let (p, ds) = (p[key - oldest], ds[key - oldest]);
            // SAFETY: as above.
            let (dk, dv) = unsafe { (gradients.to(job, key - seen, 1), gradients.to(job, key - seen, 2)) };
            for channel in 0..job.width {
                dk[channel] = ds.mul_add(query[channel], dk[channel]);
                dv[channel] = p.mul_add(gradient[channel], dv[channel]);
            }
        }
    }
    for step in 0..steps {
        // SAFETY: as above.
        unsafe { gradients.to(job, step, 1) }.iter_mut().for_each(|dk| *dk *= job.scale);
    }
}
