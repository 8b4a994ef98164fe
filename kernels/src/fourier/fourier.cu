// Sine and cosine features of times: the bits of `mod.rs`. A thread has one frequency of one row.
#include "scalar.cuh"

__device__ __forceinline__ float fraction(float stamp, float frequency) {
    float high = times(stamp, frequency);
    float low = fma_of(stamp, frequency, -high);
    return plus(minus(high, rintf(high)), low);
}

extern "C" __global__ void __launch_bounds__(256) fourier(
    const float* __restrict__ frequencies,
    const float* __restrict__ phases,
    const float* __restrict__ stamps,
    unsigned long long stamp_stride,
    float* __restrict__ y,
    unsigned long long y_stride,
    unsigned inputs,
    unsigned count,
    unsigned rows
) {
    const unsigned at = blockIdx.x * blockDim.x + threadIdx.x;
    if (at >= rows * count) return;
    const unsigned row = at / count, frequency = at % count;
    float turns = phases[frequency];
    for (unsigned stamp = 0; stamp < inputs; stamp++) {
        float part = fraction(stamps[row * stamp_stride + stamp], frequencies[stamp * count + frequency]);
        turns = plus(turns, part);
    }
    turns = minus(turns, rintf(turns));
    y[row * y_stride + frequency] = sin_turns(turns);
    y[row * y_stride + count + frequency] = cos_turns(turns);
}

// The gradient of the phases, of rows [sines, cosines] and theirs. A thread has one frequency of one row.
extern "C" __global__ void __launch_bounds__(256) phase_gradient(
    const float* __restrict__ features,
    unsigned long long feature_stride,
    const float* __restrict__ gradient,
    unsigned long long gradient_stride,
    float* __restrict__ dphases,
    unsigned count,
    unsigned rows
) {
    const unsigned at = blockIdx.x * blockDim.x + threadIdx.x;
    if (at >= rows * count) return;
    const unsigned row = at / count, frequency = at % count;
    const float* feature = features + row * feature_stride + frequency;
    const float* given = gradient + row * gradient_stride + frequency;
    dphases[at] = times(TURN, fma_of(-given[count], feature[0], times(given[0], feature[count])));
}
