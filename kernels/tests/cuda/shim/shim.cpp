// The kernels, compiled for the host, and the machine that runs them.
#include <cstdio>
#include <cstdlib>
#include <ucontext.h>
#include <utility>
#include <vector>

#include "cuda.hpp"

// A broken kernel is compiled with those of its own side alone.
#include "norm.cu"
#undef TILE
#include "fourier.cu"
#include "heads.cu"
#include "rows.cu"
#ifndef TRAINING_ALONE
#define INFERENCE(KNOWN) KNOWN
#include "linear.cu"
#include "mixer.cu"
#else
#define INFERENCE(KNOWN)
#endif
#ifndef INFERENCE_ALONE
#define TRAINING(KNOWN) KNOWN
#include "products.cu"
#include "attention.cu"
#include "convolution.cu"
#include "gate.cu"
#include "activation.cu"
#include "losses.cu"
#include "optimiser.cu"
#else
#define TRAINING(KNOWN)
#endif

namespace {
constexpr unsigned SHARED = 49152, STACK = 64 << 10, GUARD = 1024;
constexpr unsigned char UNSET = 0xff;  // four of them are a NaN

struct Fiber {
    ucontext_t context;
    Place thread;
    bool done = false;
    // What it waits for: 0 nothing, 1 its warp, 2 its block.
    int waits = 0;
    float value = 0;
};

std::vector<Fiber> fibers;
std::vector<char> stacks;
ucontext_t scheduler;
unsigned current = 0;
void (*body)(void**) = nullptr;
void** arguments = nullptr;
const char* failure = nullptr;

std::uint64_t draw(std::uint64_t& seed) {
    seed = seed * 6364136223846793005ull + 1442695040888963407ull;
    return seed >> 33;
}

void start() {
    body(arguments);
    fibers[current].done = true;
    swapcontext(&fibers[current].context, &scheduler);
}

void give_way(int waits) {
    const unsigned self = current;
    fibers[self].waits = waits;
    swapcontext(&fibers[self].context, &scheduler);
}

// Frees those of first..last that wait, if all do that are not done.
bool meet(unsigned first, unsigned last, int at) {
    unsigned here = 0, running = 0;
    for (unsigned thread = first; thread < last; thread++) {
        if (fibers[thread].done) continue;
        running++;
        here += fibers[thread].waits == at;
    }
    if (running == 0 || here != running) return false;
    for (unsigned thread = first; thread < last; thread++) fibers[thread].waits = 0;
    return true;
}

void run_block(std::uint64_t seed) {
    const unsigned count = blockDim.x * blockDim.y * blockDim.z;
    if (fibers.size() < count) fibers.resize(count);
    if (stacks.size() < (std::size_t)count * STACK) stacks.resize((std::size_t)count * STACK);
    std::vector<unsigned> order(count);
    for (unsigned thread = 0; thread < count; thread++) {
        Fiber& fiber = fibers[thread];
        fiber.done = false;
        fiber.waits = 0;
        fiber.thread = {thread % blockDim.x, thread / blockDim.x % blockDim.y, thread / blockDim.x / blockDim.y};
        getcontext(&fiber.context);
        fiber.context.uc_stack.ss_sp = stacks.data() + (std::size_t)thread * STACK;
        fiber.context.uc_stack.ss_size = STACK;
        fiber.context.uc_link = nullptr;
        makecontext(&fiber.context, start, 0);
        order[thread] = thread;
    }
    if (seed != 0) {
        for (unsigned at = count - 1; at > 0; at--) std::swap(order[at], order[draw(seed) % (at + 1)]);
    }
    while (failure == nullptr) {
        bool any = false, moved = false;
        for (unsigned thread : order) {
            Fiber& fiber = fibers[thread];
            if (fiber.done) continue;
            any = true;
            if (fiber.waits != 0) continue;
            moved = true;
            current = thread;
            threadIdx = fiber.thread;
            swapcontext(&scheduler, &fiber.context);
        }
        if (!any) return;
        for (unsigned first = 0; first < count; first += 32) {
            moved |= meet(first, first + 32 < count ? first + 32 : count, 1);
        }
        moved |= meet(0, count, 2);
        if (!moved) failure = "a barrier or shuffle that not all threads reach";
    }
}

template <typename... T, std::size_t... At>
void call(void (*kernel)(T...), void** words, std::index_sequence<At...>) {
    kernel(*static_cast<T*>(words[At])...);
}
template <auto KERNEL> struct Of;
template <typename... T, void (*KERNEL)(T...)> struct Of<KERNEL> {
    static void run(void** words) { call(KERNEL, words, std::index_sequence_for<T...>()); }
};

struct Known {
    const char* name;
    void (*run)(void**);
};
#define KNOWN(KERNEL) {#KERNEL, Of<KERNEL>::run},
#define I(KERNEL) INFERENCE(KNOWN(KERNEL))
#define T(KERNEL) TRAINING(KNOWN(KERNEL))
const Known KERNELS[] = {
    // clang-format off
    KNOWN(copy_rows) KNOWN(rms_norm) KNOWN(norm_factors) KNOWN(norm_scale) KNOWN(norm_input_gradient)
    KNOWN(norm_gain_gradient) KNOWN(fourier) KNOWN(phase_gradient) KNOWN(heads) KNOWN(heads_gradient)
    I(linear_f32_1) I(linear_f32_2) I(linear_f32_8) I(linear_bf16_1) I(linear_bf16_2) I(linear_bf16_8)
    I(linear_int8_1) I(linear_int8_2) I(linear_int8_8) I(mix_step) I(mix_sequence)
    T(product) T(input_gradient) T(weight_gradient) T(add_blocks) T(square_sums) T(adam)
    T(attention) T(attention_query_gradient) T(attention_key_gradient) T(convolution)
    T(convolution_input_gradient) T(convolution_weight_gradient) T(gate) T(gate_gradient) T(silu) T(silu_gradient)
    T(swiglu) T(swiglu_gradient) T(losses) T(loss_sums)
    // clang-format on
};
}  // namespace

Place threadIdx, blockIdx, blockDim, gridDim;
alignas(64) float shared_memory[(SHARED + GUARD) / 4];

void __syncthreads() { give_way(2); }

float __shfl_xor_sync(unsigned mask, float value, int apart) {
    const unsigned self = current, count = blockDim.x * blockDim.y * blockDim.z;
    if (mask != 0xffffffffu || count % 32 != 0) failure = "a shuffle of less than a warp";
    fibers[self].value = value;
    give_way(1);
    const float other = fibers[self ^ (unsigned)apart].value;
    // Nobody may write the next value before all have read this one.
    give_way(1);
    return other;
}

// Runs a kernel; 0, or why it could not be.
extern "C" const char* shim_launch(
    const char* name, const unsigned* grid, const unsigned* block, unsigned shared, std::uint64_t seed, void** words
) {
    const Known* found = nullptr;
    for (const Known& known : KERNELS) {
        if (std::strcmp(known.name, name) == 0) found = &known;
    }
    const unsigned threads = block[0] * block[1] * block[2];
    if (found == nullptr) return "no such kernel";
    if (threads == 0 || threads > 1024 || shared > SHARED || grid[0] == 0 || grid[1] == 0) {
        return "a launch that no card has";
    }
    body = found->run;
    arguments = words;
    failure = nullptr;
    gridDim = {grid[0], grid[1], 1};
    blockDim = {block[0], block[1], block[2]};
    for (unsigned at = 0; at < grid[0] * grid[1] && failure == nullptr; at++) {
        // Blocks come in any order, too.
        const unsigned number = seed % 2 == 0 ? at : grid[0] * grid[1] - 1 - at;
        blockIdx = {number % grid[0], number / grid[0], 0};
        std::memset(shared_memory, UNSET, SHARED + GUARD);
        run_block(seed == 0 ? 0 : seed + at);
        const unsigned char* bytes = reinterpret_cast<const unsigned char*>(shared_memory);
        for (unsigned behind = shared; behind < SHARED + GUARD && failure == nullptr; behind++) {
            if (bytes[behind] != UNSET) failure = "a write behind the shared memory";
        }
    }
    return failure;
}
