package io.github.lora4j.data;

import java.util.List;

/** Makes one batch of several examples. */
@FunctionalInterface
public interface DataCollator {

  /**
   * Returns the batch of these examples, in their order.
   *
   * @param examples at least one
   */
  Batch collate(List<TokenizedExample> examples);
}
