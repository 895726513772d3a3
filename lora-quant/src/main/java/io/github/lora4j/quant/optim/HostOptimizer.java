package io.github.lora4j.quant.optim;

import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Device;
import io.github.lora4j.tensor.HostMemory;
import io.github.lora4j.tensor.NoGrad;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import io.github.lora4j.train.OptimizedParameter;
import io.github.lora4j.train.Optimizer;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * Updates weights on the host, in one pass over weights, gradients and states that all processors
 * share.
 *
 * <p>Contiguous float32 weights on the CPU are updated where they are; others are copied there and
 * back, one parameter at a time.
 */
final class HostOptimizer implements Optimizer {

  /** bitsandbytes' {@code min_8bit_size}. */
  private static final long FEW_WEIGHTS = 4096;

  /** Weights that one processor takes at a time. */
  private static final int PART = 64 * States.BLOCK;

  /** transformers keeps the states of whole embeddings in 32 bits; they suffer from fewer. */
  private static final Pattern EMBEDDING =
      Pattern.compile("(?:^|\\.)(?:wte|wpe|\\w*embed\\w*)\\.(?:modules_to_save\\.)?weight$");

  private final List<Slot> slots;
  private final UpdateRule rule;

  /**
   * Makes states of zeros; the parameters are borrowed.
   *
   * @param coded whether large parameters have 8-bit states
   */
  HostOptimizer(List<OptimizedParameter> parameters, UpdateRule rule, boolean coded) {
    this.rule = rule;
    slots = parameters.stream().map(p -> new Slot(p, states(p, coded))).toList();
  }

  private States states(OptimizedParameter parameter, boolean coded) {
    long weights = parameter.tensor().numel();
    return coded && canBeCoded(parameter.name(), weights)
        ? new CodedStates(rule.states(), weights)
        : new WideStates(rule.states(), weights);
  }

  /** Whether 8-bit optimizers keep the states of a parameter in 8 bits. */
  static boolean canBeCoded(String name, long weights) {
    return weights >= FEW_WEIGHTS && !EMBEDDING.matcher(name).find();
  }

  @Override
  public void step(double learningRate) {
    try (NoGrad noGrad = NoGrad.open();
        TensorScope scope = TensorScope.open()) {
      List<Part> parts = new ArrayList<>();
      for (Slot slot : slots) {
        Optional<Tensor> gradient = slot.parameter.tensor().grad();
        if (gradient.isEmpty() || gradient.get().numel() == 0) {
          continue;
        }
        slot.steps++;
        UpdateRule.Formula formula =
            rule.at(
                learningRate * slot.parameter.learningRateScale(),
                slot.parameter.weightDecay(),
                slot.steps);
        Tensor weights = slot.parameter.tensor();
        if (isAtHand(weights)) {
          parts.addAll(parts(slot, weights, onHost(gradient.get()), formula));
        } else {
          updateCopy(slot, weights, gradient.get(), formula);
        }
      }
      parts.parallelStream().forEach(this::update);
    }
  }

  private void updateCopy(Slot slot, Tensor weights, Tensor gradient, UpdateRule.Formula formula) {
    try (TensorScope scope = TensorScope.open()) {
      Tensor copy = onHost(weights);
      parts(slot, copy, onHost(gradient), formula).parallelStream().forEach(this::update);
      weights.copyInPlace(copy);
    }
  }

  private static boolean isAtHand(Tensor tensor) {
    return tensor.dtype() == DType.F32
        && tensor.isContiguous()
        && tensor.device().equals(Device.CPU);
  }

  private static Tensor onHost(Tensor tensor) {
    return isAtHand(tensor) ? tensor : tensor.to(Device.CPU).to(DType.F32).contiguous();
  }

  private static List<Part> parts(
      Slot slot, Tensor weights, Tensor gradients, UpdateRule.Formula formula) {
    HostMemory target = HostMemory.of(weights);
    HostMemory source = HostMemory.of(gradients);
    List<Part> parts = new ArrayList<>();
    for (long from = 0; from < weights.numel(); from += PART) {
      int count = (int) Math.min(PART, weights.numel() - from);
      parts.add(new Part(slot.states, target, source, from, count, formula));
    }
    return parts;
  }

  private void update(Part part) {
    FloatBuffer target = part.floats(part.weights);
    FloatBuffer source = part.floats(part.gradients);
    States.Part remembered = part.states.part(part.from, part.count);
    float[] weights = new float[States.BLOCK];
    float[] gradients = new float[States.BLOCK];
    float[][] states = new float[rule.states()][States.BLOCK];
    for (int at = 0; at < part.count; at += States.BLOCK) {
      int count = Math.min(States.BLOCK, part.count - at);
      target.get(at, weights, 0, count);
      source.get(at, gradients, 0, count);
      remembered.read(at, states, count);
      part.formula.apply(weights, gradients, states[0], states[states.length - 1], count);
      target.put(at, weights, 0, count);
      remembered.write(at, states, count);
    }
  }

  /** The native memory of all states. */
  long stateBytes() {
    return slots.stream().mapToLong(slot -> slot.states.bytes()).sum();
  }

  @Override
  public void zeroGrad() {
    slots.forEach(slot -> slot.parameter.tensor().clearGrad());
  }

  @Override
  public void close() {
    slots.forEach(slot -> slot.states.close());
  }

  /** Some weights of one parameter, all of their blocks whole but a parameter's last. */
  private record Part(
      States states,
      HostMemory weights,
      HostMemory gradients,
      long from,
      int count,
      UpdateRule.Formula formula) {

    FloatBuffer floats(HostMemory memory) {
      return memory.buffer(from * Float.BYTES, count * Float.BYTES).asFloatBuffer();
    }
  }

  /** A parameter and what is remembered of its gradients. */
  private static final class Slot {
    final OptimizedParameter parameter;
    final States states;
    int steps;

    Slot(OptimizedParameter parameter, States states) {
      this.parameter = parameter;
      this.states = states;
    }
  }
}
