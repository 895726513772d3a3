#!/usr/bin/env python3
"""Checks the runnable jar against transformers and PEFT, on fresh random cases and on a real model.

    python check_against_peft.py lora-examples/target/lora-examples.jar MODEL_DIR [--seed N] [--java PATH]

Random cases: a base and a classifier of each family; adapters of every kind that LoRA4J builds, made by
PEFT: the command `logits` with and without them, and the folders that the command `merge` writes, as
transformers reads them. MODEL_DIR (with a tokenizer): the command `train` makes an adapter there, which
PEFT must load with the same logits, merged too, and `generate` must continue a text as transformers does.

Prints a table; exits with 1 if a difference is above its limit. Needs torch, transformers, peft.
"""
import argparse
import csv
import json
import math
import os
import subprocess
import sys
import tempfile
import warnings

os.environ.setdefault("HF_HUB_OFFLINE", "1")
warnings.filterwarnings("ignore")
import torch
import transformers
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification, AutoTokenizer

transformers.logging.set_verbosity_error()
transformers.logging.disable_progress_bar()

VOCAB = 144
SHAPE = dict(vocab_size=VOCAB, hidden_size=64, intermediate_size=112, num_hidden_layers=3, num_attention_heads=4,
             num_key_value_heads=2, max_position_embeddings=128, bos_token_id=1, eos_token_id=2, pad_token_id=0)
LLAMA3_ROPE = dict(rope_type="llama3", rope_theta=500000.0, factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
                   original_max_position_embeddings=64)
FAMILIES = {
    "llama": dict(tie_word_embeddings=False),
    "llama3": dict(tie_word_embeddings=True, rope_parameters=LLAMA3_ROPE),
}
ADAPTERS = {
    "plain": dict(r=4, lora_alpha=16, target_modules=["q_proj", "v_proj"]),
    "rslora": dict(r=8, lora_alpha=16, use_rslora=True, target_modules=["k_proj", "o_proj"]),
    "all-linear": dict(r=3, lora_alpha=5, target_modules="all-linear"),
    "regex": dict(r=4, lora_alpha=8, target_modules=r".*layers\.[02]\..*\.(q|up)_proj"),
    "patterns": dict(r=4, lora_alpha=8, target_modules=["q_proj", "v_proj", "down_proj"],
                     rank_pattern={"q_proj": 2, "layers.1.self_attn.v_proj": 6}, alpha_pattern={"down_proj": 32}),
    "layers": dict(r=4, lora_alpha=8, target_modules=["q_proj", "o_proj"], layers_to_transform=[1],
                   exclude_modules=["o_proj"]),
}
# Relative to the largest expected number. In half precision roundings fall differently in every implementation.
LIMITS = {"f32": 1e-4, "bf16": 5e-2, "f16": 1e-2}
DTYPES = {"f32": torch.float32, "bf16": torch.bfloat16, "f16": torch.float16}


class Checks:
    def __init__(self, jar, java):
        self.command = [java, "-jar", jar]
        self.failed = 0

    def run(self, *args):
        done = subprocess.run([*self.command, *map(str, args)], capture_output=True, text=True, encoding="utf-8")
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(map(str, args))}\n{done.stderr}")
        return json.loads(done.stdout) if "--json" in args else done.stdout

    def logits(self, folder, ids, mask, *args):
        inputs, outputs = os.path.join(folder, "in.safetensors"), os.path.join(folder, "out.safetensors")
        tensors = {"input_ids": ids} if mask is None else {"input_ids": ids, "attention_mask": mask}
        save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, inputs)
        self.run("logits", "--input", inputs, "--output", outputs, *args)
        return load_file(outputs)["logits"]

    def row(self, what, measured, limit, ok):
        print(f"{what:80} {measured:>12} {limit:>10} {'ok' if ok else 'DIFFERS'}", flush=True)
        self.failed += not ok

    def close(self, what, actual, expected, limit=LIMITS["f32"], where=None):
        if actual.shape != expected.shape:
            self.row(what, str(list(actual.shape)), str(list(expected.shape)), False)
            return
        if where is not None:
            actual, expected = actual[where], expected[where]
        difference = ((actual - expected).abs().max() / expected.abs().max()).item()
        self.row(what, f"{difference:.1e}", f"{limit:.0e}", difference <= limit)

    def equal(self, what, actual, expected):
        self.row(what, "equal" if actual == expected else "different", "equal", actual == expected)
        if actual != expected:
            print(f"  found    {actual!r}\n  expected {expected!r}")


def torch_logits(model, ids, mask=None):
    with torch.no_grad():
        return model.eval()(input_ids=ids, attention_mask=mask).logits.float()


def random_weights(model, gen, adapter_only=False):
    """Moves every parameter off its default, so that nothing can be left out unnoticed."""
    with torch.no_grad():
        for name, p in model.named_parameters():
            noise = torch.randn(p.shape, generator=gen)
            if adapter_only:
                if p.requires_grad:
                    p.copy_(noise * 0.2)
            elif p.dim() >= 2:
                p.copy_(noise * 0.7 / math.sqrt(16 if "embed" in name else p.shape[-1]))
            else:
                p.add_(noise * 0.15)
    return model


def batches(gen):
    ids = torch.randint(3, VOCAB, (3, 17), generator=gen)
    full, right, left = torch.ones_like(ids), torch.ones_like(ids), torch.ones_like(ids)
    right[1, 12:] = 0
    right[2, 5:] = 0
    left[0, :4] = 0
    left[2, :9] = 0
    return {"without a mask": (ids, None), "all tokens": (ids, full),
            "padded right": (ids.masked_fill(right == 0, 0), right), "padded left": (ids.masked_fill(left == 0, 0), left)}


def base_cases(checks, family, folder, gen):
    config = transformers.LlamaConfig(**SHAPE, **FAMILIES[family])
    base = os.path.join(folder, "base")
    random_weights(AutoModelForCausalLM.from_config(config), gen).save_pretrained(base)
    for padding, (ids, mask) in batches(gen).items():
        model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
        # Padding on the left looks at nothing, so what stands there is up to the implementation.
        where = mask.bool() if padding == "padded left" else None
        checks.close(f"{family}, base, {padding}", checks.logits(folder, ids, mask, "--model", base),
                     torch_logits(model, ids, mask), where=where)
    ids, mask = batches(gen)["padded right"]
    for dtype in ("bf16", "f16"):
        model = AutoModelForCausalLM.from_pretrained(base, dtype=DTYPES[dtype])
        checks.close(f"{family}, base in {dtype}", checks.logits(folder, ids, mask, "--model", base, "--dtype", dtype),
                     torch_logits(model, ids, mask), LIMITS[dtype])
    classes = os.path.join(folder, "seqcls")
    config.num_labels = 3
    classifier = random_weights(AutoModelForSequenceClassification.from_config(config), gen)
    classifier.save_pretrained(classes)
    checks.close(f"{family}, classifier, padded right",
                 checks.logits(folder, ids, mask, "--model", classes, "--head", "seqcls"), torch_logits(classifier, ids, mask))
    return base


def adapter_cases(checks, family, base, folder, gen):
    ids, mask = batches(gen)["padded right"]
    for kind, settings in ADAPTERS.items():
        adapter, merged = os.path.join(folder, kind), os.path.join(folder, kind + "-merged")
        peft = get_peft_model(AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32),
                              LoraConfig(task_type="CAUSAL_LM", **settings))
        random_weights(peft, gen, adapter_only=True).save_pretrained(adapter)
        if kind == "plain":
            half = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(base, dtype=torch.bfloat16), adapter)
            checks.close(f"{family}, {kind} in bf16", checks.logits(folder, ids, mask, "--model", base, "--adapter", adapter,
                                                                    "--dtype", "bf16"),
                         torch_logits(half, ids, mask), LIMITS["bf16"])
        compare_adapter(checks, f"{family}, {kind}", folder, base, adapter, merged, peft, ids, mask)


def compare_adapter(checks, title, folder, base, adapter, merged, peft, ids, mask):
    """An adapter beside its base and merged into it, each as both sides compute it."""
    with peft.disable_adapter():
        plain = torch_logits(peft, ids, mask)
    expected = torch_logits(peft, ids, mask)
    effect = ((expected - plain).abs().max() / plain.abs().max()).item()
    checks.row(f"{title}: the adapter matters", f"{effect:.1e}", "> 1e-3", effect > 1e-3)
    checks.close(f"{title}: logits", checks.logits(folder, ids, mask, "--model", base, "--adapter", adapter), expected)
    checks.run("merge", "--model", base, "--adapter", adapter, "--output", merged)
    expected = torch_logits(peft.merge_and_unload(), ids, mask)
    checks.close(f"{title}: merged by the jar, read by transformers",
                 torch_logits(AutoModelForCausalLM.from_pretrained(merged, dtype=torch.float32), ids, mask), expected)
    checks.close(f"{title}: merged by the jar, read by the jar", checks.logits(folder, ids, mask, "--model", merged),
                 expected)


def trained_case(checks, base, folder, title, *options):
    data = os.path.join(folder, "rows.csv")
    animals = ["cat", "dog", "bird", "frog", "bear", "mouse"]
    with open(data, "w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["name", "animal", "answer"])
        for i in range(48):
            animal = animals[i % len(animals)]
            rows.writerow([f"Tim {i}", animal, f"The {animal}, \"{animal}\", was happy."])
    adapter = os.path.join(folder, "trained")
    result = checks.run("train", "--model", base, "--data", data, "--template", "{name} had a {animal}.\\n", "--completion",
                        "answer", "--output", adapter, "--max-steps", 30, "--batch-size", 4, "--learning-rate", "1e-2",
                        "--json", *options)
    checks.row(f"{title}: updates", str(result["global_step"]), "30", result["global_step"] == 30)
    first = checks.run("evaluate", "--model", base, "--data", data, "--template", "{name} had a {animal}.\\n",
                       "--completion", "answer", "--limit", 12, "--json")
    last = checks.run("evaluate", "--model", base, "--adapter", adapter, "--data", data, "--template",
                      "{name} had a {animal}.\\n", "--completion", "answer", "--limit", 12, "--json")
    checks.row(f"{title}: loss {first['eval_loss']:.2f} to {last['eval_loss']:.2f}", f"{last['eval_loss']:.2f}",
               f"< {first['eval_loss'] / 2:.2f}", last["eval_loss"] < first["eval_loss"] / 2)
    tokenizer = AutoTokenizer.from_pretrained(base)
    ids = tokenizer("Tim 3 had a frog.\nThe frog, \"frog\", was happy.", return_tensors="pt").input_ids
    peft = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32), adapter)
    merged = os.path.join(folder, "trained-merged")
    compare_adapter(checks, title, folder, base, adapter, merged, peft, ids, None)
    checks.equal(f"{title}: the merged folder's tokenizer",
                 AutoTokenizer.from_pretrained(merged)("Tim had a frog.").input_ids, tokenizer("Tim had a frog.").input_ids)
    prompt = tokenizer("Tim 5 had a bear.\n", return_tensors="pt")
    model = AutoModelForCausalLM.from_pretrained(merged, dtype=torch.float32)
    expected = model.generate(**prompt, max_new_tokens=24, do_sample=False)[0, prompt.input_ids.shape[1]:].tolist()
    found = checks.run("generate", "--model", base, "--adapter", adapter, "--prompt", "Tim 5 had a bear.\\n",
                       "--max-new-tokens", 24, "--json")["token_ids"]
    checks.equal(f"{title}: greedy continuation", found, expected)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("jar")
    parser.add_argument("model", help="a folder with a causal language model and its tokenizer")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--java", default="java")
    args = parser.parse_args()
    checks = Checks(os.path.abspath(args.jar), args.java)
    torch.manual_seed(args.seed)
    print(f"{'case':80} {'difference':>12} {'limit':>10}")
    with tempfile.TemporaryDirectory() as work:
        for number, family in enumerate(FAMILIES):
            gen = torch.Generator().manual_seed(1000 * args.seed + number)
            folder = os.path.join(work, family)
            os.mkdir(folder)
            base = base_cases(checks, family, folder, gen)
            adapter_cases(checks, family, base, folder, gen)
        name = os.path.basename(os.path.normpath(args.model))
        for title, options in {"defaults": [], "all-linear": ["--target-modules", "all-linear", "--r", 4, "--alpha", 16,
                                                              "--rslora", "--accumulation", 2, "--dropout", 0.05]}.items():
            folder = os.path.join(work, title)
            os.mkdir(folder)
            trained_case(checks, args.model, folder, f"{name}, trained with {title}", *options)
    print(f"{checks.failed} differences" if checks.failed else "all agree")
    sys.exit(1 if checks.failed else 0)


if __name__ == "__main__":
    main()
