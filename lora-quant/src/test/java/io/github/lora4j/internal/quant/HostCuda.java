package io.github.lora4j.internal.quant;

import static org.junit.jupiter.api.Assumptions.abort;

import com.sun.jna.Memory;
import com.sun.jna.Native;
import com.sun.jna.NativeLibrary;
import com.sun.jna.Pointer;
import io.github.lora4j.tensor.CudaArguments;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;

/** Kernels in CUDA C, compiled by a C++ compiler for the host: their arithmetic without a GPU. */
final class HostCuda implements AutoCloseable {

  private final NativeLibrary library;

  private HostCuda(NativeLibrary library) {
    this.library = library;
  }

  /**
   * Compiles kernels; skips the test where there is no compiler.
   *
   * @param kernels their names in the source
   * @param folder for what the compiler writes
   */
  static HostCuda compile(String source, List<String> kernels, Path folder) {
    StringBuilder text = new StringBuilder(header()).append(source);
    kernels.forEach(kernel -> text.append("\nLAUNCHER(").append(kernel).append(")"));
    try {
      Path file = folder.resolve("kernels.cpp");
      Files.writeString(file, text.append('\n'));
      Path library = folder.resolve("libkernels.so");
      for (String compiler : List.of("c++", "g++", "clang++")) {
        if (compiled(compiler, file, library)) {
          return new HostCuda(NativeLibrary.getInstance(library.toString()));
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return abort("needs a C++ compiler, c++, g++ or clang++, on the path");
  }

  /** Whether there is this compiler; fails if it doesn't take the source. */
  private static boolean compiled(String compiler, Path file, Path library) throws IOException {
    // Products and sums are rounded one by one, as __fmul_rn and __fadd_rn are on a GPU.
    List<String> command =
        new ArrayList<>(
            List.of(compiler, "-std=c++17", "-O1", "-ffp-contract=off", "-fno-strict-aliasing"));
    command.addAll(List.of("-shared", "-fPIC", "-o", library.toString(), file.toString()));
    Process process;
    try {
      process =
          new ProcessBuilder(command)
              .redirectErrorStream(true)
              .redirectOutput(file.resolveSibling("compiler.log").toFile())
              .start();
    } catch (IOException e) {
      return false; // not there
    }
    try {
      if (!process.waitFor(2, TimeUnit.MINUTES) || process.exitValue() != 0) {
        process.destroyForcibly();
        throw new AssertionError(
            compiler + ": " + Files.readString(file.resolveSibling("compiler.log")));
      }
      return true;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError(e);
    }
  }

  private static String header() {
    try (InputStream stream = HostCuda.class.getResourceAsStream("/cuda/host.h")) {
      return new String(Objects.requireNonNull(stream).readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Calls a kernel on tensors of the CPU, and returns when it is done. */
  void run(String kernel, long blocks, int threads, CudaArguments arguments) {
    List<byte[]> bytes = arguments.bytes();
    List<Memory> kept = new ArrayList<>();
    Memory places = new Memory((long) Native.POINTER_SIZE * bytes.size());
    for (int i = 0; i < bytes.size(); i++) {
      Memory memory = new Memory(bytes.get(i).length);
      memory.write(0, bytes.get(i), 0, bytes.get(i).length);
      places.setPointer((long) i * Native.POINTER_SIZE, new Pointer(Pointer.nativeValue(memory)));
      kept.add(memory);
    }
    library
        .getFunction("launch_" + kernel)
        .invokeVoid(new Object[] {(int) blocks, threads, places});
    kept.forEach(Memory::close);
    places.close();
  }

  @Override
  public void close() {
    library.close();
  }
}
