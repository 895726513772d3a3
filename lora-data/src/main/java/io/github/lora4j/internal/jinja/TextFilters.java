package io.github.lora4j.internal.jinja;

import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/** Filters that give text. */
final class TextFilters {

  static final Map<String, Function> ALL =
      Map.ofEntries(
          Map.entry("upper", plain("upper", PythonText::upper)),
          Map.entry("lower", plain("lower", PythonText::lower)),
          Map.entry("capitalize", plain("capitalize", PythonText::capitalize)),
          Map.entry("title", plain("title", TextFilters::title)),
          Map.entry("string", plain("string", UnaryOperator.identity())),
          Map.entry("trim", TextFilters::trim),
          Map.entry("center", TextFilters::center),
          Map.entry("replace", TextFilters::replace),
          Map.entry("indent", TextFilters::indent),
          Map.entry("truncate", TextFilters::truncate),
          Map.entry("format", TextFilters::format),
          Map.entry("wordcount", TextFilters::wordCount),
          Map.entry("safe", TextFilters::safe),
          Map.entry("escape", TextFilters::escape),
          Map.entry("e", TextFilters::escape));

  private static final String WORD_STARTS_BEHIND = "-({[<";

  private TextFilters() {}

  private static Function plain(String name, UnaryOperator<String> change) {
    return (run, arguments) -> {
      Object value = Sequences.given(arguments.bind(name, 1, "value")[0]);
      String changed = change.apply(Representation.text(run.budget, value));
      return value instanceof Markup ? new Markup(changed) : changed;
    };
  }

  /** Jinja's title, whose words begin elsewhere than Python's. */
  private static String title(String text) {
    StringBuilder result = new StringBuilder();
    boolean starts = true;
    for (int i = 0; i < text.length(); ) {
      int c = text.codePointAt(i);
      int next = i + Character.charCount(c);
      String character = text.substring(i, next);
      result.append(starts ? PythonText.upper(character) : PythonText.lower(character));
      starts = PythonText.isSpace(c) || WORD_STARTS_BEHIND.indexOf(c) >= 0;
      i = next;
    }
    return result.toString();
  }

  /** Calls a method of text, on the text of any value. */
  private static Object method(Run run, String name, Object value, Object... arguments) {
    Object text = value instanceof Markup ? value : Representation.text(run.budget, value);
    Function method = (Function) Sequences.given(Attributes.own(text, name));
    return method.call(run, new Arguments(List.of(arguments), Map.of()));
  }

  private static Object trim(Run run, Arguments arguments) {
    @Nullable Object[] values = arguments.bind("trim", 1, "value", "chars");
    return method(run, "strip", Sequences.given(values[0]), Sequences.given(values[1]));
  }

  private static Object center(Run run, Arguments arguments) {
    @Nullable Object[] values = arguments.bind("center", 1, "value", "width");
    return method(run, "center", Sequences.given(values[0]), values[1] == null ? 80L : values[1]);
  }

  private static Object replace(Run run, Arguments arguments) {
    @Nullable Object[] values = arguments.bind("replace", 3, "value", "old", "new", "count");
    boolean all = values[3] == null || values[3] == None.NONE;
    return TextMethods.replace(
        run,
        Representation.text(run.budget, Sequences.given(values[0])),
        Representation.text(run.budget, Sequences.given(values[1])),
        Representation.text(run.budget, Sequences.given(values[2])),
        all ? -1 : Numbers.small("the count of replace", Sequences.given(values[3])));
  }

  private static Object indent(Run run, Arguments arguments) {
    @Nullable Object[] values = arguments.bind("indent", 1, "value", "width", "first", "blank");
    String text = TextMethods.text("indent", values[0]);
    String indent = indentation(run, values[1]);
    boolean first = values[2] != null && Types.isTrue(values[2]);
    boolean blank = values[3] != null && Types.isTrue(values[3]);
    // As in Jinja, which adds a line break because splitlines leaves the last one out.
    Function split = TextSplits.method(text + "\n", "splitlines");
    List<Object> lines = Sequences.elements(run, split.call(run, Arguments.EMPTY));
    StringBuilder result = new StringBuilder(first ? indent : "");
    for (int i = 0; i < lines.size(); i++) {
      String line = (String) lines.get(i);
      result.append(i == 0 ? "" : "\n").append(i > 0 && (blank || !line.isEmpty()) ? indent : "");
      result.append(line);
      run.budget.characters(indent.length());
      run.budget.characters(result.length() > Budget.MAX_TEXT ? result.length() : 1);
    }
    return result.toString();
  }

  private static String indentation(Run run, @Nullable Object width) {
    if (width != null && Types.isText(width)) {
      return Types.text(width);
    }
    int count = width == null ? 4 : Numbers.small("the width of indent", width);
    run.budget.characters(Math.max(0, count));
    return " ".repeat(Math.max(0, count));
  }

  private static Object truncate(Run run, Arguments arguments) {
    @Nullable Object[] values =
        arguments.bind("truncate", 1, "value", "length", "killwords", "end", "leeway");
    String text = TextMethods.text("truncate", values[0]);
    int length = values[1] == null ? 255 : Numbers.small("the length of truncate", values[1]);
    String end = values[3] == null ? "..." : TextMethods.text("truncate", values[3]);
    int leeway =
        values[4] == null || values[4] == None.NONE
            ? 5
            : Numbers.small("the leeway of truncate", values[4]);
    int kept = length - PythonText.length(end);
    if (kept < 0 || leeway < 0) {
      throw JinjaException.of("truncate needs a length of at least that of its end");
    }
    if (PythonText.length(text) <= (long) length + leeway) {
      return text;
    }
    String start = text.substring(0, text.offsetByCodePoints(0, kept));
    boolean cutsWords = values[2] != null && Types.isTrue(values[2]);
    int space = cutsWords ? -1 : start.lastIndexOf(' ');
    return (space < 0 ? start : start.substring(0, space)) + end;
  }

  private static Object format(Run run, Arguments arguments) {
    String text = Representation.text(run.budget, Sequences.given(arguments.positional().get(0)));
    Object values =
        arguments.named().isEmpty()
            ? new Tuple(arguments.from(1).positional())
            : Map.copyOf(arguments.named());
    return PercentFormat.format(run, text, values);
  }

  private static Object wordCount(Run run, Arguments arguments) {
    Object value = Sequences.given(arguments.bind("wordcount", 1, "value")[0]);
    long count = 0;
    boolean inWord = false;
    for (int c : Representation.text(run.budget, value).codePoints().toArray()) {
      boolean word = Character.isLetterOrDigit(c) || c == '_';
      count += word && !inWord ? 1 : 0;
      inWord = word;
    }
    return count;
  }

  private static Object safe(Run run, Arguments arguments) {
    Object value = Sequences.given(arguments.bind("safe", 1, "value")[0]);
    return new Markup(Representation.text(run.budget, value));
  }

  private static Object escape(Run run, Arguments arguments) {
    return Markup.escaped(run.budget, Sequences.given(arguments.bind("escape", 1, "value")[0]));
  }
}
