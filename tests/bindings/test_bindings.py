# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0

import gc
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest

from fewmult_hls import _kernels
from fewmult_hls.contract.calls import BinaryMatmul, Layer, LoadBatch, Pass
from fewmult_hls.proof.cases import CallMaker

INPUTS, OUTPUTS, BATCH = 100, 30, 32
KERNELS = _kernels.Kernels(_kernels.levels()[-1], 2)
Call = Any


def whole(call: Call) -> Call:
    """With a place for what is only written."""
    shapes = call.shapes()
    missing = {name for name in call.access.names if getattr(call, name) is None}
    return call.with_arrays({name: np.zeros(shapes[name], call.dtype(name)) for name in missing})


def make() -> CallMaker:
    return CallMaker(np.random.default_rng(2))


def sampling(bits: int = 8) -> Call:
    return whole(make().sample_weights(INPUTS, OUTPUTS, bits, binary=False))


def product(transposed: bool = False, planes: int = 1) -> Call:
    sizes = (INPUTS, OUTPUTS, BATCH)
    return whole(make().binary_matmul(*sizes, transposed=transposed, planes=planes))


def epilogue(pass_: Pass) -> Call:
    return whole(make().normalize(pass_, OUTPUTS, BATCH, 3, -2, largest_sum=900))


def layer(pass_: Pass) -> Call:
    return whole(make().layer(pass_, INPUTS, OUTPUTS, BATCH, 3, -2))


def gradient(bits: int = 16) -> Call:
    return whole(make().shift_gradient(INPUTS, OUTPUTS, BATCH, 3, bits, binary=False))


def load(learns: bool = True) -> Call:
    random = np.random.default_rng(5)
    call = LoadBatch(
        images=random.integers(0, 256, (20, 5)).astype(np.uint8),
        chosen=random.integers(0, 20, 16),
        x=np.full((5, 16), 7, np.int8),
    )
    if not learns:
        return call
    return replace(
        call,
        answers=random.integers(1, 9, 20).astype(np.uint8),
        labels=np.zeros(16, np.uint8),
        loss=np.ones(1, np.int32),
        moved_loss=np.ones(1, np.int32),
    )


CALLS: dict[str, Callable[[], Call]] = {
    "sample_weights": sampling,
    "binary_matmul": product,
    "binary_matmul^T": lambda: product(transposed=True),
    **{f"normalize {p.name}": lambda p=p: epilogue(p) for p in Pass},
    **{f"layer {p.name}": lambda p=p: layer(p) for p in Pass},
    "shift_gradient": gradient,
    "load_batch": load,
    "load_batch alone": lambda: load(learns=False),
}
EVERY = pytest.mark.parametrize("name", CALLS)
ARRAYS = pytest.mark.parametrize(
    ("name", "array"), [(name, a) for name, made in CALLS.items() for a in made().access.names]
)


def contents(call: Call) -> dict[str, bytes]:
    return {name: array.tobytes() for name, array in call.arrays().items()}


def all_bytes(call: Call) -> list[bytes]:
    values = (getattr(call, field.name) for field in fields(call))
    return [value.tobytes() for value in values if isinstance(value, np.ndarray)]


def refused(call: Call, error: type[Exception], message: str) -> None:
    before = all_bytes(call)
    with pytest.raises(error, match=message):
        KERNELS.run(call)
    with pytest.raises(error, match=message):
        KERNELS.prepare([call]).run(0)
    assert all_bytes(call) == before


@EVERY
def test_each_call_is_possible_and_writes_what_it_says(name: str) -> None:
    call = CALLS[name]()
    before = contents(call)
    KERNELS.run(call)
    changed = {array for array, data in contents(call).items() if data != before[array]}
    assert changed == set(call.access.writes)


@ARRAYS
def test_another_dtype_is_a_type_error(name: str, array: str) -> None:
    call = CALLS[name]()
    good = getattr(call, array)
    for dtype in (np.float32, good.dtype.newbyteorder(), np.dtype("u2"), np.dtype("O")):
        if dtype != good.dtype:
            refused(
                replace(call, **{array: good.astype(dtype)}), TypeError, f"{array} must be .*, not "
            )


@ARRAYS
def test_another_shape_is_a_value_error(name: str, array: str) -> None:
    call = CALLS[name]()
    good = getattr(call, array)
    others = [good[None], good[..., None]]
    if (name, array) != ("load_batch alone", "images"):  # which may be any number
        others += [good[:0], np.concatenate([good, good])]
    for wrong in others:
        # A size may be wrong in more than one array: any of their names will do.
        changed = replace(call, **{array: np.ascontiguousarray(wrong)})
        refused(changed, ValueError, r"\b\w+(\.shape\[\d\])? (must|is the batch)")


@ARRAYS
def test_a_strided_array_is_a_value_error(name: str, array: str) -> None:
    call = CALLS[name]()
    good = getattr(call, array)
    if good.size > 1:
        strided = np.repeat(good, 2, axis=-1)[..., ::2]
        refused(replace(call, **{array: strided}), ValueError, f"{array} must be C-contiguous")


@ARRAYS
def test_a_misaligned_array_is_a_value_error(name: str, array: str) -> None:
    call = CALLS[name]()
    good = getattr(call, array)
    if good.itemsize > 1:
        bytes_ = np.zeros(good.nbytes + 1, np.uint8)[1:]
        odd = bytes_.view(good.dtype).reshape(good.shape)
        refused(replace(call, **{array: odd}), ValueError, f"{array} must be aligned")


@ARRAYS
def test_a_read_only_array_is_refused_where_it_is_written(name: str, array: str) -> None:
    call = CALLS[name]()
    getattr(call, array).flags.writeable = False
    if array in call.access.writes:
        refused(call, ValueError, f"{array} must be writeable")


@ARRAYS
def test_a_list_or_nothing_is_a_type_error(name: str, array: str) -> None:
    call = CALLS[name]()
    if array in ("answers", "moved_loss"):
        return  # without them, nothing is learned, or no input moved
    for wrong in (None, getattr(call, array).tolist()):
        refused(replace(call, **{array: wrong}), TypeError, f"this call needs the array {array}")


@pytest.mark.parametrize("log2_batch", [-1, 0, 3, 9, 64])
@EVERY
def test_an_impossible_batch_is_a_value_error(name: str, log2_batch: int) -> None:
    call = CALLS[name]()
    if hasattr(call, "log2_batch"):
        refused(replace(call, log2_batch=log2_batch), ValueError, "log2_batch must be 4 to 8")


@pytest.mark.parametrize("batch", [1, 8, 17, 48, 512])
def test_an_impossible_batch_of_images_is_a_value_error(batch: int) -> None:
    call = replace(load(), chosen=np.zeros(batch, np.int64))
    refused(call, ValueError, r"chosen\.shape\[0\] is the batch")


NUMBERS = {
    "inputs": (0, -1, 64, 129, 65_537, 2**70),
    "outputs": (0, -1, 29, 31, 65_537),
    "units": (0, -1, 29, 65_537),
    "planes": (0, -1, 2, 8),
    "master_bits": (0, 7, 12, 32),
    "sharpness": (-1, 16),
    "binary": (-1, 2),
    "transposed": (-1, 2),
    "pass_": (-1, 6),
    "bias_exponent": (-25, 25),
}


@pytest.mark.parametrize("number", [*NUMBERS, "shift"])
@EVERY
def test_a_number_out_of_range_is_a_value_error(name: str, number: str) -> None:
    call = CALLS[name]()
    if number not in {field.name for field in fields(call)}:
        return
    least = -8 if name == "shift_gradient" else 0
    for value in NUMBERS.get(number, (least - 1, 25)):
        refused(replace(call, **{number: value}), ValueError, r"\w+ must (be|have shape)")


@pytest.mark.parametrize("word", ["seed", "purpose", "code_purpose", "weight_purpose", "step"])
@EVERY
def test_what_is_no_word_is_refused(name: str, word: str) -> None:
    call = CALLS[name]()
    if not hasattr(call, word):
        return
    for value in (-1, 1 << 32, 1 << 80):
        refused(replace(call, **{word: value}), ValueError, f"{word} must be 0 to 4294967295")
    for value in (0.5, "1", None):
        refused(replace(call, **{word: value}), TypeError, f"{word} must be an integer")


@pytest.mark.parametrize("pass_", [Pass.LOGITS, Pass.OUTPUT])
def test_logits_have_at_most_256_units(pass_: Pass) -> None:
    calls = [make().layer(pass_, 5, 257, 16, 3), make().normalize(pass_, 257, 16, 3)]
    for call in map(whole, calls):
        refused(call, ValueError, "outputs must be 1 to 256, not 257")


@pytest.mark.parametrize("wrong", [None, 7, "layer", object(), {"kernel": "layer"}])
def test_what_is_no_call_is_refused(wrong: Any) -> None:
    with pytest.raises(TypeError, match="this is no call of a kernel"):
        KERNELS.run(wrong)


# --- values ---

PLANES, PRODUCT = 127 * 127 << 16, 127 << 16  # the largest sums of seven planes, and of one
FORWARD = [p for p in Pass if not p.sends_back]
BIASED = [p for p in Pass if p is not Pass.PERTURB]
BEHIND = ("normalize", "layer")
BOUNDS = [
    ("sample_weights", "weights", -104, 104),
    *[(f"normalize {p.name}", "z", -PLANES, PLANES) for p in FORWARD],
    ("normalize BACKWARD", "z", -PRODUCT, PRODUCT),
    *[
        (f"{k} {p.name}", "bias", -(1 << 23), 1 << 23)
        for k in ("normalize", "layer")
        for p in BIASED
    ],
    *[(f"{k} HIDDEN_MEAN", "mean", -PLANES, PLANES) for k in ("normalize", "layer")],
    *[(f"{k} OUTPUT", "labels", 0, OUTPUTS - 1) for k in ("normalize", "layer")],
    *[
        (f"{k} OUTPUT", "loss", 0, 2**31 - 1 - 127 * OUTPUTS * BATCH)
        for k in ("normalize", "layer")
    ],
    ("shift_gradient", "x", 0, 127),
]


def with_value(call: Call, array: str, place: int, value: int) -> Call:
    getattr(call, array).flat[place] = value
    return call


@pytest.mark.parametrize(("name", "array", "low", "high"), BOUNDS)
def test_a_value_that_no_sum_may_meet_is_a_value_error(
    name: str, array: str, low: int, high: int
) -> None:
    limits = np.iinfo(getattr(CALLS[name](), array).dtype)
    for place in (0, -1):
        for value in {low - 1, high + 1, limits.min, limits.max} - {low, high}:
            if limits.min <= value <= limits.max:
                message = f"each value of {array} must be {low} to {high}, not {value}$"
                refused(with_value(CALLS[name](), array, place, value), ValueError, message)
        for value in (low, high):
            KERNELS.run(with_value(CALLS[name](), array, place, value))


@pytest.mark.parametrize(("exponent", "bits"), [(-24, 16), (3, 16), (4, 15), (19, 0)])
def test_sums_sent_back_leave_room_for_the_step_of_a_bias(exponent: int, bits: int) -> None:
    most = 127 << bits
    call = replace(epilogue(Pass.BACKWARD), bias_exponent=exponent)
    call.z[:] = -most
    for value in (-most - 1, most + 1):
        call.z[3, 3] = value
        refused(call, ValueError, f"each value of z must be -{most} to {most}")
    call.z[3, 3] = most
    KERNELS.run(call)


def test_master_weights_of_16_bits_have_bounds_too() -> None:
    for value in (-(2**15), -26625, 26625):
        call = with_value(sampling(16), "weights", -1, value)
        refused(call, ValueError, "each value of weights must be -26624 to")


def test_the_least_byte_is_no_delta_where_a_bias_could_overflow() -> None:
    call = with_value(layer(Pass.BACKWARD), "source", 0, -128)
    summands = 5 + 5  # bits of a batch of 32 and of 30 outputs
    most = replace(call, bias_exponent=24 - summands)
    refused(most, ValueError, "each value of source must be -127 to 127, not -128")
    KERNELS.run(replace(call, bias_exponent=23 - summands))


def test_an_update_takes_any_master_weight_and_leaves_a_clipped_one() -> None:
    results = set()
    for level in _kernels.levels():
        call = gradient()
        weights = np.random.default_rng(4).integers(-(2**15), 2**15, call.weights.shape)
        call.weights[:] = weights
        _kernels.Kernels(level, 1).run(call)
        assert abs(call.weights.astype(int)).max() == 26624
        results.add(call.weights.tobytes() + call.sign.tobytes())
    assert len(results) == 1


@pytest.mark.parametrize("number", [-1, 20, 2**40])
def test_an_image_that_is_not_there(number: int) -> None:
    refused(with_value(load(), "chosen", 3, number), IndexError, f"image {number} of 20")


def test_answers_become_labels_and_losses_begin_at_0() -> None:
    call = load()
    KERNELS.run(call)
    assert np.array_equal(call.labels, call.answers[call.chosen])
    assert np.array_equal(call.x, call.images[call.chosen].T // 2)
    assert (call.loss[0], call.moved_loss[0]) == (0, 0)


def test_loops_of_a_peak_have_an_end() -> None:
    for loops in (-1, 2**31):
        with pytest.raises(ValueError, match="loops must be 0 to"):
            KERNELS.peak(False, loops)


def test_rounds_of_the_generator_are_13_or_20() -> None:
    with pytest.raises(ValueError, match="rounds must be 13 or 20"):
        _kernels.threefry((0, 0), (0, 0), 12)


# --- memory, threads, lists of calls ---


@EVERY
def test_results_land_in_the_given_memory_and_nowhere_else(name: str) -> None:
    expected = CALLS[name]()
    KERNELS.run(expected)
    call, owners = CALLS[name](), {}
    for array, value in call.arrays().items():
        owners[array] = np.full((3, *value.shape), 77).astype(value.dtype)
        owners[array][1] = value
    KERNELS.run(call.with_arrays({array: owner[1] for array, owner in owners.items()}))
    for array, owner in owners.items():
        assert np.array_equal(owner[1], getattr(expected, array)), array
        assert (owner[::2] == 77).all(), array


def big_product() -> BinaryMatmul:
    words = np.full((1, 128, 2048), 2**64 - 1, np.uint64)
    z = np.zeros((2048, 256), np.int32)
    source = np.full((8192, 256), 127, np.int8)
    sizes = {"inputs": 8192, "outputs": 2048, "log2_batch": 8, "transposed": False}
    return BinaryMatmul(source=source, sign=words, mask=words, z=z, **sizes)  # type: ignore[arg-type]


def test_other_threads_run_during_a_kernel() -> None:
    call = big_product()
    ticks, done = [], threading.Event()

    def tick() -> None:
        while not done.is_set():
            ticks.append(time.perf_counter())
            time.sleep(0.001)

    thread = threading.Thread(target=tick)
    thread.start()
    start = time.perf_counter()
    KERNELS.run(call)
    end = time.perf_counter()
    done.set()
    thread.join()
    margin = (end - start) / 10
    assert any(start + margin < at < end - margin for at in ticks)


@pytest.mark.slow
def test_four_threads_at_once_leave_the_same_bits() -> None:
    def work(_: int) -> bytes:
        left = b""
        for _ in range(10):
            for made in CALLS.values():
                call = made()
                KERNELS.run(call)
                left += b"".join(contents(call).values())
        return left

    alone = work(0)
    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(work, range(8))) == {alone}


def test_a_list_of_calls_is_all_of_them_in_order() -> None:
    one_by_one = [made() for made in CALLS.values()]
    for call in one_by_one:
        KERNELS.run(call.at(5))
    together = [made() for made in CALLS.values()]
    KERNELS.prepare(together).run(5)
    assert list(map(contents, together)) == list(map(contents, one_by_one))
    KERNELS.prepare([]).run(0)


def test_the_counter_of_draws_wraps() -> None:
    late, early = sampling(), sampling()
    KERNELS.prepare([replace(late, step=2**32 - 1)]).run(3)
    KERNELS.run(replace(early, step=2))
    assert contents(late) == contents(early)


def test_a_list_keeps_its_arrays_and_its_kernels() -> None:
    expected = layer(Pass.HIDDEN)
    KERNELS.run(expected)
    call = layer(Pass.HIDDEN)
    result = call.result
    prepared = _kernels.Kernels(_kernels.levels()[0], 1).prepare([call])
    del call
    gc.collect()
    prepared.run(0)
    assert np.array_equal(result, expected.result)


def test_a_list_with_a_wrong_call_is_refused_whole() -> None:
    good = layer(Pass.HIDDEN)
    before = contents(good)
    with pytest.raises(ValueError, match="shift must be 0 to 24"):
        KERNELS.prepare([good, replace(layer(Pass.HIDDEN), shift=25)])
    with pytest.raises(TypeError):
        KERNELS.prepare([good, None])
    assert contents(good) == before
    assert isinstance(good, Layer)


@pytest.mark.parametrize(("level", "threads"), [("sse9", 1), ("portable", 0), ("portable", 257)])
def test_no_kernels_at_a_level_or_with_threads_that_cannot_be(level: str, threads: int) -> None:
    with pytest.raises(ValueError, match=r"sse9|threads"):
        _kernels.Kernels(level, threads)
