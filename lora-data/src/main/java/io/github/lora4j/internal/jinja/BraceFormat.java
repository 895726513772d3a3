package io.github.lora4j.internal.jinja;

/** Python's {@code text.format(...)} with plain places: {}, {0} and {name}. */
final class BraceFormat {

  private BraceFormat() {}

  static String format(Run run, String format, Arguments arguments) {
    StringBuilder result = new StringBuilder();
    int next = 0;
    for (int i = 0; i < format.length(); i++) {
      char c = format.charAt(i);
      if ((c == '{' || c == '}') && format.startsWith(String.valueOf(c), i + 1)) {
        result.append(c);
        i++;
      } else if (c == '{' && format.indexOf('}', i) > 0) {
        int end = format.indexOf('}', i);
        String place = format.substring(i + 1, end);
        Object value =
            place.isEmpty() ? value(String.valueOf(next++), arguments) : value(place, arguments);
        result.append(Representation.text(run.budget, value));
        run.budget.characters(result.length() > Budget.MAX_TEXT ? result.length() : 1);
        i = end;
      } else if (c == '{' || c == '}') {
        throw JinjaException.of("format found a single brace");
      } else {
        result.append(c);
      }
    }
    return result.toString();
  }

  private static Object value(String place, Arguments arguments) {
    if (!place.chars().allMatch(Character::isUnicodeIdentifierPart)) {
      throw JinjaException.of("format supports only {}, {0} and {name}, found {" + place + "}");
    }
    Object value;
    if (Character.isDigit(place.charAt(0))) {
      int index = place.length() < 4 ? Integer.parseInt(place) : Integer.MAX_VALUE;
      value = index < arguments.positional().size() ? arguments.positional().get(index) : null;
    } else {
      value = arguments.named().get(place);
    }
    if (value == null) {
      throw JinjaException.of("format was given no value for {" + place + "}");
    }
    return value;
  }
}
