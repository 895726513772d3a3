#!/usr/bin/env python3
"""Writes the committed parity case of each family for FamilyParityTest.

    python make_family_fixtures.py ../resources/families [--cases llama,qwen2]

What a case holds is told in family_cases.py. Here weights are left out: weights.json lists the tensors of each file with
their shapes, and the test makes the numbers from the names. The batches are the same for all and stand beside the cases, as
does versions.json. Variants have a base only. Merged adapters are compared here and not written: the test expects the same
of them as of adapters beside their base.
"""
import argparse
import json
import os
import shutil
import tempfile

from peft import LoraConfig
from safetensors.torch import load_file, save_file

import family_cases
from family_cases import FAMILIES, SMALL, CaseMaker, all_cases, names_and_shapes, versions

FILES = {"base": "model", "seqcls": "model", "train": "adapter_model"}
MARGIN = 1e-3
SAME = 1e-5


def with_clear_winners(case, folder):
    """The case of the first seed whose greedy tokens win by more than rounding could change."""
    for seed in range(1, 50):
        shutil.rmtree(folder, ignore_errors=True)
        maker = CaseMaker(case, folder, SMALL, seed, more=False)
        maker.make(("seqcls", "adapters", "train") if case in FAMILIES else ())
        if maker.expected["greedy.margin"].item() > MARGIN:
            return maker
    raise SystemExit(f"{case}: every seed gives tokens that win by less than {MARGIN}")


def without_defaults(adapter_config):
    defaults = LoraConfig().to_dict()
    always = ("peft_type", "task_type", "r", "lora_alpha", "target_modules")
    # PEFT writes sets as lists in any order.
    kept = {k: v for k, v in adapter_config.items()
            if k in always or v and k in defaults and v != getattr(defaults[k], "value", defaults[k])}
    kept = {k: sorted(v) if k.startswith("target_") and isinstance(v, list) else v for k, v in kept.items()}
    return {k: v for k, v in kept.items() if k not in ("base_model_name_or_path", "peft_version")}


def write_json(value, *path):
    os.makedirs(os.path.dirname(os.path.join(*path)), exist_ok=True)
    with open(os.path.join(*path), "w") as file:
        json.dump(value, file, separators=(",", ":"))
        file.write("\n")


def write_lines(value, *path):
    """An object with a line for each entry."""
    with open(os.path.join(*path), "w") as file:
        lines = [f"{json.dumps(k)}:{json.dumps(v, separators=(',', ':'))}" for k, v in value.items()]
        file.write("{\n" + ",\n".join(lines) + "\n}\n")


def read_json(*path):
    with open(os.path.join(*path)) as file:
        return json.load(file)


def compress(folder, out):
    """Copies a case without its weights."""
    weights = {}
    for part in sorted(os.listdir(folder)):
        if part == "adapters":
            for kind in sorted(os.listdir(os.path.join(folder, part))):
                copy_part(folder, out, f"adapters/{kind}", weights)
        elif part in ("base", "old", "seqcls", "train"):
            copy_part(folder, out, part, weights)
    write_lines(weights, out, "weights.json")
    write_lines(read_json(folder, "case.json"), out, "case.json")
    expected = load_file(os.path.join(folder, "expected.safetensors"))
    for name in [name for name in expected if name.endswith(".merged")]:
        beside, merged = expected[name.removesuffix(".merged") + ".logits"], expected.pop(name)
        if (beside - merged).abs().max() > SAME * beside.abs().max():
            raise SystemExit(f"{folder}: {name} differs from the adapter beside its base")
    del expected["greedy.margin"]
    save_file(expected, os.path.join(out, "expected.safetensors"))


def copy_part(folder, out, part, weights):
    for name in ("config.json", "adapter_config.json"):
        if os.path.exists(os.path.join(folder, part, name)):
            config = read_json(folder, part, name)
            if name == "adapter_config.json":
                config = without_defaults(config)
            config.pop("transformers_version", None)
            write_json(config, out, part, name)
    for name in ("model.safetensors", "adapter_model.safetensors"):
        file = os.path.join(folder, part, name)
        if os.path.exists(file):
            weights[f"{part}/{name}"] = names_and_shapes(file)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("out")
    parser.add_argument("--cases", default=",".join(all_cases()))
    args = parser.parse_args()
    os.makedirs(args.out, exist_ok=True)
    with tempfile.TemporaryDirectory() as work:
        for case in args.cases.split(","):
            folder, out = os.path.join(work, case), os.path.join(args.out, case)
            maker = with_clear_winners(case, folder)
            shutil.rmtree(out, ignore_errors=True)
            os.makedirs(out)
            compress(folder, out)
            batches = os.path.join(folder, "batches.safetensors")
            if os.path.exists(batches):
                shutil.copy(batches, os.path.join(args.out, "batches.safetensors"))
            print(case, "seed", maker.seed, maker.left_out or "", flush=True)
    write_json(versions(), args.out, "versions.json")


if __name__ == "__main__":
    main()
