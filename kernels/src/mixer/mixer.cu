// Windowed attention, causal convolution and their gated fusion: the bits of `plain.rs`.
//
// A block has one head at one step (blockIdx = (row, head)). Its threads first run over keys: each has the
// whole dot product of a key, a chain over channels; then over channels: each has the whole sum over values,
// a chain over keys, oldest first. Values come into shared memory by all threads at once, so that the chain,
// 4 cycles a key, does not wait for memory. Only the largest score is found by a tree, since it depends on no
// order.
#include "scalar.cuh"

#define TAPS 4
// Values in shared memory at a time.
#define TILE 6144
// Room for the largest score of each warp.
#define WARPS 32

extern __shared__ __align__(16) float shared_memory[];

// A head, as the host wrote it; places are in floats from the beginning of a layer's rings.
struct Head {
    unsigned window;
    float slope;
    unsigned dilation;
    unsigned keys, key_stride;
    unsigned values;
    unsigned history, history_rows;
};

// A stream: where its rings begin, and how many steps it has seen before this one.
struct StreamRow {
    unsigned long long state, step;
};

// Everything that a head's output at a step depends on.
struct Glance {
    unsigned width, all;
    float scale, slope;
    // Keys seen; the oldest is in slot `oldest`, and after slot `window - 1` comes slot 0.
    unsigned seen, oldest, window;
    const float* keys;
    unsigned long long key_slot, key_channel;
    const float* values;
    unsigned long long value_slot;
    const float *query, *gate;
    // The row of u under each tap, or none.
    const float* history[TAPS];
    const float *taps, *bias;
    float* y;
};

__device__ __forceinline__ unsigned slot_of(const Glance& glance, unsigned key) {
    unsigned slot = glance.oldest + key;
    return slot >= glance.window ? slot - glance.window : slot;
}

__device__ __forceinline__ void look(const Glance& glance) {
    float* maxima = shared_memory;              // [WARPS]
    float* scores = maxima + WARPS;             // [seen, in whole fours]
    float* tile = scores + (glance.seen + 3) / 4 * 4;   // [TILE]

    float largest = __int_as_float(0xff800000);
    for (unsigned key = threadIdx.x; key < glance.seen; key += blockDim.x) {
        const float* at = glance.keys + slot_of(glance, key) * glance.key_slot;
        float dot = 0.0f;
#pragma unroll 8
        for (unsigned channel = 0; channel < glance.width; channel++) {
            dot = fma_of(glance.query[channel], at[channel * glance.key_channel], dot);
        }
        float distance = __uint2float_rn(glance.seen - 1 - key);
        float score = minus(times(dot, glance.scale), times(glance.slope, distance));
        scores[key] = score;
        if (score > largest) largest = score;
    }
#pragma unroll
    for (int apart = 16; apart > 0; apart >>= 1) {
        float other = __shfl_xor_sync(0xffffffffu, largest, apart);
        if (other > largest) largest = other;
    }
    if (threadIdx.x % 32 == 0) maxima[threadIdx.x / 32] = largest;
    __syncthreads();
    for (unsigned warp = 0; warp < blockDim.x / 32; warp++) {
        if (maxima[warp] > largest) largest = maxima[warp];
    }
    for (unsigned key = threadIdx.x; key < glance.seen; key += blockDim.x) {
        scores[key] = exp_of(minus(scores[key], largest));
    }

    for (unsigned first = 0; first < glance.width; first += blockDim.x) {
        const unsigned left = glance.width - first, channels = left < blockDim.x ? left : blockDim.x;
        const unsigned rows = TILE / channels;
        float total = 0.0f, sum = 0.0f;
        for (unsigned begin = 0; begin < glance.seen; begin += rows) {
            const unsigned rest = glance.seen - begin, count = rest < rows ? rest : rows;
            __syncthreads();
            for (unsigned at = threadIdx.x; at < count * channels; at += blockDim.x) {
                unsigned key = at / channels, channel = at % channels;
                tile[at] = glance.values[slot_of(glance, begin + key) * glance.value_slot + first + channel];
            }
            __syncthreads();
            if (threadIdx.x < channels) {
#pragma unroll 8
                for (unsigned key = 0; key < count; key++) {
                    float weight = scores[begin + key];
                    total = plus(total, weight);
                    sum = fma_of(weight, tile[key * channels + threadIdx.x], sum);
                }
            }
        }
        if (threadIdx.x < channels) {
            const unsigned channel = first + threadIdx.x;
            float a = times(sum, over(1.0f, total));
            float p = glance.bias[channel];
#pragma unroll
            for (int tap = 0; tap < TAPS; tap++) {
                if (glance.history[tap] != 0) {
                    p = fma_of(glance.taps[tap * glance.all + channel], glance.history[tap][channel], p);
                }
            }
            float c = times(p, sigmoid(p));
            glance.y[channel] = fma_of(sigmoid(glance.gate[channel]), minus(a, c), c);
        }
    }
}

// One step of a stream: its key, value and u go into the rings first.
extern "C" __global__ void __launch_bounds__(256, 1) mix_step(
    float* state,
    const StreamRow* __restrict__ streams,
    const Head* __restrict__ heads,
    const float* __restrict__ taps,
    const float* __restrict__ bias,
    const float* __restrict__ projected,
    const float* __restrict__ u,
    float* __restrict__ y,
    unsigned width,
    unsigned all,
    float scale,
    unsigned long long layer
) {
    const unsigned long long row = blockIdx.x;
    const Head head = heads[blockIdx.y];
    const unsigned long long step = streams[row].step;
    float* rings = state + streams[row].state + layer;
    float* keys = rings + head.keys;
    float* values = rings + head.values;
    float* history = rings + head.history;
    const unsigned from = blockIdx.y * width;
    const float* parts = projected + row * 4 * all + from;
    const float* own = u + row * all + from;
    const unsigned slot = (unsigned)(step % head.window);
    const unsigned recent = (unsigned)(step % head.history_rows);
    for (unsigned channel = threadIdx.x; channel < width; channel += blockDim.x) {
        keys[channel * head.key_stride + slot] = parts[all + channel];
        values[slot * width + channel] = parts[2 * all + channel];
        history[recent * width + channel] = own[channel];
    }
    __syncthreads();

    Glance glance;
    const bool full = step >= head.window;
    glance.width = width;
    glance.all = all;
    glance.scale = scale;
    glance.slope = head.slope;
    glance.seen = full ? head.window : slot + 1;
    glance.oldest = full && slot + 1 < head.window ? slot + 1 : 0;
    glance.window = head.window;
    glance.keys = keys;
    glance.key_slot = 1;
    glance.key_channel = head.key_stride;
    glance.values = values;
    glance.value_slot = width;
    glance.query = parts;
    glance.gate = parts + 3 * all;
#pragma unroll
    for (int tap = 0; tap < TAPS; tap++) {
        const unsigned back = (TAPS - 1 - tap) * head.dilation;
        const unsigned before = recent >= back ? recent - back : recent + head.history_rows - back;
        glance.history[tap] = step >= back ? history + before * width : 0;
    }
    glance.taps = taps + from;
    glance.bias = bias + from;
    glance.y = y + row * all + from;
    look(glance);
}

// A step of whole sequences: row b * steps + t is step t of sequence b.
extern "C" __global__ void __launch_bounds__(256, 1) mix_sequence(
    const Head* __restrict__ heads,
    const float* __restrict__ taps,
    const float* __restrict__ bias,
    const float* __restrict__ projected,
    const float* __restrict__ u,
    float* __restrict__ y,
    unsigned width,
    unsigned all,
    float scale,
    unsigned steps
) {
    const unsigned long long row = blockIdx.x;
    const unsigned step = blockIdx.x % steps;
    const Head head = heads[blockIdx.y];
    const unsigned from = blockIdx.y * width;
    const float* parts = projected + row * 4 * all + from;
    const unsigned older = step < head.window ? step : head.window - 1;

    Glance glance;
    glance.width = width;
    glance.all = all;
    glance.scale = scale;
    glance.slope = head.slope;
    glance.seen = older + 1;
    glance.oldest = 0;
    glance.window = 0xffffffffu;
    glance.keys = parts - (unsigned long long)older * 4 * all + all;
    glance.key_slot = 4ull * all;
    glance.key_channel = 1;
    glance.values = glance.keys + all;
    glance.value_slot = 4ull * all;
    glance.query = parts;
    glance.gate = parts + 3 * all;
#pragma unroll
    for (int tap = 0; tap < TAPS; tap++) {
        const unsigned back = (TAPS - 1 - tap) * head.dilation;
        glance.history[tap] = step >= back ? u + (row - back) * all + from : 0;
    }
    glance.taps = taps + from;
    glance.bias = bias + from;
    glance.y = y + row * all + from;
    look(glance);
}
