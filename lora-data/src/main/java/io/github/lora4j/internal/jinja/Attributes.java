package io.github.lora4j.internal.jinja;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What stands behind a dot. */
final class Attributes {

  private Attributes() {}

  /** Returns {@code value.name}: a method or attribute, else the item of that name. */
  static Object get(Object value, String name) {
    Object attribute = own(value, name);
    if (attribute != null) {
      return attribute;
    }
    Object item = value instanceof Map<?, ?> map ? map.get(name) : null;
    return item == null ? Undefined.attribute(value, name) : item;
  }

  /** Returns the method or attribute that Python's value of this type has, null if none. */
  static @Nullable Object own(Object value, String name) {
    if (value instanceof Undefined undefined) {
      throw undefined.error();
    }
    if (Types.isText(value)) {
      Function method = TextMethods.get(Types.text(value), name);
      return method == null || value instanceof String ? method : marking(method);
    }
    if (value instanceof Map<?, ?> map) {
      return Mappings.method(map, name);
    }
    if (value instanceof List<?> list) {
      return ListMethods.get(list, name);
    }
    if (value instanceof Namespace namespace) {
      return namespace.attributes.get(name);
    }
    return value instanceof Loop loop ? loop.attribute(name) : null;
  }

  /** Methods of marked text return marked text. */
  private static Function marking(Function method) {
    return (run, arguments) -> {
      Object result = method.call(run, arguments);
      return result instanceof String text ? new Markup(text) : result;
    };
  }
}
