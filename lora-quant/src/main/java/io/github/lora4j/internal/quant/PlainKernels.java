package io.github.lora4j.internal.quant;

import io.github.lora4j.tensor.DType;
import java.nio.ByteBuffer;
import java.util.Arrays;

/** The loops in plain Java: values are looked up, and two go out at a time. */
final class PlainKernels implements FourBitKernels {

  private final float[] codeBook;
  private final int blocksize;
  // The two values of each byte.
  private final float[] first = new float[256];
  private final float[] second = new float[256];

  PlainKernels(QuantType type, int blocksize) {
    this.codeBook = type.codeBook();
    this.blocksize = blocksize;
    for (int codes = 0; codes < 256; codes++) {
      first[codes] = codeBook[codes >>> 4];
      second[codes] = codeBook[codes & 15];
    }
  }

  @Override
  public void floats(ByteBuffer packed, float[] absmax, int count, ByteBuffer out) {
    long[] low = new long[16];
    long[] high = new long[16];
    for (int block = 0; block * blocksize < count; block++) {
      for (int code = 0; code < 16; code++) {
        long bits = Float.floatToRawIntBits(codeBook[code] * absmax[block]) & 0xffffffffL;
        low[code] = bits;
        high[code] = bits << 32;
      }
      int from = block * blocksize / 2;
      int to = Math.min(from + blocksize / 2, count / 2);
      for (int i = from; i < to; i++) {
        int codes = packed.get(i);
        out.putLong(8 * i, low[(codes >>> 4) & 15] | high[codes & 15]);
      }
    }
    if (count % 2 == 1) {
      out.putInt(4 * (count - 1), (int) low[(packed.get(count / 2) >>> 4) & 15]);
    }
  }

  @Override
  public void halves(ByteBuffer packed, float[] absmax, int count, ByteBuffer out, DType dtype) {
    int[] low = new int[16];
    int[] high = new int[16];
    for (int block = 0; block * blocksize < count; block++) {
      halfTable(absmax[block], dtype, low);
      for (int code = 0; code < 16; code++) {
        high[code] = low[code] << 16;
      }
      int from = block * blocksize / 2;
      int to = Math.min(from + blocksize / 2, count / 2);
      for (int i = from; i < to; i++) {
        int codes = packed.get(i);
        out.putInt(4 * i, low[(codes >>> 4) & 15] | high[codes & 15]);
      }
    }
    if (count % 2 == 1) {
      out.putShort(2 * (count - 1), (short) low[(packed.get(count / 2) >>> 4) & 15]);
    }
  }

  /** The values of all codes in 16 bits. */
  void halfTable(float absmax, DType dtype, int[] table) {
    if (dtype == DType.BF16 && absmax == absmax) {
      for (int code = 0; code < 16; code++) {
        int bits = Float.floatToRawIntBits(codeBook[code] * absmax);
        table[code] = (bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16;
      }
    } else if (dtype == DType.BF16) {
      Arrays.fill(table, Halves.toBfloat16(absmax) & 0xffff);
    } else {
      for (int code = 0; code < 16; code++) {
        table[code] = Halves.toFloat16(codeBook[code] * absmax) & 0xffff;
      }
    }
  }

  @Override
  public float dot(byte[] codes, int at, int bytes, float[] absmax, int block, float[] x, int xAt) {
    float sum = 0;
    int half = blocksize / 2;
    for (int from = 0; from < bytes; from += half) {
      // Four sums keep the adders busy: each waits for its own last one only.
      float a = 0;
      float b = 0;
      float c = 0;
      float d = 0;
      for (int i = from; i < from + half; i += 2) {
        int one = codes[at + i] & 0xff;
        int next = codes[at + i + 1] & 0xff;
        int element = xAt + 2 * i;
        a += first[one] * x[element];
        b += second[one] * x[element + 1];
        c += first[next] * x[element + 2];
        d += second[next] * x[element + 3];
      }
      sum += ((a + b) + (c + d)) * absmax[block + from / half];
    }
    return sum;
  }

  @Override
  public int mostRows() {
    return 1;
  }

  @Override
  public float[] arrange(float[] x) {
    return x;
  }
}
