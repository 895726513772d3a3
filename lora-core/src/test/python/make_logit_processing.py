"""Writes what transformers makes of random logits, for LogitProcessorTest.

    python make_logit_processing.py ../resources/io/github/lora4j/generate/logit-processing.json

transformers itself chooses and orders the processors: it is asked through a small model's own
`_get_logits_processor`. Made with transformers 5.18 and torch 2.13 on a CPU.
"""

import json
import math
import sys

import torch
from transformers import GenerationConfig, LlamaConfig, LlamaForCausalLM

VOCAB = 64
LARGE = 150_000
EOS = [2, 40]

torch.manual_seed(20)
model = LlamaForCausalLM(
    LlamaConfig(
        vocab_size=VOCAB,
        hidden_size=8,
        intermediate_size=8,
        num_hidden_layers=1,
        num_attention_heads=1,
        num_key_value_heads=1,
    )
)


def process(logits, prompt, new, **settings):
    """transformers' scores for one row whose prompt is followed by the new tokens."""
    config = GenerationConfig(eos_token_id=EOS, pad_token_id=0, **settings)
    if not settings.get("do_sample"):
        config.top_k = None
    model._prepare_special_tokens(config, False)
    processors = model._get_logits_processor(config, input_ids_seq_length=len(prompt), device="cpu")
    return processors(torch.tensor([prompt + new]), logits[None].clone())[0]


def rounded(value):
    """The shortest decimal that is this float32."""
    if value == -math.inf:
        return None
    for digits in range(1, 10):
        text = f"{value:.{digits}g}"
        if torch.tensor(float(text)).item() == value:
            return float(text)
    raise ValueError(value)


peaked = torch.randn(VOCAB) * 4
flat = torch.randn(VOCAB) * 0.5
ties = (torch.randn(VOCAB) * 3).round() / 2  # -0.0 and 0.0 among them
masked = torch.randn(VOCAB) * 2
masked[torch.randperm(VOCAB)[:50]] = -math.inf
# Three decimals are as good as nine, and shorter.
rows = {
    name: torch.tensor([round(x, 3) for x in row.tolist()])
    for name, row in dict(peaked=peaked, flat=flat, ties=ties, masked=masked).items()
}
# An id beyond the head's vocabulary and repeated ones.
prompts = dict(peaked=[1, 5, 9, 5, 70], flat=[1, 2, 3], ties=list(range(0, 64, 3)), masked=[1, 1])
new = dict(peaked=[9, 33], flat=[], ties=[40], masked=[7, 8, 9])

sampling = [
    dict(top_k=0),
    dict(temperature=0.7, top_k=0),
    dict(temperature=1.8, top_k=50),
    dict(top_k=1),
    dict(top_k=5),
    dict(top_k=500),
    dict(top_k=0, top_p=0.9),
    dict(top_k=0, top_p=0.3),
    dict(top_k=0, top_p=0.0),
    dict(top_k=0, min_p=0.05),
    dict(top_k=0, min_p=1.0),
    dict(temperature=0.6, top_k=20, top_p=0.95, min_p=0.1),
    dict(temperature=1.5, top_k=10, top_p=0.7, repetition_penalty=1.3, min_new_tokens=2),
    dict(top_k=0, repetition_penalty=0.8, min_new_tokens=1),
]
settings = [dict(do_sample=True, **s) for s in sampling] + [
    dict(do_sample=False, repetition_penalty=1.2),
    dict(do_sample=False, min_new_tokens=3),
]

cases = []
for config in settings:
    for name in rows:
        scores = process(rows[name], prompts[name], new[name], **config)
        cases.append(dict(row=name, config=config, scores=[rounded(x) for x in scores.tolist()]))


def large_row():
    """A linear congruential generator: the test computes the same numbers, exactly."""
    state, values = 12345, []
    for _ in range(LARGE):
        state = (state * 1103515245 + 12345) % 2**31
        # Cubed, so that few tokens are likely, as in a language model.
        uniform = (state >> 7) / 2.0**23 - 1
        values.append(uniform * uniform * uniform * 12)
    return torch.tensor(values, dtype=torch.float64).to(torch.float32)


large = []
row = large_row()
for config in [
    dict(top_k=0, top_p=0.9),
    dict(top_k=1000, top_p=0.95),
    dict(top_k=0, min_p=0.02),
    dict(temperature=0.5, top_k=50),
    dict(top_k=140000),
]:
    scores = process(row, [1], [], do_sample=True, **config)
    kept = torch.isfinite(scores).nonzero()[:, 0]
    large.append(dict(config=config, kept=len(kept), id_sum=int(kept.sum()), score_sum=float(scores[kept].double().sum())))
    print(large[-1], file=sys.stderr)

result = dict(
    eos=EOS,
    rows={
        name: dict(logits=[rounded(x) for x in rows[name].tolist()], prompt=prompts[name], new=new[name])
        for name in rows
    },
    cases=cases,
    large=large,
)
with open(sys.argv[1], "w") as file:
    json.dump(result, file, separators=(",", ":"))
    file.write("\n")
