package io.github.lora4j.tensor;

import io.github.lora4j.internal.torch.NativeRuntime;
import java.util.Optional;
import org.bytedeco.pytorch.CompilationUnit;
import org.bytedeco.pytorch.Dispatcher;
import org.bytedeco.pytorch.Function;
import org.bytedeco.pytorch.GenericList;
import org.bytedeco.pytorch.IValue;
import org.bytedeco.pytorch.IValueVector;
import org.bytedeco.pytorch.OperatorHandle;
import org.bytedeco.pytorch.QualifiedName;
import org.bytedeco.pytorch.global.torch;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Products of a few rows with a weight, as in decoding, where each weight is read once for a row or
 * two: the memory is the limit, and {@code torch.linear} reaches a half to a fifth of it.
 *
 * <p>One float32 row goes through OpenBLAS's matrix-vector product; other cases through oneDNN's
 * linear operator, which takes weights as they are. Neither records gradients.
 */
final class FewRows {

  private static final Logger LOG = LoggerFactory.getLogger(FewRows.class);

  /** Measured: beyond it, or in bfloat16 beyond one row, {@code torch.linear} is as fast. */
  private static final int MOST = 4;

  /** Bytes of a weight from which reading it takes longer than waking the other threads. */
  private static final long ALL_THREADS_AT = 4 << 20;

  private static final Optional<FewRows> ONE_DNN = find();

  private final OperatorHandle operator;
  private final IValue none;
  private final IValue nothingAfter;
  private final IValue noScalars;
  private final IValue noAlgorithm;

  private FewRows(OperatorHandle operator, IValue noScalars) {
    this.operator = operator;
    this.none = new IValue();
    this.nothingAfter = new IValue("none");
    this.noScalars = noScalars;
    this.noAlgorithm = new IValue("");
  }

  private static Optional<FewRows> find() {
    NativeRuntime.ensureLoaded();
    try {
      OperatorHandle operator =
          Dispatcher.singleton().findSchemaOrThrow("mkldnn::_linear_pointwise", "");
      return Optional.of(new FewRows(operator, emptyScalars()));
    } catch (RuntimeException e) {
      LOG.debug("This build of libtorch has no oneDNN: decoding uses torch.linear", e);
      return Optional.empty();
    }
  }

  /** An empty list of optional numbers: from Java only TorchScript makes one of that type. */
  private static IValue emptyScalars() {
    try (CompilationUnit unit =
            torch.compile(
                "def empty() -> List[Optional[number]]:\n"
                    + "    a: List[Optional[number]] = []\n"
                    + "    return a\n");
        QualifiedName name = new QualifiedName("empty");
        Function empty = unit.get_function(name);
        IValueVector noArguments = new IValueVector();
        IValue result = empty.apply(noArguments);
        GenericList list = result.toList()) {
      return new IValue(list);
    }
  }

  /** Whether {@link #linear} is made for these. */
  static boolean suits(Tensor x, Tensor weight) {
    int in = (int) weight.size(1);
    long rows = in == 0 ? 0 : x.numel() / in;
    if (rows < 1 || rows > MOST || NoGrad.gradEnabled() || x.handle().is_cuda()) {
      return false;
    }
    DType dtype = x.dtype();
    return dtype == weight.dtype()
        && (dtype == DType.F32 || (dtype == DType.BF16 && rows == 1))
        && x.isContiguous()
        && (rows == 1 && dtype == DType.F32 || ONE_DNN.isPresent());
  }

  /**
   * Multiplies by a transposed weight.
   *
   * @param x {@code [..., in]}
   * @param weight {@code [out, in]}
   * @return {@code [..., out]}
   */
  static Tensor linear(Tensor x, Tensor weight) {
    long in = weight.size(1);
    if (x.numel() == in && x.dtype() == DType.F32) {
      try (TensorScope scope = TensorScope.open()) {
        long[] shape = x.shape();
        shape[shape.length - 1] = weight.size(0);
        Tensor y = Tensor.wrap(weight.handle().mv(x.view(in).handle()));
        return scope.handOver(y.view(shape));
      }
    }
    FewRows oneDnn = ONE_DNN.orElseThrow();
    if (weight.numel() * weight.dtype().byteSize() >= ALL_THREADS_AT) {
      return oneDnn.call(x, weight);
    }
    try (OneThread small = new OneThread()) {
      return oneDnn.call(x, weight);
    }
  }

  private Tensor call(Tensor x, Tensor weight) {
    try (IValueVector stack = new IValueVector();
        IValue input = new IValue(x.handle());
        IValue matrix = new IValue(weight.handle())) {
      stack.push_back(input);
      stack.push_back(matrix);
      stack.push_back(none);
      stack.push_back(nothingAfter);
      stack.push_back(noScalars);
      stack.push_back(noAlgorithm);
      operator.callBoxed(stack);
      // A reference into the stack, which ends with it.
      return Tensor.wrap(new org.bytedeco.pytorch.Tensor(stack.get(0).toTensor()));
    }
  }
}
