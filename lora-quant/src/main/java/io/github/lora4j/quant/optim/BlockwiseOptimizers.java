package io.github.lora4j.quant.optim;

import io.github.lora4j.train.OptimizedParameter;
import io.github.lora4j.train.Optimizer;
import io.github.lora4j.train.OptimizerName;
import io.github.lora4j.train.OptimizerProvider;
import io.github.lora4j.train.TrainingArguments;
import java.util.List;

/**
 * Makes the optimizers of {@code bitsandbytes.optim} that transformers has names for: AdamW and
 * Lion with 8-bit states ("8-bit Optimizers via Block-wise Quantization", Dettmers et al., 2022) or
 * float32 ones.
 *
 * <p>They are chosen by {@link io.github.lora4j.train.TrainingArgumentsBuilder#optim(String)};
 * nobody else needs this class.
 *
 * <p>The arithmetic is that of bitsandbytes' CUDA kernels, where weight decay follows the update,
 * with its constants in double precision as its CPU kernels have them. Weights on a GPU are updated
 * on the host, from copies, and all states lie there: that is what paging is for, so paged and
 * unpaged names differ in nothing.
 */
public final class BlockwiseOptimizers implements OptimizerProvider {

  /** For {@link java.util.ServiceLoader}. */
  public BlockwiseOptimizers() {}

  @Override
  public boolean provides(OptimizerName name) {
    return switch (name) {
      case ADAMW_TORCH, ADAMW_TORCH_FUSED, SGD -> false;
      case ADAMW_BNB_8BIT,
          PAGED_ADAMW_8BIT,
          PAGED_ADAMW_32BIT,
          LION_8BIT,
          LION_32BIT,
          PAGED_LION_8BIT,
          PAGED_LION_32BIT ->
          true;
    };
  }

  @Override
  public Optimizer create(List<OptimizedParameter> parameters, TrainingArguments args) {
    boolean few = args.optim().toString().endsWith("_8bit");
    return switch (args.optim()) {
      case ADAMW_BNB_8BIT, PAGED_ADAMW_8BIT, PAGED_ADAMW_32BIT ->
          new HostOptimizer(
              parameters,
              new AdamRule(args.adamBeta1(), args.adamBeta2(), args.adamEpsilon()),
              few);
      case LION_8BIT, LION_32BIT, PAGED_LION_8BIT, PAGED_LION_32BIT ->
          new HostOptimizer(parameters, new LionRule(args.adamBeta1(), args.adamBeta2()), few);
      case ADAMW_TORCH, ADAMW_TORCH_FUSED, SGD ->
          throw new IllegalArgumentException(
              "optim: expected one of bitsandbytes', found " + args.optim());
    };
  }

  /**
   * The memory of the states that any optimizer of transformers' names here keeps for a parameter.
   *
   * @param name of the optimizer, of this module or of lora-core
   * @param parameter its name in the model
   * @param weights how many numbers it has
   */
  public static long stateBytes(OptimizerName name, String parameter, long weights) {
    int states =
        switch (name) {
          case SGD -> 0;
          case ADAMW_TORCH,
              ADAMW_TORCH_FUSED,
              ADAMW_BNB_8BIT,
              PAGED_ADAMW_8BIT,
              PAGED_ADAMW_32BIT ->
              2;
          case LION_8BIT, LION_32BIT, PAGED_LION_8BIT, PAGED_LION_32BIT -> 1;
        };
    boolean coded =
        name.toString().endsWith("_8bit") && HostOptimizer.canBeCoded(parameter, weights);
    long blocks = (weights + States.BLOCK - 1) / States.BLOCK;
    return states * (coded ? weights + blocks * Float.BYTES : weights * Float.BYTES);
  }
}
