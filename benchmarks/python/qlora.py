"""Loading a base in 4 bits and training an adapter on it, then the same on the dense base. Needs bitsandbytes."""

import time

import bitsandbytes
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
    if task.variant == "FLOAT32":
        base = prepare_model_for_kbit_training(base, use_gradient_checkpointing=False)
    config = LoraConfig(
        task_type="CAUSAL_LM", r=task.r, lora_alpha=task.alpha, target_modules=task.targets, lora_dropout=0.0
    )
    model = get_peft_model(base, config)
    if task.variant == "CKPT":
        model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
    return model.train()  # for inference bitsandbytes packs the codes in another way


def bits_per_weight(model):
    layers = [module for module in model.modules() if isinstance(module, bitsandbytes.nn.Linear4bit)]
    stored = 0
    for layer in layers:
        state = layer.weight.quant_state
        stored += sum(t.nbytes for t in (layer.weight, state.absmax, state.state2.absmax))
    return 8 * stored / sum(layer.in_features * layer.out_features for layer in layers)


def steps(task, model):
    """Whole steps over one batch of full rows: the median of their milliseconds, and the first loss."""
    ids = torch.tensor(shared.RandomTokens(model.config.vocab_size).rows(task.batch, task.length))
    optimizer = shared.adamw(model)
    losses = []

    def step():
        loss = model(input_ids=ids, labels=ids, use_cache=False).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        losses.append(float(loss.detach()))

    return shared.median_ms(task.warmup, task.steps, step), losses[0]


def dense_step_ms(task):
    return steps(task, shared.adapted_model(task).train())[0]


def main():
    task = shared.read_task()
    transformers_logging.disable_progress_bar()
    shared.reset_peak()
    before = shared.resident_mb()
    start = time.perf_counter()
    base = load(task)
    load_s = time.perf_counter() - start
    peak, loaded = shared.peak_rss_mb(), shared.resident_mb()
    bits = bits_per_weight(base)
    model = adapted(task, base)
    shared.reset_peak()
    step_ms, first_loss = steps(task, model)
    training_peak = shared.peak_rss_mb()
    del base, model
    shared.report(
        tokens_per_second=1000 * task.batch * task.length / step_ms,
        over_dense=dense_step_ms(task) / step_ms if task.variant == "PLAIN" else None,
        load_s=load_s,
        load_peak_mb=peak and peak - before,
        loaded_mb=loaded and loaded - before,
        bits_per_weight=bits,
        peak_rss_mb=training_peak,
        first_loss=first_loss,
    )


if __name__ == "__main__":
    main()
