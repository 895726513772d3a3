package io.github.lora4j.examples.cli;

import io.github.lora4j.generate.GenerationConfig;
import io.github.lora4j.generate.GenerationResult;
import io.github.lora4j.generate.TextGenerator;
import io.github.lora4j.text.PretrainedTokenizer;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Continues a prompt. */
@Command(
    name = "generate",
    description =
        "Continues a prompt and prints the new text as it comes. Takes the likeliest token at each"
            + " step unless an option of sampling is given.",
    footer = {
      "",
      "--json fields: prompt, text (the new text alone), token_ids (the new tokens),"
          + " prompt_tokens, new_tokens, finish_reason (eos, stop_string or length), seconds."
    })
public final class GenerateCommand implements Callable<Integer> {

  private static final int DEFAULT_MAX_NEW_TOKENS = 128;

  @Mixin private ModelOptions model;

  @Mixin private AdapterOption adapter;

  @ArgGroup(multiplicity = "1")
  private PromptChoice prompt;

  @Option(
      names = "--max-new-tokens",
      paramLabel = "N",
      description =
          "Most tokens to produce. Default: 128, or what the model has room for if that is less.")
  private Optional<Integer> maxNewTokens = Optional.empty();

  @Option(
      names = "--no-special-tokens",
      description =
          "Put nothing before the prompt, such as a beginning of sequence: it is in there already.")
  private boolean noSpecialTokens;

  @Mixin private SamplingOptions sampling;

  @Mixin private CommonOptions common;

  /** For picocli, which makes the instance. */
  public GenerateCommand() {}

  static final class PromptChoice {
    @Option(
        names = "--prompt",
        required = true,
        paramLabel = "TEXT",
        converter = EscapedText.class,
        description =
            "The text to continue; \\n stands for a line break, \\t for a tab, \\\\ for a"
                + " backslash.")
    private Optional<String> text = Optional.empty();

    @Option(
        names = "--prompt-file",
        required = true,
        paramLabel = "FILE",
        description = "A file with exactly the text to continue.")
    private Optional<Path> file = Optional.empty();

    private String resolve() {
      return text.or(() -> file.map(TextSource::read)).orElseThrow();
    }
  }

  @Override
  public Integer call() {
    GenerationConfig.Builder settings = GenerationConfig.builder();
    sampling.applyTo(settings);
    maxNewTokens.ifPresent(settings::maxNewTokens);
    settings.build(); // finds what is out of range before the model is loaded
    String text = prompt.resolve();
    try (PretrainedTokenizer tokenizer = PretrainedTokenizer.load(model.dir());
        LoadedModel loaded = LoadedModel.open(model, adapter.dir())) {
      int promptTokens = tokenizer.encode(text, !noSpecialTokens).length;
      int room = loaded.model().maxPositionEmbeddings() - promptTokens;
      GenerationConfig config =
          settings
              .maxNewTokens(
                  maxNewTokens.orElse(Math.max(1, Math.min(DEFAULT_MAX_NEW_TOKENS, room))))
              .eosTokenIds(EndOfSequence.tokenIds(model.dir(), tokenizer))
              .build();
      TextGenerator generator =
          TextGenerator.of(loaded.model(), tokenizer).withSpecialTokens(!noSpecialTokens);
      long start = System.nanoTime();
      GenerationResult result = generator.generate(text, config, this::show);
      report(text, result, (System.nanoTime() - start) / 1e9);
    }
    return 0;
  }

  private void show(String piece) {
    if (!common.json()) {
      PrintWriter out = common.out();
      out.print(piece);
      out.flush();
    }
  }

  private void report(String text, GenerationResult result, double seconds) {
    Map<String, Object> fields = new LinkedHashMap<>();
    fields.put("prompt", text);
    fields.put("text", result.text());
    fields.put("token_ids", result.tokenIds());
    fields.put("prompt_tokens", result.promptTokens());
    fields.put("new_tokens", result.tokenIds().length);
    fields.put("finish_reason", result.finishReason().name().toLowerCase(Locale.ROOT));
    fields.put("seconds", seconds);
    // The text itself is there already; this ends its last line.
    common.print(fields, List.of(""));
  }
}
