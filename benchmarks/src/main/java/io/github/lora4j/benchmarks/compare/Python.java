package io.github.lora4j.benchmarks.compare;

import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/**
 * A Python that has PyTorch, transformers and PEFT.
 *
 * @param executable what starts it
 * @param scripts the folder {@code benchmarks/python}
 * @param versions of Python and of its packages, by name
 */
record Python(String executable, Path scripts, Map<String, String> versions) {

  /** What its processes find in their environment: no network, no warnings about forks. */
  static final Map<String, String> ENVIRONMENT =
      Map.of("HF_HUB_OFFLINE", "1", "TOKENIZERS_PARALLELISM", "false");

  /**
   * Asks a Python for its packages.
   *
   * @throws IOException saying what it lacks
   */
  static Python probe(String executable, Path scripts) throws IOException, InterruptedException {
    String versions =
        ChildProcess.run(
            List.of(executable, scripts.resolve("versions.py").toString()), ENVIRONMENT, "");
    return new Python(
        executable,
        scripts,
        new ObjectMapper().readValue(versions, new TypeReference<Map<String, String>>() {}));
  }

  /** Whether it can run this kind of case. */
  boolean canRun(Kind kind) {
    return kind.needs().stream().allMatch(versions::containsKey);
  }

  /** What measures a case on its side. */
  List<String> command(Kind kind) {
    return List.of(executable, scripts.resolve(kind.script()).toString());
  }
}
