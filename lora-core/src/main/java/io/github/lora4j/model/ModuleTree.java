package io.github.lora4j.model;

import io.github.lora4j.nn.LinearLayer;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/** The names of a model's modules, derived from those of its parameters. */
final class ModuleTree {

  private ModuleTree() {}

  /** Each module that holds a parameter and each module around one, outermost first. */
  static List<String> names(Set<String> parameterNames, List<LinearLayer> linears) {
    Set<String> modules = new LinkedHashSet<>();
    parameterNames.forEach(name -> addPath(name, modules));
    linears.forEach(layer -> addPath(layer.name() + ".", modules));
    return List.copyOf(modules);
  }

  private static void addPath(String name, Set<String> modules) {
    for (int dot = name.indexOf('.'); dot >= 0; dot = name.indexOf('.', dot + 1)) {
      modules.add(name.substring(0, dot));
    }
  }
}
