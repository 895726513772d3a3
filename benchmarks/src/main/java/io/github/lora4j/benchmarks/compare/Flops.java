package io.github.lora4j.benchmarks.compare;

/**
 * Counts the useful floating-point operations of a training step: what has to be computed with a
 * frozen base, nothing twice. A multiplication and an addition are two.
 */
final class Flops {

  private Flops() {}

  /** Operations of one step in which every token is supervised. */
  static double ofStep(Shape shape, Adapter adapter, int batch, int length) {
    double tokens = (double) batch * length;
    double linears =
        shape.layers() * Adapter.ALL16.targets().stream().mapToDouble(l -> size(shape, l)).sum();
    // Nothing below the first block's queries, keys and values wants a gradient.
    double unwanted = size(shape, "q_proj") + size(shape, "k_proj") + size(shape, "v_proj");
    double head = (double) shape.hiddenSize() * shape.vocabSize();
    double lora =
        shape.layers()
            * adapter.targets().stream()
                .mapToDouble(l -> adapter.r() * (shape.inputsOf(l) + shape.outputsOf(l)))
                .sum();
    // Scores and values, half of the square since it is causal; the way back computes five
    // products.
    double attention = 2.0 * shape.layers() * tokens * length * shape.queryWidth();
    return 2 * tokens * (linears + linears - unwanted + 2 * head + 3 * lora) + 3.5 * attention;
  }

  private static double size(Shape shape, String linear) {
    return (double) shape.inputsOf(linear) * shape.outputsOf(linear);
  }
}
