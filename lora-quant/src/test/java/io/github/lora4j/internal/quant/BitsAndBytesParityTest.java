package io.github.lora4j.internal.quant;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Tensor;
import io.github.lora4j.tensor.TensorScope;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Every bit as bitsandbytes has it. */
class BitsAndBytesParityTest {

  private static final int CASES = 48;

  @ParameterizedTest
  @ValueSource(
      strings = {"nf4-double-bf16-96x80-b64.safetensors", "fp4-single-f16-96x80-b64.safetensors"})
  void keptCases(String name) {
    try (Bnb bnb = Bnb.kept(name)) {
      check(bnb);
    }
  }

  @Test
  void allCases() throws IOException {
    List<Path> files;
    try (Stream<Path> all = Files.list(Bnb.shared("fixtures/bnb"))) {
      files = all.filter(file -> file.toString().endsWith(".safetensors")).sorted().toList();
    }
    assertThat(files).hasSizeGreaterThanOrEqualTo(CASES);
    for (Path file : files) {
      try (Bnb bnb = Bnb.open(file)) {
        check(bnb);
      }
    }
  }

  private static void check(Bnb bnb) {
    try (TensorScope scope = TensorScope.open();
        Quantized4Bit stored = bnb.weight();
        Quantized4Bit ours =
            Quantized4Bit.quantize(
                bnb.tensor("input"), bnb.type(), bnb.blocksize(), bnb.isDouble())) {
      same("quant_map", Tensor.of(bnb.type().codeBook(), 16), bnb.tensor("weight.quant_map"));
      same("codes", ours.codes(), bnb.tensor("weight"));
      same("absmax", ours.absmax(), bnb.tensor("weight.absmax"));
      if (bnb.isDouble()) {
        Quantized4Bit.Nested nested = ours.nested().orElseThrow();
        same("nested_absmax", nested.absmax(), bnb.tensor("weight.nested_absmax"));
        same("nested_quant_map", nested.codeMap(), bnb.tensor("weight.nested_quant_map"));
        assertThat(nested.offset()).isEqualTo(bnb.offset());
        assertThat(nested.blocksize()).isEqualTo(256);
      }
      DType dtype = stored.dtype();
      same("dequantized", stored.dequantize(dtype), bnb.tensor("dequantized"));
      for (DType wanted : List.of(DType.F32, DType.BF16, DType.F16)) {
        Tensor exact = stored.dequantize(DType.F32).to(wanted);
        same("in " + wanted, stored.dequantize(wanted), exact);
        Tensor composed = Tensor.empty(wanted, stored.device(), stored.shape());
        AtenDecoder.decodeInto(stored, composed);
        same("composed in " + wanted, composed, exact);
      }
    }
  }

  /** Bits, so that zeros of both signs differ. */
  private static void same(String what, Tensor actual, Tensor expected) {
    assertThat(actual.dtype()).as(what).isEqualTo(expected.dtype());
    assertThat(actual.shape()).as(what).isEqualTo(expected.shape());
    assertThat(Arrays.mismatch(bits(actual), bits(expected)))
        .as("the first byte in which the %s differ", what)
        .isNegative();
  }

  private static byte[] bits(Tensor tensor) {
    byte[] bytes = new byte[(int) (tensor.numel() * tensor.dtype().byteSize())];
    tensor.copyBytesTo(0, bytes, bytes.length);
    return bytes;
  }
}
