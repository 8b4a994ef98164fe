"""Decisions a second of the model in eager PyTorch, one step at a time, beside `genovo bench model`.

    python3 benches/peers/model_torch.py [tiny] [base] [full] [--threads 1 2] [--seconds 2]

Run it from the repository's folder, where `docs/pytorch_twin.py` is; it needs PyTorch (`pip install torch`). Each step
keeps keys, values and the convolution's past in rings, as genovo does, so that nothing is computed twice. Before it
measures it compares its steps with the module's whole sequence.
"""

import argparse
import math
import sys
import time
from pathlib import Path

import torch
from torch.nn.functional import silu, softplus

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "docs"))
import pytorch_twin as twin  # noqa: E402


class Stream:
    """One stream of a model, step by step."""

    def __init__(self, model):
        self.model, self.spec = model, model.spec
        spec, d = self.spec, self.spec["width"]
        heads, width = spec["heads"], d // spec["heads"]
        self.groups, first = [], 0
        quarter = heads // 4
        for count, window in zip((quarter, quarter, 2 * quarter), spec["windows"]):
            slopes = torch.tensor(model.slopes[first : first + count])
            bias = -slopes[:, None] * torch.arange(window - 1, -1, -1)
            self.groups.append((slice(first * width, (first + count) * width), count, window, bias))
            first += count
        self.keys = [[torch.zeros(c, 0, width) for _, c, _, _ in self.groups] for _ in range(spec["layers"])]
        self.values = [[k.clone() for k in layer] for layer in self.keys]
        reach = 3 * max(spec["dilations"])
        self.past = [torch.zeros(reach + 1, d) for _ in range(spec["layers"])]
        back = torch.zeros(twin.TAPS, d, dtype=torch.long)
        for group, dilation in enumerate(spec["dilations"]):
            for tap in range(twin.TAPS):
                back[tap, group * d // 4 : (group + 1) * d // 4] = reach - (twin.TAPS - 1 - tap) * dilation
        self.taps = back

    def attention(self, layer, q, k, v):
        out, width = [], self.spec["width"] // self.spec["heads"]
        for number, (channels, count, window, bias) in enumerate(self.groups):
            def split(x):
                return x[channels].view(count, 1, width)

            keys = torch.cat([self.keys[layer][number], split(k)], 1)[:, -window:]
            values = torch.cat([self.values[layer][number], split(v)], 1)[:, -window:]
            self.keys[layer][number], self.values[layer][number] = keys, values
            scores = (split(q) @ keys.transpose(1, 2)).squeeze(1) / math.sqrt(width) + bias[:, -keys.shape[1] :]
            out.append((scores.softmax(-1).unsqueeze(1) @ values).flatten())
        return torch.cat(out)

    def step(self, features, book, trades, stamps, account):
        model, spec = self.model, self.spec
        levels = silu(model.linear("micro.level", book)).flatten()
        micro = silu(model.linear("micro.mix", torch.cat([levels, trades])))
        h = model.linear("embed", torch.cat([features, micro, model.fourier(stamps)]))
        for layer in range(spec["layers"]):
            name = f"layer.{layer}"
            u = model.norm(h, model.tensor(f"{name}.norm1.g"))
            q, k, v, gate = model.linear(f"{name}.qkvg", u).chunk(4)
            a = self.attention(layer, q, k, v)
            self.past[layer] = torch.cat([self.past[layer][1:], u[None]])
            past = self.past[layer].gather(0, self.taps)
            c = silu(model.tensor(f"{name}.conv.b") + (model.tensor(f"{name}.conv.w") * past).sum(0))
            h = h + model.linear(f"{name}.mix", c + gate.sigmoid() * (a - c))
            up, down = model.linear(f"{name}.ffn_in", model.norm(h, model.tensor(f"{name}.norm2.g"))).chunk(2)
            h = h + model.linear(f"{name}.ffn_out", silu(up) * down)
        z = model.norm(h, model.tensor("norm_f.g"))
        e = silu(model.linear("ens.in", z)).view(spec["members"], 1, -1)
        raw = torch.bmm(e, model.tensor("ens.out.w")).squeeze(1) + model.tensor("ens.out.b")
        c, up, far_up, down, far_down = raw.view(spec["members"], spec["horizons"], 5).unbind(-1)
        above, below = c + softplus(up), c - softplus(down)
        quantiles = torch.stack([below - softplus(far_down), below, c, above, above + softplus(far_up)], -1)
        mean = quantiles.mean(0)
        disagreement = (c - mean[:, 2]).square().mean(0).sqrt()
        policy, value, risk = silu(model.linear("head.in", torch.cat([z, account]))).chunk(3)
        rho = model.linear("risk", risk)
        return (
            model.linear("policy", policy),
            model.linear("value", value),
            softplus(rho[:-1]) + 1e-3,
            rho[-1].sigmoid(),
            softplus(model.linear("impact", z)),
            mean,
            disagreement,
        )


def inputs(spec, steps):
    shapes = [(spec["features"],), (spec["levels"], 6), (spec["trades"],), (3,), (spec["account"],)]
    return [torch.randn(1, steps, *shape) * 0.5 for shape in shapes]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sizes", nargs="*", default=["tiny", "base", "full"])
    parser.add_argument("--threads", type=int, nargs="*", default=[1, 2])
    parser.add_argument("--seconds", type=float, default=2.0)
    arguments = parser.parse_args()
    torch.manual_seed(1)
    with torch.inference_mode():
        for size in arguments.sizes:
            model = twin.Model(twin.SIZES[size])
            data = inputs(model.spec, 300)
            stream, whole = Stream(model), model(*data)
            for step in range(300):
                said = stream.step(*(values[0, step] for values in data))
            apart = (said[5] - whole["qbar"][0, -1]).abs().max().item()
            assert apart < 1e-4, f"steps and sequence are {apart} apart"
            for threads in arguments.threads:
                torch.set_num_threads(threads)
                times, end = [], time.perf_counter() + arguments.seconds
                while time.perf_counter() < end or len(times) < 20:
                    began = time.perf_counter()
                    stream.step(*(values[0, 0] for values in data))
                    times.append(time.perf_counter() - began)
                times.sort()
                median, best = times[len(times) // 2], times[len(times) // 20]
                print(f"PyTorch {torch.__version__} eager, {size} f32, {threads} threads: "
                      f"{1 / median:,.0f} decisions/s at the median, {1 / best:,.0f} at the best twentieth")


if __name__ == "__main__":
    main()
