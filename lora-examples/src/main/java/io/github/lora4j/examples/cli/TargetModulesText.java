package io.github.lora4j.examples.cli;

import io.github.lora4j.peft.TargetModules;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** {@code all-linear}, or names separated by commas. */
final class TargetModulesText implements ITypeConverter<TargetModules> {

  @Override
  public TargetModules convert(String value) {
    if (value.equals(TargetModules.ALL_LINEAR)) {
      return TargetModules.allLinear();
    }
    String[] names = value.split(",", -1);
    for (int i = 0; i < names.length; i++) {
      names[i] = names[i].strip();
      if (names[i].isEmpty()) {
        throw new TypeConversionException(
            "expected all-linear, or names such as q_proj,v_proj, found '" + value + "'");
      }
    }
    return TargetModules.names(names);
  }
}
