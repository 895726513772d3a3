// Makes numbers of 4-bit codes: the code book's value times the scale of the block, in float32, then
// rounded to the nearest, ties to even. The bits are those of the CPU's loops.
//
// NVRTC compiles this at run time, so it includes nothing and uses only what the language has. A test
// compiles the same text for the host and compares all bits there.

/** The sixteen values by code. */
struct CodeBook {
  float values[16];
};

/** The scales of the blocks: either as they are, or coded themselves. */
struct Scales {
  const float* plain;          // [blocks], or null if they are coded
  const unsigned char* codes;  // [blocks]
  const float* codeMap;        // [256]
  const float* nested;         // a scale for each nestedBlocksize codes
  float offset;
  unsigned nestedBlocksize;

  // Two roundings, as on the CPU: a fused multiply-add would give other bits.
  __device__ float of(unsigned block) const {
    return plain != 0
        ? plain[block]
        : __fadd_rn(__fmul_rn(codeMap[codes[block]], nested[block / nestedBlocksize]), offset);
  }
};

struct Float32 {
  typedef unsigned Bits;

  static __device__ unsigned of(float value) { return __float_as_uint(value); }
};

struct Bfloat16 {
  typedef unsigned short Bits;

  static __device__ unsigned of(float value) {
    unsigned bits = __float_as_uint(value);
    return value != value ? bits >> 16 | 0x40 : (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
  }
};

struct Float16 {
  typedef unsigned short Bits;

  static __device__ unsigned of(float value) {
    unsigned bits = __float_as_uint(value);
    unsigned sign = bits >> 16 & 0x8000;
    unsigned magnitude = bits & 0x7fffffff;
    if (magnitude > 0x7f800000) {
      return sign | 0x7e00;
    }
    if (magnitude >= 0x47800000) {
      return sign | 0x7c00;
    }
    if (magnitude >= 0x38800000) {
      // A carry out of the mantissa is the next exponent, up to infinity.
      return sign | (magnitude + 0xfff + (magnitude >> 13 & 1) - 0x38000000) >> 13;
    }
    // Subnormal: adding 0.5 leaves the multiples of 2^-24 in the low bits, rounded by the hardware.
    return sign | (__float_as_uint(__fadd_rn(__uint_as_float(magnitude), 0.5f)) - 0x3f000000);
  }
};

/**
 * Decodes all elements. A thread reads two or four bytes at a time and writes sixteen, next to its
 * neighbours' on both sides; any grid of at least one block of at least 16 threads will do.
 *
 * codes: two in each byte, the first in the high half; blocks of 2^blockShift elements, at least 8.
 */
template <class To>
static __device__ void decode(
    const unsigned char* __restrict__ codes,
    const Scales& scales,
    const CodeBook& codeBook,
    unsigned blockShift,
    long long numel,
    typename To::Bits* __restrict__ out) {
  const int each = 16 / sizeof(typename To::Bits);
  // Sixteen values in sixteen banks: no two threads wait for each other.
  __shared__ float values[16];
  if (threadIdx.x < 16) {
    values[threadIdx.x] = codeBook.values[threadIdx.x];
  }
  __syncthreads();

  bool wide = ((unsigned long long)out & 15) == 0 && ((unsigned long long)codes & 3) == 0;
  long long stride = (long long)gridDim.x * blockDim.x * each;
  long long first = ((long long)blockIdx.x * blockDim.x + threadIdx.x) * each;
  for (; first < numel; first += stride) {
    float scale = scales.of((unsigned)(first >> blockShift));
    const unsigned char* from = codes + first / 2;
    if (wide && first + each <= numel) {
      unsigned packed = each == 8 ? *(const unsigned*)from : *(const unsigned short*)from;
      unsigned bits[each];
#pragma unroll
      for (int i = 0; i < each; i++) {
        int shift = 8 * (i / 2) + (i % 2 == 0 ? 4 : 0);
        bits[i] = To::of(__fmul_rn(values[packed >> shift & 15], scale));
      }
      uint4 words;
      if (each == 4) {
        words = make_uint4(bits[0], bits[1], bits[2], bits[3]);
      } else {
        words =
            make_uint4(
                bits[0] | bits[1] << 16,
                bits[2] | bits[3] << 16,
                bits[4 % each] | bits[5 % each] << 16,
                bits[6 % each] | bits[7 % each] << 16);
      }
      *(uint4*)(out + first) = words;
    } else {
      for (int i = 0; i < each && first + i < numel; i++) {
        int code = from[i / 2] >> (i % 2 == 0 ? 4 : 0) & 15;
        out[first + i] = (typename To::Bits)To::of(__fmul_rn(values[code], scale));
      }
    }
  }
}

#define DEQUANTIZE(name, To)                                                              \
  extern "C" __global__ void name(                                                        \
      const unsigned char* codes,                                                         \
      const float* absmax,                                                                \
      const unsigned char* codedAbsmax,                                                   \
      const float* codeMap,                                                               \
      const float* nestedAbsmax,                                                          \
      float offset,                                                                       \
      unsigned nestedBlocksize,                                                           \
      CodeBook codeBook,                                                                  \
      unsigned blockShift,                                                                \
      long long numel,                                                                    \
      To::Bits* out) {                                                                    \
    Scales scales = {absmax, codedAbsmax, codeMap, nestedAbsmax, offset, nestedBlocksize}; \
    decode<To>(codes, scales, codeBook, blockShift, numel, out);                          \
  }

DEQUANTIZE(dequantize_4bit_f32, Float32)
DEQUANTIZE(dequantize_4bit_bf16, Bfloat16)
DEQUANTIZE(dequantize_4bit_f16, Float16)
