#!/usr/bin/env python3
"""Writes peft/variants/ into the test resources: what PEFT computes with variants of LoRA, one layer at a time.

    python make_variant_fixtures.py        (made with PEFT 0.21 and torch 2.13, on the CPU)

dora.safetensors      forward, gradients and merged weights of DoRA, with and without dropout, and of an embedding
init.safetensors      weights, and the factors that PEFT begins with
combine.safetensors   three adapters (a, b, c), and what add_weighted_adapter makes of them
eva.safetensors       inputs of layers in some batches, and the vectors that EVA finds in them
eva_model.safetensors what EVA makes of an adapter on llama/llama/base, with the batches in llama/llama/train
"""
import os

import torch
import transformers as tf
from peft import EvaConfig, LoraConfig, get_peft_model, initialize_lora_eva_weights
from peft.tuners.lora.eva import get_eva_state_dict
from peft.utils import merge_utils
from safetensors.torch import load_file, save_file
from torch import nn

OUT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../resources/peft/variants")


class Single(nn.Module):
    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    def forward(self, x):
        return self.layer(x)


def save(name, tensors):
    os.makedirs(OUT, exist_ok=True)
    save_file({k: v.detach().clone().contiguous() for k, v in tensors.items()}, f"{OUT}/{name}.safetensors")


def linear(inputs, outputs, bias=True):
    return Single(nn.Linear(inputs, outputs, bias=bias))


def config(**more):
    return LoraConfig(**{**dict(r=2, lora_alpha=6, target_modules=["layer"]), **more})


class Mask(nn.Module):
    """Dropout that drops the same elements each time."""

    def __init__(self, mask):
        super().__init__()
        self.mask = mask

    def forward(self, x):
        return x * self.mask


def dora():
    out = {}
    torch.manual_seed(0)
    model = get_peft_model(linear(7, 5), config(use_dora=True, init_lora_weights=False, lora_dropout=0.5))
    layer = model.base_model.model.layer
    magnitude = layer.lora_magnitude_vector["default"].weight
    out |= {"weight": layer.base_layer.weight, "bias": layer.base_layer.bias, "first_magnitude": magnitude.clone()}
    with torch.no_grad():
        magnitude.mul_(torch.rand_like(magnitude) + 0.5)
        layer.lora_B["default"].weight.mul_(1.5)
    a, b = layer.lora_A["default"].weight, layer.lora_B["default"].weight
    mask = (torch.rand(3, 7) > 0.4).float() / 0.5
    out |= {"a": a, "b": b, "magnitude": magnitude, "mask": mask}
    x, dy = torch.randn(3, 7), torch.randn(3, 5)
    out |= {"x": x, "dy": dy}
    layer.lora_dropout["default"] = Mask(mask)
    for name in ("eval", "train"):
        model.train(name == "train")
        leaf = x.clone().requires_grad_()
        model.zero_grad()
        y = model(leaf)
        y.backward(dy)
        out |= {f"{name}.y": y, f"{name}.dx": leaf.grad, f"{name}.da": a.grad.clone(), f"{name}.db": b.grad.clone(),
                f"{name}.dm": magnitude.grad.clone()}
    model.eval()
    model.merge_adapter()
    out["merged"] = layer.base_layer.weight.clone()
    model.unmerge_adapter()

    model = get_peft_model(Single(nn.Embedding(9, 4)), config(use_dora=True, init_lora_weights=False))
    layer = model.base_model.model.layer
    magnitude = layer.lora_magnitude_vector["default"].weight
    a, b = layer.lora_embedding_A["default"], layer.lora_embedding_B["default"]
    with torch.no_grad():
        a.normal_(), b.normal_()
        magnitude.mul_(torch.rand_like(magnitude) + 0.5)
    ids = torch.tensor([3, 0, 8, 3])
    out |= {"embedding.weight": layer.base_layer.weight.clone(), "embedding.a": a, "embedding.b": b,
            "embedding.magnitude": magnitude, "embedding.ids": ids, "embedding.y": model(ids)}
    model.merge_adapter()
    out["embedding.merged"] = layer.base_layer.weight
    save("dora", out)


def init():
    out = {}
    for shape, (rows, columns) in {"tall": (8, 6), "wide": (5, 9)}.items():
        torch.manual_seed(1)
        weight = torch.randn(rows, columns)
        out[f"{shape}.weight"] = weight
        for how in ("pissa", "pissa_niter_3", "olora"):
            model = linear(columns, rows, bias=False)
            model.layer.weight.data = weight.clone()
            torch.manual_seed(7)
            if "niter" in how:  # PEFT draws its usual A and B before: begin the numbers of the decomposition at the seed
                kept = nn.Linear.reset_parameters
                nn.Linear.reset_parameters = lambda self: None
            model = get_peft_model(model, config(init_lora_weights=how, use_rslora=shape == "wide"))
            if "niter" in how:
                nn.Linear.reset_parameters = kept
            layer = model.base_model.model.layer
            out |= {f"{shape}.{how}.a": layer.lora_A["default"].weight, f"{shape}.{how}.b": layer.lora_B["default"].weight,
                    f"{shape}.{how}.weight": layer.base_layer.weight}
    save("init", out)


CASES = {
    "linear": {}, "cat": {}, "svd": {}, "ties": dict(density=0.5), "magnitude_prune": dict(density=0.4),
    "ties_svd": dict(density=0.5), "magnitude_prune_svd": dict(density=0.3),
}
MORE = {
    "svd.rank": dict(combination_type="svd", svd_rank=3),
    "ties.frequency": dict(combination_type="ties", density=0.7, majority_sign_method="frequency"),
    "ties_svd.frequency": dict(combination_type="ties_svd", density=0.7, majority_sign_method="frequency"),
}


def combine():
    torch.manual_seed(2)
    model = get_peft_model(linear(7, 5, bias=False), config(init_lora_weights=False), adapter_name="a")
    model.add_adapter("b", config(init_lora_weights=False, lora_alpha=3))
    model.add_adapter("c", config(init_lora_weights=False, r=4, lora_alpha=4))
    layer = model.base_model.model.layer
    out = {}
    for name in "abc":
        out |= {f"{name}.A": layer.lora_A[name].weight, f"{name}.B": layer.lora_B[name].weight}
    for case, more in {**CASES, **MORE}.items():
        names, weights = (["a", "b"], [0.7, -1.2])
        if case in ("cat", "svd"):
            names, weights = (["a", "b", "c"], [0.7, -1.2, 0.4])
        model.add_weighted_adapter(names, weights, case.replace(".", "_"), **{"combination_type": case, **more})
        key = case.replace(".", "_")
        out |= {f"{case}/A": layer.lora_A[key].weight, f"{case}/B": layer.lora_B[key].weight}
    tensors, weights = [layer.lora_A["a"].weight.data, layer.lora_A["b"].weight.data], torch.tensor([0.7, -1.2])
    torch.manual_seed(5)
    out["dare_linear"] = merge_utils.dare_linear(tensors, weights, 0.6)
    torch.manual_seed(5)
    out["dare_ties"] = merge_utils.dare_ties(tensors, weights, 0.6)
    save("combine", out)


class Three(nn.Module):
    """Two layers with the same input, and one after them."""

    def __init__(self):
        super().__init__()
        self.one, self.two, self.three = nn.Linear(8, 6), nn.Linear(8, 6), nn.Linear(6, 4)

    def forward(self, x):
        return self.three(torch.sin(self.one(x) + self.two(x)))


def eva():
    torch.manual_seed(4)
    model = Three()
    spread = torch.randn(8, 8) @ torch.diag(torch.tensor([8.0, 1, 0.8, 0.5, 0.3, 0.2, 0.2, 0.1]))
    batches = [torch.randn(16, 8) @ spread.T + 1 for _ in range(5)]
    out = {}
    for number, batch in enumerate(batches):
        out[f"one.{number}"] = batch
        out[f"three.{number}"] = torch.sin(model.one(batch) + model.two(batch))
    for case, more in {"plain": {}, "rho1": dict(rho=1.0, whiten=True)}.items():
        found = get_eva_state_dict(
            model, batches, LoraConfig(r=2, target_modules=["one", "two", "three"], init_lora_weights="eva",
                                       eva_config=EvaConfig(**more)),
            forward_fn=lambda m, x: m(x), prepare_model_inputs_fn=None, prepare_layer_inputs_fn=None, show_progress_bar=False)
        print({k: tuple(v.shape) for k, v in found.items()})
        out |= {f"{case}.{k}": v.to(torch.float32) for k, v in found.items()}
    save("eva", out)


def eva_model():
    llama = f"{OUT}/../../llama/llama"
    stored = load_file(f"{llama}/train/batches.safetensors")
    batches = [{k: stored[f"{k}.{n}"] for k in ("input_ids", "attention_mask", "labels")} for n in range(6)]
    model = tf.AutoModelForCausalLM.from_pretrained(f"{llama}/base", dtype=torch.float32)
    model = get_peft_model(model, LoraConfig(r=2, lora_alpha=6, target_modules="all-linear", rank_pattern={"down_proj": 3},
                                             init_lora_weights="eva", eva_config=EvaConfig(tau=0.9)))
    initialize_lora_eva_weights(model, batches, show_progress_bar=False)
    config = model.peft_config["default"]
    print(config.rank_pattern, config.alpha_pattern, config.target_modules)
    save("eva_model", {k.removeprefix("base_model.model.").replace(".default", ""): v for k, v in model.state_dict().items()
                       if "lora_A" in k})


if __name__ == "__main__":
    dora(), init(), combine(), eva(), eva_model()
