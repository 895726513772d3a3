"""What the scripts share: the task, the model with its adapter, random tokens, clocks and memory.

A script reads a task as JSON from its standard input and prints its measurements as one line of JSON, with the keys that the
Java side uses.
"""

import json
import logging
import math
import statistics
import sys
import time
import warnings
from types import SimpleNamespace

IGNORE_INDEX = -100


def read_task():
    """The task, with its fields as attributes."""
    silence()
    return SimpleNamespace(**json.load(sys.stdin))


def silence():
    """Nothing but errors from the libraries."""
    warnings.filterwarnings("ignore")
    logging.disable(logging.WARNING)


def report(**measured):
    """Prints the measurements; what is None is left out."""
    print(json.dumps({key: value for key, value in measured.items() if value is not None}), flush=True)


def adapted_model(task):
    """The base with a fresh adapter. PEFT keeps the adapter in float32 whatever the base's dtype is."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM
    from transformers.utils import logging as transformers_logging

    transformers_logging.disable_progress_bar()
    base = AutoModelForCausalLM.from_pretrained(task.model, dtype=getattr(torch, task.dtype))
    targets = "all-linear" if task.targets == ["all-linear"] else task.targets
    config = LoraConfig(
        task_type="CAUSAL_LM", r=task.r, lora_alpha=task.alpha, target_modules=targets, lora_dropout=0.0
    )
    return get_peft_model(base, config)


def adamw(model):
    """The optimizer that transformers' Trainer takes by default."""
    import torch

    parameters = [p for p in model.parameters() if p.requires_grad]
    return torch.optim.AdamW(parameters, lr=1e-4, weight_decay=0.0, fused=True)


class RandomTokens:
    """SplitMix64, number for number that of RandomTokens.java."""

    SEED = 1
    FIRST_ID = 10
    SIGMA = 0.8
    MU = 4.49054
    SHORTEST = 8
    MASK = (1 << 64) - 1

    def __init__(self, vocab_size):
        self.vocab_size = vocab_size
        self.state = self.SEED

    def ids(self, count):
        span = self.vocab_size - self.FIRST_ID
        return [self.FIRST_ID + self._next() % span for _ in range(count)]

    def rows(self, rows, length):
        return [self.ids(length) for _ in range(rows)]

    def examples(self, count, longest):
        """Rows for TRL, of realistic lengths, the last fifth of each supervised."""
        rows = []
        for _ in range(count):
            ids = self.ids(self._length(longest))
            prompt = len(ids) - max(1, (len(ids) + 2) // 5)
            rows.append({"input_ids": ids, "labels": [IGNORE_INDEX] * prompt + ids[prompt:]})
        return rows

    def texts(self, count, longest):
        """Rows of realistic lengths."""
        return [self.ids(self._length(longest)) for _ in range(count)]

    def _length(self, longest):
        radius = math.sqrt(-2 * math.log(1 - self._fraction()))
        normal = radius * math.cos(2 * math.pi * self._fraction())
        length = math.floor(math.exp(self.MU + self.SIGMA * normal) + 0.5)
        return max(self.SHORTEST, min(longest, length))

    def _fraction(self):
        return (self._next() >> 11) * 2.0**-53

    def _next(self):
        self.state = (self.state + 0x9E3779B97F4A7C15) & self.MASK
        z = self.state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & self.MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & self.MASK
        return z ^ (z >> 31)


def median_ms(warmup, runs, work):
    """The median in milliseconds of the runs that count."""
    times = []
    for i in range(warmup + runs):
        start = time.perf_counter()
        work()
        if i >= warmup:
            times.append(time.perf_counter() - start)
    return ms(times)


def ms(seconds):
    """The median of some durations, in milliseconds."""
    return 1000 * statistics.median(seconds)


def reset_peak():
    """Counts the peak of memory from now on, where Linux allows it."""
    try:
        with open("/proc/self/clear_refs", "w") as file:
            file.write("5")
    except OSError:
        pass


def peak_rss_mb():
    """The most resident memory in 10^6 bytes; None where nobody tells it."""
    return _status("VmHWM:")


def resident_mb():
    """What is resident now in 10^6 bytes; None where nobody tells it."""
    return _status("VmRSS:")


def _status(field):
    try:
        with open("/proc/self/status") as file:
            for line in file:
                if line.startswith(field):
                    return int(line.split()[1]) * 1024 / 1e6
    except OSError:
        pass
    return None
