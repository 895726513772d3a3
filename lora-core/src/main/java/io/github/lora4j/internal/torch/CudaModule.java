package io.github.lora4j.internal.torch;

import static org.bytedeco.cuda.global.cudart.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR;
import static org.bytedeco.cuda.global.cudart.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR;
import static org.bytedeco.cuda.global.cudart.cuCtxPopCurrent;
import static org.bytedeco.cuda.global.cudart.cuCtxPushCurrent;
import static org.bytedeco.cuda.global.cudart.cuDeviceGet;
import static org.bytedeco.cuda.global.cudart.cuDeviceGetAttribute;
import static org.bytedeco.cuda.global.cudart.cuDevicePrimaryCtxRetain;
import static org.bytedeco.cuda.global.cudart.cuGetErrorName;
import static org.bytedeco.cuda.global.cudart.cuInit;
import static org.bytedeco.cuda.global.cudart.cuLaunchKernel;
import static org.bytedeco.cuda.global.cudart.cuModuleGetFunction;
import static org.bytedeco.cuda.global.cudart.cuModuleLoadData;

import io.github.lora4j.error.DeviceException;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.IntSupplier;
import org.bytedeco.cuda.cudart.CUctx_st;
import org.bytedeco.cuda.cudart.CUfunc_st;
import org.bytedeco.cuda.cudart.CUmod_st;
import org.bytedeco.cuda.cudart.CUstream_st;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerPointer;
import org.bytedeco.pytorch.cuda.CUDAStream;
import org.bytedeco.pytorch.global.torch_cuda;
import org.jspecify.annotations.Nullable;

/**
 * A program in CUDA C on one GPU, through the driver's own interface, in the context that libtorch
 * uses there. It stays until the process ends. Safe for use from several threads.
 *
 * <p>This class and {@link CudaCompiler} are the only ones that need {@code org.bytedeco:cuda}.
 */
public final class CudaModule {

  private static final int SUCCESS = 0;

  /** CUDA aligns no type to more. */
  private static final int ALIGNMENT = 16;

  private final int device;
  private final CUctx_st context;
  private final CUmod_st module;
  private final Map<String, CUfunc_st> functions = new ConcurrentHashMap<>();

  private CudaModule(int device, CUctx_st context, CUmod_st module) {
    this.device = device;
    this.context = context;
    this.module = module;
  }

  /**
   * Compiles a program for a GPU and loads it there.
   *
   * @param name what error messages call it
   * @param source CUDA C that includes nothing; its kernels are {@code extern "C"}
   * @param device the GPU's number
   * @throws DeviceException if the driver or NVRTC refuses
   * @throws LinkageError if the classes or libraries of CUDA are not there
   */
  public static CudaModule load(String name, String source, int device) {
    check("cuInit", device, cuInit(0));
    int[] gpu = new int[1];
    check("cuDeviceGet", device, cuDeviceGet(gpu, device));
    int capability =
        10 * attribute(CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR, device, gpu[0])
            + attribute(CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR, device, gpu[0]);
    byte[] image = CudaCompiler.compile(name, source, capability);
    // libtorch's context, of which each GPU has one; a thread that libtorch hasn't used has none.
    CUctx_st context = new CUctx_st();
    check("cuDevicePrimaryCtxRetain", device, cuDevicePrimaryCtxRetain(context, gpu[0]));
    CUmod_st module = new CUmod_st();
    try (BytePointer bytes = new BytePointer(image)) {
      inContext(context, device, "cuModuleLoadData", () -> cuModuleLoadData(module, bytes));
    }
    return new CudaModule(device, context, module);
  }

  private static int attribute(int which, int device, int gpu) {
    int[] value = new int[1];
    check("cuDeviceGetAttribute", device, cuDeviceGetAttribute(value, which, gpu));
    return value[0];
  }

  /**
   * Queues a kernel on the stream that libtorch uses on this thread.
   *
   * @param kernel its name in the source
   * @param blocks of threads
   * @param threads in each block
   * @param arguments the bytes of each, as they lie in memory; copied before this returns
   */
  public void launch(String kernel, int blocks, int threads, List<byte[]> arguments) {
    try (CUDAStream current = torch_cuda.getCurrentCUDAStream((byte) device)) {
      launchOn(current.stream(), kernel, blocks, threads, arguments);
    }
  }

  /** Queues a kernel on a stream; none is CUDA's default. */
  void launchOn(
      @Nullable CUstream_st stream,
      String kernel,
      int blocks,
      int threads,
      List<byte[]> arguments) {
    CUfunc_st function = functions.computeIfAbsent(kernel, this::function);
    long size = arguments.stream().mapToLong(bytes -> aligned(bytes.length)).sum();
    try (BytePointer memory = new BytePointer(size);
        PointerPointer<Pointer> places = new PointerPointer<>(arguments.size())) {
      long at = 0;
      for (int i = 0; i < arguments.size(); i++) {
        byte[] bytes = arguments.get(i);
        memory.position(at).put(bytes, 0, bytes.length);
        places.put(i, memory); // the address of its position
        at += aligned(bytes.length);
      }
      memory.position(0);
      inContext(
          context,
          device,
          "cuLaunchKernel of " + kernel,
          () -> cuLaunchKernel(function, blocks, 1, 1, threads, 1, 1, 0, stream, places, null));
    }
  }

  private static long aligned(int bytes) {
    return (bytes + ALIGNMENT - 1L) / ALIGNMENT * ALIGNMENT;
  }

  private CUfunc_st function(String kernel) {
    CUfunc_st function = new CUfunc_st();
    inContext(
        context,
        device,
        "cuModuleGetFunction of " + kernel,
        () -> cuModuleGetFunction(function, module, kernel));
    return function;
  }

  /** Calls the driver in libtorch's context, and gives the thread its own back. */
  private static void inContext(CUctx_st context, int device, String what, IntSupplier call) {
    check("cuCtxPushCurrent", device, cuCtxPushCurrent(context));
    int result;
    try {
      result = call.getAsInt();
    } finally {
      check("cuCtxPopCurrent", device, cuCtxPopCurrent(new CUctx_st()));
    }
    check(what, device, result);
  }

  private static void check(String what, int device, int result) {
    if (result != SUCCESS) {
      throw new DeviceException(
          "%s on cuda:%d failed: %s (%d)".formatted(what, device, nameOf(result), result));
    }
  }

  private static String nameOf(int result) {
    try (PointerPointer<BytePointer> name = new PointerPointer<>(1)) {
      return cuGetErrorName(result, name) == SUCCESS
          ? name.get(BytePointer.class, 0).getString()
          : "an error that this driver has no name for";
    }
  }
}
