package io.github.lora4j.internal.jinja;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** The variable {@code loop}. */
final class Loop {

  private final List<Object> elements;
  private final int depth;
  private int index;
  private @Nullable Object last;

  Loop(List<Object> elements, int depth) {
    this.elements = elements;
    this.depth = depth;
  }

  void moveTo(int position) {
    index = position;
  }

  int depth() {
    return depth;
  }

  @Nullable Object attribute(String name) {
    int count = elements.size();
    return switch (name) {
      case "index" -> index + 1L;
      case "index0" -> (long) index;
      case "revindex" -> (long) count - index;
      case "revindex0" -> count - index - 1L;
      case "first" -> index == 0;
      case "last" -> index == count - 1;
      case "length" -> (long) count;
      case "depth" -> (long) depth;
      case "depth0" -> depth - 1L;
      case "previtem" ->
          index == 0
              ? new Undefined("there is no previous element in the loop")
              : elements.get(index - 1);
      case "nextitem" ->
          index == count - 1
              ? new Undefined("there is no next element in the loop")
              : elements.get(index + 1);
      case "cycle" ->
          (Function)
              (run, arguments) -> {
                if (arguments.positional().isEmpty()) {
                  throw JinjaException.of("loop.cycle needs values");
                }
                return arguments.positional().get(index % arguments.positional().size());
              };
      case "changed" ->
          (Function)
              (run, arguments) -> {
                Object now = new Tuple(arguments.positional());
                boolean changed = last == null || !Comparison.equal(run.budget, last, now);
                last = now;
                return changed;
              };
      default -> null;
    };
  }
}
