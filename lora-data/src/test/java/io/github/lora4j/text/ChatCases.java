package io.github.lora4j.text;

import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.time.Clock;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Conversations and what Python's templates make of them: see make_chat_fixtures.py. */
final class ChatCases {

  private static final ObjectMapper MAPPER = new ObjectMapper();

  /** The script's now. */
  static final Clock CLOCK =
      Clock.fixed(LocalDateTime.of(2026, 3, 7, 14, 5, 9).toInstant(ZoneOffset.UTC), ZoneOffset.UTC);

  private final JsonNode root;

  ChatCases(JsonNode root) {
    this.root = root;
  }

  List<String> templates() {
    List<String> names = new ArrayList<>();
    root.path("templates").fieldNames().forEachRemaining(names::add);
    return names;
  }

  Map<String, String> special() {
    return MAPPER.convertValue(root.path("special"), new TypeReference<>() {});
  }

  int results(String template) {
    int count = 0;
    for (JsonNode results : root.path("templates").path(template)) {
      count += results.size();
    }
    return count;
  }

  /** Returns a line for each conversation that is not rendered as in Python. */
  List<String> differences(String name, ChatTemplate template) {
    List<String> differences = new ArrayList<>();
    root.path("templates")
        .path(name)
        .properties()
        .forEach(
            each -> {
              for (int i = 0; i < each.getValue().size(); i++) {
                JsonNode conversation = root.path("conversations").path(each.getKey());
                String expected = expected(each.getValue(), i);
                String found = render(template, conversation, i == 1);
                if (!(expected.equals("failed")
                    ? found.startsWith("failed")
                    : found.equals(expected))) {
                  differences.add(
                      name
                          + ", "
                          + each.getKey()
                          + ", "
                          + i
                          + "\n  expected "
                          + expected
                          + "\n  found    "
                          + found);
                }
              }
            });
    return differences;
  }

  private static String expected(JsonNode results, int index) {
    JsonNode result = results.get(index);
    if (result.has("failed")) {
      return "failed";
    }
    if (result.has("more")) {
      return expected(results, 0) + result.get("more").asText();
    }
    return result.has("text")
        ? "text " + result.get("text").asText()
        : "raised " + result.get("raised").asText();
  }

  private static String render(ChatTemplate template, JsonNode conversation, boolean prompt) {
    List<ChatMessage> messages = new ArrayList<>();
    for (JsonNode message : conversation.path("messages")) {
      messages.add(
          ChatMessage.of(
              MAPPER.convertValue(message, new TypeReference<Map<String, Object>>() {})));
    }
    ChatOptions.Builder options = ChatOptions.builder().clock(CLOCK).addGenerationPrompt(prompt);
    conversation.properties().forEach(each -> set(options, each.getKey(), each.getValue()));
    try {
      return "text " + template.render(messages, options.build());
    } catch (ChatTemplateException e) {
      return (e.refused() ? "raised " : "failed ") + e.reason();
    } catch (IllegalArgumentException e) {
      return "failed " + e.getMessage();
    }
  }

  private static void set(ChatOptions.Builder options, String name, JsonNode value) {
    switch (name) {
      case "messages" -> {}
      case "tools" ->
          options.tools(
              MAPPER.convertValue(value, new TypeReference<List<Map<String, Object>>>() {}));
      case "documents" ->
          options.documents(
              MAPPER.convertValue(value, new TypeReference<List<Map<String, Object>>>() {}));
      case "continue_final_message" -> options.continueFinalMessage(value.asBoolean());
      default -> options.variable(name, MAPPER.convertValue(value, Object.class));
    }
  }
}
