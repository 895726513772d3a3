package io.github.lora4j.benchmarks.compare;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.Map;

/** The child on our side: a {@link Task} on standard input, measurements on standard output. */
public final class CaseRunner {

  private CaseRunner() {}

  /** Measures one case in this process. */
  public static void main(String[] args) throws IOException {
    ObjectMapper json = new ObjectMapper();
    Task task = json.readValue(System.in, Task.class);
    Map<String, Double> line = new LinkedHashMap<>();
    measure(task).forEach((metric, value) -> line.put(metric.key(), value));
    System.out.println(json.writeValueAsString(line));
  }

  private static Map<Metric, Double> measure(Task task) {
    return switch (task.kind()) {
      case LIMITS -> LimitsRun.measure(task);
      case TRAIN -> TrainingRun.ofSteps(task);
      case FAMILY -> TrainingRun.ofBothWays(task);
      case QLORA -> QuantizedRun.measure(task);
      case DECODE -> DecodingRun.measure(task);
      case SFT -> TrainingRun.ofExamples(task);
      case CLASSIFY -> TrainingRun.ofTexts(task);
      case STARTUP -> TrainingRun.ofStart(task);
      case GENERATE -> GenerationRun.measure(task);
    };
  }
}
