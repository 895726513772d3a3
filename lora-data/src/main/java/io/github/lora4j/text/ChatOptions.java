package io.github.lora4j.text;

import java.time.Clock;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * How a conversation is rendered; the names are those of Python's {@code apply_chat_template}.
 * Immutable.
 */
public final class ChatOptions {

  private static final Set<String> OWN =
      Set.of("messages", "tools", "documents", "add_generation_prompt", "continue_final_message");

  private final boolean addGenerationPrompt;
  private final boolean continueFinalMessage;
  private final @Nullable List<Map<String, ?>> tools;
  private final @Nullable List<Map<String, ?>> documents;
  private final Map<String, @Nullable Object> variables;
  private final Clock clock;

  private ChatOptions(Builder builder) {
    addGenerationPrompt = builder.addGenerationPrompt;
    continueFinalMessage = builder.continueFinalMessage;
    tools = builder.tools;
    documents = builder.documents;
    variables = Collections.unmodifiableMap(new LinkedHashMap<>(builder.variables));
    clock = builder.clock;
  }

  /** Returns options as they are by default: nothing but the messages. */
  public static ChatOptions defaults() {
    return builder().build();
  }

  /** Returns a builder with the defaults. */
  public static Builder builder() {
    return new Builder();
  }

  boolean addGenerationPrompt() {
    return addGenerationPrompt;
  }

  boolean continueFinalMessage() {
    return continueFinalMessage;
  }

  @Nullable List<Map<String, ?>> tools() {
    return tools;
  }

  @Nullable List<Map<String, ?>> documents() {
    return documents;
  }

  Map<String, @Nullable Object> variables() {
    return variables;
  }

  Clock clock() {
    return clock;
  }

  /** Collects options. */
  public static final class Builder {

    private boolean addGenerationPrompt;
    private boolean continueFinalMessage;
    private @Nullable List<Map<String, ?>> tools;
    private @Nullable List<Map<String, ?>> documents;
    private final Map<String, @Nullable Object> variables = new LinkedHashMap<>();
    private Clock clock = Clock.systemDefaultZone();

    private Builder() {}

    /** Whether the text ends with what begins an answer of the assistant; default false. */
    public Builder addGenerationPrompt(boolean add) {
      addGenerationPrompt = add;
      return this;
    }

    /**
     * Whether the text ends where the content of the last message ends, without what closes a
     * message, for the model to go on with it; default false.
     */
    public Builder continueFinalMessage(boolean continues) {
      continueFinalMessage = continues;
      return this;
    }

    /**
     * The functions that the model may call; default none.
     *
     * @param tools each as a JSON schema: {@code {"type": "function", "function": {...}}}
     */
    public Builder tools(List<? extends Map<String, ?>> tools) {
      this.tools = List.copyOf(tools);
      return this;
    }

    /**
     * The documents to answer from, for the few templates that show them; default none.
     *
     * @param documents mostly with {@code title} and {@code text}
     */
    public Builder documents(List<? extends Map<String, ?>> documents) {
      this.documents = new ArrayList<>(documents);
      return this;
    }

    /**
     * Sets a variable that the template knows, such as {@code enable_thinking} or {@code
     * date_string}. It outweighs a special token of that name.
     *
     * @throws IllegalArgumentException if it is one that another option sets
     */
    public Builder variable(String name, @Nullable Object value) {
      if (OWN.contains(name)) {
        throw new IllegalArgumentException(
            "\"" + name + "\" is not set as a variable but by the option of that name");
      }
      variables.put(name, value);
      return this;
    }

    /** The clock for templates that write today's date; default the system's. */
    public Builder clock(Clock clock) {
      this.clock = clock;
      return this;
    }

    /**
     * Returns the options.
     *
     * @throws IllegalArgumentException if a message is to be continued and another one begun
     */
    public ChatOptions build() {
      if (addGenerationPrompt && continueFinalMessage) {
        throw new IllegalArgumentException(
            "addGenerationPrompt begins a new message and continueFinalMessage goes on with the"
                + " last one: set one of the two");
      }
      return new ChatOptions(this);
    }
  }
}
