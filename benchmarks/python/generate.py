"""Greedy generation with transformers, with the adapter beside the weights or inside them."""

import torch

import shared


def main():
    task = shared.read_task()
    model = shared.adapted_model(task)
    if task.variant == "MERGED":
        model = model.merge_and_unload()
    model.eval()
    # No token ends a text here, so that all rows grow to the end.
    model.generation_config.eos_token_id = None
    ids = torch.tensor(shared.RandomTokens(model.config.vocab_size).rows(task.batch, task.length))

    def median_ms(new_tokens):
        def generate():
            out = model.generate(
                input_ids=ids, attention_mask=torch.ones_like(ids), do_sample=False, max_new_tokens=new_tokens, pad_token_id=0
            )
            assert out.shape[1] == task.length + new_tokens

        return shared.median_ms(task.warmup, task.steps, generate)

    shared.reset_peak()
    one = median_ms(1)
    all_ms = median_ms(task.newTokens)
    shared.report(
        tokens_per_second=1000 * task.batch * task.newTokens / all_ms,
        prefill_ms=one,
        ms_per_token=(all_ms - one) / (task.newTokens - 1),
        peak_rss_mb=shared.peak_rss_mb(),
    )


if __name__ == "__main__":
    main()
