#!/usr/bin/env python3
"""Writes experts/ into the test resources: what PEFT computes with adapters on mixtures of experts.

    python make_expert_fixtures.py        (made with transformers 5.18, PEFT 0.21 and torch 2.13, on the CPU)

experts/<family>/base/           a random model: mixtral, and qwen3_moe with a dense layer between
experts/<family>/<kind>/         adapter_config.json and adapter_model.safetensors; logits, and those of the merged model, in
                                 expected.safetensors with input_ids and attention_mask
    patterns    both parameters of the experts, ranks and alphas of their own, rsLoRA
    router      routers, one parameter of one layer, and the weight of a linear layer
    old         an adapter of transformers 4: two matrices for each linear layer of each expert
experts/qwen3_moe/train/         twelve steps with target_parameters from adapter_init to adapter_final: steps.json, and in
                                 batches.safetensors input_ids.N, attention_mask.N, labels.N, two for each step
"""
import json
import os
import shutil

os.environ.setdefault("HF_HUB_OFFLINE", "1")
import torch
import transformers as tf
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import save_file

OUT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../resources/experts")
SIZES = dict(vocab_size=24, hidden_size=16, num_attention_heads=2, num_key_value_heads=1, head_dim=8, max_position_embeddings=32,
             bos_token_id=1, eos_token_id=2, pad_token_id=0)
FAMILIES = {
    "mixtral": tf.MixtralConfig(**SIZES, num_hidden_layers=2, intermediate_size=8, num_local_experts=3, num_experts_per_tok=2),
    "qwen3_moe": tf.Qwen3MoeConfig(**SIZES, num_hidden_layers=3, intermediate_size=10, moe_intermediate_size=8, num_experts=4,
                                   num_experts_per_tok=2, norm_topk_prob=True, mlp_only_layers=[1]),
}
OLD = {"mixtral": ("block_sparse_moe", "w1", "w3", "w2"), "qwen3_moe": ("mlp", "gate_proj", "up_proj", "down_proj")}
KINDS = {
    "patterns": dict(r=2, lora_alpha=8, use_rslora=True, target_modules=[], rank_pattern={"down_proj": 3},
                     alpha_pattern={"experts.gate_up_proj": 5},
                     target_parameters=["mlp.experts.gate_up_proj", "mlp.experts.down_proj"]),
    "router": dict(r=2, lora_alpha=6, target_modules=["v_proj"],
                   target_parameters=["gate.weight", "layers.0.mlp.experts.down_proj", "self_attn.q_proj.weight"]),
}
STEPS, ACCUMULATION = 12, 2


def randomise(model, gen):
    with torch.no_grad():
        for p in model.parameters():
            r = torch.randn(p.shape, generator=gen)
            p.copy_(r * (0.7 / p.shape[-1] ** 0.5) if p.dim() > 1 else p + 0.15 * r)
    return model.eval()


def save(tensors, *path):
    save_file({k: v.detach().clone().contiguous() for k, v in tensors.items()}, os.path.join(OUT, *path))


def save_adapter(model, *path):
    model.peft_config["default"].base_model_name_or_path = "tiny"
    model.save_pretrained(os.path.join(OUT, *path))
    os.remove(os.path.join(OUT, *path, "README.md"))


def batch(gen, pad):
    ids = torch.randint(3, SIZES["vocab_size"], (2, 8), generator=gen)
    mask = torch.ones_like(ids)
    ids[1, 8 - pad:] = 0
    mask[1, 8 - pad:] = 0
    return ids, mask


def load(family):
    return tf.AutoModelForCausalLM.from_pretrained(os.path.join(OUT, family, "base"), dtype=torch.float32)


def expect(model, gen, *path):
    ids, mask = batch(gen, 3)
    answers = {"input_ids": ids, "attention_mask": mask}
    with torch.no_grad():
        answers["logits"] = model.eval()(input_ids=ids, attention_mask=mask).logits
        answers["logits.merged"] = model.merge_and_unload()(input_ids=ids, attention_mask=mask).logits
    save(answers, *path, "expected.safetensors")


def old_adapter(family, config, gen):
    """As PEFT 0.17 saved it beside transformers 4."""
    module, gate, up, down = OLD[family]
    r, hidden, wide = 2, config.hidden_size, config.moe_intermediate_size if family == "qwen3_moe" else config.intermediate_size
    tensors = {}

    def put(name, out, into):
        name = f"base_model.model.model.layers.{name}"
        tensors[f"{name}.lora_A.weight"] = torch.randn(r, into, generator=gen) * 0.3
        tensors[f"{name}.lora_B.weight"] = torch.randn(out, r, generator=gen) * 0.3

    experts = 3 if family == "mixtral" else 4
    for layer in range(config.num_hidden_layers):
        put(f"{layer}.self_attn.q_proj", 16, hidden)
        if layer not in getattr(config, "mlp_only_layers", []):
            put(f"{layer}.{module}.gate", experts, hidden)
            for e in range(experts):
                put(f"{layer}.{module}.experts.{e}.{gate}", wide, hidden)
                put(f"{layer}.{module}.experts.{e}.{up}", wide, hidden)
                put(f"{layer}.{module}.experts.{e}.{down}", hidden, wide)
    folder = os.path.join(OUT, family, "old")
    os.makedirs(folder)
    save_file(tensors, os.path.join(folder, "adapter_model.safetensors"), metadata={"format": "pt"})
    settings = dict(peft_type="LORA", task_type="CAUSAL_LM", base_model_name_or_path="tiny", inference_mode=True, r=r,
                    lora_alpha=6, target_modules=["q_proj", "gate", gate, up, down])
    with open(os.path.join(folder, "adapter_config.json"), "w") as file:
        json.dump(settings, file, indent=2)
    expect(PeftModel.from_pretrained(load(family), folder), gen, family, "old")


def train(family, gen):
    model = get_peft_model(load(family), LoraConfig(
        r=2, lora_alpha=4, target_modules=["q_proj"], task_type="CAUSAL_LM",
        target_parameters=["gate.weight", "mlp.experts.gate_up_proj", "mlp.experts.down_proj"]))
    params = [p for p in model.parameters() if p.requires_grad]
    with torch.no_grad():
        for p in params:
            p.copy_(torch.randn(p.shape, generator=gen) * 0.1)
    save_adapter(model, family, "train", "adapter_init")
    model.train()
    optimizer = torch.optim.AdamW(params, lr=5e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01)
    schedule = tf.get_cosine_schedule_with_warmup(optimizer, 2, STEPS)
    log, tensors = [], {}
    for step in range(STEPS):
        parts = []
        for k in range(ACCUMULATION):
            ids, mask = batch(gen, 1 + (step + k) % 4)
            labels = ids.masked_fill(mask == 0, -100)
            labels[0, :2] = -100
            parts.append((ids, mask, labels))
            n = step * ACCUMULATION + k
            tensors |= {f"input_ids.{n}": ids, f"attention_mask.{n}": mask, f"labels.{n}": labels}
        items = sum((labels[:, 1:] != -100).sum() for _, _, labels in parts)
        loss = 0.0
        for ids, mask, labels in parts:
            part = model(input_ids=ids, attention_mask=mask, labels=labels, num_items_in_batch=items).loss
            part.backward()
            loss += part.item()
        norm = torch.nn.utils.clip_grad_norm_(params, 0.3)
        log.append({"loss": loss, "grad_norm": float(norm), "learning_rate": schedule.get_last_lr()[0]})
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
    save_adapter(model, family, "train", "adapter_final")
    save(tensors, family, "train", "batches.safetensors")
    with open(os.path.join(OUT, family, "train", "steps.json"), "w") as file:
        json.dump(log, file, indent=1)


def main():
    shutil.rmtree(OUT, ignore_errors=True)
    for seed, (family, config) in enumerate(FAMILIES.items()):
        gen = torch.Generator().manual_seed(seed)
        torch.manual_seed(seed)
        randomise(tf.AutoModelForCausalLM.from_config(config), gen).save_pretrained(os.path.join(OUT, family, "base"))
        os.remove(os.path.join(OUT, family, "base", "generation_config.json"))
        for kind, settings in KINDS.items():
            model = get_peft_model(load(family), LoraConfig(task_type="CAUSAL_LM", **settings))
            with torch.no_grad():
                for p in model.parameters():
                    if p.requires_grad:
                        p.copy_(torch.randn(p.shape, generator=gen) * 0.3)
            save_adapter(model, family, kind)
            expect(model, gen, family, kind)
        old_adapter(family, config, gen)
        if family == "qwen3_moe":
            train(family, gen)


if __name__ == "__main__":
    main()
