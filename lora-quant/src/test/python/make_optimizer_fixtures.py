#!/usr/bin/env python3
"""Writes quant/optim/expected.safetensors: twenty updates by bitsandbytes' AdamW and Lion.

    python make_optimizer_fixtures.py          (numpy, torch, safetensors; bitsandbytes isn't needed)

A reference in numpy, float32 throughout, written from bitsandbytes 0.50's csrc/kernels.cu: kOptimizerStatic8bit2StateBlockwise
(ADAM), kOptimizerStatic8bit1StateBlockwise (LION), quantize_2D, and kOptimizer32bit*State for tensors under 4,096 elements. Its
constants are rounded from double precision, as backends/cpu/ops.py has them; CUDA's fast division and power are plain ones.
Weights and gradients are exact in float32 and made by the same formula in the test. Of each result every seventh number is kept.
"""
import os

import numpy as np
import torch
from safetensors.torch import save_file

F = np.float32
BLOCK, STEPS = 256, 20
OUT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../resources/io/github/lora4j/quant/optim/expected.safetensors")
SIZES = {"large": 4396, "edge": 4096, "small": 4095}
LR, EPS = 1e-2, 1e-8
CASES = {"adamw": dict(betas=(0.9, 0.999), decay=0.0), "adamw.decay": dict(betas=(0.8, 0.95), decay=0.1),
         "lion": dict(betas=(0.9, 0.99), decay=0.1)}


def numbers(size, salt):
    """Uniform in [-0.5, 0.5), shrunk by powers of two from 1 to 2^-10."""
    i = np.arange(size, dtype=np.uint64)
    x = (i * np.uint64(2654435761) + np.uint64(salt) * np.uint64(97654321)) & np.uint64(0xFFFFFFFF)
    x = ((x ^ (x >> np.uint64(15))) * np.uint64(2246822519)) & np.uint64(0xFFFFFFFF)
    uniform = (x >> np.uint64(8)).astype(np.float64) / 2**24 - 0.5
    return (uniform * 2.0 ** -(i % np.uint64(11)).astype(np.float64)).astype(F)


def dynamic_map(signed):  # functional.py, create_dynamic_map
    data = []
    for i in range(7):
        items = int(2**i + 1 if signed else 2 ** (i + 1) + 1)
        boundaries = torch.linspace(0.1, 1, items, dtype=torch.float32)
        means = (boundaries[:-1] + boundaries[1:]) / 2.0
        data += ((10 ** (-6 + i)) * means).tolist()
        if signed:
            data += (-(10 ** (-6 + i)) * means).tolist()
    return np.array(sorted(data + [0.0, 1.0]), dtype=F)


def quantize_2d(code, x, signed):
    """The kernel's binary search, for all numbers at once."""
    n = len(x)
    pivot, upper_pivot, lower_pivot = np.full(n, 127), np.full(n, 255), np.zeros(n, int)
    lower, upper = np.full(n, -1 if signed else 0, F), np.ones(n, F)
    val = code[pivot]
    for i in (64, 32, 16, 8, 4, 2, 1):
        right = x > val
        lower_pivot, lower = np.where(right, pivot, lower_pivot), np.where(right, val, lower)
        upper_pivot, upper = np.where(right, upper_pivot, pivot), np.where(right, upper, val)
        pivot = np.where(right, pivot + i, pivot - i)
        val = code[pivot]
    up, down = (upper + val) * F(0.5), (lower + val) * F(0.5)
    return np.where(x > val, np.where(x > up, upper_pivot, pivot), np.where(x < down, lower_pivot, pivot))


class Coded:
    def __init__(self, size, signed):
        self.map, self.signed, self.size = dynamic_map(signed), signed, size
        self.codes, self.absmax = np.zeros(size, int), np.zeros(-(-size // BLOCK), F)

    def get(self):
        return self.map[self.codes] * np.repeat(self.absmax, BLOCK)[: self.size]

    def set(self, s):
        padded = np.pad(np.abs(s), (0, len(self.absmax) * BLOCK - self.size))
        self.absmax = padded.reshape(-1, BLOCK).max(1)
        with np.errstate(invalid="ignore", divide="ignore"):
            c = quantize_2d(self.map, s / np.repeat(self.absmax, BLOCK)[: self.size], self.signed)
        if self.signed:
            differs = np.signbit(self.map[c]) != np.signbit(s)
            c = np.where(differs, np.where(s > 0, c + 1, c - 1), c) % 256
        self.codes = c


class Wide:
    def __init__(self, size, signed):
        self.values = np.zeros(size, F)

    def get(self):
        return self.values

    def set(self, s):
        self.values = s


def run(name, betas, decay, size):
    kind = Coded if size >= 4096 else Wide
    first, second = kind(size, True), kind(size, False)
    p = numbers(size, 1)
    keep1, take1, keep2, take2 = F(betas[0]), F(1 - betas[0]), F(betas[1]), F(1 - betas[1])
    shrink = F(1 - LR * decay)
    for step in range(1, STEPS + 1):
        g = numbers(size, 1 + step)
        if name.startswith("adamw"):
            m = first.get() * keep1 + take1 * g
            v = second.get() * keep2 + take2 * g * g
            c1, c2 = 1 - betas[0] ** step, (1 - betas[1] ** step) ** 0.5
            p = (p + F(-LR * c2 / c1) * (m / (np.sqrt(v) + F(c2 * EPS)))) * shrink
            second.set(v)
        else:
            m = first.get()
            p = p * shrink - F(LR) * np.sign(m * keep1 + take1 * g)
            m = m * keep2 + take2 * g
        first.set(m)
    assert p.dtype == F
    return torch.from_numpy(np.ascontiguousarray(p[::7]))


if __name__ == "__main__":
    save_file({f"{name}.{which}": run(name, **case, size=size) for name, case in CASES.items() for which, size in SIZES.items()}
              | {"map.signed": torch.from_numpy(dynamic_map(True)), "map.unsigned": torch.from_numpy(dynamic_map(False))}, OUT)
