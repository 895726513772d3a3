package io.github.lora4j.nn;

import java.util.function.UnaryOperator;

/**
 * What becomes of the layers that adapters and quantizers know, when a tree of layers is rebuilt
 * around others: a function of linear layers, and by default nothing else.
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
}
