package io.github.lora4j.peft;

import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Functional;
import io.github.lora4j.tensor.NoGrad;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.util.Arrays;
import java.util.List;
import java.util.function.BiConsumer;

/**
 * Rows of a table, or of a head's weight, that are trained while the others stay: PEFT's {@code
 * TrainableTokensLayer}.
 */
final class TokenRows implements LayerPart {

  /** What follows a table's name in the files of PEFT; holds the rows, not a difference. */
  static final String KEY = ".token_adapter.trainable_tokens_delta";

  private final Tensor rows; // [n, dim], F32
  private final List<Integer> tokens;
  private final Tensor index; // I64 [n], the same
  private final Tensor places; // I64 [vocab]: where a token's row is, 0 for others
  private final Tensor known; // F32 [vocab]: 1 where a token has a row

  /**
   * Takes ownership of the rows.
   *
   * @param rows {@code [n, dim]}, F32
   * @param tokens whose rows they are
   * @param vocab the number of rows of the table
   */
  TokenRows(Tensor rows, List<Integer> tokens, int vocab) {
    this.rows = rows;
    this.tokens = tokens;
    long[] place = new long[vocab];
    float[] has = new float[vocab];
    for (int i = 0; i < tokens.size(); i++) {
      place[tokens.get(i)] = i;
      has[tokens.get(i)] = 1;
    }
    try (TensorScope scope = TensorScope.open()) {
      index = TensorScope.keep(index(tokens, rows));
      places = TensorScope.keep(Tensor.of(place, vocab).to(rows.device()));
      known = TensorScope.keep(Tensor.of(has, vocab).to(rows.device()));
    }
  }

  /** The rows of a table that are to be trained, in the caller's scope. */
  static Tensor of(Tensor table, List<Integer> tokens) {
    try (TensorScope scope = TensorScope.open();
        NoGrad noGrad = NoGrad.open()) {
      return scope.handOver(table.detach().indexSelect(0, index(tokens, table)));
    }
  }

  private static Tensor index(List<Integer> tokens, Tensor beside) {
    long[] values = tokens.stream().mapToLong(Integer::longValue).toArray();
    return Tensor.of(values, values.length).to(beside.device());
  }

  /**
   * Puts the rows in the place of what a table gave for their tokens.
   *
   * @param y {@code [batch, seq, dim]}
   * @param ids I64 {@code [batch, seq]}
   */
  Tensor replace(Tensor y, Tensor ids) {
    try (TensorScope scope = TensorScope.open()) {
      long[] shape = ids.shape();
      Tensor flat = ids.reshape(-1);
      Tensor mine = Functional.embedding(places.indexSelect(0, flat).view(shape), rows);
      // Products with 0 and 1 are exact.
      Tensor has = known.indexSelect(0, flat).view(shape).unsqueeze(-1);
      Tensor hasNot = has.neg().add(1);
      return scope.handOver(y.mul(hasNot).add(mine.mul(has)).to(y.dtype()));
    }
  }

  /**
   * Puts scores by the rows in the place of a head's.
   *
   * @param y {@code [..., vocab]}, what the head gave
   * @param x {@code [..., dim]}
   * @param table {@code [vocab, dim]}, what the head multiplies by
   */
  Tensor rescore(Tensor y, Tensor x, Tensor table) {
    try (TensorScope scope = TensorScope.open()) {
      Tensor before = table.detach().indexSelect(0, index).to(DType.F32);
      Tensor change = Functional.linear(x.to(DType.F32), rows.add(before, -1)); // [..., n]
      long[] one = new long[change.dim()];
      Arrays.fill(one, 1);
      one[one.length - 1] = tokens.size();
      Tensor at = index.view(one).expand(change.shape());
      // In a copy: what the head gave may be needed as it is on the way back.
      Tensor sum = y.to(DType.F32).copy().scatterAddInPlace(-1, at, change);
      return scope.handOver(sum.to(y.dtype()));
    }
  }

  /**
   * The table with these rows.
   *
   * @param table {@code [vocab, dim]}
   */
  Tensor mergedInto(Tensor table) {
    try (TensorScope scope = TensorScope.open()) {
      Tensor merged = table.copy();
      for (int i = 0; i < tokens.size(); i++) {
        merged.select(0, tokens.get(i)).copyInPlace(rows.select(0, i));
      }
      return scope.handOver(merged);
    }
  }

  @Override
  public void requiresGrad(boolean required) {
    rows.requiresGrad(required);
  }

  @Override
  public void forEachParameter(String module, BiConsumer<String, Tensor> visitor) {
    visitor.accept(module + KEY, rows);
  }

  @Override
  public void close() {
    rows.close();
    index.close();
    places.close();
    known.close();
  }
}
