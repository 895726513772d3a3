package io.github.lora4j.generate;

import io.github.lora4j.data.Tokenizer;
import io.github.lora4j.model.NextTokenModel;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/**
 * Continues text with a language model.
 *
 * <p>All methods return the new text alone, as it follows the prompt: a leading space stays. The
 * end-of-sequence token, other special tokens and stop strings are no part of it. How it is sampled
 * and repeated is said at {@link TokenGenerator#generate}.
 *
 * <p>Model and tokenizer are borrowed and stay open. An instance may be used by several threads if
 * both of them may.
 */
public final class TextGenerator {

  private final NextTokenModel model;
  private final Tokenizer tokenizer;
  private final boolean addSpecialTokens;

  private TextGenerator(NextTokenModel model, Tokenizer tokenizer, boolean addSpecialTokens) {
    this.model = model;
    this.tokenizer = tokenizer;
    this.addSpecialTokens = addSpecialTokens;
  }

  /**
   * Returns a generator that puts before a prompt what the tokenizer puts before every text, such
   * as a beginning-of-sequence token.
   */
  public static TextGenerator of(NextTokenModel model, Tokenizer tokenizer) {
    return new TextGenerator(model, tokenizer, true);
  }

  /**
   * Returns the same generator with or without what the tokenizer adds to a text; prompts that were
   * written by a chat template hold their special tokens already and want {@code false}.
   */
  public TextGenerator withSpecialTokens(boolean add) {
    return new TextGenerator(model, tokenizer, add);
  }

  /**
   * Continues one prompt.
   *
   * @throws IllegalArgumentException if the prompt has no tokens, or if prompt and {@code
   *     maxNewTokens} exceed what the model has room for
   */
  public String generate(String prompt, GenerationConfig config) {
    return generateResults(List.of(prompt), config).get(0).text();
  }

  /**
   * Continues one prompt and hands over the text as it comes.
   *
   * <p>The pieces are never empty, never end within a character, and put together are the result's
   * text. What may turn out to be a stop string is held back until that is decided.
   *
   * @param onText called by this thread; what it throws ends the generation and comes out of here
   * @throws IllegalArgumentException as {@link #generate(String, GenerationConfig)}
   */
  public GenerationResult generate(
      String prompt, GenerationConfig config, Consumer<String> onText) {
    return run(List.of(prompt), config, onText).get(0);
  }

  /**
   * Continues all prompts together, as one batch; they may differ in length.
   *
   * @return the new text of each prompt, in their order
   * @throws IllegalArgumentException as {@link #generate(String, GenerationConfig)}
   */
  public List<String> generate(List<String> prompts, GenerationConfig config) {
    return generateResults(prompts, config).stream().map(GenerationResult::text).toList();
  }

  /**
   * Continues all prompts together, as one batch, and says how each ended.
   *
   * @return one result for each prompt, in their order
   * @throws IllegalArgumentException as {@link #generate(String, GenerationConfig)}
   */
  public List<GenerationResult> generateResults(List<String> prompts, GenerationConfig config) {
    return run(prompts, config, text -> {});
  }

  private List<GenerationResult> run(
      List<String> prompts, GenerationConfig config, Consumer<String> onText) {
    int[][] ids = new int[prompts.size()][];
    List<RowText> texts = new ArrayList<>();
    for (int i = 0; i < ids.length; i++) {
      ids[i] = tokenizer.encode(prompts.get(i), addSpecialTokens);
      texts.add(new RowText(tokenizer, ids[i], config.stopStrings(), onText));
    }
    List<GenerationLoop.Sequence> sequences =
        loop(config).run(ids, (row, tokenId) -> texts.get(row).push(tokenId));
    List<GenerationResult> results = new ArrayList<>();
    for (int i = 0; i < ids.length; i++) {
      GenerationLoop.Sequence sequence = sequences.get(i);
      RowText row = texts.get(i);
      String text = row.finish();
      FinishReason reason = row.stopped() ? FinishReason.STOP_STRING : sequence.finishReason();
      results.add(new GenerationResult(text, sequence.tokenIds(), reason, ids[i].length));
    }
    return results;
  }

  private GenerationLoop loop(GenerationConfig config) {
    int[] eosTokenIds =
        config.eosTokenIds().isEmpty()
            ? tokenizer.eosTokenId().stream().toArray()
            : config.eosTokenIds().stream().mapToInt(Integer::intValue).toArray();
    int fallback = eosTokenIds.length > 0 ? eosTokenIds[0] : 0;
    int padTokenId = config.padTokenId().orElse(tokenizer.padTokenId().orElse(fallback));
    return new GenerationLoop(model, config, eosTokenIds, padTokenId);
  }
}
