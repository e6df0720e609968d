# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
r"""The same training step in fewmult-hls, PyTorch, NumPy and JAX, in turns, in one process.

Batch 128, of the data that the net is for (or of random images without them): gathering the batch,
scaling pixels, stochastic ternary weights, batch normalization, squared hinge, back propagation,
plain SGD, clipping. PyTorch also runs the step with the inputs of the weight gradient as powers of
two, as the paper has it, and a plain net of the same shape, with neither sampling nor, if it is
dense, normalization. NumPy and JAX run dense nets. What is not installed is left out and named.

    pip install torch==2.13.0 jax
    python benchmarks/vs_frameworks.py --threads 1
    python benchmarks/vs_frameworks.py --threads 1 \
        --net cifar10-paper --rounds 5 --steps 1 --warm-up 1
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable
from importlib.util import find_spec
from itertools import pairwise

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("--threads", type=int, default=1)
parser.add_argument("--net", default="784-1024-1024-1024-10", help="text of one, or a preset")
parser.add_argument("--rounds", type=int, default=15)
parser.add_argument("--steps", type=int, default=5, help="in a row, a turn")
parser.add_argument("--warm-up", type=int, default=3, help="steps of a turn that do not count")
options = parser.parse_args()

# Before any library starts its threads: no more cores than threads, for those without a switch.
os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: options.threads])
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = str(options.threads)

import numpy as np  # noqa: E402

from fewmult_hls.backends.emu import EmuBackend  # noqa: E402
from fewmult_hls.datasets import Split, load  # noqa: E402
from fewmult_hls.nets.network import Network, NetworkSpec  # noqa: E402
from fewmult_hls.nets.trainer import Trainer  # noqa: E402
from fewmult_hls.presets import load_preset, names  # noqa: E402
from fewmult_hls.proof.speed import BATCH, random_split  # noqa: E402
from fewmult_hls.system.cpu import model_name  # noqa: E402
from fewmult_hls.system.errors import FewmultError  # noqa: E402

PRESET = load_preset(options.net).values if options.net in names() else {}
SPEC = NetworkSpec.parse(PRESET.get("net", options.net), batch=BATCH)
WIDTHS = SPEC.widths
RATE = 0.01
CLIP = 0.8125
EPOCH = 390
PAUSE = 0.3  # until the threads of the last turn, which wait for more work, have gone to sleep
COLUMN_WIDTHS = (9, 6, 20, 9, 6, 10, 6)
Step = Callable[[np.ndarray], None]


def ours(split: Split, rates: list[int]) -> Step:
    """fewmult-hls, after an epoch at each rate but the last, at which it goes on.

    Deltas thin out while a net learns, and zeros cost less.
    """
    backend = EmuBackend(options.threads)
    trainer = Trainer(backend, Network.initial(SPEC, 1, split.images), 1)
    generator = np.random.default_rng(2)
    for rate in rates[:-1]:
        for _ in range(EPOCH):
            trainer.step(split, generator.permutation(len(split.labels))[:BATCH], rate)

    def step(chosen: np.ndarray) -> None:
        trainer.step(split, chosen, rates[-1])

    return step


def with_torch(split: Split, samples: str = "", powers: bool = False) -> Step:
    """PyTorch fp32: with sampled weights, or a plain net."""
    import torch
    from torch_nets import Inputs, Learner, Style, build

    torch.set_num_threads(options.threads)
    torch.manual_seed(1)
    style = Style(samples, powers, normalized=not SPEC.plan.is_dense)
    inputs, learner = Inputs(SPEC.plan, split), Learner(build(SPEC.plan, style))
    labels = torch.tensor(split.labels).long()

    def step(chosen: np.ndarray) -> None:
        learner.step(inputs.batch(split, chosen), labels[torch.from_numpy(chosen)], RATE)

    return step


def with_numpy(split: Split) -> Step:
    """NumPy fp32: the products are BLAS, the rest is element-wise."""
    generator = np.random.default_rng(1)
    weights = [generator.uniform(-0.5, 0.5, (b, a)).astype(np.float32) for a, b in pairwise(WIDTHS)]
    biases = [np.zeros(b, np.float32) for b in WIDTHS[1:]]
    rate = np.float32(RATE)

    def sampled(w: np.ndarray) -> np.ndarray:
        return np.sign(w) * (generator.random(w.shape, np.float32) < np.abs(w))

    def step(chosen: np.ndarray) -> None:
        xs = [split.images[chosen].astype(np.float32) / np.float32(256)]
        samples = [sampled(w) for w in weights]
        saved = []
        for k, (t, bias) in enumerate(zip(samples, biases, strict=True)):
            z = xs[-1] @ t.T + bias
            if k < len(samples) - 1:
                z -= z.mean(axis=0)
                deviation = np.sqrt((z * z).mean(axis=0) + np.float32(1e-5))
                z /= deviation
                saved.append((z, deviation))
                z = np.maximum(z, 0)
            xs.append(z)
        target = np.full(xs[-1].shape, -1, np.float32)
        target[np.arange(BATCH), split.labels[chosen]] = 1
        delta = -2 * target * np.maximum(1 - xs[-1] * target, 0) / np.float32(BATCH)
        for k in reversed(range(len(samples))):
            gradient = delta.T @ xs[k]
            biases[k] -= rate * delta.sum(axis=0)
            if k > 0:
                z, deviation = saved[k - 1]
                delta = (delta @ samples[k]) * (z > 0)
                delta -= delta.mean(axis=0) + z * (delta * z).mean(axis=0)
                delta /= deviation
            weights[k] -= rate * gradient
            np.clip(weights[k], -CLIP, CLIP, out=weights[k])

    return step


def with_jax(split: Split) -> Step:
    """JAX fp32, the whole step one compiled function."""
    import jax
    from jax import numpy as jnp

    key = jax.random.PRNGKey(1)
    shapes = list(pairwise(WIDTHS))
    state = [
        (jax.random.uniform(key, (a, b), jnp.float32, -0.5, 0.5), jnp.zeros(b)) for a, b in shapes
    ]

    def loss(state, key, x, target):
        for k, (w, bias) in enumerate(state):
            key, draw = jax.random.split(key)
            sample = jnp.sign(w) * (jax.random.uniform(draw, w.shape) < jnp.abs(w))
            z = x @ (w + jax.lax.stop_gradient(sample - w)) + bias
            if k < len(state) - 1:
                mean, variance = z.mean(axis=0), z.var(axis=0)
                z = jax.nn.relu((z - mean) / jnp.sqrt(variance + 1e-5))
            x = z
        return jnp.square(jax.nn.relu(1 - x * target)).mean()

    @jax.jit
    def train(state, key, images, labels):
        x = images.astype(jnp.float32) / 256
        target = 2 * jax.nn.one_hot(labels, WIDTHS[-1]) - 1
        gradients = jax.grad(loss)(state, key, x, target)
        return [
            (jnp.clip(w - RATE * dw, -CLIP, CLIP), b - RATE * db)
            for (w, b), (dw, db) in zip(state, gradients, strict=True)
        ]

    held = {"state": state, "key": key}

    def step(chosen: np.ndarray) -> None:
        held["key"], draw = jax.random.split(held["key"])
        held["state"] = train(held["state"], draw, split.images[chosen], split.labels[chosen])
        jax.block_until_ready(held["state"])

    return step


def contestants(split: Split) -> dict[str, Step]:
    """By name; the first is what the others are compared with."""
    is_dense, rate = SPEC.plan.is_dense, SPEC.recipe.first_rates[0]
    found = {"fewmult-hls, first steps": ours(split, [rate])}
    if is_dense:
        found["fewmult-hls, after four epochs"] = ours(split, [rate, 2, 1, 0, 0])
    if find_spec("torch"):
        found["PyTorch fp32, stochastic ternary"] = with_torch(split, "ternary")
        found["PyTorch fp32, ternary, powers of two"] = with_torch(split, "ternary", powers=True)
        found["PyTorch fp32, plain"] = with_torch(split)
    if find_spec("jax") and is_dense:
        found["JAX fp32, stochastic ternary"] = with_jax(split)
    if is_dense:
        found["NumPy fp32, stochastic ternary"] = with_numpy(split)
    return found


def data() -> tuple[Split, str]:
    """The training split that the net is for, or random images."""
    name = PRESET.get("dataset", "mnist" if SPEC.plan.is_dense else "cifar10")
    try:
        split = load(name).train
        if split.images.shape[1] == SPEC.features:
            return split, name
    except FewmultError:
        pass
    return random_split(4096, SPEC.features, SPEC.classes), "random images"


def versions() -> str:
    """Of the libraries that take part."""
    from importlib.metadata import version

    found = ("numpy", "torch", "jax")
    return ", ".join(f"{n} {version(n) if find_spec(n) else 'missing'}" for n in found)


def main() -> None:
    split, name = data()
    steps = contestants(split)
    walls: dict[str, list[float]] = {who: [] for who in steps}
    busy: dict[str, list[float]] = {who: [] for who in steps}
    generator = np.random.default_rng(1)
    for done in range(options.rounds + 1):
        for who, step in steps.items():
            time.sleep(PAUSE)
            for k in range(options.warm_up + options.steps):
                chosen = generator.permutation(len(split.labels))[:BATCH]
                start, processor = time.perf_counter(), time.process_time()
                step(chosen)
                if done > 0 and k >= options.warm_up:
                    walls[who].append(time.perf_counter() - start)
                    busy[who].append(time.process_time() - processor)
    info = EmuBackend(options.threads).info()
    print(f"{model_name()}, {options.threads} thread(s), level {info['isa']}, {versions()}")
    print(f"{SPEC.name}, batch {BATCH}, {name}, {options.rounds * options.steps} steps each, ms")
    print("x: times the first line's. Processor: least of all threads, whatever else runs here")
    columns = ("median", "x", "quartiles", "least", "x", "processor", "x")
    print(f"{'':38}" + "".join(f"{c:>{w}}" for c, w in zip(columns, COLUMN_WIDTHS, strict=True)))
    first = next(iter(steps))
    for who in steps:
        cells = []
        for figure, times in ((statistics.median, walls), (min, walls), (min, busy)):
            least = figure(times[who])
            cells += [f"{1e3 * least:.2f}", f"{least / figure(times[first]):.1f}"]
        low, _, high = statistics.quantiles(walls[who], n=4)
        cells.insert(2, f"{1e3 * low:.2f} - {1e3 * high:.2f}")
        print(f"{who:38}" + "".join(f"{c:>{w}}" for c, w in zip(cells, COLUMN_WIDTHS, strict=True)))


if __name__ == "__main__":
    main()
