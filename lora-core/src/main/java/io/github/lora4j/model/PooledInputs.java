package io.github.lora4j.model;

import io.github.lora4j.data.Batch;
import io.github.lora4j.nn.ForwardContext;
import java.util.OptionalInt;

/**
 * What a batch's sequences are scored from.
 *
 * @param inputs the tokens
 * @param pooled those among them at which sequences are scored
 */
record PooledInputs(ModelInputs inputs, PooledTokens pooled) {

  /** Leaves padding out unless the pass is plain. */
  static PooledInputs of(
      Batch given, OptionalInt padTokenId, Decoder decoder, ForwardContext context) {
    Batch batch = ModelInputs.known(given, decoder.spec());
    PooledTokens pooled = PooledTokens.of(batch, padTokenId);
    if (context.isPlain()) {
      return new PooledInputs(ModelInputs.of(batch, decoder.device()), pooled);
    }
    TokenRow row = TokenRow.of(batch);
    return new PooledInputs(row.inputs(decoder.dtype(), decoder.device()), pooled.in(row));
  }
}
