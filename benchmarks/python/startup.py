"""One step, and how long ago the process was started."""

import time

import torch

import shared


def main():
    task = shared.read_task()
    model = shared.adapted_model(task).train()
    ids = torch.tensor(shared.RandomTokens(model.config.vocab_size).rows(task.batch, task.length))
    optimizer = shared.adamw(model)
    shared.reset_peak()
    loss = model(input_ids=ids, labels=ids, use_cache=False).loss
    loss.backward()
    optimizer.step()
    shared.report(
        startup_s=time.time() - task.started,
        peak_rss_mb=shared.peak_rss_mb(),
        first_loss=float(loss.detach()),
    )


if __name__ == "__main__":
    main()
