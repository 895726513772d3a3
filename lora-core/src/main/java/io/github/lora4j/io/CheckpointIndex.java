package io.github.lora4j.io;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.util.DefaultIndenter;
import com.fasterxml.jackson.core.util.DefaultPrettyPrinter;
import com.fasterxml.jackson.core.util.Separators;
import io.github.lora4j.error.CheckpointFormatException;
import java.io.IOException;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Pattern;

/** The file that says which shard of a checkpoint holds which tensor. */
final class CheckpointIndex {

  private static final String WHAT = "the index";
  private static final String WEIGHT_MAP = "weight_map";
  private static final long MAX_BYTES = Header.MAX_BYTES;

  // A plain name: no separator of any system, no drive, no "..", nothing hidden.
  private static final Pattern PLAIN_NAME =
      Pattern.compile("[^\\p{Cntrl}./\\\\:][^\\p{Cntrl}/\\\\:]*\\.safetensors");

  private CheckpointIndex() {}

  /** Reads which file of the index's folder holds each tensor; opens none of them. */
  static Map<String, Path> read(Path index) {
    Map<String, Path> files = new LinkedHashMap<>();
    boolean[] found = {false};
    StrictJson.read(
        index,
        WHAT,
        ByteBuffer.wrap(bytes(index)),
        json ->
            json.object(
                WHAT,
                key -> {
                  if (!key.equals(WEIGHT_MAP)) {
                    json.skip(); // metadata.total_size: often wrong in real checkpoints, unneeded
                    return;
                  }
                  found[0] = true;
                  json.object(
                      WEIGHT_MAP,
                      tensor -> {
                        String where = "the file of tensor " + Quoted.of(tensor);
                        files.put(tensor, inFolder(index, tensor, json.string(where)));
                      });
                }));
    if (!found[0] || files.isEmpty()) {
      throw new CheckpointFormatException(
          index + ": expected a weight_map that names each tensor's file, found none");
    }
    return files;
  }

  private static byte[] bytes(Path index) {
    try {
      if (!Files.isRegularFile(index) || Files.size(index) > MAX_BYTES) {
        throw new CheckpointFormatException(
            "%s: expected a JSON file of at most %d bytes".formatted(index, MAX_BYTES));
      }
      return Files.readAllBytes(index);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read " + index + ": " + e.getMessage(), e);
    }
  }

  private static Path inFolder(Path index, String tensor, String fileName) {
    try {
      if (PLAIN_NAME.matcher(fileName).matches()) {
        return index.resolveSibling(fileName);
      }
    } catch (InvalidPathException e) {
      throw new CheckpointFormatException(notPlain(index, tensor, fileName), e);
    }
    throw new CheckpointFormatException(notPlain(index, tensor, fileName));
  }

  private static String notPlain(Path index, String tensor, String fileName) {
    return ("%s: tensor %s: expected the plain name of a .safetensors file in the same folder,"
            + " found %s; LoRA4J follows no path out of a model's folder")
        .formatted(index, Quoted.of(tensor), Quoted.of(fileName));
  }

  /** The index's text, laid out as transformers does: keys sorted, two spaces. */
  static String toJson(long totalSize, Map<String, String> weightMap) {
    StringWriter text = new StringWriter();
    DefaultIndenter indenter = new DefaultIndenter("  ", "\n");
    Separators separators =
        Separators.createDefaultInstance().withObjectFieldValueSpacing(Separators.Spacing.AFTER);
    try (JsonGenerator json =
        new JsonFactory()
            .createGenerator(text)
            .setPrettyPrinter(new DefaultPrettyPrinter(separators).withObjectIndenter(indenter))) {
      json.writeStartObject();
      json.writeObjectFieldStart("metadata");
      json.writeNumberField("total_size", totalSize);
      json.writeEndObject();
      json.writeObjectFieldStart(WEIGHT_MAP);
      for (Map.Entry<String, String> entry : new TreeMap<>(weightMap).entrySet()) {
        json.writeStringField(entry.getKey(), entry.getValue());
      }
      json.writeEndObject();
      json.writeEndObject();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return text.append('\n').toString();
  }
}
