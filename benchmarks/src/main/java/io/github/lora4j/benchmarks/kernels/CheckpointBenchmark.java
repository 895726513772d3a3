package io.github.lora4j.benchmarks.kernels;

import io.github.lora4j.io.Checkpoint;
import io.github.lora4j.io.SafeTensorsWriter;
import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Setup;

/**
 * Opens a SafeTensors file of 100 MB that lies in the page cache and reads every byte of every
 * tensor. The floor is reading as many bytes of the file in one go once they are mapped.
 */
public class CheckpointBenchmark extends KernelBenchmark {

  private static final int TENSORS = 56;
  private static final long ROWS = 1536;
  private static final long COLUMNS = 576;
  private static final double BYTES = (double) TENSORS * ROWS * COLUMNS * DType.BF16.byteSize();

  private Path folder;

  /** Writes the file. */
  @Setup
  public void open() {
    folder = own(TemporaryFolder.create()).path();
    Tensor weight = random(DType.BF16, ROWS, COLUMNS);
    Map<String, Tensor> tensors = new TreeMap<>();
    for (int i = 0; i < TENSORS; i++) {
      tensors.put("model.layers." + i + ".mlp.up_proj.weight", weight);
    }
    SafeTensorsWriter.write(file(), tensors);
  }

  /** Opens the file, reads all of it and closes it. */
  @Benchmark
  public void openAndRead() {
    measure(
        Work.ofBytes(BYTES),
        () -> {
          try (Checkpoint checkpoint = Checkpoint.open(folder)) {
            read(checkpoint);
          }
        });
  }

  private static void read(Checkpoint checkpoint) {
    for (String name : checkpoint.names()) {
      try (TensorScope scope = TensorScope.open()) {
        // Sums of float32 are fast enough to wait for memory; what they are is of no interest.
        checkpoint.tensor(name).viewAs(DType.F32).sum();
      }
    }
  }

  @Override
  Limits limits(Work of) {
    try (TensorScope scope = TensorScope.open()) {
      Tensor numbers = Tensor.mapFile(file(), (long) BYTES).viewAs(DType.F32);
      return new Limits(1, BYTES / Stopwatch.bestMs(() -> numbers.sum()));
    }
  }

  private Path file() {
    return folder.resolve("model.safetensors");
  }

  @Override
  DType dtype() {
    return DType.BF16;
  }
}
