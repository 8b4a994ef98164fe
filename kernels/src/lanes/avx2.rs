//! 8 floats a register: AVX2 and FMA.

use std::arch::x86_64::*;

use super::Lanes;

/// 8 floats.
#[derive(Clone, Copy)]
pub(crate) struct Avx2(__m256);

/// A mask of Avx2.
#[derive(Clone, Copy)]
pub(crate) struct Mask(__m256);

// A value of this type exists only where the level does: see the trait. All blocks below rest on that, and
// those that touch memory on what the trait asks of their caller.
// SAFETY: values are made by the trait's unsafe functions alone.
unsafe impl Lanes for Avx2 {
    const COUNT: usize = 8;
    type Mask = Mask;

    #[inline(always)]
    unsafe fn splat(x: f32) -> Self {
        // SAFETY: the caller promises the instructions.
        unsafe { Self(_mm256_set1_ps(x)) }
    }

    #[inline(always)]
    unsafe fn iota() -> Self {
        // SAFETY: the caller promises the instructions.
        unsafe { Self(_mm256_cvtepi32_ps(_mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7))) }
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: the caller promises the instructions and the memory.
        unsafe { Self(_mm256_loadu_ps(from)) }
    }

    #[inline(always)]
    unsafe fn load_bf16(from: *const u16) -> Self {
        // SAFETY: the caller promises the instructions and the memory.
        unsafe {
            let wide = _mm256_cvtepu16_epi32(_mm_loadu_si128(from.cast()));
            Self(_mm256_castsi256_ps(_mm256_slli_epi32::<16>(wide)))
        }
    }

    #[inline(always)]
    unsafe fn load_i8(from: *const i8) -> Self {
        // SAFETY: the caller promises the instructions and the memory.
        unsafe { Self(_mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64(from.cast())))) }
    }

    #[inline(always)]
    fn prefetch<T>(from: *const T) {
        // SAFETY: it is a hint that any address may be given to; every CPU with AVX2 has it.
        unsafe { _mm_prefetch::<_MM_HINT_T1>(from.cast()) }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: the caller promises the memory.
        unsafe { _mm256_storeu_ps(to, self.0) }
    }

    #[inline(always)]
    unsafe fn store_first(self, to: *mut f32, count: usize) {
        // SAFETY: the caller promises the memory.
        unsafe {
            let lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
            _mm256_maskstore_ps(to, _mm256_cmpgt_epi32(_mm256_set1_epi32(count as i32), lane), self.0)
        }
    }

    #[inline(always)]
    unsafe fn load_first(from: *const f32, count: usize) -> Self {
        // SAFETY: the caller promises the instructions and the memory.
        unsafe {
            let lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
            Self(_mm256_maskload_ps(from, _mm256_cmpgt_epi32(_mm256_set1_epi32(count as i32), lane)))
        }
    }

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        // SAFETY: the instructions exist where a value of this type does.
        unsafe { Self(_mm256_add_ps(self.0, other.0)) }
    }

    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        // SAFETY: the instructions exist where a value of this type does.
        unsafe { Self(_mm256_sub_ps(self.0, other.0)) }
    }

    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        // SAFETY: the instructions exist where a value of this type does.
        unsafe { Self(_mm256_mul_ps(self.0, other.0)) }
    }

    #[inline(always)]
    fn div(self, other: Self) -> Self {
        // SAFETY: the instructions exist where a value of this type does.
        unsafe { Self(_mm256_div_ps(self.0, other.0)) }
    }

    #[inline(always)]
    fn fma(self, a: Self, b: Self) -> Self {
        // SAFETY: the instructions exist where a value of this type does.
        unsafe { Self(_mm256_fmadd_ps(self.0, a.0, b.0)) }
    }

    #[inline(always)]
    fn neg(self) -> Self {
        // SAFETY: the instructions exist where a value of this type does.
        unsafe { Self(_mm256_xor_ps(self.0, _mm256_set1_ps(-0.0))) }
    }

    #[inline(always)]
    fn above(self, other: Self) -> Mask {
        // SAFETY: the instructions exist where a value of this type does.
        unsafe { Mask(_mm256_cmp_ps::<_CMP_GT_OQ>(self.0, other.0)) }
    }

    #[inline(always)]
    fn nan(self) -> Mask {
        // SAFETY: the instructions exist where a value of this type does.
        unsafe { Mask(_mm256_cmp_ps::<_CMP_UNORD_Q>(self.0, self.0)) }
    }

    #[inline(always)]
    fn choose(mask: Mask, yes: Self, no: Self) -> Self {
        // SAFETY: the instructions exist where a value of this type does.
        unsafe { Self(_mm256_blendv_ps(no.0, yes.0, mask.0)) }
    }

    #[inline(always)]
    fn any(mask: Mask) -> bool {
        // SAFETY: the instructions exist where a value of this type does.
        unsafe { _mm256_movemask_ps(mask.0) != 0 }
    }

    #[inline(always)]
    fn halves_of_power(self) -> (Self, Self) {
        // SAFETY: the instructions exist where a value of this type does.
        unsafe {
            let whole = _mm256_cvttps_epi32(self.0);
            let half = _mm256_srai_epi32::<1>(whole);
            (power(half), power(_mm256_sub_epi32(whole, half)))
        }
    }

    #[inline(always)]
    fn power_of_two(self) -> Self {
        // SAFETY: the instructions exist where a value of this type does.
        unsafe { power(_mm256_cvttps_epi32(self.0)) }
    }
}

/// The exponent written into the bits.
#[inline(always)]
fn power(exponent: __m256i) -> Avx2 {
    // SAFETY: only called with a value at hand, so the instructions exist.
    unsafe {
        let biased = _mm256_add_epi32(exponent, _mm256_set1_epi32(127));
        Avx2(_mm256_castsi256_ps(_mm256_slli_epi32::<23>(biased)))
    }
}
