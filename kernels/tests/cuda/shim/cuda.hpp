// Lets a C++ compiler make a library for the host of the very source that is made for a card: the words of
// CUDA that the kernels use, and a machine that runs a block's threads as fibers, one after the other.
//
// Compile with -std=c++20 -O2 -mfma -ffp-contract=off: no product and sum may become one, except where the
// source says so. A barrier or a shuffle is where a fiber gives way; which one is next is drawn from a seed.
// Shared memory is filled with NaN before each block, and bytes behind it must still be there after.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>

#define __global__
#define __device__
#define __forceinline__ inline
#define __restrict__
#define __launch_bounds__(...)
// `extern __shared__ __align__(16) float shared_memory[]` becomes a declaration of what is in `shim.cpp`.
#define __shared__
#define __align__(bytes)

struct uint4 {
    unsigned x, y, z, w;
};
struct float4 {
    float x, y, z, w;
};
struct Place {
    unsigned x = 0, y = 0, z = 0;
};

// Of the thread that runs just now.
extern Place threadIdx, blockIdx, blockDim, gridDim;

void __syncthreads();
// Of one warp; all of its threads must come.
float __shfl_xor_sync(unsigned mask, float value, int apart);

inline unsigned __float_as_uint(float x) {
    unsigned bits;
    std::memcpy(&bits, &x, 4);
    return bits;
}
inline int __float_as_int(float x) { return (int)__float_as_uint(x); }
inline float __uint_as_float(unsigned bits) {
    float x;
    std::memcpy(&x, &bits, 4);
    return x;
}
inline float __int_as_float(int bits) { return __uint_as_float((unsigned)bits); }

inline float __fmaf_rn(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
inline float __fadd_rn(float a, float b) { return a + b; }
inline float __fmul_rn(float a, float b) { return a * b; }
inline float __fdiv_rn(float a, float b) { return a / b; }
inline float __fsqrt_rn(float a) { return std::sqrt(a); }
inline double __dadd_rn(double a, double b) { return a + b; }
inline double __fma_rn(double a, double b, double c) { return __builtin_fma(a, b, c); }
inline int __float2int_rz(float x) { return (int)x; }
inline float __int2float_rn(int x) { return (float)x; }
inline float __uint2float_rn(unsigned x) { return (float)x; }

inline unsigned __byte_perm(unsigned low, unsigned high, unsigned which) {
    const std::uint64_t both = (std::uint64_t)high << 32 | low;
    unsigned made = 0;
    for (int byte = 0; byte < 4; byte++) {
        made |= (unsigned)(both >> 8 * (which >> 4 * byte & 7) & 0xff) << 8 * byte;
    }
    return made;
}

template <typename T> inline T __ldg(const T* from) { return *from; }
