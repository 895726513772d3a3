"""Steps over one batch of full rows in a plain PyTorch loop, taken apart."""

import time

import torch

import shared


def main():
    task = shared.read_task()
    model = shared.adapted_model(task).train()
    if task.variant == "CKPT":
        model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
    ids = torch.tensor(shared.RandomTokens(model.config.vocab_size).rows(task.batch, task.length))
    optimizer = shared.adamw(model)

    def forward():
        return model(input_ids=ids, labels=ids, use_cache=False).loss

    def forward_only():
        with torch.no_grad():
            forward()

    shared.reset_peak()
    passes, updates, losses = [], [], []
    for _ in range(task.warmup + task.steps):
        start = time.perf_counter()
        loss = forward()
        loss.backward()
        between = time.perf_counter()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        end = time.perf_counter()
        passes.append(between - start)
        updates.append(end - between)
        losses.append(float(loss.detach()))
        del loss  # and its graph, before the next pass makes another
    peak = shared.peak_rss_mb()
    forward_ms = shared.median_ms(1, task.steps, forward_only)
    passes, updates = passes[task.warmup :], updates[task.warmup :]
    step_ms = shared.ms([a + b for a, b in zip(passes, updates)])
    shared.report(
        tokens_per_second=1000 * ids.numel() / step_ms,
        step_ms=step_ms,
        forward_ms=forward_ms,
        backward_ms=shared.ms(passes) - forward_ms,
        optimizer_ms=shared.ms(updates),
        peak_rss_mb=peak,
        first_loss=losses[0],
    )


if __name__ == "__main__":
    main()
