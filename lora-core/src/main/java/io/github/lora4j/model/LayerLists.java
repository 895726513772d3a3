package io.github.lora4j.model;

import io.github.lora4j.nn.EmbeddingLayer;
import io.github.lora4j.nn.LayerChange;
import io.github.lora4j.nn.LinearLayer;
import io.github.lora4j.nn.Norm;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/** The layers that a change is shown, in the model's order, without those that mix experts. */
record LayerLists(List<LinearLayer> linears, List<EmbeddingLayer> embeddings, List<Norm> norms) {

  /**
   * Takes down what a model shows.
   *
   * @param tree rebuilds it around a change
   */
  static LayerLists of(Consumer<LayerChange> tree) {
    LayerLists lists = new LayerLists(new ArrayList<>(), new ArrayList<>(), new ArrayList<>());
    tree.accept(
        new LayerChange() {
          @Override
          public LinearLayer apply(LinearLayer layer) {
            lists.linears.add(layer);
            return layer;
          }

          @Override
          public EmbeddingLayer embedding(EmbeddingLayer table) {
            lists.embeddings.add(table);
            return table;
          }

          @Override
          public Norm norm(Norm norm) {
            lists.norms.add(norm);
            return norm;
          }
        });
    return lists;
  }
}
