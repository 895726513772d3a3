package io.github.lora4j.quant;

import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Device;
import io.github.lora4j.tensor.GradientHooks;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.Map;

/**
 * Memory that the quantized layers of a model dequantize into: one piece of the size of the largest
 * layer for each thread that computes at the same time, taken and given back.
 *
 * <p>It lives as long as a layer that joined it.
 */
final class Scratch {

  private final Map<Place, Deque<Tensor>> free = new HashMap<>();
  private int users;
  private long largest;

  private record Place(DType dtype, Device device) {}

  /** Memory that is taken until it is closed. */
  interface Loan extends AutoCloseable {

    /** The memory, {@code [rows, columns]}; a view in the scope in which it was taken. */
    Tensor tensor();

    @Override
    void close();
  }

  /**
   * A layer begins to use it.
   *
   * @param elements of its weight
   */
  synchronized void join(long elements) {
    users++;
    largest = Math.max(largest, elements);
  }

  /** A layer ends to use it; with the last one the memory is freed. */
  synchronized void leave() {
    users--;
    if (users == 0) {
      free.values().forEach(pieces -> pieces.forEach(Tensor::close));
      free.clear();
    }
  }

  /** Takes memory for a matrix; what it holds is anything. */
  Loan borrow(DType dtype, Device device, long rows, long columns) {
    Place place = new Place(dtype, device);
    Tensor flat = take(place, rows * columns);
    Tensor view = flat.narrow(0, 0, rows * columns).view(rows, columns);
    return new Loan() {
      private boolean closed;

      @Override
      public Tensor tensor() {
        return view;
      }

      @Override
      public void close() {
        if (!closed) {
          closed = true;
          giveBack(place, flat);
        }
      }
    };
  }

  /**
   * The memory that one recorded pass multiplies by again and again: the products of its layers
   * keep no other, and whoever reads it on the way back fills it first.
   */
  Tensor ofPass(GradientHooks pass, DType dtype, Device device, long rows, long columns) {
    Place place = new Place(dtype, device);
    PassMemory memory =
        pass.shared(
            new PassKey(this, place), () -> new PassMemory(this, place, take(place, largest)));
    return memory.flat.narrow(0, 0, rows * columns).view(rows, columns);
  }

  private record PassKey(Scratch scratch, Place place) {}

  private record PassMemory(Scratch scratch, Place place, Tensor flat)
      implements GradientHooks.Shared {

    @Override
    public void close() {
      scratch.giveBack(place, flat);
    }
  }

  private Tensor take(Place place, long elements) {
    long size;
    synchronized (this) {
      Tensor found = free.computeIfAbsent(place, p -> new ArrayDeque<>()).poll();
      if (found != null && found.numel() >= elements) {
        return found;
      }
      if (found != null) {
        found.close();
      }
      size = Math.max(largest, elements);
    }
    return TensorScope.keep(Tensor.empty(place.dtype, place.device, size));
  }

  private synchronized void giveBack(Place place, Tensor flat) {
    if (users == 0) {
      flat.close();
    } else {
      free.computeIfAbsent(place, p -> new ArrayDeque<>()).push(flat);
    }
  }
}
