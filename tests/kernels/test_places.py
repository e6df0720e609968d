# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Kernels of layers at places against the oracle (contract, section 14)."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from functools import cache
from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from fewmult_hls.backends import open_backend
from fewmult_hls.contract.backend import Backend
from fewmult_hls.contract.calls import Call, Layer, Pass, Pool, ShiftGradient
from fewmult_hls.contract.window import Window
from fewmult_hls.datasets.arrays import from_arrays
from fewmult_hls.nets.network import Network, NetworkSpec
from fewmult_hls.nets.trainer import Schedule, Trainer, train_epochs
from fewmult_hls.proof.cases import CallMaker, Fill
from fewmult_hls.proof.parity import first_difference
from levels import EMU, emu_setting  # noqa: F401

ORACLE = open_backend("numpy")
PASSES = (Pass.HIDDEN, Pass.HIDDEN_MEAN, Pass.BACKWARD, Pass.PERTURB)
LAST_STEP = 2**32 - 2
MOST_TERMS = 1 << 24  # of a case's sums: the oracle and the portable level are slow


@dataclass(frozen=True)
class Case:
    """A random layer at places."""

    window: Window
    outputs: int
    batch: int
    master_bits: int
    binary: bool
    seed: int
    step: int
    fill: Fill
    sharpness: int
    shift: int
    update_shift: int
    exponent: int
    planes: int
    is_signed: bool
    sparse: bool = False

    def thinned(self, values: Any) -> Any:
        """With nine of ten zero where the case is sparse: kernels leave quads of zeros out."""
        if not self.sparse:
            return values
        left = np.random.default_rng(self.seed).random(values.shape) < 0.1
        return np.where(left, values, 0).astype(values.dtype)

    @property
    def terms(self) -> int:
        """How many the layer's sums have in all."""
        window = self.window
        return window.result_places * window.fan_in * self.outputs * self.batch

    @property
    def places(self) -> dict[str, Any]:
        """The window and what else is the same for all calls."""
        sizes = {"inputs": self.window.fan_in, "outputs": self.outputs}
        return {
            **asdict(self.window),
            **sizes,
            "log2_batch": self.batch.bit_length() - 1,
            "signed_inputs": self.is_signed,
            "seed": self.seed,
            "step": self.step,
        }

    def image(self, make: CallMaker, fill: Fill) -> Any:
        """Activations, of either sign where the case is signed."""
        rows = self.window.places * self.window.channels
        values = make.activations(rows, self.batch, fill)
        values = self.thinned(values)
        if not self.is_signed:
            return values
        return np.where(make.deltas(rows, self.batch, "any") < 0, -values, values)

    def passes(self) -> list[Call]:
        """A call of each pass."""
        make = CallMaker(np.random.default_rng(self.seed))
        return [self._pass(make, pass_) for pass_ in PASSES]

    def _pass(self, make: CallMaker, pass_: Pass) -> Layer:
        window, back = self.window, pass_.sends_back
        image, results = window.places * window.channels, window.result_places * self.outputs
        planes = 1 if back else self.planes
        deltas = self.thinned(make.deltas(results, self.batch, self.fill))
        given = make.epilogue(pass_, image if back else results, self.batch, 64)
        if pass_ is not Pass.PERTURB:
            given["bias"] = make.biases(window.channels if back else self.outputs)
        if back:
            given["gate"] = self.image(make, "any")
        summands = (self.batch * window.taps * self.outputs - 1).bit_length()
        room = 24 - summands - 2 - (window.places - 1).bit_length() if back else 0
        return Layer(
            pass_=pass_,
            source=deltas if back else self.image(make, self.fill),
            **make.packed(window.fan_in, self.outputs, planes, self.fill),
            **given,
            planes=planes,
            shift=self.shift,
            bias_exponent=min(self.exponent, room),
            purpose=0x204,
            **self.places,
        )

    def gradient(self) -> ShiftGradient:
        """The call of the weights' step."""
        make = CallMaker(np.random.default_rng(self.seed))
        window, bits = self.window, self.master_bits
        terms = (self.batch * window.result_places - 1).bit_length() + 1
        return ShiftGradient(
            weights=make.master_weights(window.fan_in, self.outputs, bits, self.fill),
            x=self.image(make, self.fill),
            deltas=self.thinned(
                make.deltas(window.result_places * self.outputs, self.batch, self.fill)
            ),
            master_bits=bits,
            shift=max(self.update_shift, terms - 17),
            binary=self.binary,
            sharpness=self.sharpness,
            code_purpose=0x103,
            weight_purpose=0x102,
            **self.places,
        )


def windows() -> st.SearchStrategy[Window]:
    side = st.integers(1, 9)
    taps = st.sampled_from([1, 2, 3, 3, 3, 4, 5, 7])
    channels = st.sampled_from(
        [1, 2, 3, 4, 5, 8, 16, 17, 31, 32, 33, 63, 64, 65, 96, 128, 130, 192]
    )
    return st.builds(
        Window, channels, side, side, taps, taps, st.sampled_from([1, 2]), st.booleans()
    ).filter(lambda window: window.result_rows > 0 and window.result_columns > 0)


def whole_images() -> st.SearchStrategy[Window]:
    """As dense layers see them."""
    return st.builds(
        lambda channels, rows, columns: Window(channels, rows, columns, rows, columns),
        st.sampled_from([1, 3, 16, 32, 64, 70]),
        st.integers(1, 6),
        st.integers(1, 6),
    )


CASES = st.builds(
    Case,
    st.one_of(windows(), windows(), windows(), whole_images()),
    st.sampled_from([1, 2, 7, 8, 15, 16, 17, 31, 32, 33, 63, 64, 65, 100, 127, 128, 129, 140, 260]),
    st.sampled_from([16, 16, 32, 64, 128, 256]),
    st.sampled_from([8, 16]),
    st.booleans(),
    st.integers(0, 2**32 - 1),
    st.one_of(st.integers(0, 3), st.integers(0, LAST_STEP), st.just(LAST_STEP)),
    st.sampled_from(get_args(Fill)),
    st.integers(0, 15),
    st.sampled_from([*range(11), 16, 24]),
    st.integers(-8, 24),
    st.integers(-24, 6),
    st.integers(1, 7),
    st.booleans(),
    st.booleans(),
)
often = settings(
    max_examples=60,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)


@pytest.mark.slow
@often
@given(case=CASES)
def test_passes_equal_the_oracle(case: Case) -> None:
    assume(case.terms <= MOST_TERMS)
    for call in case.passes():
        assert first_difference(EMU, ORACLE, call) is None


@pytest.mark.slow
@often
@given(case=CASES)
def test_the_gradient_equals_the_oracle(case: Case) -> None:
    assume(case.terms <= MOST_TERMS)
    assert first_difference(EMU, ORACLE, case.gradient()) is None


@often
@given(
    channels=st.sampled_from([1, 3, 16, 17, 64]),
    rows=st.integers(1, 12),
    columns=st.integers(1, 12),
    size=st.integers(1, 6),
    batch=st.sampled_from([16, 64, 256]),
    values=st.sampled_from([2, 127]),
    seed=st.integers(0, 1 << 20),
)
def test_pools_equal_the_oracle(
    channels: int, rows: int, columns: int, size: int, batch: int, values: int, seed: int
) -> None:
    """With few values, many places of a window equal its largest."""
    assume(size <= min(rows, columns))
    random = np.random.default_rng(seed)

    def bytes_of(places: int) -> Any:
        return random.integers(-values, values + 1, (places * channels, batch)).astype(np.int8)

    x, deltas = bytes_of(rows * columns), bytes_of((rows // size) * (columns // size))
    sizes = {"channels": channels, "rows": rows, "columns": columns, "size": size}
    there = Pool(x=x, back=False, **sizes, log2_batch=batch.bit_length() - 1)
    assert first_difference(EMU, ORACLE, there) is None
    pooled = np.zeros_like(deltas)
    EMU.run(replace(there, pooled=pooled))
    back = replace(there, back=True, pooled=pooled, deltas=deltas)
    assert first_difference(EMU, ORACLE, back) is None


@cache
def trained_by_the_oracle(binary: bool) -> str:
    return trained(ORACLE, binary)


def trained(backend: Backend, binary: bool) -> str:
    """The fingerprint of some steps of a net of all kinds, from images in colour."""
    random = np.random.default_rng(3)
    images, labels = random.integers(0, 256, (48, 8, 8, 3), np.uint8), random.integers(0, 10, 48)
    data = from_arrays((images, labels), (images, labels))
    kind = "binary" if binary else "ternary"
    spec = NetworkSpec("3x8x8-20C3p-P2-33C3ps2-17C2-40-10", kind, 16, batch=16)
    trainer = Trainer(backend, Network.initial(spec, seed=5), seed=5)
    for _ in train_epochs(trainer, data.train, Schedule(epochs=2, first_rate=1)):
        pass
    return trainer.network().fingerprint


@pytest.mark.parametrize("binary", [False, True])
def test_a_net_leaves_the_fingerprint_of_the_oracle(binary: bool) -> None:
    assert trained(EMU, binary) == trained_by_the_oracle(binary)


def one(**more: Any) -> Case:
    window = Window(**{"channels": 3, "rows": 5, "columns": 4, "tap_rows": 3, "tap_columns": 3})
    plain = Case(window, 6, 16, 16, False, 1, 2, "any", 0, 3, 3, 0, 1, False)
    return replace(plain, **more)


@pytest.mark.parametrize("planes", [1, 3])
def test_a_border_sees_nothing_of_the_first_weights(planes: int) -> None:
    """Of many channels, a tap's weights are more than are expanded at once."""
    window = Window(256, 1, 3, 1, 3, padded=True)
    case = one(window=window, outputs=140, batch=32, planes=planes, shift=6)
    for call in case.passes():
        assert first_difference(EMU, ORACLE, call) is None


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"inputs": 28}, "inputs must be tap_rows"),
        ({"stride": 3}, "stride must be 1 to 2"),
        ({"tap_rows": 6}, "tap_rows must be 1 to 5"),
        ({"channels": -1}, "channels must be 1 to"),
        ({"pass_": Pass.OUTPUT}, "makes no logits"),
        ({"rows": 4}, "must have shape"),
    ],
)
def test_a_wrong_layer_is_refused_by_name(wrong: dict[str, Any], message: str) -> None:
    call = one().passes()[0]
    result = np.zeros(call.shapes()["result"], np.int8)
    mean = np.zeros(call.shapes()["mean"], np.int32)
    with pytest.raises(ValueError, match=message):
        EMU.run(replace(call, result=result, mean=mean, **wrong))


def test_values_that_have_no_code_are_refused() -> None:
    call = one().gradient()
    packed = {name: np.zeros(call.shapes()[name], np.uint64) for name in ("sign", "mask")}
    call.x[3, 4] = -1
    with pytest.raises(ValueError, match="x must be 0 to 127, not -1"):
        EMU.run(replace(call, **packed))
    call.x[3, 4] = -128
    with pytest.raises(ValueError, match="x must be -127 to 127, not -128"):
        EMU.run(replace(call, signed_inputs=True, **packed))


@pytest.mark.parametrize("window", [Window(3, 5, 4, 3, 3), Window(70, 1, 1, 1, 1)])
def test_any_delta_is_subtracted_where_activations_are_negative(window: Window) -> None:
    """-128, too, which has no negative of eight bits; also at the only place of a whole image."""
    call = one(window=window, outputs=70, is_signed=True, update_shift=0).gradient()
    call.deltas[::3] = -128
    assert first_difference(EMU, ORACLE, call) is None


def test_a_gradient_that_could_overflow_is_refused() -> None:
    call = one().gradient()
    packed = {name: np.zeros(call.shapes()[name], np.uint64) for name in ("sign", "mask")}
    wide = replace(call, columns=1 << 15, rows=3)
    with pytest.raises(ValueError, match="places of the result, times the batch"):
        EMU.run(replace(wide, **packed))
