"""Loading a base in 4 bits and training an adapter on it, in a plain PyTorch loop. Needs bitsandbytes."""

import time

import torch
from peft import LoraConfig, get_peft_model, prepare_model_for_kbit_training
from transformers import AutoModelForCausalLM, BitsAndBytesConfig
from transformers.utils import logging as transformers_logging

import shared


def load(task):
    dtype = getattr(torch, task.dtype)
    config = BitsAndBytesConfig(
        load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_use_double_quant=True, bnb_4bit_compute_dtype=dtype
    )
    return AutoModelForCausalLM.from_pretrained(task.model, dtype=dtype, quantization_config=config)


def adapted(task, base):
    checkpointing = task.variant == "CKPT"
    base = prepare_model_for_kbit_training(
        base,
        use_gradient_checkpointing=checkpointing,
        gradient_checkpointing_kwargs={"use_reentrant": False} if checkpointing else None,
    )
    config = LoraConfig(
        task_type="CAUSAL_LM", r=task.r, lora_alpha=task.alpha, target_modules=task.targets, lora_dropout=0.0
    )
    return get_peft_model(base, config).train()


def main():
    task = shared.read_task()
    transformers_logging.disable_progress_bar()
    shared.reset_peak()
    before = shared.resident_mb()
    start = time.perf_counter()
    base = load(task)
    load_s = time.perf_counter() - start
    peak, loaded = shared.peak_rss_mb(), shared.resident_mb()
    model = adapted(task, base)
    ids = torch.tensor(shared.RandomTokens(model.config.vocab_size).rows(task.batch, task.length))
    losses = []

    def step():
        loss = model(input_ids=ids, labels=ids, use_cache=False).loss
        loss.backward()
        model.zero_grad(set_to_none=True)
        losses.append(float(loss.detach()))

    shared.reset_peak()
    step_ms = shared.median_ms(task.warmup, task.steps, step)
    shared.report(
        tokens_per_second=1000 * ids.numel() / step_ms,
        load_s=load_s,
        load_peak_mb=peak and peak - before,
        loaded_mb=loaded and loaded - before,
        peak_rss_mb=shared.peak_rss_mb(),
        first_loss=losses[0],
    )


if __name__ == "__main__":
    main()
