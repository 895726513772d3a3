#!/usr/bin/env python3
"""Writes classification/ into the test resources: what transformers and PEFT compute for sequence classifiers, and for
modules_to_save.

    python make_classification_fixtures.py        (made with transformers 5.18, PEFT 0.21 and torch 2.13, on the CPU)

classification/base/             a random Llama with 3 labels
classification/expected.safetensors   batches "", ".left", ".inside", ".padding": input_ids, attention_mask, logits; for the
                                 first, the targets and mean losses of the three problem types
classification/batches.safetensors   what the runs learn: input_ids.N, attention_mask.N, targets.<problem>.N
classification/<problem>/        twelve steps of LoRA with the score head from adapter_init to adapter_final: steps.json;
                                 logits of the trained model, and merged, in expected.safetensors
classification/causal/           a causal Llama with a tied head, an adapter with modules_to_save=["lm_head"], its logits
"""
import json
import os
import shutil

os.environ.setdefault("HF_HUB_OFFLINE", "1")
import torch
import transformers as tf
from peft import LoraConfig, get_peft_model
from safetensors.torch import save_file

OUT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../resources/classification")
SIZES = dict(vocab_size=48, hidden_size=16, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
             intermediate_size=24, max_position_embeddings=64, bos_token_id=1, eos_token_id=2, pad_token_id=0)
STEPS, ACCUMULATION, ROWS, LENGTH = 12, 2, 4, 9
NAMES = ["bad", "so-so", "good"]


def randomise(model, gen):
    with torch.no_grad():
        for name, p in model.named_parameters():
            r = torch.randn(p.shape, generator=gen)
            p.copy_(r * (0.7 / p.shape[-1] ** 0.5) if p.dim() > 1 else p + 0.15 * r)
    return model.eval()


def save(tensors, *path):
    save_file({k: v.detach().clone().contiguous() for k, v in tensors.items()}, os.path.join(OUT, *path))


def save_adapter(model, *path):
    model.peft_config["default"].base_model_name_or_path = "tiny"
    model.save_pretrained(os.path.join(OUT, *path))
    os.remove(os.path.join(OUT, *path, "README.md"))


def batch(gen, rows=ROWS, length=LENGTH, left=False, shortest=3):
    ids = torch.randint(3, SIZES["vocab_size"], (rows, length), generator=gen)
    mask = torch.ones_like(ids)
    for row in range(rows):
        n = int(torch.randint(shortest, length + 1, (1,), generator=gen)) if row else length
        gap = slice(0, length - n) if left else slice(n, length)
        ids[row, gap] = 0
        mask[row, gap] = 0
    return ids, mask


def targets(problem, gen, rows=ROWS):
    if problem == "single_label_classification":
        return torch.randint(0, 3, (rows,), generator=gen)
    if problem == "multi_label_classification":
        return torch.randint(0, 2, (rows, 3), generator=gen).float()
    return torch.randn(rows, 3, generator=gen)


PROBLEMS = ["single_label_classification", "multi_label_classification", "regression"]


def load(problem=None):
    return tf.AutoModelForSequenceClassification.from_pretrained(os.path.join(OUT, "base"), problem_type=problem)


def scores(gen):
    config = tf.LlamaConfig(**SIZES, id2label=dict(enumerate(NAMES)), label2id={n: i for i, n in enumerate(NAMES)})
    model = randomise(tf.AutoModelForSequenceClassification.from_config(config), gen)
    model.save_pretrained(os.path.join(OUT, "base"))
    tensors = {}
    inside = batch(gen)
    inside[0][0, 3] = inside[0][1, 1] = 0  # the pad token as a token of the text
    padding = batch(gen)
    padding[0][1] = padding[0][2, 1:] = 0  # a text of nothing else, one whose first token is its only one
    padding[1][1] = 1
    for suffix, (ids, mask) in {"": batch(gen), ".left": batch(gen, left=True), ".inside": inside,
                                ".padding": padding}.items():
        with torch.no_grad():
            tensors |= {"input_ids" + suffix: ids, "attention_mask" + suffix: mask,
                        "logits" + suffix: model(input_ids=ids, attention_mask=mask).logits}
    for problem in PROBLEMS:
        given = targets(problem, gen)
        out = load(problem)(input_ids=tensors["input_ids"], attention_mask=tensors["attention_mask"], labels=given)
        tensors |= {"targets." + problem: given, "loss." + problem: out.loss}
    save(tensors, "expected.safetensors")


def train_batches(gen):
    tensors = {}
    for n in range(STEPS * ACCUMULATION):
        ids, mask = batch(gen)
        tensors |= {f"input_ids.{n}": ids, f"attention_mask.{n}": mask}
        tensors |= {f"targets.{problem}.{n}": targets(problem, gen) for problem in PROBLEMS}
    save(tensors, "batches.safetensors")
    return tensors


def train(problem, batches, gen):
    os.makedirs(os.path.join(OUT, problem))
    model = get_peft_model(load(problem), LoraConfig(r=2, lora_alpha=4, target_modules=["q_proj", "v_proj"],
                                                     task_type="SEQ_CLS"))
    with torch.no_grad():
        for name, p in model.named_parameters():
            if "lora_" in name:
                p.copy_(torch.randn(p.shape, generator=gen) * 0.05)
    save_adapter(model, problem, "adapter_init")
    model.train()
    params = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(params, lr=1e-2, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01)
    schedule = tf.get_cosine_schedule_with_warmup(optimizer, 2, STEPS)
    log = []
    for step in range(STEPS):
        loss = 0.0
        for k in range(ACCUMULATION):
            n = step * ACCUMULATION + k
            part = model(input_ids=batches[f"input_ids.{n}"], attention_mask=batches[f"attention_mask.{n}"],
                         labels=batches[f"targets.{problem}.{n}"]).loss / ACCUMULATION
            part.backward()
            loss += part.item()
        norm = torch.nn.utils.clip_grad_norm_(params, 0.5)
        log.append({"loss": loss, "grad_norm": float(norm), "learning_rate": schedule.get_last_lr()[0]})
        optimizer.step(), schedule.step(), optimizer.zero_grad()
    save_adapter(model, problem, "adapter_final")
    json.dump(log, open(os.path.join(OUT, problem, "steps.json"), "w"), indent=1)
    model.eval()
    ids, mask = batch(gen)
    expected = {"input_ids": ids, "attention_mask": mask}
    with torch.no_grad():
        expected["logits"] = model(input_ids=ids, attention_mask=mask).logits
        expected["logits.merged"] = model.merge_and_unload()(input_ids=ids, attention_mask=mask).logits
    save(expected, problem, "expected.safetensors")


def causal(gen):
    model = randomise(tf.AutoModelForCausalLM.from_config(tf.LlamaConfig(**SIZES, tie_word_embeddings=True)), gen)
    model.save_pretrained(os.path.join(OUT, "causal", "base"))
    model = tf.AutoModelForCausalLM.from_pretrained(os.path.join(OUT, "causal", "base"))
    model = get_peft_model(model, LoraConfig(r=2, lora_alpha=4, target_modules=["q_proj", "v_proj"],
                                             modules_to_save=["lm_head"], task_type="CAUSAL_LM"))
    with torch.no_grad():
        for p in model.parameters():
            if p.requires_grad:
                p.copy_(torch.randn(p.shape, generator=gen) * 0.2)
    model.eval()
    save_adapter(model, "causal", "adapter")
    ids, mask = batch(gen)
    with torch.no_grad():
        logits = model(input_ids=ids, attention_mask=mask).logits
        merged = model.merge_and_unload()(input_ids=ids, attention_mask=mask).logits
    save({"input_ids": ids, "attention_mask": mask, "logits": logits, "logits.merged": merged}, "causal",
         "expected.safetensors")


if __name__ == "__main__":
    shutil.rmtree(OUT, ignore_errors=True)
    os.makedirs(OUT)
    generator = torch.Generator().manual_seed(11)
    scores(generator)
    learnt = train_batches(generator)
    for kind in PROBLEMS:
        train(kind, learnt, generator)
    causal(generator)
