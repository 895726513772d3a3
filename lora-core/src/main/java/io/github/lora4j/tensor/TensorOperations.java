package io.github.lora4j.tensor;

import java.util.List;
import org.bytedeco.pytorch.BoolOptional;
import org.bytedeco.pytorch.DeviceOptional;
import org.bytedeco.pytorch.LayoutOptional;
import org.bytedeco.pytorch.LongOptional;
import org.bytedeco.pytorch.MemoryFormatOptional;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.ScalarOptional;
import org.bytedeco.pytorch.ScalarTypeOptional;
import org.bytedeco.pytorch.T_TensorTensor_T;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;

/** The operations of {@link Tensor}, named as PyTorch's methods. */
abstract sealed class TensorOperations permits Tensor {

  abstract org.bytedeco.pytorch.Tensor handle();

  // ---- arithmetic, with broadcasting

  /** Elementwise sum. */
  public Tensor add(Tensor other) {
    return Tensor.wrap(handle().add(other.handle()));
  }

  /** Adds a number to each element. */
  public Tensor add(double value) {
    try (Scalar scalar = new Scalar(value)) {
      return Tensor.wrap(handle().add(scalar));
    }
  }

  /** Elementwise {@code this + alpha * other}. */
  public Tensor add(Tensor other, double alpha) {
    try (Scalar scalar = new Scalar(alpha)) {
      return Tensor.wrap(handle().add(other.handle(), scalar));
    }
  }

  /** Elementwise product. */
  public Tensor mul(Tensor other) {
    return Tensor.wrap(handle().mul(other.handle()));
  }

  /** Multiplies each element by a number. */
  public Tensor mul(double value) {
    try (Scalar scalar = new Scalar(value)) {
      return Tensor.wrap(handle().mul(scalar));
    }
  }

  /** Elementwise quotient. */
  public Tensor div(Tensor other) {
    return Tensor.wrap(handle().div(other.handle()));
  }

  /** Elementwise negation. */
  public Tensor neg() {
    return Tensor.wrap(handle().neg());
  }

  /** Elementwise square. */
  public Tensor square() {
    return Tensor.wrap(handle().square());
  }

  /** Elementwise square root. */
  public Tensor sqrt() {
    return Tensor.wrap(handle().sqrt());
  }

  /** Elementwise {@code 1 / sqrt(x)}. */
  public Tensor rsqrt() {
    return Tensor.wrap(handle().rsqrt());
  }

  /** Elementwise hyperbolic tangent. */
  public Tensor tanh() {
    return Tensor.wrap(handle().tanh());
  }

  /** Elementwise absolute value. */
  public Tensor abs() {
    return Tensor.wrap(handle().abs());
  }

  /** Elementwise sign: -1, 0 or 1. */
  public Tensor sign() {
    return Tensor.wrap(handle().sign());
  }

  /** Elementwise nearest number in {@code [low, high]}. */
  public Tensor clamp(double low, double high) {
    try (Scalar from = new Scalar(low);
        Scalar to = new Scalar(high);
        ScalarOptional least = new ScalarOptional(from);
        ScalarOptional most = new ScalarOptional(to)) {
      return Tensor.wrap(handle().clamp(least, most));
    }
  }

  /** Draws 1 with the probability that each element is, else 0: {@code torch.bernoulli}. */
  public Tensor bernoulli(Generator generator) {
    try (var source = generator.optional()) {
      return Tensor.wrap(handle().bernoulli(source));
    }
  }

  /** Elementwise cosine of radians. */
  public Tensor cos() {
    return Tensor.wrap(handle().cos());
  }

  /** Elementwise sine of radians. */
  public Tensor sin() {
    return Tensor.wrap(handle().sin());
  }

  /** Matrix product over the last two dimensions, batched over the others. */
  public Tensor matmul(Tensor other) {
    return Tensor.wrap(handle().matmul(other.handle()));
  }

  /** Batched matrix products: this {@code [b, m, k]}, the other [b, k, n]. */
  public Tensor bmm(Tensor other) {
    return Tensor.wrap(handle().bmm(other.handle()));
  }

  // ---- comparisons and masks

  /** Where this is greater than the other, as BOOL. */
  public Tensor gt(Tensor other) {
    return Tensor.wrap(handle().gt(other.handle()));
  }

  /** Where this is at least the number, as BOOL. */
  public Tensor ge(double value) {
    try (Scalar scalar = new Scalar(value)) {
      return Tensor.wrap(handle().ge(scalar));
    }
  }

  /** Where both are equal, as BOOL. */
  public Tensor eq(Tensor other) {
    return Tensor.wrap(handle().eq(other.handle()));
  }

  /** Elementwise or. */
  public Tensor logicalOr(Tensor other) {
    return Tensor.wrap(handle().logical_or(other.handle()));
  }

  /** Where elements are neither infinite nor NaN, as BOOL. */
  public Tensor isFinite() {
    return Tensor.wrap(handle().isfinite());
  }

  /** Whether all elements are true (or not zero). */
  public boolean all() {
    try (org.bytedeco.pytorch.Tensor result = handle().all()) {
      return result.item_double() != 0;
    }
  }

  /** Writes a value where the mask is true. */
  public Tensor maskedFill(Tensor mask, double value) {
    try (Scalar scalar = new Scalar(value)) {
      return Tensor.wrap(handle().masked_fill(mask.handle(), scalar));
    }
  }

  /** Whether shape and all elements are the same. */
  public boolean equal(Tensor other) {
    return handle().equal(other.handle());
  }

  // ---- reductions

  /** The sum of all elements. */
  public Tensor sum() {
    return Tensor.wrap(handle().sum());
  }

  /** The sum along a dimension. */
  public Tensor sum(int dim, boolean keepDim) {
    try (ScalarTypeOptional same = new ScalarTypeOptional()) {
      return Tensor.wrap(handle().sum(new long[] {dim}, keepDim, same));
    }
  }

  /** The mean of all elements. */
  public Tensor mean() {
    return Tensor.wrap(handle().mean());
  }

  /** The mean along a dimension. */
  public Tensor mean(int dim, boolean keepDim) {
    try (ScalarTypeOptional same = new ScalarTypeOptional()) {
      return Tensor.wrap(handle().mean(new long[] {dim}, keepDim, same));
    }
  }

  /** The largest element. */
  public Tensor max() {
    return Tensor.wrap(handle().max());
  }

  /** The number below which a share {@code q} in {@code [0, 1]} of all elements lies. */
  public Tensor quantile(double q) {
    try (LongOptional ofAll = new LongOptional()) {
      return Tensor.wrap(handle().quantile(q, ofAll, false, "linear"));
    }
  }

  /** The places of the {@code k} largest elements of a vector, as I64, the largest first. */
  public Tensor topkIndices(long k) {
    try (T_TensorTensor_T found = handle().topk(k, -1, true, true)) {
      return Tensor.wrap(new org.bytedeco.pytorch.Tensor(found.get1()));
    }
  }

  /** The index of the largest element along a dimension, as I64. */
  public Tensor argmax(int dim) {
    try (LongOptional along = new LongOptional(dim)) {
      return Tensor.wrap(handle().argmax(along, false));
    }
  }

  // ---- shape

  /** The same memory in another shape. */
  public Tensor view(long... shape) {
    return Tensor.wrap(handle().view(shape));
  }

  /** The same bytes read as another dtype. */
  public Tensor viewAs(DType dtype) {
    return Tensor.wrap(handle().view(dtype.scalarType()));
  }

  /** Another shape, copying only where a view is impossible. */
  public Tensor reshape(long... shape) {
    return Tensor.wrap(handle().reshape(shape));
  }

  /** A view with two dimensions swapped. */
  public Tensor transpose(int a, int b) {
    return Tensor.wrap(handle().transpose(a, b));
  }

  /** The dimensions in another order. */
  public Tensor permute(long... dims) {
    return Tensor.wrap(handle().permute(dims));
  }

  /** A view with a dimension of size one inserted. */
  public Tensor unsqueeze(int dim) {
    return Tensor.wrap(handle().unsqueeze(dim));
  }

  /** A view that repeats dimensions of size one without a copy. */
  public Tensor expand(long... shape) {
    return Tensor.wrap(handle().expand(shape));
  }

  /** A view of {@code length} slices from {@code start}. */
  public Tensor narrow(int dim, long start, long length) {
    return Tensor.wrap(handle().narrow(dim, start, length));
  }

  /** A view of one slice, without its dimension. */
  public Tensor select(int dim, long index) {
    return Tensor.wrap(handle().select(dim, index));
  }

  /** The elements at these places of a dimension, one for each element of the index (I64). */
  public Tensor gather(int dim, Tensor index) {
    return Tensor.wrap(handle().gather(dim, index.handle()));
  }

  /** The slices that an I64 vector of indices names, copied. */
  public Tensor indexSelect(int dim, Tensor indices) {
    return Tensor.wrap(handle().index_select(dim, indices.handle()));
  }

  /** Joins tensors along a dimension. */
  public static Tensor cat(List<Tensor> tensors, int dim) {
    try (TensorVector vector = new TensorVector(tensors.size())) {
      for (int i = 0; i < tensors.size(); i++) {
        vector.put(i, tensors.get(i).handle());
      }
      return Tensor.wrap(torch.cat(vector, dim));
    }
  }

  // ---- copies and conversions

  /** A tensor of this dtype: this memory where it has it already, else a copy. */
  public Tensor to(DType dtype) {
    return Tensor.wrap(handle().to(dtype.scalarType()));
  }

  /** A tensor on this device: this memory where it lies there already, else a copy. */
  public Tensor to(Device device) {
    try (org.bytedeco.pytorch.Device target = device.toNative();
        DeviceOptional there = new DeviceOptional(target);
        ScalarTypeOptional same = new ScalarTypeOptional();
        LayoutOptional layout = new LayoutOptional();
        BoolOptional pinned = new BoolOptional();
        MemoryFormatOptional format = new MemoryFormatOptional()) {
      return Tensor.wrap(handle().to(same, layout, there, pinned, false, false, format));
    }
  }

  /** A row-major tensor without gaps: this memory where it is one already, else a copy. */
  public Tensor contiguous() {
    return Tensor.wrap(handle().contiguous());
  }

  /** A copy with its own memory. */
  public Tensor copy() {
    return Tensor.wrap(handle().clone());
  }

  /** The same memory outside the gradient graph. */
  public Tensor detach() {
    return Tensor.wrap(handle().detach());
  }

  /**
   * The same memory outside the gradient graph, and changes of it unknown to the graph: for what is
   * made again before it is read.
   */
  public Tensor untracked() {
    return Tensor.wrap(handle().variable_data());
  }

  // ---- in place; each returns this tensor, as the natives do: they hand back the very handle they
  // were given

  /** Adds {@code alpha * other} to this. */
  public Tensor addInPlace(Tensor other, double alpha) {
    try (Scalar scalar = new Scalar(alpha)) {
      handle().add_(other.handle(), scalar);
      return self();
    }
  }

  /** Adds a number. */
  public Tensor addInPlace(double value) {
    try (Scalar scalar = new Scalar(value)) {
      handle().add_(scalar);
      return self();
    }
  }

  /** Multiplies by a number. */
  public Tensor mulInPlace(double value) {
    try (Scalar scalar = new Scalar(value)) {
      handle().mul_(scalar);
      return self();
    }
  }

  /** Multiplies elementwise, with broadcasting of the other. */
  public Tensor mulInPlace(Tensor other) {
    handle().mul_(other.handle());
    return self();
  }

  /** Replaces each element by its hyperbolic tangent. */
  public Tensor tanhInPlace() {
    handle().tanh_();
    return self();
  }

  /** Replaces each element by its exponential. */
  public Tensor expInPlace() {
    handle().exp_();
    return self();
  }

  /** Adds {@code alpha * a b}, a matrix product: this {@code [m, n]}, a [m, k], b [k, n]. */
  public Tensor addmmInPlace(Tensor a, Tensor b, double alpha) {
    try (Scalar one = new Scalar(1.0);
        Scalar scalar = new Scalar(alpha)) {
      handle().addmm_(a.handle(), b.handle(), one, scalar);
      return self();
    }
  }

  /** Adds {@code a b}, batched matrix products: this [b, m, n], a [b, m, k], b [b, k, n]. */
  public Tensor baddbmmInPlace(Tensor a, Tensor b) {
    handle().baddbmm_(a.handle(), b.handle());
    return self();
  }

  /** Adds the source's elements at these places of a dimension. */
  public Tensor scatterAddInPlace(int dim, Tensor index, Tensor source) {
    handle().scatter_add_(dim, index.handle(), source.handle());
    return self();
  }

  /** Adds {@code value * a * b}. */
  public Tensor addcmulInPlace(Tensor a, Tensor b, double value) {
    try (Scalar scalar = new Scalar(value)) {
      handle().addcmul_(a.handle(), b.handle(), scalar);
      return self();
    }
  }

  /** Writes one number everywhere. */
  public Tensor fillInPlace(double value) {
    try (Scalar scalar = new Scalar(value)) {
      handle().fill_(scalar);
      return self();
    }
  }

  /** Copies another tensor's values into this memory, converting dtype and device. */
  public Tensor copyInPlace(Tensor source) {
    handle().copy_(source.handle());
    return self();
  }

  private Tensor self() {
    return (Tensor) this;
  }
}
