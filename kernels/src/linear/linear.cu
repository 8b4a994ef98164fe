// y = epilogue(x W + b): the bits of `plain.rs`.
//
// A thread has one output of up to ROWS rows in one block of 256 inputs: its chain of fused multiply-adds is
// never split, and the blocks of an output, which rule 1 makes independent, run side by side. Sums of blocks
// meet in shared memory and are added in order.
//
// threadIdx = (output within a panel of 8, block of inputs, panel), blockIdx.x = (rows, panels).
//
// Weights lie in panels of 8 outputs, [inputs / G][8][G], G weights being 16 bytes: one load of a thread is 16
// bytes, a quarter of a warp reads one line of 128, and half a chain's loads are under way before the first is
// needed. Of int8 a byte becomes a float without a conversion: it is written into the last bits of 2^23.
#include "scalar.cuh"

#define PANEL 8
#define BLOCK 256
// A block's inputs in shared memory and 4 more, so that four blocks lie in other banks.
#define PADDED 260

#define STORE 0
#define SILU 1
#define ADD 2
#define SWIGLU 3

extern __shared__ __align__(16) float shared_memory[];

struct F32 {
    enum { GROUP = 4 };
    static __device__ __forceinline__ float weight(const unsigned (&word)[4], int at) {
        return __uint_as_float(word[at]);
    }
    static __device__ __forceinline__ float one(const uint4* group, unsigned at) {
        return __ldg(reinterpret_cast<const float*>(group) + at);
    }
};

struct Bf16 {
    enum { GROUP = 8 };
    static __device__ __forceinline__ float weight(const unsigned (&word)[4], int at) {
        unsigned both = word[at >> 1];
        return __uint_as_float((at & 1) == 0 ? both << 16 : both & 0xffff0000u);
    }
    static __device__ __forceinline__ float one(const uint4* group, unsigned at) {
        return __uint_as_float((unsigned)__ldg(reinterpret_cast<const unsigned short*>(group) + at) << 16);
    }
};

struct Int8 {
    enum { GROUP = 16 };
    // byte + 128 in the last bits of 2^23; what is taken away leaves the byte, without rounding.
    static __device__ __forceinline__ float weight(const unsigned (&word)[4], int at) {
        unsigned shifted = word[at >> 2] ^ 0x80808080u;
        return plus(__uint_as_float(__byte_perm(shifted, 0x4b000000u, 0x7540u | (at & 3))), -8388736.0f);
    }
    static __device__ __forceinline__ float one(const uint4* group, unsigned at) {
        return __int2float_rn(__ldg(reinterpret_cast<const signed char*>(group) + at));
    }
};

__device__ __forceinline__ void load_words(unsigned (&word)[4], const uint4* from) {
    uint4 words = __ldg(from);
    word[0] = words.x;
    word[1] = words.y;
    word[2] = words.z;
    word[3] = words.w;
}

// The inputs of a group, times its weights.
template <typename Format, int ROWS>
__device__ __forceinline__ void multiply(
    float (&sum)[ROWS], const unsigned (&word)[4], const float* x, unsigned row_stride
) {
#pragma unroll
    for (int four = 0; four < Format::GROUP; four += 4) {
        const float w0 = Format::weight(word, four), w1 = Format::weight(word, four + 1);
        const float w2 = Format::weight(word, four + 2), w3 = Format::weight(word, four + 3);
#pragma unroll
        for (int row = 0; row < ROWS; row++) {
            const float4 inputs = four_of(x + row * row_stride + four);
            sum[row] = fma_of(inputs.x, w0, sum[row]);
            sum[row] = fma_of(inputs.y, w1, sum[row]);
            sum[row] = fma_of(inputs.z, w2, sum[row]);
            sum[row] = fma_of(inputs.w, w3, sum[row]);
        }
    }
}

// A chain of 256 inputs or fewer. The weights of AHEAD groups are asked for before the first is needed.
template <typename Format, int ROWS, int AHEAD>
__device__ __forceinline__ void chain(
    float (&sum)[ROWS], const uint4* __restrict__ weights, const float* x, unsigned row_stride, unsigned count
) {
    const unsigned whole = count / Format::GROUP, rest = count % Format::GROUP;
#pragma unroll
    for (int row = 0; row < ROWS; row++) sum[row] = 0.0f;
    unsigned group = 0;
#pragma unroll 1
    for (; group + AHEAD <= whole; group += AHEAD) {
        unsigned words[AHEAD][4];
#pragma unroll
        for (int at = 0; at < AHEAD; at++) load_words(words[at], weights + (group + at) * PANEL);
#pragma unroll
        for (int at = 0; at < AHEAD; at++) {
            multiply<Format, ROWS>(sum, words[at], x + (group + at) * Format::GROUP, row_stride);
        }
    }
#pragma unroll 1
    for (; group < whole; group++) {
        unsigned word[4];
        load_words(word, weights + group * PANEL);
        multiply<Format, ROWS>(sum, word, x + group * Format::GROUP, row_stride);
    }
    // What fills the last group must not be multiplied: -0 + 0 is +0.
#pragma unroll 1
    for (unsigned at = 0; at < rest; at++) {
        const float w = Format::one(weights + whole * PANEL, at);
#pragma unroll
        for (int row = 0; row < ROWS; row++) {
            sum[row] = fma_of(x[row * row_stride + whole * Format::GROUP + at], w, sum[row]);
        }
    }
}

// One output of one row, of the sum over all inputs.
__device__ __forceinline__ float value_of(float total, const float* bias, const float* scales, unsigned column) {
    return scales == 0 ? plus(total, __ldg(bias + column)) : fma_of(total, __ldg(scales + column), __ldg(bias + column));
}

template <typename Format, int ROWS, int AHEAD>
__device__ __forceinline__ void linear(
    const uint4* __restrict__ weights,
    const float* __restrict__ bias,
    const float* __restrict__ scales,
    const float* __restrict__ x,
    unsigned long long x_stride,
    float* y,
    unsigned long long y_stride,
    unsigned inputs,
    unsigned outputs,
    unsigned rows,
    unsigned epilogue
) {
    const unsigned together = blockDim.y, panels = blockDim.z, width = panels * PANEL;
    const unsigned threads = PANEL * together * panels;
    const unsigned thread = (threadIdx.z * together + threadIdx.y) * PANEL + threadIdx.x;
    const unsigned all_panels = (outputs + PANEL - 1) / PANEL, strips = (all_panels + panels - 1) / panels;
    const unsigned strip = blockIdx.x % strips, first_row = blockIdx.x / strips * ROWS;
    const unsigned first_panel = strip * panels, panel = first_panel + threadIdx.z;
    const unsigned blocks = (inputs + BLOCK - 1) / BLOCK;
    const unsigned groups = (inputs + Format::GROUP - 1) / Format::GROUP;
    float* staged = shared_memory;                             // [ROWS][together][PADDED]
    float* sums = staged + ROWS * together * PADDED;           // [ROWS][together][width]
    float* totals = sums + ROWS * together * width;            // [ROWS][width]

    for (unsigned first = 0; first < blocks; first += together) {
#pragma unroll 1
        for (unsigned at = thread; at < ROWS * together * BLOCK; at += threads) {
            unsigned within = at % BLOCK, block = at / BLOCK % together, row = at / BLOCK / together;
            unsigned k = (first + block) * BLOCK + within;
            bool there = k < inputs && first_row + row < rows;
            staged[(row * together + block) * PADDED + within] =
                there ? x[(first_row + row) * x_stride + k] : 0.0f;
        }
        __syncthreads();
        const unsigned block = first + threadIdx.y;
        if (panel < all_panels && block < blocks) {
            float sum[ROWS];
            unsigned rest = inputs - block * BLOCK, count = rest < BLOCK ? rest : BLOCK;
            unsigned long long group = (unsigned long long)panel * groups + block * (BLOCK / Format::GROUP);
            chain<Format, ROWS, AHEAD>(
                sum, weights + group * PANEL + threadIdx.x, staged + threadIdx.y * PADDED, together * PADDED, count
            );
#pragma unroll
            for (int row = 0; row < ROWS; row++) {
                sums[(row * together + threadIdx.y) * width + threadIdx.z * PANEL + threadIdx.x] = sum[row];
            }
        }
        __syncthreads();
        const unsigned left = blocks - first, here = left < together ? left : together;
#pragma unroll 1
        for (unsigned at = thread; at < ROWS * width; at += threads) {
            unsigned row = at / width, column = at % width;
            if (first_panel + column / PANEL < all_panels) {
                const float* of = sums + row * together * width + column;
                float total = first == 0 ? of[0] : plus(totals[at], of[0]);
#pragma unroll 1
                for (unsigned block = 1; block < here; block++) total = plus(total, of[block * width]);
                totals[at] = total;
            }
        }
    }
    __syncthreads();

#pragma unroll 1
    for (unsigned at = thread; at < ROWS * width; at += threads) {
        unsigned row = first_row + at / width, column = at % width;
        unsigned here = first_panel + column / PANEL, within = column % PANEL;
        if (here >= all_panels || row >= rows) continue;
        float* to = y + row * y_stride;
        if (epilogue == SWIGLU) {
            // Four outputs of the first half, then their partners.
            if (within < PANEL / 2) {
                float alpha = value_of(totals[at], bias, scales, here * PANEL + within);
                float beta = value_of(totals[at + PANEL / 2], bias, scales, here * PANEL + within + PANEL / 2);
                to[here * (PANEL / 2) + within] = times(times(alpha, sigmoid(alpha)), beta);
            }
        } else if (here * PANEL + within < outputs) {
            unsigned output = here * PANEL + within;
            float value = value_of(totals[at], bias, scales, output);
            if (epilogue == SILU) value = times(value, sigmoid(value));
            if (epilogue == ADD) value = plus(to[output], value);
            to[output] = value;
        }
    }
}

#define LINEAR(NAME, FORMAT, ROWS, AHEAD)                                                                      \
    extern "C" __global__ void __launch_bounds__(128, 1) NAME(                                                 \
        const uint4* weights, const float* bias, const float* scales, const float* x,                          \
        unsigned long long x_stride, float* y, unsigned long long y_stride, unsigned inputs, unsigned outputs, \
        unsigned rows, unsigned epilogue                                                                       \
    ) {                                                                                                        \
        linear<FORMAT, ROWS, AHEAD>(                                                                           \
            weights, bias, scales, x, x_stride, y, y_stride, inputs, outputs, rows, epilogue                   \
        );                                                                                                     \
    }

LINEAR(linear_f32_1, F32, 1, 32)
LINEAR(linear_f32_2, F32, 2, 32)
LINEAR(linear_f32_8, F32, 8, 16)
LINEAR(linear_bf16_1, Bf16, 1, 16)
LINEAR(linear_bf16_2, Bf16, 2, 16)
LINEAR(linear_bf16_8, Bf16, 8, 8)
LINEAR(linear_int8_1, Int8, 1, 8)
LINEAR(linear_int8_2, Int8, 2, 8)
LINEAR(linear_int8_8, Int8, 8, 4)
