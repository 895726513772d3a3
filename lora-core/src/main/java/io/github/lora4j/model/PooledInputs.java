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

  /** Leaves padding out unless the pass is plain or each layer has a prefix. */
  static PooledInputs of(
      Batch given, OptionalInt padTokenId, Decoder decoder, ForwardContext context) {
    Batch batch = ModelInputs.known(given, decoder).batch();
    PooledTokens pooled = PooledTokens.of(batch, padTokenId);
    if (context.isPlain() || decoder.prefixLength() > 0) {
      return new PooledInputs(ModelInputs.of(batch, decoder), pooled);
    }
    TokenRow row = TokenRow.of(batch);
    return new PooledInputs(row.inputs(decoder.dtype(), decoder.device()), pooled.in(row));
  }
}
