package io.github.lora4j.examples.docs;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import javax.tools.Diagnostic;
import javax.tools.DiagnosticCollector;
import javax.tools.JavaCompiler;
import javax.tools.JavaFileObject;
import javax.tools.SimpleJavaFileObject;
import javax.tools.ToolProvider;

/** Java that stands in a document: compiled as it is, behind declarations of what it speaks of. */
final class Snippets {

  private static final Pattern JAVA = Pattern.compile("```java\n(.*?)```", Pattern.DOTALL);

  private static final String AROUND =
      """
      import static io.github.lora4j.peft.TaskType.*;
      import static io.github.lora4j.train.LrSchedulerType.*;

      import io.github.lora4j.data.*;
      import io.github.lora4j.dataset.*;
      import io.github.lora4j.generate.*;
      import io.github.lora4j.model.*;
      import io.github.lora4j.peft.*;
      import io.github.lora4j.tensor.*;
      import io.github.lora4j.text.*;
      import io.github.lora4j.train.*;
      import java.nio.file.Path;
      import java.util.Map;

      public final class %s implements java.util.concurrent.Callable<Void> {
        Path dir;
        CausalLM model;
        PeftModel<CausalLM> peft;
        PretrainedTokenizer tokenizer;
        Dataset.Split<TokenizedExample> data;
        int[] ids;
        int[] mask;

        @Override
        public Void call() throws Exception {
          %s
          return null;
        }
      }
      """;

  private Snippets() {}

  /** The root of the repository: the folder above the tests' own that holds the documents. */
  static Path root() {
    Path folder = Path.of("").toAbsolutePath();
    while (!Files.exists(folder.resolve("docs/GUIDE.md"))) {
      folder = folder.getParent();
      assertThat(folder).as("the folder of docs/GUIDE.md").isNotNull();
    }
    return folder;
  }

  /** All blocks of Java in a document, in their order; an ellipsis stands for no code. */
  static List<String> of(Path document) throws IOException {
    List<String> blocks = new ArrayList<>();
    Matcher matcher = JAVA.matcher(Files.readString(document));
    while (matcher.find()) {
      blocks.add(matcher.group(1).replace("…", ""));
    }
    return blocks;
  }

  /** Compiles a block and returns it, ready to be run. */
  static Callable<?> compile(String name, String block, Path classes) {
    JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
    DiagnosticCollector<JavaFileObject> problems = new DiagnosticCollector<>();
    List<String> options =
        List.of("-d", classes.toString(), "-cp", System.getProperty("java.class.path"));
    compiler
        .getTask(
            null,
            null,
            problems,
            options,
            null,
            List.of(source(name, AROUND.formatted(name, block))))
        .call();
    Stream<String> errors =
        problems.getDiagnostics().stream()
            .filter(problem -> problem.getKind() == Diagnostic.Kind.ERROR)
            .map(problem -> problem.getMessage(Locale.ROOT));
    assertThat(errors).as(block).isEmpty();
    try (URLClassLoader loader =
        new URLClassLoader(
            new URL[] {classes.toUri().toURL()}, Thread.currentThread().getContextClassLoader())) {
      return (Callable<?>) loader.loadClass(name).getDeclaredConstructor().newInstance();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (ReflectiveOperationException e) {
      throw new AssertionError(block, e);
    }
  }

  private static JavaFileObject source(String name, String code) {
    return new SimpleJavaFileObject(
        URI.create("string:///" + name + ".java"), JavaFileObject.Kind.SOURCE) {
      @Override
      public CharSequence getCharContent(boolean ignoreEncodingErrors) {
        return code;
      }
    };
  }
}
