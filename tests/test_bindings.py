# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from fewmult_hls import _kernels

Arguments = dict[str, Any]

INPUTS, OUTPUTS, BATCH, WORDS = 100, 30, 32, 2
KEY = (7, 4)
SIZES = {"inputs": INPUTS, "shift": 3, "bias_exponent": -2, "key": KEY, "step": 9}


def random_arrays(seed: int = 1) -> Arguments:
    random = np.random.default_rng(seed)
    mask = random.integers(0, 1 << 64, (1, WORDS, OUTPUTS), np.uint64)
    mask[:, -1] &= np.uint64((1 << INPUTS % 64) - 1)
    sign = random.integers(0, 1 << 64, (1, WORDS, OUTPUTS), np.uint64) & mask
    return {"sign": sign, "mask": mask}


def int8(low: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(2).integers(low, 128, shape).astype(np.int8)


KERNELS = _kernels.Kernels(_kernels.levels()[-1], 2)


def sample_weights() -> Arguments:
    return {
        "weights": int8(-104, WORDS, OUTPUTS, 64).clip(-104, 104),
        **random_arrays(),
        "inputs": INPUTS,
        "binary": False,
        "key": KEY,
        "step": 9,
    }


def binary_matmul() -> Arguments:
    return {
        "source": int8(0, INPUTS, BATCH),
        **random_arrays(),
        "z": np.zeros((OUTPUTS, BATCH), np.int32),
        "inputs": INPUTS,
        "transposed": False,
    }


def transposed() -> Arguments:
    return {
        **binary_matmul(),
        "source": int8(-127, OUTPUTS, BATCH),
        "z": np.zeros((INPUTS, BATCH), np.int32),
        "transposed": True,
    }


def outputs_of(pass_: int, units: int) -> Arguments:
    """The arrays that a pass needs behind its product, and no other."""
    needed = {"bias": np.arange(units, dtype=np.int32)}
    if pass_ in (0, 1):
        needed["mean"] = np.zeros(units, np.int32)
    if pass_ in (2, 3):
        needed["logits"] = np.zeros((units, BATCH), np.int32)
    if pass_ != 2:
        needed["result"] = np.zeros((units, BATCH), np.int8)
    if pass_ == 3:
        needed["labels"] = (np.arange(BATCH) % units).astype(np.uint8)
        needed["loss"] = np.zeros(1, np.int32)
    if pass_ == 4:
        needed["gate"] = int8(0, units, BATCH)
    return needed


def normalize(pass_: int) -> Arguments:
    z = np.random.default_rng(3).integers(-900, 900, (OUTPUTS, BATCH)).astype(np.int32)
    rest = {name: value for name, value in SIZES.items() if name != "inputs"}
    return {"pass_": pass_, "z": z, **outputs_of(pass_, OUTPUTS), **rest}


def layer(pass_: int) -> Arguments:
    backward = pass_ == 4
    source = int8(-127, OUTPUTS, BATCH) if backward else int8(0, INPUTS, BATCH)
    finish = outputs_of(pass_, INPUTS if backward else OUTPUTS)
    return {"pass_": pass_, "source": source, **random_arrays(), **finish, **SIZES}


def shift_gradient() -> Arguments:
    return {
        "weights": np.zeros((WORDS, OUTPUTS, 64), np.int16),
        **random_arrays(),
        "x": int8(0, INPUTS, BATCH),
        "deltas": int8(-127, OUTPUTS, BATCH),
        "shift": 3,
        "binary": False,
        "code_key": (7, 3),
        "weight_key": (7, 2),
        "step": 9,
    }


CALLS: dict[str, Callable[[], Arguments]] = {
    "sample_weights": sample_weights,
    "binary_matmul": binary_matmul,
    "binary_matmul-transposed": transposed,
    **{f"normalize-{p}": lambda p=p: normalize(p) for p in range(5)},
    **{f"layer-{p}": lambda p=p: layer(p) for p in range(5)},
    "shift_gradient": shift_gradient,
}
ARRAYS = [
    (call, name)
    for call, make in CALLS.items()
    for name, value in make().items()
    if isinstance(value, np.ndarray)
]
WRITTEN = {
    "sample_weights": {"sign", "mask"},
    "binary_matmul": {"z"},
    "normalize": {"bias", "result", "mean", "logits", "loss"},
    "layer": {"bias", "result", "mean", "logits", "loss"},
    "shift_gradient": {"weights", "sign", "mask"},
}


def function(call: str) -> Callable[..., None]:
    return getattr(KERNELS, call.split("-")[0])


def is_written(call: str, name: str) -> bool:
    return name in WRITTEN[call.split("-")[0]]


def contents(arguments: Arguments) -> dict[str, bytes]:
    return {
        name: value.tobytes() for name, value in arguments.items() if isinstance(value, np.ndarray)
    }


def refused(call: str, arguments: Arguments, error: type[Exception], message: str) -> None:
    before = contents(arguments)
    with pytest.raises(error, match=message):
        function(call)(**arguments)
    assert contents(arguments) == before


@pytest.mark.parametrize("call", CALLS)
def test_each_call_is_possible_and_does_something(call: str) -> None:
    arguments = CALLS[call]()
    before = contents(arguments)
    function(call)(**arguments)
    changed = {name for name, data in contents(arguments).items() if data != before[name]}
    written = {name for name in before if is_written(call, name)}
    # Inference steps no bias; the means of HIDDEN_MEAN are given.
    kept = {"normalize-0": {"bias"}, "normalize-1": {"bias", "mean"}, "normalize-2": {"bias"}}
    assert changed == written - kept.get(call.replace("layer", "normalize"), set())


@pytest.mark.parametrize(("call", "name"), ARRAYS)
def test_another_dtype_is_a_type_error(call: str, name: str) -> None:
    arguments = CALLS[call]()
    for dtype in (np.float32, arguments[name].dtype.newbyteorder(), np.dtype("u2"), np.dtype("O")):
        if dtype != arguments[name].dtype:
            wrong = {**arguments, name: arguments[name].astype(dtype)}
            refused(call, wrong, TypeError, rf"\b{name} must be .*, not ")


@pytest.mark.parametrize(("call", "name"), ARRAYS)
def test_another_shape_is_a_value_error(call: str, name: str) -> None:
    good = CALLS[call]()[name]
    for wrong in (good[None], good[:0], good[..., :0], good[..., None]):
        arguments = {**CALLS[call](), name: np.ascontiguousarray(wrong)}
        # A batch or a width may be wrong in more than one array: any of their names will do.
        refused(call, arguments, ValueError, r"\b\w+(\.shape\[\d\])? (must|is the batch)")
    longer = {**CALLS[call](), name: np.concatenate([good, good])}
    refused(call, longer, ValueError, r"\b\w+ must have shape \(.*\), not \(")


@pytest.mark.parametrize(("call", "name"), ARRAYS)
def test_a_strided_array_is_a_value_error(call: str, name: str) -> None:
    arguments = CALLS[call]()
    if arguments[name].size > 1:
        arguments[name] = np.repeat(arguments[name], 2, axis=-1)[..., ::2]
        refused(call, arguments, ValueError, f"{name} must be C-contiguous")


@pytest.mark.parametrize(("call", "name"), ARRAYS)
def test_a_misaligned_array_is_a_value_error(call: str, name: str) -> None:
    arguments = CALLS[call]()
    good = arguments[name]
    if good.itemsize > 1:
        arguments[name] = np.zeros(good.nbytes + 1, np.uint8)[1:].view(good.dtype)
        arguments[name] = arguments[name].reshape(good.shape)
        refused(call, arguments, ValueError, f"{name} must be aligned")


@pytest.mark.parametrize(("call", "name"), ARRAYS)
def test_a_read_only_array_is_refused_where_it_is_written(call: str, name: str) -> None:
    arguments = CALLS[call]()
    arguments[name].flags.writeable = False
    if is_written(call, name):
        refused(call, arguments, ValueError, f"{name} must be writeable")
    else:
        function(call)(**arguments)


@pytest.mark.parametrize(("call", "name"), ARRAYS)
def test_a_list_or_nothing_is_a_type_error(call: str, name: str) -> None:
    for wrong in (None, CALLS[call]()[name].tolist()):
        refused(call, {**CALLS[call](), name: wrong}, TypeError, name)


@pytest.mark.parametrize("batch", [1, 8, 17, 48, 512])
@pytest.mark.parametrize("call", [call for call in CALLS if call != "sample_weights"])
def test_an_impossible_batch_is_a_value_error(call: str, batch: int) -> None:
    arguments = CALLS[call]()
    for name, value in arguments.items():
        if isinstance(value, np.ndarray) and value.shape[-1:] == (BATCH,):
            arguments[name] = np.zeros((*value.shape[:-1], batch), value.dtype)
    refused(
        call, arguments, ValueError, r"(source|z|x)\.shape\[1\] (is the batch|must be 1 to 256)"
    )


@pytest.mark.parametrize(
    ("call", "name", "values"),
    [
        ("sample_weights", "inputs", (0, -1, 64, 129, 65_537)),
        ("binary_matmul", "inputs", (0, -1, 64, 129, 65_537)),
        ("layer-0", "inputs", (0, -1, 64, 129, 65_537)),
        ("shift_gradient", "shift", (-9, 25)),
        *[(f"{call}-{p}", "shift", (-1, 25)) for call in ("normalize", "layer") for p in range(5)],
        *[
            (f"{call}-{p}", "bias_exponent", (-25, 25))
            for call in ("normalize", "layer")
            for p in range(5)
        ],
    ],
)
def test_a_number_out_of_range_is_a_value_error(
    call: str, name: str, values: tuple[int, ...]
) -> None:
    for value in values:
        arguments = {**CALLS[call](), name: value}
        refused(
            call,
            arguments,
            ValueError,
            rf"\b({name} must be|(sign|source|weights) must have shape)",
        )


@pytest.mark.parametrize("call", ["normalize-0", "layer-0"])
@pytest.mark.parametrize("pass_", [-1, 6])
def test_an_unknown_pass_is_a_value_error(call: str, pass_: int) -> None:
    refused(call, {**CALLS[call](), "pass_": pass_}, ValueError, "pass must be 0 to 5")


@pytest.mark.parametrize("call", CALLS)
def test_numbers_that_are_not_32_bits_are_type_errors(call: str) -> None:
    for name in set(CALLS[call]()) & {"key", "step", "code_key", "weight_key"}:
        for value in (-1, 1 << 32, 0.5, "1"):
            wrong = value if name == "step" else (value, 2)
            refused(call, {**CALLS[call](), name: wrong}, TypeError, name)


def test_keys_of_different_seeds_are_a_value_error() -> None:
    arguments = {**shift_gradient(), "code_key": (8, 3)}
    refused("shift_gradient", arguments, ValueError, "both keys must have one seed")


def test_only_forward_products_have_several_planes() -> None:
    for call in ("binary_matmul-transposed", "layer-4"):
        arguments = CALLS[call]()
        planes = {name: np.repeat(arguments[name], 2, axis=0) for name in ("sign", "mask")}
        refused(call, {**arguments, **planes}, ValueError, "has one plane")
    arguments = binary_matmul()
    planes = {name: np.repeat(arguments[name], 8, axis=0) for name in ("sign", "mask")}
    refused(
        "binary_matmul", {**arguments, **planes}, ValueError, r"sign\.shape\[0\] must be 1 to 7"
    )


@pytest.mark.parametrize("call", ["layer-2", "layer-3", "normalize-2", "normalize-3"])
def test_logits_have_at_most_256_units(call: str) -> None:
    arguments = CALLS[call]()
    for name, value in arguments.items():
        if isinstance(value, np.ndarray) and OUTPUTS in value.shape:
            shape = tuple(257 if size == OUTPUTS else size for size in value.shape)
            arguments[name] = np.zeros(shape, value.dtype)
    refused(call, arguments, ValueError, "outputs must be 1 to 256, not 257")


PLANES, PRODUCT = 127 * 127 << 16, 127 << 16  # the largest sums of seven planes, and of one
FINISHED = ("normalize", "layer")
BOUNDS = [
    ("sample_weights", "weights", -104, 104),
    *[(f"normalize-{p}", "z", -PLANES, PLANES) for p in range(4)],
    ("normalize-4", "z", -PRODUCT, PRODUCT),
    *[(f"{call}-{p}", "bias", -(1 << 23), 1 << 23) for call in FINISHED for p in range(5)],
    *[(f"{call}-1", "mean", -PLANES, PLANES) for call in FINISHED],
    *[(f"{call}-3", "labels", 0, OUTPUTS - 1) for call in FINISHED],
    *[(f"{call}-3", "loss", 0, 2**31 - 1 - 127 * OUTPUTS * BATCH) for call in FINISHED],
    ("shift_gradient", "x", 0, 127),
]


def with_value(call: str, name: str, place: int, value: int) -> Arguments:
    arguments = CALLS[call]()
    arguments[name].flat[place] = value
    return arguments


@pytest.mark.parametrize(("call", "name", "low", "high"), BOUNDS)
def test_a_value_that_no_sum_may_meet_is_a_value_error(
    call: str, name: str, low: int, high: int
) -> None:
    limits = np.iinfo(CALLS[call]()[name].dtype)
    for place in (0, -1):
        for value in {low - 1, high + 1, limits.min, limits.max} - {low, high}:
            if limits.min <= value <= limits.max:
                wrong = with_value(call, name, place, value)
                message = f"each value of {name} must be {low} to {high}, not {value}$"
                refused(call, wrong, ValueError, message)
        for value in (low, high):
            function(call)(**with_value(call, name, place, value))


@pytest.mark.parametrize(("bias_exponent", "bits"), [(-24, 16), (3, 16), (4, 15), (19, 0)])
def test_sums_sent_back_leave_room_for_the_step_of_a_bias(bias_exponent: int, bits: int) -> None:
    most = 127 << bits
    for value in (-most - 1, most + 1):
        arguments = {**with_value("normalize-4", "z", 5, value), "bias_exponent": bias_exponent}
        refused("normalize-4", arguments, ValueError, f"each value of z must be -{most} to {most}")
    arguments = {**normalize(4), "bias_exponent": bias_exponent}
    arguments["z"][:] = -most
    function("normalize-4")(**arguments)


def test_loops_of_a_peak_have_an_end() -> None:
    for loops in (-1, 2**31):
        with pytest.raises(ValueError, match="loops must be 0 to"):
            KERNELS.peak(False, loops)


def test_master_weights_of_16_bits_have_bounds_too() -> None:
    weights = np.zeros((WORDS, OUTPUTS, 64), np.int16)
    for value in (-(2**15), -26625, 26625):
        weights[-1, -1, -1] = value
        arguments = {**sample_weights(), "weights": weights}
        refused("sample_weights", arguments, ValueError, "each value of weights must be -26624 to")


def test_the_least_byte_is_no_delta_where_a_bias_could_overflow() -> None:
    arguments = with_value("layer-4", "source", 0, -128)
    summands = 5 + 5  # bits of a batch of 32 and of 30 outputs
    most = {**arguments, "bias_exponent": 24 - summands}
    refused("layer-4", most, ValueError, "each value of source must be -127 to 127, not -128")
    function("layer-4")(**{**arguments, "bias_exponent": 23 - summands})


def test_an_update_takes_any_master_weight_and_leaves_a_clipped_one() -> None:
    results = set()
    for level in _kernels.levels():
        weights = np.random.default_rng(4).integers(-(2**15), 2**15, (WORDS, OUTPUTS, 64))
        arguments = {**shift_gradient(), "weights": weights.astype(np.int16)}
        _kernels.Kernels(level, 1).shift_gradient(**arguments)
        assert abs(arguments["weights"].astype(int)).max() == 26624
        results.add(arguments["weights"].tobytes() + arguments["sign"].tobytes())
    assert len(results) == 1


def test_rounds_of_the_generator_are_13_or_20() -> None:
    with pytest.raises(ValueError, match="rounds must be 13 or 20"):
        _kernels.threefry((0, 0), (0, 0), 12)


@pytest.mark.parametrize("call", CALLS)
def test_results_land_in_the_given_memory_and_nowhere_else(call: str) -> None:
    expected = CALLS[call]()
    function(call)(**expected)
    arguments, owners = CALLS[call](), {}
    for name, value in arguments.items():
        if isinstance(value, np.ndarray):
            owners[name] = np.full((3, *value.shape), 77).astype(value.dtype)
            owners[name][1] = value
            arguments[name] = owners[name][1]
    function(call)(**arguments)
    for name, owner in owners.items():
        assert np.array_equal(owner[1], expected[name]), name
        assert (owner[::2] == 77).all(), name


def big_product() -> Arguments:
    words = np.full((1, 128, 2048), 2**64 - 1, np.uint64)
    z = np.zeros((2048, 256), np.int32)
    source = np.full((8192, 256), 127, np.int8)
    sizes = {"inputs": 8192, "transposed": False}
    return {"source": source, "sign": words, "mask": words, "z": z, **sizes}


def test_other_threads_run_during_a_kernel() -> None:
    arguments = big_product()
    ticks, done = [], threading.Event()

    def tick() -> None:
        while not done.is_set():
            ticks.append(time.perf_counter())
            time.sleep(0.001)

    thread = threading.Thread(target=tick)
    thread.start()
    start = time.perf_counter()
    KERNELS.binary_matmul(**arguments)
    end = time.perf_counter()
    done.set()
    thread.join()
    margin = (end - start) / 10
    assert any(start + margin < at < end - margin for at in ticks)


def test_four_threads_at_once_leave_the_same_bits() -> None:
    def work(_: int) -> bytes:
        left = b""
        for _ in range(10):
            for call, make in CALLS.items():
                arguments = make()
                function(call)(**arguments)
                left += b"".join(contents(arguments).values())
        return left

    alone = work(0)
    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(work, range(8))) == {alone}


@pytest.mark.parametrize("number", [-1, 20, 2**40])
def test_gather_refuses_an_image_that_is_not_there(number: int) -> None:
    images, inputs = np.zeros((20, 5), np.uint8), np.full((5, 16), 7, np.int8)
    chosen = np.zeros(16, np.int64)
    chosen[3] = number
    with pytest.raises(IndexError, match=f"image {number} of 20"):
        KERNELS.gather(images, chosen, inputs)
    assert (inputs == 7).all()


def test_gather_checks_its_arrays() -> None:
    good = {
        "images": np.zeros((20, 5), np.uint8),
        "chosen": np.zeros(16, np.int64),
        "inputs": np.zeros((5, 16), np.int8),
    }
    KERNELS.gather(**good)
    bad = {
        "images": [
            good["images"].astype(np.int8),
            np.zeros((20, 6), np.uint8),
            np.zeros(5, np.uint8),
        ],
        "chosen": [good["chosen"].astype(np.int32), np.zeros(17, np.int64)],
        "inputs": [good["inputs"].astype(np.uint8), np.zeros((5, 17), np.int8)],
    }
    for name, arrays in bad.items():
        for array in arrays:
            with pytest.raises((TypeError, ValueError), match=name):
                KERNELS.gather(**{**good, name: array})


@pytest.mark.parametrize(("level", "threads"), [("sse9", 1), ("portable", 0), ("portable", 257)])
def test_no_kernels_at_a_level_or_with_threads_that_cannot_be(level: str, threads: int) -> None:
    with pytest.raises(ValueError, match=r"sse9|threads"):
        _kernels.Kernels(level, threads)
