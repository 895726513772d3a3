package io.github.lora4j.tensor;

import io.github.lora4j.internal.torch.NativeRuntime;
import java.util.List;
import org.bytedeco.pytorch.Dispatcher;
import org.bytedeco.pytorch.GenericList;
import org.bytedeco.pytorch.IValue;
import org.bytedeco.pytorch.IValueVector;
import org.bytedeco.pytorch.OperatorHandle;
import org.bytedeco.pytorch.TensorList;
import org.bytedeco.pytorch.TensorVector;

/**
 * A call of an operator that libtorch gives no Java method, as all whose names begin with an
 * underscore. Arguments are added in the order of its schema, defaults included.
 */
final class BoxedCall implements AutoCloseable {

  private final String operator;
  private final String overload;
  private final IValueVector stack;

  private BoxedCall(String operator, String overload) {
    NativeRuntime.ensureLoaded();
    this.operator = operator;
    this.overload = overload;
    this.stack = new IValueVector();
  }

  /** Begins a call of {@code aten::operator}; the overload of most operators is empty. */
  static BoxedCall of(String operator, String overload) {
    return new BoxedCall("aten::" + operator, overload);
  }

  BoxedCall with(List<Tensor> tensors) {
    // An IValue made of a TensorList itself would be an opaque capsule.
    try (TensorList list = new TensorList()) {
      list.reserve(tensors.size());
      for (Tensor tensor : tensors) {
        list.push_back(tensor.handle());
      }
      try (GenericList generic = new GenericList(list)) {
        return push(new IValue(generic));
      }
    }
  }

  BoxedCall with(double value) {
    return push(new IValue(value));
  }

  BoxedCall with(boolean value) {
    return push(new IValue(value));
  }

  BoxedCall with(DType dtype) {
    return push(new IValue(dtype.scalarType()));
  }

  BoxedCall withNone() {
    return push(new IValue());
  }

  private BoxedCall push(IValue value) {
    try (value) {
      stack.push_back(value);
      return this;
    }
  }

  /** Calls it; its results take the place of its arguments. */
  void run() {
    try (OperatorHandle handle = Dispatcher.singleton().findSchemaOrThrow(operator, overload)) {
      handle.callBoxed(stack);
    }
  }

  /** Calls an operator whose only result is a list of tensors; the caller closes it. */
  TensorVector runForTensors() {
    run();
    try (IValue result = stack.get(0)) {
      return result.toTensorVector();
    }
  }

  @Override
  public void close() {
    stack.close();
  }
}
