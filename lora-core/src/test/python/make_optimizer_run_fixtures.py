#!/usr/bin/env python3
"""Writes llama/llama/train/optimizers.json: the run of make_llama_fixtures.py with other optimizers.

    python make_optimizer_run_fixtures.py ../resources/llama/llama      # torch 2.13, transformers 5.18, peft 0.21

loraplus: torch's AdamW over the groups of peft.optimizers.create_loraplus_optimizer; sgd: torch's SGD with weight decay,
as transformers makes it. From train/adapter_init over train/batches.safetensors.
"""
import json
import os
import sys

os.environ.setdefault("HF_HUB_OFFLINE", "1")
import torch
import transformers as tf
from peft import PeftModel
from peft.optimizers import create_loraplus_optimizer
from safetensors.torch import load_file

STEPS, ACCUMULATION = 12, 2
OUT = sys.argv[1]


def run(make):
    base = tf.AutoModelForCausalLM.from_pretrained(os.path.join(OUT, "base"), dtype=torch.float32, attn_implementation="eager")
    model = PeftModel.from_pretrained(base, os.path.join(OUT, "train", "adapter_init"), is_trainable=True)
    model.train()
    params = [p for p in model.parameters() if p.requires_grad]
    optimizer = make(model, params)
    schedule = tf.get_cosine_schedule_with_warmup(optimizer, 2, STEPS)
    tensors = load_file(os.path.join(OUT, "train", "batches.safetensors"))
    log = []
    for step in range(STEPS):
        micro = [tuple(tensors[f"{part}.{step * ACCUMULATION + k}"].long() for part in ("input_ids", "attention_mask", "labels"))
                 for k in range(ACCUMULATION)]
        items = sum((labels[:, 1:] != -100).sum() for _, _, labels in micro)
        loss = 0.0
        for ids, mask, labels in micro:
            part = model(input_ids=ids, attention_mask=mask, labels=labels, num_items_in_batch=items).loss
            part.backward()
            loss += part.item()
        norm = torch.nn.utils.clip_grad_norm_(params, 0.3)
        optimizer.step(), schedule.step(), optimizer.zero_grad()
        log.append({"loss": loss, "grad_norm": float(norm)})
    return log


json.dump({
    "loraplus": run(lambda model, params: create_loraplus_optimizer(
        model, torch.optim.AdamW, lr=1e-3, loraplus_lr_ratio=16, loraplus_weight_decay=0.01)),
    "sgd": run(lambda model, params: torch.optim.SGD(params, lr=0.5, weight_decay=0.01)),
}, open(os.path.join(OUT, "train", "optimizers.json"), "w"), indent=1)
