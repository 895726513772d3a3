package io.github.lora4j.peft;

import io.github.lora4j.error.LoraException;
import io.github.lora4j.nn.EmbeddingLayer;
import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Device;
import io.github.lora4j.tensor.Functional;
import io.github.lora4j.tensor.Generator;
import io.github.lora4j.tensor.NoGrad;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.util.Optional;
import java.util.function.BiConsumer;

/**
 * What one adapter adds to a table: {@code scaling * B} times the columns of A that the ids name.
 *
 * <p>A is {@code [r, vocab]} and B {@code [dim, r]}, as in PEFT's {@code lora.Embedding}; there is
 * no dropout.
 */
final class EmbeddingUpdate implements LayerPart {

  /** What follows a table's name in the files of PEFT. */
  static final String A = ".lora_embedding_A";

  /** What follows a table's name in the files of PEFT. */
  static final String B = ".lora_embedding_B";

  private final LoraWeights weights;
  private volatile double configured;
  private volatile double factor = 1;

  /** The rank; less than the matrices have where smaller ones were swapped in. */
  private int rank;

  EmbeddingUpdate(LoraWeights weights, double scaling) {
    this.weights = weights;
    this.configured = scaling;
    this.rank = weights.rank();
  }

  /** First weights as in PEFT: A zero and B normally distributed, or with RANDOM both. */
  static LoraWeights fresh(
      LoraConfig config, Generator generator, EmbeddingLayer layer, AdapterTarget target) {
    int r = target.r();
    if (config.loftqConfig().isPresent()) {
      throw new LoraException(
          "%s: initLoraWeights \"loftq\" rounds linear layers only, and this is a table (PEFT fails here): take it out of targetModules, or give it an adapter of its own"
              .formatted(target.module()));
    }
    try (TensorScope scope = TensorScope.open();
        NoGrad noGrad = NoGrad.open()) {
      Device device = layer.device();
      boolean random = config.initLoraWeights().equals(InitLoraWeights.RANDOM);
      Tensor a =
          random
              ? Tensor.normal(0, 1, generator, r, layer.numEmbeddings()).to(device)
              : Tensor.zeros(DType.F32, device, r, layer.numEmbeddings());
      Tensor b = Tensor.normal(0, 1, generator, layer.embeddingDim(), r).to(device);
      LoraWeights weights = new LoraWeights(TensorScope.keep(a), TensorScope.keep(b));
      if (config.useDora()) {
        Tensor norm =
            DoraUpdate.norm(AdaptedEmbedding.table(layer).transpose(0, 1), a, b, target.scaling());
        weights = weights.withMagnitude(TensorScope.keep(norm));
      }
      return weights.requiresGrad(true);
    }
  }

  LoraWeights weights() {
    return weights;
  }

  double factor() {
    return factor;
  }

  void factor(double times) {
    factor = times;
  }

  double scaling() {
    return configured * factor;
  }

  /**
   * Adds the update.
   *
   * @param y {@code [batch, seq, dim]}, what the base gave for the ids
   * @param table the base's, {@code [vocab, dim]}
   */
  Tensor add(Tensor y, Tensor ids, Tensor table) {
    try (TensorScope scope = TensorScope.open()) {
      Tensor thin = Functional.embedding(ids, weights.a().transpose(0, 1)).mul(scaling());
      Tensor update = Functional.linear(thin, weights.b());
      if (weights.magnitude().isEmpty()) {
        return scope.handOver(y.add(update));
      }
      Tensor lengths = norm(table.transpose(0, 1));
      return scope.handOver(DoraUpdate.embedding(y, update, weights.magnitude().get(), lengths));
    }
  }

  /**
   * Adds the update to the scores of a head that multiplies by the table.
   *
   * @param y {@code [..., vocab]}
   * @param x {@code [..., dim]}
   */
  Tensor rescore(Tensor y, Tensor x) {
    try (TensorScope scope = TensorScope.open()) {
      Tensor wide = x.to(DType.F32);
      Tensor thin = Functional.linear(wide, weights.b().transpose(0, 1)).mul(scaling());
      Tensor update = Functional.linear(thin, weights.a().transpose(0, 1));
      return scope.handOver(y.add(update).to(y.dtype()));
    }
  }

  private Tensor norm(Tensor table) {
    return DoraUpdate.norm(table, weights.a(), weights.b(), scaling());
  }

  /**
   * Adds the update into a table.
   *
   * @param table {@code [vocab, dim]}, float32
   */
  Tensor mergedInto(Tensor table) {
    try (TensorScope scope = TensorScope.open()) {
      Tensor turned = table.transpose(0, 1);
      Tensor merged =
          weights.magnitude().isPresent()
              ? DoraUpdate.mergedWeight(
                  turned, weights.a(), weights.b(), scaling(), weights.magnitude().get())
              : turned.add(weights.b().matmul(weights.a()).mul(scaling()));
      return scope.handOver(merged.transpose(0, 1).contiguous());
    }
  }

  @Override
  public void requiresGrad(boolean required) {
    weights.requiresGrad(required);
  }

  @Override
  public void forEachParameter(String module, BiConsumer<String, Tensor> visitor) {
    forEach(weights, module, visitor);
  }

  private static void forEach(LoraWeights of, String module, BiConsumer<String, Tensor> visitor) {
    visitor.accept(module + A, of.a());
    visitor.accept(module + B, of.b());
    of.magnitude().ifPresent(m -> visitor.accept(module + LoraWeights.MAGNITUDE, m));
  }

  @Override
  public void forEachSaved(String module, BiConsumer<String, Tensor> visitor) {
    if (rank > 0) {
      forEach(rank == weights.rank() ? weights : weights.first(rank), module, visitor);
    }
  }

  /**
   * Takes the numbers of another update into these matrices, as {@link LoraUpdate#swap} does.
   *
   * @param other one of at most this rank; empty for an update that changes nothing
   * @param scaling the other's
   */
  void swap(Optional<LoraWeights> other, double scaling) {
    other.ifPresentOrElse(weights::take, weights::clear);
    rank = other.map(LoraWeights::rank).orElse(0);
    configured = scaling;
    factor(1);
  }

  /**
   * The same with twice the rank and nothing further, as {@link LoraUpdate#forEachPlain} gives it
   * where nothing was taken out of the base.
   */
  void forEachPlain(String module, BiConsumer<String, Tensor> visitor) {
    LoraWeights twice = PlainLoraConversion.of(weights, Optional.empty());
    new EmbeddingUpdate(twice, configured).forEachSaved(module, visitor);
  }

  @Override
  public void close() {
    weights.close();
  }
}
