"""Tokens a CPU second of training the model in eager PyTorch, beside `cargo bench -p genovo-benches --bench training`.

    python3 benches/peers/training_torch.py [--size base] [--sequences 32] [--window 256] [--steps 3]

Run it from the repository's folder, where `docs/pytorch_twin.py` is; it needs PyTorch (`pip install torch`). One step is
forward, a loss over every output, backward and AdamW, on one thread. One step before the measured ones warms up.
"""

import argparse
import json
import sys
import time
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "docs"))
import pytorch_twin as twin  # noqa: E402

QUANTILES = torch.tensor([0.05, 0.25, 0.5, 0.75, 0.95])


def loss(said, returns, actions):
    """Pinball of every member, a normal likelihood, cross entropy of the policy, squares of value and slippage."""
    missed = returns[:, :, None, :, None] - said["q"]
    pinball = torch.maximum(QUANTILES * missed, (QUANTILES - 1) * missed).mean()
    likelihood = (said["sigma"].log() + 0.5 * (returns / said["sigma"]) ** 2).mean()
    policy = torch.nn.functional.cross_entropy(said["logits"].flatten(0, 1), actions.flatten())
    nearest = returns[..., 0]
    rest = (said["value"] - nearest).square().mean() + (said["impact"] - nearest).square().mean()
    return pinball + likelihood + policy + rest + (said["scale"] - 0.5).square().mean()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", choices=twin.SIZES, default="base")
    parser.add_argument("--sequences", type=int, default=32)
    parser.add_argument("--window", type=int, default=256)
    parser.add_argument("--steps", type=int, default=3)
    arguments = parser.parse_args()
    torch.manual_seed(1)
    torch.set_num_threads(1)
    spec, (count, steps) = twin.SIZES[arguments.size], (arguments.sequences, arguments.window)
    model = twin.Model(spec)
    shapes = [(spec["features"],), (spec["levels"], 6), (spec["trades"],), (3,), (spec["account"],)]
    data = [torch.randn(count, steps, *shape) * 0.5 for shape in shapes]
    returns = torch.randn(count, steps, spec["horizons"]) * 0.01
    actions = torch.randint(0, twin.ACTIONS, (count, steps))
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-6)
    wall, cpu = [], []
    for step in range(arguments.steps + 1):
        began, began_cpu = time.perf_counter(), time.process_time()
        optimiser.zero_grad(set_to_none=True)
        found = loss(model(*data), returns, actions)
        found.backward()
        optimiser.step()
        if step > 0:
            wall.append(time.perf_counter() - began)
            cpu.append(time.process_time() - began_cpu)
    assert torch.isfinite(found), "a loss that is no number"
    tokens = count * steps
    print(json.dumps(dict(
        torch=torch.__version__, size=arguments.size, sequences=count, window=steps, steps=len(wall), threads=1,
        tokens_per_cpu_second=round(tokens / sorted(cpu)[len(cpu) // 2]),
        tokens_per_second=round(tokens / sorted(wall)[len(wall) // 2]),
    )))


if __name__ == "__main__":
    main()
