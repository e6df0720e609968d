# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Nets in the forms of others: their logits are those of ``predict``, integer for integer."""

from __future__ import annotations

import importlib
import re
import shutil
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from checkout import DOCS
from command import PATIENCE, SMALL, assert_one_line
from fewmult_hls import datasets
from fewmult_hls.backends.oracle_backend import OracleBackend
from fewmult_hls.cli.commands import run
from fewmult_hls.layers.inference import WeightedInference
from fewmult_hls.layers.kinds import KINDS
from fewmult_hls.models.classifier import load, read_model
from fewmult_hls.models.exports import c
from fewmult_hls.models.exports.names import FORMATS
from fewmult_hls.models.model import Model
from fewmult_hls.nets.evaluator import Evaluator
from fewmult_hls.nets.network import Network, NetworkSpec
from fewmult_hls.system.errors import FewmultError, UsageError
from model_files import extreme

DIGITS = datasets.load("digits")
HERE = Path(__file__).parent / "exports"
IMAGES = 20

# One layer, odd widths, signed inputs, windows beside the image, strides, pools with remainders.
NETS = [
    "40-5",
    "65-33-20-7",
    "300-9-300-3",
    "3x9x7-16C3ps2-P2-12C2-6",
    "1x5x6-12C5p-9C1s2-17-4",
    "2x7x7-P3-3",
    *(f"1x8x8-12C3-{kind.typical}-10" for kind in KINDS),
]
CASES = pytest.mark.parametrize(
    ("net", "weights", "bits"),
    [(net, weights, 16) for net in NETS for weights in ("ternary", "binary")]
    + [("65-33-20-7", "ternary", 8)],
)


def model_of(net: str, weights: str = "ternary", bits: int = 16) -> Model:
    """A net with extreme numbers, whose biases leave something to most of its weights."""
    model = extreme(NetworkSpec(net, weights, bits, 16), len(net))  # type: ignore[arg-type]
    for bias in model.network.biases:
        bias[2:] >>= 3
    return model


def images_for(model: Model, count: int = IMAGES) -> npt.NDArray[np.uint8]:
    """Any images, a black and a white one among them."""
    images = np.random.default_rng(1).integers(0, 256, (count, model.spec.features))
    images[:2] = [[0], [255]]
    return images.astype(np.uint8)


def expected(model: Model, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.int32]:
    """What the oracle computes."""
    kind = model.spec.weights
    logits = Evaluator(OracleBackend(), model.network, kind, model.means[kind]).logits(images)
    assert np.unique(logits).size > 3 * logits.shape[1], "the logits hardly depend on the image"
    return logits


@pytest.fixture(scope="module", params=["ternary-qbp", "binary-qbp"])
def digits(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run on the digits."""
    folder = tmp_path_factory.mktemp("exports") / "run"
    command = ["train", "--net", "64-48-32-10", "--epochs", "3", "--method", request.param]
    assert run([*command, "--out", str(folder)]) == 0
    return folder


def digits_logits(folder: Path) -> npt.NDArray[np.int32]:
    with load(folder) as net:
        found: npt.NDArray[np.int32] = net.logits(DIGITS.test.images)
        return found


def needs(*programs: str) -> None:
    """Skips a test without them."""
    if missing := [name for name in programs if not shutil.which(name)]:
        pytest.skip(f"needs {' and '.join(missing)}")


# --- C ---

HOST = pytest.mark.parametrize(
    "compiler",
    [
        pytest.param(name, marks=pytest.mark.skipif(not shutil.which(name), reason=f"needs {name}"))
        for name in ("gcc", "g++", "clang")
    ],
)
LANGUAGE = {"g++": ["-std=c++11", "-x", "c++"]}
STRICT = ["-Wall", "-Wextra", "-Wshadow", "-pedantic", "-Werror"]
MULTIPLICATION = re.compile(r"^\s+v?p?[fi]?(mul|madd)\w*\s", re.MULTILINE)
NET = "net"  # the name of all headers here


def header(folder: Path, model: Model) -> str:
    """A model's header in a folder: its text."""
    c.save(folder / f"{NET}.h", model)
    return (folder / f"{NET}.h").read_text(encoding="ascii")


def compiled(folder: Path, compiler: str, *options: str, main: str = "host.c") -> Path:
    """A program of the header in a folder."""
    out = folder / "out"
    command = [compiler, *LANGUAGE.get(compiler, ["-std=c99"]), *STRICT, *options]
    subprocess.run([*command, f"-I{folder}", "-o", out, HERE / main], check=True)
    return out


def host_logits(program: Path, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.int32]:
    done = subprocess.run([program], input=images.tobytes(), stdout=subprocess.PIPE, check=True)
    return np.frombuffer(done.stdout, np.int32).reshape(len(images), -1)


@pytest.mark.slow
@CASES
def test_a_header_gives_the_same_logits(net: str, weights: str, bits: int, tmp_path: Path) -> None:
    needs("gcc")
    model = model_of(net, weights, bits)
    images = images_for(model)
    header(tmp_path, model)
    program = compiled(tmp_path, "gcc", "-fsanitize=undefined", "-fno-sanitize-recover")
    assert np.array_equal(host_logits(program, images), expected(model, images))


@pytest.mark.slow
@pytest.mark.parametrize("net", ["1x1x32768-4C3ps2-4", "65536-9-3"])
def test_more_places_than_16_bits_count(net: str, tmp_path: Path) -> None:
    needs("gcc")
    model = model_of(net)
    images = images_for(model)
    assert "typedef uint32_t net_index;" in header(tmp_path, model)
    program = compiled(tmp_path, "gcc", "-fsanitize=undefined", "-fno-sanitize-recover")
    assert np.array_equal(host_logits(program, images), expected(model, images))


@pytest.mark.slow
@HOST
def test_the_header_of_a_run(compiler: str, digits: Path, tmp_path: Path) -> None:
    out = tmp_path / f"{NET}.h"
    assert run(["export", str(digits), "--format", "c", "--out", str(out)]) == 0
    program = compiled(tmp_path, compiler, "-O2")
    assert np.array_equal(host_logits(program, DIGITS.test.images), digits_logits(digits))


@CASES
def test_no_header_multiplies_or_divides(net: str, weights: str, bits: int, tmp_path: Path) -> None:
    text = header(tmp_path, model_of(net, weights, bits))
    code = re.sub("//.*|#include.*", "", text)
    assert not set("*/%") & set(code)
    assert not re.search(r"\b(malloc|float|double|long)\b", code)


# At -Os gcc for CPUs that multiply makes the address of a place by a multiplication.
@pytest.mark.slow
@HOST
@pytest.mark.parametrize(
    ("net", "level"), [("65-33-20-7", "-Os"), ("65-33-20-7", "-O3"), ("3x9x7-16C3ps2-P2-6", "-O2")]
)
def test_no_compiler_makes_a_multiplication_of_it(
    compiler: str, net: str, level: str, tmp_path: Path
) -> None:
    header(tmp_path, model_of(net))
    text = compiled(tmp_path, compiler, level, "-S").read_text()
    assert "fwrite" in text
    assert not MULTIPLICATION.search(text), MULTIPLICATION.search(text)


@pytest.mark.slow
@HOST
def test_a_multiplication_would_be_found(compiler: str, tmp_path: Path) -> None:
    header(tmp_path, model_of("40-5"))
    text = compiled(tmp_path, compiler, "-O3", "-DMULTIPLY", "-S").read_text()
    assert MULTIPLICATION.search(text)


def test_sums_that_fit_take_16_bits(tmp_path: Path) -> None:
    assert "uint32_t sum" not in header(tmp_path, model_of("65-33-20-7"))
    assert "uint32_t sum" in header(tmp_path, model_of("1100-20-7"))


@pytest.mark.parametrize(
    ("name", "prefix"),
    [
        ("digits.h", "digits"),
        ("My net-2.hpp", "my_net_2"),
        ("3.h", "net_3"),
        ("數.h", "net"),
        ("net_NET.h", "net_net"),
    ],
)
def test_names_begin_with_the_files(name: str, prefix: str, tmp_path: Path) -> None:
    c.save(tmp_path / name, model_of("40-5"))
    text = (tmp_path / name).read_text()
    assert f"static inline uint8_t {prefix}_predict(const uint8_t pixels[])" in text
    assert f"#define {prefix.upper()}_CLASSES 5\n" in text
    assert f"static const uint8_t {prefix}_weights_1[] {prefix.upper()}_FLASH" in text


def test_a_net_is_too_large_for_any_microcontroller(tmp_path: Path) -> None:
    wide = NetworkSpec("2900-2900-10", batch=16)
    means = [np.zeros(2900, np.int32)]
    with pytest.raises(UsageError, match=r"takes 2,1\d\d,\d{3} bytes of flash and"):
        c.save(tmp_path / "wide.h", Model(Network.initial(wide, 1), {"ternary": means}))
    assert not (tmp_path / "wide.h").exists()


def test_an_avr_says_what_it_cannot_reach(tmp_path: Path) -> None:
    needs("gcc")
    header(tmp_path, model_of("784-256-10"))
    command = ["gcc", "-D__AVR__", "-fsyntax-only", f"-I{tmp_path}", HERE / "host.c"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert "50176 in one array, are more than an AVR reads (65536, 32767)" in done.stderr


def words(text: str, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.int32]:
    """Logits that a program wrote in hexadecimal digits."""
    found = [int(word, 16) for word in re.findall(r"[0-9a-f]{8}", text)]
    return np.array(found, np.uint32).view(np.int32).reshape(len(images), -1)


def write_images(folder: Path, images: npt.NDArray[np.uint8]) -> None:
    """The file that programs for microcontrollers include."""
    rows = (f"{{{', '.join(map(str, image))}}}" for image in images)
    (folder / "images.inc").write_text(",\n".join(rows) + "\n")


def on_avr(folder: Path, level: str) -> str:
    """What an ATmega328P in simavr writes to its serial port."""
    out = folder / "avr.elf"
    target = ["avr-gcc", "-mmcu=atmega328p", "-std=gnu99", "-Wall", "-Wextra", "-Werror", level]
    options = [*target, f"-I{folder}", HERE / "avr.c"]
    code = subprocess.run([*options, "-S", "-o", "-"], capture_output=True, text=True, check=True)
    assert re.search(r"\tsub\w*\s", code.stdout)
    assert not re.search(r"\tf?mul\w*\s|__mul", code.stdout)
    subprocess.run([*options, "-o", out], check=True)
    command = ["simavr", "-m", "atmega328p", "-f", "16000000", out]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
    return done.stdout + done.stderr


def on_arm(folder: Path, core: str, machine: str) -> str:
    """What a Cortex-M in QEMU hands to its debugger."""
    out = folder / "arm.elf"
    target = ["clang", "--target=arm-none-eabi", f"-mcpu={core}", "-ffreestanding", "-std=c99"]
    options = [*target, *STRICT, "-Os", f"-I{folder}", HERE / "arm.c"]
    code = subprocess.run([*options, "-S", "-o", "-"], capture_output=True, text=True, check=True)
    assert re.search(r"\tsub\w*\s", code.stdout)
    assert not re.search(r"\t(\w*mul\w*|ml[as])\s|__aeabi_\w*mul", code.stdout)
    link = ["-nostdlib", "-fuse-ld=lld", f"-Wl,-T{HERE / 'arm.ld'}", "-o", out]
    subprocess.run([*options, *link], check=True)
    emulate = ["qemu-system-arm", "-M", machine, "-nographic", "-kernel", out]
    semihosting = ["-semihosting-config", "enable=on,target=native"]
    done = subprocess.run(
        [*emulate, *semihosting], capture_output=True, text=True, timeout=PATIENCE, check=True
    )
    return "".join(re.findall(r"^[0-9a-f]{8}$", done.stdout + done.stderr, re.MULTILINE))


SMALL_NETS = pytest.mark.parametrize("net", ["65-33-20-7", "1x8x8-4C3ps2-P2-10"])


@pytest.mark.slow
@pytest.mark.parametrize("level", ["-Os", "-O2"])
@pytest.mark.parametrize("weights", ["ternary", "binary"])
@SMALL_NETS
def test_an_avr_gives_the_same_logits(net: str, weights: str, level: str, tmp_path: Path) -> None:
    needs("avr-gcc", "simavr")
    model = model_of(net, weights)
    images = images_for(model, 8)
    header(tmp_path, model)
    write_images(tmp_path, images)
    assert np.array_equal(words(on_avr(tmp_path, level), images), expected(model, images))


@pytest.mark.slow
def test_an_avr_on_the_header_of_a_run(digits: Path, tmp_path: Path) -> None:
    needs("avr-gcc", "simavr")
    out = tmp_path / f"{NET}.h"
    assert run(["export", str(digits), "--format", "c", "--out", str(out)]) == 0
    images = DIGITS.test.images[:10]
    write_images(tmp_path, images)
    assert np.array_equal(words(on_avr(tmp_path, "-Os"), images), digits_logits(digits)[:10])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("core", "machine"), [("cortex-m0", "microbit"), ("cortex-m3", "lm3s6965evb")]
)
@SMALL_NETS
def test_a_cortex_gives_the_same_logits(net: str, core: str, machine: str, tmp_path: Path) -> None:
    needs("clang", "ld.lld", "qemu-system-arm")
    model = model_of(net)
    images = images_for(model)
    header(tmp_path, model)
    write_images(tmp_path, images)
    assert np.array_equal(words(on_arm(tmp_path, core, machine), images), expected(model, images))


def test_the_sketch_of_the_page_compiles(tmp_path: Path) -> None:
    """With the names of Arduino's library that it uses."""
    needs("g++")
    c.save(tmp_path / "digits.h", model_of("64-5"))
    (tmp_path / "Arduino.h").write_text(
        "#include <stddef.h>\n"
        "struct Line { void begin(long); size_t readBytes(char *, size_t); void println(int); };\n"
        "static Line Serial;\n"
    )
    page = (DOCS / "exports.md").read_text(encoding="utf-8")
    sketches = re.findall("```cpp\n(.*?)```", page, re.DOTALL)
    assert len(sketches) == 1
    command = ["g++", "-std=c++11", "-fsyntax-only", f"-I{tmp_path}", "-x", "c++", "-"]
    subprocess.run(command, input=sketches[0], text=True, check=True)


# --- ONNX ---


def onnx_logits(path: Path, images: npt.NDArray[np.uint8], optimized: bool) -> npt.NDArray[Any]:
    """Of onnxruntime."""
    runtime = pytest.importorskip("onnxruntime")
    options = runtime.SessionOptions()
    level = runtime.GraphOptimizationLevel
    options.graph_optimization_level = level.ORT_ENABLE_ALL if optimized else level.ORT_DISABLE_ALL
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = runtime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    logits: npt.NDArray[Any] = session.run(["logits"], {"images": images})[0]
    return logits


@CASES
def test_onnxruntime_gives_the_same_logits(
    net: str, weights: str, bits: int, tmp_path: Path
) -> None:
    onnx = pytest.importorskip("fewmult_hls.models.exports.onnx")
    model = model_of(net, weights, bits)
    images = images_for(model)
    onnx.save(tmp_path / "net.onnx", model)
    for optimized in (False, True):
        logits = onnx_logits(tmp_path / "net.onnx", images, optimized)
        assert logits.dtype == np.int32
        assert np.array_equal(logits, expected(model, images))


def test_the_onnx_file_of_a_run(digits: Path, tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    out = tmp_path / "net.onnx"
    assert run(["export", str(digits), "--format", "onnx", "--out", str(out)]) == 0
    images = DIGITS.test.images.reshape(len(DIGITS.test.images), -1)
    assert np.array_equal(onnx_logits(out, images, True), digits_logits(digits))
    model = read_model(digits)
    found = {one.key: one.value for one in onnx.load(out).metadata_props}
    assert (found["net"], found["fingerprint"]) == ("64-48-32-10", model.fingerprint)
    assert found["image_shape"] == "8x8"
    assert found["preprocessing"] == "none: bytes as they are"
    assert found["classes"].split("\n") == list("0123456789")
    # Integers alone.
    assert not any(re.search("Float|Div|Mul$", node.op_type) for node in onnx.load(out).graph.node)


def qonnx_logits(path: Path, images: npt.NDArray[np.uint8]) -> npt.NDArray[Any]:
    """Of qonnx, for all images at once."""
    with warnings.catch_warnings():  # what it imports warns of itself
        warnings.simplefilter("ignore")
        pytest.importorskip("qonnx")
        from qonnx.core.modelwrapper import ModelWrapper
        from qonnx.core.onnx_exec import execute_onnx
        from qonnx.transformation.change_batchsize import ChangeBatchSize
        from qonnx.util.cleanup import cleanup_model

        graph = cleanup_model(ModelWrapper(str(path)))
        graph = cleanup_model(graph.transform(ChangeBatchSize(len(images))))
        entering, leaving = graph.graph.input[0].name, graph.graph.output[0].name
        flat = images.reshape(len(images), -1).astype(np.float32)
        logits: npt.NDArray[Any] = execute_onnx(graph, {entering: flat})[leaving]
        return logits


@CASES
def test_qonnx_gives_the_same_logits(net: str, weights: str, bits: int, tmp_path: Path) -> None:
    qonnx = pytest.importorskip("fewmult_hls.models.exports.qonnx")
    model = model_of(net, weights, bits)
    images = images_for(model)
    qonnx.save(tmp_path / "net.onnx", model)
    assert np.array_equal(qonnx_logits(tmp_path / "net.onnx", images), expected(model, images))


def test_the_qonnx_file_of_a_run(digits: Path, tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    out = tmp_path / "net.onnx"
    assert run(["export", str(digits), "--format", "qonnx", "--out", str(out)]) == 0
    assert np.array_equal(qonnx_logits(out, DIGITS.test.images), digits_logits(digits))
    modes = [
        attribute.s
        for node in onnx.load(out).graph.node
        for attribute in node.attribute
        if attribute.name == "rounding_mode"
    ]
    assert set(modes) == {b"ROUND"}


def hls4ml_logits(path: Path, images: npt.NDArray[np.uint8]) -> npt.NDArray[Any]:
    """Of the C++ that hls4ml makes for Vitis HLS, compiled for this machine."""
    pytest.importorskip("hls4ml", exc_type=ImportError)
    needs("g++")
    with warnings.catch_warnings():  # what it imports warns of itself
        warnings.simplefilter("ignore")
        from hls4ml.converters import convert_from_onnx_model
        from hls4ml.utils.config import config_from_onnx_model
        from qonnx.core.modelwrapper import ModelWrapper
        from qonnx.transformation.channels_last import ConvertToChannelsLastAndClean
        from qonnx.transformation.gemm_to_matmul import GemmToMatMul
        from qonnx.util.cleanup import cleanup_model

        graph = cleanup_model(ModelWrapper(str(path)))
        graph = graph.transform(ConvertToChannelsLastAndClean()).transform(GemmToMatMul())
        graph = cleanup_model(graph)
        config = config_from_onnx_model(graph, "name", "Vitis", default_precision="fixed<32,16>")
        folder = str(path.with_suffix(".hls"))
        made = convert_from_onnx_model(graph, folder, backend="Vitis", hls_config=config)
        made.compile()
    flat = np.ascontiguousarray(images.reshape(len(images), -1), np.float32)
    logits: npt.NDArray[Any] = made.predict(flat).reshape(len(images), -1)
    return logits


@pytest.mark.slow
@pytest.mark.parametrize("weights", ["ternary", "binary"])
def test_hls4ml_gives_the_same_logits(weights: str, tmp_path: Path) -> None:
    qonnx = pytest.importorskip("fewmult_hls.models.exports.qonnx")
    model = model_of("1x8x8-4C3ps2-P2-10", weights)
    images = images_for(model)
    qonnx.save(tmp_path / "net.onnx", model)
    assert np.array_equal(hls4ml_logits(tmp_path / "net.onnx", images), expected(model, images))


@pytest.mark.slow
def test_hls4ml_on_the_qonnx_file_of_a_run(digits: Path, tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    out = tmp_path / "net.onnx"
    assert run(["export", str(digits), "--format", "qonnx", "--out", str(out)]) == 0
    assert np.array_equal(hls4ml_logits(out, DIGITS.test.images), digits_logits(digits))


def finn_logits(path: Path, images: npt.NDArray[np.uint8]) -> npt.NDArray[Any]:
    """Of the graph that FINN's first step makes: thresholds in place of scales and roundings."""
    with warnings.catch_warnings():  # what it imports warns of itself
        warnings.simplefilter("ignore")
        pytest.importorskip("finn.transformation.qonnx", exc_type=ImportError)
        from finn.core.onnx_exec import execute_onnx
        from finn.transformation.qonnx.convert_qonnx_to_finn import ConvertQONNXtoFINN
        from qonnx.core.modelwrapper import ModelWrapper
        from qonnx.util.cleanup import cleanup_model

        graph = cleanup_model(ModelWrapper(str(path))).transform(ConvertQONNXtoFINN())
        assert "MultiThreshold" in {node.op_type for node in graph.graph.node}
        entering, leaving = graph.graph.input[0].name, graph.graph.output[0].name
        flat = images.reshape(len(images), 1, -1).astype(np.float32)
        answers = [execute_onnx(graph, {entering: image})[leaving] for image in flat]
        logits: npt.NDArray[Any] = np.concatenate(answers)
        return logits


@pytest.mark.parametrize("weights", ["ternary", "binary"])
@pytest.mark.parametrize("net", ["65-33-20-7", "1x8x8-4C3ps2-P2-10", "3x9x7-16C3ps2-P2-12C2-6"])
def test_finn_gives_the_same_logits(net: str, weights: str, tmp_path: Path) -> None:
    qonnx = pytest.importorskip("fewmult_hls.models.exports.qonnx")
    model = model_of(net, weights)
    images = images_for(model)
    qonnx.save(tmp_path / "net.onnx", model)
    assert np.array_equal(finn_logits(tmp_path / "net.onnx", images), expected(model, images))


def test_finn_on_the_qonnx_file_of_a_run(digits: Path, tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    out = tmp_path / "net.onnx"
    assert run(["export", str(digits), "--format", "qonnx", "--out", str(out)]) == 0
    assert np.array_equal(finn_logits(out, DIGITS.test.images), digits_logits(digits))


def test_sums_that_no_float_holds_are_refused(tmp_path: Path) -> None:
    qonnx = pytest.importorskip("fewmult_hls.models.exports.qonnx")
    model = model_of("65-33-20-7")
    means = [np.full(33, 1 << 23, np.int32), *model.means["ternary"][1:]]
    with pytest.raises(UsageError, match=r"need more than float32's 24 bits: take --format onnx"):
        qonnx.save(tmp_path / "net.onnx", Model(model.network, {"ternary": means}))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("form", ["c", "onnx", "qonnx"])
def test_a_layer_that_a_form_does_not_know(
    form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = pytest.importorskip(f"fewmult_hls.models.exports.{form}")
    model = model_of("40-5")
    strange = [*model.inference(), "a layer of the future"]
    monkeypatch.setattr(Model, "inference", lambda self: strange)
    with pytest.raises(UsageError, match="know no str: take --format packed"):
        module.save(tmp_path / "net", model)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("form", ["onnx", "qonnx"])
def test_a_net_that_no_onnx_file_holds(
    form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    graph = pytest.importorskip("fewmult_hls.models.exports.graph")
    module = importlib.import_module(f"fewmult_hls.models.exports.{form}")
    monkeypatch.setattr(graph, "_MOST", 100)
    with pytest.raises(UsageError, match=r"net 40-5 takes \d+ bytes, more than the 100 of an ONNX"):
        module.save(tmp_path / "net", model_of("40-5"))
    assert not list(tmp_path.iterdir())


# --- MNIST ---


@pytest.mark.mnist
@pytest.mark.slow
@pytest.mark.parametrize("method", ["ternary-qbp", "binary-qbp"])
@pytest.mark.parametrize("net", ["784-96-64-10", "1x28x28-4C3s2-P3-10"])
def test_all_test_images_of_mnist(net: str, method: str, tmp_path: Path) -> None:
    folder, images = tmp_path / "run", datasets.load("mnist").test.images
    command = ["train", "--dataset", "mnist", "--net", net, "--epochs", "1"]
    assert run([*command, "--method", method, "--out", str(folder)]) == 0
    with load(folder) as trained:
        logits = trained.logits(images)
    needs("gcc")
    assert run(["export", str(folder), "--format", "c", "--out", str(tmp_path / "net.h")]) == 0
    assert np.array_equal(host_logits(compiled(tmp_path, "gcc", "-O2"), images), logits)
    pytest.importorskip("onnx")
    out = tmp_path / "net.onnx"
    assert run(["export", str(folder), "--format", "onnx", "--out", str(out)]) == 0
    flat = images.reshape(len(images), -1)
    assert np.array_equal(onnx_logits(out, flat, True), logits)
    assert run(["export", str(folder), "--format", "qonnx", "--out", str(out), "--overwrite"]) == 0
    count = 1000 if "C" in net else len(images)  # qonnx takes its time for a convolution
    assert np.array_equal(qonnx_logits(out, images[:count]), logits[:count])


# --- what is printed ---


def test_lifted_sums_are_never_negative() -> None:
    for net in NETS:
        for layer in model_of(net).inference():
            if isinstance(layer, WeightedInference):
                before, behind = layer.lifted
                assert (before >= layer.reach).all()
                assert (before + layer.reach <= layer.largest_lifted).all()
                lift = before - layer.before
                assert np.array_equal(lift >> layer.shift << layer.shift, lift)
                assert ((lift >> layer.shift) + (behind - layer.behind) == 0).all()


def test_means_that_no_sum_has() -> None:
    model = model_of("65-33-20-7")
    means = [np.array([1 << 30, -(1 << 30)] + [0] * 31, np.int32), *model.means["ternary"][1:]]
    with pytest.raises(FewmultError, match="is none of such sums"):
        Model(model.network, {"ternary": means}).inference()


# --- the command ---


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("forms") / "run"
    assert run(["train", *SMALL, "--out", str(folder)]) == 0
    return folder


FORM = pytest.mark.parametrize("form", FORMATS)


def _needs(form: str) -> None:
    if "onnx" in form:
        pytest.importorskip("onnx")


@FORM
def test_a_packed_file_is_exported_as_its_model_is(
    form: str, trained: Path, tmp_path: Path
) -> None:
    _needs(form)
    packed = tmp_path / "packed"
    assert run(["export", str(trained), "--format", "packed", "--out", str(packed)]) == 0
    contents = []
    for source, folder in ((trained, "one"), (packed, "other")):
        (tmp_path / folder).mkdir()
        out = tmp_path / folder / "net"
        assert run(["export", str(source), "--format", form, "--out", str(out)]) == 0
        contents.append(out.read_bytes() if form != "packed" else form)
    assert contents[0] == contents[1]


@FORM
def test_files_of_the_same_form_alone_are_replaced(
    form: str, trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _needs(form)
    out = tmp_path / "net"
    command = ["export", str(trained), "--format", form, "--out", str(out)]
    out.write_text("#include <fewmult-hls>\n")
    assert run([*command, "--overwrite"]) == 2
    assert_one_line(capsys.readouterr().err, f"{out} is no ", "another file")
    assert out.read_text() == "#include <fewmult-hls>\n"
    out.unlink()
    assert run(command) == 0
    first = out.read_bytes()
    assert run(command) == 2
    assert_one_line(capsys.readouterr().err, "is there already", "--overwrite")
    assert run([*command, "--overwrite"]) == 0
    assert form == "packed" or out.read_bytes() == first
    assert [path.name for path in tmp_path.iterdir()] == ["net"]


def test_an_unknown_form(trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "net"
    assert run(["export", str(trained), "--format", "tflite", "--out", str(out)]) == 2
    assert_one_line(capsys.readouterr().err, "--format", "tflite", *FORMATS)
    assert not out.exists()


@pytest.mark.parametrize("form", ["onnx", "qonnx"])
def test_a_missing_package_is_named(
    form: str,
    trained: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name in [name for name in sys.modules if ".exports." in name and "onnx" in name]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delitem(sys.modules, "fewmult_hls.models.exports.graph", raising=False)
    monkeypatch.setitem(sys.modules, "onnx", None)
    out = tmp_path / "net"
    assert run(["export", str(trained), "--format", form, "--out", str(out)]) == 1
    line = f"--format {form} needs onnx: pip install 'fewmult-hls[onnx]'"
    assert_one_line(capsys.readouterr().err, line)
    assert not out.exists()
