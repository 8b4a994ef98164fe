//! A model's weights in one buffer, in the order of [`Spec::tensors`].

use crate::linear::products::Shape;
use crate::mixer::TAPS;
use crate::model::{LEVEL_INPUTS, LEVEL_WIDTH, STAMPS, Spec, TensorSpec};
use crate::tensor::Buffer;

/// Where a matrix and its bias lie, one after the other.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Place {
    pub(super) at: usize,
    pub(super) shape: Shape,
}

impl Place {
    /// The matrix and its bias.
    pub(super) fn of(self, values: &Buffer) -> (Shape, &[f32], &[f32]) {
        let (matrix, bias) =
            values[self.at..][..self.shape.len()].split_at(self.shape.inputs * self.shape.outputs);
        (self.shape, matrix, bias)
    }
}

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
            assert_eq!(matrix + inputs * outputs, bias, "the bias of `{name}` follows its matrix");
            Place { at: matrix, shape: Shape { inputs, outputs } }
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
        assert_eq!(at("fourier.freq") + fourier.inputs * fourier.outputs, at("fourier.phase"));
        let layers = layers.collect();
        Self {
            len,
            level: matrix("micro.level", LEVEL_INPUTS, LEVEL_WIDTH),
            micro: matrix("micro.mix", spec.micro_inputs(), spec.micro),
            fourier: Place { at: at("fourier.freq"), shape: fourier },
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

    /// The matrix and bias of a member.
    pub(super) fn member_of<'a>(&self, values: &'a Buffer, member: usize) -> (Shape, &'a [f32], &'a [f32]) {
        let (matrix, bias) = self.member_at(member);
        let Shape { inputs, outputs } = self.member;
        (self.member, &values[matrix..][..inputs * outputs], &values[bias..][..outputs])
    }

    /// Where the matrix and the bias of a member lie.
    pub(super) fn member_at(&self, member: usize) -> (usize, usize) {
        let Shape { inputs, outputs } = self.member;
        (self.ensemble_out.0 + member * inputs * outputs, self.ensemble_out.1 + member * outputs)
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
