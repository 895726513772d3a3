package io.github.lora4j.internal.torch;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Device;
import io.github.lora4j.tensor.NativeMemory;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.testing.ForgottenTensors;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

@EnabledOnOs(value = OS.LINUX, disabledReason = "elsewhere all memory is libtorch's")
class LargeBlocksTest {

  @BeforeEach
  void whatOtherTestsForgotIsFreedFirst() throws InterruptedException {
    ForgottenTensors.free();
  }

  private static final long FLOATS = LargeBlocks.SMALLEST / Float.BYTES;

  private static Tensor ones(long floats) {
    return Tensor.full(1, DType.F32, Device.CPU, floats);
  }

  @Test
  void largeTensorsLieInBlocksThatServeTheNextOfTheirSize() {
    long before = LargeBlocks.usedBytes();
    try (Tensor stays = ones(FLOATS);
        Tensor small = ones(FLOATS - 1)) {
      assertThat(LargeBlocks.usedBytes() - before).isEqualTo(LargeBlocks.SMALLEST);
      Tensor goes = ones(2 * FLOATS);
      try (Tensor behind = ones(FLOATS)) {
        long address = goes.address();
        goes.close();
        try (Tensor next = ones(2 * FLOATS)) {
          assertThat(next.address()).isEqualTo(address);
          assertThat(next.sum().item() + stays.sum().item() + behind.sum().item())
              .isEqualTo(4.0 * FLOATS);
        }
      }
    }
    assertThat(LargeBlocks.usedBytes()).isEqualTo(before);
  }

  @Test
  void aBlockIsFreedWithTheLastViewOfIt() {
    long before = LargeBlocks.usedBytes();
    Tensor whole = ones(FLOATS);
    Tensor view = whole.narrow(0, 1, 2);
    whole.close();
    assertThat(LargeBlocks.usedBytes()).isEqualTo(before + LargeBlocks.SMALLEST);
    assertThat(view.toFloatArray()).containsExactly(1, 1);
    view.close();
    assertThat(LargeBlocks.usedBytes()).isEqualTo(before);
  }

  @Test
  void freeBlocksGoBackToTheSystemWhenAskedFor() {
    long floats = 10_000_000;
    NativeMemory.release();
    Tensor large = ones(floats);
    long inUse = NativeMemory.residentBytes();
    large.close();
    assertThat(NativeMemory.residentBytes()).isGreaterThan(inUse - floats);
    NativeMemory.release();
    assertThat(NativeMemory.residentBytes()).isLessThan(inUse - 3 * floats);
    try (Tensor again = ones(floats)) {
      assertThat(again.sum().item()).isEqualTo(floats);
    }
  }

  @Test
  void severalThreadsTakeAndGiveBack() throws InterruptedException {
    long before = LargeBlocks.usedBytes();
    List<Thread> threads = new ArrayList<>();
    List<Double> sums = new ArrayList<>();
    for (int id = 1; id <= 4; id++) {
      double value = id;
      Thread thread =
          new Thread(
              () ->
                  IntStream.range(0, 50)
                      .forEach(
                          i -> {
                            try (Tensor t = Tensor.full(value, DType.F32, Device.CPU, FLOATS + i)) {
                              synchronized (sums) {
                                sums.add(t.sum().item() - value * (FLOATS + i));
                              }
                            }
                          }));
      threads.add(thread);
      thread.start();
    }
    for (Thread thread : threads) {
      thread.join();
    }
    assertThat(sums).hasSize(200).containsOnly(0.0);
    assertThat(LargeBlocks.usedBytes()).isEqualTo(before);
  }
}
