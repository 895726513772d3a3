package io.github.lora4j.train;

/**
 * How many updates a run has and of what they consist.
 *
 * @param examples examples of one epoch
 * @param microBatchesPerEpoch batches of one epoch
 * @param accumulation batches of a full update; the last update of an epoch takes what is left
 * @param updatesPerEpoch updates of one epoch
 * @param maxSteps updates of the whole run
 * @param numTrainEpochs epochs that are begun
 */
record StepPlan(
    int examples,
    int microBatchesPerEpoch,
    int accumulation,
    int updatesPerEpoch,
    int maxSteps,
    int numTrainEpochs) {

  /** Plans a run over that many examples. */
  static StepPlan of(int examples, TrainingArguments args) {
    int batch = args.perDeviceTrainBatchSize();
    boolean dropLast = args.dataloaderDropLast();
    int microBatches = examples / batch + (!dropLast && examples % batch > 0 ? 1 : 0);
    if (microBatches == 0) {
      throw new IllegalArgumentException(
          ("dataloaderDropLast leaves nothing to train on: %d examples are less than one batch of"
                  + " %d; lower perDeviceTrainBatchSize or switch dataloaderDropLast off")
              .formatted(examples, batch));
    }
    int accumulation = args.gradientAccumulationSteps();
    int updates = microBatches / accumulation + (microBatches % accumulation > 0 ? 1 : 0);
    if (args.maxSteps() > 0) {
      int steps = args.maxSteps();
      int epochs = steps / updates + (steps % updates > 0 ? 1 : 0);
      return new StepPlan(examples, microBatches, accumulation, updates, steps, epochs);
    }
    double steps = Math.ceil(args.numTrainEpochs() * updates);
    if (steps > Integer.MAX_VALUE) {
      throw new IllegalArgumentException(
          "numTrainEpochs %s of %d updates are more than %d updates; lower numTrainEpochs"
              .formatted(args.numTrainEpochs(), updates, Integer.MAX_VALUE));
    }
    int epochs = (int) Math.ceil(args.numTrainEpochs());
    return new StepPlan(examples, microBatches, accumulation, updates, (int) steps, epochs);
  }

  /** How many batches the update at this place of an epoch consists of. */
  int microBatchesOf(int updateInEpoch) {
    return Math.min(accumulation, microBatchesPerEpoch - updateInEpoch * accumulation);
  }

  /** The epoch as a fraction, after that many batches of the epoch with this number. */
  double epochAfter(int epoch, int microBatches) {
    return epoch + microBatches / (double) microBatchesPerEpoch;
  }

  /**
   * An interval in updates: as given from 1 on, below 1 a fraction of the whole run.
   *
   * <p>The same rule gives the length of {@code warmupSteps}, where 0 means none.
   */
  int resolve(double steps) {
    return steps >= 1 ? (int) steps : (int) Math.ceil(maxSteps * steps);
  }
}
