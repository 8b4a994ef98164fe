// The gradients' norm and AdamW: the bits of `mod.rs`.
#include "scalar.cuh"

// Values in a chain of the norm.
#define CHUNK 4096
// Chains of a block, and values of each in shared memory at a time.
#define CHAINS 32
#define WITHIN 32

extern __shared__ __align__(16) float shared_memory[];

// The sum of squares of each chunk, in f64: a chain of 4,096. A block has 32 chunks, which all of its threads
// fetch and each thread of the first warp adds one of. The host adds the chunks.
extern "C" __global__ void __launch_bounds__(256) square_sums(
    const float* __restrict__ values, unsigned long long count, double* __restrict__ sums, unsigned chunks
) {
    const unsigned chunk = blockIdx.x * CHAINS + threadIdx.x;
    double sum = 0.0;
    for (unsigned begin = 0; begin < CHUNK; begin += WITHIN) {
        for (unsigned at = threadIdx.x; at < CHAINS * WITHIN; at += blockDim.x) {
            const unsigned long long of = (unsigned long long)blockIdx.x * CHAINS + at / WITHIN;
            const unsigned long long place = of * CHUNK + begin + at % WITHIN;
            // A square of 0 changes no sum of squares.
            shared_memory[at / WITHIN * (WITHIN + 1) + at % WITHIN] = place < count ? values[place] : 0.0f;
        }
        __syncthreads();
        if (threadIdx.x < CHAINS) {
#pragma unroll 8
            for (unsigned at = 0; at < WITHIN; at++) {
                const double wide = (double)shared_memory[threadIdx.x * (WITHIN + 1) + at];
                sum = __fma_rn(wide, wide, sum);
            }
        }
        __syncthreads();
    }
    if (threadIdx.x < CHAINS && chunk < chunks) sums[chunk] = sum;
}

// One step for a run of weights; a thread has one.
extern "C" __global__ void __launch_bounds__(256) adam(
    const float* __restrict__ gradient, float* __restrict__ values, float* __restrict__ means,
    float* __restrict__ squares, unsigned count, float clip, float shrink, float one_minus_beta1, float beta2,
    float one_minus_beta2, float root_correction2, float epsilon, float size
) {
    const unsigned at = blockIdx.x * blockDim.x + threadIdx.x;
    if (at >= count) return;
    const float g = times(gradient[at], clip);
    const float m = plus(means[at], times(one_minus_beta1, minus(g, means[at])));
    const float v = plus(times(beta2, squares[at]), times(times(one_minus_beta2, g), g));
    means[at] = m;
    squares[at] = v;
    const float below = plus(over(__fsqrt_rn(v), root_correction2), epsilon);
    values[at] = minus(times(values[at], shrink), over(times(size, m), below));
}
