package io.github.lora4j.nn;

import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Device;
import io.github.lora4j.tensor.Tensor;

/**
 * A table from which vectors are looked up, whatever form it has: plain, or decorated with an
 * adapter.
 *
 * <p>The counterpart of {@code torch.nn.Embedding}; what {@link LinearLayer} is for products.
 */
public interface EmbeddingLayer extends Layer {

  /** The module's name in the checkpoint, as PEFT sees it, such as {@code model.embed_tokens}. */
  String name();

  /** The number of vectors: {@code num_embeddings}. */
  int numEmbeddings();

  /** The size of a vector: {@code embedding_dim}. */
  int embeddingDim();

  /** The dtype of the vectors that it returns. */
  DType dtype();

  /** Where its parameters lie. */
  Device device();

  /**
   * Looks vectors up.
   *
   * @param ids I64 {@code [batch, seq]}
   * @return {@code [batch, seq, embeddingDim]}, in the caller's scope
   */
  Tensor forward(Tensor ids, ForwardContext context);

  /** A second owner of the same parameters, to be closed on its own. */
  EmbeddingLayer share();

  /** What a change makes of this layer; a second owner of the same parameters if nothing. */
  default EmbeddingLayer shareWith(LayerChange change) {
    EmbeddingLayer changed = change.embedding(this);
    return changed == this ? share() : changed;
  }
}
