// Windowed attention over whole sequences in training, and its gradients: the bits of `plain.rs`.
//
// A block has one head at eight steps of a sequence side by side (or eight keys), which see the same keys but
// for seven: blockIdx = (eight steps, head). First its threads run over keys, each with the dot products of a
// key and eight queries, chains over channels; then over (step, channel), each with a whole sum over keys,
// oldest first. Keys' gradients gather likewise: first over the steps that see eight keys, then over (key,
// channel), steps oldest first. So each sum has one thread, and nothing is added by two.
//
// Chains: a head's channels, 24 or 32; then the window, 256.
#include "scalar.cuh"

#define TOGETHER 8
// The largest score and 1/Z.
#define STATISTICS 2

extern __shared__ __align__(16) float shared_memory[];

// One head in one sequence.
struct View {
    unsigned width, all, window;
    float slope, scale;
    // Keys of the past that the first step sees.
    unsigned seen;
    // [q, k, v, gamma] of the first step; [k, v, u] of the oldest key that is seen.
    const float *rows, *past;
    // The row of the first step among all, the first of eight steps (or keys), and how many they are.
    unsigned long long row;
    unsigned first, count;
};

// `heads` is [window, slope, dilation, 0] of each.
__device__ __forceinline__ View view_of(
    const uint4* heads, const float* projected, const float* past_rows, unsigned width, unsigned all, float scale,
    unsigned steps, unsigned past
) {
    const uint4 head = __ldg(heads + blockIdx.y);
    const unsigned tiles = (steps + TOGETHER - 1) / TOGETHER;
    const unsigned long long sequence = blockIdx.x / tiles;
    View view;
    view.width = width;
    view.all = all;
    view.window = head.x;
    view.slope = __uint_as_float(head.y);
    view.scale = scale;
    view.seen = past < head.x - 1 ? past : head.x - 1;
    view.row = sequence * steps;
    view.rows = projected + view.row * 4 * all + blockIdx.y * width;
    view.past = past_rows + ((sequence + 1) * past - view.seen) * 3 * all + blockIdx.y * width;
    view.first = blockIdx.x % tiles * TOGETHER;
    view.count = steps - view.first < TOGETHER ? steps - view.first : TOGETHER;
    return view;
}

// q (0), k, v or gamma of a step.
__device__ __forceinline__ const float* part_of(const View& view, unsigned step, unsigned which) {
    return view.rows + ((unsigned long long)step * 4 + which) * view.all;
}

// Key (0) or value (1) by its number: those of the past come first.
__device__ __forceinline__ const float* key_of(const View& view, unsigned number, unsigned which) {
    if (number >= view.seen) return part_of(view, number - view.seen, 1 + which);
    return view.past + ((unsigned long long)number * 3 + which) * view.all;
}

// The oldest key that a step sees; its own has the number seen + step.
__device__ __forceinline__ unsigned oldest_of(const View& view, unsigned step) {
    const unsigned own = view.seen + step;
    return own >= view.window ? own + 1 - view.window : 0;
}

__device__ __forceinline__ float score_of(const View& view, float dot, unsigned distance) {
    return minus(times(dot, view.scale), times(view.slope, __uint2float_rn(distance)));
}

// a, [rows][all], and statistics, [rows][heads][2].
extern "C" __global__ void __launch_bounds__(256) attention(
    const uint4* __restrict__ heads, const float* __restrict__ projected, const float* __restrict__ past_rows,
    float* __restrict__ a, float* __restrict__ statistics, unsigned width, unsigned all, float scale,
    unsigned steps, unsigned past
) {
    const View view = view_of(heads, projected, past_rows, width, all, scale, steps, past);
    const unsigned oldest = oldest_of(view, view.first), newest = view.seen + view.first + view.count - 1;
    const unsigned keys = newest + 1 - oldest;
    float* queries = shared_memory;                // [TOGETHER][width]
    float* maxima = queries + TOGETHER * width;    // [TOGETHER]
    float* scores = maxima + TOGETHER;             // [TOGETHER][keys]
    for (unsigned at = threadIdx.x; at < TOGETHER * width; at += blockDim.x) {
        const unsigned query = at / width;
        queries[at] = query < view.count ? part_of(view, view.first + query, 0)[at % width] : 0.0f;
    }
    __syncthreads();
    for (unsigned key = threadIdx.x; key < keys; key += blockDim.x) {
        const float* channels = key_of(view, oldest + key, 0);
        float dot[TOGETHER] = {};
#pragma unroll 4
        for (unsigned channel = 0; channel < width; channel++) {
            const float value = channels[channel];
#pragma unroll
            for (unsigned query = 0; query < TOGETHER; query++) {
                dot[query] = fma_of(queries[query * width + channel], value, dot[query]);
            }
        }
#pragma unroll
        for (unsigned query = 0; query < TOGETHER; query++) {
            const unsigned own = view.seen + view.first + query, number = oldest + key;
            if (query < view.count && number <= own && own - number < view.window) {
                scores[query * keys + key] = score_of(view, dot[query], own - number);
            }
        }
    }
    __syncthreads();
    // A warp has the scores of a step. The largest is found by a tree, since it depends on no order.
    const unsigned lane = threadIdx.x % 32, warps = blockDim.x / 32;
    for (unsigned query = threadIdx.x / 32; query < view.count; query += warps) {
        const unsigned step = view.first + query, from = oldest_of(view, step) - oldest;
        const unsigned to = view.seen + step - oldest;
        float* own = scores + query * keys;
        float largest = __int_as_float((int)0xff800000u);
        for (unsigned key = from + lane; key <= to; key += 32) {
            if (own[key] > largest) largest = own[key];
        }
#pragma unroll
        for (int apart = 16; apart > 0; apart >>= 1) {
            const float other = __shfl_xor_sync(0xffffffffu, largest, apart);
            if (other > largest) largest = other;
        }
        for (unsigned key = from + lane; key <= to; key += 32) own[key] = exp_of(minus(own[key], largest));
        if (lane == 0) maxima[query] = largest;
    }
    __syncthreads();
    for (unsigned at = threadIdx.x; at < view.count * width; at += blockDim.x) {
        const unsigned query = at / width, channel = at % width, step = view.first + query;
        const unsigned from = oldest_of(view, step) - oldest, to = view.seen + step - oldest;
        float total = 0.0f, sum = 0.0f;
#pragma unroll 4
        for (unsigned key = from; key <= to; key++) {
            const float weight = scores[query * keys + key];
            total = plus(total, weight);
            sum = fma_of(weight, key_of(view, oldest + key, 1)[channel], sum);
        }
        const float share = over(1.0f, total);
        const unsigned long long row = view.row + step;
        a[row * all + blockIdx.y * width + channel] = times(sum, share);
        if (channel == 0) {
            float* kept = statistics + (row * gridDim.y + blockIdx.y) * STATISTICS;
            kept[0] = maxima[query];
            kept[1] = share;
        }
    }
}

// dq, in the first quarter of `dprojected`, and D, the sum of p dp of each step, [rows][heads].
extern "C" __global__ void __launch_bounds__(256) attention_query_gradient(
    const uint4* __restrict__ heads, const float* __restrict__ projected, const float* __restrict__ past_rows,
    const float* __restrict__ statistics, const float* __restrict__ gradient, float* __restrict__ dprojected,
    float* __restrict__ weighted, unsigned width, unsigned all, float scale, unsigned steps, unsigned past
) {
    const View view = view_of(heads, projected, past_rows, width, all, scale, steps, past);
    const unsigned oldest = oldest_of(view, view.first), newest = view.seen + view.first + view.count - 1;
    const unsigned keys = newest + 1 - oldest;
    float* queries = shared_memory;                    // [TOGETHER][width]
    float* gradients = queries + TOGETHER * width;     // [TOGETHER][width]
    float* sums = gradients + TOGETHER * width;        // [TOGETHER]
    float* p = sums + TOGETHER;                        // [TOGETHER][keys]
    float* ds = p + TOGETHER * keys;                   // [TOGETHER][keys]
    for (unsigned at = threadIdx.x; at < TOGETHER * width; at += blockDim.x) {
        const unsigned query = at / width, channel = at % width, step = view.first + query;
        const bool there = query < view.count;
        const unsigned long long place = (view.row + step) * all + blockIdx.y * width + channel;
        queries[at] = there ? part_of(view, step, 0)[channel] : 0.0f;
        gradients[at] = there ? gradient[place] : 0.0f;
    }
    __syncthreads();
    for (unsigned key = threadIdx.x; key < keys; key += blockDim.x) {
        const float *key_row = key_of(view, oldest + key, 0), *value_row = key_of(view, oldest + key, 1);
        float dot[TOGETHER] = {}, dp[TOGETHER] = {};
#pragma unroll 2
        for (unsigned channel = 0; channel < width; channel++) {
            const float k = key_row[channel], v = value_row[channel];
#pragma unroll
            for (unsigned query = 0; query < TOGETHER; query++) {
                dot[query] = fma_of(queries[query * width + channel], k, dot[query]);
                dp[query] = fma_of(gradients[query * width + channel], v, dp[query]);
            }
        }
#pragma unroll
        for (unsigned query = 0; query < TOGETHER; query++) {
            const unsigned own = view.seen + view.first + query, number = oldest + key;
            if (query < view.count && number <= own && own - number < view.window) {
                const unsigned long long row = view.row + view.first + query;
                const float* kept = statistics + (row * gridDim.y + blockIdx.y) * STATISTICS;
                const float score = score_of(view, dot[query], own - number);
                p[query * keys + key] = times(exp_of(minus(score, kept[0])), kept[1]);
                ds[query * keys + key] = dp[query];
            }
        }
    }
    __syncthreads();
    if (threadIdx.x < view.count) {
        const unsigned step = view.first + threadIdx.x, from = oldest_of(view, step) - oldest;
        const unsigned to = view.seen + step - oldest;
        const float *own_p = p + threadIdx.x * keys, *own_dp = ds + threadIdx.x * keys;
        float sum = 0.0f;
#pragma unroll 4
        for (unsigned key = from; key <= to; key++) sum = fma_of(own_p[key], own_dp[key], sum);
        sums[threadIdx.x] = sum;
        weighted[(view.row + step) * gridDim.y + blockIdx.y] = sum;
    }
    __syncthreads();
    for (unsigned at = threadIdx.x; at < view.count * keys; at += blockDim.x) {
        const unsigned query = at / keys, number = oldest + at % keys, own = view.seen + view.first + query;
        if (number <= own && own - number < view.window) ds[at] = times(p[at], minus(ds[at], sums[query]));
    }
    __syncthreads();
    for (unsigned at = threadIdx.x; at < view.count * width; at += blockDim.x) {
        const unsigned query = at / width, channel = at % width, step = view.first + query;
        const unsigned from = oldest_of(view, step) - oldest, to = view.seen + step - oldest;
        float sum = 0.0f;
#pragma unroll 4
        for (unsigned key = from; key <= to; key++) {
            sum = fma_of(ds[query * keys + key], key_of(view, oldest + key, 0)[channel], sum);
        }
        dprojected[(view.row + step) * 4 * all + blockIdx.y * width + channel] = times(sum, scale);
    }
}

// dk and dv, in the second and third quarter of `dprojected`. Eight keys of the sequence gather from the steps
// that see them; keys of the past are constants.
extern "C" __global__ void __launch_bounds__(256) attention_key_gradient(
    const uint4* __restrict__ heads, const float* __restrict__ projected, const float* __restrict__ statistics,
    const float* __restrict__ gradient, float* __restrict__ dprojected, const float* __restrict__ weighted,
    unsigned width, unsigned all, float scale, unsigned steps
) {
    const View view = view_of(heads, projected, projected, width, all, scale, steps, 0);
    const unsigned last_key = view.first + view.count - 1, rest = steps - last_key;
    const unsigned last = last_key + (rest < view.window ? rest : view.window) - 1;
    const unsigned span = last + 1 - view.first;
    float* keys = shared_memory;                   // [TOGETHER][width]
    float* values = keys + TOGETHER * width;       // [TOGETHER][width]
    float* p = values + TOGETHER * width;          // [TOGETHER][span]
    float* ds = p + TOGETHER * span;               // [TOGETHER][span]
    for (unsigned at = threadIdx.x; at < TOGETHER * width; at += blockDim.x) {
        const unsigned key = at / width, channel = at % width;
        const bool there = key < view.count;
        keys[at] = there ? part_of(view, view.first + key, 1)[channel] : 0.0f;
        values[at] = there ? part_of(view, view.first + key, 2)[channel] : 0.0f;
    }
    __syncthreads();
    for (unsigned at = threadIdx.x; at < span; at += blockDim.x) {
        const unsigned step = view.first + at;
        const unsigned long long row = view.row + step, head = row * gridDim.y + blockIdx.y;
        const float *query = part_of(view, step, 0), *g = gradient + row * all + blockIdx.y * width;
        float dot[TOGETHER] = {}, dp[TOGETHER] = {};
#pragma unroll 2
        for (unsigned channel = 0; channel < width; channel++) {
            const float q = query[channel], own = g[channel];
#pragma unroll
            for (unsigned key = 0; key < TOGETHER; key++) {
                dot[key] = fma_of(q, keys[key * width + channel], dot[key]);
                dp[key] = fma_of(own, values[key * width + channel], dp[key]);
            }
        }
        const float largest = statistics[head * STATISTICS], share = statistics[head * STATISTICS + 1];
        const float sum = weighted[head];
#pragma unroll
        for (unsigned key = 0; key < TOGETHER; key++) {
            if (key < view.count && at >= key && at - key < view.window) {
                const float weight = times(exp_of(minus(score_of(view, dot[key], at - key), largest)), share);
                p[key * span + at] = weight;
                ds[key * span + at] = times(weight, minus(dp[key], sum));
            }
        }
    }
    __syncthreads();
    for (unsigned item = threadIdx.x; item < view.count * width; item += blockDim.x) {
        const unsigned key = item / width, channel = item % width, left = span - key;
        const unsigned end = key + (left < view.window ? left : view.window);
        float dk = 0.0f, dv = 0.0f;
#pragma unroll 4
        for (unsigned at = key; at < end; at++) {
            const unsigned step = view.first + at;
            const float g = gradient[(view.row + step) * all + blockIdx.y * width + channel];
            dk = fma_of(ds[key * span + at], part_of(view, step, 0)[channel], dk);
            dv = fma_of(p[key * span + at], g, dv);
        }
        float* to = dprojected + (view.row + view.first + key) * 4 * all + blockIdx.y * width + channel;
        to[all] = times(dk, scale);
        to[2 * all] = dv;
    }
}
