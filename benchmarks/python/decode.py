"""A weight in 4 bits decoded, as the layers of bitsandbytes do it. Needs bitsandbytes."""

import torch
from bitsandbytes import functional

import limits
import shared


def gb_per_s(task, dtype):
    dense = torch.rand(task.length, task.length).mul(2).sub(1).to(dtype)
    codes, state = functional.quantize_4bit(dense, quant_type="nf4", compress_statistics=True)
    stored = sum(t.nbytes for t in (codes, state.absmax, state.state2.absmax, state.state2.code))
    ms = shared.median_ms(task.warmup, task.steps, lambda: functional.dequantize_4bit(codes, state))
    return (stored + dense.nbytes) / 1e6 / ms


def main():
    task = shared.read_task()
    shared.report(
        decode_f32_gb_per_s=gb_per_s(task, torch.float32),
        decode_bf16_gb_per_s=gb_per_s(task, torch.bfloat16),
        copy_gb_per_s=limits.copy_gb_per_s(task),
    )


if __name__ == "__main__":
    main()
