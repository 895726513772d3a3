package io.github.lora4j.nn;

import io.github.lora4j.tensor.Kernels;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;

/**
 * The products of causal attention over sequences of one length, chunk of queries by chunk, so that
 * all scores never exist at once; the way back computes them again (Rabe and Staats, 2021).
 *
 * @param q scaled queries {@code [n, length * group, headDim]}, those of one position and one key
 *     head side by side
 * @param k {@code [n, length, headDim]}
 * @param v {@code [n, length, headDim]}
 */
record CausalProducts(Tensor q, Tensor k, Tensor v, CausalSequences sequences) {

  /** Writes what each query takes from the values it sees, in the layout of the queries. */
  void forwardInto(Tensor out) {
    for (int start = 0; start < length(); start += CausalSequences.CHUNK) {
      try (TensorScope scope = TensorScope.open()) {
        int size = size(start);
        Tensor probabilities = probabilities(start, size);
        Kernels.bmmInto(rows(out, start, size), probabilities, v.narrow(1, 0, start + size));
      }
    }
  }

  /** Writes the gradients of q, k and v, given that of the result. */
  void backwardInto(Tensor dq, Tensor dk, Tensor dv, Tensor dOut) {
    int last = (length() - 1) / CausalSequences.CHUNK * CausalSequences.CHUNK;
    for (int start = last; start >= 0; start -= CausalSequences.CHUNK) {
      try (TensorScope scope = TensorScope.open()) {
        int size = size(start);
        int end = start + size;
        Tensor dRows = rows(dOut, start, size);
        Tensor probabilities = probabilities(start, size);
        // The last chunk sees all keys: it writes, the others add.
        accumulate(dv.narrow(1, 0, end), probabilities.transpose(1, 2), dRows, start == last);
        Tensor dScores = dRows.bmm(v.narrow(1, 0, end).transpose(1, 2)).mulInPlace(probabilities);
        dScores.addcmulInPlace(probabilities, dScores.sum(-1, true), -1);
        Kernels.bmmInto(rows(dq, start, size), dScores, k.narrow(1, 0, end));
        accumulate(
            dk.narrow(1, 0, end), dScores.transpose(1, 2), rows(q, start, size), start == last);
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

  private Tensor probabilities(int start, int size) {
    int end = start + size;
    Tensor scores = rows(q, start, size).bmm(k.narrow(1, 0, end).transpose(1, 2));
    scores
        .view(scores.size(0), size, group(), end)
        .narrow(3, start, size)
        .addInPlace(sequences.diagonal(size), 1);
    return Kernels.softmaxInPlace(scores);
  }

  private Tensor rows(Tensor queries, int start, int size) {
    return queries.narrow(1, start * group(), size * group());
  }

  private int size(int start) {
    return Math.min(CausalSequences.CHUNK, length() - start);
  }

  private int length() {
    return (int) k.size(1);
  }

  private long group() {
    return q.size(1) / k.size(1);
  }
}
