package io.github.lora4j.internal.jinja;

import com.hubspot.jinjava.tree.Node;
import java.time.Clock;
import java.util.HashMap;
import java.util.Map;

/**
 * A parsed template. Immutable; may be rendered by several threads at once.
 *
 * <p>Blocks have {@code trim_blocks} and {@code lstrip_blocks}, {@code break} and {@code continue},
 * as transformers sets Jinja up, and of Jinja's sandbox the rule that nothing passed in can be
 * changed. Other templates cannot be included, and loops cannot be recursive.
 *
 * <p>What hostile templates could exhaust is bounded: 20 million steps (some seconds), 32 million
 * characters for the result and for any text on the way, a million elements for a list, 150 macros
 * within each other, 8 million characters for a template.
 */
public final class JinjaTemplate {

  private static final int MAX_SOURCE = 8 << 20;

  private final Engine engine = new Engine();
  private final Node root;

  private JinjaTemplate(String source) {
    Run run = new Run(Clock.systemUTC(), engine);
    try {
      this.root = engine.parse(Trimming.apply(source), run);
    } catch (StackOverflowError e) {
      throw JinjaException.at(Math.max(1, run.line), "the template nests too deep");
    } catch (RuntimeException e) {
      throw JinjaException.from(e, e.toString()).withLine(Math.max(1, run.line));
    }
  }

  /**
   * Parses a template.
   *
   * @throws JinjaException if it is not one, with the line
   */
  public static JinjaTemplate parse(String source) {
    if (source.length() > MAX_SOURCE) {
      throw JinjaException.at(1, "the template has more than " + MAX_SOURCE + " characters");
    }
    return new JinjaTemplate(source);
  }

  /**
   * Renders the template.
   *
   * @param variables texts, numbers, booleans, nulls, and lists and maps of these; copied
   * @param clock for {@code strftime_now}
   * @throws JinjaException if the template fails, raises an error or exceeds a limit
   * @throws IllegalArgumentException if a variable is of another type
   */
  public String render(Map<String, ?> variables, Clock clock) {
    Map<String, Object> values = new HashMap<>();
    variables.forEach((name, value) -> values.put(name, Types.imported(name, value)));
    Run run = new Run(clock, engine);
    run.interpreter.getContext().putAll(values);
    try {
      return run.interpreter.render(root, false);
    } catch (StackOverflowError e) {
      throw JinjaException.at(Math.max(1, run.line), "values or calls nest too deep");
    } catch (RuntimeException e) {
      throw JinjaException.from(e, e.toString()).withLine(Math.max(1, run.line));
    }
  }
}
