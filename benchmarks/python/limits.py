"""What bare products and copies reach through PyTorch."""

import torch

import shared

COPIED_BYTES = 256 << 20


def gflops(task, dtype):
    n = task.length
    a, b = (torch.rand(n, n).mul(2).sub(1).to(dtype) for _ in range(2))
    return 2.0 * n**3 / 1e6 / shared.median_ms(task.warmup, task.steps, lambda: a @ b)


def copy_gb_per_s(task):
    source, target = torch.ones(COPIED_BYTES // 4), torch.zeros(COPIED_BYTES // 4)
    return 2.0 * COPIED_BYTES / 1e6 / shared.median_ms(task.warmup, task.steps, lambda: target.copy_(source))


def main():
    task = shared.read_task()
    shared.report(
        f32_gflops=gflops(task, torch.float32),
        bf16_gflops=gflops(task, torch.bfloat16),
        copy_gb_per_s=copy_gb_per_s(task),
    )


if __name__ == "__main__":
    main()
