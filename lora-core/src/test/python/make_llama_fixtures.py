#!/usr/bin/env python3
"""Writes what transformers and PEFT compute for small random Llamas, for the parity tests beside it.

    python make_llama_fixtures.py ../resources/llama          # torch 2.13, transformers 5.18, peft 0.21

<case>/base/                  config.json and model.safetensors (float32, every parameter away from its default)
<case>/expected.safetensors   input_ids, attention_mask (row 1 is padded on the right), logits; greedy: the first prompt and
                              what follows it; greedy.pair: two prompts of unequal length, padded on the left
llama/adapters/<kind>/        adapter/ as PEFT saves it, expected.safetensors: logits, logits.merged
llama/seqcls/                 a checkpoint with a three-label head; expected.safetensors: logits
llama/train/                  adapter_init/, adapter_final/, steps.json, batches.safetensors of a 12-step run
Everything in float32 with eager attention on the CPU, without dropout.
"""
import json
import math
import os
import sys
import warnings

os.environ.setdefault("HF_HUB_OFFLINE", "1")
warnings.filterwarnings("ignore")
import torch
import transformers as tf
from peft import LoraConfig, get_peft_model
from safetensors.torch import save_file

VOCAB, LENGTH = 64, 14
SIZES = dict(vocab_size=VOCAB, hidden_size=32, intermediate_size=40, num_hidden_layers=2, num_attention_heads=4,
             num_key_value_heads=2, max_position_embeddings=64, bos_token_id=1, eos_token_id=2, pad_token_id=0)
CASES = {
    "llama": dict(SIZES),
    "llama3": dict(SIZES, tie_word_embeddings=True, rope_parameters={
        "rope_type": "llama3", "rope_theta": 500000.0, "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
        "original_max_position_embeddings": 32}),
    "linear-mqa-bias": dict(SIZES, num_key_value_heads=1, attention_bias=True, mlp_bias=True,
                            rope_parameters={"rope_type": "linear", "rope_theta": 1000.0, "factor": 4.0}),
    "dynamic": dict(SIZES, max_position_embeddings=8, rope_parameters={"rope_type": "dynamic", "rope_theta": 10000.0, "factor": 2.0}),
    "yarn": dict(SIZES, head_dim=12, rope_parameters={"rope_type": "yarn", "rope_theta": 10000.0, "factor": 4.0, "beta_fast": 16.0,
                                                       "original_max_position_embeddings": 16}),
}
OLD_SPELLING = {"linear-mqa-bias": "type", "dynamic": "rope_type"}  # how transformers 4 wrote the same settings
ADAPTERS = {
    "plain": dict(r=4, lora_alpha=16, target_modules=["q_proj", "v_proj"]),
    "rslora": dict(r=8, lora_alpha=16, use_rslora=True, target_modules=["q_proj", "v_proj"]),
    "all-linear": dict(r=3, lora_alpha=5, target_modules="all-linear"),
    "regex": dict(r=4, lora_alpha=8, target_modules=r".*layers\.[02]\..*\.(q|up)_proj"),
    "patterns": dict(r=4, lora_alpha=8, target_modules=["q_proj", "v_proj", "down_proj"],
                     rank_pattern={"q_proj": 2, "layers.1.self_attn.v_proj": 6}, alpha_pattern={"down_proj": 32}),
    "layers": dict(r=4, lora_alpha=8, target_modules=["q_proj", "o_proj"], layers_to_transform=[1], exclude_modules=["o_proj"]),
}


def randomise(model, gen):
    with torch.no_grad():
        for name, p in model.named_parameters():
            noise = torch.randn(p.shape, generator=gen)
            if p.dim() > 1:
                p.copy_(noise * 0.7 / math.sqrt(16 if "embed" in name else p.shape[-1]))
            else:
                p.add_(noise * 0.1)
    return model.eval()


def randomise_adapter(model, gen, scale):
    with torch.no_grad():
        for _, p in model.named_parameters():
            if p.requires_grad:
                p.copy_(torch.randn(p.shape, generator=gen) * scale)
    return model


def batch(gen, pad=5):
    ids = torch.randint(3, VOCAB, (2, LENGTH), generator=gen)
    mask = torch.ones_like(ids)
    ids[1, LENGTH - pad:] = 0
    mask[1, LENGTH - pad:] = 0
    return ids, mask


def logits(model, ids, mask):
    with torch.no_grad():
        return model(input_ids=ids, attention_mask=mask).logits.float()


def save(tensors, *path):
    os.makedirs(os.path.dirname(os.path.join(*path)), exist_ok=True)
    save_file({k: v.detach().clone().contiguous() for k, v in tensors.items()}, os.path.join(*path))


def old_spelling(folder, type_key):
    path = os.path.join(folder, "config.json")
    config = json.load(open(path))
    rope = config.pop("rope_parameters")
    config["rope_theta"] = rope.pop("rope_theta")
    rope[type_key] = rope.pop("rope_type")
    config["rope_scaling"] = rope
    config["torch_dtype"] = config.pop("dtype")
    json.dump(config, open(path, "w"), indent=2)


def base_case(name, out, gen):
    model = randomise(tf.LlamaForCausalLM(tf.LlamaConfig(**CASES[name], attn_implementation="eager")), gen)
    model.generation_config.eos_token_id = None
    model.save_pretrained(os.path.join(out, "base"))
    if name in OLD_SPELLING:
        old_spelling(os.path.join(out, "base"), OLD_SPELLING[name])
    ids, mask = batch(gen)
    expected = {"input_ids": ids, "attention_mask": mask, "logits": logits(model, ids, mask)}
    if name != "dynamic":  # there transformers rotates cached keys by the frequencies of their own step
        settings = dict(max_new_tokens=8, do_sample=False, pad_token_id=0)
        expected["greedy"] = model.generate(ids[:1, :6], attention_mask=mask[:1, :6], **settings)
        left = torch.zeros(2, 6, dtype=torch.long)
        left[0], left[1, 3:] = ids[0, :6], ids[1, :3]
        expected["greedy.pair"] = model.generate(left, attention_mask=(left != 0).long(), **settings)
    save(expected, out, "expected.safetensors")


def load(out):
    return tf.AutoModelForCausalLM.from_pretrained(os.path.join(out, "base"), dtype=torch.float32, attn_implementation="eager")


def adapter_cases(out, gen):
    ids, mask = batch(gen)
    for kind, settings in ADAPTERS.items():
        model = randomise_adapter(get_peft_model(load(out), LoraConfig(task_type="CAUSAL_LM", **settings)), gen, 0.2).eval()
        folder = os.path.join(out, "adapters", kind)
        model.save_pretrained(os.path.join(folder, "adapter"))
        expected = {"input_ids": ids, "attention_mask": mask, "logits": logits(model, ids, mask)}
        expected["logits.merged"] = logits(model.merge_and_unload(), ids, mask)
        save(expected, folder, "expected.safetensors")
        os.remove(os.path.join(folder, "adapter", "README.md"))


def seqcls_case(out, gen):
    config = tf.LlamaConfig(**SIZES, num_labels=3, attn_implementation="eager")
    model = randomise(tf.LlamaForSequenceClassification(config), gen)
    model.save_pretrained(os.path.join(out, "seqcls"))
    ids, mask = batch(gen)
    save({"input_ids": ids, "attention_mask": mask, "logits": logits(model, ids, mask)}, out, "seqcls", "expected.safetensors")


def train_case(out, gen, steps=12, accumulation=2):
    model = get_peft_model(load(out), LoraConfig(r=4, lora_alpha=8, target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM"))
    randomise_adapter(model, gen, 0.05).save_pretrained(os.path.join(out, "train", "adapter_init"))
    model.train()
    params = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(params, lr=5e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01)
    schedule = tf.get_cosine_schedule_with_warmup(optimizer, 2, steps)
    log, tensors = [], {}
    for step in range(steps):
        micro = []
        for k in range(accumulation):
            ids, mask = batch(gen, pad=3 + (step + k) % 7)
            labels = ids.masked_fill(mask == 0, -100)
            labels[0, :4 + step % 3] = -100
            n = step * accumulation + k
            tensors |= {f"input_ids.{n}": ids, f"attention_mask.{n}": mask, f"labels.{n}": labels}
            micro.append((ids, mask, labels))
        items = sum((labels[:, 1:] != -100).sum() for _, _, labels in micro)
        loss = 0.0
        for ids, mask, labels in micro:
            part = model(input_ids=ids, attention_mask=mask, labels=labels, num_items_in_batch=items).loss
            part.backward()
            loss += part.item()
        norm = torch.nn.utils.clip_grad_norm_(params, 0.3)
        rate = schedule.get_last_lr()[0]
        optimizer.step(), schedule.step(), optimizer.zero_grad()
        log.append({"step": step + 1, "loss": loss, "grad_norm": float(norm), "learning_rate": rate})
    model.save_pretrained(os.path.join(out, "train", "adapter_final"))
    save(tensors, out, "train", "batches.safetensors")
    json.dump(log, open(os.path.join(out, "train", "steps.json"), "w"), indent=1)
    for adapter in ("adapter_init", "adapter_final"):
        os.remove(os.path.join(out, "train", adapter, "README.md"))


def main():
    torch.manual_seed(0)
    for i, name in enumerate(CASES):
        gen = torch.Generator().manual_seed(100 + i)
        out = os.path.join(sys.argv[1], name)
        base_case(name, out, gen)
        if name == "llama":
            adapter_cases(out, gen)
            train_case(out, gen)
            seqcls_case(out, gen)


if __name__ == "__main__":
    main()
