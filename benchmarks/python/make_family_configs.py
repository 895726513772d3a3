"""Writes the config.json of each family that the benchmarks train, from the parity cases of lora-core's tests.

    python make_family_configs.py ../src/main/resources/io/github/lora4j/benchmarks/compare/families

One file a model_type. To be run again when a family is added; its line in family_cases.py is what is read.
"""

import json
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "lora-core", "src", "test", "python"))
from family_cases import FAMILIES, Sizes  # noqa: E402

SIZES = Sizes(
    vocab=8192, hidden=256, layers=4, head_dim=64, intermediate=704, length=256, new_tokens=0, window=128, positions=512
)
# What transformers adds that says nothing about the computation.
LEFT_OUT = ("transformers_version", "architectures", "dtype", "use_cache", "bos_token_id", "eos_token_id")
# Where the parity cases differ from the defaults on purpose: here the defaults are wanted.
UNLIKE_DEFAULTS = ("hidden_act", "hidden_activation", "activation_function", "activation", "rms_norm_eps", "layer_norm_eps",
                   "layer_norm_epsilon", "norm_epsilon", "ffn_hidden_size", "attn_logit_softcapping", "final_logit_softcapping",
                   "rope_parameters", "rope_theta", "rotary_emb_base", "partial_rotary_factor")


def main():
    out = sys.argv[1]
    os.makedirs(out, exist_ok=True)
    for case, make in FAMILIES.items():
        config = make(SIZES)
        # llama3 is another Llama, and the text model of gemma3 is gemma3_text.
        if config.model_type == case != "gemma3":
            settings = {key: value for key, value in config.to_diff_dict().items() if key not in LEFT_OUT + UNLIKE_DEFAULTS}
            with open(os.path.join(out, case + ".json"), "w") as file:
                json.dump({"model_type": case} | settings, file, indent=2)
                file.write("\n")


if __name__ == "__main__":
    main()
