// What CUDA's words mean where threads run one after another on the host. Blocks of threads run
// twice: in the first round their shared memory is filled, in the second it is what all have written.

#include <cstring>
#include <utility>

#define __global__
#define __device__
#define __shared__ static

struct Dim {
  unsigned x;
};
static Dim gridDim, blockDim, blockIdx, threadIdx;

static void __syncthreads() {}

static float __fmul_rn(float a, float b) { return a * b; }

static float __fadd_rn(float a, float b) { return a + b; }

static unsigned __float_as_uint(float value) {
  unsigned bits;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
}

static float __uint_as_float(unsigned bits) {
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

struct alignas(16) uint4 {
  unsigned x, y, z, w;
};

static uint4 make_uint4(unsigned x, unsigned y, unsigned z, unsigned w) { return {x, y, z, w}; }

/** As cuLaunchKernel, which is given the place of each argument's bytes. */
template <class... A, std::size_t... I>
static void launch(
    void (*kernel)(A...), unsigned blocks, unsigned threads, void** arguments,
    std::index_sequence<I...>) {
  gridDim = {blocks};
  blockDim = {threads};
  for (unsigned block = 0; block < blocks; block++) {
    for (int round = 0; round < 2; round++) {
      for (unsigned thread = 0; thread < threads; thread++) {
        blockIdx = {block};
        threadIdx = {thread};
        kernel(*(A*)arguments[I]...);
      }
    }
  }
}

template <class... A>
static void launch(void (*kernel)(A...), unsigned blocks, unsigned threads, void** arguments) {
  launch(kernel, blocks, threads, arguments, std::index_sequence_for<A...>());
}

#define LAUNCHER(kernel)                                                                  \
  extern "C" void launch_##kernel(unsigned blocks, unsigned threads, void** arguments) {   \
    launch(kernel, blocks, threads, arguments);                                           \
  }
