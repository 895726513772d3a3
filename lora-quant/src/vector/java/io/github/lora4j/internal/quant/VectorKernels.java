package io.github.lora4j.internal.quant;

import io.github.lora4j.tensor.DType;
import java.nio.ByteBuffer;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShuffle;
import jdk.incubator.vector.VectorSpecies;

/**
 * The loops with the Vector API, for JVMs started with {@code --add-modules jdk.incubator.vector}:
 * a code book fits into one or two registers, and looking up is moving lanes about.
 *
 * <p>Only arrays are loaded and stored, which the API offers in the same way from JDK 17 on. The
 * copies between arrays and tensors come nearly for free: the processor need not read what a long
 * copy overwrites.
 */
final class VectorKernels implements FourBitKernels {

  private static final VectorSpecies<Float> FLOATS =
      FloatVector.SPECIES_PREFERRED.length() > 16
          ? FloatVector.SPECIES_512
          : FloatVector.SPECIES_PREFERRED;
  private static final int LANES = FLOATS.length();
  private static final VectorSpecies<Integer> INTS = FLOATS.vectorShape().withLanes(int.class);
  private static final VectorSpecies<Byte> BYTES =
      LANES == 16 ? ByteVector.SPECIES_128 : ByteVector.SPECIES_64;

  /** Each of the first half of the lanes twice, and of the second half. */
  private static final VectorShuffle<Integer> FIRST = VectorShuffle.fromOp(INTS, i -> i / 2);

  private static final VectorShuffle<Integer> SECOND =
      VectorShuffle.fromOp(INTS, i -> LANES / 2 + i / 2);

  /** Elements that are decoded before they go out. */
  private static final int STRETCH = 1 << 14;

  private final PlainKernels plain;
  private final float[] codeBook;
  private final int blocksize;
  private final int[] highFirst = new int[LANES];

  private VectorKernels(QuantType type, int blocksize) {
    this.plain = new PlainKernels(type, blocksize);
    this.codeBook = type.codeBook();
    this.blocksize = blocksize;
    for (int i = 0; i < LANES; i += 2) {
      highFirst[i] = 4;
    }
  }

  /** Makes them where a code book fits into two registers. */
  static final class Factory implements KernelChoice.Factory {

    @Override
    public boolean suitsThisProcessor() {
      return LANES >= 8;
    }

    @Override
    public FourBitKernels kernels(QuantType type, int blocksize) {
      return new VectorKernels(type, blocksize);
    }
  }

  @Override
  public void floats(ByteBuffer packed, float[] absmax, int count, ByteBuffer out) {
    int whole = count / blocksize * blocksize;
    int size = Math.min(STRETCH, whole);
    byte[] codes = new byte[size / 2];
    float[] values = new float[size];
    var target = out.asFloatBuffer();
    for (int from = 0; from < whole; from += size) {
      int length = Math.min(size, whole - from);
      packed.get(from / 2, codes, 0, length / 2);
      floats(codes, absmax, from / blocksize, length, values);
      target.put(from, values, 0, length);
    }
    if (whole < count) {
      plain.floats(
          rest(packed, whole / 2),
          new float[] {absmax[whole / blocksize]},
          count - whole,
          rest(out, 4 * whole));
    }
  }

  private void floats(byte[] codes, float[] absmax, int firstBlock, int count, float[] values) {
    IntVector shifts = IntVector.fromArray(INTS, highFirst, 0);
    FloatVector low = FloatVector.fromArray(FLOATS, codeBook, 0);
    FloatVector high = FloatVector.fromArray(FLOATS, codeBook, 16 - LANES);
    for (int block = 0; block * blocksize < count; block++) {
      float scale = absmax[firstBlock + block];
      IntVector lowBits = low.mul(scale).reinterpretAsInts();
      IntVector highBits = high.mul(scale).reinterpretAsInts();
      int to = (block + 1) * blocksize / 2;
      for (int i = block * blocksize / 2; i < to; i += LANES) {
        IntVector bytes = load(codes, i);
        IntVector a = bytes.rearrange(FIRST).lanewise(VectorOperators.LSHR, shifts).and(15);
        IntVector b = bytes.rearrange(SECOND).lanewise(VectorOperators.LSHR, shifts).and(15);
        look(a, lowBits, highBits).reinterpretAsFloats().intoArray(values, 2 * i);
        look(b, lowBits, highBits).reinterpretAsFloats().intoArray(values, 2 * i + LANES);
      }
    }
  }

  @Override
  public void halves(ByteBuffer packed, float[] absmax, int count, ByteBuffer out, DType dtype) {
    int whole = count / blocksize * blocksize;
    int size = Math.min(STRETCH, whole);
    byte[] codes = new byte[size / 2];
    int[] pairs = new int[size / 2];
    var target = out.asIntBuffer();
    for (int from = 0; from < whole; from += size) {
      int length = Math.min(size, whole - from);
      packed.get(from / 2, codes, 0, length / 2);
      pairs(codes, absmax, from / blocksize, length, pairs, dtype);
      target.put(from / 2, pairs, 0, length / 2);
    }
    if (whole < count) {
      plain.halves(
          rest(packed, whole / 2),
          new float[] {absmax[whole / blocksize]},
          count - whole,
          rest(out, 2 * whole),
          dtype);
    }
  }

  private void pairs(
      byte[] codes, float[] absmax, int firstBlock, int count, int[] pairs, DType dtype) {
    int[] table = new int[16];
    FloatVector lowBook = FloatVector.fromArray(FLOATS, codeBook, 0);
    FloatVector highBook = FloatVector.fromArray(FLOATS, codeBook, 16 - LANES);
    for (int block = 0; block * blocksize < count; block++) {
      float scale = absmax[firstBlock + block];
      IntVector low;
      IntVector high;
      if (dtype == DType.BF16 && scale == scale) {
        low = toBfloat16(lowBook.mul(scale));
        high = toBfloat16(highBook.mul(scale));
      } else {
        plain.halfTable(scale, dtype, table);
        low = IntVector.fromArray(INTS, table, 0);
        high = IntVector.fromArray(INTS, table, 16 - LANES);
      }
      IntVector lowUp = low.lanewise(VectorOperators.LSHL, 16);
      IntVector highUp = high.lanewise(VectorOperators.LSHL, 16);
      int to = (block + 1) * blocksize / 2;
      for (int i = block * blocksize / 2; i < to; i += LANES) {
        IntVector bytes = load(codes, i);
        IntVector first = look(bytes.lanewise(VectorOperators.LSHR, 4).and(15), low, high);
        look(bytes.and(15), lowUp, highUp).or(first).intoArray(pairs, i);
      }
    }
  }

  @Override
  public float dot(byte[] codes, int at, int bytes, float[] absmax, int block, float[] x, int xAt) {
    IntVector low = FloatVector.fromArray(FLOATS, codeBook, 0).reinterpretAsInts();
    IntVector high = FloatVector.fromArray(FLOATS, codeBook, 16 - LANES).reinterpretAsInts();
    FloatVector sum = FloatVector.zero(FLOATS);
    int half = blocksize / 2;
    for (int from = 0; from < bytes; from += half) {
      FloatVector first = FloatVector.zero(FLOATS);
      FloatVector second = FloatVector.zero(FLOATS);
      for (int i = from; i < from + half; i += LANES) {
        IntVector both = load(codes, at + i);
        first =
            look(both.lanewise(VectorOperators.LSHR, 4).and(15), low, high)
                .reinterpretAsFloats()
                .fma(FloatVector.fromArray(FLOATS, x, xAt + 2 * i), first);
        second =
            look(both.and(15), low, high)
                .reinterpretAsFloats()
                .fma(FloatVector.fromArray(FLOATS, x, xAt + 2 * i + LANES), second);
      }
      sum = first.add(second).fma(FloatVector.broadcast(FLOATS, absmax[block + from / half]), sum);
    }
    return sum.reduceLanes(VectorOperators.ADD);
  }

  @Override
  public int mostRows() {
    // Half as wide takes twice as long for a row, and decoding hardly longer.
    return LANES == 16 ? 4 : 2;
  }

  /** The even ones of a stretch before the odd ones, as the halves of the bytes come. */
  @Override
  public float[] arrange(float[] x) {
    float[] arranged = new float[x.length];
    for (int from = 0; from < x.length; from += 2 * LANES) {
      for (int i = 0; i < LANES; i++) {
        arranged[from + i] = x[from + 2 * i];
        arranged[from + LANES + i] = x[from + 2 * i + 1];
      }
    }
    return arranged;
  }

  /** Rounds numbers to the nearest, ties to even. */
  private static IntVector toBfloat16(FloatVector values) {
    IntVector bits = values.reinterpretAsInts();
    return bits.add(bits.lanewise(VectorOperators.LSHR, 16).and(1))
        .add(0x7fff)
        .lanewise(VectorOperators.LSHR, 16);
  }

  /** As many bytes as there are lanes; their upper bits are of no use. */
  private static IntVector load(byte[] codes, int at) {
    return (IntVector) ByteVector.fromArray(BYTES, codes, at).castShape(INTS, 0);
  }

  /**
   * Looks sixteen entries up.
   *
   * @param low as many of the first entries as there are lanes
   * @param high as many of the last
   */
  private static IntVector look(IntVector codes, IntVector low, IntVector high) {
    if (LANES == 16) {
      return codes.selectFrom(low);
    }
    IntVector within = codes.and(7);
    VectorMask<Integer> upper = codes.compare(VectorOperators.GT, 7);
    return within.selectFrom(low).blend(within.selectFrom(high), upper);
  }

  private static ByteBuffer rest(ByteBuffer buffer, int from) {
    return buffer.slice(from, buffer.limit() - from).order(buffer.order());
  }
}
