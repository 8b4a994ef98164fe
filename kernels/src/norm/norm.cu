// Root mean square norm: the bits of `plain.rs`.
//
// A block has one row. The sum of squares is one chain, so one thread makes it, out of shared memory, while
// all others have fetched the row; then all threads scale. The chain's latency, 4 cycles a value, is the
// kernel's time: 1.8 us of a row of 768.
#include "scalar.cuh"

// Values of a row that lie in shared memory at a time.
#define TILE 4096

extern __shared__ __align__(16) float shared_memory[];

extern "C" __global__ void __launch_bounds__(256) rms_norm(
    const float* __restrict__ gain,
    const float* __restrict__ x,
    unsigned long long x_stride,
    float* __restrict__ y,
    unsigned long long y_stride,
    unsigned width,
    float epsilon
) {
    const float* from = x + blockIdx.x * x_stride;
    float* to = y + blockIdx.x * y_stride;
    float* factor = shared_memory;
    float* tile = shared_memory + 4;
    float sum = 0.0f;
    for (unsigned first = 0; first < width; first += TILE) {
        const unsigned left = width - first, count = left < TILE ? left : TILE;
        for (unsigned at = threadIdx.x; at < count; at += blockDim.x) tile[at] = from[first + at];
        __syncthreads();
        if (threadIdx.x == 0) {
#pragma unroll 16
            for (unsigned at = 0; at < count; at++) sum = fma_of(tile[at], tile[at], sum);
        }
        __syncthreads();
    }
    if (threadIdx.x == 0) {
        float mean = over(sum, __uint2float_rn(width));
        *factor = over(1.0f, __fsqrt_rn(plus(mean, epsilon)));
    }
    __syncthreads();
    const float r = *factor;
    for (unsigned at = threadIdx.x; at < width; at += blockDim.x) {
        to[at] = times(times(from[at], r), gain[at]);
    }
}
