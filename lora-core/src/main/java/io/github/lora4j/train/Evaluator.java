package io.github.lora4j.train;

import io.github.lora4j.data.Batch;
import io.github.lora4j.data.DataCollator;
import io.github.lora4j.data.Dataset;
import io.github.lora4j.data.TokenizedExample;
import io.github.lora4j.model.PreTrainedModel;
import io.github.lora4j.nn.ForwardContext;
import io.github.lora4j.tensor.NoGrad;
import io.github.lora4j.tensor.TensorScope;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/** Computes the loss of a whole dataset, in its order. */
final class Evaluator {

  private final PreTrainedModel model;
  private final Dataset<TokenizedExample> dataset;
  private final DataCollator collator;
  private final int batchSize;
  private final ForwardContext context;
  private final Optional<ComputeMetrics> computeMetrics;

  Evaluator(
      PreTrainedModel model,
      Dataset<TokenizedExample> dataset,
      DataCollator collator,
      int batchSize,
      ForwardContext context,
      Optional<ComputeMetrics> computeMetrics) {
    this.model = model;
    this.dataset = SupervisionCheck.supervised(dataset);
    this.collator = collator;
    this.batchSize = batchSize;
    this.context = context;
    this.computeMetrics = computeMetrics;
  }

  /**
   * The mean loss per supervised item and the time it took; without the epoch.
   *
   * @param when for the message of a loss that isn't finite: {@code " after step 5"}, or empty
   */
  EvaluationResult evaluate(String when) {
    Speed time = new Speed();
    double lossSum = 0;
    long supervised = 0;
    int batches = 0;
    for (int from = 0; from < dataset.size(); from += batchSize) {
      int to = Math.min(dataset.size(), from + batchSize);
      Batch batch = collator.collate(dataset.rows().subList(from, to));
      supervised += batch.supervisedItems();
      try (NoGrad noGrad = NoGrad.open();
          TensorScope scope = TensorScope.open()) {
        lossSum += model.loss(batch, context);
      }
      batches++;
    }
    double loss = lossSum / supervised;
    DivergenceGuard.requireFiniteEvaluation(loss, when);
    Map<String, Double> metrics = new LinkedHashMap<>();
    metrics.put("eval_loss", loss);
    computeMetrics.ifPresent(
        more ->
            more.compute(dataset)
                .forEach(
                    (name, value) ->
                        metrics.put(name.startsWith("eval_") ? name : "eval_" + name, value)));
    Speed.addTo(metrics, "eval", time.seconds(), dataset.size(), batches);
    return new EvaluationResult(loss, dataset.size(), supervised, metrics);
  }
}
