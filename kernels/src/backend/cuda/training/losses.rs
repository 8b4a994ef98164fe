//! The losses: targets go to the device, sums come back.

use super::super::device::{Device, Kernel};
use super::super::{Cuda, Values, bytes, launch};
use super::{TrainingScratch, word};
use crate::backend::BackendError;
use crate::heads::HeadShape;
use crate::losses::{Coefficients, Common, Losses, RowTerms, Scales, Targets};

/// Terms of a row.
pub(super) const TERMS: usize = RowTerms::COUNT;
/// Numbers before the rows, and of a row before those of members and horizons, as in `losses.cu`.
const SCALES: usize = 12;
const OWN_TARGETS: usize = 8;

/// How many numbers go to the device.
pub(super) fn given_len(shape: HeadShape, rows: usize) -> usize {
    SCALES + rows * (OWN_TARGETS + shape.members + shape.horizons)
}

/// Scales, then a row of targets for each row.
fn pack(
    to: &mut Vec<f32>,
    all: &Common<'_>,
    (shape, rows): (HeadShape, usize),
    coefficients: &Coefficients,
    targets: &Targets<'_>,
) {
    let Scales { quantile, volatility, scale, impact, policy, value, entropy } = all.scales;
    let flag = |flag: bool| f32::from_bits(u32::from(flag));
    to.clear();
    to.extend([quantile, volatility, scale, impact, policy, value, entropy, coefficients.kappa]);
    to.extend([coefficients.ratio_clip, coefficients.value_clip.unwrap_or(0.0)]);
    to.extend([flag(targets.policy.is_some()), flag(coefficients.value_clip.is_some())]);
    for row in 0..rows {
        to.extend([targets.weight[row], targets.edge[row], targets.slippage[row]]);
        let own = targets.policy.map_or([0.0; 5], |policy| {
            let legal = policy.legal[row].iter().enumerate();
            let legal = legal.fold(0, |bits, (at, legal)| bits | u32::from(*legal) << (8 + at));
            [
                f32::from_bits(u32::from(policy.action[row]) | legal),
                policy.log_probability[row],
                all.advantage(targets, row),
                policy.value[row],
                policy.target[row],
            ]
        });
        to.extend(own);
        to.extend_from_slice(&targets.bootstrap[row * shape.members..][..shape.members]);
        to.extend_from_slice(&targets.returns[row * shape.horizons..][..shape.horizons]);
    }
}

/// All losses, and their gradient at the outputs.
pub(super) fn losses<D: Device>(
    cuda: &Cuda<D>,
    scratch: &mut TrainingScratch<D>,
    (shape, rows): (HeadShape, usize),
    (coefficients, targets): (&Coefficients, &Targets<'_>),
    outputs: &Values<D>,
    gradient: &mut Values<D>,
) -> Result<Losses, BackendError> {
    let all = Common::new(shape, coefficients, targets);
    let (given, there) = &mut scratch.targets;
    pack(given, &all, (shape, rows), coefficients, targets);
    let len = rows * shape.width();
    let (given_to, terms) = (there.from(0, given.len()), scratch.terms.from(0, rows * TERMS));
    let (sums, count) = (D::address(&scratch.term_sums), word(rows)?);
    let arguments = [
        given_to,
        outputs.from(0, len),
        gradient.from(0, len),
        terms,
        word(shape.members)?,
        word(shape.horizons)?,
        count,
    ];
    let mut found = [0; TERMS * size_of::<f64>()];
    // SAFETY: all were just seen to fit.
    unsafe {
        cuda.device.upload(given_to, bytes(given))?;
        cuda.device.launch(Kernel::Losses, launch::losses(rows)?, &arguments)?;
        cuda.device.launch(Kernel::LossSums, launch::loss_sums(), &[terms, sums, count])?;
        cuda.device.download(sums, &mut found)?;
    }
    let mut sums = [0.0; TERMS];
    for (sum, bytes) in sums.iter_mut().zip(found.as_chunks().0) {
        *sum = f64::from_le_bytes(*bytes);
    }
    Ok(all.losses(sums))
}
