# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Bad input: one line, the right exit code, and nothing written or lost."""

from __future__ import annotations

import errno
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from command import (
    COMMAND,
    SMALL,
    assert_one_line,
    content,
    environment,
    fewmult,
    summary,
    write_set,
)
from fewmult_hls.cli.commands import run
from fewmult_hls.datasets import idx
from fewmult_hls.datasets.folder import STEMS

USAGE, FAILURE = 2, 1


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.delenv("FEWMULT_DATA", raising=False)
    monkeypatch.setenv("FEWMULT_CACHE", str(tmp_path / "cache"))
    return folder


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str]]:
    """Exit code and stderr of a command."""

    def called(*arguments: object) -> tuple[int, str]:
        code = run([str(argument) for argument in arguments])
        return code, capsys.readouterr().err

    return called


Call = Callable[..., tuple[int, str]]

WRONG_OPTIONS = [
    (["--dataset", "digit"], "did you mean digits?"),
    (["--dataset", ""], "there is no data set ''"),
    (["--dataset", "./nowhere"], "there is no folder ./nowhere"),
    (["--net", "garbage"], "widths joined by dashes"),
    (["--net", ""], "widths joined by dashes"),
    (["--net", "64--10"], "widths joined by dashes"),
    (["--net", "6_4-16-10"], "widths joined by dashes"),
    (["--net", " 64-16-10\n"], "widths joined by dashes"),
    (["--net", "٦٤-16-10"], "widths joined by dashes"),
    (["--net", "9" * 5000 + "-10"], "widths joined by dashes"),
    (["--net", "64-" + "1-" * 4096 + "10"], "a net of 4,097 layers is too deep"),
    (["--net", "64-1e3-10"], "widths joined by dashes"),
    (["--net", "64-0-10"], "every width must be 1 to 65536"),
    (["--net", "64-70000-10"], "every width must be 1 to 65536"),
    (["--net", "64"], "at least two widths"),
    (["--net", "784-16-10"], "must begin with 64 and end with 10"),
    (["--net", "64-16-9"], "must begin with 64 and end with 10"),
    (["--net", "64-16-300"], "at most 256 outputs"),
    (["--batch", "100"], "take one of 16, 32, 64, 128, 256"),
    (["--batch", "0"], "batch 0"),
    (["--batch", "-1"], "batch -1"),
    (["--batch", "many"], "'many' is not a valid integer"),
    (["--epochs", "0"], "epochs must be 1 to 100000, not 0"),
    (["--epochs", "-5"], "not -5"),
    (["--epochs", "9" * 40], "epochs must be 1 to 100000"),
    (["--seed", "-1"], "seed must be 0 to 4294967295, not -1"),
    (["--seed", str(1 << 32)], "not 4294967296"),
    (["--rate", "9"], "must be -8 to 8, not 9"),
    (["--rate", "-9"], "must be -8 to 8, not -9"),
    (["--method", "qbp"], "'float', 'binary', 'binary-qbp', 'ternary-qbp'"),
    (["--method", "float", "--backend", "emu"], "method float multiplies, in numpy alone"),
    (["--method", "binary", "--sharpen", "3"], "method binary knows no sharpen: it is for"),
    (["--method", "binary", "--perturb", "16"], "method binary knows no perturb: it is for"),
    (["--method", "float", "--master-bits", "8"], "method float knows no master_bits: it is for"),
    (["--method", "float", "--batch", "1"], "take one of 2 to 4096"),
    (["--method", "float", "--threads", "2"], "the numpy backend has one thread"),
    (["--master-bits", "12"], "'16', '8'"),
    (["--backend", "gpu"], "'emu', 'numpy'"),
    (["--bogus"], "No such option"),
    (["--batch"], "requires an argument"),
    (["surplus"], "unexpected extra argument"),
    (["--out", ""], "the path is empty"),
    (["--config", "nowhere.toml"], "cannot read nowhere.toml: No such file"),
    (["--config", "."], "cannot read .: Is a directory"),
    (["--config", "/dev/zero"], "cannot read /dev/zero: it is no regular file"),
]


@pytest.mark.parametrize(("options", "reason"), WRONG_OPTIONS)
def test_wrong_options_of_train(options: list[str], reason: str, call: Call, here: Path) -> None:
    code, err = call("train", *options)
    assert code == USAGE
    assert_one_line(err, reason)
    assert list(here.iterdir()) == []


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("epochs = ", "is not valid TOML"),
        ("a" * 100_000, "has more than 65,536 bytes"),
        ("x = " + "[" * 5000, "is not valid TOML"),
        ("epochs = " + "1" * 5000, "is not valid TOML"),
        ("speed = 3", "unknown key 'speed'; known are dataset, net, method"),
        ("epochs = '3'", "'epochs' must be of type int"),
        ("epochs = true", "'epochs' must be of type int"),
        ("epochs = 3.0", "'epochs' must be of type int"),
        ("net = 64", "'net' must be of type str"),
        ("[dataset]\nname = 'digits'", "'dataset' must be of type str"),
        ("epochs = 0", "epochs must be 1 to 100000"),
        ("seed = -1", "seed must be"),
        ("rate_exponent = 99", "must be -8 to 8"),
        ("batch = 100", "batch 100"),
        ("master_bits = 4", "master_bits must be one of 16, 8, not 4"),
        ("method = 'real'", "float or binary or binary-qbp or ternary-qbp"),
        ("backend = 'gpu'", "there is no backend 'gpu': take emu or numpy"),
        ("net = '1-2'", "does not fit digits"),
        ('dataset = "a\\u0000b"', "there is no data set"),
        ('dataset = "a\\nb"', "there is no data set"),
    ],
)
def test_wrong_configs(text: str, reason: str, call: Call, tmp_path: Path, here: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text(text)
    code, err = call("train", "--config", config)
    assert code == USAGE
    assert_one_line(err, reason)
    assert list(here.iterdir()) == []


def test_a_config_is_utf8_everywhere(call: Call, tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_bytes(b"# \xff\n")
    code, err = call("train", "--config", config)
    assert code == USAGE
    assert_one_line(err, "is not valid TOML")


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["nonsense"], "No such command 'nonsense'"),
        (["--nonsense"], "No such option"),
        (["evaluate"], "Missing argument 'DIR|MODEL'"),
        (["evaluate", "nowhere"], "there is no folder or file nowhere"),
        (["evaluate", ""], "the path is empty"),
        (["verify", "--cases", "0"], "0 is not in the range"),
        (["verify", "--cases", "9" * 21], "is not in the range"),
        (["bench", "--rounds", "9" * 21], "is not in the range"),
        (["train", "--dataset", "\x1b[31mred\x07"], r"'\x1b[31mred\x07'"),
        (["data", "nonsense"], "No such command"),
        (["data", "info"], "Missing argument"),
        (["data", "import", "mine", "--from", ""], "the path is empty"),
        (["data", "info", "nowhere"], "there is no data set 'nowhere'"),
        (["doctor", "surplus"], "unexpected extra argument"),
    ],
)
def test_wrong_commands(arguments: list[str], reason: str, call: Call, here: Path) -> None:
    code, err = call(*arguments)
    assert code == USAGE
    assert_one_line(err, reason)
    assert list(here.iterdir()) == []


@pytest.mark.slow
def test_a_process_ends_with_the_code_and_the_line(here: Path) -> None:
    wrong = fewmult("train", "--batch", "100", cwd=here)
    assert (wrong.returncode, wrong.stdout) == (USAGE, "")
    assert_one_line(wrong.stderr, "batch 100")
    failed = fewmult("evaluate", ".", cwd=here)
    assert (failed.returncode, failed.stdout) == (FAILURE, "")
    assert_one_line(failed.stderr, "model.npz is not there")


def broken_packages(folder: Path, name: str, fault: str) -> str:
    """Where a package lies that raises when it is imported, and then our own."""
    (folder / f"{name}.py").write_text(f"raise {fault}\n", encoding="utf-8")
    return os.pathsep.join((str(folder), *filter(None, sys.path)))


@pytest.mark.parametrize(
    ("name", "fault", "reason"),
    [
        ("click", "ImportError('no\\nclick')", "(no click)"),
        ("numpy", "ImportError('cannot map zero-fill pages')", "(cannot map zero-fill pages)"),
        (
            "numpy",
            "RuntimeError('NumPy was built with baseline optimizations: \\n(X86_V2) but')",
            "earlier numpy",
        ),
    ],
)
def test_a_package_that_does_not_load(name: str, fault: str, reason: str, tmp_path: Path) -> None:
    """One that is missing or broken, on a full machine or on a CPU that it cannot run on."""
    path = broken_packages(tmp_path, name, fault)
    done = subprocess.run(
        [*COMMAND, "ops"],
        capture_output=True,
        text=True,
        timeout=60,
        env=environment(PYTHONPATH=path),
    )
    assert (done.returncode, done.stdout) == (FAILURE, "")
    assert_one_line(done.stderr, "a package does not load", reason)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return write_set(tmp_path / "set")


def cut(folder: Path) -> None:
    path = folder / STEMS[0]
    path.write_bytes(path.read_bytes()[:-1])


def cut_in_header(folder: Path) -> None:
    (folder / STEMS[1]).write_bytes(b"\0\0\x08")


def lengthened(folder: Path) -> None:
    with (folder / STEMS[2]).open("ab") as file:
        file.write(b"\0")


def corrupted_gzip(folder: Path) -> None:
    images = idx.read_images(folder / STEMS[0])
    (folder / STEMS[0]).unlink()
    packed = folder / f"{STEMS[0]}.gz"
    idx.write(packed, images)
    damaged = bytearray(packed.read_bytes())
    damaged[len(damaged) // 2] ^= 1
    packed.write_bytes(damaged)


def promising(folder: Path) -> None:
    (folder / STEMS[0]).write_bytes(b"\0\0\x08\x03" + b"\xff" * 12)


def beyond(folder: Path) -> None:
    idx.write(folder / STEMS[3], np.full(7, 11, np.uint8))


def missing(folder: Path) -> None:
    (folder / STEMS[3]).unlink()


def swapped(folder: Path) -> None:
    (folder / STEMS[0]).rename(folder / "x")
    (folder / STEMS[1]).rename(folder / STEMS[0])
    (folder / "x").rename(folder / STEMS[1])


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (cut, "is cut short"),
        (cut_in_header, "is cut short within its header"),
        (lengthened, "goes on after"),
        (corrupted_gzip, "damaged gzip data"),
        (promising, "cannot hold them"),
        (beyond, "label 11 at index 0 is beyond the 10 classes"),
        (missing, "lacks t10k-labels"),
        (swapped, "not swapped"),
    ],
)
def test_damaged_data(
    damage: Callable[[Path], None], reason: str, source: Path, call: Call, here: Path
) -> None:
    damage(source)
    code, err = call("train", *SMALL, "--batch", "16", "--dataset", source)
    assert code == FAILURE
    assert_one_line(err, reason, str(source))
    assert list(here.iterdir()) == []


def test_fewer_images_than_a_batch(source: Path, call: Call, here: Path) -> None:
    code, err = call("train", *SMALL, "--batch", "64", "--dataset", source)
    assert code == USAGE
    assert_one_line(err, "has 34 training images, fewer than a batch of 64")
    assert list(here.iterdir()) == []


@pytest.mark.slow
def test_a_path_that_is_no_text(call: Call, here: Path) -> None:
    folder = os.fsdecode(b"caf\xe9")
    write_set(here / folder)
    wrong = fewmult("train", *SMALL, "--dataset", f"./{folder}", "--batch", "16", cwd=here)
    assert wrong.returncode == USAGE
    assert_one_line(wrong.stderr, "not valid UTF-8")
    assert list(here.iterdir()) == [here / folder]
    good = fewmult("train", *SMALL, "--out", folder, cwd=here)
    assert good.returncode == 0, good.stderr
    assert "written to   caf\\udce9" in good.stdout


@pytest.fixture
def old_run(tmp_path: Path, call: Call) -> Path:
    folder = tmp_path / "old"
    assert call("train", *SMALL, "--out", folder) == (0, "")
    return folder


def test_another_run_is_not_replaced_unasked(old_run: Path, call: Call) -> None:
    before = content(old_run)
    code, err = call("train", *SMALL, "--seed", 5, "--out", old_run)
    assert code == USAGE
    assert_one_line(err, f"{old_run} holds another run", "--out", "--overwrite")
    assert content(old_run) == before
    assert call("train", *SMALL, "--seed", 5, "--out", old_run, "--overwrite")[0] == 0
    assert summary(old_run)["seed"] == 5


def test_an_unfinished_run_is_called_so(old_run: Path, call: Call) -> None:
    (old_run / "summary.json").unlink()
    code, err = call("train", *SMALL, "--out", old_run)
    assert code == USAGE
    assert_one_line(err, "holds an unfinished run")


@pytest.mark.slow
@pytest.mark.parametrize("options", [options for options, _ in WRONG_OPTIONS])
def test_a_usage_error_keeps_the_old_run(options: list[str], old_run: Path, call: Call) -> None:
    before = content(old_run)
    code, _ = call("train", "--out", old_run, "--overwrite", *options)
    assert code == USAGE
    assert content(old_run) == before


def test_damaged_data_keep_the_old_run(old_run: Path, source: Path, call: Call) -> None:
    before = content(old_run)
    cut(source)
    assert call("train", "--dataset", source, "--out", old_run, "--overwrite")[0] == FAILURE
    assert content(old_run) == before


def test_a_file_is_no_folder(call: Call, here: Path) -> None:
    (here / "file").write_text("mine")
    code, err = call("train", *SMALL, "--out", "file", "--overwrite")
    assert code == USAGE
    assert_one_line(err, "file is a file")
    code, err = call("train", *SMALL, "--out", "file/run")
    assert code == FAILURE
    assert_one_line(err, "cannot write file/run: Not a directory")
    assert content(here) == {"file": b"mine"}


@pytest.mark.parametrize("link", ["nowhere", "ring"])
@pytest.mark.parametrize(
    "arguments", [["train", *SMALL], ["report", "."], ["build", "--plan-only"]]
)
def test_a_link_that_leads_nowhere_stays(
    arguments: list[str], link: str, call: Call, here: Path
) -> None:
    (here / "ring").symlink_to("ring")
    (here / "nowhere").symlink_to("none/here")
    code, err = call(*arguments, "--out", link, "--overwrite")
    if (arguments[0], link) == ("build", "nowhere"):  # a plan goes where the link leads
        assert (code, (here / "none" / "here").is_dir()) == (0, True)
    else:
        assert code == USAGE
        assert_one_line(err, f"{link} is a link that leads nowhere", "name another")
    assert (here / link).is_symlink()


@pytest.mark.parametrize("command", ["report", "compare", "evaluate", "train"])
def test_links_in_a_ring_are_no_run(command: str, call: Call, here: Path) -> None:
    (here / "ring").symlink_to("ring")
    arguments = {"report": ["ring"], "compare": ["ring", "ring"], "evaluate": ["ring"]}
    code, err = call(command, *arguments.get(command, ["--resume", "ring"]))
    assert code == USAGE
    assert_one_line(err, "ring")


@pytest.mark.parametrize(
    "arguments", [["train", "--resume", "run"], ["deploy", "board", "--overlay", "run"]]
)
def test_what_cannot_be_looked_into(
    arguments: list[str], call: Call, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The tests may run as root, who can look into anything."""

    is_folder = Path.is_dir

    def refused(path: Path) -> bool:
        if path.parts[:1] == ("run",):
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return is_folder(path)

    monkeypatch.setattr(Path, "is_dir", refused)
    code, err = call(*arguments)
    assert code == FAILURE
    assert_one_line(err, "cannot read run: Permission denied")


def test_names_in_an_error_steer_no_terminal(call: Call, here: Path) -> None:
    code, err = call("train", "--dataset", "a\x1b[31m\x07\0b")
    assert code == USAGE
    assert_one_line(err, "a\\x1b[31m\\x07\\x00b")


def test_a_working_folder_that_is_gone(
    old_run: Path, call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    for command in (["report", f"../{old_run.name}"], ["build", "--plan-only", "--out", "plan"]):
        code, err = call(*command)
        assert code == FAILURE
        assert_one_line(err, "the working folder was removed: cd")


def test_a_net_that_no_memory_holds(call: Call, here: Path) -> None:
    if not Path("/proc/meminfo").exists():
        pytest.skip("the system does not say how much memory is free")
    code, err = call("train", "--net", "64" + "-65536" * 9 + "-10")
    assert code == FAILURE
    assert re.search(r"needs about [\d.]+ GiB of memory, and [\d.]+ GiB are free", err)
    assert_one_line(err)
    assert list(here.iterdir()) == []


def test_evaluate_without_parts_of_a_run(old_run: Path, call: Call) -> None:
    (old_run / "summary.json").unlink()
    assert call("evaluate", old_run) == (0, "")

    (old_run / "config.toml").write_text("epochs = 1\n")
    code, err = call("evaluate", old_run)
    assert code == USAGE
    assert_one_line(err, "names no dataset: add --dataset")

    (old_run / "config.toml").unlink()
    code, err = call("evaluate", old_run)
    assert code == USAGE
    assert_one_line(err, "cannot read", "config.toml: No such file")
    assert call("evaluate", old_run, "--dataset", "digits") == (0, "")

    (old_run / "model.npz").unlink()
    code, err = call("evaluate", old_run, "--dataset", "digits")
    assert code == FAILURE
    assert_one_line(err, "is this the folder of a finished run?")


def test_evaluate_on_images_that_do_not_fit(old_run: Path, tmp_path: Path, call: Call) -> None:
    larger = write_set(tmp_path / "larger", side=9)
    code, err = call("evaluate", old_run, "--dataset", larger)
    assert code == USAGE
    assert_one_line(err, "cannot be tested on larger", "81 pixels")

    more = write_set(tmp_path / "more")
    for stem in (STEMS[1], STEMS[3]):
        labels = idx.read_labels(more / stem)
        idx.write(more / stem, (np.arange(len(labels)) % 15).astype(np.uint8))
    code, err = call("evaluate", old_run, "--dataset", more)
    assert code == USAGE
    assert_one_line(err, "15 classes")


@pytest.mark.parametrize(
    "command",
    [[], ["train"], ["evaluate"], ["predict"], ["export"], ["verify"], ["data"], ["doctor"]],
)
def test_help(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run([*command, "--help"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert out.startswith(f"Usage: {' '.join(['fewmult-hls', *command])} ")


@pytest.mark.parametrize("command", [[], ["data"]])
def test_a_group_alone_shows_its_help(
    command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(command) == 0
    alone = capsys.readouterr().out
    run([*command, "--help"])
    assert alone == capsys.readouterr().out


@pytest.mark.parametrize("command", ["train", "evaluate", "predict", "export"])
def test_help_shows_an_example_a_line(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    run([command, "--help"])
    lines = capsys.readouterr().out.splitlines()
    examples = lines[lines.index("  Examples:") + 1 :]
    assert len(examples) >= 2
    assert {tuple(line.split()[:2]) for line in examples} == {("fewmult-hls", command)}


def test_help_shows_the_defaults(capsys: pytest.CaptureFixture[str]) -> None:
    run(["train", "--help"])
    out = " ".join(capsys.readouterr().out.split())
    defaults = re.findall(r"--([a-z-]+) (?:(?!--).)*?\[default: ([^\]]+)\]", out)
    assert dict(defaults) == {
        "dataset": "digits",
        "net": "two hidden layers of 256",
        "method": "ternary-qbp",
        "master-bits": "16",
        "batch": "128, or fewer where there are fewer to learn from",
        "epochs": "100",
        "cycles": "one",
        "rate": "3, in long runs 2; less for batches below 64, more for 256",
        "seed": "1",
        "from": "weights that the seed draws",
        "backend": "emu",
        "perturb": "0, not at all",
        "no-flip": "no-flip",
        "crop": "0, not at all",
        "no-whiten": "no- whiten",
        "sharpen": "0",
        "patience": "0, never",
        "no-gray": "no-gray",
        "resize": "images stay as they are, and all have one size",
        "scale": "bytes or unit, as type and values say",
        "label": "one that is named label, class or target, or else the only one of texts",
        "checkpoint-every": "10",
        "device": "board",
        "threads": "one for each physical core",
        "out": "runs/DATASET; if that is there, runs/DATASET-2 ..",
    }
