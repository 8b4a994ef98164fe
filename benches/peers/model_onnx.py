"""Decisions a second of the model in ONNX Runtime, one step at a time, beside `genovo bench model`.

    python3 benches/peers/model_onnx.py [tiny] [base] [full] [--threads 1] [--seconds 2]

Run it from the repository's folder; it needs `pip install torch onnx onnxscript onnxruntime`. The graph is the step of
`model_torch.py`, whose rings come in and go out as tensors, as graphs of language models have them. Before it measures
it compares some steps with PyTorch's.
"""

import argparse
import tempfile
import time
from pathlib import Path

import onnxruntime
import torch
from model_torch import Stream, inputs, twin


class Step(torch.nn.Module):
    """One step as a function of inputs and rings."""

    def __init__(self, model):
        super().__init__()
        self.model, self.stream = model, Stream(model)
        spec = self.stream.spec
        width = spec["width"] // spec["heads"]
        rings = [torch.zeros(count, window - 1, width) for _, count, window, _ in self.stream.groups]
        self.rings = []
        for past in self.stream.past:
            self.rings += [ring.clone() for ring in rings + rings] + [past.clone()]

    def forward(self, features, book, trades, stamps, account, *rings):
        stream, groups = self.stream, len(self.stream.groups)
        each = 2 * groups + 1
        parts = [list(rings[at : at + each]) for at in range(0, len(rings), each)]
        stream.keys = [part[:groups] for part in parts]
        stream.values = [part[groups : 2 * groups] for part in parts]
        stream.past = [part[-1] for part in parts]
        said = stream.step(features, book, trades, stamps, account)
        after = []
        for layer in range(len(parts)):
            # The attention looked back a whole window; the next step needs one less.
            after += [ring[:, 1:] for ring in stream.keys[layer] + stream.values[layer]] + [stream.past[layer]]
        return (*said, *after)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sizes", nargs="*", default=["tiny", "base", "full"])
    parser.add_argument("--threads", type=int, nargs="*", default=[1, 2])
    parser.add_argument("--seconds", type=float, default=2.0)
    arguments = parser.parse_args()
    torch.manual_seed(1)
    torch.set_num_threads(1)
    for size in arguments.sizes:
        step = Step(twin.Model(twin.SIZES[size]).requires_grad_(False)).eval()
        data = [values[0] for values in inputs(twin.SIZES[size], 8)]
        rings = list(step.rings)
        with tempfile.TemporaryDirectory() as folder, torch.inference_mode(False), torch.no_grad():
            path = str(Path(folder) / "step.onnx")
            torch.onnx.export(step, (*(values[0] for values in data), *rings), path, dynamo=True, verbose=False)
            for threads in arguments.threads:
                options = onnxruntime.SessionOptions()
                options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
                session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
                names = [one.name for one in session.get_inputs()]
                outputs = [one.name for one in session.get_outputs()]
                value = onnxruntime.OrtValue.ortvalue_from_numpy
                mine, theirs, apart = rings, [value(ring.numpy()) for ring in rings], 0.0
                for at in range(8):
                    now = [values[at] for values in data]
                    said = step(*now, *mine)
                    feeds = [value(part.numpy()) for part in now] + theirs
                    found = session.run_with_ort_values(outputs, dict(zip(names, feeds)))
                    mine, theirs = list(said[7:]), found[7:]
                    pairs = zip(said[:7], found[:7])
                    apart = max([apart] + [(a - torch.from_numpy(b.numpy())).abs().max().item() for a, b in pairs])
                assert apart < 1e-3, f"{size}: ONNX Runtime and PyTorch are {apart} apart"
                times, end = [], time.perf_counter() + arguments.seconds
                now = [value(values[0].numpy()) for values in data]
                while time.perf_counter() < end or len(times) < 20:
                    began = time.perf_counter()
                    theirs = session.run_with_ort_values(outputs, dict(zip(names, now + theirs)))[7:]
                    times.append(time.perf_counter() - began)
                times.sort()
                median, best = times[len(times) // 2], times[len(times) // 20]
                print(f"ONNX Runtime {onnxruntime.__version__}, {size} f32, {threads} threads: "
                      f"{1 / median:,.0f} decisions/s at the median, {1 / best:,.0f} at the best twentieth; {apart:.1e} from PyTorch", flush=True)


if __name__ == "__main__":
    main()
