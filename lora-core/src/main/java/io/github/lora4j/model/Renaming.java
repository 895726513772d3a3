package io.github.lora4j.model;

import io.github.lora4j.nn.ExpertLinear;
import io.github.lora4j.nn.LayerChange;
import io.github.lora4j.nn.LinearLayer;
import io.github.lora4j.nn.Norm;
import java.util.function.UnaryOperator;

/**
 * Gives the layers of a block the names of another place in the stack.
 *
 * @param from what their names begin with
 * @param to what takes its place
 */
record Renaming(String from, String to) implements LayerChange {

  @Override
  public LinearLayer apply(LinearLayer layer) {
    return layer.renamed(renamed(layer.name()));
  }

  @Override
  public LinearLayer router(LinearLayer router) {
    return apply(router);
  }

  @Override
  public ExpertLinear experts(ExpertLinear experts) {
    return experts.renamed(renamed(experts.name()));
  }

  @Override
  public Norm norm(Norm norm) {
    return norm.with(renamed(norm.name()), UnaryOperator.identity());
  }

  private String renamed(String name) {
    return to + name.substring(from.length());
  }
}
