"""The parity case of each family: a small model, and what transformers and PEFT compute with it.

make_family_fixtures.py writes those that are committed, check_families.py larger ones with fresh weights. A new family is a
line in FAMILIES; VARIANTS are other branches of the same families. Families have settings unlike transformers' defaults, so
that one that is overlooked shows in the scores; variants have the defaults, and old/ leaves those out. A case is a folder:

base/                 config.json, model.safetensors
old/                  config.json of the same model as transformers 4 had it, without what equals the defaults
seqcls/               the same with a head of three labels
adapters/<kind>/      adapter_config.json, adapter_model.safetensors
train/                the adapter from which the run starts
batches.safetensors   input_ids.N, attention_mask.N and labels.N of the run, two an update
expected.safetensors  input_ids, attention_mask (row 1 is padded on the right), logits, left.logits (of the last token when
                      every row is turned around, padding included), greedy (row 0 and what follows), seqcls.logits,
                      adapters.<kind>.logits and .merged (of each row's last token), train.<tensor of the adapter at the end>
case.json             family, whether its activation has a kink (there, rounding decides on a gradient now and then), the
                      numbers of each step, and what was left out, with the reason

All in float32 on the CPU with eager attention and without dropout. Weights follow from their names and a seed (see `fill`),
so that a fixture needs only names and shapes.
"""
import json
import os
import warnings
from dataclasses import dataclass

os.environ.setdefault("HF_HUB_OFFLINE", "1")
warnings.filterwarnings("ignore")
import numpy as np
import torch
import transformers as tf
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors import safe_open
from safetensors.torch import load_file, save_file

tf.logging.set_verbosity_error()
tf.logging.disable_progress_bar()

STEPS, ACCUMULATION = 12, 2
SETTINGS = dict(lr=5e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01)
WARMUP, MAX_GRAD_NORM = 2, 0.3


@dataclass(frozen=True)
class Sizes:
    vocab: int
    hidden: int
    layers: int
    head_dim: int  # of families that choose it freely
    intermediate: int
    length: int
    new_tokens: int
    window: int
    positions: int = 64

    def plain(self, **more):
        return dict(vocab_size=self.vocab, hidden_size=self.hidden, num_hidden_layers=self.layers, num_attention_heads=4,
                    intermediate_size=self.intermediate, max_position_embeddings=self.positions, bos_token_id=1, eos_token_id=2,
                    pad_token_id=0) | more

    def grouped(self, **more):
        return self.plain(num_key_value_heads=2) | more

    def alternating(self):
        return ["sliding_attention" if i % 2 == 0 else "full_attention" for i in range(self.layers)]


SMALL = Sizes(vocab=32, hidden=32, layers=2, head_dim=12, intermediate=40, length=8, new_tokens=8, window=4)
LARGE = Sizes(vocab=160, hidden=64, layers=3, head_dim=24, intermediate=112, length=20, new_tokens=12, window=8)

LLAMA3_ROPE = dict(rope_type="llama3", rope_theta=500000.0, factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
                   original_max_position_embeddings=32)


def longrope(s, partial):
    half = s.hidden // 4 * partial // 2
    return dict(rope_type="longrope", rope_theta=10000.0, partial_rotary_factor=partial,
                short_factor=[1 + 0.1 * i for i in range(int(half))], long_factor=[1.5 + 0.7 * i for i in range(int(half))])


def gpt2(s, **more):
    return tf.GPT2Config(vocab_size=s.vocab, n_embd=s.hidden, n_layer=s.layers, n_head=4, n_positions=s.positions, resid_pdrop=0.0,
                         embd_pdrop=0.0, attn_pdrop=0.0, bos_token_id=1, eos_token_id=2, pad_token_id=0, **more)


def opt(s, **more):
    settings = dict(vocab_size=s.vocab, hidden_size=s.hidden, num_hidden_layers=s.layers, num_attention_heads=4, dropout=0.0,
                    ffn_dim=s.intermediate, max_position_embeddings=s.positions, word_embed_proj_dim=s.hidden, bos_token_id=1,
                    eos_token_id=2, pad_token_id=0)
    return tf.OPTConfig(**settings | more)


RMS = dict(rms_norm_eps=0.02, rope_theta=3000.0)
LAYER = dict(layer_norm_eps=0.02, rope_theta=3000.0)


def falcon(s, **more):
    settings = dict(vocab_size=s.vocab, hidden_size=s.hidden, num_hidden_layers=s.layers, num_attention_heads=4, alibi=False,
                    bias=False, multi_query=True, parallel_attn=True, bos_token_id=1, eos_token_id=2, pad_token_id=0)
    return tf.FalconConfig(**settings | more)


def gemma3(s):
    """Its text model is what counts; the tower that sees images is as small as can be."""
    text = dict(vocab_size=s.vocab, hidden_size=s.hidden, num_hidden_layers=s.layers, num_attention_heads=4, num_key_value_heads=2,
                head_dim=s.head_dim, intermediate_size=s.intermediate, max_position_embeddings=s.positions, sliding_window=s.window,
                layer_types=s.alternating(), hidden_activation="silu", rms_norm_eps=0.02, query_pre_attn_scalar=24, bos_token_id=1,
                eos_token_id=2, pad_token_id=0,
                rope_parameters={"sliding_attention": {"rope_type": "default", "rope_theta": 2000.0},
                                 "full_attention": {"rope_type": "linear", "rope_theta": 3000.0, "factor": 8.0}})
    images = dict(hidden_size=8, intermediate_size=8, num_hidden_layers=1, num_attention_heads=2, image_size=28, patch_size=14)
    return tf.Gemma3Config(text_config=text, vision_config=images, mm_tokens_per_image=4, boi_token_index=s.vocab - 3,
                           eoi_token_index=s.vocab - 2, image_token_index=s.vocab - 1, pad_token_id=0)


GRANITE = dict(embedding_multiplier=12.0, logits_scaling=8.0, residual_multiplier=0.22, attention_multiplier=0.0156)
GEMMA3 = dict(query_pre_attn_scalar=24)
FAMILIES = {
    "llama": lambda s: tf.LlamaConfig(**s.grouped(tie_word_embeddings=False, hidden_act="gelu", **RMS)),
    "llama3": lambda s: tf.LlamaConfig(**s.grouped(tie_word_embeddings=True, rope_parameters=LLAMA3_ROPE)),
    "mistral": lambda s: tf.MistralConfig(**s.grouped(sliding_window=s.window, hidden_act="gelu", **RMS)),
    "qwen2": lambda s: tf.Qwen2Config(**s.grouped(tie_word_embeddings=True, hidden_act="gelu", **RMS)),
    "qwen3": lambda s: tf.Qwen3Config(**s.grouped(head_dim=s.head_dim, hidden_act="gelu", **RMS)),
    "phi": lambda s: tf.PhiConfig(**s.plain(partial_rotary_factor=0.75, hidden_act="silu", **LAYER)),
    "phi3": lambda s: tf.Phi3Config(**s.grouped(hidden_act="gelu", **RMS)),
    "gemma": lambda s: tf.GemmaConfig(**s.grouped(head_dim=s.head_dim, hidden_act="silu", **RMS)),
    "gemma2": lambda s: tf.Gemma2Config(**s.grouped(
        head_dim=s.head_dim, query_pre_attn_scalar=24, sliding_window=s.window, hidden_activation="silu", attn_logit_softcapping=3.0,
        final_logit_softcapping=5.0, **RMS)),
    "gemma3_text": lambda s: tf.Gemma3TextConfig(**s.grouped(
        head_dim=s.head_dim, sliding_window=s.window, layer_types=s.alternating(), hidden_activation="silu", rms_norm_eps=0.02,
        rope_parameters={"sliding_attention": {"rope_type": "default", "rope_theta": 2000.0},
                         "full_attention": {"rope_type": "default", "rope_theta": 3000.0}}, **GEMMA3)),
    "gemma3": gemma3,
    "gpt2": lambda s: gpt2(s, layer_norm_epsilon=0.02, activation_function="silu"),
    "gpt_neox": lambda s: tf.GPTNeoXConfig(**s.plain(
        rotary_pct=0.5, rotary_emb_base=3000.0, layer_norm_eps=0.02, hidden_act="silu", classifier_dropout=0.0)),
    "opt": lambda s: opt(s, activation_function="gelu"),
    "falcon": lambda s: falcon(s, layer_norm_epsilon=0.02, rope_theta=3000.0, activation="silu", ffn_hidden_size=s.intermediate),
    "stablelm": lambda s: tf.StableLmConfig(**s.grouped(
        use_qkv_bias=True, partial_rotary_factor=0.5, hidden_act="gelu", **LAYER)),
    "starcoder2": lambda s: tf.Starcoder2Config(**s.grouped(norm_epsilon=0.02, rope_theta=3000.0, hidden_act="silu")),
    "olmo2": lambda s: tf.Olmo2Config(**s.grouped(hidden_act="gelu", **RMS)),
    "smollm3": lambda s: tf.SmolLM3Config(**s.grouped(no_rope_layer_interval=2, hidden_act="gelu", **RMS)),
    "granite": lambda s: tf.GraniteConfig(**s.grouped(hidden_act="gelu", **GRANITE, **RMS)),
    "qwen3_moe": lambda s: tf.Qwen3MoeConfig(**s.grouped(
        head_dim=s.head_dim, moe_intermediate_size=s.intermediate // 2, num_experts=4, num_experts_per_tok=2, hidden_act="gelu",
        **RMS)),
    "mixtral": lambda s: tf.MixtralConfig(**s.grouped(num_local_experts=4, num_experts_per_tok=2, hidden_act="gelu", **RMS)),
}
# The other branch of what a family's config.json decides. Named <family>-<what>.
VARIANTS = {
    "llama-bias": lambda s: tf.LlamaConfig(**s.grouped(attention_bias=True, mlp_bias=True, num_key_value_heads=1)),
    "mistral-global": lambda s: tf.MistralConfig(**s.grouped(sliding_window=None, head_dim=s.head_dim)),
    "qwen2-window": lambda s: tf.Qwen2Config(**s.grouped(use_sliding_window=True, sliding_window=s.window, max_window_layers=1)),
    "qwen3-bias": lambda s: tf.Qwen3Config(**s.grouped(attention_bias=True, head_dim=s.head_dim, tie_word_embeddings=True)),
    "phi-norm": lambda s: tf.PhiConfig(**s.grouped(qk_layernorm=True, partial_rotary_factor=1.0)),
    "phi3-longrope": lambda s: tf.Phi3Config(**s.grouped(rope_parameters=longrope(s, 0.5), original_max_position_embeddings=2,
                                                         sliding_window=s.window + 1)),
    # Greedy generation crosses the border of longrope's trained length.
    "phi3-border": lambda s: tf.Phi3Config(**s.grouped(rope_parameters=longrope(s, 1),
                                                       original_max_position_embeddings=s.length + 3)),
    "gemma-defaults": lambda s: tf.GemmaConfig(**s.grouped(head_dim=s.head_dim)),
    "gemma2-defaults": lambda s: tf.Gemma2Config(**s.grouped(head_dim=s.head_dim)),
    "gemma3_text-scaled": lambda s: tf.Gemma3TextConfig(**s.grouped(
        head_dim=s.head_dim, sliding_window=s.window, layer_types=s.alternating()[::-1], rope_parameters={
            "sliding_attention": {"rope_type": "default", "rope_theta": 10000.0},
            "full_attention": {"rope_type": "linear", "rope_theta": 1000000.0, "factor": 8.0}}, **GEMMA3)),
    "gpt2-defaults": gpt2,
    "gpt2-scaled": lambda s: gpt2(s, scale_attn_by_inverse_layer_idx=True, n_inner=s.intermediate, tie_word_embeddings=False,
                                  activation_function="relu"),
    "gpt_neox-sequential": lambda s: tf.GPTNeoXConfig(**s.plain(rotary_pct=1.0, use_parallel_residual=False, attention_bias=False,
                                                                classifier_dropout=0.0, tie_word_embeddings=True)),
    "opt-post": lambda s: opt(s, do_layer_norm_before=False),
    "opt-350m": lambda s: opt(s, do_layer_norm_before=False, word_embed_proj_dim=s.hidden // 2),
    "opt-no-bias": lambda s: opt(s, enable_bias=False),
    "opt-bare": lambda s: opt(s, enable_bias=False, layer_norm_elementwise_affine=False),
    "falcon-new": lambda s: falcon(s, new_decoder_architecture=True, num_kv_heads=2),
    "falcon-new-one-norm": lambda s: falcon(s, new_decoder_architecture=True, num_kv_heads=2, num_ln_in_parallel_attn=1),
    "falcon-sequential": lambda s: falcon(s, parallel_attn=False, multi_query=False, bias=True),
    "falcon-alibi": lambda s: falcon(s, parallel_attn=False, multi_query=False, bias=True, alibi=True),
    "olmo2-defaults": lambda s: tf.Olmo2Config(**s.grouped()),
    "stablelm-parallel": lambda s: tf.StableLmConfig(**s.grouped(use_parallel_residual=True, qk_layernorm=True)),
    "starcoder2-window": lambda s: tf.Starcoder2Config(**s.grouped(sliding_window=s.window, use_bias=False)),
    "smollm3-layers": lambda s: tf.SmolLM3Config(**s.grouped(no_rope_layers=[0] + [1] * (s.layers - 1), tie_word_embeddings=False,
                                                             attention_bias=True, mlp_bias=True)),
    "granite-bias": lambda s: tf.GraniteConfig(**s.grouped(attention_bias=True, mlp_bias=True, tie_word_embeddings=True)),
    "qwen3_moe-mixed": lambda s: tf.Qwen3MoeConfig(**s.grouped(
        head_dim=s.head_dim, moe_intermediate_size=s.intermediate // 2, num_experts=4, num_experts_per_tok=3,
        mlp_only_layers=[0], norm_topk_prob=True, tie_word_embeddings=True)),
    "mixtral-window": lambda s: tf.MixtralConfig(**s.grouped(num_local_experts=3, num_experts_per_tok=1, sliding_window=s.window)),
}
TARGETS = {"gpt2": ["c_attn"], "gpt_neox": ["query_key_value"], "falcon": ["query_key_value"], "phi3": ["qkv_proj"],
           "gemma3": r".*language_model\..*\.(q_proj|v_proj)"}  # the tower that sees images has such modules, too
KINDS = {
    "plain": lambda t: dict(r=2, lora_alpha=8, target_modules=t),
    "all-linear": lambda t: dict(r=2, lora_alpha=3, use_rslora=True, target_modules="all-linear"),
}
# Only in fresh cases: what PEFT builds beyond, whether or not LoRA4J does.
MORE_KINDS = {
    "rslora": lambda t: dict(r=4, lora_alpha=8, use_rslora=True, target_modules=t),
    "dora": lambda t: dict(r=4, lora_alpha=8, use_dora=True, target_modules=t),
}
# Of the shape that all of Llama's relatives share: for llama and qwen2 only.
SETTING_KINDS = {
    "regex": lambda t: dict(r=4, lora_alpha=8, target_modules=r".*layers\.[02]\..*\.(q|up)_proj"),
    "patterns": lambda t: dict(r=4, lora_alpha=8, target_modules=["q_proj", "v_proj", "down_proj"],
                               rank_pattern={"q_proj": 2, "layers.1.self_attn.v_proj": 6}, alpha_pattern={"down_proj": 32}),
    "layers": lambda t: dict(r=4, lora_alpha=8, target_modules=["q_proj", "o_proj"], layers_to_transform=[1],
                             exclude_modules=["o_proj"]),
    "lora-bias": lambda t: dict(r=4, lora_alpha=8, target_modules=t, lora_bias=True),
    "bias-all": lambda t: dict(r=4, lora_alpha=8, target_modules=t, bias="all"),
    "bias-lora-only": lambda t: dict(r=4, lora_alpha=8, target_modules=t, bias="lora_only"),
    "modules-to-save": lambda t: dict(r=4, lora_alpha=8, target_modules=t, modules_to_save=["lm_head"]),
    "embedding": lambda t: dict(r=4, lora_alpha=8, target_modules=["embed_tokens", "q_proj"]),
    "lm-head": lambda t: dict(r=4, lora_alpha=8, target_modules=["lm_head", "q_proj"]),
}
EXPERT_KINDS = {
    "experts": lambda t: dict(r=2, lora_alpha=4, target_modules=t,
                              target_parameters=["mlp.experts.gate_up_proj", "mlp.experts.down_proj"]),
}
EXPERTS = ("qwen3_moe", "mixtral")


def all_cases():
    return FAMILIES | VARIANTS


def family_of(case):
    """The folder's name without its variant; llama3 is a Llama."""
    return "llama" if case == "llama3" else case.split("-")[0]


def targets_of(case):
    return TARGETS.get(family_of(case), ["q_proj", "v_proj"])


def kinds_of(case, more):
    kinds = KINDS | (EXPERT_KINDS if family_of(case) in EXPERTS else {})
    if more:
        kinds = kinds | MORE_KINDS | (SETTING_KINDS if case in ("llama", "qwen2") else {})
    # All linear layers of Gemma 3 are also those of the tower that sees images, which isn't built.
    return {kind: settings for kind, settings in kinds.items() if (case, kind) != ("gemma3", "all-linear")}


# ---- weights from names


def fill(shape, name, seed, scale=None):
    """Numbers of float32 that follow from a tensor's name: byte for byte those of NamedWeights.java.

    SplitMix64 started from FNV-1a of the name gives odd multiples of 1/256 between -1 and 1. Matrices multiply them by a power
    of two near the inverse root of their smaller side, biases by 1/4; the weights of norms are 1 plus a quarter of them.
    """
    state = 0xCBF29CE484222325
    for byte in f"{seed}:{name}".encode():
        state = (state ^ byte) * 0x100000001B3 % 2**64
    count = int(np.prod(shape))
    with np.errstate(over="ignore"):
        z = np.uint64(state) + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = z ^ (z >> np.uint64(31))
    unit = ((z >> np.uint64(56)).astype(np.int64) * 2 - 255).astype(np.float32) / 256
    if scale is not None:
        values = unit * scale
    elif len(shape) > 1:
        values = unit * 2.0 ** (1 - min(shape[-2:]).bit_length() // 2)
    else:
        values = unit / 4 if name.endswith("bias") else 1 + unit / 4
    return torch.from_numpy(values.astype(np.float32).reshape(shape))


def names_and_shapes(file):
    with safe_open(file, "pt") as tensors:
        return {name: tensors.get_slice(name).get_shape() for name in tensors.keys()}


def refill(file, seed, scale=None):
    """Replaces the numbers of a file; a table of the base that stands in an adapter stays what it is."""
    kept = {name: tensor for name, tensor in load_file(file).items() if name.endswith(".base_layer.weight")}
    filled = {name: fill(shape, name, seed, scale) for name, shape in names_and_shapes(file).items() if name not in kept}
    save_file(filled | kept, file, {"format": "pt"})


TABLE_KINDS = ("embedding", "lm-head")
ADAPTER_SCALE, START_SCALE = 0.25, 0.0625


# ---- what transformers and PEFT compute


def batch(gen, sizes, pad):
    ids = torch.randint(3, sizes.vocab, (2, sizes.length), generator=gen)
    mask = torch.ones_like(ids)
    ids[1, sizes.length - pad:] = 0
    mask[1, sizes.length - pad:] = 0
    return ids, mask


def logits(model, ids, mask):
    with torch.no_grad():
        return model.eval()(input_ids=ids, attention_mask=mask).logits.float()


def last_tokens(scores, mask):
    """Of each row what belongs to its last token, which all before it have a part in."""
    return scores[torch.arange(len(mask)), mask.sum(1) - 1]


def load(folder, auto=tf.AutoModelForCausalLM):
    return auto.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager")


def save_model(model, folder, seed):
    model.save_pretrained(folder)
    if os.path.exists(os.path.join(folder, "generation_config.json")):
        os.remove(os.path.join(folder, "generation_config.json"))  # it would end greedy generation early
    refill(os.path.join(folder, "model.safetensors"), seed)


def save_adapter(peft, folder, seed, scale):
    peft.save_pretrained(folder)
    os.remove(os.path.join(folder, "README.md"))
    refill(os.path.join(folder, "adapter_model.safetensors"), seed, scale)


def old_spelling(config):
    """A config.json as transformers 4 wrote it, for the same model."""
    config = dict(config)
    kind = config["model_type"]
    if kind == "gemma3":
        return config | {"text_config": old_spelling(config["text_config"])}
    rope = config.pop("rope_parameters", None) or {}
    if "full_attention" in rope:  # Gemma 3
        config["rope_local_base_freq"] = rope["sliding_attention"]["rope_theta"]
        rope = rope["full_attention"]
    rope = dict(rope)
    theta, share, scaling = rope.pop("rope_theta", None), rope.pop("partial_rotary_factor", None), rope.pop("rope_type", None)
    if theta is not None:
        config["rotary_emb_base" if kind == "gpt_neox" else "rope_theta"] = theta
    if share is not None:
        config["rotary_pct" if kind == "gpt_neox" else "partial_rotary_factor"] = share
    if scaling not in (None, "default"):
        config["rope_scaling"] = {"type" if kind == "phi3" else "rope_type": scaling} | rope
    config["torch_dtype"] = config.pop("dtype", None)
    layer_types = config.pop("layer_types", None)
    if kind == "gemma3_text":
        config.pop("_sliding_window_pattern", None)
        if layer_types[0] == "sliding_attention":
            config["sliding_window_pattern"] = layer_types.index("full_attention") + 1
        else:
            config["layer_types"] = layer_types  # no pattern begins with full attention
    if kind == "qwen3_moe":
        config["num_experts"] = config.pop("num_local_experts", None) or config["num_experts"]
    return config


def without_defaults(config, defaults):
    return {k: v for k, v in config.items() if k in ("model_type", "architectures") or k not in defaults or v != defaults[k]}


def reason(error):
    return f"{type(error).__name__}: {error}".split("\n")[0][:200]


class CaseMaker:
    """Makes one case's folder."""

    def __init__(self, case, folder, sizes, seed, more):
        self.case, self.folder, self.sizes, self.seed, self.more = case, folder, sizes, seed, more
        self.gen = torch.Generator().manual_seed(seed)
        self.expected, self.steps, self.left_out = {}, [], {}

    def at(self, *parts):
        return os.path.join(self.folder, *parts)

    def config(self):
        config = all_cases()[self.case](self.sizes)
        config._attn_implementation = "eager"
        return config

    def make(self, parts=("seqcls", "adapters", "train")):
        self.base()
        if "seqcls" in parts:
            self.tried("seqcls", self.seqcls)
        if "adapters" in parts:
            for kind, settings in kinds_of(self.case, self.more).items():
                self.tried(kind, lambda kind=kind, settings=settings: self.adapter(kind, settings(targets_of(self.case))))
        if "train" in parts:
            self.tried("train", self.train)
        save_file({k: v.detach().clone().contiguous() for k, v in self.expected.items()}, self.at("expected.safetensors"))
        config = self.config()
        description = {"case": self.case, "model_type": config.model_type, "seed": self.seed,
                       "kinked": getattr(config, "activation_function", None) == "relu", "steps": self.steps,
                       "left_out": self.left_out}
        with open(self.at("case.json"), "w") as file:
            json.dump(description, file, indent=1)
            file.write("\n")

    def tried(self, what, work):
        try:
            work()
        except Exception as e:
            self.left_out[what] = reason(e)

    def base(self):
        save_model(tf.AutoModelForCausalLM.from_config(self.config()), self.at("base"), self.seed)
        self.ids, self.mask = batch(self.gen, self.sizes, pad=self.sizes.length // 4)
        model = load(self.at("base"))
        self.plain_logits = logits(model, self.ids, self.mask)
        with torch.no_grad():  # without a cache: transformers' own is wrong beyond longrope's border
            greedy = model.generate(self.ids[:1], attention_mask=self.mask[:1], max_new_tokens=self.sizes.new_tokens,
                                    do_sample=False, pad_token_id=0, eos_token_id=None, use_cache=False)
        left = logits(model, torch.flip(self.ids, [1]), torch.flip(self.mask, [1]))[:, -1]
        self.expected |= {"input_ids": self.ids, "attention_mask": self.mask, "logits": self.plain_logits, "left.logits": left,
                          "greedy": greedy}
        self.expected["greedy.margin"] = torch.tensor(self.margin(model, greedy))
        self.older_config()

    def older_config(self):
        """The same model described by an older config.json, if transformers sees the same in it."""
        with open(self.at("base", "config.json")) as file:
            written = json.load(file)
        old = self.at("old")
        os.makedirs(old, exist_ok=True)
        with open(os.path.join(old, "config.json"), "w") as file:
            defaults = type(self.config())().to_dict()
            json.dump(without_defaults(old_spelling(written), old_spelling(defaults)), file, indent=1)
        read = tf.AutoConfig.from_pretrained(old, attn_implementation="eager")
        model = tf.AutoModelForCausalLM.from_pretrained(self.at("base"), config=read, dtype=torch.float32)
        if not torch.equal(logits(model, self.ids, self.mask), self.plain_logits):
            raise AssertionError(f"{self.case}: transformers reads another model from the old spelling")

    def margin(self, model, whole):
        """By how much each generated token wins, relative to the largest score: ties would be decided by rounding."""
        scores = logits(model, whole, torch.ones_like(whole))[0, self.sizes.length - 1:-1]
        top = scores.topk(2).values
        return ((top[:, 0] - top[:, 1]).min() / scores.abs().max()).item()

    def seqcls(self):
        config = self.config()
        config.num_labels = 3
        save_model(tf.AutoModelForSequenceClassification.from_config(config), self.at("seqcls"), self.seed)
        model = load(self.at("seqcls"), tf.AutoModelForSequenceClassification)
        self.expected["seqcls.logits"] = logits(model, self.ids, self.mask)

    def adapter(self, kind, settings):
        folder = self.at("adapters", kind)
        save_adapter(get_peft_model(load(self.at("base")), LoraConfig(task_type="CAUSAL_LM", **settings)), folder, self.seed,
                     ADAPTER_SCALE)
        peft = PeftModel.from_pretrained(load(self.at("base")), folder)
        self.expected[f"adapters.{kind}.logits"] = last_tokens(logits(peft, self.ids, self.mask), self.mask)
        if kind in TABLE_KINDS and peft.config.tie_word_embeddings:
            self.left_out[kind + ", merged"] = "merging into one of two tied tables changes both."
            return
        try:
            merged = peft.merge_and_unload()
            self.expected[f"adapters.{kind}.merged"] = last_tokens(logits(merged, self.ids, self.mask), self.mask)
        except RuntimeError as e:
            self.left_out[kind + ", merged"] = reason(e)

    def train(self):
        start = self.at("train")
        settings = LoraConfig(r=2, lora_alpha=4, target_modules=targets_of(self.case), task_type="CAUSAL_LM")
        save_adapter(get_peft_model(load(self.at("base")), settings), start, self.seed, START_SCALE)
        model = PeftModel.from_pretrained(load(self.at("base")), start, is_trainable=True)
        model.train()
        params = [p for p in model.parameters() if p.requires_grad]
        optimizer = torch.optim.AdamW(params, **SETTINGS)
        schedule = tf.get_cosine_schedule_with_warmup(optimizer, WARMUP, STEPS)
        batches = {}
        for step in range(STEPS):
            micro = [self.micro_batch(step, k) for k in range(ACCUMULATION)]
            for k, tensors in enumerate(micro):
                for name, tensor in zip(("input_ids", "attention_mask", "labels"), tensors):
                    batches[f"{name}.{step * ACCUMULATION + k}"] = tensor
            items = sum((labels[:, 1:] != -100).sum() for _, _, labels in micro)
            loss = 0.0
            for ids, mask, labels in micro:
                part = model(input_ids=ids, attention_mask=mask, labels=labels, num_items_in_batch=items).loss
                part.backward()
                loss += part.item()
            norm = torch.nn.utils.clip_grad_norm_(params, MAX_GRAD_NORM)
            self.steps.append({"loss": loss, "grad_norm": float(norm)})
            optimizer.step(), schedule.step(), optimizer.zero_grad()
        save_file(batches, self.at("batches.safetensors"))
        end = self.at("train-end")
        model.save_pretrained(end)
        with safe_open(os.path.join(end, "adapter_model.safetensors"), "pt") as tensors:
            self.expected |= {"train." + name: tensors.get_tensor(name) for name in tensors.keys()}

    def micro_batch(self, step, k):
        # The tokens are those of every case of this size: the run's generator doesn't know the family.
        gen = torch.Generator().manual_seed(7919 + step * ACCUMULATION + k)
        ids, mask = batch(gen, self.sizes, pad=1 + (step + k) % (self.sizes.length // 2))
        labels = ids.masked_fill(mask == 0, -100)
        labels[0, :2 + step % 3] = -100
        return ids, mask, labels


def versions():
    import peft
    return {"torch": torch.__version__.split("+")[0], "transformers": tf.__version__, "peft": peft.__version__}
