package io.github.lora4j.internal.jinja;

import java.util.Iterator;
import java.util.List;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * What Python's lazy filters return: true, without a length, and empty once it was gone through.
 */
final class Stream implements Iterable<Object> {

  private final Supplier<List<Object>> source;
  private @Nullable Iterator<Object> items;

  /**
   * Returns a stream.
   *
   * @param source asked when an element is first needed
   */
  Stream(Supplier<List<Object>> source) {
    this.source = source;
  }

  @Override
  public Iterator<Object> iterator() {
    if (items == null) {
      items = source.get().iterator();
    }
    return items;
  }
}
