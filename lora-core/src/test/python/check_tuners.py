#!/usr/bin/env python3
"""Lets PEFT load adapters that Java wrote, and compares logits and what it would write itself.

    LORA4J_TUNERS_OUT=/tmp/tuners mvn -pl lora-core test -Dtest=TunerParityTest   # writes a folder for each case
    python check_tuners.py ../resources/tuners /tmp/tuners

Each folder of /tmp/tuners holds adapter/ as Java saved it. What was trained in Java is compared with what PEFT trained.
"""
import json
import os
import sys
import tempfile

import torch
from peft import PeftModel
from safetensors.torch import load_file

from family_cases import SMALL, CaseMaker, load, logits
from make_tuner_fixtures import SEED, family_batch


def main():
    fixtures, written = sys.argv[1:]
    worst = 0.0
    with tempfile.TemporaryDirectory() as work:
        for name in sorted(os.listdir(written)):
            with open(os.path.join(fixtures, name, "case.json")) as file:
                family = json.load(file)["family"]
            base = os.path.join(work, family)
            if not os.path.exists(base):
                CaseMaker(family, base, SMALL, SEED, more=False).base()
            model = PeftModel.from_pretrained(load(os.path.join(base, "base")), os.path.join(written, name, "adapter"))
            found = logits(model, *family_batch(family, fixtures))
            expected = load_file(os.path.join(fixtures, name, "expected.safetensors"))["logits"]
            found = found[:, found.shape[1] - expected.shape[1]:]
            difference = ((found - expected).abs().max() / expected.abs().max()).item()
            worst = max(worst, difference)
            print(f"{name}: {type(model.active_peft_config).__name__}, logits differ by {difference:.1e}")
    if worst > 1e-5 or not os.listdir(written):
        sys.exit("PEFT reads something else than was written")


if __name__ == "__main__":
    torch.manual_seed(0)
    main()
