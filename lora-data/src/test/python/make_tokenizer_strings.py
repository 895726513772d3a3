"""Writes what the tests of io.github.lora4j.text compare thousands of strings and SentencePiece models with:

    python make_tokenizer_strings.py FOLDER_OF_REAL_TOKENIZERS ../resources/tokenizers

- `strings.json`: a recipe for strings in many scripts, which TextRecipe follows in Java, and for each real tokenizer
  three bytes of a hash of each string's ids, special tokens included, and of the text decoded from them;
- `spm-bpe`, `spm-unigram`: two tiny SentencePiece models, trained here, with some texts and their ids.

The ids are those of the `tokenizers` package. Where a tokenizer can also be had from older files this asks Python for
that too, and stops if it gives other ids: transformers for vocab.json with merges.txt, sentencepiece for
tokenizer.model (transformers 5.18 orders its merges wrongly). Everything is seeded. Written with tokenizers 0.23,
transformers 5.18 and sentencepiece 0.2.2.
"""

import base64
import json
import sys
import tempfile
from pathlib import Path

import sentencepiece
from make_tokenizer_fixtures import SAMPLES, corpus
from sentencepiece import sentencepiece_model_pb2
from tokenizers import Tokenizer
from transformers import GPT2Tokenizer, Qwen2Tokenizer

COUNT = 4000
SEED = 20260307

RANGES = [
    "Aa Zz 09",
    "\u00c0\u00ff \u0100\u017f",
    "\u0370\u03ff \u1f00\u1f15",
    "\u0410\u044f \u0450\u045f",
    "\u05d0\u05ea \u05b0\u05bc",
    "\u0620\u064a \u064b\u0652 \u0660\u0669",
    "\u0905\u0939 \u093e\u094d \u0966\u096f",
    "\u0995\u09a8 \u09be\u09c8",
    "\u0e01\u0e2e \u0e30\u0e3a \u0e40\u0e4e",
    "\u10d0\u10f0",
    "\u1100\u1112 \u1161\u1175 \uac00\uac80",
    "\u3041\u3096 \u30a1\u30fa",
    "\u4e00\u4f00 \u8000\u8080",
    "\U00020000\U00020040",
    "\u0300\u036f",
    "\u2010\u2027 \u2030\u205e",
    "\u2190\u21ff \u2200\u22ff",
    "\U0001f600\U0001f64f \U0001f3fb\U0001f3ff \u200d\u200d \ufe0f\ufe0f",
    "\U0001f1e6\U0001f1ff",
    "\uff01\uff5e",
    "\u0000\u001f \u007f\u009f",
    "\u2000\u200f \u2028\u202f \u3000\u3000 \u00a0\u00a0",
    "!/ :@ [` {~",
]

SPECIAL = [
    "<s>", "</s>", "<unk>", "<|endoftext|>", "<|im_start|>", "<|im_end|>", "<0x0A>", "<pad>", "[INST]", "<|eot_id|>",
]

SPACES = [" ", "  ", "\n", "\n\n", "\t", "\r\n", "    ", " \n ", "\u2581"]


class Recipe:
    """The same as TextRecipe."""

    def __init__(self, samples):
        self.state = SEED
        self.samples = samples
        self.ranges = [[(ord(pair[0]), ord(pair[1])) for pair in text.split(" ")] for text in RANGES]

    def next(self, bound):
        self.state = (self.state * 6364136223846793005 + 1442695040888963407) % 2**64
        return (self.state >> 33) % bound

    def pick(self, choices):
        return choices[self.next(len(choices))]

    def part(self):
        kind = self.next(8)
        if kind < 2:
            return self.pick(self.samples)
        if kind == 2:
            return self.pick(SPACES) * (1 + self.next(7))
        if kind == 3:
            return self.pick(SPECIAL)
        ranges = self.pick(self.ranges)
        characters = []
        for _ in range(1 + self.next(9)):
            low, high = self.pick(ranges)
            characters.append(chr(low + self.next(high - low + 1)))
        return "".join(characters)

    def text(self):
        return "".join(self.part() for _ in range(self.next(7)))


def hash24(data):
    value = 0x811C9DC5
    for byte in data:
        value = ((value ^ byte) * 0x01000193) % 2**32
    return (value ^ (value >> 24)) % 2**24


def packed(hashes):
    return base64.b64encode(b"".join(h.to_bytes(3, "little") for h in hashes)).decode()


def of_ids(ids):
    return hash24(b"".join(i.to_bytes(4, "little") for i in ids))


def check_old_files(name, tokenizer, texts, real):
    """Stops if Python gives other ids from older files."""
    if name == "llama2":
        old = sentencepiece.SentencePieceProcessor(model_file=str(real / name / "tokenizer.model"))
        plain = [t for t in texts if not any(s in t for s in ["<s>", "</s>", "<unk>"]) and t]
        # The two differ in what they make of the byte zero, which SentencePiece takes for the end.
        plain = [t for t in plain if "\0" not in t]
        for text in plain:
            if old.encode(text) != tokenizer.encode(text, add_special_tokens=False).ids:
                sys.exit(f"{name}: SentencePiece gives other ids for {text!r}")
        print(name, len(plain), "texts are equal in SentencePiece")
        return
    model = json.loads(tokenizer.to_str())
    with tempfile.TemporaryDirectory() as folder:
        vocab = Path(folder, "vocab.json")
        vocab.write_text(json.dumps(model["model"]["vocab"]), encoding="utf-8")
        merges = ["#version: 0.2"] + [" ".join(merge) for merge in model["model"]["merges"]]
        Path(folder, "merges.txt").write_text("\n".join(merges) + "\n", encoding="utf-8")
        added = {str(t.pop("id")): t for t in model["added_tokens"]}
        kind = {"gpt2": GPT2Tokenizer, "qwen2": Qwen2Tokenizer}[name]
        config = {"tokenizer_class": kind.__name__, "added_tokens_decoder": added}
        Path(folder, "tokenizer_config.json").write_text(json.dumps(config), encoding="utf-8")
        old = kind.from_pretrained(folder)
        for text in texts:
            if old(text)["input_ids"] != tokenizer.encode(text).ids:
                sys.exit(f"{name}: transformers gives other ids for {text!r} from vocab.json and merges.txt")
    print(name, len(texts), "texts are equal in transformers from vocab.json and merges.txt")


def strings(real, out):
    recipe = Recipe(SAMPLES)
    texts = [recipe.text() for _ in range(COUNT)]
    result = {"seed": SEED, "count": COUNT, "samples": SAMPLES, "ranges": RANGES, "special": SPECIAL, "spaces": SPACES}
    result["texts"] = packed(hash24(text.encode("utf-8")) for text in texts)
    for name in ["gpt2", "llama2", "qwen2"]:
        tokenizer = Tokenizer.from_file(str(real / "tokenizers" / name / "tokenizer.json"))
        ids = [tokenizer.encode(text).ids for text in texts]
        result[name] = {
            "ids": packed(map(of_ids, ids)),
            "decoded": packed(hash24(tokenizer.decode(i, skip_special_tokens=False).encode("utf-8")) for i in ids),
        }
        check_old_files(name, tokenizer, texts, real / "tokenizers")
    (out / "strings.json").write_text(json.dumps(result, indent=1) + "\n", encoding="ascii")


def train(folder, **options):
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as work:
        text = Path(work, "corpus.txt")
        text.write_text("\n".join(corpus()), encoding="utf-8")
        sentencepiece.SentencePieceTrainer.train(
            input=str(text), model_prefix=str(Path(work, "m")), num_threads=1, minloglevel=2, **options
        )
        model = sentencepiece_model_pb2.ModelProto()
        model.ParseFromString(Path(work, "m.model").read_bytes())
    # The paths of one run.
    model.trainer_spec.ClearField("input")
    model.trainer_spec.ClearField("model_prefix")
    model.normalizer_spec.ClearField("normalization_rule_tsv")
    (folder / "tokenizer.model").write_bytes(model.SerializeToString())


def models(out):
    # Without what is trained: byte pieces, turns as symbols, a dummy prefix; then a table of replaced characters.
    train(
        out / "spm-bpe",
        model_type="bpe",
        vocab_size=420,
        byte_fallback=True,
        user_defined_symbols=["<turn>", "\u2581\u2581"],
        normalization_rule_name="identity",
        remove_extra_whitespaces=False,
        split_digits=True,
    )
    with tempfile.TemporaryDirectory() as work:
        rules = Path(work, "rules.tsv")
        rules.write_text("41\t61\nFF21\t61\n", encoding="ascii")
        train(
            out / "spm-unigram",
            model_type="unigram",
            vocab_size=120,
            normalization_rule_tsv=str(rules),
            control_symbols=["<ctrl>"],
            pad_id=3,
        )
    texts = ["", "a", " a", "they made it", "  two  spaces ", "water\nwater", "A\uff21B", "Größe 日本 👍🏽", "123 45"]
    texts += ["aaaaaaaaa", "what were you when there was no water"]
    lines = {}
    for name in ["spm-bpe", "spm-unigram"]:
        model = sentencepiece.SentencePieceProcessor(model_file=str(out / name / "tokenizer.model"))
        lines[name] = {text: model.encode(text) for text in texts}
    (out / "spm.json").write_text(json.dumps(lines, indent=1) + "\n", encoding="ascii")


def main():
    real, out = Path(sys.argv[1]), Path(sys.argv[2])
    models(out)
    strings(real, out)


main()
