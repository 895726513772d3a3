package io.github.lora4j.internal.jinja;

/** The attributes that filters name, such as {@code "function.name"}. */
final class Paths {

  private Paths() {}

  /** Returns what the path leads to, the value itself if it is None. */
  static Object get(Run run, Object value, Object path) {
    return get(run, value, path, None.NONE);
  }

  /** Returns the same with a value for what is undefined at any step; None for no such value. */
  static Object get(Run run, Object value, Object path, Object otherwise) {
    if (path == None.NONE) {
      return value;
    }
    if (!Types.isText(path)) {
      return orElse(Sequences.item(run, value, path), otherwise);
    }
    Object found = value;
    for (String part : Types.text(path).split("\\.", -1)) {
      boolean number = part.length() < 9 && PythonText.all(part, Character::isDigit);
      Object key = number ? (Object) Long.valueOf(part) : part;
      found = orElse(Sequences.item(run, found, key), otherwise);
    }
    return found;
  }

  private static Object orElse(Object found, Object otherwise) {
    return found instanceof Undefined && otherwise != None.NONE ? otherwise : found;
  }
}
