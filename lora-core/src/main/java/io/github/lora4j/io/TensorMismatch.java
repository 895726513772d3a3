package io.github.lora4j.io;

import io.github.lora4j.tensor.DType;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Compares the tensors that a file holds with those that its reader needs, all at once. */
public final class TensorMismatch {

  private TensorMismatch() {}

  /**
   * Lists what is missing, what is unexpected, and what has another shape or no floating-point
   * dtype.
   *
   * @param found the names in the file
   * @param info tells of each
   * @param expected the shapes that are needed, by name
   * @param ignored names that may be there though nothing needs them
   * @return a line for each kind of difference, to be put behind an error's first line; empty where
   *     all fits
   */
  public static Optional<String> describe(
      Set<String> found,
      Function<String, TensorInfo> info,
      Map<String, List<Long>> expected,
      Predicate<String> ignored) {
    return describe(found, info, expected, Map.of(), ignored);
  }

  /**
   * Lists what is missing, what is unexpected, and what has another shape or dtype.
   *
   * @param found the names in the file
   * @param info tells of each
   * @param expected the shapes that are needed, by name
   * @param dtypes what those may have that needn't be floating-point numbers, by name
   * @param ignored names that may be there though nothing needs them
   * @return a line for each kind of difference, to be put behind an error's first line; empty where
   *     all fits
   */
  public static Optional<String> describe(
      Set<String> found,
      Function<String, TensorInfo> info,
      Map<String, List<Long>> expected,
      Map<String, Set<DType>> dtypes,
      Predicate<String> ignored) {
    Set<String> unexpected = new TreeSet<>(found);
    List<String> missing = new ArrayList<>();
    List<String> misshapen = new ArrayList<>();
    expected.forEach(
        (name, shape) -> {
          if (!unexpected.remove(name)) {
            missing.add(name);
            return;
          }
          TensorInfo stored = info.apply(name);
          if (!stored.shape().equals(shape)) {
            misshapen.add(name + " (expected " + shape + ", found " + stored.shape() + ")");
          } else if (!fits(stored.dtype(), dtypes.get(name))) {
            misshapen.add(
                "%s (expected %s, found %s)"
                    .formatted(name, wanted(dtypes.get(name)), stored.dtype()));
          }
        });
    unexpected.removeIf(ignored);
    String lines =
        line("missing", missing) + line("unexpected", unexpected) + line("misshapen", misshapen);
    return lines.isEmpty() ? Optional.empty() : Optional.of(lines);
  }

  private static boolean fits(DType dtype, @Nullable Set<DType> allowed) {
    return allowed == null ? dtype.isFloatingPoint() : allowed.contains(dtype);
  }

  private static String wanted(@Nullable Set<DType> allowed) {
    return allowed == null
        ? "a floating-point dtype"
        : allowed.stream().sorted().map(DType::name).collect(Collectors.joining(" or "));
  }

  private static String line(String label, Collection<String> names) {
    return names.isEmpty() ? "" : "\n  " + label + ": " + String.join(", ", names);
  }
}
