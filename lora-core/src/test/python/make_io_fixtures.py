"""Writes the files of the io package under src/test/resources with Python's own libraries.

Run from this folder with safetensors, huggingface_hub and torch installed:

    python make_io_fixtures.py
"""

import json
import struct
from pathlib import Path

import torch
from huggingface_hub import save_torch_state_dict
from safetensors.torch import save_file

OUT = Path(__file__).resolve().parent.parent / "resources/io/github/lora4j/io"

DTYPES = {
    "f64": torch.float64,
    "f32": torch.float32,
    "f16": torch.float16,
    "bf16": torch.bfloat16,
    "i64": torch.int64,
    "i32": torch.int32,
    "i16": torch.int16,
    "i8": torch.int8,
    "u8": torch.uint8,
    "bool": torch.bool,
}


def main() -> None:
    OUT.mkdir(parents=True, exist_ok=True)

    # 0, 1, 2, ... in every dtype, a scalar, an empty tensor, a name outside ASCII, an fp8 tensor.
    tensors = {f"t.{name}": torch.arange(6).reshape(2, 3).to(dtype) for name, dtype in DTYPES.items()}
    tensors["scalar"] = torch.tensor(2.5)
    tensors["empty"] = torch.zeros(0, 3)
    tensors["grüße \"1\"\n"] = torch.tensor([7], dtype=torch.int64)
    save_file(tensors, OUT / "all-dtypes.safetensors", metadata={"format": "pt"})
    save_file(
        {"fp8": torch.ones(3).to(torch.float8_e4m3fn), "kept": torch.ones(2)},
        OUT / "fp8.safetensors",
    )

    # A header of odd length, as other writers make them: nothing is aligned.
    header = json.dumps({"x": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}})
    header += " " * (1 - len(header) % 2)
    with open(OUT / "unaligned.safetensors", "wb") as file:
        file.write(struct.pack("<Q", len(header)) + header.encode() + struct.pack("<ff", 1.5, -2.5))

    (OUT / "sharded").mkdir(exist_ok=True)
    sharded = {f"layer.{i}.weight": torch.full((4,), float(i)) for i in range(5)}
    save_torch_state_dict(
        sharded, OUT / "sharded", filename_pattern="model{suffix}.safetensors", max_shard_size=32
    )


if __name__ == "__main__":
    main()
