package io.github.lora4j.internal.jinja;

import com.hubspot.jinjava.util.ForLoop;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The variable {@code loop}. */
final class Loop extends ForLoop {

  private final List<Object> items;

  Loop(List<Object> items) {
    super(items.iterator(), items.size());
    this.items = items;
  }

  @Nullable Object attribute(String name) {
    int index = getIndex0();
    long left = (long) items.size() - index;
    return switch (name) {
      case "index" -> index + 1L;
      case "index0" -> (long) index;
      case "revindex" -> left;
      case "revindex0" -> left - 1;
      case "first" -> index == 0;
      case "last" -> left == 1;
      case "length" -> (long) items.size();
      case "previtem" ->
          index > 0 ? items.get(index - 1) : new Undefined("there is no previous item");
      case "nextitem" -> left > 1 ? items.get(index + 1) : new Undefined("there is no next item");
      default -> throw JinjaException.of("loop." + name + " is not supported");
    };
  }
}
