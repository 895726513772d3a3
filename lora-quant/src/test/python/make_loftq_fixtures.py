#!/usr/bin/env python3
"""Writes peft/loftq/ into the test resources: what PEFT makes of a small Llama by LoftQ, and of a quantized one by OLoRA.

    PYTHONPATH=BITSANDBYTES python make_loftq_fixtures.py     (PEFT 0.21, transformers 5.18, torch 2.13)

BITSANDBYTES is a source checkout of bitsandbytes (made with 0.50.2.dev0), not built: its operations in torch then do what its CUDA
kernels do, while its CPU library (0.50.1) decodes 4-bit weights wrongly where rows aren't whole blocks, as here. PEFT computes LoftQ
on "cuda" whatever the model lies on; its functions run as they stand with that one word changed to "cpu".

base/                a Llama in bfloat16, of which loading as float32 loses nothing
adapter/             a LoftQ adapter (NF4, five rounds) as PEFT saves it, after its matrices were moved a little
expected.safetensors for each of nf4.1, nf4.5, int8.1, int8.5: A, B and every fifth number of the rounded weights, and logits;
                     of adapter/ the logits; for olora.nf4 and olora.int8, on a base in 4 and 8 bits, and replace.nf4, for
                     replace_lora_weights_loftq: A, B, weights
"""
import importlib.machinery
import inspect
import os
import shutil
import sys
import types

import bitsandbytes as bnb
import torch
import transformers as tf
from peft import LoftQConfig, LoraConfig, PeftModel, get_peft_model, replace_lora_weights_loftq
from peft.tuners.lora import layer as lora_layer
from peft.utils import loftq_utils
from safetensors.torch import save_file
from torch import nn

OUT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../resources/peft/loftq")
TARGETS = {"q": "model.layers.0.self_attn.q_proj", "down": "model.layers.0.mlp.down_proj"}
R, ALPHA = 4, 4  # where alpha is another number, PEFT's start overshoots
IDS = torch.tensor([[1, 5, 9, 13, 17, 21, 25, 29]])

for function in (loftq_utils.loftq_init, loftq_utils._loftq_init_new):
    exec(inspect.getsource(function).replace('"cuda"', '"cpu"'), loftq_utils.__dict__)
lora_layer.loftq_init = loftq_utils.loftq_init
sys.modules["scipy"] = types.ModuleType("scipy")  # LoraConfig asks whether it could be imported, and nobody imports it
sys.modules["scipy"].__spec__ = importlib.machinery.ModuleSpec("scipy", None)


def base(dtype=torch.float32):
    return tf.LlamaForCausalLM.from_pretrained(f"{OUT}/base", dtype=dtype).eval()


def write_base():
    torch.manual_seed(11)
    config = tf.LlamaConfig(vocab_size=48, hidden_size=32, intermediate_size=48, num_hidden_layers=1, num_attention_heads=2,
                            num_key_value_heads=1, max_position_embeddings=32, initializer_range=0.2, tie_word_embeddings=True)
    tf.LlamaForCausalLM(config).to(torch.bfloat16).save_pretrained(f"{OUT}/base")
    os.remove(f"{OUT}/base/generation_config.json")


def config(init, **more):
    return LoraConfig(r=R, lora_alpha=ALPHA, target_modules=["q_proj", "down_proj"], init_lora_weights=init, task_type="CAUSAL_LM", **more)


def logits(model):
    with torch.no_grad():
        return model(input_ids=IDS).logits[0].float()


def weight(layer):
    w = layer.weight
    if isinstance(w, bnb.nn.Params4bit):
        return bnb.functional.dequantize_4bit(w.data, w.quant_state).float()
    if isinstance(w, bnb.nn.Int8Params):
        return bnb.functional.int8_vectorwise_dequant(w.data, w.SCB)
    return w.data.float()


def matrices(name, model, out):
    for short, module in TARGETS.items():
        layer = model.get_submodule(f"base_model.model.{module}")
        out[f"{name}.{short}.a"] = layer.lora_A["default"].weight.detach().clone()
        out[f"{name}.{short}.b"] = layer.lora_B["default"].weight.detach().clone()
        out[f"{name}.{short}.weight"] = weight(layer.base_layer).flatten()[::5]


def quantized(bits):
    """The base as transformers loads it with a BitsAndBytesConfig (of plain scales), in bfloat16."""
    model = base(torch.bfloat16)
    for name, module in list(model.named_modules()):
        if isinstance(module, nn.Linear) and name != "lm_head":
            if bits == 4:
                few = bnb.nn.Linear4bit(module.in_features, module.out_features, bias=False, compress_statistics=False,
                                        quant_type="nf4", compute_dtype=torch.float32)
                few.weight = bnb.nn.Params4bit(module.weight.data, requires_grad=False, quant_type="nf4",
                                               compress_statistics=False, module=few)
            else:
                few = bnb.nn.Linear8bitLt(module.in_features, module.out_features, bias=False, has_fp16_weights=False)
                few.weight = bnb.nn.Int8Params(module.weight.data, requires_grad=False, has_fp16_weights=False)
            model.set_submodule(name, few.to("cpu"))
    setattr(model, f"is_loaded_in_{bits}bit", True)
    return model


def main():
    shutil.rmtree(OUT, ignore_errors=True)
    os.makedirs(OUT)
    write_base()
    expected = {}
    for bits, kind in ((4, "nf4"), (8, "int8")):
        for rounds in (1, 5):
            torch.manual_seed(1)
            model = get_peft_model(base(), config("loftq", loftq_config=LoftQConfig(loftq_bits=bits, loftq_iter=rounds)))
            matrices(f"{kind}.{rounds}", model, expected)
            expected[f"{kind}.{rounds}.logits"] = logits(model)
            if (kind, rounds) == ("nf4", 5):
                with torch.no_grad():
                    for n, p in model.named_parameters():
                        if "lora_" in n:
                            p += 0.05 * torch.randn_like(p)
                model.save_pretrained(f"{OUT}/adapter")
                os.remove(f"{OUT}/adapter/README.md")
                expected["adapter.logits"] = logits(PeftModel.from_pretrained(base(), f"{OUT}/adapter"))
                assert torch.equal(expected["adapter.logits"], logits(model))
                config_file = f"{OUT}/adapter/adapter_config.json"
                text = open(config_file).read().replace(f"{OUT}/base", "base")
                open(config_file, "w").write(text)
    for bits, kind in ((4, "nf4"), (8, "int8")):
        torch.manual_seed(1)
        matrices(f"olora.{kind}", get_peft_model(quantized(bits), config("olora")), expected)
        if bits == 4:
            model = get_peft_model(quantized(bits), config(True))
            replace_lora_weights_loftq(model, f"{OUT}/base/model.safetensors")
            matrices("replace.nf4", model, expected)
        for init, bad in (("pissa", TypeError), ("loftq", Exception)):
            try:
                more = {"loftq_config": LoftQConfig(loftq_bits=bits)} if init == "loftq" else {}
                get_peft_model(quantized(bits), config(init, **more))
                print(init, bits, "went through")
            except bad as e:
                print(init, bits, type(e).__name__, str(e)[:150])
    save_file({k: v.detach().clone().contiguous() for k, v in expected.items()}, f"{OUT}/expected.safetensors")


if __name__ == "__main__":
    main()
