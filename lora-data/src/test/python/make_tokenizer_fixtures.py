"""Writes what the tests of io.github.lora4j.text compare with (needs `pip install tokenizers`):

    python make_tokenizer_fixtures.py FOLDER_OF_REAL_TOKENIZERS ../resources/tokenizers

- two tiny tokenizers, trained here: `bytelevel` in the manner of GPT-2, `sentencepiece` in the manner of Llama 2;
- `expected.json`: a few hundred strings in many scripts with their ids by each real tokenizer, special tokens
  included, as the `tokenizers` package of Python gives them, and the text decoded from them where it differs.

Everything is seeded: the same versions write the same bytes. Written with tokenizers 0.23.
"""

import json
import random
import sys
from pathlib import Path

from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

WORDS = """the a of and in is it that was for on are with his they at be this from have or by one had not but what all
were when we there can an your which their said if do will each about how up out them then she many some so these would
other into has more her two like him see time could no make than first been its who now people my made over did down
only way find use may water long little very after words called just where most know""".split()

SAMPLES = [
    "Hello world",
    " leading space",
    "trailing space ",
    "  two  inner   spaces  ",
    "tab\tand\nnewline",
    "\r\nCRLF\r\n",
    "12345 3.14159 1,000,000 0x7F -42",
    "don't I'll we've THEY'RE it's",
    "camelCase snake_case kebab-case SCREAMING",
    "https://example.org/a?b=c&d=%20e#f",
    '{"key": [1, 2, null], "k2": "v\\\\"}',
    "def f(x):\n    return x ** 2  # comment",
    "### Question:\nWhere?\n### Answer:\n",
    "Größe, Äpfel, Straße, ẞ",
    "Où est l'été? Ça va, naïve cœur",
    "El niño comió piñas",
    "Zażółć gęślą jaźń",
    "Příliš žluťoučký kůň",
    "Ağrı dağı İstanbul ışık",
    "Đường Việt Nam ở đâu",
    "Привет, как дела?",
    "Ελληνικά και πολυτονικό: ᾧ",
    "Українська мова їжак",
    "שלום עולם",
    "مرحبا بالعالم",
    "سلام دنیا ۱۲۳",
    "नमस्ते दुनिया",
    "বাংলা ভাষা",
    "தமிழ் மொழி",
    "ภาษาไทย",
    "ქართული ენა",
    "Հայերեն լեզու",
    "አማርኛ",
    "日本語のテキスト",
    "カタカナ ひらがな 漢字",
    "你好，世界！",
    "繁體中文測試",
    "한국어 텍스트",
    "ᄒᆞᆫ글",
    "😀 😂👍🏽 👨‍👩‍👧‍👦 🇨🇭",
    "e\u0301 versus \u00e9",
    "\ufb01ligature \u2126 \u212b",
    "zero\u200bwidth\u200djoiner\ufeff",
    "nbsp\u00a0thin\u2009ideographic\u3000space",
    "math ∑∫√ ≤≥ ≠ ∞ α→β",
    "𝔘𝔫𝔦𝔠𝔬𝔡𝔢 𝒻𝒶𝓃𝒸𝓎",
    "\u0000nul \u0007bell \u007f",
    "control \u0085 \u2028 \u2029",
    "▁lower one eighth block",
    "<s> </s> <unk> <|endoftext|> <|im_start|>user<|im_end|>",
    "aaaaaaaaaaaaaaaaaaaaaaaa",
    "!!!???...---___***",
    "\u202eright to left override",
    "ﷺ ﷽",
    "\U00020000\U0002f800 rare han",
]


ALPHABETS = [
    "abcdefghijklmnopqrstuvwxyz     ABCDE,.!?'",
    "0123456789 +-*/=().,%$",
    "äöüßéèêñçøåæœ abc",
    "абвгдежзиклмнопрст ",
    "αβγδεζηθικλμνξ ",
    "אבגדהוזחט ",
    "ابتثجحخدذ ",
    "अआइईउऊकखगघ ",
    "กขคงจฉชซ",
    "日月火水木金土年人大",
    "가나다라마바사아 ",
    "😀😁😂🤣😃👍🏽\u200d ",
    " \t\n\r  \u00a0",
    "{}[]<>|\\/\"'`~@#$^&",
]


def strings():
    rng = random.Random(17)
    result = ["", " ", "\n", "a"]
    result += SAMPLES
    for alphabet in ALPHABETS:
        for _ in range(8):
            result.append("".join(rng.choice(alphabet) for _ in range(rng.randint(1, 14))))
    for _ in range(90):
        words = [rng.choice(WORDS) for _ in range(rng.randint(1, 7))]
        result.append(rng.choice(["", " "]) + " ".join(words) + rng.choice(["", ".", "\n", " ?"]))
    return list(dict.fromkeys(result))


def corpus():
    rng = random.Random(23)
    return [" ".join(rng.choice(WORDS) for _ in range(12)) + "." for _ in range(300)]


def bytelevel():
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    tokenizer.train_from_iterator(
        corpus(),
        trainers.BpeTrainer(
            vocab_size=320,
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            special_tokens=["<|endoftext|>"],
            show_progress=False,
        ),
    )
    return tokenizer


def sentencepiece():
    trained = Tokenizer(models.BPE())
    marks = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    trained.normalizer = marks
    # Cut only before marks while training, so that pieces do not span words.
    trained.pre_tokenizer = pre_tokenizers.Split(Regex("▁"), "merged_with_next")
    trained.train_from_iterator(corpus(), trainers.BpeTrainer(vocab_size=100, show_progress=False))
    model = json.loads(trained.to_str())["model"]
    pieces = ["<unk>", "<s>", "</s>"] + [f"<0x{b:02X}>" for b in range(256)]
    pieces += sorted(model["vocab"], key=model["vocab"].get)
    tokenizer = Tokenizer(
        models.BPE(
            vocab={piece: i for i, piece in enumerate(pieces)},
            merges=[tuple(merge) for merge in model["merges"]],
            unk_token="<unk>",
            byte_fallback=True,
        )
    )
    tokenizer.add_special_tokens(pieces[:3])
    tokenizer.normalizer = marks
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A", pair="<s> $A <s> $B", special_tokens=[("<s>", 1)]
    )
    return tokenizer


def write_folder(folder, tokenizer, config):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tokenizer.json").write_text(tokenizer.to_str() + "\n", encoding="utf-8")
    (folder / "tokenizer_config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")


def main():
    real, out = Path(sys.argv[1]), Path(sys.argv[2])
    write_folder(out / "bytelevel", bytelevel(), {"bos_token": None, "eos_token": "<|endoftext|>"})
    write_folder(
        out / "sentencepiece",
        sentencepiece(),
        {"bos_token": {"content": "<s>", "special": True}, "eos_token": "</s>", "unk_token": "<unk>"},
    )
    texts = strings()
    lines = ['{"texts": ' + json.dumps(texts, ensure_ascii=True)]
    for name in ["stories260k", "tokenizers/gpt2", "tokenizers/llama2", "tokenizers/qwen2"]:
        tokenizer = Tokenizer.from_file(str(real / name / "tokenizer.json"))
        ids = [tokenizer.encode(text).ids for text in texts]
        decoded = [tokenizer.decode(i) for i in ids]
        differs = {str(n): d for n, (t, d) in enumerate(zip(texts, decoded)) if t != d}
        compact = {"separators": (",", ":")}
        lines.append(
            f'"{name}": {{"ids": {json.dumps(ids, **compact)}, "decoded": {json.dumps(differs, **compact)}}}'
        )
    (out / "expected.json").write_text(",\n".join(lines) + "}\n", encoding="ascii")
    print(len(texts), "texts")


if __name__ == "__main__":
    main()
