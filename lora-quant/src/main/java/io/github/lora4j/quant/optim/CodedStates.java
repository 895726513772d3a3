package io.github.lora4j.quant.optim;

import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Device;
import io.github.lora4j.tensor.HostMemory;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;

/** States in 8 bits, with the largest magnitude of each block in float32. */
final class CodedStates implements States {

  private final Tensor codes; // [states of a weight, weights]
  private final Tensor scales; // [states of a weight, blocks]: all 0 at first, so all states are
  private final int perWeight;
  private final long weights;
  private final long blocks;

  CodedStates(int perWeight, long weights) {
    this.perWeight = perWeight;
    this.weights = weights;
    blocks = (weights + BLOCK - 1) / BLOCK;
    codes = TensorScope.keep(Tensor.zeros(DType.U8, Device.CPU, perWeight, weights));
    scales = TensorScope.keep(Tensor.zeros(DType.F32, Device.CPU, perWeight, blocks));
  }

  @Override
  public Part part(long from, int count) {
    HostMemory codeMemory = HostMemory.of(codes);
    HostMemory scaleMemory = HostMemory.of(scales);
    int ownBlocks = (count + BLOCK - 1) / BLOCK;
    Row[] rows = new Row[perWeight];
    for (int i = 0; i < perWeight; i++) {
      long firstScale = i * blocks + from / BLOCK;
      rows[i] =
          new Row(
              i == 0 ? StateCode.SIGNED : StateCode.UNSIGNED,
              codeMemory.buffer(i * weights + from, count),
              scaleMemory
                  .buffer(firstScale * Float.BYTES, ownBlocks * Float.BYTES)
                  .asFloatBuffer());
    }
    byte[] bytes = new byte[BLOCK];
    return new Part() {
      @Override
      public void read(int at, float[][] into, int length) {
        for (int i = 0; i < rows.length; i++) {
          rows[i].codes.get(at, bytes, 0, length);
          rows[i].map.decode(bytes, rows[i].scales.get(at / BLOCK), into[i], length);
        }
      }

      @Override
      public void write(int at, float[][] given, int length) {
        for (int i = 0; i < rows.length; i++) {
          rows[i].scales.put(at / BLOCK, rows[i].map.encode(given[i], bytes, length));
          rows[i].codes.put(at, bytes, 0, length);
        }
      }
    };
  }

  /** The first states of some weights, or the second ones. */
  private record Row(StateCode map, ByteBuffer codes, FloatBuffer scales) {}

  @Override
  public long bytes() {
    return codes.numel() + scales.numel() * Float.BYTES;
  }

  @Override
  public void close() {
    codes.close();
    scales.close();
  }
}
