package io.github.lora4j.train;

import io.github.lora4j.data.Dataset;
import io.github.lora4j.data.TokenizedExample;
import io.github.lora4j.error.DatasetException;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Finds data from which nothing can be learnt before the first update is spent on it. */
final class SupervisionCheck {

  private static final Logger LOG = LoggerFactory.getLogger(SupervisionCheck.class);

  private SupervisionCheck() {}

  /**
   * Leaves out the examples without a supervised token, which would contribute nothing, and says
   * how many they are.
   *
   * @throws DatasetException if none is left
   */
  static Dataset<TokenizedExample> supervised(Dataset<TokenizedExample> dataset) {
    Dataset<TokenizedExample> kept = dataset.filter(example -> example.supervisedItems() > 0);
    if (kept.isEmpty()) {
      throw new DatasetException(
          ("No example of %s has a supervised token: every label is %d, or the only other one"
                  + " stands first. Check that the completion isn't empty and that truncation"
                  + " (maxLength) doesn't cut it off. (To train a classifier, label whole sequences:"
                  + " TokenizedExample.labelled.)")
              .formatted(dataset, TokenizedExample.IGNORE_INDEX));
    }
    if (kept.size() < dataset.size()) {
      LOG.warn(
          "{} of {} examples of {} have no supervised token and are left out; truncation"
              + " (maxLength) may have cut their completions off",
          dataset.size() - kept.size(),
          dataset.size(),
          dataset);
    }
    return kept;
  }

  /**
   * Checks that some example teaches the model to stop.
   *
   * @param eosTokenIds the tokens that end a text; none switches the check off
   * @throws DatasetException if no supervised label is one of them
   */
  static void requireEos(Dataset<TokenizedExample> dataset, List<Integer> eosTokenIds) {
    if (eosTokenIds.isEmpty()) {
      return;
    }
    long ending = dataset.stream().filter(example -> teachesEos(example, eosTokenIds)).count();
    if (ending == 0) {
      throw new DatasetException(
          ("No example of %s has an end-of-sequence token (id %s) among its supervised labels: the"
                  + " model would never learn to stop. Append it to each text and give it its own id"
                  + " as label (a collator that masks every padding token also masks it where both are"
                  + " one token), raise maxLength if truncation cut it off, or, for text without an"
                  + " end, pass eosTokenIds() without ids to the trainer.")
              .formatted(dataset, eosTokenIds));
    }
    if (ending < dataset.size()) {
      LOG.info(
          "{} of {} examples have no end-of-sequence token to learn",
          dataset.size() - ending,
          dataset.size());
    }
  }

  private static boolean teachesEos(TokenizedExample example, List<Integer> eosTokenIds) {
    int[] labels = example.labels();
    for (int i = 1; i < labels.length; i++) {
      if (eosTokenIds.contains(labels[i])) {
        return true;
      }
    }
    return false;
  }
}
