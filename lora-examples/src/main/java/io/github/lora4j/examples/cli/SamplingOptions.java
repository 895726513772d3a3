package io.github.lora4j.examples.cli;

import io.github.lora4j.generate.GenerationConfig;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import picocli.CommandLine.Option;

/** How the next token is chosen: the likeliest, unless an option of sampling is given. */
final class SamplingOptions {

  @Option(
      names = "--temperature",
      paramLabel = "X",
      description = "Sample at this temperature; 0 takes the likeliest token. Default: 0.")
  private Optional<Double> temperature = Optional.empty();

  @Option(
      names = "--top-k",
      paramLabel = "N",
      description = "Sample from the N likeliest tokens only, 0 for all. Default: 50.")
  private Optional<Integer> topK = Optional.empty();

  @Option(
      names = "--top-p",
      paramLabel = "X",
      description = "Sample from the likeliest tokens that together reach this probability.")
  private Optional<Double> topP = Optional.empty();

  @Option(
      names = "--min-p",
      paramLabel = "X",
      description = "Sample from tokens at least this fraction as probable as the likeliest.")
  private Optional<Double> minP = Optional.empty();

  @Option(
      names = "--repetition-penalty",
      paramLabel = "X",
      description = "Make tokens that stood before less likely, sampling or not. Default: 1.")
  private Optional<Double> repetitionPenalty = Optional.empty();

  @Option(
      names = "--seed",
      paramLabel = "N",
      description = "Where sampling starts from; without one it differs each time.")
  private Optional<Long> seed = Optional.empty();

  @Option(
      names = "--stop",
      paramLabel = "TEXT",
      converter = EscapedText.class,
      description = "End before this text comes up; may be given several times.")
  private List<String> stop = List.of();

  void applyTo(GenerationConfig.Builder config) {
    boolean greedy = temperature.filter(t -> t == 0).isPresent();
    boolean restricted = Stream.of(topK, topP, minP).anyMatch(Optional::isPresent);
    if (greedy && restricted) {
      throw new IllegalArgumentException(
          "--top-k, --top-p and --min-p have no effect at --temperature 0, which takes the"
              + " likeliest token: leave one or the other out");
    }
    if (!greedy && (restricted || temperature.isPresent())) {
      config.doSample(true);
      temperature.ifPresent(config::temperature);
    }
    topK.ifPresent(config::topK);
    topP.ifPresent(config::topP);
    minP.ifPresent(config::minP);
    repetitionPenalty.ifPresent(config::repetitionPenalty);
    seed.ifPresent(config::seed);
    config.stopStrings(stop);
  }
}
