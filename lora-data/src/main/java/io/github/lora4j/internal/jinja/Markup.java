package io.github.lora4j.internal.jinja;

/** Text that the filter {@code safe} has marked: what is added to it by {@code +} is escaped. */
record Markup(String text) {

  static Markup escaped(Budget budget, Object value) {
    return value instanceof Markup markup
        ? markup
        : new Markup(escape(Representation.text(budget, value)));
  }

  private static String escape(String text) {
    return text.replace("&", "&amp;")
        .replace(">", "&gt;")
        .replace("<", "&lt;")
        .replace("'", "&#39;")
        .replace("\"", "&#34;");
  }
}
