# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""The package's nets in PyTorch, to compare with: plain floating point, or the paper's algorithm.

The paper's, in units of a layer's W0 (docs/methods.md): a stochastic sample of the weights, drawn
every step, goes forward and back; the weight gradient takes the inputs as signed powers of two,
rounded by chance; weights are clipped to 1. Its layers are convolution, pool, batch norm, ReLU in
this order, and the output is normalized, too. Plain nets are built as usual: the pool stands behind
the ReLU, the output has a bias.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import singledispatch
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from fewmult_hls.contract.method_names import SAMPLED
from fewmult_hls.contract.window import Window
from fewmult_hls.datasets import Split
from fewmult_hls.layers.augmentation import AS_THEY_ARE, Augmentation
from fewmult_hls.layers.base import Image, Kind
from fewmult_hls.layers.convolution import ConvolutionKind
from fewmult_hls.layers.dense import DenseKind
from fewmult_hls.layers.kinds import Plan
from fewmult_hls.layers.pooling import PoolingKind
from fewmult_hls.oracle.augmentation import augment, draw_moves
from fewmult_hls.system.errors import UsageError

_MANTISSA_BITS = 23
_EPSILON = 1e-4  # of the paper's batch normalization
_HALF = 0.5
_WHITE = 255


@dataclass(frozen=True)
class Style:
    """How a net is trained.

    Attributes:
        samples: kind of the weights' samples, ternary or binary; empty for weights as they are.
        powers: whether inputs are powers of two in the weight gradient.
        normalized: whether hidden layers are, by batch; always with samples.
    """

    samples: str = ""
    powers: bool = False
    normalized: bool = True

    @classmethod
    def of_method(cls, method: str) -> Style:
        """That of a method of the package."""
        kinds = {**SAMPLED, "float": "", "binary": "binary"}
        return cls(kinds[method], method.endswith("-qbp"))

    @property
    def precisions(self) -> tuple[str, ...]:
        """Weights of a test; the first are those that are deployed."""
        return (self.samples, "real-valued") if self.samples else ("real-valued",)


class _Sample(torch.autograd.Function):
    """A stochastic sample of weights in -1 .. 1; its gradient is theirs."""

    @staticmethod
    def forward(ctx: Any, weight: Tensor, kind: str) -> Tensor:
        if kind == "binary":
            return torch.bernoulli((weight + 1).mul_(_HALF).clamp_(0, 1)).mul_(2).sub_(1)
        return torch.bernoulli(weight.abs().clamp_(max=1)).mul_(weight.sign())

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return gradient, None


def deployed(weight: Tensor, kind: str) -> Tensor:
    """The weights of a test: signs, or those of weights above a half."""
    if kind == "ternary":
        return weight.sign() * (weight.abs() > _HALF)
    return torch.where(weight < 0, -1.0, 1.0) if kind == "binary" else weight


def powers_of_two(x: Tensor) -> Tensor:
    """Each value rounded by chance to one of the two powers next to it, unbiased; 0 stays 0.

    A random number below 1 is added to the mantissa as an integer, which carries into the exponent
    with the right chance; then the mantissa is cleared.
    """
    bits = x.view(torch.int32)
    random = torch.empty_like(bits).random_(1 << _MANTISSA_BITS)
    return random.add_(bits).bitwise_and_(-1 << _MANTISSA_BITS).view(torch.float32)


class _Convolution(torch.autograd.Function):
    """A convolution whose weight gradient takes powers of two."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, stride: int, padding: int) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.stride, ctx.padding = [stride] * 2, [padding] * 2
        return functional.conv2d(x, weight, None, stride, padding)

    @staticmethod
    def backward(ctx: Any, delta: Tensor) -> tuple[Tensor | None, Tensor, None, None]:
        x, weight = ctx.saved_tensors
        wanted = [ctx.needs_input_grad[0], True, False]
        to_input, to_weight, _ = torch.ops.aten.convolution_backward(
            delta, powers_of_two(x), weight, None, ctx.stride, ctx.padding, [1, 1], False, [0, 0],
            1, wanted,
        )  # fmt: skip
        return to_input, to_weight, None, None


class _Product(torch.autograd.Function):
    """A dense layer's product, likewise."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor) -> Tensor:
        ctx.save_for_backward(x, weight)
        return functional.linear(x, weight)

    @staticmethod
    def backward(ctx: Any, delta: Tensor) -> tuple[Tensor | None, Tensor]:
        x, weight = ctx.saved_tensors
        to_input = delta @ weight if ctx.needs_input_grad[0] else None
        return to_input, delta.t() @ powers_of_two(x)


class Sampled(nn.Module):
    """A layer whose weights are sampled, in units of W0.

    Args:
        shape: of the weights, (outputs, inputs) or (outputs, channels, tap rows, tap columns).
        style: of the net.
        stride: of a convolution.
        padding: of a convolution.
    """

    def __init__(self, shape: tuple[int, ...], style: Style, stride: int = 1, padding: int = 0):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(shape).uniform_(-2, 2))
        self.style, self.stride, self.padding = style, stride, padding
        self.precision = "sampled"
        taps = int(np.prod(shape[2:]))
        self.unit = (1.5 / (taps * (shape[0] + shape[1]))) ** 0.5

    def forward(self, x: Tensor) -> Tensor:
        if self.precision == "sampled":
            weight = _Sample.apply(self.weight, self.style.samples)
        else:
            weight = deployed(self.weight, self.precision)
        if self.weight.dim() == 2:
            powers = self.style.powers
            return _Product.apply(x, weight) if powers else functional.linear(x, weight)
        window = (self.stride, self.padding)
        if self.style.powers:
            return _Convolution.apply(x, weight, *window)
        return functional.conv2d(x, weight, None, *window)


@singledispatch
def modules_of(kind: Kind, source: Image, style: Style, *, is_output: bool) -> list[nn.Module]:
    """A layer of the package as modules; all kinds but pools bring what stands behind them."""
    raise UsageError(f"there is no {kind.word} in PyTorch here")


@modules_of.register
def _(kind: PoolingKind, source: Image, style: Style, *, is_output: bool) -> list[nn.Module]:
    return [nn.MaxPool2d(kind.size)]


@modules_of.register
def _(kind: DenseKind, source: Image, style: Style, *, is_output: bool) -> list[nn.Module]:
    if style.samples:
        layer: nn.Module = Sampled((kind.units, source.size), style)
    else:
        layer = nn.Linear(source.size, kind.units, bias=is_output or not style.normalized)
    return [nn.Flatten(), layer, *_behind(nn.BatchNorm1d, kind.units, style, is_output)]


@modules_of.register
def _(kind: ConvolutionKind, source: Image, style: Style, *, is_output: bool) -> list[nn.Module]:
    around = Window(*source, kind.taps, kind.taps, kind.stride, kind.padded).row_padding
    # An even window has one row of zeros more behind than before.
    behind = kind.taps - 1 - around if kind.padded else 0
    pad, padding = ([], around) if behind == around else ([nn.ZeroPad2d((around, behind) * 2)], 0)
    shape = (kind.channels, source.channels, kind.taps, kind.taps)
    if style.samples:
        layer: nn.Module = Sampled(shape, style, kind.stride, padding)
    else:
        bias = not style.normalized
        layer = nn.Conv2d(shape[1], shape[0], kind.taps, kind.stride, padding, bias=bias)
    return [*pad, layer, *_behind(nn.BatchNorm2d, kind.channels, style, is_output)]


def _behind(
    norm: Callable[..., nn.Module], units: int, style: Style, is_output: bool
) -> list[nn.Module]:
    if style.samples:
        normalized = [norm(units, eps=_EPSILON)]
    else:
        normalized = [norm(units)] if style.normalized and not is_output else []
    return normalized if is_output else [*normalized, nn.ReLU()]


def build(plan: Plan, style: Style) -> nn.Sequential:
    """A net by its text."""
    modules: list[nn.Module] = []
    for index, kind in enumerate(plan.kinds):
        is_output = index == len(plan.kinds) - 1
        found = modules_of(kind, plan.signals[index].image, style, is_output=is_output)
        is_pool = isinstance(kind, PoolingKind)
        if is_pool and style.samples and modules and isinstance(modules[-1], nn.ReLU):
            modules[-2:-2] = found  # in front of batch norm
        else:
            modules += found
    return nn.Sequential(*modules).to(memory_format=torch.channels_last)


class Inputs:
    """Images of a split as a net takes them.

    Where the net names channels, these have mean 0 and deviation 1 over the training images; other
    values lie in 0 .. 1.

    Args:
        plan: the net.
        train: from which means and deviations are taken.
        seed: of the augmentation.
        augmentation: of training images, the package's: the same moves in the same steps.
    """

    def __init__(
        self, plan: Plan, train: Split, seed: int = 1, augmentation: Augmentation = AS_THEY_ARE
    ) -> None:
        augmentation.check(plan.pixels)
        image = plan.pixels.image
        self._shape = (image.rows, image.columns, image.channels) if plan.pixels.signed else ()
        self._seed, self._augmentation = seed, augmentation
        mean, deviation = 0.0, float(_WHITE)
        if self._shape:
            values = train.images.reshape(-1, image.channels)
            mean, deviation = values.mean(axis=0), np.maximum(values.std(axis=0), 1)
        self._mean = torch.as_tensor(np.float32(mean))
        self._deviation = torch.as_tensor(np.float32(deviation))

    def batch(self, split: Split, chosen: np.ndarray, step: int | None = None) -> Tensor:
        """Images by their numbers: (batch, channels, rows, columns) or (batch, features).

        Args:
            split: that they are of.
            chosen: their numbers, int64 (batch,).
            step: of the training, for their moves; None for none.
        """
        x = torch.from_numpy(split.images[chosen]).float()
        if self._shape:
            x = x.reshape(len(chosen), *self._shape)
        x = x.sub_(self._mean).div_(self._deviation)
        if step is not None and self._augmentation != AS_THEY_ARE:
            moves = draw_moves(self._seed, step, chosen, self._augmentation.crop)
            images: Any = x.numpy()
            x = torch.from_numpy(augment(images, moves, flip=self._augmentation.flip))
        return x.permute(0, 3, 1, 2) if self._shape else x


def squared_hinge(logits: Tensor, labels: Tensor) -> Tensor:
    """The paper's loss: a sum over the outputs, a mean over the batch."""
    target = functional.one_hot(labels, logits.shape[1]).mul(2).sub(1)
    return functional.relu(1 - logits * target).square().sum(dim=1).mean()


LOSSES = {"hinge": squared_hinge, "cross-entropy": functional.cross_entropy}


@dataclass(frozen=True)
class Recipe:
    """How a net learns, besides its style.

    Attributes:
        loss: one of ``LOSSES``.
        optimizer: sgd or adam.
        momentum: of sgd, Nesterov's.
        decay: of the weights that are not sampled.
    """

    loss: str = "hinge"
    optimizer: str = "sgd"
    momentum: float = 0.0
    decay: float = 0.0


class Learner:
    """A net in training.

    Args:
        net: as ``build`` makes it.
        recipe: how it learns.
    """

    def __init__(self, net: nn.Sequential, recipe: Recipe = Recipe()) -> None:
        self.net = net
        self._loss = LOSSES[recipe.loss]
        self._sampled = [module for module in net if isinstance(module, Sampled)]
        adam = recipe.optimizer == "adam"
        # A step of rate r in W0's size is one of r / W0^2 in units of it; Adam's has the size r.
        groups = [
            {"params": [layer.weight], "factor": layer.unit ** (-1 if adam else -2)}
            for layer in self._sampled
        ]
        weights = {layer.weight for layer in self._sampled}
        rest = [parameter for parameter in net.parameters() if parameter not in weights]
        groups += [
            {"params": [p for p in rest if p.dim() > 1], "weight_decay": recipe.decay},
            {"params": [p for p in rest if p.dim() == 1]},
        ]
        groups = [group for group in groups if group["params"]]
        if adam:
            self.optimizer: torch.optim.Optimizer = torch.optim.Adam(groups)
        else:
            momentum = recipe.momentum
            nesterov = momentum > 0
            self.optimizer = torch.optim.SGD(groups, 0.1, momentum, nesterov=nesterov)

    def step(self, x: Tensor, labels: Tensor, rate: float) -> float:
        """Learns from a batch and returns its loss."""
        for group in self.optimizer.param_groups:
            group["lr"] = rate * group.get("factor", 1)
        self.optimizer.zero_grad()
        loss = self._loss(self.net(x), labels)
        loss.backward()
        self.optimizer.step()
        with torch.no_grad():
            for layer in self._sampled:
                layer.weight.clamp_(-1, 1)
        return loss.item()


@contextmanager
def tested(net: nn.Sequential, precision: str, statistics: Iterator[Tensor]) -> Iterator[None]:
    """The net with deterministic weights within the block.

    Args:
        net: to be tested.
        precision: of sampled weights: ternary, binary or real-valued.
        statistics: batches of training images, over which means and variances are measured anew.
    """
    sampled = [module for module in net if isinstance(module, Sampled)]
    norms = [m for m in net if isinstance(m, (nn.BatchNorm1d, nn.BatchNorm2d))]
    for layer in sampled:
        layer.precision = precision
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # a mean over all batches
    with torch.no_grad():
        for x in statistics:
            net(x)
        net.eval()
        yield
    net.train()
    for layer in sampled:
        layer.precision = "sampled"
