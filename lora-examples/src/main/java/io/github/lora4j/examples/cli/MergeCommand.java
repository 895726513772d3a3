package io.github.lora4j.examples.cli;

import io.github.lora4j.error.LoraException;
import io.github.lora4j.io.hub.HubOptions;
import io.github.lora4j.io.hub.ModelHub;
import io.github.lora4j.model.AutoModelForCausalLM;
import io.github.lora4j.model.CausalLM;
import io.github.lora4j.nn.QuantizedLinear;
import io.github.lora4j.peft.PeftModel;
import io.github.lora4j.peft.QuantizedMerge;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Makes one model of a base and an adapter. */
@Command(
    name = "merge",
    description =
        "Adds an adapter into the weights of its base and writes a complete model folder, with the"
            + " tokenizer's files, that needs neither any more.",
    footer = {"", "--json fields: output, dtype, parameters, merged_modules (their number)."})
public final class MergeCommand implements Callable<Integer> {

  @Mixin private ModelOptions model;

  @Option(
      names = "--adapter",
      required = true,
      paramLabel = "ADAPTER",
      description =
          "Adapter folder, of the command train or of PEFT, or the name of an adapter on the"
              + " Hugging Face hub.")
  private String adapter;

  @Option(
      names = "--output",
      required = true,
      paramLabel = "DIR",
      description = "Folder for the model; made where it is missing, files in it replaced.")
  private Path output;

  @Option(
      names = "--quantized",
      paramLabel = "dequantize|requantize",
      description =
          "What becomes of a quantized base: a dense model in the dtype of the rest, or one that is"
              + " quantized again, which rounds what was learnt. Default: an error.")
  private Optional<Choice> quantized = Optional.empty();

  @Mixin private CommonOptions common;

  /** How a quantized base is merged into. */
  enum Choice {
    dequantize,
    requantize
  }

  /** For picocli, which makes the instance. */
  public MergeCommand() {}

  @Override
  public Integer call() {
    Path adapterDir = ModelHub.resolveAdapter(adapter, HubOptions.defaults());
    Folders.prepareOutput(output, model.dir(), adapterDir);
    try (CausalLM base = AutoModelForCausalLM.fromPretrained(model.dir(), model.loadOptions());
        PeftModel<CausalLM> peft = PeftModel.fromPretrained(base, adapterDir);
        CausalLM merged = merged(peft)) {
      merged.savePretrained(output);
      int modules = peft.targetedModuleNames().size();
      Map<String, Object> fields = new LinkedHashMap<>();
      fields.put("output", output.toString());
      fields.put("dtype", merged.dtype().torchName());
      fields.put("parameters", merged.parameterCount());
      fields.put("merged_modules", modules);
      common.print(
          fields,
          List.of(
              String.format(
                  Locale.ROOT, "%s with %,d merged layers saved to %s", merged, modules, output)));
    }
    return 0;
  }

  private CausalLM merged(PeftModel<CausalLM> peft) {
    if (quantized.isEmpty()) {
      if (peft.baseModel().linearLayers().stream().anyMatch(QuantizedLinear.class::isInstance)) {
        throw new LoraException(
            "the base is quantized: --quantized dequantize makes a dense model of it, --quantized"
                + " requantize rounds what was learnt to its bits; or merge into the unquantized"
                + " checkpoint that it came from");
      }
      return peft.mergeAndUnload();
    }
    return peft.mergeAndUnload(
        quantized.get() == Choice.dequantize
            ? QuantizedMerge.dequantize()
            : QuantizedMerge.requantize());
  }
}
