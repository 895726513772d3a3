package io.github.lora4j.model;

import static io.github.lora4j.model.ConfigTexts.spec;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.within;

import io.github.lora4j.error.CheckpointFormatException;
import io.github.lora4j.error.UnsupportedModelException;
import io.github.lora4j.nn.AttentionShape;
import io.github.lora4j.nn.QkvLayout;
import io.github.lora4j.nn.RopeScaling;
import io.github.lora4j.nn.RotaryEmbedding;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Configurations of Phi-3 to Phi-4 in their spellings, and the numbers of longrope. */
class Phi3ConfigTest {

  private static final List<Double> SHORT = List.of(1.0, 1.1, 1.2, 1.3);
  private static final List<Double> LONG = List.of(1.5, 2.0, 4.0, 8.0);
  private static final String FACTORS =
      "'short_factor': [1.0, 1.1, 1.2, 1.3], 'long_factor': [1.5, 2.0, 4, 8.0]";
  private static final String LENGTHS =
      ", 'max_position_embeddings': 32768, 'original_max_position_embeddings': 2048";
  private static final String HALF = ", 'partial_rotary_factor': 0.5";

  private static AttentionShape shape(String keys) {
    return spec("phi3", keys).blocks().get(0).attention().shape();
  }

  private static RopeScaling.LongRope longRope(String keys) {
    return (RopeScaling.LongRope) shape(keys).rotary().orElseThrow().scaling();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "'rope_scaling': {'type': 'longrope', " + FACTORS + "}" + LENGTHS + HALF,
        "'rope_scaling': {'type': 'su', " + FACTORS + "}" + LENGTHS + HALF,
        "'rope_scaling': {'type': 'yarn', " + FACTORS + "}" + LENGTHS + HALF,
        "'rope_scaling': {'rope_type': 'longrope', " + FACTORS + "}" + LENGTHS + HALF,
        "'rope_parameters': {'rope_type': 'longrope', 'rope_theta': 10000.0, "
            + FACTORS
            + HALF
            + "}"
            + LENGTHS,
        "'rope_parameters': {'rope_type': 'longrope', 'original_max_position_embeddings': 2048, "
            + FACTORS
            + HALF
            + "}, 'max_position_embeddings': 32768"
      })
  void longRopeInOldAndNewSpellings(String keys) {
    double attentionFactor = Math.sqrt(1 + Math.log(16) / Math.log(2048));
    assertThat(shape(keys).rotary())
        .contains(
            new RotaryEmbedding(
                8, 10_000, new RopeScaling.LongRope(SHORT, LONG, 2048, attentionFactor)));
  }

  @Test
  void theAttentionFactorIsGivenOrFollowsFromTheFactorOrTheLengths() {
    String rope = "'rope_scaling': {'rope_type': 'longrope', " + FACTORS;
    assertThat(longRope(rope + ", 'attention_factor': 1.19}" + HALF).attentionFactor())
        .isEqualTo(1.19);
    assertThat(longRope(rope + ", 'factor': 4.0}" + LENGTHS + HALF).attentionFactor())
        .isEqualTo(Math.sqrt(1 + Math.log(4) / Math.log(2048)));
    RopeScaling.LongRope same = longRope(rope + "}" + HALF);
    assertThat(same.attentionFactor()).isEqualTo(1);
    assertThat(same.originalMaxPositionEmbeddings()).isEqualTo(4096);
  }

  /** The numbers are those of transformers' {@code _compute_longrope_parameters}. */
  @Test
  void frequenciesChangeBeyondTheTrainedLength() {
    RopeScaling longRope =
        new RopeScaling.LongRope(
            SHORT, LONG, 4096, RopeScaling.LongRope.defaultAttentionFactor(8, 4096));
    assertThat(longRope.inverseFrequencies(8, 10_000, 4096))
        .containsExactly(
            new double[] {1, 0.0909090936, 0.00833333283, 0.000769230769}, within(1e-8));
    assertThat(longRope.inverseFrequencies(8, 10_000, 4097))
        .containsExactly(
            new double[] {0.666666686, 0.0500000007, 0.00249999994, 0.000125000005}, within(3e-8));
    assertThat(longRope.attentionFactor()).isCloseTo(1.118033988749895, within(1e-15));
    assertThat(longRope.dependsOnLength()).isTrue();
    assertThat(longRope.switchesBeyond()).hasValue(4096);
  }

  @Test
  void factorsAreChecked() {
    assertThatExceptionOfType(CheckpointFormatException.class)
        .isThrownBy(() -> shape("'rope_scaling': {'type': 'longrope', " + FACTORS + "}"))
        .withMessageContaining("rope_scaling: short_factor: expected a list of 8 numbers above 0");
    assertThatExceptionOfType(CheckpointFormatException.class)
        .isThrownBy(
            () ->
                shape(
                    "'rope_scaling': {'type': 'longrope', "
                        + FACTORS.replace("1.5", "0")
                        + "}"
                        + HALF))
        .withMessageContaining("long_factor");
    assertThatExceptionOfType(CheckpointFormatException.class)
        .isThrownBy(() -> shape("'rope_scaling': {'type': 'su'}"))
        .withMessageContaining("short_factor");
    assertThatExceptionOfType(CheckpointFormatException.class)
        .isThrownBy(
            () ->
                shape(
                    "'rope_scaling': {'type': 'su', 'short_factor': ['a'], "
                        + LENGTHS.substring(2)
                        + "}"))
        .withMessageContaining("short_factor: expected a list of finite numbers");
    assertThatExceptionOfType(UnsupportedModelException.class)
        .isThrownBy(() -> shape("'rope_scaling': {'type': 'linear', 'factor': 2.0}"))
        .withMessageContaining("rope_type: expected default or longrope in a phi3 model");
  }

  @Test
  void partsOfHeadsAreTurnedWithoutScalingToo() {
    assertThat(shape("'partial_rotary_factor': 0.75, 'rope_scaling': null").rotary())
        .contains(new RotaryEmbedding(12, 10_000, new RopeScaling.None()));
    assertThat(
            shape("'rope_parameters': {'rope_theta': 500, 'partial_rotary_factor': 0.25}").rotary())
        .contains(new RotaryEmbedding(4, 500, new RopeScaling.None()));
  }

  @Test
  void projectionsAreFused() {
    BlockSpec block = spec("phi3", "'sliding_window': 2047").blocks().get(0);
    assertThat(block.attention().shape().window()).hasValue(2047);
    assertThat(block.attention().qkv())
        .isEqualTo(
            new AttentionSpec.FusedQkv(
                DecoderSpec.LinearSpec.of("self_attn.qkv_proj", false), QkvLayout.CONCATENATED));
    assertThat(block.mlp()).isInstanceOf(MlpSpec.JointGated.class);
    assertThat(shape("'sliding_window': null").window()).isEmpty();
    assertThat(spec("phi3", "'tie_word_embeddings': true").tieWordEmbeddings()).isTrue();
  }
}
