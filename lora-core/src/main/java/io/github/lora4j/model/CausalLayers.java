package io.github.lora4j.model;

import io.github.lora4j.nn.DenseLinear;
import io.github.lora4j.nn.Embedding;
import io.github.lora4j.nn.ForwardContext;
import io.github.lora4j.nn.KeyValuePrefix;
import io.github.lora4j.nn.Layer;
import io.github.lora4j.nn.LayerChange;
import io.github.lora4j.nn.LinearLayer;
import io.github.lora4j.nn.VirtualTokens;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BiConsumer;

/** A decoder with the linear layer that turns its hidden states into scores of tokens. */
record CausalLayers(Decoder decoder, LinearLayer head) implements Layer {

  static CausalLayers build(DecoderSpec spec, WeightSource weights) {
    DecoderBuilder builder = new DecoderBuilder(spec, weights);
    Decoder decoder = builder.build();
    DecoderSpec.HeadSpec head = spec.head();
    LinearLayer layer =
        spec.tieWordEmbeddings()
            ? new DenseLinear(
                head.name(),
                TensorScope.keep(decoder.embedding().table().alias()),
                builder.bias(head.name(), head.bias(), spec.vocabSize()))
            : builder.head(head.name(), spec.vocabSize(), spec.embeddingSize(), head.bias());
    return new CausalLayers(decoder, layer);
  }

  DecoderSpec spec() {
    return decoder.spec();
  }

  /**
   * Scores tokens.
   *
   * @param hidden {@code [..., hidden]}, before the last norm
   * @return {@code [..., vocab]}, in the caller's scope
   */
  Tensor logits(Tensor hidden, ForwardContext context) {
    try (TensorScope scope = TensorScope.open()) {
      Tensor input = decoder.headInput(hidden, context).to(head.dtype());
      Tensor scores = head.forward(input, context);
      return scope.handOver(Scores.of(spec().head(), scores));
    }
  }

  /** All parameters in order; a head tied to the embedding isn't one of its own. */
  Map<String, Tensor> parameters() {
    Map<String, Tensor> parameters = new LinkedHashMap<>();
    forEachParameter(parameters::put);
    if (spec().tieWordEmbeddings()) {
      parameters.remove(head.name() + ".weight");
    }
    return parameters;
  }

  List<LinearLayer> linearLayers() {
    return LayerLists.of(this::withLinears).linears();
  }

  CausalLayers withLinears(LayerChange change) {
    Decoder changed = decoder.withLinears(change);
    return new CausalLayers(changed, changedHead(change, changed));
  }

  CausalLayers withLayers(List<Integer> order) {
    return new CausalLayers(decoder.withLayers(order), head);
  }

  CausalLayers withVirtualTokens(VirtualTokens virtual) {
    return new CausalLayers(decoder.withVirtualTokens(virtual), head);
  }

  CausalLayers withPrefix(KeyValuePrefix prefix) {
    return new CausalLayers(decoder.withPrefix(prefix), head);
  }

  CausalLayers shareWith(LayerChange change) {
    Decoder shared = decoder.shareWith(change);
    LinearLayer sharedHead = changedHead(change, shared);
    return new CausalLayers(
        spec().tieWordEmbeddings() && !multipliesByTable(sharedHead, shared)
            ? shared.untied()
            : shared,
        sharedHead);
  }

  private LinearLayer changedHead(LayerChange change, Decoder changed) {
    return spec().tieWordEmbeddings()
        ? change.tiedHead(head, changed.embedding().tokens())
        : change.apply(head);
  }

  /** A head or a table that an adapter was merged into has a weight of its own. */
  private static boolean multipliesByTable(LinearLayer head, Decoder decoder) {
    return head instanceof DenseLinear dense
        && decoder.embedding().tokens() instanceof Embedding table
        && dense.weight().address() == table.weight().address();
  }

  @Override
  public void forEachParameter(BiConsumer<String, Tensor> visitor) {
    decoder.forEachParameter(visitor);
    head.forEachParameter(visitor);
  }

  @Override
  public void close() {
    decoder.close();
    head.close();
  }
}
