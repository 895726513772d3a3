#!/usr/bin/env python3
"""Writes train/schedules.json and train/adamw.json into the test resources: what transformers and torch compute.

    python make_train_fixtures.py        (made with transformers 5.18 and torch 2.13, on the CPU)
"""
import json
import os

import torch
from transformers import get_scheduler

OUT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../resources/io/github/lora4j/train")


def schedule(name, warmup, total):
    parameter = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([parameter], lr=1.0)
    scheduler = get_scheduler(name, optimizer, num_warmup_steps=warmup, num_training_steps=total)
    values = []
    for _ in range(total + 3):  # beyond the end too
        values.append(scheduler.get_last_lr()[0])
        optimizer.step()
        scheduler.step()
    return {"name": name, "warmup": warmup, "total": total, "multipliers": values}


def adamw(steps=6):
    gen = torch.Generator().manual_seed(7)
    shapes = {"model.q_proj.lora_A.weight": [3, 5], "model.q_proj.bias": [4], "model.norm.weight": [2, 2]}
    parameters = {name: torch.nn.Parameter(torch.randn(shape, generator=gen)) for name, shape in shapes.items()}
    decayed = [p for name, p in parameters.items() if "bias" not in name and "norm" not in name]
    rest = [p for name, p in parameters.items() if "bias" in name or "norm" in name]
    optimizer = torch.optim.AdamW([{"params": decayed, "weight_decay": 0.1}, {"params": rest, "weight_decay": 0.0}],
                                  lr=1.0, betas=(0.8, 0.95), eps=1e-6)
    start = {name: p.detach().flatten().tolist() for name, p in parameters.items()}
    log = []
    for step in range(steps):
        lr = 0.0 if step == 0 else 0.02 / step
        for group in optimizer.param_groups:
            group["lr"] = lr
        gradients = {name: torch.randn(shape, generator=gen) * 3 ** (step - 2) for name, shape in shapes.items()}
        if step == 3:
            gradients["model.q_proj.bias"] = None  # is passed over: its bias correction stands still
        for name, p in parameters.items():
            p.grad = None if gradients[name] is None else gradients[name].clone()
        norm = torch.nn.utils.clip_grad_norm_(parameters.values(), 2.0)
        optimizer.step()
        log.append({"learning_rate": lr, "grad_norm": float(norm),
                    "gradients": {n: None if g is None else g.flatten().tolist() for n, g in gradients.items()},
                    "parameters": {n: p.detach().flatten().tolist() for n, p in parameters.items()}})
    return {"shapes": shapes, "start": start, "steps": log}


def write(name, value):
    with open(os.path.join(OUT, name), "w") as file:
        json.dump(value, file, separators=(",", ":"))
        file.write("\n")


if __name__ == "__main__":
    write("schedules.json", [schedule(name, warmup, total)
                             for name in ("linear", "cosine", "constant", "constant_with_warmup")
                             for warmup, total in ((0, 10), (3, 17), (1, 1), (5, 5), (7, 4))])
    write("adamw.json", adamw())
