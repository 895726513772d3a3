package io.github.lora4j.text;

import io.github.lora4j.dataset.Row;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.UnaryOperator;

/**
 * Text with {@code {column}} placeholders, filled from a row.
 *
 * <p>{@code {{} and {@code }}} stand for single braces. A value is put in as it is: braces in it
 * mean nothing. A template is immutable.
 *
 * <p>A message that is the same for all rows can simply stand in the text; {@link #withSystem} puts
 * one in front without touching its braces.
 */
public final class PromptTemplate {

  private sealed interface Part {}

  private record Literal(String text) implements Part {}

  private record Placeholder(String column) implements Part {}

  private final List<Part> parts;
  private final List<String> columns;

  private PromptTemplate(List<Part> parts) {
    this.parts = List.copyOf(parts);
    Set<String> names = new LinkedHashSet<>();
    for (Part part : parts) {
      if (part instanceof Placeholder placeholder) {
        names.add(placeholder.column());
      }
    }
    this.columns = List.copyOf(names);
  }

  /**
   * Parses a template.
   *
   * @throws IllegalArgumentException if a brace is not closed or not opened, or a placeholder is
   *     empty; it names the place
   */
  public static PromptTemplate of(String template) {
    List<Part> parts = new ArrayList<>();
    StringBuilder literal = new StringBuilder();
    for (int i = 0; i < template.length(); i++) {
      char c = template.charAt(i);
      if ((c == '{' || c == '}') && template.startsWith(String.valueOf(c), i + 1)) {
        literal.append(c);
        i++;
      } else if (c == '{') {
        int end = template.indexOf('}', i);
        int nested = template.indexOf('{', i + 1);
        if (end < 0 || (nested >= 0 && nested < end)) {
          throw error(template, i, "'{' is never closed: write {column}, or {{ for a brace");
        }
        if (end == i + 1) {
          throw error(template, i, "{} names no column: write {column}, or {{}} for braces");
        }
        if (!literal.isEmpty()) {
          parts.add(new Literal(literal.toString()));
          literal.setLength(0);
        }
        parts.add(new Placeholder(template.substring(i + 1, end)));
        i = end;
      } else if (c == '}') {
        throw error(template, i, "'}' closes nothing: write }} for a brace");
      } else {
        literal.append(c);
      }
    }
    if (!literal.isEmpty()) {
      parts.add(new Literal(literal.toString()));
    }
    return new PromptTemplate(parts);
  }

  private static IllegalArgumentException error(String template, int position, String problem) {
    long line = template.substring(0, position).chars().filter(c -> c == '\n').count() + 1;
    int column = position - template.lastIndexOf('\n', position - 1);
    return new IllegalArgumentException(
        "template, line " + line + ", character " + column + ": " + problem);
  }

  /**
   * Returns this template with a system message and an empty line in front.
   *
   * @param message text as it is: braces in it mean nothing
   */
  public PromptTemplate withSystem(String message) {
    List<Part> extended = new ArrayList<>(parts.size() + 1);
    extended.add(new Literal(message + "\n\n"));
    extended.addAll(parts);
    return new PromptTemplate(extended);
  }

  /** Returns the columns that the template names, each once, in their order. */
  public List<String> columns() {
    return columns;
  }

  /**
   * Returns the text with this row's values.
   *
   * @throws io.github.lora4j.error.DatasetException if the row lacks a column; it names file, line
   *     and the columns with the most similar names
   */
  public String render(Row row) {
    return render(row::get);
  }

  /**
   * Returns the text with these values.
   *
   * @throws IllegalArgumentException if one is missing
   */
  public String render(Map<String, String> values) {
    return render(
        column -> {
          String value = values.get(column);
          if (value == null) {
            throw new IllegalArgumentException(
                "the template needs \"" + column + "\", the values are of " + values.keySet());
          }
          return value;
        });
  }

  private String render(UnaryOperator<String> values) {
    StringBuilder text = new StringBuilder();
    for (Part part : parts) {
      if (part instanceof Literal literal) {
        text.append(literal.text());
      } else if (part instanceof Placeholder placeholder) {
        text.append(values.apply(placeholder.column()));
      }
    }
    return text.toString();
  }

  /** Returns the template as {@link #of} reads it, the system message included. */
  @Override
  public String toString() {
    StringBuilder text = new StringBuilder();
    for (Part part : parts) {
      if (part instanceof Literal literal) {
        text.append(literal.text().replace("{", "{{").replace("}", "}}"));
      } else if (part instanceof Placeholder placeholder) {
        text.append('{').append(placeholder.column()).append('}');
      }
    }
    return text.toString();
  }
}
