package io.github.lora4j.text;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * One message of a conversation.
 *
 * @param role who speaks: {@code system}, {@code user}, {@code assistant} or what else the model's
 *     template knows
 * @param fields all that the message has beside its role: {@code content} (mostly a text) and, for
 *     some models, {@code tool_calls}, {@code reasoning_content} and others. Values are texts,
 *     numbers, booleans, nulls, and lists and maps of these; the map is copied
 */
public record ChatMessage(String role, Map<String, @Nullable Object> fields) {

  private static final String ROLE = "role";
  private static final String CONTENT = "content";

  /** Copies the fields. */
  public ChatMessage {
    Map<String, @Nullable Object> copy = new LinkedHashMap<>(fields);
    if (copy.containsKey(ROLE)) {
      throw new IllegalArgumentException("the role is no field: found " + copy.get(ROLE));
    }
    fields = Collections.unmodifiableMap(copy);
  }

  /** Returns a message with a text. */
  public static ChatMessage of(String role, String content) {
    return new ChatMessage(role, Map.of(CONTENT, content));
  }

  /**
   * Returns the message that is written as a JSON object.
   *
   * @param message {@code role} and the fields
   * @throws IllegalArgumentException if the role is missing or no text
   */
  public static ChatMessage of(Map<String, ? extends @Nullable Object> message) {
    if (!(message.get(ROLE) instanceof String role)) {
      throw new IllegalArgumentException(
          "a message needs a \"role\" that is a text, found the fields " + message.keySet());
    }
    Map<String, @Nullable Object> fields = new LinkedHashMap<>(message);
    fields.remove(ROLE);
    return new ChatMessage(role, fields);
  }

  /** Returns what the system says: how the assistant is to behave. */
  public static ChatMessage system(String content) {
    return of("system", content);
  }

  /** Returns what the user says. */
  public static ChatMessage user(String content) {
    return of("user", content);
  }

  /** Returns what the assistant says. */
  public static ChatMessage assistant(String content) {
    return of("assistant", content);
  }

  /** Returns this message with one more field, or another value of it. */
  public ChatMessage with(String field, @Nullable Object value) {
    Map<String, @Nullable Object> more = new LinkedHashMap<>(fields);
    more.put(field, value);
    return new ChatMessage(role, more);
  }

  /** Returns the text of the message; empty if it has none, or parts instead of a text. */
  public String content() {
    return fields.get(CONTENT) instanceof String text ? text : "";
  }

  /** Returns role and fields, as a template sees them. */
  Map<String, @Nullable Object> toMap() {
    Map<String, @Nullable Object> all = new LinkedHashMap<>();
    all.put(ROLE, role);
    all.putAll(fields);
    return all;
  }
}
