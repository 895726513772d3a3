#!/usr/bin/env python3
"""Compares every family with transformers and PEFT on freshly made cases, in both directions, and prints tables.

    python check_families.py [--families llama,qwen2] [--seed N] [--json FILE] [--markdown FILE]

Makes the cases of family_cases.py with random weights of this seed, lets FamilyParityRun (a test of lora-core, started by
Maven) compute them and write adapters and models of its own, and reads those with PEFT and transformers. A cell holds the
largest difference relative to the largest expected number. Exits with 1 if one is above its limit.
"""
import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from datetime import date

import torch
from peft import PeftModel
from safetensors.torch import load_file

from family_cases import (EXPERT_KINDS, FAMILIES, KINDS, LARGE, MORE_KINDS, SETTING_KINDS, CaseMaker, all_cases, family_of,
                          last_tokens, load, logits, versions)

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", "..", "..", ".."))
LIMIT, GRADIENT_LIMIT = 1e-4, 1e-3
KINKED_LIMIT = 1e-2  # where one activation that rounding moves over the kink of a ReLU changes a gradient
WAYS = ("FUSED", "PLAIN", "CHECKPOINTING")
BESIDE, MERGED = ("beside", "unmerged", "disabled"), ("merged", "merged and unloaded")
TABLES = ("Models and training", "Adapters that PEFT wrote", "What LoRA4J wrote, read by PEFT and transformers")
MARK = "<!-- tables -->"


class Cell:
    """The largest of some differences, or why there are none."""

    def __init__(self, limit, numbers=(), note=None, failed=False):
        self.limit, self.numbers, self.note = limit, list(numbers), note
        self.failed = failed or any(not number <= limit for number in self.numbers)

    def there(self):
        return bool(self.numbers) or self.note is not None

    def text(self, notes):
        if self.note is not None:
            what = "FAILED" if self.failed else "none" if self.note.startswith("PEFT: ") else "refused"
            return f"{what} [{notes.of(self.note)}]"
        if not self.numbers:
            return "-"
        largest = max(self.numbers)
        shown = "equal" if largest == 0 else f"{largest:.0f} differ" if self.limit == 0 else f"{largest:.0e}"
        return f"**{shown}**" if self.failed else shown


class Notes:
    def __init__(self):
        self.texts = []

    def of(self, text):
        if text not in self.texts:
            self.texts.append(text)
        return self.texts.index(text) + 1


class CaseResult:
    """What was measured on one case, as cells by table and column."""

    def __init__(self, case, folder):
        self.case, self.folder = case, folder
        with open(os.path.join(folder, "case.json")) as file:
            description = json.load(file)
        self.left_out = description["left_out"]
        self.gradient_limit = KINKED_LIMIT if description["kinked"] else GRADIENT_LIMIT
        with open(os.path.join(folder, "ours.json")) as file:
            self.ours = json.load(file)
        self.tables = {}
        self.models(TABLES[0])
        if "logits" in self.ours["measured"]:
            self.adapters(TABLES[1])
            self.reverse(TABLES[2])

    def put(self, table, column, what, pick, limit):
        """A cell of the numbers under these names, of what was refused there, or of nothing."""
        self.tables.setdefault(table, {})[column] = self.cell(what, pick, limit)

    def cell(self, what, pick, limit):
        names = [what] if isinstance(what, str) else what
        for name in names:
            if name in self.ours["failed"]:
                return Cell(limit, note=self.short(self.ours["failed"][name]), failed=True)
        for name in names:
            if name in self.ours["refused"]:
                return Cell(limit, note=self.short(self.ours["refused"][name]))
        numbers = []
        for name in names:
            measured = self.ours["measured"].get(name, {})
            numbers += [float(value) for key, value in measured.items() if pick is None or key in pick]
        return Cell(limit, numbers)

    def short(self, message):
        """An error without the folders and tensors of this case."""
        message = message.replace(self.folder + os.sep, "")
        lines = [line.strip().removeprefix("- ") for line in message.split("\n")]
        return " ".join(line for line in lines[:2] if line)[:240]

    def models(self, table):
        self.put(table, "logits", "logits", ("padded right",), LIMIT)
        self.put(table, "padded left", "logits", ("padded left",), LIMIT)
        if "logits" not in self.ours["measured"]:
            return
        self.put(table, "old config", "old config", None, LIMIT)
        self.put(table, "greedy", "greedy", None, 0)
        self.put(table, "labels", "seqcls", None, LIMIT)
        runs = [f"train {way}" for way in WAYS]
        self.put(table, "loss", runs, ("loss",), LIMIT)
        self.put(table, "grad norm", runs, ("gradient norm",), self.gradient_limit)
        self.put(table, "trained adapter", runs, ("adapter",), self.gradient_limit)
        kinds = [f"gradients of {kind}" for kind in KINDS | EXPERT_KINDS]
        self.put(table, "fused/plain", kinds, None, self.gradient_limit)

    def adapters(self, table):
        for kind in KINDS | MORE_KINDS | EXPERT_KINDS | SETTING_KINDS:
            self.put(table, kind, kind, BESIDE, LIMIT)
            self.put(table, kind + ", merged", kind, MERGED, LIMIT)
            for column in (kind, kind + ", merged"):
                if column in self.left_out:
                    self.tables[table][column] = Cell(LIMIT, note="PEFT: " + self.left_out[column])

    def reverse(self, table):
        if not os.path.exists(os.path.join(self.folder, "ours")):
            return
        wanted = load_file(os.path.join(self.folder, "expected.safetensors"))
        found = load_file(os.path.join(self.folder, "ours.safetensors"))
        ids, mask = wanted["input_ids"], wanted["attention_mask"]
        kinds = [kind + end for kind in KINDS | MORE_KINDS | EXPERT_KINDS | SETTING_KINDS for end in ("", ", merged")]
        row = self.tables[table] = {column: Cell(LIMIT) for column in ("base", *kinds, "trained")}

        def compare(column, name, model):
            theirs = last_tokens(logits(model(), ids, mask), mask).flatten()
            number = ((found[name] - theirs).abs().max() / theirs.abs().max()).item()
            row[column] = Cell(LIMIT, row[column].numbers + [number])

        def at(*parts):
            return os.path.join(self.folder, *parts)

        for name in found:
            kind = name.split(" ")[-1]
            if name == "base":
                compare("base", name, lambda: load(at("ours", "base")))
            elif name.startswith("adapter "):
                compare(kind, name, lambda: PeftModel.from_pretrained(load(at("base")), at("ours", f"adapter-{kind}")))
            elif name.startswith("merged "):
                compare(kind + ", merged", name, lambda: load(at("ours", f"merged-{kind}")))
            else:
                compare("trained", name, lambda: PeftModel.from_pretrained(load(at("base")), at("ours", name)))


def run_java(cases, command):
    done = subprocess.run([part.replace("CASES", cases) for part in command], cwd=ROOT, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)} failed:\n{done.stdout[-6000:]}{done.stderr[-3000:]}")


MAVEN = ["mvn", "-q", "-B", "-pl", "lora-core", "-Dtest=FamilyParityRun", "-DexcludedGroups=", "-Dlora4j.parity.cases=CASES", "test"]


def markdown(cells):
    widths = [max(len(row[i]) for row in cells) for i in range(len(cells[0]))]
    lines = ["| " + " | ".join(cell.ljust(widths[i]) for i, cell in enumerate(row)) + " |" for row in cells]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return lines


def table_of(results, name, notes):
    rows = [r for r in results if name in r.tables]
    columns = list(dict.fromkeys(column for r in rows for column in r.tables[name]))
    columns = [c for c in columns if any(c in r.tables[name] and r.tables[name][c].there() for r in rows)]
    cells = [["case", *columns]]
    for r in rows:
        cells.append([r.case, *(r.tables[name][c].text(notes) if c in r.tables[name] else "-" for c in columns)])
    return markdown(cells)


def transposed(results, name, kinds, notes):
    """Kinds that only a few cases have, as rows."""
    rows = [r for r in results if any(cell.there() for kind, cell in r.tables.get(name, {}).items() if kind in kinds)]
    if not rows:
        return []
    cells = [["kind", *(r.case for r in rows)]]
    for kind in kinds:
        texts = []
        for r in rows:
            beside, merged = r.tables[name][kind], r.tables[name][kind + ", merged"]
            text = beside.text(notes)
            texts.append(text if text == "-" or beside.note else f"{text}, merged {merged.text(notes)}")
        cells.append([kind, *texts])
    return markdown(cells)


def without(results, name, kinds):
    """The same results without some columns of a table."""
    for r in results:
        if name in r.tables:
            r.tables[name] = {c: cell for c, cell in r.tables[name].items() if c.removesuffix(", merged") not in kinds}


def document(results, seed):
    notes, lines = Notes(), []
    settings = transposed(results, TABLES[1], list(SETTING_KINDS), notes)
    reverse = transposed(results, TABLES[2], list(SETTING_KINDS), notes)
    failures = [f"{r.case}: {table}, {column}" for r in results for table, row in r.tables.items()
                for column, cell in row.items() if cell.failed]
    without(results, TABLES[1], SETTING_KINDS)
    without(results, TABLES[2], SETTING_KINDS)
    found = versions()
    lines += [f"{date.today()}, seed {seed}, against " + ", ".join(f"{k} {v}" for k, v in found.items()) + "."]
    for name, more in zip(TABLES, ([], settings, reverse)):
        table = table_of(results, name, notes)
        lines += ["", f"### {name}", "", *table] + (["", *more] if more else [])
    if notes.texts:
        lines += [""] + [f"[{i}] {text}" + "\\" for i, text in enumerate(notes.texts, 1)]
        lines[-1] = lines[-1].removesuffix("\\")
    lines += ["", f"{len(failures)} above their limits: " + "; ".join(failures) if failures else "All within their limits."]
    return lines, failures


def as_json(results):
    return {r.case: {table: {column: {"numbers": cell.numbers, "limit": cell.limit, "note": cell.note, "failed": cell.failed}
                             for column, cell in row.items()} for table, row in r.tables.items()} for r in results}


def write_markdown(path, lines):
    """Writes the tables, between the marks of a document if it has them."""
    text = "\n".join(lines) + "\n"
    if os.path.exists(path):
        with open(path) as file:
            parts = re.split(f"({re.escape(MARK)})", file.read())
        if len(parts) == 5:
            text = parts[0] + MARK + "\n\n" + text + "\n" + MARK + parts[4]
    with open(path, "w") as file:
        file.write(text)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--families", help="model types, or single cases such as falcon-new; default all")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", help="write all numbers to this file")
    parser.add_argument("--markdown", help="write the tables to this file, or between its two marks")
    parser.add_argument("--run", help="a command in place of Maven's that runs FamilyParityRun; CASES stands for the folder")
    args = parser.parse_args()
    asked = args.families.split(",") if args.families else None
    cases = [c for c in all_cases() if asked is None or c in asked or family_of(c) in asked]
    if not cases:
        parser.error(f"--families: expected some of {', '.join(all_cases())}")
    torch.manual_seed(args.seed)
    with tempfile.TemporaryDirectory() as work:
        for case in cases:
            print(f"making {case}", file=sys.stderr, flush=True)
            CaseMaker(case, os.path.join(work, case), LARGE, args.seed, more=case in FAMILIES).make()
        print("computing with LoRA4J", file=sys.stderr, flush=True)
        run_java(work, args.run.split() if args.run else MAVEN)
        print("reading what it wrote", file=sys.stderr, flush=True)
        results = [CaseResult(case, os.path.join(work, case)) for case in cases]
    if args.json:
        with open(args.json, "w") as file:
            json.dump(as_json(results), file, indent=1)
    lines, failures = document(results, args.seed)
    print("\n".join(lines))
    if args.markdown:
        write_markdown(args.markdown, lines)
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
