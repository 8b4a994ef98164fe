// The elementary functions of `f32.rs`, operation by operation: the same bits.
//
// Every sum, product and quotient is spelt with its rounding (`__fmaf_rn` and so on), so that no compiler may
// fuse two of them. Coefficients are those of `f32/coefficients.rs`; a test compares the texts.
#pragma once

#define LOG2_E 1.442695f
#define LN2_HIGH 0.69317627f
#define LN2_LOW -2.9088971e-05f
#define TURN 6.2831855f

// Adding it to |x| < 2^22 and taking it away again rounds x to the nearest integer, ties to even.
#define ROUND 12582912.0f
// 2^23: every float from here on is an integer.
#define ALL_INTEGERS 8388608.0f
#define EXP_OVERFLOW 88.72283f
#define EXP_UNDERFLOW -103.97208f

__device__ __forceinline__ float plus(float a, float b) { return __fadd_rn(a, b); }
__device__ __forceinline__ float minus(float a, float b) { return __fadd_rn(a, -b); }
__device__ __forceinline__ float times(float a, float b) { return __fmul_rn(a, b); }
__device__ __forceinline__ float fma_of(float a, float b, float c) { return __fmaf_rn(a, b, c); }
__device__ __forceinline__ float over(float a, float b) { return __fdiv_rn(a, b); }

__device__ __forceinline__ bool is_nan(float x) { return x != x; }

// 2^exponent for -126 <= exponent <= 127.
__device__ __forceinline__ float power_of_two(int exponent) {
    return __int_as_float((exponent + 127) << 23);
}

struct ExpParts {
    int k;
    float high, low;
};

// e^x = 2^k (high + low), for EXP_UNDERFLOW <= x <= EXP_OVERFLOW.
__device__ __forceinline__ ExpParts exp_parts(float x) {
    float k = minus(fma_of(x, LOG2_E, ROUND), ROUND);
    float r_high = fma_of(-k, LN2_HIGH, x);
    float r_low = times(-k, LN2_LOW);
    float r = plus(r_high, r_low);
    float rest = plus(minus(r_high, r), r_low);
    float poly = 0.0013926184f;
    poly = fma_of(poly, r, 0.008363179f);
    poly = fma_of(poly, r, 0.041666556f);
    poly = fma_of(poly, r, 0.16666576f);
    poly = fma_of(poly, r, 0.5f);
    float minus_one = fma_of(times(r, r), poly, rest);
    float sum = plus(1.0f, r);
    float low = plus(plus(minus(1.0f, sum), r), minus_one);
    float high = plus(sum, low);
    ExpParts parts;
    parts.k = __float2int_rz(k);
    parts.high = high;
    parts.low = plus(minus(sum, high), low);
    return parts;
}

__device__ __forceinline__ float exp_of(float x) {
    if (is_nan(x)) return x;
    if (x > EXP_OVERFLOW) return __int_as_float(0x7f800000);
    if (x < EXP_UNDERFLOW) return 0.0f;
    ExpParts parts = exp_parts(x);
    int half = parts.k >> 1;
    return times(times(parts.high, power_of_two(half)), power_of_two(parts.k - half));
}

__device__ __forceinline__ float ln_of(float x) {
    if (is_nan(x) || x == __int_as_float(0x7f800000)) return x;
    if (x == 0.0f) return __int_as_float((int)0xff800000u);
    if (x < 0.0f) return __int_as_float(0x7fc00000);
    const bool small = x < 1.17549435e-38f;
    const unsigned bits = __float_as_uint(small ? times(x, ALL_INTEGERS) : x);
    // x = 2^k (1 + r) with 1 + r in [sqrt(1/2), sqrt(2)); the constant is the bits of sqrt(1/2).
    const int k = (int)(bits - 0x3f3504f3u) >> 23;
    const float r = minus(__uint_as_float(bits - ((unsigned)k << 23)), 1.0f);
    const float exponent = __int2float_rn(k - (small ? 23 : 0));
    const float square = times(r, r);
    float poly = 0.06971612f;
    poly = fma_of(poly, r, -0.11479734f);
    poly = fma_of(poly, r, 0.1168542f);
    poly = fma_of(poly, r, -0.12425687f);
    poly = fma_of(poly, r, 0.14249058f);
    poly = fma_of(poly, r, -0.16667803f);
    poly = fma_of(poly, r, 0.20000716f);
    poly = fma_of(poly, r, -0.24999997f);
    poly = fma_of(poly, r, 0.3333333f);
    const float tail = fma_of(times(square, r), poly, times(exponent, LN2_LOW));
    const float base = times(exponent, LN2_HIGH);
    const float sum = plus(base, r);
    const float sum_low = exponent == 0.0f ? 0.0f : plus(minus(base, sum), r);
    return plus(sum, fma_of(-0.5f, square, plus(sum_low, tail)));
}

__device__ __forceinline__ float sigmoid(float x) {
    if (is_nan(x)) return x;
    if (x < -30.0f) return exp_of(x);
    if (x > 30.0f) return 1.0f;
    ExpParts parts = exp_parts(x < 0.0f ? x : -x);
    float scale = power_of_two(parts.k);
    float e = times(parts.high, scale), e_low = times(parts.low, scale);
    float below = plus(1.0f, e);
    float below_low = plus(plus(minus(1.0f, below), e), e_low);
    float above = x < 0.0f ? e : 1.0f, above_low = x < 0.0f ? e_low : 0.0f;
    float quotient = over(above, below);
    float remainder = plus(fma_of(-quotient, below, above), fma_of(-quotient, below_low, above_low));
    return plus(quotient, over(remainder, below));
}

__device__ __forceinline__ float softplus(float x) {
    if (is_nan(x)) return x;
    if (x < -20.0f) return exp_of(x);
    if (x > 30.0f) return x;
    ExpParts parts = exp_parts(x < 0.0f ? x : -x);
    float scale = power_of_two(parts.k);
    float e = times(parts.high, scale), e_low = times(parts.low, scale);
    float below = plus(2.0f, e);
    float below_low = plus(plus(minus(2.0f, below), e), e_low);
    float t = over(e, below);
    float remainder = plus(fma_of(-t, below, e), fma_of(-t, below_low, e_low));
    float square = times(t, t);
    float poly = 0.2322433f;
    poly = fma_of(poly, square, 0.21706575f);
    poly = fma_of(poly, square, 0.28592357f);
    poly = fma_of(poly, square, 0.39999706f);
    poly = fma_of(poly, square, 0.6666667f);
    float small = fma_of(times(square, t), poly, times(2.0f, over(remainder, below)));
    float twice = times(2.0f, t);
    if (x > 0.0f) {
        float sum = plus(x, twice);
        float from_t = minus(sum, x);
        return plus(sum, plus(plus(minus(x, minus(sum, from_t)), minus(twice, from_t)), small));
    }
    return plus(twice, small);
}

// sin(2 pi f) for |f| <= 1/8.
__device__ __forceinline__ float sine(float f) {
    float square = times(f, f);
    float poly = 41.472717f;
    poly = fma_of(poly, square, -76.69786f);
    poly = fma_of(poly, square, 81.6052f);
    poly = fma_of(poly, square, -41.3417f);
    poly = fma_of(poly, square, -1.7487277e-07f);
    return fma_of(f, TURN, times(f, poly));
}

// cos(2 pi f) for |f| <= 1/8.
__device__ __forceinline__ float cosine(float f) {
    const float first = -19.739208f;
    float square = times(f, f);
    float square_low = fma_of(f, f, -square);
    float poly = 59.423943f;
    poly = fma_of(poly, square, -85.448814f);
    poly = fma_of(poly, square, 64.93937f);
    float small = fma_of(times(square, square), poly, times(square_low, first));
    float sum = fma_of(first, square, 1.0f);
    return plus(sum, plus(fma_of(first, square, minus(1.0f, sum)), small));
}

struct Turns {
    int quadrant;
    float offset;
};

// x = n + quadrant/4 + offset turns for an x >= 0, with |offset| <= 1/8.
__device__ __forceinline__ Turns reduce_turns(float x) {
    float fraction = x < ALL_INTEGERS ? minus(x, minus(plus(x, ALL_INTEGERS), ALL_INTEGERS)) : 0.0f;
    float quarters = minus(fma_of(fraction, 4.0f, ROUND), ROUND);
    Turns turns;
    turns.quadrant = __float2int_rz(quarters);
    turns.offset = fma_of(quarters, -0.25f, fraction);
    return turns;
}

__device__ __forceinline__ bool is_finite(float x) {
    return (__float_as_int(x) & 0x7f800000) != 0x7f800000;
}

__device__ __forceinline__ float sin_turns(float x) {
    if (!is_finite(x)) return __int_as_float(0x7fc00000);
    Turns turns = reduce_turns(fabsf(x));
    float value = (turns.quadrant & 1) == 0 ? sine(turns.offset) : cosine(turns.offset);
    value = (turns.quadrant & 2) == 0 ? value : -value;
    value = value == 0.0f ? 0.0f : value;
    return __float_as_int(x) < 0 ? -value : value;
}

__device__ __forceinline__ float cos_turns(float x) {
    if (!is_finite(x)) return __int_as_float(0x7fc00000);
    Turns turns = reduce_turns(fabsf(x));
    float value = (turns.quadrant & 1) == 0 ? cosine(turns.offset) : sine(turns.offset);
    value = ((turns.quadrant + 1) & 2) == 0 ? value : -value;
    return value == 0.0f ? 0.0f : value;
}

// Four values out of shared memory. NVRTC turns a plain load into four and joins them again, not always to the
// same text; so the instruction is written down.
__device__ __forceinline__ float4 four_of(const float* at) {
#ifdef __CUDACC_RTC__
    float4 four;
    asm("ld.shared.v4.f32 {%0, %1, %2, %3}, [%4];"
        : "=f"(four.x), "=f"(four.y), "=f"(four.z), "=f"(four.w)
        : "r"((unsigned)__cvta_generic_to_shared(at))
        : "memory");
    return four;
#else
    return *reinterpret_cast<const float4*>(at);
#endif
}
