package io.github.lora4j.train;

import io.github.lora4j.data.Batch;
import io.github.lora4j.data.DataCollator;
import io.github.lora4j.data.Dataset;
import io.github.lora4j.data.PaddingCollator;
import io.github.lora4j.data.SequenceLabels;
import io.github.lora4j.data.TokenizedExample;
import io.github.lora4j.model.ProblemType;
import io.github.lora4j.model.SequenceClassifier;
import io.github.lora4j.tensor.TensorScope;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * How well a classifier does, in scikit-learn's measures.
 *
 * <p>Of one class for each sequence: {@code accuracy} and {@code f1}, the mean over the classes
 * that occur. Of several: {@code accuracy}, the share of sequences with all classes right, and
 * {@code f1} over all decisions together; a class is predicted where its score is above 0. Of a
 * regression: {@code mse} and {@code mae}, means over all numbers.
 *
 * <pre>{@code
 * Trainer.builder(peft, args).computeMetrics(ClassificationMetrics.of(peft.model()))
 * }</pre>
 */
public final class ClassificationMetrics implements ComputeMetrics {

  private static final int DEFAULT_BATCH_SIZE = 8;

  private final SequenceClassifier model;
  private final DataCollator collator;
  private final int batchSize;

  private ClassificationMetrics(SequenceClassifier model, DataCollator collator, int batchSize) {
    this.model = model;
    this.collator = collator;
    this.batchSize = batchSize;
  }

  /**
   * Measures this model, which is borrowed, in batches of 8: with an adapter, its {@code model()}.
   */
  public static ClassificationMetrics of(SequenceClassifier model) {
    return new ClassificationMetrics(model, PaddingCollator.of(0), DEFAULT_BATCH_SIZE);
  }

  /**
   * The same with batches of another size.
   *
   * @throws IllegalArgumentException if it is less than 1
   */
  public ClassificationMetrics batchSize(int batchSize) {
    if (batchSize < 1) {
      throw new IllegalArgumentException("batchSize must be at least 1, found " + batchSize);
    }
    return new ClassificationMetrics(model, collator, batchSize);
  }

  /**
   * {@inheritDoc}
   *
   * @throws IllegalArgumentException if an example has no label of its sequence
   */
  @Override
  public Map<String, Double> compute(Dataset<TokenizedExample> evalDataset) {
    int labels = model.numLabels();
    Decisions decisions = new Decisions(labels);
    Errors errors = new Errors();
    for (int from = 0; from < evalDataset.size(); from += batchSize) {
      int to = Math.min(evalDataset.size(), from + batchSize);
      Batch batch = collator.collate(evalDataset.rows().subList(from, to));
      float[] scores = scores(batch);
      SequenceLabels given =
          batch
              .sequenceLabels()
              .orElseThrow(
                  () -> new IllegalArgumentException("the examples have no labels to measure by"));
      if (given instanceof SequenceLabels.Values values) {
        if (isRegression()) {
          errors.add(scores, values.values());
        } else {
          decisions.addSets(scores, values.values());
        }
      } else {
        decisions.addClasses(scores, ((SequenceLabels.ClassIds) given).ids());
      }
    }
    return errors.count > 0 ? errors.metrics() : decisions.metrics();
  }

  private boolean isRegression() {
    return model.problemType().map(ProblemType.REGRESSION::equals).orElse(model.numLabels() == 1);
  }

  private float[] scores(Batch batch) {
    try (TensorScope scope = TensorScope.open()) {
      return model.logits(batch).toFloatArray();
    }
  }

  /** What was predicted and what was right, counted. */
  private static final class Decisions {

    private final int labels;
    private final long[] hits;
    private final long[] predicted;
    private final long[] there;
    private boolean sets;
    private long sequences;
    private long right;

    Decisions(int labels) {
      this.labels = labels;
      this.hits = new long[labels];
      this.predicted = new long[labels];
      this.there = new long[labels];
    }

    void addClasses(float[] scores, int[] ids) {
      for (int row = 0; row < ids.length; row++) {
        int best = 0;
        for (int label = 1; label < labels; label++) {
          if (scores[row * labels + label] > scores[row * labels + best]) {
            best = label;
          }
        }
        predicted[best]++;
        there[ids[row]]++;
        hits[best] += best == ids[row] ? 1 : 0;
        right += best == ids[row] ? 1 : 0;
        sequences++;
      }
    }

    void addSets(float[] scores, float[] asked) {
      sets = true;
      for (int from = 0; from < asked.length; from += labels) {
        boolean all = true;
        for (int label = 0; label < labels; label++) {
          boolean says = scores[from + label] > 0;
          boolean is = asked[from + label] > 0;
          predicted[label] += says ? 1 : 0;
          there[label] += is ? 1 : 0;
          hits[label] += says && is ? 1 : 0;
          all &= says == is;
        }
        right += all ? 1 : 0;
        sequences++;
      }
    }

    Map<String, Double> metrics() {
      Map<String, Double> metrics = new LinkedHashMap<>();
      metrics.put("accuracy", sequences == 0 ? 0 : right / (double) sequences);
      metrics.put("f1", sets ? together() : meanOverClasses());
      return metrics;
    }

    private double together() {
      long hit = 0;
      long sum = 0;
      for (int label = 0; label < labels; label++) {
        hit += hits[label];
        sum += predicted[label] + there[label];
      }
      return sum == 0 ? 0 : 2.0 * hit / sum;
    }

    private double meanOverClasses() {
      double sum = 0;
      int classes = 0;
      for (int label = 0; label < labels; label++) {
        long occurrences = predicted[label] + there[label];
        if (occurrences > 0) {
          sum += 2.0 * hits[label] / occurrences;
          classes++;
        }
      }
      return classes == 0 ? 0 : sum / classes;
    }
  }

  /** How far predicted numbers are off. */
  private static final class Errors {

    private double squares;
    private double absolutes;
    private long count;

    void add(float[] scores, float[] asked) {
      for (int i = 0; i < asked.length; i++) {
        double error = (double) scores[i] - asked[i];
        squares += error * error;
        absolutes += Math.abs(error);
        count++;
      }
    }

    Map<String, Double> metrics() {
      Map<String, Double> metrics = new LinkedHashMap<>();
      metrics.put("mse", squares / count);
      metrics.put("mae", absolutes / count);
      return metrics;
    }
  }
}
