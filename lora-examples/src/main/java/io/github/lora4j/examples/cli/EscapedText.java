package io.github.lora4j.examples.cli;

import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/**
 * Text of an argument, in which {@code \n} stands for a line break, {@code \t} for a tab and {@code
 * \\} for a backslash; any other backslash is itself.
 */
final class EscapedText implements ITypeConverter<String> {

  private static final char NOT_DECODABLE = '\uFFFD';

  @Override
  public String convert(String argument) {
    if (argument.indexOf(NOT_DECODABLE) >= 0) {
      throw new TypeConversionException(
          "the text holds characters that this locale can't pass to Java: set LC_ALL=C.UTF-8, or"
              + " put the text into a file");
    }
    StringBuilder text = new StringBuilder(argument.length());
    for (int i = 0; i < argument.length(); i++) {
      char c = argument.charAt(i);
      char next = i + 1 < argument.length() ? argument.charAt(i + 1) : ' ';
      if (c == '\\' && (next == 'n' || next == 't' || next == '\\')) {
        text.append(next == 'n' ? '\n' : next == 't' ? '\t' : '\\');
        i++;
      } else {
        text.append(c);
      }
    }
    return text.toString();
  }
}
