#!/usr/bin/env python3
"""Writes what bitsandbytes itself makes: small checkpoints with their scores, 8-bit codes, and updates of its optimizers.

    python make_bitsandbytes_fixtures.py      (torch, transformers, bitsandbytes 0.50 with its CPU library)

io/github/lora4j/quant/<checkpoint>/   as transformers saves it, with input_ids and logits in expected.safetensors, and in
                                       shapes.json the tensors of the checkpoint before quantizing, whose numbers follow from
                                       their names (see `weights`)
bnb/blockwise-cpu.safetensors          numbers around those at which the CPU kernel changes its code, and their codes
io/github/lora4j/quant/optim/bitsandbytes-cpu.safetensors
                                       every seventh weight after updates by the CPU backend

Scores are those of training mode: in evaluation bitsandbytes packs 4-bit weights in another way on some processors, in place,
and multiplies with weights and activations rounded to bfloat16; for LLM.int8 it rounds activations to 8 bits. Where its CPU
backend differs from its CUDA kernels, which LoRA4J follows, there is no case: weight decay comes before the update instead of
behind it, and states are rounded to 65,536 marks, so that second moments under 1.5e-5 of the largest of a block become that.
"""
import json
import logging
import os
import tempfile
import zlib

os.environ.setdefault("HF_HUB_OFFLINE", "1")
logging.disable(logging.WARNING)
import bitsandbytes as bnb
import numpy as np
import torch
import transformers as tf
from safetensors.torch import load_file, save_file

from make_optimizer_fixtures import EPS, LR, numbers

tf.logging.disable_progress_bar()
RESOURCES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../resources")
QUANT = os.path.join(RESOURCES, "io/github/lora4j/quant")
F32 = torch.float32
NF4 = dict(load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_use_double_quant=True, bnb_4bit_compute_dtype=F32)
# Rows are multiples of the blocks: elsewhere the CPU kernel takes wrong scales.
LLAMA = tf.LlamaConfig(vocab_size=32, hidden_size=64, intermediate_size=64, num_hidden_layers=1, num_attention_heads=2,
                       num_key_value_heads=1, max_position_embeddings=32, tie_word_embeddings=True)
GPT2 = tf.GPT2Config(vocab_size=32, n_embd=64, n_inner=64, n_layer=1, n_head=2, n_positions=32, resid_pdrop=0, embd_pdrop=0,
                     attn_pdrop=0, bos_token_id=1, eos_token_id=2)
CHECKPOINTS = {"llama-nf4": (LLAMA, NF4), "gpt2-fp4": (GPT2, dict(load_in_4bit=True)), "llama-int8": (LLAMA, dict(load_in_8bit=True))}


def uniform(size, salt):
    """In [-0.5, 0.5), in steps of 2^-24."""
    i = np.arange(size, dtype=np.uint64)
    x = (i * np.uint64(2654435761) + np.uint64(salt) * np.uint64(97654321)) & np.uint64(0xFFFFFFFF)
    x = ((x ^ (x >> np.uint64(15))) * np.uint64(2246822519)) & np.uint64(0xFFFFFFFF)
    return ((x >> np.uint64(8)).astype(np.float64) / 2**24 - 0.5).astype(np.float32)


def weights(name, shape):
    """Around 1 in norms, else around 0; rounded to bfloat16."""
    values = torch.from_numpy(uniform(int(np.prod(shape)), zlib.crc32(name.encode()))).reshape(shape) / 2
    return (values + 1 if len(shape) == 1 and name.endswith(".weight") else values).to(torch.bfloat16)


def make_checkpoint(name, config, quantization):
    folder = os.path.join(QUANT, name)
    with tempfile.TemporaryDirectory() as dense:
        model = tf.AutoModelForCausalLM.from_config(config).to(torch.bfloat16)
        model.save_pretrained(dense)
        file = os.path.join(dense, "model.safetensors")
        shapes = {key: list(tensor.shape) for key, tensor in load_file(file).items()}
        save_file({key: weights(key, shape) for key, shape in shapes.items()}, file, metadata={"format": "pt"})
        model = tf.AutoModelForCausalLM.from_pretrained(
            dense, dtype=F32, quantization_config=tf.BitsAndBytesConfig(**quantization))
    model.save_pretrained(folder)  # before any pass
    os.remove(os.path.join(folder, "generation_config.json"))
    with open(os.path.join(folder, "shapes.json"), "w") as out:
        json.dump(shapes, out)
    ids = torch.arange(20).reshape(2, 10) * 7 % 32
    with torch.no_grad():
        logits = model.train()(input_ids=ids, use_cache=False).logits
    save_file({"input_ids": ids, "logits": logits.float()}, os.path.join(folder, "expected.safetensors"))


def make_codes():
    code = bnb.functional.create_dynamic_map(True).float()
    middles = ((code[1:] + code[:-1]) / 2).numpy()
    marks = np.float32(-1) + np.float32(2) * np.arange(65536, dtype=np.float32) / np.float32(65535)
    changes = np.where(np.diff(np.searchsorted(middles, marks)) > 0)[0]
    edges = ((changes + 0.5) / 65535 * 2 - 1).astype(np.float32)
    around = np.stack([np.nextafter(edges, np.float32(-2)), edges, np.nextafter(edges, np.float32(2))], 1).flatten()
    around = around[: len(around) // 255 * 255].reshape(-1, 255)
    largest = np.ones((len(around), 1), np.float32)
    plain = np.concatenate([around, largest], 1)
    values = np.concatenate([plain, plain * np.float32(0.37), np.zeros((1, 256), np.float32), plain[:1]]).flatten()[:-100]
    codes, state = bnb.functional.quantize_blockwise(torch.from_numpy(values), code=code, blocksize=256)
    save_file({"values": torch.from_numpy(values), "codes": codes, "absmax": state.absmax},
              os.path.join(RESOURCES, "bnb/blockwise-cpu.safetensors"))


def steady(size, salt):
    """Of one magnitude and, for each weight, one sign, so that no state is small beside others."""
    return (uniform(size, salt) / 4 + np.float32(0.375)) * np.where(np.arange(size) % 3 == 0, -1, 1).astype(np.float32)


def updated(optimizer, size, steps, gradients):
    p = torch.nn.Parameter(torch.from_numpy(numbers(size, 1)))
    step = optimizer([p])
    for i in range(1, steps + 1):
        p.grad = torch.from_numpy(gradients(size, 1 + i))
        step.step()
    return p.detach()[::7].clone()


def make_updates():
    def adamw(p):
        return bnb.optim.AdamW(p, lr=LR, betas=(0.9, 0.999), eps=EPS, weight_decay=0, optim_bits=8)

    def lion(p):
        return bnb.optim.Lion(p, lr=LR, betas=(0.9, 0.99), weight_decay=0.1, optim_bits=8)

    save_file({
        "adamw.small": updated(adamw, 4095, 20, numbers),
        "lion.small": updated(lion, 4095, 20, numbers),
        "adamw.first": updated(adamw, 4396, 1, numbers),
        "adamw.steady": updated(adamw, 4396, 20, steady),
        "lion.steady": updated(lion, 4396, 20, steady),
    }, os.path.join(QUANT, "optim/bitsandbytes-cpu.safetensors"))


if __name__ == "__main__":
    for name, case in CHECKPOINTS.items():
        make_checkpoint(name, *case)
    make_codes()
    make_updates()
