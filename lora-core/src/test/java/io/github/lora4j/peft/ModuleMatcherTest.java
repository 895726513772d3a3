package io.github.lora4j.peft;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.lora4j.error.AdapterMismatchException;
import io.github.lora4j.peft.ModuleEntry.Kind;
import io.github.lora4j.testing.Logs;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import org.assertj.core.api.AbstractThrowableAssert;
import org.junit.jupiter.api.Test;

class ModuleMatcherTest {

  private static final List<ModuleEntry> LLAMA = llama(3);

  @Test
  void givesEachTargetItsRankAndScalingInTheModelsOrder() {
    LoraConfig config =
        LoraConfig.builder()
            .alpha(16)
            .targetModules("v_proj", "q_proj")
            .layersToTransform(1)
            .rankPattern("v_proj", 2)
            .alphaPattern("v_proj", 3)
            .build();
    assertThat(strict(config).targets())
        .containsExactly(
            new AdapterTarget("model.layers.1.self_attn.q_proj", 8, 16, 2),
            new AdapterTarget("model.layers.1.self_attn.v_proj", 2, 3, 1.5));
  }

  @Test
  void usesTheFamilysDefault() {
    MatchedModules matched = strict(LoraConfig.builder().build());
    assertThat(matched.targets()).hasSize(6);
    assertThat(matched.targetModules()).isEqualTo(TargetModules.names("q_proj", "v_proj"));
  }

  @Test
  void saysWhichDefaultItTakes() {
    assertThat(Logs.of(() -> strict(LoraConfig.builder().build())))
        .contains("targetModules: none named, so [q_proj, v_proj] are adapted");
    assertThat(Logs.of(() -> strict(LoraConfig.builder().targetModules("q_proj").build())))
        .doesNotContain("targetModules");
  }

  @Test
  void asksForTargetsWhereTheFamilyHasNoDefault() {
    assertThatThrownBy(
            () ->
                ModuleMatcher.match(
                    LLAMA, LoraConfig.builder().build(), List.of(), NameCheck.LENIENT))
        .isInstanceOf(AdapterMismatchException.class)
        .hasMessageContaining("q_proj");
  }

  @Test
  void expandsAllLinearButForTheOutputHead() {
    LoraConfig config = LoraConfig.builder().targetModules("all-linear").build();
    assertThat(strict(config).targets()).hasSize(9);
    assertThat(strict(config).targetModules())
        .isEqualTo(
            new TargetModules.Names(
                LLAMA.stream()
                    .filter(m -> m.kind() == Kind.LINEAR)
                    .map(ModuleEntry::name)
                    .toList()));
  }

  @Test
  void listsAllMisspeltNamesWithTheNearestOnes() {
    assertRefused(LoraConfig.builder().targetModules("q_proj", "v_prj", "dwn_proj", "xyz"))
        .hasMessageContainingAll(
            "no module is named v_prj (did you mean v_proj?)",
            "no module is named dwn_proj (did you mean down_proj?)",
            "no module is named xyz\n",
            "linear layers are named down_proj, lm_head, q_proj, v_proj")
        .hasMessageNotContaining("named q_proj (");
  }

  @Test
  void suggestsNamesOfTheSameLength() {
    assertRefused(LoraConfig.builder().targetModules("self_attn.q_prj"))
        .hasMessageContaining("did you mean self_attn.q_proj");
    assertRefused(LoraConfig.builder().targetModules("model.layers.1.self_atn.q_proj"))
        .hasMessageContaining("did you mean model.layers.1.self_attn.q_proj");
  }

  @Test
  void noticesAPatternAmongNames() {
    assertRefused(LoraConfig.builder().targetModules(".*_proj"))
        .hasMessageContaining("TargetModules.regex");
  }

  @Test
  void saysThatAPatternMatchesWholeNames() {
    assertRefused(LoraConfig.builder().targetModules(TargetModules.regex("q_proj")))
        .hasMessageContaining("nothing matches \"q_proj\"")
        .hasMessageContaining("whole names");
  }

  @Test
  void refusesContainers() {
    assertRefused(LoraConfig.builder().targetModules("self_attn"))
        .hasMessageContaining(
            "no linear layer and no embedding: model.layers.0.self_attn, model.layers.1.self_attn");
  }

  @Test
  void refusesLayersThatAreNotThere() {
    assertRefused(LoraConfig.builder().targetModules("q_proj").layersToTransform(1, 3))
        .hasMessageContaining("there is no layer [3]; the layers are [0, 1, 2]");
    assertRefused(
            LoraConfig.builder().targetModules("q_proj").layersToTransform(1).layersPattern("h"))
        .hasMessageContaining("under layersPattern [h] are none");
  }

  @Test
  void refusesPatternsForLayersThatAreNotAdapted() {
    assertRefused(LoraConfig.builder().targetModules("q_proj").rankPattern("q_prj", 4))
        .hasMessageContaining("rankPattern: the key \"q_prj\"")
        .hasMessageContaining("did you mean q_proj?");
    assertRefused(LoraConfig.builder().targetModules("q_proj").alphaPattern("v_proj", 4))
        .hasMessageContaining("alphaPattern: the key \"v_proj\"")
        .hasMessageContaining("is not a target");
  }

  @Test
  void saysWhatLeftNothing() {
    assertRefused(LoraConfig.builder().targetModules("q_proj").excludeModules("self_attn.q_proj"))
        .hasMessageContaining("excludeModules [self_attn.q_proj]");
  }

  @Test
  void toleratesInALoadedConfigurationWhatPeftTolerates() {
    LoraConfig config =
        LoraConfig.builder()
            .targetModules("q_proj", "v_prj")
            .excludeModules("nothing")
            .layersToTransform(1, 3)
            .rankPattern("k_proj", 4)
            .build();
    MatchedModules matched = ModuleMatcher.match(LLAMA, config, List.of(), NameCheck.LENIENT);
    assertThat(matched.targets())
        .extracting(AdapterTarget::module)
        .containsExactly("model.layers.1.self_attn.q_proj");
    assertThatThrownBy(() -> strict(config)).isInstanceOf(AdapterMismatchException.class);
  }

  @Test
  void toleratesAnExclusionOfNothing() {
    LoraConfig config =
        LoraConfig.builder().targetModules("q_proj").excludeModules("vision_tower").build();
    assertThat(strict(config).targets()).hasSize(3);
  }

  @Test
  void adaptsTheOutputHeadWhereItIsNamed() {
    assertThat(strict(LoraConfig.builder().targetModules("lm_head").build()).targets())
        .extracting(AdapterTarget::module)
        .containsExactly("lm_head");
  }

  @Property(tries = 200)
  void matchesNamesSegmentBySegment(
      @ForAll("trees") List<String> names, @ForAll("trees") List<String> targets) {
    List<ModuleEntry> modules =
        leaves(names).stream().map(name -> new ModuleEntry(name, Kind.LINEAR)).toList();
    List<String> expected =
        modules.stream()
            .map(ModuleEntry::name)
            .filter(name -> targets.stream().anyMatch(target -> endsWith(name, target)))
            .toList();
    boolean containers =
        containers(names).stream().anyMatch(c -> targets.stream().anyMatch(t -> endsWith(c, t)));
    LoraConfig config = LoraConfig.builder().targetModules(targets.toArray(new String[0])).build();
    if (containers || expected.isEmpty()) {
      assertThatThrownBy(() -> ModuleMatcher.match(modules, config, List.of(), NameCheck.LENIENT))
          .isInstanceOf(AdapterMismatchException.class);
    } else {
      assertThat(ModuleMatcher.match(modules, config, List.of(), NameCheck.LENIENT).targets())
          .extracting(AdapterTarget::module)
          .containsExactlyElementsOf(expected);
    }
  }

  @Property(tries = 200)
  void shortNamesMeanTheSameModules(@ForAll("trees") List<String> names) {
    List<String> leaves = leaves(names);
    List<String> named = leaves.subList(0, (leaves.size() + 1) / 2);
    List<String> meant =
        leaves.stream().filter(l -> named.stream().anyMatch(n -> endsWith(l, n))).toList();
    Set<String> minimal =
        MinimalSuffixes.of(named, leaves.stream().filter(l -> !meant.contains(l)).toList());
    assertThat(minimal).hasSizeLessThanOrEqualTo(named.size());
    assertThat(leaves.stream().filter(l -> minimal.stream().anyMatch(m -> endsWith(l, m))))
        .containsExactlyElementsOf(meant);
  }

  @Provide
  Arbitrary<List<String>> trees() {
    Arbitrary<String> segment = Arbitraries.of("a", "b", "ab", "q_proj", "0", "1", "10");
    return segment
        .list()
        .ofMinSize(1)
        .ofMaxSize(4)
        .map(segments -> String.join(".", segments))
        .list()
        .uniqueElements()
        .ofMinSize(1)
        .ofMaxSize(12);
  }

  /** The rule in other words: the target's segments are the last segments of the name. */
  private static boolean endsWith(String name, String target) {
    List<String> segments = List.of(name.split("\\."));
    List<String> wanted = List.of(target.split("\\."));
    return segments.size() >= wanted.size()
        && segments.subList(segments.size() - wanted.size(), segments.size()).equals(wanted);
  }

  private static List<String> leaves(List<String> names) {
    return names.stream()
        .filter(name -> names.stream().noneMatch(other -> other.startsWith(name + ".")))
        .toList();
  }

  private static Set<String> containers(List<String> names) {
    Set<String> containers = new LinkedHashSet<>();
    for (String name : names) {
      for (int dot = name.indexOf('.'); dot >= 0; dot = name.indexOf('.', dot + 1)) {
        containers.add(name.substring(0, dot));
      }
    }
    return containers;
  }

  private static MatchedModules strict(LoraConfig config) {
    return ModuleMatcher.match(LLAMA, config, List.of("q_proj", "v_proj"), NameCheck.STRICT);
  }

  private static AbstractThrowableAssert<?, ? extends Throwable> assertRefused(
      LoraConfigBuilder builder) {
    LoraConfig config = builder.build();
    return assertThatThrownBy(() -> strict(config)).isInstanceOf(AdapterMismatchException.class);
  }

  private static List<ModuleEntry> llama(int layers) {
    List<ModuleEntry> modules = new ArrayList<>();
    modules.add(new ModuleEntry("model.embed_tokens", Kind.EMBEDDING));
    for (int i = 0; i < layers; i++) {
      String layer = "model.layers." + i + ".";
      Stream.of("self_attn.q_proj", "self_attn.v_proj", "mlp.down_proj")
          .forEach(name -> modules.add(new ModuleEntry(layer + name, Kind.LINEAR)));
      modules.add(new ModuleEntry(layer + "input_layernorm", Kind.OTHER));
    }
    modules.add(new ModuleEntry("model.norm", Kind.OTHER));
    modules.add(new ModuleEntry("lm_head", Kind.OUTPUT_HEAD));
    return modules;
  }
}
