package io.github.lora4j.peft;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class InitLoraWeightsTest {

  @ParameterizedTest
  @ValueSource(
      strings = {"gaussian", "orthogonal", "olora", "pissa", "pissa_niter_16", "loftq", "eva"})
  void peftsWordsAreReadAndWritten(String word) {
    assertThat(InitLoraWeights.of(word).value()).isEqualTo(word);
    assertThat(InitLoraWeights.of(word)).hasToString(word);
  }

  @Test
  void iterationsComeFromTheWord() {
    assertThat(InitLoraWeights.of("pissa_niter_4")).isEqualTo(InitLoraWeights.pissaNiter(4));
    assertThat(InitLoraWeights.of("OLoRA")).isEqualTo(InitLoraWeights.OLORA);
    assertThat(InitLoraWeights.of("pissa").iterations()).isZero();
  }

  @Test
  void trueAndFalseAreValuesToo() {
    assertThat(InitLoraWeights.of(true)).isEqualTo(InitLoraWeights.KAIMING);
    assertThat(InitLoraWeights.of(false)).isEqualTo(InitLoraWeights.RANDOM);
    assertThat(InitLoraWeights.KAIMING.value()).isEqualTo(true);
    assertThat(InitLoraWeights.RANDOM.value()).isEqualTo(false);
  }

  @ParameterizedTest
  @ValueSource(strings = {"corda", "pissa_niter_", "pissa_niter_x", "pissa_niter_-1", "true", ""})
  void otherWordsAreRefusedWithThoseThatAreKnown(String word) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> InitLoraWeights.of(word))
        .withMessageContaining("\"" + word + "\"")
        .withMessageContaining("gaussian, orthogonal, olora, pissa, loftq, eva or pissa_niter_N");
  }

  @Test
  void onlyTheRandomizedWayHasIterations() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new InitLoraWeights(InitLoraWeights.Method.PISSA, 4))
        .withMessageContaining("iterations");
    assertThatIllegalArgumentException().isThrownBy(() -> InitLoraWeights.pissaNiter(-1));
  }

  @Test
  void someChangeTheBase() {
    assertThat(InitLoraWeights.pissaNiter(4).changesBase()).isTrue();
    assertThat(InitLoraWeights.LOFTQ.changesBase()).isTrue();
    assertThat(InitLoraWeights.EVA.changesBase()).isFalse();
    assertThat(InitLoraWeights.ORTHOGONAL.changesBase()).isFalse();
  }
}
