package io.github.lora4j.internal.torch;

import static org.bytedeco.cuda.global.nvrtc.nvrtcCompileProgram;
import static org.bytedeco.cuda.global.nvrtc.nvrtcCreateProgram;
import static org.bytedeco.cuda.global.nvrtc.nvrtcDestroyProgram;
import static org.bytedeco.cuda.global.nvrtc.nvrtcGetCUBIN;
import static org.bytedeco.cuda.global.nvrtc.nvrtcGetCUBINSize;
import static org.bytedeco.cuda.global.nvrtc.nvrtcGetErrorString;
import static org.bytedeco.cuda.global.nvrtc.nvrtcGetNumSupportedArchs;
import static org.bytedeco.cuda.global.nvrtc.nvrtcGetPTX;
import static org.bytedeco.cuda.global.nvrtc.nvrtcGetPTXSize;
import static org.bytedeco.cuda.global.nvrtc.nvrtcGetProgramLog;
import static org.bytedeco.cuda.global.nvrtc.nvrtcGetProgramLogSize;
import static org.bytedeco.cuda.global.nvrtc.nvrtcGetSupportedArchs;

import io.github.lora4j.error.DeviceException;
import java.nio.charset.StandardCharsets;
import org.bytedeco.cuda.nvrtc._nvrtcProgram;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.PointerPointer;
import org.bytedeco.javacpp.SizeTPointer;

/** Compiles CUDA C with NVRTC, CUDA's compiler for use at run time. It needs no GPU. */
final class CudaCompiler {

  private static final int SUCCESS = 0;

  private CudaCompiler() {}

  /**
   * Compiles a program.
   *
   * @param name what error messages call it
   * @param source includes nothing; its kernels are {@code extern "C"}
   * @param capability of the GPU, such as 90
   * @return an image that the driver loads
   * @throws DeviceException if it can't be compiled, with the compiler's messages
   */
  static byte[] compile(String name, String source, int capability) {
    CudaTarget target = CudaTarget.of(capability, supported());
    _nvrtcProgram program = new _nvrtcProgram();
    try (BytePointer text = new BytePointer(source, StandardCharsets.UTF_8);
        BytePointer file = new BytePointer(name, StandardCharsets.UTF_8);
        BytePointer option = new BytePointer(target.option(), StandardCharsets.UTF_8);
        PointerPointer<BytePointer> options = new PointerPointer<>(1)) {
      options.put(0, option);
      check(nvrtcCreateProgram(program, text, file, 0, (PointerPointer<?>) null, null));
      try {
        int result = nvrtcCompileProgram(program, 1, options);
        if (result != SUCCESS) {
          throw new DeviceException(
              "NVRTC cannot compile %s with %s (%s): %s"
                  .formatted(name, target.option(), message(result), log(program)));
        }
        return target.binary() ? cubin(program) : ptx(program);
      } finally {
        nvrtcDestroyProgram(program);
      }
    }
  }

  private static int[] supported() {
    int[] count = new int[1];
    check(nvrtcGetNumSupportedArchs(count));
    int[] capabilities = new int[count[0]];
    check(nvrtcGetSupportedArchs(capabilities));
    return capabilities;
  }

  private static byte[] cubin(_nvrtcProgram program) {
    try (SizeTPointer size = new SizeTPointer(1)) {
      check(nvrtcGetCUBINSize(program, size));
      byte[] image = new byte[Math.toIntExact(size.get())];
      check(nvrtcGetCUBIN(program, image));
      return image;
    }
  }

  private static byte[] ptx(_nvrtcProgram program) {
    try (SizeTPointer size = new SizeTPointer(1)) {
      check(nvrtcGetPTXSize(program, size));
      byte[] image = new byte[Math.toIntExact(size.get())];
      check(nvrtcGetPTX(program, image));
      return image;
    }
  }

  private static String log(_nvrtcProgram program) {
    try (SizeTPointer size = new SizeTPointer(1)) {
      check(nvrtcGetProgramLogSize(program, size));
      byte[] log = new byte[Math.toIntExact(size.get())];
      check(nvrtcGetProgramLog(program, log));
      return new String(log, StandardCharsets.UTF_8).replace("\0", "").strip();
    }
  }

  private static void check(int result) {
    if (result != SUCCESS) {
      throw new DeviceException("NVRTC failed: " + message(result));
    }
  }

  private static String message(int result) {
    return nvrtcGetErrorString(result).getString();
  }
}
