#!/usr/bin/env python3
"""Writes what PEFT computes with the settings of LoraConfig beyond plain LoRA, for AdapterKindsTest beside it.

    python make_adapter_fixtures.py ../resources/peft/adapters     # torch 2.13, transformers 5.18, peft 0.21

batch.safetensors             input_ids, attention_mask, labels of the one batch that all cases share
gpt2/                         a checkpoint; the other bases are those of make_llama_fixtures.py
<kind>/adapter/               as PEFT saves it, every weight away from its beginning
<kind>/expected.safetensors   logits, and logits.merged where PEFT can merge; a description of the base in its metadata
pair/                         adapters a/ and b/; logits with both set, with one of each in the rows, and of combinations
<kind>/steps.json             losses and gradient norms of twelve steps from there, <kind>/final.safetensors the adapter behind them
"""
import json
import math
import os
import shutil
import sys
import warnings

os.environ.setdefault("HF_HUB_OFFLINE", "1")
warnings.filterwarnings("ignore")
import torch
import transformers as tf
from peft import LoraConfig, PeftModel, get_peft_model
from peft.utils import get_peft_model_state_dict
from safetensors.torch import load_file, save_file

OUT = sys.argv[1]
LLAMAS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../resources/llama")
VOCAB = 64
GPT2 = dict(attn_pdrop=0.0, resid_pdrop=0.0, embd_pdrop=0.0, vocab_size=VOCAB, n_embd=16, n_layer=2, n_head=2, n_positions=32, bos_token_id=1, eos_token_id=2, pad_token_id=0)
Q = dict(r=4, lora_alpha=16, target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM")
UNTIED, TIED, BIASED, CONV = "llama", "llama3", "linear-mqa-bias", "gpt2"
KINDS = {
    "dora": (UNTIED, dict(Q, use_dora=True)),
    "dora-bias": (BIASED, dict(Q, use_dora=True, use_rslora=True)),
    "dora-conv": (CONV, dict(Q, target_modules=["c_attn", "c_fc"], use_dora=True, fan_in_fan_out=True)),
    "dora-embed": (UNTIED, dict(Q, target_modules=["q_proj", "embed_tokens"], use_dora=True)),
    "bias-all": (BIASED, dict(Q, bias="all")),
    "bias-all-norms": (CONV, dict(Q, target_modules=["c_attn"], bias="all", fan_in_fan_out=True)),
    "bias-lora-only": (BIASED, dict(Q, bias="lora_only")),
    "lora-bias": (BIASED, dict(Q, lora_bias=True)),
    "embed": (UNTIED, dict(Q, target_modules=["q_proj", "embed_tokens", "lm_head"])),
    "embed-tied": (TIED, dict(Q, target_modules=["q_proj", "embed_tokens"])),
    "tokens": (UNTIED, dict(Q, trainable_token_indices=[3, 7, 40])),
    "tokens-tied": (TIED, dict(Q, trainable_token_indices=[3, 7, 40])),
    "tokens-by-name": (UNTIED, dict(Q, trainable_token_indices={"embed_tokens": [3, 7], "lm_head": [5]})),
    "saved": (UNTIED, dict(Q, modules_to_save=["embed_tokens", "lm_head", "model.norm"])),
    "saved-tied": (TIED, dict(Q, modules_to_save=["embed_tokens"])),
    "saved-tied-ensured": (TIED, dict(Q, modules_to_save=["embed_tokens", "lm_head"], ensure_weight_tying=True)),
    "embed-tied-ensured": (TIED, dict(Q, target_modules=["q_proj", "embed_tokens"], ensure_weight_tying=True)),
    "replicated": (UNTIED, dict(Q, layer_replication=[[0, 2], [1, 2], [0, 1]])),
    "pissa": (UNTIED, dict(Q, init_lora_weights="pissa")),
    "olora": (UNTIED, dict(Q, init_lora_weights="olora")),
}
# Made by a generator of their own, alone with --later.
LATER = {
    "container": (UNTIED, dict(Q, modules_to_save=["mlp"])),
    "container-block": (CONV, dict(Q, target_modules=["c_attn"], modules_to_save=["h.1"], fan_in_fan_out=True)),
}
NOT_MERGED = {"replicated", "embed-tied", "embed-tied-ensured", "saved-tied", "saved-tied-ensured"}
# Not embed-tied-ensured: PEFT trains its shared numbers as two parameters, each with a part of the gradient.
TRAINED = ["dora", "bias-all", "bias-all-norms", "lora-bias", "saved", "saved-tied-ensured", "tokens-tied", "tokens-by-name", "embed",
           "dora-embed", "replicated", "pissa", *LATER]
STEPS = 12


def load(base):
    folder = os.path.join(OUT, base) if base == CONV else os.path.join(LLAMAS, base, "base")
    return tf.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()


def make_gpt2(gen):
    model = tf.GPT2LMHeadModel(tf.GPT2Config(**GPT2))
    with torch.no_grad():
        for name, p in model.named_parameters():
            noise = torch.randn(p.shape, generator=gen)
            p.copy_(noise * 0.4) if p.dim() > 1 else p.add_(noise * 0.1)
    model.save_pretrained(os.path.join(OUT, CONV))
    for extra in ("generation_config.json",):
        os.remove(os.path.join(OUT, CONV, extra))


def randomise(model, gen, size=0.15):
    with torch.no_grad():
        for name, p in model.named_parameters():
            if p.requires_grad:
                p.add_(torch.randn(p.shape, generator=gen) * (0.02 if "lora_embedding" in name else size * p.abs().mean().clamp(0.3, 1)))


def logits(model, batch, **more):
    with torch.no_grad():
        return model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"], **more).logits.contiguous()


def tidy(folder):
    for name in ("README.md",):
        path = os.path.join(folder, name)
        if os.path.exists(path):
            os.remove(path)
    path = os.path.join(folder, "adapter_config.json")
    config = json.load(open(path))
    config["base_model_name_or_path"] = None
    json.dump(config, open(path, "w"), indent=2, sort_keys=True)


def train(model, batch, folder):
    model.train()
    params = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(params, lr=5e-3, weight_decay=0.0)
    steps = []
    for step in range(STEPS):
        ids = batch["input_ids"].roll(step, 1) if step % 3 else batch["input_ids"]
        labels = batch["labels"].roll(step, 1) if step % 3 else batch["labels"]
        loss = model(input_ids=ids, attention_mask=torch.ones_like(ids), labels=labels).loss
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(params, 1.0)
        optimizer.step()
        optimizer.zero_grad()
        steps.append(dict(loss=loss.item(), grad_norm=norm.item()))
    json.dump(steps, open(os.path.join(folder, "steps.json"), "w"), indent=1)
    state = {k: v.detach().clone().contiguous() for k, v in get_peft_model_state_dict(model).items()}
    save_file({k: v for k, v in state.items() if "base_layer.weight" not in k}, os.path.join(folder, "final.safetensors"))


def make(kind, base, settings, gen, batch):
    folder = os.path.join(OUT, kind)
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    torch.manual_seed(1)
    model = get_peft_model(load(base), LoraConfig(**settings))
    changed = settings.get("init_lora_weights") in ("pissa", "olora")
    if changed:
        model.peft_config["default"].init_lora_weights = True
        model.save_pretrained(os.path.join(folder, "first"))
        model.peft_config["default"].init_lora_weights = settings["init_lora_weights"]
    randomise(model, gen, 0.05 if changed else 0.15)
    model.eval()
    model.save_pretrained(os.path.join(folder, "adapter"))
    tidy(os.path.join(folder, "adapter"))
    expected = {"logits": logits(model, batch)}
    if changed:
        model.save_pretrained(os.path.join(folder, "converted"),
                              path_initial_model_for_weight_conversion=os.path.join(folder, "first"))
        shutil.rmtree(os.path.join(folder, "first"))
        tidy(os.path.join(folder, "converted"))
    if kind not in NOT_MERGED:
        model.merge_adapter()
        expected["logits.merged"] = logits(model, batch)
        model.unmerge_adapter()
    save_file(expected, os.path.join(folder, "expected.safetensors"), metadata={"base": base})
    if kind in TRAINED:
        train(model, batch, folder)


def later():
    gen = torch.Generator().manual_seed(8)
    batch = load_file(os.path.join(OUT, "batch.safetensors"))
    for kind, (base, settings) in LATER.items():
        make(kind, base, settings, gen, batch)


def main():
    gen = torch.Generator().manual_seed(7)
    os.makedirs(OUT, exist_ok=True)
    batch = {"input_ids": torch.randint(3, VOCAB, (2, 6), generator=gen)}
    batch["input_ids"][0, :3] = torch.tensor([3, 7, 40])
    batch["attention_mask"] = torch.ones_like(batch["input_ids"])
    batch["labels"] = batch["input_ids"].clone()
    batch["labels"][:, :2] = -100
    save_file(batch, os.path.join(OUT, "batch.safetensors"))
    make_gpt2(gen)
    for kind, (base, settings) in KINDS.items():
        make(kind, base, settings, gen, batch)

    folder = os.path.join(OUT, "pair")
    shutil.rmtree(folder, ignore_errors=True)
    model = get_peft_model(load(UNTIED), LoraConfig(**Q), adapter_name="a")
    model.add_adapter("b", LoraConfig(**dict(Q, lora_alpha=6, target_modules=["q_proj", "up_proj"])))
    model.base_model.set_adapter(["a", "b"])
    randomise(model, gen)
    model.eval()
    model.save_pretrained(folder)
    for name in ("a", "b"):
        tidy(os.path.join(folder, name))
    os.remove(os.path.join(folder, "README.md"))
    expected = {"both": logits(model, batch)}
    model.merge_adapter()
    expected["both.merged"] = logits(model, batch)
    model.unmerge_adapter()
    model.set_adapter("a")
    expected["rows"] = logits(model, batch, adapter_names=["b", "__base__"])
    for kind, more in {"linear": {}, "cat": {}, "svd": {}, "svd.rank": dict(svd_rank=3), "ties": dict(density=0.6),
                       "magnitude_prune_svd": dict(density=0.5)}.items():
        model.add_weighted_adapter(["a", "b"], [0.7, -0.4], "w" + kind.replace(".", "_"), combination_type=kind.split(".")[0], **more)
        model.set_adapter("w" + kind.replace(".", "_"))
        expected["weighted." + kind] = logits(model, batch)
    save_file(expected, os.path.join(folder, "expected.safetensors"), metadata={"base": UNTIED})


if "--later" not in sys.argv:
    main()
later()
