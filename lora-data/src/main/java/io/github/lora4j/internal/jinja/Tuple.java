package io.github.lora4j.internal.jinja;

import java.util.AbstractList;
import java.util.List;

/** A list written with parentheses. Equal to another tuple only, unlike Java's lists. */
final class Tuple extends AbstractList<Object> {

  private final List<Object> items;

  Tuple(List<?> items) {
    this.items = List.copyOf(items);
  }

  static Tuple of(Object... items) {
    return new Tuple(List.of(items));
  }

  @Override
  public Object get(int index) {
    return items.get(index);
  }

  @Override
  public int size() {
    return items.size();
  }
}
