package io.github.lora4j.text;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A last message that the model is to continue: rendered with a mark behind its text, where the
 * result is then cut.
 *
 * @param text what is to be continued
 * @param marked the message with the mark
 */
record FinalMessage(String text, Map<String, @Nullable Object> marked) {

  /** The blank shows whether the template strips the end of a message. */
  private static final String MARK = "END_OF_THE_FINAL_MESSAGE ";

  static FinalMessage of(Map<String, @Nullable Object> message) {
    Map<String, @Nullable Object> marked = new LinkedHashMap<>(message);
    if (message.get("content") instanceof String text) {
      marked.put("content", text + MARK);
      return new FinalMessage(text, marked);
    }
    if (message.get("content") instanceof List<?> parts) {
      List<@Nullable Object> copy = new ArrayList<>(parts);
      for (int i = copy.size() - 1; i >= 0; i--) {
        if (copy.get(i) instanceof Map<?, ?> part && part.get("text") instanceof String text) {
          Map<Object, @Nullable Object> changed = new LinkedHashMap<>(part);
          changed.put("text", text + MARK);
          copy.set(i, changed);
          marked.put("content", copy);
          return new FinalMessage(text, marked);
        }
      }
    }
    throw new IllegalArgumentException(
        "continueFinalMessage: the last message has no text in its content to continue");
  }

  /** Returns the rendered text up to where the message's own ends. */
  String cut(String template, String rendered) {
    int end = rendered.lastIndexOf(MARK.strip());
    if (end < 0 || !rendered.contains(text.strip())) {
      throw new IllegalArgumentException(
          "continueFinalMessage: "
              + template
              + " does not write the last message as it is, so there is no place to go on from");
    }
    String before = rendered.substring(0, end);
    return rendered.startsWith(MARK, end) ? before : before.stripTrailing();
  }
}
