"""Prints Java's Arrays.hashCode of the bits of bitsandbytes' unsigned dynamic map, computed with torch as bitsandbytes does."""
import torch

values = []
for exponent in range(7):
    boundaries = torch.linspace(0.1, 1, (2 << exponent) + 1, dtype=torch.float32)
    means = (boundaries[:-1] + boundaries[1:]) / 2.0
    values += ((10 ** (exponent - 6)) * means).tolist()
values += [0, 1.0]
values.sort()
bits = torch.tensor(values, dtype=torch.float32).view(torch.int32).tolist()
result = 1
for b in bits:
    result = (31 * result + b) & 0xFFFFFFFF
print(len(bits), result - (1 << 32) if result >= 1 << 31 else result)
