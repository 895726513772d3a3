package io.github.lora4j.peft;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatNoException;
import static org.assertj.core.api.Assertions.within;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class LoraConfigTest {

  @Test
  void hasPeftsDefaults() {
    LoraConfig config = LoraConfig.builder().build();
    assertThat(config.r()).isEqualTo(8);
    assertThat(config.loraAlpha()).isEqualTo(8);
    assertThat(config.loraDropout()).isZero();
    assertThat(config.targetModules()).isEqualTo(TargetModules.modelDefault());
    assertThat(config.excludeModules()).isEqualTo(TargetModules.names());
    assertThat(config.useRslora()).isFalse();
    assertThat(config.fanInFanOut()).isFalse();
    assertThat(config.initLoraWeights()).isEqualTo(InitLoraWeights.KAIMING);
    assertThat(config.taskType()).isEmpty();
    assertThat(config.inferenceMode()).isFalse();
  }

  @Test
  void takesBothSpellingsOfAField() {
    LoraConfig brief = LoraConfig.builder().alpha(32).dropout(0.1).build();
    assertThat(LoraConfig.builder().loraAlpha(32).loraDropout(0.1).build()).isEqualTo(brief);
    assertThat(brief.alpha()).isEqualTo(brief.loraAlpha()).isEqualTo(32);
    assertThat(brief.dropout()).isEqualTo(brief.loraDropout()).isEqualTo(0.1);
    assertThat(LoraConfig.builder().alpha(32).loraAlpha(32).build().alpha()).isEqualTo(32);
  }

  @Test
  void refusesTwoSpellingsThatDisagree() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> LoraConfig.builder().alpha(16).loraAlpha(32).build())
        .withMessageContaining("alpha and loraAlpha")
        .withMessageContaining("16.0 and 32.0");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> LoraConfig.builder().dropout(0).loraDropout(0.1).build())
        .withMessageContaining("dropout and loraDropout");
  }

  @Test
  void eitherSpellingReplacesTheValueOfACopiedConfiguration() {
    LoraConfig config = LoraConfig.builder().loraAlpha(16).loraDropout(0.1).build();
    LoraConfig changed = config.toBuilder().alpha(32).dropout(0).build();
    assertThat(changed.loraAlpha()).isEqualTo(32);
    assertThat(changed.loraDropout()).isZero();
  }

  @Test
  void copiesEveryField() {
    LoraConfig config =
        LoraConfig.builder()
            .r(3)
            .alpha(5)
            .dropout(0.25)
            .targetModules("q_proj")
            .excludeModules(TargetModules.regex(".*0.*"))
            .useRslora(true)
            .fanInFanOut(true)
            .rankPattern("q_proj", 4)
            .alphaPattern("q_proj", 2)
            .layersToTransform(1)
            .layersPattern("layers")
            .initLoraWeights("gaussian")
            .taskType(TaskType.CAUSAL_LM)
            .inferenceMode(true)
            .baseModelNameOrPath("org/model")
            .revision("main")
            .build();
    assertThat(config.toBuilder().build()).isEqualTo(config).hasSameHashCodeAs(config);
    assertThat(config.toString()).contains("r=3", "loraAlpha=5.0", "q_proj", "org/model");
  }

  @Test
  void copiesTargetParameters() {
    LoraConfig config = LoraConfig.builder().targetParameters("b.weight", "a", "a").build();
    assertThat(config.targetParameters()).containsExactly("b.weight", "a");
    assertThat(config.toBuilder().build()).isEqualTo(config).hasSameHashCodeAs(config);
    assertThat(config).isNotEqualTo(LoraConfig.builder().build());
  }

  @Test
  void scalesByRankOrByItsRoot() {
    LoraConfig plain = LoraConfig.builder().build();
    LoraConfig stabilized = LoraConfig.builder().useRslora(true).build();
    assertThat(plain.scaling(16, 32)).isEqualTo(2);
    assertThat(stabilized.scaling(16, 32)).isEqualTo(8);
    assertThat(stabilized.scaling(7, 3)).isCloseTo(3 / Math.sqrt(7), within(1e-15));
  }

  @Test
  void readsAllLinearAsItsWord() {
    assertThat(LoraConfig.builder().targetModules("all-linear").build().targetModules())
        .isEqualTo(TargetModules.allLinear());
    assertThat(LoraConfig.builder().targetModules("ALL-LINEAR").build().targetModules())
        .isEqualTo(TargetModules.allLinear());
    assertThatIllegalArgumentException()
        .isThrownBy(() -> TargetModules.regex("all-linear"))
        .withMessageContaining("allLinear()");
  }

  @Test
  void namesHaveNoOrder() {
    assertThat(TargetModules.names("v", "q", "v")).isEqualTo(TargetModules.names("q", "v"));
  }

  @Test
  void keepsTheOrderOfPatternsBecauseItDecides() {
    Map<String, Integer> ranks = new LinkedHashMap<>();
    ranks.put("z", 1);
    ranks.put("a", 2);
    LoraConfig config = LoraConfig.builder().rankPattern(ranks).rankPattern("m", 3).build();
    assertThat(config.rankPattern().keySet()).containsExactly("z", "a", "m");
    LoraConfig reversed =
        LoraConfig.builder().rankPattern("a", 2).rankPattern("z", 1).rankPattern("m", 3).build();
    assertThat(config).isNotEqualTo(reversed);
  }

  @Test
  void takesPeftsSpellingsOfTheBeginning() {
    assertThat(LoraConfig.builder().initLoraWeights(true).build().initLoraWeights())
        .isEqualTo(InitLoraWeights.KAIMING);
    assertThat(LoraConfig.builder().initLoraWeights(false).build().initLoraWeights())
        .isEqualTo(InitLoraWeights.RANDOM);
    assertThat(LoraConfig.builder().initLoraWeights("Gaussian").build().initLoraWeights())
        .isEqualTo(InitLoraWeights.GAUSSIAN);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> LoraConfig.builder().initLoraWeights("corda"))
        .withMessageContaining("pissa");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> LoraConfig.builder().initLoraWeights("loftq").build())
        .withMessageContaining("loftqConfig")
        .withMessageContaining("LoftqWeights.replace");
  }

  @Test
  void loftqIsConfiguredAsInPeft() {
    LoraConfig loftq =
        LoraConfig.builder().initLoraWeights("loftq").loftqConfig(new LoftQConfig(8, 5)).build();
    assertThat(loftq.loftqConfig()).hasValue(new LoftQConfig(8, 5));
    assertThat(loftq.toBuilder().r(3).build().loftqConfig()).hasValue(new LoftQConfig(8, 5));
    assertThat(loftq.toBuilder().loftqConfig(LoftQConfig.DEFAULT).build()).isNotEqualTo(loftq);
    assertThat(loftq.toBuilder().initLoraWeights(true).build().loftqConfig()).isEmpty();
    assertThat(LoftQConfig.DEFAULT).isEqualTo(new LoftQConfig(4, 1));
    // PEFT has had no rounding to 2 bits since 0.20.
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new LoftQConfig(2, 1))
        .withMessageContaining("4 (NF4) or 8 (LLM.int8)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new LoftQConfig(4, 0))
        .withMessageContaining("at least 1");
  }

  @ParameterizedTest
  @ValueSource(ints = {0, -1, Integer.MIN_VALUE})
  void refusesRanksBelowOne(int r) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> LoraConfig.builder().r(r).build())
        .withMessageContaining("r is a rank");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> LoraConfig.builder().rankPattern("q_proj", r).build())
        .withMessageContaining("rankPattern \"q_proj\"");
  }

  @ParameterizedTest
  @ValueSource(doubles = {-0.1, 1.1, Double.NaN})
  void refusesDropoutOutsideOfProbabilities(double dropout) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> LoraConfig.builder().dropout(dropout).build())
        .withMessageContaining("loraDropout");
  }

  @ParameterizedTest
  @ValueSource(doubles = {Double.NaN, Double.POSITIVE_INFINITY})
  void refusesAlphasThatAreNoNumbers(double alpha) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> LoraConfig.builder().alpha(alpha).build());
    assertThatIllegalArgumentException()
        .isThrownBy(() -> LoraConfig.builder().alphaPattern("q_proj", alpha).build());
  }

  @Test
  void refusesLayersWithoutNames() {
    assertThatIllegalArgumentException()
        .isThrownBy(
            () -> LoraConfig.builder().targetModules("all-linear").layersToTransform(1).build())
        .withMessageContaining("layersToTransform");
    assertThatIllegalArgumentException()
        .isThrownBy(
            () ->
                LoraConfig.builder()
                    .targetModules(TargetModules.regex(".*q"))
                    .layersPattern("h")
                    .build())
        .withMessageContaining("layersPattern");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> LoraConfig.builder().targetModules("q").layersPattern("h").build())
        .withMessageContaining("layersToTransform");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> LoraConfig.builder().targetModules("q").layersToTransform(-1).build())
        .withMessageContaining("-1");
  }

  @Test
  void refusesTargetsThatAreNone() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> LoraConfig.builder().targetModules().build())
        .withMessageContaining("targetModules");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> LoraConfig.builder().targetModules("q_proj", ""));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> LoraConfig.builder().excludeModules(TargetModules.allLinear()).build())
        .withMessageContaining("excludeModules");
  }

  @Test
  void namesFieldAndPatternThatIsNotValid() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> TargetModules.regex("a["))
        .withMessageContaining("TargetModules.regex")
        .withMessageContaining("a[");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> LoraConfig.builder().alphaPattern("(q", 1).build())
        .withMessageContaining("alphaPattern")
        .withMessageContaining("(q");
    assertThatIllegalArgumentException()
        .isThrownBy(
            () ->
                LoraConfig.builder()
                    .targetModules("q")
                    .layersToTransform(1)
                    .layersPattern("(")
                    .build())
        .withMessageContaining("layersPattern");
  }

  @ParameterizedTest
  @MethodSource
  void throwsForSettingsThatAreNotBuilt(String field, UnaryOperator<LoraConfigBuilder> setting) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> setting.apply(LoraConfig.builder()))
        .withMessageStartingWith(field + " is not built yet");
  }

  static List<Arguments> throwsForSettingsThatAreNotBuilt() {
    Map<String, Integer> config = Map.of("any", 1);
    Map<String, UnaryOperator<LoraConfigBuilder>> settings = new LinkedHashMap<>();
    settings.put("aloraInvocationTokens", b -> b.aloraInvocationTokens(1));
    settings.put("useQalora", b -> b.useQalora(true));
    settings.put("useBdlora", b -> b.useBdlora(config));
    settings.put("megatronConfig", b -> b.megatronConfig(config));
    settings.put("veloraConfig", b -> b.veloraConfig(config));
    settings.put("montecloraConfig", b -> b.montecloraConfig(config));
    settings.put("arrowConfig", b -> b.arrowConfig(config));
    settings.put("kasaConfig", b -> b.kasaConfig(config));
    settings.put("cordaConfig", b -> b.cordaConfig(config));
    settings.put("loraGaConfig", b -> b.loraGaConfig(config));
    assertThat(settings).hasSameSizeAs(UnbuiltSetting.values());
    return settings.entrySet().stream().map(e -> Arguments.of(e.getKey(), e.getValue())).toList();
  }

  @Test
  void acceptsDefaultsOfSettingsThatAreNotBuilt() {
    assertThatNoException()
        .isThrownBy(
            () ->
                LoraConfig.builder()
                    .bias("none")
                    .useDora(false)
                    .loraBias(false)
                    .modulesToSave()
                    .layerReplication()
                    .build());
  }
}
