//! The shape of a model: its widths, windows and tensors.

use serde::{Deserialize, Serialize};

use crate::heads::{ACTIONS, HeadShape, QUANTILES};
use crate::mixer::{Head, MixerShape, TAPS, WINDOW_MAX};

/// Values of a level of the book: distances and sizes of bid and ask, and their order flow.
pub const LEVEL_INPUTS: usize = 6;
/// What a level of the book becomes.
pub const LEVEL_WIDTH: usize = 8;
/// Time of day, time of week, time since the last step.
pub const STAMPS: usize = 3;
/// No width may exceed this, so that no product of two overflows.
const WIDTH_MAX: usize = 1 << 20;
/// No model has more weights.
const PARAMETERS_MAX: usize = 1 << 32;

/// Everything that a model's tensors and arithmetic depend on. The order of the fields is that of the
/// canonical JSON in a checkpoint.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spec {
    /// Features of a step.
    pub features: usize,
    /// Levels of the book.
    pub levels: usize,
    /// Values about trades since the last step.
    pub trades: usize,
    /// Learned frequencies of time.
    pub frequencies: usize,
    /// What book and trades become together.
    pub micro: usize,
    /// The width of the trunk.
    pub width: usize,
    /// Layers of the trunk.
    pub layers: usize,
    /// Heads of a layer; a multiple of four that divides the width.
    pub heads: usize,
    /// The width within a feed-forward block; a multiple of 64.
    pub hidden: usize,
    /// The width within a head of the ensemble, of policy, value and risk.
    pub head_hidden: usize,
    /// Values about the account.
    pub account: usize,
    /// Members of the ensemble.
    pub members: usize,
    /// Horizons that are forecast.
    pub horizons: usize,
    /// Steps that the first quarter of the heads, the second quarter and the second half see; powers of two.
    pub windows: [usize; 3],
    /// Steps between the convolution's taps, for each quarter of the heads.
    pub dilations: [usize; 4],
}

/// A shape that cannot be.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0}")]
pub struct SpecError(String);

/// What a tensor holds, which says how it is initialised, stored and used.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Role {
    /// `[inputs, outputs]`; may be stored with fewer bits.
    Matrix,
    /// `[inputs, outputs]`, or such matrices one after the other; always f32.
    SmallMatrix,
    /// What is added last.
    Bias,
    /// The factor of a norm.
    Gain,
    /// The convolution's weights, `[taps, width]`.
    Taps,
    /// Turns a day, a week, a unit of the gap: `[stamps, frequencies]`.
    Frequencies,
    /// Turns at time zero.
    Phases,
}

/// A tensor of a model.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TensorSpec {
    /// Its name in a checkpoint.
    pub name: String,
    /// Its shape, the last index fastest.
    pub shape: Vec<usize>,
    /// What it holds.
    pub role: Role,
}

impl TensorSpec {
    /// How many values.
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// Whether it has no values.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Spec {
    /// 0.14 million weights: for tests and first steps.
    pub fn tiny() -> Self {
        Self {
            features: 32,
            levels: 5,
            trades: 8,
            frequencies: 8,
            micro: 16,
            width: 64,
            layers: 2,
            heads: 4,
            hidden: 192,
            head_hidden: 32,
            account: 8,
            members: 4,
            horizons: 3,
            windows: [16, 64, 256],
            dilations: [1, 4, 16, 64],
        }
    }

    /// 3.7 million weights.
    pub fn base() -> Self {
        Self {
            features: 128,
            levels: 10,
            trades: 16,
            frequencies: 16,
            micro: 64,
            width: 256,
            layers: 4,
            heads: 8,
            hidden: 704,
            head_hidden: 64,
            ..Self::tiny()
        }
    }

    /// 63 million weights.
    pub fn full() -> Self {
        Self {
            features: 512,
            levels: 10,
            trades: 16,
            frequencies: 32,
            micro: 128,
            width: 768,
            layers: 8,
            heads: 32,
            hidden: 2048,
            head_hidden: 192,
            ..Self::tiny()
        }
    }

    /// `tiny`, `base` or `full`.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "tiny" => Some(Self::tiny()),
            "base" => Some(Self::base()),
            "full" => Some(Self::full()),
            _ => None,
        }
    }

    /// The name of a size that is this one, else `custom`.
    pub fn name(&self) -> &'static str {
        let names = ["tiny", "base", "full"];
        names.into_iter().find(|name| Self::named(name).as_ref() == Some(self)).unwrap_or("custom")
    }

    /// Whether a model can have this shape.
    ///
    /// # Errors
    /// The first value that cannot be, and what would be right.
    pub fn check(&self) -> Result<(), SpecError> {
        let wrong = |message: String| Err(SpecError(message));
        let widths = [
            ("features", self.features),
            ("levels", self.levels),
            ("trades", self.trades),
            ("frequencies", self.frequencies),
            ("micro", self.micro),
            ("width", self.width),
            ("layers", self.layers),
            ("heads", self.heads),
            ("hidden", self.hidden),
            ("head_hidden", self.head_hidden),
            ("account", self.account),
            ("members", self.members),
            ("horizons", self.horizons),
        ];
        for (name, value) in widths {
            if !(1..=WIDTH_MAX).contains(&value) {
                return wrong(format!("{name} is {value}; 1 to {WIDTH_MAX} can be"));
            }
        }
        if !self.heads.is_multiple_of(4) || !self.width.is_multiple_of(self.heads) {
            let message = "the heads must be a multiple of 4 and divide the width";
            return wrong(format!("{} heads in a width of {}: {message}", self.heads, self.width));
        }
        if !self.hidden.is_multiple_of(64) {
            return wrong(format!("hidden is {}; a multiple of 64 can be", self.hidden));
        }
        for window in self.windows {
            if !window.is_power_of_two() || window > WINDOW_MAX {
                return wrong(format!("a window of {window}; powers of two up to {WINDOW_MAX} can be"));
            }
        }
        for dilation in self.dilations {
            if !(1..=WINDOW_MAX).contains(&dilation) {
                return wrong(format!("a dilation of {dilation}; 1 to {WINDOW_MAX} can be"));
            }
        }
        match self.parameters() {
            Some(parameters) if parameters <= PARAMETERS_MAX => Ok(()),
            _ => wrong(format!("more than {PARAMETERS_MAX} weights")),
        }
    }

    /// Channels of a head.
    pub fn head_width(&self) -> usize {
        self.width / self.heads
    }

    /// The heads of every layer.
    pub fn mixer(&self) -> MixerShape {
        let quarter = self.heads / 4;
        let groups = [(quarter, self.windows[0]), (quarter, self.windows[1]), (2 * quarter, self.windows[2])];
        let mut heads = Vec::with_capacity(self.heads);
        for (count, window) in groups {
            for number in 0..count {
                // Slopes from 8/W to 1/W by octaves, evenly over the group; 2/W for one alone.
                let octave = (4 * number + 2) / count;
                let slope = 8.0 / window as f32 / (1u32 << octave) as f32;
                heads.push(Head { window, slope, dilation: self.dilations[heads.len() / quarter] });
            }
        }
        MixerShape { head_width: self.head_width(), heads }
    }

    /// Members and horizons.
    pub fn head_shape(&self) -> HeadShape {
        HeadShape { members: self.members, horizons: self.horizons }
    }

    /// What book and trades are before they are mixed.
    pub fn micro_inputs(&self) -> usize {
        self.levels * LEVEL_WIDTH + self.trades
    }

    /// What the trunk's first matrix sees: features, book and trades, times.
    pub fn embed_inputs(&self) -> usize {
        self.features + self.micro + 2 * self.frequencies
    }

    /// Steps after which nothing before them matters any more: a model restarted so far back has the same
    /// bits.
    pub fn burn_in(&self) -> usize {
        self.layers * self.mixer().reach()
    }

    /// How many weights; `None` beyond what can be counted.
    pub fn parameters(&self) -> Option<usize> {
        let mut all = 0usize;
        // Layers are alike, so that a shape with a million of them is counted without being listed.
        let one = Self { layers: 1, ..self.clone() };
        for tensor in one.tensors() {
            let len = tensor.shape.iter().try_fold(1usize, |len, n| len.checked_mul(*n))?;
            let times = if tensor.name.starts_with("layer.") { self.layers } else { 1 };
            all = all.checked_add(len.checked_mul(times)?)?;
        }
        Some(all)
    }

    /// All tensors, in the order in which they are initialised.
    pub fn tensors(&self) -> Vec<TensorSpec> {
        use Role::{Bias, Frequencies, Gain, Matrix, Phases, SmallMatrix, Taps};
        let (d, k, nh) = (self.width, self.members, self.horizons);
        let mut all = Vec::new();
        let mut add = |name: String, shape: &[usize], role| {
            all.push(TensorSpec { name, shape: shape.to_vec(), role });
        };
        let linear = |add: &mut dyn FnMut(String, &[usize], Role), name: &str, inputs, outputs, role| {
            add(format!("{name}.w"), &[inputs, outputs], role);
            add(format!("{name}.b"), &[outputs], Bias);
        };
        linear(&mut add, "micro.level", LEVEL_INPUTS, LEVEL_WIDTH, SmallMatrix);
        linear(&mut add, "micro.mix", self.micro_inputs(), self.micro, SmallMatrix);
        add("fourier.freq".into(), &[STAMPS, self.frequencies], Frequencies);
        add("fourier.phase".into(), &[self.frequencies], Phases);
        linear(&mut add, "embed", self.embed_inputs(), d, Matrix);
        for layer in 0..self.layers {
            let name = |part: &str| format!("layer.{layer}.{part}");
            add(name("norm1.g"), &[d], Gain);
            linear(&mut add, &name("qkvg"), d, 4 * d, Matrix);
            add(name("conv.w"), &[TAPS, d], Taps);
            add(name("conv.b"), &[d], Bias);
            linear(&mut add, &name("mix"), d, d, Matrix);
            add(name("norm2.g"), &[d], Gain);
            linear(&mut add, &name("ffn_in"), d, 2 * self.hidden, Matrix);
            linear(&mut add, &name("ffn_out"), self.hidden, d, Matrix);
        }
        add("norm_f.g".into(), &[d], Gain);
        linear(&mut add, "ens.in", d, k * self.head_hidden, Matrix);
        add("ens.out.w".into(), &[k, self.head_hidden, nh * QUANTILES], SmallMatrix);
        add("ens.out.b".into(), &[k, nh * QUANTILES], Bias);
        linear(&mut add, "head.in", d + self.account, 3 * self.head_hidden, Matrix);
        linear(&mut add, "policy", self.head_hidden, ACTIONS, SmallMatrix);
        linear(&mut add, "value", self.head_hidden, 1, SmallMatrix);
        linear(&mut add, "risk", self.head_hidden, nh + 1, SmallMatrix);
        linear(&mut add, "impact", d, 1, SmallMatrix);
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_the_published_numbers_of_weights() {
        for (spec, parameters, burn_in) in
            [(Spec::tiny(), 139_853, 510), (Spec::base(), 3_677_885, 1020), (Spec::full(), 63_061_181, 2040)]
        {
            spec.check().unwrap();
            assert_eq!(spec.parameters(), Some(parameters));
            assert_eq!(spec.tensors().iter().map(TensorSpec::len).sum::<usize>(), parameters);
            assert_eq!(spec.burn_in(), burn_in);
            assert_eq!(Spec::named(spec.name()), Some(spec));
        }
        assert_eq!(Spec { layers: 3, ..Spec::tiny() }.name(), "custom");
    }

    #[test]
    fn slopes_run_over_the_octaves() {
        let slopes = |spec: Spec| -> Vec<f32> { spec.mixer().heads.iter().map(|head| head.slope).collect() };
        assert_eq!(slopes(Spec::tiny()), [2.0 / 16.0, 2.0 / 64.0, 4.0 / 256.0, 1.0 / 256.0]);
        let full = slopes(Spec::full());
        assert_eq!(
            full[..8].iter().map(|slope| slope * 16.0).collect::<Vec<_>>(),
            [8., 8., 4., 4., 2., 2., 1., 1.]
        );
        let heads = Spec::full().mixer().heads;
        assert_eq!([0, 7, 8, 15, 16, 31].map(|head: usize| heads[head].window), [16, 16, 64, 64, 256, 256]);
        assert_eq!([0, 8, 16, 24].map(|head: usize| heads[head].dilation), [1, 4, 16, 64]);
    }

    #[test]
    fn shapes_that_cannot_be_are_refused_by_name() {
        let tiny = Spec::tiny;
        for (spec, said) in [
            (Spec { width: 0, ..tiny() }, "width is 0"),
            (Spec { features: usize::MAX, ..tiny() }, "features is"),
            (Spec { heads: 6, ..tiny() }, "6 heads in a width of 64"),
            (Spec { heads: 12, ..tiny() }, "12 heads in a width of 64"),
            (Spec { hidden: 100, ..tiny() }, "hidden is 100"),
            (Spec { windows: [16, 64, 250], ..tiny() }, "a window of 250"),
            (Spec { windows: [16, 0, 256], ..tiny() }, "a window of 0"),
            (Spec { dilations: [1, 0, 1, 1], ..tiny() }, "a dilation of 0"),
            (Spec { layers: 1 << 20, ..tiny() }, "more than 4294967296 weights"),
            (Spec { width: 1 << 20, hidden: 1 << 20, ..tiny() }, "more than 4294967296 weights"),
        ] {
            let error = spec.check().unwrap_err().to_string();
            assert!(error.contains(said), "{error}");
        }
    }
}
