package io.github.lora4j.internal.jinja;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Templates come with models from anywhere: none may hang, exhaust or reach the JVM. */
class HostileTemplateTest {

  private static String render(String template) {
    return JinjaTemplate.parse(template)
        .render(Map.of("messages", List.of(), "s", "aaaa"), Clock.systemUTC());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}",
        "{% set n = namespace(s='x') %}{% for a in range(99) %}{% set n.s = n.s + n.s %}{% endfor"
            + " %}",
        "{% set n = namespace(s='x') %}{% for a in range(99) %}{% set n.s = n.s ~ n.s %}{% endfor"
            + " %}",
        "{% set n = namespace(l=[1]) %}{% for a in range(99) %}{% set n.l = n.l + n.l %}{% endfor"
            + " %}",
        "{% set n = namespace(l=[]) %}{% for a in range(99) %}{% set n.l = [n.l, n.l] %}{% endfor"
            + " %}{{ n.l }}",
        "{% set n = namespace(l=[]) %}{% for a in range(99) %}{% set n.l = [n.l, n.l] %}{% endfor"
            + " %}{{ n.l | tojson }}",
        "{% set n = namespace(l=[], m=[]) %}{% for a in range(99) %}{% set n.l = [n.l, n.l] %}"
            + "{% set n.m = [n.m, n.m] %}{% endfor %}{{ n.l == n.m }}",
        "{% set n = namespace(l=[]) %}{% for a in range(99999) %}{% set n.l = [n.l] %}{% endfor %}"
            + "{{ n.l }}",
        "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
        "{% macro f() %}{{ f() }}{{ f() }}{% endmacro %}{{ f() }}",
        "{{ 'x' * 1000000000000 }}",
        "{{ 'x' * 100000000 }}",
        "{{ s.replace('a', 'x' * 9999999).replace('x', 'y' * 9999999) }}",
        "{{ [1] | tojson(indent=1000000000) }}",
        "{{ 'a' | indent(1000000000, true) }}",
        "{{ ('x' * 9999999).join(['a'] * 9999) }}",
        "{{ range(100001) }}",
        "{% for a in range(99999) %}{{ 'x' * 99999 }}{% endfor %}",
        "{{ ('ab' * 9999999).find('c') }}{% for a in range(99999) %}{% set x = s in 'ab' * 99999"
            + " %}{% endfor %}"
      })
  void isStopped(String template) {
    assertTimeoutPreemptively(
        Duration.ofSeconds(20),
        () ->
            assertThatThrownBy(() -> render(template))
                .isInstanceOf(JinjaException.class)
                .satisfies(e -> assertThat(((JinjaException) e).line()).isPositive()));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{{ s.__class__.__mro__ }}",
        "{{ s.class.forName('java.lang.Runtime') }}",
        "{{ s.getClass() }}",
        "{{ messages.getClass() }}",
        "{{ messages.stream() }}",
        "{{ s['getClass']() }}",
        "{{ s | attr('getClass')() }}",
        "{{ range.call }}{{ range.call() }}",
        "{{ namespace().attributes.put(1, 2) }}",
        "{{ ''.repeat(3) }}"
      })
  void findsNoWayToJava(String template) {
    assertThatThrownBy(() -> render(template)).isInstanceOf(JinjaException.class);
  }

  @Test
  void refusesWhatNestsTooDeep() {
    for (String open :
        List.of(
            "{{ " + "(".repeat(200_000) + "1" + ")".repeat(200_000) + " }}",
            "{{ " + "-".repeat(200_000) + "1 }}")) {
      assertThatThrownBy(() -> JinjaTemplate.parse(open))
          .isInstanceOf(JinjaException.class)
          .hasMessageContaining("nests too deep");
    }
    String ifs = "{% if 1 %}".repeat(20_000) + "{% endif %}".repeat(20_000);
    assertThatThrownBy(() -> JinjaTemplate.parse(ifs)).isInstanceOf(JinjaException.class);
  }

  @Test
  void takesOnlyPlainValues() {
    JinjaTemplate template = JinjaTemplate.parse("{{ x }}");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> template.render(Map.of("x", new Object()), Clock.systemUTC()))
        .withMessageContaining("\"x\"")
        .withMessageContaining("java.lang.Object");
    assertThat(template.render(Map.of("x", List.of(1, 2.5f, 'c')), Clock.systemUTC()))
        .isEqualTo("[1, 2.5, 'c']");
  }

  @Property(tries = 400, seed = "29")
  void endsWithTextOrAnErrorForAnyChange(
      @ForAll @IntRange(max = 200) int position, @ForAll @IntRange(min = 9, max = 126) int value) {
    String template =
        "{% set ns = namespace(a=[1, 2]) %}{% for m in messages[::-1] if m.role != 'x' %}{{ m['a']"
            + " | tojson(indent=2) ~ 'b' }}{%- endfor -%}{% macro f(a, b=1) %}{{ a }}{% endmacro %}"
            + "{{ f(s.strip()[1:]) if s is string }}";
    StringBuilder changed = new StringBuilder(template);
    changed.setCharAt(position, (char) value);
    try {
      assertThat(render(changed.toString())).isNotNull();
    } catch (JinjaException e) {
      assertThat(e.getMessage()).isNotEmpty();
    }
  }
}
