package io.github.lora4j.nn;

import io.github.lora4j.tensor.Kernels;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.util.Optional;

/**
 * The products of causal attention over sequences of one length, chunk of queries by chunk, so that
 * all scores never exist at once; the way back computes them again (Rabe and Staats, 2021).
 *
 * @param q scaled queries {@code [n, length * group, headDim]}, those of one position and one key
 *     head side by side
 * @param k {@code [n, length, headDim]}
 * @param v {@code [n, length, headDim]}
 * @param shape for its window and its bound of scores
 */
record CausalProducts(
    Tensor q, Tensor k, Tensor v, CausalSequences sequences, AttentionShape shape) {

  /** Writes what each query takes from the values it sees, in the layout of the queries. */
  void forwardInto(Tensor out) {
    for (int start = 0; start < length(); start += CausalSequences.CHUNK) {
      try (TensorScope scope = TensorScope.open()) {
        Chunk chunk = chunk(start);
        Tensor probabilities = probabilities(chunk).probabilities();
        Kernels.bmmInto(chunk.rows(out), probabilities, chunk.keys(v));
      }
    }
  }

  /** Writes the gradients of q, k and v, given that of the result. */
  void backwardInto(Tensor dq, Tensor dk, Tensor dv, Tensor dOut) {
    int last = (length() - 1) / CausalSequences.CHUNK * CausalSequences.CHUNK;
    // Without a window the last chunk sees all keys: it writes, the others add.
    boolean lastSeesAll = chunk(last).firstKey() == 0;
    if (!lastSeesAll) {
      dk.fillInPlace(0);
      dv.fillInPlace(0);
    }
    for (int start = last; start >= 0; start -= CausalSequences.CHUNK) {
      try (TensorScope scope = TensorScope.open()) {
        Chunk chunk = chunk(start);
        boolean first = start == last && lastSeesAll;
        Tensor dRows = chunk.rows(dOut);
        Seen seen = probabilities(chunk);
        Tensor probabilities = seen.probabilities();
        accumulate(chunk.keys(dv), probabilities.transpose(1, 2), dRows, first);
        Tensor dScores = dRows.bmm(chunk.keys(v).transpose(1, 2)).mulInPlace(probabilities);
        dScores.addcmulInPlace(probabilities, dScores.sum(-1, true), -1);
        seen.slope().ifPresent(dScores::mulInPlace);
        Kernels.bmmInto(chunk.rows(dq), dScores, chunk.keys(k));
        accumulate(chunk.keys(dk), dScores.transpose(1, 2), chunk.rows(q), first);
      }
    }
  }

  private static void accumulate(Tensor into, Tensor a, Tensor b, boolean first) {
    if (first) {
      Kernels.bmmInto(into, a, b);
    } else {
      into.baddbmmInPlace(a, b);
    }
  }

  /**
   * What a chunk of queries sees.
   *
   * @param probabilities {@code [n, size * group, keys]}
   * @param slope the derivative of bounded scores by what they were before, where they are bounded
   */
  private record Seen(Tensor probabilities, Optional<Tensor> slope) {}

  private Seen probabilities(Chunk chunk) {
    Tensor scores = chunk.rows(q).bmm(chunk.keys(k).transpose(1, 2));
    Optional<Tensor> slope = Optional.empty();
    if (shape.softcap().isPresent()) {
      double cap = shape.softcap().getAsDouble();
      Tensor bounded = scores.mulInPlace(1 / cap).tanhInPlace();
      slope = Optional.of(bounded.square().mulInPlace(-1).addInPlace(1));
      scores = bounded.mulInPlace(cap);
    }
    int size = chunk.size();
    Tensor byQuery = scores.view(scores.size(0), size, chunk.group(), chunk.keyCount());
    byQuery
        .narrow(3, chunk.start() - chunk.firstKey(), size)
        .addInPlace(sequences.diagonal(size), 1);
    int beyond = chunk.keysBeyondWindow();
    if (beyond > 0) {
      byQuery.narrow(3, 0, beyond).addInPlace(windowMask(chunk, beyond), 1);
    }
    return new Seen(Kernels.softmaxInPlace(scores), slope);
  }

  /** What is added to the scores of the keys that some queries of a chunk no longer see. */
  private Tensor windowMask(Chunk chunk, int columns) {
    float[] mask = new float[chunk.size() * columns];
    for (int query = 0; query < chunk.size(); query++) {
      int hidden = chunk.start() + query - chunk.window() + 1 - chunk.firstKey();
      for (int key = 0; key < Math.min(hidden, columns); key++) {
        mask[query * columns + key] = Float.NEGATIVE_INFINITY;
      }
    }
    return Tensor.of(mask, chunk.size(), 1, columns).to(q.dtype()).to(q.device());
  }

  private Chunk chunk(int start) {
    int size = Math.min(CausalSequences.CHUNK, length() - start);
    int window = Math.min(shape.window().orElse(length()), length());
    return new Chunk(start, size, window, q.size(1) / k.size(1));
  }

  private int length() {
    return (int) k.size(1);
  }

  /**
   * Some queries in a row and the keys that at least one of them sees.
   *
   * @param window how many positions a query sees
   * @param group queries of one position
   */
  private record Chunk(int start, int size, int window, long group) {

    int firstKey() {
      return Math.max(0, start - window + 1);
    }

    int keyCount() {
      return start + size - firstKey();
    }

    /** Keys from the first that the last query doesn't see. */
    int keysBeyondWindow() {
      return Math.max(0, start + size - window - firstKey());
    }

    Tensor rows(Tensor queries) {
      return queries.narrow(1, start * group, size * group);
    }

    Tensor keys(Tensor tensor) {
      return tensor.narrow(1, firstKey(), keyCount());
    }
  }
}
