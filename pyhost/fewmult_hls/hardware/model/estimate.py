# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""A model of how long training takes in the fabric, and of what it moves: no measurement.

A call's cycles are those of its loops (``costs/``) and of what it waits for. How often a loop
runs is counted; what stands below as a constant is assumed, and kept apart in every number.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace

from ...contract.calls import Call, Layer, Pass, Pool
from ...contract.window import Window
from ...nets.evaluator import STATISTICS_IMAGES
from ...nets.network import NetworkSpec
from ...nets.steps import Moment, evaluation, layered_step, sampling
from ...nets.trainer import whole_batches
from ..board.board import Board
from ..source.reading import kernel_sources, load_interface
from .costs import all_costs
from .rows import Access, Loop, Process
from .sizes import Sizes, sizes_of

# What of a call decides its cost.
_SIZES = (
    "pass_",
    "inputs",
    "outputs",
    "units",
    "log2_batch",
    "transposed",
    "planes",
    "master_bits",
    *(field.name for field in fields(Window)),
    "back",
    "size",
)

# From one loop into the next, and back: a cycle each (UG1399, "Flattening Nested Loops").
TURN = 2
# From an address at a memory port to its first data, and from the last data to its confirmation, in
# cycles of the fabric. Assumed: nobody has measured them in this overlay.
READ_LATENCY = 40
WRITE_LATENCY = 20
# From AP_START to the first loop, and back from the last one. Assumed.
CALL = 20


@dataclass(frozen=True)
class Cost:
    """What a loop or an access costs in one call.

    Attributes:
        name: for people.
        entries: how often it begins.
        turns: iterations of the pipeline.
        work: cycles in which an iteration begins.
        wait: cycles of filling pipelines and of waiting for memory.
        shown: how much of both is not hidden behind another process, 0 to 1.
        read: bytes.
        written: bytes.
    """

    name: str
    entries: int
    turns: int
    work: int
    wait: int
    shown: float
    read: int
    written: int

    @property
    def cycles(self) -> float:
        """Cycles of the call that are due to this."""
        return (self.work + self.wait) * self.shown


@dataclass(frozen=True)
class CallCost:
    """What a call of a kernel costs.

    Attributes:
        call: the call.
        parts: of all its loops and accesses.
        wait: cycles in which it waits for nothing but DDR's bandwidth, and to begin and end.
    """

    call: Call
    parts: tuple[Cost, ...]
    wait: float

    @property
    def cycles(self) -> float:
        """Cycles from its start to its end."""
        return sum(part.cycles for part in self.parts) + self.wait

    @property
    def work(self) -> float:
        """Cycles in which an iteration begins: those that are counted, not assumed."""
        return sum(part.work * part.shown for part in self.parts)

    @property
    def read(self) -> int:
        """Bytes from memory."""
        return sum(part.read for part in self.parts)

    @property
    def written(self) -> int:
        """Bytes to memory."""
        return sum(part.written for part in self.parts)


def cost_of(call: Call, board: Board) -> CallCost:
    """What a call costs on a board."""
    sizes = sizes_of(call)
    ports = {a.name: a.bundle for a in load_interface(call.kernel).arguments}
    loops = [loop for loop in all_costs().loops if loop.when(call) and loop.trips(sizes)]
    costs = [_loop_cost(loop, sizes, ports, board) for loop in loops]
    shares = _shares(loops, costs, sizes)
    parts = [
        cost if process is None else replace(cost, shown=shares[process])
        for process, cost in zip((loop.process_in(sizes) for loop in loops), costs, strict=True)
    ]
    parts += [_access_cost(access, sizes) for access in all_costs().accesses if access.when(call)]
    moved = sum(part.read + part.written for part in parts)
    at_least = moved / board.ddr.bytes_per_second * board.clock.fabric_mhz * 1e6
    lacking = max(0.0, at_least - sum(part.cycles for part in parts))
    return CallCost(call, tuple(parts), CALL + lacking)


def _loop_cost(loop: Loop, sizes: Sizes, ports: dict[str, str], board: Board) -> Cost:
    source = kernel_sources().pipelined[loop.key]
    entries, trips = loop.entries(sizes), loop.trips(sizes)
    read = {array: trips * count(sizes) for array, count in loop.reads.items()}
    written = {array: trips * count(sizes) for array, count in loop.writes.items()}
    beats = max(_beats(read, ports, board), _beats(written, ports, board))
    latency = READ_LATENCY * bool(read) + WRITE_LATENCY * bool(written)
    return Cost(
        name=loop.name,
        entries=entries,
        turns=trips,
        work=max(trips * (source.interval or 1), beats),
        wait=entries * (TURN + loop.depth + latency),
        shown=1.0,
        read=sum(read.values()),
        written=sum(written.values()),
    )


def _beats(moved: dict[str, int], ports: dict[str, str], board: Board) -> int:
    """Of the busiest port, one a cycle; it reads and writes at the same time."""
    bundles: dict[str, int] = {}
    for array, count in moved.items():
        bundle = ports[array]
        bundles[bundle] = bundles.get(bundle, 0) + count
    return -(-max(bundles.values(), default=0) // (board.ports.width // 8))


def _shares(loops: list[Loop], costs: list[Cost], sizes: Sizes) -> dict[Process, float]:
    """How much of each process of the DATAFLOW region is seen.

    All of the slowest; of the others one block of each sweep, before the slowest has any.
    """
    totals: dict[Process, int] = {}
    for loop, cost in zip(loops, costs, strict=True):
        process = loop.process_in(sizes)
        if process:
            totals[process] = totals.get(process, 0) + cost.work + cost.wait
    slowest = max(totals, key=lambda process: totals[process], default=None)
    return {process: 1.0 if process is slowest else 1 / process.turns(sizes) for process in totals}


def _access_cost(access: Access, sizes: Sizes) -> Cost:
    count = access.count(sizes)
    latency = WRITE_LATENCY if access.writes else READ_LATENCY
    moved = count * access.bytes
    return Cost(
        name=f"{access.file.rpartition('.')[0]}: {access.text}, "
        f"{'written' if access.writes else 'read'} alone",
        entries=count,
        turns=count,
        work=count,
        wait=count * latency,
        shown=1.0,
        read=0 if access.writes else moved,
        written=moved if access.writes else 0,
    )


def part_of(call: Call) -> str:
    """The part of a step that a call is."""
    if isinstance(call, Pool):
        return "backward" if call.back else "forward"
    if not isinstance(call, Layer):
        return "update"
    if call.pass_ is Pass.PERTURB:
        return "perturb"
    return "backward" if call.sends_back else "forward"


def evaluation_calls(spec: NetworkSpec, examples: int, images: int) -> Iterator[tuple[int, Call]]:
    """The calls that validate an epoch, each with how often it is made.

    Args:
        spec: of the net.
        examples: that are trained on; the first of them give the means.
        images: that are validated with.
    """
    batches = whole_batches(min(examples, STATISTICS_IMAGES), spec.batch)
    for times, hidden in (
        (1 << batches.bit_length() - 1, Pass.HIDDEN),
        (-(-images // spec.batch), Pass.HIDDEN_MEAN),
    ):
        yield from ((times, call) for call in evaluation(spec.layers, hidden))


@dataclass(frozen=True)
class Estimate:
    """What the model says of training a net on a board.

    Attributes:
        spec: of the net.
        board: it is for.
        steps: of an epoch.
        step: parts of a step and their calls, in order.
        layers: of each of these calls, whose it is, from 0.
        evaluation: calls that validate an epoch, and how often each is made.
        sampling: calls before the first step.
    """

    spec: NetworkSpec
    board: Board
    steps: int
    step: tuple[tuple[str, CallCost], ...]
    layers: tuple[int, ...]
    evaluation: tuple[tuple[int, CallCost], ...]
    sampling: tuple[CallCost, ...]

    @property
    def overlay(self) -> str:
        """The first of the board's overlays that has all kernels of a step."""
        needed = {cost.call.kernel for _, cost in self.step}
        return next(name for name, there in self.board.overlays.items() if needed <= {*there})

    def seconds(self, cycles: float) -> float:
        """At the fabric's clock."""
        return cycles / (self.board.clock.fabric_mhz * 1e6)

    @property
    def step_cycles(self) -> float:
        """Cycles of a step: an update goes on while products run that do not need its weights.

        Those of the next forward pass do. Both together cannot move more than DDR gives.
        """
        now = free = 0.0  # when the host goes on, and when the kernel of updates does
        for part, cost in self.step:
            if cost.call.kernel == "shift_gradient":
                now = max(now, free)
                free = now + cost.cycles
            else:
                now = (max(now, free) if part == "forward" else now) + cost.cycles
        return max(now, free, self.memory_cycles)

    @property
    def moved(self) -> int:
        """Bytes that a step reads and writes."""
        return sum(cost.read + cost.written for _, cost in self.step)

    @property
    def memory_cycles(self) -> float:
        """Cycles in which DDR moves what a step moves."""
        return self.moved / self.board.ddr.bytes_per_second * self.board.clock.fabric_mhz * 1e6

    @property
    def busy_cycles(self) -> float:
        """Cycles of both kernels, one after the other."""
        return sum(cost.cycles for _, cost in self.step)

    @property
    def work_cycles(self) -> float:
        """Busy cycles in which iterations begin."""
        return sum(cost.work for _, cost in self.step)

    @property
    def step_seconds(self) -> float:
        """The time of a step."""
        return self.seconds(self.step_cycles)

    @property
    def epoch_seconds(self) -> float:
        """The time of an epoch's steps."""
        return self.steps * self.step_seconds

    @property
    def evaluation_seconds(self) -> float:
        """The time of the validation after an epoch."""
        return self.seconds(sum(times * cost.cycles for times, cost in self.evaluation))

    @property
    def sampling_seconds(self) -> float:
        """Before the first step."""
        return self.seconds(sum(cost.cycles for cost in self.sampling))

    def ranking(self) -> list[tuple[str, str, float, float]]:
        """Loops of a step by their cycles, most first.

        Returns:
            Kernel, name, cycles and how many of these are work.
        """
        found: dict[tuple[str, str], tuple[float, float]] = {}
        for _, cost in self.step:
            for part in cost.parts:
                key = (cost.call.kernel, part.name)
                cycles, work = found.get(key, (0.0, 0.0))
                found[key] = (cycles + part.cycles, work + part.work * part.shown)
        rows = [(*key, *numbers) for key, numbers in found.items()]
        return sorted(rows, key=lambda row: -row[2])


def estimate(
    spec: NetworkSpec, board: Board, examples: int, images: int, perturbed: bool = False
) -> Estimate:
    """The model's numbers for a net.

    Args:
        spec: of the net.
        board: to train on.
        examples: images of an epoch.
        images: that are validated with after it; none if 0.
        perturbed: whether every batch is learned from once more, with moved inputs.

    Raises:
        UsageError: there are fewer examples than a batch.
        FewmultError: this installation has no kernels' sources.
    """
    steps = whole_batches(examples, spec.batch)
    calls = evaluation_calls(spec, examples, images) if images else ()
    layers = spec.layers
    # Which numbers a call has, besides its sizes, does not change what it costs.
    step = [*layered_step(layers, Moment(rate=0), seed=0, perturbation=int(perturbed))]
    cost = _Costs(board)
    return Estimate(
        spec,
        board,
        steps,
        tuple((part_of(call), cost(call)) for _, call in step),
        tuple(layer.index for layer, _ in step),
        tuple((times, cost(call)) for times, call in calls),
        tuple(cost(call) for call in sampling(layers, sharpness=0, seed=0)),
    )


class _Costs:
    """What calls cost on a board; calls of one size cost the same, and are priced once."""

    def __init__(self, board: Board) -> None:
        self._board = board
        self._known: dict[tuple[object, ...], CallCost] = {}

    def __call__(self, call: Call) -> CallCost:
        sizes = (call.kernel, *map(vars(call).get, _SIZES))
        if sizes not in self._known:
            self._known[sizes] = cost_of(call, self._board)
        return self._known[sizes]
