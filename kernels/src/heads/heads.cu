// From the heads' sums to quantiles, disagreement, volatility, scale: the bits of `mod.rs`.
//
// A thread has one output of one row. Means over members begin anew from their sums, so that no thread waits
// for another.
#include "scalar.cuh"

#define ACTIONS 3
#define QUANTILES 5

// One of the five quantiles of (c, u1, u2, d1, d2).
__device__ __forceinline__ float quantile(const float* raw, unsigned which) {
    const float median = raw[0];
    if (which == 2) return median;
    const float near = softplus(raw[which > 2 ? 1 : 3]);
    const float inner = which > 2 ? plus(median, near) : minus(median, near);
    if (which == 3 || which == 1) return inner;
    const float far = softplus(raw[which > 2 ? 2 : 4]);
    return which > 2 ? plus(inner, far) : minus(inner, far);
}

extern "C" __global__ void __launch_bounds__(256) heads(
    const float* __restrict__ raw, float* __restrict__ out, unsigned members, unsigned horizons, unsigned rows
) {
    const unsigned means = horizons * QUANTILES, all = members * means;
    const unsigned raw_risk = ACTIONS + 1, raw_impact = raw_risk + horizons + 1, raw_all = raw_impact + 1;
    const unsigned volatility = ACTIONS + 1, scale = volatility + horizons, mean = scale + 2;
    const unsigned disagreement = mean + means, quantiles = disagreement + horizons, width = quantiles + all;
    const unsigned at = blockIdx.x * blockDim.x + threadIdx.x;
    if (at >= rows * width) return;
    const unsigned row = at / width, column = at % width;
    const float* from = raw + (unsigned long long)row * (raw_all + all);
    float value;
    if (column < volatility) {
        value = from[column];
    } else if (column < scale) {
        value = plus(softplus(from[raw_risk + column - volatility]), 1e-3f);
    } else if (column == scale) {
        value = sigmoid(from[raw_risk + horizons]);
    } else if (column == scale + 1) {
        value = softplus(from[raw_impact]);
    } else if (column < disagreement) {
        const unsigned horizon = (column - mean) / QUANTILES, which = (column - mean) % QUANTILES;
        value = 0.0f;
        for (unsigned member = 0; member < members; member++) {
            value = plus(value, quantile(from + raw_all + (member * horizons + horizon) * QUANTILES, which));
        }
        value = over(value, __uint2float_rn(members));
    } else if (column < quantiles) {
        const float* medians = from + raw_all + (column - disagreement) * QUANTILES;
        float middle = 0.0f, sum = 0.0f;
        for (unsigned member = 0; member < members; member++) middle = plus(middle, medians[member * means]);
        middle = over(middle, __uint2float_rn(members));
        for (unsigned member = 0; member < members; member++) {
            float apart = minus(medians[member * means], middle);
            sum = fma_of(apart, apart, sum);
        }
        value = __fsqrt_rn(over(sum, __uint2float_rn(members)));
    } else {
        const unsigned which = (column - quantiles) % QUANTILES;
        value = quantile(from + raw_all + (column - quantiles) - which, which);
    }
    out[(unsigned long long)row * width + column] = value;
}

// The gradient of the heads' sums, of that of their outputs. A thread has one sum of one row.
extern "C" __global__ void __launch_bounds__(256) heads_gradient(
    const float* __restrict__ raw, const float* __restrict__ out, const float* __restrict__ gradient,
    float* __restrict__ draw, unsigned members, unsigned horizons, unsigned rows
) {
    const unsigned means = horizons * QUANTILES, all = members * means;
    const unsigned raw_risk = ACTIONS + 1, raw_impact = raw_risk + horizons + 1, raw_all = raw_impact + 1;
    const unsigned volatility = ACTIONS + 1, scale = volatility + horizons;
    const unsigned quantiles = scale + 2 + means + horizons, width = quantiles + all;
    const unsigned at = blockIdx.x * blockDim.x + threadIdx.x;
    if (at >= rows * (raw_all + all)) return;
    const unsigned row = at / (raw_all + all), column = at % (raw_all + all);
    const float* given = gradient + (unsigned long long)row * width;
    float value;
    if (column < raw_risk) {
        value = given[column];
    } else if (column < raw_risk + horizons) {
        value = times(given[volatility + column - raw_risk], sigmoid(raw[at]));
    } else if (column < raw_impact) {
        const float share = out[(unsigned long long)row * width + scale];
        value = times(times(given[scale], share), minus(1.0f, share));
    } else if (column == raw_impact) {
        value = times(given[scale + 1], sigmoid(raw[at]));
    } else {
        // Of 5 %, 25 %, 50 %, 75 %, 95 %; and c, u1, u2, d1, d2 of what they are made.
        const unsigned which = (column - raw_all) % QUANTILES;
        const float* five = given + quantiles + (column - raw_all) - which;
        if (which == 0) {
            value = plus(plus(plus(plus(five[0], five[1]), five[2]), five[3]), five[4]);
        } else {
            float through = which == 1 ? plus(five[3], five[4]) : five[4];
            if (which == 3) through = -plus(five[1], five[0]);
            if (which == 4) through = -five[0];
            value = times(through, sigmoid(raw[at]));
        }
    }
    draw[at] = value;
}
