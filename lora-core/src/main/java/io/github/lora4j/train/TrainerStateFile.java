package io.github.lora4j.train;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.util.DefaultIndenter;
import com.fasterxml.jackson.core.util.DefaultPrettyPrinter;
import com.fasterxml.jackson.core.util.Separators;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.ObjectWriter;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.SerializerProvider;
import com.fasterxml.jackson.databind.module.SimpleModule;
import com.fasterxml.jackson.databind.ser.std.StdSerializer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;

/** Writes {@code trainer_state.json} with transformers' keys and layout. */
final class TrainerStateFile {

  static final String NAME = "trainer_state.json";

  private static final ObjectWriter WRITER = writer();

  private TrainerStateFile() {}

  /** Writes the file into a folder. */
  static void write(
      Path folder, TrainerState state, RunTotals totals, TrainingArguments args, StepPlan plan)
      throws IOException {
    Map<String, Object> json = new TreeMap<>();
    json.put("best_global_step", null);
    json.put("best_metric", null);
    json.put("best_model_checkpoint", null);
    json.put("epoch", state.epoch());
    json.put("eval_steps", plan.resolve(args.evalSteps().orElse(args.loggingSteps())));
    json.put("global_step", state.globalStep());
    json.put("is_hyper_param_search", false);
    json.put("is_local_process_zero", true);
    json.put("is_world_process_zero", true);
    json.put("log_history", state.logHistory().stream().map(TrainerStateFile::row).toList());
    json.put("logging_steps", plan.resolve(args.loggingSteps()));
    json.put("max_steps", state.maxSteps());
    json.put("num_input_tokens_seen", totals.inputTokens());
    json.put("num_train_epochs", state.numTrainEpochs());
    json.put("save_steps", plan.resolve(args.saveSteps()));
    json.put("stateful_callbacks", Map.of("TrainerControl", control(state)));
    json.put("total_flos", totals.floatingPointOperations());
    json.put("train_batch_size", args.perDeviceTrainBatchSize());
    json.put("trial_name", null);
    json.put("trial_params", null);
    Files.writeString(folder.resolve(NAME), render(json));
  }

  /** Sorted keys, two spaces, a newline at the end: {@code json.dumps(…, indent=2) + "\n"}. */
  static String render(Map<String, ?> json) throws IOException {
    return WRITER.writeValueAsString(json) + "\n";
  }

  private static Map<String, Object> row(LogRow row) {
    Map<String, Object> json = new TreeMap<>(row.values());
    json.put("epoch", row.epoch());
    json.put("step", row.step());
    return json;
  }

  private static Map<String, Object> control(TrainerState state) {
    Map<String, Object> args =
        Map.of(
            "should_epoch_stop", false,
            "should_evaluate", false,
            "should_log", false,
            "should_save", true,
            "should_training_stop", state.globalStep() >= state.maxSteps());
    return Map.of("args", args, "attributes", Map.of());
  }

  private static ObjectWriter writer() {
    SimpleModule numbers = new SimpleModule();
    numbers.addSerializer(Double.class, new PythonNumbers());
    DefaultIndenter indent = new DefaultIndenter("  ", "\n");
    Separators separators =
        Separators.createDefaultInstance()
            .withObjectFieldValueSpacing(Separators.Spacing.AFTER)
            .withObjectEmptySeparator("")
            .withArrayEmptySeparator("");
    DefaultPrettyPrinter printer =
        new DefaultPrettyPrinter()
            .withSeparators(separators)
            .withObjectIndenter(indent)
            .withArrayIndenter(indent);
    return new ObjectMapper()
        .registerModule(numbers)
        .enable(SerializationFeature.ORDER_MAP_ENTRIES_BY_KEYS)
        .writer(printer);
  }

  private static final class PythonNumbers extends StdSerializer<Double> {
    private static final long serialVersionUID = 1L;

    PythonNumbers() {
      super(Double.class);
    }

    @Override
    public void serialize(Double value, JsonGenerator json, SerializerProvider provider)
        throws IOException {
      json.writeNumber(PythonFloat.repr(value));
    }
  }
}
