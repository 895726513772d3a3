package io.github.lora4j.peft;

import io.github.lora4j.error.AdapterMismatchException;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;

/**
 * The sizes of a model that the configurations of prompt and prefix tuning hold.
 *
 * @param tokenDim features of a virtual token's vector, or of all its keys in a layer
 * @param numAttentionHeads heads of attention; for a prefix those of keys and values
 * @param numLayers layers of the model
 */
public record PromptShape(
    OptionalInt tokenDim, OptionalInt numAttentionHeads, OptionalInt numLayers) {

  /** No sizes but those of the model that is wrapped. */
  public static final PromptShape OF_THE_MODEL =
      new PromptShape(OptionalInt.empty(), OptionalInt.empty(), OptionalInt.empty());

  static PromptShape of(int tokenDim, int numAttentionHeads, int numLayers) {
    return new PromptShape(
        OptionalInt.of(tokenDim), OptionalInt.of(numAttentionHeads), OptionalInt.of(numLayers));
  }

  static void requireVirtualTokens(int count) {
    if (count < 1) {
      throw new IllegalArgumentException("numVirtualTokens: expected at least 1, found " + count);
    }
  }

  /**
   * Checks these sizes against a model's.
   *
   * @return the model's
   * @throws AdapterMismatchException if one is set and differs
   */
  PromptShape checked(PromptShape model) {
    check("tokenDim", tokenDim, model.tokenDim);
    check("numAttentionHeads", numAttentionHeads, model.numAttentionHeads);
    check("numLayers", numLayers, model.numLayers);
    return model;
  }

  /** The keys of adapter_config.json that hold these sizes. */
  Map<String, @Nullable Object> keys() {
    Map<String, @Nullable Object> keys = new LinkedHashMap<>();
    keys.put("token_dim", tokenDim.orElseThrow());
    keys.put("num_attention_heads", numAttentionHeads.orElseThrow());
    keys.put("num_layers", numLayers.orElseThrow());
    keys.put("num_transformer_submodules", 1);
    return keys;
  }

  private static void check(String field, OptionalInt found, OptionalInt model) {
    if (found.isPresent() && !found.equals(model)) {
      throw new AdapterMismatchException(
          field
              + ": this model has "
              + model.getAsInt()
              + ", found "
              + found.getAsInt()
              + "; is this the base that the adapter was trained on?");
    }
  }
}
