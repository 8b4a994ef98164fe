#!/usr/bin/env python3
"""The model of genovo as a PyTorch module: train it there, run it here.

    python3 docs/pytorch_twin.py new tiny model.safetensors        an untrained model with PyTorch's random numbers
    python3 docs/pytorch_twin.py check tests/golden/model          compare the module with the golden outputs
    python3 docs/pytorch_twin.py outputs model.safetensors in.safetensors out.safetensors

It needs PyTorch and nothing else (the CPU build will do). The arithmetic is PyTorch's own, so its outputs are those of
genovo within the rounding of f32, not to the bit; genovo decides with its own exact arithmetic, whoever trained.

A checkpoint is a safetensors file whose metadata has the one key `genovo` with canonical JSON. `save_checkpoint`
writes one that `genovo` reads, `load_checkpoint` reads one that genovo wrote, in f32.
"""

import json
import math
import struct
import sys

import torch
from torch import nn

SPEC_KEYS = [
    "features", "levels", "trades", "frequencies", "micro", "width", "layers", "heads", "hidden", "head_hidden",
    "account", "members", "horizons", "windows", "dilations",
]
TINY = dict(zip(SPEC_KEYS, [32, 5, 8, 8, 16, 64, 2, 4, 192, 32, 8, 4, 3, [16, 64, 256], [1, 4, 16, 64]]))
BASE = TINY | dict(features=128, levels=10, trades=16, frequencies=16, micro=64, width=256, layers=4, heads=8,
                   hidden=704, head_hidden=64)
FULL = BASE | dict(features=512, frequencies=32, micro=128, width=768, layers=8, heads=32, hidden=2048,
                   head_hidden=192)
SIZES = {"tiny": TINY, "base": BASE, "full": FULL}
TAPS, LEVEL_INPUTS, LEVEL_WIDTH, STAMPS, ACTIONS, QUANTILES = 4, 6, 8, 3, 3, 5


class Model(nn.Module):
    """Sequences from their beginning: every input is [sequences, steps, ...]. Weights are [inputs, outputs]."""

    def __init__(self, spec):
        super().__init__()
        self.spec = spec
        d, k, nh = spec["width"], spec["members"], spec["horizons"]
        self.weights = nn.ParameterDict()

        def add(name, *shape, deviation=0.0, constant=0.0):
            value = torch.randn(shape) * deviation if deviation else torch.full(shape, constant)
            self.weights[name.replace(".", "/")] = nn.Parameter(value)

        def linear(name, inputs, outputs, scale=1.0):
            add(f"{name}.w", inputs, outputs, deviation=scale / math.sqrt(inputs))
            add(f"{name}.b", outputs)

        micro_inputs = spec["levels"] * LEVEL_WIDTH + spec["trades"]
        linear("micro.level", LEVEL_INPUTS, LEVEL_WIDTH)
        linear("micro.mix", micro_inputs, spec["micro"])
        add("fourier.freq", STAMPS, spec["frequencies"], deviation=1.0)
        with torch.no_grad():
            for stamp, octaves in ((0, 7), (1, 6)):
                for at in range(spec["frequencies"]):
                    self.weights["fourier/freq"][stamp, at] = 2.0 ** (at % octaves)
        add("fourier.phase", spec["frequencies"])
        linear("embed", spec["features"] + spec["micro"] + 2 * spec["frequencies"], d)
        residual = 1 / math.sqrt(2 * spec["layers"])
        for layer in range(spec["layers"]):
            name = f"layer.{layer}"
            add(f"{name}.norm1.g", d, constant=1.0)
            linear(f"{name}.qkvg", d, 4 * d)
            add(f"{name}.conv.w", TAPS, d, deviation=1 / math.sqrt(TAPS))
            add(f"{name}.conv.b", d)
            linear(f"{name}.mix", d, d, residual)
            add(f"{name}.norm2.g", d, constant=1.0)
            linear(f"{name}.ffn_in", d, 2 * spec["hidden"])
            linear(f"{name}.ffn_out", spec["hidden"], d, residual)
        add("norm_f.g", d, constant=1.0)
        linear("ens.in", d, k * spec["head_hidden"])
        add("ens.out.w", k, spec["head_hidden"], nh * QUANTILES, deviation=1 / math.sqrt(spec["head_hidden"]))
        add("ens.out.b", k, nh * QUANTILES)
        linear("head.in", d + spec["account"], 3 * spec["head_hidden"])
        linear("policy", spec["head_hidden"], ACTIONS, 0.01)
        linear("value", spec["head_hidden"], 1)
        linear("risk", spec["head_hidden"], nh + 1)
        linear("impact", d, 1)

        # Of each head its window and slope, of each channel its dilation.
        quarter = spec["heads"] // 4
        self.windows, self.slopes = [], []
        for count, window in zip((quarter, quarter, 2 * quarter), spec["windows"]):
            for i in range(count):
                self.windows.append(window)
                self.slopes.append(8.0 / window / 2.0 ** ((4 * i + 2) // count))

    def tensor(self, name):
        return self.weights[name.replace(".", "/")]

    def linear(self, name, x):
        return x @ self.tensor(f"{name}.w") + self.tensor(f"{name}.b")

    @staticmethod
    def norm(x, gain):
        return x * torch.rsqrt((x * x).mean(-1, keepdim=True) + 1e-5) * gain

    def fourier(self, stamps):
        # Whole turns do not matter: they are taken off before the sum, where f32 still has their fraction.
        product = stamps.double()[..., None] * self.tensor("fourier.freq").double()
        turns = self.tensor("fourier.phase") + (product - product.detach().round()).sum(-2).to(stamps.dtype)
        turns = 2 * math.pi * (turns - turns.detach().round())
        return torch.cat([turns.sin(), turns.cos()], -1)

    def attention(self, q, k, v):
        b, t, d = q.shape
        heads, width = self.spec["heads"], d // self.spec["heads"]
        q, k, v = (x.view(b, t, heads, width).transpose(1, 2) for x in (q, k, v))
        distance = torch.arange(t)[:, None] - torch.arange(t)[None, :]
        windows = torch.tensor(self.windows)[:, None, None]
        bias = -torch.tensor(self.slopes, dtype=q.dtype)[:, None, None] * distance
        bias = bias.masked_fill((distance < 0) | (distance >= windows), float("-inf"))
        scores = q @ k.transpose(-1, -2) / math.sqrt(width) + bias
        return (scores.softmax(-1) @ v).transpose(1, 2).reshape(b, t, d)

    def convolution(self, u, name):
        b, t, d = u.shape
        out = self.tensor(f"{name}.b").expand(b, t, d)
        parts = []
        for group, dilation in enumerate(self.spec["dilations"]):
            channels = slice(group * d // 4, (group + 1) * d // 4)
            sums = out[..., channels]
            for tap in range(TAPS):
                back = (TAPS - 1 - tap) * dilation
                past = nn.functional.pad(u[..., channels], (0, 0, back, 0))[:, :t]
                sums = sums + self.tensor(f"{name}.w")[tap, channels] * past
            parts.append(sums)
        return nn.functional.silu(torch.cat(parts, -1))

    def trunk(self, features, book, trades, stamps):
        spec, silu = self.spec, nn.functional.silu
        levels = silu(self.linear("micro.level", book)).flatten(-2)
        micro = silu(self.linear("micro.mix", torch.cat([levels, trades], -1)))
        h = self.linear("embed", torch.cat([features, micro, self.fourier(stamps)], -1))
        for layer in range(spec["layers"]):
            name = f"layer.{layer}"
            u = self.norm(h, self.tensor(f"{name}.norm1.g"))
            q, k, v, gate = self.linear(f"{name}.qkvg", u).chunk(4, -1)
            a, c = self.attention(q, k, v), self.convolution(u, f"{name}.conv")
            h = h + self.linear(f"{name}.mix", c + gate.sigmoid() * (a - c))
            u = self.norm(h, self.tensor(f"{name}.norm2.g"))
            up, down = self.linear(f"{name}.ffn_in", u).chunk(2, -1)
            h = h + self.linear(f"{name}.ffn_out", silu(up) * down)
        return self.norm(h, self.tensor("norm_f.g"))

    def forward(self, features, book, trades, stamps, account):
        spec, silu, softplus = self.spec, nn.functional.silu, nn.functional.softplus
        z = self.trunk(features, book, trades, stamps)
        e = silu(self.linear("ens.in", z)).unflatten(-1, (spec["members"], spec["head_hidden"]))
        raw = torch.einsum("btki,kio->btko", e, self.tensor("ens.out.w")) + self.tensor("ens.out.b")
        c, up, far_up, down, far_down = raw.unflatten(-1, (spec["horizons"], QUANTILES)).unbind(-1)
        above, below = c + softplus(up), c - softplus(down)
        q = torch.stack([below - softplus(far_down), below, c, above, above + softplus(far_up)], -1)
        mean = q.mean(2)
        apart = c - mean[..., 2].unsqueeze(2)
        policy, value, risk = silu(self.linear("head.in", torch.cat([z, account], -1))).chunk(3, -1)
        rho = self.linear("risk", risk)
        return {
            "z": z,
            "logits": self.linear("policy", policy),
            "value": self.linear("value", value).squeeze(-1),
            "sigma": softplus(rho[..., :-1]) + 1e-3,
            "scale": rho[..., -1].sigmoid(),
            "impact": softplus(self.linear("impact", z)).squeeze(-1),
            "qbar": mean,
            "dis": (apart * apart).mean(2).sqrt(),
            "q": q,
        }


DTYPES = {"F32": torch.float32, "F64": torch.float64, "I64": torch.int64}
NAMES = {dtype: name for name, dtype in DTYPES.items()}


def read_safetensors(path):
    """Metadata and tensors of a file."""
    with open(path, "rb") as file:
        data = file.read()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    metadata = header.pop("__metadata__", {})
    tensors = {}
    for name, about in header.items():
        begin, end = about["data_offsets"]
        part = bytearray(data[8 + length + begin : 8 + length + end])
        if about["dtype"] not in DTYPES:
            raise SystemExit(f"{path}: {name} is {about['dtype']}; only models in f32 can be loaded")
        tensors[name] = torch.frombuffer(part, dtype=DTYPES[about["dtype"]]).reshape(about["shape"])
    return metadata, tensors


def write_safetensors(path, metadata, tensors):
    header, parts, offset = {"__metadata__": metadata}, [], 0
    for name in sorted(tensors):
        tensor = tensors[name].detach().contiguous().cpu()
        part = bytes(tensor.view(torch.uint8).flatten().tolist()) if tensor.numel() else b""
        header[name] = {
            "dtype": NAMES[tensor.dtype],
            "shape": list(tensor.shape),
            "data_offsets": [offset, offset + len(part)],
        }
        parts.append(part)
        offset += len(part)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + b"".join(parts))


def save_checkpoint(model, path, origin="imported from PyTorch", feature_set=None):
    """Writes a model that genovo reads. Keys and their order are the canonical form."""
    metadata = {
        "version": 1,
        "spec": {key: model.spec[key] for key in SPEC_KEYS},
        "precision": "f32",
        "feature_set": feature_set,
        "lineage": {"origin": origin, "parent": None, "seed": None, "exactness": "inexact"},
    }
    text = json.dumps(metadata, separators=(",", ":"), ensure_ascii=False)
    tensors = {name.replace("/", "."): value.float() for name, value in model.weights.items()}
    write_safetensors(path, {"genovo": text}, tensors)


def load_weights(model, tensors):
    missing = {name.replace("/", ".") for name in model.weights} ^ set(tensors)
    if missing:
        raise SystemExit(f"tensors that are not in both: {sorted(missing)}")
    with torch.no_grad():
        for name, value in tensors.items():
            model.tensor(name).copy_(value)


def load_checkpoint(path):
    metadata, tensors = read_safetensors(path)
    if list(metadata) != ["genovo"]:
        raise SystemExit(f"{path}: no checkpoint of genovo")
    model = Model(json.loads(metadata["genovo"])["spec"])
    load_weights(model, tensors)
    return model


INPUTS = ["x", "book", "trade", "stamp", "acct"]


def check(folder):
    """The module against the golden outputs: |f32 - f64| within the rule that genovo's own test has."""
    names = dict(F="features", LB="levels", Q="trades", NF="frequencies", dm="micro", d="width", L="layers", H="heads",
                 f="hidden", dh="head_hidden", R="account", K="members", NH="horizons", win="windows", dil="dilations")
    worst = 0.0
    for set_ in "ab":
        metadata, tensors = read_safetensors(f"{folder}/{set_}.weights.safetensors")
        config = json.loads(metadata["config"])
        model = Model({ours: config[theirs] for theirs, ours in names.items()})
        load_weights(model, tensors)
        _, inputs = read_safetensors(f"{folder}/{set_}.inputs.safetensors")
        _, golden = read_safetensors(f"{folder}/{set_}.outputs.safetensors")
        bounds = json.load(open(f"{folder}/{set_}.bounds.json"))["ppo"]["out"]
        with torch.no_grad():
            outputs = model(*(inputs[name] for name in INPUTS))
        for name, value in outputs.items():
            exact = golden.get(f"{name}|f64", golden[name].double())
            bound, largest = bounds[name]
            allowed = 8 * bound + 1e-6 * largest + (0 if f"{name}|f64" in golden else bound)
            error = (value.double() - exact).abs().max().item()
            worst = max(worst, error / allowed)
            if error > allowed:
                raise SystemExit(f"{set_}, {name}: {error:.3g} apart, {allowed:.3g} allowed")
    print(f"the module has the golden outputs: {worst:.1%} of the allowance used")


def main(arguments):
    match arguments:
        case ["new", size, path] if size in SIZES:
            torch.manual_seed(1)
            save_checkpoint(Model(SIZES[size]), path)
        case ["check", folder]:
            check(folder)
        case ["outputs", model, inputs, outputs]:
            _, tensors = read_safetensors(inputs)
            with torch.no_grad():
                found = load_checkpoint(model)(*(tensors[name] for name in INPUTS))
            write_safetensors(outputs, {}, found)
        case _:
            raise SystemExit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
