package io.github.lora4j.io;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;

/** Valid SafeTensors files of all kinds, and what can be done to spoil them. */
final class Mutations {

  private static final ObjectMapper JSON = new ObjectMapper();
  private static final Pattern NUMBER = Pattern.compile("\\d+");
  private static final Pattern TYPE = Pattern.compile("(?<=\")(BF16|BOOL|[FIUC]\\d+\\w*)(?=\")");

  private Mutations() {}

  /** A valid file in its two parts. */
  record Parts(byte[] header, byte[] data) {
    byte[] file() {
      return assemble(header);
    }

    byte[] assemble(byte[] otherHeader) {
      byte[] length = Arrays.copyOf(RawFile.bytes("", 0), 8);
      for (int i = 0; i < 4; i++) {
        length[i] = (byte) (otherHeader.length >>> 8 * i);
      }
      return join(length, otherHeader, data);
    }
  }

  static Arbitrary<Parts> validFiles() {
    Arbitrary<String> names =
        Arbitraries.strings()
            .ofMaxLength(6)
            .filter(name -> StandardCharsets.UTF_8.newEncoder().canEncode(name));
    Arbitrary<StoredType> types =
        Arbitraries.of(StoredType.class).filter(type -> type.bits() % 8 == 0);
    Arbitrary<List<Long>> shapes = Arbitraries.longs().between(0, 4).list().ofMaxSize(3);
    Arbitrary<Map.Entry<StoredType, List<Long>>> tensors =
        Combinators.combine(types, shapes).as(Map::entry);
    return Combinators.combine(
            Arbitraries.maps(names, tensors).ofMaxSize(4),
            Arbitraries.maps(names, names).ofMaxSize(2))
        .as(Mutations::parts);
  }

  private static Parts parts(
      Map<String, Map.Entry<StoredType, List<Long>>> tensors, Map<String, String> metadata) {
    Map<String, Object> header = new LinkedHashMap<>();
    header.put(Header.METADATA, metadata);
    int offset = 0;
    for (Map.Entry<String, Map.Entry<StoredType, List<Long>>> tensor : tensors.entrySet()) {
      StoredType type = tensor.getValue().getKey();
      List<Long> shape = tensor.getValue().getValue();
      long elements = shape.stream().mapToLong(Long::longValue).reduce(1, (a, b) -> a * b);
      int end = offset + (int) elements * type.bits() / 8;
      List<Integer> offsets = List.of(offset, end);
      header.put(
          tensor.getKey(), Map.of("dtype", type.name(), "shape", shape, "data_offsets", offsets));
      offset = end;
    }
    byte[] data = new byte[offset];
    for (int i = 0; i < offset; i++) {
      data[i] = (byte) (i + 1);
    }
    try {
      return new Parts(JSON.writeValueAsBytes(header), data);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException(e);
    }
  }

  /** One to three changes, one after the other. */
  static Arbitrary<UnaryOperator<byte[]>> several() {
    return one()
        .list()
        .ofMinSize(1)
        .ofMaxSize(3)
        .map(
            changes ->
                bytes -> {
                  byte[] changed = bytes;
                  for (UnaryOperator<byte[]> change : changes) {
                    changed = change.apply(changed);
                  }
                  return changed;
                });
  }

  private static Arbitrary<UnaryOperator<byte[]>> one() {
    Arbitrary<Integer> places = Arbitraries.integers().between(0, 100_000);
    Arbitrary<byte[]> inserts =
        Arbitraries.oneOf(
            Arbitraries.bytes().array(byte[].class).ofMinSize(1).ofMaxSize(9),
            Arbitraries.of("{", "}", "[", "]", ",", "\"", ":", "0", "-", "null", "\\u0000", " ")
                .map(text -> text.getBytes(StandardCharsets.UTF_8)));
    return Arbitraries.oneOf(
        Combinators.combine(places, Arbitraries.integers().between(0, 7)).as(Mutations::flip),
        Combinators.combine(places, inserts).as(Mutations::insert),
        Combinators.combine(places, Arbitraries.integers().between(1, 20)).as(Mutations::remove),
        Combinators.combine(places, places, Arbitraries.integers().between(1, 90))
            .as(Mutations::repeat),
        places.map(Mutations::truncate),
        Combinators.combine(places, numbers()).as((at, text) -> replace(NUMBER, at, text)),
        Combinators.combine(places, Arbitraries.of(StoredType.class).map(Enum::name))
            .as((at, text) -> replace(TYPE, at, text)));
  }

  private static Arbitrary<String> numbers() {
    return Arbitraries.oneOf(
        Arbitraries.integers().between(-3, 300).map(String::valueOf),
        Arbitraries.longs().map(String::valueOf),
        Arbitraries.of(
            "9223372036854775807",
            "9223372036854775808",
            "18446744073709551615",
            "18446744073709551616",
            "4294967296",
            "1e3",
            "1.5",
            "00",
            "-0",
            "9".repeat(400)));
  }

  private static UnaryOperator<byte[]> flip(int place, int bit) {
    return bytes -> {
      byte[] changed = bytes.clone();
      if (changed.length > 0) {
        changed[place % changed.length] ^= (byte) (1 << bit);
      }
      return changed;
    };
  }

  private static UnaryOperator<byte[]> insert(int place, byte[] inserted) {
    return bytes -> {
      int at = place % (bytes.length + 1);
      return join(Arrays.copyOf(bytes, at), inserted, Arrays.copyOfRange(bytes, at, bytes.length));
    };
  }

  private static UnaryOperator<byte[]> remove(int place, int count) {
    return bytes -> {
      int at = place % (bytes.length + 1);
      int end = Math.min(bytes.length, at + count);
      return join(Arrays.copyOf(bytes, at), Arrays.copyOfRange(bytes, end, bytes.length));
    };
  }

  private static UnaryOperator<byte[]> repeat(int from, int to, int count) {
    return bytes -> {
      int start = from % (bytes.length + 1);
      byte[] part = Arrays.copyOfRange(bytes, start, Math.min(bytes.length, start + count));
      return insert(to, part).apply(bytes);
    };
  }

  private static UnaryOperator<byte[]> truncate(int place) {
    return bytes -> Arrays.copyOf(bytes, place % (bytes.length + 1));
  }

  private static UnaryOperator<byte[]> replace(Pattern pattern, int which, String replacement) {
    return bytes -> {
      String text = new String(bytes, StandardCharsets.ISO_8859_1);
      List<MatchResult> matches = pattern.matcher(text).results().toList();
      if (matches.isEmpty()) {
        return bytes;
      }
      MatchResult match = matches.get(which % matches.size());
      String changed = text.substring(0, match.start()) + replacement + text.substring(match.end());
      return changed.getBytes(StandardCharsets.ISO_8859_1);
    };
  }

  private static byte[] join(byte[]... parts) {
    byte[] joined = new byte[Arrays.stream(parts).mapToInt(part -> part.length).sum()];
    int at = 0;
    for (byte[] part : parts) {
      System.arraycopy(part, 0, joined, at, part.length);
      at += part.length;
    }
    return joined;
  }
}
