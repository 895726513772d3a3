package io.github.lora4j.benchmarks.compare;

/** What stands under the tables. */
final class Notes {

  private Notes() {}

  /** What to know about the numbers of a kind. */
  static String on(Kind kind) {
    return switch (kind) {
      case TRAIN ->
          """
          `train-<model>-<dtype>-<adapter>`: 4 rows of 256 tokens, every token supervised, AdamW, no
          clipping. `qv8`: rank 8 on q_proj and v_proj. `all16`: rank 16 on all linear layers.
          `ckpt`: gradient checkpointing.

          - tokens/s: of the whole step, training pass and optimizer.
          - forward: a pass of its own up to the loss that keeps no gradients. backward: the
            training pass less that one.
          - % of GEMM: the operations that a step can't do without, over its time, over the faster
            of both sides' products under "Limits".
          """;
      case FAMILY ->
          """
          `family-<model_type>-<dtype>`: random models of four layers of 256 features with 8,192 tokens,
          rank 16 on all linear layers, 4 rows of 256 tokens. plain: LoRA4J with every gradient left
          to libtorch (`ForwardContext.plain`). Models so small spend much of their time between
          products; they show that a family has the fast passes, not how fast large models are.
          """;
      case QLORA ->
          """
          `qlora-<model>-bf16-all16`: the linear layers in NF4 with coded scales, computed in bfloat16,
          rank 16 on all of them, 4 rows of 256 tokens, AdamW, no clipping. `f32`: what isn't quantized
          in float32, as `prepare_model_for_kbit_training` makes it. of bf16's speed: against the same
          step on the weights as they are, later in the same process. loaded: resident memory after
          loading less that before. `qlora-XL`: 1 row of 256 tokens with gradient checkpointing. The
          other side needs bitsandbytes.
          """;
      case DECODE ->
          """
          `decode-nf4`: a weight of 4096 x 4096 in NF4 with coded scales, each side as its layers do it:
          ours into memory at hand, bitsandbytes into memory that is new each time. Bytes of the codes
          and scales plus bytes written. copy: as under "Limits".
          """;
      case SFT ->
          """
          Examples of log-normal lengths (mean 120, from 8 to 512 tokens) whose last fifth is
          supervised, through our Trainer and TRL's SFTTrainer. tokens/s counts no padding. `sft`: 8
          padded examples a step. `sft-packed`: both pack the examples into rows of 512 and take 2
          rows a step.
          """;
      case CLASSIFY ->
          """
          The same lengths, 8 padded texts a step of one of four classes each, through our Trainer and
          transformers'. The head is fresh, learns together with the adapter, and each side draws its
          own. tokens/s counts no padding.
          """;
      case STARTUP ->
          """
          From the start of the process to the end of the first training step, of 1 x 32 tokens. The
          libraries and the checkpoint are in the page cache. `archive`: our JVM with
          `-XX:SharedArchiveFile`, an archive of its classes that an earlier process wrote.
          """;
      case GENERATE ->
          """
          Greedy, prompts of 64 tokens, 128 new ones. `b1`, `b8`: rows at once. The adapter
          (`all16`) stands beside the weights, or inside them in `merged`. ms per step: one more
          token for each row, without the prompt.
          """;
      case LIMITS ->
          """
          Products of matrices of 2048 x 2048, and a copy of 256 MiB (bytes read plus bytes
          written), through each side's own tensors.
          """;
    };
  }
}
