package io.github.lora4j.benchmarks.compare;

import io.github.lora4j.model.ModelFamilies;
import io.github.lora4j.tensor.DType;
import java.nio.file.FileSystems;
import java.nio.file.Path;
import java.nio.file.PathMatcher;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** All cases, and how they are chosen by name. */
final class Cases {

  /** Of this family the text model alone is trained, which has a case under its own type. */
  private static final String SAME_AS_GEMMA3_TEXT = "gemma3";

  private Cases() {}

  /** Every case in the order in which they run, the hidden ones too. */
  static List<BenchmarkCase> all() {
    List<BenchmarkCase> cases = new ArrayList<>();
    cases.add(limits());
    for (Shape shape : List.of(Shape.S, Shape.M, Shape.L, Shape.T)) {
      for (DType dtype : List.of(DType.F32, DType.BF16)) {
        if (shape != Shape.L || dtype == DType.BF16) {
          for (Adapter adapter : Adapter.values()) {
            cases.add(train(shape, dtype, adapter, Variant.PLAIN));
            cases.add(train(shape, dtype, adapter, Variant.CKPT));
          }
        }
      }
    }
    for (Shape shape : List.of(Shape.S, Shape.M, Shape.L, Shape.T)) {
      cases.add(qlora(shape, Variant.PLAIN, 4));
      cases.add(qlora(shape, Variant.FLOAT32, 4));
    }
    cases.add(qlora(Shape.XL, Variant.CKPT, 1));
    cases.add(decode());
    for (Shape shape : List.of(Shape.S, Shape.T)) {
      for (DType dtype : List.of(DType.F32, DType.BF16)) {
        cases.add(sft(shape, dtype, Variant.PLAIN));
        cases.add(sft(shape, dtype, Variant.PACKED));
      }
      cases.add(classify(shape, DType.F32));
      cases.add(classify(shape, DType.BF16));
      cases.add(startup(shape, Variant.PLAIN));
      cases.add(startup(shape, Variant.ARCHIVE));
      for (int batch : List.of(1, 8)) {
        cases.add(generate(shape, batch, Variant.PLAIN));
        cases.add(generate(shape, batch, Variant.MERGED));
      }
    }
    for (String modelType : ModelFamilies.modelTypes()) {
      if (modelType.equals(SAME_AS_GEMMA3_TEXT)) {
        continue;
      }
      for (DType dtype : List.of(DType.F32, DType.BF16)) {
        cases.add(family(new FamilyModel(modelType), dtype));
      }
    }
    return cases;
  }

  /**
   * The cases whose names match one of the patterns, in the order in which they run.
   *
   * @param patterns names or globs
   * @throws IllegalArgumentException if a pattern matches nothing
   */
  static List<BenchmarkCase> matching(List<String> patterns) {
    List<BenchmarkCase> all = all();
    for (String pattern : patterns) {
      if (all.stream().noneMatch(c -> matches(c, pattern))) {
        throw new IllegalArgumentException(
            "--cases: expected names or globs of what --list prints, found '" + pattern + "'");
      }
    }
    return all.stream().filter(c -> patterns.stream().anyMatch(p -> matches(c, p))).toList();
  }

  private static boolean matches(BenchmarkCase candidate, String pattern) {
    PathMatcher glob = FileSystems.getDefault().getPathMatcher("glob:" + pattern);
    boolean named = !candidate.isHidden() || pattern.contains("-T-") || pattern.contains("-XL-");
    return named && glob.matches(Path.of(candidate.name()));
  }

  /** The yardstick, which is measured beside every training case. */
  static BenchmarkCase limits() {
    return new BenchmarkCase(
        "limits",
        Kind.LIMITS,
        Optional.empty(),
        DType.F32,
        Adapter.QV8,
        Variant.PLAIN,
        1,
        2048,
        2,
        8);
  }

  private static BenchmarkCase train(Shape shape, DType dtype, Adapter adapter, Variant variant) {
    String name = "train-" + shape + "-" + lower(dtype) + "-" + lower(adapter);
    return new BenchmarkCase(
        variant == Variant.CKPT ? name + "-ckpt" : name,
        Kind.TRAIN,
        Optional.of(shape),
        dtype,
        adapter,
        variant,
        4,
        256,
        2,
        5);
  }

  private static BenchmarkCase qlora(Shape shape, Variant variant, int batch) {
    String name = "qlora-" + shape + "-bf16-all16";
    return new BenchmarkCase(
        variant == Variant.FLOAT32 ? name + "-f32" : name,
        Kind.QLORA,
        Optional.of(shape),
        DType.BF16,
        Adapter.ALL16,
        variant,
        batch,
        256,
        2,
        5);
  }

  private static BenchmarkCase decode() {
    return new BenchmarkCase(
        "decode-nf4",
        Kind.DECODE,
        Optional.empty(),
        DType.BF16,
        Adapter.ALL16,
        Variant.PLAIN,
        1,
        4096,
        5,
        40);
  }

  private static BenchmarkCase family(FamilyModel model, DType dtype) {
    return new BenchmarkCase(
        model.name() + "-" + lower(dtype),
        Kind.FAMILY,
        Optional.of(model),
        dtype,
        Adapter.LINEAR16,
        Variant.PLAIN,
        4,
        256,
        3,
        10);
  }

  private static BenchmarkCase sft(Shape shape, DType dtype, Variant variant) {
    String kind = variant == Variant.PACKED ? "sft-packed-" : "sft-";
    return new BenchmarkCase(
        kind + shape + "-" + lower(dtype) + "-all16",
        Kind.SFT,
        Optional.of(shape),
        dtype,
        Adapter.ALL16,
        variant,
        8,
        512,
        2,
        12);
  }

  private static BenchmarkCase classify(Shape shape, DType dtype) {
    return new BenchmarkCase(
        "classify-" + shape + "-" + lower(dtype) + "-all16",
        Kind.CLASSIFY,
        Optional.of(shape),
        dtype,
        Adapter.ALL16,
        Variant.PLAIN,
        8,
        512,
        2,
        12);
  }

  private static BenchmarkCase startup(Shape shape, Variant variant) {
    String name = "startup-" + shape + "-bf16-qv8";
    return new BenchmarkCase(
        variant == Variant.ARCHIVE ? name + "-archive" : name,
        Kind.STARTUP,
        Optional.of(shape),
        DType.BF16,
        Adapter.QV8,
        variant,
        1,
        32,
        0,
        1);
  }

  private static BenchmarkCase generate(Shape shape, int batch, Variant variant) {
    String name = "generate-" + shape + "-bf16-b" + batch;
    return new BenchmarkCase(
        variant == Variant.MERGED ? name + "-merged" : name,
        Kind.GENERATE,
        Optional.of(shape),
        DType.BF16,
        Adapter.ALL16,
        variant,
        batch,
        64,
        5,
        5);
  }

  private static String lower(Enum<?> value) {
    return value.name().toLowerCase(Locale.ROOT);
  }
}
