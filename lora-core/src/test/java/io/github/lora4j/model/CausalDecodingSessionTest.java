package io.github.lora4j.model;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.lora4j.tensor.TensorScope;
import io.github.lora4j.testing.FamilyCase;
import io.github.lora4j.testing.Fixtures;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CausalDecodingSessionTest {

  private static final int BORDER = 7;
  private static final int[][] PROMPTS = {{9, 4, 7}, {5, 3, 11, 8, 6}};
  private static final int STEPS = 5;

  @TempDir Path work;

  /** Longrope with its border amid the generated tokens; rows of different lengths. */
  @Test
  void scoresAreThoseOfAPassWithoutACacheWhereFrequenciesChangeOnTheWay() throws IOException {
    Path longRope = Fixtures.path("/families/phi3-longrope");
    Path base = new FamilyCase("phi3-longrope", longRope).expandedInto(work).base();
    Path folder =
        ChangedFolder.of(
            base,
            work.resolve("border"),
            tensors -> {},
            config ->
                config.replaceAll("(\"original_max_position_embeddings\": *)\\d+", "$1" + BORDER));
    try (CausalLM model = AutoModelForCausalLM.fromPretrained(folder)) {
      assertThat(model.spec().rotaryEmbeddings().get(0).scaling().switchesBeyond())
          .hasValue(BORDER);
      int longest = PROMPTS[1].length;
      int[][] columns = leftPadded(longest + STEPS);
      try (DecodingSession session = model.startDecoding(PROMPTS, longest + STEPS)) {
        for (int length = longest; ; length++) {
          assertThat(
                  Fixtures.relativeDifference(flat(session.logits()), last(model, columns, length)))
              .as("%d tokens", length)
              .isLessThan(1e-5);
          if (length == longest + STEPS) {
            break;
          }
          session.append(new int[] {columns[0][length], columns[1][length]});
        }
      }
    }
  }

  /** The prompts behind padding, and what is appended to them. */
  private static int[][] leftPadded(int length) {
    int[][] rows = new int[PROMPTS.length][length];
    int longest = PROMPTS[1].length;
    for (int row = 0; row < rows.length; row++) {
      int[] prompt = PROMPTS[row];
      System.arraycopy(prompt, 0, rows[row], longest - prompt.length, prompt.length);
      for (int i = longest; i < length; i++) {
        rows[row][i] = 3 + (7 * i + 5 * row) % 20;
      }
    }
    return rows;
  }

  private static float[] last(CausalLM model, int[][] rows, int length) {
    int[] ids = new int[rows.length * length];
    int[] mask = new int[ids.length];
    for (int row = 0; row < rows.length; row++) {
      System.arraycopy(rows[row], 0, ids, row * length, length);
      int padding = PROMPTS[1].length - PROMPTS[row].length;
      Arrays.fill(mask, row * length + padding, (row + 1) * length, 1);
    }
    try (TensorScope scope = TensorScope.open()) {
      return model.logits(ids, mask, rows.length).narrow(1, length - 1, 1).toFloatArray();
    }
  }

  private static float[] flat(float[][] rows) {
    float[] all = new float[rows.length * rows[0].length];
    for (int row = 0; row < rows.length; row++) {
      System.arraycopy(rows[row], 0, all, row * rows[0].length, rows[0].length);
    }
    return all;
  }
}
