package io.github.lora4j.peft;

import java.util.LinkedHashMap;
import java.util.Map;

/** Gives a key of a map another name in the same place. */
final class Renaming {

  private Renaming() {}

  static <T> void rename(Map<String, T> map, String from, String to) {
    Map<String, T> renamed = new LinkedHashMap<>();
    map.forEach((key, value) -> renamed.put(key.equals(from) ? to : key, value));
    map.clear();
    map.putAll(renamed);
  }
}
