//! What the CUDA backend needs of whoever runs its kernels.

use std::fmt;

use super::super::BackendError;

/// A module of kernels: what a `.cu` file was compiled to.
pub(super) struct Module {
    /// Its source below `src`, without the ending.
    pub(super) path: &'static str,
    /// Its text in NVIDIA's assembler, as `GENOVO_BLESS=1 cargo test -p genovo-kernels --test cuda` wrote it.
    pub(super) ptx: &'static str,
    /// Its kernels.
    pub(super) kernels: &'static [Kernel],
}

macro_rules! kernels {
    ($($path:literal: $($kernel:ident = $name:literal),+;)+) => {
        /// The kernels, by name.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum Kernel {
            $($(#[doc = concat!("`", $name, "` of `", $path, "`")] $kernel,)+)+
        }

        impl Kernel {
            /// All kernels.
            pub const ALL: &'static [Self] = &[$($(Self::$kernel,)+)+];

            /// Its name in the source.
            pub fn name(self) -> &'static str {
                match self {
                    $($(Self::$kernel => $name,)+)+
                }
            }
        }

        /// All modules.
        pub(super) const MODULES: &[Module] = &[
            $(Module {
                path: $path,
                ptx: include_str!(concat!("../../", $path, ".ptx")),
                kernels: &[$(Kernel::$kernel),+],
            },)+
        ];
    };
}

kernels! {
    "linear/linear":
        LinearF32x1 = "linear_f32_1", LinearF32x2 = "linear_f32_2", LinearF32x8 = "linear_f32_8",
        LinearBf16x1 = "linear_bf16_1", LinearBf16x2 = "linear_bf16_2", LinearBf16x8 = "linear_bf16_8",
        LinearInt8x1 = "linear_int8_1", LinearInt8x2 = "linear_int8_2", LinearInt8x8 = "linear_int8_8";
    "norm/norm":
        RmsNorm = "rms_norm", NormFactors = "norm_factors", NormScale = "norm_scale",
        NormInputGradient = "norm_input_gradient", NormGainGradient = "norm_gain_gradient";
    "fourier/fourier": Fourier = "fourier", PhaseGradient = "phase_gradient";
    "mixer/mixer": MixStep = "mix_step", MixSequence = "mix_sequence";
    "heads/heads": Heads = "heads", HeadsGradient = "heads_gradient";
    "backend/cuda/rows": CopyRows = "copy_rows";
    "linear/products":
        Product = "product", InputGradient = "input_gradient", WeightGradient = "weight_gradient",
        AddBlocks = "add_blocks";
    "attention/attention":
        Attention = "attention", AttentionQueryGradient = "attention_query_gradient",
        AttentionKeyGradient = "attention_key_gradient";
    "convolution/convolution":
        Convolution = "convolution", ConvolutionInputGradient = "convolution_input_gradient",
        ConvolutionWeightGradient = "convolution_weight_gradient";
    "gate/gate": Gate = "gate", GateGradient = "gate_gradient";
    "activation/activation":
        Silu = "silu", SiluGradient = "silu_gradient", SwiGlu = "swiglu", SwiGluGradient = "swiglu_gradient";
    "losses/losses": Losses = "losses", LossSums = "loss_sums";
    "optimiser/optimiser": SquareSums = "square_sums", Adam = "adam";
}

/// How many threads run a kernel, and with how much shared memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Launch {
    /// Blocks in each direction.
    pub grid: [u32; 2],
    /// Threads of a block in each direction.
    pub block: [u32; 3],
    /// Shared memory of a block, in bytes.
    pub shared: u32,
}

/// Whoever runs kernels: the CUDA driver, or in tests a C++ compiler's form of the same source. Work is done
/// in the order of the calls, as if by one thread.
pub trait Device: fmt::Debug + Send + Sync + 'static {
    /// Memory of the device, freed when it is dropped.
    type Memory: fmt::Debug + Send + Sync + 'static;

    /// What it is, for a reader.
    fn describe(&self) -> String;

    /// Zeros.
    ///
    /// # Errors
    /// When there is no such memory.
    fn zeros(&self, bytes: usize) -> Result<Self::Memory, BackendError>;

    /// Where the memory is, as a kernel wants it.
    fn address(memory: &Self::Memory) -> u64;

    /// Queues a copy to the device; the bytes may change when it returns.
    ///
    /// # Safety
    /// So many bytes of the device's memory are at the address.
    ///
    /// # Errors
    /// When the device fails.
    unsafe fn upload(&self, to: u64, bytes: &[u8]) -> Result<(), BackendError>;

    /// Waits for all work and copies from the device.
    ///
    /// # Safety
    /// As [`Device::upload`].
    ///
    /// # Errors
    /// When the device fails, or something failed that was queued before.
    unsafe fn download(&self, from: u64, bytes: &mut [u8]) -> Result<(), BackendError>;

    /// Queues a kernel. An argument narrower than 64 bits is in the low bits of its word.
    ///
    /// # Safety
    /// The arguments are those of the kernel, and name memory in which all that it reads and writes lies.
    ///
    /// # Errors
    /// When the device fails.
    unsafe fn launch(&self, kernel: Kernel, launch: Launch, arguments: &[u64]) -> Result<(), BackendError>;

    /// From here to the next download work belongs together: it may be kept back until then. What it is about is
    /// kept by whoever asked for it, or dropped by [`Device::Memory`], which lets it be done before.
    ///
    /// # Errors
    /// When the device fails.
    fn as_one(&self) -> Result<(), BackendError> {
        Ok(())
    }
}
