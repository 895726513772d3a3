#!/usr/bin/env python3
"""Compares quantized models of every family with transformers and bitsandbytes, in both directions, and prints a table.

    python check_bitsandbytes.py [--cases llama,gpt2] [--seed N]     (torch, transformers, PEFT, bitsandbytes)

Takes the configurations of lora-core's family_cases.py in a size whose rows are whole blocks (elsewhere the CPU kernel of
bitsandbytes 0.50 decodes wrongly), with random weights of this seed. bitsandbytes quantizes and saves them; BitsAndBytesParityRun
(a test of lora-quant, started by Maven) loads those, and quantizes and saves the same; transformers loads that. All in float32
and in training mode: see make_bitsandbytes_fixtures.py. A cell holds

- the largest difference of scores of what bitsandbytes saved, relative to the largest score,
- how many tensors that were quantized here differ from bitsandbytes' in a bit,
- the largest difference of scores between both libraries for what was saved here.

Exits with 1 if one is above its limit. Falcon is left out: transformers 5 quantizes none of its layers.
"""
import argparse
import logging
import os
import subprocess
import sys
import tempfile

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", "..", "..", ".."))
sys.path.insert(0, os.path.join(ROOT, "lora-core", "src", "test", "python"))
logging.disable(logging.WARNING)
import torch
from family_cases import Sizes, all_cases, family_of
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, BitsAndBytesConfig

LIMIT = 1e-5
SIZES = Sizes(vocab=96, hidden=128, layers=2, head_dim=32, intermediate=192, length=12, new_tokens=0, window=4)
FOUR = dict(load_in_4bit=True, bnb_4bit_compute_dtype=torch.float32)
KINDS = {
    "nf4": dict(bnb_4bit_quant_type="nf4", bnb_4bit_use_double_quant=True) | FOUR,
    "fp4": FOUR,
    "int8": dict(load_in_8bit=True),
}
MAVEN = ["mvn", "-q", "-B", "-pl", "lora-quant", "-am", "-Dtest=BitsAndBytesParityRun", "-DexcludedGroups=",
         "-Dsurefire.failIfNoSpecifiedTests=false", "-Dlora4j.parity.cases=CASES", "test"]


def load(folder, **more):
    return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager", **more).train()


def scores(model, ids):
    with torch.no_grad():
        return model(input_ids=ids, use_cache=False).logits.float()


def make(case, folder):
    model = AutoModelForCausalLM.from_config(all_cases()[case](SIZES))
    with torch.no_grad():
        for p in model.parameters():
            p.normal_(0, 0.1) if p.dim() >= 2 else p.add_(torch.randn(p.shape) * 0.1)
    model.to(torch.bfloat16).save_pretrained(os.path.join(folder, "base"))
    expected = {"input_ids": torch.randint(3, SIZES.vocab, (2, SIZES.length))}
    for kind, settings in KINDS.items():
        model = load(os.path.join(folder, "base"), quantization_config=BitsAndBytesConfig(**settings))
        model.save_pretrained(os.path.join(folder, kind))
        expected[kind] = scores(model, expected["input_ids"])
    save_file(expected, os.path.join(folder, "expected.safetensors"))


def difference(found, expected):
    return ((found.reshape(expected.shape) - expected).abs().max() / expected.abs().max()).item()


def differing(found, expected):
    """Tensors that one of both lacks, or that differ in a bit."""
    return sum(a not in found or a not in expected or found[a].dtype != expected[a].dtype or not torch.equal(found[a], expected[a])
               for a in found.keys() | expected.keys())


def compare(folder):
    if not os.path.exists(os.path.join(folder, "ours.safetensors")):
        return ["refused"] * len(KINDS), True
    expected, ours = (load_file(os.path.join(folder, name)) for name in ("expected.safetensors", "ours.safetensors"))
    cells, fine = [], True
    for kind in KINDS:
        theirs, saved = os.path.join(folder, kind), os.path.join(folder, "ours-" + kind)
        there = difference(ours["loaded." + kind], expected[kind])
        bits = differing(*(load_file(os.path.join(at, "model.safetensors")) for at in (saved, theirs)))
        back = difference(ours["quantized." + kind], scores(load(saved), expected["input_ids"]))
        fine &= there <= LIMIT and bits == 0 and back <= LIMIT
        cells.append(f"{there:.0e}, {bits or 'equal'}, {back:.0e}")
    return cells, fine


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--cases", type=lambda names: names.split(","),
                        default=[case for case in all_cases() if family_of(case) != "falcon"])
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--run", default=MAVEN, type=str.split,
                        help="a command in place of Maven's that runs BitsAndBytesParityRun; CASES stands for the folder")
    args = parser.parse_args()
    torch.manual_seed(args.seed)
    with tempfile.TemporaryDirectory() as cases:
        for case in args.cases:
            make(case, os.path.join(cases, case))
        command = [part.replace("CASES", cases) for part in args.run]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(f"{' '.join(command)} failed:\n{done.stdout[-6000:]}{done.stderr[-3000:]}")
        print("| case | " + " | ".join(KINDS) + " |\n|---|" + "---|" * len(KINDS))
        all_fine = True
        for case in args.cases:
            cells, fine = compare(os.path.join(cases, case))
            print(f"| {case} | " + " | ".join(cells) + (" |" if fine else " | **too much**"), flush=True)
            all_fine &= fine
    sys.exit(0 if all_fine else 1)


if __name__ == "__main__":
    main()
