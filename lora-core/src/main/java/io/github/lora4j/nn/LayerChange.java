package io.github.lora4j.nn;

import java.util.function.UnaryOperator;

/**
 * What becomes of the layers that adapters and quantizers know, when a tree of layers is rebuilt
 * around others: a function of linear layers, and by default nothing else.
 *
 * <p>In a tree that borrows, what is given is borrowed too; in one that owns its parts ({@code
 * shareWith}), linear layers must be new or shared ones, and anything else that stays the same gets
 * a second owner by itself.
 *
 * <p>Routers and experts are not {@code torch.nn.Linear} in transformers but modules with bare
 * parameters, so that PEFT and bitsandbytes don't count them among the linear layers; neither does
 * {@link #apply}.
 */
@FunctionalInterface
public interface LayerChange extends UnaryOperator<LinearLayer> {

  /** Gives the layer to put in place of the one that chooses experts; the same where it stays. */
  default LinearLayer router(LinearLayer router) {
    return router;
  }

  /** Gives the weight to put in place of one of all experts; the same where it stays. */
  default ExpertLinear experts(ExpertLinear experts) {
    return experts;
  }

  /** Gives the table to put in place of one of tokens or positions; the same where it stays. */
  default EmbeddingLayer embedding(EmbeddingLayer table) {
    return table;
  }

  /** Gives the norm to put in place of another; the same where it stays. */
  default Norm norm(Norm norm) {
    return norm;
  }

  /**
   * Gives the layer to put in place of a head that multiplies by the embedding's table.
   *
   * <p>By default the head doesn't follow: it goes on multiplying by the table of the model that is
   * changed, as PEFT's does without {@code ensure_weight_tying}.
   *
   * @param head the head, over the unchanged table
   * @param table what {@link #embedding} gave for the table
   */
  default LinearLayer tiedHead(LinearLayer head, EmbeddingLayer table) {
    return apply(head);
  }
}
