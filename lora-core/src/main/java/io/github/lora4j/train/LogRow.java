package io.github.lora4j.train;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.stream.Collectors;

/**
 * One line of the training log.
 *
 * <p>The names are transformers': {@code loss}, {@code grad_norm}, {@code learning_rate} for a
 * stretch of updates, {@code eval_loss} and so on for an evaluation, {@code train_runtime} and so
 * on for the end of a run; and, beyond transformers, {@code tokens_per_second} (input tokens that
 * are no padding) and {@code peak_memory_mb} (of the process, 10^6 bytes).
 *
 * @param step updates completed when the line was written
 * @param epoch epochs completed, as a fraction
 * @param values the numbers by name, in the order of the line
 */
public record LogRow(int step, double epoch, Map<String, Double> values) {

  /** Copies the numbers; their order is kept. */
  public LogRow {
    values = Collections.unmodifiableMap(new LinkedHashMap<>(values));
  }

  /** The number of that name, such as {@code loss}, where this line has one. */
  public OptionalDouble value(String name) {
    Double value = values.get(name);
    return value == null ? OptionalDouble.empty() : OptionalDouble.of(value);
  }

  /** The line as transformers prints it, with numbers of four digits. */
  @Override
  public String toString() {
    Map<String, Double> all = new LinkedHashMap<>(values);
    all.put("epoch", epoch);
    return format(all);
  }

  /** Numbers as transformers prints them; the one with too many digits to read is left out. */
  static String format(Map<String, Double> values) {
    return values.entrySet().stream()
        .filter(e -> !e.getKey().equals("total_flos"))
        .map(e -> "'%s': %s".formatted(e.getKey(), PythonFloat.readable(e.getValue())))
        .collect(Collectors.joining(", ", "{", "}"));
  }
}
