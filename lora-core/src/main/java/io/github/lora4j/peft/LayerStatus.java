package io.github.lora4j.peft;

import java.util.List;
import java.util.Map;

/**
 * How adapters stand at one layer: PEFT's {@code TunerLayerStatus}.
 *
 * @param name the layer, such as {@code model.layers.0.self_attn.q_proj}
 * @param moduleType what the base has there: {@code DenseLinear} and the like
 * @param enabled whether adapters take part
 * @param activeAdapters those that do, whether they have weights here or not
 * @param mergedAdapters those of this layer that are merged
 * @param requiresGrad whether the weights of each adapter of this layer learn
 * @param availableAdapters those that have weights here
 * @param devices where the weights of each lie
 */
public record LayerStatus(
    String name,
    String moduleType,
    boolean enabled,
    List<String> activeAdapters,
    List<String> mergedAdapters,
    Map<String, Consistency> requiresGrad,
    List<String> availableAdapters,
    Map<String, List<String>> devices) {}
