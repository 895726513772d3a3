package io.github.lora4j.internal.jinja;

import java.util.LinkedHashMap;
import java.util.Map;

/** What {@code namespace()} makes: the one value whose attributes a template can set. */
final class Namespace {

  final Map<String, Object> attributes = new LinkedHashMap<>();
}
