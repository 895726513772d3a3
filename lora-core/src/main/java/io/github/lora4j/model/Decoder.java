package io.github.lora4j.model;

import io.github.lora4j.nn.Attention;
import io.github.lora4j.nn.ForwardContext;
import io.github.lora4j.nn.KeyValuePrefix;
import io.github.lora4j.nn.KvCache;
import io.github.lora4j.nn.Layer;
import io.github.lora4j.nn.LayerChange;
import io.github.lora4j.nn.LinearLayer;
import io.github.lora4j.nn.Norm;
import io.github.lora4j.nn.VirtualTokens;
import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Device;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.BiConsumer;

/** The stack of blocks between token ids and the head, for every family. */
record Decoder(
    DecoderSpec spec,
    TokenEmbedding embedding,
    List<DecoderBlock> blocks,
    Optional<Norm> norm,
    Optional<LinearLayer> projection)
    implements Layer {

  Decoder {
    blocks = List.copyOf(blocks);
  }

  /**
   * Computes the hidden states behind the last block, before the last norm.
   *
   * @param ids I64 {@code [batch, seq]}
   * @param positions I64 {@code [batch or 1, seq]}
   * @param visible which keys a query sees
   * @param caches one per block in generation, else empty
   * @return {@code [batch, seq, hidden]}, in the caller's scope
   */
  Tensor forward(
      Tensor ids,
      Tensor positions,
      Attention.Visible visible,
      List<KvCache> caches,
      ForwardContext context) {
    try (TensorScope scope = TensorScope.open()) {
      Attention.Pass pass = pass(positions, visible);
      Tensor x = embedding.forward(ids, positions, context);
      for (int i = 0; i < blocks.size(); i++) {
        Optional<KvCache> cache = caches.isEmpty() ? Optional.empty() : Optional.of(caches.get(i));
        x = blocks.get(i).forward(x, pass, cache, context);
      }
      return scope.handOver(x);
    }
  }

  /**
   * What the head reads: hidden states behind the last block, normed and projected where the model
   * does so.
   */
  Tensor headInput(Tensor hidden, ForwardContext context) {
    try (TensorScope scope = TensorScope.open()) {
      Tensor x = norm.isPresent() ? norm.get().forward(hidden) : hidden;
      return scope.handOver(projection.isPresent() ? projection.get().forward(x, context) : x);
    }
  }

  /** What all blocks share in one pass over these positions. */
  Attention.Pass pass(Tensor positions, Attention.Visible visible) {
    return Attention.Pass.at(positions, spec.rotaryEmbeddings(), dtype(), visible);
  }

  Device device() {
    return embedding.tokens().device();
  }

  DType dtype() {
    return embedding.tokens().dtype();
  }

  /** How many virtual tokens stand before every sequence. */
  int virtualTokens() {
    return embedding.virtual().map(VirtualTokens::count).orElse(0);
  }

  /** How many positions the prefix of the layers takes. */
  int prefixLength() {
    return blocks.get(0).attention().prefix().map(KeyValuePrefix.OfLayer::count).orElse(0);
  }

  /** A view with virtual tokens before every sequence. */
  Decoder withVirtualTokens(VirtualTokens virtual) {
    if (virtualTokens() + prefixLength() > 0) {
      throw new IllegalStateException(
          "Something stands before the sequences of this model already.");
    }
    return new Decoder(spec, embedding.withVirtual(virtual), blocks, norm, projection);
  }

  /** A view with a prefix in every layer. */
  Decoder withPrefix(KeyValuePrefix prefix) {
    if (virtualTokens() + prefixLength() > 0) {
      throw new IllegalStateException(
          "Something stands before the sequences of this model already.");
    }
    List<DecoderBlock> prefixed = new ArrayList<>();
    for (int layer = 0; layer < blocks.size(); layer++) {
      prefixed.add(blocks.get(layer).withPrefix(new KeyValuePrefix.OfLayer(prefix, layer)));
    }
    return new Decoder(spec, embedding, prefixed, norm, projection);
  }

  /** The same layers under a head that isn't tied. */
  Decoder untied() {
    return new Decoder(spec.untied(), embedding, blocks, norm, projection);
  }

  /** A view whose blocks are some of these, each renamed after its place. */
  Decoder withLayers(List<Integer> order) {
    List<DecoderBlock> chosen = new ArrayList<>();
    for (int place = 0; place < order.size(); place++) {
      int from = order.get(place);
      DecoderBlock block = blocks.get(from);
      chosen.add(
          from == place
              ? block
              : block.withLinears(new Renaming(spec.inLayer(from, ""), spec.inLayer(place, ""))));
    }
    return new Decoder(spec.withLayers(order), embedding, chosen, norm, projection);
  }

  Decoder withLinears(LayerChange change) {
    return new Decoder(
        spec,
        embedding.withLinears(change),
        blocks.stream().map(b -> b.withLinears(change)).toList(),
        norm.map(change::norm),
        projection.map(change));
  }

  Decoder shareWith(LayerChange change) {
    return new Decoder(
        spec,
        embedding.shareWith(change),
        blocks.stream().map(b -> b.shareWith(change)).toList(),
        norm.map(last -> last.shareWith(change)),
        projection.map(change));
  }

  @Override
  public void forEachParameter(BiConsumer<String, Tensor> visitor) {
    embedding.forEachParameter(visitor);
    blocks.forEach(block -> block.forEachParameter(visitor));
    norm.ifPresent(last -> last.forEachParameter(visitor));
    projection.ifPresent(last -> last.forEachParameter(visitor));
  }

  @Override
  public void close() {
    embedding.close();
    blocks.forEach(DecoderBlock::close);
    norm.ifPresent(Norm::close);
    projection.ifPresent(LinearLayer::close);
  }
}
