// SiLU and the gated product of a feed-forward block, and their gradients: the bits of `plain.rs`. A thread has
// one value.
#include "scalar.cuh"

// The derivative of x s(x), of x and s = s(x).
__device__ __forceinline__ float silu_slope(float x, float s) {
    return times(s, fma_of(x, minus(1.0f, s), 1.0f));
}

extern "C" __global__ void __launch_bounds__(256) silu(
    const float* __restrict__ x, unsigned long long x_stride, float* __restrict__ y, unsigned long long y_stride,
    unsigned width, unsigned rows
) {
    const unsigned at = blockIdx.x * blockDim.x + threadIdx.x;
    if (at >= rows * width) return;
    const unsigned row = at / width, column = at % width;
    const float value = x[row * x_stride + column];
    y[row * y_stride + column] = times(value, sigmoid(value));
}

extern "C" __global__ void __launch_bounds__(256) silu_gradient(
    const float* __restrict__ x, unsigned long long x_stride, const float* __restrict__ gradient,
    unsigned long long gradient_stride, float* __restrict__ dx, unsigned long long dx_stride, unsigned width,
    unsigned rows
) {
    const unsigned at = blockIdx.x * blockDim.x + threadIdx.x;
    if (at >= rows * width) return;
    const unsigned row = at / width, column = at % width;
    const float value = x[row * x_stride + column];
    const float slope = silu_slope(value, sigmoid(value));
    dx[row * dx_stride + column] = times(gradient[row * gradient_stride + column], slope);
}

// y = silu(alpha) beta of rows [alpha, beta], each half `width` wide.
extern "C" __global__ void __launch_bounds__(256) swiglu(
    const float* __restrict__ x, float* __restrict__ y, unsigned width, unsigned rows
) {
    const unsigned at = blockIdx.x * blockDim.x + threadIdx.x;
    if (at >= rows * width) return;
    const float* pair = x + (unsigned long long)(at / width) * 2 * width + at % width;
    y[at] = times(times(pair[0], sigmoid(pair[0])), pair[width]);
}

extern "C" __global__ void __launch_bounds__(256) swiglu_gradient(
    const float* __restrict__ x, const float* __restrict__ gradient, float* __restrict__ dx, unsigned width,
    unsigned rows
) {
    const unsigned at = blockIdx.x * blockDim.x + threadIdx.x;
    if (at >= rows * width) return;
    const unsigned long long place = (unsigned long long)(at / width) * 2 * width + at % width;
    const float alpha = x[place], beta = x[place + width], s = sigmoid(alpha), given = gradient[at];
    dx[place] = times(times(given, beta), silu_slope(alpha, s));
    dx[place + width] = times(given, times(alpha, s));
}
