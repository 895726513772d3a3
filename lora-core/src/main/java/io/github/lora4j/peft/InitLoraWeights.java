package io.github.lora4j.peft;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * How the factors A {@code [r, in]} and B {@code [out, r]} of an adapter begin: PEFT's {@code
 * init_lora_weights}.
 *
 * @param method the way
 * @param iterations of the randomized decomposition in {@link #pissaNiter}, 0 elsewhere
 */
public record InitLoraWeights(Method method, int iterations) {

  /**
   * A uniform in ±1/√in, B zero, so that a fresh adapter changes nothing; PEFT's {@code true}. The
   * default.
   */
  public static final InitLoraWeights KAIMING = new InitLoraWeights(Method.KAIMING, 0);

  /** A normal with standard deviation 1/r, B zero; PEFT's {@code "gaussian"}. */
  public static final InitLoraWeights GAUSSIAN = new InitLoraWeights(Method.GAUSSIAN, 0);

  /**
   * A uniform in ±1/√in, B uniform in ±1/√r; PEFT's {@code false}. The adapter changes the model
   * from the start: meant for tests.
   */
  public static final InitLoraWeights RANDOM = new InitLoraWeights(Method.RANDOM, 0);

  /**
   * B·A zero though neither is, by orthogonal rows; PEFT's {@code "orthogonal"}. Needs an even r.
   */
  public static final InitLoraWeights ORTHOGONAL = new InitLoraWeights(Method.ORTHOGONAL, 0);

  /**
   * The QR decomposition of the weight, which gives up that part; PEFT's {@code "olora"}. What is
   * left of a quantized weight is quantized again, as in PEFT.
   */
  public static final InitLoraWeights OLORA = new InitLoraWeights(Method.OLORA, 0);

  /**
   * The largest singular values and vectors of the weight, which gives up that part; PEFT's {@code
   * "pissa"} (Meng et al., 2024). Refused on a quantized base, as in PEFT: what it leaves of a
   * dense one, {@link PeftModel#unload}, can be quantized afterwards.
   */
  public static final InitLoraWeights PISSA = new InitLoraWeights(Method.PISSA, 0);

  /**
   * What rounding the weight to few bits loses; PEFT's {@code "loftq"} (Li et al., 2023). The
   * adapter's layers go on with the rounded weights.
   *
   * <p>For a dense base, together with {@link LoraConfigBuilder#loftqConfig}; {@link
   * LoftqWeights#replace} begins adapters so on a base that is quantized. The module lora-quant
   * does the rounding. Other than in PEFT the base itself stays as it is, the scaling is divided
   * out (PEFT overshoots unless alpha equals r), weights that are stored transposed are taken too,
   * and a head that is tied to the embedding is rounded without it. Loading such an adapter rounds
   * again, as in PEFT, which after several rounds may differ in some last code between machines;
   * {@link PeftModel#unload} gives the rounded base itself.
   */
  public static final InitLoraWeights LOFTQ = new InitLoraWeights(Method.LOFTQ, 0);

  /**
   * The directions in which a layer's inputs vary most, B zero; PEFT's {@code "eva"} (Paischer et
   * al., 2024).
   */
  public static final InitLoraWeights EVA = new InitLoraWeights(Method.EVA, 0);

  private static final String PISSA_NITER = "pissa_niter_";
  private static final Pattern WITH_ITERATIONS = Pattern.compile(PISSA_NITER + "(\\d{1,9})");

  /** A way to begin. */
  public enum Method {
    /** {@link InitLoraWeights#KAIMING}. */
    KAIMING,
    /** {@link InitLoraWeights#GAUSSIAN}. */
    GAUSSIAN,
    /** {@link InitLoraWeights#RANDOM}. */
    RANDOM,
    /** {@link InitLoraWeights#ORTHOGONAL}. */
    ORTHOGONAL,
    /** {@link InitLoraWeights#OLORA}. */
    OLORA,
    /** {@link InitLoraWeights#PISSA}. */
    PISSA,
    /** {@link InitLoraWeights#pissaNiter}. */
    PISSA_NITER,
    /** {@link InitLoraWeights#LOFTQ}. */
    LOFTQ,
    /** {@link InitLoraWeights#EVA}. */
    EVA
  }

  /** Checks that only {@link Method#PISSA_NITER} has iterations. */
  public InitLoraWeights {
    if (iterations < 0 || (iterations > 0 && method != Method.PISSA_NITER)) {
      throw new IllegalArgumentException(
          "iterations: expected %s with %s, found %d"
              .formatted(method == Method.PISSA_NITER ? "0 or more" : "0", method, iterations));
    }
  }

  /**
   * As {@link #PISSA} by a randomized decomposition, many times faster; PEFT's {@code
   * "pissa_niter_N"}.
   *
   * @param iterations N: more are slower and nearer to the exact one; 16 is usual
   */
  public static InitLoraWeights pissaNiter(int iterations) {
    return new InitLoraWeights(Method.PISSA_NITER, iterations);
  }

  /** PEFT's {@code true} and {@code false}: {@link #KAIMING} and {@link #RANDOM}. */
  public static InitLoraWeights of(boolean value) {
    return value ? KAIMING : RANDOM;
  }

  /**
   * Reads one of PEFT's words, such as {@code "gaussian"} or {@code "pissa_niter_16"}.
   *
   * @throws IllegalArgumentException for another word, naming those that are known
   */
  public static InitLoraWeights of(String value) {
    String word = value.toLowerCase(Locale.ROOT);
    Matcher matcher = WITH_ITERATIONS.matcher(word);
    if (matcher.matches()) {
      return pissaNiter(Integer.parseInt(matcher.group(1)));
    }
    List<String> known = new ArrayList<>();
    for (InitLoraWeights each : List.of(GAUSSIAN, ORTHOGONAL, OLORA, PISSA, LOFTQ, EVA)) {
      if (each.value().equals(word)) {
        return each;
      }
      known.add(String.valueOf(each.value()));
    }
    throw new IllegalArgumentException(
        "initLoraWeights: expected true, false, %s or %sN, found \"%s\""
            .formatted(String.join(", ", known), PISSA_NITER, value));
  }

  /** What stands in PEFT's files: a {@link Boolean} or a {@link String}. */
  public Object value() {
    return switch (method) {
      case KAIMING -> true;
      case RANDOM -> false;
      case PISSA_NITER -> PISSA_NITER + iterations;
      default -> method.name().toLowerCase(Locale.ROOT);
    };
  }

  /** Whether the base's weight changes with it, so that adapter and base belong together. */
  public boolean changesBase() {
    return switch (method) {
      case OLORA, PISSA, PISSA_NITER, LOFTQ -> true;
      default -> false;
    };
  }

  /** PEFT's value. */
  @Override
  public String toString() {
    return String.valueOf(value());
  }
}
