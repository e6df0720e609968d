# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""The command line: a file a command, and one place where errors become lines and exit codes."""

from __future__ import annotations

import sys

import click

from .. import __version__
from ..errors import FewmultError
from .data import data
from .doctor import doctor
from .evaluate import evaluate
from .train import train
from .verify import verify

_INTERRUPTED = 130  # 128 + SIGINT, as shells have it


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="fewmult-hls")
def cli() -> None:
    """Train neural networks without multiplications, on this CPU or on an FPGA, bit for bit."""


for _command in (train, evaluate, verify, data, doctor):
    cli.add_command(_command)


def main() -> None:
    """Runs a command; whatever goes wrong on purpose ends in one line and an exit code."""
    try:
        sys.exit(cli.main(standalone_mode=False))
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        sys.exit(0)
    except click.ClickException as error:
        _fail(error.format_message(), error.exit_code)
    except FewmultError as error:
        _fail(str(error), error.exit_code)
    except (click.exceptions.Abort, KeyboardInterrupt):
        _fail("interrupted", _INTERRUPTED)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(1)
    except MemoryError:
        _fail("out of memory: take a smaller net or batch", 1)


def _fail(message: str, code: int) -> None:
    click.echo("error: " + " ".join(message.split()), err=True)
    sys.exit(code)
