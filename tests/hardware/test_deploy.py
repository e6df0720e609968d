# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""``fewmult-hls deploy`` through ssh and a real sshd, into a real environment with pynq."""

from __future__ import annotations

import io
import os
import platform
import re
import shlex
import shutil
import signal
import subprocess
import sys
import sysconfig
import tarfile
import time
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from email import message_from_bytes
from pathlib import Path

import pytest

from checkout import BOARD_DIST, ROOT, WHEELS, needs_wheel
from command import assert_one_line, content, environment, fewmult, start
from fewmult_hls.hardware.board.board import load_board
from fewmult_hls.hardware.board.manifest import save_manifest
from fewmult_hls.hardware.deploy.payload import packed, read_overlays, read_wheel
from fewmult_hls.hardware.deploy.remote import Login, check_host, log_in
from fewmult_hls.hardware.deploy.steps import look
from fewmult_hls.hardware.emulated.overlay import write_emulated_overlay
from fewmult_hls.system.errors import FewmultError, UsageError
from loopback import SSHD, Server, sshd

SCRIPT = ROOT / "pyhost/fewmult_hls/hardware/deploy/deploy.sh"
IMAGE = {"numpy", "pillow", "requests"}  # what BOARD_NEEDS in the Makefile leaves to the image
Z2 = load_board("pynq-z2")

needs_sshd = pytest.mark.skipif(
    SSHD is None or shutil.which("ssh") is None, reason="needs ssh and sshd (openssh-server)"
)


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with sshd(tmp_path_factory.mktemp("ssh")) as server:
        yield server


@pytest.fixture
def overlays(tmp_path: Path) -> Path:
    folder = tmp_path / "overlays"
    for name in Z2.overlays:
        write_emulated_overlay(folder, Z2, name)
    return folder


def make_environment(folder: Path) -> Path:
    """A virtual environment on top of this one, as the image's is on top of the system's."""
    pytest.importorskip("pynq", reason="needs pynq 3: pip install 'fewmult-hls[board]'")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    put_below(folder, Path(sysconfig.get_path("purelib")))
    return folder


def put_below(image: Path, packages: Path) -> None:
    line = f"import site; site.addsitedir({str(packages)!r})\n"
    (package(image).parent / "image.pth").write_text(line)


def package(image: Path) -> Path:
    """Where the package goes."""
    return next(image.glob("lib/python*/site-packages")) / "fewmult_hls"


class Deploy:
    """The command, with the server's hosts and a wheel that lies alone."""

    def __init__(self, there: Server, folder: Path) -> None:
        self._there = there
        self._wheel = shutil.copy(WHEELS[-1], folder)

    def __call__(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        given = ["--ssh-config", self._there.config]
        if "--wheel" not in arguments:
            given += ["--wheel", self._wheel]
        if "--device" not in arguments:
            given += ["--device", "emulated"]
        done = fewmult("deploy", *arguments, *given)
        assert_idle(self._there)
        return done


def assert_idle(there: Server) -> None:
    """The other side may end a moment after this one."""
    for _ in range(100):
        if there.is_idle():
            return
        time.sleep(0.05)
    raise AssertionError("someone is logged in, or left a folder")


@pytest.fixture(scope="module")
def deploy(there: Server, tmp_path_factory: pytest.TempPathFactory) -> Deploy:
    return Deploy(there, tmp_path_factory.mktemp("dist"))


@dataclass(frozen=True)
class Installed:
    image: Path
    plans: Path
    said: subprocess.CompletedProcess[str]


@pytest.fixture(scope="module")
def installed(deploy: Deploy, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """An environment after a deployment from two plans, which hold their overlays in a folder."""
    image = make_environment(tmp_path_factory.mktemp("there") / "image")
    plans = tmp_path_factory.mktemp("plans")
    for name in Z2.overlays:
        made = write_emulated_overlay(plans / name / "overlay", Z2, name)
        save_manifest(plans / name / "fewmult.json", made)
    named = [word for name in Z2.overlays for word in ("--overlay", plans / name)]
    return Installed(image, plans, deploy("board", *named, "--environment", image))


def run_there(image: Path) -> None:
    """Whether the installed command runs."""
    env = environment()
    env.pop("PYTHONPATH", None)
    done = subprocess.run([image / "bin/fewmult-hls", "--help"], env=env, cwd="/")
    assert done.returncode == 0


# --- a deployment ---


@needs_wheel
@needs_sshd
def test_it_installs_and_lets_the_board_check_itself(installed: Installed) -> None:
    said, image = installed.said, installed.image
    assert (said.returncode, said.stderr) == (0, ""), said.stderr + said.stdout
    assert f"copied {', '.join([WHEELS[-1].name, *Z2.overlays])}" in said.stdout
    assert f"python        {'.'.join(map(str, sys.version_info[:3]))}, {image}" in said.stdout
    assert "pynq and the oracle agree on every bit\nboard is ready\n" in said.stdout
    for name in Z2.overlays:
        for suffix in (".bit", ".hwh", ".json"):
            built = installed.plans / name / "overlay" / f"{name}{suffix}"
            copied = package(image) / "overlays" / built.name
            assert copied.read_bytes() == built.read_bytes()
    # Nothing else came or went, numpy least of all.
    assert {path.name for path in package(image).parent.iterdir()} == {
        "image.pth",
        "fewmult_hls",
        WHEELS[-1].name.replace("-py3-none-any.whl", ".dist-info"),
    }


@needs_wheel
@needs_sshd
def test_another_one_repairs_the_package_and_keeps_the_overlays(
    deploy: Deploy, installed: Installed
) -> None:
    overlays = package(installed.image) / "overlays"
    before = content(overlays)
    (package(installed.image) / "errors.py").write_text("raise SystemExit('damaged')\n")
    overlays.rename(package(installed.image) / ".overlays.old")  # as if killed while replacing them
    (package(installed.image) / ".overlays.new").mkdir()
    done = deploy("board", "--environment", installed.image, "--no-verify")
    assert (done.returncode, done.stderr) == (0, "")
    assert "doctor" in done.stdout
    assert "verify" not in done.stdout
    run_there(installed.image)
    assert content(overlays) == before
    assert len(before) == 3 * len(Z2.overlays)
    assert not list(package(installed.image).glob(".overlays*"))


@needs_wheel
@needs_sshd
def test_a_wheel_that_the_board_lacks_comes_along(deploy: Deploy, tmp_path: Path) -> None:
    image = make_environment(tmp_path / "image")
    if not list(BOARD_DIST.glob("tomli_w-*.whl")):
        pytest.skip("needs all that `make board-wheel` gets")
    below = tmp_path / "below"
    below.mkdir()
    for path in Path(sysconfig.get_path("purelib")).iterdir():
        if not path.name.startswith("tomli_w"):
            (below / path.name).symlink_to(path)
    put_below(image, below)
    options = ["--environment", image, "--no-verify"]
    done = deploy("board", *options)
    assert done.returncode == 1
    assert "No matching distribution found for tomli-w" in done.stderr
    assert done.stderr.splitlines()[-1].startswith("error: board: the installation failed")
    assert not package(image).exists()
    done = deploy("board", *options, "--wheel", WHEELS[-1])
    assert (done.returncode, done.stderr) == (0, "")
    assert (package(image).parent / "tomli_w").is_dir()
    assert not (package(image).parent / "rich").exists(), "it was there"


@pytest.mark.skipif(not list(BOARD_DIST.glob("rich-*.whl")), reason="needs `make board-wheel`")
def test_the_wheels_beside_it_are_all_that_the_image_lacks() -> None:
    needed, there = set(), set()
    for path in BOARD_DIST.glob("*.whl"):
        assert path.name.endswith("-none-any.whl")
        with zipfile.ZipFile(path) as wheel:
            name = next(name for name in wheel.namelist() if name.endswith("/METADATA"))
            head = message_from_bytes(wheel.read(name))
        there.add(normal(head["Name"]))
        needed |= {
            normal(text) for text in head.get_all("Requires-Dist") or [] if "extra ==" not in text
        }
    assert needed - there == IMAGE
    assert there - needed == {"fewmult-hls"}


@needs_wheel
def test_pure_wheels_beside_it_go_along(tmp_path: Path) -> None:
    wheel = Path(shutil.copy(WHEELS[-1], tmp_path))
    others = ["rich-15-py3-none-any.whl", "numpy-1.26-cp311-cp311-linux_x86_64.whl"]
    for name in [*others, "fewmult_hls-0.0.1-py3-none-any.whl"]:
        shutil.copy(wheel, tmp_path / name)
    with tarfile.open(fileobj=io.BytesIO(packed(wheel, {}, SCRIPT))) as archive:
        requirements = archive.extractfile("requirements.txt")
        assert requirements is not None
        assert requirements.read().decode().splitlines() == read_wheel(wheel)
        assert set(archive.getnames()) == {
            "./deploy.sh",
            "requirements.txt",
            f"wheels/{wheel.name}",
            "wheels/rich-15-py3-none-any.whl",
        }


def normal(requirement: str) -> str:
    name = re.match(r"[\w.-]+", requirement)
    assert name
    return re.sub(r"[-_.]+", "-", name[0]).lower()


# --- faults here: nothing is copied ---


@needs_wheel
def test_wheels_that_are_refused(tmp_path: Path) -> None:
    def refused(path: Path, said: str) -> None:
        with pytest.raises(
            FewmultError, match=f"{re.escape(str(path))} .*{said}.*make board-wheel"
        ):
            read_wheel(path)

    (tmp_path / WHEELS[-1].name).write_text("text")
    refused(tmp_path / WHEELS[-1].name, "is no wheel, or a damaged one")
    for name in ("rich-15-py3-none-any", "fewmult_hls-9.9-py3-none-any", "fewmult_hls-1-cp311"):
        other = shutil.copy(WHEELS[-1], tmp_path / f"{name}.whl")
        refused(other, f"is not {WHEELS[-1].name}")
    damaged = bytearray(WHEELS[-1].read_bytes())
    damaged[len(damaged) // 2] ^= 1
    (tmp_path / WHEELS[-1].name).write_bytes(damaged)
    refused(tmp_path / WHEELS[-1].name, "damaged")
    info = WHEELS[-1].name.replace("-py3-none-any.whl", ".dist-info")
    with zipfile.ZipFile(tmp_path / WHEELS[-1].name, "w") as archive:
        archive.writestr(f"{info}/METADATA", b"Requires-Dist: \xff")
    refused(tmp_path / WHEELS[-1].name, "damaged one .*utf-8")


@pytest.mark.slow
def test_no_wheel_names_the_command_that_makes_it(tmp_path: Path) -> None:
    path = environment(PYTHONPATH=os.pathsep.join(map(os.path.abspath, sys.path)))
    for words, said in {
        (): "there is no fewmult_hls-",
        ("--wheel", "no.whl"): "no wheel no.whl",
    }.items():
        done = fewmult("deploy", "nowhere.invalid", *words, cwd=tmp_path, env=path)
        assert done.returncode == 2
        assert_one_line(done.stderr, said, "`make board-wheel`")


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (lambda d: (d / "fewmult.hwh").unlink(), r"there is no .*/fewmult.hwh: .* of one build"),
        (lambda d: (d / "fewmult.bit").write_text(""), "fewmult.bit is empty"),
        (lambda d: (d / "fewmult.json").write_text("{"), "fewmult.json is damaged"),
        (
            lambda d: edit(d / "fewmult.json", '"board": "pynq-z2"', '"board": "pynq-z1"'),
            "is for the board pynq-z1, not for pynq-z2",
        ),
        (lambda d: edit(d / "fewmult.json", '"format": 3', '"format": 1'), "has format 1"),
        (
            lambda d: edit(d / "fewmult.json", '"sharpness"', '"sharper"'),
            "kernel shift_gradient with another 'sharper': .* build it again",
        ),
        (
            lambda d: edit(d / "fewmult.json", '"layer": {', '"convolution": {'),
            "other kernels, convolution, shift_gradient: .* build it again",
        ),
        (
            lambda d: shutil.copy(d / "fewmult_units.hwh", d / "fewmult.hwh"),
            "fewmult.hwh is not of this plan",
        ),
        (
            lambda d: shutil.copy(d / "fewmult_units.json", d / "fewmult.json"),
            "is of the overlay fewmult_units",
        ),
        (
            lambda d: [path.unlink() for path in d.iterdir()],
            "has no fewmult.bit or fewmult_places.bit",
        ),
    ],
)
def test_overlays_that_are_refused(
    overlays: Path, fault: Callable[[Path], object], said: str
) -> None:
    fault(overlays)
    with pytest.raises(FewmultError, match=said):
        read_overlays([overlays], Z2)


@needs_wheel
def test_overlays_are_refused_before_anyone_logs_in(overlays: Path) -> None:
    options = ["--overlay", overlays, "--wheel", WHEELS[-1]]
    (overlays / "fewmult_units.hwh").unlink()
    done = fewmult("deploy", "nowhere.invalid", *options)
    assert done.returncode == 1
    assert_one_line(done.stderr, f"there is no {overlays}/fewmult_units.hwh")
    for path in overlays.glob("fewmult_units*"):
        path.unlink()
    done = fewmult("deploy", "nowhere.invalid", *options)
    assert done.returncode == 2
    assert_one_line(done.stderr, "verify also needs the overlay fewmult_units", "--no-verify")


def test_an_overlay_that_is_named_twice(overlays: Path, tmp_path: Path) -> None:
    write_emulated_overlay(tmp_path / "other", Z2, "fewmult")
    with pytest.raises(UsageError, match=r"other/fewmult\.bit: name one of them"):
        read_overlays([overlays, tmp_path / "other"], Z2)


@pytest.mark.slow
def test_requests_that_cannot_be_meant() -> None:
    for words, part in {
        ("",): "the host is empty",
        ("--", "-oProxyCommand=touch x"): "begins with '-'",
        ("pynq", "--environment", "/a\nb"): "--environment '/a\\nb' has characters",
        ("pynq", "--environment", "/wow!"): "that not every shell passes on",
        (): "Missing argument 'HOST'",
        ("pynq", "--board", "zybo"): "there is no board 'zybo'",
        ("pynq", "--environment", "venv"): "--environment venv must be a path from the root",
    }.items():
        done = fewmult("deploy", *words)
        assert done.returncode == 2
        assert_one_line(done.stderr, part)


@pytest.mark.parametrize(
    ("host", "said"),
    [
        *((host, "host is empty") for host in ("", "me@", "ssh://", "ssh://me@")),
        *((host, "begins with '-'") for host in ("-x", "me@-x", "-x@pynq", "ssh://-x")),
        *(
            (host, "has blanks")
            for host in (" ", "a b", "a\tb", "a\n", "\x1b[2J", "\u202ea", "\udcff")
        ),
    ],
)
def test_hosts_that_ssh_never_sees(host: str, said: str) -> None:
    with pytest.raises(UsageError, match=said) as caught:
        check_host(host)
    assert str(caught.value).isprintable()


def test_hosts_that_may_be_there() -> None:
    for host in ("pynq", "me@pynq", "me@10.0.0.1", "::1", "me@fe80::1%eth0", "ssh://me@[::1]:22"):
        check_host(host)
    check_host("b\u00fcro")


# --- faults there ---


@needs_wheel
@needs_sshd
def test_hosts_that_refuse(deploy: Deploy) -> None:
    hosts = {"closed": "Connection refused", "stranger": "Permission denied"}
    for host, part in {**hosts, "ssh://a[b": "ssh takes no such host"}.items():
        done = deploy(host)
        assert (done.returncode, done.stdout) == (1, "")
        assert_one_line(
            done.stderr,
            f"cannot log in to {host}",
            part,
            f" -- {shlex.quote(host)}` must work first",
        )


@needs_wheel
def test_without_ssh(tmp_path: Path) -> None:
    done = fewmult("deploy", "board", "--wheel", WHEELS[-1], env=environment(PATH=str(tmp_path)))
    assert done.returncode == 1
    assert_one_line(done.stderr, "ssh is not on PATH")


@needs_wheel
@needs_sshd
def test_environments_that_are_not_the_images(deploy: Deploy, tmp_path: Path) -> None:
    done = deploy("board", "--environment", tmp_path / "none")
    assert (done.returncode, done.stdout) == (1, "")
    assert_one_line(done.stderr, f"board: there is no Python environment {tmp_path}/none")
    bare = tmp_path / "bare"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", bare], check=True)
    done = deploy("board", "--environment", bare)
    assert (done.returncode, done.stdout) == (1, "")
    assert_one_line(done.stderr, f"board: {bare} has no pip")


@needs_sshd
@pytest.mark.parametrize("shell", ["noisy", "fish", "tcsh"])
def test_login_shells_of_all_kinds(
    there: Server, shell: str, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    if shell != "noisy" and shutil.which(shell) is None:
        pytest.skip(f"needs {shell}")
    image = make_environment(tmp_path / "image")
    odd = ["it's", '"two words"', "$HOME `x` *", "{a,b} <>|;&#", ""]
    sent = os.urandom(100_000)
    with log_in(shell, there.config) as login:
        said = login.ask(["printf", "<%s>", *odd])
        assert "".join(f"<{word}>" for word in odd) in said
        _, facts = look(login, str(image), "emulated")
        assert facts.startswith(f"Python {platform.python_version()}, numpy ")
        login.ask(["sh", "-c", 'cat >"$0/sent"', login.folder], sent)
        assert Path(login.folder, "sent").read_bytes() == sent
        assert login.run(["sh", "-c", "exit 12"], terminal=False) == 12
    assert_idle(there)
    printed = capfd.readouterr()
    assert printed.err == ""
    assert ("Welcome" in printed.out) == (shell == "noisy")


class Answer(Login):
    """A host that answers what it likes."""

    def __init__(self, answer: str) -> None:
        super().__init__("board", "", ())
        self._answer = answer

    def ask(self, command: Sequence[str], given: bytes = b"") -> str:
        return self._answer


def test_answers_that_describe_no_environment() -> None:
    line = "fewmult-hls finds Python 3.10.4, numpy 1.21.6, pynq 3.0.1, installs with:"
    facts = "Python 3.10.4, numpy 1.21.6, pynq 3.0.1"
    for answer, sudo in ((line, []), (f"Welcome\r\n{line} sudo -n\nBye", ["sudo", "-n"])):
        assert look(Answer(answer), "/venv", "board") == (sudo, facts)
    for answer in ("", "{}", "x" * 100_000, line[1:], f" {line}", line[:-5], "\x1b[2J"):
        with pytest.raises(FewmultError, match=r"^board: /venv answers '") as caught:
            look(Answer(answer), "/venv", "board")
        assert str(caught.value).isprintable()
        assert len(str(caught.value)) < 300


@needs_sshd
def test_environments_without_what_is_needed(there: Server, tmp_path: Path) -> None:
    image = make_environment(tmp_path / "image")
    below = tmp_path / "below"
    below.mkdir()
    put_below(image, below)
    with log_in("board", there.config) as login:
        for name in ("pip", "numpy", "pynq"):
            with pytest.raises(FewmultError, match=rf"^board: {image} has no {name}: name the env"):
                look(login, str(image), "board")
            (below / f"{name}-99.dist-info").mkdir()
            (below / f"{name}-99.dist-info/METADATA").write_text(f"Name: {name}\nVersion: 99\n")
        assert look(login, str(image), "emulated")[1].endswith("numpy 99, pynq 99")
    assert_idle(there)


@needs_wheel
@needs_sshd
def test_a_connection_that_breaks_leaves_the_old_installation(
    deploy: Deploy, installed: Installed, overlays: Path
) -> None:
    before = content(installed.image)
    (overlays / "fewmult.bit").write_bytes(os.urandom(500_000))
    done = deploy("cut", "--environment", installed.image, "--overlay", overlays)
    assert done.returncode == 1
    assert_one_line(done.stderr, "the connection to cut broke")
    assert "copied" not in done.stdout
    assert content(installed.image) == before
    run_there(installed.image)


@needs_wheel
@needs_sshd
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, as a board does")
def test_verify_says_what_is_wrong_there(
    deploy: Deploy, installed: Installed, overlays: Path
) -> None:
    (overlays / "fewmult.bit").write_text("another build")
    options = ["--environment", installed.image, "--overlay", overlays, "--device", "board"]
    done = deploy("board", *options)
    assert done.returncode == 1
    line, last = done.stderr.splitlines()
    assert line.startswith("error: XILINX_XRT is not set, so pynq finds no board")
    assert last == "error: board: verify failed"
    assert "is ready" not in done.stdout
    assert content(package(installed.image) / "overlays") == content(overlays)
    assert not list(package(installed.image).glob(".overlays*"))


@pytest.mark.slow
@needs_wheel
@needs_sshd
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_leaves_nothing_there(
    there: Server, installed: Installed, number: signal.Signals
) -> None:
    options = ["--environment", installed.image, "--device", "emulated", "--wheel", WHEELS[-1]]
    options += ["--ssh-config", there.config]
    process = start("deploy", "board", *options, start_new_session=True)
    assert process.stdout is not None
    assert "Python" in process.stdout.readline()
    if number == signal.SIGINT:
        os.killpg(process.pid, number)  # a key reaches ssh as well
    else:
        process.send_signal(number)
    said = process.communicate(timeout=120)
    assert process.returncode == 128 + number, said
    assert_idle(there)
