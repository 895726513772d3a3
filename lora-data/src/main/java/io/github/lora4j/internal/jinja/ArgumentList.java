package io.github.lora4j.internal.jinja;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The arguments that are written in a call.
 *
 * @param spread what follows a {@code *}
 * @param spreadNamed what follows a {@code **}
 */
record ArgumentList(
    List<Expression> positional,
    Map<String, Expression> named,
    @Nullable Expression spread,
    @Nullable Expression spreadNamed) {

  static final ArgumentList EMPTY = new ArgumentList(List.of(), Map.of(), null, null);

  Arguments evaluate(Frame frame) {
    frame.run.budget.step();
    if (this == EMPTY) {
      return Arguments.EMPTY;
    }
    List<Object> values = new ArrayList<>(positional.size());
    positional.forEach(argument -> values.add(argument.evaluate(frame)));
    Map<String, Object> namedValues = new LinkedHashMap<>();
    named.forEach((name, argument) -> namedValues.put(name, argument.evaluate(frame)));
    if (spread != null) {
      values.addAll(Sequences.elements(frame.run, spread.evaluate(frame)));
    }
    if (spreadNamed != null) {
      if (!(spreadNamed.evaluate(frame) instanceof Map<?, ?> map)) {
        throw JinjaException.of("** expects a dict");
      }
      map.forEach((name, value) -> namedValues.put(TextMethods.text("**", name), value));
    }
    return new Arguments(values, namedValues);
  }

  /** Takes arguments in the order in which they are written. */
  static final class Builder {

    private final List<Expression> positional = new ArrayList<>();
    private final Map<String, Expression> named = new LinkedHashMap<>();
    private @Nullable Expression spread;
    private @Nullable Expression spreadNamed;

    Builder positional(Expression value, Tokens tokens) {
      if (!named.isEmpty() || spread != null || spreadNamed != null) {
        throw tokens.unexpected("a named argument");
      }
      positional.add(value);
      return this;
    }

    void named(String name, Expression value) {
      named.put(name, value);
    }

    void spread(Expression value) {
      spread = value;
    }

    void spreadNamed(Expression value) {
      spreadNamed = value;
    }

    ArgumentList build() {
      return new ArgumentList(positional, named, spread, spreadNamed);
    }
  }
}
