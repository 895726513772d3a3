package io.github.lora4j.generate;

import io.github.lora4j.data.Tokenizer;
import java.util.List;
import java.util.function.Consumer;

/** The text of one row, from tokens through the stop strings to whoever listens. */
final class RowText {

  private final IncrementalDecoder decoder;
  private final StopStringFilter filter;
  private final Consumer<String> onText;
  private final StringBuilder text = new StringBuilder();

  RowText(Tokenizer tokenizer, int[] prompt, List<String> stopStrings, Consumer<String> onText) {
    this.decoder = new IncrementalDecoder(tokenizer, prompt);
    this.filter = new StopStringFilter(stopStrings);
    this.onText = onText;
  }

  /** Takes the next token and returns whether a stop string is complete. */
  boolean push(int tokenId) {
    emit(filter.push(decoder.push(tokenId)));
    return filter.found();
  }

  /** Lets out what was held back and returns the whole text. */
  String finish() {
    emit(filter.push(decoder.finish()));
    emit(filter.finish());
    return text.toString();
  }

  /** Whether the text was ended by a stop string. */
  boolean stopped() {
    return filter.found();
  }

  private void emit(String piece) {
    if (!piece.isEmpty()) {
      text.append(piece);
      onText.accept(piece);
    }
  }
}
