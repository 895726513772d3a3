package io.github.lora4j.examples.pretrain;

import io.github.lora4j.data.TokenizedExample;
import io.github.lora4j.data.Tokenizer;
import io.github.lora4j.examples.world.WorldDocument;
import java.util.function.Function;
import java.util.stream.IntStream;

/**
 * Turns a document into a training example between the beginning and the end of sequence; only the
 * parts that are worth learning carry loss.
 */
final class DocumentEncoder implements Function<WorldDocument, TokenizedExample> {

  private final Tokenizer tokenizer;

  DocumentEncoder(Tokenizer tokenizer) {
    this.tokenizer = tokenizer;
  }

  @Override
  public TokenizedExample apply(WorldDocument document) {
    IntStream.Builder ids = IntStream.builder();
    IntStream.Builder labels = IntStream.builder();
    ids.add(tokenizer.bosTokenId().orElseThrow());
    labels.add(TokenizedExample.IGNORE_INDEX);
    for (WorldDocument.Part part : document.parts()) {
      for (int id : tokenizer.encode(part.text(), false)) {
        ids.add(id);
        labels.add(part.learn() ? id : TokenizedExample.IGNORE_INDEX);
      }
    }
    int eos = tokenizer.eosTokenId().orElseThrow();
    ids.add(eos);
    labels.add(eos);
    return new TokenizedExample(ids.build().toArray(), labels.build().toArray());
  }
}
