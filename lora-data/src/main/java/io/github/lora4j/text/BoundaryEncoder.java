package io.github.lora4j.text;

import io.github.lora4j.data.Tokenizer;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * Encodes a completion as the continuation of a prompt's very ids.
 *
 * <p>A model that generates sees the ids of the prompt alone and adds to them. So the prompt's ids
 * must not depend on what follows, and the completion's must decode, behind them, to the completion
 * and nothing else. Neither of the plain ways does both: the text encoded as a whole may merge the
 * end of the prompt with the beginning of the completion, and a completion encoded alone gets a
 * space in front from tokenizers in the manner of Llama 2. Here:
 *
 * <ol>
 *   <li>If the ids of the whole text begin with the prompt's, the rest are the completion's. That
 *       is the most natural encoding, and nearly always there.
 *   <li>Otherwise the completion is encoded alone or, where that adds a space, behind a short text
 *       whose ids are then taken off again; the first result that decodes rightly is taken.
 * </ol>
 */
final class BoundaryEncoder {

  /** Put in front of a completion: first nothing, then what hardly any tokenizer merges. */
  private static final List<String> LEADS = List.of("", "\n", ":", "a", "0", ".", "\u4e2d");

  private final Tokenizer tokenizer;
  private final int[] prefix;

  BoundaryEncoder(Tokenizer tokenizer) {
    this.tokenizer = tokenizer;
    // What is added at the end (some tokenizers add the end of sequence) has no place in a prompt.
    int[] plain = tokenizer.encode("a", false);
    int[] framed = tokenizer.encode("a", true);
    int start = 0;
    while (!startsWith(Arrays.copyOfRange(framed, start, framed.length), plain)) {
      start++;
      if (start > framed.length) {
        throw new IllegalArgumentException(
            tokenizer + " encodes a text differently with and without special tokens");
      }
    }
    prefix = Arrays.copyOf(framed, start);
  }

  /** Returns the special tokens that stand before every prompt, such as the one that begins it. */
  int[] prefix() {
    return prefix;
  }

  /** Returns the ids of a prompt, without the prefix. */
  int[] prompt(String prompt) {
    return tokenizer.encode(prompt, false);
  }

  /**
   * Returns the ids that follow the prompt's; empty if this tokenizer cannot continue behind them.
   *
   * @param promptIds what {@link #prompt} returned for the prompt
   */
  Optional<int[]> completion(String prompt, int[] promptIds, String completion) {
    int[] joint = tokenizer.encode(prompt + completion, false);
    if (startsWith(joint, promptIds)) {
      return Optional.of(Arrays.copyOfRange(joint, promptIds.length, joint.length));
    }
    String before = tokenizer.decode(promptIds, false);
    List<String> exact = List.of(tokenizer.decode(joint, false), before + completion);
    Optional<int[]> found = behindLead(promptIds, completion, exact);
    if (found.isPresent()) {
      return found;
    }
    // The tokenizer normalises text (Unicode forms, case), so compare with what it makes of it.
    int[] alone = tokenizer.encode(completion, false);
    return behindLead(promptIds, completion, List.of(before + tokenizer.decode(alone, false)));
  }

  private Optional<int[]> behindLead(int[] promptIds, String completion, List<String> expected) {
    for (String lead : LEADS) {
      int[] leadIds = tokenizer.encode(lead, false);
      int[] ids = tokenizer.encode(lead + completion, false);
      if (startsWith(ids, leadIds)) {
        int[] rest = Arrays.copyOfRange(ids, leadIds.length, ids.length);
        if (expected.contains(tokenizer.decode(concat(promptIds, rest), false))) {
          return Optional.of(rest);
        }
      }
    }
    return Optional.empty();
  }

  private static boolean startsWith(int[] ids, int[] start) {
    return start.length <= ids.length
        && Arrays.equals(ids, 0, start.length, start, 0, start.length);
  }

  static int[] concat(int[] first, int[] second) {
    int[] all = Arrays.copyOf(first, first.length + second.length);
    System.arraycopy(second, 0, all, first.length, second.length);
    return all;
  }
}
