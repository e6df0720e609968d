# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""What a layer is to all who are no layer: the trainer, the evaluator, models, who counts.

A net's text names *kinds* (``Kind``): sizes alone, known before there is a net. Told where it
stands (``Position``), a kind gives a *layer* (``Layer``): its shifts, its state, its arrays, and
its calls in a step. Nobody asks which kind a layer is.

Arrays of layer k in a net's memory: x_k are the activations that enter it, x_{k+1} those that
leave it; deltas_k belong to what leaves it. It computes x_{k+1} from x_k, and on the way back
deltas_{k-1} from deltas_k, with the step of the biases of what stands in front of it. The last
layer leaves ``logits``, deltas, and adds to ``loss``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np
import numpy.typing as npt

from ..contract.calls import Call, Pass
from ..contract.layouts import MASTER_DTYPES, Words
from ..system.errors import UsageError
from .memory import ArrayType, Memory
from .tensors import Tensor

if TYPE_CHECKING:
    from .inference import Inference

Arrays = dict[str, npt.NDArray[Any]]
Planes = Callable[[npt.NDArray[Any]], tuple[Words, Words]]
"""Sign and mask of deterministic weights, from master weights (outputs, inputs)."""


class Image(NamedTuple):
    """The shape of what flows between layers; in memory it lies as [place][channel].

    Attributes:
        channels: values at a place.
        rows: of places; 1 where there is one place.
        columns: of places; 1 where there is one place.
    """

    channels: int
    rows: int = 1
    columns: int = 1

    @property
    def places(self) -> int:
        """How many there are."""
        return self.rows * self.columns

    @property
    def size(self) -> int:
        """All values of an example."""
        return self.channels * self.places


@dataclass(frozen=True)
class Signal:
    """What flows forward into a layer.

    Attributes:
        image: its shape.
        fraction: its fraction bits.
        signed: whether it may be negative.
        bias: name of the biases of these units, which the layer behind steps, one a channel; None
            where nothing in front learns, so that nothing needs to be sent back.
    """

    image: Image
    fraction: int
    signed: bool = False
    bias: str | None = None

    def check_places(self, index: int) -> None:
        """Whether a layer with a window can be the net's layer with this index.

        Raises:
            UsageError: it is the first of a net that begins with a row of values.
        """
        if index == 0 and not self.signed:
            raise UsageError(
                "a row of values has no places: begin the net with channels x rows x columns, "
                "such as 1x28x28"
            )


@dataclass(frozen=True)
class Deltas:
    """What flows back into a layer.

    Attributes:
        exponent: E; a delta d is d * 2**E.
        one_in: of so many deltas one is not 0, where the layer behind lets only some through.
    """

    exponent: int
    one_in: int = 1


@dataclass(frozen=True)
class Recipe:
    """Numbers with which a sort of net trains (contract, section 10).

    Attributes:
        first_rates: log2 of the learning rate at the start of short runs and of long ones.
        output_rate: bits by which the rate of the last layer's weights is larger.
        sharpness: of all samples, from the first step.
        wide_start: whether weights start in +-1 instead of +-1/2.
        largest_gain: most bits by which a shallow net's logits are larger.
        delta_gain: bits by which deltas are larger.
    """

    first_rates: tuple[int, int] = (3, 2)
    output_rate: int = 0
    sharpness: int = 0
    wide_start: bool = False
    largest_gain: int = 2
    delta_gain: int = 0


@dataclass(frozen=True)
class Position:
    """Where a layer stands in a net, and what the whole net has agreed on.

    Attributes:
        index: of the layer, from 0; draws know it.
        source: that enters it.
        deltas: that come back into it.
        is_output: whether it is the last.
        depth: layers with weights in the net.
        recipe: of the net.
        binary: whether samples of weights are -1 and 1, without 0.
        master_bits: of a weight, 8 or 16.
        log2_batch: of the examples.
    """

    index: int
    source: Signal
    deltas: Deltas
    is_output: bool
    depth: int
    recipe: Recipe
    binary: bool
    master_bits: int
    log2_batch: int

    @property
    def batch(self) -> int:
        """How many examples the batch has."""
        return 1 << self.log2_batch

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of master weights."""
        return MASTER_DTYPES[self.master_bits]


class Kind(ABC):
    """A layer as a net's text names it.

    Attributes:
        typical: a word of it.
        has_weights: whether layers of the kind learn.
        can_end: whether its sums can be a net's logits.
        recipe: of nets that have such a layer; None if any will do.
    """

    typical: ClassVar[str]
    has_weights: ClassVar[bool] = True
    can_end: ClassVar[bool] = False
    recipe: ClassVar[Recipe | None] = None

    @classmethod
    @abstractmethod
    def read(cls, word: str) -> Kind | None:
        """The layer that a word of a net's text names; None if the word is another kind's."""

    @property
    @abstractmethod
    def word(self) -> str:
        """The word that names it."""

    @abstractmethod
    def result(self, source: Signal, index: int) -> Signal:
        """What it makes of what enters it.

        Raises:
            UsageError: such a layer cannot stand there; the message names the sizes.
        """

    @abstractmethod
    def layer(self, position: Position) -> Layer:
        """The layer, where it stands."""


class Layer(ABC):
    """A layer of a net: what a step, an evaluation, a model and a count need of it.

    A layer without weights has neither tensors nor samples nor updates, which is the default.
    """

    position: Position

    @property
    def index(self) -> int:
        """The number of the layer, from 0."""
        return self.position.index

    # ---- Its state -------------------------------------------------------------------------------

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        """What training changes, in the order of the fingerprint."""
        return ()

    @property
    def weights(self) -> int:
        """How many it has."""
        return 0

    @property
    def forward_shift(self) -> int | None:
        """K, by which sums of one plane are shifted; None where there are none."""
        return None

    @property
    def seen(self) -> tuple[int, int, int]:
        """Rows, columns and channels of what a unit with weights sees."""
        return (0, 0, 0)

    def start(self, seed: int) -> Arrays:
        """The state before the first step."""
        return {}

    # ---- Its arrays ------------------------------------------------------------------------------

    @abstractmethod
    def arrays(self) -> dict[str, ArrayType]:
        """All that it needs in training, x_k among them, and deltas_k if it reads them."""

    def means(self) -> dict[str, ArrayType]:
        """The arrays that an evaluation takes as constants, once they were measured."""
        return {}

    def deployed(self, state: Mapping[str, npt.NDArray[Any]], planes: Planes) -> Arrays:
        """What an evaluation reads of its state."""
        return {}

    @abstractmethod
    def inference(self, arrays: Mapping[str, npt.NDArray[Any]]) -> Inference:
        """What it computes with weights of one plane, once it is trained.

        Args:
            arrays: those of ``deployed`` and ``means`` by name.
        """

    # ---- What it sends back ----------------------------------------------------------------------

    @property
    @abstractmethod
    def sent(self) -> Deltas:
        """What comes back into the layer in front of it."""

    # ---- Its calls -------------------------------------------------------------------------------

    def sample(self, memory: Memory, sharpness: int, seed: int) -> Sequence[Call]:
        """Samples of its weights before the first step."""
        return ()

    @abstractmethod
    def forward(self, memory: Memory, rate: int) -> Sequence[Call]:
        """x_{k+1}; of the last layer logits, loss, deltas and its biases' step."""

    @abstractmethod
    def evaluate(
        self, memory: Memory, hidden: Pass, planes: int, more_shift: int
    ) -> Sequence[Call]:
        """x_{k+1} or logits with deterministic weights (contract, section 12).

        Args:
            memory: in which packed weights have so many planes.
            hidden: with the batch's own means, or with given ones.
            planes: of the weights.
            more_shift: what sums are larger by, in bits.
        """

    @abstractmethod
    def backward(self, memory: Memory, rate: int, seed: int, step: int) -> Sequence[Call]:
        """deltas_{k-1} and the step of those biases; nothing if nothing in front learns."""

    def perturb(self, memory: Memory, perturbation: int) -> Sequence[Call]:
        """The call of a first layer that moves x_0 against the net (contract, section 13).

        Raises:
            UsageError: it has no weights that could say where to.
        """
        raise UsageError("the net's first layer has no weights: leave --perturb out")

    def update(
        self, memory: Memory, rate: int, sharpness: int, seed: int, step: int
    ) -> Sequence[Call]:
        """The update of its weights, and their next sample."""
        return ()
