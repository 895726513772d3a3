package io.github.lora4j.model;

import io.github.lora4j.data.Batch;
import io.github.lora4j.nn.ForwardContext;

/**
 * What a batch's loss is computed from.
 *
 * @param inputs the tokens
 * @param supervised the positions among them whose next token counts
 */
record LossInputs(ModelInputs inputs, SupervisedPositions supervised) {

  /**
   * Leaves padding out unless the pass is plain, each layer has a prefix, or a label is to be
   * predicted from padding (left padding can ask for that).
   */
  static LossInputs of(
      Batch batch, SupervisedPositions supervised, Decoder decoder, ForwardContext context) {
    if (!context.isPlain() && decoder.prefixLength() == 0) {
      TokenRow row = TokenRow.of(batch);
      if (supervised.areIn(row)) {
        return new LossInputs(row.inputs(decoder.dtype(), decoder.device()), supervised.in(row));
      }
    }
    return new LossInputs(ModelInputs.of(batch, decoder), supervised);
  }
}
