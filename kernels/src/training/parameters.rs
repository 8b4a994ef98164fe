//! A model's weights in one buffer, in the order of [`Spec::tensors`].

use super::backend::Place;
use crate::linear::products::Shape;
use crate::mixer::TAPS;
use crate::model::{LEVEL_INPUTS, LEVEL_WIDTH, STAMPS, Spec, TensorSpec};

/// One layer of the trunk.
#[derive(Clone, Copy, Debug)]
pub(super) struct LayerPlaces {
    pub(super) mix_gain: usize,
    pub(super) qkvg: Place,
    /// Taps, then bias.
    pub(super) convolution: usize,
    pub(super) mix: Place,
    pub(super) feed_gain: usize,
    pub(super) feed_in: Place,
    pub(super) feed_out: Place,
}

/// Where everything lies.
#[derive(Clone, Debug)]
pub(super) struct Places {
    pub(super) tensors: Vec<(TensorSpec, usize)>,
    pub(super) len: usize,
    pub(super) level: Place,
    pub(super) micro: Place,
    /// Frequencies, then phases: a matrix of stamps and its bias.
    pub(super) fourier: Place,
    pub(super) embed: Place,
    pub(super) layers: Vec<LayerPlaces>,
    pub(super) last_gain: usize,
    pub(super) ensemble_in: Place,
    /// Of the members' matrices, one after the other, and of their biases, likewise.
    pub(super) ensemble_out: (usize, usize),
    /// The shape of a member's matrix.
    pub(super) member: Shape,
    pub(super) head_in: Place,
    pub(super) policy: Place,
    pub(super) value: Place,
    pub(super) risk: Place,
    pub(super) impact: Place,
}

impl Places {
    pub(super) fn new(spec: &Spec) -> Self {
        let (mut tensors, mut len) = (Vec::new(), 0);
        for tensor in spec.tensors() {
            let at = len;
            len += tensor.len();
            tensors.push((tensor, at));
        }
        let at = |name: &str| {
            let found = tensors.iter().find(|(tensor, _)| tensor.name == name);
            found.unwrap_or_else(|| panic!("no tensor `{name}`")).1
        };
        let matrix = |name: &str, inputs: usize, outputs: usize| {
            let (matrix, bias) = (at(&format!("{name}.w")), at(&format!("{name}.b")));
            Place { shape: Shape { inputs, outputs }, matrix, bias }
        };
        let (d, inner) = (spec.width, spec.head_hidden);
        let layers = (0..spec.layers).map(|layer| {
            let name = |part: &str| format!("layer.{layer}.{part}");
            assert_eq!(at(&name("conv.w")) + TAPS * d, at(&name("conv.b")), "the taps' bias follows them");
            LayerPlaces {
                mix_gain: at(&name("norm1.g")),
                qkvg: matrix(&name("qkvg"), d, 4 * d),
                convolution: at(&name("conv.w")),
                mix: matrix(&name("mix"), d, d),
                feed_gain: at(&name("norm2.g")),
                feed_in: matrix(&name("ffn_in"), d, 2 * spec.hidden),
                feed_out: matrix(&name("ffn_out"), spec.hidden, d),
            }
        });
        let fourier = Shape { inputs: STAMPS, outputs: spec.frequencies };
        let layers = layers.collect();
        Self {
            len,
            level: matrix("micro.level", LEVEL_INPUTS, LEVEL_WIDTH),
            micro: matrix("micro.mix", spec.micro_inputs(), spec.micro),
            fourier: Place { shape: fourier, matrix: at("fourier.freq"), bias: at("fourier.phase") },
            embed: matrix("embed", spec.embed_inputs(), d),
            layers,
            last_gain: at("norm_f.g"),
            ensemble_in: matrix("ens.in", d, spec.members * inner),
            ensemble_out: (at("ens.out.w"), at("ens.out.b")),
            member: Shape { inputs: inner, outputs: spec.horizons * crate::heads::QUANTILES },
            head_in: matrix("head.in", d + spec.account, 3 * inner),
            policy: matrix("policy", inner, crate::heads::ACTIONS),
            value: matrix("value", inner, 1),
            risk: matrix("risk", inner, spec.horizons + 1),
            impact: matrix("impact", d, 1),
            tensors,
        }
    }

    /// The matrix and the bias of a member.
    pub(super) fn member(&self, number: usize) -> Place {
        let (shape, (matrix, bias)) = (self.member, self.ensemble_out);
        Place {
            shape,
            matrix: matrix + number * shape.inputs * shape.outputs,
            bias: bias + number * shape.outputs,
        }
    }

    /// All matrices with the number of rows that each has, for so many steps.
    pub(super) fn products(&self, spec: &Spec, rows: usize) -> Vec<(Shape, usize)> {
        let mut all = vec![(self.level.shape, rows * spec.levels), (self.member, rows)];
        let ends = [self.micro, self.fourier, self.embed, self.ensemble_in, self.head_in];
        let heads = [self.policy, self.value, self.risk, self.impact];
        let layer = &self.layers[0];
        let layer = [layer.qkvg, layer.mix, layer.feed_in, layer.feed_out];
        all.extend(ends.into_iter().chain(heads).chain(layer).map(|place| (place.shape, rows)));
        all
    }
}
