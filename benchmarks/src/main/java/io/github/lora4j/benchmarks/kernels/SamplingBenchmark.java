package io.github.lora4j.benchmarks.kernels;

import io.github.lora4j.generate.GenerationConfig;
import io.github.lora4j.generate.TokenGenerator;
import io.github.lora4j.model.DecodingSession;
import io.github.lora4j.model.NextTokenModel;
import io.github.lora4j.tensor.DType;
import java.util.Random;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Setup;

/** Chooses one token of 49,152, given their scores. */
public class SamplingBenchmark extends KernelBenchmark {

  private static final int VOCABULARY = 49_152;

  /** With this spread about sixteen tokens share the probability, as in text. */
  private static final double SPREAD = 4;

  private static final int[][] PROMPT = {{1}};

  /** What is set: nothing, one setting or all three. */
  @Param({"greedy", "temperature", "topK", "topP", "all"})
  public String settings = "";

  private GenerationConfig config;
  private NextTokenModel model;

  /** Makes scores and settings. */
  @Setup
  public void open() {
    Random random = new Random(1);
    float[] scores = new float[VOCABULARY];
    for (int i = 0; i < scores.length; i++) {
      scores[i] = (float) (SPREAD * random.nextGaussian());
    }
    model = new FixedScores(scores);
    config = config();
  }

  private GenerationConfig config() {
    GenerationConfig.Builder one = GenerationConfig.builder().maxNewTokens(1);
    if (settings.equals("greedy")) {
      return one.build();
    }
    GenerationConfig.Builder sampled = one.doSample(true).topK(0);
    return switch (settings) {
      case "temperature" -> sampled.temperature(0.7).build();
      case "topK" -> sampled.topK(50).build();
      case "topP" -> sampled.topP(0.9).build();
      case "all" -> sampled.temperature(0.7).topK(50).topP(0.9).build();
      default -> throw new IllegalArgumentException("settings: found " + settings);
    };
  }

  /** One token. */
  @Benchmark
  public void choose() {
    // Each score has to be looked at once.
    Work work = Work.ofBytes((double) VOCABULARY * Float.BYTES);
    measure(work, () -> TokenGenerator.generate(model, PROMPT, config));
  }

  @Override
  DType dtype() {
    return DType.F32;
  }

  /** A model that always gives the same scores, since the caller overwrites them a copy. */
  private record FixedScores(float[] scores) implements NextTokenModel {

    @Override
    public DecodingSession startDecoding(int[][] prompts, int maxLength) {
      float[][] row = {scores.clone()};
      return new DecodingSession() {
        @Override
        public float[][] logits() {
          return row;
        }

        @Override
        public void append(int[] tokens) {}

        @Override
        public void close() {}
      };
    }

    @Override
    public int maxPositionEmbeddings() {
      return Integer.MAX_VALUE;
    }
  }
}
