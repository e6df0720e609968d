# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""All commands, and the one place where errors become lines and exit codes."""

from __future__ import annotations

import errno
import io
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import click

from .. import __version__
from ..system.errors import FewmultError, as_line
from ..system.threads import spare_blas
from .bench import bench
from .build import build
from .compare import compare
from .data import data
from .deploy import deploy
from .doctor import doctor
from .estimate import estimate
from .evaluate import evaluate
from .export import export
from .ops import ops
from .predict import predict
from .presets import presets
from .report import report
from .sweep import sweep
from .train import train
from .verify import verify

_NAME = "fewmult-hls"
_OF_OUTPUT = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF)


@click.group(
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name=_NAME)
@click.pass_context
def cli(context: click.Context) -> None:
    """Train neural networks without multiplications, on this CPU or on an FPGA, bit for bit.

    Begin with `fewmult-hls train`: it learns the built-in digits in seconds.
    """
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


for _command in (
    train,
    sweep,
    presets,
    evaluate,
    predict,
    export,
    compare,
    report,
    verify,
    bench,
    ops,
    build,
    estimate,
    deploy,
    data,
    doctor,
):
    cli.add_command(_command)


def run(arguments: Sequence[str] | None = None) -> int:
    """Runs a command.

    Args:
        arguments: by default what the process was started with.

    Returns:
        The exit code; whatever goes wrong on purpose has ended in one line.
    """
    _prepare_streams()
    spare_blas()
    try:
        return _run(arguments)
    finally:
        _drop_unwritable_output()


def _run(arguments: Sequence[str] | None) -> int:
    try:
        return int(cli.main(arguments, prog_name=_NAME, standalone_mode=False) or 0)
    except click.UsageError as error:
        command = error.ctx.command_path if error.ctx else _NAME
        return _failed(f"{error.format_message()} (see {command} --help)", error.exit_code)
    except click.ClickException as error:
        return _failed(error.format_message(), error.exit_code)
    except FewmultError as error:
        return _failed(str(error), error.exit_code)
    except OSError as error:
        return _failed(_fault(error), 1)
    except MemoryError:
        return _failed("there is not enough memory: take a smaller net, batch or data set", 1)


def _prepare_streams() -> None:
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:  # closed by whoever started this process
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115
        elif isinstance(stream, io.TextIOWrapper):
            # A path need not be text, nor fit the terminal's encoding.
            stream.reconfigure(errors="backslashreplace")


def _drop_unwritable_output() -> None:
    """Empties buffers that would fail once more when Python exits, with code 120."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            with Path(os.devnull).open("wb") as nowhere:
                os.dup2(nowhere.fileno(), stream.fileno())


def _fault(error: OSError) -> str:
    """What the system refused, where nobody else said it."""
    reason = error.strerror or str(error)
    if error.filename is not None:
        name = os.fsdecode(error.filename) if isinstance(error.filename, bytes) else error.filename
        return f"cannot use {name}: {reason}"
    # Whoever writes files names them.
    what = "cannot write the output" if error.errno in _OF_OUTPUT else "the system refused"
    return f"{what}: {reason}"


def _failed(message: str, code: int) -> int:
    with suppress(OSError):  # nobody may be there any more
        click.echo("error: " + as_line(message), err=True)
    return code
