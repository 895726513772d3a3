package io.github.lora4j.internal.quant;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Which loops this JVM runs: the Vector API's where it was started with it, or plain Java. */
final class KernelChoice {

  private static final Logger LOG = LoggerFactory.getLogger(KernelChoice.class);

  /** Compiled apart from the rest, since the API is in incubation. */
  private static final String VECTORS = "io.github.lora4j.internal.quant.VectorKernels$Factory";

  private static final Factory BEST = best();

  private KernelChoice() {}

  /** Makes loops for a code book and a block size. */
  interface Factory {

    /** Whether its loops pay on this processor. */
    boolean suitsThisProcessor();

    /** The loops. */
    FourBitKernels kernels(QuantType type, int blocksize);
  }

  /** Loops of plain Java. */
  static final class Plain implements Factory {

    @Override
    public boolean suitsThisProcessor() {
      return true;
    }

    @Override
    public FourBitKernels kernels(QuantType type, int blocksize) {
      return new PlainKernels(type, blocksize);
    }
  }

  static FourBitKernels kernels(Quantized4Bit weight) {
    return BEST.kernels(weight.type(), weight.blocksize());
  }

  static boolean vectorApiIsThere() {
    return ModuleLayer.boot().findModule("jdk.incubator.vector").isPresent();
  }

  private static Factory best() {
    if (!vectorApiIsThere()) {
      LOG.info(
          "4-bit weights are decoded in plain Java: --add-modules jdk.incubator.vector is faster");
      return new Plain();
    }
    try {
      Factory vectors = (Factory) Class.forName(VECTORS).getDeclaredConstructor().newInstance();
      if (vectors.suitsThisProcessor()) {
        return vectors;
      }
      LOG.info("4-bit weights are decoded in plain Java: this processor's vectors are too short");
    } catch (ReflectiveOperationException | LinkageError e) {
      LOG.warn("4-bit weights are decoded in plain Java: the Vector API's loops cannot be used", e);
    }
    return new Plain();
  }
}
