package io.github.lora4j.peft;

import java.util.List;
import java.util.Map;

/**
 * How adapters stand in a model: PEFT's {@code TunerModelStatus}.
 *
 * @param baseModelType the class that transformers has for the base
 * @param adapterModelType the class that PEFT has for the adapters
 * @param peftTypes the kind of each adapter, such as {@code LORA}
 * @param trainableParams how many numbers learn
 * @param totalParams how many there are, frozen ones included
 * @param numAdapterLayers how many layers carry adapters
 * @param enabled whether adapters take part
 * @param activeAdapters those that do
 * @param mergedAdapters those that are merged
 * @param requiresGrad whether the weights of each adapter learn
 * @param availableAdapters all adapters, in the order of their names
 * @param devices where the weights of each lie
 */
public record ModelStatus(
    String baseModelType,
    String adapterModelType,
    Map<String, String> peftTypes,
    long trainableParams,
    long totalParams,
    int numAdapterLayers,
    boolean enabled,
    List<String> activeAdapters,
    List<String> mergedAdapters,
    Map<String, Consistency> requiresGrad,
    List<String> availableAdapters,
    Map<String, List<String>> devices) {}
