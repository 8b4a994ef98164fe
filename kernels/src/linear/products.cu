// The three products of a matrix in training: the bits of `products.rs`, and so of `plain.rs`.
//
// A block makes 64 x 64 outputs, a thread 4 x 4 of them, as chains over all terms, in blocks of 256 whose sums
// are added in order. Terms come into shared memory 16 at a time, by all threads, while those before are
// multiplied: 8 values out of shared memory are worth 16 fused multiply-adds. threadIdx.x = (4 rows of 16, 4
// outputs of 16), blockIdx.x = (64 rows, 64 outputs).
//
// Of a gradient of weights the terms are the batch's rows, thousands of them, and outputs may be few. Then
// blockIdx.y is a block of 256 terms, whose sums go to memory, and `add_blocks` adds them in order: the blocks
// are those of the rule, so how many there are at once never shows.
//
// Chains: `product` as long as a row of x, `input_gradient` of G, `weight_gradient` a block of 256.
#include "scalar.cuh"

// Terms of a chain.
#define TERMS 256
// Outputs of a block in each direction, and of a thread.
#define SQUARE 64
#define OWN 4
// Terms in shared memory at a time.
#define DEPTH 16
// A row of them: four floats more, so that rows begin in other banks and at whole fours.
#define APART 68
#define THREADS 256

extern __shared__ __align__(16) float shared_memory[];

// Values that are multiplied: `count` rows (or outputs) of x (or W), of which a term is ALONG memory, or rows are.
struct Side {
    const float* from;
    unsigned long long stride;
    unsigned first, count;
};

// Four of 64 x 16 values. ONES: the last row is all ones.
template <bool ALONG, bool ONES>
__device__ __forceinline__ void fetch(float (&to)[OWN], const Side& side, unsigned first, unsigned end) {
#pragma unroll
    for (unsigned each = 0; each < OWN; each++) {
        const unsigned at = ALONG ? threadIdx.x / DEPTH + DEPTH * each : threadIdx.x % SQUARE;
        const unsigned term = first + (ALONG ? threadIdx.x % DEPTH : threadIdx.x / SQUARE + OWN * each);
        const unsigned row = side.first + at;
        float value = 0.0f;
        if (row < side.count && term < end) {
            if (ONES && row + 1 == side.count) {
                value = 1.0f;
            } else {
                value = __ldg(side.from + (ALONG ? row * side.stride + term : term * side.stride + row));
            }
        }
        to[each] = value;
    }
}

// Into shared memory, all rows of a term side by side.
template <bool ALONG> __device__ __forceinline__ void keep(const float (&from)[OWN], float* tile) {
#pragma unroll
    for (unsigned each = 0; each < OWN; each++) {
        const unsigned at = ALONG ? threadIdx.x / DEPTH + DEPTH * each : threadIdx.x % SQUARE;
        const unsigned term = ALONG ? threadIdx.x % DEPTH : threadIdx.x / SQUARE + OWN * each;
        tile[term * APART + at] = from[each];
    }
}

// One term of 4 x 4 chains.
__device__ __forceinline__ void add_term(float (&sum)[OWN][OWN], const float* x, const float* w) {
    const float4 rows = four_of(x), outputs = four_of(w);
    const float left[OWN] = {rows.x, rows.y, rows.z, rows.w};
    const float right[OWN] = {outputs.x, outputs.y, outputs.z, outputs.w};
#pragma unroll
    for (int row = 0; row < OWN; row++) {
#pragma unroll
        for (int output = 0; output < OWN; output++) {
            sum[row][output] = fma_of(left[row], right[output], sum[row][output]);
        }
    }
}

// The sums over terms begin..end, begin being the first of a block of 256.
template <bool X_ALONG, bool W_ALONG, bool ONES>
__device__ __forceinline__ void sums_of(
    float (&total)[OWN][OWN], const Side& x, const Side& w, unsigned begin, unsigned end
) {
    float* x_tile = shared_memory;                 // [DEPTH][APART]
    float* w_tile = x_tile + DEPTH * APART;        // [DEPTH][APART]
    const unsigned row = threadIdx.x / DEPTH * OWN, output = threadIdx.x % DEPTH * OWN;
    const bool any = x.first + row < x.count && w.first + output < w.count;
    float sum[OWN][OWN], x_next[OWN], w_next[OWN];
#pragma unroll
    for (int at = 0; at < OWN * OWN; at++) total[at / OWN][at % OWN] = sum[at / OWN][at % OWN] = 0.0f;
    fetch<X_ALONG, ONES>(x_next, x, begin, end);
    fetch<W_ALONG, false>(w_next, w, begin, end);
#pragma unroll 1
    for (unsigned first = begin; first < end; first += DEPTH) {
        __syncthreads();
        keep<X_ALONG>(x_next, x_tile);
        keep<W_ALONG>(w_next, w_tile);
        __syncthreads();
        fetch<X_ALONG, ONES>(x_next, x, first + DEPTH, end);
        fetch<W_ALONG, false>(w_next, w, first + DEPTH, end);
        if (!any) continue;
        const unsigned left = end - first;
        if (left >= DEPTH) {
#pragma unroll 4
            for (unsigned term = 0; term < DEPTH; term++) {
                add_term(sum, x_tile + term * APART + row, w_tile + term * APART + output);
            }
        } else {
            // What fills the last tile must not be multiplied: -0 + 0 is +0.
#pragma unroll 1
            for (unsigned term = 0; term < left; term++) {
                add_term(sum, x_tile + term * APART + row, w_tile + term * APART + output);
            }
        }
        if (first % TERMS == TERMS - DEPTH || left <= DEPTH) {
            const bool fresh = first - begin < TERMS;
#pragma unroll
            for (int at = 0; at < OWN * OWN; at++) {
                float& all = total[at / OWN][at % OWN];
                all = fresh ? sum[at / OWN][at % OWN] : plus(all, sum[at / OWN][at % OWN]);
                sum[at / OWN][at % OWN] = 0.0f;
            }
        }
    }
}

// y = x W + b, or y + that; without a bias it is +0. W_ALONG: a row of W has an output's terms.
template <bool W_ALONG>
__device__ __forceinline__ void multiply_rows(
    const float* x, unsigned long long x_stride, const float* w, unsigned long long w_stride, const float* bias,
    float* y, unsigned long long y_stride, unsigned rows, unsigned outputs, unsigned terms, unsigned add
) {
    const unsigned across = (outputs + SQUARE - 1) / SQUARE;
    const Side left = {x, x_stride, blockIdx.x / across * SQUARE, rows};
    const Side right = {w, w_stride, blockIdx.x % across * SQUARE, outputs};
    float total[OWN][OWN];
    sums_of<true, W_ALONG, false>(total, left, right, 0, terms);
    const unsigned row = left.first + threadIdx.x / DEPTH * OWN;
    const unsigned output = right.first + threadIdx.x % DEPTH * OWN;
#pragma unroll
    for (unsigned at = 0; at < OWN * OWN; at++) {
        if (row + at / OWN >= rows || output + at % OWN >= outputs) continue;
        float* to = y + (row + at / OWN) * y_stride + output + at % OWN;
        const float value = plus(total[at / OWN][at % OWN], bias == 0 ? 0.0f : __ldg(bias + output + at % OWN));
        *to = add != 0 ? plus(*to, value) : value;
    }
}

// y = x W + b.
extern "C" __global__ void __launch_bounds__(THREADS) product(
    const float* x, unsigned long long x_stride, const float* w, unsigned long long w_stride, const float* bias,
    float* y, unsigned long long y_stride, unsigned rows, unsigned outputs, unsigned terms, unsigned add
) {
    multiply_rows<false>(x, x_stride, w, w_stride, bias, y, y_stride, rows, outputs, terms, add);
}

// dx = G W'.
extern "C" __global__ void __launch_bounds__(THREADS) input_gradient(
    const float* x, unsigned long long x_stride, const float* w, unsigned long long w_stride, const float* bias,
    float* y, unsigned long long y_stride, unsigned rows, unsigned outputs, unsigned terms, unsigned add
) {
    multiply_rows<true>(x, x_stride, w, w_stride, bias, y, y_stride, rows, outputs, terms, add);
}

// dW = x' G and db = sum of G, which is one more input that is always 1; with more blocks than one in
// blockIdx.y their sums go to `parts`, [blocks][inputs + 1][outputs].
extern "C" __global__ void __launch_bounds__(THREADS) weight_gradient(
    const float* x, unsigned long long x_stride, const float* gradient, unsigned long long gradient_stride,
    float* matrix, float* bias, float* parts, unsigned inputs, unsigned outputs, unsigned terms
) {
    const unsigned across = (outputs + SQUARE - 1) / SQUARE;
    const Side left = {x, x_stride, blockIdx.x / across * SQUARE, inputs + 1};
    const Side right = {gradient, gradient_stride, blockIdx.x % across * SQUARE, outputs};
    const bool all = gridDim.y == 1;
    const unsigned begin = blockIdx.y * TERMS, end = all || terms - begin < TERMS ? terms : begin + TERMS;
    float total[OWN][OWN];
    sums_of<false, false, true>(total, left, right, begin, end);
    const unsigned input = left.first + threadIdx.x / DEPTH * OWN;
    const unsigned output = right.first + threadIdx.x % DEPTH * OWN;
#pragma unroll
    for (unsigned at = 0; at < OWN * OWN; at++) {
        const unsigned row = input + at / OWN, column = output + at % OWN;
        if (row > inputs || column >= outputs) continue;
        const unsigned long long place = (unsigned long long)row * outputs + column;
        const float value = total[at / OWN][at % OWN];
        if (!all) {
            parts[(unsigned long long)blockIdx.y * (inputs + 1) * outputs + place] = value;
        } else if (row < inputs) {
            matrix[place] = plus(value, 0.0f);
        } else {
            bias[column] = plus(value, 0.0f);
        }
    }
}

// Sums of blocks, [blocks][first + second], are added in order, then `last`, of which -0 changes nothing. A
// thread has one; the first of them go to one place, the others to another.
extern "C" __global__ void __launch_bounds__(THREADS) add_blocks(
    const float* __restrict__ parts, unsigned blocks, float* first_to, unsigned first, float* second_to,
    unsigned second, float last
) {
    const unsigned at = blockIdx.x * blockDim.x + threadIdx.x, each = first + second;
    if (at >= each) return;
    float total = parts[at];
#pragma unroll 4
    for (unsigned block = 1; block < blocks; block++) {
        total = plus(total, parts[(unsigned long long)block * each + at]);
    }
    total = plus(total, last);
    if (at < first) {
        first_to[at] = total;
    } else {
        second_to[at - first] = total;
    }
}
