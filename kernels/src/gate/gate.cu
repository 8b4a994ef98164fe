// The gated fusion of attention and convolution in training, and its gradients: the bits of `mod.rs`. A thread
// has one value. Gates are the last quarter of projected rows; all other rows are as wide as the model.
#include "scalar.cuh"

extern "C" __global__ void __launch_bounds__(256) gate(
    const float* __restrict__ projected, const float* __restrict__ attention, const float* __restrict__ sums,
    float* __restrict__ y, unsigned width, unsigned rows
) {
    const unsigned at = blockIdx.x * blockDim.x + threadIdx.x;
    if (at >= rows * width) return;
    const unsigned long long row = at / width, channel = at % width;
    const float c = times(sums[at], sigmoid(sums[at]));
    y[at] = fma_of(sigmoid(projected[(row * 4 + 3) * width + channel]), minus(attention[at], c), c);
}

extern "C" __global__ void __launch_bounds__(256) gate_gradient(
    const float* __restrict__ projected, const float* __restrict__ attention, const float* __restrict__ sums,
    const float* __restrict__ gradient, float* __restrict__ dattention, float* __restrict__ dsums,
    float* __restrict__ dprojected, unsigned width, unsigned rows
) {
    const unsigned at = blockIdx.x * blockDim.x + threadIdx.x;
    if (at >= rows * width) return;
    const unsigned long long row = at / width, channel = at % width, gamma = (row * 4 + 3) * width + channel;
    const float g = sigmoid(projected[gamma]), p = sums[at], s = sigmoid(p), given = gradient[at];
    const float rest = minus(1.0f, g), c = times(p, s);
    dattention[at] = times(given, g);
    dprojected[gamma] = times(times(given, minus(attention[at], c)), times(g, rest));
    dsums[at] = times(times(given, rest), times(s, fma_of(p, minus(1.0f, s), 1.0f)));
}
