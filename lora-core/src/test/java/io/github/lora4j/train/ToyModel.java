package io.github.lora4j.train;

import io.github.lora4j.data.Batch;
import io.github.lora4j.data.TokenizedExample;
import io.github.lora4j.model.PreTrainedModel;
import io.github.lora4j.nn.ForwardContext;
import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Device;
import io.github.lora4j.tensor.Functional;
import io.github.lora4j.tensor.Generator;
import io.github.lora4j.tensor.NoGrad;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** A bigram language model: an embedding, dropout and a linear head with a bias, all trainable. */
final class ToyModel implements PreTrainedModel {

  static final int VOCAB = 12;
  static final int EOS = 2;
  private static final int HIDDEN = 8;

  private final Map<String, Tensor> parameters = new LinkedHashMap<>();
  private final double dropout;

  ToyModel(double dropout) {
    this(dropout, DType.F32);
  }

  ToyModel(double dropout, DType dtype) {
    this.dropout = dropout;
    try (Generator generator = Generator.of(3)) {
      add("embed.weight", dtype, Tensor.normal(0, 0.5, generator, VOCAB, HIDDEN));
      add("head.weight", dtype, Tensor.normal(0, 0.5, generator, VOCAB, HIDDEN));
      add("head.bias", dtype, Tensor.zeros(DType.F32, Device.CPU, VOCAB));
    }
  }

  private void add(String name, DType dtype, Tensor values) {
    parameters.put(name, TensorScope.keep(values.to(dtype)).requiresGrad(true));
  }

  /** Examples of a small world: each token is followed by the next, EOS ends it. */
  static List<TokenizedExample> examples(int count) {
    return IntStream.range(0, count).mapToObj(ToyModel::example).toList();
  }

  private static TokenizedExample example(int number) {
    int length = 3 + number % 4;
    int[] ids = new int[length];
    for (int i = 0; i < length - 1; i++) {
      ids[i] = 3 + (number + i) % (VOCAB - 3);
    }
    ids[length - 1] = EOS;
    int[] labels = ids.clone();
    Arrays.fill(labels, 0, 1 + number % 2, TokenizedExample.IGNORE_INDEX);
    return new TokenizedExample(ids, labels);
  }

  @Override
  public Map<String, Tensor> trainableParameters() {
    return parameters;
  }

  /** All parameters' values by name. */
  Map<String, float[]> values() {
    return parameters.entrySet().stream()
        .collect(Collectors.toMap(Map.Entry::getKey, e -> e.getValue().toFloatArray()));
  }

  @Override
  public long parameterCount() {
    return 2L * VOCAB * HIDDEN + VOCAB;
  }

  @Override
  public Device device() {
    return Device.CPU;
  }

  @Override
  public List<Integer> eosTokenIds() {
    return List.of(EOS);
  }

  @Override
  public double lossAndBackward(Batch batch, double scale, ForwardContext context) {
    try (TensorScope scope = TensorScope.open();
        ForwardContext.Region region = context.enter(device())) {
      Tensor loss = lossSum(batch, context);
      Functional.backward(loss.mul(scale));
      return loss.item();
    }
  }

  @Override
  public double loss(Batch batch, ForwardContext context) {
    try (NoGrad noGrad = NoGrad.open();
        TensorScope scope = TensorScope.open()) {
      return lossSum(batch, ForwardContext.eval()).item();
    }
  }

  private Tensor lossSum(Batch batch, ForwardContext context) {
    int supervised = batch.supervisedTokens();
    long[] previous = new long[supervised];
    long[] labels = new long[supervised];
    int n = 0;
    for (int row = 0; row < batch.size(); row++) {
      for (int i = row * batch.length() + 1; i < (row + 1) * batch.length(); i++) {
        if (batch.labels()[i] != TokenizedExample.IGNORE_INDEX) {
          previous[n] = batch.inputIds()[i - 1];
          labels[n++] = batch.labels()[i];
        }
      }
    }
    Tensor hidden =
        Functional.embedding(Tensor.of(previous, supervised), parameters.get("embed.weight"));
    if (context.isTraining()) {
      hidden = Functional.dropout(hidden, dropout, context.dropout().orElseThrow());
    }
    Tensor logits =
        Functional.linear(hidden, parameters.get("head.weight"), parameters.get("head.bias"));
    return Functional.crossEntropySum(
        logits.to(DType.F32), Tensor.of(labels, supervised), TokenizedExample.IGNORE_INDEX, 0);
  }

  @Override
  public void savePretrained(Path dir) {
    try {
      Files.writeString(dir.resolve("toy.txt"), Arrays.toString(values().get("head.bias")));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public void close() {
    parameters.values().forEach(Tensor::close);
  }
}
