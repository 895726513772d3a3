package io.github.lora4j.model;

import io.github.lora4j.nn.Attention;
import io.github.lora4j.nn.ForwardContext;
import io.github.lora4j.tensor.Generator;
import io.github.lora4j.tensor.NoGrad;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** One forward and backward pass of a decoder, with activations kept or blocks recomputed. */
final class TrainingPass {

  private final Decoder decoder;
  private final ForwardContext context;
  private final Top top;

  /**
   * Prepares a pass.
   *
   * @param top what comes behind the last block
   */
  TrainingPass(Decoder decoder, ForwardContext context, Top top) {
    this.decoder = decoder;
    this.context = context;
    this.top = top;
  }

  /** The way from the hidden states to the loss and back. */
  interface Top {

    /**
     * Adds the gradients of {@code scale} times the loss to {@code hidden}, where it collects one,
     * and to the leaves of the head.
     *
     * @param hidden a leaf, {@code [batch, seq, hidden]}, behind the last block
     * @return the loss, not scaled
     */
    double backward(Tensor hidden, double scale);
  }

  /** Adds the gradients of {@code scale} times the loss to the leaves and returns the loss. */
  double run(ModelInputs inputs, double scale) {
    try (TensorScope scope = TensorScope.open()) {
      return context.isGradientCheckpointing()
          ? recomputing(inputs, scale)
          : keeping(inputs, scale);
    }
  }

  private double keeping(ModelInputs inputs, double scale) {
    try (Recording recording = Recording.open(context)) {
      Tensor last;
      try (var region = context.enter(decoder.device())) {
        last =
            decoder.forward(inputs.ids(), inputs.positions(), inputs.visible(), List.of(), context);
      }
      Tensor output = last.detach().requiresGrad(last.requiresGrad());
      double loss = top.backward(output, scale);
      Optional<Tensor> gradient = output.grad();
      output.clearGrad();
      gradient.ifPresent(found -> recording.backward(last, found));
      return loss;
    }
  }

  /**
   * Keeps only each block's input and runs the blocks again, last first, to go backward through one
   * at a time: the memory of one block's activations instead of all (Chen et al., 2016).
   */
  private double recomputing(ModelInputs inputs, double scale) {
    List<DecoderBlock> blocks = decoder.blocks();
    List<Tensor> blockInputs = new ArrayList<>();
    List<byte[]> randomStates = new ArrayList<>();
    byte[] firstRandomState = context.dropout().map(Generator::state).orElse(new byte[0]);
    Attention.Pass pass = decoder.pass(inputs.positions(), inputs.visible());
    Tensor x;
    try (NoGrad noGrad = NoGrad.open();
        var region = context.enter(decoder.device())) {
      x = decoder.embedding().forward(inputs.ids(), inputs.positions(), context);
      for (DecoderBlock block : blocks) {
        blockInputs.add(x);
        randomStates.add(context.dropout().map(Generator::state).orElse(new byte[0]));
        x = block.forward(x, pass, Optional.empty(), context);
      }
    }
    boolean embeddingLearns = decoder.embedding().learns();
    int lowest = embeddingLearns ? 0 : lowestTrainable(blocks);
    Tensor output = x.detach().requiresGrad(lowest < blocks.size());
    double loss = top.backward(output, scale);
    Optional<byte[]> randomStateAfter = context.dropout().map(Generator::state);
    Optional<Tensor> gradient = output.grad();
    for (int i = blocks.size() - 1; i >= lowest; i--) {
      byte[] randomState = randomStates.get(i);
      context.dropout().ifPresent(generator -> generator.restore(randomState));
      boolean needed = i > lowest || embeddingLearns;
      gradient =
          throughBlock(blocks.get(i), blockInputs.get(i), gradient.orElseThrow(), pass, needed);
    }
    if (embeddingLearns) {
      context.dropout().ifPresent(generator -> generator.restore(firstRandomState));
      throughEmbedding(inputs, gradient.orElseThrow());
    }
    randomStateAfter.ifPresent(state -> context.dropout().orElseThrow().restore(state));
    return loss;
  }

  private void throughEmbedding(ModelInputs inputs, Tensor gradient) {
    try (TensorScope scope = TensorScope.open();
        Recording recording = Recording.open(context)) {
      Tensor y;
      try (var region = context.enter(decoder.device())) {
        y = decoder.embedding().forward(inputs.ids(), inputs.positions(), context);
      }
      recording.backward(y, gradient);
    }
  }

  private static int lowestTrainable(List<DecoderBlock> blocks) {
    int lowest = 0;
    while (lowest < blocks.size() && !blocks.get(lowest).hasTrainableParameters()) {
      lowest++;
    }
    return lowest;
  }

  /**
   * Goes backward through one block; gives the gradient of its input where it is needed, and frees
   * what came in.
   */
  private Optional<Tensor> throughBlock(
      DecoderBlock block,
      Tensor input,
      Tensor gradient,
      Attention.Pass pass,
      boolean inputGradient) {
    try (TensorScope scope = TensorScope.open();
        Recording recording = Recording.open(context)) {
      Tensor x = input.detach().requiresGrad(inputGradient);
      Tensor y;
      try (var region = context.enter(decoder.device())) {
        y = block.forward(x, pass, Optional.empty(), context);
      }
      recording.backward(y, gradient);
      gradient.close();
      input.close();
      return inputGradient ? x.grad().map(scope::handOver) : Optional.empty();
    }
  }
}
