#!/usr/bin/env python3
"""Writes adapters whose files bring tables that differ from the base's, and what PEFT computes with them, for SavedTablesTest.

    python make_table_fixtures.py ../resources/peft/tables     # torch 2.13, transformers 5.18, peft 0.21

<kind>/adapter/               as PEFT saves it over a base whose embedding and head were changed before
<kind>/expected.safetensors   logits of the adapter loaded over the base as it was; the base's name in the metadata; with pair,
                              also those of both of its adapters together
"""
import json
import os
import shutil
import sys
import warnings

os.environ.setdefault("HF_HUB_OFFLINE", "1")
warnings.filterwarnings("ignore")
import torch
import transformers as tf
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file, save_file

OUT = sys.argv[1]
HERE = os.path.dirname(os.path.abspath(__file__))
LLAMAS = os.path.join(HERE, "../resources/llama")
BATCH = os.path.join(HERE, "../resources/peft/adapters/batch.safetensors")
Q = dict(r=2, lora_alpha=8, target_modules=["q_proj"], task_type="CAUSAL_LM")
TABLES = dict(Q, target_modules=["q_proj", "embed_tokens", "lm_head"])
UNTIED, TIED = "llama", "llama3"
# Settings, and PEFT's save_embedding_layers: True is what it takes by itself where the vocabulary was resized.
KINDS = {
    "targets": (UNTIED, TABLES, "auto"),
    "targets-dora": (UNTIED, dict(TABLES, use_dora=True), "auto"),
    "targets-tied": (TIED, dict(Q, target_modules=["q_proj", "embed_tokens"]), "auto"),
    "ensured": (TIED, dict(Q, target_modules=["q_proj", "embed_tokens"], ensure_weight_tying=True), "auto"),
    "untargeted": (UNTIED, Q, True),
    "untargeted-tied": (TIED, Q, True),
    "tokens": (UNTIED, dict(Q, trainable_token_indices=[3, 40]), True),
    "tokens-tied": (TIED, dict(Q, trainable_token_indices=[3, 40]), True),
    "saved": (UNTIED, dict(Q, modules_to_save=["embed_tokens", "lm_head"]), True),
    "saved-tied": (TIED, dict(Q, modules_to_save=["embed_tokens"]), True),
    "pissa-head": (UNTIED, dict(Q, target_modules=["q_proj", "lm_head"], init_lora_weights="pissa"), "auto"),
}


def load(base):
    folder = os.path.join(LLAMAS, base, "base")
    return tf.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()


def changed(base, gen):
    """The base with tables as if they had been trained or resized before."""
    model = load(base)
    with torch.no_grad():
        for table in dict.fromkeys([model.get_input_embeddings().weight, model.get_output_embeddings().weight]):
            table.add_(torch.randn(table.shape, generator=gen) * 0.3)
    return model


def randomise(model, gen):
    with torch.no_grad():
        for name, p in model.named_parameters():
            if p.requires_grad:
                p.add_(torch.randn(p.shape, generator=gen) * 0.05)


def save(model, folder, tables):
    model.save_pretrained(folder, save_embedding_layers=tables)
    os.remove(os.path.join(folder, "README.md"))
    path = os.path.join(folder, "adapter_config.json")
    config = json.load(open(path))
    config["base_model_name_or_path"] = None
    json.dump(config, open(path, "w"), indent=2, sort_keys=True)


def logits(model):
    batch = load_file(BATCH)
    with torch.no_grad():
        return model.eval()(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits.contiguous()


def main():
    gen = torch.Generator().manual_seed(11)
    for kind, (base, settings, tables) in KINDS.items():
        folder = os.path.join(OUT, kind)
        shutil.rmtree(folder, ignore_errors=True)
        torch.manual_seed(1)
        pissa = "init_lora_weights" in settings
        model = get_peft_model(load(base) if pissa else changed(base, gen), LoraConfig(**settings))
        randomise(model, gen)
        save(model, os.path.join(folder, "adapter"), tables)
        loaded = PeftModel.from_pretrained(load(base), os.path.join(folder, "adapter"))
        save_file({"logits": logits(loaded)}, os.path.join(folder, "expected.safetensors"), metadata={"base": base})

    folder = os.path.join(OUT, "pair")
    shutil.rmtree(folder, ignore_errors=True)
    base = changed(UNTIED, gen)
    tables = {name: p.clone() for name, p in base.state_dict().items()}
    for name, targets in (("a", TABLES["target_modules"]), ("b", ["embed_tokens", "lm_head"])):
        base.load_state_dict(tables)
        model = get_peft_model(base, LoraConfig(**dict(TABLES, target_modules=targets)))
        randomise(model, gen)
        save(model, os.path.join(folder, name), "auto")
        base = model.unload()
    both = PeftModel.from_pretrained(load(UNTIED), os.path.join(folder, "a"), adapter_name="a")
    both.load_adapter(os.path.join(folder, "b"), "b")
    expected = {}
    for name in ("a", "b"):
        both.set_adapter(name)
        expected["logits." + name] = logits(both)
    both.base_model.set_adapter(["a", "b"])
    expected["logits"] = logits(both)
    save_file(expected, os.path.join(folder, "expected.safetensors"), metadata={"base": UNTIED})


main()
