package io.github.lora4j.peft;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.tuple;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.lora4j.error.AdapterMismatchException;
import io.github.lora4j.error.CheckpointFormatException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;

/** Compares what is matched, with which rank and scaling, and what is saved, to PEFT's answers. */
class PeftMatchingTest {

  private static final List<String> DEFAULTS = List.of("q_proj", "v_proj");

  @TempDir Path folder;

  @TestFactory
  Stream<DynamicTest> adaptsTheLayersThatPeftAdapts() throws IOException {
    return PeftAnswers.stream(PeftAnswers.read("matching.json"))
        .flatMap(
            model -> {
              List<ModuleEntry> modules = PeftAnswers.modules(model.get("modules"));
              return PeftAnswers.stream(model.get("cases"))
                  .map(c -> dynamicTest(c.get("config").toString(), () -> check(modules, c)));
            });
  }

  @Test
  void shortensNamesAsPeftDoes() throws IOException {
    for (JsonNode example : PeftAnswers.read("suffixes.json")) {
      assertThat(
              MinimalSuffixes.of(
                  PeftAnswers.strings(example.get(0)), PeftAnswers.strings(example.get(1))))
          .containsExactlyElementsOf(PeftAnswers.strings(example.get(2)));
    }
  }

  private void check(List<ModuleEntry> modules, JsonNode example) {
    if (example.has("error")) {
      assertThatThrownBy(() -> match(modules, example.get("config")))
          .isInstanceOfAny(AdapterMismatchException.class, CheckpointFormatException.class);
      return;
    }
    MatchedModules matched = match(modules, example.get("config"));
    List<AdapterTarget> expected = expected(modules, example.get("targets"));
    assertThat(matched.targets())
        .extracting(AdapterTarget::module, AdapterTarget::r, AdapterTarget::scaling)
        .containsExactlyInAnyOrderElementsOf(
            expected.stream().map(t -> tuple(t.module(), t.r(), t.scaling())).toList());
    JsonNode saved = example.get("saved");
    assertThat(matched.targetModules())
        .isEqualTo(
            saved.isTextual()
                ? new TargetModules.Regex(saved.asText())
                : new TargetModules.Names(PeftAnswers.strings(saved)));
    assertThat(matched.targets()).extracting(AdapterTarget::module).isSubsetOf(names(modules));
  }

  private MatchedModules match(List<ModuleEntry> modules, JsonNode config) {
    ObjectNode file = config.deepCopy();
    file.put("peft_type", "LORA");
    try {
      Files.writeString(folder.resolve("adapter_config.json"), file.toString());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return ModuleMatcher.match(modules, LoraConfig.load(folder), DEFAULTS, NameCheck.LENIENT);
  }

  private static List<AdapterTarget> expected(List<ModuleEntry> modules, JsonNode targets) {
    List<AdapterTarget> expected = new ArrayList<>();
    for (JsonNode group : targets) {
      for (JsonNode index : group.get(2)) {
        String name = modules.get(index.asInt()).name();
        expected.add(
            new AdapterTarget(name, group.get(0).asInt(), Double.NaN, group.get(1).asDouble()));
      }
    }
    return expected;
  }

  private static List<String> names(List<ModuleEntry> modules) {
    return modules.stream().map(ModuleEntry::name).toList();
  }
}
