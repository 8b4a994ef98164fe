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

// In training a block has 32 rows, of which each thread of its first warp makes one chain, out of shared memory
// that all of its threads have filled, 32 columns at a time. Chains: the width, 768.
#define CHAIN_ROWS 32
#define CHAIN_COLUMNS 32
// Rows begin in other banks.
#define CHAIN_APART 33
#define GAIN_ROWS 256

// One tile of rows from the block's first on.
__device__ __forceinline__ void fetch_tile(
    float* to, const float* from, unsigned long long stride, unsigned rows, unsigned first, unsigned width
) {
    for (unsigned at = threadIdx.x; at < CHAIN_ROWS * CHAIN_COLUMNS; at += blockDim.x) {
        const unsigned long long row = blockIdx.x * CHAIN_ROWS + at / CHAIN_COLUMNS;
        const unsigned column = first + at % CHAIN_COLUMNS;
        if (row < rows && column < width) {
            to[at / CHAIN_COLUMNS * CHAIN_APART + at % CHAIN_COLUMNS] = from[row * stride + column];
        }
    }
}

// r of each row.
extern "C" __global__ void __launch_bounds__(256) norm_factors(
    const float* __restrict__ x, unsigned long long x_stride, float* __restrict__ factors, unsigned rows,
    unsigned width, float epsilon
) {
    const unsigned row = blockIdx.x * CHAIN_ROWS + threadIdx.x;
    const bool mine = threadIdx.x < CHAIN_ROWS && row < rows;
    const float* own = shared_memory + threadIdx.x * CHAIN_APART;
    float sum = 0.0f;
    for (unsigned first = 0; first < width; first += CHAIN_COLUMNS) {
        const unsigned left = width - first, count = left < CHAIN_COLUMNS ? left : CHAIN_COLUMNS;
        fetch_tile(shared_memory, x, x_stride, rows, first, width);
        __syncthreads();
        if (mine) {
#pragma unroll 8
            for (unsigned at = 0; at < count; at++) sum = fma_of(own[at], own[at], sum);
        }
        __syncthreads();
    }
    if (mine) factors[row] = over(1.0f, __fsqrt_rn(plus(over(sum, __uint2float_rn(width)), epsilon)));
}

// y = (x r) g. A thread has one value.
extern "C" __global__ void __launch_bounds__(256) norm_scale(
    const float* __restrict__ gain, const float* __restrict__ x, unsigned long long x_stride,
    const float* __restrict__ factors, float* __restrict__ y, unsigned long long y_stride, unsigned rows,
    unsigned width
) {
    const unsigned at = blockIdx.x * blockDim.x + threadIdx.x;
    if (at >= rows * width) return;
    const unsigned row = at / width, column = at % width;
    y[row * y_stride + column] = times(times(x[row * x_stride + column], factors[row]), gain[column]);
}

// dx, stored or added: first the chain over (G g) x, then all threads take the rows' values.
extern "C" __global__ void __launch_bounds__(256) norm_input_gradient(
    const float* __restrict__ gain, const float* __restrict__ x, unsigned long long x_stride,
    const float* __restrict__ factors, const float* __restrict__ gradient, unsigned long long gradient_stride,
    float* __restrict__ dx, unsigned long long dx_stride, unsigned rows, unsigned width, unsigned add
) {
    float* xs = shared_memory;                               // [CHAIN_ROWS][CHAIN_APART]
    float* gradients = xs + CHAIN_ROWS * CHAIN_APART;        // [CHAIN_ROWS][CHAIN_APART]
    float* parts = gradients + CHAIN_ROWS * CHAIN_APART;     // [CHAIN_ROWS]
    const unsigned first_row = blockIdx.x * CHAIN_ROWS, row = first_row + threadIdx.x;
    const bool mine = threadIdx.x < CHAIN_ROWS && row < rows;
    float sum = 0.0f;
    for (unsigned first = 0; first < width; first += CHAIN_COLUMNS) {
        const unsigned left = width - first, count = left < CHAIN_COLUMNS ? left : CHAIN_COLUMNS;
        fetch_tile(xs, x, x_stride, rows, first, width);
        fetch_tile(gradients, gradient, gradient_stride, rows, first, width);
        __syncthreads();
        if (mine) {
            const float *own = xs + threadIdx.x * CHAIN_APART, *given = gradients + threadIdx.x * CHAIN_APART;
#pragma unroll 8
            for (unsigned at = 0; at < count; at++) {
                sum = fma_of(times(given[at], gain[first + at]), own[at], sum);
            }
        }
        __syncthreads();
    }
    if (mine) {
        const float r = factors[row];
        parts[threadIdx.x] = times(over(times(r, r), __uint2float_rn(width)), sum);
    }
    __syncthreads();
    const unsigned left = rows - first_row, count = left < CHAIN_ROWS ? left : CHAIN_ROWS;
    for (unsigned at = threadIdx.x; at < count * width; at += blockDim.x) {
        const unsigned within = at / width, column = at % width;
        const unsigned long long place = first_row + within;
        const float given = times(gradient[place * gradient_stride + column], gain[column]);
        const float moved = fma_of(-x[place * x_stride + column], parts[within], given);
        const float value = times(factors[place], moved);
        float* to = dx + place * dx_stride + column;
        *to = add != 0 ? plus(*to, value) : value;
    }
}

// dg of a block of 256 rows (blockIdx.y): `parts` is [blocks][width], and `add_blocks` adds them in order. A
// thread has one column.
extern "C" __global__ void __launch_bounds__(256) norm_gain_gradient(
    const float* __restrict__ x, unsigned long long x_stride, const float* __restrict__ factors,
    const float* __restrict__ gradient, unsigned long long gradient_stride, float* __restrict__ parts,
    unsigned rows, unsigned width
) {
    const unsigned column = blockIdx.x * blockDim.x + threadIdx.x;
    if (column >= width) return;
    const unsigned first = blockIdx.y * GAIN_ROWS, left = rows - first;
    const unsigned end = first + (left < GAIN_ROWS ? left : GAIN_ROWS);
    float sum = 0.0f;
#pragma unroll 4
    for (unsigned row = first; row < end; row++) {
        const float scaled = times(x[row * x_stride + column], factors[row]);
        sum = fma_of(gradient[row * gradient_stride + column], scaled, sum);
    }
    parts[(unsigned long long)blockIdx.y * width + column] = sum;
}
