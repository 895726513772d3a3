package io.github.lora4j.peft;

import io.github.lora4j.error.AdapterMismatchException;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;

/**
 * A regular expression in Python's syntax, matched against module names as PEFT does.
 *
 * <p>Patterns may come out of untrusted files: one that backtracks without end is stopped.
 */
final class PythonRegex {

  /** Characters read per name; a sane pattern needs a few hundred. */
  private static final int BUDGET = 1_000_000;

  private static final String INDEX = "idx";

  private final String field;
  private final String source;
  private final Pattern pattern;
  private final Optional<String> indexGroup;

  private PythonRegex(String field, String source, String python) {
    this.field = field;
    this.source = source;
    try {
      PythonRegexTranslator translator = new PythonRegexTranslator(python);
      // In Python, \w, \d, \s and \b know Unicode unless told otherwise.
      this.pattern = Pattern.compile(translator.translate(), Pattern.UNICODE_CHARACTER_CLASS);
      this.indexGroup = translator.groupNamed(INDEX);
    } catch (PatternSyntaxException e) {
      throw new IllegalArgumentException(
          "%s: \"%s\" is not a valid regular expression: %s"
              .formatted(field, Shortened.of(source), e.getDescription()),
          e);
    }
  }

  /**
   * Compiles a pattern that {@link #matches} whole names.
   *
   * @param field what holds the pattern, for messages
   * @throws IllegalArgumentException if it is not valid
   */
  static PythonRegex of(String field, String pattern) {
    return new PythonRegex(field, pattern, pattern);
  }

  /**
   * Compiles a key of a rank or alpha pattern: it matches a name, or the end of it from a dot on.
   */
  static PythonRegex ofPatternKey(String field, String key) {
    return new PythonRegex(field, key, "(.*\\.)?(" + key + ")$");
  }

  /** Compiles what finds the index of a layer, the first number after the name of a layer list. */
  static PythonRegex ofLayersPattern(String field, String pattern) {
    return new PythonRegex(field, pattern, "(?:^|.*?\\.)" + pattern + "\\.(?P<idx>\\d+)\\.");
  }

  /** Finds the first number between dots that follows two other segments, or one and a dot. */
  static PythonRegex ofAnyLayersPattern() {
    return of("layersPattern", ".*?\\.[^.]*\\.(?P<idx>\\d+)\\.");
  }

  String source() {
    return source;
  }

  /** Python's {@code re.fullmatch}. */
  boolean matches(String name) {
    return matcher(name).matches();
  }

  /** Python's {@code re.match}. */
  boolean matchesStart(String name) {
    return matcher(name).lookingAt();
  }

  /** Python's {@code re.search}. */
  boolean occursIn(String name) {
    return matcher(name).find();
  }

  /** What a layer pattern finds in a name: nothing where it doesn't match, else its digits. */
  Optional<LayerIndex> layerIndex(String name) {
    Matcher matcher = matcher(name);
    if (!matcher.lookingAt()) {
      return Optional.empty();
    }
    return Optional.of(new LayerIndex(indexGroup.map(matcher::group)));
  }

  /** A match of a layer pattern, whose digits an alternative of the pattern may have skipped. */
  record LayerIndex(Optional<String> digits) {}

  private Matcher matcher(String name) {
    return pattern.matcher(new Metered(name));
  }

  private final class Metered implements CharSequence {
    private final String text;
    private int spent;

    Metered(String text) {
      this.text = text;
    }

    @Override
    public char charAt(int index) {
      if (++spent > BUDGET) {
        throw new AdapterMismatchException(
            "%s: the regular expression \"%s\" backtracks without end on the name %s; write it without nested repetition"
                .formatted(field, Shortened.of(source), text));
      }
      return text.charAt(index);
    }

    @Override
    public int length() {
      return text.length();
    }

    @Override
    public CharSequence subSequence(int start, int end) {
      return text.substring(start, end);
    }

    @Override
    public String toString() {
      return text;
    }
  }
}
