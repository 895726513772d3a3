#!/usr/bin/env python3
"""Writes the committed cases of TunerParityTest and FullTuningTest: tuners other than LoRA, and tuning without an adapter.

    python make_tuner_fixtures.py ../resources/tuners

The bases are those of family_cases.py, whose weights follow from their names, and so are the batches of the runs: both stand in
bases/. A case is a folder:

adapter/              as PEFT writes it: adapter_config.json, adapter_model.safetensors
expected.safetensors  logits (of the batch of the base; those of virtual tokens left out), merged logits, greedy (row 0
                      and what follows), start.<tensor> (what a run begins with that no adapter file holds),
                      end.<tensor> (the adapter, or parameters of the model, at the end of a run of 12 updates)
case.json             the family and the numbers of each step

All in float32 on the CPU with eager attention and without dropout.
"""
import argparse
import json
import os
import re
import shutil
import tempfile

import torch
import transformers as tf
from peft import IA3Config, LNTuningConfig, PeftModel, PrefixTuningConfig, PromptTuningConfig, get_peft_model
from safetensors.torch import load_file, save_file
from transformers.trainer_pt_utils import get_parameter_names

from family_cases import ACCUMULATION, MAX_GRAD_NORM, SETTINGS, SMALL, STEPS, WARMUP, CaseMaker, load, logits, names_and_shapes, versions

SEED = 1
FORBIDDEN = [r"bias", r"layernorm", r"rmsnorm", r"(?:^|\.)norm(?:$|\.)", r"_norm(?:$|\.)"]  # transformers.Trainer's
TUNERS = {
    "ia3-llama": ("llama", IA3Config()),
    "ia3-regex": ("llama", IA3Config(target_modules=r".*\.1\..*(o|up|down)_proj", feedforward_modules=r".*\.(up|down)_proj")),
    "ia3-gpt2": ("gpt2", IA3Config()),
    "prompt-llama": ("llama", PromptTuningConfig(num_virtual_tokens=3)),
    "prompt-gpt2": ("gpt2", PromptTuningConfig(num_virtual_tokens=2)),
    "prompt-gemma": ("gemma3_text", PromptTuningConfig(num_virtual_tokens=5)),
    "prefix-llama": ("llama", PrefixTuningConfig(num_virtual_tokens=3)),
    "prefix-projection": ("llama", PrefixTuningConfig(num_virtual_tokens=3, prefix_projection=True, encoder_hidden_size=12)),
    "prefix-gpt2": ("gpt2", PrefixTuningConfig(num_virtual_tokens=2)),
    "prefix-gemma": ("gemma3_text", PrefixTuningConfig(num_virtual_tokens=5)),
    "ln-llama": ("llama", LNTuningConfig()),
    "ln-gpt2": ("gpt2", LNTuningConfig()),
}
WHOLE = {
    "whole-llama": ("llama", ""),
    "whole-gpt2": ("gpt2", ""),  # tied
    "last-llama": ("llama", r"model\.layers\.1\.|model\.norm|lm_head"),
}


def base_folder(family, out, work):
    """A base of its own, whose weights follow from their names; all but the weights is written."""
    folder = os.path.join(work, family)
    if not os.path.exists(folder):
        maker = CaseMaker(family, folder, SMALL, SEED, more=False)
        maker.base()
        written = os.path.join(out, "bases", family)
        shutil.rmtree(written, ignore_errors=True)
        os.makedirs(written)
        with open(os.path.join(folder, "base/config.json")) as file:
            config = json.load(file)
        shapes = names_and_shapes(os.path.join(folder, "base/model.safetensors"))
        write_json({"case": family, "model_type": maker.config().model_type, "seed": SEED, "layers": SMALL.layers,
                    "files": {"base/config.json": config}, "weights": {"base/model.safetensors": shapes}},
                   os.path.join(written, "case.json"))
        save_file({"input_ids": maker.ids, "attention_mask": maker.mask}, os.path.join(written, "expected.safetensors"))
        batches = {}
        for n in range(STEPS * ACCUMULATION):
            for name, tensor in zip(("input_ids", "attention_mask", "labels"), maker.micro_batch(*divmod(n, ACCUMULATION))):
                batches[f"{name}.{n}"] = tensor
        save_file(batches, os.path.join(out, "bases/batches.safetensors"))
    return os.path.join(folder, "base")


def write_json(value, file):
    with open(file, "w") as stream:
        stream.write(json.dumps(value, separators=(",", ":")) + "\n")


def batches(out):
    return load_file(os.path.join(out, "bases/batches.safetensors"))


def family_batch(family, out):
    tensors = load_file(os.path.join(out, "bases", family, "expected.safetensors"))
    return tensors["input_ids"], tensors["attention_mask"]


def run(model, data):
    """The numbers of each step of a run like the Trainer's."""
    model.train()
    decaying = get_parameter_names(model, [torch.nn.LayerNorm], FORBIDDEN)
    named = [(n, p) for n, p in model.named_parameters() if p.requires_grad]
    params = [p for _, p in named]
    decay = SETTINGS["weight_decay"]
    groups = [{"params": [p for n, p in named if n in decaying], "weight_decay": decay},
              {"params": [p for n, p in named if n not in decaying], "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW([g for g in groups if g["params"]], **SETTINGS)
    schedule = tf.get_cosine_schedule_with_warmup(optimizer, WARMUP, STEPS)
    steps = []
    for step in range(STEPS):
        micro = [{name: data[f"{name}.{step * ACCUMULATION + k}"] for name in ("input_ids", "attention_mask", "labels")}
                 for k in range(ACCUMULATION)]
        items = sum((m["labels"][:, 1:] != -100).sum() for m in micro)
        loss = 0.0
        for m in micro:
            part = model(**m, num_items_in_batch=items).loss
            part.backward()
            loss += part.item()
        norm = torch.nn.utils.clip_grad_norm_(params, MAX_GRAD_NORM)
        steps.append({"loss": loss, "grad_norm": float(norm)})
        optimizer.step(), schedule.step(), optimizer.zero_grad()
    return steps


def write(out, family, steps, expected):
    expected = {k: v.detach().clone().contiguous() for k, v in expected.items()}
    save_file(expected, os.path.join(out, "expected.safetensors"))
    lines = ",\n".join(f"{json.dumps(k)}:{json.dumps(v, separators=(',', ':'))}" for k, v in
                       {"family": family, "steps": steps}.items())
    with open(os.path.join(out, "case.json"), "w") as file:
        file.write("{\n" + lines + "\n}\n")


def tuner_case(name, out, work):
    family, config = TUNERS[name]
    root = os.path.dirname(out)
    base = base_folder(family, root, work)
    config.task_type = "CAUSAL_LM"
    torch.manual_seed(len(name))
    model = get_peft_model(load(base), config)
    for parameter_name, p in model.named_parameters():
        if p.requires_grad:
            p.data += torch.randn_like(p) * (0.05 if "transform" in parameter_name else 0.25)
    expected = {}
    if getattr(config, "prefix_projection", False):
        encoder = model.prompt_encoder["default"]
        expected |= {"start." + k: v.clone() for k, v in encoder.state_dict().items()}
    adapter = os.path.join(out, "adapter")
    model.save_pretrained(adapter)
    os.remove(os.path.join(adapter, "README.md"))
    tidy(os.path.join(adapter, "adapter_config.json"), family)
    loaded = PeftModel.from_pretrained(load(base), adapter)
    ids, mask = family_batch(family, root)
    virtual = config.num_virtual_tokens if name.startswith("prompt") else 0
    expected["logits"] = logits(loaded, ids, mask)[:, virtual:]
    with torch.no_grad():
        expected["greedy"] = loaded.generate(input_ids=ids[:1], attention_mask=mask[:1], max_new_tokens=SMALL.new_tokens,
                                             do_sample=False, pad_token_id=0, eos_token_id=None)
    if name.startswith(("ia3", "ln")):
        merged = PeftModel.from_pretrained(load(base), adapter).merge_and_unload()
        expected["merged"] = logits(merged, ids, mask)
    steps = run(model, batches(root))
    end = os.path.join(work, name + "-end")
    model.save_pretrained(end)
    expected |= {"end." + k: v for k, v in load_file(os.path.join(end, "adapter_model.safetensors")).items()}
    write(out, family, steps, expected)


def tidy(file, family):
    with open(file) as stream:
        config = json.load(stream)
    config["base_model_name_or_path"] = "bases/" + family
    for key, value in config.items():
        if isinstance(value, list):
            config[key] = sorted(value)  # sets, in any order
    with open(file, "w") as stream:
        json.dump(config, stream, indent=2, sort_keys=True)


def whole_case(name, out, work):
    family, pattern = WHOLE[name]
    root = os.path.dirname(out)
    model = load(base_folder(family, root, work))
    for parameter_name, p in model.named_parameters():
        p.requires_grad_(bool(re.match(pattern, parameter_name)))
    os.makedirs(out)
    steps = run(model, batches(root))
    kept = r"(.*\.1\.(self_attn\.q_proj|input_layernorm|ln_1|attn\.c_attn)\.|model\.embed|transformer\.wte|lm_head|.*norm\.)"
    expected = {"end." + k: v for k, v in model.named_parameters() if re.match(kept, k)}
    expected["logits"] = logits(model, *family_batch(family, root))
    write(out, family, steps, expected)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("out")
    parser.add_argument("--cases", default=",".join([*TUNERS, *WHOLE]))
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as work:
        for name in args.cases.split(","):
            out = os.path.join(args.out, name)
            shutil.rmtree(out, ignore_errors=True)
            (tuner_case if name in TUNERS else whole_case)(name, out, work)
            print(name, flush=True)
    with open(os.path.join(args.out, "versions.json"), "w") as file:
        file.write(json.dumps(versions()) + "\n")


if __name__ == "__main__":
    main()
