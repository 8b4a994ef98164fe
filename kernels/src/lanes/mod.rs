//! Vectors of f32: one source of a kernel, compiled for AVX2 and for AVX-512.
//!
//! A kernel's fast form is a function generic over [`Lanes`], inlined whole into a wrapper that the macro
//! [`at_level!`](crate::lanes::at_level) compiles with the level's instructions. Every operation is the IEEE
//! operation of its scalar namesake, lane by lane, so a lane's bits are those of the plain form.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod elementary;

#[cfg(target_arch = "x86_64")]
pub(crate) use avx2::Avx2;
#[cfg(target_arch = "x86_64")]
pub(crate) use avx512::Avx512;
pub(crate) use elementary::{exp, sigmoid, silu};

/// The widest vector there is, in floats. Buffers are padded to it.
pub(crate) const LANES_MAX: usize = 16;

/// A vector of f32 in registers.
///
/// # Safety
/// A value of an implementing type may be made only where its instructions exist: `splat` and the loads are
/// therefore unsafe, and every other operation, which needs a value to start from, is not.
pub(crate) unsafe trait Lanes: Copy {
    /// How many floats.
    const COUNT: usize;
    /// What comparing gives, one bit a lane.
    type Mask: Copy;

    /// The same float in every lane.
    ///
    /// # Safety
    /// The machine has the type's instructions.
    unsafe fn splat(x: f32) -> Self;
    /// 0, 1, 2, …
    ///
    /// # Safety
    /// The machine has the type's instructions.
    unsafe fn iota() -> Self;
    /// Reads `COUNT` floats.
    ///
    /// # Safety
    /// The machine has the type's instructions, and `COUNT` floats lie at `from`.
    unsafe fn load(from: *const f32) -> Self;
    /// Reads `count` floats into the first lanes; the others are 0.
    ///
    /// # Safety
    /// The machine has the type's instructions, `count` floats lie at `from`, and `count` ≤ `COUNT`.
    unsafe fn load_first(from: *const f32, count: usize) -> Self;
    /// Reads `COUNT` bfloat16, each the high half of a float.
    ///
    /// # Safety
    /// The machine has the type's instructions, and `COUNT` values lie at `from`.
    unsafe fn load_bf16(from: *const u16) -> Self;
    /// Reads `COUNT` small integers.
    ///
    /// # Safety
    /// The machine has the type's instructions, and `COUNT` values lie at `from`.
    unsafe fn load_i8(from: *const i8) -> Self;
    /// Asks for the cache line at an address, which need not exist, to be in the second-level cache soon.
    fn prefetch<T>(from: *const T);
    /// Writes all lanes.
    ///
    /// # Safety
    /// There is room for `COUNT` floats at `to`.
    unsafe fn store(self, to: *mut f32);
    /// Writes the first `count` lanes.
    ///
    /// # Safety
    /// There is room for `count` floats at `to`, and `count` ≤ `COUNT`.
    unsafe fn store_first(self, to: *mut f32, count: usize);

    /// self + other.
    fn add(self, other: Self) -> Self;
    /// self - other.
    fn sub(self, other: Self) -> Self;
    /// self · other.
    fn mul(self, other: Self) -> Self;
    /// self / other.
    fn div(self, other: Self) -> Self;
    /// self · a + b, rounded once.
    fn fma(self, a: Self, b: Self) -> Self;
    /// The sign bit flipped.
    fn neg(self) -> Self;
    /// Whether self > other; false for NaN.
    fn above(self, other: Self) -> Self::Mask;
    /// Whether this is NaN.
    fn nan(self) -> Self::Mask;
    /// `yes` where the mask is set, else `no`.
    fn choose(mask: Self::Mask, yes: Self, no: Self) -> Self;
    /// Whether the mask is set anywhere.
    fn any(mask: Self::Mask) -> bool;
    /// For lanes that are whole numbers from -252 to 254: 2^⌊k/2⌋ and 2^(k - ⌊k/2⌋).
    fn halves_of_power(self) -> (Self, Self);
    /// For lanes that are whole numbers from -126 to 127: 2^k.
    fn power_of_two(self) -> Self;
    /// The larger of each pair: `other` only where it is above.
    #[inline(always)]
    fn larger(self, other: Self) -> Self {
        Self::choose(other.above(self), other, self)
    }
}

/// Makes `fn $name(level, …)`, which runs `$plain` at the scalar level and `$vector::<V>` at the others.
///
/// The generated function is unsafe: the machine must have `level`. `backend::Cpu` is what makes sure of it.
macro_rules! at_level {
    (
        $(#[$doc:meta])*
        fn $name:ident($($arg:ident: $type:ty),* $(,)?) = $plain:ident, $vector:ident
    ) => {
        $(#[$doc])*
        ///
        /// # Safety
        /// The machine has the instructions of `level`.
        #[allow(clippy::too_many_arguments)]
        unsafe fn $name(level: $crate::cpu::CpuLevel, $($arg: $type),*) {
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma")]
            #[allow(clippy::too_many_arguments)]
            fn avx2($($arg: $type),*) {
                // SAFETY: this function is only called where AVX2 and FMA exist.
                unsafe { $vector::<$crate::lanes::Avx2>($($arg),*) }
            }
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
            #[allow(clippy::too_many_arguments)]
            fn avx512($($arg: $type),*) {
                // SAFETY: this function is only called where AVX-512 exists.
                unsafe { $vector::<$crate::lanes::Avx512>($($arg),*) }
            }
            match level {
                $crate::cpu::CpuLevel::Scalar => $plain($($arg),*),
                // SAFETY: the caller promises the level.
                #[cfg(target_arch = "x86_64")]
                $crate::cpu::CpuLevel::Avx2 => unsafe { avx2($($arg),*) },
                // SAFETY: the caller promises the level.
                #[cfg(target_arch = "x86_64")]
                $crate::cpu::CpuLevel::Avx512 => unsafe { avx512($($arg),*) },
                #[cfg(not(target_arch = "x86_64"))]
                _ => $plain($($arg),*),
            }
        }
    };
}
pub(crate) use at_level;
