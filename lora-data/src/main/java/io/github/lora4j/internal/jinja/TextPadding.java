package io.github.lora4j.internal.jinja;

import org.jspecify.annotations.Nullable;

/** The methods of Python's {@code str} that widen a text. */
final class TextPadding {

  private TextPadding() {}

  static Function method(String text, String name) {
    if (name.equals("zfill")) {
      return (run, arguments) -> {
        int missing = missing(run, text, "zfill", arguments.bind("zfill", 1, "width")[0]);
        int sign = text.startsWith("-") || text.startsWith("+") ? 1 : 0;
        return text.substring(0, sign) + "0".repeat(missing) + text.substring(sign);
      };
    }
    return (run, arguments) -> {
      @Nullable Object[] values = arguments.bind(name, 1, "width", "fillchar");
      String fill = values[1] == null ? " " : TextMethods.text(name, values[1]);
      if (PythonText.length(fill) != 1) {
        throw JinjaException.of(name + " needs one character to fill with");
      }
      int missing = missing(run, text, name, values[0]);
      return switch (name) {
        case "ljust" -> text + fill.repeat(missing);
        case "rjust" -> fill.repeat(missing) + text;
        default -> center(text, fill, missing);
      };
    };
  }

  private static int missing(Run run, String text, String name, @Nullable Object width) {
    int wanted = Numbers.small("the width of " + name, Sequences.given(width));
    run.budget.characters(Math.max(0, wanted));
    return Math.max(0, wanted - PythonText.length(text));
  }

  private static String center(String text, String fill, int missing) {
    int width = missing + PythonText.length(text);
    // Python puts the odd one to the left where the width is odd too.
    int left = missing / 2 + (missing & width & 1);
    return fill.repeat(left) + text + fill.repeat(missing - left);
  }
}
