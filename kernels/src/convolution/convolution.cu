// The causal convolution in training, and its gradients: the bits of `mod.rs`. A thread has one channel of one
// row; of weights' gradients one channel of a tap, or of the bias, in a block of 256 rows (blockIdx.y), and
// `add_blocks` adds the blocks in order.
#include "scalar.cuh"

#define ALL_TAPS 4
#define BLOCK_ROWS 256

// Rows of u, [rows][all], and of the past, [sequences][past] of [k, v, u].
struct Rows {
    const float *u, *past_rows;
    unsigned all, steps, past;
};

// u `back` steps before a row, or none.
__device__ __forceinline__ const float* before(const Rows& rows, unsigned row, unsigned back) {
    const unsigned step = row % rows.steps;
    if (step >= back) return rows.u + (unsigned long long)(row - back) * rows.all;
    const unsigned further = back - step;
    if (further > rows.past) return 0;
    const unsigned long long sequence = row / rows.steps;
    return rows.past_rows + (((sequence + 1) * rows.past - further) * 3 + 2) * rows.all;
}

// `heads` is [window, slope, dilation, 0] of each, `width` channels wide; `weights` is [taps][all], then the
// bias, [all].
extern "C" __global__ void __launch_bounds__(256) convolution(
    const uint4* __restrict__ heads, const float* __restrict__ weights, const float* __restrict__ u,
    const float* __restrict__ past_rows, float* __restrict__ sums, unsigned width, unsigned all, unsigned steps,
    unsigned past, unsigned rows
) {
    const unsigned at = blockIdx.x * blockDim.x + threadIdx.x;
    if (at >= rows * all) return;
    const unsigned row = at / all, channel = at % all, dilation = __ldg(heads + channel / width).z;
    const Rows given = {u, past_rows, all, steps, past};
    float sum = weights[ALL_TAPS * all + channel];
#pragma unroll
    for (unsigned tap = 0; tap < ALL_TAPS; tap++) {
        const float* from = before(given, row, (ALL_TAPS - 1 - tap) * dilation);
        if (from != 0) sum = fma_of(weights[tap * all + channel], from[channel], sum);
    }
    sums[at] = sum;
}

// du, to which is added what comes through the taps.
extern "C" __global__ void __launch_bounds__(256) convolution_input_gradient(
    const uint4* __restrict__ heads, const float* __restrict__ weights, const float* __restrict__ gradient,
    float* __restrict__ du, unsigned width, unsigned all, unsigned steps, unsigned rows
) {
    const unsigned at = blockIdx.x * blockDim.x + threadIdx.x;
    if (at >= rows * all) return;
    const unsigned row = at / all, channel = at % all, dilation = __ldg(heads + channel / width).z;
    float sum = du[at];
#pragma unroll
    for (unsigned tap = 0; tap < ALL_TAPS; tap++) {
        const unsigned ahead = (ALL_TAPS - 1 - tap) * dilation;
        if (row % steps + ahead < steps) {
            const float from = gradient[(unsigned long long)(row + ahead) * all + channel];
            sum = fma_of(weights[tap * all + channel], from, sum);
        }
    }
    du[at] = sum;
}

// dw and db of a block of rows: `parts` is [blocks][taps + 1][all].
extern "C" __global__ void __launch_bounds__(256) convolution_weight_gradient(
    const uint4* __restrict__ heads, const float* __restrict__ u, const float* __restrict__ past_rows,
    const float* __restrict__ gradient, float* __restrict__ parts, unsigned width, unsigned all, unsigned steps,
    unsigned past, unsigned rows
) {
    const unsigned at = blockIdx.x * blockDim.x + threadIdx.x;
    if (at >= (ALL_TAPS + 1) * all) return;
    const unsigned tap = at / all, channel = at % all, dilation = __ldg(heads + channel / width).z;
    const unsigned first = blockIdx.y * BLOCK_ROWS, left = rows - first;
    const unsigned end = first + (left < BLOCK_ROWS ? left : BLOCK_ROWS);
    const Rows given = {u, past_rows, all, steps, past};
    float sum = 0.0f;
    if (tap == ALL_TAPS) {
#pragma unroll 4
        for (unsigned row = first; row < end; row++) {
            sum = plus(sum, gradient[(unsigned long long)row * all + channel]);
        }
    } else {
        const unsigned back = (ALL_TAPS - 1 - tap) * dilation;
#pragma unroll 4
        for (unsigned row = first; row < end; row++) {
            const float* from = before(given, row, back);
            if (from != 0) sum = fma_of(from[channel], gradient[(unsigned long long)row * all + channel], sum);
        }
    }
    parts[(unsigned long long)blockIdx.y * (ALL_TAPS + 1) * all + at] = sum;
}
