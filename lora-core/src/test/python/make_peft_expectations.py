"""Asks PEFT what it would adapt, match, shorten and write, and stores the answers for PeftExpectationsTest.

    python make_peft_expectations.py ../resources/peft

Written with peft 0.21.0, torch 2.10 and transformers 5. No weights are made: everything is on the meta device.
"""

import itertools
import json
import random
import re
import sys
import warnings
from pathlib import Path

import torch
from peft import LoraConfig, get_peft_model
from peft.tuners.tuners_utils import _find_minimal_target_modules
from torch import nn
from transformers import LlamaConfig, LlamaForCausalLM

warnings.simplefilter("ignore")


def llama(layers):
    sizes = dict(vocab_size=32, hidden_size=8, intermediate_size=16, num_attention_heads=2, num_key_value_heads=1)
    return LlamaForCausalLM(LlamaConfig(num_hidden_layers=layers, tie_word_embeddings=False, **sizes))


def tree(names):
    """A module tree whose leaves are linear, but for names that end in `norm` or `embed`."""
    root = nn.Module()
    for name in names:
        parent = root
        *path, leaf = name.split(".")
        for part in path:
            if part not in parent._modules:
                parent.add_module(part, nn.Module())
            parent = parent._modules[part]
        made = nn.LayerNorm(4) if leaf.endswith("norm") else nn.Embedding(4, 4) if leaf.endswith("embed") else nn.Linear(4, 4)
        parent.add_module(leaf, made)
    return root


def modules(model):
    head = model.get_output_embeddings() if hasattr(model, "get_output_embeddings") else None
    out = []
    for name, module in model.named_modules():
        if any(True for _ in module.children()) or not name:
            continue
        kind = (
            "OUTPUT_HEAD" if module is head
            else "LINEAR" if isinstance(module, nn.Linear)
            else "EMBEDDING" if isinstance(module, nn.Embedding)
            else "OTHER"
        )
        out.append([name, kind])
    return out


def ask(build, config):
    """`[[r, scaling, [indices of the modules]], ...]` and what is saved as target_modules, or the error."""
    try:
        lora = LoraConfig(**config)
        with torch.device("meta"):
            base = build()
            names = [name for name, _ in modules(base)]
            adapted = get_peft_model(base, lora)
    except Exception as e:
        return {"error": type(e).__name__}
    found = {
        name.removeprefix("base_model.model."): module
        for name, module in adapted.named_modules()
        if hasattr(module, "lora_A")
    }
    saved = adapted.peft_config["default"].target_modules
    groups = {}
    for i, name in enumerate(names):
        if name in found:
            groups.setdefault((found[name].r["default"], found[name].scaling["default"]), []).append(i)
    return {
        "targets": [[r, scaling, indices] for (r, scaling), indices in groups.items()],
        "saved": saved if isinstance(saved, str) else sorted(saved),
    }


HAND_WRITTEN = [
    {},
    {"r": 4, "lora_alpha": 16, "target_modules": ["q_proj", "v_proj"]},
    {"target_modules": ["q_proj", "v_prj"]},
    {"target_modules": ["proj"]},
    {"target_modules": ["self_attn"]},
    {"target_modules": ["mlp.down_proj", "self_attn.q_proj"]},
    {"target_modules": ["model.layers.0.self_attn.q_proj", "layers.1.mlp.up_proj"]},
    {"target_modules": ["lm_head", "q_proj"]},
    {"target_modules": ["embed_tokens"]},
    {"target_modules": ["norm"]},
    {"target_modules": ["Q_PROJ"]},
    {"target_modules": "all-linear"},
    {"target_modules": "ALL-Linear", "use_rslora": True, "r": 7},
    {"target_modules": "all-linear", "exclude_modules": ["lm_head", "down_proj"]},
    {"target_modules": "all-linear", "exclude_modules": r".*\.mlp\..*"},
    {"target_modules": "all-linear", "exclude_modules": r"mlp"},
    {"target_modules": "all-linear", "exclude_modules": ["layers.1.self_attn.q_proj"]},
    {"target_modules": ["q_proj"], "exclude_modules": ["q_proj"]},
    {"target_modules": ["q_proj"], "exclude_modules": ".*"},
    {"target_modules": r".*\.(q|k)_proj"},
    {"target_modules": r"q_proj"},
    {"target_modules": r".*\.layers\.\d+\..*_proj$"},
    {"target_modules": r"model\.layers\.(?P<layer_no>[02])\.self_attn\.(?:q|v)_proj"},
    {"target_modules": r"(?i).*Q_PROJ\Z"},
    {"target_modules": r".*"},
    {"target_modules": r".*[qk"},
    {"target_modules": r".*\.self_attn\.\w{1,1}_proj", "exclude_modules": ["o_proj"]},
    {"target_modules": ["q_proj"], "layers_to_transform": 1},
    {"target_modules": ["q_proj"], "layers_to_transform": [0, 2]},
    {"target_modules": ["q_proj"], "layers_to_transform": []},
    {"target_modules": ["q_proj"], "layers_to_transform": [99]},
    {"target_modules": ["q_proj"], "layers_to_transform": [1], "layers_pattern": "layers"},
    {"target_modules": ["q_proj"], "layers_to_transform": [1], "layers_pattern": ["h", "layers"]},
    {"target_modules": ["q_proj"], "layers_to_transform": [1], "layers_pattern": "blocks"},
    {"target_modules": ["q_proj"], "layers_to_transform": [1], "layers_pattern": ""},
    {"target_modules": ["q_proj"], "layers_to_transform": [1], "layers_pattern": "model.layers"},
    {"target_modules": ["q_proj"], "layers_to_transform": [1], "layers_pattern": "(?:h|layers)"},
    {"target_modules": ["q_proj"], "layers_to_transform": [1], "layers_pattern": "h|model.layers"},
    {"target_modules": ["model.layers.0.self_attn.q_proj", "v_proj"], "layers_to_transform": [1]},
    {"target_modules": ["lm_head", "v_proj"], "layers_to_transform": [1]},
    {"target_modules": ["q_proj"], "layers_pattern": "layers"},
    {"target_modules": r".*q_proj", "layers_to_transform": [1]},
    {"target_modules": r".*q_proj", "layers_to_transform": [1], "layers_pattern": "layers"},
    {"target_modules": "all-linear", "layers_to_transform": [1]},
    {"layers_to_transform": [1]},
    {"target_modules": ["q_proj", "v_proj"], "rank_pattern": {"q_proj": 2}, "alpha_pattern": {"v_proj": 32}},
    {"target_modules": ["q_proj"], "rank_pattern": {"q_proj": 2, "layers.0.self_attn.q_proj": 3}},
    {"target_modules": ["q_proj"], "rank_pattern": {"layers.0.self_attn.q_proj": 3, "q_proj": 2}},
    {"target_modules": ["q_proj"], "rank_pattern": {"^model.layers.0.self_attn.q_proj": 3, "q_proj": 2}},
    {"target_modules": ["q_proj"], "rank_pattern": {"^layers.0.self_attn.q_proj": 3}},
    {"target_modules": ["q_proj"], "rank_pattern": {"^q_proj": 3, "_proj": 4, "proj": 5}},
    {"target_modules": ["q_proj", "k_proj"], "rank_pattern": {"(q|k)_proj": 3, "k_proj": 4}},
    {"target_modules": ["q_proj", "k_proj"], "rank_pattern": {"q_proj|k_proj": 3}},
    {"target_modules": ["q_proj", "k_proj"], "rank_pattern": {r".*\.0\..*": 3, r"layers\.[12]\..*k_proj": 4}},
    {"target_modules": ["q_proj"], "rank_pattern": {"q_proj$": 3}, "alpha_pattern": {"q_pro": 5}},
    {"target_modules": ["q_proj"], "rank_pattern": {"q_proj)|(x": 3}},
    {"target_modules": ["q_proj"], "rank_pattern": {"(?i)Q_PROJ": 3}},
    {"target_modules": ["q_proj"], "rank_pattern": {"(?i:Q_PROJ)": 3}},
    {"target_modules": ["q_proj"], "rank_pattern": {"[q_proj": 3}},
    {"target_modules": ["q_proj"], "alpha_pattern": {"q_proj": 4}, "use_rslora": True, "r": 5, "lora_alpha": 3},
    {"target_modules": ["q_proj"], "rank_pattern": {"q_proj": 0}},
    {"target_modules": ["q_proj"], "r": 0},
    {"target_modules": ["q_proj"], "lora_dropout": 1.5},
    {"target_modules": ["q_proj"], "lora_alpha": 2.5},
    {"target_modules": []},
    {"target_modules": ["q_proj"], "task_type": "CAUSAL"},
]


def random_names(rng):
    names = set()
    lists = rng.choice([["layers"], ["h"], ["model.layers"], ["encoder.block", "decoder.block"], ["layers", "x.layers"]])
    leaves = rng.sample(["q", "k_proj", "v_proj", "q_proj", "attn.q_proj", "attn.norm", "mlp.w.1", "experts.0.w1", "experts.1.w1", "up"], 4)
    for stack, layer in itertools.product(lists, rng.choice([[0, 1, 2], [0, 1, 10, 11], [1]])):
        names.update(f"{stack}.{layer}.{leaf}" for leaf in leaves)
    names.update(rng.sample(["tok_embed", "final_norm", "head", "q_proj", "proj.q_proj"], 2))
    return sorted(n for n in names if not any(other.startswith(n + ".") for other in names))


def random_config(rng, names):
    leaf = lambda: rng.choice(names)

    def name():
        parts = leaf().split(".")
        return ".".join(parts[-rng.choice([1, 1, 1, 2, 3, len(parts)]):])

    def pattern():
        return rng.choice([
            lambda: name(),
            lambda: "^" + leaf(),
            lambda: re.escape(name()),
            lambda: ".*" + name(),
            lambda: r".*\." + str(rng.choice([0, 1, 10])) + r"\..*",
            lambda: "(" + name() + "|" + name() + ")",
            lambda: r"[^.]*\.\d\..*",
            lambda: r".*\.(?P<a>\w)\w*_proj",
        ])()

    config = {"r": rng.randint(1, 9), "lora_alpha": rng.randint(1, 40)}
    kind = rng.random()
    config["target_modules"] = (
        "all-linear" if kind < 0.15
        else pattern() if kind < 0.35
        else leaf_list(rng, names) if kind < 0.5
        else [name() for _ in range(rng.randint(1, 4))]
    )
    if rng.random() < 0.4:
        config["exclude_modules"] = pattern() if rng.random() < 0.4 else [name() for _ in range(rng.randint(1, 2))]
    if isinstance(config["target_modules"], list) and rng.random() < 0.5:
        config["layers_to_transform"] = rng.choice([0, 1, [1], [0, 2], [10, 11], [0, 1]])
        if rng.random() < 0.6:
            config["layers_pattern"] = rng.choice(["layers", "h", "block", ["h", "layers"], "x.layers", "(h|layers)", "experts"])
    for field in ("rank_pattern", "alpha_pattern"):
        if rng.random() < 0.5:
            config[field] = {pattern(): rng.randint(1, 60) for _ in range(rng.randint(1, 3))}
    if rng.random() < 0.3:
        config["use_rslora"] = True
    return config


def leaf_list(rng, names):
    return rng.sample(names, rng.randint(1, len(names)))


def matching():
    models = []
    for build, configs in (
        (lambda: llama(3), HAND_WRITTEN),
        (lambda: llama(1), [{"target_modules": "all-linear"}, {"target_modules": ["q_proj"], "layers_to_transform": 0}]),
    ):
        with torch.device("meta"):
            named = modules(build())
        models.append({"modules": named, "cases": [{"config": c, **ask(build, c)} for c in configs]})
    rng = random.Random(20)
    for _ in range(10):
        names = random_names(rng)
        build = lambda: tree(names)
        configs = [random_config(rng, names) for _ in range(13)]
        models.append({"modules": modules(build()), "cases": [{"config": c, **ask(build, c)} for c in configs]})
    return models


REGEX_TEXTS = ["a.b", "model.layers.0.q_proj", "q_proj", "a{b}", "[x]&&y", "aa", "ab\n", "A", "x]", "-", "aba", "é", "a b", "\v", "{", "a{,2}"]
REGEXES = [
    r"a.b", r"a\.b", r".*q_proj", r"(?P<n_1>a)b(?P=n_1)", r"(a)b\1", r"a\Z", r"ab$", r"ab\Z", r"\Aab", r"a{b}", r"a{2}", r"a{,2}", r"a{1,}",
    r"a{ 2}", r"{", r"a{}", r"a{,}", r"[[x]]&&y", r"[]x]+", r"[^]x]+", r"[a&&b]+", r"[\[x\]&y]+", r"[\w.]+", r"[\b]", r"\v", r"[\v]", r"\h", r"\Qa\E", r"\R",
    r"a++", r"(?>a|aa)", r"(?i)a", r"a(?i)", r"(?i:a)", r"(?-i:a)", r"(?s)ab.", r"(?m)ab$", r"(?x)a  b # no", r"(?a)\w", r"\w", r"(?u)\w", r"(?L)a",
    r"(?#note)a", r"(?#note", r"(?<n>a)", r"(?<=a)b", r"(?P<n>a)(?P<n>b)", r"(?P<1>a)", r"(?P=n)", r"(", r")", r"*a", r"a**", r"\x61", r"\x6", r"\u0061", r"\U00000061",
    r"\060", r"\0", r"a|b", r"", r"\-", r"[a-]", r"[z-a]", r"\q", r"é", r"\é", r"a\ b", r"a(?=\.)..", r"(?!a).*", "a\\", r"[", r"[a", r"\p{L}", r"[[:alpha:]]",
    r"(?P<idx>a)", r"a?", r"a??", r"a*?", r"(?:a)?+", r"\d", r"\S+", r"\D", r".*(?P<é>a)",
]


def regexes():
    def answer(pattern, match):
        try:
            compiled = re.compile(pattern)
        except (re.error, ValueError, OverflowError):
            return "error"
        return "".join("1" if match(compiled, text) else "0" for text in REGEX_TEXTS)

    return {
        "texts": REGEX_TEXTS,
        "patterns": [
            [p, answer(p, lambda c, t: c.fullmatch(t)), answer(p, lambda c, t: c.match(t))] for p in dict.fromkeys(REGEXES)
        ],
    }


def shortened():
    rng = random.Random(21)
    cases = []
    for _ in range(40):
        names = sorted({".".join(rng.choice("abx01") for _ in range(rng.randint(1, 4))) for _ in range(rng.randint(2, 14))})
        targets = rng.sample(names, rng.randint(1, len(names)))
        others = [n for n in names if n not in targets]
        cases.append([sorted(targets), others, sorted(_find_minimal_target_modules(targets, others))])
    return cases


def texts():
    values = [
        0.0, -0.0, 0.05, 1.0, 16.0, 1e-4, 1e-5, 0.00001234, 123456789.125, 1e15, 1e16, 1.5e16, 1e22, 1e23, 5e-324, 2**-44, 2.0**-1074 * 3, 1.7976931348623157e308,
        0.1 + 0.2, 1 / 3, 9007199254740993.0, 100.0, 2.2250738585072014e-308,
        3, -1, 2**70, True, False, None, "", "plain", 'quo"te\\', "tab\t nl\n \x00 \x1f \x7f é 漢 \U0001f600 \u2028 /", [], {}, [[]], [1, [2, {"a": []}]], {"b": 1, "a": {"c": None}},
    ]
    rng = random.Random(22)
    values += [rng.random() * 10.0 ** rng.randint(-25, 25) for _ in range(40)]
    return [[value, json.dumps(value, indent=2)] for value in values]


def saved_configs(out):
    """One file with every field that is built, and one with the defaults; one name only, as PEFT's sets have no order."""
    full = LoraConfig(
        task_type="CAUSAL_LM", r=5, lora_alpha=12.5, lora_dropout=1e-05, use_rslora=True, init_lora_weights="gaussian",
        target_modules=["q_proj"], exclude_modules=["layers.0.self_attn.q_proj"], layers_to_transform=[0, 2],
        layers_pattern=["layers"], rank_pattern={"^a": 3, "b.*é\\.": 4}, alpha_pattern={"a": 3, "b": 0.5},
        base_model_name_or_path="org/modèle \"x\"", revision="main", inference_mode=True,
    )
    bare = LoraConfig(target_modules=".*q_proj", inference_mode=True)
    for name, config in dict(full=full, bare=bare).items():
        config.save_pretrained(out / f"saved_{name}")


def main():
    out = Path(sys.argv[1])
    saved_configs(out)
    for name, value in dict(matching=matching(), regexes=regexes(), suffixes=shortened(), json_texts=texts()).items():
        text = json.dumps(value, separators=(",", ":"))
        # One case a line, so that a change can be read.
        text = text.replace('{"config"', '\n{"config"').replace('{"modules"', '\n{"modules"')
        (out / f"{name}.json").write_text(text + "\n")


main()
