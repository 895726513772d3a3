package io.github.lora4j.benchmarks.kernels;

import io.github.lora4j.nn.Attention;
import io.github.lora4j.nn.AttentionShape;
import io.github.lora4j.nn.CausalSequences;
import io.github.lora4j.nn.ForwardContext;
import io.github.lora4j.nn.QkvProjection;
import io.github.lora4j.nn.RopeScaling;
import io.github.lora4j.nn.RotaryEmbedding;
import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Device;
import io.github.lora4j.tensor.Tensor;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Setup;

/**
 * Rotary embedding and causal attention of SmolLM's 9 heads of 64 features over 3 key-value heads,
 * without the projections around them.
 */
public class AttentionBenchmark extends KernelBenchmark {

  private static final int HEADS = 9;
  private static final int KV_HEADS = 3;
  private static final int HEAD_DIM = 64;

  /** The dtype of queries, keys and values. */
  @Param({"F32", "BF16"})
  public DType dtype = DType.F32;

  /** How it is computed. */
  @Param({"FUSED", "PLAIN"})
  public Way way = Way.FUSED;

  /** Sequences and their length. */
  @Param({"4x256", "1x1024"})
  public String shape = "";

  private static final RotaryEmbedding ROTARY =
      new RotaryEmbedding(HEAD_DIM, 10_000, new RopeScaling.None());

  private int rows;
  private int length;
  private Tensor q;
  private Tensor k;
  private Tensor v;
  private Tensor dy;
  private Attention attention;
  private Attention.Pass pass;

  /** Makes queries, keys and values: plain ones as a batch, fused ones in one row. */
  @Setup
  public void open() {
    rows = Integer.parseInt(shape.split("x")[0]);
    length = Integer.parseInt(shape.split("x")[1]);
    q = heads(HEADS).requiresGrad(true);
    k = heads(KV_HEADS).requiresGrad(true);
    v = heads(KV_HEADS).requiresGrad(true);
    dy = heads(HEADS);
    attention =
        new Attention(
            new QkvProjection.Separate(
                StubLinear.giving("q_proj", q),
                StubLinear.giving("k_proj", k),
                StubLinear.giving("v_proj", v)),
            Optional.empty(),
            StubLinear.identity("o_proj", HEADS * HEAD_DIM, dtype),
            AttentionShape.of(HEADS, KV_HEADS, HEAD_DIM, Optional.of(ROTARY)));
    pass =
        Attention.Pass.at(
            positions(), List.of(ROTARY), dtype, way == Way.FUSED ? sequences() : earlier());
  }

  private Tensor heads(int count) {
    long features = (long) count * HEAD_DIM;
    return way == Way.FUSED
        ? random(dtype, 1, (long) rows * length, features)
        : random(dtype, rows, length, features);
  }

  private Tensor positions() {
    long[] positions = new long[way == Way.FUSED ? rows * length : length];
    Arrays.setAll(positions, i -> i % length);
    return Tensor.of(positions, 1, positions.length);
  }

  private CausalSequences sequences() {
    int[] lengths = new int[rows];
    Arrays.fill(lengths, length);
    return new CausalSequences(lengths, dtype, Device.CPU);
  }

  private Attention.AllBut earlier() {
    Tensor keys = Tensor.arange(0, length, Device.CPU);
    return new Attention.AllBut(
        Optional.of(keys.gt(keys.view(length, 1)).view(1, 1, 1, length, length)));
  }

  /** Without gradients. */
  @Benchmark
  public void forward() {
    // Reads queries, keys and values, writes the mix.
    measure(work(2, 2 * HEADS + 2 * KV_HEADS), () -> way.forward(this::apply));
  }

  /** With the gradients of queries, keys and values. */
  @Benchmark
  public void forwardAndBackward() {
    // Back come in queries, keys, values and a gradient, and gradients of the first three go out.
    measure(
        work(6, 5 * HEADS + 6 * KV_HEADS),
        () -> way.forwardAndBackward(this::apply, dy, List.of(q, k, v)));
  }

  private Tensor apply() {
    return attention.forward(q, pass, Optional.empty(), ForwardContext.eval());
  }

  /** Products of every query with the keys it sees; gradients need four where scores are kept. */
  private Work work(int products, int heads) {
    double pairs = (double) rows * length * (length + 1) / 2;
    double flops = 2.0 * products * pairs * HEADS * HEAD_DIM;
    return new Work(flops, (double) heads * HEAD_DIM * rows * length * dtype.byteSize());
  }

  @Override
  DType dtype() {
    return dtype;
  }
}
