package io.github.lora4j.quant.optim;

import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Device;
import io.github.lora4j.tensor.HostMemory;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.nio.FloatBuffer;

/** States in float32. */
final class WideStates implements States {

  private final Tensor states; // [states of a weight, weights]
  private final int perWeight;
  private final long weights;

  WideStates(int perWeight, long weights) {
    this.perWeight = perWeight;
    this.weights = weights;
    states = TensorScope.keep(Tensor.zeros(DType.F32, Device.CPU, perWeight, weights));
  }

  @Override
  public Part part(long from, int count) {
    HostMemory memory = HostMemory.of(states);
    FloatBuffer[] rows = new FloatBuffer[perWeight];
    for (int i = 0; i < perWeight; i++) {
      long start = i * weights + from;
      rows[i] = memory.buffer(start * Float.BYTES, count * Float.BYTES).asFloatBuffer();
    }
    return new Part() {
      @Override
      public void read(int at, float[][] into, int length) {
        for (int i = 0; i < rows.length; i++) {
          rows[i].get(at, into[i], 0, length);
        }
      }

      @Override
      public void write(int at, float[][] given, int length) {
        for (int i = 0; i < rows.length; i++) {
          rows[i].put(at, given[i], 0, length);
        }
      }
    };
  }

  @Override
  public long bytes() {
    return states.numel() * Float.BYTES;
  }

  @Override
  public void close() {
    states.close();
  }
}
