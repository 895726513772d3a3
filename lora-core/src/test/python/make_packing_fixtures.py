#!/usr/bin/env python3
"""Writes data/packing.json into the test resources: how TRL packs samples into rows.

    python make_packing_fixtures.py        (made with TRL 1.13, datasets 5.0.1 and pyarrow 25.0)

The tokens of a case are numbered through, from 1, so that a row's numbers say which samples it holds. Each third token
has no label. Samples are packed all at once, not a thousand at a time as datasets' default has it. Positions and labels
are those that TRL's collator gives to a row.
"""
import json
import os
import random

from datasets import Dataset
from trl import pack_dataset
from trl.trainer.sft_trainer import DataCollatorForLanguageModeling

OUT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../resources/io/github/lora4j/data/packing.json")


def samples(lengths):
    ids, first = [], 1
    for length in lengths:
        ids.append(list(range(first, first + length)))
        first += length
    return ids


def packed(strategy, max_length, lengths):
    ids = samples(lengths)
    labels = [[-100 if i % 3 == 0 else i for i in sample] for sample in ids]
    data = Dataset.from_dict({"input_ids": ids, "labels": labels})
    return pack_dataset(data, max_length, strategy, {"batch_size": len(lengths)})


def case(strategy, max_length, lengths):
    rows = packed(strategy, max_length, lengths)
    # As SFTTrainer sets it up: only best fit decreasing is free of padding, and only then do positions start again.
    collator = DataCollatorForLanguageModeling(
        pad_token_id=0, padding_free=strategy == "bfd", return_position_ids=True)
    batches = [collator([row]) for row in rows]
    return {"strategy": strategy, "max_length": max_length, "lengths": lengths,
            "rows": [{name: batch[name][0].tolist() for name in ("input_ids", "labels", "position_ids")}
                     for batch in batches]}


def large(max_length, lengths):
    """Only each sample's first token and length, row by row."""
    rows = []
    for row in packed("bfd", max_length, lengths):
        starts = [sum(row["seq_lengths"][:i]) for i in range(len(row["seq_lengths"]))]
        rows.append([[row["input_ids"][start], length] for start, length in zip(starts, row["seq_lengths"])])
    return {"max_length": max_length, "lengths": lengths, "rows": rows}


if __name__ == "__main__":
    rng = random.Random(5)
    few = [5, 2, 3, 1]
    some = [rng.choice((1, 2, 3, 5, 8, 9, 13, 21)) for _ in range(40)]
    # Above 1,024 equal or nearly equal lengths, Arrow counts them instead of sorting.
    many = [rng.randint(1, 30) for _ in range(1500)]
    fixture = {"cases": [case(strategy, max_length, lengths)
                         for strategy in ("bfd", "wrapped")
                         for max_length, lengths in ((4, few), (16, some), (64, some))],
               "large": large(32, many)}
    os.makedirs(os.path.dirname(OUT), exist_ok=True)
    with open(OUT, "w") as file:
        json.dump(fixture, file, separators=(",", ":"))
        file.write("\n")
