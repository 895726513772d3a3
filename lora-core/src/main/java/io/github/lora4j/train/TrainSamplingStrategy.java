package io.github.lora4j.train;

/** The order in which the examples of an epoch are visited. */
public enum TrainSamplingStrategy {
  /** A new permutation for each epoch, a function of the data seed and the epoch's number alone. */
  RANDOM,
  /** The order of the dataset, the same in each epoch. */
  SEQUENTIAL
}
