// What training makes small, and its gradient at the heads' outputs: the bits of `row.rs` and `mod.rs`.
//
// A thread has a row: its terms, in the order of `row.rs`, and its gradient. Then a thread has the sum of one
// term over all rows, in f64 and in order, out of shared memory that all threads have filled. Chains: 300
// quantiles of `full`; the batch's rows.
#include "scalar.cuh"

#define CHOICES 3
#define LEVELS 5
#define TERM_COUNT 9
// Rows whose terms are in shared memory at a time.
#define STAGED_ROWS 256
// Targets of a row before those of members and horizons.
#define OWN_TARGETS 8

extern __shared__ __align__(16) float shared_memory[];

// As the host wrote it, before the rows of targets.
struct Scales {
    float quantile, volatility, scale, impact, policy, value, entropy, kappa, ratio_clip, value_clip;
    unsigned has_policy, has_clip;
};
#define SCALES 12

// A row of targets: weight, edge, slippage, action and legal actions, then of the policy; then bootstrap weights
// of the members, returns of the horizons.
struct Targets {
    float weight, edge, slippage;
    // The action, and from bit 8 on whether each is legal.
    unsigned action;
    float log_probability, advantage, value, target;
};

__device__ __forceinline__ float tau_of(unsigned level) {
    return level == 0 ? 0.05f : level == 1 ? 0.25f : level == 2 ? 0.5f : level == 3 ? 0.75f : 0.95f;
}

__device__ __forceinline__ void policy_loss(
    const Scales& scales, const Targets& targets, const float* out, float* gradient, float* terms
) {
    const unsigned action = targets.action & 0xffu;
    bool legal[CHOICES];
    float largest = __int_as_float((int)0xff800000u);
#pragma unroll
    for (unsigned at = 0; at < CHOICES; at++) {
        legal[at] = (targets.action >> (8 + at) & 1u) != 0;
        if (legal[at] && out[at] > largest) largest = out[at];
    }
    float total = 0.0f;
#pragma unroll
    for (unsigned at = 0; at < CHOICES; at++) {
        if (legal[at]) total = plus(total, exp_of(minus(out[at], largest)));
    }
    const float level = ln_of(total);
    float log[CHOICES] = {}, probability[CHOICES] = {}, entropy = 0.0f, chosen = 0.0f;
#pragma unroll
    for (unsigned at = 0; at < CHOICES; at++) {
        if (legal[at]) {
            log[at] = minus(minus(out[at], largest), level);
            probability[at] = exp_of(log[at]);
            entropy = fma_of(-probability[at], log[at], entropy);
        }
        if (at == action) chosen = log[at];
    }
    const float moved = minus(chosen, targets.log_probability), ratio = exp_of(moved);
    const float low = minus(1.0f, scales.ratio_clip), high = plus(1.0f, scales.ratio_clip);
    const float clipped = ratio < low ? low : ratio > high ? high : ratio;
    const float loose = times(ratio, targets.advantage), held = times(clipped, targets.advantage);
    // No slope where the clipped one is smaller.
    const bool flat = targets.advantage >= 0.0f ? ratio > high : ratio < low;
    const float g = flat ? 0.0f : times(-loose, scales.policy);
#pragma unroll
    for (unsigned at = 0; at < CHOICES; at++) {
        if (legal[at]) {
            const float taken = at == action ? 1.0f : 0.0f;
            const float random = times(scales.entropy, times(probability[at], plus(log[at], entropy)));
            gradient[at] = fma_of(g, minus(taken, probability[at]), random);
        }
    }
    terms[4] = -(held < loose ? held : loose);
    terms[6] = entropy;
    terms[7] = minus(minus(ratio, 1.0f), moved);
    terms[8] = ratio < low || ratio > high ? 1.0f : 0.0f;
}

__device__ __forceinline__ void value_loss(
    const Scales& scales, const Targets& targets, const float* out, float* gradient, float* terms
) {
    const float value = out[CHOICES], apart = minus(value, targets.target);
    float square = times(apart, apart), slope = apart;
    if (scales.has_clip != 0) {
        const float clip = scales.value_clip, moved = minus(value, targets.value);
        const bool outside = moved > clip || moved < -clip;
        const float step = moved > clip ? clip : moved < -clip ? -clip : moved;
        const float held = minus(plus(targets.value, step), targets.target);
        if (outside && times(held, held) > square) {
            square = times(held, held);
            slope = 0.0f;
        }
    }
    gradient[CHOICES] = times(scales.value, slope);
    terms[5] = times(0.5f, square);
}

// `given` is the scales, then a row of targets for each row; `terms` is [rows][9].
extern "C" __global__ void __launch_bounds__(64) losses(
    const float* __restrict__ given, const float* __restrict__ outputs, float* __restrict__ gradients,
    float* __restrict__ terms, unsigned members, unsigned horizons, unsigned rows
) {
    const unsigned row = blockIdx.x * blockDim.x + threadIdx.x;
    if (row >= rows) return;
    const unsigned volatility = CHOICES + 1, scale = volatility + horizons;
    const unsigned quantiles = scale + 2 + horizons * LEVELS + horizons;
    const unsigned width = quantiles + members * horizons * LEVELS;
    const Scales scales = *reinterpret_cast<const Scales*>(given);
    const float* own = given + SCALES + (unsigned long long)row * (OWN_TARGETS + members + horizons);
    const Targets targets = {
        own[0], own[1], own[2], __float_as_uint(own[3]), own[4], own[5], own[6], own[7]
    };
    const float *bootstrap = own + OWN_TARGETS, *returns = bootstrap + members;
    const float* out = outputs + (unsigned long long)row * width;
    float* gradient = gradients + (unsigned long long)row * width;
    float* to = terms + (unsigned long long)row * TERM_COUNT;
    for (unsigned at = 0; at < quantiles; at++) gradient[at] = 0.0f;
    float found[TERM_COUNT] = {};
    if (targets.weight == 0.0f) {
        for (unsigned at = quantiles; at < width; at++) gradient[at] = 0.0f;
#pragma unroll
        for (unsigned at = 0; at < TERM_COUNT; at++) to[at] = 0.0f;
        return;
    }
    for (unsigned member = 0; member < members; member++) {
        const float weight = bootstrap[member], each = times(scales.quantile, weight);
        for (unsigned horizon = 0; horizon < horizons; horizon++) {
            const unsigned at = quantiles + (member * horizons + horizon) * LEVELS;
#pragma unroll
            for (unsigned level = 0; level < LEVELS; level++) {
                const float apart = minus(returns[horizon], out[at + level]), tau = tau_of(level);
                const float slope = apart >= 0.0f ? tau : minus(tau, 1.0f);
                found[0] = plus(found[0], times(weight, times(slope, apart)));
                gradient[at + level] = times(each, -slope);
            }
        }
    }
    for (unsigned horizon = 0; horizon < horizons; horizon++) {
        const float inverse = over(1.0f, out[volatility + horizon]), ratio = times(returns[horizon], inverse);
        found[1] = plus(found[1], fma_of(times(0.5f, ratio), ratio, ln_of(out[volatility + horizon])));
        const float slope = times(inverse, fma_of(-ratio, ratio, 1.0f));
        gradient[volatility + horizon] = times(scales.volatility, slope);
    }
    const float x = times(out[scale], targets.edge);
    found[2] = fma_of(times(times(0.5f, scales.kappa), x), x, -x);
    gradient[scale] = times(scales.scale, times(targets.edge, fma_of(scales.kappa, x, -1.0f)));
    const float apart = minus(out[scale + 1], targets.slippage);
    found[3] = times(times(0.5f, apart), apart);
    gradient[scale + 1] = times(scales.impact, apart);
    if (scales.has_policy != 0) {
        policy_loss(scales, targets, out, gradient, found);
        value_loss(scales, targets, out, gradient, found);
    }
#pragma unroll
    for (unsigned at = 0; at < TERM_COUNT; at++) to[at] = found[at];
}

// The sum of each term over all rows. One block.
extern "C" __global__ void __launch_bounds__(256) loss_sums(
    const float* __restrict__ terms, double* __restrict__ sums, unsigned rows
) {
    double sum = 0.0;
    for (unsigned first = 0; first < rows; first += STAGED_ROWS) {
        const unsigned left = rows - first, count = left < STAGED_ROWS ? left : STAGED_ROWS;
        for (unsigned at = threadIdx.x; at < count * TERM_COUNT; at += blockDim.x) {
            shared_memory[at] = terms[(unsigned long long)first * TERM_COUNT + at];
        }
        __syncthreads();
        if (threadIdx.x < TERM_COUNT) {
#pragma unroll 8
            for (unsigned row = 0; row < count; row++) {
                sum = __dadd_rn(sum, (double)shared_memory[row * TERM_COUNT + threadIdx.x]);
            }
        }
        __syncthreads();
    }
    if (threadIdx.x < TERM_COUNT) sums[threadIdx.x] = sum;
}
