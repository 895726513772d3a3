#!/usr/bin/env python3
"""Writes the committed parity case of each family for FamilyParityTest.

    python make_family_fixtures.py ../resources/families [--cases llama,qwen2]

What a case holds is told in family_cases.py. Here all of its JSON stands in case.json under "files", and weights are left
out: under "weights" are the tensors of each file with their shapes, a * standing for the number of every layer, and the test
makes the numbers from the names. The batches are the same for all and stand beside the cases, as does versions.json. Variants
have a base only. Merged adapters are compared here and not written: the test expects the same of them as of adapters beside
their base.
"""
import argparse
import json
import os
import re
import shutil
import tempfile

from peft import LoraConfig
from safetensors.torch import load_file, save_file

from family_cases import FAMILIES, SMALL, CaseMaker, all_cases, names_and_shapes, versions

MARGIN = 1e-3
SAME = 1e-5
LAYER = re.compile(r"\.\d+\.")


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


def compact(value):
    return json.dumps(value, separators=(",", ":"))


def write_case(case, path):
    """An object with a line for each entry, and for each entry of those that hold many."""
    lines = []
    for key, value in case.items():
        if key in ("files", "weights") and value:
            lines.append(f"{compact(key)}:{{\n" + ",\n".join(f" {compact(k)}:{compact(v)}" for k, v in value.items()) + "\n}")
        else:
            lines.append(f"{compact(key)}:{compact(value)}")
    with open(path, "w") as file:
        file.write("{\n" + ",\n".join(lines) + "\n}\n")


def read_json(*path):
    with open(os.path.join(*path)) as file:
        return json.load(file)


def by_layer(shapes):
    """The same with one entry for tensors that every layer has in one shape."""
    layers = {}
    for name, shape in shapes.items():
        layers.setdefault(LAYER.sub(".*.", name, count=1), {})[name] = shape
    patterns = {}
    for pattern, names in layers.items():
        same = len(names) == SMALL.layers and len({tuple(shape) for shape in names.values()}) == 1
        patterns |= {pattern: next(iter(names.values()))} if same else names
    return patterns


def compress(folder, out):
    """Copies a case without its weights."""
    case = read_json(folder, "case.json")
    case["steps"] = [{k: float(f"{v:.7g}") for k, v in step.items()} for step in case["steps"]]
    case["layers"], case["files"], case["weights"] = SMALL.layers, {}, {}
    for part in sorted(os.listdir(folder)):
        if part == "adapters":
            for kind in sorted(os.listdir(os.path.join(folder, part))):
                copy_part(folder, f"adapters/{kind}", case)
        elif part in ("base", "old", "seqcls", "train"):
            copy_part(folder, part, case)
    write_case(case, os.path.join(out, "case.json"))
    expected = load_file(os.path.join(folder, "expected.safetensors"))
    for name in [name for name in expected if name.endswith(".merged")]:
        beside, merged = expected[name.removesuffix(".merged") + ".logits"], expected.pop(name)
        if (beside - merged).abs().max() > SAME * beside.abs().max():
            raise SystemExit(f"{folder}: {name} differs from the adapter beside its base")
    del expected["greedy.margin"]
    save_file(expected, os.path.join(out, "expected.safetensors"))


def copy_part(folder, part, case):
    for name in ("config.json", "adapter_config.json"):
        if os.path.exists(os.path.join(folder, part, name)):
            config = read_json(folder, part, name)
            if name == "adapter_config.json":
                config = without_defaults(config)
            config.pop("transformers_version", None)
            case["files"][f"{part}/{name}"] = config
    for name in ("model.safetensors", "adapter_model.safetensors"):
        file = os.path.join(folder, part, name)
        if os.path.exists(file):
            case["weights"][f"{part}/{name}"] = by_layer(names_and_shapes(file))


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
    with open(os.path.join(args.out, "versions.json"), "w") as file:
        file.write(compact(versions()) + "\n")


if __name__ == "__main__":
    main()
