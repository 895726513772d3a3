package io.github.lora4j.quant;

import io.github.lora4j.model.LinearShape;
import io.github.lora4j.nn.DenseLinear;
import io.github.lora4j.nn.ForwardContext;
import io.github.lora4j.nn.QuantizedLinear;
import io.github.lora4j.tensor.Autocast;
import io.github.lora4j.tensor.CustomFunction;
import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Device;
import io.github.lora4j.tensor.Functional;
import io.github.lora4j.tensor.GradientHooks;
import io.github.lora4j.tensor.NoGrad;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.util.Map;
import java.util.Optional;
import java.util.function.BiConsumer;

/**
 * A linear layer whose weight has 4 or 8 bits: {@code bitsandbytes.nn.Linear4bit} and {@code
 * Linear8bitLt}.
 *
 * <p>The weight is decoded for each product, on the way forward and back, into memory that all
 * layers of the model share; no decoded weight is kept from one layer to the next.
 */
final class BnbLinear implements QuantizedLinear {

  private final LinearShape shape;
  private final QuantizedWeight weight;
  private final Optional<Tensor> bias;
  private final DType dtype;
  private final Optional<DType> computed;
  private final Scratch scratch;
  private final boolean borrowing;
  private boolean closed;

  /**
   * Takes ownership of the parameters.
   *
   * @param dtype of inputs and outputs
   * @param computed what products are computed in; empty takes the input's
   */
  BnbLinear(
      LinearShape shape,
      QuantizedWeight weight,
      Optional<Tensor> bias,
      DType dtype,
      Optional<DType> computed,
      Scratch scratch) {
    this.shape = shape;
    this.weight = weight;
    this.bias = bias;
    this.dtype = dtype;
    this.computed = computed;
    this.scratch = scratch;
    this.borrowing = false;
    scratch.join((long) shape.outFeatures() * shape.inFeatures());
  }

  /** A view of another layer, which stays the owner of the weight. */
  private BnbLinear(BnbLinear other, LinearShape shape, Optional<Tensor> bias) {
    this.shape = shape;
    this.weight = other.weight;
    this.bias = bias;
    this.dtype = other.dtype;
    this.computed = other.computed;
    this.scratch = other.scratch;
    this.borrowing = true;
  }

  @Override
  public String name() {
    return shape.name();
  }

  @Override
  public int inFeatures() {
    return shape.inFeatures();
  }

  @Override
  public int outFeatures() {
    return shape.outFeatures();
  }

  @Override
  public DType dtype() {
    return dtype;
  }

  @Override
  public Device device() {
    return weight.device();
  }

  @Override
  public Optional<Tensor> bias() {
    return bias;
  }

  @Override
  public BnbLinear withBias(Tensor other) {
    if (other.dim() != 1 || other.size(0) != outFeatures()) {
      throw new IllegalArgumentException(
          name() + ".bias: expected [" + outFeatures() + "], found " + other);
    }
    return new BnbLinear(this, shape, Optional.of(other));
  }

  @Override
  public BnbLinear renamed(String other) {
    LinearShape called =
        new LinearShape(other, outFeatures(), inFeatures(), shape.inputFirst(), shape.head());
    return new BnbLinear(this, called, bias);
  }

  // ---- computing

  @Override
  public Tensor forward(Tensor x, ForwardContext context) {
    boolean decoding = !NoGrad.gradEnabled() && !context.isTraining();
    if (decoding && device().equals(Device.CPU)) {
      Optional<Tensor> y = fewRows(x);
      if (y.isPresent()) {
        return y.get();
      }
    }
    if (bias.isEmpty() || !bias.get().requiresGrad()) {
      return CustomFunction.available() ? recomputing(x, bias) : plain(x, bias);
    }
    try (TensorScope scope = TensorScope.open()) {
      Tensor y =
          CustomFunction.available()
              ? recomputing(x, Optional.empty())
              : plain(x, Optional.empty());
      return scope.handOver(y.add(bias.get().to(y.dtype())));
    }
  }

  /** As in generation, where the weight is read once for a row or two. */
  private Optional<Tensor> fewRows(Tensor x) {
    try (TensorScope scope = TensorScope.open()) {
      Tensor in = x.to(computed.orElse(x.dtype()));
      Optional<Tensor> y = weight.fewRows(in.contiguous());
      y.ifPresent(product -> bias.ifPresent(b -> product.addInPlace(b.to(product.dtype()), 1)));
      return y.map(product -> scope.handOver(product.to(x.dtype())));
    }
  }

  private Tensor recomputing(Tensor x, Optional<Tensor> added) {
    try (TensorScope scope = TensorScope.open();
        CustomFunction call = CustomFunction.of(x)) {
      DType in = computed.orElse(x.dtype());
      DType outside = x.dtype();
      Tensor y;
      try (Scratch.Loan decoded = decoded(in)) {
        y = linear(x.to(in), decoded.tensor(), added).to(outside);
      }
      return scope.handOver(call.returns(y, (dy, inputs) -> backward(dy, inputs, in)));
    }
  }

  private void backward(Tensor dy, CustomFunction.Gradients inputs, DType in) {
    try (Scratch.Loan decoded = decoded(in)) {
      if (dy.dtype() == in) {
        inputs.addProduct(0, dy, decoded.tensor());
      } else {
        long[] sizes = dy.shape();
        sizes[sizes.length - 1] = inFeatures();
        Tensor rows = dy.to(in).reshape(-1, outFeatures());
        inputs.add(0, rows.matmul(decoded.tensor()).to(dy.dtype()).view(sizes));
      }
    }
  }

  /** With libtorch's own gradients, whose products keep the memory that they were given. */
  private Tensor plain(Tensor x, Optional<Tensor> added) {
    // Autocasting would make, and keep, a converted weight.
    DType in = Autocast.current(device()).or(() -> computed).orElse(x.dtype());
    Optional<GradientHooks> pass = GradientHooks.current();
    try (TensorScope scope = TensorScope.open()) {
      Tensor rows = x.to(in).reshape(-1, inFeatures());
      Tensor y;
      if (!NoGrad.gradEnabled() || !x.requiresGrad()) {
        try (Scratch.Loan decoded = decoded(in)) {
          y = linear(rows, decoded.tensor(), added);
        }
      } else if (pass.isPresent()) {
        Tensor shared = scratch.ofPass(pass.get(), in, device(), outFeatures(), inFeatures());
        y = recorded(rows, shared, added, pass.get());
      } else {
        y = linear(rows, denseWeight(in), added);
      }
      long[] sizes = x.shape();
      sizes[sizes.length - 1] = outFeatures();
      return scope.handOver(y.view(sizes).to(x.dtype()));
    }
  }

  /** A product that keeps shared memory, which is filled again when the way back comes to it. */
  private Tensor recorded(Tensor rows, Tensor shared, Optional<Tensor> added, GradientHooks pass) {
    fill(shared);
    Tensor y = linear(rows, shared, added);
    Tensor kept = pass.keep(shared);
    pass.before(y, () -> fill(kept));
    return y;
  }

  private void fill(Tensor target) {
    try (TensorScope scope = TensorScope.open();
        NoGrad noGrad = NoGrad.open()) {
      weight.dequantizeInto(target.untracked());
    }
  }

  private static Tensor linear(Tensor x, Tensor by, Optional<Tensor> added) {
    return added.isPresent()
        ? Functional.linear(x, by, added.get().to(by.dtype()))
        : Functional.linear(x, by);
  }

  private Scratch.Loan decoded(DType in) {
    Scratch.Loan loan = scratch.borrow(in, device(), outFeatures(), inFeatures());
    weight.dequantizeInto(loan.tensor());
    return loan;
  }

  // ---- the weight

  @Override
  public Tensor denseWeight(DType wanted) {
    Tensor dense = Tensor.empty(wanted, device(), outFeatures(), inFeatures());
    weight.dequantizeInto(dense);
    return dense;
  }

  @Override
  public DType decodedDtype() {
    return weight instanceof FourBitWeight four ? four.coded().dtype() : DType.F32;
  }

  @Override
  public boolean isInputFirst() {
    return shape.inputFirst();
  }

  @Override
  public DenseLinear withDense(Tensor other) {
    try (TensorScope scope = TensorScope.open();
        NoGrad noGrad = NoGrad.open()) {
      Optional<Tensor> added = bias.map(b -> TensorScope.keep(b.to(other.dtype()).alias()));
      return shape.inputFirst()
          ? DenseLinear.ofInputFirst(
              name(), TensorScope.keep(other.transpose(0, 1).contiguous().alias()), added)
          : new DenseLinear(name(), TensorScope.keep(other.contiguous().alias()), added);
    }
  }

  @Override
  public BnbLinear requantized(Tensor other, Optional<Tensor> added) {
    try (TensorScope scope = TensorScope.open();
        NoGrad noGrad = NoGrad.open()) {
      return with(weight.requantized(other), added.map(b -> b.detach().to(dtype)));
    }
  }

  @Override
  public Map<String, Tensor> stored() {
    return weight.stored();
  }

  @Override
  public BnbLinear share() {
    return with(weight.share(), bias);
  }

  private BnbLinear with(QuantizedWeight other, Optional<Tensor> added) {
    return new BnbLinear(
        shape, other, added.map(b -> TensorScope.keep(b.alias())), dtype, computed, scratch);
  }

  @Override
  public void forEachParameter(BiConsumer<String, Tensor> visitor) {
    visitor.accept(name() + ".weight", weight.codes());
    bias.ifPresent(b -> visitor.accept(name() + ".bias", b));
  }

  @Override
  public void close() {
    if (!closed && !borrowing) {
      closed = true;
      weight.close();
      bias.ifPresent(Tensor::close);
      scratch.leave();
    }
  }

  /** The name, the sizes and the kind of weight. */
  @Override
  public String toString() {
    return "BnbLinear[%s, %d to %d, %s]"
        .formatted(
            name(),
            inFeatures(),
            outFeatures(),
            weight instanceof FourBitWeight four ? four.coded() : "LLM.int8");
  }
}
