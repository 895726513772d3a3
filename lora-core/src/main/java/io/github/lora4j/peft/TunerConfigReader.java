package io.github.lora4j.peft;

import io.github.lora4j.error.AdapterMismatchException;
import io.github.lora4j.error.CheckpointFormatException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Reads the adapter_config.json of any kind of adapter. */
final class TunerConfigReader {

  private static final Logger LOG = LoggerFactory.getLogger(TunerConfigReader.class);

  private TunerConfigReader() {}

  static PeftConfig read(Path folder) {
    Map<String, ? extends @Nullable Object> json = AdapterConfigReader.json(folder);
    ConfigFields fields = new ConfigFields(folder.resolve(AdapterConfigKeys.FILE), json);
    PeftType type = type(fields);
    if (type == PeftType.LORA) {
      return LoraConfig.load(folder);
    }
    try {
      PeftConfig config =
          switch (type) {
            case IA3 -> ia3(fields);
            case LN_TUNING -> lnTuning(fields);
            case PROMPT_TUNING -> promptTuning(fields);
            case PREFIX_TUNING -> prefixTuning(fields);
            case LORA -> throw new IllegalStateException("read before");
          };
      // PEFT sets fan_in_fan_out by the layers that it finds, and so do we.
      fields.drop("inference_mode", "peft_version", "auto_mapping", "fan_in_fan_out");
      if (!fields.unread().isEmpty()) {
        LOG.warn("{}: keys that are not known are left out: {}", fields.file(), fields.unread());
      }
      return config;
    } catch (IllegalArgumentException e) {
      throw new CheckpointFormatException(fields.file() + ": " + e.getMessage(), e);
    }
  }

  private static PeftType type(ConfigFields fields) {
    String name =
        fields
            .text(AdapterConfigKeys.PEFT_TYPE)
            .orElseThrow(
                () ->
                    new CheckpointFormatException(
                        fields.file()
                            + ": the key \"peft_type\" is missing, which names the kind of"
                            + " adapter"));
    return Arrays.stream(PeftType.values())
        .filter(known -> known.name().equals(name))
        .findFirst()
        .orElseThrow(
            () ->
                new AdapterMismatchException(
                    "%s: \"peft_type\" is \"%s\"; the kinds of adapters that are built are %s"
                        .formatted(
                            fields.file(),
                            Shortened.of(name),
                            Arrays.toString(PeftType.values()))));
  }

  private static Ia3Config ia3(ConfigFields fields) {
    return new Ia3Config(
        fields.modules("target_modules").orElseGet(TargetModules::modelDefault),
        fields.modules("exclude_modules").orElseGet(TargetModules::names),
        fields.modules("feedforward_modules").orElseGet(TargetModules::modelDefault),
        Arrays.asList(fields.names("modules_to_save")),
        fields.flag("init_ia3_weights", true),
        fields.choice(AdapterConfigKeys.TASK_TYPE, TaskType.class),
        fields.text(AdapterConfigKeys.BASE_MODEL),
        fields.text(AdapterConfigKeys.REVISION));
  }

  private static LnTuningConfig lnTuning(ConfigFields fields) {
    return new LnTuningConfig(
        fields.modules("target_modules").orElseGet(TargetModules::modelDefault),
        fields.modules("exclude_modules").orElseGet(TargetModules::names),
        Arrays.asList(fields.names("modules_to_save")),
        fields.choice(AdapterConfigKeys.TASK_TYPE, TaskType.class),
        fields.text(AdapterConfigKeys.BASE_MODEL),
        fields.text(AdapterConfigKeys.REVISION));
  }

  private static PromptTuningConfig promptTuning(ConfigFields fields) {
    PromptTuningConfig.Builder builder =
        PromptTuningConfig.builder()
            .numVirtualTokens(virtualTokens(fields))
            .promptTuningInit(
                fields
                    .choice("prompt_tuning_init", PromptTuningInit.class)
                    .orElse(PromptTuningInit.RANDOM))
            .tokenizerKwargs(fields.object("tokenizer_kwargs"))
            .shape(shape(fields))
            .modulesToSave(fields.names("modules_to_save"));
    fields.text("prompt_tuning_init_text").ifPresent(builder::promptTuningInitTextAlone);
    fields.text("tokenizer_name_or_path").ifPresent(builder::tokenizerNameOrPath);
    fields.choice(AdapterConfigKeys.TASK_TYPE, TaskType.class).ifPresent(builder::taskType);
    fields.text(AdapterConfigKeys.BASE_MODEL).ifPresent(builder::baseModelNameOrPath);
    fields.text(AdapterConfigKeys.REVISION).ifPresent(builder::revision);
    return builder.build();
  }

  private static PrefixTuningConfig prefixTuning(ConfigFields fields) {
    Optional<String> init = fields.text("init_weights");
    if (init.isPresent() && !init.get().equals("zero")) {
      fields.wrong("init_weights", "\"zero\" or null", init.get());
    }
    return new PrefixTuningConfig(
        virtualTokens(fields),
        fields.flag("prefix_projection", false),
        fields.wholeNumber("encoder_hidden_size"),
        init.isPresent(),
        shape(fields),
        Arrays.asList(fields.names("modules_to_save")),
        fields.choice(AdapterConfigKeys.TASK_TYPE, TaskType.class),
        fields.text(AdapterConfigKeys.BASE_MODEL),
        fields.text(AdapterConfigKeys.REVISION));
  }

  private static int virtualTokens(ConfigFields fields) {
    return fields
        .wholeNumber("num_virtual_tokens")
        .orElseThrow(
            () ->
                new CheckpointFormatException(
                    fields.file() + ": the key \"num_virtual_tokens\" is missing"));
  }

  private static PromptShape shape(ConfigFields fields) {
    fields
        .wholeNumber("num_transformer_submodules")
        .ifPresent(
            count -> {
              if (count != 1) {
                throw new AdapterMismatchException(
                    fields.file()
                        + ": \"num_transformer_submodules\" is "
                        + count
                        + "; decoder-only models have 1");
              }
            });
    return new PromptShape(
        fields.wholeNumber("token_dim"),
        fields.wholeNumber("num_attention_heads"),
        fields.wholeNumber("num_layers"));
  }
}
